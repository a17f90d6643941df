// Elements or slices put where indices say along the middle axis of y [outer, extent, inner]: all are added (ADD), or the
// last stands on what was there.
//
//                  inner block
//               ┌───────┬───────┐
//   row block   │ (0,0) │ (1,0) │     A work-item owns such a block of y[o], goes through the source [outer, count, inner]
//               ├───────┼───────┤     in order, and takes what falls into its block: no atomics, one order of summation.
//               │ (0,1) │ (1,1) │     CPU style: blocks of many columns. GPU style: of one, neighbours reading
//               └───────┴───────┘     neighbours. Rows are cut only where there is too little work beside them, as each
//                                     block of rows reads all indices.
//
// With LONG_SUMS, sums are LongSums of common/vector.cl, with vectors of 1, which goes before then: what rounding takes from
// each is kept in `errors`, of y's shape. With ROUNDS, what is added has the 16 bits of STORAGE (common/storage.cl, which goes
// before then): the sums are floats in `y`, and rounded once to `rounded`, the result.
// Indices are those of gather.cl; those outside the axis are left out. Goes after indexing/place.cl.
#ifndef T
#define T float
#endif
#ifndef ELEMENTS
#define ELEMENTS 0
#endif
#ifndef ADD
#define ADD 1
#endif
#ifndef LONG_SUMS
#define LONG_SUMS 0
#endif
#ifndef ROUNDS
#define ROUNDS 0
#endif
#if ROUNDS
#define SOURCE STORED
#define ELEMENT(pointer) LOAD1(pointer)
#else
#define SOURCE T
#define ELEMENT(pointer) (*(pointer))
#endif

__kernel void scatter(
    __global const INDEX *restrict indices, const ulong indicesOffset, __global const SOURCE *restrict source,
    const ulong sourceOffset,
#if !ADD
    __global const T *restrict base, const ulong baseOffset,
#endif
#if ROUNDS
    __global STORED *restrict rounded, const ulong roundedOffset,
#endif
    __global T *restrict y, const ulong yOffset,
#if LONG_SUMS
    __global float *restrict errors, const ulong errorsOffset,
#endif
    const ulong outer, const ulong extent, const ulong count, const ulong inner, const ulong innerBlock,
    const ulong rowBlock)
{
    const ulong blocks = (inner + innerBlock - 1) / innerBlock;
    const ulong o = get_global_id(0) / blocks;
    if (o >= outer) return;
    const ulong left = (get_global_id(0) - o * blocks) * innerBlock;
    const ulong right = min(left + innerBlock, inner);
    const ulong top = get_global_id(1) * rowBlock;
    const ulong bottom = min(top + rowBlock, extent);
    indices += indicesOffset;
    source += sourceOffset + o * count * inner;
    y += yOffset + o * extent * inner;
#if LONG_SUMS
    errors += errorsOffset + o * extent * inner;
#endif
    for (ulong row = top; row < bottom; ++row)
        for (ulong i = left; i < right; ++i) {
#if ADD
            y[row * inner + i] = 0;
#else
            y[row * inner + i] = base[baseOffset + (o * extent + row) * inner + i];
#endif
#if LONG_SUMS
            errors[row * inner + i] = 0.0f;
#endif
        }
    for (ulong j = 0; j < count; ++j) {
#if !ELEMENTS
        const ulong row = place_of(indices[j], extent);
        if (row < top || row >= bottom) continue;
#endif
        for (ulong i = left; i < right; ++i) {
#if ELEMENTS
            const ulong row = place_of(indices[(o * count + j) * inner + i], extent);
            if (row < top || row >= bottom) continue;
#endif
            const T x = ELEMENT(source + (j * inner + i));
#if LONG_SUMS
            const LongSum before = {y[row * inner + i], errors[row * inner + i]};
            const LongSum after = added_to(before, x);
            y[row * inner + i] = after.sum;
            errors[row * inner + i] = after.error;
#elif ADD
            y[row * inner + i] += x;
#else
            y[row * inner + i] = x;
#endif
        }
    }
#if LONG_SUMS
    for (ulong row = top; row < bottom; ++row)
        for (ulong i = left; i < right; ++i) y[row * inner + i] += errors[row * inner + i];
#endif
#if ROUNDS
    rounded += roundedOffset + o * extent * inner;
    for (ulong row = top; row < bottom; ++row)
        for (ulong i = left; i < right; ++i) STORE1(y[row * inner + i], rounded + row * inner + i);
#endif
}
