// Matrix product on NVIDIA's matrix units: y = activation(op(a) · op(b) + bias), batched, float16, bfloat16 or TF32
// operands, float32 sums. Follows common/matrix_nvidia.cl.
//
//                          b, STAGES tiles of TILE_K × TILE_N in local memory
//                         ┌───────────┬───────────┐       A work-group of WARPS warps makes a TILE_M × TILE_N tile of
//                         │           │           │       y, each warp WARP_M × WARP_N of it as 16×8 products whose
//                         └───────────┴───────────┘       sums stay in registers. 64 bytes of each row of a and b
//    a     ┌───┐┌───┐     ┌───────────┬───────────┐       (TILE_K) are a stage; copies run STAGES - 1 stages ahead,
//  STAGES  │   ││   │  …  │  warp 0   │  warp 1   │       in the background, and one barrier a stage both shows what
//  tiles   │   ││   │     ├───────────┼───────────┤       has arrived and frees the oldest. Tiles lie in local memory
//          │   ││   │     │  warp 2   │  warp 3   │       as in global (rows of k, or of m and n where transposed),
//          └───┘└───┘     └───────────┴───────────┘       chunks of 16 bytes swizzled by XOR against bank conflicts.
//
// Shapes: a [batch, m, k] ([batch, k, m] if TRANSPOSE_A), b [batch, k, n] ([batch, n, k] if TRANSPOSE_B), or
// fewer entries of either, as gemm/batch.cl says, bias [n] of y's type, y [batch, m, n]. Any extents: what lies outside is copied as zero and
// not written. 2·m·n·k flops a batch entry. Bytes moved: m·n·k·(1 / TILE_M + 1 / TILE_N) elements read, m·n written.
// COPY_A, COPY_B: bytes that every row of a and b is aligned to. Local memory: STAGES · (TILE_M + TILE_N) · 64 bytes.
// Method: NVIDIA, CUTLASS, "Efficient GEMM in CUDA" (multistage); A. Armbruster, "How to write a fast matrix
// multiplication from scratch with tensor cores", 2024.

#ifndef TILE_M
#define TILE_M 128
#endif
#ifndef TILE_N
#define TILE_N 128
#endif
#ifndef WARP_M
#define WARP_M 64
#endif
#ifndef WARP_N
#define WARP_N 64
#endif
#ifndef STAGES
#define STAGES 3             // tiles of each operand in local memory
#endif
#ifndef TRANSPOSE_A
#define TRANSPOSE_A 0
#endif
#ifndef TRANSPOSE_B
#define TRANSPOSE_B 0
#endif
#ifndef COPY_A
#define COPY_A 16
#endif
#ifndef COPY_B
#define COPY_B 16
#endif
#ifndef FLOAT_RESULT
#define FLOAT_RESULT 0       // y and bias are float32; else of the operands' type
#endif
#ifndef HAS_BIAS
#define HAS_BIAS 0
#endif
#ifndef ACTIVATION
#define ACTIVATION(x) (x)
#endif

#define WARPS_ACROSS (TILE_N / WARP_N)
#define WARPS (TILE_M / WARP_M * WARPS_ACROSS)
#define THREADS (32 * WARPS)
#define TILE_K (64 / ELEMENT_BYTES)
#define DEEP_CHUNKS 4        // in TILE_K
#define STEPS (TILE_K / STEP)
#define DOWN (WARP_M / 16)   // products of 16×8 in a warp's tile
#define ACROSS (WARP_N / 8)
// In chunks: the tile of an operand that lies along k, and of one that lies across it.
#define SIZE_A (TILE_M * DEEP_CHUNKS)
#define SIZE_B (TILE_N * DEEP_CHUNKS)
#define STAGE (SIZE_A + SIZE_B)
// Tiles of y in columns of so many, so that groups that run together share what they read in the cache.
#define BAND 8
#define LOCAL_BASE staged

#if FLOAT_RESULT || FORMAT == 3
typedef float result_t;
#define FROM_RESULT(x) (x)
#else
typedef ushort result_t;
#define FROM_RESULT(x) unpacked(x)
#endif

// A tile of `rows` rows of `chunks` chunks from `from`, of which rowsLeft rows and columnsLeft elements in each exist.
#define COPY_TILE(tile, from, pitch, rows, chunks, rowsLeft, columnsLeft, copied, place) \
    UNROLLED for (int e = 0; e < (rows) * (chunks) / THREADS; e++) { \
        const int index = THREAD + e * THREADS, row = index / (chunks), chunk = index % (chunks); \
        const int count = row < (rowsLeft) ? (columnsLeft) - chunk * CHUNK : 0; \
        __global const element_t *source = (from) + (count > 0 ? row * (long)(pitch) + chunk * CHUNK : 0); \
        __local uint4 *target = (tile) + place(row, chunk, chunks); \
        COPY_CHUNK(target, source, count, copied) \
    }

#if FORMAT == 3
#define PLACE_ACROSS swizzled_floats
#else
#define PLACE_ACROSS swizzled
#endif

// Copies the stage whose first step of k is `first` into `tile`.
#if TRANSPOSE_A
#define COPY_STAGE_A(tile, first) \
    COPY_TILE(tile, a + (long)(first) * m + row0, m, TILE_K, TILE_M / CHUNK, k - (first), m - row0, COPY_A, PLACE_ACROSS)
#else
#define COPY_STAGE_A(tile, first) \
    COPY_TILE(tile, a + (long)row0 * k + (first), k, TILE_M, DEEP_CHUNKS, m - row0, k - (first), COPY_A, swizzled)
#endif
#if TRANSPOSE_B
#define COPY_STAGE_B(tile, first) \
    COPY_TILE(tile, b + (long)column0 * k + (first), k, TILE_N, DEEP_CHUNKS, n - column0, k - (first), COPY_B, swizzled)
#else
#define COPY_STAGE_B(tile, first) \
    COPY_TILE(tile, b + (long)(first) * n + column0, n, TILE_K, TILE_N / CHUNK, k - (first), n - column0, COPY_B, \
        PLACE_ACROSS)
#endif
#define COPY_STAGE(index) { \
    __local uint4 *stage = staged + (index) % STAGES * STAGE; \
    const int first = (index) * TILE_K; \
    COPY_STAGE_A(stage, first) \
    COPY_STAGE_B(stage + SIZE_A, first) \
}

// The float at (row, column) of a tile that lies across k.
#define STAGED_FLOAT(tile, row, column, chunks) \
    rounded(((__local const uint *)((tile) + swizzled_floats(row, (column) / 4, chunks)))[(column) % 4])

// A product y tile. Global size (⌈n / TILE_N⌉ · THREADS, ⌈m / TILE_M⌉, batch), local size (THREADS, 1, 1).
__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1)))
void gemm_matrix_nvidia(
    __global const element_t *restrict a, const ulong aOffset, __global const element_t *restrict b,
    const ulong bOffset,
#if HAS_BIAS
    __global const result_t *restrict bias, const ulong biasOffset,
#endif
    __global result_t *restrict c, const ulong cOffset, const int m, const int n, const int k,
    BATCH_PARAMETERS)
{
    __local uint4 staged[STAGES * STAGE];
    MATRIX_MEMORY
    const int across = get_num_groups(0), down = get_num_groups(1);
    const int group = get_group_id(1) * across + get_group_id(0);
    const int band = group / (BAND * across) * BAND, height = min(BAND, down - band);
    const int inBand = group - band * across;
    const int row0 = (band + inBand % height) * TILE_M, column0 = inBand / height * TILE_N;
    const ulong entry = get_group_id(2);
    a += aOffset + ENTRY_OF_A(entry) * m * k;
    b += bOffset + ENTRY_OF_B(entry) * n * k;
    c += cOffset + entry * m * n;
    const int lane = LANE;
    const int warpRow = WARP / WARPS_ACROSS * WARP_M, warpColumn = WARP % WARPS_ACROSS * WARP_N;

    float sums[DOWN][ACROSS][4];
    UNROLLED for (int i = 0; i < DOWN; i++)
        UNROLLED for (int j = 0; j < ACROSS; j++)
            UNROLLED for (int e = 0; e < 4; e++) sums[i][j][e] = 0;

    const int blocks = (k + TILE_K - 1) / TILE_K;
    UNROLLED for (int s = 0; s < STAGES - 1; s++) {
        if (s < blocks) COPY_STAGE(s)
        copy_commit();
    }
    for (int block = 0; block < blocks; block++) {
        copy_wait(STAGES - 2);
        barrier(CLK_LOCAL_MEM_FENCE);
        // The stage that all were done with before this barrier is filled again.
        if (block + STAGES - 1 < blocks) COPY_STAGE(block + STAGES - 1)
        copy_commit();
        __local const uint4 *tileA = staged + block % STAGES * STAGE, *tileB = tileA + SIZE_A;
        UNROLLED for (int step = 0; step < STEPS; step++) {
            uint wordsA[DOWN][4], wordsB[ACROSS / 2][4];
            UNROLLED for (int i = 0; i < DOWN; i++) {
                const int row = warpRow + 16 * i;
#if !TRANSPOSE_A
                load_matrices(wordsA[i], tileA + swizzled(row + lane % 16, 2 * step + lane / 16, DEEP_CHUNKS));
#elif FORMAT == 3
                UNROLLED for (int w = 0; w < 4; w++)
                    wordsA[i][w] = STAGED_FLOAT(
                        tileA, STEP * step + lane % 4 + w / 2 * 4, row + lane / 4 + w % 2 * 8, TILE_M / CHUNK);
#else
                load_transposed(wordsA[i], tileA + swizzled(
                    STEP * step + lane % 8 + lane / 16 * 8, row / CHUNK + lane / 8 % 2, TILE_M / CHUNK));
#endif
#if FORMAT == 3 && !TRANSPOSE_A
                UNROLLED for (int w = 0; w < 4; w++) wordsA[i][w] = rounded(wordsA[i][w]);
#endif
            }
            // Words 0 and 1 are for eight columns, 2 and 3 for the next eight.
            UNROLLED for (int j = 0; j < ACROSS / 2; j++) {
                const int column = warpColumn + 16 * j;
#if TRANSPOSE_B
                load_matrices(wordsB[j], tileB + swizzled(
                    column + lane % 8 + lane / 16 * 8, 2 * step + lane / 8 % 2, DEEP_CHUNKS));
#elif FORMAT == 3
                UNROLLED for (int w = 0; w < 4; w++)
                    wordsB[j][w] = STAGED_FLOAT(
                        tileB, STEP * step + lane % 4 + w % 2 * 4, column + lane / 4 + w / 2 * 8, TILE_N / CHUNK);
#else
                load_transposed(wordsB[j], tileB + swizzled(
                    STEP * step + lane % 16, column / CHUNK + lane / 16, TILE_N / CHUNK));
#endif
#if FORMAT == 3 && TRANSPOSE_B
                UNROLLED for (int w = 0; w < 4; w++) wordsB[j][w] = rounded(wordsB[j][w]);
#endif
            }
            UNROLLED for (int i = 0; i < DOWN; i++)
                UNROLLED for (int j = 0; j < ACROSS; j++)
                    multiply_add(sums[i][j], wordsA[i], wordsB[j / 2][j % 2 * 2], wordsB[j / 2][j % 2 * 2 + 1]);
        }
    }

    // Two columns at a time, where rows of y keep pairs aligned.
    const int pairs = n % 2 == 0;
    UNROLLED for (int j = 0; j < ACROSS; j++) {
        const int column = column0 + warpColumn + 8 * j + lane % 4 * 2;
        float bias0 = 0, bias1 = 0;
#if HAS_BIAS
        if (column < n) bias0 = FROM_RESULT(bias[biasOffset + column]);
        if (column + 1 < n) bias1 = FROM_RESULT(bias[biasOffset + column + 1]);
#endif
        UNROLLED for (int i = 0; i < DOWN; i++) {
            UNROLLED for (int h = 0; h < 2; h++) {
                const int row = row0 + warpRow + 16 * i + lane / 4 + 8 * h;
                if (row < m && column < n) {
                    const float2 y = (float2)(
                        ACTIVATION(sums[i][j][2 * h] + bias0), ACTIVATION(sums[i][j][2 * h + 1] + bias1));
                    __global result_t *target = c + (long)row * n + column;
#if FLOAT_RESULT || FORMAT == 3
                    if (pairs) {
                        *(__global float2 *)target = y;
                    } else {
                        target[0] = y.x;
                        if (column + 1 < n) target[1] = y.y;
                    }
#else
                    const uint word = packed(y.x, y.y);
                    if (pairs) {
                        *(__global uint *)target = word;
                    } else {
                        target[0] = (ushort)word;
                        if (column + 1 < n) target[1] = (ushort)(word >> 16);
                    }
#endif
                }
            }
        }
    }
}
