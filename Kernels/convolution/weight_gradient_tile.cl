// Gradient of a convolution's weight, for devices with work-groups and local memory:
// dw [rows, depth] = dy [rows, pixels] · columnsᵀ [pixels, depth], depth = (channel, tap), the tap innermost.
//
// The tile is drawn in gemm/local_tile.cl, which this file follows; im2col happens while a tile is staged. The sum over
// pixels is long and dw often small, so the pixels are shared out to `shares` partial products, which
// `convolution_sum_shares` adds in a fixed order: no atomics, the same bits every time.
// Shapes: x [images, groups·channels, height, width], dy [images, groups·rows, gridHeight, gridWidth], partials
// [shares][groups·rows][depth], dw [groups·rows, depth]. 2·pixels·rows·depth flops a group.

// Global size (⌈depth / TILE_N⌉ · THREADS_X, ⌈rows / TILE_M⌉ · THREADS_Y, groups · shares), local size (THREADS_X,
// THREADS_Y, 1).
__kernel __attribute__((reqd_work_group_size(THREADS_X, THREADS_Y, 1)))
void convolution_weight_gradient_tiles(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict partials, const ulong partialsOffset, const int images, const int groups, const int rows,
    const int channels, const int height, const int width, const int taps, const int tapsWide, const int rowBase,
    const int rowStep, const int rowStride, const int columnBase, const int columnStep, const int columnStride,
    const int gridHeight, const int gridWidth)
{
    __local float stagedA[TILE_K * PITCH_M], stagedB[TILE_K * PITCH_N];
    const int group = get_global_id(2) % groups, share = get_global_id(2) / groups;
    const int shares = get_global_size(2) / groups;
    const int firstRow = get_group_id(1) * TILE_M, firstStep = get_group_id(0) * TILE_N;
    const int thread = THREAD;
    const int depth = taps * channels, gridPixels = gridHeight * gridWidth;
    const long pixels = (long)images * gridPixels, plane = (long)height * width;
    const int pixelStart = (int)(pixels * share / shares), pixelEnd = (int)(pixels * (share + 1) / shares);

    float sums[WORK_M][WORK_N];
    clear_sums(sums);
#if LONG_SUMS
    float totals[WORK_M][WORK_N];
    clear_sums(totals);
#endif
    float nextA[READS_A], nextB[READS_B];
    for (int block = pixelStart - TILE_K; block < pixelEnd; block += TILE_K) {
        const int start = block + TILE_K;
        if (start < pixelEnd) {
            #pragma unroll
            for (int e = 0; e < READS_A; e++) {
                const int index = thread + e * THREADS;
                const int row = firstRow + index / TILE_K, pixel = start + index % TILE_K;
                nextA[e] = row < rows && pixel < pixelEnd
                    ? dy[dyOffset + ((long)(pixel / gridPixels * groups + group) * rows + row) * gridPixels
                        + pixel % gridPixels]
                    : 0;
            }
            #pragma unroll
            for (int e = 0; e < READS_B; e++) {
                const int index = thread + e * THREADS;
                const int step = firstStep + index / TILE_K, pixel = start + index % TILE_K;
                const int channel = step / taps, tap = step % taps;
                const int i = pixel / gridWidth % gridHeight * rowStride + rowBase + tap / tapsWide * rowStep;
                const int j = pixel % gridWidth * columnStride + columnBase + tap % tapsWide * columnStep;
                nextB[e] = step < depth && pixel < pixelEnd && i >= 0 && i < height && j >= 0 && j < width
                    ? x[xOffset + ((long)(pixel / gridPixels * groups + group) * channels + channel) * plane
                        + (long)i * width + j]
                    : 0;
            }
        }
        if (block >= pixelStart) multiply_staged(stagedA, stagedB, sums);
#if LONG_SUMS
        if ((start - pixelStart) % PRODUCTS == 0) move_sums(sums, totals);
#endif
        barrier(CLK_LOCAL_MEM_FENCE);
        if (start < pixelEnd) {
            #pragma unroll
            for (int e = 0; e < READS_A; e++) {
                const int index = thread + e * THREADS;
                stagedA[index % TILE_K * PITCH_M + index / TILE_K] = nextA[e];
            }
            #pragma unroll
            for (int e = 0; e < READS_B; e++) {
                const int index = thread + e * THREADS;
                stagedB[index % TILE_K * PITCH_N + index / TILE_K] = nextB[e];
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#if LONG_SUMS
    move_sums(totals, sums);
#endif
    partials += partialsOffset + ((long)share * groups + group) * rows * depth;
    #pragma unroll
    for (int i = 0; i < WORK_M; i++) {
        #pragma unroll
        for (int j = 0; j < WORK_N; j++) {
            const int row = firstRow + TILE_ROW(i), step = firstStep + TILE_COLUMN(j);
            if (row < rows && step < depth) partials[(long)row * depth + step] = sums[i][j];
        }
    }
}

// dw [count] = Σ over shares of partials [shares][count], in order. Global size (count rounded up, 1, 1).
__kernel void convolution_sum_shares(
    __global const float *restrict partials, const ulong partialsOffset, __global float *restrict dw,
    const ulong dwOffset, const int shares, const int count)
{
    const int i = get_global_id(0);
    if (i >= count) return;
    float sum = 0;
    for (int s = 0; s < shares; s++) sum += partials[partialsOffset + (long)s * count + i];
    dw[dwOffset + i] = sum;
}
