// Conversions between all element types.

#include "internal.h"
#include "scalar_math.h"

// Round to nearest even; overflow goes to infinity, NaN stays NaN.
INLINE uint16_t half_from_float(float x) {
    const uint32_t bits = float_to_bits(x), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
    if (magnitude >= 0x47800000u) return (uint16_t)(sign | 0x7c00u);
    if (magnitude < 0x38800000u) {
        // Subnormal: adding 0.5 leaves the rounded fraction, in units of 2^-24, in the low bits.
        return (uint16_t)(sign | (float_to_bits(bits_to_float(magnitude) + 0.5f) - 0x3f000000u));
    }
    const uint32_t odd = (magnitude >> 13) & 1u;
    return (uint16_t)(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

INLINE float float_from_half(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16, magnitude = half & 0x7fffu;
    if (magnitude >= 0x7c00u) return bits_to_float(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
    if (magnitude < 0x0400u) return bits_to_float(sign | float_to_bits((float)magnitude * 5.9604644775390625e-8f));
    return bits_to_float(sign | ((magnitude << 13) + 0x38000000u));
}

INLINE uint16_t bfloat_from_float(float x) {
    const uint32_t bits = float_to_bits(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((bits >> 16) | 0x40u);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

INLINE float float_from_bfloat(uint16_t bfloat) { return bits_to_float((uint32_t)bfloat << 16); }

// Towards zero; what does not fit saturates and NaN gives zero, as converting it is undefined in C.
INLINE int64_t integer_from_double(double x, double low, double high, int64_t lowest, int64_t highest) {
    if (x != x) return 0;
    if (x <= low) return lowest;
    if (x >= high) return highest;
    return (int64_t)x;
}

#define TO_INTEGER(name, Integer, least, greatest) \
    INLINE Integer name(double x) { return (Integer)integer_from_double(x, least, greatest, least, greatest); }
TO_INTEGER(to_int8, int8_t, INT8_MIN, INT8_MAX)
TO_INTEGER(to_int16, int16_t, INT16_MIN, INT16_MAX)
TO_INTEGER(to_int32, int32_t, INT32_MIN, INT32_MAX)
TO_INTEGER(to_uint8, uint8_t, 0, UINT8_MAX)
TO_INTEGER(to_uint16, uint16_t, 0, UINT16_MAX)
TO_INTEGER(to_uint32, uint32_t, 0, UINT32_MAX)
INLINE int64_t to_int64(double x) {
    return integer_from_double(x, -9223372036854775808.0, 9223372036854775808.0, INT64_MIN, INT64_MAX);
}
INLINE uint64_t to_uint64(double x) {
    if (!(x > 0)) return 0;
    return x >= 18446744073709551616.0 ? UINT64_MAX : (uint64_t)x;
}

// Reads element i of any type as `float` or `double`, or as an integer, and writes it as any type.
#define EACH(expression) \
    for (int64_t i = 0; i < count; i++) y[i] = (expression); \
    return

#define FROM_FLOATING(Source, read)                                                                    \
    const Source *x = source;                                                                          \
    switch (to) {                                                                                      \
    case CV_FLOAT16: { uint16_t *y = result; EACH(half_from_float((float)(read))); }                    \
    case CV_BFLOAT16: { uint16_t *y = result; EACH(bfloat_from_float((float)(read))); }                 \
    case CV_FLOAT32: { float *y = result; EACH((float)(read)); }                                        \
    case CV_FLOAT64: { double *y = result; EACH((double)(read)); }                                      \
    case CV_INT8: { int8_t *y = result; EACH(to_int8((double)(read))); }                               \
    case CV_INT16: { int16_t *y = result; EACH(to_int16((double)(read))); }                            \
    case CV_INT32: { int32_t *y = result; EACH(to_int32((double)(read))); }                            \
    case CV_INT64: { int64_t *y = result; EACH(to_int64((double)(read))); }                            \
    case CV_UINT8: { uint8_t *y = result; EACH(to_uint8((double)(read))); }                            \
    case CV_UINT16: { uint16_t *y = result; EACH(to_uint16((double)(read))); }                         \
    case CV_UINT32: { uint32_t *y = result; EACH(to_uint32((double)(read))); }                         \
    case CV_UINT64: { uint64_t *y = result; EACH(to_uint64((double)(read))); }                         \
    case CV_BOOL: { uint8_t *y = result; EACH((read) != 0); }                                          \
    }

#define FROM_INTEGER(Source)                                                                           \
    const Source *x = source;                                                                          \
    switch (to) {                                                                                      \
    case CV_FLOAT16: { uint16_t *y = result; EACH(half_from_float((float)x[i])); }                      \
    case CV_BFLOAT16: { uint16_t *y = result; EACH(bfloat_from_float((float)x[i])); }                   \
    case CV_FLOAT32: { float *y = result; EACH((float)x[i]); }                                          \
    case CV_FLOAT64: { double *y = result; EACH((double)x[i]); }                                        \
    case CV_INT8: { int8_t *y = result; EACH((int8_t)x[i]); }                                          \
    case CV_INT16: { int16_t *y = result; EACH((int16_t)x[i]); }                                       \
    case CV_INT32: { int32_t *y = result; EACH((int32_t)x[i]); }                                       \
    case CV_INT64: { int64_t *y = result; EACH((int64_t)x[i]); }                                       \
    case CV_UINT8: { uint8_t *y = result; EACH((uint8_t)x[i]); }                                       \
    case CV_UINT16: { uint16_t *y = result; EACH((uint16_t)x[i]); }                                    \
    case CV_UINT32: { uint32_t *y = result; EACH((uint32_t)x[i]); }                                    \
    case CV_UINT64: { uint64_t *y = result; EACH((uint64_t)x[i]); }                                    \
    case CV_BOOL: { uint8_t *y = result; EACH(x[i] != 0); }                                            \
    }

HOT void cv_convert(cv_type from, const void *source, cv_type to, void *result, int64_t count) {
    switch (from) {
    case CV_FLOAT16: { FROM_FLOATING(uint16_t, float_from_half(x[i])) return; }
    case CV_BFLOAT16: { FROM_FLOATING(uint16_t, float_from_bfloat(x[i])) return; }
    case CV_FLOAT32: { FROM_FLOATING(float, x[i]) return; }
    case CV_FLOAT64: { FROM_FLOATING(double, x[i]) return; }
    case CV_INT8: { FROM_INTEGER(int8_t) return; }
    case CV_INT16: { FROM_INTEGER(int16_t) return; }
    case CV_INT32: { FROM_INTEGER(int32_t) return; }
    case CV_INT64: { FROM_INTEGER(int64_t) return; }
    case CV_UINT8: { FROM_INTEGER(uint8_t) return; }
    case CV_UINT16: { FROM_INTEGER(uint16_t) return; }
    case CV_UINT32: { FROM_INTEGER(uint32_t) return; }
    case CV_UINT64: { FROM_INTEGER(uint64_t) return; }
    case CV_BOOL: { FROM_INTEGER(uint8_t) return; }
    }
}

HOT void cv_round(cv_type to, float *x, int64_t count) {
    if (to == CV_FLOAT16) {
        for (int64_t i = 0; i < count; i++) x[i] = float_from_half(half_from_float(x[i]));
    } else {
        for (int64_t i = 0; i < count; i++) x[i] = float_from_bfloat(bfloat_from_float(x[i]));
    }
}
