// Rows and columns exchanged; for_each_real.h includes this once for each type.

typedef REAL FN(eight) __attribute__((ext_vector_type(8), aligned(sizeof(REAL))));

// y[i * yStride + j] = x[j * xStride + i] for an 8 × 8 square, by three rounds of perfect shuffles.
INLINE void FN(transpose_square)(const REAL *x, int64_t xStride, REAL *y, int64_t yStride) {
    FN(eight) a[8], b[8];
    for (int i = 0; i < 8; i++) a[i] = *(const FN(eight) *)(x + i * xStride);
    for (int i = 0; i < 4; i++) {
        b[2 * i] = __builtin_shufflevector(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 4; i++) {
        a[2 * i] = __builtin_shufflevector(b[i], b[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        a[2 * i + 1] = __builtin_shufflevector(b[i], b[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 4; i++) {
        b[2 * i] = __builtin_shufflevector(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i++) *(FN(eight) *)(y + i * yStride) = b[i];
}

// y[i * yStride + j] = x[j * xStride + i], i < rows, j < columns.
INLINE void FN(transpose)(
    const REAL *restrict x, int64_t xStride, REAL *restrict y, int64_t yStride, int64_t rows, int64_t columns) {
    int64_t j = 0;
    for (; j + 8 <= columns; j += 8) {
        int64_t i = 0;
        for (; i + 8 <= rows; i += 8) FN(transpose_square)(x + j * xStride + i, xStride, y + i * yStride + j, yStride);
        for (; i < rows; i++) {
            for (int64_t l = j; l < j + 8; l++) y[i * yStride + l] = x[l * xStride + i];
        }
    }
    for (; j < columns; j++) {
        for (int64_t i = 0; i < rows; i++) y[i * yStride + j] = x[j * xStride + i];
    }
}
