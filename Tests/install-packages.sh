#!/bin/bash
# Installs the Debian or Ubuntu packages named as arguments, where any is missing.
set -eu
missing=()
for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null; then
    echo "Please install what corresponds to these Debian packages: ${missing[*]}" >&2
    exit 1
fi
echo "Installing ${missing[*]}"
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
# An old list of packages is the usual reason for a failure: renew it and try again.
"${as_root[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null 2>&1 || {
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null
}
