#!/usr/bin/env bash
# Runs the suites that come near OpenCL, memory and threads under AddressSanitizer with leak detection, then under
# ThreadSanitizer; and training and gpu-bench under the former with some OpenCL calls made to fail: no crash, no leak.
#
#   Tests/run-sanitizers.sh [address|thread]
#
# What drivers and the system's libraries leak or race on by themselves is in Tests/Sanitizers.
set -euo pipefail
cd "$(dirname "$0")/.."
suites='^(OpenCLTests|ExecutionTests|TesseraTests|VisionTests|BenchTests)\.'
# A crash is to be reported by the sanitizer alone.
export SWIFT_BACKTRACE=enable=no

run() { # SANITIZER
    local folder=.build-$1
    swift build --build-tests --sanitize="$1" --scratch-path "$folder"
    swift test --disable-xctest --skip-build --sanitize="$1" --scratch-path "$folder" --filter "$suites"
}

wanted=${1:-address thread}
for sanitizer in $wanted; do
    case $sanitizer in
    address)
        # LLVM, which drivers bring along, exchanges the signal stacks of threads that the sanitizer then cannot free.
        export ASAN_OPTIONS=detect_leaks=1:exitcode=125:use_sigaltstack=0
        export LSAN_OPTIONS=suppressions=$PWD/Tests/Sanitizers/leaks.txt:print_suppressions=0
        run address
        RELEASE=.build-address/debug Tests/run-faults.sh --every 97
        ;;
    thread)
        export TSAN_OPTIONS=suppressions=$PWD/Tests/Sanitizers/races.txt:halt_on_error=0:exitcode=66
        run thread
        ;;
    *) echo "no sanitizer $sanitizer: address or thread" >&2; exit 2 ;;
    esac
done
echo "sanitizers: nothing found"
