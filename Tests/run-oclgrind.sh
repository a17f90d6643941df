#!/usr/bin/env bash
# Runs kernels on Oclgrind, a simulator that finds accesses outside of buffers, data races, divergent barriers and reads of
# uninitialised memory. Its exit status says nothing: its log must be empty.
#
#   Tests/run-oclgrind.sh [--quick] [OPTION of tessera-parity]...
#
# Two processes at a time do:
#   faults  a kernel with a fault of each kind, each of which must be found
#   cover   every kernel with every value of each of its macros, as any device would get it
#   tuned   every value that the tuner may choose, at least once; left out with --quick
#   all     every small case on GPU kernels and on the CPU kernels of 4 lanes; left out with --quick
# Options such as `--filter conv2D` go to tessera-parity and narrow down the last three.
set -euo pipefail
cd "$(dirname "$0")/.."

# One part, as the loop below starts it: NAME, then arguments of tessera-parity. Prints what is wrong, then one line.
if [[ ${1:-} == part ]]; then
    name=$2 log=$WORK/$2.log status=0 began=$SECONDS
    shift 2
    # One process in a hundred is ended by a signal as its threads end, after all results: the simulator's heap is broken then,
    # under valgrind it never is. Such a run counts for nothing and is repeated.
    for _ in 1 2 3; do
        status=0
        : >"$log"
        OCLGRIND_LOG=$log "$PARITY" --small --isolate --once --type float32 "$@" >"$WORK/$name.out" 2>&1 || status=$?
        [[ $status -gt 128 ]] || break
    done
    if [[ $name == fault-* ]]; then
        # The result is wrong as well: only the log counts.
        if [[ -z $EXPECTED && ! -s $log ]] || { [[ -n $EXPECTED ]] && grep -q "$EXPECTED" "$log"; }; then
            echo "ok: $name (${EXPECTED:-nothing})"
        else
            echo "FAIL: $name: the log should say ${EXPECTED:-nothing}, not: $(head -c 500 "$log")"
        fi
    elif [[ -s $log || $status -ne 0 ]]; then
        echo "FAIL: $name: $(grep '^FAIL' "$WORK/$name.out" | head -n 20)"$'\n'"$(head -n 60 "$log")"
        [[ -s $log ]] || tail -n 5 "$WORK/$name.out"
    else
        echo "ok: $name, $(tail -n 1 "$WORK/$name.out") ($((SECONDS - began)) s)"
    fi
    exit 0
fi

quick=
if [[ ${1:-} == --quick ]]; then quick=yes; shift; fi
[[ -n ${PARITY:-} ]] || swift build -c release --product tessera-parity
export PARITY=${PARITY:-$PWD/.build/release/tessera-parity}
WORK=$(mktemp -d)
export WORK
trap 'rm -rf "$WORK"' EXIT
library=${OCLGRIND_ICD:-/usr/lib/oclgrind/liboclgrind-rt-icd.so}
[[ -e $library ]] || { echo "there is no Oclgrind at $library: set OCLGRIND_ICD" >&2; exit 1; }
cc -shared -fPIC -O1 -Wall -o "$WORK/libkept.so" Tests/Oclgrind/kept_buffers.c

# In float32 alone: what 16-bit types add on the way there and back are casts, which have cases of their own.
# Unoptimised, as the check of uninitialised reads needs it. Programs kept by other drivers are left alone. Every tensor
# is in memory of exactly its size (--isolate), so that no overrun lands in a neighbour, and no buffer number is used
# twice (kept_buffers.c says why). Local memory: Oclgrind adds up that of all kernels of a program, though a launch has
# one kernel's, so the 32 KB that it allows by default are too few for three kernels of 21 KB each.
export OCL_ICD_VENDORS=$library OPENCL_LAYERS=$WORK/libkept.so OCLGRIND_CHECK_API=1 OCLGRIND_DATA_RACES=1 \
    OCLGRIND_LOCAL_MEM_SIZE=98304 TESSERA_CACHE_DIR= TESSERA_BUILD_OPTIONS='-cl-opt-disable -DPREFETCH(pointer)=' EXPECTED=

# Vectors of 16 lanes go without the check of uninitialised reads. It takes element 11 of every shuffle for undefined: it
# compares the mask with LLVM's constant for an undefined value's kind, which is 11 (`ShuffleVector` in
# src/plugins/Uninitialized.cpp), so that half of a float16 is never clean. The same lines are checked with 4 and 8 lanes.
narrow="--device 4-lane --device 8-lane --device gpu"
wide="--device 16-lane"
both="--device 4-lane\\ kernels --device gpu\\ kernels"

jobs() {
    if [[ $# -eq 0 ]]; then
        cp -r Kernels "$WORK/faulty"
        cp Tests/Oclgrind/faulty.cl "$WORK/faulty/softmax/softmax.cl"
        local fault expected=("" "Invalid write" "Invalid read" "data race" "data race" Uninitialized Uninitialized
            "divergence detected")
        for fault in "${!expected[@]}"; do
            echo "env OCLGRIND_UNINITIALIZED=1 TESSERA_KERNELS=$WORK/faulty EXPECTED='${expected[fault]}'" \
                "TESSERA_BUILD_OPTIONS='-cl-opt-disable -DFAULT=$fault' $0 part fault-$fault" \
                "--kernels gpu --filter 'softmax [7]'"
        done
    fi
    local part arguments=
    [[ $# -eq 0 ]] || arguments=$(printf ' %q' "$@")
    for part in {1..16}; do
        echo "env OCLGRIND_UNINITIALIZED=1 $0 part cover-$part --kernels all --cover $narrow --part $part/16$arguments"
    done
    for part in {1..4}; do
        echo "$0 part cover-wide-$part --kernels all --cover $wide --part $part/4$arguments"
    done
    [[ -n $quick ]] && return
    local family
    for family in $("$PARITY" --tuning values --list | sed -n 's/^family *//p'); do
        echo "env OCLGRIND_UNINITIALIZED=1 $0 part tuned-$family --tuning values --family $family$arguments"
    done
    for part in {1..40}; do
        echo "env OCLGRIND_UNINITIALIZED=1 $0 part all-$part --kernels all $both --part $part/40$arguments"
    done
}

jobs "$@" >"$WORK/jobs"
failed=0 done=0
while IFS= read -r line; do
    echo "$line"
    case $line in
    "ok: "*) ((++done)) ;;
    "FAIL: "*) ((++done, ++failed)) ;;
    esac
done < <(tr '\n' '\0' <"$WORK/jobs" | xargs -0 -P 2 -I % bash -c % 2>&1)
[[ $done -eq $(wc -l <"$WORK/jobs") ]] || { echo "only $done of $(wc -l <"$WORK/jobs") parts came back" >&2; exit 1; }
if ((failed)); then echo "$failed of $done parts failed"; exit 1; fi
echo "Oclgrind found what it should, and nothing else"
