// Softmax attention for CPU-like devices: y = softmax(scale·q·kᵀ)·v, one work-item a block of queries of one head.
//
//              LANES queries, one a lane                 keys in blocks of KEYS
//            ┌───────────────────────┐            k, v  ┌───────────── d ─────────────┐
//         d  │  qᵀ, then yᵀ (kept)   │             KEYS │ read as scalars, broadcast  │
//            └───────────────────────┘                  ├─────────────────────────────┤
//      KEYS  │  sᵀ, then pᵀ          │                  │            …                │
//            └───────────────────────┘                  └─────────────────────────────┘
//
// Lanes are queries: the maximum and the sum over keys go down the registers and never across lanes, k and v are used
// where they lie, and only q and y are turned round. sᵀ = k·qᵀ and yᵀ += vᵀ·pᵀ are done in register tiles of TILE_M
// broadcast scalars times TILE_VECTORS vectors.
//
// q, y [heads, sq, d], k, v [heads, sk, d], statistics [heads, sq, 2] (the greatest of q·k, m, and
// 1 / Σ e^(scale·(q·k - m))), with heads = b·h and d = HEAD_WIDTH.
// 4·heads·sq·sk·d flops (half where causal: blocks above the diagonal are skipped); k and v are read once for each
// LANES queries. Online softmax: Milakov and Gimelshein, 2018; tiles: Dao et al., FlashAttention, 2022.
// What is masked: attention/masks.cl. Goes after common/math.cl, common/vector.cl and attention/columns.cl.

// Global size (heads · blocks, 1), blocks = ⌈sq / LANES⌉.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attention(
    __global const float *restrict q, const ulong qOffset, __global const float *restrict k, const ulong kOffset,
    __global const float *restrict v, const ulong vOffset, __global float *restrict y, const ulong yOffset,
    __global float *restrict statistics, const ulong statisticsOffset, const int sq, const int sk, const float scale
    MASK_PARAMETERS)
{
    const int blocks = (sq + LANES - 1) / LANES;
    const long head = get_global_id(0) / blocks;
    // The last queries first: where causal, they are the most work.
    const int first = (blocks - 1 - (int)(get_global_id(0) % blocks)) * LANES;
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    y += yOffset + head * sq * HEAD_WIDTH;
    statistics += statisticsOffset + 2 * head * sq;

    vfloat qColumns[HEAD_WIDTH][TILE_VECTORS], yColumns[HEAD_WIDTH][TILE_VECTORS];
    vfloat weights[KEYS][TILE_VECTORS];
    vfloat maximum[TILE_VECTORS], sum[TILE_VECTORS];
    load_columns(qColumns, q, first, sq);
    for (int e = 0; e < HEAD_WIDTH; e++) EACH_COLUMN yColumns[e][c] = 0.0f;
    EACH_COLUMN {
        maximum[c] = -INFINITY;
        sum[c] = 0.0f;
    }

#if LONG_SUMS
    vfloat yTotals[HEAD_WIDTH][TILE_VECTORS], totals[TILE_VECTORS], reached[TILE_VECTORS];
    for (int e = 0; e < HEAD_WIDTH; e++) EACH_COLUMN yTotals[e][c] = 0.0f;
    EACH_COLUMN {
        totals[c] = 0.0f;
        reached[c] = -INFINITY;
    }
#endif

    LANE_BIASES(head, first)
    const int keys = KEYS_SEEN(KEYS_OF(head), first, LANES);
    for (int j0 = 0; j0 < keys; j0 += KEYS) {
        const int count = min(KEYS, keys - j0);
        keys_times_columns(weights, k, qColumns, j0, sk - 1);
        ADD_BIAS(weights, j0, count)
#if CAUSAL
        if (MAY_HIDE(first, j0, count))
            for (int j = 0; j < count; j++)
                EACH_COLUMN
                    weights[j][c] =
                        select(weights[j][c], (vfloat)(-INFINITY), LANE_QUERIES(c, first) < (vint)(j0 + j));
#endif

        vfloat decay[TILE_VECTORS];
        EACH_COLUMN {
            vfloat largest = maximum[c];
            for (int j = 0; j < count; j++) largest = vlarger(largest, weights[j][c]);
            // Where every score so far is -inf, their weights are e^(-inf - 0) = 0.
            const vfloat reference = select(largest, (vfloat)(0.0f), largest == (vfloat)(-INFINITY));
            decay[c] = vexp_nonpositive(EXPONENT(maximum[c], reference));
            vfloat total = 0.0f;
            for (int j = 0; j < count; j++) {
                weights[j][c] = vexp_nonpositive(EXPONENT(weights[j][c], reference));
                total += weights[j][c];
            }
            sum[c] = fma(sum[c], decay[c], total);
            maximum[c] = largest;
        }
        ADD_WEIGHTED_ROWS(yColumns, decay, v, weights, j0, count, MAY_HIDE(first, j0, count));
#if LONG_SUMS
        if (ENDS_SUM(j0, KEYS) || j0 + KEYS >= keys) {
            EACH_COLUMN {
                const vfloat reference = select(maximum[c], (vfloat)(0.0f), maximum[c] == (vfloat)(-INFINITY));
                decay[c] = vexp_nonpositive(EXPONENT(reached[c], reference));
                totals[c] = fma(totals[c], decay[c], sum[c]);
                sum[c] = 0.0f;
                reached[c] = maximum[c];
            }
            fold_columns(yTotals, decay, yColumns);
        }
#endif
    }
#if LONG_SUMS
    for (int e = 0; e < HEAD_WIDTH; e++) EACH_COLUMN yColumns[e][c] = yTotals[e][c];
    EACH_COLUMN sum[c] = totals[c];
#endif

    vfloat inverse[TILE_VECTORS];
    EACH_COLUMN {
        inverse[c] = select(1.0f / sum[c], (vfloat)(0.0f), sum[c] == (vfloat)(0.0f));
        maximum[c] = select(maximum[c], (vfloat)(0.0f), maximum[c] == (vfloat)(-INFINITY));
    }
    for (int i = 0; i < LANES && first + i < sq; i++) {
        for (int e = 0; e < HEAD_WIDTH; e++)
            y[(long)(first + i) * HEAD_WIDTH + e] = ((float *)yColumns)[e * LANES + i] * ((float *)inverse)[i];
        statistics[2 * (first + i)] = ((float *)maximum)[i];
        statistics[2 * (first + i) + 1] = ((float *)inverse)[i];
    }
}
