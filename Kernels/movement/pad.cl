// Zeros, and what stands among them.
//
//   pad_rows      CPU style; y's rows of `length` hold, from `begin` on, x's rows of `run`, and zeros around them
//   pad_elements  GPU style of the same
//
// A row of y:  0 0 0 │ x x x x x │ 0 0      begin = 3, run = 5, length = 10
//
// Any padding of one axis is this, with the axes inside it folded into the row; run = 0 makes all of y zero, for the
// paddings of several axes or with steps, whose elements copy.cl then puts in place. Words of 4 or 2 bytes move as they are.
#ifndef VECTOR_WIDTH
#define VECTOR_WIDTH 8
#endif
// An unsigned integer of an element's size.
#ifndef WORD
#define WORD uint
#endif
#define PAD_PASTE_(a, b) a##b
#define PAD_PASTE(a, b) PAD_PASTE_(a, b)
#define LOAD(pointer) PAD_PASTE(vload, VECTOR_WIDTH)(0, pointer)
typedef PAD_PASTE(WORD, VECTOR_WIDTH) words;
// One store, of which PoCL makes four in vstore16.
typedef struct __attribute__((packed)) { words value; } unaligned;
#define STORE(value_, pointer) (((__global unaligned *)(pointer))->value = (value_))

static void zero(__global WORD *y, ulong from, const ulong to) {
    for (; from + VECTOR_WIDTH <= to; from += VECTOR_WIDTH) STORE((words)(0), y + from);
    for (; from < to; ++from) y[from] = 0;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void pad_rows(
    __global const WORD *restrict x, const ulong xOffset, __global WORD *restrict y, const ulong yOffset,
    const ulong rows, const ulong length, const ulong begin, const ulong run,
    const ulong segment, const ulong segments, const ulong share)
{
    x += xOffset;
    y += yOffset;
    const ulong first = get_global_id(0) * share;
    const ulong last = min(first + share, rows * segments);
    for (ulong unit = first; unit < last; ++unit) {
        const ulong row = unit / segments;
        const ulong from = (unit - row * segments) * segment;
        const ulong to = min(from + segment, length);
        __global WORD *target = y + row * length;
        // The run's part of this piece.
        const ulong left = clamp(begin, from, to);
        const ulong right = clamp(begin + run, from, to);
        zero(target, from, left);
        ulong i = left;
        if (left < right) {
            __global const WORD *source = x + row * run;
            for (; i + VECTOR_WIDTH <= right; i += VECTOR_WIDTH) STORE(LOAD(source + (i - begin)), target + i);
            for (; i < right; ++i) target[i] = source[i - begin];
        }
        zero(target, i, to);
    }
}

__kernel void pad_elements(
    __global const WORD *restrict x, const ulong xOffset, __global WORD *restrict y, const ulong yOffset,
    const ulong rows, const ulong length, const ulong begin, const ulong run)
{
    x += xOffset;
    y += yOffset;
    for (ulong element = get_global_id(0); element < rows * length; element += get_global_size(0)) {
        const ulong row = element / length;
        const ulong column = element - row * length;
        const bool isInside = column >= begin && column < begin + run;
        y[element] = isInside ? x[row * run + (column - begin)] : 0;
    }
}
