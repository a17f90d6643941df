// The gradient of attention's bias for CPU-like devices: ds = p ∘ (dy·vᵀ - δ), one work-item a block of LANES queries.
//
//             ┌──── KEYS keys ─────┐
//     lanes   │  Σ ds              │   over the batch entries and heads that share a bias, one after another: for each,
//             └────────────────────┘   columns of q and dy as in attention/attention_gradient_vector.cl
//
// q, y, dy [heads, sq, d]; k, v [heads, sk, d]; statistics [heads, sq, 2]; ds [entries, queryHeads, queries, sk], each the sum
// over summedEntries entries of the batch and summedHeads heads of queries. 4·d flops a score.
// Goes after common/math.cl, common/vector.cl, attention/masks.cl and attention/columns.cl.

// Global size (entries · queryHeads · ⌈queries / LANES⌉, 1).
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attention_bias_gradient(
    __global const float *restrict q, const ulong qOffset, __global const float *restrict k, const ulong kOffset,
    __global const float *restrict v, const ulong vOffset, __global const float *restrict y, const ulong yOffset,
    __global const float *restrict statistics, const ulong statisticsOffset,
    __global const float *restrict dy, const ulong dyOffset, __global float *restrict ds, const ulong dsOffset,
    const int sq, const int sk, const float scale, const int queryHeads, const int summedEntries, const int summedHeads
    MASK_PARAMETERS)
{
    const int blocks = (queries + LANES - 1) / LANES, group = sq / queries;
    const long result = get_global_id(0) / blocks;
    const int firstQuery = (int)(get_global_id(0) % blocks) * LANES;
    const int entry = (int)(result / queryHeads), queryHead = (int)(result % queryHeads);
    const int count = min(LANES, queries - firstQuery);
    vfloat qColumns[HEAD_WIDTH][TILE_VECTORS], dyColumns[HEAD_WIDTH][TILE_VECTORS];
    vfloat weights[KEYS][TILE_VECTORS], slopes[KEYS][TILE_VECTORS], sums[KEYS][TILE_VECTORS];
    vfloat delta[TILE_VECTORS], maximum[TILE_VECTORS], inverse[TILE_VECTORS];
    ds += dsOffset + (result * queries + firstQuery) * sk;

    for (int j0 = 0; j0 < sk; j0 += KEYS) {
        for (int j = 0; j < KEYS; j++) EACH_COLUMN sums[j][c] = 0.0f;
        for (int n = 0; n < summedEntries * summedHeads; n++) {
            const int h = queryHead + n % summedHeads;
            const long head = (long)(entry + n / summedHeads) * keyHeads + h / group;
            const int first = h % group * queries + firstQuery;
            const int keys = min(KEYS, KEYS_SEEN(KEYS_OF(head), first, count) - j0);
            if (keys <= 0) continue;
            const long rows = (head * sq + first) * HEAD_WIDTH;
            load_columns(qColumns, q + qOffset + rows, 0, count);
            load_columns(dyColumns, dy + dyOffset + rows, 0, count);
            for (int i = 0; i < LANES; i++) {
                const bool inside = i < count;
                float product = 0.0f;
                if (inside)
                    for (int e = 0; e < HEAD_WIDTH; e++)
                        product = fma(y[yOffset + rows + i * HEAD_WIDTH + e], dy[dyOffset + rows + i * HEAD_WIDTH + e], product);
                __global const float *pair = statistics + statisticsOffset + 2 * (head * sq + first + i);
                ((float *)delta)[i] = product;
                ((float *)maximum)[i] = inside ? pair[0] : 0.0f;
                ((float *)inverse)[i] = inside ? pair[1] : 0.0f;
            }
            keys_times_columns(weights, k + kOffset + head * sk * HEAD_WIDTH, qColumns, j0, sk - 1);
            keys_times_columns(slopes, v + vOffset + head * sk * HEAD_WIDTH, dyColumns, j0, sk - 1);
            LANE_BIASES(head, first)
            ADD_BIAS(weights, j0, keys)
            for (int j = 0; j < keys; j++)
                EACH_COLUMN {
                    vfloat weight = vexp_nonpositive(EXPONENT(weights[j][c], maximum[c])) * inverse[c];
#if CAUSAL
                    weight = select(weight, (vfloat)(0.0f), LANE_QUERIES(c, first) < (vint)(j0 + j));
#endif
                    const vfloat slope = weight * (slopes[j][c] - delta[c]);
                    sums[j][c] += select(slope, (vfloat)(0.0f), weight == (vfloat)(0.0f));
                }
        }
        for (int i = 0; i < count; i++)
            for (int j = 0; j < min(KEYS, sk - j0); j++) ds[(long)i * sk + j0 + j] = ((float *)sums)[j * LANES + i];
    }
}
