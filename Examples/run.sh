#!/bin/bash
# Runs the examples and writes one page of what they came to: curves, pictures, figures beside what they must reach.
#
#   Examples/run.sh [--quick] [--device DEVICE] [--results FOLDER] [--torch PYTHON] [NAME…]
#
# --quick     a few steps of each, in seconds, with nothing to reach
# --device    as of the programs (default: opencl where there is such a device, otherwise cpu)
# --results   where results, logs and index.html go (default .build/examples)
# --torch     a Python with torch and numpy, which trains the same networks of Examples/torch beside ours
# NAME        which examples (default: all folders here)
# RELEASE     the folder of the programs, which are built where it is not set
#
# Ends with status 1 where a program fails or a figure is not what it must reach; all others run and the page is written.
set -eu -o pipefail
cd "$(dirname "$0")/.."
options=()
torch_options=()
device=
results=.build/examples
torch=
names=()
while [ $# -gt 0 ]; do
    case $1 in
        --quick) options+=(--quick); torch_options+=(--quick); shift ;;
        --device) device=$2; shift 2 ;;
        --results) results=$2; shift 2 ;;
        --torch) torch=$2; shift 2 ;;
        -h | --help) sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        -*) echo "unknown option $1: see Examples/run.sh --help" >&2; exit 2 ;;
        *) names+=("$1"); shift ;;
    esac
done
if [ ${#names[@]} -eq 0 ]; then
    # Folders of programs are those that have a lower-case name.
    for folder in Examples/[[:lower:]]*/; do
        name=$(basename "$folder")
        [ "$name" = torch ] || names+=("$name")
    done
fi
if [ -z "${RELEASE:-}" ]; then
    swift build -c release
    RELEASE=.build/release
fi
if [ -z "$device" ]; then
    device=cpu
    if [ "$("$RELEASE/gpu-bench" devices | grep -c '^opencl:')" -gt 0 ]; then device=opencl; fi
fi
if [ -n "$torch" ] && ! "$torch" -c 'import torch, numpy'; then
    echo "$torch has no torch or no numpy: pip install torch numpy" >&2
    exit 2
fi
mkdir -p "$results"
failed=()
for name in "${names[@]}"; do
    printf '\n\033[1m%s\033[0m\n' "$name"
    # What an earlier run came to is not shown as this one's.
    rm -f "$results/$name".json "$results/$name".torch.json
    start=$SECONDS
    "$RELEASE/$name" --device "$device" --results "$results" ${options[@]+"${options[@]}"} 2>&1 \
        | tee "$results/$name.log" || failed+=("$name")
    echo "$name: $((SECONDS - start)) s"
    if [ -n "$torch" ] && [ -f "Examples/torch/$name.py" ]; then
        "$torch" "Examples/torch/$name.py" --results "$results" ${torch_options[@]+"${torch_options[@]}"} 2>&1 \
            | tee "$results/$name.torch.log" || failed+=("$name in PyTorch")
    fi
done
echo
"$RELEASE/example-page" "$results"
if [ ${#failed[@]} -gt 0 ]; then
    printf 'failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
