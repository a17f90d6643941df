#!/bin/bash
# Prints what a training step of each network takes of memory, beside PyTorch's: by how much the resident set grows from before
# the network is there to the highest point of a few steps, and what the plan says that it takes on the device.
#
#   Benchmarks/memory.sh [CASE]…      (default: the cases of the family train in Benchmarks/cases.txt)
#
# PYTHON   a Python with torch (default python3)
# DEVICES  our devices (default "cpu opencl")
set -eu -o pipefail
cd "$(dirname "$0")/.."
bench=${BENCH:-.build/release/gpu-bench}
python=${PYTHON:-python3}
[ -x "$bench" ] || { echo "$bench is not built: swift build -c release --product gpu-bench" >&2; exit 2; }
if [ $# -eq 0 ]; then mapfile -t cases < <(grep '^train:' Benchmarks/cases.txt); else cases=("$@"); fi
number() { sed -n "s/.*\"$1\": *\([0-9-]*\).*/\1/p"; }
mebibytes() { awk "BEGIN { printf \"%.1f\", $1 / 1048576 }"; }
printf '| case | device | arenas, MiB | plan, MiB | growth, MiB | PyTorch, MiB | PyTorch / ours |\n'
printf '| --- | --- | --- | --- | --- | --- | --- |\n'
for case in "${cases[@]}"; do
    peer=$("$python" Benchmarks/torch_memory.py --threads "$(nproc)" --case "$case" | number growth)
    for device in ${DEVICES:-cpu opencl}; do
        # The first compiles.
        "$bench" memory --case "$case" --device "$device" --steps 1 > /dev/null
        ours=$("$bench" memory --case "$case" --device "$device")
        growth=$(number growth <<< "$ours")
        printf '| `%s` | %s | %s | %s | %s | %s | %s |\n' "$case" "$device" "$(mebibytes "$(number arenas <<< "$ours")")" \
            "$(mebibytes "$(number planned <<< "$ours")")" "$(mebibytes "$growth")" "$(mebibytes "$peer")" \
            "$(awk "BEGIN { printf \"%.2f\", $peer / $growth }")"
    done
done
