// GRU over a whole sequence, for the CPU style: each work-item takes `share` rows of the batch through all steps.
//
// Follows common/math.cl and recurrent/panels.cl; laid out as recurrent/lstm.cl, with three gates: 6·rows·h² flops a
// step and pass. Shapes and formulas are in TensorGraph/Ops/Recurrent.swift.

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gru_sequence(
    __global const float *restrict xGates, const ulong xGatesOffset, __global const float *restrict panels,
    const ulong panelsOffset, __global const float *restrict bias, const ulong biasOffset,
    __global const float *restrict h0, const ulong h0Offset, __global float *y, const ulong yOffset,
    __global float *gates, const ulong gatesOffset, __global float *candidate, const ulong candidateOffset,
    const int steps, const int batch, const int h, const int share)
{
    vfloat sums[TILE_M * 3];
    const int first = (int)get_global_id(0) * share;
    const int rows = min(share, batch - first);
    const int stripes = STRIPES(rows, TILE_M);
    xGates += xGatesOffset + (ulong)first * 3 * h;
    panels += panelsOffset;
    bias += biasOffset;
    gates += gatesOffset + (ulong)first * 3 * h;
    y += yOffset + (ulong)first * h;
    candidate += candidateOffset + (ulong)first * h;
    __global const float *hidden = h0 + h0Offset + (ulong)first * h;
    for (int t = 0; t < steps; ++t) {
        for (int u = 0; u < h; u += VECTOR_WIDTH) {
            const int left = h - u;
            const vfloat biasR = load_row(bias + u, left);
            const vfloat biasZ = load_row(bias + h + u, left);
            const vfloat biasN = load_row(bias + 2 * h + u, left);
            for (int stripe = 0; stripe < stripes; ++stripe) {
                const int top = STRIPE_TOP(rows, stripe, stripes), end = STRIPE_TOP(rows, stripe + 1, stripes);
                for (int r = top; r < end; ++r) {
                    for (int gate = 0; gate < 3; ++gate) PREFETCH(xGates + ((ulong)r * 3 + gate) * h + u);
                }
                gate_sums(end - top, hidden + (ulong)top * h, h, panels + (ulong)u * 3 * h, sums);
                for (int r = top; r < end; ++r) {
                    const vfloat *a = sums + (r - top) * 3;
                    __global const float *x = xGates + (ulong)r * 3 * h + u;
                    __global float *gate = gates + (ulong)r * 3 * h + u;
                    const vfloat reset = vsigmoid(load_row(x, left) + (a[0] + biasR));
                    const vfloat z = vsigmoid(load_row(x + h, left) + (a[1] + biasZ));
                    const vfloat un = a[2] + biasN;
                    const vfloat n = vtanh(fma(reset, un, load_row(x + 2 * h, left)));
                    const vfloat before = load_row(hidden + (ulong)r * h + u, left);
                    store_row(reset, gate, left);
                    store_row(z, gate + h, left);
                    store_row(n, gate + 2 * h, left);
                    store_row(un, candidate + (ulong)r * h + u, left);
                    store_row(fma(z, before, (1.0f - z) * n), y + (ulong)r * h + u, left);
                }
            }
        }
        hidden = y;
        xGates += (ulong)batch * 3 * h;
        gates += (ulong)batch * 3 * h;
        y += (ulong)batch * h;
        candidate += (ulong)batch * h;
    }
}

// Back in time, and at t = -1 the product that gives dh0, which meanwhile holds z·dh of the step after.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gru_sequence_gradient(
    __global const float *restrict panels, const ulong panelsOffset, __global const float *restrict h0,
    const ulong h0Offset, __global const float *restrict y, const ulong yOffset, __global const float *restrict gates,
    const ulong gatesOffset, __global const float *restrict candidate, const ulong candidateOffset,
    __global const float *restrict dy, const ulong dyOffset, __global float *dxGates, const ulong dxGatesOffset,
    __global float *dhGates, const ulong dhGatesOffset, __global float *dh0, const ulong dh0Offset,
    const int steps, const int batch, const int h, const int share)
{
    const int width = OUTER_VECTORS * VECTOR_WIDTH;
    vfloat sums[OUTER_ROWS * OUTER_VECTORS];
    const int first = (int)get_global_id(0) * share;
    const int rows = min(share, batch - first);
    const int stripes = STRIPES(rows, OUTER_ROWS);
    const long stateStep = (long)batch * h;
    const long gateStep = 3 * stateStep;
    panels += panelsOffset;
    h0 += h0Offset + (ulong)first * h;
    y += yOffset + (ulong)first * h;
    gates += gatesOffset + (ulong)first * 3 * h;
    candidate += candidateOffset + (ulong)first * h;
    dy += dyOffset + (ulong)first * h;
    dxGates += dxGatesOffset + (ulong)first * 3 * h;
    dhGates += dhGatesOffset + (ulong)first * 3 * h;
    dh0 += dh0Offset + (ulong)first * h;
    for (int i = 0; i < OUTER_ROWS * OUTER_VECTORS; ++i) sums[i] = 0.0f;
    for (int t = steps - 1; t >= -1; --t) {
        const bool isLast = t == steps - 1;
        __global const float *later = dhGates + (t + 1) * gateStep;
        __global const float *before = t <= 0 ? h0 : y + (t - 1) * stateStep;
        for (int column = 0; column < h; column += width) {
            for (int stripe = 0; stripe < stripes; ++stripe) {
                const int top = STRIPE_TOP(rows, stripe, stripes), end = STRIPE_TOP(rows, stripe + 1, stripes);
                if (!isLast) {
                    state_sums(end - top, later + (ulong)top * 3 * h, 3 * h, panels + (ulong)column * 3 * h, sums);
                }
                for (int r = top; r < end; ++r) {
                    for (int j = 0; j < OUTER_VECTORS; ++j) {
                        const int u = column + j * VECTOR_WIDTH;
                        const int left = h - u;
                        const long state = (long)r * h + u;
                        if (left <= 0) break;
                        vfloat dh = sums[(r - top) * OUTER_VECTORS + j];
                        if (!isLast) dh += load_row(dh0 + state, left);
                        if (t < 0) {
                            store_row(dh, dh0 + state, left);
                            continue;
                        }
                        dh += load_row(dy + t * stateStep + state, left);
                        const long ofGates = t * gateStep + (long)r * 3 * h + u;
                        const vfloat reset = load_row(gates + ofGates, left);
                        const vfloat z = load_row(gates + ofGates + h, left);
                        const vfloat n = load_row(gates + ofGates + 2 * h, left);
                        const vfloat dn = dh * (1.0f - z) * fma(-n, n, (vfloat)(1.0f));
                        const vfloat un = load_row(candidate + t * stateStep + state, left);
                        const vfloat dr = dn * un * reset * (1.0f - reset);
                        const vfloat dz = dh * (load_row(before + state, left) - n) * z * (1.0f - z);
                        store_row(dr, dxGates + ofGates, left);
                        store_row(dz, dxGates + ofGates + h, left);
                        store_row(dn, dxGates + ofGates + 2 * h, left);
                        store_row(dr, dhGates + ofGates, left);
                        store_row(dz, dhGates + ofGates + h, left);
                        store_row(dn * reset, dhGates + ofGates + 2 * h, left);
                        store_row(dh * z, dh0 + state, left);
                    }
                }
            }
        }
    }
}
