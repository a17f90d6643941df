// Softmax attention and its gradient for GPU-like devices: tiles in local memory, a work-group a block of one head.
//
//   attention_tiles          a block of 32 queries walks over the keys, 64 at a time        y, statistics
//   attention_tiles_queries  the same walk, with p formed again                             dq, inverse
//   attention_tiles_keys     a block of 32 keys walks over the queries, 64 at a time        dk, dv
//   attention_tiles_bias     32 queries × 64 keys of one head, or summed over several       ds
//
//                64 (b)                        A work-group has 16×8 work-items; each holds 4×4 of the 32×64 products,
//           ┌──────────────┐                   rows ty·4 …, columns tx, tx + 16, …, and 4×⌈d/16⌉ of the 32×d sums.
//  32 (a)   │  a·bᵀ, then  │   ×  x [64, d]    Operands of a·bᵀ are staged CHUNK columns at a time, rows of x as many at
//           │  weights     │   →  32×d sums    a time as fit into the same memory: 21 KB in all, whatever d.
//           └──────────────┘
//
// Every sum belongs to one work-item and goes in one order: no atomics, the same bits each run. Where causal, blocks
// of only masked scores are skipped. 4·heads·sq·sk·d flops forward; 14 backward, as p and dy·vᵀ are formed twice.
// q, y, dy, dq [heads, sq, d], k, v, dk, dv [heads, sk, d], delta, inverse [heads, sq], statistics [heads, sq, 2]: the
// greatest of q·k, m, and 1 / Σ e^(scale·(q·k - m)). The gradient reads m alone and adds the weights up again, as the
// products may have come from a kernel that rounds them otherwise, which large ones would not forgive. d ≤ 256.
// What is masked: attention/masks.cl, which goes before. Dao et al., FlashAttention, 2022; the split of the gradient by dq and by dk, dv: Dao, FlashAttention-2, 2023.

#ifndef HEAD_WIDTH
#define HEAD_WIDTH 64
#endif

#define ACROSS 16
#define ITEMS (ACROSS * 8)
#define SIDE 4
#define A_ROWS (8 * SIDE)
#define B_ROWS (ACROSS * SIDE)
#define CHUNK 32
// One more than a power of two, so that rows begin in different banks.
#define CHUNK_STRIDE (CHUNK + 1)
#define WEIGHT_STRIDE (B_ROWS + 1)
#define WIDTH_COLUMNS ((HEAD_WIDTH + ACROSS - 1) / ACROSS)
#define PADDED_WIDTH (WIDTH_COLUMNS * ACROSS)
// Rows of x that are staged together; divides B_ROWS.
#if PADDED_WIDTH <= 64
#define STAGED 32
#elif PADDED_WIDTH <= 128
#define STAGED 16
#else
#define STAGED 8
#endif

#define EACH_ROW _Pragma("unroll") for (int r = 0; r < SIDE; r++)
#define EACH_COLUMN _Pragma("unroll") for (int c = 0; c < SIDE; c++)
#define EACH_WIDTH_COLUMN _Pragma("unroll") for (int c = 0; c < WIDTH_COLUMNS; c++)
#define TX ((int)get_local_id(0) % ACROSS)
#define TY ((int)get_local_id(0) / ACROSS)

#define LOCAL_TILES \
    __local float aTile[A_ROWS * CHUNK_STRIDE], bTile[B_ROWS * CHUNK_STRIDE], weights[A_ROWS * WEIGHT_STRIDE]; \
    SPECIAL_MEMORY

// Whether one of the staged rows of x is not finite, by turns: while one is set and read the other is cleared. B_ROWS are
// staged in an even number of parts, so that the first is clear again after them.
#if HIDES
#define SPECIAL_MEMORY \
    __local int special[2]; \
    if (get_local_id(0) == 0) special[0] = 0;
#define ADD_WEIGHTED(sums, x, first, count) add_weighted(sums, weights, x, first, count, bTile, special)
#else
#define SPECIAL_MEMORY
#define ADD_WEIGHTED(sums, x, first, count) add_weighted(sums, weights, x, first, count, bTile)
#endif

#if BIAS
#define ROW_BIASES(head) \
    __global const float *biases[SIDE]; \
    EACH_ROW biases[r] = BIAS_OF(head, min(first + TY * SIDE + r, sq - 1));
#define SCORE(product, r, key) biased_score(product, scale, biases[r][(long)(key) * biasKey])
#else
#define ROW_BIASES(head)
#define SCORE(product, r, key) (product)
#endif

// products[r][c] = a[aFirst + ty·4 + r] · b[bFirst + tx + 16·c]; rows past the last count as zeros.
static inline void tile_products(
    float products[SIDE][SIDE], __global const float *a, const int aFirst, const int aCount,
    __global const float *b, const int bFirst, const int bCount, __local float *aTile, __local float *bTile)
{
    EACH_ROW EACH_COLUMN products[r][c] = 0.0f;
    for (int first = 0; first < HEAD_WIDTH; first += CHUNK) {
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int n = get_local_id(0); n < A_ROWS * CHUNK; n += ITEMS) {
            const int row = n / CHUNK, e = n % CHUNK;
            const bool exists = aFirst + row < aCount && first + e < HEAD_WIDTH;
            aTile[row * CHUNK_STRIDE + e] = exists ? a[(long)(aFirst + row) * HEAD_WIDTH + first + e] : 0.0f;
        }
        for (int n = get_local_id(0); n < B_ROWS * CHUNK; n += ITEMS) {
            const int row = n / CHUNK, e = n % CHUNK;
            const bool exists = bFirst + row < bCount && first + e < HEAD_WIDTH;
            bTile[row * CHUNK_STRIDE + e] = exists ? b[(long)(bFirst + row) * HEAD_WIDTH + first + e] : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int e = 0; e < CHUNK; e++) {
            float left[SIDE], right[SIDE];
            EACH_ROW left[r] = aTile[(TY * SIDE + r) * CHUNK_STRIDE + e];
            EACH_COLUMN right[c] = bTile[(TX + ACROSS * c) * CHUNK_STRIDE + e];
            EACH_ROW EACH_COLUMN products[r][c] = fma(left[r], right[c], products[r][c]);
        }
    }
}

// sums[r][c] += Σ_j weights[ty·4 + r][j] · x[first + j][tx + 16·c]; rows from `count` on are zeros. The barrier before the
// first product also makes the weights visible.
static inline void add_weighted(
    float sums[SIDE][WIDTH_COLUMNS], __local const float *weights, __global const float *x, const int first,
    const int count, __local float *tile
#if HIDES
    , __local int *special
#endif
    )
{
    for (int staged = 0; staged < B_ROWS; staged += STAGED) {
        barrier(CLK_LOCAL_MEM_FENCE);
#if HIDES
        const int turn = staged / STAGED % 2;
        if (get_local_id(0) == 0) special[1 - turn] = 0;
#endif
        for (int n = get_local_id(0); n < STAGED * PADDED_WIDTH; n += ITEMS) {
            const int row = first + staged + n / PADDED_WIDTH, e = n % PADDED_WIDTH;
            const float value = row < count && e < HEAD_WIDTH ? x[(long)row * HEAD_WIDTH + e] : 0.0f;
            tile[n] = value;
#if HIDES
            if (!(fabs(value) < INFINITY)) special[turn] = 1;
#endif
        }
        barrier(CLK_LOCAL_MEM_FENCE);
#if HIDES
        if (special[turn]) {
            // Without the terms of no weight.
#pragma unroll 1
            for (int j = 0; j < STAGED; j++) {
                for (int r = 0; r < SIDE; r++) {
                    const float weight = weights[(TY * SIDE + r) * WEIGHT_STRIDE + staged + j];
                    if (weight == 0.0f) continue;
                    EACH_WIDTH_COLUMN sums[r][c] = fma(weight, tile[j * PADDED_WIDTH + TX + ACROSS * c], sums[r][c]);
                }
            }
        } else
#endif
        for (int j = 0; j < STAGED; j++) {
            float weight[SIDE];
            EACH_ROW weight[r] = weights[(TY * SIDE + r) * WEIGHT_STRIDE + staged + j];
            EACH_WIDTH_COLUMN {
                const float value = tile[j * PADDED_WIDTH + TX + ACROSS * c];
                EACH_ROW sums[r][c] = fma(weight[r], value, sums[r][c]);
            }
        }
    }
}

// Of what is hidden, a value may be NaN.
#if HIDES || KEY_LENGTHS
#define SLOPE(weight, difference) ((weight) == 0.0f ? 0.0f : (weight) * (difference))
#else
#define SLOPE(weight, difference) ((weight) * (difference))
#endif

#if LONG_SUMS
static inline void fold_sums(float totals[SIDE][WIDTH_COLUMNS], const float decay[SIDE], float sums[SIDE][WIDTH_COLUMNS]) {
    EACH_ROW EACH_WIDTH_COLUMN {
        totals[r][c] = fma(totals[r][c], decay[r], sums[r][c]);
        sums[r][c] = 0.0f;
    }
}
#endif

static inline void store_sums(
    float sums[SIDE][WIDTH_COLUMNS], const float factors[SIDE], __global float *to, const int first, const int count)
{
    EACH_ROW {
        const int row = first + TY * SIDE + r;
        EACH_WIDTH_COLUMN {
            const int e = TX + ACROSS * c;
            if (row < count && e < HEAD_WIDTH) to[(long)row * HEAD_WIDTH + e] = factors[r] * sums[r][c];
        }
    }
}

// Global size (⌈sq / 32⌉ · ITEMS, heads).
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void attention_tiles(
    __global const float *restrict q, const ulong qOffset, __global const float *restrict k, const ulong kOffset,
    __global const float *restrict v, const ulong vOffset, __global float *restrict y, const ulong yOffset,
    __global float *restrict statistics, const ulong statisticsOffset, const int sq, const int sk, const float scale
    MASK_PARAMETERS)
{
    LOCAL_TILES
    __local float partials[A_ROWS * (ACROSS + 1)];
    const long head = get_global_id(1);
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    y += yOffset + head * sq * HEAD_WIDTH;
    // The last queries first: where causal, they are the most work.
    const int first = (get_num_groups(0) - 1 - get_group_id(0)) * A_ROWS;

    float sums[SIDE][WIDTH_COLUMNS], maximum[SIDE], total[SIDE];
    EACH_ROW {
        EACH_WIDTH_COLUMN sums[r][c] = 0.0f;
        maximum[r] = -INFINITY;
        total[r] = 0.0f;
    }
#if LONG_SUMS
    float longSums[SIDE][WIDTH_COLUMNS], longTotal[SIDE], reached[SIDE];
    EACH_ROW {
        EACH_WIDTH_COLUMN longSums[r][c] = 0.0f;
        longTotal[r] = 0.0f;
        reached[r] = -INFINITY;
    }
#endif
    ROW_BIASES(head)
    const int keys = KEYS_SEEN(KEYS_OF(head), first, A_ROWS);
    for (int j0 = 0; j0 < keys; j0 += B_ROWS) {
        float scores[SIDE][SIDE];
        tile_products(scores, q, first, sq, k, j0, sk, aTile, bTile);
        EACH_ROW {
            float largest = -INFINITY;
            EACH_COLUMN {
                const int j = j0 + TX + ACROSS * c;
                const bool seen = j < keys AND_SEES(first + TY * SIDE + r, j);
                scores[r][c] = seen ? SCORE(scores[r][c], r, j) : -INFINITY;
                largest = fmax(largest, scores[r][c]);
            }
            partials[(TY * SIDE + r) * (ACROSS + 1) + TX] = largest;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        float reference[SIDE], decay[SIDE];
        EACH_ROW {
            float largest = maximum[r];
            for (int n = 0; n < ACROSS; n++) largest = fmax(largest, partials[(TY * SIDE + r) * (ACROSS + 1) + n]);
            // Where every score so far is -inf, their weights are e^(-inf - 0) = 0.
            reference[r] = largest == -INFINITY ? 0.0f : largest;
            decay[r] = exp(EXPONENT(maximum[r], reference[r]));
            maximum[r] = largest;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        EACH_ROW {
            float partial = 0.0f;
            EACH_COLUMN {
                const float weight = exp(EXPONENT(scores[r][c], reference[r]));
                weights[(TY * SIDE + r) * WEIGHT_STRIDE + TX + ACROSS * c] = weight;
                partial += weight;
            }
            partials[(TY * SIDE + r) * (ACROSS + 1) + TX] = partial;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        EACH_ROW {
            float partial = 0.0f;
            for (int n = 0; n < ACROSS; n++) partial += partials[(TY * SIDE + r) * (ACROSS + 1) + n];
            total[r] = fma(total[r], decay[r], partial);
            EACH_WIDTH_COLUMN sums[r][c] *= decay[r];
        }
        ADD_WEIGHTED(sums, v, j0, keys);
#if LONG_SUMS
        if (ENDS_SUM(j0, B_ROWS) || j0 + B_ROWS >= keys) {
            EACH_ROW {
                decay[r] = exp(EXPONENT(reached[r], maximum[r] == -INFINITY ? 0.0f : maximum[r]));
                longTotal[r] = fma(longTotal[r], decay[r], total[r]);
                total[r] = 0.0f;
                reached[r] = maximum[r];
            }
            fold_sums(longSums, decay, sums);
        }
#endif
    }
#if LONG_SUMS
    EACH_ROW {
        EACH_WIDTH_COLUMN sums[r][c] = longSums[r][c];
        total[r] = longTotal[r];
    }
#endif
    float inverse[SIDE];
    EACH_ROW {
        inverse[r] = INVERSE(total[r]);
        const int query = first + TY * SIDE + r;
        if (TX == 0 && query < sq) {
            __global float *row = statistics + statisticsOffset + 2 * (head * sq + query);
            row[0] = GREATEST(maximum[r]);
            row[1] = inverse[r];
        }
    }
    store_sums(sums, inverse, y, first, sq);
}

// Global size (⌈sq / 32⌉ · ITEMS, heads).
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void attention_tiles_queries(
    __global const float *restrict q, const ulong qOffset, __global const float *restrict k, const ulong kOffset,
    __global const float *restrict v, const ulong vOffset, __global const float *restrict statistics,
    const ulong statisticsOffset, __global const float *restrict dy, const ulong dyOffset,
    __global const float *restrict delta, const ulong deltaOffset, __global float *restrict inverse,
    const ulong inverseOffset, __global float *restrict dq, const ulong dqOffset, const int sq, const int sk,
    const float scale MASK_PARAMETERS)
{
    LOCAL_TILES
    __local float partials[A_ROWS * (ACROSS + 1)];
    const long head = get_global_id(1);
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    dy += dyOffset + head * sq * HEAD_WIDTH;
    const int first = (get_num_groups(0) - 1 - get_group_id(0)) * A_ROWS;

    float sums[SIDE][WIDTH_COLUMNS], maximum[SIDE], mean[SIDE], total[SIDE], factors[SIDE];
    EACH_ROW {
        EACH_WIDTH_COLUMN sums[r][c] = 0.0f;
        const int query = first + TY * SIDE + r;
        maximum[r] = query < sq ? statistics[statisticsOffset + 2 * (head * sq + query)] : 0.0f;
        mean[r] = query < sq ? delta[deltaOffset + head * sq + query] : 0.0f;
        total[r] = 0.0f;
    }
#if LONG_SUMS
    float longSums[SIDE][WIDTH_COLUMNS], longTotal[SIDE], one[SIDE];
    EACH_ROW {
        EACH_WIDTH_COLUMN longSums[r][c] = 0.0f;
        longTotal[r] = 0.0f;
        one[r] = 1.0f;
    }
#endif
    ROW_BIASES(head)
    const int keys = KEYS_SEEN(KEYS_OF(head), first, A_ROWS);
    for (int j0 = 0; j0 < keys; j0 += B_ROWS) {
        float scores[SIDE][SIDE], slopes[SIDE][SIDE];
        tile_products(scores, q, first, sq, k, j0, sk, aTile, bTile);
        tile_products(slopes, dy, first, sq, v, j0, sk, aTile, bTile);
        EACH_ROW EACH_COLUMN {
            const int j = j0 + TX + ACROSS * c;
            const bool seen = j < keys AND_SEES(first + TY * SIDE + r, j);
            const float weight = seen ? exp(EXPONENT(SCORE(scores[r][c], r, j), maximum[r])) : 0.0f;
            total[r] += weight;
            weights[(TY * SIDE + r) * WEIGHT_STRIDE + TX + ACROSS * c] = SLOPE(weight, slopes[r][c] - mean[r]);
        }
        ADD_WEIGHTED(sums, k, j0, keys);
#if LONG_SUMS
        if (ENDS_SUM(j0, B_ROWS)) {
            fold_sums(longSums, one, sums);
            EACH_ROW {
                longTotal[r] += total[r];
                total[r] = 0.0f;
            }
        }
#endif
    }
#if LONG_SUMS
    EACH_ROW {
        EACH_WIDTH_COLUMN sums[r][c] += longSums[r][c];
        total[r] += longTotal[r];
    }
#endif
    EACH_ROW partials[(TY * SIDE + r) * (ACROSS + 1) + TX] = total[r];
    barrier(CLK_LOCAL_MEM_FENCE);
    EACH_ROW {
        float sum = 0.0f;
        for (int n = 0; n < ACROSS; n++) sum += partials[(TY * SIDE + r) * (ACROSS + 1) + n];
        const int query = first + TY * SIDE + r;
        if (TX == 0 && query < sq) inverse[inverseOffset + head * sq + query] = INVERSE(sum);
        factors[r] = scale * INVERSE(sum);
    }
    store_sums(sums, factors, dq + dqOffset + head * sq * HEAD_WIDTH, first, sq);
}

// Global size (⌈sk / 32⌉ · ITEMS, heads). Rows of the tiles are keys here, columns queries.
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void attention_tiles_keys(
    __global const float *restrict q, const ulong qOffset, __global const float *restrict k, const ulong kOffset,
    __global const float *restrict v, const ulong vOffset, __global const float *restrict statistics,
    const ulong statisticsOffset, __global const float *restrict dy, const ulong dyOffset,
    __global const float *restrict delta, const ulong deltaOffset, __global const float *restrict inverse,
    const ulong inverseOffset, __global float *restrict dk, const ulong dkOffset, __global float *restrict dv,
    const ulong dvOffset, const int sq, const int sk, const float scale
    MASK_PARAMETERS)
{
    LOCAL_TILES
    const long head = get_global_id(1);
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    dy += dyOffset + head * sq * HEAD_WIDTH;
    const int first = get_group_id(0) * A_ROWS;

    float keySums[SIDE][WIDTH_COLUMNS], valueSums[SIDE][WIDTH_COLUMNS], factors[SIDE], ones[SIDE];
    EACH_ROW {
        EACH_WIDTH_COLUMN {
            keySums[r][c] = 0.0f;
            valueSums[r][c] = 0.0f;
        }
        factors[r] = scale;
        ones[r] = 1.0f;
    }
#if LONG_SUMS
    float longKeySums[SIDE][WIDTH_COLUMNS], longValueSums[SIDE][WIDTH_COLUMNS];
    EACH_ROW EACH_WIDTH_COLUMN {
        longKeySums[r][c] = 0.0f;
        longValueSums[r][c] = 0.0f;
    }
    int added = 0;
#endif
    const int keys = KEYS_OF(head);
    // Where causal, queries before the first key of the block see none of it. The bounds say what is skipped: PoCL compiles
    // a `continue` over barriers to wrong sums.
#if CAUSAL && GROUPED
    for (int before = 0; before < sq; before += queries)
    for (int i0 = before + first / B_ROWS * B_ROWS; i0 < (first < keys ? before + queries : 0); i0 += B_ROWS) {
        const int end = before + queries;
#else
    const int end = first < keys ? sq : 0;
    for (int i0 = CAUSAL * (first / B_ROWS * B_ROWS); i0 < end; i0 += B_ROWS) {
#endif
        float scores[SIDE][SIDE], slopes[SIDE][SIDE];
        tile_products(scores, k, first, sk, q, i0, sq, aTile, bTile);
        tile_products(slopes, v, first, sk, dy, i0, sq, aTile, bTile);
        EACH_ROW EACH_COLUMN {
            const int i = i0 + TX + ACROSS * c, key = first + TY * SIDE + r;
            const bool seen = i < end && key < keys AND_SEES(i, key);
            const long query = head * sq + i;
            float weight = 0.0f;
            if (seen) {
#if BIAS
                scores[r][c] = biased_score(scores[r][c], scale, BIAS_OF(head, i)[(long)key * biasKey]);
#endif
                weight = exp(EXPONENT(scores[r][c], statistics[statisticsOffset + 2 * query]))
                    * inverse[inverseOffset + query];
            }
            weights[(TY * SIDE + r) * WEIGHT_STRIDE + TX + ACROSS * c] = weight;
            slopes[r][c] = seen ? SLOPE(weight, slopes[r][c] - delta[deltaOffset + query]) : 0.0f;
        }
        ADD_WEIGHTED(valueSums, dy, i0, sq);
        barrier(CLK_LOCAL_MEM_FENCE);
        EACH_ROW EACH_COLUMN
            weights[(TY * SIDE + r) * WEIGHT_STRIDE + TX + ACROSS * c] = slopes[r][c];
        ADD_WEIGHTED(keySums, q, i0, sq);
#if LONG_SUMS
        added += B_ROWS;
        if (added % SUMMED == 0) {
            fold_sums(longKeySums, ones, keySums);
            fold_sums(longValueSums, ones, valueSums);
        }
#endif
    }
#if LONG_SUMS
    EACH_ROW EACH_WIDTH_COLUMN {
        keySums[r][c] += longKeySums[r][c];
        valueSums[r][c] += longValueSums[r][c];
    }
#endif
    store_sums(keySums, factors, dk + dkOffset + head * sk * HEAD_WIDTH, first, sk);
    store_sums(valueSums, ones, dv + dvOffset + head * sk * HEAD_WIDTH, first, sk);
}

#if BIAS
// Global size (⌈sk / 64⌉ · ITEMS, ⌈queries / 32⌉, entries · queryHeads of ds [entries, queryHeads, queries, sk]): each the
// sum over summedEntries entries of the batch and summedHeads heads of queries, one of both being 1 or the other extent.
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void attention_tiles_bias(
    __global const float *restrict q, const ulong qOffset, __global const float *restrict k, const ulong kOffset,
    __global const float *restrict v, const ulong vOffset, __global const float *restrict statistics,
    const ulong statisticsOffset, __global const float *restrict dy, const ulong dyOffset,
    __global const float *restrict delta, const ulong deltaOffset, __global float *restrict ds, const ulong dsOffset,
    const int sq, const int sk, const float scale, const int queryHeads, const int summedEntries, const int summedHeads
    MASK_PARAMETERS)
{
    LOCAL_TILES
    const int group = sq / queries, entry = get_global_id(2) / queryHeads, queryHead = get_global_id(2) % queryHeads;
    const int firstKey = get_group_id(0) * B_ROWS, firstQuery = get_group_id(1) * A_ROWS;
    float sums[SIDE][SIDE];
    EACH_ROW EACH_COLUMN sums[r][c] = 0.0f;
    for (int n = 0; n < summedEntries * summedHeads; n++) {
        const int h = queryHead + n % summedHeads;
        const long head = (long)(entry + n / summedHeads) * keyHeads + h / group;
        const int before = h % group * queries, first = before + firstQuery;
        const int keys = KEYS_OF(head);
        ROW_BIASES(head)
        float scores[SIDE][SIDE], slopes[SIDE][SIDE];
        const ulong rows = (ulong)head * sq * HEAD_WIDTH, keyRows = (ulong)head * sk * HEAD_WIDTH;
        tile_products(scores, q + qOffset + rows, first, sq, k + kOffset + keyRows, firstKey, sk, aTile, bTile);
        tile_products(slopes, dy + dyOffset + rows, first, sq, v + vOffset + keyRows, firstKey, sk, aTile, bTile);
        EACH_ROW EACH_COLUMN {
            const int i = first + TY * SIDE + r, j = firstKey + TX + ACROSS * c;
            const bool seen = i < before + queries && j < keys AND_SEES(i, j);
            if (seen) {
                const long query = head * sq + i;
                __global const float *pair = statistics + statisticsOffset + 2 * query;
                const float weight = exp(EXPONENT(SCORE(scores[r][c], r, j), pair[0])) * pair[1];
                sums[r][c] += SLOPE(weight, slopes[r][c] - delta[deltaOffset + query]);
            }
        }
    }
    EACH_ROW EACH_COLUMN {
        const int i = firstQuery + TY * SIDE + r, j = firstKey + TX + ACROSS * c;
        if (i < queries && j < sk) ds[dsOffset + ((long)get_global_id(2) * queries + i) * sk + j] = sums[r][c];
    }
}
#endif
