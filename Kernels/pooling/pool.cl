// The maximum or mean of windows of x [planes, depth, height, width] → y [planes, outDepth, outHeight, outWidth].
//
//   pool         GPU-like: one work-item an element of y.
//   pool_planes  CPU-like: a work-item a run of planes. First the rows of a window are combined by vectors, then its
//                columns; windows of two columns side by side stay in registers for both.
//
// Clipped at the borders: padding never wins, NaN does. A mean counts padding as zeros (COUNTS_PADDING) or leaves it out.
// An element of x is read once from memory. Goes after pooling/window.cl, which draws the windows, and what that follows.

// 1 the maximum, 0 the mean.
#ifndef IS_MAXIMUM
#define IS_MAXIMUM 1
#endif

#if IS_MAXIMUM
#define IDENTITY -INFINITY
#define COMBINE(a, b) vmaximum(a, b)
#else
#define IDENTITY 0.0f
#define COMBINE(a, b) ((a) + (b))
#endif

#if VECTOR_WIDTH == 1

// Global size planes · outDepth · outHeight · outWidth, rounded up to a multiple of GROUP.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void pool(
    __global const STORED *restrict x, const ulong xOffset, __global STORED *restrict y, const ulong yOffset,
    const int planes, EXTENTS)
{
    ITEM_IS_OUTPUT
    __global const STORED *plane = x + xOffset + (ulong)place.plane * depth * height * width + columns.first;
    // Row by row and plane by plane, so that no sum of a large window is long.
    float result = IDENTITY;
    for (int t = 0; t < fronts.count; t++) {
        float part = IDENTITY;
        for (int i = 0; i < rows.count; i++) {
            __global const STORED *from =
                plane + ((fronts.first + t * fronts.step) * height + rows.first + i * rows.step) * width;
            float row = IDENTITY;
            for (int j = 0; j < columns.count; j++) row = COMBINE(row, LOAD1(from + j * columns.step));
            part = COMBINE(part, row);
        }
        result = COMBINE(result, part);
    }
#if !IS_MAXIMUM
    result /= (float)count_of(place.front, PAD_BACK, DEPTH_AXIS) * count_of(place.row, PAD_BOTTOM, HEIGHT_AXIS)
        * count_of(place.column, PAD_RIGHT, WIDTH_AXIS);
#endif
    STORE1(result, y + yOffset + n);
}

#else

// The columns c, c+1, … of the rows of a plane of a window combined, `count` of which are inside the plane.
static inline vfloat combined_rows(
    __global const STORED *from, __global const STORED *past, const Taps rows, const int width, const int count)
{
    vfloat result = load_columns(from, count, past - from, IDENTITY);
    for (int i = 1; i < rows.count; i++) {
        from += DILATION_HEIGHT * width;
        result = COMBINE(result, load_columns(from, count, past - from, IDENTITY));
    }
    return result;
}

// The same of all planes of a window, `area` elements each.
static inline vfloat combined_planes(
    __global const STORED *from, __global const STORED *past, const Taps fronts, const Taps rows, const int area,
    const int width, const int count)
{
    vfloat result = combined_rows(from, past, rows, width, count);
#if WINDOW_DEPTH > 1
    for (int t = 1; t < fronts.count; t++) {
        from += DILATION_DEPTH * (long)area;
        result = COMBINE(result, combined_rows(from, past, rows, width, count));
    }
#endif
    return result;
}

// What is written past a row of fewer outputs than lanes is written over by the next row; `past` ends this item's.
static inline void store_outputs(
    const vfloat result, __global STORED *to, const int count, __global const STORED *past, const vfloat counts)
{
    const vfloat value = IS_MAXIMUM ? result : result / counts;
    if (count >= VECTOR_WIDTH || past - to >= VECTOR_WIDTH) STORE(value, to);
    else STORE_TAIL(value, to, count);
}

// Global size: any number of items, which share the planes.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void pool_planes(
    __global const STORED *restrict x, const ulong xOffset, __global STORED *restrict y, const ulong yOffset,
    const ulong planes, EXTENTS)
{
    const int area = height * width, outArea = outHeight * outWidth;
    __global const STORED *past = x + xOffset + planes * depth * area;
    __global const STORED *pastOutputs = outWidth >= VECTOR_WIDTH
        ? y
        : y + yOffset + planes * (get_global_id(0) + 1) / get_global_size(0) * outDepth * outArea;
    float row[SPAN];
    for EACH_OWN_PLANE(n) {
        __global const STORED *plane = x + xOffset + n * depth * area;
        for EACH_CHUNK(first, count, outWidth) {
            const Columns columns = columns_of(first, count, width);
            pad_row(row, columns, IDENTITY);
            __global STORED *outputs = y + yOffset + n * outDepth * outArea + first;
            for EACH_OUTPUT_ROW(o, p, outputs) {
                const Taps fronts = taps_of(o, DEPTH_AXIS), rows = taps_of(p, HEIGHT_AXIS);
                __global const STORED *from = plane + (long)fronts.first * area + rows.first * width;
                const int counted = count_of(o, PAD_BACK, DEPTH_AXIS) * count_of(p, PAD_BOTTOM, HEIGHT_AXIS);
#if WINDOW_WIDTH == 2 && STRIDE_WIDTH == 2 && DILATION_WIDTH == 1
                if (columns.begin == columns.shift) {
                    for EACH_OUTPUT_VECTOR(q, count) {
                        const int c = columns.begin + 2 * q, d = c + VECTOR_WIDTH;
                        const vfloat low =
                            combined_planes(from + c, past, fronts, rows, area, width, columns.end - c);
                        const vfloat high =
                            combined_planes(from + d, past, fronts, rows, area, width, columns.end - d);
                        store_outputs(
                            COMBINE(EVEN(low, high), ODD(low, high)),
                            outputs + q, count - q, pastOutputs, window_counts(counted, width, first + q));
                    }
                    continue;
                }
#endif
                for EACH_COLUMN_VECTOR(c, columns)
                    store_private(
                        combined_planes(from + c, past, fronts, rows, area, width, columns.end - c), 0,
                        row + c - columns.shift);
                for EACH_OUTPUT_VECTOR(q, count) {
                    vfloat result = tap(row, q, 0, count);
                    for (int j = 1; j < WINDOW_WIDTH; j++) result = COMBINE(result, tap(row, q, j, count));
                    store_outputs(
                        result, outputs + q, count - q, pastOutputs, window_counts(counted, width, first + q));
                }
            }
        }
    }
}
#endif
