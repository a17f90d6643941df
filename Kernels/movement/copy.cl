// Copies between two layouts of the same elements: transpose, slice, concatenate and the inside of pad.
//
// The host describes a nest of loops by an extent and by the step of x and of y along each (in elements): up to OUTER
// outer loops and the innermost of `length`; the boxes that are copied start at xBox and yBox. Words of 1 to 8 bytes move
// as they are, whatever their type: twice an element's bytes and no flops.
//
//   copy_rows      CPU style: the innermost loop is a run of memory in both (CONTIGUOUS) or steps through it
//   copy_elements  GPU style of the same: one work-item every n-th element
//   copy_tiles     x is contiguous along one loop, y along another: a transpose, by square tiles
//
//        x, a tile of T rows          y, the same tile
//        ┌ a0 a1 a2 … ┐               ┌ a0 b0 c0 … ┐
//        │ b0 b1 b2 … │   ────────►   │ a1 b1 c1 … │
//        └ c0 c1 c2 … ┘               └ a2 b2 c2 … ┘
//
// The CPU style transposes T = VECTOR_WIDTH vectors in registers by log2 T rounds of perfect shuffles (Eklundh, A Fast
// Computer Method for Matrix Transposing, 1972). The GPU style stages a padded tile in local memory, so that reads and
// writes are both coalesced and no two work-items of a row meet in one bank (Ruetsch and Micikevicius, 2009).
#ifndef OUTER
#define OUTER 5
#endif
#ifndef CONTIGUOUS
#define CONTIGUOUS 0
#endif
#ifndef VECTOR_WIDTH
#define VECTOR_WIDTH 8
#endif
// An unsigned integer of an element's size.
#ifndef WORD
#define WORD uint
#endif
// GPU style: a tile of TILE×TILE words is moved by TILE×TILE_ROWS work-items.
#ifndef TILE
#define TILE 16
#endif
#ifndef TILE_ROWS
#define TILE_ROWS 8
#endif

#define COPY_PASTE_(a, b) a##b
#define COPY_PASTE(a, b) COPY_PASTE_(a, b)
typedef COPY_PASTE(WORD, VECTOR_WIDTH) words;
#define LOAD(pointer) COPY_PASTE(vload, VECTOR_WIDTH)(0, pointer)
// One store, of which PoCL makes four in vstore16.
typedef struct __attribute__((packed)) { words value; } unaligned;
#define STORE(value_, pointer) (((__global unaligned *)(pointer))->value = (value_))

#define LAYOUT_PARAMETERS \
    const ulong extent1, const ulong extent2, const ulong extent3, const ulong extent4, const ulong xStep0, \
    const ulong xStep1, const ulong xStep2, const ulong xStep3, const ulong xStep4, const ulong yStep0, \
    const ulong yStep1, const ulong yStep2, const ulong yStep3, const ulong yStep4

// Moves x and y on by one outer loop's index, taken from the low end of `rest`.
#define ENTER(loop) \
    if (OUTER > loop) { \
        const ulong quotient = rest / extent##loop; \
        const ulong index = rest - quotient * extent##loop; \
        xStart += index * xStep##loop; \
        yStart += index * yStep##loop; \
        rest = quotient; \
    }

// Where in x and y the outer loops' iteration number `row` begins.
#define FIND_START(row) \
    ulong rest = row; \
    ulong xStart = 0; \
    ulong yStart = 0; \
    ENTER(4) \
    ENTER(3) \
    ENTER(2) \
    ENTER(1) \
    xStart += rest * xStep0; \
    yStart += rest * yStep0;

// Each work-item takes `share` pieces of rows; a row is `segments` pieces of `segment` elements.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void copy_rows(
    __global const WORD *restrict x, const ulong xOffset, __global WORD *restrict y, const ulong yOffset,
    const ulong xBox, const ulong yBox, const ulong rows, const ulong length, const ulong xStep, const ulong yStep,
    LAYOUT_PARAMETERS,
    const ulong segment, const ulong segments, const ulong share)
{
    x += xOffset + xBox;
    y += yOffset + yBox;
    const ulong first = get_global_id(0) * share;
    const ulong last = min(first + share, rows * segments);
    for (ulong unit = first; unit < last; ++unit) {
        const ulong row = unit / segments;
        const ulong begin = (unit - row * segments) * segment;
        const ulong end = min(begin + segment, length);
        FIND_START(row)
        __global const WORD *from = x + xStart;
        __global WORD *to = y + yStart;
#if CONTIGUOUS
        ulong i = begin;
        for (; i + VECTOR_WIDTH <= end; i += VECTOR_WIDTH) STORE(LOAD(from + i), to + i);
        for (; i < end; ++i) to[i] = from[i];
#else
        for (ulong i = begin; i < end; ++i) to[i * yStep] = from[i * xStep];
#endif
    }
}

__kernel void copy_elements(
    __global const WORD *restrict x, const ulong xOffset, __global WORD *restrict y, const ulong yOffset,
    const ulong xBox, const ulong yBox, const ulong rows, const ulong length, const ulong xStep, const ulong yStep, LAYOUT_PARAMETERS)
{
    x += xOffset + xBox;
    y += yOffset + yBox;
    for (ulong element = get_global_id(0); element < rows * length; element += get_global_size(0)) {
        const ulong row = element / length;
        const ulong column = element - row * length;
        FIND_START(row)
        y[yStart + column * yStep] = x[xStart + column * xStep];
    }
}

// Two halves of a pair of vectors, interleaved: one round of the transpose for two of its rows.
#define SHUFFLE(a, b, low, high) \
    low.even = a.lo; \
    low.odd = b.lo; \
    high.even = a.hi; \
    high.odd = b.hi;

#define ROUND(from, to) \
    _Pragma("unroll") for (int r = 0; r < VECTOR_WIDTH / 2; ++r) { \
        SHUFFLE(from[r], from[r + VECTOR_WIDTH / 2], to[2 * r], to[2 * r + 1]) \
    }

// y's rows of `width` follow x's columns: y[c·yStep + r] = x[r·xStep + c] for r < width and c < height.
// Unit: VECTOR_WIDTH columns of x in one of `rows` outer iterations.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void copy_tiles_vector(
    __global const WORD *restrict x, const ulong xOffset, __global WORD *restrict y, const ulong yOffset,
    const ulong xBox, const ulong yBox, const ulong rows, const ulong width, const ulong height,
    const ulong xStep, const ulong yStep, LAYOUT_PARAMETERS,
    const ulong share)
{
    x += xOffset + xBox;
    y += yOffset + yBox;
    const ulong strips = (height + VECTOR_WIDTH - 1) / VECTOR_WIDTH;
    const ulong first = get_global_id(0) * share;
    const ulong last = min(first + share, rows * strips);
    for (ulong unit = first; unit < last; ++unit) {
        const ulong row = unit / strips;
        const ulong column = (unit - row * strips) * VECTOR_WIDTH;
        FIND_START(row)
        __global const WORD *from = x + xStart + column;
        __global WORD *to = y + yStart + column * yStep;
        const int columns = (int)min(height - column, (ulong)VECTOR_WIDTH);
        ulong r = 0;
        if (columns == VECTOR_WIDTH) {
            for (; r + VECTOR_WIDTH <= width; r += VECTOR_WIDTH) {
                words a[VECTOR_WIDTH];
                words b[VECTOR_WIDTH];
                #pragma unroll
                for (int k = 0; k < VECTOR_WIDTH; ++k) a[k] = LOAD(from + (r + k) * xStep);
                ROUND(a, b)
                ROUND(b, a)
#if VECTOR_WIDTH == 4
                words *t = a;
#elif VECTOR_WIDTH == 8
                ROUND(a, b)
                words *t = b;
#else
                ROUND(a, b)
                ROUND(b, a)
                words *t = a;
#endif
                #pragma unroll
                for (int k = 0; k < VECTOR_WIDTH; ++k) STORE(t[k], to + k * yStep + r);
            }
        }
        for (; r < width; ++r) {
            for (int c = 0; c < columns; ++c) to[c * yStep + r] = from[r * xStep + c];
        }
    }
}

// The same for devices with local memory. Global size (⌈height / TILE⌉·TILE, ⌈width / TILE⌉·TILE_ROWS, rows).
__kernel __attribute__((reqd_work_group_size(TILE, TILE_ROWS, 1)))
void copy_tiles_local(
    __global const WORD *restrict x, const ulong xOffset, __global WORD *restrict y, const ulong yOffset,
    const ulong xBox, const ulong yBox, const ulong rows, const ulong width, const ulong height,
    const ulong xStep, const ulong yStep, LAYOUT_PARAMETERS)
{
    __local WORD tile[TILE][TILE + 1];
    FIND_START(get_global_id(2))
    x += xOffset + xBox + xStart;
    y += yOffset + yBox + yStart;
    const ulong column = get_group_id(0) * TILE;
    const ulong top = get_group_id(1) * TILE;
    const int lane = (int)get_local_id(0);
    for (int k = (int)get_local_id(1); k < TILE; k += TILE_ROWS) {
        if (top + k < width && column + lane < height) tile[k][lane] = x[(top + k) * xStep + column + lane];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int k = (int)get_local_id(1); k < TILE; k += TILE_ROWS) {
        if (column + k < height && top + lane < width) y[(column + k) * yStep + top + lane] = tile[lane][k];
    }
}
