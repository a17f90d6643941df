// Matrix products on strided operands: a part of the result at a time, b packed into panels that stay in the
// second-level cache.

#include "gemm_internal.h"
#include "scalar_math.h"

#define TEMPLATE "reduce_template.h"
#include "for_each_real.h"
#undef TEMPLATE
#define TEMPLATE "softmax_template.h"
#include "for_each_real.h"
#undef TEMPLATE
#define TEMPLATE "transpose_template.h"
#include "for_each_real.h"
#undef TEMPLATE
#define TEMPLATE "gemm_template.h"
#include "for_each_real.h"

HOT void cv_pack(
    cv_type type, const void *b, int64_t row_stride, int64_t column_stride, int64_t k, int64_t n, void *packed) {
    const int64_t width = cv_tile_for(type)->columns;
    if (IS_F64(type)) pack_f64(b, row_stride, column_stride, k, n, width, packed);
    else pack_f32(b, row_stride, column_stride, k, n, width, packed);
}

HOT void cv_transpose_real(
    cv_type type, const void *x, int64_t x_stride, void *y, int64_t y_stride, int64_t rows, int64_t columns) {
    if (IS_F64(type)) transpose_f64(x, x_stride, y, y_stride, rows, columns);
    else transpose_f32(x, x_stride, y, y_stride, rows, columns);
}

static HOT void merge(
    cv_type type, const void *tile, int64_t tileStride, void *c, int64_t cStride, int64_t rows, int64_t columns,
    int accumulate) {
    if (IS_F64(type)) merge_f64(tile, tileStride, c, cStride, rows, columns, accumulate);
    else merge_f32(tile, tileStride, c, cStride, rows, columns, accumulate);
}

HOT void cv_epilogue(
    cv_type type, void *c, int64_t c_stride, int64_t rows, int64_t columns, const void *row_bias,
    const void *column_bias, int activation) {
    const int64_t size = cv_type_size(type);
    for (int64_t i = 0; i < rows; i++) {
        void *row = (char *)c + i * c_stride * size;
        if (row_bias) {
            if (IS_F64(type)) add_number_f64(((const double *)row_bias)[i], row, columns);
            else add_number_f32(((const float *)row_bias)[i], row, columns);
        }
        if (column_bias) {
            if (IS_F64(type)) add_bias_f64(column_bias, row, columns);
            else add_bias_f32(column_bias, row, columns);
        }
        if (activation >= 0) cv_unary(type, (cv_unary_function)activation, row, row, columns);
    }
}

void cv_multiply_panels(
    cv_type type, int64_t m, int64_t n, int64_t k, const void *a, int64_t a_row, int64_t a_column, const void *panels,
    int64_t panel_stride, void *c, int64_t c_stride, int accumulate) {
    const cv_tile *tile = cv_tile_for(type);
    const int64_t size = cv_type_size(type);
    double aside[GREATEST_TILE_ROWS * GREATEST_TILE_COLUMNS];
    // Panels of equal height: sixteen rows are two of eight rather than one of twelve and one of four.
    const int64_t stripes = (m + tile->rows - 1) / tile->rows;
    const int64_t panelCount = (n + tile->columns - 1) / tile->columns;
    // Few stripes are nearer than many panels: then a panel is read once, for all stripes.
    const int64_t group = stripes <= FEW_STRIPES ? 1 : panelCount;
    char copy[GREATEST_TILE_ROWS * DEPTH * 8];
    for (int64_t firstPanel = 0; firstPanel < panelCount; firstPanel += group) {
        for (int64_t stripe = 0; stripe < stripes; stripe++) {
            const int64_t top = m * stripe / stripes, rows = m * (stripe + 1) / stripes - top;
            const char *from = (const char *)a + top * a_row * size;
            cv_tile_function function = tile->byRows;
            int64_t aStride = a_row;
            if (a_column != 1) {
                function = tile->byColumns;
                aStride = a_column;
                if (group > 2 && k <= DEPTH && a_row == 1) {
                    // Far-apart rows of a are touched once, not once a panel.
                    for (int64_t p = 0; p < k; p++) {
                        memcpy(copy + p * rows * size, from + p * a_column * size, (size_t)(rows * size));
                    }
                    from = copy;
                    aStride = rows;
                }
            }
            for (int64_t panel = firstPanel; panel < smaller(firstPanel + group, panelCount); panel++) {
                const int64_t left = panel * tile->columns, columns = smaller(tile->columns, n - left);
                const char *b = (const char *)panels + panel * panel_stride * size;
                char *target = (char *)c + (top * c_stride + left) * size;
                if (columns == tile->columns) {
                    function(rows, k, from, aStride, b, tile->columns, target, c_stride, accumulate);
                } else {
                    function(rows, k, from, aStride, b, tile->columns, aside, tile->columns, 0);
                    merge(type, aside, tile->columns, target, c_stride, rows, columns, accumulate);
                }
            }
        }
    }
}

int64_t cv_gemm_scratch(cv_type type, int64_t n, int64_t k) {
    const int64_t width = cv_tile_for(type)->columns;
    return (n + width - 1) / width * width * smaller(k, DEPTH) * cv_type_size(type);
}

void cv_gemm_part(
    const cv_gemm *g, int64_t first_row, int64_t last_row, int64_t first_column, int64_t last_column, void *scratch) {
    const int64_t size = cv_type_size(g->type), m = last_row - first_row, n = last_column - first_column;
    char *c = (char *)g->c + (first_row * g->c_row + first_column) * size;
    const char *a = (const char *)g->a + first_row * g->a_row * size;
    const char *b = (const char *)g->b + first_column * g->b_column * size;
    for (int64_t start = 0; start < g->k; start += DEPTH) {
        const int64_t k = smaller(DEPTH, g->k - start);
        cv_pack(g->type, b + start * g->b_row * size, g->b_row, g->b_column, k, n, scratch);
        cv_multiply_panels(
            g->type, m, n, k, a + start * g->a_column * size, g->a_row, g->a_column, scratch,
            k * cv_tile_for(g->type)->columns, c, g->c_row, start > 0 || g->accumulate);
    }
    if (g->column_bias || g->activation >= 0) {
        const char *bias = g->column_bias ? (const char *)g->column_bias + first_column * size : 0;
        cv_epilogue(g->type, c, g->c_row, m, n, 0, bias, g->activation);
    }
}

HOT void cv_gemv_part(const cv_gemm *g, int64_t first_column, int64_t last_column) {
    const int64_t size = cv_type_size(g->type);
    for (int64_t i = 0; i < g->m; i++) {
        const void *a = (const char *)g->a + i * g->a_row * size;
        char *c = (char *)g->c + i * g->c_row * size;
        if (IS_F64(g->type)) thin_product_f64(g, a, (double *)c, first_column, last_column);
        else thin_product_f32(g, a, (float *)c, first_column, last_column);
    }
    if (g->column_bias || g->activation >= 0) {
        const char *bias = g->column_bias ? (const char *)g->column_bias + first_column * size : 0;
        cv_epilogue(g->type, (char *)g->c + first_column * size, g->c_row, g->m, last_column - first_column, 0, bias, g->activation);
    }
}
