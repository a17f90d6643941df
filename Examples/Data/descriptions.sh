#!/bin/bash
# Fetches the descriptions of the distribution's packages, where apt has not got them: a fresh system has none.
set -eu -o pipefail
count() { apt-cache dumpavail | grep -c '^Package:' || true; }
[ "$(count)" -ge 1000 ] && exit 0
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
[ "$(count)" -ge 1000 ] || { echo "apt knows only $(count) packages after apt-get update" >&2; exit 1; }
