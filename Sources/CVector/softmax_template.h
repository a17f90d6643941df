// Softmax and cross-entropy of rows; softmax.c includes this once for each type.

// The first `count` of sixteen elements, and `fill` in the lanes after them.
INLINE LANE_TYPE FN(load_part)(const REAL *x, int64_t count, REAL fill) {
    REAL lane[LANES];
    for (int l = 0; l < LANES; l++) lane[l] = l < count ? x[l] : fill;
    return *(const LANE_TYPE *)lane;
}

INLINE void FN(store_part)(LANE_TYPE v, REAL *y, int64_t count) {
    REAL lane[LANES];
    *(LANE_TYPE *)lane = v;
    for (int l = 0; l < LANES; l++) if (l < count) y[l] = lane[l];
}

// The largest number of a row, -infinity where there is none: a NaN is passed over, and shows in the exponentials.
INLINE REAL FN(largest)(const REAL *x, int64_t columns) {
    enum { PARTS = 4 };
    LANE_TYPE part[PARTS];
    for (int p = 0; p < PARTS; p++) part[p] = -INFINITY;
    int64_t i = 0;
    for (; i + PARTS * LANES <= columns; i += PARTS * LANES) {
        for (int p = 0; p < PARTS; p++) {
            const LANE_TYPE a = *(const LANE_TYPE *)(x + i + p * LANES);
            part[p] = a > part[p] ? a : part[p];
        }
    }
    for (; i < columns; i += LANES) {
        const LANE_TYPE a = columns - i >= LANES ? *(const LANE_TYPE *)(x + i)
                                                 : FN(load_part)(x + i, columns - i, -INFINITY);
        part[0] = a > part[0] ? a : part[0];
    }
    for (int p = 1; p < PARTS; p++) part[0] = part[p] > part[0] ? part[p] : part[0];
    REAL lane[LANES];
    *(LANE_TYPE *)lane = part[0];
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int l = 0; l < half; l++) lane[l] = lane[l + half] > lane[l] ? lane[l + half] : lane[l];
    }
    return lane[0];
}

// y = e^(scale · (x - shift)) for a shift that no x is above, and the sum of y.
INLINE REAL FN(exponentials)(const REAL *x, REAL *y, int64_t columns, REAL shift, REAL scale) {
    lanes_f64 total = 0;
    int64_t i = 0;
    while (i + LANES <= columns) {
        const int64_t end = smaller(i + SUM_BLOCK * LANES, columns);
        LANE_TYPE part = 0;
        for (; i + LANES <= end; i += LANES) {
            const LANE_TYPE power = FN(exp_nonpositive)((*(const LANE_TYPE *)(x + i) - shift) * scale);
            *(LANE_TYPE *)(y + i) = power;
            part += power;
        }
        total += __builtin_convertvector(part, lanes_f64);
    }
    if (i < columns) {
        const LANE_TYPE power = FN(exp_nonpositive)((FN(load_part)(x + i, columns - i, -INFINITY) - shift) * scale);
        FN(store_part)(power, y + i, columns - i);
        // What was -infinity is 0 now, but for a row whose shift is NaN or infinite and whose sum is NaN anyway.
        total += __builtin_convertvector(power, lanes_f64);
    }
    return (REAL)FN(lanes_total)(total);
}

// The sum of e^(x - shift), without writing the exponentials: through a small buffer.
INLINE REAL FN(exponential_sum)(const REAL *x, int64_t columns, REAL shift) {
    enum { PIECE = 256 };
    REAL buffer[PIECE];
    double total = 0;
    for (int64_t start = 0; start < columns; start += PIECE) {
        total += (double)FN(exponentials)(x + start, buffer, smaller(PIECE, columns - start), shift, 1);
    }
    return (REAL)total;
}

INLINE REAL FN(dot)(const REAL *a, const REAL *b, int64_t count) {
    lanes_f64 total = 0;
    for (int64_t start = 0; start < count; start += 2 * SUM_BLOCK * LANES) {
        const int64_t end = smaller(start + 2 * SUM_BLOCK * LANES, count);
        LANE_TYPE s = 0, t = 0;
        int64_t i = start;
        for (; i + 2 * LANES <= end; i += 2 * LANES) {
            s += *(const LANE_TYPE *)(a + i) * *(const LANE_TYPE *)(b + i);
            t += *(const LANE_TYPE *)(a + i + LANES) * *(const LANE_TYPE *)(b + i + LANES);
        }
        for (; i < end; i += LANES) {
            const int64_t part = smaller(end - i, LANES);
            s += FN(load_part)(a + i, part, 0) * FN(load_part)(b + i, part, 0);
        }
        total += __builtin_convertvector(s, lanes_f64) + __builtin_convertvector(t, lanes_f64);
    }
    return (REAL)FN(lanes_total)(total);
}

INLINE void FN(softmax)(const REAL *x, REAL *y, int64_t first, int64_t last, int64_t n) {
    for (int64_t row = first; row < last; row++) {
        const REAL *from = x + row * n;
        REAL *to = y + row * n;
        const REAL scale = 1 / FN(exponentials)(from, to, n, FN(largest)(from, n), 1);
        for (int64_t i = 0; i < n; i++) to[i] *= scale;
    }
}

INLINE void FN(softmax_gradient)(const REAL *y, const REAL *dy, REAL *dx, int64_t first, int64_t last, int64_t n) {
    for (int64_t row = first; row < last; row++) {
        const REAL *restrict a = y + row * n, *restrict b = dy + row * n;
        REAL *restrict to = dx + row * n;
        const REAL dot = FN(dot)(a, b, n);
        for (int64_t i = 0; i < n; i++) to[i] = a[i] * (b[i] - dot);
    }
}

INLINE void FN(log_softmax)(const REAL *x, REAL *y, int64_t first, int64_t last, int64_t n) {
    for (int64_t row = first; row < last; row++) {
        const REAL *restrict from = x + row * n;
        REAL *restrict to = y + row * n;
        const REAL m = FN(largest)(from, n), logarithm = FN(log)(FN(exponential_sum)(from, n, m));
        for (int64_t i = 0; i < n; i++) to[i] = (from[i] - m) - logarithm;
    }
}

INLINE void FN(log_softmax_gradient)(const REAL *y, const REAL *dy, REAL *dx, int64_t first, int64_t last, int64_t n) {
    for (int64_t row = first; row < last; row++) {
        const REAL *restrict a = y + row * n, *restrict b = dy + row * n;
        REAL *restrict to = dx + row * n;
        const REAL total = (REAL)FN(sum)(b, n);
        for (int64_t i = 0; i < n; i++) to[i] = b[i] - FN(exp)(a[i]) * total;
    }
}

INLINE void FN(cross_entropy)(
    const REAL *logits, const int32_t *labels, REAL *loss, REAL *statistics, int64_t first, int64_t last, int64_t n) {
    for (int64_t row = first; row < last; row++) {
        const REAL *from = logits + row * n;
        const REAL m = FN(largest)(from, n), total = FN(exponential_sum)(from, n, m);
        const int32_t label = labels[row];
        statistics[2 * row] = m;
        statistics[2 * row + 1] = 1 / total;
        // Near the maximum the difference is taken before the logarithm is added, which keeps its digits.
        loss[row] = label < 0 ? 0 : (label >= n ? (REAL)NAN : FN(log)(total) - (from[label] - m));
    }
}

INLINE void FN(cross_entropy_gradient)(
    const REAL *logits, const int32_t *labels, const REAL *statistics, const REAL *dloss, REAL *dlogits, int64_t first,
    int64_t last, int64_t n) {
    for (int64_t row = first; row < last; row++) {
        const REAL *restrict from = logits + row * n;
        REAL *restrict to = dlogits + row * n;
        const int32_t label = labels[row];
        const REAL m = statistics[2 * row], inverse = statistics[2 * row + 1], slope = dloss[row];
        if (label < 0 || label >= n) {
            const REAL value = label < 0 ? 0 : (REAL)NAN;
            for (int64_t i = 0; i < n; i++) to[i] = value;
            continue;
        }
        for (int64_t i = 0; i < n; i++) to[i] = FN(exp)(from[i] - m) * inverse * slope;
        to[label] = (FN(exp)(from[label] - m) * inverse - 1) * slope;
    }
}
