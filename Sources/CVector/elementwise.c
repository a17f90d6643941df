// Elementwise functions over one block, for every type in which arithmetic is done.

#include "internal.h"
#include "scalar_math.h"

#define TEMPLATE "elementwise_template.h"
#include "for_each_real.h"

#define INTEGER int32_t
#define UNSIGNED uint32_t
#define FN(name) name##_i32
#include "integer_template.h"
#undef INTEGER
#undef UNSIGNED
#undef FN
#define INTEGER int64_t
#define UNSIGNED uint64_t
#define FN(name) name##_i64
#include "integer_template.h"
#undef INTEGER
#undef UNSIGNED
#undef FN
#define INTEGER uint8_t
#define UNSIGNED uint8_t
#define FN(name) name##_u8
#include "integer_template.h"

HOT void cv_unary(cv_type type, cv_unary_function function, const void *x, void *y, int64_t count) {
    switch (type) {
    case CV_FLOAT32: unary_f32(function, x, y, count); return;
    case CV_FLOAT64: unary_f64(function, x, y, count); return;
    case CV_INT32: unary_i32(function, x, y, count); return;
    case CV_INT64: unary_i64(function, x, y, count); return;
    case CV_UINT8: unary_u8(function, x, y, count); return;
    default: return;
    }
}

HOT void cv_binary(
    cv_type type, cv_binary_function function, const void *a, int64_t a_step, const void *b, int64_t b_step, void *y,
    int64_t count) {
    switch (type) {
    case CV_FLOAT32: binary_f32(function, a, a_step, b, b_step, y, count); return;
    case CV_FLOAT64: binary_f64(function, a, a_step, b, b_step, y, count); return;
    case CV_INT32: binary_i32(function, a, a_step, b, b_step, y, count); return;
    case CV_INT64: binary_i64(function, a, a_step, b, b_step, y, count); return;
    case CV_UINT8: binary_u8(function, a, a_step, b, b_step, y, count); return;
    default: return;
    }
}

HOT void cv_select(
    cv_type type, const void *mask, int64_t mask_step, const void *a, int64_t a_step, const void *b, int64_t b_step,
    void *y, int64_t count) {
    switch (type) {
    case CV_FLOAT32: select_f32(mask, mask_step, a, a_step, b, b_step, y, count); return;
    case CV_FLOAT64: select_f64(mask, mask_step, a, a_step, b, b_step, y, count); return;
    case CV_INT32: select_i32(mask, mask_step, a, a_step, b, b_step, y, count); return;
    case CV_INT64: select_i64(mask, mask_step, a, a_step, b, b_step, y, count); return;
    case CV_UINT8: select_u8(mask, mask_step, a, a_step, b, b_step, y, count); return;
    default: return;
    }
}
