// Loops over one block of integers INTEGER, with arithmetic modulo 2^bits in UNSIGNED; division rounds towards zero and
// by zero gives zero. elementwise.c includes this once for each type.

INLINE INTEGER FN(divide)(INTEGER u, INTEGER v) {
    if (v == 0) return 0;
    // The least number has no opposite: it stays itself.
    if ((INTEGER)-1 < 0 && v == (INTEGER)-1) return (INTEGER)(0 - (UNSIGNED)u);
    return u / v;
}

INLINE INTEGER FN(truncated_remainder)(INTEGER u, INTEGER v) {
    if (v == 0) return u;
    if ((INTEGER)-1 < 0 && v == (INTEGER)-1) return 0;
    return u % v;
}

// With the sign of v.
INLINE INTEGER FN(remainder)(INTEGER u, INTEGER v) {
    const INTEGER r = FN(truncated_remainder)(u, v);
    return v != 0 && r != 0 && (r < 0) != (v < 0) ? (INTEGER)(r + v) : r;
}

INLINE INTEGER FN(power)(INTEGER base, INTEGER exponent) {
    if (exponent < 0) {
        if (base == 1) return 1;
        if (base == (INTEGER)-1) return exponent % 2 == 0 ? 1 : (INTEGER)-1;
        return 0;
    }
    uint64_t result = 1, square = (uint64_t)base;
    for (uint64_t rest = (uint64_t)exponent; rest != 0; rest >>= 1) {
        if (rest & 1) result *= square;
        square *= square;
    }
    return (INTEGER)result;
}

INLINE INTEGER FN(shift_left)(INTEGER u, INTEGER v) {
    if (v < 0 || (uint64_t)v >= 8 * sizeof(INTEGER)) return 0;
    return (INTEGER)((UNSIGNED)u << v);
}

// Of negative numbers with the sign.
INLINE INTEGER FN(shift_right)(INTEGER u, INTEGER v) {
    if (v < 0 || (uint64_t)v >= 8 * sizeof(INTEGER)) return u < 0 ? (INTEGER)-1 : 0;
    return (INTEGER)(u >> v);
}

#define LOOP(expression)                  \
    for (int64_t i = 0; i < count; i++) { \
        const INTEGER v = x[i];           \
        y[i] = (INTEGER)(expression);     \
    }                                     \
    return

INLINE void FN(unary)(cv_unary_function function, const INTEGER *x, INTEGER *y, int64_t count) {
    switch (function) {
    case CV_NEGATE: LOOP(0 - (UNSIGNED)v);
    case CV_ABSOLUTE: LOOP(v < 0 ? 0 - (UNSIGNED)v : (UNSIGNED)v);
    case CV_SIGN: LOOP((v > 0) - (v < 0));
    case CV_SQUARE: LOOP((uint64_t)v * (uint64_t)v);
    case CV_BITWISE_NOT: LOOP(~v);
    default: return;
    }
}
#undef LOOP

#define LOOPS(expression)                                    \
    for (int64_t i = 0; i < count; i++) {                    \
        const INTEGER u = a[aStep * i], v = b[bStep * i];    \
        ((INTEGER *)y)[i] = (INTEGER)(expression);           \
    }                                                        \
    return
// To bytes of 1 and 0.
#define TESTS(expression)                                    \
    for (int64_t i = 0; i < count; i++) {                    \
        const INTEGER u = a[aStep * i], v = b[bStep * i];    \
        ((uint8_t *)y)[i] = (expression);                    \
    }                                                        \
    return

INLINE void FN(binary)(
    cv_binary_function function, const INTEGER *restrict a, int64_t aStep, const INTEGER *restrict b, int64_t bStep,
    void *restrict y, int64_t count) {
    switch (function) {
    case CV_ADD: LOOPS((uint64_t)u + (uint64_t)v);
    case CV_SUBTRACT: LOOPS((uint64_t)u - (uint64_t)v);
    case CV_MULTIPLY: LOOPS((uint64_t)u * (uint64_t)v);
    case CV_DIVIDE: LOOPS(FN(divide)(u, v));
    case CV_POWER: LOOPS(FN(power)(u, v));
    case CV_MINIMUM: LOOPS(u < v ? u : v);
    case CV_MAXIMUM: LOOPS(u > v ? u : v);
    case CV_REMAINDER: LOOPS(FN(remainder)(u, v));
    case CV_TRUNCATED_REMAINDER: LOOPS(FN(truncated_remainder)(u, v));
    case CV_EQUAL: TESTS(u == v);
    case CV_LESS: TESTS(u < v);
    case CV_LESS_OR_EQUAL: TESTS(u <= v);
    case CV_BITWISE_AND: LOOPS(u & v);
    case CV_BITWISE_OR: LOOPS(u | v);
    case CV_BITWISE_EXCLUSIVE_OR: LOOPS(u ^ v);
    case CV_SHIFT_LEFT: LOOPS(FN(shift_left)(u, v));
    case CV_SHIFT_RIGHT: LOOPS(FN(shift_right)(u, v));
    case CV_ARCTANGENT2: return;
    }
}
#undef LOOPS
#undef TESTS
#undef INTEGER
#undef UNSIGNED
#undef FN
