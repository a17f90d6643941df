// Softmax attention on NVIDIA's matrix units, float16 or bfloat16 operands, float32 sums. Follows
// attention/matrix_rows.cl.
//
//               64 keys                           A work-group of four warps has 64 queries of one head, each warp 16 of
//            ┌───────────┐                        them, and walks over the keys, 64 at a time. Queries stay in registers
//   16 rows  │ warp 0    │  ×  v [64, d]          as operands of the products, and the weights p go from one product to
//            │ q·kᵀ → p  │                        the next in the registers they were made in: D of q·kᵀ is laid out as
//            ├───────────┤  →  16 × d sums        A of p·v. While scores are made v arrives in local memory, while they
//            │ warp 1 …  │     a warp             are used the next k.
//
// q, y [heads, sq, d], k, v [heads, sk, d], statistics [heads, sq, 2] (float32): the greatest of q·k, m, and
// 1 / Σ e^(scale·(q·k - m)). d ≤ 128. 4·heads·sq·sk·d flops. Where causal, blocks of only masked keys are skipped.
// Local memory: 192 rows of d elements, d rounded up to 32, 64 or 128.
// Dao, FlashAttention-2, 2023.

#define KEY_TILES (BLOCK / 8)
#define TILE (BLOCK * PITCH)

// Global size (⌈sq / 64⌉ · 128, heads), local size (128, 1).
__kernel __attribute__((reqd_work_group_size(MATRIX_THREADS, 1, 1)))
void attention_matrix_nvidia(
    __global const element_t *restrict q, const ulong qOffset, __global const element_t *restrict k,
    const ulong kOffset, __global const element_t *restrict v, const ulong vOffset, __global element_t *restrict y,
    const ulong yOffset, __global float *restrict statistics, const ulong statisticsOffset, const int sq, const int sk,
    const float scale)
{
    __local uint4 staged[3 * TILE];
    __local uint4 *keyTile = staged + TILE, *valueTile = staged + 2 * TILE;
    MATRIX_MEMORY
    const long head = get_group_id(1);
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    y += yOffset + head * sq * HEAD_WIDTH;
    // The last queries first: where causal, they are the most work.
    const int first = ((int)get_num_groups(0) - 1 - (int)get_group_id(0)) * BLOCK;
    const int keys = KEYS_SEEN(sk, first, BLOCK);
    const int lane = LANE;
    // Of the two rows of D that this lane holds a part of.
    const int query = first + 16 * WARP + lane / 4;
    const float scale2 = scale * 1.44269504f;

    COPY_ROWS(staged, q, first, sq, BLOCK)
    COPY_ROWS(keyTile, k, 0, sk, BLOCK)
    copy_commit();
    COPY_ROWS(valueTile, v, 0, sk, BLOCK)
    copy_commit();

    uint queries[WIDTH_STEPS][4];
    float sums[WIDTH_TILES][4], maximum[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0};
    CLEAR(sums, WIDTH_TILES)
#if LONG_SUMS
    float longSums[WIDTH_TILES][4], longTotal[2] = {0, 0}, reached[2] = {-INFINITY, -INFINITY};
    CLEAR(longSums, WIDTH_TILES)
#endif

    for (int j0 = 0; j0 < keys; j0 += BLOCK) {
        copy_wait(1);
        barrier(CLK_LOCAL_MEM_FENCE);
        // Wide rows are read again each time, for want of registers.
        if (HEAD_WIDTH > 96 ? 1 : j0 == 0) LOAD_ROWS(queries, staged)

        float scores[KEY_TILES][4];
        CLEAR(scores, KEY_TILES)
        MULTIPLY_ROWS(scores, queries, keyTile, KEY_TILES / 2)
        barrier(CLK_LOCAL_MEM_FENCE);
        if (j0 + BLOCK < keys) COPY_ROWS(keyTile, k, j0 + BLOCK, sk, BLOCK)
        copy_commit();

        // Powers of two are what the device makes fast.
        float reference[2], decay[2];
        UNROLLED for (int h = 0; h < 2; h++) {
            float largest = -INFINITY;
            UNROLLED for (int c = 0; c < KEY_TILES; c++) {
                UNROLLED for (int e = 0; e < 2; e++) {
                    const int j = j0 + 8 * c + lane % 4 * 2 + e;
                    const int seen = j < sk AND_SEES(query + 8 * h, j);
                    scores[c][2 * h + e] = seen ? scores[c][2 * h + e] : -INFINITY;
                    largest = fmax(largest, scores[c][2 * h + e]);
                }
            }
            largest = fmax(largest, OTHER_LANE(largest, 1));
            largest = fmax(maximum[h], fmax(largest, OTHER_LANE(largest, 2)));
            // Where every score so far is -inf, their weights are 2^(-inf - 0) = 0.
            reference[h] = largest == -INFINITY ? 0.0f : largest;
            decay[h] = EXP2(scale2 * (maximum[h] - reference[h]));
            maximum[h] = largest;
            float sum = 0;
            UNROLLED for (int c = 0; c < KEY_TILES; c++) {
                UNROLLED for (int e = 0; e < 2; e++) {
                    scores[c][2 * h + e] = EXP2(scale2 * (scores[c][2 * h + e] - reference[h]));
                    sum += scores[c][2 * h + e];
                }
            }
            total[h] = fma(total[h], decay[h], sum);
            UNROLLED for (int c = 0; c < WIDTH_TILES; c++)
                UNROLLED for (int e = 0; e < 2; e++) sums[c][2 * h + e] *= decay[h];
        }

        copy_wait(1);
        barrier(CLK_LOCAL_MEM_FENCE);
        ADD_SEEN(sums, scores, valueTile, BLOCK / 16, v, j0, sk, j0 + BLOCK > first)
#if LONG_SUMS
        if (ENDS_SUM(j0, BLOCK) || j0 + BLOCK >= keys)
            UNROLLED for (int h = 0; h < 2; h++) {
                decay[h] = EXP2(scale2 * (reached[h] - reference[h]));
                longTotal[h] = fma(longTotal[h], decay[h], total[h]);
                total[h] = 0;
                reached[h] = maximum[h];
                FOLD(longSums, decay[h], sums, h)
            }
#endif
        barrier(CLK_LOCAL_MEM_FENCE);
        if (j0 + BLOCK < keys) COPY_ROWS(valueTile, v, j0 + BLOCK, sk, BLOCK)
        copy_commit();
    }

    UNROLLED for (int h = 0; h < 2; h++) {
#if LONG_SUMS
        total[h] = longTotal[h];
        FOLD(sums, 0.0f, longSums, h)
#endif
        // Each lane has added its own columns only.
        total[h] += OTHER_LANE(total[h], 1);
        total[h] += OTHER_LANE(total[h], 2);
        const float inverse = 1.0f / total[h];
        const int row = query + 8 * h;
        if (row < sq && lane % 4 == 0) {
            __global float *pair = statistics + statisticsOffset + 2 * (head * sq + row);
            pair[0] = maximum[h];
            pair[1] = inverse;
        }
        STORE_ROW(y, row, sq, sums, h, inverse)
    }
}
