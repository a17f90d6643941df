// Reductions of integers and of bool over [outer, reduced, inner] → [outer, inner]: whatever the order, the bits are the same,
// as sums and products wrap around in 64 bits.
//
//        reduced                     A work-item takes every n-th column of a row's part, or of all rows, and goes down it:
//      ┌─────────┬─────────┐         with `splits` the reduced elements are shared among as many work-items, and a second
//   i  │ split 0 │ split 1 │  …      launch reduces what they have come to, [outer, splits, inner].
//      └─────────┴─────────┘
//
// One addition and sizeof(T) bytes an element. With inner = 1 neighbouring work-items read rows apart; such reductions are
// split, and a part's elements follow one another.
#ifndef T
#define T int
#endif
// The type of the results: T, or of sums and products a long.
#ifndef R
#define R long
#endif
// 0 sum, 1 product, 2 least, 3 greatest.
#ifndef FUNCTION
#define FUNCTION 0
#endif
// What a result begins with.
#ifndef START
#define START 0
#endif
#if FUNCTION == 0
#define COMBINED(total, v) ((R)((ulong)total + (ulong)v))
#elif FUNCTION == 1
#define COMBINED(total, v) ((R)((ulong)total * (ulong)v))
#elif FUNCTION == 2
#define COMBINED(total, v) (v < total ? v : total)
#else
#define COMBINED(total, v) (v > total ? v : total)
#endif

__kernel void reduce_integers(
    __global const T *x, const ulong xOffset, __global R *y, const ulong yOffset, const ulong outer,
    const ulong reduced, const ulong inner, const ulong splits, const ulong share) {
    x += xOffset;
    y += yOffset;
    const ulong count = outer * splits * inner;
    for (ulong place = get_global_id(0); place < count; place += get_global_size(0)) {
        const ulong column = place % inner, rest = place / inner;
        const ulong split = rest % splits, row = rest / splits;
        const ulong end = min((split + 1) * share, reduced);
        __global const T *const from = x + row * reduced * inner + column;
        R total = START;
        for (ulong r = split * share; r < end; ++r) {
            const R v = (R)from[r * inner];
            total = COMBINED(total, v);
        }
        y[place] = total;
    }
}
