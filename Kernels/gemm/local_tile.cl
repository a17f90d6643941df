// What the kernels that stage tiles in local memory share: gemm/tile.cl, convolution/tile.cl and
// convolution/weight_gradient_tile.cl name this file as one to put before them.
//
//                 b staged [TILE_K][TILE_N + PAD]        A work-group of (TILE_N / WORK_N) × (TILE_M / WORK_M)
//                ┌─────────────────────────┐             work-items makes a TILE_M × TILE_N tile of the product. All of
//                └─────────────────────────┘             them stage TILE_K steps of both operands; then each adds
//   ┌──┐         ┌──┬──┬──┬──┐  WORK_M ×                 WORK_M × WORK_N sums in registers, in runs of CHUNK rows and
//   │a │         │  │  │  │  │  WORK_N                   columns that interleave with its neighbours', so that reads
//   │  │         ├──┼──┼──┼──┤  sums a                   of local memory meet no bank conflicts and stores of the
//   └──┘         │  │  │  │  │  work-item               product are coalesced. The next steps are read into
//                └──┴──┴──┴──┘                           registers while these are multiplied.
//
// Method: C. Nugteren, "Tutorial: OpenCL SGEMM tuning for Kepler", 2014; V. Volkov and J. Demmel, SC 2008.

#ifndef TILE_M
#define TILE_M 64            // rows of a work-group's tile
#endif
#ifndef TILE_N
#define TILE_N 64            // columns of a work-group's tile
#endif
#ifndef TILE_K
#define TILE_K 16            // steps staged at a time
#endif
#ifndef WORK_M
#define WORK_M 4             // rows of a work-item
#endif
#ifndef WORK_N
#define WORK_N 4             // columns of a work-item
#endif
#ifndef LONG_SUMS
#define LONG_SUMS 0          // whether sums are of so many products that rounding tells: then PRODUCTS at a time
#endif
#define PRODUCTS 1024
#ifndef HAS_BIAS
#define HAS_BIAS 0
#endif
#ifndef ACTIVATION
#define ACTIVATION(x) (x)
#endif

#define PAD 4
#define PITCH_M (TILE_M + PAD)
#define PITCH_N (TILE_N + PAD)
#define THREADS_X (TILE_N / WORK_N)
#define THREADS_Y (TILE_M / WORK_M)
#define THREADS (THREADS_X * THREADS_Y)
// Elements of each staged tile that a work-item reads. The tiles are multiples of the work-group.
#define READS_A (TILE_M * TILE_K / THREADS)
#define READS_B (TILE_N * TILE_K / THREADS)
#define CHUNK_M (WORK_M % 4 == 0 ? 4 : WORK_M)
#define CHUNK_N (WORK_N % 4 == 0 ? 4 : WORK_N)
// The tile's row of a work-item's i-th row, and the column of its j-th.
#define TILE_ROW(i) ((i) / CHUNK_M * (THREADS_Y * CHUNK_M) + (int)get_local_id(1) * CHUNK_M + (i) % CHUNK_M)
#define TILE_COLUMN(j) ((j) / CHUNK_N * (THREADS_X * CHUNK_N) + (int)get_local_id(0) * CHUNK_N + (j) % CHUNK_N)
#define THREAD ((int)get_local_id(1) * THREADS_X + (int)get_local_id(0))

static inline void clear_sums(float sums[WORK_M][WORK_N]) {
    #pragma unroll
    for (int i = 0; i < WORK_M; i++) {
        #pragma unroll
        for (int j = 0; j < WORK_N; j++) sums[i][j] = 0;
    }
}

// to += from, which begins anew.
static inline void move_sums(float from[WORK_M][WORK_N], float to[WORK_M][WORK_N]) {
    #pragma unroll
    for (int i = 0; i < WORK_M; i++) {
        #pragma unroll
        for (int j = 0; j < WORK_N; j++) {
            to[i][j] += from[i][j];
            from[i][j] = 0;
        }
    }
}

// sums += a [TILE_K][PITCH_M]ᵀ · b [TILE_K][PITCH_N], both staged, the work-item's part.
static inline void multiply_staged(
    __local const float *a, __local const float *b, float sums[WORK_M][WORK_N])
{
    for (int p = 0; p < TILE_K; p++) {
        float rows[WORK_M], columns[WORK_N];
        #pragma unroll
        for (int i = 0; i < WORK_M; i++) rows[i] = a[p * PITCH_M + TILE_ROW(i)];
        #pragma unroll
        for (int j = 0; j < WORK_N; j++) columns[j] = b[p * PITCH_N + TILE_COLUMN(j)];
        #pragma unroll
        for (int i = 0; i < WORK_M; i++) {
            #pragma unroll
            for (int j = 0; j < WORK_N; j++) sums[i][j] = fma(rows[i], columns[j], sums[i][j]);
        }
    }
}
