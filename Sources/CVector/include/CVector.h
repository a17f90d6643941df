// The hot loops of the CPU path, each compiled for several generations of processors. Tensors are dense and row-major;
// real ones are float or double, as `type` says. Functions take the part [first, last) that they are to do, so that
// callers share work out among threads; they keep no state and allocate nothing.
#pragma once

#include <stdint.h>

#include "unary_functions.h"

typedef enum : int32_t {
    CV_FLOAT16, CV_BFLOAT16, CV_FLOAT32, CV_FLOAT64, CV_INT8, CV_INT16, CV_INT32, CV_INT64, CV_UINT8, CV_UINT16, CV_UINT32,
    CV_UINT64,
    /// Bytes of 1 and 0.
    CV_BOOL
} cv_type;

/// The size of an element in bytes.
int64_t cv_type_size(cv_type type);

// Elementwise

#define CV_UNARY_NAME(name, expression) CV_##name,
typedef enum : int32_t {
    CV_UNARY_FUNCTIONS(CV_UNARY_NAME)
    /// Of floating-point numbers, to CV_BOOL.
    CV_IS_NAN, CV_IS_INFINITE,
    /// Of integers and CV_BOOL.
    CV_BITWISE_NOT
} cv_unary_function;
#undef CV_UNARY_NAME

typedef enum : int32_t {
    CV_ADD, CV_SUBTRACT, CV_MULTIPLY, CV_DIVIDE, CV_POWER, CV_MINIMUM, CV_MAXIMUM, CV_REMAINDER, CV_TRUNCATED_REMAINDER,
    CV_ARCTANGENT2,
    /// To CV_BOOL.
    CV_EQUAL, CV_LESS, CV_LESS_OR_EQUAL,
    /// Of integers, the first three of CV_BOOL too.
    CV_BITWISE_AND, CV_BITWISE_OR, CV_BITWISE_EXCLUSIVE_OR, CV_SHIFT_LEFT, CV_SHIFT_RIGHT
} cv_binary_function;

/// y = function(x), any type but the half ones; y may be x.
void cv_unary(cv_type type, cv_unary_function function, const void *x, void *y, int64_t count);
/// y = function(a, b); a step is 1 for an array and 0 for a number.
void cv_binary(
    cv_type type, cv_binary_function function, const void *a, int64_t a_step, const void *b, int64_t b_step, void *y,
    int64_t count);
/// y = mask ? a : b, of elements of this many bytes by a mask of CV_BOOL.
void cv_select(
    int64_t element_size, const uint8_t *mask, int64_t mask_step, const void *a, int64_t a_step, const void *b,
    int64_t b_step, void *y, int64_t count);
/// Between any two types: to floating point rounding to nearest even; from floating point to integers towards zero, to the
/// nearest that there is, NaN to 0; between integers the low bits; to CV_BOOL whether a number is not 0.
void cv_convert(cv_type from, const void *source, cv_type to, void *result, int64_t count);
/// Floats rounded to a half type, in place.
void cv_round(cv_type to, float *x, int64_t count);
/// a · b + c · d, or with CV_SUBTRACT a · b - c · d, in float32 or float64: products of arrays or numbers, d a number where c
/// is one, or null for 1.
void cv_multiply_add(
    cv_type type, cv_binary_function function, const void *a, int64_t a_step, const void *b, int64_t b_step,
    const void *c, int64_t c_step, const void *d, int64_t d_step, void *y, int64_t count);
/// `count` copies of one element.
void cv_splat(int64_t element_size, const void *value, void *target, int64_t count);
/// Elements [first, first + count) of a tensor of the given extents whose elements lie at the given strides.
void cv_gather(
    int64_t element_size, const void *source, void *target, int64_t first, int64_t count, int32_t rank,
    const int64_t *extents, const int64_t *strides);

// Elementwise programs, a block of elements at a time

enum { CV_BLOCK = 1024 };

typedef enum : int32_t { CV_CONTIGUOUS, CV_SCALAR, CV_BROADCAST } cv_layout;
/// CV_MULTIPLY_ADD is a sum or difference of two products, each rounded, as the instructions that it takes the place of.
typedef enum : int32_t { CV_UNARY, CV_BINARY, CV_SELECT, CV_CONVERT, CV_MULTIPLY_ADD } cv_instruction_kind;

/// How an operand broadcasts to the result: `extents` are the result's, `strides` the operand's.
typedef struct {
    cv_type type;
    cv_layout layout;
    int32_t rank;
    const int64_t *extents;
    const int64_t *strides;
} cv_operand;

/// Slots number the operands, then the constants, then the registers. A result of a half type is a float rounded to it.
typedef struct {
    cv_instruction_kind kind;
    int32_t function;
    /// Of the first source, in which unary and binary functions compute.
    cv_type type;
    cv_type result_type;
    /// -1 for a factor that is left out.
    int32_t sources[4];
    int32_t destination;
    /// Which result of the program this is, or -1. The slot of one is no other instruction's.
    int32_t result;
    /// Whether another instruction reads it.
    int32_t is_read;
} cv_instruction;

typedef struct {
    int32_t operand_count, constant_count, register_count, instruction_count;
    /// How many instructions, the first ones, are the same for all elements. Their slots are no others', and none is a result.
    int32_t uniform_count, result_count;
    /// Whether operands and results are more than a processor keeps near: what comes next is asked for ahead of time.
    int32_t is_large;
    const cv_operand *operands;
    /// Each in its own arithmetic type.
    const uint64_t *constants;
    const cv_instruction *instructions;
} cv_program;

/// Bytes of scratch that one thread needs.
int64_t cv_program_scratch(const cv_program *program);
/// Elements [first, first + count) of the results; the first of them goes where each of `results` points.
void cv_run_program(
    const cv_program *program, const void *const *operands, void *const *results, int64_t first, int64_t count, void *scratch);

// Movement

/// y[i, j] = x[j, i] for i < rows, j < columns; the rows of x and of y are the given strides apart.
void cv_transpose(
    int64_t element_size, const void *x, void *y, int64_t rows, int64_t columns, int64_t x_stride, int64_t y_stride);
void cv_copy_strided(int64_t element_size, const void *x, int64_t x_step, void *y, int64_t y_step, int64_t count);
/// Rows [first, last) of a box of these extents, a row being its last axis.
void cv_copy_box(
    int64_t element_size, const void *x, void *y, int64_t first, int64_t last, int32_t rank, const int64_t *extents,
    const int64_t *x_strides, const int64_t *y_strides);
/// Places [first, last).
void cv_embedding(
    cv_type type, const void *table, const int32_t *indices, void *y, int64_t first, int64_t last, int64_t rows,
    int64_t width);
/// Rows [first, last) of the table. `totals` [rows, width] and `hits` [rows] are room that long sums need, or null.
void cv_embedding_gradient(
    cv_type type, const int32_t *indices, const void *dy, void *dtable, void *totals, int32_t *hits, int64_t places,
    int64_t first, int64_t last, int64_t width);

/// Indices along an axis, for slices across it or one for each element.
typedef struct {
    const void *values;
    int32_t is_64_bit, by_element;
} cv_indices;

/// The part of a scatter's result that one call writes: of one matrix [extent, inner] rows [top, bottom) and columns
/// [left, right).
typedef struct {
    int64_t outer, top, bottom, left, right;
} cv_scatter_block;

/// Rows [first, last) of y [outer · count, inner], from x [outer, extent, inner].
void cv_gather_indexed(
    cv_type type, cv_indices indices, const void *x, void *y, int64_t first, int64_t last, int64_t extent,
    int64_t count, int64_t inner);
/// Sums of source [outer, count, inner] in a block of y [outer, extent, inner], in the order of the indices. Of floating-point
/// numbers it is an index for each element, and `sums` is room for the block's elements and one more row.
void cv_scatter_add(
    cv_type type, cv_indices indices, const void *source, void *y, double *sums, cv_scatter_block block,
    int64_t extent, int64_t count, int64_t inner);
/// The bytes that the order of slices takes.
int64_t cv_scatter_order_scratch(int64_t extent, int64_t count);
/// Which slices each row of the axis is the sum of, in their order.
void cv_scatter_order(cv_indices indices, int64_t *order, int64_t extent, int64_t count);
/// Rows [first, last) of y [outer · extent, inner], sums of slices of source [outer, count, inner], floating-point numbers.
void cv_scatter_add_slices(
    cv_type type, const int64_t *order, const void *source, void *y, int64_t first, int64_t last, int64_t extent,
    int64_t count, int64_t inner);
/// A block of `base` with what is written there.
void cv_scatter(
    int64_t element_size, cv_indices indices, const void *source, const void *base, void *y, cv_scatter_block block,
    int64_t extent, int64_t count, int64_t inner);

typedef enum : int32_t { CV_SCAN_SUM, CV_SCAN_PRODUCT, CV_SCAN_RECURRENCE } cv_scan_function;

/// Columns [left, right) of one matrix [count, inner]. `a` is a recurrence's.
void cv_scan(
    cv_type type, cv_scan_function function, int32_t exclusive, int32_t reversed, const void *a, const void *x,
    void *y, int64_t count, int64_t inner, int64_t left, int64_t right);

/// The bytes of scratch that a row of so many columns takes.
int64_t cv_sort_scratch(int64_t columns);
/// The first `count` elements in order, and their places, of rows [first, last) of x [rows, columns].
void cv_sort(
    cv_type type, int32_t descending, const void *x, void *values, int32_t *indices, int64_t first, int64_t last,
    int64_t columns, int64_t count, void *scratch);

// Reductions

typedef enum : int32_t { CV_SUM, CV_MEAN, CV_LEAST, CV_GREATEST, CV_PRODUCT } cv_reduction;

/// Rows [first, last) of x [rows, reduced] into y [rows].
void cv_reduce_rows(
    cv_type type, cv_reduction reduction, const void *x, void *y, int64_t first, int64_t last, int64_t reduced);
/// Rows [first, last) of y [outer, inner] from integers or CV_BOOL x [outer, reduced, inner]; sums and products have 64 bits.
void cv_reduce_integers(
    cv_type type, cv_reduction reduction, const void *x, void *y, int64_t first, int64_t last, int64_t reduced,
    int64_t inner);
/// Rows [start, end) of x [reduced, inner] into columns [first, last) of y [inner].
void cv_reduce_columns(
    cv_type type, cv_reduction reduction, const void *x, void *y, int64_t start, int64_t end, int64_t inner,
    int64_t first, int64_t last);

enum { CV_PANEL = 16384 };

/// What a program makes of its operands, in the place of a matrix in memory.
typedef struct {
    const cv_program *program;
    const void *const *operands;
    /// The element of the program's result that the matrix begins with.
    int64_t first;
    /// Room for CV_PANEL elements, and the program's scratch.
    void *panel, *scratch;
} cv_program_matrix;

/// The same of a matrix that is evaluated some rows at a time, with the same rounding.
void cv_reduce_program_columns(
    cv_type type, cv_reduction reduction, const cv_program_matrix *x, void *y, int64_t start, int64_t end,
    int64_t inner, int64_t first, int64_t last);
void cv_arg_maximum(cv_type type, const void *x, int32_t *y, int64_t first, int64_t last, int64_t columns);

// Softmax and cross-entropy, rows [first, last)

void cv_softmax(cv_type type, const void *x, void *y, int64_t first, int64_t last, int64_t columns);
void cv_softmax_gradient(
    cv_type type, const void *y, const void *dy, void *dx, int64_t first, int64_t last, int64_t columns);
void cv_log_softmax(cv_type type, const void *x, void *y, int64_t first, int64_t last, int64_t columns);
void cv_log_softmax_gradient(
    cv_type type, const void *y, const void *dy, void *dx, int64_t first, int64_t last, int64_t columns);
void cv_cross_entropy(
    cv_type type, const void *logits, const int32_t *labels, void *loss, void *statistics, int64_t first, int64_t last,
    int64_t classes);
void cv_cross_entropy_gradient(
    cv_type type, const void *logits, const int32_t *labels, const void *statistics, const void *dloss, void *dlogits,
    int64_t first, int64_t last, int64_t classes);

// Normalisation: rows, or channels of [n, c, plane], [first, last)

void cv_layer_norm(
    cv_type type, const void *x, const void *scale, const void *bias, void *y, void *mean, void *inverse_deviation,
    double epsilon, int64_t first, int64_t last, int64_t columns);
/// Adds these rows' part to dscale and dbias.
void cv_layer_norm_gradient(
    cv_type type, const void *x, const void *scale, const void *mean, const void *inverse_deviation, const void *dy,
    void *dx, void *dscale, void *dbias, int64_t first, int64_t last, int64_t columns);
void cv_rms_norm(
    cv_type type, const void *x, const void *scale, void *y, void *inverse_root, double epsilon, int64_t first,
    int64_t last, int64_t columns);
/// Adds these rows' part to dscale.
void cv_rms_norm_gradient(
    cv_type type, const void *x, const void *scale, const void *inverse_root, const void *dy, void *dx, void *dscale,
    int64_t first, int64_t last, int64_t columns);
/// Rows [channels, plane], `groups` of them an example.
void cv_group_norm(
    cv_type type, const void *x, const void *scale, const void *bias, void *y, void *mean, void *inverse_deviation,
    double epsilon, int64_t first, int64_t last, int64_t groups, int64_t channels, int64_t plane);
/// dscale and dbias [rows, channels] are those of each row.
void cv_group_norm_gradient(
    cv_type type, const void *x, const void *scale, const void *mean, const void *inverse_deviation, const void *dy,
    void *dx, void *dscale, void *dbias, int64_t first, int64_t last, int64_t groups, int64_t channels, int64_t plane);
void cv_batch_norm(
    cv_type type, const void *x, const void *scale, const void *bias, void *y, void *mean, void *variance,
    double epsilon, int64_t first, int64_t last, int64_t n, int64_t c, int64_t plane);
void cv_batch_norm_gradient(
    cv_type type, const void *x, const void *scale, const void *mean, const void *variance, const void *dy, void *dx,
    void *dscale, void *dbias, double epsilon, int64_t first, int64_t last, int64_t n, int64_t c, int64_t plane);

// Pooling, planes [first, last)

/// Window p begins at `p * stride - before` and has `window` taps, `dilation` apart.
typedef struct {
    int64_t input, output, window, stride, dilation, before, after;
} cv_pool_axis;

/// Windows of planes [axes[0].input, axes[1].input, axes[2].input].
typedef struct {
    cv_pool_axis axes[3];
    /// Whether window p is what `output` windows that are spread over all of an axis have there; only `input` and `output`
    /// hold then.
    int32_t is_adaptive;
    int32_t counts_padding;
} cv_pool;

/// Where `indices` is not null, it gets the place in its plane of each maximum.
void cv_maximum_pool(
    cv_type type, const cv_pool *pool, const void *x, void *y, int32_t *indices, int64_t first, int64_t last);
void cv_maximum_pool_gradient(
    cv_type type, const cv_pool *pool, const void *x, const void *dy, void *dx, int64_t first, int64_t last);
void cv_average_pool(cv_type type, const cv_pool *pool, const void *x, void *y, int64_t first, int64_t last);
void cv_average_pool_gradient(
    cv_type type, const cv_pool *pool, const void *dy, void *dx, int64_t first, int64_t last);
void cv_norm_pool(
    cv_type type, const cv_pool *pool, int64_t order, const void *x, void *y, int64_t first, int64_t last);
void cv_norm_pool_gradient(
    cv_type type, const cv_pool *pool, int64_t order, const void *x, const void *y, const void *dy, void *dx,
    int64_t first, int64_t last);

// Interpolation along an axis

/// y [outer, count, inner] from x [outer, extent, inner]: element j along the axis is the sum of weights[t] · x at places[t]
/// for starts[j] ≤ t < starts[j + 1]. Weights are of the tensors' type.
typedef struct {
    int64_t extent, count, inner;
    const int32_t *starts, *places;
    const void *weights;
} cv_interpolation;

/// Slices [first, last) of y [outer · count, inner].
void cv_interpolate_slices(
    cv_type type, const cv_interpolation *interpolation, const void *x, void *y, int64_t first, int64_t last);
/// Elements [left, right) of rows [first, last), where `inner` is 1.
void cv_interpolate_rows(
    cv_type type, const cv_interpolation *interpolation, const void *x, void *y, int64_t first, int64_t last,
    int64_t left, int64_t right);
/// The rows that are best done in one call.
int64_t cv_interpolation_rows(void);

// Matrix products

/// c = activation(a · b + column_bias): element (i, p) of a lies at a[i * a_row + p * a_column], one of b likewise.
typedef struct {
    cv_type type;
    int64_t m, n, k;
    const void *a;
    int64_t a_row, a_column;
    const void *b;
    int64_t b_row, b_column;
    void *c;
    int64_t c_row;
    const void *column_bias;
    /// A `cv_unary_function`, or -1 for none.
    int32_t activation;
    int32_t accumulate;
} cv_gemm;

/// The register tile of this processor, and how deep a packed block of b is at most.
int64_t cv_tile_rows(cv_type type);
int64_t cv_tile_columns(cv_type type);
int64_t cv_tile_depth(void);
/// Bytes of scratch for a part of `n` columns.
int64_t cv_gemm_scratch(cv_type type, int64_t n, int64_t k);
void cv_gemm_part(
    const cv_gemm *gemm, int64_t first_row, int64_t last_row, int64_t first_column, int64_t last_column, void *scratch);
/// For a few rows: columns [first_column, last_column), reading b in place. a_column must be 1 where b_column is not.
void cv_gemv_part(const cv_gemm *gemm, int64_t first_column, int64_t last_column);
/// b [k, n] into panels [n / tile columns][k][tile columns], zeros beyond n.
void cv_pack(
    cv_type type, const void *b, int64_t row_stride, int64_t column_stride, int64_t k, int64_t n, void *packed);
/// c [m, n] = a · b with b in panels that lie `panel_stride` elements apart.
void cv_multiply_panels(
    cv_type type, int64_t m, int64_t n, int64_t k, const void *a, int64_t a_row, int64_t a_column, const void *panels,
    int64_t panel_stride, void *c, int64_t c_stride, int accumulate);
/// c = activation(c + row_bias + column_bias); absent biases are null.
void cv_epilogue(
    cv_type type, void *c, int64_t c_stride, int64_t rows, int64_t columns, const void *row_bias,
    const void *column_bias, int activation);
/// y[i, j] = x[j, i] for i < rows, j < columns.
void cv_transpose_real(
    cv_type type, const void *x, int64_t x_stride, void *y, int64_t y_stride, int64_t rows, int64_t columns);

// Convolution

/// A matrix with a row for each channel and tap and a column for each position (u, v) of a grid: the element of the
/// channel's plane at (u * row_step + row_offset, v * column_step + column_offset), zero outside.
typedef struct {
    int64_t plane_stride, h, w, taps;
    const int64_t *row_offsets, *column_offsets;
    int64_t row_step, column_step, grid_columns;
} cv_patches;

/// Rows [first_row, last_row), positions [first, first + count) in panels [count / width][rows][width].
void cv_pack_patches(
    cv_type type, const cv_patches *patches, const void *source, int64_t first_row, int64_t last_row, int64_t first,
    int64_t count, int64_t width, void *packed);

/// Adds x [rows, count] to the elements that the patches were taken from.
void cv_add_patches(
    cv_type type, const cv_patches *patches, void *target, int64_t rows, int64_t first, int64_t count, const void *x);

typedef struct {
    int64_t h, w, p, q, r, s, row_stride, column_stride, row_dilation, column_dilation, top, left;
} cv_depthwise;

/// One plane; each output starts from `start`.
void cv_depthwise_forward(
    cv_type type, const cv_depthwise *shape, const void *x, const void *w, double start, void *y);
/// Adds to dx.
void cv_depthwise_input(cv_type type, const cv_depthwise *shape, const void *w, const void *dy, void *dx);
/// Adds to totals [r, s].
void cv_depthwise_weight(cv_type type, const cv_depthwise *shape, const void *x, const void *dy, double *totals);

// 3×3 convolutions of stride 1 by Winograd's filtering F(4×4, 3×3): Kernels/convolution/winograd.cl and
// winograd_gradient.cl, whose names these are, done by a work-item at a time.

typedef struct {
    int images, channels, rows, height, width, top, left, out_height, out_width;
    int blocks, stage_floats, tile_floats, slot;
    int row_stride, channel_stride, turned;
} cv_winograd;

/// Work-item (x, y) of width × height of them.
typedef struct {
    int64_t x, y, width, height;
} cv_item;

/// Floats in a vector; tiles and vectors of rows in the register tile.
int64_t cv_winograd_width(void);
int64_t cv_winograd_tiles(void);
int64_t cv_winograd_vectors(void);
/// Items (row blocks, vectors of channels).
void cv_winograd_weights(cv_item at, const cv_winograd *shape, const float *w, float *transformed);
/// Once, after cv_winograd_weights.
void cv_winograd_levels(const cv_winograd *shape, float *transformed);
/// Items (shares of the blocks, shares of the row blocks). `w` is what was transformed.
void cv_winograd_convolution(
    cv_item at, const cv_winograd *shape, const float *transformed, const float *w, const float *x, float *y,
    float *scratch);
/// Items (shares of the blocks, shares of the row blocks).
void cv_winograd_weight_gradient(
    cv_item at, const cv_winograd *shape, const float *x, const float *dy, float *partials, float *scratch);
/// Items (shares of the channels, shares of the row blocks), no more than cv_winograd_weight_gradient had.
void cv_winograd_sum_weights(
    cv_item at, const cv_winograd *shape, const float *x, const float *dy, const float *partials, int shares, float *dw,
    float *scratch);

// Attention: `rows` rows of scores, `stride` apart, of which row i counts its first smaller(seen + i * growth, columns)

/// A query's row of products x with keys, or of what they became.
typedef struct {
    /// How many keys there are in the row, and how many, from the first, the query sees.
    int64_t columns, seen;
    /// What is added to scale * x, an element for each key, `bias_step` apart; NULL for nothing.
    const void *bias;
    int64_t bias_step;
    double scale;
} cv_attention_row;

/// Products x become e^(scale * (x - m)) for the greatest, m, and zero where they are not seen or have a bias of -infinity;
/// with a bias x is scale * x + bias and not multiplied again. Their sum, m, and 1 / sum; zeros where there is none.
void cv_attention_weights(cv_type type, const cv_attention_row *row, void *scores, void *sum, void *statistics);
/// Rows of y [rows, width] divided by their sums.
void cv_attention_divide(cv_type type, void *y, const void *sums, int64_t rows, int64_t width);
/// Products x become p, the softmax of the scores, and dscores factor * p * (dscores - sum(p * dscores)).
void cv_attention_back(cv_type type, const cv_attention_row *row, double factor, void *scores, void *dscores);
/// Whether all of x are finite.
int cv_all_finite(cv_type type, const void *x, int64_t count);
/// y [rows, width] += w [rows, terms] * x [terms, width], without the terms whose weight is 0, whatever they are.
void cv_attention_add(
    cv_type type, const void *w, int64_t w_row, int64_t w_column, const void *x, void *y, int64_t rows, int64_t terms,
    int64_t width);

// Recurrence: one step of `rows` rows of the batch

/// y: in, the sums; out, the states.
void cv_rnn_step(cv_type type, int is_relu, void *y, int64_t rows, int64_t hidden);
void cv_rnn_back(
    cv_type type, int is_relu, const void *y, const void *dy, const void *dh_later, void *dgates, int64_t rows,
    int64_t hidden);
void cv_lstm_step(
    cv_type type, void *gates, const void *cell_before, void *cell, void *y, int64_t rows, int64_t hidden);
void cv_lstm_back(
    cv_type type, const void *gates, const void *cell_before, const void *cell, const void *dy, const void *dh_later,
    const void *dcell, void *dc, void *dgates, int64_t rows, int64_t hidden);
void cv_gru_step(
    cv_type type, const void *x, const void *sums, const void *bias, const void *before, void *gates, void *candidate,
    void *y, int64_t rows, int64_t hidden);
void cv_gru_back(
    cv_type type, const void *gates, const void *candidate, const void *before, const void *dy, void *dh,
    void *dx_gates, void *dh_gates, int64_t rows, int64_t hidden);

// Random numbers

/// Groups of four elements [first_group, last_group) of `count` numbers.
void cv_random(
    int is_normal, uint64_t seed, uint32_t counter, float *y, int64_t first_group, int64_t last_group, int64_t count);
void cv_dropout(
    cv_type type, double rate, uint64_t seed, uint32_t counter, const void *x, void *y, int64_t first_group,
    int64_t last_group, int64_t count);

// What the processor reaches at best

/// Multiply-adds on registers alone: `rounds` times cv_peak_flops() floating-point operations on one core. The result
/// only keeps them from being optimised away; 0 < scale < 1.
float cv_peak(int64_t rounds, float scale, float shift);
int64_t cv_peak_flops(void);
