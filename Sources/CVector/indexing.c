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

// An element for each index of a row, whose type is known before the loop.
#define GATHER_ROW(Index)                                                                                         \
    for (int64_t i = 0; i < inner; i++) {                                                                         \
        const int64_t place = place_of(((const Index *)indices.values)[at + i], extent);                          \
        to[i] = place < 0 ? fill : from[place * inner + i];                                                       \
    }

#define GATHER(Element)                                                                                           \
    INLINE void gather_##Element(                                                                                 \
        cv_indices indices, const Element *x, Element fill, Element *y, int64_t first, int64_t last,              \
        int64_t extent, int64_t count, int64_t inner) {                                                           \
        for (int64_t row = first; row < last; row++) {                                                            \
            const Element *from = x + row / count * extent * inner;                                               \
            Element *to = y + row * inner;                                                                        \
            if (indices.by_element) {                                                                             \
                const int64_t at = row * inner;                                                                   \
                if (indices.is_64_bit) GATHER_ROW(int64_t) else GATHER_ROW(int32_t)                               \
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

#define ADD_ELEMENTS(Index)                                                                                       \
    for (int64_t j = 0; j < count; j++) {                                                                         \
        const int64_t at = (block.outer * count + j) * inner;                                                     \
        for (int64_t i = block.left; i < block.right; i++) {                                                      \
            const int64_t place = place_of(((const Index *)indices.values)[at + i], extent);                      \
            /* The block's last row is for all that are elsewhere: a branch would be foreseen half the time. */    \
            const int64_t row = place >= block.top && place < block.bottom ? place - block.top : rows;            \
            sums[row * width + i - block.left] += (double)source[at + i];                                         \
        }                                                                                                         \
    }

// Sums in double, close together, and written once: rows of y are far apart, and often in the same places of the cache.
#define SCATTER_ADD_ELEMENTS(Real)                                                                                \
    INLINE void scatter_add_elements_##Real(                                                                      \
        cv_indices indices, const Real *restrict source, Real *restrict y, double *restrict sums,                 \
        cv_scatter_block block, int64_t extent, int64_t count, int64_t inner) {                                   \
        const int64_t rows = block.bottom - block.top, width = block.right - block.left;                          \
        for (int64_t n = 0; n < (rows + 1) * width; n++) sums[n] = 0;                                                  \
        if (indices.is_64_bit) ADD_ELEMENTS(int64_t) else ADD_ELEMENTS(int32_t)                                   \
        for (int64_t row = 0; row < rows; row++) {                                                                \
            Real *to = y + (block.outer * extent + block.top + row) * inner + block.left;                         \
            for (int64_t i = 0; i < width; i++) to[i] = (Real)sums[row * width + i];                              \
        }                                                                                                         \
    }
SCATTER_ADD_ELEMENTS(float)
SCATTER_ADD_ELEMENTS(double)

#define SCATTER_ADD(Number)                                                                                       \
    INLINE void scatter_add_##Number(                                                                             \
        cv_indices indices, const Number *restrict source, Number *restrict y, cv_scatter_block block,            \
        int64_t extent, int64_t count, int64_t inner) {                                                           \
        Number *restrict to = y + block.outer * extent * inner;                                                   \
        for (int64_t row = block.top; row < block.bottom; row++)                                                  \
            for (int64_t i = block.left; i < block.right; i++) to[row * inner + i] = 0;                           \
        SCATTERED(to[place] += source[at])                                                                        \
    }
SCATTER_ADD(uint8_t)
SCATTER_ADD(uint16_t)
SCATTER_ADD(uint32_t)
SCATTER_ADD(uint64_t)

HOT void cv_scatter_add(
    cv_type type, cv_indices indices, const void *source, void *y, double *sums, cv_scatter_block block,
    int64_t extent, int64_t count, int64_t inner) {
    switch (type) {
    case CV_FLOAT32: scatter_add_elements_float(indices, source, y, sums, block, extent, count, inner); return;
    case CV_FLOAT64: scatter_add_elements_double(indices, source, y, sums, block, extent, count, inner); return;
    // Integers wrap around.
    case CV_INT8: case CV_UINT8: case CV_BOOL:
        scatter_add_uint8_t(indices, source, y, block, extent, count, inner); return;
    case CV_INT16: case CV_UINT16: scatter_add_uint16_t(indices, source, y, block, extent, count, inner); return;
    case CV_INT32: case CV_UINT32: scatter_add_uint32_t(indices, source, y, block, extent, count, inner); return;
    case CV_INT64: case CV_UINT64: scatter_add_uint64_t(indices, source, y, block, extent, count, inner); return;
    // Sums of half types are float32's.
    case CV_FLOAT16: case CV_BFLOAT16: return;
    }
}

int64_t cv_scatter_order_scratch(int64_t extent, int64_t count) {
    return (extent + 2 + count) * (int64_t)sizeof(int64_t);
}

// A counting sort, which keeps the order of slices with the same index: those of row r are numbers starts[r] ..< starts[r + 1]
// of what follows the starts.
void cv_scatter_order(cv_indices indices, int64_t *order, int64_t extent, int64_t count) {
    // One place further, so that what counts while slices are put is the start afterwards.
    int64_t *starts = order, *counts = order + 1, *slices = order + extent + 2;
    for (int64_t row = 0; row < extent + 2; row++) starts[row] = 0;
    for (int64_t j = 0; j < count; j++) {
        const int64_t row = place_of(index_at(indices, j), extent);
        if (row >= 0) counts[row + 1]++;
    }
    for (int64_t row = 0; row < extent; row++) counts[row + 1] += counts[row];
    for (int64_t j = 0; j < count; j++) {
        const int64_t row = place_of(index_at(indices, j), extent);
        if (row >= 0) slices[counts[row]++] = j;
    }
}

#define SCATTER_ADD_SLICES(Real)                                                                                  \
    INLINE void scatter_add_slices_##Real(                                                                        \
        const int64_t *order, const Real *restrict source, Real *restrict y, int64_t first, int64_t last,         \
        int64_t extent, int64_t count, int64_t inner) {                                                           \
        enum { WIDTH = 256 };                                                                                     \
        double sums[WIDTH];                                                                                       \
        const int64_t *slices = order + extent + 2;                                                               \
        for (int64_t n = first; n < last; n++) {                                                                  \
            const int64_t row = n % extent;                                                                       \
            const Real *from = source + n / extent * count * inner;                                               \
            for (int64_t left = 0; left < inner; left += WIDTH) {                                                 \
                const int64_t width = smaller(WIDTH, inner - left);                                               \
                for (int64_t i = 0; i < width; i++) sums[i] = 0;                                                  \
                for (int64_t s = order[row]; s < order[row + 1]; s++) {                                           \
                    const Real *restrict slice = from + slices[s] * inner + left;                                 \
                    for (int64_t i = 0; i < width; i++) sums[i] += (double)slice[i];                              \
                }                                                                                                 \
                for (int64_t i = 0; i < width; i++) y[n * inner + left + i] = (Real)sums[i];                      \
            }                                                                                                     \
        }                                                                                                         \
    }
SCATTER_ADD_SLICES(float)
SCATTER_ADD_SLICES(double)

HOT void cv_scatter_add_slices(
    cv_type type, const int64_t *order, const void *source, void *y, int64_t first, int64_t last, int64_t extent,
    int64_t count, int64_t inner) {
    if (IS_F64(type)) scatter_add_slices_double(order, source, y, first, last, extent, count, inner);
    else scatter_add_slices_float(order, source, y, first, last, extent, count, inner);
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
