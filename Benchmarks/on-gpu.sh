#!/bin/bash
# All that is to be done on a machine with a GPU, in one call: what the device can do, parity of every operation, and the
# speed of every case beside PyTorch, as files ready to be committed under Benchmarks/results.
#
#   on-gpu.sh [OUT] [STEP]…      from the folder that `make gpu-bundle` made; OUT: where the files go (default results)
#
# Steps, all by default, in this order. Each leaves files of its own, so that they can be run one by one where a machine
# is lent for minutes; `report` puts together what there is.
#   probe    gpu-probe --measure
#   parity   tessera-parity: every case, float32 and 16 bits, on the kernels that the device gets and on its matrix units
#   speed    gpu-bench over cases.txt and gpu-cases.txt, checked against float64 where CHECK=1
#   peers    torch_bench.py over the same, with TF32 off and on
#   report   NAME.md and NAME.json, named by the device
#
# DEVICE     as gpu-bench names devices (default opencl)
# PYTHON     a Python with torch (default python3); TORCH_DEVICE: cuda, or cpu to try this script
# CASES      files of cases (default cases.txt and gpu-cases.txt of the bundle)
# STEP_LIMIT seconds that a step may take (default 600)
# PARITY     options for tessera-parity, such as --filter matMul; RUNS: timed runs of each case (default 7)
set -u -o pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-results}
[ $# -eq 0 ] || shift
steps=("$@")
if [ ${#steps[@]} -eq 0 ]; then steps=(probe parity speed peers report); fi
mkdir -p "$out" || exit 1
out=$(cd "$out" && pwd)
device=${DEVICE:-opencl}
python=${PYTHON:-python3}
limit=${STEP_LIMIT:-600}
runs=${RUNS:-7}
read -ra files <<< "${CASES:-$here/cases.txt $here/gpu-cases.txt}"
read -ra parity <<< "${PARITY:-}"
failed=0

# step NAME COMMAND…: says what failed, and goes on.
step() {
    local name=$1 status=0
    shift
    echo "== $name" >&2
    timeout "$limit" "$@" || status=$?
    if [ $status -eq 124 ]; then echo "$name: stopped after $limit s" | tee -a "$out/failures.txt" >&2; fi
    if [ $status -ne 0 ] && [ $status -ne 124 ]; then
        echo "$name: exit status $status" | tee -a "$out/failures.txt" >&2
    fi
    [ $status -eq 0 ] || failed=1
}

probe() {
    "$here/run" gpu-probe --measure | tee "$out/probe.txt"
    local status=$?
    nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,power.limit --format=csv > "$out/nvidia-smi.csv" 2> /dev/null
    return $status
}

# Rows are kept as they come, so that a step that is stopped leaves what it had.
speed() {
    local check=--no-check status=0
    [ "${CHECK:-0}" = 1 ] && check=
    : > "$out/tessera.jsonl"
    cat "${files[@]}" | grep -v '^#' | grep . | while read -r case; do
        "$here/run" gpu-bench run --no-peak $check --runs "$runs" --device "$device" --case "$case" \
            --json "$out/one.json" < /dev/null || true
        if [ -f "$out/one.json" ]; then grep '^{' "$out/one.json" | sed 's/},$/}/' >> "$out/tessera.jsonl"; fi
        rm -f "$out/one.json"
    done
    ! grep -q '"parity":"FAIL' "$out/tessera.jsonl" && [ -s "$out/tessera.jsonl" ]
}

peers() {
    if ! "$python" -c 'import torch' 2> /dev/null; then
        echo "SKIPPED: $python has no torch, so there is nothing to compare with; set PYTHON" >&2
        return 1
    fi
    local cases=() status=0
    cat "${files[@]}" > "$out/all-cases.txt"
    # A case that says tf32 runs with it in the first run already.
    "$python" "$here/torch_bench.py" --device "${TORCH_DEVICE:-cuda}" --runs "$runs" --cases "$out/all-cases.txt" \
        > "$out/torch.jsonl" || status=$?
    grep -v type= "$out/all-cases.txt" > "$out/float-cases.txt" || true
    "$python" "$here/torch_bench.py" --device "${TORCH_DEVICE:-cuda}" --runs "$runs" --cases "$out/float-cases.txt" --tf32 \
        > "$out/torch-tf32.jsonl" || status=$?
    return $status
}

report() {
    local name
    name=$(sed -nE 's/.*"device_name":"([^"]*)".*/\1/p' "$out/tessera.jsonl" 2> /dev/null | head -1)
    [ -n "$name" ] || name=$(sed -nE 's/^ *\[0\] (.*)/\1/p' "$out/probe.txt" 2> /dev/null | head -1)
    [ -n "$name" ] || name="unknown device"
    local slug
    slug=$(tr '[:upper:]' '[:lower:]' <<< "$name" | tr -cs 'a-z0-9' '-' | sed 's/^-//; s/-$//')
    {
        echo "# $name"
        echo
        echo "$(date -u +%Y-%m-%d)$([ -s "$here/commit" ] && echo ", commit $(cat "$here/commit")"). Medians of $runs runs," \
            "each from an idle device to an idle device. Ratios are PyTorch ms / our ms: above 1 we are faster."
        if [ -s "$out/nvidia-smi.csv" ]; then printf '\n```\n%s\n```\n' "$(cat "$out/nvidia-smi.csv")"; fi
        for peer in torch torch-tf32; do
            if [ -s "$out/$peer.jsonl" ] && [ -s "$out/tessera.jsonl" ]; then
                [ $peer = torch ] && title="PyTorch, TF32 off but where a case says tf32" || title="PyTorch, TF32 on"
                printf '\n## Beside %s\n\n```\n' "$title"
                "$here/run" gpu-bench compare "$out/$peer.jsonl" "$out/tessera.jsonl" || true
                echo '```'
            fi
        done
        for part in parity parity-matrix probe; do
            if [ -s "$out/$part.txt" ]; then printf '\n## %s\n\n```\n%s\n```\n' "$part" "$(cat "$out/$part.txt")"; fi
        done
        if [ -s "$out/failures.txt" ]; then printf '\n## What failed\n\n```\n%s\n```\n' "$(cat "$out/failures.txt")"; fi
    } > "$out/$slug.md"
    # An array with a row a line, as gpu-bench writes it.
    if [ -s "$out/tessera.jsonl" ]; then
        { echo '['; sed '$!s/$/,/' "$out/tessera.jsonl"; echo ']'; } > "$out/$slug.json"
    fi
    echo "$out/$slug.md"
}

export -f probe speed peers
export here out device python runs CHECK TORCH_DEVICE
export FILES="${files[*]}"
rm -f "$out/failures.txt"
for name in "${steps[@]}"; do
    case $name in
        probe) step probe bash -c probe ;;
        parity)
            step parity bash -c '"$0" tessera-parity --kernels gpu "${@:2}" 2>&1 | tee "$1"; exit ${PIPESTATUS[0]}' \
                "$here/run" "$out/parity.txt" --device opencl "${parity[@]}"
            step "parity on matrix units" bash -c \
                '"$0" tessera-parity --kernels matrix "${@:2}" 2>&1 | tee "$1"; exit ${PIPESTATUS[0]}' \
                "$here/run" "$out/parity-matrix.txt" "${parity[@]}" ;;
        speed) step speed bash -c 'read -ra files <<< "$FILES"; speed' ;;
        peers) step peers bash -c 'read -ra files <<< "$FILES"; peers' ;;
        report) report ;;
        *) echo "there is no step $name" >&2; exit 2 ;;
    esac
done
exit $failed
