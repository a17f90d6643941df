// Elements or slices by index along the middle axis of x [outer, extent, inner] → y [outer, count, inner].
//
//   gather_rows      CPU style: a work-item takes `share` pieces of y's rows, of `segment` elements each
//   gather_elements  GPU style: a work-item every n-th element
//
//   indices   2  0 -1            y[o, j, :] = x[o, k, :]   k = indices[j], from the end where negative
//             │  │  │
//   x[o]    ┌─┼──▼──┼─┐          ELEMENTS: k = indices[o, j, i], one for each element
//           │ ▼     │ │
//           └───────▼─┘          A FILL for each index outside the axis.
//
// Elements move as the bits they are. Bytes moved: twice an element, and an index for each row or element.
// Goes after indexing/place.cl.
#ifndef T
#define T uint
#endif
#ifndef ELEMENTS
#define ELEMENTS 0
#endif
#ifndef FILL
#define FILL 0
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gather_rows(
    __global const T *restrict x, const ulong xOffset, __global const INDEX *restrict indices,
    const ulong indicesOffset, __global T *restrict y, const ulong yOffset, const ulong outer, const ulong extent,
    const ulong count, const ulong inner, const ulong segment, const ulong segments, const ulong share)
{
    x += xOffset;
    indices += indicesOffset;
    y += yOffset;
    const ulong first = get_global_id(0) * share;
    const ulong last = min(first + share, outer * count * segments);
    for (ulong unit = first; unit < last; ++unit) {
        const ulong row = unit / segments;
        const ulong o = row / count;
        const ulong begin = (unit - row * segments) * segment;
        const ulong end = min(begin + segment, inner);
        __global const T *matrix = x + o * extent * inner;
        __global T *to = y + row * inner;
#if ELEMENTS
        for (ulong i = begin; i < end; ++i) {
            const ulong place = place_of(indices[row * inner + i], extent);
            to[i] = place < extent ? matrix[place * inner + i] : (T)FILL;
        }
#else
        const ulong place = place_of(indices[row - o * count], extent);
        __global const T *from = matrix + place * inner;
        if (place < extent)
            for (ulong i = begin; i < end; ++i) to[i] = from[i];
        else
            for (ulong i = begin; i < end; ++i) to[i] = (T)FILL;
#endif
    }
}

__kernel void gather_elements(
    __global const T *restrict x, const ulong xOffset, __global const INDEX *restrict indices,
    const ulong indicesOffset, __global T *restrict y, const ulong yOffset, const ulong outer, const ulong extent,
    const ulong count, const ulong inner)
{
    x += xOffset;
    indices += indicesOffset;
    y += yOffset;
    for (ulong element = get_global_id(0); element < outer * count * inner; element += get_global_size(0)) {
        const ulong row = element / inner;
        const ulong o = row / count;
        const ulong place = place_of(indices[ELEMENTS ? element : row - o * count], extent);
        y[element] = place < extent ? x[(o * extent + place) * inner + element - row * inner] : (T)FILL;
    }
}
