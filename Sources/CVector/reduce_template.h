// Sums and extremes over contiguous and strided elements; reduce.c includes this once for each type.
// Sums add up in double in many lanes: what comes from memory leaves time for it, and a mean near zero keeps its digits.

INLINE REAL FN(lanes_sum)(LANE_TYPE v) {
    REAL part[8];
    for (int i = 0; i < 8; i++) part[i] = v[i] + v[i + 8];
    return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

INLINE REAL FN(lanes_maximum)(LANE_TYPE v) {
    REAL m = v[0];
    for (int i = 1; i < LANES; i++) m = v[i] > m || v[i] != v[i] ? v[i] : m;
    return m;
}

INLINE double FN(lanes_total)(lanes_f64 v) {
    double part[8];
    for (int i = 0; i < 8; i++) part[i] = v[i] + v[i + 8];
    return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

INLINE double FN(sum)(const REAL *x, int64_t count) {
    lanes_f64 a = 0, b = 0;
    int64_t i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES) {
        a += __builtin_convertvector(*(const LANE_TYPE *)(x + i), lanes_f64);
        b += __builtin_convertvector(*(const LANE_TYPE *)(x + i + LANES), lanes_f64);
    }
    double rest = 0;
    for (; i < count; i++) rest += (double)x[i];
    return FN(lanes_total)(a + b) + rest;
}

// In double: a product of many numbers near 1 keeps its digits.
INLINE REAL FN(product)(const REAL *x, int64_t count) {
    double part[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    int64_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (int l = 0; l < 8; l++) part[l] *= (double)x[i + l];
    for (; i < count; i++) part[0] *= (double)x[i];
    return (REAL)(((part[0] * part[4]) * (part[1] * part[5])) * ((part[2] * part[6]) * (part[3] * part[7])));
}

// NaN wins, as it does in PyTorch.
INLINE REAL FN(maximum)(const REAL *x, int64_t count) {
    int64_t i = 0;
    REAL m = x[0];
    if (count >= LANES) {
        LANE_TYPE v = *(const LANE_TYPE *)x, w = v;
        for (i = LANES; i + 2 * LANES <= count; i += 2 * LANES) {
            const LANE_TYPE a = *(const LANE_TYPE *)(x + i), b = *(const LANE_TYPE *)(x + i + LANES);
            v = ((a > v) | (a != a)) ? a : v;
            w = ((b > w) | (b != b)) ? b : w;
        }
        v = ((w > v) | (w != w)) ? w : v;
        m = FN(lanes_maximum)(v);
    }
    for (; i < count; i++) m = x[i] > m || x[i] != x[i] ? x[i] : m;
    return m;
}

INLINE REAL FN(minimum)(const REAL *x, int64_t count) {
    REAL m = x[0];
    int64_t i = 0;
    if (count >= LANES) {
        LANE_TYPE v = *(const LANE_TYPE *)x;
        for (i = LANES; i + LANES <= count; i += LANES) {
            const LANE_TYPE a = *(const LANE_TYPE *)(x + i);
            v = ((a < v) | (a != a)) ? a : v;
        }
        m = v[0];
        for (int l = 1; l < LANES; l++) m = v[l] < m || v[l] != v[l] ? v[l] : m;
    }
    for (; i < count; i++) m = x[i] < m || x[i] != x[i] ? x[i] : m;
    return m;
}
