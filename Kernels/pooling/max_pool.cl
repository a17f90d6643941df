// The maximum of windows of x [planes, height, width] → y [planes, outHeight, outWidth], and its gradient.
//
//        x  ┌──┬──┐──┬──┐…            y  ┌──┬──┐…       window WINDOW_HEIGHT × WINDOW_WIDTH every STRIDE_* elements,
//           │ 0│ 0│ 1│ 1│      →         │ 0│ 1│        clipped at the borders: padding never wins, NaN does.
//           ├──┼──┤──┼──┤                └──┴──┘
//           │ 0│ 0│ 1│ 1│
//
//   maxPool, maxPoolGradient        GPU-like: one work-item an element of y, or of dx. The gradient gathers: each element
//                                   of dx finds the windows it is in and asks which element each of them took.
//   maxPoolPlanes, …GradientPlanes  CPU-like: one work-item a run of planes. Rows of outputs by vectors where windows lie
//                                   2 or 1 apart (even and odd lanes of one load); the gradient of a plane is scattered
//                                   by the one item that owns it, so that windows may overlap.
//
// 4 bytes read an element of x; each dy goes to the first maximum of its window in row-major order.
// Goes after common/math.cl and common/vector.cl.

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
#ifndef GROUP
#define GROUP 64
#endif

// The element, within its plane, that the window of output (p, q) takes.
static inline int takenElement(
    __global const float *plane, const int height, const int width, const int p, const int q)
{
    const int top = max(p * STRIDE_HEIGHT - PAD_TOP, 0), left = max(q * STRIDE_WIDTH - PAD_LEFT, 0);
    const int bottom = min(p * STRIDE_HEIGHT - PAD_TOP + WINDOW_HEIGHT, height);
    const int right = min(q * STRIDE_WIDTH - PAD_LEFT + WINDOW_WIDTH, width);
    int taken = top * width + left;
    float largest = plane[taken];
    for (int i = top; i < bottom; i++)
        for (int j = left; j < right; j++) {
            const float value = plane[i * width + j];
            // A NaN that has won stays: no comparison with it holds.
            if (value > largest || (value != value && largest == largest)) {
                largest = value;
                taken = i * width + j;
            }
        }
    return taken;
}

// Global size planes · outHeight · outWidth, rounded up to a multiple of GROUP.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void maxPool(
    __global const float *restrict x, const ulong xOffset, __global float *restrict y, const ulong yOffset,
    const int planes, const int height, const int width, const int outHeight, const int outWidth)
{
    const ulong n = get_global_id(0);
    const ulong area = (ulong)outHeight * outWidth;
    if (n >= planes * area) return;
    const int p = n % area / outWidth, q = n % outWidth;
    __global const float *plane = x + xOffset + n / area * height * width;
    y[yOffset + n] = plane[takenElement(plane, height, width, p, q)];
}

// Global size planes · height · width, rounded up to a multiple of GROUP.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void maxPoolGradient(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict dx, const ulong dxOffset, const int planes, const int height, const int width,
    const int outHeight, const int outWidth)
{
    const ulong n = get_global_id(0);
    const ulong area = (ulong)height * width;
    if (n >= planes * area) return;
    const int element = n % area;
    const int i = element / width, j = element % width;
    __global const float *plane = x + xOffset + n / area * area;
    __global const float *cotangents = dy + dyOffset + n / area * outHeight * outWidth;
    // Windows p with p·stride ≤ i + pad < p·stride + window.
    const int lastP = min((i + PAD_TOP) / STRIDE_HEIGHT, outHeight - 1);
    const int lastQ = min((j + PAD_LEFT) / STRIDE_WIDTH, outWidth - 1);
    const int firstP = max(i + PAD_TOP - WINDOW_HEIGHT + STRIDE_HEIGHT, 0) / STRIDE_HEIGHT;
    const int firstQ = max(j + PAD_LEFT - WINDOW_WIDTH + STRIDE_WIDTH, 0) / STRIDE_WIDTH;
    float sum = 0.0f;
    for (int p = firstP; p <= lastP; p++)
        for (int q = firstQ; q <= lastQ; q++)
            if (takenElement(plane, height, width, p, q) == element) sum += cotangents[p * outWidth + q];
    dx[dxOffset + n] = sum;
}

// The planes begin ..< end of this work-item.
#define EACH_OWN_PLANE(plane) \
    (long plane = planes * get_global_id(0) / get_global_size(0), \
        end = planes * (get_global_id(0) + 1) / get_global_size(0); \
        plane < end; plane++)

#if VECTOR_WIDTH > 1
// Lanes of outputs at a time, and of the inputs of two neighbours, which must fit into one vector type.
#define PAIRED MATH_PASTE(float, PAIR_WIDTH)
#if VECTOR_WIDTH >= 8
#define PAIR_WIDTH 16
#define OUTPUTS 8
typedef float8 Outputs;
typedef int8 OutputIntegers;
#define storeOutputs(value, to) vstore8(value, 0, to)
#elif VECTOR_WIDTH == 4
#define PAIR_WIDTH 8
#define OUTPUTS 4
typedef float4 Outputs;
typedef int4 OutputIntegers;
#define storeOutputs(value, to) vstore4(value, 0, to)
#else
#define PAIR_WIDTH 4
#define OUTPUTS 2
typedef float2 Outputs;
typedef int2 OutputIntegers;
#define storeOutputs(value, to) vstore2(value, 0, to)
#endif
#define loadPair(from) MATH_PASTE(vload, PAIR_WIDTH)(0, from)

static inline Outputs largerOutputs(const Outputs a, const Outputs b) {
    return select(select(a + b, b, (OutputIntegers)(b > a)), a, (OutputIntegers)(a >= b));
}
#endif

// Global size: any number of items, which share the planes.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void maxPoolPlanes(
    __global const float *restrict x, const ulong xOffset, __global float *restrict y, const ulong yOffset,
    const ulong planes, const int height, const int width, const int outHeight, const int outWidth)
{
    for EACH_OWN_PLANE(n) {
        __global const float *plane = x + xOffset + n * height * width;
        __global float *to = y + yOffset + n * outHeight * outWidth;
        for (int p = 0; p < outHeight; p++, to += outWidth) {
            int q = 0;
#if VECTOR_WIDTH > 1 && STRIDE_WIDTH <= 2
            const int top = max(p * STRIDE_HEIGHT - PAD_TOP, 0);
            const int bottom = min(p * STRIDE_HEIGHT - PAD_TOP + WINDOW_HEIGHT, height);
            for (; q < outWidth && q * STRIDE_WIDTH < PAD_LEFT; q++)
                to[q] = plane[takenElement(plane, height, width, p, q)];
            // The vectors of a window reach this far to the right of its first element.
            const int reach = (WINDOW_WIDTH - 1) / STRIDE_WIDTH * STRIDE_WIDTH + PAIR_WIDTH;
            for (; q + OUTPUTS <= outWidth && q * STRIDE_WIDTH - PAD_LEFT + reach <= width; q += OUTPUTS) {
                __global const float *row = plane + top * width + q * STRIDE_WIDTH - PAD_LEFT;
                Outputs largest = -INFINITY;
                for (int i = top; i < bottom; i++, row += width)
                    for (int j = 0; j < WINDOW_WIDTH; j += STRIDE_WIDTH) {
                        const PAIRED pair = loadPair(row + j);
#if STRIDE_WIDTH == 2
                        largest = largerOutputs(largest, pair.even);
                        if (j + 1 < WINDOW_WIDTH) largest = largerOutputs(largest, pair.odd);
#else
                        largest = largerOutputs(largest, pair.lo);
#endif
                    }
                storeOutputs(largest, to + q);
            }
#endif
            for (; q < outWidth; q++) to[q] = plane[takenElement(plane, height, width, p, q)];
        }
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void maxPoolGradientPlanes(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict dx, const ulong dxOffset, const ulong planes, const int height, const int width,
    const int outHeight, const int outWidth)
{
    for EACH_OWN_PLANE(n) {
        __global const float *plane = x + xOffset + n * height * width;
        __global const float *cotangents = dy + dyOffset + n * outHeight * outWidth;
        __global float *to = dx + dxOffset + n * height * width;
        for (int e = 0; e < height * width; e++) to[e] = 0.0f;
        for (int p = 0; p < outHeight; p++, cotangents += outWidth) {
            int q = 0;
#if VECTOR_WIDTH > 1 && WINDOW_HEIGHT == 2 && WINDOW_WIDTH == 2 && STRIDE_HEIGHT == 2 && STRIDE_WIDTH == 2 \
    && PAD_TOP == 0 && PAD_LEFT == 0
            // The common case by vectors: each of a window's four elements against the three others.
            for (; q + OUTPUTS <= outWidth && 2 * p + 1 < height; q += OUTPUTS) {
                const int at = 2 * p * width + 2 * q;
                const PAIRED upper = loadPair(plane + at), lower = loadPair(plane + at + width);
                const Outputs a = upper.even, b = upper.odd, c = lower.even, d = lower.odd;
                const Outputs largest = largerOutputs(largerOutputs(a, b), largerOutputs(c, d));
                const Outputs slope = MATH_PASTE(vload, OUTPUTS)(0, cotangents + q), zero = 0.0f;
                const OutputIntegers isNaN = largest != largest;
                // Where NaN has won, the first NaN is the maximum.
                const OutputIntegers isA = select((OutputIntegers)(a == largest), (OutputIntegers)(a != a), isNaN);
                const OutputIntegers isB =
                    ~isA & select((OutputIntegers)(b == largest), (OutputIntegers)(b != b), isNaN);
                const OutputIntegers isC =
                    ~(isA | isB) & select((OutputIntegers)(c == largest), (OutputIntegers)(c != c), isNaN);
                const OutputIntegers isD = ~(isA | isB | isC);
                PAIRED upperSlope = (PAIRED)(0.0f), lowerSlope = (PAIRED)(0.0f);
                upperSlope.even = select(zero, slope, isA);
                upperSlope.odd = select(zero, slope, isB);
                lowerSlope.even = select(zero, slope, isC);
                lowerSlope.odd = select(zero, slope, isD);
                MATH_PASTE(vstore, PAIR_WIDTH)(upperSlope, 0, to + at);
                MATH_PASTE(vstore, PAIR_WIDTH)(lowerSlope, 0, to + at + width);
            }
#endif
            for (; q < outWidth; q++) to[takenElement(plane, height, width, p, q)] += cotangents[q];
        }
    }
}
