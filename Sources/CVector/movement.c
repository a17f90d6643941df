// Copies between strided layouts: transposes, slices, pads, concatenations; and rows of a table.

#include "internal.h"

// Copies [outer..., rows, columns] where the source's `rows` axis is the contiguous one and the target's is `columns`:
// in tiles that both fit the first-level cache line by line.
#define TRANSPOSE(Element)                                                                                        \
    INLINE void transpose_##Element(                                                                              \
        const Element *restrict x, Element *restrict y, int64_t rows, int64_t columns, int64_t xStride,           \
        int64_t yStride) {                                                                                        \
        enum { TILE = 16 };                                                                                       \
        for (int64_t top = 0; top < rows; top += TILE) {                                                          \
            const int64_t bottom = smaller(top + TILE, rows);                                                     \
            for (int64_t left = 0; left < columns; left += TILE) {                                                \
                const int64_t right = smaller(left + TILE, columns);                                              \
                if (bottom - top == TILE && right - left == TILE) {                                               \
                    for (int i = 0; i < TILE; i++)                                                                \
                        for (int j = 0; j < TILE; j++)                                                            \
                            y[(top + i) * yStride + left + j] = x[(left + j) * xStride + top + i];                \
                } else {                                                                                          \
                    for (int64_t i = top; i < bottom; i++)                                                        \
                        for (int64_t j = left; j < right; j++) y[i * yStride + j] = x[j * xStride + i];           \
                }                                                                                                 \
            }                                                                                                     \
        }                                                                                                         \
    }
TRANSPOSE(uint8_t)
TRANSPOSE(uint16_t)
TRANSPOSE(uint32_t)
TRANSPOSE(uint64_t)

HOT void cv_transpose(
    int64_t element_size, const void *x, void *y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride) {
    switch (element_size) {
    case 1: transpose_uint8_t(x, y, rows, columns, x_stride, y_stride); return;
    case 2: transpose_uint16_t(x, y, rows, columns, x_stride, y_stride); return;
    case 4: transpose_uint32_t(x, y, rows, columns, x_stride, y_stride); return;
    default: transpose_uint64_t(x, y, rows, columns, x_stride, y_stride); return;
    }
}

#define STRIDED(Element)                                                                                       \
    INLINE void strided_##Element(                                                                             \
        const Element *restrict x, int64_t xStep, Element *restrict y, int64_t yStep, int64_t count) {         \
        for (int64_t i = 0; i < count; i++) y[i * yStep] = x[i * xStep];                                       \
    }
STRIDED(uint8_t)
STRIDED(uint16_t)
STRIDED(uint32_t)
STRIDED(uint64_t)

HOT void cv_copy_strided(
    int64_t element_size, const void *x, int64_t x_step, void *y, int64_t y_step, int64_t count) {
    switch (element_size) {
    case 1: strided_uint8_t(x, x_step, y, y_step, count); return;
    case 2: strided_uint16_t(x, x_step, y, y_step, count); return;
    case 4: strided_uint32_t(x, x_step, y, y_step, count); return;
    default: strided_uint64_t(x, x_step, y, y_step, count); return;
    }
}

void cv_copy_box(
    int64_t element_size, const void *x, void *y, int64_t first, int64_t last, int32_t rank, const int64_t *extents,
    const int64_t *x_strides, const int64_t *y_strides) {
    const int64_t inner = extents[rank - 1], xStep = x_strides[rank - 1], yStep = y_strides[rank - 1];
    for (int64_t row = first; row < last; row++) {
        int64_t rest = row, xOffset = 0, yOffset = 0;
        for (int32_t axis = rank - 2; axis >= 0; axis--) {
            const int64_t index = rest % extents[axis];
            rest /= extents[axis];
            xOffset += index * x_strides[axis];
            yOffset += index * y_strides[axis];
        }
        const char *from = (const char *)x + xOffset * element_size;
        char *to = (char *)y + yOffset * element_size;
        if (xStep == 1 && yStep == 1) memcpy(to, from, (size_t)(inner * element_size));
        else cv_copy_strided(element_size, from, xStep, to, yStep, inner);
    }
}

#define EMBEDDING(Real, suffix)                                                                                \
    INLINE void embedding_##suffix(                                                                            \
        const Real *table, const int32_t *indices, Real *y, int64_t first, int64_t last, int64_t rows,         \
        int64_t width) {                                                                                       \
        for (int64_t place = first; place < last; place++) {                                                   \
            const int64_t row = indices[place];                                                                \
            if (row >= 0 && row < rows) {                                                                      \
                memcpy(y + place * width, table + row * width, (size_t)width * sizeof(Real));                  \
            } else {                                                                                           \
                for (int64_t i = 0; i < width; i++) y[place * width + i] = (Real)NAN;                          \
            }                                                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    /* Rows [first, last) of the table; every place is looked at in order, so that sums have one order. */     \
    INLINE void embedding_gradient_##suffix(                                                                   \
        const int32_t *indices, const Real *dy, Real *dtable, Real *totals, int32_t *hits, int64_t places,     \
        int64_t first, int64_t last, int64_t width) {                                                          \
        enum { HITS = 1024 };                                                                                  \
        memset(dtable + first * width, 0, (size_t)((last - first) * width) * sizeof(Real));                    \
        if (hits) memset(hits + first, 0, (size_t)(last - first) * sizeof(int32_t));                           \
        for (int64_t place = 0; place < places; place++) {                                                     \
            const int64_t row = indices[place];                                                                \
            if (row < first || row >= last) continue;                                                          \
            const Real *restrict from = dy + place * width;                                                    \
            Real *restrict to = dtable + row * width;                                                          \
            for (int64_t i = 0; i < width; i++) to[i] += from[i];                                              \
            if (!hits || ++hits[row] % HITS != 0) continue;                                                    \
            /* What came together is moved to the totals, before its sum loses digits. */                      \
            Real *restrict total = totals + row * width;                                                       \
            for (int64_t i = 0; i < width; i++) total[i] = hits[row] == HITS ? to[i] : total[i] + to[i];       \
            memset(to, 0, (size_t)width * sizeof(Real));                                                       \
        }                                                                                                      \
        for (int64_t row = first; hits && row < last; row++) {                                                 \
            if (hits[row] < HITS) continue;                                                                    \
            for (int64_t i = row * width; i < (row + 1) * width; i++) dtable[i] += totals[i];                  \
        }                                                                                                      \
    }
EMBEDDING(float, f32)
EMBEDDING(double, f64)

HOT void cv_embedding(
    cv_type type, const void *table, const int32_t *indices, void *y, int64_t first, int64_t last, int64_t rows,
    int64_t width) {
    if (IS_F64(type)) embedding_f64(table, indices, y, first, last, rows, width);
    else embedding_f32(table, indices, y, first, last, rows, width);
}

HOT void cv_embedding_gradient(
    cv_type type, const int32_t *indices, const void *dy, void *dtable, void *totals, int32_t *hits, int64_t places,
    int64_t first, int64_t last, int64_t width) {
    if (IS_F64(type)) embedding_gradient_f64(indices, dy, dtable, totals, hits, places, first, last, width);
    else embedding_gradient_f32(indices, dy, dtable, totals, hits, places, first, last, width);
}
