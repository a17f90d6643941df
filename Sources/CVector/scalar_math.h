// Exponential, logarithm and their relatives for float as straight-line code that a compiler can vectorise; for double,
// which serves references and gradient checks, those of the C library.
//
// Polynomials are minimax fits (Lawson's reweighted least squares at Chebyshev nodes) of the functions named beside
// them; the reductions are the usual ones (Cody and Waite, Software Manual for the Elementary Functions, 1980).
#pragma once

#include "internal.h"

INLINE float bits_to_float(uint32_t bits) { return __builtin_bit_cast(float, bits); }
INLINE uint32_t float_to_bits(float x) { return __builtin_bit_cast(uint32_t, x); }

// e^(x + low) = 2^n * (1 + p), with x + low - n ln2 in about [-ln2/2, ln2/2], and p = e^of that - 1. Adding 1.5 * 2^23 rounds to
// an integer, which is then in the low bits. Adding a `low` of -0 changes nothing, and compilers leave it out.
typedef struct {
    int32_t n;
    float p;
} exponential_f32;

INLINE exponential_f32 reduced_exp_f32(float x, float low) {
    const float magic = 12582912.0f;
    const float shifted = x * 1.44269504f + magic;
    const float whole = shifted - magic;
    const float r = (x - whole * 0.693145752f) - whole * 1.42860677e-6f + low;
    float p = 1.395083345e-03f;
    p = p * r + 8.369088284e-03f;
    p = p * r + 4.166620067e-02f;
    p = p * r + 1.666651718e-01f;
    p = p * r + 5.000000097e-01f;
    p = p * (r * r) + r;
    return (exponential_f32){(int32_t)(float_to_bits(shifted) - float_to_bits(magic)), p};
}

// x * 2^n by two factors, so that neither leaves the range of exponents where the result is subnormal or infinite.
INLINE float times_power_of_two(float x, int32_t n) {
    const int32_t half = n >> 1;
    return x * bits_to_float((uint32_t)(half + 127) << 23) * bits_to_float((uint32_t)(n - half + 127) << 23);
}

INLINE float exp_f32(float x) {
    const float bounded = x > 89.0f ? 89.0f : x;
    const exponential_f32 e = reduced_exp_f32(bounded < -104.0f ? -104.0f : bounded, -0.0f);
    return x != x ? x : times_power_of_two(e.p + 1.0f, e.n);
}

// factor * e^(x + low) for x <= 0 and |low| < 0.04, rounded once where that is subnormal; 0 from x = -112 down.
INLINE float scaled_exp_f32(float x, float low, float factor) {
    const exponential_f32 e = reduced_exp_f32(x < -112.0f ? -112.0f : x, low);
    return times_power_of_two((x < -112.0f ? 0.0f : e.p + 1.0f) * factor, e.n);
}

// e^x of sixteen lanes with x <= 0, as softmax needs it: what would be subnormal is 0.
INLINE lanes_f32 exp_nonpositive_f32(lanes_f32 x) {
    typedef uint32_t lanes_bits __attribute__((ext_vector_type(16), aligned(4)));
    const lanes_f32 bounded = x < -87.3f ? (lanes_f32)-87.3f : x;
    const lanes_f32 shifted = bounded * 1.44269504f + 12582912.0f;
    const lanes_f32 whole = shifted - 12582912.0f;
    const lanes_f32 r = (bounded - whole * 0.693145752f) - whole * 1.42860677e-6f;
    lanes_f32 p = r * 1.395083345e-03f + 8.369088284e-03f;
    p = p * r + 4.166620067e-02f;
    p = p * r + 1.666651718e-01f;
    p = p * r + 5.000000097e-01f;
    p = p * (r * r) + r;
    const lanes_bits exponent = (__builtin_bit_cast(lanes_bits, shifted) + 127u) << 23;
    const lanes_f32 y = (p + 1.0f) * __builtin_bit_cast(lanes_f32, exponent);
    return x < -87.3f ? (lanes_f32)0.0f : y;
}

// ln(m * 2^e) with m in [sqrt(1/2), sqrt(2)).
INLINE float log_f32(float x) {
    const int tiny = x < 1.17549435e-38f;
    const float scaled = tiny ? x * 8388608.0f : x;
    const uint32_t bits = float_to_bits(scaled) - 0x3f3504f3u;
    const float exponent = (float)((int32_t)bits >> 23) - (tiny ? 23.0f : 0.0f);
    const float f = bits_to_float((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float p = 6.915183026e-02f;
    p = p * f - 1.178971392e-01f;
    p = p * f + 1.187300977e-01f;
    p = p * f - 1.238436673e-01f;
    p = p * f + 1.421865586e-01f;
    p = p * f - 1.666924968e-01f;
    p = p * f + 2.000222669e-01f;
    p = p * f - 2.499998662e-01f;
    p = p * f + 3.333331044e-01f;
    const float square = f * f;
    float y = exponent * 1.42860677e-6f + p * (square * f);
    y = y - 0.5f * square;
    y = y + f;
    y = y + exponent * 0.693145752f;
    y = x == INFINITY ? x : y;
    y = x == 0.0f ? -INFINITY : y;
    return x >= 0.0f ? y : NAN;
}

// e^x - 1, which has the sign of x.
INLINE float expm1_f32(float x) {
    const float bounded = x > 89.0f ? 89.0f : x;
    const exponential_f32 e = reduced_exp_f32(bounded < -30.0f ? -30.0f : bounded, -0.0f);
    // Half of it first, as 2^n may leave the range where the result does not.
    const float scale = bits_to_float((uint32_t)(e.n - 1 + 127) << 23);
    const float y = __builtin_copysignf(2.0f * (scale * e.p + (scale - 0.5f)), x);
    return x != x || __builtin_fabsf(x) < 1e-8f ? x : y;
}

// ln(1 + u) for u in [0, 1]: what rounding 1 + u loses is put back to first order.
INLINE float log1p_f32(float u) {
    const float w = 1.0f + u;
    return log_f32(w) + (u - (w - 1.0f)) / w;
}

INLINE float tanh_f32(float x) {
    const float magnitude = __builtin_fabsf(x);
    const float square = x * x;
    float p = -5.603905469e-03f;
    p = p * square + 2.055171067e-02f;
    p = p * square - 5.371410423e-02f;
    p = p * square + 1.333115276e-01f;
    p = p * square - 3.333327208e-01f;
    const float small = p * square * x + x;
    const float large = 1.0f - 2.0f / (exp_f32(2.0f * magnitude) + 1.0f);
    return magnitude < 0.625f ? small : __builtin_copysignf(large, x);
}

// Functions of e^-|x|, which is never large: nothing overflows, and nothing is the difference of two numbers near one.
INLINE float sigmoid_f32(float x) {
    const float t = exp_f32(-__builtin_fabsf(x));
    return (x < 0.0f ? t : 1.0f) / (1.0f + t);
}

INLINE float sigmoid_derivative_f32(float x) {
    const float t = exp_f32(-__builtin_fabsf(x)), w = 1.0f + t;
    return t / (w * w);
}

INLINE float silu_f32(float x) {
    const float z = -__builtin_fabsf(x), w = 1.0f + scaled_exp_f32(z, 0.0f, 1.0f);
    return x < 0.0f ? scaled_exp_f32(z, 0.0f, x / w) : x / w;
}

// e^x (1 + x + e^x) / (1 + e^x)^2 for x = -a, and 1 less that for x = a.
INLINE float silu_derivative_f32(float x) {
    const float a = __builtin_fabsf(x) > 120.0f ? 120.0f : __builtin_fabsf(x);
    const float t = scaled_exp_f32(-a, 0.0f, 1.0f), w = 1.0f + t;
    const float tail = scaled_exp_f32(-a, 0.0f, (1.0f - a + t) / (w * w));
    return x > 0.0f ? 1.0f - tail : tail;
}

// -a^2/2 as a sum: `high` exact from the upper half of the digits of a.
INLINE float half_square_f32(float a, float *low) {
    const float upper = bits_to_float(float_to_bits(a) & 0xfffff000u);
    *low = -0.5f * (a - upper) * (a + upper);
    return -0.5f * (upper * upper);
}

INLINE float gaussian_f32(float x) {
    const float a = __builtin_fabsf(x) > 16.0f ? 16.0f : __builtin_fabsf(x);
    float low;
    const float high = half_square_f32(a, &low);
    return scaled_exp_f32(high, low, 1.0f);
}

// The normal distribution function at -a over e^(-a^2/2), for a in [0, 15]: s * P(s - 1/2) with s = 1 / (1 + 0.3 a).
INLINE float normal_tail_f32(float a) {
    const float s = 1.0f / (1.0f + 0.3f * a), q = s - 0.5f;
    float p = -2.06287131e-02f;
    p = p * q + 1.96358580e-02f;
    p = p * q + 3.59164402e-02f;
    p = p * q - 3.64608690e-02f;
    p = p * q - 7.75515810e-02f;
    p = p * q + 2.90565249e-02f;
    p = p * q + 2.22082689e-01f;
    p = p * q + 3.46198827e-01f;
    p = p * q + 3.29158962e-01f;
    p = p * q + 2.21970618e-01f;
    return s * p;
}

INLINE float gelu_f32(float x) {
    const float magnitude = __builtin_fabsf(x), a = magnitude > 15.0f ? 15.0f : magnitude;
    float low;
    const float high = half_square_f32(a, &low);
    const float tail = magnitude > 15.0f ? 0.0f : normal_tail_f32(a);
    const float y = scaled_exp_f32(high, low, x < 0.0f ? tail * x : tail);
    return x < 0.0f ? y : x * (1.0f - y);
}

// e^(-a^2/2) (W(a) - a / sqrt(2 pi)) for x = -a, and 1 less that for x = a.
INLINE float gelu_derivative_f32(float x) {
    const float magnitude = __builtin_fabsf(x), a = magnitude > 16.0f ? 16.0f : magnitude;
    float low;
    const float high = half_square_f32(a, &low);
    const float y = scaled_exp_f32(high, low, normal_tail_f32(a) - 0.398942280f * a);
    return x > 0.0f ? 1.0f - y : y;
}

// Near zero x * P(x^2), beyond 1 - e^-tQ(t) from a fit of -ln erfc.
INLINE float erf_f32(float x) {
    const float t = __builtin_fabsf(x);
    const float square = x * x;
    float p = 7.889119518e-05f;
    p = p * square - 8.020841276e-04f;
    p = p * square + 5.189535339e-03f;
    p = p * square - 2.685444459e-02f;
    p = p * square + 1.128360018e-01f;
    p = p * square - 3.761262714e-01f;
    p = p * square + 1.283791659e-01f;
    const float small = p * x + x;
    const float s = t > 4.0f ? 4.0f : t;
    float q = -2.113098389e-06f;
    q = q * s + 3.393807301e-05f;
    q = q * s - 2.155458961e-04f;
    q = q * s + 5.061797887e-04f;
    q = q * s + 1.820807762e-03f;
    q = q * s - 2.128931541e-02f;
    q = q * s + 1.042063016e-01f;
    q = q * s + 6.360758346e-01f;
    q = q * s + 1.284694224e-01f;
    const float large = __builtin_copysignf(1.0f - exp_f32(-(q * s + s)), x);
    return t < 0.95f ? small : (x != x ? x : large);
}

INLINE double exp_f64(double x) { return exp(x); }
INLINE lanes_f64 exp_nonpositive_f64(lanes_f64 x) {
    for (int l = 0; l < LANES; l++) x[l] = exp(x[l]);
    return x;
}
INLINE double expm1_f64(double x) { return expm1(x); }
INLINE double log_f64(double x) { return log(x); }
INLINE double log1p_f64(double x) { return log1p(x); }
INLINE double tanh_f64(double x) { return tanh(x); }
INLINE double sigmoid_f64(double x) {
    const double t = exp(-fabs(x));
    return (x < 0 ? t : 1) / (1 + t);
}
INLINE double sigmoid_derivative_f64(double x) {
    const double t = exp(-fabs(x));
    return t / (1 + t) / (1 + t);
}
INLINE double silu_f64(double x) { return x * sigmoid_f64(x); }
INLINE double silu_derivative_f64(double x) {
    const double a = fabs(x) > 800 ? 800 : fabs(x), t = exp(-a), tail = t * ((1 - a + t) / (1 + t) / (1 + t));
    return x > 0 ? 1 - tail : tail;
}
// x^2/2 is rounded by up to 2^-54 of itself, which e^ makes many units: the lower half of the digits has its own factor.
INLINE double gaussian_f64(double x) {
    const double a = fabs(x) > 40 ? 40 : fabs(x), upper = (double)(float)a;
    return exp(-0.5 * upper * upper) * exp(-0.5 * (a - upper) * (a + upper));
}
// The normal distribution function of -a >= -40. What a / sqrt(2) loses to rounding is put back by the slope there.
INLINE double normal_tail_f64(double a) {
    const double z = a * 0.707106781186547524;
    const double rest = fma(a, 0.707106781186547524, -z) + a * -4.833646656726457e-17;
    return 0.5 * erfc(z) - 0.564189583547756287 * rest * exp(-z * z);
}
INLINE double gelu_f64(double x) {
    const double a = fabs(x) > 40 ? 40 : fabs(x), tail = normal_tail_f64(a);
    return x * (x < 0 ? tail : 1 - tail);
}
INLINE double gelu_derivative_f64(double x) {
    const double a = fabs(x) > 40 ? 40 : fabs(x);
    const double tail = normal_tail_f64(a) - 0.398942280401432678 * a * gaussian_f64(a);
    return x > 0 ? 1 - tail : tail;
}
INLINE double erf_f64(double x) { return erf(x); }

INLINE float sqrt_f32(float x) { return __builtin_elementwise_sqrt(x); }
INLINE double sqrt_f64(double x) { return __builtin_elementwise_sqrt(x); }
INLINE float floor_f32(float x) { return __builtin_elementwise_floor(x); }
INLINE double floor_f64(double x) { return __builtin_elementwise_floor(x); }
INLINE float ceil_f32(float x) { return __builtin_elementwise_ceil(x); }
INLINE double ceil_f64(double x) { return __builtin_elementwise_ceil(x); }
INLINE float trunc_f32(float x) { return __builtin_elementwise_trunc(x); }
INLINE double trunc_f64(double x) { return __builtin_elementwise_trunc(x); }
INLINE float round_to_even_f32(float x) { return __builtin_elementwise_roundeven(x); }
INLINE double round_to_even_f64(double x) { return __builtin_elementwise_roundeven(x); }

// Those of the C library.
#define LIBRARY_FUNCTION(name) \
    INLINE float name##_f32(float x) { return name##f(x); } \
    INLINE double name##_f64(double x) { return name(x); }
#define LIBRARY_FUNCTION_OF_TWO(name) \
    INLINE float name##_f32(float x, float y) { return name##f(x, y); } \
    INLINE double name##_f64(double x, double y) { return name(x, y); }
LIBRARY_FUNCTION(sin)
LIBRARY_FUNCTION(cos)
LIBRARY_FUNCTION(tan)
LIBRARY_FUNCTION(asin)
LIBRARY_FUNCTION(acos)
LIBRARY_FUNCTION(atan)
LIBRARY_FUNCTION(sinh)
LIBRARY_FUNCTION(cosh)
LIBRARY_FUNCTION(asinh)
LIBRARY_FUNCTION(acosh)
LIBRARY_FUNCTION(atanh)
LIBRARY_FUNCTION_OF_TWO(pow)
LIBRARY_FUNCTION_OF_TWO(fmod)
LIBRARY_FUNCTION_OF_TWO(atan2)
INLINE float abs_f32(float x) { return __builtin_fabsf(x); }
INLINE double abs_f64(double x) { return __builtin_fabs(x); }
