// Loops over one block for floating-point REAL; elementwise.c includes this once for each type.

#define LOOP(expression)                        \
    for (int64_t i = 0; i < count; i++) {       \
        const REAL v = x[i];                    \
        y[i] = (expression);                    \
    }                                           \
    return
// To bytes of 1 and 0.
#define TEST(expression)                        \
    for (int64_t i = 0; i < count; i++) {       \
        const REAL v = x[i];                    \
        ((uint8_t *)y)[i] = (expression);       \
    }                                           \
    return

INLINE REAL FN(softplus)(REAL v) {
    return (v > 0 ? v : (v != v ? v : 0)) + FN(log1p)(FN(exp)(-FN(abs)(v)));
}

INLINE REAL FN(remainder)(REAL u, REAL v) {
    const REAL r = FN(fmod)(u, v);
    return r != 0 && (r < 0) != (v < 0) ? r + v : r;
}

INLINE void FN(unary)(cv_unary_function function, const REAL *restrict x, REAL *restrict y, int64_t count) {
    switch (function) {
#define CASE(name, expression) case CV_##name: LOOP(expression);
        CV_UNARY_FUNCTIONS(CASE)
#undef CASE
    case CV_IS_NAN: TEST(v != v);
    case CV_IS_INFINITE: TEST(FN(abs)(v) == (REAL)INFINITY);
    case CV_BITWISE_NOT: return;
    }
}
#undef LOOP
#undef TEST

// Two arrays, or an array and a number: `aStep` and `bStep` are 1 or 0.
#define LOOPS(expression) RESULTS(REAL, expression)
#define TESTS(expression) RESULTS(uint8_t, expression)
#define RESULTS(Result, expression)                                                                        \
    {                                                                                                      \
        Result *restrict to = (Result *)y;                                                                 \
        if (aStep && bStep) {                                                                              \
            for (int64_t i = 0; i < count; i++) {                                                          \
                const REAL u = a[i], v = b[i];                                                             \
                (void)u;                                                                                   \
                (void)v;                                                                                   \
                to[i] = (expression);                                                                      \
            }                                                                                              \
        } else if (aStep) {                                                                                \
            const REAL v = *b;                                                                             \
            for (int64_t i = 0; i < count; i++) {                                                          \
                const REAL u = a[i];                                                                       \
                (void)u;                                                                                   \
                (void)v;                                                                                   \
                to[i] = (expression);                                                                      \
            }                                                                                              \
        } else {                                                                                           \
            const REAL u = *a;                                                                             \
            for (int64_t i = 0; i < count; i++) {                                                          \
                const REAL v = b[bStep * i];                                                               \
                (void)u;                                                                                   \
                (void)v;                                                                                   \
                to[i] = (expression);                                                                      \
            }                                                                                              \
        }                                                                                                  \
    }                                                                                                      \
    return

INLINE void FN(binary)(
    cv_binary_function function, const REAL *restrict a, int64_t aStep, const REAL *restrict b, int64_t bStep,
    void *restrict y, int64_t count) {
    switch (function) {
    case CV_ADD: LOOPS(u + v);
    case CV_SUBTRACT: LOOPS(u - v);
    case CV_MULTIPLY: LOOPS(u * v);
    case CV_DIVIDE: LOOPS(u / v);
    case CV_POWER:
        // The exponents that people write are worth more than a library call.
        if (!bStep && *b == 2) { LOOPS(u * u); }
        if (!bStep && *b == 1) { LOOPS(u); }
        if (!bStep && *b == -1) { LOOPS(1 / u); }
        if (!bStep && *b == 3) { LOOPS(u * u * u); }
        LOOPS(FN(pow)(u, v));
    case CV_MINIMUM: LOOPS(u < v || u != u ? u : v);
    case CV_MAXIMUM: LOOPS(u > v || u != u ? u : v);
    case CV_REMAINDER: LOOPS(FN(remainder)(u, v));
    case CV_TRUNCATED_REMAINDER: LOOPS(FN(fmod)(u, v));
    case CV_ARCTANGENT2: LOOPS(FN(atan2)(u, v));
    case CV_EQUAL: TESTS(u == v);
    case CV_LESS: TESTS(u < v);
    case CV_LESS_OR_EQUAL: TESTS(u <= v);
    case CV_BITWISE_AND: case CV_BITWISE_OR: case CV_BITWISE_EXCLUSIVE_OR: case CV_SHIFT_LEFT: case CV_SHIFT_RIGHT: return;
    }
}

// Products are rounded before they are added, as by themselves. `b`, `c` and `d` are arrays or numbers by their steps, d a
// number where c is one; signs are 1 or -1.
INLINE void FN(multiply_add)(
    REAL left, REAL right, const REAL *restrict a, const REAL *restrict b, int64_t bStep, const REAL *restrict c,
    int64_t cStep, const REAL *restrict d, int64_t dStep, REAL *restrict y, int64_t count) {
#pragma clang fp contract(off)
#define SUMS(second, third) for (int64_t i = 0; i < count; i++) y[i] = a[i] * (second) + (third)
    // Of numbers, the signs and their products are made once: neither rounds otherwise.
    const REAL u = left * *b, w = right * *d, v = *c * w;
    if (bStep == 0 && cStep == 0) SUMS(u, v);
    else if (bStep == 0 && dStep == 0) SUMS(u, c[i] * w);
    else if (bStep == 0) SUMS(u, c[i] * (right * d[i]));
    else if (cStep == 0) SUMS(left * b[i], v);
    else if (dStep == 0) SUMS(left * b[i], c[i] * w);
    else SUMS(left * b[i], c[i] * (right * d[i]));
#undef SUMS
}

#undef LOOPS
#undef TESTS
#undef RESULTS
