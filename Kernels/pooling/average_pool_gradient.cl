// The gradient of the mean of windows: dy [planes, outHeight, outWidth] → dx [planes, height, width].
//
//   averagePoolGradient        GPU-like: one work-item an element of dx, which gathers dy / count of the windows it is in.
//   averagePoolGradientPlanes  CPU-like: a work-item a run of planes. A row of dy / count is spread over its windows'
//                              columns and then added to their rows.
//
// 4 bytes an element of dy and dx. Goes after common/math.cl, common/vector.cl and pooling/window.cl, which draws the
// windows.

#if VECTOR_WIDTH == 1

// Global size planes · height · width, rounded up to a multiple of GROUP.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void averagePoolGradient(
    __global const float *restrict dy, const ulong dyOffset, __global float *restrict dx, const ulong dxOffset,
    const int planes, const int height, const int width, const int outHeight, const int outWidth)
{
    const ulong n = get_global_id(0);
    const ulong area = (ulong)height * width;
    if (n >= planes * area) return;
    __global const float *cotangents = dy + dyOffset + n / area * outHeight * outWidth;
    const Window windows = windowsOf(n % area / width, n % width, outHeight, outWidth);
    float sum = 0.0f;
    for (int p = windows.top; p < windows.bottom; p++)
        for (int q = windows.left; q < windows.right; q++)
            sum += cotangents[p * outWidth + q] / windowCount(height, width, p, q);
    dx[dxOffset + n] = sum;
}

#else

// Adds `value` to column j of the windows q, q+1, … of a private row; the opposite of `tap`.
static inline void addToTap(const vfloat value, float *row, const int q, const int j, const int count) {
#if STRIDE_WIDTH == 1
    store_private(load_private(0, row + q + j) + value, 0, row + q + j);
#elif STRIDE_WIDTH == 2
    vfloat low = load_private(0, row + 2 * q + j), high = load_private(1, row + 2 * q + j);
    low.even += value.lo;
    high.even += value.hi;
    store_private(low, 0, row + 2 * q + j);
    store_private(high, 1, row + 2 * q + j);
#else
    for (int n = 0; n < min(VECTOR_WIDTH, count - q); n++) row[(q + n) * STRIDE_WIDTH + j] += VLANE(value, n);
#endif
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void averagePoolGradientPlanes(
    __global const float *restrict dy, const ulong dyOffset, __global float *restrict dx, const ulong dxOffset,
    const ulong planes, const int height, const int width, const int outHeight, const int outWidth)
{
    float row[SPAN];
    for EACH_OWN_PLANE(n) {
        __global const float *cotangents = dy + dyOffset + n * outHeight * outWidth;
        __global float *to = dx + dxOffset + n * height * width;
        for (int e = 0; e < height * width; e++) to[e] = 0.0f;
        for EACH_CHUNK(first, count, outWidth) {
            const Columns columns = columnsOf(first, count, width);
            for (int p = 0; p < outHeight; p++) {
                const Window window = clippedWindow(height, width, p, 0);
                for (int c = 0; c < columns.span; c++) row[c] = 0.0f;
                for (int q = 0; q < count; q += VECTOR_WIDTH) {
                    __global const float *from = cotangents + p * outWidth + first + q;
                    const vfloat slope = q + VECTOR_WIDTH <= count ? vfloat_load(from)
                                                                   : vfloat_load_tail(from, count - q, 0.0f);
                    const vfloat share = slope / windowCounts(window.bottom - window.top, width, first + q);
                    for (int j = 0; j < WINDOW_WIDTH; j++) addToTap(share, row, q, j, count);
                }
                for (int i = window.top; i < window.bottom; i++) {
                    __global float *target = to + i * width;
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
