// Reductions over [outer, reduced, inner] and the index of a row's greatest element.

#include "internal.h"

#define TEMPLATE "reduce_template.h"
#include "for_each_real.h"
#undef TEMPLATE
#define TEMPLATE "reduce_loops.h"
#include "for_each_real.h"

HOT void cv_reduce_rows(
    cv_type type, cv_reduction reduction, const void *x, void *y, int64_t first, int64_t last, int64_t reduced) {
    if (IS_F64(type)) reduce_rows_f64(reduction, x, y, first, last, reduced);
    else reduce_rows_f32(reduction, x, y, first, last, reduced);
}

HOT void cv_reduce_columns(
    cv_type type, cv_reduction reduction, const void *x, void *y, int64_t start, int64_t end, int64_t inner,
    int64_t first, int64_t last) {
    if (IS_F64(type)) reduce_columns_f64(reduction, x, 0, y, start, end, inner, first, last);
    else reduce_columns_f32(reduction, x, 0, y, start, end, inner, first, last);
}

HOT void cv_reduce_program_columns(
    cv_type type, cv_reduction reduction, const cv_program_matrix *x, void *y, int64_t start, int64_t end,
    int64_t inner, int64_t first, int64_t last) {
    if (IS_F64(type)) reduce_columns_f64(reduction, 0, x, y, start, end, inner, first, last);
    else reduce_columns_f32(reduction, 0, x, y, start, end, inner, first, last);
}

HOT void cv_arg_maximum(cv_type type, const void *x, int32_t *y, int64_t first, int64_t last, int64_t columns) {
    if (IS_F64(type)) arg_maximum_f64(x, y, first, last, columns);
    else arg_maximum_f32(x, y, first, last, columns);
}
