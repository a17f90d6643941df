// Depthwise convolution (one channel a group), for devices that are CPUs: forward, the gradient of the input (the
// same kernel over dy) and the gradient of the weight. Bound by memory: each plane is read once and written once.
//
//      source plane            ring of rows, padded with zeros          y row
//   ┌──────────────┐ row by row   ┌─┬────────────────┬─┐          ┌──────────────┐
//   │──────────────│ ───────────► │0│────────────────│0│  taps ►  │──────────────│  a vector of pixels at a time
//   │              │              │0│                │0│          │              │
//   └──────────────┘              └─┴────────────────┴─┘          └──────────────┘
//
// The padded rows make every tap a plain vector load, without masks. Grid, taps, bases, steps and strides are as in
// convolution/panel.cl. A work-item takes whole planes. The host checks that the ring fits into RING floats.
// Shapes: source [images, groups, height, width], weight [groups·rows, taps], y [images, groups·rows, outHeight,
// outWidth], bias [groups·rows]. 2·taps flops a pixel. Follows common/lanes.cl.

#ifndef RING
#define RING 12288           // floats in the ring of padded rows
#endif
#ifndef MAXIMUM_TAPS
#define MAXIMUM_TAPS 64      // taps of a kernel whose weight gradient is taken
#endif
#ifndef HAS_BIAS
#define HAS_BIAS 0
#endif
#ifndef ACTIVATION
#define ACTIVATION(x) (x)    // of a vector
#endif

typedef struct {
    int height, width;       // of the plane
    int rows, pitch, left;   // of the ring: rows, floats a row, zeros left of the plane
    int next;                // the next row of the plane to read
} Ring;

// Makes the rows up to `last` of the plane present. Row i lies at ring + (i mod rows)·pitch.
static void read_rows(__global const float *plane, float *ring, Ring *state, const int last)
{
    for (; state->next <= min(last, state->height - 1); state->next++) {
        float *target = ring + state->next % state->rows * state->pitch + state->left;
        __global const float *source = plane + (long)state->next * state->width;
        int i = 0;
        for (; i + VECTOR_WIDTH <= state->width; i += VECTOR_WIDTH) storev(loadv(0, source + i), 0, target + i);
        for (; i < state->width; i++) target[i] = source[i];
    }
}

// VECTOR_WIDTH pixels, `stride` apart, from `pixels` on.
static inline floatv load_pixels(const float *pixels, const int stride)
{
    if (stride == 1) return loadv(0, pixels);
    if (stride == 2) {
        const floatv low = loadv(0, pixels), high = loadv(1, pixels);
        return EVEN(low, high);
    }
    float lanes[VECTOR_WIDTH];
    for (int l = 0; l < VECTOR_WIDTH; l++) lanes[l] = pixels[l * stride];
    return loadv(0, lanes);
}

// Forward, or the gradient of the input. Tap (i, j) of row r has the weight
// weight[r·kernelTaps + (rowTap + i·rowTapStep)·kernelWidth + columnTap + j·columnTapStep].
// Global size (items, 1, 1): the images · groups planes are shared out over the items.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void depthwise_convolution(
    __global const float *restrict weight, const ulong weightOffset, __global const float *restrict x,
    const ulong xOffset,
#if HAS_BIAS
    __global const float *restrict bias, const ulong biasOffset,
#endif
    __global float *restrict y, const ulong yOffset, const int planes, const int groups, const int rows,
    const int height, const int width, const int tapsHigh, const int tapsWide, const int rowBase, const int rowStep,
    const int rowStride, const int columnBase, const int columnStep, const int columnStride, const int gridHeight,
    const int gridWidth, const int outHeight, const int outWidth, const int outRowBase, const int outRowStride,
    const int outColumnBase, const int outColumnStride, const int kernelTaps, const int kernelWidth, const int rowTap,
    const int rowTapStep, const int columnTap, const int columnTapStep, const int ringRows, const int pitch,
    const int left)
{
    float ring[RING];
    for (int i = 0; i < ringRows * pitch; i++) ring[i] = 0;
    const int start = (int)((long)planes * get_global_id(0) / get_global_size(0));
    const int end = (int)((long)planes * (get_global_id(0) + 1) / get_global_size(0));
    for (int plane = start; plane < end; plane++) {
        __global const float *source = x + xOffset + (long)plane * height * width;
        for (int r = 0; r < rows; r++) {
            const int channel = plane % groups * rows + r;
            __global const float *taps = weight + weightOffset + (long)channel * kernelTaps
                + rowTap * kernelWidth + columnTap;
            __global float *target = y + yOffset + ((long)plane * rows + r) * outHeight * outWidth;
#if HAS_BIAS
            const float offset = bias[biasOffset + channel];
#else
            const float offset = 0;
#endif
            Ring state = {height, width, ringRows, pitch, left, 0};
            for (int u = 0; u < gridHeight; u++) {
                const int first = u * rowStride + rowBase;
                read_rows(source, ring, &state, max(first, first + (tapsHigh - 1) * rowStep));
                __global float *line = target + (long)(u * outRowStride + outRowBase) * outWidth + outColumnBase;
                for (int v = 0; v < gridWidth; v += VECTOR_WIDTH) {
                    floatv sum = (floatv)(offset);
                    for (int i = 0; i < tapsHigh; i++) {
                        const int row = first + i * rowStep;
                        if (row < 0 || row >= height) continue;
                        const float *pixels = ring + row % ringRows * pitch + left + v * columnStride + columnBase;
                        __global const float *tap = taps + i * rowTapStep * kernelWidth;
                        for (int j = 0; j < tapsWide; j++)
                            sum = fma((floatv)(tap[j * columnTapStep]),
                                load_pixels(pixels + j * columnStep, columnStride), sum);
                    }
                    sum = ACTIVATION(sum);
                    if (outColumnStride == 1 && v + VECTOR_WIDTH <= gridWidth) {
                        storev(sum, 0, line + v);
                    } else {
                        const float *lanes = (const float *)&sum;
                        for (int l = 0; l < min(VECTOR_WIDTH, gridWidth - v); l++)
                            line[(v + l) * outColumnStride] = lanes[l];
                    }
                }
            }
        }
    }
}

// Gradient of the weight, rows = 1: dw [groups, tapsHigh·tapsWide] from x and dy [images, groups, gridHeight, gridWidth].
// Global size (groups, 1, 1): a work-item sums over all images in order.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void depthwise_weight_gradient(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict dw, const ulong dwOffset, const int images, const int height, const int width,
    const int tapsHigh, const int tapsWide, const int rowBase, const int rowStep, const int rowStride,
    const int columnBase, const int columnStep, const int columnStride, const int gridHeight, const int gridWidth,
    const int ringRows, const int pitch, const int left)
{
    float ring[RING];
    // Of a few rows, then of all: the rounding of long sums stays small.
    floatv sums[MAXIMUM_TAPS], totals[MAXIMUM_TAPS];
    for (int i = 0; i < ringRows * pitch; i++) ring[i] = 0;
    for (int t = 0; t < tapsHigh * tapsWide; t++) sums[t] = totals[t] = (floatv)(0);
    const int group = get_global_id(0), groups = get_global_size(0);
    for (int image = 0; image < images; image++) {
        const long plane = (long)image * groups + group;
        __global const float *source = x + xOffset + plane * height * width;
        __global const float *cotangent = dy + dyOffset + plane * gridHeight * gridWidth;
        Ring state = {height, width, ringRows, pitch, left, 0};
        for (int u = 0; u < gridHeight; u++) {
            const int first = u * rowStride + rowBase;
            __global const float *line = cotangent + (long)u * gridWidth;
            read_rows(source, ring, &state, first + (tapsHigh - 1) * rowStep);
            for (int i = 0; i < tapsHigh; i++) {
                const int row = first + i * rowStep;
                if (row < 0 || row >= height) continue;
                for (int j = 0; j < tapsWide; j++) {
                    const float *pixels = ring + row % ringRows * pitch + left + columnBase + j * columnStep;
                    floatv sum = sums[i * tapsWide + j];
                    int v = 0;
                    for (; v + VECTOR_WIDTH <= gridWidth; v += VECTOR_WIDTH)
                        sum = fma(loadv(0, line + v), load_pixels(pixels + v * columnStride, columnStride), sum);
                    sums[i * tapsWide + j] = sum;
                    if (v < gridWidth) {
                        float *lanes = (float *)&sums[i * tapsWide + j];
                        for (; v < gridWidth; v++)
                            lanes[v % VECTOR_WIDTH] = fma(line[v], pixels[v * columnStride], lanes[v % VECTOR_WIDTH]);
                    }
                }
            }
            if (u % 8 != 7 && u != gridHeight - 1) continue;
            for (int t = 0; t < tapsHigh * tapsWide; t++) {
                totals[t] += sums[t];
                sums[t] = (floatv)(0);
            }
        }
    }
    for (int t = 0; t < tapsHigh * tapsWide; t++) {
        const float *lanes = (const float *)&totals[t];
        float sum = 0;
        for (int l = 0; l < VECTOR_WIDTH; l++) sum += lanes[l];
        dw[dwOffset + (long)group * tapsHigh * tapsWide + t] = sum;
    }
}
