// Softmax, log-softmax and their gradients over the last axis of x [rows, columns].
//
//   softmax               y = eˣ⁻ᵐ / Σ eˣ⁻ᵐ            m the row's maximum
//   softmax_gradient      dx = y · (dy - Σ y·dy)
//   log_softmax           y = x - m - ln Σ eˣ⁻ᵐ
//   log_softmax_gradient  dx = dy - eʸ · Σ dy
//
// A team takes row after row (common/team.cl draws it). A row is read from memory once and stays in cache or registers
// for the passes after the first: 8 bytes an element forward, 12 backward, half of that in 16 bits. A NaN or +inf in a
// row makes the row NaN, as does a row of -inf. With SOURCE a program makes x, or dy. Milakov and Gimelshein, Online
// normalizer calculation for softmax, 2018, for the passes counted.
// Goes after common/math.cl, common/vector.cl, common/storage.cl, common/team.cl, common/source.cl and
// softmax/row_logarithm.cl.

TEAM_KERNEL void softmax(
    SOURCE_TENSOR(x), __global STORED *restrict y, const ulong yOffset,
    const int rows, const int columns)
{
    TEAM_MEMORY
    const int whole = TEAM_WHOLE(columns), rest = TEAM_REST(columns);
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global STORED *to = y + yOffset + (long)row * columns;
        SOURCE_ROW(from, x, row, columns, to)

        vfloat largest = -INFINITY;
        for EACH_TEAM_VECTOR(i, columns) largest = vlarger(largest, LOAD(from + i));
        if (HAS_TEAM_REST(columns)) largest = vlarger(largest, LOAD_TAIL(from + whole, rest, -INFINITY));
        const float maximum = team_largest(largest);

        LongSum sums = {0.0f, 0.0f};
        vfloat last = 0.0f;
        for EACH_TEAM_BLOCK(first, length, columns) {
            vfloat sum = 0.0f;
            for EACH_TEAM_VECTOR(i, length) {
                const vfloat power = vexp_nonpositive(LOAD(from + first + i) - maximum);
#if STORES_ALL
                STORE(power, to + first + i);
#endif
                sum += power;
            }
            sums = added_to(sums, sum);
        }
        if (HAS_TEAM_REST(columns)) {
            // Lanes past the row add nothing, unless the maximum is infinite or NaN: then the sum is NaN in any case.
            last = vexp_nonpositive(LOAD_TAIL(from + whole, rest, -INFINITY) - maximum);
            sums = added_to(sums, last);
        }
        const float factor = 1.0f / team_sum(value_of(sums));
#if STORES_ALL
        for EACH_TEAM_VECTOR(i, columns) STORE(LOAD(to + i) * factor, to + i);
#else
        // Of 16 bits, a power would be rounded twice, and a small one lose most of its digits.
        for EACH_TEAM_VECTOR(i, columns) STORE(vexp_nonpositive(LOAD(from + i) - maximum) * factor, to + i);
#endif
        if (HAS_TEAM_REST(columns)) STORE_TAIL(last * factor, to + whole, rest);
    }
}

TEAM_KERNEL void softmax_gradient(
    __global const STORED *restrict y, const ulong yOffset, SOURCE_TENSOR(dy),
    __global STORED *restrict dx, const ulong dxOffset, const int rows, const int columns)
{
    TEAM_MEMORY
    const int whole = TEAM_WHOLE(columns), rest = TEAM_REST(columns);
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const STORED *values = y + yOffset + (long)row * columns;
        __global STORED *to = dx + dxOffset + (long)row * columns;
        SOURCE_ROW(cotangents, dy, row, columns, to)

        LongSum sums = {0.0f, 0.0f};
        for EACH_TEAM_BLOCK(first, length, columns) {
            vfloat products = 0.0f;
            for EACH_TEAM_VECTOR(i, length)
                products = fma(LOAD(values + first + i), LOAD(cotangents + first + i), products);
            sums = added_to(sums, products);
        }
        if (HAS_TEAM_REST(columns))
            sums = added_to(
                sums,
                LOAD_TAIL(values + whole, rest, 0.0f) * LOAD_TAIL(cotangents + whole, rest, 0.0f));
        const float sum = team_sum(value_of(sums));
        for EACH_TEAM_VECTOR(i, columns)
            STORE(LOAD(values + i) * (LOAD(cotangents + i) - sum), to + i);
        if (HAS_TEAM_REST(columns))
            for (int n = whole; n < columns; n++) STORE1(LOAD1(values + n) * (LOAD1(cotangents + n) - sum), to + n);
    }
}

TEAM_KERNEL void log_softmax(
    SOURCE_TENSOR(x), __global STORED *restrict y, const ulong yOffset,
    const int rows, const int columns)
{
    TEAM_MEMORY
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global STORED *to = y + yOffset + (long)row * columns;
        SOURCE_ROW(from, x, row, columns, to)
        ROW_EXPONENTIALS(from, columns, maximum, total)
        const float logarithm = log(total);
        for EACH_TEAM_VECTOR(i, columns) STORE(LOAD(from + i) - maximum - logarithm, to + i);
        if (HAS_TEAM_REST(columns))
            for (int n = TEAM_WHOLE(columns); n < columns; n++) STORE1(LOAD1(from + n) - maximum - logarithm, to + n);
    }
}

TEAM_KERNEL void log_softmax_gradient(
    __global const STORED *restrict y, const ulong yOffset, SOURCE_TENSOR(dy),
    __global STORED *restrict dx, const ulong dxOffset, const int rows, const int columns)
{
    TEAM_MEMORY
    const int whole = TEAM_WHOLE(columns), rest = TEAM_REST(columns);
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const STORED *values = y + yOffset + (long)row * columns;
        __global STORED *to = dx + dxOffset + (long)row * columns;
        SOURCE_ROW(cotangents, dy, row, columns, to)

        LongSum sums = {0.0f, 0.0f};
        for EACH_TEAM_BLOCK(first, length, columns) {
            vfloat part = 0.0f;
            for EACH_TEAM_VECTOR(i, length) part += LOAD(cotangents + first + i);
            sums = added_to(sums, part);
        }
        if (HAS_TEAM_REST(columns)) sums = added_to(sums, LOAD_TAIL(cotangents + whole, rest, 0.0f));
        const vfloat sum = team_sum(value_of(sums));
        for EACH_TEAM_VECTOR(i, columns)
            STORE(fma(-vexp(LOAD(values + i)), sum, LOAD(cotangents + i)), to + i);
        if (HAS_TEAM_REST(columns)) {
            const vfloat power = vexp(LOAD_TAIL(values + whole, rest, 0.0f));
            STORE_TAIL(fma(-power, sum, LOAD_TAIL(cotangents + whole, rest, 0.0f)), to + whole, rest);
        }
    }
}
