// What a recurrent cell does to its gates in one step, for `rows` rows of the batch; recurrent.c includes this once for
// each type. The gates of a row are neighbours: 4h of an LSTM in the order i f g o, 3h of a GRU in the order r z n.

// y: in, the sums; out, the states.
INLINE void FN(rnn_step)(int is_relu, REAL *restrict y, int64_t count) {
    if (is_relu) {
        for (int64_t j = 0; j < count; j++) y[j] = y[j] < 0 ? 0 : y[j];
    } else {
        for (int64_t j = 0; j < count; j++) y[j] = FN(tanh)(y[j]);
    }
}

INLINE void FN(rnn_back)(
    int is_relu, const REAL *restrict y, const REAL *restrict dy, const REAL *restrict later, REAL *restrict dgates,
    int64_t count) {
    for (int64_t j = 0; j < count; j++) {
        const REAL dh = dy[j] + later[j];
        dgates[j] = is_relu ? (y[j] > 0 ? dh : 0) : dh * (1 - y[j] * y[j]);
    }
}

// gates: in, the sums; out, the activations.
INLINE void FN(lstm_step)(REAL *gates, const REAL *cellBefore, REAL *cell, REAL *y, int64_t rows, int64_t h) {
    for (int64_t row = 0; row < rows; row++) {
        REAL *restrict i = gates + row * 4 * h, *restrict f = i + h, *restrict g = f + h, *restrict o = g + h;
        const REAL *restrict before = cellBefore + row * h;
        REAL *restrict after = cell + row * h, *restrict out = y + row * h;
        for (int64_t j = 0; j < h; j++) {
            i[j] = FN(sigmoid)(i[j]);
            f[j] = FN(sigmoid)(f[j]);
        }
        for (int64_t j = 0; j < h; j++) {
            g[j] = FN(tanh)(g[j]);
            o[j] = FN(sigmoid)(o[j]);
        }
        for (int64_t j = 0; j < h; j++) {
            const REAL c = f[j] * before[j] + i[j] * g[j];
            after[j] = c;
            out[j] = o[j] * FN(tanh)(c);
        }
    }
}

// dh: dy plus what comes back through the recurrence. dc: in, the cotangent of this step's cell from later steps; out,
// that of the step before.
INLINE void FN(lstm_back)(
    const REAL *gates, const REAL *cellBefore, const REAL *cell, const REAL *dy, const REAL *dhLater, const REAL *dcell,
    REAL *dc, REAL *dgates, int64_t rows, int64_t h) {
    for (int64_t row = 0; row < rows; row++) {
        const REAL *restrict i = gates + row * 4 * h, *restrict f = i + h, *restrict g = f + h, *restrict o = g + h;
        const REAL *restrict before = cellBefore + row * h, *restrict now = cell + row * h;
        const REAL *restrict up = dy + row * h, *restrict later = dhLater + row * h;
        REAL *restrict carry = dc + row * h;
        REAL *restrict di = dgates + row * 4 * h, *restrict df = di + h, *restrict dg = df + h, *restrict dout = dg + h;
        for (int64_t j = 0; j < h; j++) {
            const REAL dh = up[j] + later[j], t = FN(tanh)(now[j]);
            const REAL extra = dcell ? dcell[row * h + j] : 0;
            const REAL d = carry[j] + extra + dh * o[j] * (1 - t * t);
            di[j] = d * g[j] * i[j] * (1 - i[j]);
            df[j] = d * before[j] * f[j] * (1 - f[j]);
            dg[j] = d * i[j] * (1 - g[j] * g[j]);
            dout[j] = dh * t * o[j] * (1 - o[j]);
            carry[j] = d * f[j];
        }
    }
}

// sums: h'·wHiddenᵀ [rows, 3h]; x: the products with the inputs.
INLINE void FN(gru_step)(
    const REAL *x, const REAL *sums, const REAL *restrict bias, const REAL *before, REAL *gates, REAL *candidate,
    REAL *y, int64_t rows, int64_t h) {
    for (int64_t row = 0; row < rows; row++) {
        const REAL *restrict in = x + row * 3 * h, *restrict u = sums + row * 3 * h, *restrict old = before + row * h;
        REAL *restrict gate = gates + row * 3 * h, *restrict inner = candidate + row * h, *restrict out = y + row * h;
        for (int64_t j = 0; j < 2 * h; j++) gate[j] = FN(sigmoid)(in[j] + (u[j] + bias[j]));
        for (int64_t j = 0; j < h; j++) {
            const REAL un = u[2 * h + j] + bias[2 * h + j], r = gate[j], z = gate[h + j];
            const REAL n = FN(tanh)(in[2 * h + j] + r * un);
            inner[j] = un;
            gate[2 * h + j] = n;
            out[j] = (1 - z) * n + z * old[j];
        }
    }
}

// dh: in, the cotangent of y from later steps through z and the product; out, through z alone.
INLINE void FN(gru_back)(
    const REAL *gates, const REAL *candidate, const REAL *before, const REAL *dy, REAL *dh, REAL *dxGates,
    REAL *dhGates, int64_t rows, int64_t h) {
    for (int64_t row = 0; row < rows; row++) {
        const REAL *restrict r = gates + row * 3 * h, *restrict z = r + h, *restrict n = z + h;
        const REAL *restrict un = candidate + row * h, *restrict old = before + row * h, *restrict up = dy + row * h;
        REAL *restrict carry = dh + row * h, *restrict dx = dxGates + row * 3 * h, *restrict du = dhGates + row * 3 * h;
        for (int64_t j = 0; j < h; j++) {
            const REAL d = up[j] + carry[j];
            const REAL dn = d * (1 - z[j]) * (1 - n[j] * n[j]);
            const REAL dz = d * (old[j] - n[j]) * z[j] * (1 - z[j]);
            const REAL dr = dn * un[j] * r[j] * (1 - r[j]);
            dx[j] = dr;
            dx[h + j] = dz;
            dx[2 * h + j] = dn;
            du[j] = dr;
            du[h + j] = dz;
            du[2 * h + j] = dn * r[j];
            carry[j] = d * z[j];
        }
    }
}
