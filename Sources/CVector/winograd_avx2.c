// Winograd's filtering for AVX2.

#if defined(__x86_64__) && defined(__clang__)
#define PROCESSOR avx2
#define ATTRIBUTES __attribute__((target("arch=x86-64-v3")))
#define VECTOR_WIDTH 8
#define TILE_M 6
#include "winograd_kernels.h"
#endif
