// The gates of recurrent cells, one step at a time.

#include "internal.h"
#include "scalar_math.h"

#define TEMPLATE "recurrent_template.h"
#include "for_each_real.h"

HOT void cv_rnn_step(cv_type type, int is_relu, void *y, int64_t rows, int64_t hidden) {
    if (IS_F64(type)) rnn_step_f64(is_relu, y, rows * hidden);
    else rnn_step_f32(is_relu, y, rows * hidden);
}

HOT void cv_rnn_back(
    cv_type type, int is_relu, const void *y, const void *dy, const void *dh_later, void *dgates, int64_t rows,
    int64_t hidden) {
    if (IS_F64(type)) rnn_back_f64(is_relu, y, dy, dh_later, dgates, rows * hidden);
    else rnn_back_f32(is_relu, y, dy, dh_later, dgates, rows * hidden);
}

HOT void cv_lstm_step(
    cv_type type, void *gates, const void *cell_before, void *cell, void *y, int64_t rows, int64_t hidden) {
    if (IS_F64(type)) lstm_step_f64(gates, cell_before, cell, y, rows, hidden);
    else lstm_step_f32(gates, cell_before, cell, y, rows, hidden);
}

HOT void cv_lstm_back(
    cv_type type, const void *gates, const void *cell_before, const void *cell, const void *dy, const void *dh_later,
    const void *dcell, void *dc, void *dgates, int64_t rows, int64_t hidden) {
    if (IS_F64(type)) lstm_back_f64(gates, cell_before, cell, dy, dh_later, dcell, dc, dgates, rows, hidden);
    else lstm_back_f32(gates, cell_before, cell, dy, dh_later, dcell, dc, dgates, rows, hidden);
}

HOT void cv_gru_step(
    cv_type type, const void *x, const void *sums, const void *bias, const void *before, void *gates, void *candidate,
    void *y, int64_t rows, int64_t hidden) {
    if (IS_F64(type)) gru_step_f64(x, sums, bias, before, gates, candidate, y, rows, hidden);
    else gru_step_f32(x, sums, bias, before, gates, candidate, y, rows, hidden);
}

HOT void cv_gru_back(
    cv_type type, const void *gates, const void *candidate, const void *before, const void *dy, void *dh,
    void *dx_gates, void *dh_gates, int64_t rows, int64_t hidden) {
    if (IS_F64(type)) gru_back_f64(gates, candidate, before, dy, dh, dx_gates, dh_gates, rows, hidden);
    else gru_back_f32(gates, candidate, before, dy, dh, dx_gates, dh_gates, rows, hidden);
}
