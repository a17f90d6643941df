// The product inside a recurrence, for the CPU shape: c = init + a·B for a few rows of a, B packed in panels.
//
// Follows common/math.cl. PANEL = COLUMNS·VECTOR_WIDTH columns of B lie together, k by k, so that a step streams B once
// through the cache for each tile of rows; a tile is held in registers while k runs:
//
//                  B panel  k │ b0 b1 │        COLUMNS vectors
//                             ▼
//        a  ─ k ►  ┌ c00 c01 ┐
//        (ROWS     │ c10 c11 │   ROWS × COLUMNS vectors of sums; for each k, ROWS numbers of a, repeated
//         rows)    └ …       ┘   over a vector each, times COLUMNS vectors of B
//
// 2·rows·n·k flops; B is read from the cache once in ROWS rows. The tile is that of Goto and van de Geijn, Anatomy of
// High-Performance Matrix Multiplication (2008). The whole sequence is one launch: a work-item takes some rows of the
// batch, which need nothing from any other row, through all steps.
#ifndef ROWS
#define ROWS 8
#endif
#ifndef COLUMNS
#define COLUMNS 2
#endif
#define PANEL (COLUMNS * VECTOR_WIDTH)

// One round of a transpose by perfect shuffles: rows r and r + half, interleaved.
#define SHUFFLE_ROUND(from, to) \
    _Pragma("unroll") for (int r = 0; r < VECTOR_WIDTH / 2; ++r) { \
        to[2 * r].even = from[r].lo; \
        to[2 * r].odd = from[r + VECTOR_WIDTH / 2].lo; \
        to[2 * r + 1].even = from[r].hi; \
        to[2 * r + 1].odd = from[r + VECTOR_WIDTH / 2].hi; \
    }

// B = wᵀ for w [n, k], as the forward pass needs it. One work-item a panel; columns past n are zero.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void pack_transposed(
    __global const float *restrict w, const ulong wOffset, __global float *restrict panels, const ulong panelsOffset,
    const int n, const int k)
{
    const int column = (int)get_global_id(0) * PANEL;
    w += wOffset;
    panels += panelsOffset + (ulong)column * k;
    for (int first = 0; first < PANEL; first += VECTOR_WIDTH) {
        const int columns = min(n - column - first, VECTOR_WIDTH);
        __global const float *from = w + (ulong)(column + first) * k;
        int i = 0;
        if (columns == VECTOR_WIDTH) {
            for (; i + VECTOR_WIDTH <= k; i += VECTOR_WIDTH) {
                vfloat a[VECTOR_WIDTH];
                vfloat b[VECTOR_WIDTH];
                #pragma unroll
                for (int r = 0; r < VECTOR_WIDTH; ++r) a[r] = vfloat_load(from + (ulong)r * k + i);
                SHUFFLE_ROUND(a, b)
                SHUFFLE_ROUND(b, a)
#if VECTOR_WIDTH >= 8
                SHUFFLE_ROUND(a, b)
#endif
#if VECTOR_WIDTH == 8
                vfloat *rows = b;
#else
#if VECTOR_WIDTH == 16
                SHUFFLE_ROUND(b, a)
#endif
                vfloat *rows = a;
#endif
                #pragma unroll
                for (int r = 0; r < VECTOR_WIDTH; ++r) vfloat_store(rows[r], panels + (ulong)(i + r) * PANEL + first);
            }
        }
        for (; i < k; ++i) {
            for (int r = 0; r < VECTOR_WIDTH; ++r) {
                panels[(ulong)i * PANEL + first + r] = r < columns ? from[(ulong)r * k + i] : 0.0f;
            }
        }
    }
}

// B = w [k, n], as the backward pass needs it.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void pack_straight(
    __global const float *restrict w, const ulong wOffset, __global float *restrict panels, const ulong panelsOffset,
    const int n, const int k)
{
    const int column = (int)get_global_id(0) * PANEL;
    w += wOffset + column;
    panels += panelsOffset + (ulong)column * k;
    for (int i = 0; i < k; ++i) {
        for (int first = 0; first < PANEL; first += VECTOR_WIDTH) {
            const int left = n - column - first;
            __global const float *from = w + (ulong)i * n + first;
            vfloat_store(
                left >= VECTOR_WIDTH ? vfloat_load(from) : vfloat_load_part(from, max(left, 0)),
                panels + (ulong)i * PANEL + first);
        }
    }
}

static inline vfloat load_row(__global const float *x, int left) {
    return left >= VECTOR_WIDTH ? vfloat_load(x) : vfloat_load_part(x, max(left, 0));
}

static inline void store_row(vfloat value, __global float *y, int left) {
    if (left >= VECTOR_WIDTH)
        vfloat_store(value, y);
    else
        vfloat_store_part(value, y, max(left, 0));
}

// One tile of `rows` rows (a constant where this is inlined) and one panel; `left` columns of it exist.
// `init` may be c, or null for zeros.
__attribute__((always_inline)) static inline void product_tile(
    const int rows, __global const float *a, const int aStride, const int k, __global const float *panel,
    __global const float *init, const int initStride, __global float *c, const int cStride, const int left)
{
    vfloat sum[ROWS][COLUMNS];
    #pragma unroll
    for (int r = 0; r < rows; ++r) {
        #pragma unroll
        for (int j = 0; j < COLUMNS; ++j) {
            sum[r][j] = (vfloat)(0.0f);
            if (init) sum[r][j] = load_row(init + (ulong)r * initStride + j * VECTOR_WIDTH, left - j * VECTOR_WIDTH);
        }
    }
    for (int i = 0; i < k; ++i) {
        vfloat b[COLUMNS];
        #pragma unroll
        for (int j = 0; j < COLUMNS; ++j) b[j] = vfloat_load(panel + (ulong)i * PANEL + j * VECTOR_WIDTH);
        #pragma unroll
        for (int r = 0; r < rows; ++r) {
            const vfloat factor = (vfloat)(a[(ulong)r * aStride + i]);
            #pragma unroll
            for (int j = 0; j < COLUMNS; ++j) sum[r][j] = fma(factor, b[j], sum[r][j]);
        }
    }
    #pragma unroll
    for (int r = 0; r < rows; ++r) {
        #pragma unroll
        for (int j = 0; j < COLUMNS; ++j) {
            store_row(sum[r][j], c + (ulong)r * cStride + j * VECTOR_WIDTH, left - j * VECTOR_WIDTH);
        }
    }
}

// The same for a single row: four partial sums over k hide the latency of fma.
static inline void product_row(
    __global const float *a, const int k, __global const float *panel, __global const float *init, __global float *c,
    const int left)
{
    vfloat sum[4][COLUMNS];
    #pragma unroll
    for (int j = 0; j < COLUMNS; ++j) {
        sum[0][j] = (vfloat)(0.0f);
        if (init) sum[0][j] = load_row(init + j * VECTOR_WIDTH, left - j * VECTOR_WIDTH);
        sum[1][j] = sum[2][j] = sum[3][j] = (vfloat)(0.0f);
    }
    int i = 0;
    for (; i + 4 <= k; i += 4) {
        #pragma unroll
        for (int part = 0; part < 4; ++part) {
            const vfloat factor = (vfloat)(a[i + part]);
            __global const float *b = panel + (ulong)(i + part) * PANEL;
            #pragma unroll
            for (int j = 0; j < COLUMNS; ++j) {
                sum[part][j] = fma(factor, vfloat_load(b + j * VECTOR_WIDTH), sum[part][j]);
            }
        }
    }
    for (; i < k; ++i) {
        #pragma unroll
        for (int j = 0; j < COLUMNS; ++j) {
            sum[0][j] = fma((vfloat)(a[i]), vfloat_load(panel + (ulong)i * PANEL + j * VECTOR_WIDTH), sum[0][j]);
        }
    }
    #pragma unroll
    for (int j = 0; j < COLUMNS; ++j) {
        store_row(
            (sum[0][j] + sum[1][j]) + (sum[2][j] + sum[3][j]), c + j * VECTOR_WIDTH, left - j * VECTOR_WIDTH);
    }
}

// c [rows, n] = init [rows, n] + a [rows, k] · B, for B in panels.
static void product(
    const int rows, const int n, const int k, __global const float *a, const int aStride,
    __global const float *panels, __global const float *init, const int initStride, __global float *c,
    const int cStride)
{
    for (int column = 0; column < n; column += PANEL) {
        __global const float *panel = panels + (ulong)column * k;
        const int left = n - column;
        int r = 0;
#define TILE_AT_R(count) \
    product_tile( \
        count, a + (ulong)r * aStride, aStride, k, panel, init ? init + (ulong)r * initStride + column : 0, initStride, \
        c + (ulong)r * cStride + column, cStride, left)
        for (; r + ROWS <= rows; r += ROWS) TILE_AT_R(ROWS);
#if ROWS > 4
        for (; r + 4 <= rows; r += 4) TILE_AT_R(4);
#endif
#if ROWS > 2
        for (; r + 2 <= rows; r += 2) TILE_AT_R(2);
#endif
        for (; r < rows; ++r) {
            product_row(
                a + (ulong)r * aStride, k, panel, init ? init + (ulong)r * initStride + column : 0,
                c + (ulong)r * cStride + column, left);
        }
    }
}
