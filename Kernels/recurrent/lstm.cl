// LSTM over a whole sequence, for the CPU style: each work-item takes `share` rows of the batch through all steps.
//
// Follows common/math.cl and recurrent/panels.cl. Shapes and formulas are in TensorGraph/Ops/Recurrent.swift. A step is
// one product of [rows, h] with wHiddenᵀ [h, 4h] (backward: of [rows, 4h] with wHidden [4h, h]), 8·rows·h² flops from a
// packed weight, 16·h² bytes that stay in the second- or third-level cache; what the cell does to a tile of sums follows
// at once, while they are near. Besides the weight a step moves 44·rows·h bytes (backward 52). The products with the
// inputs and the weights' gradients are matrix products outside.
#ifndef HAS_CELL_COTANGENT
#define HAS_CELL_COTANGENT 1
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void lstm_sequence(
    __global const float *restrict xGates, const ulong xGatesOffset, __global const float *restrict panels,
    const ulong panelsOffset, __global const float *restrict h0, const ulong h0Offset,
    __global const float *restrict c0, const ulong c0Offset, __global float *y, const ulong yOffset,
    __global float *cells, const ulong cellsOffset, __global float *gates, const ulong gatesOffset,
    const int steps, const int batch, const int h, const int share)
{
    vfloat sums[TILE_M * 4];
    const int first = (int)get_global_id(0) * share;
    const int rows = min(share, batch - first);
    const int stripes = STRIPES(rows, TILE_M);
    xGates += xGatesOffset + (ulong)first * 4 * h;
    panels += panelsOffset;
    gates += gatesOffset + (ulong)first * 4 * h;
    y += yOffset + (ulong)first * h;
    cells += cellsOffset + (ulong)first * h;
    __global const float *hidden = h0 + h0Offset + (ulong)first * h;
    __global const float *cell = c0 + c0Offset + (ulong)first * h;
    for (int t = 0; t < steps; ++t) {
        for (int u = 0; u < h; u += VECTOR_WIDTH) {
            const int left = h - u;
            for (int stripe = 0; stripe < stripes; ++stripe) {
                const int top = STRIPE_TOP(rows, stripe, stripes), end = STRIPE_TOP(rows, stripe + 1, stripes);
                for (int r = top; r < end; ++r) {
                    for (int gate = 0; gate < 4; ++gate) PREFETCH(xGates + ((ulong)r * 4 + gate) * h + u);
                }
                gate_sums(end - top, hidden + (ulong)top * h, h, panels + (ulong)u * 4 * h, sums);
                for (int r = top; r < end; ++r) {
                    const vfloat *a = sums + (r - top) * 4;
                    __global const float *x = xGates + (ulong)r * 4 * h + u;
                    __global float *gate = gates + (ulong)r * 4 * h + u;
                    const vfloat i = vsigmoid(load_row(x, left) + a[0]);
                    const vfloat f = vsigmoid(load_row(x + h, left) + a[1]);
                    const vfloat g = vtanh(load_row(x + 2 * h, left) + a[2]);
                    const vfloat o = vsigmoid(load_row(x + 3 * h, left) + a[3]);
                    const vfloat c = fma(f, load_row(cell + (ulong)r * h + u, left), i * g);
                    store_row(i, gate, left);
                    store_row(f, gate + h, left);
                    store_row(g, gate + 2 * h, left);
                    store_row(o, gate + 3 * h, left);
                    store_row(c, cells + (ulong)r * h + u, left);
                    store_row(o * vtanh(c), y + (ulong)r * h + u, left);
                }
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

// Back in time, and at t = -1 the product that gives dh0. dc0 holds meanwhile what flows to the cell before, f·dc.
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
    const int width = OUTER_VECTORS * VECTOR_WIDTH;
    vfloat sums[OUTER_ROWS * OUTER_VECTORS];
    const int first = (int)get_global_id(0) * share;
    const int rows = min(share, batch - first);
    const int stripes = STRIPES(rows, OUTER_ROWS);
    const long stateStep = (long)batch * h;
    const long gateStep = 4 * stateStep;
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
    for (int i = 0; i < OUTER_ROWS * OUTER_VECTORS; ++i) sums[i] = 0.0f;
    for (int t = steps - 1; t >= -1; --t) {
        const bool isLast = t == steps - 1;
        __global const float *later = dxGates + (t + 1) * gateStep;
        __global const float *before = t <= 0 ? c0 : cells + (t - 1) * stateStep;
        for (int column = 0; column < h; column += width) {
            for (int stripe = 0; stripe < stripes; ++stripe) {
                const int top = STRIPE_TOP(rows, stripe, stripes), end = STRIPE_TOP(rows, stripe + 1, stripes);
                if (!isLast) {
                    state_sums(end - top, later + (ulong)top * 4 * h, 4 * h, panels + (ulong)column * 4 * h, sums);
                }
                for (int r = top; r < end; ++r) {
                    for (int j = 0; j < OUTER_VECTORS; ++j) {
                        const int u = column + j * VECTOR_WIDTH;
                        const int left = h - u;
                        const long state = (long)r * h + u;
                        if (left <= 0) break;
                        vfloat dh = sums[(r - top) * OUTER_VECTORS + j];
                        if (t < 0) {
                            store_row(dh, dh0 + state, left);
                            continue;
                        }
                        dh += load_row(dy + t * stateStep + state, left);
                        __global const float *gate = gates + t * gateStep + (long)r * 4 * h + u;
                        __global float *da = dxGates + t * gateStep + (long)r * 4 * h + u;
                        const vfloat i = load_row(gate, left);
                        const vfloat f = load_row(gate + h, left);
                        const vfloat g = load_row(gate + 2 * h, left);
                        const vfloat o = load_row(gate + 3 * h, left);
                        const vfloat tanhC = vtanh(load_row(cells + t * stateStep + state, left));
                        vfloat dc = dh * o * fma(-tanhC, tanhC, (vfloat)(1.0f));
                        if (!isLast) dc += load_row(dc0 + state, left);
#if HAS_CELL_COTANGENT
                        dc += load_row(dcells + t * stateStep + state, left);
#endif
                        store_row(dc * g * i * (1.0f - i), da, left);
                        store_row(dc * load_row(before + state, left) * f * (1.0f - f), da + h, left);
                        store_row(dc * i * fma(-g, g, (vfloat)(1.0f)), da + 2 * h, left);
                        store_row(dh * tanhC * o * (1.0f - o), da + 3 * h, left);
                        store_row(f * dc, dc0 + state, left);
                    }
                }
            }
        }
    }
}
