// Windows of planes [height, width], WINDOW_HEIGHT × WINDOW_WIDTH every STRIDE_* elements, and how rows of them are
// worked on by vectors: what the maximum, the mean and their gradients share.
//
//        x  ┌──┬──┐──┬──┐…            y  ┌──┬──┐…       A window is clipped at the plane's borders.
//           │ 0│ 0│ 1│ 1│      →         │ 0│ 1│
//           ├──┼──┤──┼──┤                └──┴──┘
//           │ 0│ 0│ 1│ 1│
//
// GPU-like devices: a work-item an element. CPU-like devices (VECTOR_WIDTH > 1): a work-item a run of planes; it takes
// CHUNK outputs of a row at a time by way of a private row of SPAN inputs, padded where windows reach out of the plane,
// from which ‹tap(row, q, j)› is column j of the windows q, q+1, … in the lanes of a vector.
// Goes after common/math.cl, common/vector.cl and common/shuffle.cl.

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
// Whether padding counts where a mean is taken.
#ifndef COUNTS_PADDING
#define COUNTS_PADDING 1
#endif
#ifndef GROUP
#define GROUP 64
#endif

// The part of a window inside its plane: rows top ..< bottom, columns left ..< right.
typedef struct {
    int top, bottom, left, right;
} Window;

static inline Window clippedWindow(const int height, const int width, const int p, const int q) {
    const int top = p * STRIDE_HEIGHT - PAD_TOP, left = q * STRIDE_WIDTH - PAD_LEFT;
    const Window window = {
        max(top, 0), min(top + WINDOW_HEIGHT, height), max(left, 0), min(left + WINDOW_WIDTH, width)};
    return window;
}

// The windows that an element (i, j) is in: p of top ..< bottom and q of left ..< right.
static inline Window windowsOf(const int i, const int j, const int outHeight, const int outWidth) {
    const Window windows = {
        max(i + PAD_TOP - WINDOW_HEIGHT + STRIDE_HEIGHT, 0) / STRIDE_HEIGHT,
        min((i + PAD_TOP) / STRIDE_HEIGHT + 1, outHeight),
        max(j + PAD_LEFT - WINDOW_WIDTH + STRIDE_WIDTH, 0) / STRIDE_WIDTH,
        min((j + PAD_LEFT) / STRIDE_WIDTH + 1, outWidth)};
    return windows;
}

// The number of elements that the window of output (p, q) is divided by.
static inline float windowCount(const int height, const int width, const int p, const int q) {
    if (COUNTS_PADDING) return WINDOW_HEIGHT * WINDOW_WIDTH;
    const Window window = clippedWindow(height, width, p, q);
    return (window.bottom - window.top) * (window.right - window.left);
}

// The planes begin ..< end of this work-item.
#define EACH_OWN_PLANE(plane) \
    (long plane = planes * get_global_id(0) / get_global_size(0), \
        end = planes * (get_global_id(0) + 1) / get_global_size(0); \
        plane < end; plane++)

#if VECTOR_WIDTH > 1

#define CHUNK (STRIDE_WIDTH <= 2 ? 4 * VECTOR_WIDTH : VECTOR_WIDTH)
#define SPAN (CHUNK * STRIDE_WIDTH + WINDOW_WIDTH + VECTOR_WIDTH)
#define load_private MATH_PASTE(vload, VECTOR_WIDTH)
#define store_private MATH_PASTE(vstore, VECTOR_WIDTH)

// The chunks of a row of outputs: first ..< first + count.
#define EACH_CHUNK(first, count, outWidth) \
    (int first = 0, count = min(CHUNK, outWidth); first < (outWidth); \
        first += CHUNK, count = min(CHUNK, (outWidth) - first))

// The columns begin ..< end of the plane that a chunk's windows reach, `shift` before their places in the private row.
typedef struct {
    int shift, begin, end, span;
} Columns;

static inline Columns columnsOf(const int first, const int count, const int width) {
    const int shift = first * STRIDE_WIDTH - PAD_LEFT;
    const int wanted = (count - 1) * STRIDE_WIDTH + WINDOW_WIDTH;
    // Whole vectors of outputs are read where they are by vectors.
    const int whole = (count + VECTOR_WIDTH - 1) / VECTOR_WIDTH * VECTOR_WIDTH;
    const Columns columns = {
        shift, clamp(shift, 0, width), clamp(shift + wanted, 0, width),
        STRIDE_WIDTH <= 2 ? whole * STRIDE_WIDTH + WINDOW_WIDTH : wanted};
    return columns;
}

// The padding of a private row.
static inline void padRow(float *row, const Columns columns, const float padding) {
    for (int c = 0; c < columns.begin - columns.shift; c++) row[c] = padding;
    for (int c = columns.end - columns.shift; c < columns.span; c++) row[c] = padding;
}

// Vectors at the columns c that together are all of the chunk's; the last two may overlap, a single one may be too wide.
#define EACH_COLUMN_VECTOR(c, columns) \
    (int next = columns.begin, c = columns.begin; next < columns.end; \
        next += VECTOR_WIDTH, c = max(min(next, columns.end - VECTOR_WIDTH), columns.begin))

// The first `count` elements, and padding in the lanes after them. `available`: the elements that may be read.
static inline vfloat loadColumns(
    __global const float *from, const int count, const long available, const float padding)
{
    if (count >= VECTOR_WIDTH) return vfloat_load(from);
    if (available < VECTOR_WIDTH) return vfloat_load_tail(from, count, padding);
    return select(vfloat_load(from), (vfloat)(padding), (vint)(VLANES >= (vint)(count)));
}

// Column j of the windows q, q+1, … of a private row; the lanes from `count` on are of no interest.
static inline vfloat tap(const float *row, const int q, const int j, const int count) {
#if STRIDE_WIDTH == 1
    return load_private(0, row + q + j);
#elif STRIDE_WIDTH == 2
    const vfloat low = load_private(0, row + 2 * q + j), high = load_private(1, row + 2 * q + j);
    return EVEN(low, high);
#else
    vfloat value = 0.0f;
    for (int n = 0; n < min(VECTOR_WIDTH, count - q); n++) ((float *)&value)[n] = row[(q + n) * STRIDE_WIDTH + j];
    return value;
#endif
}

// What the windows q, q+1, … of a row of outputs, whose windows have `rows` rows, are divided by.
static inline vfloat windowCounts(const int rows, const int width, const int q) {
    if (COUNTS_PADDING) return WINDOW_HEIGHT * WINDOW_WIDTH;
    const vint left = (q + VLANES) * STRIDE_WIDTH - PAD_LEFT;
    const vint columns = min(left + WINDOW_WIDTH, (vint)(width)) - max(left, (vint)(0));
    return convert_vfloat(rows * max(columns, (vint)(1)));
}

// Vectors of outputs at q that together are all of a chunk's; the last two may overlap.
#define EACH_OUTPUT_VECTOR(q, count) \
    (int next = 0, q = 0; next < (count); \
        next += VECTOR_WIDTH, q = min(next, max((count) - VECTOR_WIDTH, 0)))

#endif
