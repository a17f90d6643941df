// Layer, root mean square, group and batch normalisation with their gradients.

#include "internal.h"
#include "scalar_math.h"

#define TEMPLATE "reduce_template.h"
#include "for_each_real.h"
#undef TEMPLATE
#define TEMPLATE "normalization_template.h"
#include "for_each_real.h"

HOT void cv_layer_norm(
    cv_type type, const void *x, const void *scale, const void *bias, void *y, void *mean, void *inverse_deviation,
    double epsilon, int64_t first, int64_t last, int64_t columns) {
    if (IS_F64(type)) layer_norm_f64(x, scale, bias, y, mean, inverse_deviation, epsilon, first, last, columns);
    else layer_norm_f32(x, scale, bias, y, mean, inverse_deviation, epsilon, first, last, columns);
}

HOT void cv_layer_norm_gradient(
    cv_type type, const void *x, const void *scale, const void *mean, const void *inverse_deviation, const void *dy,
    void *dx, void *dscale, void *dbias, int64_t first, int64_t last, int64_t columns) {
    if (IS_F64(type)) {
        layer_norm_gradient_f64(x, scale, mean, inverse_deviation, dy, dx, dscale, dbias, first, last, columns);
    } else {
        layer_norm_gradient_f32(x, scale, mean, inverse_deviation, dy, dx, dscale, dbias, first, last, columns);
    }
}

HOT void cv_rms_norm(
    cv_type type, const void *x, const void *scale, void *y, void *inverse_root, double epsilon, int64_t first,
    int64_t last, int64_t columns) {
    if (IS_F64(type)) rms_norm_f64(x, scale, y, inverse_root, epsilon, first, last, columns);
    else rms_norm_f32(x, scale, y, inverse_root, epsilon, first, last, columns);
}

HOT void cv_rms_norm_gradient(
    cv_type type, const void *x, const void *scale, const void *inverse_root, const void *dy, void *dx, void *dscale,
    int64_t first, int64_t last, int64_t columns) {
    if (IS_F64(type)) rms_norm_gradient_f64(x, scale, inverse_root, dy, dx, dscale, first, last, columns);
    else rms_norm_gradient_f32(x, scale, inverse_root, dy, dx, dscale, first, last, columns);
}

HOT void cv_group_norm(
    cv_type type, const void *x, const void *scale, const void *bias, void *y, void *mean, void *inverse_deviation,
    double epsilon, int64_t first, int64_t last, int64_t groups, int64_t channels, int64_t plane) {
    if (IS_F64(type)) {
        group_norm_f64(x, scale, bias, y, mean, inverse_deviation, epsilon, first, last, groups, channels, plane);
    } else {
        group_norm_f32(x, scale, bias, y, mean, inverse_deviation, epsilon, first, last, groups, channels, plane);
    }
}

HOT void cv_group_norm_gradient(
    cv_type type, const void *x, const void *scale, const void *mean, const void *inverse_deviation, const void *dy,
    void *dx, void *dscale, void *dbias, int64_t first, int64_t last, int64_t groups, int64_t channels, int64_t plane) {
    if (IS_F64(type)) {
        group_norm_gradient_f64(
            x, scale, mean, inverse_deviation, dy, dx, dscale, dbias, first, last, groups, channels, plane);
    } else {
        group_norm_gradient_f32(
            x, scale, mean, inverse_deviation, dy, dx, dscale, dbias, first, last, groups, channels, plane);
    }
}

HOT void cv_batch_norm(
    cv_type type, const void *x, const void *scale, const void *bias, void *y, void *mean, void *variance,
    double epsilon, int64_t first, int64_t last, int64_t n, int64_t c, int64_t plane) {
    if (IS_F64(type)) batch_norm_f64(x, scale, bias, y, mean, variance, epsilon, first, last, n, c, plane);
    else batch_norm_f32(x, scale, bias, y, mean, variance, epsilon, first, last, n, c, plane);
}

HOT void cv_batch_norm_gradient(
    cv_type type, const void *x, const void *scale, const void *mean, const void *variance, const void *dy, void *dx,
    void *dscale, void *dbias, double epsilon, int64_t first, int64_t last, int64_t n, int64_t c, int64_t plane) {
    if (IS_F64(type)) {
        batch_norm_gradient_f64(x, scale, mean, variance, dy, dx, dscale, dbias, epsilon, first, last, n, c, plane);
    } else {
        batch_norm_gradient_f32(x, scale, mean, variance, dy, dx, dscale, dbias, epsilon, first, last, n, c, plane);
    }
}
