// Written by Kernels/embed.sh: do not edit.
#include "CKernels.h"

static const CKernelFile files[] = {
    {0, 0, 0},
};

const CKernelFile *ckernels_file(int index) {
    return index >= 0 && index < (int)(sizeof files / sizeof files[0]) - 1 ? &files[index] : 0;
}
