// What the attention kernels on NVIDIA's matrix units share: how rows of q, k, v, y and dy lie in local memory. Follows
// common/matrix_nvidia.cl and attention/masks.cl, of which there is CAUSAL alone.
//
// A row of HEAD_WIDTH elements takes PITCH chunks of 16 bytes, 4, 8 or 16 as the swizzle needs it; what lies past its
// end is zero up to a multiple of 16 elements.

#ifndef HEAD_WIDTH
#define HEAD_WIDTH 64
#endif
#ifndef COPY_ROW
#define COPY_ROW 16          // bytes that every row is aligned to
#endif

#define BLOCK 64             // rows of a group, 16 a warp
#define WIDTH_STEPS ((HEAD_WIDTH + 15) / 16)
#define WIDTH_TILES (2 * WIDTH_STEPS)
#define PITCH (HEAD_WIDTH <= 32 ? 4 : HEAD_WIDTH <= 64 ? 8 : 16)
#define LOCAL_BASE staged
#if EMULATED
#define EXP2(x) exp2(x)
#else
#define EXP2(x) native_exp2(x)
#endif

// `height` rows from `first` of `from`, of which there are `rows`, to a tile.
#define COPY_ROWS(tile, from, first, rows, height) \
    UNROLLED for (int e = 0; e < ((height) * WIDTH_TILES + MATRIX_THREADS - 1) / MATRIX_THREADS; e++) { \
        const int index = THREAD + e * MATRIX_THREADS, row = index / WIDTH_TILES, chunk = index % WIDTH_TILES; \
        if ((height) * WIDTH_TILES % MATRIX_THREADS != 0 && index >= (height) * WIDTH_TILES) continue; \
        const int count = (first) + row < (rows) ? HEAD_WIDTH - chunk * CHUNK : 0; \
        __global const element_t *source = \
            (from) + (count > 0 ? (long)((first) + row) * HEAD_WIDTH + chunk * CHUNK : 0); \
        __local uint4 *target = (tile) + swizzled(row, chunk, PITCH); \
        COPY_CHUNK(target, source, count, COPY_ROW) \
    }

// The warp's 16 rows of a tile of BLOCK rows as operand A.
#define LOAD_ROWS(words, tile) \
    UNROLLED for (int s = 0; s < WIDTH_STEPS; s++) \
        load_matrices((words)[s], (tile) + swizzled(16 * WARP + LANE % 16, 2 * s + LANE / 16, PITCH));

// products[2·pairs tiles] = A (the warp's rows) · rows of the tile, 16 at a time, along the width.
#define MULTIPLY_ROWS(products, rows, tile, pairs) \
    UNROLLED for (int s = 0; s < WIDTH_STEPS; s++) { \
        UNROLLED for (int c = 0; c < (pairs); c++) { \
            uint words[4]; \
            load_matrices( \
                words, (tile) + swizzled(16 * c + LANE % 8 + LANE / 16 * 8, 2 * s + LANE / 8 % 2, PITCH)); \
            multiply_add((products)[2 * c], (rows)[s], words[0], words[1]); \
            multiply_add((products)[2 * c + 1], (rows)[s], words[2], words[3]); \
        } \
    }

// sums += weights (the warp's 16 rows, 16·steps columns, as they come out of a product) · that many rows of the tile.
#define ADD_WEIGHTED(sums, weights, tile, steps) \
    UNROLLED for (int s = 0; s < (steps); s++) { \
        uint left[4]; \
        UNROLLED for (int w = 0; w < 4; w++) \
            left[w] = packed((weights)[2 * s + w / 2][w % 2 * 2], (weights)[2 * s + w / 2][w % 2 * 2 + 1]); \
        UNROLLED for (int c = 0; c < WIDTH_STEPS; c++) { \
            uint words[4]; \
            load_transposed(words, (tile) + swizzled(16 * s + LANE % 16, 2 * c + LANE / 16, PITCH)); \
            multiply_add((sums)[2 * c], left, words[0], words[1]); \
            multiply_add((sums)[2 * c + 1], left, words[2], words[3]); \
        } \
    }

// What is not finite in a tile of rows would come through to those that do not see it, as 0 times it is NaN. So blocks in which
// a row may be hidden from another are looked at: such elements are added by themselves, to the rows
// where their weight is not 0, and made zeros. Each warp looks at the whole tile, so that all know without memory of their own.
#if CAUSAL
#define IS_SPECIAL(bits) (FORMAT == 2 ? ((bits) & 0x7f80) == 0x7f80 : ((bits) & 0x7c00) == 0x7c00)
#define FINITE_HALVES(word) ((IS_SPECIAL(word) ? 0 : 0xffff) | (IS_SPECIAL((word) >> 16) ? 0 : 0xffff0000))
#define FIND_SPECIAL(special, tile, height) \
    _Pragma("unroll 1") for (int index = LANE; index < (height) * WIDTH_TILES; index += 32) { \
        const uint4 words = (tile)[swizzled(index / WIDTH_TILES, index % WIDTH_TILES, PITCH)]; \
        const uint finite = FINITE_HALVES(words.x) & FINITE_HALVES(words.y) & FINITE_HALVES(words.z) & FINITE_HALVES(words.w); \
        if (finite != 0xffffffff) special = 1; \
    } \
    for (int distance = 1; distance < 32; distance *= 2) special = fmax(special, OTHER_LANE(special, distance));
#define REMOVE_SPECIAL(tile, height) \
    _Pragma("unroll 1") for (int index = THREAD; index < (height) * WIDTH_TILES; index += MATRIX_THREADS) { \
        __local uint4 *place = (tile) + swizzled(index / WIDTH_TILES, index % WIDTH_TILES, PITCH); \
        const uint4 words = *place; \
        *place = words & (uint4)( \
            FINITE_HALVES(words.x), FINITE_HALVES(words.y), FINITE_HALVES(words.z), FINITE_HALVES(words.w)); \
    }
// `weights` (the warp's 16 rows, 8·tiles columns) times what is not finite in that many rows of `from`, the first of which is
// `first` of `rows`. The four lanes of a row have a weight each of four columns, and take turns.
#define ADD_SPECIAL(sums, weights, tiles, from, first, rows) \
    UNROLLED for (int c = 0; c < (tiles); c++) { \
        _Pragma("unroll 1") for (int turn = 0; turn < 8; turn++) { \
            const int j = (first) + 8 * c + 2 * (LANE % 4 ^ turn / 2) + turn % 2; \
            const float upper = OTHER_LANE(turn % 2 ? (weights)[c][1] : (weights)[c][0], turn / 2); \
            const float lower = OTHER_LANE(turn % 2 ? (weights)[c][3] : (weights)[c][2], turn / 2); \
            __global const element_t *row = (from) + (long)min(j, (rows) - 1) * HEAD_WIDTH; \
            UNROLLED for (int n = 0; n < WIDTH_TILES; n++) { \
                UNROLLED for (int e = 0; e < 2; e++) { \
                    const int column = 8 * n + LANE % 4 * 2 + e; \
                    const ushort bits = j < (rows) && column < HEAD_WIDTH ? row[column] : 0; \
                    if (IS_SPECIAL(bits) && upper != 0) (sums)[n][e] = fma(upper, unpacked(bits), (sums)[n][e]); \
                    if (IS_SPECIAL(bits) && lower != 0) (sums)[n][2 + e] = fma(lower, unpacked(bits), (sums)[n][2 + e]); \
                } \
            } \
        } \
    }
// sums += weights · rows of the tile, where every lane has multiplied by the tile's rows before. `mayHide` is the same for the
// whole group.
#define ADD_SEEN(sums, weights, tile, steps, from, first, rows, mayHide) \
    if (mayHide) { \
        float special = 0; \
        FIND_SPECIAL(special, tile, 16 * (steps)) \
        if (special != 0) { \
            ADD_SPECIAL(sums, weights, 2 * (steps), from, first, rows) \
            barrier(CLK_LOCAL_MEM_FENCE); \
            REMOVE_SPECIAL(tile, 16 * (steps)) \
            barrier(CLK_LOCAL_MEM_FENCE); \
        } \
    } \
    ADD_WEIGHTED(sums, weights, tile, steps)
#else
#define ADD_SEEN(sums, weights, tile, steps, from, first, rows, mayHide) ADD_WEIGHTED(sums, weights, tile, steps)
#endif

// totals = factor · totals + sums, of half h, and the sums begin anew.
#define FOLD(totals, factor, sums, h) \
    UNROLLED for (int c = 0; c < WIDTH_TILES; c++) \
        UNROLLED for (int e = 0; e < 2; e++) { \
            (totals)[c][2 * (h) + e] = fma((totals)[c][2 * (h) + e], factor, (sums)[c][2 * (h) + e]); \
            (sums)[c][2 * (h) + e] = 0; \
        }

#define CLEAR(tiles, count) \
    UNROLLED for (int c = 0; c < (count); c++) UNROLLED for (int e = 0; e < 4; e++) (tiles)[c][e] = 0;

// Row `row` of `to`, where it is one of `rows`: factor · the lane's part of half h of the sums.
#define STORE_ROW(to, row, rows, sums, h, factor) \
    if ((row) < (rows)) { \
        UNROLLED for (int c = 0; c < WIDTH_TILES; c++) { \
            const int column = 8 * c + LANE % 4 * 2; \
            const uint word = packed((factor) * (sums)[c][2 * (h)], (factor) * (sums)[c][2 * (h) + 1]); \
            __global element_t *target = (to) + (long)(row) * HEAD_WIDTH + column; \
            if (HEAD_WIDTH % 2 == 0) { \
                if (column < HEAD_WIDTH) *(__global uint *)target = word; \
            } else { \
                if (column < HEAD_WIDTH) target[0] = (ushort)word; \
                if (column + 1 < HEAD_WIDTH) target[1] = (ushort)(word >> 16); \
            } \
        } \
    }
