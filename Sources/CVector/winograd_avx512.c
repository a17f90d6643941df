// Winograd's filtering for AVX-512.

#if defined(__x86_64__) && defined(__clang__)
#define PROCESSOR avx512
#define ATTRIBUTES __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define VECTOR_WIDTH 16
#define TILE_M 8
#include "winograd_kernels.h"
#endif
