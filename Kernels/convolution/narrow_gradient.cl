// Gradient of the input of a convolution with few input channels, for devices that are CPUs.
//
//      columns [steps][q] = wᵀ [steps, rows] · dy [rows, q]       for one row of dy at a time; a step is (channel, tap)
//        │
//        ▼  added where the patches of im2col came from (col2im), the columns still in cache:
//      dx row u·rowStride + i·rowStep + rowBase, each pixel the sum of what its taps give
//
// With a few channels, packing columns of dy for an implicit product (convolution/panel.cl) costs more than multiplying
// them; here the packed matrix is dy itself, and the product has steps = channels·taps rows. What is added is gathered:
// a vector of pixels of dx of one remainder by the column stride sums its taps from the columns, whose margins are
// zero; two remainders are interleaved.
// Shapes: packed [groups][⌈steps / TILE_M⌉][rows][TILE_M] as of gemm_pack_rows, dy [images, groups·rows, p, q],
// dx [images, groups·channels, height, width]. 2·rows·steps·p·q flops an image and group. Bytes moved: dy and dx once.
// A work-item makes a band of rows of dx of one image and group: sums have one order. Follows common/lanes.cl.

#ifndef TILE_M
#define TILE_M 6             // steps of the register tile
#endif
#ifndef TILE_VECTORS
#define TILE_VECTORS 2       // vectors in a row of the register tile
#endif
#ifndef TILE_K
#define TILE_K 384           // most rows of dy in a packed panel
#endif

#define TILE_N (VECTOR_WIDTH * TILE_VECTORS)

// columns [TILE_M][pitch], TILE_N of each, of which `steps` rows exist (first ? 0 : what is there) += packed
// [depth][TILE_M] · panel [depth][TILE_N].
static void multiply_row(
    __global const float *packed, const float *panel, __global float *columns, const long pitch, const int depth,
    const int steps, const int first)
{
    floatv tile[TILE_M][TILE_VECTORS];
    #pragma unroll
    for (int i = 0; i < TILE_M; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) tile[i][v] = (floatv)(0);
    }
    for (int k = 0; k < depth; k++) {
        floatv row[TILE_VECTORS];
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) row[v] = loadv(v, panel + k * TILE_N);
        #pragma unroll
        for (int i = 0; i < TILE_M; i++) {
            const floatv weight = (floatv)(packed[k * TILE_M + i]);
            #pragma unroll
            for (int v = 0; v < TILE_VECTORS; v++) tile[i][v] = fma(weight, row[v], tile[i][v]);
        }
    }
    #pragma unroll
    for (int i = 0; i < TILE_M; i++) {
        if (i < steps) {
            #pragma unroll
            for (int v = 0; v < TILE_VECTORS; v++) {
                __global float *target = columns + i * pitch + v * VECTOR_WIDTH;
                storev(first ? tile[i][v] : tile[i][v] + loadv(0, target), 0, target);
            }
        }
    }
}

// VECTOR_WIDTH pixels of dx, `stride` apart, from number m of those that leave `remainder`: the sum of their taps.
static inline floatv gather_taps(
    __global const float *columns, const long pitch, const int taps, const int base, const int step, const int stride,
    const int remainder, const int m)
{
    floatv sum = (floatv)(0);
    for (int s = 0; s < taps; s++) {
        const int offset = s * step + base - remainder;
        // Tap s of column v falls on v·stride + offset + remainder.
        if (offset % stride == 0) sum += loadv(0, columns + s * pitch + m - offset / stride);
    }
    return sum;
}

// Global size (bands, images · groups, 1). The columns of a work-item are `steps` rows of `pitch` floats from
// scratch + slot·its number on, column 0 of dy at `margin`.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void narrow_gradient(
    __global const float *restrict packed, const ulong packedOffset, __global const float *restrict dy,
    const ulong dyOffset, __global float *restrict dx, const ulong dxOffset, __global float *restrict scratch,
    const ulong scratchOffset, const int groups, const int rows, const int channels, const int height,
    const int width, const int tapsHigh, const int tapsWide, const int rowBase, const int rowStep,
    const int rowStride, const int columnBase, const int columnStep, const int columnStride, const int p, const int q,
    const int margin, const int pitch)
{
    float panel[TILE_K * TILE_N] __attribute__((aligned(64)));
    const int band = get_global_id(0), bands = get_global_size(0), plane = get_global_id(1);
    const int steps = channels * tapsHigh * tapsWide, panels = (steps + TILE_M - 1) / TILE_M;
    const int top = (int)((long)height * band / bands), bottom = (int)((long)height * (band + 1) / bands);
    __global float *columns = scratch + scratchOffset + ((long)plane * bands + band) * steps * pitch;
    for (long n = 0; n < (long)steps * pitch; n++) columns[n] = 0;
    packed += packedOffset + (long)(plane % groups) * panels * rows * TILE_M;
    dy += dyOffset + (long)plane * rows * p * q;
    dx += dxOffset + (long)plane * channels * height * width;
    for (int c = 0; c < channels; c++)
        for (long n = (long)top * width; n < (long)bottom * width; n++) dx[(long)c * height * width + n] = 0;

    for (int u = 0; u < p; u++) {
        const int highest = u * rowStride + rowBase;
        if (highest >= bottom || highest + (tapsHigh - 1) * rowStep < top) continue;
        for (int block = 0; block < rows; block += TILE_K) {
            const int depth = min(TILE_K, rows - block);
            for (int v = 0; v < q; v += TILE_N) {
                __global const float *line = dy + ((long)block * p + u) * q + v;
                for (int k = 0; k < depth; k++, line += (long)p * q) {
                    if (q - v >= TILE_N) {
                        #pragma unroll
                        for (int w = 0; w < TILE_VECTORS; w++) storev(loadv(w, line), w, panel + k * TILE_N);
                    } else {
                        for (int l = 0; l < TILE_N; l++) panel[k * TILE_N + l] = l < q - v ? line[l] : 0;
                    }
                }
                for (int i = 0; i < panels; i++)
                    multiply_row(
                        packed + ((long)i * rows + block) * TILE_M, panel,
                        columns + (long)i * TILE_M * pitch + margin + v, pitch, depth, steps - i * TILE_M, block == 0);
            }
        }
        for (int r = 0; r < tapsHigh; r++) {
            const int row = highest + r * rowStep;
            if (row < top || row >= bottom) continue;
            for (int c = 0; c < channels; c++) {
                __global const float *taps = columns + (long)(c * tapsHigh + r) * tapsWide * pitch + margin;
                __global float *line = dx + ((long)c * height + row) * width;
                const int whole = columnStride == 1 ? width : columnStride == 2 ? width / 2 : 0;
                int m = 0;
                for (; m + VECTOR_WIDTH <= whole; m += VECTOR_WIDTH) {
                    const floatv even = gather_taps(
                        taps, pitch, tapsWide, columnBase, columnStep, columnStride, 0, m);
                    if (columnStride == 1) {
                        storev(loadv(0, line + m) + even, 0, line + m);
                    } else {
                        const floatv odd = gather_taps(
                            taps, pitch, tapsWide, columnBase, columnStep, columnStride, 1, m);
                        __global float *target = line + 2 * m;
                        storev(loadv(0, target) + LOW(even, odd), 0, target);
                        storev(loadv(1, target) + HIGH(even, odd), 1, target);
                    }
                }
                for (int j = m * columnStride; j < width; j++) {
                    float sum = 0;
                    for (int s = 0; s < tapsWide; s++) {
                        const int offset = j - s * columnStep - columnBase;
                        if (offset >= 0 && offset % columnStride == 0 && offset / columnStride < q)
                            sum += taps[s * (long)pitch + offset / columnStride];
                    }
                    line[j] += sum;
                }
            }
        }
    }
}
