#!/bin/bash
# Collects the command lines with every library they need, Swift's included, into a folder that can be carried to a
# machine with a GPU but without Swift: Benchmarks/bundle.sh FOLDER
#
# There, FOLDER/run COMMAND [ARGUMENT]… unpacks what is packed, registers NVIDIA's driver if its ICD file is missing and
# starts gpu-bench, gpu-probe or tessera-parity; FOLDER/on-gpu.sh does all there is to do on a GPU in one call.
#
# Linking Swift's libraries into each program would be 62 MB a program, most of it Unicode tables: they are carried once.
set -eu -o pipefail
folder=$(realpath -m "${1:?a folder to write}")
cd "$(dirname "$0")/.."
products=(gpu-bench gpu-probe tessera-parity)
for product in "${products[@]}"; do swift build -c release --product "$product"; done
rm -rf "$folder"
mkdir -p "$folder/packed/lib" "$folder/packed/fallback"
for product in "${products[@]}"; do
    strip -o "$folder/packed/$product" ".build/release/$product"
    # Not the C library: the other machine's own must serve, as its driver needs it.
    ldd "$folder/packed/$product" | awk '/=> \// { print $3 }' \
        | { grep -vE '/(libc|libm|libdl|libpthread|librt|ld-linux[^/]*)\.so' || true; } \
        | xargs -I{} cp -Ln {} "$folder/packed/lib/"
done
strip --strip-unneeded "$folder"/packed/lib/*
# Only for a machine without them: a driver there may need its own, newer ones.
for library in libstdc++.so.6 libgcc_s.so.1 libz.so.1; do mv "$folder/packed/lib/$library" "$folder/packed/fallback/"; done
tar -C "$folder/packed" -czf "$folder/packed.tar.gz" .
rm -rf "$folder/packed"
cp Benchmarks/cases.txt Benchmarks/gpu-cases.txt Benchmarks/torch_bench.py Benchmarks/on-gpu.sh "$folder/"
git rev-parse --short HEAD > "$folder/commit" 2> /dev/null || true
cat > "$folder/run" <<'RUN'
#!/bin/bash
# run COMMAND [ARGUMENT]…: gpu-bench, gpu-probe or tessera-parity with its libraries and the machine's OpenCL drivers.
# BUNDLE_CACHE says where to unpack (default: beside this script, else the folder for temporary files).
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${BUNDLE_CACHE:-$here/unpacked}
mkdir -p "$cache" 2> /dev/null && [ -w "$cache" ] || cache=${TMPDIR:-/tmp}/tessera-bundle-$(id -u)
if [ ! "$cache/complete" -nt "$here/packed.tar.gz" ]; then
    mkdir -p "$cache"
    tar -C "$cache" -xzf "$here/packed.tar.gz"
    touch "$cache/complete"
fi
libraries() { { ldconfig -p || /sbin/ldconfig -p; } 2> /dev/null; }
if [ -z "${OCL_ICD_VENDORS:-}" ] && ! ls /etc/OpenCL/vendors/*.icd > /dev/null 2>&1; then
    driver=$(libraries | awk '/libnvidia-opencl\.so\.1/ { print $NF; exit }')
    for folder in /usr/local/nvidia/lib64 /usr/lib64 /usr/lib/x86_64-linux-gnu /usr/local/cuda/compat; do
        if [ -z "$driver" ] && [ -e "$folder/libnvidia-opencl.so.1" ]; then driver=$folder/libnvidia-opencl.so.1; fi
    done
    [ -n "$driver" ] || driver=$(find / -xdev -name 'libnvidia-opencl.so.1' -print -quit 2> /dev/null || true)
    if [ -n "$driver" ]; then
        mkdir -p "$cache/vendors"
        echo "$driver" > "$cache/vendors/nvidia.icd"
        export OCL_ICD_VENDORS="$cache/vendors"
        # The driver's other libraries lie beside it, and the compiler of kernels is one of them.
        LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$(dirname "$driver")"
    else
        echo "No OpenCL driver is registered and no libnvidia-opencl.so.1 was found." >&2
    fi
fi
path=$cache/lib
libraries | grep -q 'libstdc++\.so\.6' || path=$path:$cache/fallback
command=$1
shift
LD_LIBRARY_PATH="$path${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$cache/$command" "$@"
RUN
chmod +x "$folder/run"
size=$(du -sm "$folder" | cut -f1)
echo "$folder: $size MiB"
if [ "$size" -ge 64 ]; then
    echo "The bundle must stay below 64 MiB." >&2
    exit 1
fi
