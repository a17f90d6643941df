// 3×3 convolution of stride 1 by Winograd's minimal filtering, for devices that are CPUs: forward, the gradient of the
// input (the same kernel over dy with the weights turned round) and the gradient of the weight.
//
//   planes of x          stage [rows][pitch][lanes]      tiles [position][channels / lanes][tile][lanes]
//   ┌──────────────┐ turn   ┌──────────────────┐ Bᵀ x B   ┌──┐┌──┐┌──┐        for each position, a product of matrices:
//   │▒▒ tile row ▒▒│ ─────► │ channels in lanes│ ───────► │  ││  ││  │ …      tiles × channels · channels × rows of U,
//   │              │        └──────────────────┘          └──┘└──┘└──┘        TILE_M tiles × TILE_VECTORS vectors of
//   └──────────────┘   y ◄───── stage ◄───── Aᵀ(·)A ◄──── products            rows at a time in registers
//
// A work-item takes whole rows of tiles, a block at a time, through all of it, so that what lies between stays in the
// second-level cache; it has a slot of the scratch memory to itself. With the channels in lanes, every transform is
// plain arithmetic on vectors, and images of any width fill them.
//
// Shapes: x [images, channels, height, width], U [position][⌈rows / TILE_N⌉][channels][TILE_N], y [images, rows,
// outHeight, outWidth], bias [rows]; channels and rows rounded up to whole vectors inside.
// 2·tiles·channels·rows·SIDE² flops of products, and per tile and channel about 300 of transforms with OUTPUT_TILE 4.
// Bytes moved: x and y once, U once a block from the nearest cache that holds it.
// Follows common/lanes.cl and convolution/winograd_transforms.cl, which names the method.

#ifndef TILE_M
#define TILE_M 6             // tiles of the register tile (forward)
#endif
#ifndef TILE_C
#define TILE_C 4             // channels of the register tile (gradient of the weight): divides VECTOR_WIDTH
#endif
#ifndef TILE_VECTORS
#define TILE_VECTORS 2       // vectors of rows in the register tile
#endif
#ifndef HAS_BIAS
#define HAS_BIAS 0
#endif
#ifndef ACTIVATION
#define ACTIVATION(x) (x)    // of a vector
#endif

#define TILE_N (VECTOR_WIDTH * TILE_VECTORS)
#define VECTORS(count) (((count) + VECTOR_WIDTH - 1) / VECTOR_WIDTH)
// Floats from one position to the next: an odd number of vectors, so that positions do not share a set of the cache.
#define POSITION_STRIDE(vectors) ((long)((vectors) | 1) * VECTOR_WIDTH)

// A convolution in rows of tiles, counted through all images.
typedef struct {
    int images, channels, rows;
    int height, width;       // of the source
    int top, left;           // zeros above and left of it
    int outHeight, outWidth;
    int tilesHigh, tilesWide;
} Shape;

// Rows [first, first + rows) of up to VECTOR_WIDTH planes → stage [rows][pitch][VECTOR_WIDTH], the planes' first column
// at `left`, zeros around them and in the lanes of missing planes.
static void stage_planes(
    __global const float *x, const int planes, const int height, const int width, const int first, const int rows,
    const int pitch, const int left, __global float *stage)
{
    const int begin = max(first, 0), end = min(first + rows, height);
    for (int i = 0; i < rows; i++) {
        __global float *line = stage + (long)i * pitch * VECTOR_WIDTH;
        const int inside = first + i >= begin && first + i < end;
        if (inside) for (int j = 0; j < left; j++) storev((floatv)(0), j, line);
        for (int j = inside ? left + width : 0; j < pitch; j++) storev((floatv)(0), j, line);
    }
    const int pixels = (end - begin) * width;
    const long plane = (long)height * width;
    __global float *target = stage + ((long)(begin - first) * pitch + left) * VECTOR_WIDTH;
    x += (long)begin * width;
    if (pixels >= VECTOR_WIDTH) {
        for (int p = 0; p < pixels; p += VECTOR_WIDTH) {
            const int pixel = min(p, pixels - VECTOR_WIDTH);
            floatv square[VECTOR_WIDTH];
            if (planes >= VECTOR_WIDTH) {
                #pragma unroll
                for (int c = 0; c < VECTOR_WIDTH; c++) square[c] = loadv(0, x + c * plane + pixel);
            } else {
                for (int c = 0; c < VECTOR_WIDTH; c++)
                    square[c] = c < planes ? loadv(0, x + c * plane + pixel) : (floatv)(0);
            }
            transpose_lanes(square);
            int column = pixel % width;
            __global float *to = target + ((long)(pixel / width) * pitch + column) * VECTOR_WIDTH;
            #pragma unroll
            for (int l = 0; l < VECTOR_WIDTH; l++) {
                storev(square[l], 0, to);
                column++;
                to += column == width ? (pitch - width + 1) * VECTOR_WIDTH : VECTOR_WIDTH;
                column = column == width ? 0 : column;
            }
        }
    } else {
        for (int p = 0; p < pixels; p++) {
            __global float *to = target + ((long)(p / width) * pitch + p % width) * VECTOR_WIDTH;
            for (int c = 0; c < VECTOR_WIDTH; c++) to[c] = c < planes ? x[c * plane + p] : 0;
        }
    }
}

// Rows × width pixels of stage [rows][pitch][VECTOR_WIDTH] → up to VECTOR_WIDTH planes of y, from `y` on, `plane` apart.
static void unstage_planes(
    __global const float *stage, const int pitch, const int rows, const int width, const int planes, const long plane,
    __global float *y)
{
    const int pixels = rows * width;
    if (pixels >= VECTOR_WIDTH) {
        for (int p = 0; p < pixels; p += VECTOR_WIDTH) {
            const int pixel = min(p, pixels - VECTOR_WIDTH);
            int column = pixel % width;
            __global const float *from = stage + ((long)(pixel / width) * pitch + column) * VECTOR_WIDTH;
            floatv square[VECTOR_WIDTH];
            #pragma unroll
            for (int l = 0; l < VECTOR_WIDTH; l++) {
                square[l] = loadv(0, from);
                column++;
                from += column == width ? (pitch - width + 1) * VECTOR_WIDTH : VECTOR_WIDTH;
                column = column == width ? 0 : column;
            }
            transpose_lanes(square);
            #pragma unroll
            for (int c = 0; c < VECTOR_WIDTH; c++)
                if (c < planes) storev(square[c], 0, y + c * plane + pixel);
        }
    } else {
        for (int p = 0; p < pixels; p++) {
            __global const float *from = stage + ((long)(p / width) * pitch + p % width) * VECTOR_WIDTH;
            for (int c = 0; c < min(planes, VECTOR_WIDTH); c++) y[c * plane + p] = from[c];
        }
    }
}

// Calls for each run of a block's tile rows that lie in one image: `image`, its first tile row `row`, `high` tile rows,
// the first of them tile number `tile` of the block.
#define EACH_RUN(start, end, shape) \
    (int index = start, image, row, high, tile; \
        index < end \
            && (image = index / shape.tilesHigh, row = index % shape.tilesHigh, \
                high = min(end - index, shape.tilesHigh - row), tile = (index - start) * shape.tilesWide, 1); \
        index += high)

// Bᵀ x B of a block's tiles → tiles [POSITIONS][channel vectors][count][VECTOR_WIDTH].
static void transform_block(
    __global const float *x, const Shape s, const int start, const int end, __global float *stage,
    __global float *tiles)
{
    const int count = (end - start) * s.tilesWide, pitch = s.tilesWide * OUTPUT_TILE + 2;
    const long stride = POSITION_STRIDE(VECTORS(s.channels) * count);
    for EACH_RUN(start, end, s) {
        for (int c = 0; c < s.channels; c += VECTOR_WIDTH) {
            stage_planes(
                x + ((long)image * s.channels + c) * s.height * s.width, s.channels - c, s.height, s.width,
                row * OUTPUT_TILE - s.top, high * OUTPUT_TILE + 2, pitch, s.left, stage);
            __global float *to = tiles + ((long)c * count + tile * VECTOR_WIDTH);
            for (int i = 0; i < high; i++) {
                for (int j = 0; j < s.tilesWide; j++, to += VECTOR_WIDTH) {
                    __global const float *from = stage + ((long)i * pitch + j) * OUTPUT_TILE * VECTOR_WIDTH;
                    floatv source[POSITIONS], result[POSITIONS];
                    #pragma unroll
                    for (int p = 0; p < POSITIONS; p++) source[p] = loadv(p % SIDE, from + p / SIDE * pitch * VECTOR_WIDTH);
                    transform_source(source, result);
                    #pragma unroll
                    for (int p = 0; p < POSITIONS; p++) storev(result[p], 0, to + p * stride);
                }
            }
        }
    }
}

// A dy Aᵀ of a block's tiles, rows [firstRow, lastRow) → tiles [POSITIONS][row vectors][count][VECTOR_WIDTH].
static void transform_cotangents(
    __global const float *dy, const Shape s, const int firstRow, const int lastRow, const int start, const int end,
    __global float *stage, __global float *tiles)
{
    const int count = (end - start) * s.tilesWide, pitch = s.tilesWide * OUTPUT_TILE;
    const long stride = POSITION_STRIDE(VECTORS(s.rows) * count);
    for EACH_RUN(start, end, s) {
        for (int k = firstRow; k < lastRow; k += VECTOR_WIDTH) {
            stage_planes(
                dy + ((long)image * s.rows + k) * s.outHeight * s.outWidth, s.rows - k, s.outHeight, s.outWidth,
                row * OUTPUT_TILE, high * OUTPUT_TILE, pitch, 0, stage);
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

// products [TILE_VECTORS][count][VECTOR_WIDTH], TILE_M tiles of them = tiles [channel vectors][count][VECTOR_WIDTH] ·
// weights [channels][TILE_N], both from the first of these tiles on.
static inline __attribute__((always_inline))
void multiply_tiles(
    __global const float *tiles, __global const float *weights, __global float *products, const int vectors,
    const int count)
{
    floatv sums[TILE_M][TILE_VECTORS];
    #pragma unroll
    for (int i = 0; i < TILE_M; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) sums[i][v] = (floatv)(0);
    }
    for (int c = 0; c < vectors; c++) {
        for (int l = 0; l < VECTOR_WIDTH; l++) {
            floatv weight[TILE_VECTORS];
            #pragma unroll
            for (int v = 0; v < TILE_VECTORS; v++) weight[v] = loadv(v, weights);
            #pragma unroll
            for (int i = 0; i < TILE_M; i++) {
                const floatv value = (floatv)(tiles[i * VECTOR_WIDTH + l]);
                #pragma unroll
                for (int v = 0; v < TILE_VECTORS; v++) sums[i][v] = fma(value, weight[v], sums[i][v]);
            }
            weights += TILE_N;
        }
        tiles += (long)count * VECTOR_WIDTH;
    }
    #pragma unroll
    for (int i = 0; i < TILE_M; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) storev(sums[i][v], 0, products + ((long)v * count + i) * VECTOR_WIDTH);
    }
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
        }
    }
}

// The convolution. Global size (items, row items, 1): the blocks of tile rows are shared out over the items, the row
// blocks over the row items. `blockTiles` is the most tiles in a block, `slot` the floats of scratch of a work-item.
// Every block has at least TILE_M tiles.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_convolution(
    __global const float *restrict packed, const ulong packedOffset, __global const float *restrict x,
    const ulong xOffset,
#if HAS_BIAS
    __global const float *restrict bias, const ulong biasOffset,
#endif
    __global float *restrict y, const ulong yOffset, __global float *restrict scratch, const ulong scratchOffset,
    const int images, const int channels, const int rows, const int height, const int width, const int top,
    const int left, const int outHeight, const int outWidth, const int blocks, const int stageFloats,
    const int tileFloats, const int slot)
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
    packed += packedOffset;
    x += xOffset;
    y += yOffset;
    for (int block = blockStart; block < blockEnd; block++) {
        const int start = (int)((long)tileRows * block / blocks), end = (int)((long)tileRows * (block + 1) / blocks);
        const int count = (end - start) * shape.tilesWide;
        const long tileStride = POSITION_STRIDE(vectors * count);
        const long productStride = POSITION_STRIDE((rowEnd - rowStart) * TILE_VECTORS * count);
        transform_block(x, shape, start, end, stage, tiles);
        for (int p = 0; p < POSITIONS; p++) {
            for (int r = rowStart; r < rowEnd; r++) {
                __global const float *weights = packed + ((long)p * rowBlocks + r) * weightStride;
                __global float *target = products + p * productStride + (long)(r - rowStart) * TILE_N * count;
                for (int t = 0; t < count; t += TILE_M) {
                    // The last tiles overlap those before them.
                    const long tile = min(t, count - TILE_M) * VECTOR_WIDTH;
                    multiply_tiles(tiles + p * tileStride + tile, weights, target + tile, vectors, count);
                }
            }
        }
        for (int row = rowStart * TILE_N; row < min(rowEnd * TILE_N, rows); row += VECTOR_WIDTH) {
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
    }
}

// sums [TILE_C][TILE_N] (added to what is there, unless first) += Σ over tiles of x tiles [count][VECTOR_WIDTH], TILE_C
// lanes of them, times dy tiles [TILE_VECTORS][count][VECTOR_WIDTH].
static inline __attribute__((always_inline))
void multiply_channels(
    __global const float *x, __global const float *dy, __global float *sums, const int count, const int vectors,
    const int first)
{
    floatv tile[TILE_C][TILE_VECTORS];
    #pragma unroll
    for (int i = 0; i < TILE_C; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) tile[i][v] = first ? (floatv)(0) : loadv(v, sums + i * TILE_N);
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
        for (int v = 0; v < TILE_VECTORS; v++) storev(tile[i][v], v, sums + i * TILE_N);
    }
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
    __global float *tiles = stage + stageFloats, *cotangents = tiles + tileFloats;
    partials += partialsOffset + get_global_id(0) * allRowBlocks * POSITIONS * sumStride;
    for (int block = blockStart; block < blockEnd; block++) {
        const int start = (int)((long)tileRows * block / blocks), end = (int)((long)tileRows * (block + 1) / blocks);
        const int count = (end - start) * shape.tilesWide;
        const long tileStride = POSITION_STRIDE(vectors * count), cotangentStride = POSITION_STRIDE(rowVectors * count);
        transform_block(x + xOffset, shape, start, end, stage, tiles);
        transform_cotangents(
            dy + dyOffset, shape, rowStart * TILE_N, min(rowEnd * TILE_N, rows), start, end, stage, cotangents);
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

// dw [rows, channels, 3, 3] = Gᵀ (Σ over shares of partials, in order) G. Global size (row blocks, channels, 1).
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void winograd_sum_weights(
    __global const float *restrict partials, const ulong partialsOffset, __global float *restrict dw,
    const ulong dwOffset, const int shares, const int rows, const int channels)
{
    const long stride = (long)VECTORS(channels) * VECTOR_WIDTH * TILE_N;
    const int c = get_global_id(1);
    for (int v = 0; v < TILE_VECTORS; v++) {
        const int row = get_global_id(0) * TILE_N + v * VECTOR_WIDTH;
        __global const float *from = partials + partialsOffset + get_global_id(0) * POSITIONS * stride + (long)c * TILE_N
            + v * VECTOR_WIDTH;
        floatv source[POSITIONS], result[KERNEL_SIDE * KERNEL_SIDE];
        #pragma unroll
        for (int p = 0; p < POSITIONS; p++) source[p] = loadv(0, from + p * stride);
        for (int s = 1; s < shares; s++) {
            from += get_global_size(0) * POSITIONS * stride;
            #pragma unroll
            for (int p = 0; p < POSITIONS; p++) source[p] += loadv(0, from + p * stride);
        }
        transform_weight_gradient(source, result);
        float lanes[KERNEL_SIDE * KERNEL_SIDE][VECTOR_WIDTH];
        #pragma unroll
        for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) storev(result[t], 0, lanes[t]);
        for (int l = 0; l < min(VECTOR_WIDTH, rows - row); l++) {
            __global float *taps = dw + dwOffset + ((long)(row + l) * channels + c) * KERNEL_SIDE * KERNEL_SIDE;
            for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) taps[t] = lanes[t][l];
        }
    }
}
