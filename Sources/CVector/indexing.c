// Elements and slices by index along an axis, and what is made of the elements along one: gathers, scatters and scans of
// [outer, extent, inner].

#include "internal.h"

INLINE int64_t index_at(cv_indices indices, int64_t n) {
    return indices.is_64_bit ? ((const int64_t *)indices.values)[n] : ((const int32_t *)indices.values)[n];
}

// The place along the axis, from the end where the index is negative; -1 for an index outside it.
INLINE int64_t place_of(int64_t index, int64_t extent) {
    const int64_t place = index < 0 ? index + extent : index;
    return place >= 0 && place < extent ? place : -1;
}

#define GATHER(Element)                                                                                           \
    INLINE void gather_##Element(                                                                                 \
        cv_indices indices, const Element *x, Element fill, Element *y, int64_t first, int64_t last,              \
        int64_t extent, int64_t count, int64_t inner) {                                                           \
        for (int64_t row = first; row < last; row++) {                                                            \
            const Element *from = x + row / count * extent * inner;                                               \
            Element *to = y + row * inner;                                                                        \
            if (indices.by_element) {                                                                             \
                for (int64_t i = 0; i < inner; i++) {                                                             \
                    const int64_t place = place_of(index_at(indices, row * inner + i), extent);                   \
                    to[i] = place < 0 ? fill : from[place * inner + i];                                           \
                }                                                                                                 \
                continue;                                                                                         \
            }                                                                                                     \
            const int64_t place = place_of(index_at(indices, row % count), extent);                               \
            if (place >= 0) memcpy(to, from + place * inner, (size_t)inner * sizeof(Element));                    \
            else                                                                                                  \
                for (int64_t i = 0; i < inner; i++) to[i] = fill;                                                 \
        }                                                                                                         \
    }
GATHER(uint8_t)
GATHER(uint16_t)
GATHER(uint32_t)
GATHER(uint64_t)

HOT void cv_gather_indexed(
    cv_type type, cv_indices indices, const void *x, void *y, int64_t first, int64_t last, int64_t extent,
    int64_t count, int64_t inner) {
    // The bits of a NaN, 0 in integer types.
    const uint32_t fill32 = type == CV_FLOAT32 ? 0x7fc00000u : 0;
    const uint64_t fill64 = type == CV_FLOAT64 ? 0x7ff8000000000000u : 0;
    switch (cv_type_size(type)) {
    case 1: gather_uint8_t(indices, x, 0, y, first, last, extent, count, inner); return;
    // Half types are gathered as float32.
    case 2: gather_uint16_t(indices, x, 0, y, first, last, extent, count, inner); return;
    case 4: gather_uint32_t(indices, x, fill32, y, first, last, extent, count, inner); return;
    default: gather_uint64_t(indices, x, fill64, y, first, last, extent, count, inner); return;
    }
}

// Every index is looked at in order, so that sums have one order; the statement puts `source[at]` into `to[place]`.
#define SCATTERED(...)                                                                                            \
    for (int64_t j = 0; j < count; j++) {                                                                         \
        if (indices.by_element) {                                                                                 \
            for (int64_t i = block.left; i < block.right; i++) {                                                  \
                const int64_t at = (block.outer * count + j) * inner + i;                                         \
                const int64_t row = place_of(index_at(indices, at), extent);                                      \
                if (row < block.top || row >= block.bottom) continue;                                             \
                const int64_t place = row * inner + i;                                                            \
                __VA_ARGS__;                                                                                      \
            }                                                                                                     \
            continue;                                                                                             \
        }                                                                                                         \
        const int64_t row = place_of(index_at(indices, j), extent);                                               \
        if (row < block.top || row >= block.bottom) continue;                                                     \
        for (int64_t i = block.left; i < block.right; i++) {                                                      \
            const int64_t at = (block.outer * count + j) * inner + i, place = row * inner + i;                    \
            __VA_ARGS__;                                                                                          \
        }                                                                                                         \
    }

#define SCATTER_ADD(Number)                                                                                       \
    INLINE void scatter_add_##Number(                                                                             \
        cv_indices indices, const Number *restrict source, Number *restrict y, Number *restrict errors,           \
        cv_scatter_block block, int64_t extent, int64_t count, int64_t inner) {                                   \
        Number *restrict to = y + block.outer * extent * inner;                                                   \
        Number *restrict lost = errors ? errors + block.outer * extent * inner : 0;                               \
        for (int64_t row = block.top; row < block.bottom; row++)                                                  \
            for (int64_t i = block.left; i < block.right; i++) {                                                  \
                to[row * inner + i] = 0;                                                                          \
                if (lost) lost[row * inner + i] = 0;                                                              \
            }                                                                                                     \
        if (!lost) {                                                                                              \
            SCATTERED(to[place] += source[at])                                                                    \
            return;                                                                                               \
        }                                                                                                         \
        SCATTERED({                                                                                               \
            /* What rounding took goes into the next addition, as in LongSum of common/vector.cl. */              \
            const Number total = to[place], x = source[at] + lost[place], sum = total + x, added = sum - total;   \
            const Number error = (total - (sum - added)) + (x - added);                                           \
            to[place] = sum;                                                                                      \
            /* An infinite sum has no error, but infinities have been subtracted there. */                        \
            lost[place] = sum - sum == 0 ? error : 0;                                                             \
        })                                                                                                        \
        for (int64_t row = block.top; row < block.bottom; row++)                                                  \
            for (int64_t i = row * inner + block.left; i < row * inner + block.right; i++) to[i] += lost[i];      \
    }
SCATTER_ADD(float)
SCATTER_ADD(double)
SCATTER_ADD(uint8_t)
SCATTER_ADD(uint16_t)
SCATTER_ADD(uint32_t)
SCATTER_ADD(uint64_t)

HOT void cv_scatter_add(
    cv_type type, cv_indices indices, const void *source, void *y, void *errors, cv_scatter_block block,
    int64_t extent, int64_t count, int64_t inner) {
    switch (type) {
    case CV_FLOAT32: scatter_add_float(indices, source, y, errors, block, extent, count, inner); return;
    case CV_FLOAT64: scatter_add_double(indices, source, y, errors, block, extent, count, inner); return;
    // Integers wrap around.
    case CV_INT8: case CV_UINT8: case CV_BOOL:
        scatter_add_uint8_t(indices, source, y, 0, block, extent, count, inner); return;
    case CV_INT16: case CV_UINT16: scatter_add_uint16_t(indices, source, y, 0, block, extent, count, inner); return;
    case CV_INT32: case CV_UINT32: scatter_add_uint32_t(indices, source, y, 0, block, extent, count, inner); return;
    case CV_INT64: case CV_UINT64: scatter_add_uint64_t(indices, source, y, 0, block, extent, count, inner); return;
    // Sums of half types are float32's.
    case CV_FLOAT16: case CV_BFLOAT16: return;
    }
}

#define SCATTER(Element)                                                                                          \
    INLINE void scatter_##Element(                                                                                \
        cv_indices indices, const Element *restrict source, const Element *restrict base, Element *restrict y,    \
        cv_scatter_block block, int64_t extent, int64_t count, int64_t inner) {                                   \
        const Element *restrict from = base + block.outer * extent * inner;                                       \
        Element *restrict to = y + block.outer * extent * inner;                                                  \
        for (int64_t row = block.top; row < block.bottom; row++)                                                  \
            for (int64_t i = block.left; i < block.right; i++) to[row * inner + i] = from[row * inner + i];       \
        SCATTERED(to[place] = source[at])                                                                         \
    }
SCATTER(uint8_t)
SCATTER(uint16_t)
SCATTER(uint32_t)
SCATTER(uint64_t)

HOT void cv_scatter(
    int64_t element_size, cv_indices indices, const void *source, const void *base, void *y, cv_scatter_block block,
    int64_t extent, int64_t count, int64_t inner) {
    switch (element_size) {
    case 1: scatter_uint8_t(indices, source, base, y, block, extent, count, inner); return;
    case 2: scatter_uint16_t(indices, source, base, y, block, extent, count, inner); return;
    case 4: scatter_uint32_t(indices, source, base, y, block, extent, count, inner); return;
    default: scatter_uint64_t(indices, source, base, y, block, extent, count, inner); return;
    }
}

// One row, its total in a register: what it takes is the wait from one sum to the next.
#define SCAN_ROW(Real, combine)                                                                                   \
    for (int64_t k = 0; k < count; k++) {                                                                         \
        const int64_t at = reversed ? count - 1 - k : k;                                                          \
        const double next = combine;                                                                              \
        y[at] = (Real)(exclusive ? total : next);                                                                 \
        total = next;                                                                                             \
    }

// Columns [left, right) of one matrix [count, inner]: totals in double, a row at a time.
#define SCAN(Real)                                                                                                \
    INLINE void scan_row_##Real(                                                                                  \
        cv_scan_function function, int32_t exclusive, int32_t reversed, const Real *restrict a,                   \
        const Real *restrict x, Real *restrict y, int64_t count) {                                                \
        double total = function == CV_SCAN_PRODUCT;                                                               \
        switch (function) {                                                                                       \
        case CV_SCAN_SUM: SCAN_ROW(Real, total + (double)x[at]) break;                                            \
        case CV_SCAN_PRODUCT: SCAN_ROW(Real, total * (double)x[at]) break;                                        \
        case CV_SCAN_RECURRENCE: SCAN_ROW(Real, (double)a[at] * total + (double)x[at]) break;                     \
        }                                                                                                         \
    }                                                                                                             \
    INLINE void scan_##Real(                                                                                      \
        cv_scan_function function, int32_t exclusive, int32_t reversed, const Real *restrict a,                   \
        const Real *restrict x, Real *restrict y, int64_t count, int64_t inner, int64_t left, int64_t right) {    \
        enum { WIDTH = 256 };                                                                                     \
        double total[WIDTH];                                                                                      \
        if (inner == 1) {                                                                                         \
            scan_row_##Real(function, exclusive, reversed, a, x, y, count);                                       \
            return;                                                                                               \
        }                                                                                                         \
        for (int64_t first = left; first < right; first += WIDTH) {                                               \
            const int64_t width = smaller(WIDTH, right - first);                                                  \
            for (int64_t i = 0; i < width; i++) total[i] = function == CV_SCAN_PRODUCT;                           \
            for (int64_t k = 0; k < count; k++) {                                                                 \
                const int64_t at = (reversed ? count - 1 - k : k) * inner + first;                                \
                if (exclusive)                                                                                    \
                    for (int64_t i = 0; i < width; i++) y[at + i] = (Real)total[i];                               \
                switch (function) {                                                                               \
                case CV_SCAN_SUM:                                                                                 \
                    for (int64_t i = 0; i < width; i++) total[i] += (double)x[at + i];                            \
                    break;                                                                                        \
                case CV_SCAN_PRODUCT:                                                                             \
                    for (int64_t i = 0; i < width; i++) total[i] *= (double)x[at + i];                            \
                    break;                                                                                        \
                case CV_SCAN_RECURRENCE:                                                                          \
                    for (int64_t i = 0; i < width; i++)                                                           \
                        total[i] = (double)a[at + i] * total[i] + (double)x[at + i];                              \
                    break;                                                                                        \
                }                                                                                                 \
                if (!exclusive)                                                                                   \
                    for (int64_t i = 0; i < width; i++) y[at + i] = (Real)total[i];                               \
            }                                                                                                     \
        }                                                                                                         \
    }
SCAN(float)
SCAN(double)

HOT void cv_scan(
    cv_type type, cv_scan_function function, int32_t exclusive, int32_t reversed, const void *a, const void *x,
    void *y, int64_t count, int64_t inner, int64_t left, int64_t right) {
    if (IS_F64(type)) scan_double(function, exclusive, reversed, a, x, y, count, inner, left, right);
    else scan_float(function, exclusive, reversed, a, x, y, count, inner, left, right);
}
