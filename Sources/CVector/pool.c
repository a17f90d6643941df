// Maximum, average and norm pooling with their gradients, plane by plane, over up to three axes.

#include "internal.h"

// The taps of a window along one axis that are inside: `count` positions from `first` on, `step` apart.
typedef struct {
    int64_t first, count, step;
} taps;

INLINE int64_t divided_up(int64_t a, int64_t b) { return b == 1 ? a : (a + b - 1) / b; }

INLINE taps taps_of(const cv_pool *pool, int axis, int64_t p) {
    const cv_pool_axis *a = &pool->axes[axis];
    if (pool->is_adaptive) {
        const int64_t first = p * a->input / a->output, end = divided_up((p + 1) * a->input, a->output);
        return (taps){first, end - first, 1};
    }
    const int64_t start = p * a->stride - a->before;
    const int64_t skipped = divided_up(larger(-start, 0), a->dilation);
    const int64_t end = smaller(a->window, divided_up(a->input - start, a->dilation));
    return (taps){start + skipped * a->dilation, end - skipped, a->dilation};
}

// The taps of a window that a mean is over.
INLINE int64_t counted_taps(const cv_pool *pool, int axis, int64_t p) {
    if (!pool->counts_padding) return taps_of(pool, axis, p).count;
    const cv_pool_axis *a = &pool->axes[axis];
    const int64_t start = p * a->stride - a->before;
    return smaller(a->window, divided_up(a->input + a->after - start, a->dilation));
}

INLINE int64_t inputs_of(const cv_pool *pool) {
    return pool->axes[0].input * pool->axes[1].input * pool->axes[2].input;
}

INLINE int64_t outputs_of(const cv_pool *pool) {
    return pool->axes[0].output * pool->axes[1].output * pool->axes[2].output;
}

// Where in the plane row i of plane t of a window begins.
INLINE int64_t row_of(const cv_pool *pool, taps planes, int64_t t, taps rows, int64_t i) {
    const int64_t plane = planes.first + t * planes.step;
    return (plane * pool->axes[1].input + rows.first + i * rows.step) * pool->axes[2].input;
}

// From the first to the last tap of a window along the innermost axis.
INLINE int64_t reach_of(const cv_pool *pool) { return (pool->axes[2].window - 1) * pool->axes[2].dilation + 1; }

// Two by two side by side without padding, the commonest pooling.
INLINE int is_two_by_two(const cv_pool *pool) {
    const cv_pool_axis *h = &pool->axes[1], *w = &pool->axes[2];
    return !pool->is_adaptive && pool->axes[0].input == 1 && pool->axes[0].output == 1 && h->window == 2
        && w->window == 2 && h->stride == 2 && w->stride == 2 && h->dilation == 1 && w->dilation == 1
        && h->before == 0 && w->before == 0 && 2 * h->output <= h->input && 2 * w->output <= w->input;
}

// xⁿ for n of at least 0.
INLINE double power(double x, int64_t n) {
    double result = 1;
    for (; n > 0; n >>= 1, x *= x) {
        if (n & 1) result *= x;
    }
    return result;
}

#define TEMPLATE "pool_template.h"
#include "for_each_real.h"
#undef TEMPLATE
#define TEMPLATE "pool_gradient_template.h"
#include "for_each_real.h"

HOT void cv_maximum_pool(
    cv_type type, const cv_pool *pool, const void *x, void *y, int32_t *indices, int64_t first, int64_t last) {
    if (IS_F64(type)) maximum_pool_f64(pool, x, y, indices, first, last);
    else maximum_pool_f32(pool, x, y, indices, first, last);
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

HOT void cv_norm_pool(
    cv_type type, const cv_pool *pool, int64_t order, const void *x, void *y, int64_t first, int64_t last) {
    if (IS_F64(type)) norm_pool_f64(pool, order, x, y, first, last);
    else norm_pool_f32(pool, order, x, y, first, last);
}

HOT void cv_norm_pool_gradient(
    cv_type type, const cv_pool *pool, int64_t order, const void *x, const void *y, const void *dy, void *dx,
    int64_t first, int64_t last) {
    if (IS_F64(type)) norm_pool_gradient_f64(pool, order, x, y, dy, dx, first, last);
    else norm_pool_gradient_f32(pool, order, x, y, dy, dx, first, last);
}
