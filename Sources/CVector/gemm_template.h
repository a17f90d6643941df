// Packing, edges, epilogues and thin products; gemm.c includes this once for each type.

// b [k, n] with the given strides into panels [n / width][k][width], zeros beyond n.
INLINE void FN(pack)(
    const REAL *b, int64_t rowStride, int64_t columnStride, int64_t k, int64_t n, int64_t width, REAL *restrict packed) {
    for (int64_t left = 0; left < n; left += width, packed += k * width) {
        const int64_t columns = smaller(width, n - left);
        const REAL *from = b + left * columnStride;
        if (columns < width) memset(packed, 0, (size_t)(k * width) * sizeof(REAL));
        if (columnStride == 1) {
            if (columns == width) {
                for (int64_t p = 0; p < k; p++) {
                    memcpy(packed + p * width, from + p * rowStride, (size_t)width * sizeof(REAL));
                }
            } else {
                for (int64_t p = 0; p < k; p++) {
                    for (int64_t j = 0; j < columns; j++) packed[p * width + j] = from[p * rowStride + j];
                }
            }
        } else if (rowStride == 1) {
            FN(transpose)(from, columnStride, packed, width, k, columns);
        } else {
            for (int64_t p = 0; p < k; p++) {
                for (int64_t j = 0; j < columns; j++) packed[p * width + j] = from[p * rowStride + j * columnStride];
            }
        }
    }
}

// Adds a tile's valid part, computed aside, to c.
INLINE void FN(merge)(
    const REAL *tile, int64_t tileStride, REAL *c, int64_t cStride, int64_t rows, int64_t columns, int accumulate) {
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            c[i * cStride + j] = accumulate ? c[i * cStride + j] + tile[i * tileStride + j] : tile[i * tileStride + j];
        }
    }
}

INLINE void FN(add_bias)(const REAL *restrict bias, REAL *restrict c, int64_t count) {
    for (int64_t j = 0; j < count; j++) c[j] += bias[j];
}

INLINE void FN(add_number)(REAL bias, REAL *restrict c, int64_t count) {
    for (int64_t j = 0; j < count; j++) c[j] += bias;
}

// One row of a times columns [first, last) of b, whose rows are contiguous.
INLINE void FN(vector_matrix)(
    const REAL *a, int64_t aStep, const REAL *b, int64_t bStride, REAL *restrict c, int64_t k, int64_t first,
    int64_t last, int accumulate) {
    if (!accumulate) {
        for (int64_t j = first; j < last; j++) c[j] = 0;
    }
    int64_t p = 0;
    for (; p + 8 <= k; p += 8) {
        REAL f[8];
        for (int l = 0; l < 8; l++) f[l] = a[(p + l) * aStep];
        const REAL *restrict row = b + p * bStride;
        for (int64_t j = first; j < last; j++) {
            c[j] += ((f[0] * row[j] + f[1] * row[j + bStride]) + (f[2] * row[j + 2 * bStride] + f[3] * row[j + 3 * bStride]))
                + ((f[4] * row[j + 4 * bStride] + f[5] * row[j + 5 * bStride])
                    + (f[6] * row[j + 6 * bStride] + f[7] * row[j + 7 * bStride]));
        }
    }
    for (; p < k; p++) {
        const REAL factor = a[p * aStep];
        const REAL *restrict row = b + p * bStride;
        for (int64_t j = first; j < last; j++) c[j] += factor * row[j];
    }
}

// One row of a times columns [first, last) of b, whose columns are contiguous: four dot products at a time.
INLINE void FN(vector_transposed)(
    const REAL *a, const REAL *b, int64_t bStride, REAL *c, int64_t k, int64_t first, int64_t last, int accumulate) {
    int64_t j = first;
    for (; j + 4 <= last; j += 4) {
        LANE_TYPE s[4] = {0, 0, 0, 0};
        REAL rest[4] = {0, 0, 0, 0};
        int64_t p = 0;
        for (; p + LANES <= k; p += LANES) {
            const LANE_TYPE v = *(const LANE_TYPE *)(a + p);
            for (int l = 0; l < 4; l++) s[l] += v * *(const LANE_TYPE *)(b + (j + l) * bStride + p);
        }
        for (; p < k; p++) {
            for (int l = 0; l < 4; l++) rest[l] += a[p] * b[(j + l) * bStride + p];
        }
        for (int l = 0; l < 4; l++) c[j + l] = (accumulate ? c[j + l] : 0) + (FN(lanes_sum)(s[l]) + rest[l]);
    }
    for (; j < last; j++) c[j] = (accumulate ? c[j] : 0) + FN(dot)(a, b + j * bStride, k);
}

INLINE void FN(thin_steps)(
    const cv_gemm *g, const REAL *a, const REAL *b, REAL *c, int64_t k, int64_t first, int64_t last, int accumulate) {
    if (g->b_column == 1) FN(vector_matrix)(a, g->a_column, b, g->b_row, c, k, first, last, accumulate);
    else FN(vector_transposed)(a, b, g->b_column, c, k, first, last, accumulate);
}

// One row of a times columns [first, last) of b. Long sums go by blocks of steps, each added up aside.
INLINE void FN(thin_product)(const cv_gemm *g, const REAL *a, REAL *c, int64_t first, int64_t last) {
    enum { STEPS = 16384, STRIP = 512 };
    if (g->k <= STEPS) {
        FN(thin_steps)(g, a, g->b, c, g->k, first, last, g->accumulate);
        return;
    }
    REAL part[STRIP];
    for (int64_t start = 0; start < g->k; start += STEPS) {
        for (int64_t j = first; j < last; j += STRIP) {
            const int64_t count = smaller(STRIP, last - j);
            const REAL *b = (const REAL *)g->b + start * g->b_row + j * g->b_column;
            FN(thin_steps)(g, a + start * g->a_column, b, part, smaller(STEPS, g->k - start), 0, count, 0);
            if (start > 0 || g->accumulate) {
                for (int64_t i = 0; i < count; i++) c[j + i] += part[i];
            } else {
                for (int64_t i = 0; i < count; i++) c[j + i] = part[i];
            }
        }
    }
}
