// The maximum or mean of windows of x [planes, height, width] → y [planes, outHeight, outWidth].
//
//   pool        GPU-like: one work-item an element of y.
//   poolPlanes  CPU-like: a work-item a run of planes. First the rows of a window are combined by vectors, then its
//               columns; windows of two columns side by side stay in registers for both.
//
// Clipped at the borders: padding never wins, NaN does. A mean counts padding as zeros (COUNTS_PADDING) or leaves it out.
// 4 bytes read an element of x. Goes after common/math.cl, common/vector.cl and pooling/window.cl, which draws the windows.

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

// Global size planes · outHeight · outWidth, rounded up to a multiple of GROUP.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void pool(
    __global const float *restrict x, const ulong xOffset, __global float *restrict y, const ulong yOffset,
    const int planes, const int height, const int width, const int outHeight, const int outWidth)
{
    const ulong n = get_global_id(0);
    const ulong area = (ulong)outHeight * outWidth;
    if (n >= planes * area) return;
    const int p = n % area / outWidth, q = n % outWidth;
    __global const float *plane = x + xOffset + n / area * height * width;
    const Window window = clippedWindow(height, width, p, q);
    float result = IDENTITY;
    for (int i = window.top; i < window.bottom; i++) {
        // Row by row, so that no sum of a large window is long.
        float row = IDENTITY;
        for (int j = window.left; j < window.right; j++) row = COMBINE(row, plane[i * width + j]);
        result = COMBINE(result, row);
    }
    y[yOffset + n] = IS_MAXIMUM ? result : result / windowCount(height, width, p, q);
}

#else

// The columns c, c+1, … of `rows` rows combined, `count` of which are inside the plane.
static inline vfloat combinedRows(
    __global const float *from, __global const float *past, const int rows, const int width, const int count)
{
    vfloat result = loadColumns(from, count, past - from, IDENTITY);
    for (int i = 1; i < rows; i++) {
        from += width;
        result = COMBINE(result, loadColumns(from, count, past - from, IDENTITY));
    }
    return result;
}

// What is written past a row of fewer outputs than lanes is written over by the next row; `past` ends this item's.
static inline void storeOutputs(
    const vfloat result, __global float *to, const int count, __global const float *past, const vfloat counts)
{
    const vfloat value = IS_MAXIMUM ? result : result / counts;
    if (count >= VECTOR_WIDTH || past - to >= VECTOR_WIDTH) vfloat_store(value, to);
    else vfloat_store_tail(value, to, count);
}

// Global size: any number of items, which share the planes.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void poolPlanes(
    __global const float *restrict x, const ulong xOffset, __global float *restrict y, const ulong yOffset,
    const ulong planes, const int height, const int width, const int outHeight, const int outWidth)
{
    __global const float *past = x + xOffset + planes * height * width;
    __global const float *pastOutputs = outWidth >= VECTOR_WIDTH
        ? y
        : y + yOffset + planes * (get_global_id(0) + 1) / get_global_size(0) * outHeight * outWidth;
    float row[SPAN];
    for EACH_OWN_PLANE(n) {
        __global const float *plane = x + xOffset + n * height * width;
        __global float *to = y + yOffset + n * outHeight * outWidth;
        for EACH_CHUNK(first, count, outWidth) {
            const Columns columns = columnsOf(first, count, width);
            padRow(row, columns, IDENTITY);
            for (int p = 0; p < outHeight; p++) {
                const Window window = clippedWindow(height, width, p, 0);
                __global const float *from = plane + window.top * width;
                __global float *outputs = to + p * outWidth + first;
                const int rows = window.bottom - window.top;
#if WINDOW_WIDTH == 2 && STRIDE_WIDTH == 2
                if (columns.begin == columns.shift) {
                    for EACH_OUTPUT_VECTOR(q, count) {
                        const int c = columns.begin + 2 * q, d = c + VECTOR_WIDTH;
                        const vfloat low = combinedRows(from + c, past, rows, width, columns.end - c);
                        const vfloat high = combinedRows(from + d, past, rows, width, columns.end - d);
                        storeOutputs(
                            COMBINE(EVEN(low, high), ODD(low, high)),
                            outputs + q, count - q, pastOutputs, windowCounts(rows, width, first + q));
                    }
                    continue;
                }
#endif
                for EACH_COLUMN_VECTOR(c, columns)
                    store_private(
                        combinedRows(from + c, past, rows, width, columns.end - c), 0, row + c - columns.shift);
                for EACH_OUTPUT_VECTOR(q, count) {
                    vfloat result = tap(row, q, 0, count);
                    for (int j = 1; j < WINDOW_WIDTH; j++) result = COMBINE(result, tap(row, q, j, count));
                    storeOutputs(
                        result, outputs + q, count - q, pastOutputs, windowCounts(rows, width, first + q));
                }
            }
        }
    }
}
#endif
