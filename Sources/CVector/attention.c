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

HOT void cv_attention_rows(
    cv_type type, void *scores, int64_t stride, int64_t rows, int64_t columns, int64_t seen, int64_t growth,
    double scale, void *sums, void *statistics) {
    if (IS_F64(type)) attention_rows_f64(scores, stride, rows, columns, seen, growth, scale, sums, statistics);
    else attention_rows_f32(scores, stride, rows, columns, seen, growth, (float)scale, sums, statistics);
}

HOT void cv_attention_divide(cv_type type, void *y, const void *sums, int64_t rows, int64_t width) {
    for (int64_t i = 0; i < rows; i++) {
        if (IS_F64(type)) {
            const double scale = 1 / ((const double *)sums)[i];
            for (int64_t j = 0; j < width; j++) ((double *)y)[i * width + j] *= scale;
        } else {
            const float scale = 1 / ((const float *)sums)[i];
            for (int64_t j = 0; j < width; j++) ((float *)y)[i * width + j] *= scale;
        }
    }
}

HOT void cv_attention_back(
    cv_type type, void *scores, void *dscores, int64_t stride, int64_t rows, int64_t columns, int64_t seen,
    int64_t growth, double scale) {
    if (IS_F64(type)) attention_back_f64(scores, dscores, stride, rows, columns, seen, growth, scale);
    else attention_back_f32(scores, dscores, stride, rows, columns, seen, growth, (float)scale);
}
