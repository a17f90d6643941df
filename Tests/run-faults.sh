#!/bin/bash
# Makes the N-th OpenCL call of a run fail, once and for good, for every N, two runs at a time.
#
#   Tests/run-faults.sh [--every STEP] [--dense FIRST LAST] [--only training|bench] [--whole]
#
#   --every STEP        only every STEP-th call
#   --dense FIRST LAST  and all of the first FIRST and of the last LAST
#   --whole             train on all of Fashion-MNIST, not on its first pictures only: the evaluation then makes the
#                       same calls over and over
#
# The layer in Tests/FaultLayer stands between the loader and the driver. It also counts the kernels that the driver
# took, so that nothing here rests on what the programs say of themselves alone.
#
# Training (fashion-cnn: five steps, an evaluation) must end with status 0 and the loss and accuracy of a sound run. Where
# the driver took fewer kernels than then, the CPU must have stood in, and the user have been told so once. Only a device
# that cannot be opened at all may end the run, with an error that names it.
#
# RELEASE may name a folder with the two programs, built otherwise.
#
# gpu-bench must give each of the device's rows a time of its own and `ok`, or say FAIL and what failed. All rows `ok`
# with fewer kernels than in a sound run would be a time that is not the device's.
set -eu -o pipefail
cd "$(dirname "$0")/.."

# What is run for WHAT, with its output in the files RUN.*.
program() { # WHAT RUN
    export TESSERA_FAULT_LOG=$2.calls OPENCL_LAYERS=$WORK/libfault.so
    case $1 in
    training)
        timeout 1800 "$RELEASE"/fashion-cnn --device opencl --steps 5 --seed 1 $TRAINING >"$2.log" 2>&1
        ;;
    bench)
        timeout 1800 "$RELEASE"/gpu-bench run --device cpu --device opencl --no-peak --runs 2 --warm-up 0 --json "$2.json" \
            --case matmul:m=33,n=65,k=17 --case softmax:rows=7,cols=31 >"$2.log" 2>&1
        ;;
    esac
}
counted() { sed -n "s/^$1 //p" "$2.calls" 2>/dev/null | grep . || echo 0; }
result() { sed -nE 's/.*final loss ([0-9.]{6}).*/loss \1/p; s/^test accuracy/accuracy/p' "$1.log"; }
times_said() { grep -cE "$1" "$2.log" || true; }

# Says what is wrong with a run, if anything.
judge() { # WHAT RUN STATUS
    local launches sound told
    launches=$(counted launches "$2") sound=$(counted launches "$WORK/$1-sound")
    if [ "$3" -ge 124 ]; then
        echo "crashed or hung"
    elif grep -q '^Error: ' "$2.log"; then
        # The message goes on to say what devices there are.
        grep -qE '^Error: (.*: )?(no device opencl|the device opencl( \(.*\))? cannot|there is no device opencl)' "$2.log" ||
            echo "an error that does not name the device"
        [ "$launches" -eq 0 ] || echo "an error after the device had been opened"
    elif [ "$1" = training ]; then
        told=$(times_said 'failed and the CPU stood in' "$2")
        [ "$3" -eq 0 ] || echo "status $3"
        [ "$(result "$2")" = "$(result "$WORK/training-sound")" ] ||
            echo "$(result "$2" | paste -sd ' ') instead of $(result "$WORK/training-sound" | paste -sd ' ')"
        [ "$told" -le 1 ] || echo "told $told times"
        [ "$launches" -ge "$sound" ] || [ "$told" -eq 1 ] || echo "$launches of $sound kernels, and the user not told"
    else
        local failed
        failed=$(grep '"device":"opencl"' "$2.json" | grep -c 'FAIL: .*opencl\|FAIL: .*cl[A-Z]' || true)
        [ "$(grep -c '"parity":"ok"' "$2.json")" -eq $((8 - failed)) ] || echo "a row neither ok nor with its failure"
        [ "$3" -eq $((failed > 0)) ] || echo "status $3 with $failed failed rows"
        [ "$(times_said 'the CPU stood in' "$2")" -eq 0 ] || echo "said that the CPU stood in"
        [ "$launches" -ge "$sound" ] || [ "$failed" -gt 0 ] || echo "all rows ok with $launches of $sound kernels"
    fi
}

if [ "${1:-}" = one ]; then # WHAT MODE CALL, as the loop below starts it
    run=$WORK/$2-$3-$4 status=0
    export TESSERA_FAULT_MODE=$3 TESSERA_FAULT_CALL=$4
    program "$2" "$run" || status=$?
    complaint=$(judge "$2" "$run" "$status" | paste -sd ';')
    if [ -n "$complaint" ]; then
        # In one piece, as two of these run at once.
        printf '%s\n%s\n' "FAIL $2, call $4 $3 ($(sed -n 's/^first //p' "$run.calls")): $complaint" \
            "$(tail -n 8 "$run.log" | cut -c 1-400)"
    else
        echo "ok"
    fi
    rm -f "$run".*
    exit 0
fi

every=1 first=0 last=0 only='training bench' whole=
while [ $# -gt 0 ]; do
    case $1 in
    --every) every=$2; shift ;;
    --dense) first=$2 last=$3; shift 2 ;;
    --only) only=$2; shift ;;
    --whole) whole=yes ;;
    *) sed -n '3,9p' "$0" >&2; exit 2 ;;
    esac
    shift
done

if [ -z "${RELEASE:-}" ]; then
    for product in fashion-cnn gpu-bench; do swift build -c release --product "$product"; done
fi
WORK=$(mktemp -d) TRAINING=
trap 'rm -rf "$WORK"' EXIT
cc -shared -fPIC -O1 -Wall -o "$WORK/libfault.so" Tests/FaultLayer/fault.c
# With the cache warm, as from the second start on; runs that fail must not change it for the others.
export WORK TRAINING RELEASE=${RELEASE:-.build/release} TESSERA_CACHE_DIR="$WORK/cache"

# The first COUNT pictures, as IDX files: a magic number, the extents, the bytes.
first_pictures() { # NAME COUNT
    local folder=/usr/share/datasets/fashion-mnist size=$(printf '%08x' "$2" | sed 's/../\\x&/g')
    mkdir -p "$WORK/data"
    (set +o pipefail
        { printf "\\0\\0\\10\\3$size\\0\\0\\0\\34\\0\\0\\0\\34"
            gunzip -c "$folder/$1-images-idx3-ubyte.gz" 2>/dev/null | tail -c +17 | head -c $(($2 * 784)); } |
            gzip -1 >"$WORK/data/$1-images-idx3-ubyte.gz"
        { printf "\\0\\0\\10\\1$size"
            gunzip -c "$folder/$1-labels-idx1-ubyte.gz" 2>/dev/null | tail -c +9 | head -c "$2"; } |
            gzip -1 >"$WORK/data/$1-labels-idx1-ubyte.gz")
}
if [ -z "$whole" ]; then
    first_pictures train 160
    first_pictures t10k 64
    TRAINING="--data $WORK/data --batch 32"
fi

failed=0
for what in $only; do
    for start in cold warm; do
        program "$what" "$WORK/$what-sound" || { cat "$WORK/$what-sound.log"; echo "the sound run failed" >&2; exit 1; }
    done
    calls=$(counted calls "$WORK/$what-sound")
    [ "$calls" -gt 0 ] || { echo "no OpenCL call was counted: does the loader know OPENCL_LAYERS?" >&2; exit 1; }
    chosen=$(for ((call = 1; call <= calls; call++)); do
        if ((call % every == 0 || call <= first || call > calls - last)); then echo "$call"; fi
    done)
    echo "$what: $calls calls in a sound run, $(counted launches "$WORK/$what-sound") of them kernels;" \
        "$(wc -w <<<"$chosen") calls to fail, once and for good"
    began=$SECONDS done=0
    while IFS= read -r line; do
        case $line in
        ok) ((++done)) ;;
        FAIL*) ((++done, ++failed)); echo "$line" ;;
        *) echo "    $line" ;;
        esac
        if [ "$line" = ok ] && ((done % 100 == 0)); then echo "$what: $done done after $((SECONDS - began)) s"; fi
    done < <(for mode in once forever; do for call in $chosen; do echo "$what $mode $call"; done; done |
        xargs -P 2 -L 1 "$0" one)
    [ $done -eq $((2 * $(wc -w <<<"$chosen"))) ] || { echo "$what: only $done runs came back" >&2; exit 1; }
done
echo "$failed failed"
[ "$failed" -eq 0 ]
