// Reductions of integers and of CV_BOOL over [outer, reduced, inner]: sums and products in 64 bits, whatever the order, as
// these wrap around; least and greatest elements in their own type.

#include "internal.h"

// Each element of `Result` of rows [first, last) of the outer axis begins as `start` and takes in all elements x by `step`.
#define REDUCED(Element, Result, start, step)                                           \
    {                                                                                   \
        const Element *restrict from = (const Element *)x + first * reduced * inner;    \
        Result *restrict to = (Result *)y + first * inner;                              \
        for (int64_t row = first; row < last; row++, to += inner) {                     \
            if (inner == 1) {                                                           \
                Result total = (start);                                                 \
                for (int64_t r = 0; r < reduced; r++) {                                 \
                    const Element v = from[r];                                          \
                    total = (step);                                                     \
                }                                                                       \
                *to = total;                                                            \
                from += reduced;                                                        \
                continue;                                                               \
            }                                                                           \
            for (int64_t i = 0; i < inner; i++) to[i] = (start);                        \
            for (int64_t r = 0; r < reduced; r++, from += inner)                        \
                for (int64_t i = 0; i < inner; i++) {                                   \
                    const Element v = from[i];                                          \
                    const Result total = to[i];                                         \
                    to[i] = (step);                                                     \
                }                                                                       \
        }                                                                               \
        return;                                                                         \
    }

#define REDUCE(Element, least, greatest)                                              \
    switch (reduction) {                                                              \
    case CV_SUM: case CV_MEAN: REDUCED(Element, uint64_t, 0, total + (uint64_t)v)     \
    case CV_PRODUCT: REDUCED(Element, uint64_t, 1, total * (uint64_t)v)               \
    case CV_LEAST: REDUCED(Element, Element, greatest, v < total ? v : total)         \
    case CV_GREATEST: REDUCED(Element, Element, least, v > total ? v : total)         \
    }

HOT void cv_reduce_integers(
    cv_type type, cv_reduction reduction, const void *x, void *y, int64_t first, int64_t last, int64_t reduced,
    int64_t inner) {
    switch (type) {
    case CV_INT8: REDUCE(int8_t, INT8_MIN, INT8_MAX) return;
    case CV_INT16: REDUCE(int16_t, INT16_MIN, INT16_MAX) return;
    case CV_INT32: REDUCE(int32_t, INT32_MIN, INT32_MAX) return;
    case CV_INT64: REDUCE(int64_t, INT64_MIN, INT64_MAX) return;
    case CV_UINT8: case CV_BOOL: REDUCE(uint8_t, 0, UINT8_MAX) return;
    case CV_UINT16: REDUCE(uint16_t, 0, UINT16_MAX) return;
    case CV_UINT32: REDUCE(uint32_t, 0, UINT32_MAX) return;
    case CV_UINT64: REDUCE(uint64_t, 0, UINT64_MAX) return;
    case CV_FLOAT16: case CV_BFLOAT16: case CV_FLOAT32: case CV_FLOAT64: return;
    }
}
