// Which element of its plane a window's maximum is: the first in row-major order, the first NaN where there is one. Goes after
// pooling/window.cl.

static inline int taken_element(
    __global const STORED *plane, const Taps fronts, const Taps rows, const Taps columns, const int height,
    const int width, float *maximum)
{
    int taken = (fronts.first * height + rows.first) * width + columns.first;
    float largest = LOAD1(plane + taken);
    for (int t = 0; t < fronts.count; t++)
        for (int i = 0; i < rows.count; i++) {
            const int row = ((fronts.first + t * fronts.step) * height + rows.first + i * rows.step) * width;
            for (int j = 0; j < columns.count; j++) {
                const int element = row + columns.first + j * columns.step;
                const float value = LOAD1(plane + element);
                // A NaN that has won stays: no comparison with it holds.
                if (value > largest || (value != value && largest == largest)) {
                    largest = value;
                    taken = element;
                }
            }
        }
    *maximum = largest;
    return taken;
}

#if VECTOR_WIDTH > 1

// The rows of a window, each in a padded private row. All planes' rows follow each other.
static inline void gather_rows(
    float (*kept)[SPAN], __global const STORED *plane, __global const STORED *past, const Taps fronts, const Taps rows,
    const Columns columns, const int height, const int width)
{
    for (int t = 0; t < fronts.count; t++)
        for (int i = 0; i < rows.count; i++) {
            __global const STORED *from =
                plane + ((fronts.first + t * DILATION_DEPTH) * height + rows.first + i * DILATION_HEIGHT) * width;
            float *row = kept[t * rows.count + i];
            for EACH_COLUMN_VECTOR(c, columns)
                store_private(
                    load_columns(from + c, columns.end - c, past - (from + c), -INFINITY), 0, row + c - columns.shift);
        }
}

// For the windows q, q+1, … of a chunk from `first` on the elements of the plane that they take.
static inline vint taken_lanes(
    float (*kept)[SPAN], const Taps fronts, const Taps rows, const int first, const int q, const int count,
    const int height, const int width, vfloat *maximum)
{
    // The first element inside the plane, so that one of -infinity is taken where there are no others.
    const vint left = (first + q + VLANES) * STRIDE_WIDTH - PAD_LEFT;
    vint taken = DIVIDED_UP(max(-left, (vint)(0)), DILATION_WIDTH) * DILATION_WIDTH;
    vfloat largest = -INFINITY;
    for (int t = 0; t < fronts.count; t++)
        for (int i = 0; i < rows.count; i++) {
            const int row = (t * DILATION_DEPTH * height + i * DILATION_HEIGHT) * width;
            for (int j = 0; j < WINDOW_WIDTH; j++) {
                const vfloat value = tap(kept[t * rows.count + i], q, j, count);
                const vint isLarger = (vint)(value > largest) | ((vint)(value != value) & (vint)(largest == largest));
                largest = select(largest, value, isLarger);
                taken = select(taken, (vint)(row + j * DILATION_WIDTH), isLarger);
            }
        }
    *maximum = largest;
    return taken + left + (fronts.first * height + rows.first) * width;
}

#endif
