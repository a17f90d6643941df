// Sum, mean, minimum, maximum or product over the middle axis of x [outer, reduced, inner].
//
//   reduce_rows     inner = 1: a team takes rows (common/team.cl draws it)
//   reduce_columns  inner > 1: an item takes up to COLUMN_VECTORS vectors of columns and goes down them row by row. On a
//                   CPU these are many, so that it reads memory in long runs, its sums in the first-level cache; where
//                   there are few columns it is one, its sums in a register.
//
//              ├─ inner ──────────────┤
//    reduced   │ item 0 │ item 1 │ …  │ split 0          Long reductions with few results are split: the partial results
//              │ item k │ …           │ split 1          [outer, splits, inner] are reduced by a second launch.
//
// What is reduced is a tensor x or, with SOURCE, an elementwise program of several tensors, evaluated as it is read. With
// SOURCE 1 there is no reduce_columns, with SOURCE 2 no reduce_rows.
//
// 4 bytes read an element, half of that in 16 bits, of a program so much for each of its operands. Sums are taken over
// short blocks first, then over blocks with what rounding takes away (LongSum), so that the error does not grow with the
// length. NaN wins.
// Goes after common/math.cl, common/vector.cl, common/storage.cl, common/team.cl and common/source.cl.

// The type of y, as that of x is STORAGE: partial results of 16 bits are floats.
#ifndef RESULT
#define RESULT STORAGE
#endif
#define REDUCED MATH_PASTE(STORED_, RESULT)
// 0 sum (mean: divided at the end), 1 minimum, 2 maximum, 3 product.
#ifndef FUNCTION
#define FUNCTION 0
#endif
#ifndef COLUMN_VECTORS
#define COLUMN_VECTORS 1
#endif
// Work-items of a group of reduce_columns.
#ifndef COLUMN_GROUP
#define COLUMN_GROUP 1
#endif
#if FUNCTION == 0
#define IDENTITY 0.0f
#define COMBINE(a, b) ((a) + (b))
#define TOTAL LongSum
#define NO_TOTAL {0.0f, 0.0f}
#define COMBINE_TOTAL(total, x) added_to(total, x)
#define VALUE(total) value_of(total)
#define TEAM_RESULT(x) team_sum(x)
#elif FUNCTION == 1
#define IDENTITY INFINITY
#define COMBINE(a, b) vminimum(a, b)
#define TEAM_RESULT(x) (-team_largest(-(x)))
#elif FUNCTION == 3
#define IDENTITY 1.0f
#define COMBINE(a, b) ((a) * (b))
#define TEAM_RESULT(x) team_product(x)
#else
#define IDENTITY -INFINITY
#define COMBINE(a, b) vmaximum(a, b)
#define TEAM_RESULT(x) team_largest(x)
#endif
#if FUNCTION != 0
#define TOTAL vfloat
#define NO_TOTAL IDENTITY
#define COMBINE_TOTAL(total, x) COMBINE(total, x)
#define VALUE(total) (total)
#endif

// The first `count` lanes of a value, which then changes no result.
#define FIRST_LANES(value, count) select((vfloat)(IDENTITY), value, (vint)(VLANES < (vint)(count)))
#define FIRST_PART(row, column, count) FIRST_LANES(SOURCE_PART(row, column, count), count)

#if SOURCE == 0
// Declares what the elements of matrix [reduced, inner] number `index` of `outer` have in common.
#define SOURCE_MATRIX(index) \
    __global const STORED *const matrix = x + xOffset + (long)(index) * reduced * inner; \
    __global const STORED *const limit = x + xOffset + (long)outer * reduced * inner;
#define SOURCE_LOAD(row, column) LOAD(matrix + (long)(row) * inner + (column))
#define SOURCE_PART(row, column, count) load_part(matrix + (long)(row) * inner + (column), count, limit)
#endif

#if SOURCE != 2
// x [outer, reduced] → y [outer, splits].
TEAM_KERNEL void reduce_rows(
    SOURCE_TENSOR(x), __global REDUCED *restrict y, const ulong yOffset, const int outer, const int reduced,
    const int splits, const float divisor)
{
    TEAM_MEMORY
    const int inner = 1;
    const int pieces = outer * splits;
    for (int piece = TEAM_ROWS_BEGIN(pieces); piece < TEAM_ROWS_END(pieces); piece++) {
        const int split = piece % splits;
        const int begin = (int)((long)reduced * split / splits), end = (int)((long)reduced * (split + 1) / splits);
        SOURCE_MATRIX(piece / splits)
        TOTAL result = NO_TOTAL;
        for (int first = begin; first < end; first += TEAM_BLOCK) {
            const int count = min(TEAM_BLOCK, end - first);
            vfloat partial = IDENTITY;
            for EACH_TEAM_VECTOR(i, count) partial = COMBINE(partial, SOURCE_LOAD(first + i, 0));
            if (HAS_TEAM_REST(count))
                partial = COMBINE(partial, FIRST_PART(first + TEAM_WHOLE(count), 0, TEAM_REST(count)));
            result = COMBINE_TOTAL(result, partial);
        }
        const float value = TEAM_RESULT(VALUE(result));
        if (get_local_id(0) == 0) MATH_PASTE(STORE1_, RESULT)(value / divisor, y + (yOffset + piece));
    }
}
#endif

#if SOURCE != 1
// x [outer, reduced, inner] → y [outer, splits, inner]. Global size at least outer · splits · tiles, with
// tiles = ⌈inner / (COLUMN_VECTORS · VECTOR_WIDTH)⌉.
__kernel __attribute__((reqd_work_group_size(COLUMN_GROUP, 1, 1)))
void reduce_columns(
    SOURCE_TENSOR(x), __global REDUCED *restrict y, const ulong yOffset, const int outer, const int reduced,
    const int inner, const int splits, const float divisor)
{
    const int width = COLUMN_VECTORS * VECTOR_WIDTH;
    const int tiles = (inner + width - 1) / width;
    if (get_global_id(0) >= (ulong)outer * splits * tiles) return;
    const int tile = get_global_id(0) % tiles;
    const long piece = get_global_id(0) / tiles;
    const int split = piece % splits;
    const int begin = (int)((long)reduced * split / splits), end = (int)((long)reduced * (split + 1) / splits);
    SOURCE_MATRIX(piece / splits)
    y += yOffset + piece * inner;

    // Whole vectors, and what is left of one, of which the sums are in vector `part`.
    const int column = tile * width, count = min(width, inner - column);
    const int vectors = width == 1 ? 1 : count / VECTOR_WIDTH, rest = width == 1 ? 0 : count % VECTOR_WIDTH;
    const int part = COLUMN_VECTORS == 1 ? 0 : vectors, used = vectors + (rest > 0);
    const TOTAL none = NO_TOTAL;
    TOTAL result[COLUMN_VECTORS];
    vfloat partial[COLUMN_VECTORS];
    for (int c = 0; c < used; c++) result[c] = none;
    for (int first = begin; first < end; first += SUM_BLOCK) {
        for (int c = 0; c < used; c++) partial[c] = IDENTITY;
        for (int row = first; row < min(end, first + SUM_BLOCK); row++) {
            for (int c = 0; c < vectors; c++)
                partial[c] = COMBINE(partial[c], SOURCE_LOAD(row, column + c * VECTOR_WIDTH));
            if (rest > 0)
                partial[part] = COMBINE(partial[part], FIRST_PART(row, column + vectors * VECTOR_WIDTH, rest));
        }
        for (int c = 0; c < used; c++) result[c] = COMBINE_TOTAL(result[c], partial[c]);
    }
    for (int c = 0; c < vectors; c++)
        MATH_PASTE(STOREV_, RESULT)(VALUE(result[c]) / divisor, y + column + c * VECTOR_WIDTH);
    if (rest > 0)
        MATH_PASTE(STORE_TAIL_, RESULT)(VALUE(result[part]) / divisor, y + column + vectors * VECTOR_WIDTH, rest);
}
#endif
