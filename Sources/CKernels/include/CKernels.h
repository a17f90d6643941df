#pragma once
#include <stddef.h>

/// One file of `Kernels/`: its path from there, its text and the text's length.
typedef struct {
    const char *path;
    const char *text;
    size_t length;
} CKernelFile;

/// The file at an index, or null past the last.
const CKernelFile *ckernels_file(int index);

/// The tuning results that come with the package, as JSON.
const CKernelFile *ckernels_tuning(void);
