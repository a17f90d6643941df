#!/usr/bin/env bash
# Runs the small parity cases on Oclgrind, a simulator that finds memory errors, races, divergence and uninitialised
# reads in kernels. Its exit status says nothing: the log must be empty.
# Arguments go to tessera-parity: --filter conv2D, --kernels gpu, ...
set -euo pipefail
cd "$(dirname "$0")/.."

swift build -c release --product tessera-parity
program=$PWD/.build/release/tessera-parity
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/oclgrind.log
touch "$log"

library=${OCLGRIND_ICD:-/usr/lib/oclgrind/liboclgrind-rt-icd.so}
[[ -e $library ]] || { echo "there is no Oclgrind at $library: set OCLGRIND_ICD" >&2; exit 1; }

# In float32 alone: what 16-bit types add on the way there and back are casts, which have cases of their own.
# Unoptimised, as its check of uninitialised reads needs it; programs kept by other drivers are left alone; every
# tensor in memory of exactly its size, so that no overrun lands in a neighbour.
status=0
OCL_ICD_VENDORS=$library OCLGRIND_DATA_RACES=1 OCLGRIND_UNINITIALIZED=1 OCLGRIND_CHECK_API=1 OCLGRIND_LOG=$log \
    TESSERA_BUILD_OPTIONS=-cl-opt-disable TESSERA_CACHE_DIR= \
    "$program" --device oclgrind --small --isolate --type float32 "$@" || status=$?

if [[ -s $log ]]; then
    echo "Oclgrind found:"
    head -n 200 "$log"
    exit 1
fi
if ((status == 0)); then echo "Oclgrind found nothing"; fi
exit "$status"
