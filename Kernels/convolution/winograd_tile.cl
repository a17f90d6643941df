// 3×3 convolution of stride 1 by Winograd's minimal filtering, for devices with many lanes: what goes before and after
// the products, which gemm/tile.cl does as one batch entry for each position of the transformed tiles.
//
//   x ── Bᵀ x B ──► V [position][channels][tiles] ──┐
//                                                   ├─ gemm ─► M [position][rows][tiles] ── Aᵀ M A ──► y
//   w ── G w Gᵀ ──► U [position][rows][channels] ───┘
//
//   dy ── A dy Aᵀ ──► D [position][rows][tiles], D · Vᵀ = [position][rows][channels] ── Gᵀ(·)G ──► dw
//
// What the transforms would spoil is computed again by the sum itself: convolution/winograd_levels.cl says what.
// A work-item transforms one tile of one channel, or one kernel; neighbours take neighbouring tiles, so that what lies
// between is read and written in order. Tiles are counted along rows, then down, then through images.
// Behind U come Σ|taps| [rows][channels], ω [channels], wild [rows] (ints) and 1 / largest Σ|taps| [rows].
// Shapes: x [images, channels, height, width], y and dy [images, rows, outHeight, outWidth], bias [rows],
// w and dw [rows, channels, 3, 3]. Bytes moved: (SIDE / OUTPUT_TILE)² times those of x and y, written and read.
// Follows convolution/winograd_transforms.cl and winograd_levels.cl.

#ifndef HAS_BIAS
#define HAS_BIAS 0
#endif
#ifndef ACTIVATION
#define ACTIVATION(x) (x)
#endif

// Global size (rows · channels rounded up, 1, 1): U from w(row, channel) at row·rowStride + channel·channelStride, the
// taps in reverse order where `turned`.
__kernel void winograd_tile_weights(
    __global const float *restrict weight, const ulong weightOffset, __global float *restrict transformed,
    const ulong transformedOffset, const int rows, const int channels, const int rowStride, const int channelStride,
    const int turned)
{
    const int kernels = rows * channels, n = get_global_id(0);
    if (n >= kernels) return;
    __global const float *taps = weight + weightOffset + (long)(n / channels) * rowStride
        + (long)(n % channels) * channelStride;
    float source[KERNEL_SIDE * KERNEL_SIDE], result[POSITIONS];
    #pragma unroll
    for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++)
        source[t] = taps[turned ? KERNEL_SIDE * KERNEL_SIDE - 1 - t : t];
    transform_weight(source, result);
    #pragma unroll
    for (int p = 0; p < POSITIONS; p++) transformed[transformedOffset + (long)p * kernels + n] = result[p];
    float sum = 0;
    #pragma unroll
    for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) sum += fabs(source[t]);
    transformed[transformedOffset + (long)POSITIONS * kernels + n] = sum;
}

// Global size (rows rounded up, 1, 1): which rows are wild, from their Σ|taps|.
__kernel void winograd_tile_rows(
    __global float *restrict transformed, const ulong transformedOffset, const int rows, const int channels)
{
    const int row = get_global_id(0);
    if (row >= rows) return;
    __global const float *sums = transformed + transformedOffset + (long)POSITIONS * rows * channels;
    __global int *wild = (__global int *)(sums + (long)rows * channels + channels);
    float total = 0, largest = 0;
    for (int c = 0; c < channels; c++) {
        const float sum = sums[(long)row * channels + c];
        total += sum;
        largest = fmax(largest, sum);
    }
    const int some = total >= SMALLEST_SUM;
    const int tame = largest <= channel_share(channels) * total && total <= LARGEST_SUM && (some || total == 0);
    wild[row] = !tame;
    ((__global float *)wild)[rows + row] = tame && some ? 1 / largest : 0;
}

// Global size (channels rounded up, 1, 1): ω, from Σ|taps| and what winograd_tile_rows found.
__kernel void winograd_tile_channels(
    __global float *restrict transformed, const ulong transformedOffset, const int rows, const int channels)
{
    const int channel = get_global_id(0);
    if (channel >= channels) return;
    __global float *sums = transformed + transformedOffset + (long)POSITIONS * rows * channels;
    __global float *scales = sums + (long)rows * channels;
    __global const int *wild = (__global const int *)(scales + channels);
    float highest = SMALLEST_PEAK;
    for (int row = 0; row < rows; row++)
        if (!wild[row])
            highest = fmax(highest, sums[(long)row * channels + channel] * scales[channels + rows + row]);
    scales[channel] = highest;
}

// Global size (pixels rounded up, parts, 1): the levels of each pixel of x [images, channels, plane], of each part of the
// channels: sums [parts][pixels], then peaks, as the bits of floats.
__kernel void winograd_tile_levels(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict transformed,
    const ulong transformedOffset, __global float *restrict levels, const ulong levelsOffset, const int pixels,
    const int plane, const int rows, const int channels)
{
    const int pixel = get_global_id(0), part = get_global_id(1), parts = get_global_size(1);
    if (pixel >= pixels) return;
    __global const float *scales = transformed + transformedOffset + (long)(POSITIONS + 1) * rows * channels;
    __global const float *from = x + xOffset + (long)(pixel / plane) * channels * plane + pixel % plane;
    float sum = 0;
    int peak = 0;
    for (int c = channels * part / parts; c < channels * (part + 1) / parts; c++) {
        const float level = scales[c] * fabs(from[(long)c * plane]);
        sum += level;
        peak = max(peak, as_int(level));
    }
    levels[levelsOffset + (long)part * pixels + pixel] = sum;
    levels[levelsOffset + (long)(parts + part) * pixels + pixel] = as_float(peak);
}

// Global size (tiles rounded up, 1, 1): the marks of each tile.
__kernel void winograd_tile_marks(
    __global const float *restrict levels, const ulong levelsOffset, __global int *restrict marks,
    const ulong marksOffset, const int parts, const int pixels, const int channels, const int tiles,
    const int tilesHigh, const int tilesWide, const int height, const int width, const int top, const int left,
    const int outHeight, const int outWidth)
{
    const int tile = get_global_id(0);
    if (tile >= tiles) return;
    const int firstRow = tile / tilesWide % tilesHigh * OUTPUT_TILE, firstColumn = tile % tilesWide * OUTPUT_TILE;
    __global const float *from = levels + levelsOffset + (long)(tile / tilesWide / tilesHigh) * height * width;
    float sums[POSITIONS];
    int peak = 0;
    for (int p = 0; p < POSITIONS; p++) {
        const int i = firstRow - top + p / SIDE, j = firstColumn - left + p % SIDE;
        sums[p] = 0;
        if (i < 0 || i >= height || j < 0 || j >= width) continue;
        for (int part = 0; part < parts; part++) {
            sums[p] += from[(long)part * pixels + i * width + j];
            peak = max(peak, as_int(from[(long)(parts + part) * pixels + i * width + j]));
        }
    }
    marks[marksOffset + tile] = marked_outputs(
        sums, as_float(peak), channels, min(OUTPUT_TILE, outHeight - firstRow), min(OUTPUT_TILE, outWidth - firstColumn));
}

// Global size (tiles rounded up, rows, 1): the marked outputs, and those of wild rows, by the sum itself. w(row, channel) as
// in winograd_tile_weights, whose result `transformed` is.
__kernel void winograd_tile_exact(
    __global const int *restrict marks, const ulong marksOffset, __global const float *restrict transformed,
    const ulong transformedOffset, __global const float *restrict weight, const ulong weightOffset,
    __global const float *restrict x, const ulong xOffset,
#if HAS_BIAS
    __global const float *restrict bias, const ulong biasOffset,
#endif
    __global float *restrict y, const ulong yOffset, const int tiles, const int tilesHigh, const int tilesWide,
    const int outHeight, const int outWidth, const int channels, const int height, const int width, const int top,
    const int left, const int rowStride, const int channelStride, const int turned)
{
    const int tile = get_global_id(0), row = get_global_id(1), rows = get_global_size(1);
    if (tile >= tiles) return;
    const int wild = as_int(
        transformed[transformedOffset + (long)(POSITIONS + 1) * rows * channels + channels + row]);
    const int mask = wild ? -1 : marks[marksOffset + tile];
    if (mask == 0) return;
    const int image = tile / tilesWide / tilesHigh;
    const int firstRow = tile / tilesWide % tilesHigh * OUTPUT_TILE, firstColumn = tile % tilesWide * OUTPUT_TILE;
    __global const float *plane = x + xOffset + (long)image * channels * height * width;
    __global const float *kernelTaps = weight + weightOffset + (long)row * rowStride;
#if HAS_BIAS
    const float offset = bias[biasOffset + row];
#else
    const float offset = 0;
#endif
    __global float *target = y + yOffset + ((long)image * rows + row) * outHeight * outWidth;
    for (int n = 0; n < OUTPUT_TILE * OUTPUT_TILE; n++) {
        const int i = firstRow + n / OUTPUT_TILE, j = firstColumn + n % OUTPUT_TILE;
        if (!(mask >> n & 1) || i >= outHeight || j >= outWidth) continue;
        float sum = 0;
        for (int c = 0; c < channels; c++) {
            for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) {
                const int u = i - top + t / KERNEL_SIDE, v = j - left + t % KERNEL_SIDE;
                if (u < 0 || u >= height || v < 0 || v >= width) continue;
                const int tap = turned ? KERNEL_SIDE * KERNEL_SIDE - 1 - t : t;
                sum = fma(plane[((long)c * height + u) * width + v], kernelTaps[(long)c * channelStride + tap], sum);
            }
        }
        target[(long)i * outWidth + j] = ACTIVATION(sum + offset);
    }
}

// The side × side window of a plane [height, width] from (top, left) on, zero outside it.
static inline void load_window(
    __global const float *plane, const int height, const int width, const int top, const int left, const int side,
    float *window)
{
    #pragma unroll
    for (int n = 0; n < side * side; n++) {
        const int i = top + n / side, j = left + n % side;
        window[n] = i >= 0 && i < height && j >= 0 && j < width ? plane[(long)i * width + j] : 0;
    }
}

// Global size (tiles rounded up, channels, 1): V.
__kernel void winograd_tile_source(
    __global const float *restrict x, const ulong xOffset, __global float *restrict transformed,
    const ulong transformedOffset, const int tiles, const int tilesHigh, const int tilesWide, const int height,
    const int width, const int top, const int left)
{
    const int tile = get_global_id(0), channel = get_global_id(1), channels = get_global_size(1);
    if (tile >= tiles) return;
    const int image = tile / tilesWide / tilesHigh;
    float source[POSITIONS], result[POSITIONS];
    load_window(
        x + xOffset + ((long)image * channels + channel) * height * width, height, width,
        tile / tilesWide % tilesHigh * OUTPUT_TILE - top, tile % tilesWide * OUTPUT_TILE - left, SIDE, source);
    transform_source(source, result);
    #pragma unroll
    for (int p = 0; p < POSITIONS; p++)
        transformed[transformedOffset + ((long)p * channels + channel) * tiles + tile] = result[p];
}

// Global size (tiles rounded up, rows, 1): D.
__kernel void winograd_tile_cotangents(
    __global const float *restrict dy, const ulong dyOffset, __global float *restrict transformed,
    const ulong transformedOffset, const int tiles, const int tilesHigh, const int tilesWide, const int outHeight,
    const int outWidth)
{
    const int tile = get_global_id(0), row = get_global_id(1), rows = get_global_size(1);
    if (tile >= tiles) return;
    const int image = tile / tilesWide / tilesHigh;
    float source[OUTPUT_TILE * OUTPUT_TILE], result[POSITIONS];
    load_window(
        dy + dyOffset + ((long)image * rows + row) * outHeight * outWidth, outHeight, outWidth,
        tile / tilesWide % tilesHigh * OUTPUT_TILE, tile % tilesWide * OUTPUT_TILE, OUTPUT_TILE, source);
    transform_cotangent(source, result);
    #pragma unroll
    for (int p = 0; p < POSITIONS; p++)
        transformed[transformedOffset + ((long)p * rows + row) * tiles + tile] = result[p];
}

// Global size (tiles rounded up, rows, 1): y from M.
__kernel void winograd_tile_output(
    __global const float *restrict products, const ulong productsOffset,
#if HAS_BIAS
    __global const float *restrict bias, const ulong biasOffset,
#endif
    __global float *restrict y, const ulong yOffset, const int tiles, const int tilesHigh, const int tilesWide,
    const int outHeight, const int outWidth)
{
    const int tile = get_global_id(0), row = get_global_id(1), rows = get_global_size(1);
    if (tile >= tiles) return;
    float source[POSITIONS], result[OUTPUT_TILE * OUTPUT_TILE];
    #pragma unroll
    for (int p = 0; p < POSITIONS; p++) source[p] = products[productsOffset + ((long)p * rows + row) * tiles + tile];
    transform_output(source, result);
#if HAS_BIAS
    const float offset = bias[biasOffset + row];
#else
    const float offset = 0;
#endif
    const int top = tile / tilesWide % tilesHigh * OUTPUT_TILE, left = tile % tilesWide * OUTPUT_TILE;
    __global float *plane = y + yOffset + ((long)(tile / tilesWide / tilesHigh) * rows + row) * outHeight * outWidth;
    #pragma unroll
    for (int n = 0; n < OUTPUT_TILE * OUTPUT_TILE; n++) {
        const int i = top + n / OUTPUT_TILE, j = left + n % OUTPUT_TILE;
        if (i < outHeight && j < outWidth) plane[(long)i * outWidth + j] = ACTIVATION(result[n] + offset);
    }
}

// Global size (planes rounded up, 1, 1): the spread of each plane [height, width], from spread number `first` of `spreads`
// on: the bits of its largest magnitude, the sum over its rows of the largest of each, the sum of all magnitudes and of their
// squares; but for the first, without what lies outside rows [top, bottom) and columns [left, right).
__kernel void winograd_tile_spreads(
    __global const float *restrict x, const ulong xOffset, __global float *restrict spreads, const ulong spreadsOffset,
    const int first, const int planes, const int height, const int width, const int top, const int bottom,
    const int left, const int right)
{
    const int plane = get_global_id(0);
    if (plane >= planes) return;
    __global const float *from = x + xOffset + (long)plane * height * width;
    int largest = 0;
    float sum = 0, all = 0, squares = 0;
    for (int i = 0; i < height; i++) {
        int inner = 0;
        float rowSum = 0, rowSquares = 0;
        for (int j = 0; j < width; j++) {
            const float pixel = fabs(from[(long)i * width + j]);
            largest = max(largest, as_int(pixel));
            if (j < left || j >= right) continue;
            inner = max(inner, as_int(pixel));
            rowSum += pixel;
            rowSquares = fma(pixel, pixel, rowSquares);
        }
        if (i < top || i >= bottom) continue;
        sum += as_float(inner);
        all += rowSum;
        squares += rowSquares;
    }
    spreads += spreadsOffset + 4 * (long)(first + plane);
    spreads[0] = as_float(largest);
    spreads[1] = sum;
    spreads[2] = all;
    spreads[3] = squares;
}

// Global size (channels + rows rounded up, 1, 1): the shares of pixels that matter of the channels of x and then of the rows of
// dy, 0 of wild ones and infinity where there are only zeros, from the spreads of the planes of x [images, channels] and then
// of dy [images, rows]. Every tap meets `channelPixelRows` rows of x of `channelPixels` pixels in all; of dy likewise.
__kernel void winograd_tile_shares(
    __global const float *restrict spreads, const ulong spreadsOffset, __global float *restrict shares,
    const ulong sharesOffset, const int images, const int channels, const int rows, const int channelPixelRows,
    const int channelPixels, const int rowPixelRows, const int rowPixels)
{
    const int n = get_global_id(0), isRow = n >= channels;
    if (n >= channels + rows) return;
    __global const float *from = spreads + spreadsOffset + 4 * (long)(isRow ? images * channels + n - channels : n);
    int bits = 0;
    float sum = 0, all = 0, squares = 0;
    for (int image = 0; image < images; image++, from += 4 * (isRow ? rows : channels)) {
        bits = max(bits, as_int(from[0]));
        sum += from[1];
        all += from[2];
        squares += from[3];
    }
    const float largest = as_float(bits);
    const int tame = largest * fewest_rows(isRow ? rowPixelRows : channelPixelRows) <= sum && largest <= LARGEST_GRADIENT
        && largest >= SMALLEST_GRADIENT;
    const float share = all / squares * all / (isRow ? rowPixels : channelPixels);
    shares[sharesOffset + n] = largest == 0 ? INFINITY : tame ? share : 0;
}

// Global size (rows · channels rounded up, 1, 1): dw from the products of D and V, or, of pairs that meet seldom, the sum
// over pixels.
__kernel void winograd_tile_weight_gradient(
    __global const float *restrict products, const ulong productsOffset, __global const float *restrict shares,
    const ulong sharesOffset, __global const float *restrict x, const ulong xOffset, __global const float *restrict dy,
    const ulong dyOffset, __global float *restrict dw, const ulong dwOffset, const int images, const int channels,
    const int rows, const int height, const int width, const int top, const int left, const int outHeight,
    const int outWidth)
{
    const int n = get_global_id(0), kernels = rows * channels;
    if (n >= kernels) return;
    __global float *taps = dw + dwOffset + (long)n * KERNEL_SIDE * KERNEL_SIDE;
    shares += sharesOffset;
    if (meet_often(shares[n % channels], shares[channels + n / channels], images * outHeight * outWidth)) {
        float source[POSITIONS], result[KERNEL_SIDE * KERNEL_SIDE];
        #pragma unroll
        for (int p = 0; p < POSITIONS; p++) source[p] = products[productsOffset + (long)p * kernels + n];
        transform_weight_gradient(source, result);
        #pragma unroll
        for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) taps[t] = result[t];
        return;
    }
    for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) {
        const int i = t / KERNEL_SIDE - top, j = t % KERNEL_SIDE - left;
        float sum = 0;
        for (int image = 0; image < images; image++) {
            __global const float *a = x + xOffset + ((long)image * channels + n % channels) * height * width;
            __global const float *b = dy + dyOffset + ((long)image * rows + n / channels) * outHeight * outWidth;
            for (int u = max(-i, 0); u < min(outHeight, height - i); u++) {
                // A sum for each row keeps the rounding of a long sum small.
                float line = 0;
                for (int v = max(-j, 0); v < min(outWidth, width - j); v++)
                    line = fma(a[(long)(u + i) * width + v + j], b[(long)u * outWidth + v], line);
                sum += line;
            }
        }
        taps[t] = sum;
    }
}
