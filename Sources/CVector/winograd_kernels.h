// Kernels/convolution/winograd.cl and winograd_gradient.cl as C, for one kind of processor: the text is the same as what OpenCL devices run, and
// this file gives its words their meaning. Each winograd_*.c sets PROCESSOR, VECTOR_WIDTH, TILE_M and, where functions
// need some, ATTRIBUTES, and includes this once.

#include "winograd_internal.h"

#define OUTPUT_TILE 4
#define TILE_C (VECTOR_WIDTH / 2)
#define TILE_VECTORS 2

#ifdef ATTRIBUTES
#pragma clang attribute push(ATTRIBUTES, apply_to = function)
#endif

// A vector; of the whole register, whatever the alignment of what it is read from.
typedef float floatv __attribute__((ext_vector_type(VECTOR_WIDTH), aligned(4)));
typedef int intv __attribute__((ext_vector_type(VECTOR_WIDTH), aligned(4)));
#define floatv floatv
#define as_floatv(x) ((floatv)(x))
#define as_intv(x) ((intv)(x))
static inline float as_float(int bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline int as_int(float x) {
    int bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
#define loadv(index, from) (((const floatv *)(from))[index])
#define storev(value, index, to) ((void)(((floatv *)(to))[index] = (value)))
#define loadi(index, from) (((const intv *)(from))[index])
#define storei(value, index, to) ((void)(((intv *)(to))[index] = (value)))
#define maxv __builtin_elementwise_max
#define fma(a, b, c) ((a) * (b) + (c))
#define min(a, b) ((int)smaller(a, b))
#define max(a, b) ((int)larger(a, b))

#if VECTOR_WIDTH == 4
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#elif VECTOR_WIDTH == 8
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#endif

#define __global
#define __kernel static
#define reqd_work_group_size(x, y, z)
#define restrict
typedef unsigned long ulong;

// The work-item that this thread is at, and how many there are.
static _Thread_local size_t item[2], items[2];
#define get_global_id(axis) item[axis]
#define get_global_size(axis) items[axis]

#include "../../Kernels/common/lanes.cl"
#include "../../Kernels/convolution/winograd_transforms.cl"
#include "../../Kernels/convolution/winograd_stage.cl"
#include "../../Kernels/convolution/winograd_levels.cl"
#include "../../Kernels/convolution/winograd_exact.cl"
#include "../../Kernels/convolution/winograd.cl"
#include "../../Kernels/convolution/winograd_gradient.cl"

#define SET_ITEM(at) (item[0] = at.x, item[1] = at.y, items[0] = at.width, items[1] = at.height)
#define SIZES(s) \
    s->images, s->channels, s->rows, s->height, s->width, s->top, s->left, s->out_height, s->out_width, s->blocks, \
        s->stage_floats, s->tile_floats, s->slot

static void weights(cv_item at, const cv_winograd *s, const float *w, float *transformed) {
    SET_ITEM(at);
    winograd_weights(w, 0, transformed, 0, s->rows, s->channels, s->row_stride, s->channel_stride, s->turned);
}

static void levels(const cv_winograd *s, float *transformed) {
    winograd_levels(transformed, 0, s->rows, s->channels);
}

static void convolution(
    cv_item at, const cv_winograd *s, const float *transformed, const float *w, const float *x, float *y,
    float *scratch) {
    SET_ITEM(at);
    winograd_convolution(
        transformed, 0, x, 0, w, 0, y, 0, scratch, 0, SIZES(s), s->row_stride, s->channel_stride, s->turned);
}

static void weight_gradient(
    cv_item at, const cv_winograd *s, const float *x, const float *dy, float *partials, float *scratch) {
    SET_ITEM(at);
    winograd_weight_gradient(x, 0, dy, 0, partials, 0, scratch, 0, SIZES(s));
}

static void sum_weights(
    cv_item at, const cv_winograd *s, const float *x, const float *dy, const float *partials, int shares, float *dw,
    float *scratch) {
    SET_ITEM(at);
    winograd_sum_weights(
        partials, 0, x, 0, dy, 0, dw, 0, scratch, 0, shares, s->images, s->channels, s->rows, s->height, s->width, s->top,
        s->left, s->out_height, s->out_width, s->stage_floats, s->slot);
}

#ifdef ATTRIBUTES
#pragma clang attribute pop
#endif

#define NAME_(processor) cv_winograd_##processor
#define NAME(processor) NAME_(processor)
const cv_winograd_functions NAME(PROCESSOR) = {
    VECTOR_WIDTH, TILE_M, TILE_VECTORS, weights, levels, convolution, weight_gradient, sum_weights};
