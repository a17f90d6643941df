// Rows of attention scores; attention.c includes this once for each type.

// What becomes of the first `valid` products of a row: e^(scale · (x - m)) for the greatest of them, m; their sum.
INLINE REAL FN(attention_weights)(REAL *row, int64_t valid, REAL scale, REAL *maximum) {
    *maximum = FN(maximum)(row, valid);
    return FN(exponentials)(row, row, valid, *maximum, scale);
}

INLINE void FN(attention_rows)(
    REAL *scores, int64_t stride, int64_t rows, int64_t columns, int64_t seen, int64_t growth, REAL scale, REAL *sums,
    REAL *statistics) {
    for (int64_t i = 0; i < rows; i++) {
        REAL *row = scores + i * stride;
        const int64_t valid = smaller(seen + i * growth, columns);
        sums[i] = FN(attention_weights)(row, valid, scale, statistics + 2 * i);
        for (int64_t j = valid; j < columns; j++) row[j] = 0;
        statistics[2 * i + 1] = 1 / sums[i];
    }
}

// The statistics of the forward pass are not read: its products may have been rounded otherwise, which large ones would
// not forgive.
INLINE void FN(attention_back)(
    REAL *scores, REAL *dscores, int64_t stride, int64_t rows, int64_t columns, int64_t seen, int64_t growth,
    REAL scale) {
    for (int64_t i = 0; i < rows; i++) {
        REAL *restrict p = scores + i * stride, *restrict d = dscores + i * stride;
        const int64_t valid = smaller(seen + i * growth, columns);
        REAL maximum;
        const REAL inverse = 1 / FN(attention_weights)(p, valid, scale, &maximum);
        for (int64_t j = 0; j < valid; j++) p[j] *= inverse;
        // The same number as the sum over d of y * dy, but equal to the last bit where a query sees a single key.
        const REAL delta = FN(dot)(p, d, valid);
        for (int64_t j = 0; j < valid; j++) d[j] = p[j] * (d[j] - delta) * scale;
        for (int64_t j = valid; j < columns; j++) p[j] = d[j] = 0;
    }
}
