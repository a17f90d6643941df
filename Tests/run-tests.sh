#!/bin/bash
# Runs all tests, which must have been built, two processes at a time: PoCL compiles kernels under one lock a process, so
# that one alone would leave a core idle.
#
#   Tests/run-tests.sh [OPTION of swift build]...
#
# What takes minutes is a part of its own, the longest first; the last part is all others. A part that has no test fails.
set -eu -o pipefail
cd "$(dirname "$0")/.."

# One part, as the line below starts it: its name, then options of the tests' program. Its output, then one line.
if [[ ${1:-} == part ]]; then
    name=$2 began=$SECONDS status=0
    shift 2
    "$TESTS" --testing-library swift-testing "$@" 2>&1 | sed -u "s/^/$name: /" || status=$?
    [[ $status -eq 0 ]] || { echo "FAIL: $name"; exit 1; }
    echo "ok: $name ($((SECONDS - began)) s)"
    exit
fi

long=(everySmallCaseOnEveryDevice everyLargeCaseOnEveryDevice 'TesseraTests\.' everyVariantOfEveryKernel
    everyConvolutionByEveryAlgorithm everyValueThatATunerMayChoose)
TESTS=$(swift build --show-bin-path "$@")/TesseraPackageTests.xctest
export TESTS
{
    for name in "${long[@]}"; do printf '%s part %s --filter %q\n' "$0" "${name%\\.}" "$name"; done
    echo "$0 part others$(printf ' --skip %q' "${long[@]}")"
} | tr '\n' '\0' | xargs -0 -P 2 -I % bash -c %
