// Elementwise functions over one block, for every type in which arithmetic is done.

#include "internal.h"
#include "scalar_math.h"

#define TEMPLATE "elementwise_template.h"
#include "for_each_real.h"

#define INTEGER int8_t
#define UNSIGNED uint8_t
#define FN(name) name##_i8
#include "integer_template.h"
#define INTEGER int16_t
#define UNSIGNED uint16_t
#define FN(name) name##_i16
#include "integer_template.h"
#define INTEGER int32_t
#define UNSIGNED uint32_t
#define FN(name) name##_i32
#include "integer_template.h"
#define INTEGER int64_t
#define UNSIGNED uint64_t
#define FN(name) name##_i64
#include "integer_template.h"
#define INTEGER uint8_t
#define UNSIGNED uint8_t
#define FN(name) name##_u8
#include "integer_template.h"
#define INTEGER uint16_t
#define UNSIGNED uint16_t
#define FN(name) name##_u16
#include "integer_template.h"
#define INTEGER uint32_t
#define UNSIGNED uint32_t
#define FN(name) name##_u32
#include "integer_template.h"
#define INTEGER uint64_t
#define UNSIGNED uint64_t
#define FN(name) name##_u64
#include "integer_template.h"

HOT void cv_unary(cv_type type, cv_unary_function function, const void *x, void *y, int64_t count) {
    switch (type) {
    case CV_FLOAT32: unary_f32(function, x, y, count); return;
    case CV_FLOAT64: unary_f64(function, x, y, count); return;
    case CV_INT8: unary_i8(function, x, y, count); return;
    case CV_INT16: unary_i16(function, x, y, count); return;
    case CV_INT32: unary_i32(function, x, y, count); return;
    case CV_INT64: unary_i64(function, x, y, count); return;
    case CV_UINT8: unary_u8(function, x, y, count); return;
    case CV_UINT16: unary_u16(function, x, y, count); return;
    case CV_UINT32: unary_u32(function, x, y, count); return;
    case CV_UINT64: unary_u64(function, x, y, count); return;
    case CV_BOOL: {
        // Not is all there is.
        const uint8_t *from = x;
        uint8_t *to = y;
        for (int64_t i = 0; i < count; i++) to[i] = from[i] ^ 1;
        return;
    }
    case CV_FLOAT16: case CV_BFLOAT16: return;
    }
}

HOT void cv_binary(
    cv_type type, cv_binary_function function, const void *a, int64_t a_step, const void *b, int64_t b_step, void *y,
    int64_t count) {
    switch (type) {
    case CV_FLOAT32: binary_f32(function, a, a_step, b, b_step, y, count); return;
    case CV_FLOAT64: binary_f64(function, a, a_step, b, b_step, y, count); return;
    case CV_INT8: binary_i8(function, a, a_step, b, b_step, y, count); return;
    case CV_INT16: binary_i16(function, a, a_step, b, b_step, y, count); return;
    case CV_INT32: binary_i32(function, a, a_step, b, b_step, y, count); return;
    case CV_INT64: binary_i64(function, a, a_step, b, b_step, y, count); return;
    // Combinations of 1 and 0 are those of their bytes.
    case CV_UINT8: case CV_BOOL: binary_u8(function, a, a_step, b, b_step, y, count); return;
    case CV_UINT16: binary_u16(function, a, a_step, b, b_step, y, count); return;
    case CV_UINT32: binary_u32(function, a, a_step, b, b_step, y, count); return;
    case CV_UINT64: binary_u64(function, a, a_step, b, b_step, y, count); return;
    case CV_FLOAT16: case CV_BFLOAT16: return;
    }
}

#define MULTIPLY_ADD(Real, suffix)                                                                                 \
    {                                                                                                              \
        static const Real one = 1;                                                                                 \
        multiply_add_##suffix(                                                                                     \
            left, right, a, b ? b : &one, b ? b_step : 0, c, c_step, d ? d : &one, d ? d_step : 0, y, count);      \
        return;                                                                                                    \
    }

HOT void cv_multiply_add(
    cv_type type, cv_binary_function function, const void *a, int64_t a_step, const void *b, int64_t b_step,
    const void *c, int64_t c_step, const void *d, int64_t d_step, void *y, int64_t count) {
    double left = 1, right = function == CV_SUBTRACT ? -1 : 1;
#define EXCHANGE(x, x_step, z, z_step)                                                                             \
    {                                                                                                              \
        const void *const pointer = x;                                                                             \
        const int64_t step = x_step;                                                                               \
        x = z, x_step = z_step, z = pointer, z_step = step;                                                        \
    }
    // Arrays first: of each product, and of both.
    if (a_step == 0 && b && b_step != 0) EXCHANGE(a, a_step, b, b_step)
    if (c_step == 0 && d && d_step != 0) EXCHANGE(c, c_step, d, d_step)
    if (a_step == 0) {
        const double sign = left;
        left = right, right = sign;
        EXCHANGE(a, a_step, c, c_step)
        EXCHANGE(b, b_step, d, d_step)
    }
#undef EXCHANGE
    if (IS_F64(type)) MULTIPLY_ADD(double, f64)
    MULTIPLY_ADD(float, f32)
}

#define SELECT(Element)                                                                                            \
    INLINE void select_##Element(                                                                                  \
        const uint8_t *restrict mask, int64_t maskStep, const Element *restrict a, int64_t aStep,                  \
        const Element *restrict b, int64_t bStep, Element *restrict y, int64_t count) {                            \
        if (maskStep && aStep && !bStep) {                                                                         \
            const Element other = *b;                                                                              \
            for (int64_t i = 0; i < count; i++) y[i] = mask[i] != 0 ? a[i] : other;                                \
        } else if (maskStep && !aStep && bStep) {                                                                  \
            const Element other = *a;                                                                              \
            for (int64_t i = 0; i < count; i++) y[i] = mask[i] != 0 ? other : b[i];                                \
        } else if (maskStep && aStep && bStep) {                                                                   \
            for (int64_t i = 0; i < count; i++) {                                                                  \
                const Element u = a[i], v = b[i];                                                                  \
                y[i] = mask[i] != 0 ? u : v;                                                                       \
            }                                                                                                      \
        } else {                                                                                                   \
            for (int64_t i = 0; i < count; i++) y[i] = mask[maskStep * i] != 0 ? a[aStep * i] : b[bStep * i];      \
        }                                                                                                          \
    }
SELECT(uint8_t)
SELECT(uint16_t)
SELECT(uint32_t)
SELECT(uint64_t)

HOT void cv_select(
    int64_t element_size, const uint8_t *mask, int64_t mask_step, const void *a, int64_t a_step, const void *b,
    int64_t b_step, void *y, int64_t count) {
    switch (element_size) {
    case 1: select_uint8_t(mask, mask_step, a, a_step, b, b_step, y, count); return;
    case 2: select_uint16_t(mask, mask_step, a, a_step, b, b_step, y, count); return;
    case 4: select_uint32_t(mask, mask_step, a, a_step, b, b_step, y, count); return;
    default: select_uint64_t(mask, mask_step, a, a_step, b, b_step, y, count); return;
    }
}
