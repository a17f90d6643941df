// Plain recurrent cells over a whole sequence, for the CPU style: each work-item takes `share` rows of the batch through
// all steps.
//
// Follows common/math.cl and recurrent/panels.cl; laid out as recurrent/lstm.cl, with one gate: 2·rows·h² flops a step
// and pass. Shapes and formulas are in TensorGraph/Ops/Recurrent.swift.
#ifndef IS_RELU
#define IS_RELU 0
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void rnn_sequence(
    __global const float *restrict xGates, const ulong xGatesOffset, __global const float *restrict panels,
    const ulong panelsOffset, __global const float *restrict h0, const ulong h0Offset, __global float *y,
    const ulong yOffset, const int steps, const int batch, const int h, const int share)
{
    vfloat sums[TILE_M];
    const int first = (int)get_global_id(0) * share;
    const int rows = min(share, batch - first);
    const int stripes = STRIPES(rows, TILE_M);
    xGates += xGatesOffset + (ulong)first * h;
    panels += panelsOffset;
    y += yOffset + (ulong)first * h;
    __global const float *hidden = h0 + h0Offset + (ulong)first * h;
    for (int t = 0; t < steps; ++t) {
        for (int u = 0; u < h; u += VECTOR_WIDTH) {
            const int left = h - u;
            for (int stripe = 0; stripe < stripes; ++stripe) {
                const int top = STRIPE_TOP(rows, stripe, stripes), end = STRIPE_TOP(rows, stripe + 1, stripes);
                for (int r = top; r < end; ++r) PREFETCH(xGates + (ulong)r * h + u);
                gate_sums(end - top, hidden + (ulong)top * h, h, panels + (ulong)u * h, sums);
                for (int r = top; r < end; ++r) {
                    const ulong state = (ulong)r * h + u;
                    const vfloat a = load_row(xGates + state, left) + sums[r - top];
#if IS_RELU
                    store_row(select(a, (vfloat)(0.0f), (vint)(a < 0.0f)), y + state, left);
#else
                    store_row(vtanh(a), y + state, left);
#endif
                }
            }
        }
        hidden = y;
        xGates += (ulong)batch * h;
        y += (ulong)batch * h;
    }
}

// Back in time, and at t = -1 the product that gives dh0.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void rnn_sequence_gradient(
    __global const float *restrict panels, const ulong panelsOffset, __global const float *restrict y,
    const ulong yOffset, __global const float *restrict dy, const ulong dyOffset, __global float *dxGates,
    const ulong dxGatesOffset, __global float *dh0, const ulong dh0Offset, const int steps, const int batch,
    const int h, const int share)
{
    const int width = OUTER_VECTORS * VECTOR_WIDTH;
    vfloat sums[OUTER_ROWS * OUTER_VECTORS];
    const int first = (int)get_global_id(0) * share;
    const int rows = min(share, batch - first);
    const int stripes = STRIPES(rows, OUTER_ROWS);
    const long step = (long)batch * h;
    panels += panelsOffset;
    y += yOffset + (ulong)first * h;
    dy += dyOffset + (ulong)first * h;
    dxGates += dxGatesOffset + (ulong)first * h;
    dh0 += dh0Offset + (ulong)first * h;
    for (int i = 0; i < OUTER_ROWS * OUTER_VECTORS; ++i) sums[i] = 0.0f;
    for (int t = steps - 1; t >= -1; --t) {
        __global const float *later = dxGates + (t + 1) * step;
        for (int column = 0; column < h; column += width) {
            for (int stripe = 0; stripe < stripes; ++stripe) {
                const int top = STRIPE_TOP(rows, stripe, stripes), end = STRIPE_TOP(rows, stripe + 1, stripes);
                if (t + 1 < steps) state_sums(end - top, later + (ulong)top * h, h, panels + (ulong)column * h, sums);
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
                        dh += load_row(dy + t * step + state, left);
                        const vfloat now = load_row(y + t * step + state, left);
#if IS_RELU
                        const vfloat da = select((vfloat)(0.0f), dh, (vint)(now > 0.0f));
#else
                        const vfloat da = dh * fma(-now, now, (vfloat)(1.0f));
#endif
                        store_row(da, dxGates + t * step + state, left);
                    }
                }
            }
        }
    }
}
