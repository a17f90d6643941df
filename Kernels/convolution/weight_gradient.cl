// Gradient of a convolution's weight, for devices that are CPUs: dw = dy · columnsᵀ, a sum over all pixels.
//
//            pixels of one image, PANEL at a time             dw [rows, depth] with depth = (tap, channel)
//           ┌──────────────────────┐
//     rows  │ dy, where it lies    │   Both operands run along the pixels, so a step multiplies vectors of pixels:
//           └──────────────────────┘   a tile of TILE_M × TILE_K sums, each a vector of partial sums, lives in
//           ┌──────────────────────┐   registers while a panel passes. Nothing is transposed and dy is not packed;
//     depth │ columns, packed      │   the columns (im2col) are packed a panel of MOST_COLUMNS × PANEL floats at a time
//           └──────────────────────┘   and stay in cache for all rows.
//
// A work-item owns MOST_COLUMNS of depth, MOST_ROWS rows and a share of the images; shares go to partial sums, which
// `convolution_sum_partials` adds in a fixed order and puts where the weight's layout wants them.
// Shapes: x [images, groups·channels, height, width], dy [images, groups·rows, gridHeight, gridWidth],
// partials [shares][groups][rows][depth], dw [groups·rows, channels, taps]. 2·pixels·rows·depth flops a group.
// Bytes moved: dy once for each MOST_COLUMNS of depth, x about once a tap.
// Follows convolution/pixels.cl.

#ifndef TILE_M
#define TILE_M 3             // rows of dw in the register tile
#endif
#ifndef TILE_K
#define TILE_K 4             // steps of depth in the register tile
#endif
#ifndef MOST_ROWS
#define MOST_ROWS 64         // rows of a work-item: a multiple of TILE_M
#endif
#ifndef MOST_COLUMNS
#define MOST_COLUMNS 20      // steps of depth of a work-item: a multiple of TILE_K
#endif

// The vector at `pointer`, of which only the first `count` lanes may be touched; the others are zero.
static floatv load_part(__global const float *pointer, const int count)
{
    float lanes[VECTOR_WIDTH];
    for (int l = 0; l < VECTOR_WIDTH; l++) lanes[l] = l < count ? pointer[l] : 0;
    return loadv(0, lanes);
}

// sums [TILE_M][TILE_K] += dy [TILE_M rows, `plane` apart] · columns [TILE_K][PANEL] over `pixels`.
// Where fewer rows are left, the last one is taken again.
static void multiply_pixels(
    __global const float *dy, const long plane, const int rows, const float *columns,
    const int pixels, floatv *sums)
{
    floatv tile[TILE_M][TILE_K];
    __global const float *lines[TILE_M];
    #pragma unroll
    for (int i = 0; i < TILE_M; i++) {
        lines[i] = dy + min(i, rows - 1) * plane;
        #pragma unroll
        for (int j = 0; j < TILE_K; j++) tile[i][j] = (floatv)(0);
    }
    int p = 0;
    for (; p + VECTOR_WIDTH <= pixels; p += VECTOR_WIDTH) {
        floatv step[TILE_K];
        #pragma unroll
        for (int j = 0; j < TILE_K; j++) step[j] = loadv(0, columns + j * PANEL + p);
        #pragma unroll
        for (int i = 0; i < TILE_M; i++) {
            const floatv line = loadv(0, lines[i] + p);
            #pragma unroll
            for (int j = 0; j < TILE_K; j++) tile[i][j] = fma(line, step[j], tile[i][j]);
        }
    }
    if (p < pixels) {
        #pragma unroll
        for (int i = 0; i < TILE_M; i++) {
            const floatv line = load_part(lines[i] + p, pixels - p);
            #pragma unroll
            for (int j = 0; j < TILE_K; j++) tile[i][j] = fma(line, loadv(0, columns + j * PANEL + p), tile[i][j]);
        }
    }
    #pragma unroll
    for (int i = 0; i < TILE_M; i++) {
        #pragma unroll
        for (int j = 0; j < TILE_K; j++) sums[i * TILE_K + j] += tile[i][j];
    }
}

// Global size (blocks of depth, blocks of rows · groups, shares of the images).
// panelPixels, a multiple of VECTOR_WIDTH and at most PANEL, is how many pixels of an image to take at a time.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void convolution_weight_gradient(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict partials, const ulong partialsOffset, const int images, const int groups, const int rows,
    const int channels, const int height, const int width, const int taps, const int tapsWide, const int rowBase,
    const int rowStep, const int rowStride, const int columnBase, const int columnStep, const int columnStride,
    const int gridHeight, const int gridWidth, const int panelPixels)
{
    float panel[MOST_COLUMNS * PANEL + VECTOR_WIDTH] __attribute__((aligned(64)));
    floatv sums[MOST_ROWS * MOST_COLUMNS];
    Run runs[PANEL];
    const int rowBlocks = get_global_size(1) / groups;
    const int group = get_global_id(1) / rowBlocks;
    const int depth = taps * channels, gridPixels = gridHeight * gridWidth;
    const int start = get_global_id(0) * MOST_COLUMNS, row = get_global_id(1) % rowBlocks * MOST_ROWS;
    const int steps = min(MOST_COLUMNS, depth - start), rowCount = min(MOST_ROWS, rows - row);
    const int imageStart = (int)((long)images * get_global_id(2) / get_global_size(2));
    const int imageEnd = (int)((long)images * (get_global_id(2) + 1) / get_global_size(2));
    const long plane = (long)height * width;
    x += xOffset + group * channels * plane;
    dy += dyOffset + ((long)group * rows + row) * gridPixels;
    partials += partialsOffset + (((long)get_global_id(2) * groups + group) * rows + row) * depth + start;
    const Source source = {
        channels, height, width, tapsWide, rowBase, rowStep, rowStride, columnBase, columnStep, columnStride,
        groups * channels * plane, ((long)images * groups - group) * channels * plane};
    for (int p = 0; p < MOST_COLUMNS * PANEL + VECTOR_WIDTH; p++) panel[p] = 0;
    for (int i = 0; i < MOST_ROWS * MOST_COLUMNS; i++) sums[i] = (floatv)(0);

    for (int image = imageStart; image < imageEnd; image++) {
        for (int pixel = 0; pixel < gridPixels; pixel += panelPixels) {
            const int pixels = min(panelPixels, gridPixels - pixel);
            const int runCount = split_runs(runs, image * gridPixels + pixel, pixels, gridHeight, gridWidth);
            pack_pixels(x, panel, source, runs, runCount, start, steps);
            const int tail = pixels % VECTOR_WIDTH;
            if (tail > 0) {
                // Where the runs end, the last vector holds what a run wrote past its end: the products need zeros.
                for (int j = 0; j < steps; j++)
                    for (int l = pixels; l < pixels - tail + VECTOR_WIDTH; l++) panel[j * PANEL + l] = 0;
            }
            for (int j = 0; j < steps; j += TILE_K) {
                for (int i = 0; i < rowCount; i += TILE_M) {
                    multiply_pixels(
                        dy + (image * (long)groups * rows + i) * gridPixels + pixel, gridPixels, rowCount - i,
                        panel + j * PANEL, pixels, sums + (i * MOST_COLUMNS + j * TILE_M));
                }
            }
        }
    }
    for (int i = 0; i < rowCount; i++) {
        for (int j = 0; j < steps; j++) {
            const floatv *tile = sums + i / TILE_M * TILE_M * MOST_COLUMNS + j / TILE_K * TILE_K * TILE_M;
            const float *lanes = (const float *)(tile + i % TILE_M * TILE_K + j % TILE_K);
            float sum = 0;
            for (int l = 0; l < VECTOR_WIDTH; l++) sum += lanes[l];
            partials[(long)i * depth + j] = sum;
        }
    }
}

// dw [groups·rows, channels, taps] = Σ over shares of partials [shares][groups·rows][taps][channels], in order.
// Global size (rows · groups, 1, 1).
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void convolution_sum_partials(
    __global const float *restrict partials, const ulong partialsOffset, __global float *restrict dw,
    const ulong dwOffset, const int shares, const int channels, const int taps)
{
    const long row = get_global_id(0), depth = (long)channels * taps;
    partials += partialsOffset + row * depth;
    dw += dwOffset + row * depth;
    for (int c = 0; c < channels; c++) {
        for (int t = 0; t < taps; t++) {
            float sum = 0;
            for (int s = 0; s < shares; s++)
                sum += partials[s * depth * (long)get_global_size(0) + (long)t * channels + c];
            dw[(long)c * taps + t] = sum;
        }
    }
}
