// Softmax, log-softmax and their gradients over the last axis of x [rows, columns].
//
//   softmax             y = eˣ⁻ᵐ / Σ eˣ⁻ᵐ            m the row's maximum
//   softmaxGradient     dx = y · (dy - Σ y·dy)
//   logSoftmax          y = x - m - ln Σ eˣ⁻ᵐ
//   logSoftmaxGradient  dx = dy - eʸ · Σ dy
//
// A team takes row after row (common/team.cl draws it). A row is read from memory once and stays in cache or registers
// for the passes after the first: 8 bytes an element forward, 12 backward. A NaN or +inf in a row makes the row NaN, as
// does a row of -inf. Milakov and Gimelshein, Online normalizer calculation for softmax, 2018, for the passes counted.
// Goes after common/math.cl, common/vector.cl, common/team.cl and softmax/row_logarithm.cl.

TEAM_KERNEL void softmax(
    __global const float *restrict x, const ulong xOffset, __global float *restrict y, const ulong yOffset,
    const int rows, const int columns)
{
    TEAM_MEMORY
    const int whole = TEAM_WHOLE(columns), rest = TEAM_REST(columns);
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const float *from = x + xOffset + (long)row * columns;
        __global float *to = y + yOffset + (long)row * columns;

        vfloat largest = -INFINITY;
        for EACH_TEAM_VECTOR(i, columns) largest = vlarger(largest, vfloat_load(from + i));
        if (HAS_TEAM_REST(columns)) largest = vlarger(largest, vfloat_load_tail(from + whole, rest, -INFINITY));
        const float maximum = teamLargest(largest);

        LongSum sums = {0.0f, 0.0f};
        vfloat last = 0.0f;
        for EACH_TEAM_BLOCK(first, length, columns) {
            vfloat sum = 0.0f;
            for EACH_TEAM_VECTOR(i, length) {
                const vfloat power = vexp_nonpositive(vfloat_load(from + first + i) - maximum);
                vfloat_store(power, to + first + i);
                sum += power;
            }
            sums = addedTo(sums, sum);
        }
        if (HAS_TEAM_REST(columns)) {
            // Lanes past the row add nothing, unless the maximum is infinite or NaN: then the sum is NaN in any case.
            last = vexp_nonpositive(vfloat_load_tail(from + whole, rest, -INFINITY) - maximum);
            sums = addedTo(sums, last);
        }
        const float factor = 1.0f / teamSum(valueOf(sums));
        for EACH_TEAM_VECTOR(i, columns) vfloat_store(vfloat_load(to + i) * factor, to + i);
        if (HAS_TEAM_REST(columns)) vfloat_store_tail(last * factor, to + whole, rest);
    }
}

TEAM_KERNEL void softmaxGradient(
    __global const float *restrict y, const ulong yOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict dx, const ulong dxOffset, const int rows, const int columns)
{
    TEAM_MEMORY
    const int whole = TEAM_WHOLE(columns), rest = TEAM_REST(columns);
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const float *values = y + yOffset + (long)row * columns;
        __global const float *cotangents = dy + dyOffset + (long)row * columns;
        __global float *to = dx + dxOffset + (long)row * columns;

        LongSum sums = {0.0f, 0.0f};
        for EACH_TEAM_BLOCK(first, length, columns) {
            vfloat products = 0.0f;
            for EACH_TEAM_VECTOR(i, length)
                products = fma(vfloat_load(values + first + i), vfloat_load(cotangents + first + i), products);
            sums = addedTo(sums, products);
        }
        if (HAS_TEAM_REST(columns))
            sums = addedTo(
                sums,
                vfloat_load_tail(values + whole, rest, 0.0f) * vfloat_load_tail(cotangents + whole, rest, 0.0f));
        const float sum = teamSum(valueOf(sums));
        for EACH_TEAM_VECTOR(i, columns)
            vfloat_store(vfloat_load(values + i) * (vfloat_load(cotangents + i) - sum), to + i);
        if (HAS_TEAM_REST(columns))
            for (int n = whole; n < columns; n++) to[n] = values[n] * (cotangents[n] - sum);
    }
}

TEAM_KERNEL void logSoftmax(
    __global const float *restrict x, const ulong xOffset, __global float *restrict y, const ulong yOffset,
    const int rows, const int columns)
{
    TEAM_MEMORY
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const float *from = x + xOffset + (long)row * columns;
        __global float *to = y + yOffset + (long)row * columns;
        ROW_EXPONENTIALS(from, columns, maximum, total)
        const float logarithm = log(total);
        for EACH_TEAM_VECTOR(i, columns) vfloat_store(vfloat_load(from + i) - maximum - logarithm, to + i);
        if (HAS_TEAM_REST(columns))
            for (int n = TEAM_WHOLE(columns); n < columns; n++) to[n] = from[n] - maximum - logarithm;
    }
}

TEAM_KERNEL void logSoftmaxGradient(
    __global const float *restrict y, const ulong yOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict dx, const ulong dxOffset, const int rows, const int columns)
{
    TEAM_MEMORY
    const int whole = TEAM_WHOLE(columns), rest = TEAM_REST(columns);
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const float *values = y + yOffset + (long)row * columns;
        __global const float *cotangents = dy + dyOffset + (long)row * columns;
        __global float *to = dx + dxOffset + (long)row * columns;

        LongSum sums = {0.0f, 0.0f};
        for EACH_TEAM_BLOCK(first, length, columns) {
            vfloat part = 0.0f;
            for EACH_TEAM_VECTOR(i, length) part += vfloat_load(cotangents + first + i);
            sums = addedTo(sums, part);
        }
        if (HAS_TEAM_REST(columns)) sums = addedTo(sums, vfloat_load_tail(cotangents + whole, rest, 0.0f));
        const vfloat sum = teamSum(valueOf(sums));
        for EACH_TEAM_VECTOR(i, columns)
            vfloat_store(fma(-vexp(vfloat_load(values + i)), sum, vfloat_load(cotangents + i)), to + i);
        if (HAS_TEAM_REST(columns)) {
            const vfloat power = vexp(vfloat_load_tail(values + whole, rest, 0.0f));
            vfloat_store_tail(
                fma(-power, sum, vfloat_load_tail(cotangents + whole, rest, 0.0f)), to + whole, rest);
        }
    }
}
