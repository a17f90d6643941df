// Sums and extremes over contiguous and strided elements; reduce.c includes this once for each type.
// Sums go through sixteen (contiguous) lanes by blocks whose totals add up in double, so that the error of a long sum
// grows with the length of a block and not of the whole.

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

INLINE double FN(sum)(const REAL *x, int64_t count) {
    enum { BLOCK_SIZE = 2048 };
    double total = 0;
    for (int64_t start = 0; start < count; start += BLOCK_SIZE) {
        const int64_t end = smaller(start + BLOCK_SIZE, count);
        LANE_TYPE a = 0, b = 0, c = 0, d = 0;
        int64_t i = start;
        for (; i + 4 * LANES <= end; i += 4 * LANES) {
            a += *(const LANE_TYPE *)(x + i);
            b += *(const LANE_TYPE *)(x + i + LANES);
            c += *(const LANE_TYPE *)(x + i + 2 * LANES);
            d += *(const LANE_TYPE *)(x + i + 3 * LANES);
        }
        for (; i + LANES <= end; i += LANES) a += *(const LANE_TYPE *)(x + i);
        REAL rest = 0;
        for (; i < end; i++) rest += x[i];
        total += (double)FN(lanes_sum)((a + b) + (c + d)) + (double)rest;
    }
    return total;
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
