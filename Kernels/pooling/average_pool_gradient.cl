// The gradient of the mean of windows: dy [planes, outDepth, outHeight, outWidth] → dx [planes, depth, height, width].
//
//   average_pool_gradient         GPU-like: one work-item an element of dx, which gathers dy / count of the windows it is in.
//   average_pool_gradient_planes  CPU-like: a work-item a run of planes. A row of dy / count is spread over its windows'
//                                 columns and then added to their rows.
//
// An element of dy and dx is moved once. Goes after pooling/window.cl, which draws the windows, and what that follows.

#if VECTOR_WIDTH == 1

// Global size planes · depth · height · width, rounded up to a multiple of GROUP.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void average_pool_gradient(
    __global const STORED *restrict dy, const ulong dyOffset, __global STORED *restrict dx, const ulong dxOffset,
    const int planes, EXTENTS)
{
    ITEM_IS_INPUT
    __global const STORED *cotangents = dy + dyOffset + (ulong)place.plane * outDepth * outHeight * outWidth;
    float sum = 0.0f;
    for (int o = fronts.begin; o < fronts.end; o++) {
        if (!is_tap(place.front, o, DEPTH_AXIS)) continue;
        for (int p = rows.begin; p < rows.end; p++) {
            if (!is_tap(place.row, p, HEIGHT_AXIS)) continue;
            const float counted =
                (float)count_of(o, PAD_BACK, DEPTH_AXIS) * count_of(p, PAD_BOTTOM, HEIGHT_AXIS);
            for (int q = columns.begin; q < columns.end; q++)
                if (is_tap(place.column, q, WIDTH_AXIS))
                    sum += LOAD1(cotangents + (o * outHeight + p) * outWidth + q)
                        / (counted * count_of(q, PAD_RIGHT, WIDTH_AXIS));
        }
    }
    STORE1(sum, dx + dxOffset + n);
}

#else

// Adds `value` to column j of the windows q, q+1, … of a private row; the opposite of `tap`.
static inline void add_to_tap(const vfloat value, float *row, const int q, const int j, const int count) {
    float *to = row + q * STRIDE_WIDTH + j * DILATION_WIDTH;
#if STRIDE_WIDTH == 1
    store_private(load_private(0, to) + value, 0, to);
#elif STRIDE_WIDTH == 2
    vfloat low = load_private(0, to), high = load_private(1, to);
    low.even += value.lo;
    high.even += value.hi;
    store_private(low, 0, to);
    store_private(high, 1, to);
#else
    for (int n = 0; n < min(VECTOR_WIDTH, count - q); n++) to[n * STRIDE_WIDTH] += VLANE(value, n);
#endif
}

// Sums need what they add up to in full, so this one is for float32 only.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void average_pool_gradient_planes(
    __global const float *restrict dy, const ulong dyOffset, __global float *restrict dx, const ulong dxOffset,
    const ulong planes, EXTENTS)
{
    float row[SPAN];
    const int volume = depth * height * width, outputs = outDepth * outHeight * outWidth;
    for EACH_OWN_PLANE(n) {
        __global const float *cotangents = dy + dyOffset + n * outputs;
        __global float *to = dx + dxOffset + n * volume;
        for (int e = 0; e < volume; e++) to[e] = 0.0f;
        for EACH_CHUNK(first, count, outWidth) {
            const Columns columns = columns_of(first, count, width);
            __global const float *slopes = cotangents + first;
            for EACH_OUTPUT_ROW(o, p, slopes) {
                const Taps fronts = taps_of(o, DEPTH_AXIS), rows = taps_of(p, HEIGHT_AXIS);
                const int counted = count_of(o, PAD_BACK, DEPTH_AXIS) * count_of(p, PAD_BOTTOM, HEIGHT_AXIS);
                for (int c = 0; c < columns.span; c++) row[c] = 0.0f;
                for (int q = 0; q < count; q += VECTOR_WIDTH) {
                    __global const float *from = slopes + q;
                    const vfloat slope = q + VECTOR_WIDTH <= count ? vfloat_load(from)
                                                                   : vfloat_load_tail(from, count - q, 0.0f);
                    const vfloat share = slope / window_counts(counted, width, first + q);
                    for (int j = 0; j < WINDOW_WIDTH; j++) add_to_tap(share, row, q, j, count);
                }
                for (int t = 0; t < fronts.count; t++)
                    for (int i = 0; i < rows.count; i++) {
                        __global float *target = to
                            + ((fronts.first + t * DILATION_DEPTH) * height + rows.first + i * DILATION_HEIGHT) * width;
                        for (int c = columns.begin; c < columns.end; c += VECTOR_WIDTH) {
                            const vfloat sum = load_private(0, row + c - columns.shift);
                            const int left = columns.end - c;
                            if (left >= VECTOR_WIDTH) vfloat_store(vfloat_load(target + c) + sum, target + c);
                            else for (int k = 0; k < left; k++) target[c + k] += VLANE(sum, k);
                        }
                    }
            }
        }
    }
}
#endif
