// Softmax attention on NVIDIA's matrix units, float16 or bfloat16 operands, float32 sums. Follows
// common/matrix_nvidia.cl.
//
//               64 keys                           A work-group of four warps has 64 queries of one head, each warp 16 of
//            ┌───────────┐                        them, and walks over the keys, 64 at a time. Queries stay in registers
//   16 rows  │ warp 0    │  ×  v [64, d]          as operands of the products, and the weights p go from one product to
//            │ q·kᵀ → p  │                        the next in the registers they were made in: D of q·kᵀ is laid out as
//            ├───────────┤  →  16 × d sums        A of p·v. While scores are made v arrives in local memory, while they
//            │ warp 1 …  │     a warp             are used the next k.
//
// q, y [heads, sq, d], k, v [heads, sk, d], logSumExp [heads, sq] (float32). d ≤ 128. 4·heads·sq·sk·d flops. Where causal,
// blocks of only masked keys are skipped. Local memory: 192 rows of d elements, d rounded up to 32, 64 or 128.
// Dao, FlashAttention-2, 2023.

#ifndef HEAD_WIDTH
#define HEAD_WIDTH 64
#endif
#ifndef CAUSAL
#define CAUSAL 0
#endif
#ifndef COPY_ROW
#define COPY_ROW 16          // bytes that every row is aligned to
#endif

#define BLOCK 64             // queries of a group, and keys at a time
#define WIDTH_STEPS ((HEAD_WIDTH + 15) / 16)
#define WIDTH_TILES (2 * WIDTH_STEPS)
#define KEY_TILES (BLOCK / 8)
// Chunks of a row in local memory: what the swizzle needs.
#define PITCH (HEAD_WIDTH <= 32 ? 4 : HEAD_WIDTH <= 64 ? 8 : 16)
#define TILE (BLOCK * PITCH)
#define LOCAL_BASE staged
#if EMULATED
#define EXP2(x) exp2(x)
#else
#define EXP2(x) native_exp2(x)
#endif

// Rows `first` … of `from`, of which there are `rows`, to a tile.
#define COPY_ROWS(tile, from, first, rows) \
    UNROLLED for (int e = 0; e < BLOCK * WIDTH_TILES / MATRIX_THREADS; e++) { \
        const int index = THREAD + e * MATRIX_THREADS, row = index / WIDTH_TILES, chunk = index % WIDTH_TILES; \
        const int count = (first) + row < (rows) ? HEAD_WIDTH - chunk * CHUNK : 0; \
        __global const element_t *source = \
            (from) + (count > 0 ? (long)((first) + row) * HEAD_WIDTH + chunk * CHUNK : 0); \
        __local uint4 *target = (tile) + swizzled(row, chunk, PITCH); \
        COPY_CHUNK(target, source, count, COPY_ROW) \
    }

// Global size (⌈sq / 64⌉ · 128, heads), local size (128, 1).
__kernel __attribute__((reqd_work_group_size(MATRIX_THREADS, 1, 1)))
void attention_matrix_nvidia(
    __global const element_t *restrict q, const ulong qOffset, __global const element_t *restrict k,
    const ulong kOffset, __global const element_t *restrict v, const ulong vOffset, __global element_t *restrict y,
    const ulong yOffset, __global float *restrict logSumExp, const ulong logSumExpOffset, const int sq, const int sk,
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
    const int keys = CAUSAL ? min(sk, first + BLOCK) : sk;
    const int lane = LANE;
    // Of the two rows of D that this lane holds a part of.
    const int query = first + 16 * WARP + lane / 4;
    const float scale2 = scale * 1.44269504f;

    COPY_ROWS(staged, q, first, sq)
    COPY_ROWS(keyTile, k, 0, sk)
    copy_commit();
    COPY_ROWS(valueTile, v, 0, sk)
    copy_commit();

    uint queries[WIDTH_STEPS][4];
    float sums[WIDTH_TILES][4], maximum[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0};
    UNROLLED for (int c = 0; c < WIDTH_TILES; c++)
        UNROLLED for (int e = 0; e < 4; e++) sums[c][e] = 0;

    for (int j0 = 0; j0 < keys; j0 += BLOCK) {
        copy_wait(1);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (j0 == 0)
            UNROLLED for (int s = 0; s < WIDTH_STEPS; s++)
                load_matrices(queries[s], staged + swizzled(16 * WARP + lane % 16, 2 * s + lane / 16, PITCH));

        float scores[KEY_TILES][4];
        UNROLLED for (int c = 0; c < KEY_TILES; c++)
            UNROLLED for (int e = 0; e < 4; e++) scores[c][e] = 0;
        UNROLLED for (int s = 0; s < WIDTH_STEPS; s++) {
            UNROLLED for (int c = 0; c < KEY_TILES / 2; c++) {
                uint words[4];
                load_matrices(
                    words, keyTile + swizzled(16 * c + lane % 8 + lane / 16 * 8, 2 * s + lane / 8 % 2, PITCH));
                multiply_add(scores[2 * c], queries[s], words[0], words[1]);
                multiply_add(scores[2 * c + 1], queries[s], words[2], words[3]);
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (j0 + BLOCK < keys) COPY_ROWS(keyTile, k, j0 + BLOCK, sk)
        copy_commit();

        // In units of log 2, as powers of two are what the device makes fast.
        float reference[2], decay[2];
        UNROLLED for (int h = 0; h < 2; h++) {
            float largest = -INFINITY;
            UNROLLED for (int c = 0; c < KEY_TILES; c++) {
                UNROLLED for (int e = 0; e < 2; e++) {
                    const int j = j0 + 8 * c + lane % 4 * 2 + e;
                    const int seen = j < sk && (!CAUSAL || j <= query + 8 * h);
                    scores[c][2 * h + e] = seen ? scale2 * scores[c][2 * h + e] : -INFINITY;
                    largest = fmax(largest, scores[c][2 * h + e]);
                }
            }
            largest = fmax(largest, OTHER_LANE(largest, 1));
            largest = fmax(maximum[h], fmax(largest, OTHER_LANE(largest, 2)));
            // Where every score so far is -inf, their weights are 2^(-inf - 0) = 0.
            reference[h] = largest == -INFINITY ? 0.0f : largest;
            decay[h] = EXP2(maximum[h] - reference[h]);
            maximum[h] = largest;
            float sum = 0;
            UNROLLED for (int c = 0; c < KEY_TILES; c++) {
                UNROLLED for (int e = 0; e < 2; e++) {
                    scores[c][2 * h + e] = EXP2(scores[c][2 * h + e] - reference[h]);
                    sum += scores[c][2 * h + e];
                }
            }
            total[h] = fma(total[h], decay[h], sum);
            UNROLLED for (int c = 0; c < WIDTH_TILES; c++)
                UNROLLED for (int e = 0; e < 2; e++) sums[c][2 * h + e] *= decay[h];
        }

        copy_wait(1);
        barrier(CLK_LOCAL_MEM_FENCE);
        UNROLLED for (int s = 0; s < BLOCK / 16; s++) {
            uint weights[4];
            UNROLLED for (int w = 0; w < 4; w++)
                weights[w] = packed(scores[2 * s + w / 2][w % 2 * 2], scores[2 * s + w / 2][w % 2 * 2 + 1]);
            UNROLLED for (int c = 0; c < WIDTH_STEPS; c++) {
                uint words[4];
                load_transposed(words, valueTile + swizzled(16 * s + lane % 16, 2 * c + lane / 16, PITCH));
                multiply_add(sums[2 * c], weights, words[0], words[1]);
                multiply_add(sums[2 * c + 1], weights, words[2], words[3]);
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (j0 + BLOCK < keys) COPY_ROWS(valueTile, v, j0 + BLOCK, sk)
        copy_commit();
    }

    UNROLLED for (int h = 0; h < 2; h++) {
        // Each lane has added its own columns only.
        total[h] += OTHER_LANE(total[h], 1);
        total[h] += OTHER_LANE(total[h], 2);
        const float inverse = 1.0f / total[h];
        const int row = query + 8 * h;
        if (row < sq) {
            if (lane % 4 == 0)
                logSumExp[logSumExpOffset + head * sq + row] = 0.693147181f * (maximum[h] + log2(total[h]));
            UNROLLED for (int c = 0; c < WIDTH_TILES; c++) {
                const int column = 8 * c + lane % 4 * 2;
                const uint word = packed(inverse * sums[c][2 * h], inverse * sums[c][2 * h + 1]);
                __global element_t *target = y + (long)row * HEAD_WIDTH + column;
#if HEAD_WIDTH % 2 == 0
                if (column < HEAD_WIDTH) *(__global uint *)target = word;
#else
                if (column < HEAD_WIDTH) target[0] = (ushort)word;
                if (column + 1 < HEAD_WIDTH) target[1] = (ushort)(word >> 16);
#endif
            }
        }
    }
}
