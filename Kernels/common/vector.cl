// Vectors of VECTOR_WIDTH floats, and an exponential that is fast on them.
//
// Kernels for CPU-like devices are written once on the type `Vector`; VECTOR_WIDTH is the device's preferred
// width (16 with AVX-512, 8 with AVX2, 4 elsewhere), and 1 on GPU-like devices, where a work-item is a lane.

#ifndef VECTOR_WIDTH
#define VECTOR_WIDTH 8
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

#if VECTOR_WIDTH == 1
typedef float Vector;
typedef int IntVector;
#define LOAD(p) (*(p))
#define STORE(value, p) (*(p) = (value))
#define AS_FLOAT(x) as_float(x)
#define AS_INT(x) as_int(x)
#define TO_FLOAT(x) convert_float(x)
// `condition` is the result of comparing two Vectors.
#define SELECT(no, yes, condition) ((condition) ? (yes) : (no))
#else
typedef JOIN(float, VECTOR_WIDTH) Vector;
typedef JOIN(int, VECTOR_WIDTH) IntVector;
#define LOAD(p) JOIN(vload, VECTOR_WIDTH)(0, p)
#define STORE(value, p) JOIN(vstore, VECTOR_WIDTH)(value, 0, p)
#define AS_FLOAT(x) JOIN(as_float, VECTOR_WIDTH)(x)
#define AS_INT(x) JOIN(as_int, VECTOR_WIDTH)(x)
#define TO_FLOAT(x) JOIN(convert_float, VECTOR_WIDTH)(x)
#define SELECT(no, yes, condition) select(no, yes, condition)
#endif

// 0, 1, 2, … in the lanes of a Vector.
#if VECTOR_WIDTH == 1
#define LANE_INDEX ((IntVector)(0))
#elif VECTOR_WIDTH == 2
#define LANE_INDEX ((IntVector)(0, 1))
#elif VECTOR_WIDTH == 4
#define LANE_INDEX ((IntVector)(0, 1, 2, 3))
#elif VECTOR_WIDTH == 8
#define LANE_INDEX ((IntVector)(0, 1, 2, 3, 4, 5, 6, 7))
#else
#define LANE_INDEX ((IntVector)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#endif

// The larger of two, NaN if either is: then neither comparison holds, and the sum is NaN.
static inline Vector maximumOf(const Vector a, const Vector b) {
    return SELECT(SELECT(a + b, b, b > a), a, a >= b);
}

// eˣ to within 1 ulp, also where the result is denormal; 0 for -inf, inf for large x, NaN for NaN.
//
// x = n·ln 2 + r with |r| ≤ ln 2 / 2, eˣ = 2ⁿ·eʳ. Adding 1.5·2²³ rounds x / ln 2 to the integer n in the low bits;
// ln 2 is subtracted in two parts (Cody and Waite, 1980); eʳ is a polynomial of degree 6 fitted to least relative
// error on the interval; 2ⁿ is multiplied in two halves, so that no half leaves the range of exponents.
static inline Vector exponential(Vector x) {
    const Vector rounder = 12582912.0f;
    x = SELECT(x, (Vector)(-104.0f), x < (Vector)(-104.0f));
    x = SELECT(x, (Vector)(89.0f), x > (Vector)(89.0f));
    const Vector shifted = fma(x, (Vector)(1.44269504f), rounder);
    const Vector n = shifted - rounder;
    const Vector r = fma(n, (Vector)(-1.42860682e-6f), fma(n, (Vector)(-0.693145752f), x));
    Vector q = 0.0013813145f;
    q = fma(q, r, (Vector)(0.008369419f));
    q = fma(q, r, (Vector)(0.041668456f));
    q = fma(q, r, (Vector)(0.16666515f));
    q = fma(q, r, (Vector)(0.49999994f));
    const Vector p = fma(q * r, r, r) + 1.0f;
    const IntVector exponent = AS_INT(shifted) - 0x4B400000;
    const IntVector halved = exponent >> 1;
    return p * AS_FLOAT((halved + 127) << 23) * AS_FLOAT((exponent - halved + 127) << 23);
}

// The sum of a Vector's lanes, always in the same order.
static inline float sumLanes(const Vector x) {
#if VECTOR_WIDTH == 16
    const float8 a = x.lo + x.hi;
    const float4 b = a.lo + a.hi;
    const float2 c = b.lo + b.hi;
    return c.x + c.y;
#elif VECTOR_WIDTH == 8
    const float4 b = x.lo + x.hi;
    const float2 c = b.lo + b.hi;
    return c.x + c.y;
#elif VECTOR_WIDTH == 4
    const float2 c = x.lo + x.hi;
    return c.x + c.y;
#elif VECTOR_WIDTH == 2
    return x.x + x.y;
#else
    return x;
#endif
}
