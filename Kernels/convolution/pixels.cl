// Columns (im2col) of images, packed a panel at a time: shared by convolution/panel.cl and weight_gradient.cl, which
// name this file as one to put before them. They say what a grid, a tap and a source are.
//
//   panel [steps][PANEL]     a step is a (tap, channel), the channel innermost; its PANEL pixels are consecutive pixels
//                            of the grid, split into runs that lie in one row of the source and are copied as vectors
// Follows common/lanes.cl.

#ifndef PANEL
#define PANEL (2 * VECTOR_WIDTH) // pixels in a panel: a multiple of VECTOR_WIDTH
#endif

// A run of pixels of one grid row, at most a vector long.
typedef struct {
    int lane;       // its first column in the panel
    int count;      // its pixels
    int image, u, v;
} Run;

// Splits the panel of pixels from `pixel` on into runs. Returns how many there are.
static int split_runs(Run *runs, int pixel, const int columns, const int gridHeight, const int gridWidth)
{
    int count = 0;
    for (int lane = 0; lane < columns; count++) {
        Run run;
        run.lane = lane;
        run.v = pixel % gridWidth;
        run.u = pixel / gridWidth % gridHeight;
        run.image = pixel / gridWidth / gridHeight;
        run.count = min(min(VECTOR_WIDTH, columns - lane), gridWidth - run.v);
        lane += run.count;
        pixel += run.count;
        runs[count] = run;
    }
    return count;
}

typedef struct {
    int channels, height, width;
    int tapsWide;
    int rowBase, rowStep, rowStride, columnBase, columnStep, columnStride;
    long imageStride;
    long size;      // floats from the group's first channel to the end of the source
} Source;

// Steps [start, start + depth) of the columns of the panel's pixels → panel [depth][PANEL]. A run is stored as a
// whole vector; what it writes past its end, the next run or the next step writes again.
static void pack_pixels(
    __global const float *x, float *panel, const Source s, const Run *runs, const int runCount,
    const int start, const int depth)
{
    const long plane = (long)s.height * s.width;
    long offsets[PANEL];
    intv masks[PANEL];
    intv lanes;
    for (int l = 0; l < VECTOR_WIDTH; l++) ((int *)&lanes)[l] = l;
    int step = start;
    while (step < start + depth) {
        const int tap = step / s.channels, channel = step % s.channels;
        const int channels = min(s.channels - channel, start + depth - step);
        const int i = tap / s.tapsWide, j = tap % s.tapsWide;
        const int reach = s.columnStride * VECTOR_WIDTH;
        int inside = s.columnStride <= 2;
        for (int r = 0; r < runCount; r++) {
            const int row = runs[r].u * s.rowStride + s.rowBase + i * s.rowStep;
            const int column = runs[r].v * s.columnStride + s.columnBase + j * s.columnStep;
            const int valid = row >= 0 && row < s.height;
            const intv at = column + lanes * s.columnStride;
            masks[r] = valid ? (at >= 0) & (at < s.width) : (intv)(0);
            offsets[r] = runs[r].image * s.imageStride + channel * plane + (valid ? (long)row * s.width : 0) + column;
            inside &= offsets[r] >= 0 && offsets[r] + (channels - 1) * plane + reach <= s.size;
        }
        float *target = panel + (step - start) * PANEL;
        if (inside && s.columnStride == 1) {
            for (int c = 0; c < channels; c++, target += PANEL) {
                for (int r = 0; r < runCount; r++) {
                    const intv value = as_intv(loadv(0, x + offsets[r] + c * plane)) & masks[r];
                    storev(as_floatv(value), 0, target + runs[r].lane);
                }
            }
        } else if (inside) {
            for (int c = 0; c < channels; c++, target += PANEL) {
                for (int r = 0; r < runCount; r++) {
                    const floatv low = loadv(0, x + offsets[r] + c * plane);
                    const floatv high = loadv(1, x + offsets[r] + c * plane);
                    const intv value = as_intv(EVEN(low, high)) & masks[r];
                    storev(as_floatv(value), 0, target + runs[r].lane);
                }
            }
        } else {
            for (int c = 0; c < channels; c++, target += PANEL) {
                for (int r = 0; r < runCount; r++) {
                    const int *mask = (const int *)&masks[r];
                    for (int l = 0; l < runs[r].count; l++)
                        target[runs[r].lane + l] = mask[l] ? x[offsets[r] + c * plane + l * s.columnStride] : 0;
                }
            }
        }
        step += channels;
    }
}
