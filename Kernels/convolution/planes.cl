// Whole planes of x [outer, channels, source, plane] to y [outer, output, channels, taps, plane], or zeros: what a convolution
// over three axes reads, laid out for one over two.
//
//   gather_planes       GPU-like: one work-item an element of y
//   gather_plane_runs   CPU-like: a work-item a run of planes
//
//        x   c0: d0 d1 d2        y   o0: c0: –  d0 d1 │ c1: –  d0 d1       taps = 3, base = -1
//            c1: d0 d1 d2            o1: c0: d0 d1 d2 │ c1: d0 d1 d2
//
// Plane (n, o, c, t) of y is plane q / divisor of channel c, q = o·stride + base + t·step, where that is a whole number and
// there is such a plane. Up to 8 bytes an element of y and no flops.
#ifndef GROUP
#define GROUP 64
#endif
#ifndef VECTOR_WIDTH
#define VECTOR_WIDTH 1
#endif

// The source plane of a target plane, -1 for zeros.
static inline long source_plane(
    const ulong target, const int channels, const int source, const int output, const int taps, const int stride,
    const int base, const int step, const int divisor)
{
    const ulong rest = target / taps, above = rest / channels;
    const long position = (long)(above % output) * stride + base + (long)(target % taps) * step;
    if (position < 0 || position % divisor != 0 || position / divisor >= source) return -1;
    return (long)(above / output * channels + rest % channels) * source + position / divisor;
}

#if VECTOR_WIDTH == 1

// Global size planes · plane, rounded up to a multiple of GROUP.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void gather_planes(
    __global const float *restrict x, const ulong xOffset, __global float *restrict y, const ulong yOffset,
    const ulong planes, const int channels, const int source, const int output, const int taps, const int stride,
    const int base, const int step, const int divisor, const int plane)
{
    const ulong n = get_global_id(0);
    if (n >= planes * plane) return;
    const long from = source_plane(n / plane, channels, source, output, taps, stride, base, step, divisor);
    y[yOffset + n] = from < 0 ? 0.0f : x[xOffset + from * plane + n % plane];
}

#else

#define PLANES_PASTE_(a, b) a##b
#define PLANES_PASTE(a, b) PLANES_PASTE_(a, b)
typedef PLANES_PASTE(float, VECTOR_WIDTH) floats;
#define LOAD(pointer) PLANES_PASTE(vload, VECTOR_WIDTH)(0, pointer)
// One store, of which PoCL makes four in vstore16.
typedef struct __attribute__((packed)) { floats value; } unaligned;
#define STORE(value_, pointer) (((__global unaligned *)(pointer))->value = (value_))

// Global size: any number of items, which share the planes of y.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gather_plane_runs(
    __global const float *restrict x, const ulong xOffset, __global float *restrict y, const ulong yOffset,
    const ulong planes, const int channels, const int source, const int output, const int taps, const int stride,
    const int base, const int step, const int divisor, const int plane)
{
    const ulong last = planes * (get_global_id(0) + 1) / get_global_size(0);
    for (ulong n = planes * get_global_id(0) / get_global_size(0); n < last; n++) {
        const long from = source_plane(n, channels, source, output, taps, stride, base, step, divisor);
        __global float *to = y + yOffset + n * plane;
        int e = 0;
        if (from < 0) {
            for (; e <= plane - VECTOR_WIDTH; e += VECTOR_WIDTH) STORE((floats)(0.0f), to + e);
            for (; e < plane; e++) to[e] = 0.0f;
        } else {
            __global const float *read = x + xOffset + from * plane;
            for (; e <= plane - VECTOR_WIDTH; e += VECTOR_WIDTH) STORE(LOAD(read + e), to + e);
            for (; e < plane; e++) to[e] = read[e];
        }
    }
}
#endif
