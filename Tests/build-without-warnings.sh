#!/bin/bash
# Builds everything, tests included, and fails where the compiler warns of a file of this package.
#
# (The flag for warnings as errors would reach the packages we depend on, which are built with warnings suppressed, and
# the compiler refuses the two together.)
set -eu -o pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
swift build --build-tests "$@" 2>&1 | tee "$log"
if grep -E "^$PWD/(Sources|Tests|Examples)/.*warning:" "$log" | sort -u | grep .; then
    echo "The lines above are warnings; here they count as errors." >&2
    exit 1
fi
