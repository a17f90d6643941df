#!/bin/bash
# Writes MovieLens' ratings as a CSV file, where it is not there yet, out of Debian's or Ubuntu's r-cran-dslabs: only its files are
# taken, as the package brings R along.
#
#   Examples/Data/movielens.sh [FILE]    (default Examples/Data/movielens.csv)
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
file=$(realpath -m "${1:-$here/movielens.csv}")
[ -s "$file" ] && exit 0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# An old list of packages is the usual reason for a failure.
apt-get download -qq r-cran-dslabs 2> download.log || {
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    apt-get download -qq r-cran-dslabs 2> download.log
} || { cat download.log >&2; echo "r-cran-dslabs could not be fetched: Debian or Ubuntu has it" >&2; exit 1; }
dpkg-deb -x r-cran-dslabs*.deb package
python3 "$here/movielens.py" package/usr/lib/R/site-library/dslabs/data "$file"
