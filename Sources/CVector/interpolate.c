// Sums of a few weighted slices along an axis: interpolation, and its gradient.

#include "internal.h"

#define TEMPLATE "transpose_template.h"
#include "for_each_real.h"
#undef TEMPLATE
#define TEMPLATE "interpolate_template.h"
#include "for_each_real.h"

HOT void cv_interpolate_slices(
    cv_type type, const cv_interpolation *interpolation, const void *x, void *y, int64_t first, int64_t last) {
    if (IS_F64(type)) interpolate_slices_f64(interpolation, x, y, first, last);
    else interpolate_slices_f32(interpolation, x, y, first, last);
}

HOT void cv_interpolate_rows(
    cv_type type, const cv_interpolation *interpolation, const void *x, void *y, int64_t first, int64_t last,
    int64_t left, int64_t right) {
    if (IS_F64(type)) interpolate_rows_f64(interpolation, x, y, first, last, left, right);
    else interpolate_rows_f32(interpolation, x, y, first, last, left, right);
}

int64_t cv_interpolation_rows(void) { return LANES; }
