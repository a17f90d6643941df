// The mean of windows of x [planes, height, width] → y [planes, outHeight, outWidth], and its gradient.
//
// Windows as in max_pool.cl. Padding counts as zeros (COUNTS_PADDING) or is left out of sum and count. The gradient
// gathers: each element of dx adds dy / count of the windows it is in. A work-item takes a stretch of the results: one
// on a GPU-like device, where neighbours read neighbours; a long one on a CPU-like device. 4 bytes an element of x.

#ifndef WINDOW_HEIGHT
#define WINDOW_HEIGHT 2
#endif
#ifndef WINDOW_WIDTH
#define WINDOW_WIDTH 2
#endif
#ifndef STRIDE_HEIGHT
#define STRIDE_HEIGHT 2
#endif
#ifndef STRIDE_WIDTH
#define STRIDE_WIDTH 2
#endif
#ifndef PAD_TOP
#define PAD_TOP 0
#endif
#ifndef PAD_LEFT
#define PAD_LEFT 0
#endif
#ifndef PAD_BOTTOM
#define PAD_BOTTOM 0
#endif
#ifndef PAD_RIGHT
#define PAD_RIGHT 0
#endif
#ifndef COUNTS_PADDING
#define COUNTS_PADDING 1
#endif
#ifndef GROUP
#define GROUP 1
#endif

// The number of elements that the window of output (p, q) is divided by.
static inline float windowCount(const int height, const int width, const int p, const int q) {
    const int top = p * STRIDE_HEIGHT - PAD_TOP, left = q * STRIDE_WIDTH - PAD_LEFT;
    if (COUNTS_PADDING)
        return (min(top + WINDOW_HEIGHT, height + PAD_BOTTOM) - top) * (min(left + WINDOW_WIDTH, width + PAD_RIGHT) - left);
    return (min(top + WINDOW_HEIGHT, height) - max(top, 0)) * (min(left + WINDOW_WIDTH, width) - max(left, 0));
}

// The results begin ..< end of this work-item.
#define EACH_OWN_ELEMENT(n, count) \
    (ulong n = (count) * get_global_id(0) / get_global_size(0), \
        end = (count) * (get_global_id(0) + 1) / get_global_size(0); \
        n < end; n++)

// Global size: any number of items, which share the results.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void averagePool(
    __global const float *restrict x, const ulong xOffset, __global float *restrict y, const ulong yOffset,
    const ulong planes, const int height, const int width, const int outHeight, const int outWidth)
{
    const ulong area = (ulong)outHeight * outWidth;
    for EACH_OWN_ELEMENT(n, planes * area) {
        const int p = n % area / outWidth, q = n % outWidth;
        __global const float *plane = x + xOffset + n / area * height * width;
        const int top = max(p * STRIDE_HEIGHT - PAD_TOP, 0), left = max(q * STRIDE_WIDTH - PAD_LEFT, 0);
        const int bottom = min(p * STRIDE_HEIGHT - PAD_TOP + WINDOW_HEIGHT, height);
        const int right = min(q * STRIDE_WIDTH - PAD_LEFT + WINDOW_WIDTH, width);
        float sum = 0.0f;
        for (int i = top; i < bottom; i++) {
            // Row by row, so that no sum of a large window is long.
            float rowSum = 0.0f;
            for (int j = left; j < right; j++) rowSum += plane[i * width + j];
            sum += rowSum;
        }
        y[yOffset + n] = sum / windowCount(height, width, p, q);
    }
}

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void averagePoolGradient(
    __global const float *restrict dy, const ulong dyOffset, __global float *restrict dx, const ulong dxOffset,
    const ulong planes, const int height, const int width, const int outHeight, const int outWidth)
{
    const ulong area = (ulong)height * width;
    for EACH_OWN_ELEMENT(n, planes * area) {
        const int i = n % area / width, j = n % width;
        __global const float *cotangents = dy + dyOffset + n / area * outHeight * outWidth;
        // Windows p with p·stride ≤ i + pad < p·stride + window.
        const int lastP = min((i + PAD_TOP) / STRIDE_HEIGHT, outHeight - 1);
        const int lastQ = min((j + PAD_LEFT) / STRIDE_WIDTH, outWidth - 1);
        const int firstP = max(i + PAD_TOP - WINDOW_HEIGHT + STRIDE_HEIGHT, 0) / STRIDE_HEIGHT;
        const int firstQ = max(j + PAD_LEFT - WINDOW_WIDTH + STRIDE_WIDTH, 0) / STRIDE_WIDTH;
        float sum = 0.0f;
        for (int p = firstP; p <= lastP; p++)
            for (int q = firstQ; q <= lastQ; q++)
                sum += cotangents[p * outWidth + q] / windowCount(height, width, p, q);
        dx[dxOffset + n] = sum;
    }
}
