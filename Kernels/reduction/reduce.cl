// Sum, mean, minimum or maximum over the middle axis of x [outer, reduced, inner].
//
//   reduceRows     inner = 1: a team takes rows (common/team.cl draws it)
//   reduceColumns  inner > 1: an item takes COLUMN_VECTORS vectors of columns and walks down them
//
//              ├─ inner ──────────────┤
//    reduced   │ item 0 │ item 1 │ …  │ split 0          Long reductions with few results are split: the partial results
//              │ item k │ …           │ split 1          [outer, splits, inner] are reduced by a second launch.
//
// 4 bytes read an element. Sums are taken over short blocks first, then over blocks, so that the error grows with the
// logarithm of the length rather than with the length (Higham, The accuracy of floating point summation, 1993). NaN wins.
// Goes after common/math.cl, common/vector.cl and common/team.cl.

// 0 sum (mean: divided at the end), 1 minimum, 2 maximum.
#ifndef FUNCTION
#define FUNCTION 0
#endif
#ifndef COLUMN_VECTORS
#define COLUMN_VECTORS 1
#endif
// Work-items of a group of reduceColumns.
#ifndef COLUMN_GROUP
#define COLUMN_GROUP 1
#endif
#define BLOCK 64

#if FUNCTION == 0
#define IDENTITY 0.0f
#define COMBINE(a, b) ((a) + (b))
#define TEAM_RESULT(x) teamSum(x)
#elif FUNCTION == 1
#define IDENTITY INFINITY
#define COMBINE(a, b) vminimum(a, b)
#define TEAM_RESULT(x) (-teamLargest(-(x)))
#else
#define IDENTITY -INFINITY
#define COMBINE(a, b) vmaximum(a, b)
#define TEAM_RESULT(x) teamLargest(x)
#endif

// x [rows, columns] → y [rows, splits].
TEAM_KERNEL void reduceRows(
    __global const float *restrict x, const ulong xOffset, __global float *restrict y, const ulong yOffset,
    const int rows, const int columns, const int splits, const float divisor)
{
    TEAM_MEMORY
    const int pieces = rows * splits;
    for (int piece = TEAM_ROWS_BEGIN(pieces); piece < TEAM_ROWS_END(pieces); piece++) {
        const int split = piece % splits;
        const int begin = (int)((long)columns * split / splits), end = (int)((long)columns * (split + 1) / splits);
        __global const float *from = x + xOffset + (long)(piece / splits) * columns + begin;
        vfloat result = IDENTITY;
        for (int first = 0; first < end - begin; first += BLOCK * TEAM * VECTOR_WIDTH) {
            const int count = min(BLOCK * TEAM * VECTOR_WIDTH, end - begin - first);
            vfloat partial = IDENTITY;
            for EACH_TEAM_VECTOR(i, count) partial = COMBINE(partial, vfloat_load(from + first + i));
            if (HAS_TEAM_REST(count))
                partial = COMBINE(
                    partial, vfloat_load_tail(from + first + TEAM_WHOLE(count), TEAM_REST(count), IDENTITY));
            result = COMBINE(result, partial);
        }
        const float value = TEAM_RESULT(result);
        if (get_local_id(0) == 0) y[yOffset + piece] = value / divisor;
    }
}

// x [outer, reduced, inner] → y [outer, splits, inner]. Global size at least outer · splits · tiles, with
// tiles = ⌈inner / (COLUMN_VECTORS · VECTOR_WIDTH)⌉.
__kernel __attribute__((reqd_work_group_size(COLUMN_GROUP, 1, 1)))
void reduceColumns(
    __global const float *restrict x, const ulong xOffset, __global float *restrict y, const ulong yOffset,
    const int outer, const int reduced, const int inner, const int splits, const float divisor)
{
    const int width = COLUMN_VECTORS * VECTOR_WIDTH;
    const int tiles = (inner + width - 1) / width;
    if (get_global_id(0) >= (ulong)outer * splits * tiles) return;
    const int tile = get_global_id(0) % tiles;
    const long piece = get_global_id(0) / tiles;
    const int split = piece % splits;
    const int begin = (int)((long)reduced * split / splits), end = (int)((long)reduced * (split + 1) / splits);
    x += xOffset + piece / splits * reduced * inner;
    y += yOffset + piece * inner;

    const int last = min(inner, (tile + 1) * width);
    int column = tile * width;
    if (column + width <= last) {
        vfloat result[COLUMN_VECTORS], partial[COLUMN_VECTORS];
        for (int c = 0; c < COLUMN_VECTORS; c++) result[c] = IDENTITY;
        for (int first = begin; first < end; first += BLOCK) {
            for (int c = 0; c < COLUMN_VECTORS; c++) partial[c] = IDENTITY;
            for (int row = first; row < min(end, first + BLOCK); row++)
                for (int c = 0; c < COLUMN_VECTORS; c++)
                    partial[c] = COMBINE(partial[c], vfloat_load(x + (long)row * inner + column + c * VECTOR_WIDTH));
            for (int c = 0; c < COLUMN_VECTORS; c++) result[c] = COMBINE(result[c], partial[c]);
        }
        for (int c = 0; c < COLUMN_VECTORS; c++) vfloat_store(result[c] / divisor, y + column + c * VECTOR_WIDTH);
        return;
    }
    // The last tile: a vector at a time, the last of them in part.
    for (; column < last; column += VECTOR_WIDTH) {
        const int count = min(VECTOR_WIDTH, last - column);
        vfloat result = IDENTITY;
        for (int first = begin; first < end; first += BLOCK) {
            vfloat partial = IDENTITY;
            for (int row = first; row < min(end, first + BLOCK); row++) {
                __global const float *from = x + (long)row * inner + column;
                partial = COMBINE(
                    partial, count == VECTOR_WIDTH ? vfloat_load(from) : vfloat_load_tail(from, count, IDENTITY));
            }
            result = COMBINE(result, partial);
        }
        if (count == VECTOR_WIDTH) vfloat_store(result / divisor, y + column);
        else vfloat_store_tail(result / divisor, y + column, count);
    }
}
