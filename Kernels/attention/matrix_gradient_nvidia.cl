// The gradient of softmax attention on NVIDIA's matrix units, float16 or bfloat16 operands, float32 sums. Follows
// attention/matrix_rows.cl.
//
//   attention_matrix_delta     δ = Σ_d y·dy, four lanes a query                                              δ
//   attention_matrix_queries   a group has 64 queries and walks over the keys, 32 at a time                  dq, inverse
//   attention_matrix_keys      a group has 64 keys and walks over the queries, 32 at a time                  dk, dv
//
//            32 keys               queries: s = q·kᵀ, then dp = dy·vᵀ; p = exp(scale·(s - m)) / Σ, ds = p ∘ (dp - δ),
//           ┌───────┐              dq += ds·k. keys: the same with rows and columns exchanged, dv += pᵀ·dy, dk += dsᵀ·q.
//  16 rows  │ s, dp │  ×  k, v     A warp's 16 rows of both operands stay in registers; p and ds go from product to
//  a warp   └───────┘     [32, d]  product in registers, rounded to the operands' type as operands of the next one. The
//                                  other side is copied two stages deep, into the memory that the rows came through.
//
// q, y, dy, dq [heads, sq, d], k, v, dk, dv [heads, sk, d], delta, inverse [heads, sq] and statistics [heads, sq, 2]
// (float32), of which m is read; Σ is added up again, as in attention/attention_tiled.cl. d ≤ 80.
// 14·heads·sq·sk·d flops, as p and dp are formed twice: no atomics, the same bits each run. Local memory: 128 rows.
// Dao, FlashAttention-2, 2023.

#define PART 32              // rows of the other side at a time
#define PART_TILES (PART / 8)
#define STAGE (2 * PART * PITCH)
#define LOG2E 1.44269504f

// Global size ⌈4·rows / 128⌉ · 128, of all heads' queries.
__kernel __attribute__((reqd_work_group_size(MATRIX_THREADS, 1, 1)))
void attention_matrix_delta(
    __global const element_t *restrict y, const ulong yOffset, __global const element_t *restrict dy,
    const ulong dyOffset, __global float *restrict delta, const ulong deltaOffset, const int rows)
{
    MATRIX_MEMORY
    const int row = get_group_id(0) * (MATRIX_THREADS / 4) + THREAD / 4;
    float sum = 0;
    if (row < rows) {
        const long start = (long)row * HEAD_WIDTH;
        for (int e = THREAD % 4; e < HEAD_WIDTH; e += 4)
            sum = fma(unpacked(y[yOffset + start + e]), unpacked(dy[dyOffset + start + e]), sum);
    }
    sum += OTHER_LANE(sum, 1);
    sum += OTHER_LANE(sum, 2);
    if (row < rows && THREAD % 4 == 0) delta[deltaOffset + row] = sum;
}

#define COPY_PART(a, b, part, rows) { \
    __local uint4 *stage = staged + (part) % 2 * STAGE; \
    COPY_ROWS(stage, a, (part) * PART, rows, PART) \
    COPY_ROWS(stage + PART * PITCH, b, (part) * PART, rows, PART) \
}

// Global size (⌈sq / 64⌉ · 128, heads), local size (128, 1).
__kernel __attribute__((reqd_work_group_size(MATRIX_THREADS, 1, 1)))
void attention_matrix_queries(
    __global const element_t *restrict q, const ulong qOffset, __global const element_t *restrict k,
    const ulong kOffset, __global const element_t *restrict v, const ulong vOffset,
    __global const float *restrict statistics, const ulong statisticsOffset, __global const element_t *restrict dy,
    const ulong dyOffset, __global const float *restrict delta, const ulong deltaOffset,
    __global float *restrict inverse, const ulong inverseOffset, __global element_t *restrict dq,
    const ulong dqOffset, const int sq, const int sk, const float scale)
{
    __local uint4 staged[2 * STAGE];
    MATRIX_MEMORY
    const long head = get_group_id(1);
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    dy += dyOffset + head * sq * HEAD_WIDTH;
    dq += dqOffset + head * sq * HEAD_WIDTH;
    const int first = ((int)get_num_groups(0) - 1 - (int)get_group_id(0)) * BLOCK;
    const int keys = KEYS_SEEN(sk, first, BLOCK);
    const int query = first + 16 * WARP + LANE / 4;
    const float scale2 = scale * LOG2E;

    uint queries[WIDTH_STEPS][4], cotangents[WIDTH_STEPS][4];
    COPY_ROWS(staged, q, first, sq, BLOCK)
    COPY_ROWS(staged + BLOCK * PITCH, dy, first, sq, BLOCK)
    copy_commit();
    copy_wait(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    LOAD_ROWS(queries, staged)
    LOAD_ROWS(cotangents, staged + BLOCK * PITCH)
    barrier(CLK_LOCAL_MEM_FENCE);

    float sums[WIDTH_TILES][4], maximum[2], mean[2], total[2] = {0, 0};
    CLEAR(sums, WIDTH_TILES)
    UNROLLED for (int h = 0; h < 2; h++) {
        const long place = head * sq + query + 8 * h;
        maximum[h] = query + 8 * h < sq ? statistics[statisticsOffset + 2 * place] : 0;
        mean[h] = query + 8 * h < sq ? delta[deltaOffset + place] : 0;
    }
#if LONG_SUMS
    float longSums[WIDTH_TILES][4], longTotal[2] = {0, 0};
    CLEAR(longSums, WIDTH_TILES)
#endif
    COPY_PART(k, v, 0, sk)
    copy_commit();
    const int parts = (keys + PART - 1) / PART;
    for (int part = 0; part < parts; part++) {
        copy_wait(0);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (part + 1 < parts) COPY_PART(k, v, part + 1, sk)
        copy_commit();
        __local uint4 *keyTile = staged + part % 2 * STAGE, *valueTile = keyTile + PART * PITCH;
        float scores[PART_TILES][4], slopes[PART_TILES][4];
        CLEAR(scores, PART_TILES)
        CLEAR(slopes, PART_TILES)
        MULTIPLY_ROWS(scores, queries, keyTile, PART_TILES / 2)
        MULTIPLY_ROWS(slopes, cotangents, valueTile, PART_TILES / 2)
        UNROLLED for (int c = 0; c < PART_TILES; c++) {
            UNROLLED for (int e = 0; e < 4; e++) {
                const int j = part * PART + 8 * c + LANE % 4 * 2 + e % 2;
                const int seen = j < sk AND_SEES(query + e / 2 * 8, j);
                const float weight = seen ? EXP2(scale2 * (scores[c][e] - maximum[e / 2])) : 0;
                total[e / 2] += weight;
                slopes[c][e] = seen ? weight * (slopes[c][e] - mean[e / 2]) : 0;
            }
        }
        ADD_SEEN(sums, slopes, keyTile, PART / 16, k, part * PART, sk, part * PART + PART > first)
#if LONG_SUMS
        if (ENDS_SUM(part * PART, PART))
            UNROLLED for (int h = 0; h < 2; h++) {
                longTotal[h] += total[h];
                total[h] = 0;
                FOLD(longSums, 1.0f, sums, h)
            }
#endif
    }
    UNROLLED for (int h = 0; h < 2; h++) {
#if LONG_SUMS
        total[h] += longTotal[h];
        FOLD(sums, 1.0f, longSums, h)
#endif
        // Each lane has added its own columns only.
        total[h] += OTHER_LANE(total[h], 1);
        total[h] += OTHER_LANE(total[h], 2);
        const int row = query + 8 * h;
        if (row < sq && LANE % 4 == 0) inverse[inverseOffset + head * sq + row] = 1.0f / total[h];
        STORE_ROW(dq, row, sq, sums, h, scale / total[h])
    }
}

// Global size (⌈sk / 64⌉ · 128, heads), local size (128, 1).
__kernel __attribute__((reqd_work_group_size(MATRIX_THREADS, 1, 1)))
void attention_matrix_keys(
    __global const element_t *restrict q, const ulong qOffset, __global const element_t *restrict k,
    const ulong kOffset, __global const element_t *restrict v, const ulong vOffset,
    __global const float *restrict statistics, const ulong statisticsOffset, __global const element_t *restrict dy,
    const ulong dyOffset, __global const float *restrict delta, const ulong deltaOffset,
    __global const float *restrict inverse, const ulong inverseOffset, __global element_t *restrict dk,
    const ulong dkOffset, __global element_t *restrict dv, const ulong dvOffset,
    const int sq, const int sk, const float scale)
{
    __local uint4 staged[2 * STAGE];
    MATRIX_MEMORY
    const long head = get_group_id(1);
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    dy += dyOffset + head * sq * HEAD_WIDTH;
    dk += dkOffset + head * sk * HEAD_WIDTH;
    dv += dvOffset + head * sk * HEAD_WIDTH;
    statistics += statisticsOffset + 2 * head * sq;
    delta += deltaOffset + head * sq;
    inverse += inverseOffset + head * sq;
    const int first = get_group_id(0) * BLOCK;
    const int key = first + 16 * WARP + LANE / 4;
    const float scale2 = scale * LOG2E;

    uint keyRows[WIDTH_STEPS][4], valueRows[WIDTH_STEPS][4];
    COPY_ROWS(staged, k, first, sk, BLOCK)
    COPY_ROWS(staged + BLOCK * PITCH, v, first, sk, BLOCK)
    copy_commit();
    copy_wait(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    LOAD_ROWS(keyRows, staged)
    LOAD_ROWS(valueRows, staged + BLOCK * PITCH)
    barrier(CLK_LOCAL_MEM_FENCE);

    float keySums[WIDTH_TILES][4], valueSums[WIDTH_TILES][4];
    CLEAR(keySums, WIDTH_TILES)
    CLEAR(valueSums, WIDTH_TILES)
#if LONG_SUMS
    float longKeySums[WIDTH_TILES][4], longValueSums[WIDTH_TILES][4];
    CLEAR(longKeySums, WIDTH_TILES)
    CLEAR(longValueSums, WIDTH_TILES)
#endif
    // Where causal, queries before the first key of the block see none of it.
    const int start = CAUSAL ? first / PART : 0, parts = (sq + PART - 1) / PART;
    if (start < parts) COPY_PART(q, dy, start, sq)
    copy_commit();
    for (int part = start; part < parts; part++) {
        copy_wait(0);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (part + 1 < parts) COPY_PART(q, dy, part + 1, sq)
        copy_commit();
        __local uint4 *queryTile = staged + part % 2 * STAGE, *cotangentTile = queryTile + PART * PITCH;
        float weights[PART_TILES][4], slopes[PART_TILES][4];
        CLEAR(weights, PART_TILES)
        CLEAR(slopes, PART_TILES)
        MULTIPLY_ROWS(weights, keyRows, queryTile, PART_TILES / 2)
        MULTIPLY_ROWS(slopes, valueRows, cotangentTile, PART_TILES / 2)
        UNROLLED for (int c = 0; c < PART_TILES; c++) {
            UNROLLED for (int e = 0; e < 2; e++) {
                const int i = part * PART + 8 * c + LANE % 4 * 2 + e;
                const float maximum = i < sq ? statistics[2 * i] : 0, factor = i < sq ? inverse[i] : 0;
                const float mean = i < sq ? delta[i] : 0;
                UNROLLED for (int h = 0; h < 2; h++) {
                    const int at = 2 * h + e, seen = i < sq AND_SEES(i, key + 8 * h);
                    const float weight = seen ? factor * EXP2(scale2 * (weights[c][at] - maximum)) : 0;
                    weights[c][at] = weight;
                    slopes[c][at] = seen ? weight * (slopes[c][at] - mean) : 0;
                }
            }
        }
        ADD_SEEN(valueSums, weights, cotangentTile, PART / 16, dy, part * PART, sq, part * PART < first + BLOCK)
        ADD_SEEN(keySums, slopes, queryTile, PART / 16, q, part * PART, sq, part * PART < first + BLOCK)
#if LONG_SUMS
        if (ENDS_SUM(part * PART, PART))
            UNROLLED for (int h = 0; h < 2; h++) {
                FOLD(longKeySums, 1.0f, keySums, h)
                FOLD(longValueSums, 1.0f, valueSums, h)
            }
#endif
    }
    UNROLLED for (int h = 0; h < 2; h++) {
#if LONG_SUMS
        FOLD(keySums, 1.0f, longKeySums, h)
        FOLD(valueSums, 1.0f, longValueSums, h)
#endif
        const int row = key + 8 * h;
        STORE_ROW(dk, row, sk, keySums, h, scale)
        STORE_ROW(dv, row, sk, valueSums, h, 1.0f)
    }
}
