// Maximum and average pooling with their gradients, plane by plane.

#include "internal.h"

#define TEMPLATE "pool_template.h"
#include "for_each_real.h"

HOT void cv_maximum_pool(cv_type type, const cv_pool *pool, const void *x, void *y, int64_t first, int64_t last) {
    if (IS_F64(type)) maximum_pool_f64(pool, x, y, first, last);
    else maximum_pool_f32(pool, x, y, first, last);
}

HOT void cv_maximum_pool_gradient(
    cv_type type, const cv_pool *pool, const void *x, const void *dy, void *dx, int64_t first, int64_t last) {
    if (IS_F64(type)) maximum_pool_gradient_f64(pool, x, dy, dx, first, last);
    else maximum_pool_gradient_f32(pool, x, dy, dx, first, last);
}

HOT void cv_average_pool(cv_type type, const cv_pool *pool, const void *x, void *y, int64_t first, int64_t last) {
    if (IS_F64(type)) average_pool_f64(pool, x, y, first, last);
    else average_pool_f32(pool, x, y, first, last);
}

HOT void cv_average_pool_gradient(
    cv_type type, const cv_pool *pool, const void *dy, void *dx, int64_t first, int64_t last) {
    if (IS_F64(type)) average_pool_gradient_f64(pool, dy, dx, first, last);
    else average_pool_gradient_f32(pool, dy, dx, first, last);
}
