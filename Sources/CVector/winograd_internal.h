// Winograd's filtering for each kind of processor.
#pragma once

#include "internal.h"

typedef struct {
    int width, tiles, vectors;
    void (*weights)(cv_item, const cv_winograd *, const float *w, float *transformed);
    void (*levels)(const cv_winograd *, float *transformed);
    void (*convolution)(
        cv_item, const cv_winograd *, const float *transformed, const float *w, const float *x, float *y, float *scratch);
    void (*weight_gradient)(
        cv_item, const cv_winograd *, const float *x, const float *dy, float *partials, float *scratch);
    void (*sum_weights)(
        cv_item, const cv_winograd *, const float *x, const float *dy, const float *partials, int shares, float *dw,
        float *scratch);
} cv_winograd_functions;

extern const cv_winograd_functions cv_winograd_baseline, cv_winograd_avx2, cv_winograd_avx512;
