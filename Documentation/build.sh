#!/bin/bash
# Makes the documentation out of what the compiler knows of the modules of a build: a public symbol without a comment, or a
# link that leads nowhere, is an error.
#
#   Documentation/build.sh BUILD OUT    # BUILD: .build/release, say; OUT gets a folder for each module, to be served statically
set -eu -o pipefail
cd "$(dirname "$0")/.."
build=$1 out=$2
# What `import Tessera` gives is documented as Tessera's, whichever of its modules it is written in.
exported=AtomicFiles,Execution,TensorGraph
tools=$(dirname "$(readlink -f "$(command -v swift)")")
graphs=$(mktemp -d)
trap 'rm -rf "$graphs"' EXIT

Tests/install-packages.sh jq

options=(-target "$(uname -m)-unknown-linux-gnu" -sdk / -resource-dir "$tools/../lib/swift" -I "$build/Modules")
for folder in Sources/C*/; do options+=(-I "$folder"); done
for map in "$build"/*.build/module.modulemap; do options+=(-Xcc "-fmodule-map-file=$map"); done

for module in Tessera TesseraVision; do
    mkdir "$graphs/$module"
    "$tools/swift-symbolgraph-extract" -module-name "$module" "${options[@]}" -minimum-access-level public \
        -skip-synthesized-members "-experimental-allowed-reexported-modules=$exported" -output-dir "$graphs/$module"
    # What conforms to a protocol of the standard library, or of this one, is described there.
    missing=$(jq -r -f Documentation/undocumented.jq "$graphs/$module"/*.symbols.json | sort -u)
    if [ -n "$missing" ]; then
        echo "Public, and without a comment that says what it is:" >&2
        echo "$missing" >&2
        exit 1
    fi
    # DocC would have every parameter described where one is; those that their names and types describe are left out here.
    for graph in "$graphs/$module"/*.symbols.json; do
        jq -c 'del(.symbols[].functionSignature)' "$graph" > "$graphs/graph"
        mv "$graphs/graph" "$graph"
    done
    mkdir -p "$out"
    rm -rf "$out/$module"
    "$tools/docc" convert "Sources/$module/$module.docc" --additional-symbol-graph-dir "$graphs/$module" \
        --fallback-display-name "$module" --fallback-bundle-identifier "tessera.$module" --warnings-as-errors \
        --transform-for-static-hosting --hosting-base-path "$module" --output-path "$out/$module"
done
echo "documentation: $out"
