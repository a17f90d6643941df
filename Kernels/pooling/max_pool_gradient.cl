// The gradient of the maximum of windows of x [planes, height, width]: dy [planes, outHeight, outWidth] → dx like x.
//
//   maxPoolGradient        GPU-like: one work-item an element of dx, which finds the windows it is in and asks which
//                          element each of them took.
//   maxPoolGradientPlanes  CPU-like: a work-item a run of planes. The first maximum of each window is found by vectors; what
//                          windows overlap is added up by the one item that owns the plane.
//
// Each dy goes to the first maximum of its window in row-major order, the first NaN where there is one. 4 bytes an element
// of x, dy and dx. Goes after common/math.cl, common/vector.cl and pooling/window.cl, which draws the windows.

// The element, within its plane, that the window of output (p, q) takes.
static inline int takenElement(
    __global const float *plane, const int height, const int width, const int p, const int q)
{
    const Window window = clippedWindow(height, width, p, q);
    int taken = window.top * width + window.left;
    float largest = plane[taken];
    for (int i = window.top; i < window.bottom; i++)
        for (int j = window.left; j < window.right; j++) {
            const float value = plane[i * width + j];
            // A NaN that has won stays: no comparison with it holds.
            if (value > largest || (value != value && largest == largest)) {
                largest = value;
                taken = i * width + j;
            }
        }
    return taken;
}

#if VECTOR_WIDTH == 1

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
    const Window windows = windowsOf(i, j, outHeight, outWidth);
    float sum = 0.0f;
    for (int p = windows.top; p < windows.bottom; p++)
        for (int q = windows.left; q < windows.right; q++)
            if (takenElement(plane, height, width, p, q) == element) sum += cotangents[p * outWidth + q];
    dx[dxOffset + n] = sum;
}

#else

#if WINDOW_HEIGHT == 2 && WINDOW_WIDTH == 2 && STRIDE_HEIGHT == 2 && STRIDE_WIDTH == 2 && PAD_TOP == 0 && PAD_LEFT == 0
// The commonest windows lie side by side: dx is written once, by vectors of outputs, each of a window's elements a, b
// above c, d.
static inline void scatterPairs(
    __global const float *above, __global const float *below, __global const float *cotangents,
    __global float *toAbove, __global float *toBelow)
{
    const vfloat above0 = vfloat_load(above), above1 = vfloat_load(above + VECTOR_WIDTH);
    const vfloat below0 = vfloat_load(below), below1 = vfloat_load(below + VECTOR_WIDTH);
    const vfloat a = EVEN(above0, above1), b = ODD(above0, above1);
    const vfloat c = EVEN(below0, below1), d = ODD(below0, below1);
    const vfloat slope = vfloat_load(cotangents), none = 0.0f;
    // Whether each is above all before it, NaN above all but NaN.
    const vint isB = (vint)(b > a) | ((vint)(b != b) & (vint)(a == a));
    vfloat largest = select(a, b, isB);
    const vint isC = (vint)(c > largest) | ((vint)(c != c) & (vint)(largest == largest));
    largest = select(largest, c, isC);
    const vint isD = (vint)(d > largest) | ((vint)(d != d) & (vint)(largest == largest));
    const vfloat slopeA = select(slope, none, isB | isC | isD), slopeB = select(none, slope, isB & ~isC & ~isD);
    const vfloat slopeC = select(none, slope, isC & ~isD), slopeD = select(none, slope, isD);
    vfloat_store(LOW(slopeA, slopeB), toAbove);
    vfloat_store(HIGH(slopeA, slopeB), toAbove + VECTOR_WIDTH);
    vfloat_store(LOW(slopeC, slopeD), toBelow);
    vfloat_store(HIGH(slopeC, slopeD), toBelow + VECTOR_WIDTH);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void maxPoolGradientPlanes(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict dx, const ulong dxOffset, const ulong planes, const int height, const int width,
    const int outHeight, const int outWidth)
{
    const long pastPlane = planes * (get_global_id(0) + 1) / get_global_size(0);
    for EACH_OWN_PLANE(n) {
        __global const float *plane = x + xOffset + n * height * width;
        __global const float *cotangents = dy + dyOffset + n * outHeight * outWidth;
        __global float *to = dx + dxOffset + n * height * width;
        for (int p = 0; p < outHeight; p++) {
            const int above = 2 * p * width, below = above + width, at = p * outWidth;
            // What a vector writes past a short row is written over by the rows that follow, down to the last few.
            const bool isRoomy = outWidth >= VECTOR_WIDTH
                || (below + 2 * VECTOR_WIDTH <= (pastPlane - n) * height * width
                    && at + VECTOR_WIDTH <= (pastPlane - n) * outHeight * outWidth);
            if (2 * p + 1 < height && 2 * outWidth <= width && isRoomy) {
                for EACH_OUTPUT_VECTOR(q, outWidth)
                    scatterPairs(
                        plane + above + 2 * q, plane + below + 2 * q, cotangents + at + q, to + above + 2 * q,
                        to + below + 2 * q);
                for (int j = 2 * outWidth; j < width; j++) to[above + j] = to[below + j] = 0.0f;
            } else {
                for (int e = above; e < min(below + width, height * width); e++) to[e] = 0.0f;
                for (int q = 0; q < outWidth; q++) to[takenElement(plane, height, width, p, q)] = cotangents[at + q];
            }
        }
        for (int e = min(2 * outHeight, height) * width; e < height * width; e++) to[e] = 0.0f;
    }
}

#else

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void maxPoolGradientPlanes(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict dy, const ulong dyOffset,
    __global float *restrict dx, const ulong dxOffset, const ulong planes, const int height, const int width,
    const int outHeight, const int outWidth)
{
    float rows[WINDOW_HEIGHT][SPAN];
    __global const float *past = x + xOffset + planes * height * width;
    for EACH_OWN_PLANE(n) {
        __global const float *plane = x + xOffset + n * height * width;
        __global const float *cotangents = dy + dyOffset + n * outHeight * outWidth;
        __global float *to = dx + dxOffset + n * height * width;
        for (int e = 0; e < height * width; e++) to[e] = 0.0f;
        for EACH_CHUNK(first, count, outWidth) {
            const Columns columns = columnsOf(first, count, width);
            for (int i = 0; i < WINDOW_HEIGHT; i++) padRow(rows[i], columns, -INFINITY);
            for (int p = 0; p < outHeight; p++) {
                const Window window = clippedWindow(height, width, p, 0);
                const int height0 = window.bottom - window.top;
                for (int i = 0; i < height0; i++) {
                    __global const float *from = plane + (window.top + i) * width;
                    for EACH_COLUMN_VECTOR(c, columns)
                        store_private(
                            loadColumns(from + c, columns.end - c, past - (from + c), -INFINITY), 0,
                            rows[i] + c - columns.shift);
                }
                for (int q = 0; q < count; q += VECTOR_WIDTH) {
                    // The first element inside the plane, so that one of -infinity is taken where there are no others.
                    const vint left = (first + q + VLANES) * STRIDE_WIDTH - PAD_LEFT;
                    vint taken = max(-left, (vint)(0));
                    vfloat largest = -INFINITY;
                    for (int i = 0; i < height0; i++)
                        for (int j = 0; j < WINDOW_WIDTH; j++) {
                            const vfloat value = tap(rows[i], q, j, count);
                            const vint isLarger =
                                (vint)(value > largest) | ((vint)(value != value) & (vint)(largest == largest));
                            largest = select(largest, value, isLarger);
                            taken = select(taken, (vint)(i * width + j), isLarger);
                        }
                    taken += window.top * width + left;
                    for (int k = 0; k < min(VECTOR_WIDTH, count - q); k++)
                        to[((const int *)&taken)[k]] += cotangents[p * outWidth + first + q + k];
                }
            }
        }
    }
}
#endif
#endif
