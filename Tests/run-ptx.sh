#!/bin/bash
# Translates the kernels for NVIDIA's matrix units to PTX with clang, assembles them with ptxas for sm_80 and sm_90, and
# prints registers, local memory and spills. No GPU is needed. Fails where something does not assemble or spills.
#
# CLANG   a clang with the NVPTX target (default: the first of clang-19 … clang-14 and clang that has it)
# PTXAS   ptxas (default: on the path, else from the PyPI wheel nvidia-cuda-nvcc-cu12 in .build-ptx)
# `--install` gets both where they are missing; without it, what is missing skips the test, loudly, with status 0.
set -eu -o pipefail
cd "$(dirname "$0")/.."
environment=.build-ptx
if [ "${1:-}" = --install ]; then
    Tests/install-packages.sh clang-15 python3-venv
    if [ ! -x "$environment/bin/pip" ]; then python3 -m venv "$environment"; fi
    "$environment/bin/pip" install --quiet --disable-pip-version-check nvidia-cuda-nvcc-cu12
fi
skip() {
    echo "SKIPPED: $1. The kernels for matrix units were NOT assembled. \`make test-ptx\` installs what it needs." >&2
    exit 0
}
clang=${CLANG:-}
if [ -z "$clang" ]; then
    for candidate in clang-{19,18,17,16,15,14} clang; do
        if "$candidate" --print-targets 2> /dev/null | grep -q nvptx64; then clang=$candidate; break; fi
    done
fi
[ -n "$clang" ] || skip "there is no clang with the NVPTX target"
ptxas=${PTXAS:-$(command -v ptxas || find "$environment" -name ptxas -type f 2> /dev/null | head -1)}
[ -n "$ptxas" ] || skip "there is no ptxas"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0
built=0
# assemble NAME FILES DEFINE…
assemble() {
    local name=$1 files=$2 output
    shift 2
    : > "$folder/kernel.cl"
    for file in common/matrix_nvidia.cl $files; do cat "Kernels/$file" >> "$folder/kernel.cl"; done
    if ! "$clang" --target=nvptx64-nvidia-cuda -Xclang -target-cpu -Xclang sm_80 -Xclang -target-feature \
        -Xclang +ptx71 -x cl -cl-std=CL1.2 -Xclang -finclude-default-header -include Tests/PTX/builtins.h \
        -Werror -Wno-constant-logical-operand -O3 -S -o "$folder/kernel.ptx" "${@/#/-D}" "$folder/kernel.cl"; then
        echo "FAIL  $name: not translated to PTX"
        failures=$((failures + 1))
        return
    fi
    for architecture in sm_80 sm_90; do
        if ! output=$("$ptxas" -arch=$architecture -v -o /dev/null "$folder/kernel.ptx" 2>&1); then
            echo "FAIL  $name, $architecture: $output"
            failures=$((failures + 1))
            continue
        fi
        built=$((built + 1))
        local registers spills memory
        # The most of all kernels in the file.
        registers=$(sed -nE 's/.*Used ([0-9]+) registers.*/\1/p' <<< "$output" | sort -n | tail -1)
        memory=$(sed -nE 's/.* ([0-9]+) bytes smem.*/\1/p' <<< "$output" | sort -n | tail -1)
        spills=$(sed -nE 's/.* ([0-9]+) bytes spill stores.*/\1/p' <<< "$output" | sort -n | tail -1)
        printf '%-62s %s  %3d registers  %5d bytes of local memory  %d spilled\n' \
            "$name" "$architecture" "$registers" "$memory" "$spills"
        if [ "$spills" -ne 0 ]; then
            echo "FAIL  $name, $architecture: $spills bytes are spilled"
            failures=$((failures + 1))
        fi
    done
}

formats=("" float16 bfloat16 tf32)
for format in 1 2 3; do
    assemble "probe ${formats[format]}" probe/matrix_nvidia.cl FORMAT=$format MATRIX_THREADS=32
    # What bfloat16 does differently from float16 is in its name alone.
    if [ $format = 2 ]; then layouts=("0 0"); else layouts=("0 0" "0 1" "1 0" "1 1"); fi
    for transposes in "${layouts[@]}"; do
        read -r a b <<< "$transposes"
        # As MatrixTile chooses: 128 × 128, then 64 × 64.
        across=64
        if [ $format = 3 ] && [ "$a" = 1 ]; then across=32; fi
        options=(FORMAT=$format TRANSPOSE_A=$a TRANSPOSE_B=$b HAS_BIAS=1 "ACTIVATION=RELU")
        assemble "gemm 128×128 ${formats[format]} a$a b$b" "gemm/batch.cl gemm/matrix_nvidia.cl" "${options[@]}" WARP_N=$across \
            MATRIX_THREADS=$((8192 / across))
        assemble "gemm 64×64 ${formats[format]} a$a b$b" "gemm/batch.cl gemm/matrix_nvidia.cl" "${options[@]}" \
            TILE_M=64 TILE_N=64 WARP_M=32 WARP_N=32
    done
done
for copied in 8 4 2; do
    assemble "gemm 128×128 float16, rows aligned to $copied" "gemm/batch.cl gemm/matrix_nvidia.cl" COPY_A=$copied COPY_B=$copied
done
assemble "gemm 128×128 bfloat16 to float32" "gemm/batch.cl gemm/matrix_nvidia.cl" FORMAT=2 FLOAT_RESULT=1
for format in 1 2; do
    widths=(64)
    if [ $format = 1 ]; then widths=(32 64 80 128); fi
    for width in "${widths[@]}"; do
        for causal in 0 1; do
            options=(FORMAT=$format HEAD_WIDTH=$width CAUSAL=$causal)
            name="${formats[format]}, d = $width, causal $causal"
            assemble "attention $name" "attention/masks.cl attention/matrix_rows.cl attention/matrix_nvidia.cl" "${options[@]}"
            if [ $width -le 80 ]; then
                assemble "attention gradient $name" "attention/masks.cl attention/matrix_rows.cl attention/matrix_gradient_nvidia.cl" \
                    "${options[@]}"
            fi
        done
    done
done
echo "$built assembled, $failures failed"
[ $failures -eq 0 ]
