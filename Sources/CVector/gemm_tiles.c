// The register tiles of matrix products for each kind of processor.

#include "gemm_internal.h"

#define PASTE_(a, b, c) a##_##b##_##c
#define PASTE(a, b, c) PASTE_(a, b, c)
#define KERNEL(name) PASTE(name, SUFFIX, PROCESSOR)

#define PROCESSOR baseline
#define TARGET
#define TILE_ROWS 4
#define VECTORS 2
#define REAL float
#define SUFFIX f32
#define WIDTH 4
#include "gemm_kernel.h"
#undef REAL
#undef SUFFIX
#undef WIDTH
#define REAL double
#define SUFFIX f64
#define WIDTH 2
#include "gemm_kernel.h"
#undef REAL
#undef SUFFIX
#undef WIDTH
#undef PROCESSOR
#undef TARGET
#undef TILE_ROWS

#if defined(__x86_64__) && defined(__clang__)
#define PROCESSOR avx2
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define TILE_ROWS 6
#define REAL float
#define SUFFIX f32
#define WIDTH 8
#include "gemm_kernel.h"
#undef REAL
#undef SUFFIX
#undef WIDTH
#define REAL double
#define SUFFIX f64
#define WIDTH 4
#include "gemm_kernel.h"
#undef REAL
#undef SUFFIX
#undef WIDTH
#undef PROCESSOR
#undef TARGET
#undef TILE_ROWS

#define PROCESSOR avx512
// Compilers prefer registers of half that width on this kind of processor unless told what a function needs.
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define TILE_ROWS 12
#define REAL float
#define SUFFIX f32
#define WIDTH 16
#include "gemm_kernel.h"
#undef REAL
#undef SUFFIX
#undef WIDTH
#define REAL double
#define SUFFIX f64
#define WIDTH 8
#include "gemm_kernel.h"
#undef REAL
#undef SUFFIX
#undef WIDTH
#endif

const cv_tile *cv_tile_for(cv_type type) {
#if defined(__x86_64__) && defined(__clang__)
    if (__builtin_cpu_supports("x86-64-v4")) return IS_F64(type) ? &tile_f64_avx512 : &tile_f32_avx512;
    if (__builtin_cpu_supports("x86-64-v3")) return IS_F64(type) ? &tile_f64_avx2 : &tile_f32_avx2;
#endif
    return IS_F64(type) ? &tile_f64_baseline : &tile_f32_baseline;
}

int64_t cv_tile_rows(cv_type type) { return cv_tile_for(type)->rows; }
int64_t cv_tile_columns(cv_type type) { return cv_tile_for(type)->columns; }
int64_t cv_tile_depth(void) { return DEPTH; }
