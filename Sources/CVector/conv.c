// Convolution: patches of an image as the second operand of a matrix product, and depthwise convolution directly.

#include "gemm_internal.h"

#define TEMPLATE "reduce_template.h"
#include "for_each_real.h"
#undef TEMPLATE
#define TEMPLATE "conv_template.h"
#include "for_each_real.h"

HOT void cv_pack_patches(
    cv_type type, const cv_patches *patches, const void *source, int64_t first_row, int64_t last_row, int64_t first,
    int64_t count, int64_t width, void *packed) {
    if (IS_F64(type)) patches_f64(patches, source, first_row, last_row, first, count, width, packed);
    else patches_f32(patches, source, first_row, last_row, first, count, width, packed);
}

HOT void cv_add_patches(
    cv_type type, const cv_patches *patches, void *target, int64_t rows, int64_t first, int64_t count, const void *x) {
    if (IS_F64(type)) add_patches_f64(patches, target, rows, first, count, x);
    else add_patches_f32(patches, target, rows, first, count, x);
}

HOT void cv_depthwise_forward(
    cv_type type, const cv_depthwise *s, const void *x, const void *w, double start, void *y) {
    if (IS_F64(type)) depthwise_f64(s, x, w, start, y);
    else depthwise_f32(s, x, w, (float)start, y);
}

HOT void cv_depthwise_input(cv_type type, const cv_depthwise *s, const void *w, const void *dy, void *dx) {
    if (IS_F64(type)) depthwise_input_f64(s, w, dy, dx);
    else depthwise_input_f32(s, w, dy, dx);
}

HOT void cv_depthwise_weight(cv_type type, const cv_depthwise *s, const void *x, const void *dy, double *totals) {
    if (IS_F64(type)) depthwise_weight_f64(s, x, dy, totals);
    else depthwise_weight_f32(s, x, dy, totals);
}
