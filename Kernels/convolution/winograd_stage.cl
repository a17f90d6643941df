// Planes of images as vectors of channels, for 3×3 convolutions by Winograd's filtering on devices that are CPUs: what
// convolution/winograd.cl and winograd_gradient.cl share. Rows of tiles are staged with zeros around them, a vector of
// channels at a time:
//
//   planes of x          stage [rows][pitch][lanes]      tiles [position][channels / lanes][tile][lanes]
//   ┌──────────────┐ turn   ┌──────────────────┐ Bᵀ x B   ┌──┐┌──┐┌──┐
//   │▒▒ tile row ▒▒│ ─────► │ channels in lanes│ ───────► │  ││  ││  │ …
//   └──────────────┘        └──────────────────┘          └──┘└──┘└──┘
//
// Follows common/lanes.cl and convolution/winograd_transforms.cl.

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

// The bits of |x|, which are in order as the numbers are, and NaN above all of them.
#define MAGNITUDE(x) (as_intv(x) & 0x7fffffff)

// What winograd_levels.cl judges tiles by, of each pixel of a run: the bits of the largest of all channels' magnitudes, and
// their sum, each magnitude times its channel's ω. Arrays [rows][width]; null where nobody asks.
typedef struct {
    __global const float *scales;   // ω [channels]
    __global int *peaks;
    __global float *sums;
} Levels;

// Adds VECTOR_WIDTH channels of VECTOR_WIDTH pixels, the first of them pixel n; the first `again` have been added before.
static inline __attribute__((always_inline))
void raise_levels(const floatv *square, __global const float *scales, const Levels levels, const int n,
    const int again)
{
    intv peak = loadi(0, levels.peaks + n);
    floatv sum = loadv(0, levels.sums + n);
    #pragma unroll
    for (int c = 0; c < VECTOR_WIDTH; c += 2) {
        const floatv even = as_floatv(MAGNITUDE(square[c])) * (floatv)(scales[c]);
        const floatv odd = as_floatv(MAGNITUDE(square[c + 1])) * (floatv)(scales[c + 1]);
        peak = maxv(peak, maxv(as_intv(even), as_intv(odd)));
        sum += even + odd;
    }
    storei(peak, 0, levels.peaks + n);
    if (again == 0) {
        storev(sum, 0, levels.sums + n);
    } else {
        float lanes[VECTOR_WIDTH];
        storev(sum, 0, lanes);
        for (int l = again; l < VECTOR_WIDTH; l++) levels.sums[n + l] = lanes[l];
    }
}

// Rows [first, first + rows) of up to VECTOR_WIDTH planes → stage [rows][pitch][VECTOR_WIDTH], the planes' first column
// at `left`, zeros around them and in the lanes of missing planes. Levels, where asked for, count in
// these planes, of which `channel` is the first.
static void stage_planes(
    __global const float *x, const int planes, const int height, const int width, const int first, const int rows,
    const int pitch, const int left, __global float *stage, const Levels levels, const int channel)
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
    const int base = (begin - first) * width;
    __global const float *scales = levels.peaks ? levels.scales + channel : 0;
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
            if (levels.peaks) raise_levels(square, scales, levels, base + pixel, p - pixel);
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
            if (levels.peaks) {
                float level[VECTOR_WIDTH];
                int bits[VECTOR_WIDTH];
                const floatv scaled = as_floatv(MAGNITUDE(loadv(0, to))) * loadv(0, scales);
                storev(scaled, 0, level);
                storei(as_intv(scaled), 0, bits);
                for (int c = 0; c < VECTOR_WIDTH; c++) {
                    levels.sums[base + p] += level[c];
                    levels.peaks[base + p] = max(levels.peaks[base + p], bits[c]);
                }
            }
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

// How far the magnitudes of VECTOR_WIDTH channels are spread (see winograd_levels.cl), in SPREAD vectors: the bits of the
// largest, the sum over rows of pixels of the largest of each, the sum of all, and of their squares. All without what lies
// outside `inner`, but for the first.
#define SPREAD 4
#define MEASURED 4
typedef struct {
    int top, bottom, left, right;
} Inner;

// Adds rows [from, to) of planes, of which stage [rows][pitch][VECTOR_WIDTH] holds those from `first` on, to a spread.
static void measure_rows(
    __global const float *stage, const int pitch, const int left, const int width, const int first, const int from,
    const int to, const Inner inner, __global float *spread)
{
    intv largest = loadi(0, (__global int *)spread);
    floatv sum = loadv(1, spread), all = loadv(2, spread), squares = loadv(3, spread);
    const int begin = min(inner.left, width), end = max(min(inner.right, width), begin);
    for (int i = from; i < to; i++) {
        __global const float *line = stage + ((long)(i - first) * pitch + left) * VECTOR_WIDTH;
        intv row = (intv)(0);
        // Several sums, so that none waits for the one before it.
        floatv sums[MEASURED], squared[MEASURED];
        #pragma unroll
        for (int n = 0; n < MEASURED; n++) sums[n] = squared[n] = (floatv)(0);
        int j = begin;
        for (; j + MEASURED <= end; j += MEASURED) {
            #pragma unroll
            for (int n = 0; n < MEASURED; n++) {
                const floatv pixel = as_floatv(MAGNITUDE(loadv(j + n, line)));
                row = maxv(row, as_intv(pixel));
                sums[n] += pixel;
                squared[n] = fma(pixel, pixel, squared[n]);
            }
        }
        for (; j < end; j++) {
            const floatv pixel = as_floatv(MAGNITUDE(loadv(j, line)));
            row = maxv(row, as_intv(pixel));
            sums[0] += pixel;
            squared[0] = fma(pixel, pixel, squared[0]);
        }
        const floatv rowSum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
        const floatv rowSquares = (squared[0] + squared[1]) + (squared[2] + squared[3]);
        if (i >= inner.top && i < inner.bottom) {
            sum += as_floatv(row);
            all += rowSum;
            squares += rowSquares;
        }
        for (int j = 0; j < begin; j++) row = maxv(row, MAGNITUDE(loadv(j, line)));
        for (int j = end; j < width; j++) row = maxv(row, MAGNITUDE(loadv(j, line)));
        largest = maxv(largest, row);
    }
    storei(largest, 0, (__global int *)spread);
    storev(sum, 1, spread);
    storev(all, 2, spread);
    storev(squares, 3, spread);
}

// Bᵀ x B of `high` rows of tiles of an image, from tile row `row` on → tiles [POSITIONS][channel vectors][count]
// [VECTOR_WIDTH], from tile `tile` on. Where there are levels or spreads of the channels, they take note of what is read.
static void transform_run(
    __global const float *x, const Shape s, const int image, const int row, const int high, const int tile,
    const int count, __global float *stage, __global float *tiles, const Levels levels, __global float *spreads)
{
    const int pitch = s.tilesWide * OUTPUT_TILE + 2, first = row * OUTPUT_TILE - s.top;
    const long stride = POSITION_STRIDE(VECTORS(s.channels) * count);
    // What every tap of the kernel meets.
    const Inner inner = {2 - s.top, s.outHeight - s.top, max(2 - s.left, 0), s.outWidth - s.left};
    // Of the rows that two runs share, each counts its own.
    const int last = row + high == s.tilesHigh ? s.height : first + high * OUTPUT_TILE;
    for (int c = 0; c < s.channels; c += VECTOR_WIDTH) {
        stage_planes(
            x + ((long)image * s.channels + c) * s.height * s.width, s.channels - c, s.height, s.width, first,
            high * OUTPUT_TILE + 2, pitch, s.left, stage, levels, c);
        if (spreads) {
            measure_rows(
                stage, pitch, s.left, s.width, first, max(first, 0),
                min(min(last, first + high * OUTPUT_TILE + 2), s.height), inner, spreads + SPREAD * c);
        }
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
