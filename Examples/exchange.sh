#!/bin/bash
# Holds the weights of every example's network to PyTorch, both ways: a model that is trained here for a few steps opens there
# from its safetensors file and gives the same outputs, and one that is made there opens here. Inputs are random; outputs may
# differ by 2e-5 of the greatest.
#
#   PYTHON=python3 Examples/exchange.sh [NAME…]
#
# PYTHON   a Python with torch, numpy and safetensors (default python3); without them nothing is checked, which is said
# RELEASE  the folder of the programs, which are built where it is not set
# DEVICE   as of the programs (default cpu)
set -eu -o pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
if ! "$python" -c 'import torch, numpy, safetensors' 2>/dev/null; then
    echo "SKIPPED: the exchange of weights with PyTorch, as $python has not all of torch, numpy and safetensors." >&2
    echo "         PYTHON=… names one that has: pip install torch numpy safetensors" >&2
    exit 0
fi
if [ -z "${RELEASE:-}" ]; then
    swift build -c release
    RELEASE=.build/release
fi
device=${DEVICE:-cpu}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for file in Examples/torch/*.py; do
        if grep -q '^EXCHANGES' "$file"; then names+=("$(basename "$file" .py)"); fi
    done
fi
exchange() { "$python" Examples/torch/exchange.py "$@"; }
# What a program prints is only of use where it fails.
quietly() { "$@" > "$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }; }
failed=()
for name in "${names[@]}"; do
    count=$(exchange "$name" --count)
    for ((number = 0; number < count; number++)); do
        read -r -a arguments <<< "$(exchange "$name" --number $number --arguments)"
        program=("$RELEASE/$name" --device "$device" ${arguments[@]+"${arguments[@]}"})
        files=(--predict "$work/inputs.safetensors" --outputs "$work/outputs.safetensors")
        echo "$name ${arguments[*]-}: from here to PyTorch"
        { quietly "${program[@]}" --quick --save "$work/ours.safetensors" \
            && exchange "$name" --number $number --write "$work" --weights "$work/ours.safetensors" \
            && quietly "${program[@]}" --load "$work/ours.safetensors" "${files[@]}" \
            && exchange "$name" --compare "$work"; } || failed+=("$name ${arguments[*]-} to PyTorch")
        echo "$name ${arguments[*]-}: from PyTorch to here"
        { exchange "$name" --number $number --write "$work" \
            && quietly "${program[@]}" --load "$work/torch.safetensors" "${files[@]}" \
            && exchange "$name" --compare "$work"; } || failed+=("$name ${arguments[*]-} from PyTorch")
        rm -f "$work"/*.safetensors
    done
done
if [ ${#failed[@]} -gt 0 ]; then
    printf 'failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
