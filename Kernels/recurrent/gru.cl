// GRU over a whole sequence, for the CPU shape: each work-item takes `share` rows of the batch through all steps.
//
// Follows common/math.cl and recurrent/panels.cl; laid out as recurrent/lstm.cl, with three gates: 6·rows·h² flops a
// step and pass. Shapes and formulas are in TensorGraph/Ops/Recurrent.swift.

// u = h'·wHiddenᵀ + bHidden is formed in `scratch`, [batch, 3h].
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gru_sequence(
    __global const float *restrict xGates, const ulong xGatesOffset, __global const float *restrict panels,
    const ulong panelsOffset, __global const float *restrict bias, const ulong biasOffset,
    __global const float *restrict h0, const ulong h0Offset, __global float *y, const ulong yOffset,
    __global float *gates, const ulong gatesOffset, __global float *candidate, const ulong candidateOffset,
    __global float *scratch, const ulong scratchOffset,
    const int steps, const int batch, const int h, const int share)
{
    const int first = (int)get_global_id(0) * share;
    const int rows = min(share, batch - first);
    xGates += xGatesOffset + (ulong)first * 3 * h;
    panels += panelsOffset;
    bias += biasOffset;
    scratch += scratchOffset + (ulong)first * 3 * h;
    gates += gatesOffset + (ulong)first * 3 * h;
    y += yOffset + (ulong)first * h;
    candidate += candidateOffset + (ulong)first * h;
    __global const float *hidden = h0 + h0Offset + (ulong)first * h;
    for (int t = 0; t < steps; ++t) {
        product(rows, 3 * h, h, hidden, h, panels, bias, 0, scratch, 3 * h);
        for (int r = 0; r < rows; ++r) {
            __global const float *x = xGates + (ulong)r * 3 * h;
            __global const float *a = scratch + (ulong)r * 3 * h;
            __global float *gate = gates + (ulong)r * 3 * h;
            for (int u = 0; u < h; u += VECTOR_WIDTH) {
                const int left = h - u;
                const vfloat reset = vsigmoid(load_row(x + u, left) + load_row(a + u, left));
                const vfloat z = vsigmoid(load_row(x + h + u, left) + load_row(a + h + u, left));
                const vfloat un = load_row(a + 2 * h + u, left);
                const vfloat n = vtanh(fma(reset, un, load_row(x + 2 * h + u, left)));
                const vfloat before = load_row(hidden + (ulong)r * h + u, left);
                store_row(reset, gate + u, left);
                store_row(z, gate + h + u, left);
                store_row(n, gate + 2 * h + u, left);
                store_row(un, candidate + (ulong)r * h + u, left);
                store_row(fma(z, before, (1.0f - z) * n), y + (ulong)r * h + u, left);
            }
        }
        hidden = y;
        xGates += (ulong)batch * 3 * h;
        gates += (ulong)batch * 3 * h;
        y += (ulong)batch * h;
        candidate += (ulong)batch * h;
    }
}

// Back in time. dh0 holds z·dh of the step after, to which dhGates·wHidden is added.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gru_sequence_gradient(
    __global const float *restrict panels, const ulong panelsOffset, __global const float *restrict h0,
    const ulong h0Offset, __global const float *restrict y, const ulong yOffset, __global const float *restrict gates,
    const ulong gatesOffset, __global const float *restrict candidate, const ulong candidateOffset,
    __global const float *restrict dy, const ulong dyOffset, __global float *dxGates, const ulong dxGatesOffset,
    __global float *dhGates, const ulong dhGatesOffset, __global float *dh0, const ulong dh0Offset,
    const int steps, const int batch, const int h, const int share)
{
    const int first = (int)get_global_id(0) * share;
    const int rows = min(share, batch - first);
    const ulong stateStep = (ulong)batch * h;
    const ulong gateStep = 3 * stateStep;
    panels += panelsOffset;
    h0 += h0Offset + (ulong)first * h;
    y += yOffset + (ulong)first * h;
    gates += gatesOffset + (ulong)first * 3 * h;
    candidate += candidateOffset + (ulong)first * h;
    dy += dyOffset + (ulong)first * h;
    dxGates += dxGatesOffset + (ulong)first * 3 * h;
    dhGates += dhGatesOffset + (ulong)first * 3 * h;
    dh0 += dh0Offset + (ulong)first * h;
    for (int t = steps - 1; t >= 0; --t) {
        const bool isLast = t == steps - 1;
        if (!isLast) product(rows, h, 3 * h, dhGates + (t + 1) * gateStep, 3 * h, panels, dh0, h, dh0, h);
        __global const float *before = t == 0 ? h0 : y + (t - 1) * stateStep;
        for (int r = 0; r < rows; ++r) {
            const ulong row = (ulong)r * h;
            __global const float *gate = gates + t * gateStep + 3 * row;
            __global float *dx = dxGates + t * gateStep + 3 * row;
            __global float *du = dhGates + t * gateStep + 3 * row;
            for (int u = 0; u < h; u += VECTOR_WIDTH) {
                const int left = h - u;
                const vfloat reset = load_row(gate + u, left);
                const vfloat z = load_row(gate + h + u, left);
                const vfloat n = load_row(gate + 2 * h + u, left);
                vfloat dh = load_row(dy + t * stateStep + row + u, left);
                if (!isLast) dh += load_row(dh0 + row + u, left);
                const vfloat dn = dh * (1.0f - z) * fma(-n, n, (vfloat)(1.0f));
                const vfloat un = load_row(candidate + t * stateStep + row + u, left);
                const vfloat dr = dn * un * reset * (1.0f - reset);
                const vfloat dz = dh * (load_row(before + row + u, left) - n) * z * (1.0f - z);
                store_row(dr, dx + u, left);
                store_row(dz, dx + h + u, left);
                store_row(dn, dx + 2 * h + u, left);
                store_row(dr, du + u, left);
                store_row(dz, du + h + u, left);
                store_row(dn * reset, du + 2 * h + u, left);
                store_row(dh * z, dh0 + row + u, left);
            }
        }
    }
    product(rows, h, 3 * h, dhGates, 3 * h, panels, dh0, h, dh0, h);
}
