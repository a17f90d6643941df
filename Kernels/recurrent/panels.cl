// The product inside a recurrence, for the CPU style: sums = a·B for a few rows of a, B packed in panels.
//
// Follows common/math.cl, common/shuffle.cl and common/transpose.cl. A panel holds some vectors of columns of B, k by k, so that a step streams B once through the
// cache; a tile of a few rows by one panel is held in registers while k runs, and handed over as sums to what the
// recurrence does with them, so that they never reach memory:
//
//                  B panel  k │ b0 b1 … │      forward: one vector of hidden units for each of GATES gates,
//                             ▼                backward: OUTER_VECTORS vectors of hidden units
//        a  ─ k ►  ┌ c00 c01 … ┐
//        (rows)    │ c10 c11 … │   for each k, `rows` numbers of a, repeated over a vector each, times the panel's vectors
//                  └ …         ┘
//
// 2·rows·n·k flops. The tile is that of Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication
// (2008). The whole sequence is one launch: a work-item takes some rows of the batch, which need nothing from any other
// row, through all steps.
#ifndef GATES
#define GATES 4              // vectors of a forward panel
#endif
#ifndef TILE_M
#define TILE_M 3             // most rows of a forward tile
#endif
#ifndef OUTER_VECTORS
#define OUTER_VECTORS 2      // vectors of a backward panel
#endif
#ifndef OUTER_ROWS
#define OUTER_ROWS 6         // most rows of a backward tile
#endif

static inline vfloat load_row(__global const float *x, int left) {
    return left >= VECTOR_WIDTH ? vfloat_load(x) : vfloat_load_part(x, max(left, 0));
}

static inline void store_row(vfloat value, __global float *y, int left) {
    if (left >= VECTOR_WIDTH)
        vfloat_store(value, y);
    else
        vfloat_store_part(value, y, max(left, 0));
}

// Forward: B = wᵀ for w [GATES·h, h], [⌈h / VECTOR_WIDTH⌉][k = h][GATES][VECTOR_WIDTH]. One work-item a panel; units
// past h are zero.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void pack_gates(
    __global const float *restrict w, const ulong wOffset, __global float *restrict panels, const ulong panelsOffset,
    const int h)
{
    const int unit = (int)get_global_id(0) * VECTOR_WIDTH;
    const int units = min(h - unit, VECTOR_WIDTH);
    panels += panelsOffset + (ulong)unit * GATES * h;
    for (int gate = 0; gate < GATES; ++gate) {
        __global const float *from = w + wOffset + ((ulong)gate * h + unit) * h;
        __global float *to = panels + gate * VECTOR_WIDTH;
        int i = 0;
        if (units == VECTOR_WIDTH) {
            for (; i + VECTOR_WIDTH <= h; i += VECTOR_WIDTH)
                TRANSPOSE_SQUARE(from + i, h, __global, to + (ulong)i * GATES * VECTOR_WIDTH, GATES * VECTOR_WIDTH);
        }
        for (; i < h; ++i) {
            for (int r = 0; r < VECTOR_WIDTH; ++r) {
                to[(ulong)i * GATES * VECTOR_WIDTH + r] = r < units ? from[(ulong)r * h + i] : 0.0f;
            }
        }
    }
}

// Backward: B = w [k, h], [⌈h / width⌉][k][width = OUTER_VECTORS·VECTOR_WIDTH]. One work-item a panel; units past h are
// zero.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void pack_states(
    __global const float *restrict w, const ulong wOffset, __global float *restrict panels, const ulong panelsOffset,
    const int h, const int k)
{
    const int unit = (int)get_global_id(0) * OUTER_VECTORS * VECTOR_WIDTH;
    w += wOffset + unit;
    panels += panelsOffset + (ulong)unit * k;
    for (int i = 0; i < k; ++i) {
        for (int j = 0; j < OUTER_VECTORS; ++j) {
            vfloat_store(
                load_row(w + (ulong)i * h + j * VECTOR_WIDTH, h - unit - j * VECTOR_WIDTH),
                panels + ((ulong)i * OUTER_VECTORS + j) * VECTOR_WIDTH);
        }
    }
}

// sums [rows][vectors] = a [rows, k] · panel, for a number of rows and vectors that the compiler knows: a function each.
#define TILE_PRODUCT(name, rows, vectors) \
    static inline void name( \
        __global const float *a, const int aStride, const int k, __global const float *panel, vfloat *sums) \
    { \
        vfloat sum[rows][vectors]; \
        _Pragma("unroll") for (int r = 0; r < rows; ++r) { \
            _Pragma("unroll") for (int j = 0; j < vectors; ++j) sum[r][j] = (vfloat)(0.0f); \
        } \
        for (int i = 0; i < k; ++i) { \
            vfloat b[vectors]; \
            _Pragma("unroll") for (int j = 0; j < vectors; ++j) b[j] = vfloat_load(panel + j * VECTOR_WIDTH); \
            _Pragma("unroll") for (int r = 0; r < rows; ++r) { \
                const vfloat factor = (vfloat)(a[(long)r * aStride + i]); \
                _Pragma("unroll") for (int j = 0; j < vectors; ++j) sum[r][j] = fma(factor, b[j], sum[r][j]); \
            } \
            panel += vectors * VECTOR_WIDTH; \
        } \
        _Pragma("unroll") for (int r = 0; r < rows; ++r) { \
            _Pragma("unroll") for (int j = 0; j < vectors; ++j) sums[r * vectors + j] = sum[r][j]; \
        } \
    }

// The same for a single row: four partial sums over k hide the latency of fma.
#define ROW_PRODUCT(name, vectors) \
    static inline void name( \
        __global const float *a, const int k, __global const float *panel, vfloat *sums) \
    { \
        vfloat sum[4][vectors]; \
        _Pragma("unroll") for (int part = 0; part < 4; ++part) { \
            _Pragma("unroll") for (int j = 0; j < vectors; ++j) sum[part][j] = (vfloat)(0.0f); \
        } \
        int i = 0; \
        for (; i + 4 <= k; i += 4) { \
            _Pragma("unroll") for (int part = 0; part < 4; ++part) { \
                const vfloat factor = (vfloat)(a[i + part]); \
                _Pragma("unroll") for (int j = 0; j < vectors; ++j) \
                    sum[part][j] = fma(factor, vfloat_load(panel + (part * vectors + j) * VECTOR_WIDTH), sum[part][j]); \
            } \
            panel += 4 * vectors * VECTOR_WIDTH; \
        } \
        for (; i < k; ++i) { \
            _Pragma("unroll") for (int j = 0; j < vectors; ++j) \
                sum[0][j] = fma((vfloat)(a[i]), vfloat_load(panel + j * VECTOR_WIDTH), sum[0][j]); \
            panel += vectors * VECTOR_WIDTH; \
        } \
        _Pragma("unroll") for (int j = 0; j < vectors; ++j) \
            sums[j] = (sum[0][j] + sum[1][j]) + (sum[2][j] + sum[3][j]); \
    }

ROW_PRODUCT(gate_sums_1, GATES)
ROW_PRODUCT(state_sums_1, OUTER_VECTORS)
#define EACH_HEIGHT(most, tile) EACH_HEIGHT_(most, tile)
#define EACH_HEIGHT_(most, tile) UP_TO_##most(tile)
#define UP_TO_3(tile) tile(2) tile(3)
#define UP_TO_4(tile) UP_TO_3(tile) tile(4)
#define UP_TO_6(tile) UP_TO_4(tile) tile(5) tile(6)
#define UP_TO_8(tile) UP_TO_6(tile) tile(7) tile(8)
#define UP_TO_12(tile) UP_TO_8(tile) tile(9) tile(10) tile(11) tile(12)
#define GATE_TILE(rows) TILE_PRODUCT(gate_sums_##rows, rows, GATES)
#define STATE_TILE(rows) TILE_PRODUCT(state_sums_##rows, rows, OUTER_VECTORS)
EACH_HEIGHT(TILE_M, GATE_TILE)
EACH_HEIGHT(OUTER_ROWS, STATE_TILE)

// sums [rows][GATES] = a [rows, h] · panel
static void gate_sums(
    const int rows, __global const float *a, const int h, __global const float *panel, vfloat *sums)
{
#define GATE_CASE(count) case count: gate_sums_##count(a, h, h, panel, sums); break;
    switch (rows) {
        case 1: gate_sums_1(a, h, panel, sums); break;
        EACH_HEIGHT(TILE_M, GATE_CASE)
    }
}

// sums [rows][OUTER_VECTORS] = a [rows, k] · panel
static void state_sums(
    const int rows, __global const float *a, const int k, __global const float *panel, vfloat *sums)
{
#define STATE_CASE(count) case count: state_sums_##count(a, k, k, panel, sums); break;
    switch (rows) {
        case 1: state_sums_1(a, k, panel, sums); break;
        EACH_HEIGHT(OUTER_ROWS, STATE_CASE)
    }
}

// The first row of stripe `index` of `count`, of about equal height: 16 rows are 5, 5 and 6 rather than 6, 6 and 4.
#define STRIPES(rows, most) (((rows) + (most) - 1) / (most))
#define STRIPE_TOP(rows, index, count) ((rows) * (index) / (count))

// Asks for what is needed only after a product, which takes long enough for it to arrive. Oclgrind, which does not know
// the instruction, is given an empty definition.
#if !defined(PREFETCH) && defined(__clang__) && defined(__has_builtin)
#if __has_builtin(__builtin_prefetch)
#define PREFETCH(pointer) __builtin_prefetch((const void *)(size_t)(pointer))
#endif
#endif
#ifndef PREFETCH
#define PREFETCH(pointer)
#endif
