// Softmax, log-softmax and cross-entropy with their gradients, a row at a time.

#include "internal.h"
#include "scalar_math.h"

#define TEMPLATE "reduce_template.h"
#include "for_each_real.h"
#undef TEMPLATE
#define TEMPLATE "softmax_template.h"
#include "for_each_real.h"

HOT void cv_softmax(cv_type type, const void *x, void *y, int64_t first, int64_t last, int64_t columns) {
    if (IS_F64(type)) softmax_f64(x, y, first, last, columns);
    else softmax_f32(x, y, first, last, columns);
}

HOT void cv_softmax_gradient(
    cv_type type, const void *y, const void *dy, void *dx, int64_t first, int64_t last, int64_t columns) {
    if (IS_F64(type)) softmax_gradient_f64(y, dy, dx, first, last, columns);
    else softmax_gradient_f32(y, dy, dx, first, last, columns);
}

HOT void cv_log_softmax(cv_type type, const void *x, void *y, int64_t first, int64_t last, int64_t columns) {
    if (IS_F64(type)) log_softmax_f64(x, y, first, last, columns);
    else log_softmax_f32(x, y, first, last, columns);
}

HOT void cv_log_softmax_gradient(
    cv_type type, const void *y, const void *dy, void *dx, int64_t first, int64_t last, int64_t columns) {
    if (IS_F64(type)) log_softmax_gradient_f64(y, dy, dx, first, last, columns);
    else log_softmax_gradient_f32(y, dy, dx, first, last, columns);
}

HOT void cv_cross_entropy(
    cv_type type, const void *logits, const int32_t *labels, void *loss, void *statistics, int64_t first, int64_t last,
    int64_t classes) {
    if (IS_F64(type)) cross_entropy_f64(logits, labels, loss, statistics, first, last, classes);
    else cross_entropy_f32(logits, labels, loss, statistics, first, last, classes);
}

HOT void cv_cross_entropy_gradient(
    cv_type type, const void *logits, const int32_t *labels, const void *statistics, const void *dloss, void *dlogits,
    int64_t first, int64_t last, int64_t classes) {
    if (IS_F64(type)) cross_entropy_gradient_f64(logits, labels, statistics, dloss, dlogits, first, last, classes);
    else cross_entropy_gradient_f32(logits, labels, statistics, dloss, dlogits, first, last, classes);
}
