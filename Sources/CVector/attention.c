// What attention does to its scores between the matrix products.

#include "internal.h"
#include "scalar_math.h"

#define TEMPLATE "reduce_template.h"
#include "for_each_real.h"
#undef TEMPLATE
#define TEMPLATE "softmax_template.h"
#include "for_each_real.h"
#undef TEMPLATE
#define TEMPLATE "attention_template.h"
#include "for_each_real.h"

HOT void cv_attention_weights(
    cv_type type, const cv_attention_row *row, void *scores, void *sum, void *statistics) {
    if (IS_F64(type)) attention_weights_f64(row, scores, sum, statistics);
    else attention_weights_f32(row, scores, sum, statistics);
}

HOT void cv_attention_divide(cv_type type, void *y, const void *sums, int64_t rows, int64_t width) {
    for (int64_t i = 0; i < rows; i++) {
        if (IS_F64(type)) {
            const double scale = inverse_f64(((const double *)sums)[i]);
            for (int64_t j = 0; j < width; j++) ((double *)y)[i * width + j] *= scale;
        } else {
            const float scale = inverse_f32(((const float *)sums)[i]);
            for (int64_t j = 0; j < width; j++) ((float *)y)[i * width + j] *= scale;
        }
    }
}

HOT void cv_attention_back(
    cv_type type, const cv_attention_row *row, double factor, void *scores, void *dscores) {
    if (IS_F64(type)) attention_back_f64(row, factor, scores, dscores);
    else attention_back_f32(row, (float)factor, scores, dscores);
}

HOT int cv_all_finite(cv_type type, const void *x, int64_t count) {
    return IS_F64(type) ? all_finite_f64(x, count) : all_finite_f32(x, count);
}

HOT void cv_attention_add(
    cv_type type, const void *w, int64_t w_row, int64_t w_column, const void *x, void *y, int64_t rows, int64_t terms,
    int64_t width) {
    if (IS_F64(type)) attention_add_f64(w, w_row, w_column, x, y, rows, terms, width);
    else attention_add_f32(w, w_row, w_column, x, y, rows, terms, width);
}
