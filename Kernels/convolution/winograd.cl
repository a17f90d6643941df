// 3×3 convolution of stride 1 by Winograd's minimal filtering, for devices that are CPUs: forward, and the gradient of the
// input (the same kernel over dy with the weights turned round). The gradient of the weight: convolution/winograd_gradient.cl.
//
//   planes of x          stage [rows][pitch][lanes]      tiles [position][channels / lanes][tile][lanes]
//   ┌──────────────┐ turn   ┌──────────────────┐ Bᵀ x B   ┌──┐┌──┐┌──┐        for each position, a product of matrices:
//   │▒▒ tile row ▒▒│ ─────► │ channels in lanes│ ───────► │  ││  ││  │ …      tiles × channels · channels × rows of U,
//   │              │        └──────────────────┘          └──┘└──┘└──┘        TILE_M tiles × TILE_VECTORS vectors of
//   └──────────────┘   y ◄───── stage ◄───── Aᵀ(·)A ◄──── products            rows at a time in registers
//
// A work-item takes whole rows of tiles, a block at a time, through all of it, so that what lies between stays in the
// second-level cache; it has a slot of the scratch memory to itself. With the channels in lanes, every transform is
// plain arithmetic on vectors, and images of any width fill them. Outputs whose rounding the transforms would spoil are
// computed again by the sum itself: convolution/winograd_levels.cl says which, winograd_exact.cl how.
//
// Shapes: x [images, channels, height, width], U [position][⌈rows / TILE_N⌉][channels][TILE_N], y [images, rows,
// outHeight, outWidth], bias [rows]; channels and rows rounded up to whole vectors inside. After U comes Σ|taps| as one
// more position, then ω [channels], wild [rows] (ints), and TILE_N · ⌈rows / TILE_N⌉ floats of scratch.
// 2·tiles·channels·rows·SIDE² flops of products, and per tile and channel about 300 of transforms with OUTPUT_TILE 4.
// Bytes moved: x and y once, U once a block from the nearest cache that holds it.
// Follows convolution/winograd_stage.cl, winograd_levels.cl and winograd_exact.cl.

#ifndef TILE_M
#define TILE_M 6             // tiles of the register tile
#endif

// What is left of a block is done by smaller register tiles, which are code of their own: the number of tiles in a block is
// not in the text.
#define REST_M ((TILE_M + 2) / 2)
#define LEAST_M (TILE_M / 4 + 1)

// Aᵀ products A of a block's tiles, plus bias, activated → one vector of rows of y, from row k on.
static void transform_products(
    __global const float *products, const long stride, const floatv bias, const Shape s, const int start,
    const int end, const int k, __global float *stage, __global float *y)
{
    const int pitch = s.tilesWide * OUTPUT_TILE;
    for EACH_RUN(start, end, s) {
        __global const float *from = products + tile * VECTOR_WIDTH;
        for (int i = 0; i < high; i++) {
            for (int j = 0; j < s.tilesWide; j++, from += VECTOR_WIDTH) {
                __global float *to = stage + ((long)i * pitch + j) * OUTPUT_TILE * VECTOR_WIDTH;
                floatv source[POSITIONS], result[OUTPUT_TILE * OUTPUT_TILE];
                #pragma unroll
                for (int p = 0; p < POSITIONS; p++) source[p] = loadv(0, from + p * stride);
                transform_output(source, result);
                #pragma unroll
                for (int p = 0; p < OUTPUT_TILE * OUTPUT_TILE; p++)
                    storev(ACTIVATION(result[p] + bias), p % OUTPUT_TILE, to + p / OUTPUT_TILE * pitch * VECTOR_WIDTH);
            }
        }
        const int first = row * OUTPUT_TILE;
        unstage_planes(
            stage, pitch, min(high * OUTPUT_TILE, s.outHeight - first), s.outWidth, s.rows - k,
            (long)s.outHeight * s.outWidth,
            y + ((long)image * s.rows + k) * s.outHeight * s.outWidth + (long)first * s.outWidth);
    }
}

// products [TILE_VECTORS][count][VECTOR_WIDTH], `height` tiles of them = tiles [channel vectors][count][VECTOR_WIDTH] ·
// weights [channels][TILE_N], both from the first of these tiles on; of the TILE_VECTORS vectors of rows, just the first
// `rowVectors`. Both numbers are constants where this is inlined.
static inline __attribute__((always_inline))
void multiply_tiles(
    __global const float *tiles, __global const float *weights, __global float *products, const int vectors,
    const int count, const int rowVectors, const int height)
{
    floatv sums[TILE_M][TILE_VECTORS];
    #pragma unroll
    for (int i = 0; i < height; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) sums[i][v] = (floatv)(0);
    }
    for (int c = 0; c < vectors; c++) {
        for (int l = 0; l < VECTOR_WIDTH; l++) {
            floatv weight[TILE_VECTORS];
            #pragma unroll
            for (int v = 0; v < TILE_VECTORS; v++) if (v < rowVectors) weight[v] = loadv(v, weights);
            #pragma unroll
            for (int i = 0; i < height; i++) {
                const floatv value = (floatv)(tiles[i * VECTOR_WIDTH + l]);
                #pragma unroll
                for (int v = 0; v < TILE_VECTORS; v++) if (v < rowVectors) sums[i][v] = fma(value, weight[v], sums[i][v]);
            }
            weights += TILE_N;
        }
        tiles += (long)count * VECTOR_WIDTH;
    }
    #pragma unroll
    for (int i = 0; i < height; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++)
            if (v < rowVectors) storev(sums[i][v], 0, products + ((long)v * count + i) * VECTOR_WIDTH);
    }
}

// The same, of all vectors of rows or, where the last of them is not there, of the others.
static inline __attribute__((always_inline))
int multiply_some(
    __global const float *tiles, __global const float *weights, __global float *products, const int vectors,
    const int count, const int isWhole, const int first, const int height)
{
    // The last tiles overlap those before them.
    const long tile = min(first, count - height) * VECTOR_WIDTH;
    if (isWhole) multiply_tiles(tiles + tile, weights, products + tile, vectors, count, TILE_VECTORS, height);
    else multiply_tiles(tiles + tile, weights, products + tile, vectors, count, TILE_VECTORS - 1, height);
    return first + height;
}

// Where ω begins.
static inline __global float *packed_scales(__global const float *packed, const int rowBlocks, const int vectors)
{
    return (__global float *)packed
        + (POSITIONS + 1) * rowBlocks * POSITION_STRIDE(vectors * VECTOR_WIDTH * TILE_VECTORS);
}

// G w Gᵀ of all weights: w(row, channel) at row·rowStride + channel·channelStride, its taps in reverse order where
// `turned` → U [POSITIONS][row blocks][channels][TILE_N], zeros in missing rows and channels.
// Global size (row blocks, channel vectors, 1).
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_weights(
    __global const float *restrict weight, const ulong weightOffset, __global float *restrict packed,
    const ulong packedOffset, const int rows, const int channels, const int rowStride, const int channelStride,
    const int turned)
{
    const int vectors = get_global_size(1);
    const long stride = POSITION_STRIDE(vectors * VECTOR_WIDTH * TILE_VECTORS);
    const int first = get_global_id(1) * VECTOR_WIDTH;
    __global float *target = packed + packedOffset + get_global_id(0) * stride + (long)first * TILE_N;
    for (int c = first; c < first + VECTOR_WIDTH; c++) {
        for (int v = 0; v < TILE_VECTORS; v++, target += VECTOR_WIDTH) {
            const int row = get_global_id(0) * TILE_N + v * VECTOR_WIDTH;
            __global const float *taps = weight + weightOffset + (long)row * rowStride + (long)c * channelStride;
            float lanes[KERNEL_SIDE * KERNEL_SIDE][VECTOR_WIDTH];
            for (int l = 0; l < VECTOR_WIDTH; l++) {
                const int present = c < channels && row + l < rows;
                for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) {
                    const int tap = turned ? KERNEL_SIDE * KERNEL_SIDE - 1 - t : t;
                    lanes[t][l] = present ? taps[(long)l * rowStride + tap] : 0;
                }
            }
            floatv source[KERNEL_SIDE * KERNEL_SIDE], result[POSITIONS];
            #pragma unroll
            for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) source[t] = loadv(0, lanes[t]);
            transform_weight(source, result);
            #pragma unroll
            for (int p = 0; p < POSITIONS; p++)
                storev(result[p], 0, target + (long)p * get_global_size(0) * stride);
            floatv sum = (floatv)(0);
            #pragma unroll
            for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) sum += as_floatv(MAGNITUDE(source[t]));
            storev(sum, 0, target + (long)POSITIONS * get_global_size(0) * stride);
        }
    }
}

// ω of the channels, and which rows are wild, from the Σ|taps| that winograd_weights leaves. Global size (1, 1, 1).
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_levels(__global float *restrict packed, const ulong packedOffset, const int rows, const int channels)
{
    const int rowVectors = (rows + TILE_N - 1) / TILE_N * TILE_VECTORS, vectors = VECTORS(channels);
    const long stride = POSITION_STRIDE(vectors * VECTOR_WIDTH * TILE_VECTORS);
    packed += packedOffset;
    __global const float *sums = packed + POSITIONS * (rowVectors / TILE_VECTORS) * stride;
    __global float *scales = packed_scales(packed, rowVectors / TILE_VECTORS, vectors);
    __global int *wild = (__global int *)(scales + vectors * VECTOR_WIDTH);
    __global float *inverses = (__global float *)(wild + rowVectors * VECTOR_WIDTH);
    const float share = channel_share(channels);
    for (int r = 0; r < rowVectors; r++) {
        __global const float *from = sums + r / TILE_VECTORS * stride + r % TILE_VECTORS * VECTOR_WIDTH;
        floatv total = (floatv)(0), largest = (floatv)(0);
        for (int c = 0; c < channels; c++, from += TILE_N) {
            total += loadv(0, from);
            largest = maxv(largest, loadv(0, from));
        }
        const intv some = total >= (floatv)(SMALLEST_SUM);
        const intv tame = (largest <= share * total) & (total <= (floatv)(LARGEST_SUM)) & (some | (total == (floatv)(0)));
        storei(~tame, r, wild);
        storev(as_floatv(as_intv(1 / largest) & tame & some), r, inverses);
    }
    for (int c = 0; c < vectors * VECTOR_WIDTH; c++) {
        intv highest = (intv)(0);
        for (int r = 0; r < rowVectors && c < channels; r++) {
            const floatv sum = loadv(0, sums + r / TILE_VECTORS * stride + r % TILE_VECTORS * VECTOR_WIDTH + (long)c * TILE_N);
            highest = maxv(highest, as_intv(sum * loadv(r, inverses)) & ~loadi(r, wild));
        }
        int lanes[VECTOR_WIDTH], bits = 0;
        storei(highest, 0, lanes);
        for (int l = 0; l < VECTOR_WIDTH; l++) bits = max(bits, lanes[l]);
        scales[c] = as_float(max(bits, as_int(SMALLEST_PEAK)));
    }
}

// The convolution. Global size (items, row items, 1): the blocks of tile rows are shared out over the items, the row
// blocks over the row items. `blockTiles` is the most tiles in a block, `slot` the floats of scratch of a work-item.
// The end of a slot holds the taps of a row, the levels of a run and the marks of a
// block. `weight` is what `packed` was made of, as winograd_weights has it.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_convolution(
    __global const float *restrict packed, const ulong packedOffset, __global const float *restrict x,
    const ulong xOffset,
#if HAS_BIAS
    __global const float *restrict bias, const ulong biasOffset,
#endif
    __global const float *restrict weight, const ulong weightOffset, __global float *restrict y, const ulong yOffset,
    __global float *restrict scratch, const ulong scratchOffset, const int images, const int channels, const int rows,
    const int height, const int width, const int top, const int left, const int outHeight, const int outWidth,
    const int blocks, const int stageFloats, const int tileFloats, const int slot, const int rowStride,
    const int channelStride, const int turned)
{
    const Shape shape = {
        images, channels, rows, height, width, top, left, outHeight, outWidth,
        (outHeight + OUTPUT_TILE - 1) / OUTPUT_TILE, (outWidth + OUTPUT_TILE - 1) / OUTPUT_TILE};
    const int rowBlocks = (rows + TILE_N - 1) / TILE_N, tileRows = images * shape.tilesHigh;
    const int blockStart = (int)((long)blocks * get_global_id(0) / get_global_size(0));
    const int blockEnd = (int)((long)blocks * (get_global_id(0) + 1) / get_global_size(0));
    const int rowStart = (int)((long)rowBlocks * get_global_id(1) / get_global_size(1));
    const int rowEnd = (int)((long)rowBlocks * (get_global_id(1) + 1) / get_global_size(1));
    const int vectors = VECTORS(channels);
    const long weightStride = POSITION_STRIDE(vectors * VECTOR_WIDTH * TILE_VECTORS);
    __global float *stage = scratch + scratchOffset + (get_global_id(1) * get_global_size(0) + get_global_id(0)) * slot;
    __global float *tiles = stage + stageFloats, *products = tiles + tileFloats;
    const int levelFloats = stageFloats / VECTOR_WIDTH;
    __global float *sums = stage + slot - levelFloats;
    __global int *peaks = (__global int *)sums - levelFloats;
    __global int *marks = peaks - (tileRows + blocks - 1) / blocks * shape.tilesWide;
    __global float *taps = (__global float *)marks - KERNEL_SIDE * KERNEL_SIDE * vectors * VECTOR_WIDTH;
    packed += packedOffset;
    x += xOffset;
    y += yOffset;
    const Levels levels = {packed_scales(packed, rowBlocks, vectors), peaks, sums};
    __global const int *wild = (__global const int *)(levels.scales + vectors * VECTOR_WIDTH);
    for (int block = blockStart; block < blockEnd; block++) {
        const int start = (int)((long)tileRows * block / blocks), end = (int)((long)tileRows * (block + 1) / blocks);
        const int count = (end - start) * shape.tilesWide;
        const long tileStride = POSITION_STRIDE(vectors * count);
        const long productStride = POSITION_STRIDE((rowEnd - rowStart) * TILE_VECTORS * count);
        int whole = 0, any = 0;
        for EACH_RUN(start, end, shape) {
            for (int n = 0; n < (high * OUTPUT_TILE + 2) * width; n++) {
                peaks[n] = 0;
                sums[n] = 0;
            }
            transform_run(x, shape, image, row, high, tile, count, stage, tiles, levels, 0);
            const int marked = mark_run(levels, shape, row, high, marks + tile);
            any |= marked >= 0;
            whole += max(marked, 0);
        }
        for (int p = 0; p < POSITIONS && whole < count; p++) {
            for (int r = rowStart; r < rowEnd; r++) {
                __global const float *weights = packed + ((long)p * rowBlocks + r) * weightStride;
                __global float *target = products + p * productStride + (long)(r - rowStart) * TILE_N * count;
                const int isWhole = TILE_VECTORS == 1 || rows - r * TILE_N > (TILE_VECTORS - 1) * VECTOR_WIDTH;
                __global const float *from = tiles + p * tileStride;
                for (int t = 0; t < count;) {
                    const int rest = count - t;
                    if (rest > REST_M && count >= TILE_M)
                        t = multiply_some(from, weights, target, vectors, count, isWhole, t, TILE_M);
                    else if (rest > LEAST_M && count >= REST_M)
                        t = multiply_some(from, weights, target, vectors, count, isWhole, t, REST_M);
                    else if (count >= LEAST_M)
                        t = multiply_some(from, weights, target, vectors, count, isWhole, t, LEAST_M);
                    else
                        t = multiply_some(from, weights, target, vectors, count, isWhole, t, 1);
                }
            }
        }
        for (int row = rowStart * TILE_N; row < min(rowEnd * TILE_N, rows) && whole < count; row += VECTOR_WIDTH) {
            float lanes[VECTOR_WIDTH];
            for (int l = 0; l < VECTOR_WIDTH; l++) {
#if HAS_BIAS
                lanes[l] = row + l < rows ? bias[biasOffset + row + l] : 0;
#else
                lanes[l] = 0;
#endif
            }
            transform_products(
                products + (long)(row - rowStart * TILE_N) * count, productStride, loadv(0, lanes), shape, start, end,
                row, stage, y);
        }
        compute_exactly(
            weight + weightOffset, rowStride, channelStride, turned, wild, x,
#if HAS_BIAS
            bias + biasOffset,
#endif
            shape, start, end, rowStart * TILE_N, min(rowEnd * TILE_N, rows), any, marks, taps, stage, tiles, y);
    }
}
