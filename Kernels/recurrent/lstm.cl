// LSTM over a whole sequence, for the CPU shape: each work-item takes `share` rows of the batch through all steps.
//
// Follows common/math.cl and recurrent/panels.cl. Shapes and formulas are in TensorGraph/Ops/Recurrent.swift. A step is
// one product of [rows, h] with wHiddenᵀ [h, 4h] (backward: of [rows, 4h] with wHidden [4h, h]), 8·rows·h² flops from a
// packed weight that stays in the second-level cache, and one pass over the gates with the activations in vectors. The
// products with the inputs and the weights' gradients are matrix products outside.
#ifndef HAS_CELL_COTANGENT
#define HAS_CELL_COTANGENT 1
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void lstm_sequence(
    __global const float *restrict xGates, const ulong xGatesOffset, __global const float *restrict panels,
    const ulong panelsOffset, __global const float *restrict h0, const ulong h0Offset,
    __global const float *restrict c0, const ulong c0Offset, __global float *y, const ulong yOffset,
    __global float *cells, const ulong cellsOffset, __global float *gates, const ulong gatesOffset,
    __global float *scratch, const ulong scratchOffset,
    const int steps, const int batch, const int h, const int share)
{
    const int first = (int)get_global_id(0) * share;
    const int rows = min(share, batch - first);
    xGates += xGatesOffset + (ulong)first * 4 * h;
    panels += panelsOffset;
    scratch += scratchOffset + (ulong)first * 4 * h;
    gates += gatesOffset + (ulong)first * 4 * h;
    y += yOffset + (ulong)first * h;
    cells += cellsOffset + (ulong)first * h;
    __global const float *hidden = h0 + h0Offset + (ulong)first * h;
    __global const float *cell = c0 + c0Offset + (ulong)first * h;
    for (int t = 0; t < steps; ++t) {
        product(rows, 4 * h, h, hidden, h, panels, 0, 0, scratch, 4 * h);
        for (int r = 0; r < rows; ++r) {
            __global const float *x = xGates + (ulong)r * 4 * h;
            __global const float *a = scratch + (ulong)r * 4 * h;
            __global float *gate = gates + (ulong)r * 4 * h;
            for (int u = 0; u < h; u += VECTOR_WIDTH) {
                const int left = h - u;
                const vfloat i = vsigmoid(load_row(x + u, left) + load_row(a + u, left));
                const vfloat f = vsigmoid(load_row(x + h + u, left) + load_row(a + h + u, left));
                const vfloat g = vtanh(load_row(x + 2 * h + u, left) + load_row(a + 2 * h + u, left));
                const vfloat o = vsigmoid(load_row(x + 3 * h + u, left) + load_row(a + 3 * h + u, left));
                const vfloat c = fma(f, load_row(cell + (ulong)r * h + u, left), i * g);
                store_row(i, gate + u, left);
                store_row(f, gate + h + u, left);
                store_row(g, gate + 2 * h + u, left);
                store_row(o, gate + 3 * h + u, left);
                store_row(c, cells + (ulong)r * h + u, left);
                store_row(o * vtanh(c), y + (ulong)r * h + u, left);
            }
        }
        hidden = y;
        cell = cells;
        xGates += (ulong)batch * 4 * h;
        gates += (ulong)batch * 4 * h;
        y += (ulong)batch * h;
        cells += (ulong)batch * h;
    }
}

// Back in time. Until the last step, dh0 holds each step's dh, and dc0 what flows to the cell before, f·dc.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void lstm_sequence_gradient(
    __global const float *restrict panels, const ulong panelsOffset, __global const float *restrict c0,
    const ulong c0Offset, __global const float *restrict cells, const ulong cellsOffset,
    __global const float *restrict gates, const ulong gatesOffset, __global const float *restrict dy,
    const ulong dyOffset,
#if HAS_CELL_COTANGENT
    __global const float *restrict dcells, const ulong dcellsOffset,
#endif
    __global float *dxGates, const ulong dxGatesOffset, __global float *dh0, const ulong dh0Offset,
    __global float *dc0, const ulong dc0Offset, const int steps, const int batch, const int h, const int share)
{
    const int first = (int)get_global_id(0) * share;
    const int rows = min(share, batch - first);
    const ulong stateStep = (ulong)batch * h;
    const ulong gateStep = 4 * stateStep;
    panels += panelsOffset;
    c0 += c0Offset + (ulong)first * h;
    cells += cellsOffset + (ulong)first * h;
    gates += gatesOffset + (ulong)first * 4 * h;
    dy += dyOffset + (ulong)first * h;
#if HAS_CELL_COTANGENT
    dcells += dcellsOffset + (ulong)first * h;
#endif
    dxGates += dxGatesOffset + (ulong)first * 4 * h;
    dh0 += dh0Offset + (ulong)first * h;
    dc0 += dc0Offset + (ulong)first * h;
    for (int t = steps - 1; t >= 0; --t) {
        const bool isLast = t == steps - 1;
        __global const float *dyNow = dy + t * stateStep;
        __global const float *dh = isLast ? dyNow : dh0;
        if (!isLast) {
            product(rows, h, 4 * h, dxGates + (t + 1) * gateStep, 4 * h, panels, dyNow, h, dh0, h);
        }
        __global const float *before = t == 0 ? c0 : cells + (t - 1) * stateStep;
        for (int r = 0; r < rows; ++r) {
            const ulong row = (ulong)r * h;
            __global const float *gate = gates + t * gateStep + 4 * row;
            __global float *da = dxGates + t * gateStep + 4 * row;
            for (int u = 0; u < h; u += VECTOR_WIDTH) {
                const int left = h - u;
                const vfloat i = load_row(gate + u, left);
                const vfloat f = load_row(gate + h + u, left);
                const vfloat g = load_row(gate + 2 * h + u, left);
                const vfloat o = load_row(gate + 3 * h + u, left);
                const vfloat tanhC = vtanh(load_row(cells + t * stateStep + row + u, left));
                const vfloat dhNow = load_row(dh + row + u, left);
                vfloat dc = dhNow * o * fma(-tanhC, tanhC, (vfloat)(1.0f));
                if (!isLast) dc += load_row(dc0 + row + u, left);
#if HAS_CELL_COTANGENT
                dc += load_row(dcells + t * stateStep + row + u, left);
#endif
                store_row(dc * g * i * (1.0f - i), da + u, left);
                store_row(dc * load_row(before + row + u, left) * f * (1.0f - f), da + h + u, left);
                store_row(dc * i * fma(-g, g, (vfloat)(1.0f)), da + 2 * h + u, left);
                store_row(dhNow * tanhC * o * (1.0f - o), da + 3 * h + u, left);
                store_row(f * dc, dc0 + row + u, left);
            }
        }
    }
    for (int r = 0; r < rows; ++r) {
        for (int u = 0; u < h; ++u) dh0[(ulong)r * h + u] = 0.0f;
    }
    product(rows, h, 4 * h, dxGates, 4 * h, panels, dh0, h, dh0, h);
}
