// Root mean square normalisation of the rows of x [rows, columns], and its gradient.
//
//   rms_norm           y = x · inverse · scale, inverse = 1 / sqrt(mean of x² + epsilon)
//   rms_norm_gradient  g = dy · scale, z = x · inverse:  dx = inverse · (g - z · mean of g·z);  dscale = Σ_rows dy·z
//
// A team takes a run of rows, as in layer_norm.cl, which this is without the mean. 8 bytes an element forward, 12 backward.
// Zhang and Sennrich, Root Mean Square Layer Normalization, 2019.
// Goes after common/math.cl, common/vector.cl, common/storage.cl, common/team.cl, common/source.cl and
// normalization/moments.cl.

TEAM_KERNEL void rms_norm(
    SOURCE_TENSOR(x), __global const STORED *restrict scale,
    const ulong scaleOffset, __global STORED *restrict y, const ulong yOffset, __global float *restrict inverse,
    const ulong inverseOffset, const int rows, const int columns, const float epsilon)
{
    TEAM_MEMORY
    scale += scaleOffset;
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global STORED *to = y + yOffset + (long)row * columns;
        SOURCE_ROW(from, x, row, columns, to)
        const float root = row_inverse_deviation(from, columns, 0.0f, epsilon TEAM_PASSED);
        for EACH_TEAM_VECTOR(i, columns)
            STORE(LOAD(from + i) * root * LOAD(scale + i), to + i);
        if (HAS_TEAM_REST(columns))
            for (int n = TEAM_WHOLE(columns); n < columns; n++) STORE1(LOAD1(from + n) * root * LOAD1(scale + n), to + n);
        if (get_local_id(0) == 0) inverse[inverseOffset + row] = root;
    }
}

// `scalePartials` is [work-groups, columns].
TEAM_KERNEL void rms_norm_gradient(
    __global const STORED *restrict x, const ulong xOffset, __global const STORED *restrict scale,
    const ulong scaleOffset, __global const float *restrict inverse, const ulong inverseOffset,
    SOURCE_TENSOR(dy), __global STORED *restrict dx, const ulong dxOffset,
    __global float *restrict scalePartials, const ulong scalePartialsOffset, const int rows, const int columns)
{
    TEAM_MEMORY
    const int whole = TEAM_WHOLE(columns), rest = TEAM_REST(columns);
    scale += scaleOffset;
    // Each item adds only into the columns that are its own in every row, so that no barrier is needed.
    __global float *dscale = scalePartials + scalePartialsOffset + (long)get_group_id(0) * columns;
    for EACH_TEAM_VECTOR(i, columns) vfloat_store((vfloat)(0.0f), dscale + i);
    if (HAS_TEAM_REST(columns)) vfloat_store_tail((vfloat)(0.0f), dscale + whole, rest);

    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const STORED *values = x + xOffset + (long)row * columns;
        __global STORED *to = dx + dxOffset + (long)row * columns;
        SOURCE_ROW(cotangents, dy, row, columns, to)
        const float root = inverse[inverseOffset + row];

        LongSum products = {0.0f, 0.0f};
        for EACH_TEAM_BLOCK(first, length, columns) {
            vfloat part = 0.0f;
            for EACH_TEAM_VECTOR(n, length) {
                const int i = first + n;
                const vfloat product = LOAD(cotangents + i) * (LOAD(values + i) * root);
                part = fma(product, LOAD(scale + i), part);
                vfloat_store(vfloat_load(dscale + i) + product, dscale + i);
            }
            products = added_to(products, part);
        }
        if (HAS_TEAM_REST(columns)) {
            const vfloat product =
                LOAD_TAIL(cotangents + whole, rest, 0.0f) * (LOAD_TAIL(values + whole, rest, 0.0f) * root);
            products = added_to(products, product * LOAD_TAIL(scale + whole, rest, 0.0f));
            vfloat_store_tail(vfloat_load_tail(dscale + whole, rest, 0.0f) + product, dscale + whole, rest);
        }
        const float productMean = team_sum(value_of(products)) / columns;

        for EACH_TEAM_VECTOR(i, columns) {
            const vfloat normal = LOAD(values + i) * root;
            STORE(root * (LOAD(cotangents + i) * LOAD(scale + i) - normal * productMean), to + i);
        }
        if (HAS_TEAM_REST(columns))
            for (int n = whole; n < columns; n++)
                STORE1(
                    root * (LOAD1(cotangents + n) * LOAD1(scale + n) - LOAD1(values + n) * root * productMean), to + n);
    }
}
