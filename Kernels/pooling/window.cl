// Windows of planes [depth, height, width], WINDOW_* elements DILATION_* apart along each axis, every STRIDE_* elements, and
// how rows of them are worked on by vectors: what maximum, mean, norm and their gradients share. Two axes have depth 1.
//
//        x  ┌──┬──┐──┬──┐…            y  ┌──┬──┐…       A window is clipped at the plane's borders.
//           │ 0│ 0│ 1│ 1│      →         │ 0│ 1│
//           ├──┼──┤──┼──┤                └──┴──┘
//           │ 0│ 0│ 1│ 1│
//
// GPU-like devices: a work-item an element. CPU-like devices (VECTOR_WIDTH > 1): a work-item a run of planes; it takes
// CHUNK outputs of a row at a time by way of a private row of SPAN inputs, padded where windows reach out of the plane,
// from which ‹tap(row, q, j, …)› is column j of the windows q, q+1, … in the lanes of a vector.
// Tensors are of STORED elements, sums and comparisons of floats.
// Goes after common/math.cl, common/vector.cl, common/storage.cl and common/shuffle.cl.

#ifndef WINDOW_DEPTH
#define WINDOW_DEPTH 1
#endif
#ifndef WINDOW_HEIGHT
#define WINDOW_HEIGHT 2
#endif
#ifndef WINDOW_WIDTH
#define WINDOW_WIDTH 2
#endif
#ifndef STRIDE_DEPTH
#define STRIDE_DEPTH 1
#endif
#ifndef STRIDE_HEIGHT
#define STRIDE_HEIGHT 2
#endif
#ifndef STRIDE_WIDTH
#define STRIDE_WIDTH 2
#endif
#ifndef DILATION_DEPTH
#define DILATION_DEPTH 1
#endif
#ifndef DILATION_HEIGHT
#define DILATION_HEIGHT 1
#endif
#ifndef DILATION_WIDTH
#define DILATION_WIDTH 1
#endif
#ifndef PAD_FRONT
#define PAD_FRONT 0
#endif
#ifndef PAD_TOP
#define PAD_TOP 0
#endif
#ifndef PAD_LEFT
#define PAD_LEFT 0
#endif
// Whether padding counts where a mean is taken.
#ifndef COUNTS_PADDING
#define COUNTS_PADDING 1
#endif
// Whether a last window may reach beyond the padding, which at the far ends is PAD_BACK, PAD_BOTTOM and PAD_RIGHT.
#ifndef ROUNDS_UP
#define ROUNDS_UP 0
#endif
#ifndef PAD_BACK
#define PAD_BACK 0
#endif
#ifndef PAD_BOTTOM
#define PAD_BOTTOM 0
#endif
#ifndef PAD_RIGHT
#define PAD_RIGHT 0
#endif
// Whether the windows are instead spread over all of each axis: window p of q from ⌊p·h/q⌋ to ⌈(p+1)·h/q⌉.
#ifndef ADAPTIVE
#define ADAPTIVE 0
#endif
#ifndef GROUP
#define GROUP 64
#endif

#define DIVIDED_UP(a, b) (((a) + (b) - 1) / (b))
// From a window's first to its last column.
#define REACH ((WINDOW_WIDTH - 1) * DILATION_WIDTH + 1)

// The extents of a plane of x and of its outputs, and what an axis is.
#define EXTENTS \
    const int depth, const int height, const int width, const int outDepth, const int outHeight, const int outWidth
#define DEPTH_AXIS depth, outDepth, WINDOW_DEPTH, STRIDE_DEPTH, DILATION_DEPTH, PAD_FRONT
#define HEIGHT_AXIS height, outHeight, WINDOW_HEIGHT, STRIDE_HEIGHT, DILATION_HEIGHT, PAD_TOP
#define WIDTH_AXIS width, outWidth, WINDOW_WIDTH, STRIDE_WIDTH, DILATION_WIDTH, PAD_LEFT
#define AXIS \
    const int extent, const int outputs, const int window, const int stride, const int dilation, const int before

// Positions first, first + step, …: the taps of a window along one axis that are inside the plane.
typedef struct {
    int first, count, step;
} Taps;

static inline Taps taps_of(const int p, AXIS) {
#if ADAPTIVE
    const int first = p * extent / outputs;
    const Taps taps = {first, DIVIDED_UP((p + 1) * extent, outputs) - first, 1};
#else
    const int start = p * stride - before;
    const int skipped = DIVIDED_UP(max(-start, 0), dilation);
    const Taps taps = {
        start + skipped * dilation, min(window, DIVIDED_UP(extent - start, dilation)) - skipped, dilation};
#endif
    return taps;
}

// The windows p of begin ..< end that position i may be in.
typedef struct {
    int begin, end;
} Windows;

static inline Windows windows_of(const int i, AXIS) {
#if ADAPTIVE
    const Windows windows = {i * outputs / extent, DIVIDED_UP((i + 1) * outputs, extent)};
#else
    const Windows windows = {
        max(i + before - (window - 1) * dilation + stride - 1, 0) / stride, min((i + before) / stride + 1, outputs)};
#endif
    return windows;
}

// Whether position i is one of the taps of window p, which is one of windows_of(i).
static inline bool is_tap(const int i, const int p, AXIS) {
    return ADAPTIVE || dilation == 1 || (i + before - p * stride) % dilation == 0;
}

// The number of taps of window p that a mean is over. 'after': the padding at the far end.
static inline int count_of(const int p, const int after, AXIS) {
#if COUNTS_PADDING && !ROUNDS_UP
    return window;
#elif COUNTS_PADDING
    return min(window, DIVIDED_UP(extent + after + before - p * stride, dilation));
#else
    return taps_of(p, extent, outputs, window, stride, dilation, before).count;
#endif
}

// Element n of a tensor [planes, depth, height, width].
typedef struct {
    int plane, front, row, column;
} Place;

static inline Place place_of(const uint n, const uint depth, const uint height, const uint width) {
    const uint rows = n / width, fronts = rows / height;
    const Place place = {fronts / depth, fronts % depth, rows % height, n % width};
    return place;
}

// What a kernel with a work-item an output begins with: which one it is, and the taps of its window.
#define ITEM_IS_OUTPUT \
    const uint n = get_global_id(0); \
    if (n >= (uint)planes * outDepth * outHeight * outWidth) return; \
    const Place place = place_of(n, outDepth, outHeight, outWidth); \
    const Taps fronts = taps_of(place.front, DEPTH_AXIS); \
    const Taps rows = taps_of(place.row, HEIGHT_AXIS); \
    const Taps columns = taps_of(place.column, WIDTH_AXIS);

// The same with a work-item an element of the planes: which one it is, and the windows that it may be in.
#define ITEM_IS_INPUT \
    const uint n = get_global_id(0); \
    if (n >= (uint)planes * depth * height * width) return; \
    const Place place = place_of(n, depth, height, width); \
    const Windows fronts = windows_of(place.front, DEPTH_AXIS); \
    const Windows rows = windows_of(place.row, HEIGHT_AXIS); \
    const Windows columns = windows_of(place.column, WIDTH_AXIS);

// The planes begin ..< end of this work-item.
#define EACH_OWN_PLANE(plane) \
    (long plane = planes * get_global_id(0) / get_global_size(0), \
        end = planes * (get_global_id(0) + 1) / get_global_size(0); \
        plane < end; plane++)

#if VECTOR_WIDTH > 1

#define CHUNK (STRIDE_WIDTH <= 2 ? 4 * VECTOR_WIDTH : VECTOR_WIDTH)
#define SPAN (CHUNK * STRIDE_WIDTH + REACH + VECTOR_WIDTH)
#define load_private MATH_PASTE(vload, VECTOR_WIDTH)
#define store_private MATH_PASTE(vstore, VECTOR_WIDTH)

// The chunks of a row of outputs: first ..< first + count.
#define EACH_CHUNK(first, count, outWidth) \
    (int first = 0, count = min(CHUNK, outWidth); first < (outWidth); \
        first += CHUNK, count = min(CHUNK, (outWidth) - first))

// The rows p of the planes o of outputs in order; `at` is outWidth further at each. A division a row would show.
#define EACH_OUTPUT_ROW(o, p, at) \
    (int o = 0, p = 0; o < outDepth; at += outWidth, p++, o += p == outHeight, p = p == outHeight ? 0 : p)

// The columns begin ..< end of the plane that a chunk's windows reach, `shift` before their places in the private row.
typedef struct {
    int shift, begin, end, span;
} Columns;

static inline Columns columns_of(const int first, const int count, const int width) {
    const int shift = first * STRIDE_WIDTH - PAD_LEFT;
    const int wanted = (count - 1) * STRIDE_WIDTH + REACH;
    // Whole vectors of outputs are read where they are by vectors.
    const int whole = (count + VECTOR_WIDTH - 1) / VECTOR_WIDTH * VECTOR_WIDTH;
    const Columns columns = {
        shift, clamp(shift, 0, width), clamp(shift + wanted, 0, width),
        STRIDE_WIDTH <= 2 ? whole * STRIDE_WIDTH + REACH : wanted};
    return columns;
}

// The padding of a private row.
static inline void pad_row(float *row, const Columns columns, const float padding) {
    for (int c = 0; c < columns.begin - columns.shift; c++) row[c] = padding;
    for (int c = columns.end - columns.shift; c < columns.span; c++) row[c] = padding;
}

// Vectors at the columns c that together are all of the chunk's; the last two may overlap, a single one may be too wide.
#define EACH_COLUMN_VECTOR(c, columns) \
    (int next = columns.begin, c = columns.begin; next < columns.end; \
        next += VECTOR_WIDTH, c = max(min(next, columns.end - VECTOR_WIDTH), columns.begin))

// The first `count` elements, and padding in the lanes after them. `available`: the elements that may be read.
static inline vfloat load_columns(
    __global const STORED *from, const int count, const long available, const float padding)
{
    if (count >= VECTOR_WIDTH) return LOAD(from);
    if (available < VECTOR_WIDTH) return LOAD_TAIL(from, count, padding);
    return select(LOAD(from), (vfloat)(padding), (vint)(VLANES >= (vint)(count)));
}

// Column j of the windows q, q+1, … of a private row; the lanes from `count` on are of no interest.
static inline vfloat tap(const float *row, const int q, const int j, const int count) {
    const float *from = row + q * STRIDE_WIDTH + j * DILATION_WIDTH;
#if STRIDE_WIDTH == 1
    return load_private(0, from);
#elif STRIDE_WIDTH == 2
    const vfloat low = load_private(0, from), high = load_private(1, from);
    return EVEN(low, high);
#else
    vfloat value = 0.0f;
    for (int n = 0; n < min(VECTOR_WIDTH, count - q); n++) ((float *)&value)[n] = from[n * STRIDE_WIDTH];
    return value;
#endif
}

// What the windows q, q+1, … of a row of outputs, a mean of whose windows is over `rows` rows, are divided by.
static inline vfloat window_counts(const int rows, const int width, const int q) {
#if COUNTS_PADDING && !ROUNDS_UP
    return rows * WINDOW_WIDTH;
#else
    const vint left = (q + VLANES) * STRIDE_WIDTH - PAD_LEFT;
    const int bound = COUNTS_PADDING ? width + PAD_RIGHT : width;
    const vint begin = COUNTS_PADDING ? (vint)(0) : DIVIDED_UP(max(-left, (vint)(0)), DILATION_WIDTH);
    const vint end = min((vint)(WINDOW_WIDTH), DIVIDED_UP(bound - left, DILATION_WIDTH));
    return convert_vfloat(rows * max(end - begin, (vint)(1)));
#endif
}

// Vectors of outputs at q that together are all of a chunk's; the last two may overlap.
#define EACH_OUTPUT_VECTOR(q, count) \
    (int next = 0, q = 0; next < (count); \
        next += VECTOR_WIDTH, q = min(next, max((count) - VECTOR_WIDTH, 0)))

#endif
