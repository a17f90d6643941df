// Layer normalisation of the rows of x [rows, columns], and its gradient.
//
//   layer_norm           y = (x - mean) · inverse · scale + bias, inverse = 1 / sqrt(variance + epsilon)
//   layer_norm_gradient  g = dy · scale, z = (x - mean) · inverse:
//                        dx = inverse · (g - mean of g - z · mean of g·z);  dscale = Σ_rows dy·z;  dbias = Σ_rows dy
//
// A team takes a run of rows. 8 bytes an element forward, 12 backward, half of that in 16 bits, as a row stays in cache for
// the next passes. Means, deviations and partial sums are floats whatever the type.
// dscale and dbias: each team adds up those of its rows, at most SUM_BLOCK, in partial sums [teams, columns] of its own,
// whose columns are then added by reduce_columns: no atomics, one order. Ba et al., Layer Normalization, 2016.
// Goes after common/math.cl, common/vector.cl, common/storage.cl, common/team.cl, common/source.cl and
// normalization/moments.cl.

TEAM_KERNEL void layer_norm(
    SOURCE_TENSOR(x), __global const STORED *restrict scale,
    const ulong scaleOffset, __global const STORED *restrict bias, const ulong biasOffset, __global STORED *restrict y,
    const ulong yOffset, __global float *restrict mean, const ulong meanOffset, __global float *restrict inverse,
    const ulong inverseOffset, const int rows, const int columns, const float epsilon)
{
    TEAM_MEMORY
    const int whole = TEAM_WHOLE(columns);
    scale += scaleOffset;
    bias += biasOffset;
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global STORED *to = y + yOffset + (long)row * columns;
        SOURCE_ROW(from, x, row, columns, to)

        const float average = row_mean(from, columns TEAM_PASSED);
        const float deviation = row_inverse_deviation(from, columns, average, epsilon TEAM_PASSED);
        for EACH_TEAM_VECTOR(i, columns)
            STORE(fma((LOAD(from + i) - average) * deviation, LOAD(scale + i), LOAD(bias + i)), to + i);
        if (HAS_TEAM_REST(columns))
            for (int n = whole; n < columns; n++)
                STORE1(fma((LOAD1(from + n) - average) * deviation, LOAD1(scale + n), LOAD1(bias + n)), to + n);
        if (get_local_id(0) == 0) {
            mean[meanOffset + row] = average;
            inverse[inverseOffset + row] = deviation;
        }
    }
}

// `scalePartials` and `biasPartials` are [work-groups, columns].
TEAM_KERNEL void layer_norm_gradient(
    __global const STORED *restrict x, const ulong xOffset, __global const STORED *restrict scale,
    const ulong scaleOffset, __global const float *restrict mean, const ulong meanOffset,
    __global const float *restrict inverse, const ulong inverseOffset, SOURCE_TENSOR(dy), __global STORED *restrict dx,
    const ulong dxOffset, __global float *restrict scalePartials, const ulong scalePartialsOffset, __global float *restrict biasPartials, const ulong biasPartialsOffset,
    const int rows, const int columns)
{
    TEAM_MEMORY
    const int whole = TEAM_WHOLE(columns), rest = TEAM_REST(columns);
    scale += scaleOffset;
    // Each item adds only into the columns that are its own in every row, so that no barrier is needed.
    __global float *dscale = scalePartials + scalePartialsOffset + (long)get_group_id(0) * columns;
    __global float *dbias = biasPartials + biasPartialsOffset + (long)get_group_id(0) * columns;
    for EACH_TEAM_VECTOR(i, columns) {
        vfloat_store((vfloat)(0.0f), dscale + i);
        vfloat_store((vfloat)(0.0f), dbias + i);
    }
    if (HAS_TEAM_REST(columns)) {
        vfloat_store_tail((vfloat)(0.0f), dscale + whole, rest);
        vfloat_store_tail((vfloat)(0.0f), dbias + whole, rest);
    }

    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const STORED *values = x + xOffset + (long)row * columns;
        __global STORED *to = dx + dxOffset + (long)row * columns;
        SOURCE_ROW(cotangents, dy, row, columns, to)
        const float average = mean[meanOffset + row], deviation = inverse[inverseOffset + row];

        LongSum total = {0.0f, 0.0f}, products = {0.0f, 0.0f};
        for EACH_TEAM_BLOCK(first, length, columns) {
            vfloat part = 0.0f, productPart = 0.0f;
            for EACH_TEAM_VECTOR(n, length) {
                const int i = first + n;
                const vfloat cotangent = LOAD(cotangents + i);
                const vfloat normal = (LOAD(values + i) - average) * deviation;
                const vfloat slope = cotangent * LOAD(scale + i);
                part += slope;
                productPart = fma(slope, normal, productPart);
                vfloat_store(fma(cotangent, normal, vfloat_load(dscale + i)), dscale + i);
                vfloat_store(vfloat_load(dbias + i) + cotangent, dbias + i);
            }
            total = added_to(total, part);
            products = added_to(products, productPart);
        }
        if (HAS_TEAM_REST(columns)) {
            const vfloat cotangent = LOAD_TAIL(cotangents + whole, rest, 0.0f);
            const vfloat normal = (LOAD_TAIL(values + whole, rest, average) - average) * deviation;
            const vfloat slope = cotangent * LOAD_TAIL(scale + whole, rest, 0.0f);
            total = added_to(total, slope);
            products = added_to(products, slope * normal);
            vfloat_store_tail(
                fma(cotangent, normal, vfloat_load_tail(dscale + whole, rest, 0.0f)), dscale + whole, rest);
            vfloat_store_tail(vfloat_load_tail(dbias + whole, rest, 0.0f) + cotangent, dbias + whole, rest);
        }
        const float slopeMean = team_sum(value_of(total)) / columns, productMean = team_sum(value_of(products)) / columns;

        for EACH_TEAM_VECTOR(i, columns) {
            const vfloat normal = (LOAD(values + i) - average) * deviation;
            const vfloat slope = LOAD(cotangents + i) * LOAD(scale + i);
            STORE(deviation * (slope - slopeMean - normal * productMean), to + i);
        }
        if (HAS_TEAM_REST(columns))
            for (int n = whole; n < columns; n++) {
                const float normal = (LOAD1(values + n) - average) * deviation;
                STORE1(
                    deviation * (LOAD1(cotangents + n) * LOAD1(scale + n) - slopeMean - normal * productMean), to + n);
            }
    }
}
