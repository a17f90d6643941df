// Rows of attention scores; attention.c includes this once for each type.

INLINE void FN(attention_rows)(
    REAL *scores, int64_t stride, int64_t rows, int64_t columns, int64_t seen, int64_t growth, REAL *sums,
    REAL *logSumExp) {
    for (int64_t i = 0; i < rows; i++) {
        REAL *row = scores + i * stride;
        const int64_t valid = smaller(seen + i * growth, columns);
        const REAL m = FN(maximum)(row, valid), total = FN(exponentials)(row, row, valid, m);
        for (int64_t j = valid; j < columns; j++) row[j] = 0;
        sums[i] = total;
        logSumExp[i] = m + FN(log)(total);
    }
}

INLINE void FN(attention_back)(
    REAL *scores, REAL *dscores, int64_t stride, int64_t rows, int64_t columns, int64_t seen, int64_t growth,
    const REAL *logSumExp) {
    for (int64_t i = 0; i < rows; i++) {
        REAL *restrict p = scores + i * stride, *restrict d = dscores + i * stride;
        const int64_t valid = smaller(seen + i * growth, columns);
        const REAL shift = logSumExp[i];
        for (int64_t j = 0; j < valid; j++) p[j] = FN(exp)(p[j] - shift);
        // The same number as the sum over d of y * dy, but equal to the last bit where a query sees a single key.
        const REAL delta = FN(dot)(p, d, valid);
        for (int64_t j = 0; j < valid; j++) d[j] = p[j] * (d[j] - delta);
        for (int64_t j = valid; j < columns; j++) p[j] = d[j] = 0;
    }
}
