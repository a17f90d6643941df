// The gradient of a 3×3 convolution's weight by Winograd's minimal filtering, for devices that are CPUs:
// dw = Gᵀ [Σ over tiles of (A dy Aᵀ) ⊙ (Bᵀ x B)] G, on tiles as convolution/winograd.cl has them.
//
// dw of wild channels and rows, as convolution/winograd_levels.cl calls them, and of pairs that meet seldom, is computed by the
// sum itself.
//
// Shapes: x [images, channels, height, width], dy [images, rows, outHeight, outWidth], partials [shares][row blocks]
// [POSITIONS][channels][TILE_N], then spreads [shares][channel vectors and row vectors][SPREAD][VECTOR_WIDTH], dw [rows, channels,
// 3, 3]. 2·tiles·channels·rows·SIDE² flops of products. Bytes moved: x and dy once, partials once a block.
// Follows convolution/winograd_stage.cl and winograd_levels.cl.

#ifndef TILE_C
#define TILE_C 4             // channels of the register tile: divides VECTOR_WIDTH
#endif

// A dy Aᵀ of a block's tiles, rows [firstRow, lastRow) → tiles [POSITIONS][row vectors][count][VECTOR_WIDTH]; the spreads
// of the rows take note of them.
static void transform_cotangents(
    __global const float *dy, const Shape s, const int firstRow, const int lastRow, const int start, const int end,
    __global float *stage, __global float *tiles, __global float *spreads)
{
    const int count = (end - start) * s.tilesWide, pitch = s.tilesWide * OUTPUT_TILE;
    const Levels none = {0, 0, 0};
    const Inner inner = {s.top, s.height - 2 + s.top, s.left, s.width - 2 + s.left};
    const long stride = POSITION_STRIDE(VECTORS(s.rows) * count);
    for EACH_RUN(start, end, s) {
        for (int k = firstRow; k < lastRow; k += VECTOR_WIDTH) {
            stage_planes(
                dy + ((long)image * s.rows + k) * s.outHeight * s.outWidth, s.rows - k, s.outHeight, s.outWidth,
                row * OUTPUT_TILE, high * OUTPUT_TILE, pitch, 0, stage, none, 0);
            measure_rows(
                stage, pitch, 0, s.outWidth, row * OUTPUT_TILE, row * OUTPUT_TILE,
                min((row + high) * OUTPUT_TILE, s.outHeight), inner, spreads + SPREAD * k);
            __global float *to = tiles + ((long)k * count + tile * VECTOR_WIDTH);
            for (int i = 0; i < high; i++) {
                for (int j = 0; j < s.tilesWide; j++, to += VECTOR_WIDTH) {
                    __global const float *from = stage + ((long)i * pitch + j) * OUTPUT_TILE * VECTOR_WIDTH;
                    floatv source[OUTPUT_TILE * OUTPUT_TILE], result[POSITIONS];
                    #pragma unroll
                    for (int p = 0; p < OUTPUT_TILE * OUTPUT_TILE; p++)
                        source[p] = loadv(p % OUTPUT_TILE, from + p / OUTPUT_TILE * pitch * VECTOR_WIDTH);
                    transform_cotangent(source, result);
                    #pragma unroll
                    for (int p = 0; p < POSITIONS; p++) storev(result[p], 0, to + p * stride);
                }
            }
        }
    }
}

// sums [TILE_C][TILE_N] (added to what is there, unless first) += Σ over tiles of x tiles [count][VECTOR_WIDTH], TILE_C
// lanes of them, times dy tiles [TILE_VECTORS][count][VECTOR_WIDTH]. A block is summed up before it is added, which keeps the
// rounding of long sums small.
static inline __attribute__((always_inline))
void multiply_channels(
    __global const float *x, __global const float *dy, __global float *sums, const int count, const int vectors,
    const int first)
{
    floatv tile[TILE_C][TILE_VECTORS];
    #pragma unroll
    for (int i = 0; i < TILE_C; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) tile[i][v] = (floatv)(0);
    }
    for (int t = 0; t < count; t++) {
        floatv cotangent[TILE_VECTORS];
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) if (v < vectors) cotangent[v] = loadv(t, dy + (long)v * count * VECTOR_WIDTH);
        #pragma unroll
        for (int i = 0; i < TILE_C; i++) {
            const floatv value = (floatv)(x[t * VECTOR_WIDTH + i]);
            #pragma unroll
            for (int v = 0; v < TILE_VECTORS; v++) if (v < vectors) tile[i][v] = fma(value, cotangent[v], tile[i][v]);
        }
    }
    #pragma unroll
    for (int i = 0; i < TILE_C; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++)
            storev(first ? tile[i][v] : tile[i][v] + loadv(v, sums + i * TILE_N), v, sums + i * TILE_N);
    }
}

// The spreads behind the partial sums of all shares: those of a share's channels, then of its rows.
static inline __global float *gradient_spreads(
    __global const float *partials, const int shares, const int share, const int rowBlocks, const int vectors)
{
    const long sums = (long)rowBlocks * POSITIONS * vectors * VECTOR_WIDTH * TILE_N;
    return (__global float *)partials + shares * sums + (long)share * (vectors + rowBlocks * TILE_VECTORS) * SPREAD * VECTOR_WIDTH;
}

// The products of the weight's gradient, partials [shares][row blocks][POSITIONS][channels][TILE_N], each work-item
// summing over its share of the tile rows, a block at a time. Global size (shares, row items, 1).
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_weight_gradient(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict partials, const ulong partialsOffset, __global float *restrict scratch,
    const ulong scratchOffset, const int images, const int channels, const int rows, const int height,
    const int width, const int top, const int left, const int outHeight, const int outWidth, const int blocks,
    const int stageFloats, const int tileFloats, const int slot)
{
    const int allRowBlocks = (rows + TILE_N - 1) / TILE_N;
    const int rowStart = (int)((long)allRowBlocks * get_global_id(1) / get_global_size(1));
    const int rowEnd = (int)((long)allRowBlocks * (get_global_id(1) + 1) / get_global_size(1));
    const Shape shape = {
        images, channels, rows, height, width, top, left, outHeight, outWidth,
        (outHeight + OUTPUT_TILE - 1) / OUTPUT_TILE, (outWidth + OUTPUT_TILE - 1) / OUTPUT_TILE};
    const int tileRows = images * shape.tilesHigh;
    const int blockStart = (int)((long)blocks * get_global_id(0) / get_global_size(0));
    const int blockEnd = (int)((long)blocks * (get_global_id(0) + 1) / get_global_size(0));
    const int vectors = VECTORS(channels), rowVectors = VECTORS(rows);
    const long sumStride = (long)vectors * VECTOR_WIDTH * TILE_N;
    __global float *stage = scratch + scratchOffset + (get_global_id(1) * get_global_size(0) + get_global_id(0)) * slot;
    const Levels none = {0, 0, 0};
    __global float *tiles = stage + stageFloats, *cotangents = tiles + tileFloats;
    __global float *spreads = gradient_spreads(
        partials + partialsOffset, get_global_size(0), get_global_id(0), allRowBlocks, vectors);
    __global float *rowSpreads = spreads + SPREAD * vectors * VECTOR_WIDTH;
    for (int n = 0; n < SPREAD * vectors * VECTOR_WIDTH && get_global_id(1) == 0; n++) spreads[n] = 0;
    for (int n = SPREAD * rowStart * TILE_N; n < SPREAD * rowEnd * TILE_N; n++) rowSpreads[n] = 0;
    partials += partialsOffset + get_global_id(0) * allRowBlocks * POSITIONS * sumStride;
    for (int block = blockStart; block < blockEnd; block++) {
        const int start = (int)((long)tileRows * block / blocks), end = (int)((long)tileRows * (block + 1) / blocks);
        const int count = (end - start) * shape.tilesWide;
        const long tileStride = POSITION_STRIDE(vectors * count), cotangentStride = POSITION_STRIDE(rowVectors * count);
        for EACH_RUN(start, end, shape)
            transform_run(
                x + xOffset, shape, image, row, high, tile, count, stage, tiles, none,
                get_global_id(1) == 0 ? spreads : 0);
        transform_cotangents(
            dy + dyOffset, shape, rowStart * TILE_N, min(rowEnd * TILE_N, rows), start, end, stage, cotangents,
            rowSpreads);
        for (int p = 0; p < POSITIONS; p++) {
            for (int r = rowStart; r < rowEnd; r++) {
                __global const float *b = cotangents + p * cotangentStride + (long)r * TILE_N * count;
                const int present = rowVectors - r * TILE_VECTORS;
                for (int c = 0; c < vectors * VECTOR_WIDTH; c += TILE_C) {
                    __global const float *a = tiles + p * tileStride
                        + (long)(c / VECTOR_WIDTH) * count * VECTOR_WIDTH + c % VECTOR_WIDTH;
                    __global float *sums = partials + (r * POSITIONS + p) * sumStride + (long)c * TILE_N;
                    if (present >= TILE_VECTORS) multiply_channels(a, b, sums, count, TILE_VECTORS, block == blockStart);
                    else multiply_channels(a, b, sums, count, TILE_VECTORS - 1, block == blockStart);
                }
            }
        }
    }
}

// The shares of pixels that matter of channels (or rows) of this spread in all shares of the work, `stride` floats apart: 0
// of wild ones, infinity where there are only zeros.
static inline floatv pixel_shares(
    __global const float *spread, const int shares, const long stride, const int pixelRows, const int pixels)
{
    intv bits = (intv)(0);
    floatv sum = (floatv)(0), all = (floatv)(0), squares = (floatv)(0);
    for (int s = 0; s < shares; s++, spread += stride) {
        bits = maxv(bits, loadi(0, (__global const int *)spread));
        sum += loadv(1, spread);
        all += loadv(2, spread);
        squares += loadv(3, spread);
    }
    const floatv largest = as_floatv(bits);
    const intv tame = (largest * fewest_rows(pixelRows) <= sum) & (largest <= (floatv)(LARGEST_GRADIENT))
        & (largest >= (floatv)(SMALLEST_GRADIENT));
    const intv share = as_intv(all / squares * all / (floatv)(pixels));
    return as_floatv((share & tame) | (as_intv((floatv)(INFINITY)) & (largest == (floatv)(0))));
}

// Adds to the sums [9][VECTOR_WIDTH] of a channel of x, whose plane is given, and a vector of rows of dy what rows
// [first, first + high) of dy, staged as [high][outWidth][VECTOR_WIDTH], have to add: Σ x · dy where the two meet.
static void sum_pixels(
    __global const float *x, __global const float *stage, const Shape s, const int first, const int high,
    __global float *sums)
{
    // Columns where all three taps of a line meet a pixel.
    const int begin = min(s.left, s.outWidth), end = max(min(s.outWidth, s.width + s.left - 2), begin);
    for (int i = 0; i < KERNEL_SIDE; i++, sums += KERNEL_SIDE * VECTOR_WIDTH) {
        floatv total[KERNEL_SIDE], odd[KERNEL_SIDE];
        #pragma unroll
        for (int t = 0; t < KERNEL_SIDE; t++) {
            total[t] = loadv(t, sums);
            odd[t] = (floatv)(0);
        }
        for (int row = max(0, s.top - i - first); row < min(high, s.height + s.top - i - first); row++) {
            __global const float *line = x + (long)(first + row + i - s.top) * s.width;
            __global const float *from = stage + (long)row * s.outWidth * VECTOR_WIDTH;
            int q = begin;
            for (; q + 1 < end; q += 2) {
                const floatv a = loadv(q, from), b = loadv(q + 1, from);
                #pragma unroll
                for (int t = 0; t < KERNEL_SIDE; t++) {
                    total[t] = fma(a, (floatv)(line[q + t - s.left]), total[t]);
                    odd[t] = fma(b, (floatv)(line[q + 1 + t - s.left]), odd[t]);
                }
            }
            for (int n = 0; n < s.outWidth - (q - begin); n++) {
                const int column = n < begin ? n : n + q - begin;
                #pragma unroll
                for (int t = 0; t < KERNEL_SIDE; t++) {
                    const int j = column + t - s.left;
                    if (j >= 0 && j < s.width) total[t] = fma(loadv(column, from), (floatv)(line[j]), total[t]);
                }
            }
        }
        #pragma unroll
        for (int t = 0; t < KERNEL_SIDE; t++) storev(total[t] + odd[t], t, sums);
    }
}

// Whether a channel of this share meets one of these rows seldom.
static int meets_seldom(const float channel, const float *rowShares, const int rows, const int pixels)
{
    int any = 0;
    for (int l = 0; l < rows; l++) any |= !meet_often(channel, rowShares[l], pixels);
    return any;
}

// dw of rows [row, row + VECTOR_WIDTH) and channels [firstChannel, lastChannel), where they meet seldom. `sums` is scratch for
// 9 vectors of each channel.
static void sum_seldom(
    __global const float *x, __global const float *dy, const Shape s, const int row, const int firstChannel,
    const int lastChannel, const float *rowShares, __global const float *channelShares, const int stageFloats,
    __global float *stage, __global float *sums, __global float *dw)
{
    const Levels none = {0, 0, 0};
    const int taps = KERNEL_SIDE * KERNEL_SIDE, rows = min(VECTOR_WIDTH, s.rows - row);
    const int strip = min(stageFloats / (s.outWidth * VECTOR_WIDTH), s.outHeight);
    const int pixels = s.images * s.outHeight * s.outWidth;
    for (int n = 0; n < (lastChannel - firstChannel) * taps; n++) storev((floatv)(0), n, sums);
    for (int n = 0; n < s.images; n++) {
        for (int first = 0; first < s.outHeight; first += strip) {
            const int high = min(strip, s.outHeight - first);
            stage_planes(
                dy + ((long)n * s.rows + row) * s.outHeight * s.outWidth, s.rows - row, s.outHeight, s.outWidth, first,
                high, s.outWidth, 0, stage, none, 0);
            for (int c = firstChannel; c < lastChannel; c++) {
                if (meets_seldom(channelShares[c], rowShares, rows, pixels))
                    sum_pixels(
                        x + ((long)n * s.channels + c) * s.height * s.width, stage, s, first, high,
                        sums + (long)(c - firstChannel) * taps * VECTOR_WIDTH);
            }
        }
    }
    for (int c = firstChannel; c < lastChannel; c++) {
        for (int l = 0; l < rows; l++) {
            if (meet_often(channelShares[c], rowShares[l], pixels)) continue;
            for (int t = 0; t < taps; t++)
                dw[((long)(row + l) * s.channels + c) * taps + t] = sums[((c - firstChannel) * taps + t) * VECTOR_WIDTH + l];
        }
    }
}

// dw [rows, channels, 3, 3] = Gᵀ (Σ over shares of partials, in order) G, or, of pairs that meet seldom, the sum over pixels.
// Global size (channel items, row items, 1), as many as have slots.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_sum_weights(
    __global const float *restrict partials, const ulong partialsOffset, __global const float *restrict x,
    const ulong xOffset, __global const float *restrict dy, const ulong dyOffset, __global float *restrict dw,
    const ulong dwOffset, __global float *restrict scratch, const ulong scratchOffset, const int shares,
    const int images, const int channels, const int rows, const int height, const int width, const int top,
    const int left, const int outHeight, const int outWidth, const int stageFloats, const int slot)
{
    const Shape shape = {images, channels, rows, height, width, top, left, outHeight, outWidth, 0, 0};
    const int rowBlocks = (rows + TILE_N - 1) / TILE_N, vectors = VECTORS(channels);
    const int rowStart = (int)((long)rowBlocks * get_global_id(1) / get_global_size(1));
    const int rowEnd = (int)((long)rowBlocks * (get_global_id(1) + 1) / get_global_size(1));
    const int channelStart = (int)((long)channels * get_global_id(0) / get_global_size(0));
    const int channelEnd = (int)((long)channels * (get_global_id(0) + 1) / get_global_size(0));
    const long stride = (long)vectors * VECTOR_WIDTH * TILE_N;
    __global float *stage = scratch + scratchOffset + (get_global_id(1) * get_global_size(0) + get_global_id(0)) * slot;
    __global float *channelShares = stage + stageFloats;
    __global float *sums = stage + stageFloats + vectors * VECTOR_WIDTH;
    partials += partialsOffset;
    dw += dwOffset;
    for (int r = rowStart; r < rowEnd; r++) {
        for (int c = channelStart; c < channelEnd; c++) {
            for (int v = 0; v < TILE_VECTORS; v++) {
                const int row = r * TILE_N + v * VECTOR_WIDTH;
                __global const float *from = partials + r * POSITIONS * stride + (long)c * TILE_N + v * VECTOR_WIDTH;
                floatv source[POSITIONS], result[KERNEL_SIDE * KERNEL_SIDE];
                #pragma unroll
                for (int p = 0; p < POSITIONS; p++) source[p] = loadv(0, from + p * stride);
                for (int s = 1; s < shares; s++) {
                    from += rowBlocks * POSITIONS * stride;
                    #pragma unroll
                    for (int p = 0; p < POSITIONS; p++) source[p] += loadv(0, from + p * stride);
                }
                transform_weight_gradient(source, result);
                float lanes[KERNEL_SIDE * KERNEL_SIDE][VECTOR_WIDTH];
                #pragma unroll
                for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) storev(result[t], 0, lanes[t]);
                for (int l = 0; l < min(VECTOR_WIDTH, rows - row); l++) {
                    __global float *taps = dw + ((long)(row + l) * channels + c) * KERNEL_SIDE * KERNEL_SIDE;
                    for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) taps[t] = lanes[t][l];
                }
            }
        }
    }
    __global const float *spreads = gradient_spreads(partials, shares, 0, rowBlocks, vectors);
    const long spreadStride = (vectors + rowBlocks * TILE_VECTORS) * SPREAD * VECTOR_WIDTH;
    const int pixels = images * outHeight * outWidth;
    for (int v = 0; v < vectors; v++)
        storev(
            pixel_shares(
                spreads + SPREAD * v * VECTOR_WIDTH, shares, spreadStride, images * (outHeight - 2),
                images * (outHeight - 2) * (outWidth - 2)), v, channelShares);
    for (int row = rowStart * TILE_N; row < min(rowEnd * TILE_N, rows); row += VECTOR_WIDTH) {
        float rowShares[VECTOR_WIDTH];
        storev(
            pixel_shares(
                spreads + SPREAD * (vectors * VECTOR_WIDTH + row), shares, spreadStride, images * (height - 2),
                images * (height - 2) * (width - 2)), 0, rowShares);
        int any = 0;
        for (int c = channelStart; c < channelEnd; c++)
            any |= meets_seldom(channelShares[c], rowShares, min(VECTOR_WIDTH, rows - row), pixels);
        if (any)
            sum_seldom(
                x + xOffset, dy + dyOffset, shape, row, channelStart, channelEnd, rowShares, channelShares, stageFloats,
                stage, sums, dw);
    }
}
