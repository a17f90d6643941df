// Rows of attention scores; attention.c includes this once for each type.

// What becomes of the products of a row: the exponentials; the greatest, and their sum. Both are 0 where there is nothing.
INLINE REAL FN(attention_exponentials)(const cv_attention_row *at, REAL *restrict row, REAL *maximum) {
    REAL scale = (REAL)at->scale;
    if (at->bias != 0) {
        const REAL *restrict bias = at->bias;
        if (at->bias_step == 1) {
            for (int64_t j = 0; j < at->seen; j++) row[j] = scale * row[j] + bias[j];
        } else {
            for (int64_t j = 0; j < at->seen; j++) row[j] = scale * row[j] + bias[j * at->bias_step];
        }
        // Not NaN either, as it is where the key is.
        for (int64_t j = 0; j < at->seen; j++) row[j] = bias[j * at->bias_step] == -INFINITY ? -INFINITY : row[j];
        scale = 1;
    }
    for (int64_t j = at->seen; j < at->columns; j++) row[j] = 0;
    *maximum = at->seen > 0 ? FN(maximum)(row, at->seen) : -INFINITY;
    if (*maximum == -INFINITY) {
        for (int64_t j = 0; j < at->seen; j++) row[j] = 0;
        *maximum = 0;
        return 0;
    }
    return FN(exponentials)(row, row, at->seen, *maximum, scale);
}

INLINE REAL FN(inverse)(REAL sum) { return sum == 0 ? 0 : 1 / sum; }

INLINE void FN(attention_weights)(const cv_attention_row *at, REAL *scores, REAL *sum, REAL *statistics) {
    *sum = FN(attention_exponentials)(at, scores, statistics);
    statistics[1] = FN(inverse)(*sum);
}

// The statistics of the forward pass are not read: its products may have been rounded otherwise, which large ones would
// not forgive.
INLINE void FN(attention_back)(const cv_attention_row *at, REAL factor, REAL *restrict p, REAL *restrict d) {
    REAL maximum;
    const REAL inverse = FN(inverse)(FN(attention_exponentials)(at, p, &maximum));
    const int64_t seen = at->seen;
    for (int64_t j = 0; j < seen; j++) p[j] *= inverse;
    if (at->bias != 0) {
        for (int64_t j = 0; j < seen; j++) d[j] = p[j] == 0 ? 0 : d[j];
    }
    // The same number as the sum over d of y * dy, but equal to the last bit where a query sees a single key.
    const REAL delta = FN(dot)(p, d, seen);
    for (int64_t j = 0; j < seen; j++) d[j] = p[j] * (d[j] - delta) * factor;
    for (int64_t j = seen; j < at->columns; j++) d[j] = 0;
}

INLINE int FN(all_finite)(const REAL *x, int64_t count) {
    REAL sum = 0;
    for (int64_t start = 0; start < count; start += 1024) {
        const int64_t end = smaller(start + 1024, count);
        // NaN as soon as one is infinite or NaN.
        REAL lane[LANES] = {0};
        int64_t i = start;
        for (; i + LANES <= end; i += LANES) for (int l = 0; l < LANES; l++) lane[l] += x[i + l] * 0;
        for (; i < end; i++) lane[0] += x[i] * 0;
        for (int l = 0; l < LANES; l++) sum += lane[l];
        if (sum != 0) return 0;
    }
    return 1;
}

INLINE void FN(attention_add)(
    const REAL *w, int64_t w_row, int64_t w_column, const REAL *x, REAL *restrict y, int64_t rows, int64_t terms,
    int64_t width) {
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < terms; j++) {
            const REAL weight = w[i * w_row + j * w_column];
            if (weight == 0) continue;
            for (int64_t e = 0; e < width; e++) y[i * width + e] += weight * x[j * width + e];
        }
    }
}
