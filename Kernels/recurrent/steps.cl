// Recurrent cells one step a launch, for the GPU style.
//
// Follows common/math.cl (VECTOR_WIDTH 1). Every hidden unit of a step needs all units of the step before, and
// work-groups cannot wait for each other, so each step is a launch. A work-group takes TILE rows of the batch by TILE hidden units,
// a work-item one of these with all its gates, so that the gates never leave its registers before they are done:
//
//                    TILE units (of each gate)
//          k  ──►  ┌──────────┐
//    TILE rows     │ row·unit │    tiles of TILE k of h' and of wHidden pass through local memory
//                  └──────────┘
//
// Flops and shapes as in recurrent/lstm.cl, gru.cl and rnn.cl. A step reads the whole weight once for each TILE rows.
#ifndef TILE
#define TILE 16
#endif
#ifndef HAS_CELL_COTANGENT
#define HAS_CELL_COTANGENT 1
#endif
#ifndef IS_RELU
#define IS_RELU 0
#endif
#define STEP_KERNEL __kernel __attribute__((reqd_work_group_size(TILE, TILE, 1)))

// sum[gate] = Σₖ a[row, k]·w[gate·h + unit, k] for the work-item's row and unit.
static void gates_product(
    const int gates, const int row, const int unit, const int batch, const int h, __global const float *a,
    __global const float *w, float *sum, __local float *aTile, __local float *wTile)
{
    const int x = (int)get_local_id(0);
    const int y = (int)get_local_id(1);
    // The unit whose weights this work-item fetches: its rows are read along k.
    const int fetched = unit - x + y;
    for (int gate = 0; gate < gates; ++gate) sum[gate] = 0.0f;
    for (int k = 0; k < h; k += TILE) {
        aTile[y * TILE + x] = row < batch && k + x < h ? a[(ulong)row * h + k + x] : 0.0f;
        for (int gate = 0; gate < gates; ++gate) {
            wTile[(gate * TILE + y) * (TILE + 1) + x] =
                fetched < h && k + x < h ? w[(ulong)(gate * h + fetched) * h + k + x] : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = 0; i < TILE; ++i) {
            const float factor = aTile[y * TILE + i];
            for (int gate = 0; gate < gates; ++gate) {
                sum[gate] = fma(factor, wTile[(gate * TILE + x) * (TILE + 1) + i], sum[gate]);
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

// Σₖ a[row, k]·w[k, unit] for k up to `length`.
static float state_product(
    const int row, const int unit, const int batch, const int h, const int length, __global const float *a,
    __global const float *w, __local float *aTile, __local float *wTile)
{
    const int x = (int)get_local_id(0);
    const int y = (int)get_local_id(1);
    float sum = 0.0f;
    for (int k = 0; k < length; k += TILE) {
        aTile[y * TILE + x] = row < batch && k + x < length ? a[(ulong)row * length + k + x] : 0.0f;
        wTile[y * TILE + x] = unit < h && k + y < length ? w[(ulong)(k + y) * h + unit] : 0.0f;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = 0; i < TILE; ++i) sum = fma(aTile[y * TILE + i], wTile[i * TILE + x], sum);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return sum;
}

STEP_KERNEL void rnn_step(
    __global const float *restrict xGates, const ulong xGatesOffset, __global const float *restrict w,
    const ulong wOffset, __global const float *restrict h0, const ulong h0Offset, __global float *y,
    const ulong yOffset, const int t, const int batch, const int h)
{
    __local float aTile[TILE * TILE];
    __local float wTile[TILE * (TILE + 1)];
    const int unit = (int)get_global_id(0);
    const int row = (int)get_global_id(1);
    const ulong step = (ulong)batch * h;
    y += yOffset + t * step;
    __global const float *hidden = t == 0 ? h0 + h0Offset : y - step;
    float sum[1];
    gates_product(1, row, unit, batch, h, hidden, w + wOffset, sum, aTile, wTile);
    if (row >= batch || unit >= h) return;
    const ulong state = (ulong)row * h + unit;
    const float a = xGates[xGatesOffset + t * step + state] + sum[0];
    y[state] = IS_RELU ? (a < 0.0f ? 0.0f : a) : vtanh(a);
}

// Steps t = steps - 1 … 0, then t = -1 for dh0.
STEP_KERNEL void rnn_step_gradient(
    __global const float *restrict w, const ulong wOffset, __global const float *restrict y, const ulong yOffset,
    __global const float *restrict dy, const ulong dyOffset, __global float *dxGates, const ulong dxGatesOffset,
    __global float *dh0, const ulong dh0Offset, const int t, const int steps, const int batch, const int h)
{
    __local float aTile[TILE * TILE];
    __local float wTile[TILE * TILE];
    const int unit = (int)get_global_id(0);
    const int row = (int)get_global_id(1);
    const long step = (long)batch * h;
    dxGates += dxGatesOffset;
    float dh = 0.0f;
    if (t + 1 < steps) {
        dh = state_product(row, unit, batch, h, h, dxGates + (t + 1) * step, w + wOffset, aTile, wTile);
    }
    if (row >= batch || unit >= h) return;
    const long state = (long)row * h + unit;
    if (t < 0) {
        dh0[dh0Offset + state] = dh;
        return;
    }
    dh += dy[dyOffset + t * step + state];
    const float now = y[yOffset + t * step + state];
    dxGates[t * step + state] = IS_RELU ? (now > 0.0f ? dh : 0.0f) : dh * fma(-now, now, 1.0f);
}

STEP_KERNEL void lstm_step(
    __global const float *restrict xGates, const ulong xGatesOffset, __global const float *restrict w,
    const ulong wOffset, __global const float *restrict h0, const ulong h0Offset, __global const float *restrict c0,
    const ulong c0Offset, __global float *y, const ulong yOffset, __global float *cells, const ulong cellsOffset,
    __global float *gates, const ulong gatesOffset, const int t, const int batch, const int h)
{
    __local float aTile[TILE * TILE];
    __local float wTile[4 * TILE * (TILE + 1)];
    const int unit = (int)get_global_id(0);
    const int row = (int)get_global_id(1);
    const ulong step = (ulong)batch * h;
    y += yOffset + t * step;
    cells += cellsOffset + t * step;
    __global const float *hidden = t == 0 ? h0 + h0Offset : y - step;
    __global const float *cell = t == 0 ? c0 + c0Offset : cells - step;
    float a[4];
    gates_product(4, row, unit, batch, h, hidden, w + wOffset, a, aTile, wTile);
    if (row >= batch || unit >= h) return;
    const ulong state = (ulong)row * h + unit;
    const ulong gate = t * 4 * step + (ulong)row * 4 * h + unit;
    xGates += xGatesOffset + gate;
    gates += gatesOffset + gate;
    const float i = vsigmoid(xGates[0] + a[0]);
    const float f = vsigmoid(xGates[h] + a[1]);
    const float g = vtanh(xGates[2 * h] + a[2]);
    const float o = vsigmoid(xGates[3 * h] + a[3]);
    const float c = fma(f, cell[state], i * g);
    gates[0] = i;
    gates[h] = f;
    gates[2 * h] = g;
    gates[3 * h] = o;
    cells[state] = c;
    y[state] = o * vtanh(c);
}

// Steps t = steps - 1 … 0, then t = -1 for dh0. dc0 holds f·dc of the step after meanwhile.
STEP_KERNEL void lstm_step_gradient(
    __global const float *restrict w, const ulong wOffset, __global const float *restrict c0, const ulong c0Offset,
    __global const float *restrict cells, const ulong cellsOffset, __global const float *restrict gates,
    const ulong gatesOffset, __global const float *restrict dy, const ulong dyOffset,
#if HAS_CELL_COTANGENT
    __global const float *restrict dcells, const ulong dcellsOffset,
#endif
    __global float *dxGates, const ulong dxGatesOffset, __global float *dh0, const ulong dh0Offset,
    __global float *dc0, const ulong dc0Offset, const int t, const int steps, const int batch, const int h)
{
    __local float aTile[TILE * TILE];
    __local float wTile[TILE * TILE];
    const int unit = (int)get_global_id(0);
    const int row = (int)get_global_id(1);
    const long step = (long)batch * h;
    dxGates += dxGatesOffset;
    float dh = 0.0f;
    if (t + 1 < steps) {
        dh = state_product(row, unit, batch, h, 4 * h, dxGates + (t + 1) * 4 * step, w + wOffset, aTile, wTile);
    }
    if (row >= batch || unit >= h) return;
    const long state = (long)row * h + unit;
    if (t < 0) {
        dh0[dh0Offset + state] = dh;
        return;
    }
    dc0 += dc0Offset + state;
    const long gate = t * 4 * step + (long)row * 4 * h + unit;
    gates += gatesOffset + gate;
    dxGates += gate;
    cells += cellsOffset + state;
    dh += dy[dyOffset + t * step + state];
    const float i = gates[0];
    const float f = gates[h];
    const float g = gates[2 * h];
    const float o = gates[3 * h];
    const float tanhC = vtanh(cells[t * step]);
    float dc = dh * o * fma(-tanhC, tanhC, 1.0f);
    if (t + 1 < steps) dc += dc0[0];
#if HAS_CELL_COTANGENT
    dc += dcells[dcellsOffset + t * step + state];
#endif
    const float before = t == 0 ? c0[c0Offset + state] : cells[(t - 1) * step];
    dxGates[0] = dc * g * i * (1.0f - i);
    dxGates[h] = dc * before * f * (1.0f - f);
    dxGates[2 * h] = dc * i * fma(-g, g, 1.0f);
    dxGates[3 * h] = dh * tanhC * o * (1.0f - o);
    dc0[0] = f * dc;
}

STEP_KERNEL void gru_step(
    __global const float *restrict xGates, const ulong xGatesOffset, __global const float *restrict w,
    const ulong wOffset, __global const float *restrict bias, const ulong biasOffset,
    __global const float *restrict h0, const ulong h0Offset, __global float *y, const ulong yOffset,
    __global float *gates, const ulong gatesOffset, __global float *candidate, const ulong candidateOffset,
    const int t, const int batch, const int h)
{
    __local float aTile[TILE * TILE];
    __local float wTile[3 * TILE * (TILE + 1)];
    const int unit = (int)get_global_id(0);
    const int row = (int)get_global_id(1);
    const ulong step = (ulong)batch * h;
    y += yOffset + t * step;
    __global const float *hidden = t == 0 ? h0 + h0Offset : y - step;
    float u[3];
    gates_product(3, row, unit, batch, h, hidden, w + wOffset, u, aTile, wTile);
    if (row >= batch || unit >= h) return;
    const ulong state = (ulong)row * h + unit;
    const ulong gate = t * 3 * step + (ulong)row * 3 * h + unit;
    xGates += xGatesOffset + gate;
    gates += gatesOffset + gate;
    bias += biasOffset + unit;
    const float reset = vsigmoid(xGates[0] + (u[0] + bias[0]));
    const float z = vsigmoid(xGates[h] + (u[1] + bias[h]));
    const float un = u[2] + bias[2 * h];
    const float n = vtanh(fma(reset, un, xGates[2 * h]));
    gates[0] = reset;
    gates[h] = z;
    gates[2 * h] = n;
    candidate[candidateOffset + t * step + state] = un;
    y[state] = fma(z, hidden[state], (1.0f - z) * n);
}

// Steps t = steps - 1 … 0, then t = -1 for dh0, which holds z·dh of the step after meanwhile.
STEP_KERNEL void gru_step_gradient(
    __global const float *restrict w, const ulong wOffset, __global const float *restrict h0, const ulong h0Offset,
    __global const float *restrict y, const ulong yOffset, __global const float *restrict gates,
    const ulong gatesOffset, __global const float *restrict candidate, const ulong candidateOffset,
    __global const float *restrict dy, const ulong dyOffset, __global float *dxGates, const ulong dxGatesOffset,
    __global float *dhGates, const ulong dhGatesOffset, __global float *dh0, const ulong dh0Offset,
    const int t, const int steps, const int batch, const int h)
{
    __local float aTile[TILE * TILE];
    __local float wTile[TILE * TILE];
    const int unit = (int)get_global_id(0);
    const int row = (int)get_global_id(1);
    const long step = (long)batch * h;
    dhGates += dhGatesOffset;
    float dh = 0.0f;
    if (t + 1 < steps) {
        dh = state_product(row, unit, batch, h, 3 * h, dhGates + (t + 1) * 3 * step, w + wOffset, aTile, wTile);
    }
    if (row >= batch || unit >= h) return;
    const long state = (long)row * h + unit;
    dh0 += dh0Offset + state;
    if (t + 1 < steps) dh += dh0[0];
    if (t < 0) {
        dh0[0] = dh;
        return;
    }
    const long gate = t * 3 * step + (long)row * 3 * h + unit;
    gates += gatesOffset + gate;
    dxGates += dxGatesOffset + gate;
    dhGates += gate;
    dh += dy[dyOffset + t * step + state];
    const float reset = gates[0];
    const float z = gates[h];
    const float n = gates[2 * h];
    const float before = t == 0 ? h0[h0Offset + state] : y[yOffset + (t - 1) * step + state];
    const float dn = dh * (1.0f - z) * fma(-n, n, 1.0f);
    const float dr = dn * candidate[candidateOffset + t * step + state] * reset * (1.0f - reset);
    const float dz = dh * (before - n) * z * (1.0f - z);
    dxGates[0] = dr;
    dxGates[h] = dz;
    dxGates[2 * h] = dn;
    dhGates[0] = dr;
    dhGates[h] = dz;
    dhGates[2 * h] = dn * reset;
    dh0[0] = dh * z;
}
