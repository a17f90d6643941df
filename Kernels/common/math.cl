// Elementary functions of float vectors, for kernels that name this file as one to put before them.
//
// VECTOR_WIDTH (1, 2, 4, 8 or 16) sets the type `vfloat`: 1 on devices that vectorise over work-items, 8 or 16 where
// one work-item fills a SIMD register. A library's exp, tanh and erf may be calls per element; these are straight lines
// of fma that stay in registers.
//
// Each is right at ±0, ±infinity and NaN, and within the error said, in units in the last place, found by trying all
// floats against float64. The polynomials are minimax fits (Lawson's iteration) made for this file; the reductions are
// the classic ones of Cody and Waite, Software Manual for the Elementary Functions (1980).
#ifndef VECTOR_WIDTH
#define VECTOR_WIDTH 1
#endif

#define MATH_PASTE_(a, b) a##b
#define MATH_PASTE(a, b) MATH_PASTE_(a, b)
#if VECTOR_WIDTH == 1
typedef float vfloat;
typedef int vint;
typedef uint vuint;
#define as_vfloat as_float
#define as_vint as_int
#define as_vuint as_uint
#define convert_vfloat convert_float
#define vfloat_load(pointer) (*(pointer))
#define vfloat_store(value, pointer) (*(pointer) = (value))
#else
typedef MATH_PASTE(float, VECTOR_WIDTH) vfloat;
typedef MATH_PASTE(int, VECTOR_WIDTH) vint;
typedef MATH_PASTE(uint, VECTOR_WIDTH) vuint;
#define as_vfloat MATH_PASTE(as_float, VECTOR_WIDTH)
#define as_vint MATH_PASTE(as_int, VECTOR_WIDTH)
#define as_vuint MATH_PASTE(as_uint, VECTOR_WIDTH)
#define convert_vfloat MATH_PASTE(convert_float, VECTOR_WIDTH)
#define vfloat_load(pointer) MATH_PASTE(vload, VECTOR_WIDTH)(0, pointer)
// A vector at the address of any float of global memory. PoCL makes vstore16 four stores where this is one.
typedef struct __attribute__((packed)) { vfloat value; } vfloat_unaligned;
#define vfloat_store(value_, pointer) (((__global vfloat_unaligned *)(pointer))->value = (value_))
#endif

// x = n·ln 2 + r with |r| ≤ ln 2 / 2. Adding 1.5·2²³ rounds to the nearest integer and leaves it in the low bits,
// without a conversion that would be undefined for NaN.
#define EXP_REDUCE(x, n, r) \
    const vfloat shifted = fma(x, (vfloat)(1.44269504f), (vfloat)(12582912.0f)); \
    const vint n = as_vint(shifted) - (vint)(0x4B400000); \
    const vfloat n##Float = shifted - 12582912.0f; \
    const vfloat r = fma(n##Float, (vfloat)(1.43241613e-6f), fma(n##Float, (vfloat)(-0.693148613f), x));

// (eʳ - 1 - r) / r² for |r| ≤ ln 2 / 2.
static inline vfloat exp_tail(vfloat r) {
    vfloat q = fma((vfloat)(0.00138145988f), r, (vfloat)(0.00836871751f));
    q = fma(q, r, (vfloat)(0.0416683890f));
    q = fma(q, r, (vfloat)(0.166665211f));
    return fma(q, r, (vfloat)(0.499999940f));
}

// 2ⁿ for n in -126 ... 127.
static inline vfloat power_of_two(vint n) { return as_vfloat((n + 127) << 23); }

// eˣ, with denormal results. 1.0 ulp.
static inline vfloat vexp(vfloat x) {
    x = select(x, (vfloat)(89.0f), (vint)(x > 89.0f));
    x = select(x, (vfloat)(-105.0f), (vint)(x < -105.0f));
    EXP_REDUCE(x, n, r)
    const vfloat p = fma(r * r, exp_tail(r), r) + 1.0f;
    // In two factors, as 2ⁿ alone may leave the range where eˣ does not.
    const vint half_n = n >> 1;
    return p * power_of_two(half_n) * power_of_two(n - half_n);
}

// factor · e^(x + low) for x ≤ 0 and |low| < 0.04, rounded once where that is denormal; 0 below -112.
static inline vfloat vexp_scaled(vfloat x, vfloat low, vfloat factor) {
    const vint vanishes = x < -112.0f;
    x = select(x, (vfloat)(-112.0f), vanishes);
    EXP_REDUCE(x, n, rounded)
    const vfloat r = rounded + low;
    const vfloat p = select(fma(r * r, exp_tail(r), r) + 1.0f, (vfloat)(0.0f), vanishes) * factor;
    const vint half_n = n >> 1;
    return p * power_of_two(half_n) * power_of_two(n - half_n);
}

// eˣ for x ≤ 0, as softmax needs it: what would be denormal is 0. 1.0 ulp.
static inline vfloat vexp_nonpositive(vfloat x) {
    const vint vanishes = x < -87.3f;
    x = select(x, (vfloat)(-87.3f), vanishes);
    EXP_REDUCE(x, n, r)
    const vfloat p = fma(r * r, exp_tail(r), r) + 1.0f;
    return select(p * power_of_two(n), (vfloat)(0.0f), vanishes);
}

// Functions of e^-|x|, which is never large: nothing overflows, and nothing is the difference of two numbers near one.

// 1 / (1 + e⁻ˣ). 2.5 ulp.
static inline vfloat vsigmoid(vfloat x) {
    const vfloat t = vexp_scaled(-fabs(x), (vfloat)(0.0f), (vfloat)(1.0f));
    return select((vfloat)(1.0f), t, (vint)(x < 0.0f)) / (1.0f + t);
}

// The slope of 1 / (1 + e⁻ˣ). 3 ulp.
static inline vfloat vsigmoid_derivative(vfloat x) {
    const vfloat t = vexp_scaled(-fabs(x), (vfloat)(0.0f), (vfloat)(1.0f));
    const vfloat w = 1.0f + t;
    return t / (w * w);
}

// x / (1 + e⁻ˣ). 3 ulp.
static inline vfloat vsilu(vfloat x) {
    const vfloat z = -fabs(x);
    const vfloat share = x / (1.0f + vexp_scaled(z, (vfloat)(0.0f), (vfloat)(1.0f)));
    return select(share, vexp_scaled(z, (vfloat)(0.0f), share), (vint)(x < 0.0f));
}

// The slope of x / (1 + e⁻ˣ): eˣ (1 + x + eˣ) / (1 + eˣ)² for x = -a, and 1 less that for x = a.
static inline vfloat vsilu_derivative(vfloat x) {
    vfloat a = fabs(x);
    a = select(a, (vfloat)(120.0f), (vint)(a > 120.0f));
    const vfloat t = vexp_scaled(-a, (vfloat)(0.0f), (vfloat)(1.0f));
    const vfloat w = 1.0f + t;
    const vfloat tail = vexp_scaled(-a, (vfloat)(0.0f), (1.0f - a + t) / (w * w));
    return select(tail, 1.0f - tail, (vint)(x > 0.0f));
}

// tanh x = (e²ˣ - 1) / (e²ˣ + 1), of |x| and with the difference formed without cancellation. 2.5 ulp.
static inline vfloat vtanh(vfloat x) {
    vfloat y = 2.0f * fabs(x);
    y = select(y, (vfloat)(20.0f), (vint)(y > 20.0f));
    EXP_REDUCE(y, n, r)
    const vfloat scale = power_of_two(n);
    const vfloat p = fma(r * r, exp_tail(r), r);
    const vfloat numerator = fma(scale, p, scale - 1.0f);
    return copysign(numerator / (numerator + 2.0f), x);
}

// eˣ - 1, which has the sign of x. 2 ulp.
static inline vfloat vexpm1(vfloat x) {
    vfloat y = select(x, (vfloat)(89.0f), (vint)(x > 89.0f));
    y = select(y, (vfloat)(-30.0f), (vint)(y < -30.0f));
    EXP_REDUCE(y, n, r)
    // Half of it first, as 2ⁿ may leave the range where the result does not.
    const vfloat scale = power_of_two(n - 1);
    const vfloat p = fma(r * r, exp_tail(r), r);
    const vfloat large = copysign(2.0f * fma(scale, p, scale - 0.5f), x);
    return select(large, x, (vint)(fabs(x) < 1e-8f));
}

// erf x for |x| < 0.9, given |x|.
static inline vfloat erf_small(vfloat a) {
    const vfloat square = a * a;
    vfloat p = fma((vfloat)(-0.000609037897f), square, (vfloat)(0.00501196692f));
    p = fma(p, square, (vfloat)(-0.0267789122f));
    p = fma(p, square, (vfloat)(0.112821408f));
    p = fma(p, square, (vfloat)(-0.376125246f));
    p = fma(p, square, (vfloat)(0.128379107f));
    return fma(p, a, a);
}

// 1 - erf a for a in 0.9 ... 4, as the exponential of a polynomial.
static inline vfloat erfc_large(vfloat a) {
    vfloat p = fma((vfloat)(-0.000214594940f), a, (vfloat)(0.00321997493f));
    p = fma(p, a, (vfloat)(-0.0229060296f));
    p = fma(p, a, (vfloat)(0.105286852f));
    p = fma(p, a, (vfloat)(0.635699391f));
    p = fma(p, a, (vfloat)(0.128520012f));
    return vexp_nonpositive(-fma(p, a, a));
}

// The error function. 2 ulp.
static inline vfloat verf(vfloat x) {
    vfloat a = fabs(x);
    a = select(a, (vfloat)(4.0f), (vint)(a > 4.0f));
    return copysign(select(1.0f - erfc_large(a), erf_small(a), (vint)(a < 0.9f)), x);
}

// factor · e^(-a²/2), a² in two pieces: what its rounding loses e^ would make many units.
static inline vfloat vgaussian_scaled(vfloat a, vfloat factor) {
    const vfloat square = a * a;
    return vexp_scaled(-0.5f * square, -0.5f * fma(a, a, -square), factor);
}

// e^(-x²/2). 1.5 ulp.
static inline vfloat vgaussian(vfloat x) {
    const vfloat a = fabs(x);
    return vgaussian_scaled(select(a, (vfloat)(16.0f), (vint)(a > 16.0f)), (vfloat)(1.0f));
}

// The normal distribution function at -a over e^(-a²/2), for a in 0 ... 16: s · P(s - 1/2) with s = 1 / (1 + 0.3 a). 3 ulp.
static inline vfloat normal_tail(vfloat a) {
    const vfloat s = 1.0f / fma((vfloat)(0.3f), a, (vfloat)(1.0f));
    const vfloat q = s - 0.5f;
    vfloat p = fma((vfloat)(-0.0206287131f), q, (vfloat)(0.0196358580f));
    p = fma(p, q, (vfloat)(0.0359164402f));
    p = fma(p, q, (vfloat)(-0.0364608690f));
    p = fma(p, q, (vfloat)(-0.0775515810f));
    p = fma(p, q, (vfloat)(0.0290565249f));
    p = fma(p, q, (vfloat)(0.222082689f));
    p = fma(p, q, (vfloat)(0.346198827f));
    p = fma(p, q, (vfloat)(0.329158962f));
    p = fma(p, q, (vfloat)(0.221970618f));
    return s * p;
}

// x·Φ(x) with the normal distribution function Φ. 4 ulp.
static inline vfloat vgelu(vfloat x) {
    vfloat a = fabs(x);
    const vint vanishes = a > 15.0f;
    a = select(a, (vfloat)(15.0f), vanishes);
    const vfloat tail = select(normal_tail(a), (vfloat)(0.0f), vanishes);
    const vint isNegative = x < 0.0f;
    const vfloat y = vgaussian_scaled(a, select(tail, tail * x, isNegative));
    return select(x * (1.0f - y), y, isNegative);
}

// Φ(x) + x·φ(x): e^(-a²/2) times a difference for x = -a, and 1 less that for x = a. 4 ulp, but where it is near 0.
static inline vfloat vgelu_derivative(vfloat x) {
    vfloat a = fabs(x);
    a = select(a, (vfloat)(16.0f), (vint)(a > 16.0f));
    const vfloat y = vgaussian_scaled(a, fma((vfloat)(-0.398942280f), a, normal_tail(a)));
    return select(y, 1.0f - y, (vint)(x > 0.0f));
}

// ln x, of denormals too. 1 ulp.
static inline vfloat vlog(vfloat x) {
    const vint denormal = x < 1.17549435e-38f;
    const vfloat scaled = select(x, x * 8388608.0f, denormal);
    // x = m·2ⁿ with m in √½ ..< √2.
    const vuint bits = as_vuint(scaled);
    const vint n = as_vint(bits - (vuint)(0x3F3504F3)) >> 23;
    const vfloat f = as_vfloat(bits - as_vuint(n << 23)) - 1.0f;
    const vfloat exponent = convert_vfloat(n - select((vint)(0), (vint)(23), denormal));
    vfloat p = fma((vfloat)(-0.0763449743f), f, (vfloat)(0.127615780f));
    p = fma(p, f, (vfloat)(-0.131601825f));
    p = fma(p, f, (vfloat)(0.142017573f));
    p = fma(p, f, (vfloat)(-0.166233569f));
    p = fma(p, f, (vfloat)(0.200012267f));
    p = fma(p, f, (vfloat)(-0.250008196f));
    p = fma(p, f, (vfloat)(0.333333313f));
    p = fma(p, f, (vfloat)(-0.5f));
    const vfloat low = fma(exponent, (vfloat)(-1.43241613e-6f), f * f * p);
    vfloat y = fma(exponent, (vfloat)(0.693148613f), f + low);
    y = select(y, x, (vint)(x == INFINITY) | (vint)(x != x));
    y = select(y, (vfloat)(-INFINITY), (vint)(x == 0.0f));
    return select(y, (vfloat)(NAN), (vint)(x < 0.0f));
}

// ln(1 + eˣ) = max(x, 0) + ln(1 + e^-|x|). 2 ulp.
static inline vfloat vsoftplus(vfloat x) {
    const vfloat t = vexp(-fabs(x));
    const vfloat u = 1.0f + t;
    // What 1 + t lost is put back to first order.
    const vfloat tail = vlog(u) + (t - (u - 1.0f)) / u;
    return select((vfloat)(0.0f), x, (vint)(x > 0.0f) | (vint)(x != x)) + tail;
}

// The first `count` of VECTOR_WIDTH elements, and zeros after them.
static inline vfloat vfloat_load_part(__global const float *x, int count) {
    vfloat value = 0.0f;
    for (int lane = 0; lane < count; ++lane) ((float *)&value)[lane] = x[lane];
    return value;
}

static inline void vfloat_store_part(vfloat value, __global float *y, int count) {
    for (int lane = 0; lane < count; ++lane) y[lane] = ((const float *)&value)[lane];
}

// The places i of this work-item's elements. CPU style: vectors of a block of its own, of a length that is a multiple
// of the vector's; GPU style (VECTOR_WIDTH 1): every n-th element, so that neighbours read neighbours.
#if VECTOR_WIDTH == 1
#define FOR_EACH_VECTOR(i, count, block) for (ulong i = get_global_id(0); i < count; i += get_global_size(0))
#define ELEMENTWISE_KERNEL __kernel
#else
#define FOR_EACH_VECTOR(i, count, block) \
    for (ulong i = get_global_id(0) * block, i##End = min(i + block, count); i < i##End; i += VECTOR_WIDTH)
#define ELEMENTWISE_KERNEL __kernel __attribute__((reqd_work_group_size(1, 1, 1)))
#endif
