// Gradient of the weight of a convolution of stride 1, for devices that are CPUs: one matrix product for each tap,
// dw[tap] [channels, rows] = x[tap] [channels, pixels] · dyᵀ [pixels, rows], without im2col.
//
//      x, padded          dy, same pitch        Both are first transposed into panels of channels, pixel-major, on a
//   ┌──────────────┐     ┌────────────┬─┐      grid whose rows are as long as a padded row of x; the columns that dy
//   │ 0  0  0  0  0│     │            │0│      lacks are zero. Then x as tap (i, j) sees it is the same panel from
//   │ 0          0 │     │            │0│      (i·pitch + j)·dilation pixels on, and one straight loop over all pixels
//   │ 0          0 │     └────────────┴─┘      adds a TILE_M × TILE_N tile of sums in registers, as in gemm/panel.cl.
//   └──────────────┘                           A chunk of pixels stays in cache for all taps.
//
// Shapes: x [images, groups·channels, height, width], dy [images, groups·rows, p, q], packed x [images·groups]
// [channel panels][pixels][TILE_M], packed dy [images·groups][row panels][pixels][TILE_N], partials [shares][groups]
// [row panels][taps][channel panels][TILE_M][TILE_N], dw [groups·rows, channels, taps].
// 2·channels·rows·taps·pixels flops a group; each tensor is moved about three times. Follows common/lanes.cl.

#ifndef TILE_M
#define TILE_M 6             // channels of x in the register tile
#endif
#ifndef TILE_VECTORS
#define TILE_VECTORS 2       // vectors of rows of dw in the register tile
#endif

#define TILE_N (VECTOR_WIDTH * TILE_VECTORS)

// Planes [images·groups, channels, height, width] → [images·groups][panels][high·pitch][panel], each plane at
// (top, left) of [high, pitch], zeros around it and in missing channels. Global size (panels, images·groups, 1).
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void convolution_pack_channels(
    __global const float *restrict planes, const ulong planesOffset, __global float *restrict packed,
    const ulong packedOffset, const int channels, const int height, const int width, const int high, const int pitch,
    const int top, const int left, const int panel)
{
    const int first = get_global_id(0) * panel;
    __global const float *source = planes + planesOffset
        + ((long)get_global_id(1) * channels + first) * height * width;
    __global float *target = packed + packedOffset
        + ((long)get_global_id(1) * get_global_size(0) + get_global_id(0)) * high * pitch * panel;
    for (int i = 0; i < high; i++, target += pitch * panel) {
        const int row = i - top;
        for (int c = 0; c < panel; c++) {
            if (first + c < channels && row >= 0 && row < height) {
                __global const float *line = source + ((long)c * height + row) * width;
                for (int j = 0; j < left; j++) target[j * panel + c] = 0;
                for (int j = 0; j < width; j++) target[(left + j) * panel + c] = line[j];
                for (int j = left + width; j < pitch; j++) target[j * panel + c] = 0;
            } else {
                for (int j = 0; j < pitch; j++) target[j * panel + c] = 0;
            }
        }
    }
}

// The products. Global size (row panels, shares of the taps, groups · shares of the images).
// pixelsX and pixelsY are high·pitch of the packed x and dy, rowStep and columnStep what a tap down or right means in
// pixels, chunk the pixels to take at a time.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void convolution_weight_gradient_panels(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict partials, const ulong partialsOffset, const int images, const int groups,
    const int channelPanels, const int taps, const int tapsWide, const int pixelsX, const int pixelsY,
    const int pixels, const int rowStep, const int columnStep, const int chunk)
{
    const int rowPanel = get_global_id(0), rowPanels = get_global_size(0);
    const int group = get_global_id(2) % groups, share = get_global_id(2) / groups;
    const int shares = get_global_size(2) / groups;
    const int imageStart = (int)((long)images * share / shares), imageEnd = (int)((long)images * (share + 1) / shares);
    const int tapStart = (int)((long)taps * get_global_id(1) / get_global_size(1));
    const int tapEnd = (int)((long)taps * (get_global_id(1) + 1) / get_global_size(1));
    partials += partialsOffset
        + (((long)share * groups + group) * rowPanels + rowPanel) * taps * channelPanels * TILE_M * TILE_N;
    for (int image = imageStart; image < imageEnd; image++) {
        const long plane = (long)image * groups + group;
        for (int pixel = 0; pixel < pixels; pixel += chunk) {
            const int steps = min(chunk, pixels - pixel);
            const int first = image == imageStart && pixel == 0;
            __global const float *panelY = dy + dyOffset + ((plane * rowPanels + rowPanel) * pixelsY + pixel) * TILE_N;
            for (int tap = tapStart; tap < tapEnd; tap++) {
                const int offset = tap / tapsWide * rowStep + tap % tapsWide * columnStep;
                for (int c = 0; c < channelPanels; c++) {
                    __global const float *a = x + xOffset
                        + ((plane * channelPanels + c) * pixelsX + pixel + offset) * TILE_M;
                    __global const float *b = panelY;
                    __global float *sums = partials + ((long)tap * channelPanels + c) * TILE_M * TILE_N;
                    floatv tile[TILE_M][TILE_VECTORS];
                    #pragma unroll
                    for (int i = 0; i < TILE_M; i++) {
                        #pragma unroll
                        for (int v = 0; v < TILE_VECTORS; v++) tile[i][v] = (floatv)(0);
                    }
                    for (int p = 0; p < steps; p++) {
                        floatv row[TILE_VECTORS];
                        #pragma unroll
                        for (int v = 0; v < TILE_VECTORS; v++) row[v] = loadv(v, b);
                        #pragma unroll
                        for (int i = 0; i < TILE_M; i++) {
                            const floatv value = (floatv)(a[i]);
                            #pragma unroll
                            for (int v = 0; v < TILE_VECTORS; v++) tile[i][v] = fma(value, row[v], tile[i][v]);
                        }
                        a += TILE_M;
                        b += TILE_N;
                    }
                    // A chunk is summed up before it is added, which keeps the rounding of long sums small.
                    #pragma unroll
                    for (int i = 0; i < TILE_M; i++) {
                        #pragma unroll
                        for (int v = 0; v < TILE_VECTORS; v++)
                            storev(first ? tile[i][v] : tile[i][v] + loadv(v, sums + i * TILE_N), v, sums + i * TILE_N);
                    }
                }
            }
        }
    }
}

// dw [groups·rows, channels, taps] = Σ over shares of partials, in order. Global size (vectors of row panels, channel
// panels, groups): a work-item makes VECTOR_WIDTH rows of TILE_M channels.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void convolution_sum_panels(
    __global const float *restrict partials, const ulong partialsOffset, __global float *restrict dw,
    const ulong dwOffset, const int shares, const int rows, const int channels, const int taps)
{
    const int rowPanels = get_global_size(0) / TILE_VECTORS, channelPanels = get_global_size(1);
    const int group = get_global_id(2), groups = get_global_size(2);
    const int row = get_global_id(0) * VECTOR_WIDTH, channel = get_global_id(1) * TILE_M;
    const long share = (long)groups * rowPanels * taps * channelPanels * TILE_M * TILE_N;
    partials += partialsOffset
        + (((long)group * rowPanels + row / TILE_N) * taps * channelPanels + get_global_id(1)) * TILE_M * TILE_N
        + row % TILE_N;
    dw += dwOffset + (long)group * rows * channels * taps;
    for (int c = 0; c < min(TILE_M, channels - channel); c++) {
        for (int t = 0; t < taps; t++) {
            floatv sum = (floatv)(0);
            for (int s = 0; s < shares; s++)
                sum += loadv(0, partials + s * share + ((long)t * channelPanels * TILE_M + c) * TILE_N);
            float lanes[VECTOR_WIDTH];
            storev(sum, 0, lanes);
            for (int l = 0; l < min(VECTOR_WIDTH, rows - row); l++)
                dw[((long)(row + l) * channels + channel + c) * taps + t] = lanes[l];
        }
    }
}
