// Rows of a table by index, and the gradient of the table.
//
//   embedding            y[n, :] = table[indices[n], :], a row of NaN for an index outside the table
//   embedding_gradient   dtable[r, :] = Σ dy[n, :] over the n with indices[n] = r, in the order of n
//
// The gradient has no atomics and no sorting: each work-item owns a block of dtable, reads all indices and adds the
// rows of dy that fall into its block, so that sums are always formed in one order. Of many indices (LONG_SUMS) one row
// may get so many that its sum loses digits: every HITS of them, what came together is moved to a table of totals.
//
//              columnBlock
//            ┌─────┬─────┐
//   rowBlock │ (0) │ (1) │   work-item (column block, row block); GPU style: columnBlock = 1
//            ├─────┼─────┤
//            │ (2) │ (3) │
//            └─────┴─────┘
//
// Bytes moved: 4 an index for each block row, 12 an element of dy, 4 an element of the table. On a CPU a wide table is
// cut by columns, which is always fair, and a narrow one by rows.
// Rows move as the bits they are, words of T. Of the gradient in 16 bits (STORAGE) the sums are floats in a workspace, and
// rounded once. Goes after common/math.cl, common/vector.cl and common/storage.cl.
#ifndef T
#define T float
#define FILL NAN
#endif
#if VECTOR_WIDTH > 1
typedef MATH_PASTE(T, VECTOR_WIDTH) lanes;
#define LOAD_WORDS(pointer) MATH_PASTE(vload, VECTOR_WIDTH)(0, pointer)
// One store, of which PoCL makes four in vstore16.
typedef struct __attribute__((packed)) { lanes value; } unaligned;
#define STORE_WORDS(value_, pointer) (((__global unaligned *)(pointer))->value = (value_))
#else
#define LOAD_WORDS(pointer) (*(pointer))
#define STORE_WORDS(value, pointer) (*(pointer) = (value))
#endif

// CPU style: `share` indices for each work-item.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void embedding_rows(
    __global const T *restrict table, const ulong tableOffset, __global const int *restrict indices,
    const ulong indicesOffset, __global T *restrict y, const ulong yOffset, const ulong count, const ulong width,
    const int rows, const ulong share)
{
    table += tableOffset;
    indices += indicesOffset;
    y += yOffset;
    const ulong first = get_global_id(0) * share;
    const ulong last = min(first + share, count);
    for (ulong n = first; n < last; ++n) {
        const int row = indices[n];
        __global T *to = y + n * width;
        ulong i = 0;
        if (row < 0 || row >= rows) {
            for (; i < width; ++i) to[i] = (T)FILL;
        } else {
            __global const T *from = table + (ulong)row * width;
            for (; i + VECTOR_WIDTH <= width; i += VECTOR_WIDTH) STORE_WORDS(LOAD_WORDS(from + i), to + i);
            for (; i < width; ++i) to[i] = from[i];
        }
    }
}

// GPU style: every n-th element.
__kernel void embedding_elements(
    __global const T *restrict table, const ulong tableOffset, __global const int *restrict indices,
    const ulong indicesOffset, __global T *restrict y, const ulong yOffset, const ulong count, const ulong width,
    const int rows)
{
    table += tableOffset;
    indices += indicesOffset;
    y += yOffset;
    for (ulong element = get_global_id(0); element < count * width; element += get_global_size(0)) {
        const ulong n = element / width;
        const int row = indices[n];
        y[element] = row < 0 || row >= rows ? (T)FILL : table[(ulong)row * width + (element - n * width)];
    }
}

#ifndef LONG_SUMS
#define LONG_SUMS 0
#endif
#define HITS 1024

// LONG_SUMS: totals [rows, width], of which the rows hit often are used, and hits [column blocks, rows].
__kernel void embedding_gradient(
    __global const int *restrict indices, const ulong indicesOffset, __global const STORED *restrict dy,
    const ulong dyOffset,
#if !STORES_ALL
    __global STORED *restrict rounded, const ulong roundedOffset,
#endif
    __global float *restrict dtable, const ulong dtableOffset,
#if LONG_SUMS
    __global float *restrict totals, const ulong totalsOffset, __global int *restrict hits, const ulong hitsOffset,
#endif
    const ulong count, const ulong width, const int rows, const int rowBlock, const ulong columnBlock)
{
    indices += indicesOffset;
    dy += dyOffset;
    dtable += dtableOffset;
    const ulong left = get_global_id(0) * columnBlock;
    const ulong right = min(left + columnBlock, width);
    const int top = (int)get_global_id(1) * rowBlock;
    const int height = min(rowBlock, rows - top);
    if (left >= right) return;
    for (int row = top; row < top + height; ++row) {
        for (ulong i = left; i < right; ++i) dtable[(ulong)row * width + i] = 0.0f;
    }
#if LONG_SUMS
    totals += totalsOffset;
    hits += hitsOffset + get_global_id(0) * rows;
    for (int row = top; row < top + height; ++row) hits[row] = 0;
#endif
    for (ulong n = 0; n < count; ++n) {
        const uint row = (uint)indices[n] - (uint)top;
        if (row >= (uint)height) continue;
        __global float *to = dtable + (ulong)(top + (int)row) * width;
        __global const STORED *from = dy + n * width;
        ulong i = left;
        for (; i + VECTOR_WIDTH <= right; i += VECTOR_WIDTH) vfloat_store(vfloat_load(to + i) + LOAD(from + i), to + i);
        for (; i < right; ++i) to[i] += LOAD1(from + i);
#if LONG_SUMS
        const int hit = ++hits[top + (int)row];
        if (hit % HITS == 0) {
            __global float *total = totals + (ulong)(top + (int)row) * width;
            for (i = left; i < right; ++i) {
                total[i] = hit == HITS ? to[i] : total[i] + to[i];
                to[i] = 0.0f;
            }
        }
#endif
    }
#if LONG_SUMS
    for (int row = top; row < top + height; ++row)
        if (hits[row] >= HITS)
            for (ulong i = left; i < right; ++i) dtable[(ulong)row * width + i] += totals[(ulong)row * width + i];
#endif
#if !STORES_ALL
    rounded += roundedOffset;
    for (int row = top; row < top + height; ++row) {
        __global const float *from = dtable + (ulong)row * width;
        __global STORED *to = rounded + (ulong)row * width;
        ulong i = left;
        for (; i + VECTOR_WIDTH <= right; i += VECTOR_WIDTH) STORE(vfloat_load(from + i), to + i);
        for (; i < right; ++i) STORE1(from[i], to + i);
    }
#endif
}
