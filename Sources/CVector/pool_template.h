// Pooling of planes [first, last) of x [planes, depth, height, width]; pool.c includes this once for each type.

// Eight elements, and the even and odd ones of sixteen, taken apart and put together again by shuffles.
typedef REAL FN(eight) __attribute__((ext_vector_type(8), aligned(sizeof(REAL))));

INLINE FN(eight) FN(even)(const REAL *x) {
    return __builtin_shufflevector(*(const FN(eight) *)x, *(const FN(eight) *)(x + 8), 0, 2, 4, 6, 8, 10, 12, 14);
}

INLINE FN(eight) FN(odd)(const REAL *x) {
    return __builtin_shufflevector(*(const FN(eight) *)x, *(const FN(eight) *)(x + 8), 1, 3, 5, 7, 9, 11, 13, 15);
}

INLINE void FN(interleave)(FN(eight) even, FN(eight) odd, REAL *y) {
    *(FN(eight) *)y = __builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11);
    *(FN(eight) *)(y + 8) = __builtin_shufflevector(even, odd, 4, 12, 5, 13, 6, 14, 7, 15);
}

// NaN wins over every number.
INLINE REAL FN(combined)(int is_maximum, REAL a, REAL b) { return !is_maximum ? a + b : b > a || b != b ? b : a; }

INLINE FN(eight) FN(combined_eight)(int is_maximum, FN(eight) a, FN(eight) b) {
    return !is_maximum ? a + b : ((b > a) | (b != b)) ? b : a;
}

// Columns `begin` to `end` of a plane are what the windows [first, first + count) of a row of outputs reach inside it; they
// lie `shift` further to the left in a row of SPAN elements with padding around them.
enum { FN(SPAN) = 1024 };
typedef struct {
    int64_t first, count, shift, span, begin, end;
} FN(stretch);

INLINE FN(stretch) FN(stretch_from)(const cv_pool *pool, int64_t first) {
    const cv_pool_axis *columns = &pool->axes[2];
    const int64_t reach = reach_of(pool);
    FN(stretch) s = {.first = first, .shift = first * columns->stride - columns->before};
    s.count = smaller((FN(SPAN) - reach) / columns->stride + 1, columns->output - first);
    s.span = (s.count - 1) * columns->stride + reach;
    s.begin = smaller(larger(s.shift, 0), columns->input);
    s.end = larger(smaller(s.shift + s.span, columns->input), s.begin);
    return s;
}

// Whether rows of windows can be combined first, and then their columns.
INLINE int FN(has_stretches)(const cv_pool *pool) { return !pool->is_adaptive && reach_of(pool) <= FN(SPAN); }

INLINE void FN(pad)(REAL *row, const FN(stretch) *s, REAL padding) {
    for (int64_t c = 0; c < s->begin - s->shift; c++) row[c] = padding;
    for (int64_t c = s->end - s->shift; c < s->span; c++) row[c] = padding;
}

// A column of eight windows that are 1 or 2 columns apart.
INLINE FN(eight) FN(column_of_eight)(const REAL *row, int64_t stride) {
    return stride == 1 ? *(const FN(eight) *)row : FN(even)(row);
}

// The columns of windows `stride` apart in a padded row, combined.
INLINE void FN(fold_columns)(
    int is_maximum, const REAL *restrict row, REAL *restrict y, int64_t count, int64_t columns, int64_t dilation,
    int64_t stride) {
    if (stride <= 2 && count >= 8) {
        // The last two vectors of a row may overlap.
        for (int64_t next = 0; next < count; next += 8) {
            const int64_t q = smaller(next, count - 8);
            FN(eight) result = FN(column_of_eight)(row + q * stride, stride);
            for (int64_t j = 1; j < columns; j++) {
                result = FN(combined_eight)(
                    is_maximum, result, FN(column_of_eight)(row + q * stride + j * dilation, stride));
            }
            *(FN(eight) *)(y + q) = result;
        }
        return;
    }
    for (int64_t q = 0; q < count; q++) y[q] = row[q * stride];
    for (int64_t j = 1; j < columns; j++) {
        for (int64_t q = 0; q < count; q++) y[q] = FN(combined)(is_maximum, y[q], row[q * stride + j * dilation]);
    }
}

// The outputs or cotangents of windows [first, first + count) of row (o, p) by what each window is divided by.
INLINE void FN(divide)(
    const cv_pool *pool, int64_t o, int64_t p, int64_t first, int64_t count, const REAL *x, REAL *y) {
    const int64_t rows = counted_taps(pool, 0, o) * counted_taps(pool, 1, p), columns = pool->axes[2].window;
    // The windows in the middle are whole.
    int64_t begin = 0, end = count;
    while (begin < end && counted_taps(pool, 2, first + begin) < columns) begin++;
    while (end > begin && counted_taps(pool, 2, first + end - 1) < columns) end--;
    const REAL divisor = (REAL)(rows * columns);
    for (int64_t q = begin; q < end; q++) y[q] = x[q] / divisor;
    for (int64_t q = 0; q < begin; q++) y[q] = x[q] / (REAL)(rows * counted_taps(pool, 2, first + q));
    for (int64_t q = end; q < count; q++) y[q] = x[q] / (REAL)(rows * counted_taps(pool, 2, first + q));
}

// The rows of a window combined, `width` columns from `from` on.
INLINE void FN(combine_rows)(
    const cv_pool *pool, int is_maximum, taps planes, taps rows, const REAL *from, REAL *restrict y, int64_t width) {
    for (int64_t t = 0; t < planes.count; t++) {
        for (int64_t i = 0; i < rows.count; i++) {
            const REAL *restrict x = from + row_of(pool, planes, t, rows, i);
            if (t == 0 && i == 0) for (int64_t c = 0; c < width; c++) y[c] = x[c];
            else for (int64_t c = 0; c < width; c++) y[c] = FN(combined)(is_maximum, y[c], x[c]);
        }
    }
}

// The same, but no sum is long.
INLINE void FN(combine_all_rows)(
    const cv_pool *pool, int is_maximum, taps planes, taps rows, const REAL *from, REAL *restrict y, int64_t width) {
    if (is_maximum || planes.count == 1 || planes.count * rows.count <= 64) {
        FN(combine_rows)(pool, is_maximum, planes, rows, from, y, width);
        return;
    }
    REAL part[FN(SPAN)];
    for (int64_t c = 0; c < width; c++) y[c] = 0;
    for (int64_t t = 0; t < planes.count; t++) {
        const taps plane = {planes.first + t * planes.step, 1, planes.step};
        FN(combine_rows)(pool, 0, plane, rows, from, part, width);
        for (int64_t c = 0; c < width; c++) y[c] += part[c];
    }
}

// Pooling of any window: rows are combined first, then columns, both along rows of memory.
INLINE void FN(pool_plane)(const cv_pool *pool, int is_maximum, const REAL *from, REAL *to) {
    // The odd element after the last even one is read with it.
    REAL row[FN(SPAN) + 1];
    const cv_pool_axis *columns = &pool->axes[2];
    const int64_t height = pool->axes[1].output, step = columns->dilation;
    for (int64_t first = 0, count; first < columns->output; first += count) {
        const FN(stretch) s = FN(stretch_from)(pool, first);
        count = s.count;
        FN(pad)(row, &s, is_maximum ? -INFINITY : 0);
        for (int64_t o = 0; o < pool->axes[0].output; o++) {
            const taps planes = taps_of(pool, 0, o);
            for (int64_t p = 0; p < height; p++) {
                const taps rows = taps_of(pool, 1, p);
                REAL *y = to + (o * height + p) * columns->output + first;
                FN(combine_all_rows)(
                    pool, is_maximum, planes, rows, from + s.begin, row + s.begin - s.shift, s.end - s.begin);
                if (columns->stride == 1) FN(fold_columns)(is_maximum, row, y, count, columns->window, step, 1);
                else if (columns->stride == 2) FN(fold_columns)(is_maximum, row, y, count, columns->window, step, 2);
                else FN(fold_columns)(is_maximum, row, y, count, columns->window, step, columns->stride);
                if (!is_maximum) FN(divide)(pool, o, p, first, count, y, y);
            }
        }
    }
}

// Goes through the windows of a plane one by one: `o`, `p`, `q` and their taps `planes`, `rows`, `columns`, and as `at` the
// number of the output.
#define EACH_WINDOW(body) \
    for (int64_t o = 0, at = 0; o < pool->axes[0].output; o++) { \
        const taps planes = taps_of(pool, 0, o); \
        for (int64_t p = 0; p < pool->axes[1].output; p++) { \
            const taps rows = taps_of(pool, 1, p); \
            for (int64_t q = 0; q < pool->axes[2].output; q++, at++) { \
                const taps columns = taps_of(pool, 2, q); \
                body \
            } \
        } \
    }

// Goes through the elements of a window of EACH_WINDOW in row-major order: `element`, its number in the plane.
#define EACH_ELEMENT(body) \
    for (int64_t t = 0; t < planes.count; t++) { \
        for (int64_t i = 0; i < rows.count; i++) { \
            int64_t element = row_of(pool, planes, t, rows, i) + columns.first; \
            for (int64_t j = 0; j < columns.count; j++, element += columns.step) { body } \
        } \
    }

INLINE REAL FN(divisor)(const cv_pool *pool, int64_t o, int64_t p, int64_t q) {
    return (REAL)(counted_taps(pool, 0, o) * counted_taps(pool, 1, p) * counted_taps(pool, 2, q));
}

// The mean of windows of any kind.
INLINE void FN(average_windows)(const cv_pool *pool, const REAL *from, REAL *to) {
    EACH_WINDOW(
        double sum = 0;
        EACH_ELEMENT(sum += from[element];)
        to[at] = (REAL)(sum / FN(divisor)(pool, o, p, q));
    )
}

// The first maximum of a window in row-major order, the first NaN over all, and which element of the plane it is.
INLINE int64_t FN(first_maximum)(
    const cv_pool *pool, const REAL *from, taps planes, taps rows, taps columns, REAL *maximum) {
    int64_t best = row_of(pool, planes, 0, rows, 0) + columns.first;
    REAL m = -INFINITY;
    EACH_ELEMENT(
        const REAL v = from[element];
        if (v > m || (v != v && m == m)) {
            m = v;
            best = element;
        }
    )
    *maximum = m;
    return best;
}

INLINE void FN(maximum_windows)(const cv_pool *pool, const REAL *from, REAL *to, int32_t *indices) {
    EACH_WINDOW(
        const int64_t best = FN(first_maximum)(pool, from, planes, rows, columns, to + at);
        if (indices) indices[at] = (int32_t)best;
    )
}

// Two by two with stride 2 and no padding, the commonest pooling.
INLINE void FN(maximum_two)(const cv_pool *pool, const REAL *from, REAL *to) {
    const int64_t width = pool->axes[2].input, count = pool->axes[2].output;
    for (int64_t p = 0; p < pool->axes[1].output; p++) {
        const REAL *a = from + 2 * p * width, *b = a + width;
        REAL *y = to + p * count;
        int64_t q = 0;
        // The last two vectors of a row may overlap.
        for (int64_t next = 0; next < count && count >= 8; next += 8) {
            q = smaller(next, count - 8);
            FN(eight) m = FN(even)(a + 2 * q);
            const FN(eight) u = FN(odd)(a + 2 * q), v = FN(even)(b + 2 * q), w = FN(odd)(b + 2 * q);
            m = ((u > m) | (u != u)) ? u : m;
            m = ((v > m) | (v != v)) ? v : m;
            *(FN(eight) *)(y + q) = ((w > m) | (w != w)) ? w : m;
        }
        for (q = count >= 8 ? count : 0; q < count; q++) {
            REAL m = a[2 * q];
            const REAL u = a[2 * q + 1], v = b[2 * q], w = b[2 * q + 1];
            m = ((u > m) | (u != u)) ? u : m;
            m = ((v > m) | (v != v)) ? v : m;
            y[q] = ((w > m) | (w != w)) ? w : m;
        }
    }
}


// Where column `j` of windows `stride` apart in a padded row is above all before it, notes it as taken.
INLINE void FN(note_taken)(
    const REAL *restrict row, REAL *restrict m, int32_t *restrict taken, int64_t count, int64_t stride, int64_t j,
    int32_t element) {
    for (int64_t q = 0; q < count; q++) {
        const REAL v = row[q * stride + j];
        const int isAbove = (v > m[q]) | ((v != v) & (m[q] == m[q]));
        m[q] = isAbove ? v : m[q];
        taken[q] = isAbove ? element : taken[q];
    }
}

// Whether note_taken suits: windows of any size that lie 1 or 2 columns apart; further apart, one by one is faster.
INLINE int FN(notes_taken)(const cv_pool *pool) {
    return FN(has_stretches)(pool) && pool->axes[2].stride <= 2 && inputs_of(pool) <= INT32_MAX;
}

// The maxima of the windows of a stretch of row (o, p) of outputs, and where in the plane they are, less `shift + q * stride`
// of window q. `row` is padded.
INLINE void FN(take_rows)(
    const cv_pool *pool, const REAL *from, const FN(stretch) *s, int64_t o, int64_t p, REAL *row, REAL *m,
    int32_t *taken) {
    const cv_pool_axis *columns = &pool->axes[2];
    const taps planes = taps_of(pool, 0, o), rows = taps_of(pool, 1, p);
    // At first the first that is inside the plane.
    const int64_t corner = row_of(pool, planes, 0, rows, 0);
    for (int64_t q = 0; q < s->count; q++) {
        const int64_t outside = larger(-s->shift - q * columns->stride, 0);
        m[q] = -INFINITY;
        taken[q] = (int32_t)(corner + divided_up(outside, columns->dilation) * columns->dilation);
    }
    for (int64_t t = 0; t < planes.count; t++) {
        for (int64_t i = 0; i < rows.count; i++) {
            const int64_t begin = row_of(pool, planes, t, rows, i);
            memcpy(row + s->begin - s->shift, from + begin + s->begin, (size_t)(s->end - s->begin) * sizeof(REAL));
            for (int64_t j = 0; j < columns->window; j++) {
                const int64_t step = j * columns->dilation;
                if (columns->stride == 1) FN(note_taken)(row, m, taken, s->count, 1, step, (int32_t)(begin + step));
                else FN(note_taken)(row, m, taken, s->count, 2, step, (int32_t)(begin + step));
            }
        }
    }
}

INLINE void FN(maximum_plane_indices)(const cv_pool *pool, const REAL *from, REAL *to, int32_t *indices) {
    REAL row[FN(SPAN)];
    const int64_t outputs = pool->axes[2].output, stride = pool->axes[2].stride;
    for (int64_t first = 0, count; first < outputs; first += count) {
        const FN(stretch) s = FN(stretch_from)(pool, first);
        count = s.count;
        FN(pad)(row, &s, -INFINITY);
        for (int64_t o = 0; o < pool->axes[0].output; o++) {
            for (int64_t p = 0; p < pool->axes[1].output; p++) {
                const int64_t at = (o * pool->axes[1].output + p) * outputs + first;
                int32_t *taken = indices + at;
                FN(take_rows)(pool, from, &s, o, p, row, to + at, taken);
                for (int64_t q = 0; q < count; q++) taken[q] += (int32_t)(s.shift + q * stride);
            }
        }
    }
}

INLINE void FN(maximum_pool)(
    const cv_pool *pool, const REAL *x, REAL *y, int32_t *indices, int64_t first, int64_t last) {
    const int isTwo = is_two_by_two(pool), hasStretches = FN(has_stretches)(pool);
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *from = x + plane * inputs_of(pool);
        REAL *to = y + plane * outputs_of(pool);
        int32_t *places = indices ? indices + plane * outputs_of(pool) : NULL;
        if (places && FN(notes_taken)(pool)) FN(maximum_plane_indices)(pool, from, to, places);
        else if (places || !hasStretches) FN(maximum_windows)(pool, from, to, places);
        else if (isTwo) FN(maximum_two)(pool, from, to);
        else FN(pool_plane)(pool, 1, from, to);
    }
}

INLINE void FN(average_pool)(const cv_pool *pool, const REAL *x, REAL *y, int64_t first, int64_t last) {
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *from = x + plane * inputs_of(pool);
        REAL *to = y + plane * outputs_of(pool);
        if (FN(has_stretches)(pool)) FN(pool_plane)(pool, 0, from, to);
        else FN(average_windows)(pool, from, to);
    }
}

// By the greatest element, so that no power overflows.
INLINE void FN(norm_pool)(
    const cv_pool *pool, int64_t order, const REAL *x, REAL *y, int64_t first, int64_t last) {
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *from = x + plane * inputs_of(pool);
        REAL *to = y + plane * outputs_of(pool);
        EACH_WINDOW(
            double largest = 0;
            EACH_ELEMENT(
                const double v = fabs((double)from[element]);
                largest = v > largest || v != v ? v : largest;
            )
            double sum = 0;
            // Zero, infinite or NaN, that is the norm.
            if (largest > 0 && largest < INFINITY) {
                EACH_ELEMENT(sum += power(fabs((double)from[element]) / largest, order);)
                sum = order == 1 ? sum : order == 2 ? sqrt(sum) : pow(sum, 1.0 / (double)order);
            } else {
                sum = 1;
            }
            to[at] = (REAL)(largest * sum);
        )
    }
}
