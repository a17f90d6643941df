// The register tile of matrix products, for one element type and one kind of processor; gemm.c includes this once for
// each. TILE_ROWS × TILE_COLUMNS results stay in registers while k goes by: each step loads a row of b and multiplies
// it by a number of a for each row.
//
//        b:  k × TILE_COLUMNS (VECTORS registers a row)
//   a:   ┌──────────────┐
//  rows  │ accumulators │        2 · rows · TILE_COLUMNS flops for rows + VECTORS loads
//        └──────────────┘
//
// Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication (2008); Van Zee and van de Geijn, BLIS (2015).

#define TILE_COLUMNS (WIDTH * VECTORS)
typedef REAL KERNEL(vector) __attribute__((ext_vector_type(WIDTH), aligned(sizeof(REAL))));

#define STEP(value, i)                                                       \
    do {                                                                     \
        const KERNEL(vector) factor = (KERNEL(vector))(value);               \
        _Pragma("clang loop unroll(full)")                                   \
        for (int j = 0; j < VECTORS; j++) sum[i][j] += factor * row[j];      \
    } while (0)

#define FINISH()                                                                                     \
    _Pragma("clang loop unroll(full)")                                                               \
    for (int i = 0; i < rows; i++) {                                                                 \
        _Pragma("clang loop unroll(full)")                                                           \
        for (int j = 0; j < VECTORS; j++) {                                                          \
            KERNEL(vector) *target = (KERNEL(vector) *)(c + i * cStride + j * WIDTH);                \
            *target = accumulate ? *target + sum[i][j] : sum[i][j];                                  \
        }                                                                                            \
    }

// a's rows are neighbours: element (i, p) is a[p * aStride + i].
INLINE TARGET void KERNEL(columns)(
    const int rows, int64_t k, const REAL *a, int64_t aStride, const REAL *b, int64_t bStride, REAL *c, int64_t cStride,
    int accumulate) {
    KERNEL(vector) sum[TILE_ROWS][VECTORS];
    _Pragma("clang loop unroll(full)")
    for (int i = 0; i < rows; i++) {
        _Pragma("clang loop unroll(full)")
        for (int j = 0; j < VECTORS; j++) sum[i][j] = 0;
    }
    for (int64_t p = 0; p < k; p++) {
        KERNEL(vector) row[VECTORS];
        _Pragma("clang loop unroll(full)")
        for (int j = 0; j < VECTORS; j++) row[j] = *(const KERNEL(vector) *)(b + j * WIDTH);
        _Pragma("clang loop unroll(full)")
        for (int i = 0; i < rows; i++) STEP(a[i], i);
        a += aStride;
        b += bStride;
    }
    FINISH()
}

// a's columns are neighbours: element (i, p) is a[i * aStride + p].
INLINE TARGET void KERNEL(rows)(
    const int rows, int64_t k, const REAL *a, int64_t aStride, const REAL *b, int64_t bStride, REAL *c, int64_t cStride,
    int accumulate) {
    KERNEL(vector) sum[TILE_ROWS][VECTORS];
    _Pragma("clang loop unroll(full)")
    for (int i = 0; i < rows; i++) {
        _Pragma("clang loop unroll(full)")
        for (int j = 0; j < VECTORS; j++) sum[i][j] = 0;
    }
    // Four base pointers reach twelve rows as [base], [base + stride], [base + 2 stride].
    const REAL *base[4];
    _Pragma("clang loop unroll(full)")
    for (int i = 0; i < 4; i++) base[i] = a + 3 * i * aStride;
    for (int64_t p = 0; p < k; p++) {
        KERNEL(vector) row[VECTORS];
        _Pragma("clang loop unroll(full)")
        for (int j = 0; j < VECTORS; j++) row[j] = *(const KERNEL(vector) *)(b + j * WIDTH);
        _Pragma("clang loop unroll(full)")
        for (int i = 0; i < rows; i++) STEP(base[i / 3][(i % 3) * aStride], i);
        _Pragma("clang loop unroll(full)")
        for (int i = 0; i < 4; i++) base[i] += 1;
        b += bStride;
    }
    FINISH()
}
#undef STEP
#undef FINISH

#define CASE(name, count)                                                                    \
    case count:                                                                              \
        if (count <= TILE_ROWS) {                                                            \
            KERNEL(name)(count <= TILE_ROWS ? count : 1, k, a, aStride, b, bStride, c, cStride, accumulate); \
        }                                                                                    \
        return
#define TILE(name)                                                                                                 \
    static TARGET void KERNEL(name##_tile)(                                                                        \
        int64_t rows, int64_t k, const void *aBytes, int64_t aStride, const void *bBytes, int64_t bStride,         \
        void *cBytes, int64_t cStride, int accumulate) {                                                           \
        const REAL *a = aBytes, *b = bBytes;                                                                       \
        REAL *c = cBytes;                                                                                          \
        switch (rows) {                                                                                            \
            CASE(name, 1); CASE(name, 2); CASE(name, 3); CASE(name, 4); CASE(name, 5); CASE(name, 6);              \
            CASE(name, 7); CASE(name, 8); CASE(name, 9); CASE(name, 10); CASE(name, 11); CASE(name, 12);           \
        }                                                                                                          \
    }
TILE(columns)
TILE(rows)
#undef TILE
#undef CASE

static const cv_tile KERNEL(tile) = {TILE_ROWS, TILE_COLUMNS, KERNEL(columns_tile), KERNEL(rows_tile)};
#undef TILE_COLUMNS
