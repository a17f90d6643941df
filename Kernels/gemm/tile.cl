// Matrix product for devices with work-groups and local memory: y = activation(op(a) · op(b) + bias), batched.
//
// The tile is drawn in gemm/local_tile.cl, which this file follows.
// Shapes: a [batch, m, k] ([batch, k, m] if TRANSPOSE_A), b [batch, k, n] ([batch, n, k] if TRANSPOSE_B), or
// fewer entries of either, as gemm/batch.cl says, bias [n], y [batch, m, n]. 2·m·n·k flops a batch entry. Bytes moved:
// 4·m·n·k·(1 / TILE_M + 1 / TILE_N) read, 4·m·n written. Any extents: what lies outside is read as zero and not written.

#ifndef TRANSPOSE_A
#define TRANSPOSE_A 0
#endif
#ifndef TRANSPOSE_B
#define TRANSPOSE_B 0
#endif

// Global size (⌈n / TILE_N⌉ · THREADS_X, ⌈m / TILE_M⌉ · THREADS_Y, batch), local size (THREADS_X, THREADS_Y, 1).
__kernel __attribute__((reqd_work_group_size(THREADS_X, THREADS_Y, 1)))
void gemm_tiles(
    __global const float *restrict a, const ulong aOffset, __global const float *restrict b, const ulong bOffset,
#if HAS_BIAS
    __global const float *restrict bias, const ulong biasOffset,
#endif
    __global float *restrict c, const ulong cOffset, const int m, const int n, const int k,
    BATCH_PARAMETERS)
{
    __local float stagedA[TILE_K * PITCH_M], stagedB[TILE_K * PITCH_N];
    const ulong entry = get_global_id(2);
    const int row = get_group_id(1) * TILE_M, column = get_group_id(0) * TILE_N;
    const int thread = THREAD;
    a += aOffset + ENTRY_OF_A(entry) * m * k;
    b += bOffset + ENTRY_OF_B(entry) * n * k;
    c += cOffset + entry * m * n;
    float sums[WORK_M][WORK_N];
    clear_sums(sums);
#if LONG_SUMS
    float totals[WORK_M][WORK_N];
    clear_sums(totals);
#endif
    float nextA[READS_A], nextB[READS_B];
    for (int block = -TILE_K; block < k; block += TILE_K) {
        const int start = block + TILE_K;
        if (start < k) {
            #pragma unroll
            for (int e = 0; e < READS_A; e++) {
                const int index = thread + e * THREADS;
#if TRANSPOSE_A
                const int i = row + index % TILE_M, p = start + index / TILE_M;
                nextA[e] = i < m && p < k ? a[(long)p * m + i] : 0;
#else
                const int i = row + index / TILE_K, p = start + index % TILE_K;
                nextA[e] = i < m && p < k ? a[(long)i * k + p] : 0;
#endif
            }
            #pragma unroll
            for (int e = 0; e < READS_B; e++) {
                const int index = thread + e * THREADS;
#if TRANSPOSE_B
                const int j = column + index / TILE_K, p = start + index % TILE_K;
                nextB[e] = j < n && p < k ? b[(long)j * k + p] : 0;
#else
                const int j = column + index % TILE_N, p = start + index / TILE_N;
                nextB[e] = j < n && p < k ? b[(long)p * n + j] : 0;
#endif
            }
        }
        if (block >= 0) multiply_staged(stagedA, stagedB, sums);
#if LONG_SUMS
        if (start % PRODUCTS == 0) move_sums(sums, totals);
#endif
        barrier(CLK_LOCAL_MEM_FENCE);
        if (start < k) {
            #pragma unroll
            for (int e = 0; e < READS_A; e++) {
                const int index = thread + e * THREADS;
#if TRANSPOSE_A
                stagedA[index / TILE_M * PITCH_M + index % TILE_M] = nextA[e];
#else
                stagedA[index % TILE_K * PITCH_M + index / TILE_K] = nextA[e];
#endif
            }
            #pragma unroll
            for (int e = 0; e < READS_B; e++) {
                const int index = thread + e * THREADS;
#if TRANSPOSE_B
                stagedB[index % TILE_K * PITCH_N + index / TILE_K] = nextB[e];
#else
                stagedB[index / TILE_N * PITCH_N + index % TILE_N] = nextB[e];
#endif
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#if LONG_SUMS
    move_sums(totals, sums);
#endif
    #pragma unroll
    for (int i = 0; i < WORK_M; i++) {
        #pragma unroll
        for (int j = 0; j < WORK_N; j++) {
            const int y = row + TILE_ROW(i), x = column + TILE_COLUMN(j);
            if (y < m && x < n) {
                float sum = sums[i][j];
#if HAS_BIAS
                sum += bias[biasOffset + x];
#endif
                c[(long)y * n + x] = ACTIVATION(sum);
            }
        }
    }
}
