// 3×3 convolutions of stride 1 by Winograd's filtering F(4×4, 3×3), in float.

#include "winograd_internal.h"

static const cv_winograd_functions *functions(void) {
#if defined(__x86_64__) && defined(__clang__)
    if (__builtin_cpu_supports("x86-64-v4")) return &cv_winograd_avx512;
    if (__builtin_cpu_supports("x86-64-v3")) return &cv_winograd_avx2;
#endif
    return &cv_winograd_baseline;
}

int64_t cv_winograd_width(void) { return functions()->width; }
int64_t cv_winograd_tiles(void) { return functions()->tiles; }
int64_t cv_winograd_vectors(void) { return functions()->vectors; }

void cv_winograd_weights(cv_item at, const cv_winograd *s, const float *w, float *transformed) {
    functions()->weights(at, s, w, transformed);
}

void cv_winograd_levels(const cv_winograd *s, float *transformed) { functions()->levels(s, transformed); }

void cv_winograd_convolution(
    cv_item at, const cv_winograd *s, const float *transformed, const float *w, const float *x, float *y,
    float *scratch) {
    functions()->convolution(at, s, transformed, w, x, y, scratch);
}

void cv_winograd_weight_gradient(
    cv_item at, const cv_winograd *s, const float *x, const float *dy, float *partials, float *scratch) {
    functions()->weight_gradient(at, s, x, dy, partials, scratch);
}

void cv_winograd_sum_weights(
    cv_item at, const cv_winograd *s, const float *x, const float *dy, const float *partials, int shares, float *dw,
    float *scratch) {
    functions()->sum_weights(at, s, x, dy, partials, shares, dw, scratch);
}
