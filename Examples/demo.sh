#!/bin/bash
# What this machine can do, in a few minutes: Examples/demo.sh FOLDER-OF-THE-PROGRAMS
set -eu -o pipefail
programs=${1:-.build/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
heading() { printf '\n\033[1m%s\033[0m\n' "$*"; }

heading "1. The OpenCL devices here"
"$programs/gpu-probe"

devices=(--device cpu)
training=cpu
# Counted to the end: a reader that leaves early fails its writer, and with it the whole pipe.
if [ "$("$programs/gpu-bench" devices | grep -c '^opencl:')" -gt 0 ]; then
    devices+=(--device opencl)
    training=opencl
else
    echo "There is no OpenCL device: everything below runs on the CPU path."
fi

heading "2. The quick suite: every operation checked against float64, and timed"
"$programs/gpu-bench" run --suite quick "${devices[@]}" --html "$work/bench.html"

heading "3. A convolutional network learns Fashion-MNIST (60,000 pictures) on $training"
"$programs/fashion-cnn" --device "$training" --epochs 5 --save "$work/fashion.safetensors" --verify | tee "$work/trained"

heading "4. The same network from its checkpoint, on the CPU path"
"$programs/fashion-cnn" --device cpu --load "$work/fashion.safetensors" --evaluate | tee "$work/evaluated"

accuracy() { sed -nE 's/^test accuracy: ([0-9.]+) %.*/\1/p' "$1" | tail -1; }
awk -v trained="$(accuracy "$work/trained")" -v evaluated="$(accuracy "$work/evaluated")" 'BEGIN {
    difference = trained - evaluated; if (difference < 0) difference = -difference
    printf "\n%s %% after training, %s %% from the checkpoint on the CPU path\n", trained, evaluated
    if (trained < 90) { print "Training should have reached 90 %."; exit 1 }
    if (difference > 0.1) { print "The two differ by more than 0.1 %."; exit 1 }
}'
