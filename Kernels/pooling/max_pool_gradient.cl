// The gradient of the maximum of windows of x [planes, depth, height, width]: dy [planes, outDepth, outHeight, outWidth] → dx
// like x.
//
//   max_pool_gradient         GPU-like: one work-item an element of dx, which adds up the dy of those windows that it is in and
//                             that took it, as `indices` say, which pooling/max_pool_indices.cl found before.
//   max_pool_gradient_planes  CPU-like: a work-item a run of planes. The first maximum of each window is found by vectors; what
//                             windows overlap is added up by the one item that owns the plane.
//
// Each dy goes to the first maximum of its window in row-major order, the first NaN where there is one. An element of x, dy
// and dx is moved once, of indices twice. Goes after pooling/window.cl, which draws the windows, and pooling/taken.cl.

#if VECTOR_WIDTH == 1

// Global size planes · depth · height · width, rounded up to a multiple of GROUP.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void max_pool_gradient(
    __global const int *restrict indices, const ulong indicesOffset, __global const STORED *restrict dy,
    const ulong dyOffset, __global STORED *restrict dx, const ulong dxOffset, const int planes, EXTENTS)
{
    ITEM_IS_INPUT
    const int element = n % ((uint)depth * height * width);
    const ulong plane = (ulong)place.plane * outDepth * outHeight * outWidth;
    __global const int *taken = indices + indicesOffset + plane;
    __global const STORED *cotangents = dy + dyOffset + plane;
    float sum = 0.0f;
    for (int o = fronts.begin; o < fronts.end; o++)
        for (int p = rows.begin; p < rows.end; p++)
            for (int q = columns.begin; q < columns.end; q++) {
                const int at = (o * outHeight + p) * outWidth + q;
                if (taken[at] == element) sum += LOAD1(cotangents + at);
            }
    STORE1(sum, dx + dxOffset + n);
}

#else

// Whether the windows are the commonest, two by two side by side.
#define LIES_IN_PAIRS \
    (WINDOW_DEPTH == 1 && STRIDE_DEPTH == 1 && PAD_FRONT == 0 && WINDOW_HEIGHT == 2 && WINDOW_WIDTH == 2 \
        && STRIDE_HEIGHT == 2 && STRIDE_WIDTH == 2 && PAD_TOP == 0 && PAD_LEFT == 0 && DILATION_HEIGHT == 1 \
        && DILATION_WIDTH == 1)
#if LIES_IN_PAIRS
// Then dx is written once, by vectors of outputs, each of a window's elements a, b
// above c, d.
static inline void scatter_pairs(
    __global const STORED *above, __global const STORED *below, __global const STORED *cotangents,
    __global STORED *toAbove, __global STORED *toBelow)
{
    const vfloat above0 = LOAD(above), above1 = LOAD(above + VECTOR_WIDTH);
    const vfloat below0 = LOAD(below), below1 = LOAD(below + VECTOR_WIDTH);
    const vfloat a = EVEN(above0, above1), b = ODD(above0, above1);
    const vfloat c = EVEN(below0, below1), d = ODD(below0, below1);
    const vfloat slope = LOAD(cotangents), none = 0.0f;
    // Whether each is above all before it, NaN above all but NaN.
    const vint isB = (vint)(b > a) | ((vint)(b != b) & (vint)(a == a));
    vfloat largest = select(a, b, isB);
    const vint isC = (vint)(c > largest) | ((vint)(c != c) & (vint)(largest == largest));
    largest = select(largest, c, isC);
    const vint isD = (vint)(d > largest) | ((vint)(d != d) & (vint)(largest == largest));
    const vfloat slopeA = select(slope, none, isB | isC | isD), slopeB = select(none, slope, isB & ~isC & ~isD);
    const vfloat slopeC = select(none, slope, isC & ~isD), slopeD = select(none, slope, isD);
    STORE(LOW(slopeA, slopeB), toAbove);
    STORE(HIGH(slopeA, slopeB), toAbove + VECTOR_WIDTH);
    STORE(LOW(slopeC, slopeD), toBelow);
    STORE(HIGH(slopeC, slopeD), toBelow + VECTOR_WIDTH);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void max_pool_gradient_planes(
    __global const STORED *restrict x, const ulong xOffset, __global const STORED *restrict dy, const ulong dyOffset,
    __global STORED *restrict dx, const ulong dxOffset, const ulong planes, EXTENTS)
{
    const Taps front = {0, 1, 1};
    const long pastPlane = planes * (get_global_id(0) + 1) / get_global_size(0);
    for EACH_OWN_PLANE(n) {
        __global const STORED *plane = x + xOffset + n * height * width;
        __global const STORED *cotangents = dy + dyOffset + n * outHeight * outWidth;
        __global STORED *to = dx + dxOffset + n * height * width;
        for (int p = 0; p < outHeight; p++) {
            const int above = 2 * p * width, below = above + width, at = p * outWidth;
            // What a vector writes past a short row is written over by the rows that follow, down to the last few.
            const bool isRoomy = outWidth >= VECTOR_WIDTH
                || (below + 2 * VECTOR_WIDTH <= (pastPlane - n) * height * width
                    && at + VECTOR_WIDTH <= (pastPlane - n) * outHeight * outWidth);
            if (2 * p + 1 < height && 2 * outWidth <= width && isRoomy) {
                for EACH_OUTPUT_VECTOR(q, outWidth)
                    scatter_pairs(
                        plane + above + 2 * q, plane + below + 2 * q, cotangents + at + q, to + above + 2 * q,
                        to + below + 2 * q);
                for (int j = 2 * outWidth; j < width; j++) {
                    STORE1(0.0f, to + above + j);
                    STORE1(0.0f, to + below + j);
                }
            } else {
                for (int e = above; e < min(below + width, height * width); e++) STORE1(0.0f, to + e);
                for (int q = 0; q < outWidth; q++) {
                    float maximum;
                    const int taken = taken_element(
                        plane, front, taps_of(p, HEIGHT_AXIS), taps_of(q, WIDTH_AXIS), height, width, &maximum);
                    STORE1(LOAD1(cotangents + at + q), to + taken);
                }
            }
        }
        for (int e = min(2 * outHeight, height) * width; e < height * width; e++) STORE1(0.0f, to + e);
    }
}

#else

// Sums need what they add up to in full, so this one is for float32 only.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void max_pool_gradient_planes(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict dx, const ulong dxOffset, const ulong planes, EXTENTS)
{
    float kept[WINDOW_DEPTH * WINDOW_HEIGHT][SPAN];
    const int volume = depth * height * width, outputs = outDepth * outHeight * outWidth;
    __global const float *past = x + xOffset + planes * volume;
    for EACH_OWN_PLANE(n) {
        __global const float *plane = x + xOffset + n * volume;
        __global const float *cotangents = dy + dyOffset + n * outputs;
        __global float *to = dx + dxOffset + n * volume;
        for (int e = 0; e < volume; e++) to[e] = 0.0f;
        for EACH_CHUNK(first, count, outWidth) {
            const Columns columns = columns_of(first, count, width);
            for (int i = 0; i < WINDOW_DEPTH * WINDOW_HEIGHT; i++) pad_row(kept[i], columns, -INFINITY);
            __global const float *slopes = cotangents + first;
            for EACH_OUTPUT_ROW(o, p, slopes) {
                const Taps fronts = taps_of(o, DEPTH_AXIS), rows = taps_of(p, HEIGHT_AXIS);
                gather_rows(kept, plane, past, fronts, rows, columns, height, width);
                for (int q = 0; q < count; q += VECTOR_WIDTH) {
                    vfloat maximum;
                    const vint taken = taken_lanes(kept, fronts, rows, first, q, count, height, width, &maximum);
                    for (int k = 0; k < min(VECTOR_WIDTH, count - q); k++)
                        to[((const int *)&taken)[k]] += slopes[q + k];
                }
            }
        }
    }
}
#endif
#endif
