#!/bin/bash
# Collects static release builds of the command lines, with the libraries they need, into a folder that can be carried to
# a machine with a GPU but without Swift: Benchmarks/bundle.sh FOLDER
#
# There, FOLDER/run COMMAND [ARGUMENT]… registers NVIDIA's driver if its ICD file is missing and starts the command.
set -eu -o pipefail
folder=$(realpath -m "${1:?a folder to write}")
cd "$(dirname "$0")/.."
products=(gpu-bench gpu-probe tessera-parity)
for product in "${products[@]}"; do
    swift build -c release --static-swift-stdlib --scratch-path .build-bundle --product "$product"
done
rm -rf "$folder"
mkdir -p "$folder/lib"
for product in "${products[@]}"; do
    strip -o "$folder/$product" ".build-bundle/release/$product"
    # Not the C library: the other machine's own must serve, as its driver needs it.
    ldd "$folder/$product" | awk '/=> \// { print $3 }' | grep -vE '/(libc|libm|libdl|libpthread|librt|ld-linux)[.-]' \
        | xargs -I{} cp -Ln {} "$folder/lib/"
done
cp Benchmarks/cases.txt "$folder/" 2>/dev/null || true
cat > "$folder/run" <<'RUN'
#!/bin/bash
# run COMMAND [ARGUMENT]…: a command of this folder with its libraries and the machine's OpenCL drivers.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${OCL_ICD_VENDORS:-}" ] && ! ls /etc/OpenCL/vendors/*.icd >/dev/null 2>&1; then
    driver=$(ldconfig -p 2>/dev/null | awk '/libnvidia-opencl\.so\.1/ { print $NF; exit }')
    [ -n "$driver" ] || driver=$(find / -xdev -name 'libnvidia-opencl.so.1' -print -quit 2>/dev/null || true)
    if [ -n "$driver" ]; then
        mkdir -p "$here/vendors"
        echo "$driver" > "$here/vendors/nvidia.icd"
        export OCL_ICD_VENDORS="$here/vendors"
    else
        echo "No OpenCL driver is registered and no libnvidia-opencl.so.1 was found." >&2
    fi
fi
command=$1
shift
LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/$command" "$@"
RUN
chmod +x "$folder/run"
size=$(du -sm "$folder" | cut -f1)
echo "$folder: $size MiB"
if [ "$size" -ge 64 ]; then
    echo "The bundle must stay below 64 MiB." >&2
    exit 1
fi
