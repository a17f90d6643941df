// Depthwise convolution (one channel a group), for devices with many lanes: forward and the gradient of the input.
//
//   source plane  ┌───────┐      a work-item makes one pixel of one row: neighbours read overlapping windows, which
//                 │  ┌─┐  │      the caches serve, and write next to each other
//                 │  └─┘  │
//                 └───────┘
//
// Grid, taps, bases, steps and strides are those of convolution/panel.cl; weights as in convolution/depthwise.cl.
// Shapes: source [images, groups, height, width], weight [groups·rows, taps], bias [groups·rows],
// y [images, groups·rows, outHeight, outWidth]. 2·taps flops and about 8 bytes a pixel: bound by memory.

#ifndef HAS_BIAS
#define HAS_BIAS 0
#endif
#ifndef ACTIVATION
#define ACTIVATION(x) (x)
#endif

// Global size (gridWidth rounded up, gridHeight, images · groups · rows).
__kernel void depthwise_direct(
    __global const float *restrict weight, const ulong weightOffset, __global const float *restrict x,
    const ulong xOffset,
#if HAS_BIAS
    __global const float *restrict bias, const ulong biasOffset,
#endif
    __global float *restrict y, const ulong yOffset, const int groups, const int rows, const int height,
    const int width, const int tapsHigh, const int tapsWide, const int rowBase, const int rowStep, const int rowStride,
    const int columnBase, const int columnStep, const int columnStride, const int gridWidth, const int outHeight,
    const int outWidth, const int outRowBase, const int outRowStride, const int outColumnBase,
    const int outColumnStride, const int kernelTaps, const int kernelWidth, const int rowTap, const int rowTapStep,
    const int columnTap, const int columnTapStep)
{
    const int v = get_global_id(0), u = get_global_id(1);
    if (v >= gridWidth) return;
    const long outPlane = get_global_id(2);
    const int channel = outPlane % (groups * rows);
    x += xOffset + outPlane / rows * height * width;
    weight += weightOffset + (long)channel * kernelTaps + rowTap * kernelWidth + columnTap;
    float sum = 0;
    for (int i = 0; i < tapsHigh; i++) {
        const int row = u * rowStride + rowBase + i * rowStep;
        if (row < 0 || row >= height) continue;
        for (int j = 0; j < tapsWide; j++) {
            const int column = v * columnStride + columnBase + j * columnStep;
            if (column >= 0 && column < width)
                sum = fma(
                    weight[i * rowTapStep * kernelWidth + j * columnTapStep], x[(long)row * width + column], sum);
        }
    }
#if HAS_BIAS
    sum += bias[biasOffset + channel];
#endif
    y[yOffset + (outPlane * outHeight + u * outRowStride + outRowBase) * outWidth + v * outColumnStride + outColumnBase]
        = ACTIVATION(sum);
}
