// What common/math.cl, which goes before this file, leaves out of the type `vfloat`: things across lanes.

// 0, 1, 2, … in the lanes.
#if VECTOR_WIDTH == 1
#define VLANES ((vint)(0))
#elif VECTOR_WIDTH == 2
#define VLANES ((vint)(0, 1))
#elif VECTOR_WIDTH == 4
#define VLANES ((vint)(0, 1, 2, 3))
#elif VECTOR_WIDTH == 8
#define VLANES ((vint)(0, 1, 2, 3, 4, 5, 6, 7))
#else
#define VLANES ((vint)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#endif

// Lane n of a variable of type vfloat.
#define VLANE(variable, n) (((const float *)&(variable))[n])

// The sum of a long series that keeps the digits that adding rounds away: `error` is what `sum` is off by, and goes into
// the next addition (Kahan, 1965, with Knuth's two-sum). Best is to put in the plain sum of a block of up to SUM_BLOCK
// numbers, of which even equal ones stay within 5e-7: then its eight operations cost next to nothing.
typedef struct { vfloat sum, error; } LongSum;
#define SUM_BLOCK 32

static inline LongSum added_to(const LongSum total, const vfloat x) {
    const vfloat y = x + total.error;
    LongSum next;
    next.sum = total.sum + y;
    const vfloat added = next.sum - total.sum;
    const vfloat error = (total.sum - (next.sum - added)) + (y - added);
    // An infinite sum has no error, but infinities have been subtracted there.
    next.error = select((vfloat)(0.0f), error, (vint)(fabs(next.sum) < INFINITY));
    return next;
}

static inline vfloat value_of(const LongSum total) { return total.sum + total.error; }

// The larger of each two, `a` where `b` is NaN: one instruction where fmax may be a call.
static inline vfloat vlarger(const vfloat a, const vfloat b) { return select(a, b, (vint)(b > a)); }

// The larger of each two, NaN if either is: then neither comparison holds, and the sum is NaN.
static inline vfloat vmaximum(const vfloat a, const vfloat b) {
    return select(select(a + b, b, (vint)(b > a)), a, (vint)(a >= b));
}

// The sum of all lanes, always in the same order.
static inline float vsum(const vfloat x) {
#if VECTOR_WIDTH == 16
    const float8 half_sum = x.lo + x.hi;
    const float4 sum = half_sum.lo + half_sum.hi;
    return (sum.x + sum.z) + (sum.y + sum.w);
#elif VECTOR_WIDTH == 8
    const float4 sum = x.lo + x.hi;
    return (sum.x + sum.z) + (sum.y + sum.w);
#elif VECTOR_WIDTH == 4
    return (x.x + x.z) + (x.y + x.w);
#elif VECTOR_WIDTH == 2
    return x.x + x.y;
#else
    return x;
#endif
}

// The product of all lanes, always in the same order.
static inline float vproduct(const vfloat x) {
    float product = VLANE(x, 0);
    for (int n = 1; n < VECTOR_WIDTH; n++) product *= VLANE(x, n);
    return product;
}

// The larger of each two of n floats, NaN if either is.
#define LARGER_LANES(n, a, b) \
    select(select((a) + (b), b, (MATH_PASTE(int, n))((b) > (a))), a, (MATH_PASTE(int, n))((a) >= (b)))

// The largest of all lanes, NaN if any is.
static inline float vlargest(const vfloat x) {
#if VECTOR_WIDTH == 1
    return x;
#else
#if VECTOR_WIDTH == 16
    const float8 eight = LARGER_LANES(8, x.lo, x.hi);
    const float4 four = LARGER_LANES(4, eight.lo, eight.hi);
    const float2 two = LARGER_LANES(2, four.lo, four.hi);
#elif VECTOR_WIDTH == 8
    const float4 four = LARGER_LANES(4, x.lo, x.hi);
    const float2 two = LARGER_LANES(2, four.lo, four.hi);
#elif VECTOR_WIDTH == 4
    const float2 two = LARGER_LANES(2, x.lo, x.hi);
#else
    const float2 two = x;
#endif
    return two.x >= two.y || two.x != two.x ? two.x : two.y;
#endif
}

// The smaller of each two, NaN if either is.
static inline vfloat vminimum(const vfloat a, const vfloat b) {
    return select(select(a + b, b, (vint)(b < a)), a, (vint)(a <= b));
}

// The first `count` < VECTOR_WIDTH floats at `from`, and `fill` in the other lanes: nothing past them is read.
static inline vfloat vfloat_load_tail(__global const float *from, const int count, const float fill) {
    // All lanes are gone through, so that a compiler can make one masked load of it.
    vfloat value = fill;
    for (int n = 0; n < VECTOR_WIDTH; n++) if (n < count) ((float *)&value)[n] = from[n];
    return value;
}

// Writes the first `count` lanes only.
static inline void vfloat_store_tail(const vfloat value, __global float *to, const int count) {
    for (int n = 0; n < VECTOR_WIDTH; n++) if (n < count) to[n] = VLANE(value, n);
}
