// Two-dimensional convolution as an implicit matrix product, for devices with work-groups and local memory: the
// forward pass and the gradient of the input, y [rows, pixels] = w [rows, depth] · columns [depth, pixels].
//
// The tile is drawn in gemm/local_tile.cl, which this file follows; im2col happens while a tile is staged. Grid, taps,
// bases, steps and strides are those of convolution/panel.cl; here depth = (channel, tap), the tap innermost. Each
// work-item stages pixels of one column of the tile only, and so finds its place in the source once.
// Shapes: weight and its strides as in convolution_pack_weights, source [images, groups·channels, height, width],
// bias [groups·rows], y [images, groups·rows, outHeight, outWidth]. 2·pixels·rows·depth flops a group.

// Global size (⌈pixels / TILE_N⌉ · THREADS_X, ⌈rows / TILE_M⌉ · THREADS_Y, groups), local size (THREADS_X, THREADS_Y, 1).
__kernel __attribute__((reqd_work_group_size(THREADS_X, THREADS_Y, 1)))
void convolution_tiles(
    __global const float *restrict weight, const ulong weightOffset, __global const float *restrict x,
    const ulong xOffset,
#if HAS_BIAS
    __global const float *restrict bias, const ulong biasOffset,
#endif
    __global float *restrict y, const ulong yOffset, const int images, const int rows, const int channels,
    const int height, const int width, const int taps, const int tapsWide, const int rowBase, const int rowStep,
    const int rowStride, const int columnBase, const int columnStep, const int columnStride, const int gridHeight,
    const int gridWidth, const int outHeight, const int outWidth, const int outRowBase, const int outRowStride,
    const int outColumnBase, const int outColumnStride, const int weightRowStride, const int channelStride,
    const int groupStride, const int kernelWidth, const int rowTap, const int rowTapStep, const int columnTap,
    const int columnTapStep)
{
    __local float stagedA[TILE_K * PITCH_M], stagedB[TILE_K * PITCH_N];
    const int group = get_global_id(2), groups = get_global_size(2);
    const int firstRow = get_group_id(1) * TILE_M, firstPixel = get_group_id(0) * TILE_N;
    const int thread = THREAD;
    const int depth = taps * channels, pixels = images * gridHeight * gridWidth;
    const long plane = (long)height * width;
    weight += weightOffset + (long)group * groupStride + rowTap * kernelWidth + columnTap;

    // The pixel that this work-item stages: THREADS is a multiple of TILE_N.
    const int pixel = firstPixel + thread % TILE_N;
    const int sourceRow = pixel / gridWidth % gridHeight * rowStride + rowBase;
    const int sourceColumn = pixel % gridWidth * columnStride + columnBase;
    x += xOffset + ((long)(pixel / gridWidth / gridHeight) * groups + group) * channels * plane;

    float sums[WORK_M][WORK_N];
    clear_sums(sums);
    float nextA[READS_A], nextB[READS_B];
    for (int block = -TILE_K; block < depth; block += TILE_K) {
        const int start = block + TILE_K;
        if (start < depth) {
            #pragma unroll
            for (int e = 0; e < READS_A; e++) {
                const int index = thread + e * THREADS;
                const int row = firstRow + index / TILE_K, step = start + index % TILE_K;
                const int channel = step / taps, tap = step % taps;
                nextA[e] = row < rows && step < depth
                    ? weight[(long)row * weightRowStride + (long)channel * channelStride
                        + tap / tapsWide * rowTapStep * kernelWidth + tap % tapsWide * columnTapStep]
                    : 0;
            }
            #pragma unroll
            for (int e = 0; e < READS_B; e++) {
                const int step = start + (thread + e * THREADS) / TILE_N;
                const int channel = step / taps, tap = step % taps;
                const int i = sourceRow + tap / tapsWide * rowStep, j = sourceColumn + tap % tapsWide * columnStep;
                nextB[e] = pixel < pixels && step < depth && i >= 0 && i < height && j >= 0 && j < width
                    ? x[channel * plane + (long)i * width + j] : 0;
            }
        }
        if (block >= 0) multiply_staged(stagedA, stagedB, sums);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (start < depth) {
            #pragma unroll
            for (int e = 0; e < READS_A; e++) {
                const int index = thread + e * THREADS;
                stagedA[index % TILE_K * PITCH_M + index / TILE_K] = nextA[e];
            }
            #pragma unroll
            for (int e = 0; e < READS_B; e++) {
                const int index = thread + e * THREADS;
                stagedB[index / TILE_N * PITCH_N + index % TILE_N] = nextB[e];
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    #pragma unroll
    for (int j = 0; j < WORK_N; j++) {
        const int out = firstPixel + TILE_COLUMN(j);
        if (out >= pixels) continue;
        const int u = out / gridWidth % gridHeight * outRowStride + outRowBase;
        const int v = out % gridWidth * outColumnStride + outColumnBase;
        const long image = out / gridWidth / gridHeight;
        #pragma unroll
        for (int i = 0; i < WORK_M; i++) {
            const int row = firstRow + TILE_ROW(i);
            if (row < rows) {
                float sum = sums[i][j];
#if HAS_BIAS
                sum += bias[biasOffset + group * rows + row];
#endif
                y[yOffset + (((image * groups + group) * rows + row) * outHeight + u) * outWidth + v] = ACTIVATION(sum);
            }
        }
    }
}
