// δ = Σ_e y·dy of each row of y and dy [rows, columns]: what the gradient of attention subtracts from dy·vᵀ.
//
// A team takes row after row (common/team.cl draws it); 8 bytes an element. Goes after common/math.cl,
// common/vector.cl and common/team.cl.

TEAM_KERNEL void attention_delta(
    __global const float *restrict y, const ulong yOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict delta, const ulong deltaOffset, const int rows, const int columns)
{
    TEAM_MEMORY
    const int whole = TEAM_WHOLE(columns), rest = TEAM_REST(columns);
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const float *values = y + yOffset + (long)row * columns;
        __global const float *cotangents = dy + dyOffset + (long)row * columns;
        vfloat products = 0.0f;
        for EACH_TEAM_VECTOR(i, columns)
            products = fma(vfloat_load(values + i), vfloat_load(cotangents + i), products);
        if (HAS_TEAM_REST(columns))
            products = fma(
                vfloat_load_tail(values + whole, rest, 0.0f), vfloat_load_tail(cotangents + whole, rest, 0.0f),
                products);
        const float sum = team_sum(products);
        if (get_local_id(0) == 0) delta[deltaOffset + row] = sum;
    }
}
