// 3×3 convolution of stride 1 by Winograd's minimal filtering, for devices with many lanes: what goes before and after
// the products, which gemm/tile.cl does as one batch entry for each position of the transformed tiles.
//
//   x ── Bᵀ x B ──► V [position][channels][tiles] ──┐
//                                                   ├─ gemm ─► M [position][rows][tiles] ── Aᵀ M A ──► y
//   w ── G w Gᵀ ──► U [position][rows][channels] ───┘
//
//   dy ── A dy Aᵀ ──► D [position][rows][tiles], D · Vᵀ = [position][rows][channels] ── Gᵀ(·)G ──► dw
//
// A work-item transforms one tile of one channel, or one kernel; neighbours take neighbouring tiles, so that what lies
// between is read and written in order. Tiles are counted along rows, then down, then through images.
// Shapes: x [images, channels, height, width], y and dy [images, rows, outHeight, outWidth], bias [rows],
// w and dw [rows, channels, 3, 3]. Bytes moved: (SIDE / OUTPUT_TILE)² times those of x and y, written and read.
// Follows convolution/winograd_transforms.cl.

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

// Global size (rows · channels rounded up, 1, 1): dw from the products of D and V.
__kernel void winograd_tile_weight_gradient(
    __global const float *restrict products, const ulong productsOffset, __global float *restrict dw,
    const ulong dwOffset, const int kernels)
{
    const int n = get_global_id(0);
    if (n >= kernels) return;
    float source[POSITIONS], result[KERNEL_SIDE * KERNEL_SIDE];
    #pragma unroll
    for (int p = 0; p < POSITIONS; p++) source[p] = products[productsOffset + (long)p * kernels + n];
    transform_weight_gradient(source, result);
    #pragma unroll
    for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++)
        dw[dwOffset + (long)n * KERNEL_SIDE * KERNEL_SIDE + t] = result[t];
}
