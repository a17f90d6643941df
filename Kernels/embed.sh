#!/bin/sh
# Writes Sources/CKernels/CKernels.c: every .cl file of this folder, and tuning.json beside it, as bytes. Run it after adding or removing a file
# (`make kernels`); a test fails where it was forgotten. What is in the files is read at each build.
set -eu
cd "$(dirname "$0")"
files=$(find . -name '*.cl' | sed 's|^\./||' | LC_ALL=C sort)
{
    echo '// Written by Kernels/embed.sh: do not edit.'
    echo '#include "CKernels.h"'
    for file in $files; do
        symbol=$(echo "${file%.cl}" | tr -c 'a-zA-Z0-9\n' '_')
        printf '\nstatic const char %s[] = {\n#embed "../../Kernels/%s" suffix(, )\n    0};\n' "$symbol" "$file"
    done
    printf '\nstatic const CKernelFile files[] = {\n'
    for file in $files; do
        symbol=$(echo "${file%.cl}" | tr -c 'a-zA-Z0-9\n' '_')
        printf '    {"%s", %s, sizeof %s - 1},\n' "$file" "$symbol" "$symbol"
    done
    printf '    {0, 0, 0},\n};\n\n'
    echo 'const CKernelFile *ckernels_file(int index) {'
    echo '    return index >= 0 && index < (int)(sizeof files / sizeof files[0]) - 1 ? &files[index] : 0;'
    echo '}'
    printf '\nstatic const char tuning[] = {\n#embed "tuning.json" suffix(, )\n    0};\n'
    printf 'static const CKernelFile tuning_file = {"tuning.json", tuning, sizeof tuning - 1};\n\n'
    echo 'const CKernelFile *ckernels_tuning(void) { return &tuning_file; }'
} > ../Sources/CKernels/CKernels.c
