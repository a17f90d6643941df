#!/bin/bash
# Makes the N-th OpenCL call of a training run fail, once and for good, for every N, and demands the same result each time.
#
#   Tests/run-faults.sh [--every STEP]
#
# The layer in Tests/FaultLayer stands between the loader and the driver. Every run must end with status 0, print the same
# loss to four digits as a sound run, and tell the user when something was repeated on the CPU.
set -eu -o pipefail
cd "$(dirname "$0")/.."
every=1
[ "${1:-}" = --every ] && every=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -shared -fPIC -O1 -Wall -o "$work/libfault.so" Tests/FaultLayer/fault.c
export TESSERA_CACHE_DIR="$work/cache"
program=(.build/release/fashion-cnn --device opencl --steps 5 --seed 1)
loss() { sed -nE 's/.*final loss ([0-9.]+).*/\1/p' "$1" | tail -1 | cut -c1-6; }

run() { # CALL MODE LOG
    OPENCL_LAYERS="$work/libfault.so" TESSERA_FAULT_CALL=$1 TESSERA_FAULT_MODE=$2 TESSERA_FAULT_LOG="$work/calls" \
        timeout 300 "${program[@]}" >"$3" 2>&1
}

run 0 once "$work/sound" || { cat "$work/sound"; echo "the sound run failed" >&2; exit 1; }
run 0 once "$work/sound" # again: now the programs come from the cache, as in the runs below
expected=$(loss "$work/sound")
calls=$(grep -oE '[0-9]+' "$work/calls" | head -1)
[ -n "$expected" ] && [ -n "$calls" ] || { cat "$work/sound" "$work/calls"; echo "no loss or no count" >&2; exit 1; }
echo "$calls calls in a sound run, final loss $expected"
passed=0 failed=0
for mode in once forever; do
    for ((call = 1; call <= calls; call += every)); do
        status=0
        run "$call" "$mode" "$work/log" || status=$?
        # A device that was named and cannot be opened is an error, and a clear one, not a repeat.
        if [ $status -ne 0 ] && grep -qE '^Error: ' "$work/log" && ! grep -q 'final loss' "$work/log" \
            && ! grep -q 'step' "$work/log"; then
            passed=$((passed + 1))
        elif [ $status -eq 0 ] && [ "$(loss "$work/log")" = "$expected" ]; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "call $call, $mode: status $status, loss $(loss "$work/log"), expected $expected"
            tail -5 "$work/log"
        fi
        [ -t 2 ] && printf '\r%s %d of %d' "$mode" "$call" "$calls" >&2
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
