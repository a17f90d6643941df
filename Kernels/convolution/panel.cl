// Two-dimensional convolution as an implicit matrix product, for devices that are CPUs. It serves the forward pass
// and the gradient of the input.
//
//               pixels of all images, TILE_N at a time      y [rows, pixels] = w [rows, depth] · columns [depth, pixels]
//              ┌────────┬────────┬──                       with depth = (tap, channel), the channel innermost. The
//   tap,       │ TILE_N │        │                         columns (im2col) never exist in memory: the work-item that
//   channel    │        │        │                         needs a panel of them packs TILE_K × TILE_N floats by
//   ┌────────┐ ├────────┼────────┼──                       copying runs of image rows, and multiplies all its rows of
//   │ TILE_M │ │ y tile │        │                         packed weights by it in tiles held in registers.
//
// An output pixel (u, v) of a grid [gridHeight, gridWidth] and a tap (i, j) read the source pixel
//   (u·rowStride + rowBase + i·rowStep, v·columnStride + columnBase + j·columnStep), zero outside the source,
// and the sum is written to (u·outRowStride + outRowBase, v·outColumnStride + outColumnBase).
// - Forward: rowStride is the stride, rowBase = -padding, rowStep the dilation.
// - Gradient of the input, source dy: for a stride s there are s·s grids, one for each remainder of the input's
//   row and column; the taps that reach a remainder form a convolution of stride 1 (rowStep negative).
//
// Shapes: source [images, groups·channels, height, width], packed weights [groups][⌈rows / TILE_M⌉][depth][TILE_M],
// y [images, groups·rows, outHeight, outWidth], bias [groups·rows]. 2·pixels·rows·depth flops a group.
// Bytes moved: the source about once a tap from nearby caches, the weights once a panel, y once.
// Method: S. Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning", 2014, on the blocking of gemm/panel.cl.

// Follows convolution/pixels.cl, with PANEL = VECTOR_WIDTH * TILE_VECTORS.

#ifndef TILE_M
#define TILE_M 6             // rows (output channels) of the register tile
#endif
#ifndef TILE_VECTORS
#define TILE_VECTORS 2       // vectors in a row of the register tile
#endif
#ifndef TILE_K
#define TILE_K 384           // most steps of depth that a packed panel holds
#endif
#ifndef MOST_ROWS
#define MOST_ROWS 256        // most rows that a work-item takes through all blocks of depth
#endif
#ifndef HAS_BIAS
#define HAS_BIAS 0
#endif
#ifndef ACTIVATION
#define ACTIVATION(x) (x)    // of a vector
#endif

#define TILE_N PANEL

// Weights [k, c, kernelHeight, kernelWidth] of one group after another → panels [groups][⌈rows / TILE_M⌉][depth][TILE_M]
// with depth = (tap, channel): element (row, channel) of tap (i, j) is
// w[row·rowStride + channel·channelStride + (rowTap + i·rowTapStep)·kernelWidth + columnTap + j·columnTapStep].
// Global size (panels, groups, 1).
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void convolution_pack_weights(
    __global const float *restrict weight, const ulong weightOffset, __global float *restrict packed,
    const ulong packedOffset, const int rows, const int channels, const int taps, const int tapsWide,
    const int rowStride, const int channelStride, const int groupStride, const int kernelWidth, const int rowTap,
    const int rowTapStep, const int columnTap, const int columnTapStep)
{
    const int panel = get_global_id(0);
    const int row = panel * TILE_M;
    const int depth = taps * channels;
    __global const float *source = weight + weightOffset + get_global_id(1) * groupStride + (ulong)row * rowStride;
    __global float *target = packed + packedOffset
        + (get_global_id(1) * get_global_size(0) + panel) * (ulong)depth * TILE_M;
    for (int t = 0; t < taps; t++) {
        const int i = t / tapsWide, j = t % tapsWide;
        __global const float *tap = source + (rowTap + i * rowTapStep) * kernelWidth + columnTap + j * columnTapStep;
        for (int c = 0; c < channels; c++) {
            for (int r = 0; r < TILE_M; r++)
                target[r] = row + r < rows ? tap[(long)r * rowStride + (long)c * channelStride] : 0;
            target += TILE_M;
        }
    }
}

// sums [TILE_M][TILE_N] (added to what is there, unless first) += weights [depth][TILE_M] · panel [depth][TILE_N]
static inline __attribute__((always_inline))
void multiply_tile(
    __global const float *a, const float *b, float *sums, const int depth,
    const int vectors, const int first)
{
    floatv tile[TILE_M][TILE_VECTORS];
    #pragma unroll
    for (int i = 0; i < TILE_M; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++)
            tile[i][v] = first ? (floatv)(0) : loadv(v, sums + i * TILE_N);
    }
    for (int p = 0; p < depth; p++) {
        floatv row[TILE_VECTORS];
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) if (v < vectors) row[v] = loadv(v, b);
        #pragma unroll
        for (int i = 0; i < TILE_M; i++) {
            const floatv x = (floatv)(a[i]);
            #pragma unroll
            for (int v = 0; v < TILE_VECTORS; v++) if (v < vectors) tile[i][v] = fma(x, row[v], tile[i][v]);
        }
        a += TILE_M;
        b += TILE_N;
    }
    #pragma unroll
    for (int i = 0; i < TILE_M; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) storev(tile[i][v], v, sums + i * TILE_N);
    }
}

// The product. Global size (column items, row items, groups): the panels of pixels are shared out evenly over the
// column items, those of rows over the row items, at most MOST_ROWS rows to each.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void convolution_panels(
    __global const float *restrict packed, const ulong packedOffset, __global const float *restrict x,
    const ulong xOffset,
#if HAS_BIAS
    __global const float *restrict bias, const ulong biasOffset,
#endif
    __global float *restrict y, const ulong yOffset, const int images, const int rows, const int channels,
    const int height, const int width, const int taps, const int tapsWide, const int rowBase, const int rowStep,
    const int rowStride, const int columnBase, const int columnStep, const int columnStride, const int gridHeight,
    const int gridWidth, const int outHeight, const int outWidth, const int outRowBase, const int outRowStride,
    const int outColumnBase, const int outColumnStride, const int blockK)
{
    float panel[TILE_K * TILE_N + VECTOR_WIDTH] __attribute__((aligned(64)));
    float sums[((MOST_ROWS + TILE_M - 1) / TILE_M) * TILE_M * TILE_N] __attribute__((aligned(64)));
    Run runs[TILE_N];
    const int group = get_global_id(2), groups = get_global_size(2);
    const int depth = taps * channels, pixels = images * gridHeight * gridWidth;
    const int rowPanels = (rows + TILE_M - 1) / TILE_M, columnPanels = (pixels + TILE_N - 1) / TILE_N;
    const int columnStart = (int)((long)columnPanels * get_global_id(0) / get_global_size(0));
    const int columnEnd = (int)((long)columnPanels * (get_global_id(0) + 1) / get_global_size(0));
    const int rowStart = (int)((long)rowPanels * get_global_id(1) / get_global_size(1));
    const int rowEnd = (int)((long)rowPanels * (get_global_id(1) + 1) / get_global_size(1));
    const long plane = (long)height * width, outPlane = (long)outHeight * outWidth;
    packed += packedOffset + (ulong)group * rowPanels * depth * TILE_M;
    x += xOffset + group * channels * plane;
    y += yOffset + group * rows * outPlane;
#if HAS_BIAS
    bias += biasOffset + group * rows;
#endif
    const Source source = {
        channels, height, width, tapsWide, rowBase, rowStep, rowStride, columnBase, columnStep, columnStride,
        groups * channels * plane, ((long)images * groups - group) * channels * plane};
    for (int p = 0; p < TILE_K * TILE_N + VECTOR_WIDTH; p++) panel[p] = 0;

    for (int j = columnStart; j < columnEnd; j++) {
        const int pixel = j * TILE_N;
        const int columns = min(TILE_N, pixels - pixel);
        const int runCount = split_runs(runs, pixel, columns, gridHeight, gridWidth);
        for (int block = 0; block < max(depth, 1); block += blockK) {
            const int steps = min(blockK, depth - block);
            pack_pixels(x, panel, source, runs, runCount, block, steps);
            for (int i = rowStart; i < rowEnd; i++) {
                __global const float *a = packed + ((long)i * depth + block) * TILE_M;
                float *sum = sums + (i - rowStart) * TILE_M * TILE_N;
                if (columns > TILE_N - VECTOR_WIDTH) multiply_tile(a, panel, sum, steps, TILE_VECTORS, block == 0);
                else multiply_tile(a, panel, sum, steps, TILE_VECTORS - 1, block == 0);
            }
        }
        const int whole = columns == TILE_N && outColumnStride == 1 && outRowStride == 1 && gridWidth == outWidth
            && runs[0].image == runs[runCount - 1].image;
        const int rowLimit = min(rowEnd * TILE_M, rows);
        for (int row = rowStart * TILE_M; row < rowLimit; row++) {
            float *sum = sums + (row - rowStart * TILE_M) * TILE_N;
#if HAS_BIAS
            const float offset = bias[row];
#else
            const float offset = 0;
#endif
            if (whole) {
                __global float *target = y + (runs[0].image * (long)groups * rows + row) * outPlane
                    + (runs[0].u + outRowBase) * (long)outWidth + runs[0].v + outColumnBase;
                #pragma unroll
                for (int v = 0; v < TILE_VECTORS; v++)
                    storev(ACTIVATION(loadv(v, sum) + offset), v, target);
            } else {
                #pragma unroll
                for (int v = 0; v < TILE_VECTORS; v++) storev(ACTIVATION(loadv(v, sum) + offset), v, sum);
                for (int r = 0; r < runCount; r++) {
                    const Run run = runs[r];
                    __global float *target = y + (run.image * (long)groups * rows + row) * outPlane
                        + (run.u * outRowStride + outRowBase) * (long)outWidth + run.v * outColumnStride + outColumnBase;
                    for (int l = 0; l < run.count; l++)
                        target[l * outColumnStride] = sum[run.lane + l];
                }
            }
        }
    }
}
