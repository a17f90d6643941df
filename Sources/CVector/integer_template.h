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

INLINE void FN(unary)(cv_unary_function function, const INTEGER *x, INTEGER *y, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const INTEGER v = x[i];
        const INTEGER opposite = (INTEGER)(0 - (UNSIGNED)v);
        switch (function) {
        case CV_NEGATE: y[i] = opposite; break;
        case CV_ABSOLUTE: y[i] = v < 0 ? opposite : v; break;
        case CV_SIGN: y[i] = (INTEGER)((v > 0) - (v < 0)); break;
        case CV_SQUARE: y[i] = (INTEGER)((uint64_t)v * (uint64_t)v); break;
        default: y[i] = v; break;
        }
    }
}

INLINE void FN(binary)(
    cv_binary_function function, const INTEGER *a, int64_t aStep, const INTEGER *b, int64_t bStep, INTEGER *y,
    int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const INTEGER u = a[aStep * i], v = b[bStep * i];
        switch (function) {
        case CV_ADD: y[i] = (INTEGER)((uint64_t)u + (uint64_t)v); break;
        case CV_SUBTRACT: y[i] = (INTEGER)((uint64_t)u - (uint64_t)v); break;
        case CV_MULTIPLY: y[i] = (INTEGER)((uint64_t)u * (uint64_t)v); break;
        case CV_DIVIDE: y[i] = FN(divide)(u, v); break;
        case CV_POWER: y[i] = FN(power)(u, v); break;
        case CV_MINIMUM: y[i] = u < v ? u : v; break;
        case CV_MAXIMUM: y[i] = u > v ? u : v; break;
        case CV_REMAINDER: y[i] = FN(remainder)(u, v); break;
        case CV_TRUNCATED_REMAINDER: y[i] = FN(truncated_remainder)(u, v); break;
        case CV_ARCTANGENT2: y[i] = u; break;
        case CV_EQUAL: y[i] = u == v; break;
        case CV_LESS: y[i] = u < v; break;
        case CV_LESS_OR_EQUAL: y[i] = u <= v; break;
        }
    }
}

INLINE void FN(select)(
    const INTEGER *mask, int64_t maskStep, const INTEGER *a, int64_t aStep, const INTEGER *b, int64_t bStep, INTEGER *y,
    int64_t count) {
    for (int64_t i = 0; i < count; i++) y[i] = mask[maskStep * i] != 0 ? a[aStep * i] : b[bStep * i];
}
