// Weighted sums of slices along the middle axis of x [outer, extent, inner] → y [outer, count, inner]: interpolation, and with
// the rows and columns of its weights exchanged its gradient.
//
//   weights of y's element j:     t = starts[j] … starts[j+1] - 1          y[o, j, i] = Σ_t weights[t] · x[o, places[t], i]
//
//   x[o]  │   places[t]   places[t+1]   │         Terms without weight are not in the table, and so never read.
//         │      ▼   ╲     ╱  ▼         │
//   y[o]  │           ▼   ▼             │
//                       j
//
//   interpolate_slices    CPU style: a work-item takes `share` pieces of y's slices, of `segment` elements each, in vectors
//                         along the inner axis
//   interpolate_rows      CPU style where inner is 1: VECTOR_WIDTH rows side by side. A stretch of them is turned over in
//                         registers into private memory, a vector a column; each element of y is a sum of those, and
//                         OUTPUTS of them are turned over on their way back.
//   interpolate_elements  GPU style: a work-item an element
//
// 2 flops a term and element of y; every element of x and y moves once where x's slices stay in cache. Sums of more than
// SUM_BLOCK terms are LongSums. x and y are stored in STORAGE, weights are floats. Goes after common/math.cl,
// common/vector.cl and common/storage.cl, interpolate_rows after common/shuffle.cl and common/transpose.cl too.

#ifndef STRETCH
#define STRETCH 256          // columns of x that are turned over at a time, a multiple of VECTOR_WIDTH
#endif
#ifndef OUTPUTS
#define OUTPUTS 64
#endif

#define TENSORS \
    __global const STORED *restrict x, const ulong xOffset, __global const int *restrict starts, \
    const ulong startsOffset, __global const int *restrict places, const ulong placesOffset, \
    __global const float *restrict weights, const ulong weightsOffset, __global STORED *restrict y, const ulong yOffset
#define ENTER_TENSORS \
    x += xOffset; \
    starts += startsOffset; \
    places += placesOffset; \
    weights += weightsOffset; \
    y += yOffset;

// The sum of the terms of element j, where `X(place)` is the vector of x there.
#define SUM_TERMS(sum, j, X) \
    vfloat sum = 0.0f; \
    { \
        const int lastTerm = starts[(j) + 1]; \
        const int isLong = lastTerm - starts[j] > SUM_BLOCK; \
        LongSum total = {0.0f, 0.0f}; \
        for (int t = starts[j]; t < lastTerm;) { \
            const int blockEnd = min(t + SUM_BLOCK, lastTerm); \
            sum = weights[t] * X(places[t]); \
            for (t++; t < blockEnd; t++) sum = fma((vfloat)(weights[t]), X(places[t]), sum); \
            if (isLong) total = added_to(total, sum); \
        } \
        if (isLong) sum = value_of(total); \
    }

#if VECTOR_WIDTH == 1

// Global size outer · count · inner, rounded up to a multiple of the local size.
__kernel void interpolate_elements(TENSORS, const uint outer, const uint extent, const uint count, const uint inner)
{
    ENTER_TENSORS
    const uint element = get_global_id(0);
    if (element >= outer * count * inner) return;
    const uint row = element / inner, o = row / count, j = row - o * count;
    __global const STORED *from = x + (ulong)o * extent * inner + (element - row * inner);
#define X(place) LOAD1(from + (ulong)(place) * inner)
    SUM_TERMS(sum, j, X)
#undef X
    STORE1(sum, y + element);
}

#elif !defined(LOW)

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void interpolate_slices(
    TENSORS, const ulong outer, const ulong extent, const ulong count, const ulong inner, const ulong segment,
    const ulong segments, const ulong share)
{
    ENTER_TENSORS
    const ulong first = get_global_id(0) * share;
    const ulong last = min(first + share, outer * count * segments);
    for (ulong unit = first; unit < last; unit++) {
        const ulong row = unit / segments;
        const ulong o = row / count;
        const int j = (int)(row - o * count);
        const ulong begin = (unit - row * segments) * segment;
        const ulong end = min(begin + segment, inner);
        __global const STORED *from = x + o * extent * inner;
        __global STORED *to = y + row * inner;
        ulong i = begin;
        // Four vectors share a term's place and weight.
        if (starts[j + 1] - starts[j] <= SUM_BLOCK)
            for (; i + 4 * VECTOR_WIDTH <= end; i += 4 * VECTOR_WIDTH) {
                vfloat a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
                for (int t = starts[j]; t < starts[j + 1]; t++) {
                    const vfloat weight = weights[t];
                    __global const STORED *slice = from + places[t] * inner + i;
                    const vfloat a1 = LOAD(slice), b1 = LOAD(slice + VECTOR_WIDTH);
                    const vfloat c1 = LOAD(slice + 2 * VECTOR_WIDTH), d1 = LOAD(slice + 3 * VECTOR_WIDTH);
                    // 0 is added to no -0.
                    const int isFirst = t == starts[j];
                    a = isFirst ? weight * a1 : fma(weight, a1, a);
                    b = isFirst ? weight * b1 : fma(weight, b1, b);
                    c = isFirst ? weight * c1 : fma(weight, c1, c);
                    d = isFirst ? weight * d1 : fma(weight, d1, d);
                }
                STORE(a, to + i);
                STORE(b, to + i + VECTOR_WIDTH);
                STORE(c, to + i + 2 * VECTOR_WIDTH);
                STORE(d, to + i + 3 * VECTOR_WIDTH);
            }
#define X(place) LOAD(from + (place) * inner + i)
        for (; i + VECTOR_WIDTH <= end; i += VECTOR_WIDTH) {
            SUM_TERMS(sum, j, X)
            STORE(sum, to + i);
        }
#undef X
#define X(place) LOAD_TAIL(from + (place) * inner + i, (int)(end - i), 0.0f)
        if (i < end) {
            SUM_TERMS(sum, j, X)
            STORE_TAIL(sum, to + i, (int)(end - i));
        }
#undef X
    }
}

#else

// Column `column` of the first `rows` ≤ VECTOR_WIDTH rows at `from`, zeros beyond.
static inline vfloat column_of(__global const STORED *from, const ulong extent, const int column, const int rows) {
    vfloat value = 0.0f;
    for (int r = 0; r < rows; r++) ((float *)&value)[r] = LOAD1(from + r * extent + column);
    return value;
}

// A unit is elements piece · n ≤ j < piece · (n + 1) of VECTOR_WIDTH rows. Each work-item takes `share` that follow one another.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void interpolate_rows(TENSORS, const int outer, const int extent, const int count, const int piece, const int share)
{
    vfloat stretch[STRETCH], outputs[OUTPUTS];
    ENTER_TENSORS
    const int pieces = (count + piece - 1) / piece;
    const int units = (outer + VECTOR_WIDTH - 1) / VECTOR_WIDTH * pieces;
    const int first = (int)get_global_id(0) * share;
    for (int unit = first; unit < min(first + share, units); unit++) {
        const int row = unit / pieces * VECTOR_WIDTH;
        const int rows = min(VECTOR_WIDTH, outer - row);
        const int right = min((unit % pieces + 1) * piece, count);
        __global const STORED *from = x + (ulong)row * extent;
        __global STORED *to = y + (ulong)row * count;
        for (int j = unit % pieces * piece, next; j < right; j = next) {
            // As many elements as read no further apart than the stretch is long.
            int low = extent, high = -1;
            for (next = j; next < min(j + OUTPUTS, right); next++) {
                int lowest = low, highest = high;
                if (starts[next] < starts[next + 1]) {
                    lowest = min(low, places[starts[next]]);
                    highest = max(high, places[starts[next + 1] - 1]);
                }
                if (highest - lowest >= STRETCH) break;
                low = lowest;
                high = highest;
            }
            if (next == j) {
#define X(place) column_of(from, (ulong)extent, place, rows)
                SUM_TERMS(sum, j, X)
#undef X
                for (int r = 0; r < rows; r++) STORE1(VLANE(sum, r), to + (ulong)r * count + j);
                next = j + 1;
                continue;
            }
            // Whole squares, where the row has them.
            const int columns =
                min((high - low + VECTOR_WIDTH) / VECTOR_WIDTH * VECTOR_WIDTH, min(extent - low, STRETCH));
            int c = 0;
            if (rows == VECTOR_WIDTH)
                for (; c + VECTOR_WIDTH <= columns; c += VECTOR_WIDTH) {
                    vfloat square[VECTOR_WIDTH];
                    _Pragma("unroll") for (int r = 0; r < VECTOR_WIDTH; r++)
                        square[r] = LOAD(from + (ulong)r * extent + low + c);
                    TRANSPOSE_SQUARE((float *)square, VECTOR_WIDTH, __private, (float *)(stretch + c), VECTOR_WIDTH);
                }
            for (; c < columns; c++) stretch[c] = column_of(from, (ulong)extent, low + c, rows);
#define X(place) stretch[(place) - low]
            for (int k = j; k < next; k++) {
                SUM_TERMS(sum, k, X)
                outputs[k - j] = sum;
            }
#undef X
            int k = 0;
            if (rows == VECTOR_WIDTH)
                for (; k + VECTOR_WIDTH <= next - j; k += VECTOR_WIDTH) {
                    vfloat square[VECTOR_WIDTH];
                    TRANSPOSE_SQUARE((float *)(outputs + k), VECTOR_WIDTH, __private, (float *)square, VECTOR_WIDTH);
                    _Pragma("unroll") for (int r = 0; r < VECTOR_WIDTH; r++)
                        STORE(square[r], to + (ulong)r * count + j + k);
                }
            for (; k < next - j; k++)
                for (int r = 0; r < rows; r++) STORE1(VLANE(outputs[k], r), to + (ulong)r * count + j + k);
        }
    }
}
#endif
