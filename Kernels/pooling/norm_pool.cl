// The norm of order ORDER of windows of x [planes, depth, height, width] → y [planes, outDepth, outHeight, outWidth], and its
// gradient: (Σ|x|ᵖ)^(1/p), and sign(x) (|x|/y)^(p-1) dy.
//
//   norm_pool           a work-item an element of y.
//   norm_pool_gradient  a work-item an element of dx, which adds up what the windows that it is in give it.
//
// Elements are divided by the greatest of the window first, so that no power overflows. Reads a window twice. Goes after
// pooling/window.cl, which draws the windows.

#ifndef ORDER
#define ORDER 2
#endif

// xⁿ
static inline float power_of(float x, int n) {
    float result = 1.0f;
    #pragma unroll 1
    for (; n > 0; n >>= 1) {
        if (n & 1) result *= x;
        x *= x;
    }
    return result;
}

// Global size planes · outDepth · outHeight · outWidth, rounded up to a multiple of GROUP.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void norm_pool(
    __global const STORED *restrict x, const ulong xOffset, __global STORED *restrict y, const ulong yOffset,
    const int planes, EXTENTS)
{
    ITEM_IS_OUTPUT
    __global const STORED *plane = x + xOffset + (ulong)place.plane * depth * height * width + columns.first;
    // First the greatest, then the sum.
    float largest = 0.0f, sum = 0.0f;
    for (int isSum = 0; isSum < 2; isSum++)
        for (int t = 0; t < fronts.count; t++) {
            float part = 0.0f;
            for (int i = 0; i < rows.count; i++) {
                __global const STORED *from =
                    plane + ((fronts.first + t * fronts.step) * height + rows.first + i * rows.step) * width;
                float row = 0.0f;
                for (int j = 0; j < columns.count; j++) {
                    const float value = fabs(LOAD1(from + j * columns.step));
                    if (isSum) row += power_of(value / largest, ORDER);
                    else if (value > largest || value != value) largest = value;
                }
                part += row;
            }
            sum += part;
        }
    // Zero, infinite or NaN, the greatest is the norm.
    float root = 1.0f;
    if (largest > 0.0f && largest < INFINITY) {
#if ORDER == 1
        root = sum;
#elif ORDER == 2
        root = sqrt(sum);
#else
        root = vexp(vlog(sum) / ORDER);
#endif
    }
    STORE1(largest * root, y + yOffset + n);
}

// Global size planes · depth · height · width, rounded up to a multiple of GROUP.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void norm_pool_gradient(
    __global const STORED *restrict x, const ulong xOffset, __global const STORED *restrict y, const ulong yOffset,
    __global const STORED *restrict dy, const ulong dyOffset, __global STORED *restrict dx, const ulong dxOffset,
    const int planes, EXTENTS)
{
    ITEM_IS_INPUT
    const ulong plane = (ulong)place.plane * outDepth * outHeight * outWidth;
    const float value = LOAD1(x + xOffset + n);
    const float sign = value > 0.0f ? 1.0f : value < 0.0f ? -1.0f : 0.0f;
    float sum = 0.0f;
    for (int o = fronts.begin; o < fronts.end; o++) {
        if (!is_tap(place.front, o, DEPTH_AXIS)) continue;
        for (int p = rows.begin; p < rows.end; p++) {
            if (!is_tap(place.row, p, HEIGHT_AXIS)) continue;
            for (int q = columns.begin; q < columns.end; q++) {
                if (!is_tap(place.column, q, WIDTH_AXIS)) continue;
                const ulong at = plane + (o * outHeight + p) * outWidth + q;
                const float norm = LOAD1(y + yOffset + at);
                if (norm != 0.0f) sum += LOAD1(dy + dyOffset + at) * sign * power_of(fabs(value) / norm, ORDER - 1);
            }
        }
    }
    STORE1(sum, dx + dxOffset + n);
}
