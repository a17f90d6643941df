#!/bin/bash
# Times the same cases in PyTorch and here, one case after the other so that both meet the same machine, and prints the
# ratios PyTorch ms / our ms with their geometric mean; the same for the matrix products in OpenBLAS and in CLBlast where
# they are installed, and for tinygrad on OpenCL where a Python has it (pip install tinygrad numpy).
#
#   Benchmarks/against-peers.sh [--cases FILE] [--case CASE]… [--out FOLDER]
#
# PEERS   the folder of clblast_gemm.c and tinygrad_bench.py (default ../shared/peers)
# PYTHON  a Python with torch (default python3)
# TINYGRAD a Python with tinygrad (default $PYTHON)
# THREADS for PyTorch (default: the number of processors)
# WRAP    a command to put before each timed one, say to have the machine alone
# DEVICES our devices (default "cpu opencl")
set -eu -o pipefail
cd "$(dirname "$0")/.."
peers=${PEERS:-../shared/peers}
python=${PYTHON:-python3}
threads=${THREADS:-$(nproc)}
bench=${BENCH:-.build/release/gpu-bench}
wrap=${WRAP:-}
cases=()
file=Benchmarks/cases.txt
out=$(mktemp -d)
while [ $# -gt 0 ]; do
    case $1 in
        --cases) file=$2; shift 2 ;;
        --case) cases+=("$2"); shift 2 ;;
        --out) out=$2; mkdir -p "$out"; shift 2 ;;
        *) echo "unknown option $1" >&2; exit 2 ;;
    esac
done
[ -x "$bench" ] || { echo "$bench is not built: swift build -c release --product gpu-bench" >&2; exit 2; }
if [ ${#cases[@]} -eq 0 ]; then mapfile -t cases < <(grep -v '^#' "$file" | grep .); fi
devices=()
for device in ${DEVICES:-cpu opencl}; do devices+=(--device "$device"); done

: > "$out/torch.jsonl"
: > "$out/tessera.jsonl"
for case in "${cases[@]}"; do
    echo "$case" >&2
    $wrap "$python" Benchmarks/torch_bench.py --device cpu --threads "$threads" --case "$case" >> "$out/torch.jsonl"
    rm -f "$out/one.json"
    $wrap "$bench" run --no-check --no-peak "${devices[@]}" --case "$case" --json "$out/one.json" > /dev/null || true
    # A row a line, without the brackets of the array.
    if [ -f "$out/one.json" ]; then grep '^{' "$out/one.json" | sed 's/},$/}/' >> "$out/tessera.jsonl"; fi
done
"$bench" compare "$out/torch.jsonl" "$out/tessera.jsonl" || true

mapfile -t products < <(printf '%s\n' "${cases[@]}" | grep '^matmul:' || true)
if [ ${#products[@]} -gt 0 ] \
    && cc -O2 Benchmarks/openblas_gemm.c -o "$out/openblas_gemm" -lopenblas 2> /dev/null; then
    OPENBLAS_NUM_THREADS=$threads $wrap "$out/openblas_gemm" "${products[@]}" > "$out/openblas.jsonl"
    echo
    "$bench" compare "$out/openblas.jsonl" "$out/tessera.jsonl" || true
fi

if command -v cc > /dev/null && [ -f "$peers/clblast_gemm.c" ] && [ -f /usr/include/clblast_c.h ]; then
    cc -O2 -w "$peers/clblast_gemm.c" -o "$out/clblast_gemm" -lclblast -lOpenCL
    $wrap "$out/clblast_gemm" 0 512 1024 2048 > "$out/clblast.jsonl"
    # Its figure is the best of six runs: set our minimum beside it.
    sed -E 's/"ms":[^,]*,/"x":0,/; s/"min_ms"/"ms"/' "$out/tessera.jsonl" \
        | { grep -E 'matmul:m=(512|1024|2048),n=(512|1024|2048),k=.*"fwd"' || true; } > "$out/tessera-minimum.jsonl"
    echo
    "$bench" compare "$out/clblast.jsonl" "$out/tessera-minimum.jsonl" || true
fi

tinygrad=${TINYGRAD:-$python}
if [ -f "$peers/tinygrad_bench.py" ] && "$tinygrad" -c 'import tinygrad' 2> /dev/null; then
    echo tinygrad >&2
    DEV=CL $wrap "$tinygrad" "$peers/tinygrad_bench.py" > "$out/tinygrad-as-written.jsonl"
    # It times forward passes, in a form of its own.
    sed -E 's/"fwd_ms": ([0-9.]+)/"pass": "fwd", "ms": \1/' "$out/tinygrad-as-written.jsonl" > "$out/tinygrad.jsonl"
    grep '"fwd"' "$out/tessera.jsonl" > "$out/tessera-forward.jsonl" || true
    echo
    "$bench" compare "$out/tinygrad.jsonl" "$out/tessera-forward.jsonl" || true
else
    echo "no tinygrad in $tinygrad: left out (pip install tinygrad numpy; TINYGRAD=its python)" >&2
fi
