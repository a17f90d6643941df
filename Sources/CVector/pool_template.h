// Pooling of planes [first, last) of x [planes, h, w]; pool.c includes this once for each type.

typedef struct {
    int64_t top, bottom, left, right;
} FN(window);

// The part of window (p, q) inside the input.
INLINE FN(window) FN(clip)(const cv_pool *pool, int64_t p, int64_t q) {
    const int64_t row = p * pool->row_stride - pool->top, column = q * pool->column_stride - pool->left;
    return (FN(window)){
        larger(row, 0), smaller(row + pool->rows, pool->h), larger(column, 0), smaller(column + pool->columns, pool->w)};
}

INLINE REAL FN(divisor)(const cv_pool *pool, FN(window) window) {
    const int64_t inside = (window.bottom - window.top) * (window.right - window.left);
    return (REAL)(pool->counts_padding ? pool->rows * pool->columns : inside);
}

// NaN wins over every number.
INLINE REAL FN(combined)(int is_maximum, REAL a, REAL b) { return !is_maximum ? a + b : b > a || b != b ? b : a; }

// Columns `begin` to `end` of a plane are what the windows [first, first + count) of a row of outputs reach inside it; they
// lie `shift` further to the left in a row of SPAN elements with padding around them.
enum { FN(SPAN) = 1024 };
typedef struct {
    int64_t first, count, shift, span, begin, end;
} FN(stretch);

INLINE FN(stretch) FN(stretch_from)(const cv_pool *pool, int64_t first) {
    FN(stretch) s = {.first = first, .shift = first * pool->column_stride - pool->left};
    s.count = smaller((FN(SPAN) - pool->columns) / pool->column_stride + 1, pool->q - first);
    s.span = (s.count - 1) * pool->column_stride + pool->columns;
    s.begin = smaller(larger(s.shift, 0), pool->w);
    s.end = larger(smaller(s.shift + s.span, pool->w), s.begin);
    return s;
}

INLINE void FN(pad)(REAL *row, const FN(stretch) *s, REAL padding) {
    for (int64_t c = 0; c < s->begin - s->shift; c++) row[c] = padding;
    for (int64_t c = s->end - s->shift; c < s->span; c++) row[c] = padding;
}

// The columns of windows `stride` apart in a padded row, combined.
INLINE void FN(fold_columns)(
    int is_maximum, const REAL *restrict row, REAL *restrict y, int64_t count, int64_t columns, int64_t stride) {
    for (int64_t q = 0; q < count; q++) y[q] = row[q * stride];
    for (int64_t j = 1; j < columns; j++) {
        for (int64_t q = 0; q < count; q++) y[q] = FN(combined)(is_maximum, y[q], row[q * stride + j]);
    }
}

// The outputs or cotangents of windows [first, first + count) of row p by what each window is divided by.
INLINE void FN(divide)(const cv_pool *pool, int64_t p, int64_t first, int64_t count, const REAL *x, REAL *y) {
    if (pool->counts_padding) {
        const REAL divisor = (REAL)(pool->rows * pool->columns);
        for (int64_t q = 0; q < count; q++) y[q] = x[q] / divisor;
    } else {
        for (int64_t q = 0; q < count; q++) y[q] = x[q] / FN(divisor)(pool, FN(clip)(pool, p, first + q));
    }
}

// Pooling of any window: rows are combined first, then columns, both along rows of memory.
INLINE void FN(pool_plane)(const cv_pool *pool, int is_maximum, const REAL *from, REAL *to) {
    REAL row[FN(SPAN)];
    for (int64_t first = 0, count; first < pool->q; first += count) {
        const FN(stretch) s = FN(stretch_from)(pool, first);
        count = s.count;
        FN(pad)(row, &s, is_maximum ? -INFINITY : 0);
        for (int64_t p = 0; p < pool->p; p++) {
            const FN(window) window = FN(clip)(pool, p, 0);
            REAL *restrict inside = row + s.begin - s.shift, *y = to + p * pool->q + first;
            const REAL *restrict x = from + window.top * pool->w + s.begin;
            for (int64_t c = 0; c < s.end - s.begin; c++) inside[c] = x[c];
            for (int64_t i = window.top + 1; i < window.bottom; i++) {
                x += pool->w;
                for (int64_t c = 0; c < s.end - s.begin; c++) inside[c] = FN(combined)(is_maximum, inside[c], x[c]);
            }
            if (pool->column_stride == 1) FN(fold_columns)(is_maximum, row, y, count, pool->columns, 1);
            else if (pool->column_stride == 2) FN(fold_columns)(is_maximum, row, y, count, pool->columns, 2);
            else FN(fold_columns)(is_maximum, row, y, count, pool->columns, pool->column_stride);
            if (!is_maximum) FN(divide)(pool, p, first, count, y, y);
        }
    }
}

// The same of windows too wide for a row of SPAN, one by one.
INLINE void FN(pool_wide_plane)(const cv_pool *pool, int is_maximum, const REAL *from, REAL *to) {
    for (int64_t p = 0; p < pool->p; p++) {
        for (int64_t q = 0; q < pool->q; q++) {
            const FN(window) window = FN(clip)(pool, p, q);
            REAL result = is_maximum ? -INFINITY : 0;
            for (int64_t i = window.top; i < window.bottom; i++) {
                for (int64_t j = window.left; j < window.right; j++) {
                    result = FN(combined)(is_maximum, result, from[i * pool->w + j]);
                }
            }
            to[p * pool->q + q] = is_maximum ? result : result / FN(divisor)(pool, window);
        }
    }
}

// Two by two with stride 2 and no padding, the commonest pooling: eight windows at a time, their even and odd columns
// taken apart and put together again by shuffles.
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

INLINE void FN(maximum_two)(const cv_pool *pool, const REAL *from, REAL *to) {
    for (int64_t p = 0; p < pool->p; p++) {
        const REAL *a = from + 2 * p * pool->w, *b = a + pool->w;
        REAL *y = to + p * pool->q;
        int64_t q = 0;
        // The last two vectors of a row may overlap.
        for (int64_t next = 0; next < pool->q && pool->q >= 8; next += 8) {
            q = smaller(next, pool->q - 8);
            FN(eight) m = FN(even)(a + 2 * q);
            const FN(eight) u = FN(odd)(a + 2 * q), v = FN(even)(b + 2 * q), w = FN(odd)(b + 2 * q);
            m = ((u > m) | (u != u)) ? u : m;
            m = ((v > m) | (v != v)) ? v : m;
            *(FN(eight) *)(y + q) = ((w > m) | (w != w)) ? w : m;
        }
        for (q = pool->q >= 8 ? pool->q : 0; q < pool->q; q++) {
            REAL m = a[2 * q];
            const REAL u = a[2 * q + 1], v = b[2 * q], w = b[2 * q + 1];
            m = ((u > m) | (u != u)) ? u : m;
            m = ((v > m) | (v != v)) ? v : m;
            y[q] = ((w > m) | (w != w)) ? w : m;
        }
    }
}

INLINE void FN(maximum_pool)(const cv_pool *pool, const REAL *x, REAL *y, int64_t first, int64_t last) {
    const int isTwo = pool->rows == 2 && pool->columns == 2 && pool->row_stride == 2 && pool->column_stride == 2
        && pool->top == 0 && pool->left == 0 && 2 * pool->p <= pool->h && 2 * pool->q <= pool->w;
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *from = x + plane * pool->h * pool->w;
        REAL *to = y + plane * pool->p * pool->q;
        if (isTwo) FN(maximum_two)(pool, from, to);
        else if (pool->columns <= FN(SPAN)) FN(pool_plane)(pool, 1, from, to);
        else FN(pool_wide_plane)(pool, 1, from, to);
    }
}

INLINE void FN(maximum_two_gradient)(
    const cv_pool *pool, const REAL *restrict from, const REAL *restrict dy, REAL *restrict to) {
    for (int64_t p = 0; p < pool->p; p++) {
        const int64_t row = 2 * p * pool->w;
        int64_t q = 0;
        // The comparisons as masks of all ones or zeros. The last two vectors of a row may overlap.
        for (int64_t next = 0; next < pool->q && pool->q >= 8; next += 8) {
            q = smaller(next, pool->q - 8);
            const REAL *top = from + row + 2 * q, *bottom = top + pool->w;
            const FN(eight) a = FN(even)(top), u = FN(odd)(top), v = FN(even)(bottom), w = FN(odd)(bottom);
            const FN(eight) g = *(const FN(eight) *)(dy + p * pool->q + q), none = 0;
            FN(eight) m = a;
            const __typeof__(a > u) isU = (u > m) | ((u != u) & (m == m));
            m = isU ? u : m;
            const __typeof__(a > u) isV = (v > m) | ((v != v) & (m == m));
            m = isV ? v : m;
            const __typeof__(a > u) isW = (w > m) | ((w != w) & (m == m));
            FN(interleave)((isU | isV | isW) ? none : g, (isU & ~isV & ~isW) ? g : none, to + row + 2 * q);
            FN(interleave)((isV & ~isW) ? g : none, isW ? g : none, to + row + pool->w + 2 * q);
        }
        for (q = pool->q >= 8 ? pool->q : 0; q < pool->q; q++) {
            const int64_t i = row + 2 * q;
            const REAL a = from[i], u = from[i + 1], v = from[i + pool->w], w = from[i + pool->w + 1];
            const REAL g = dy[p * pool->q + q];
            // The first to be the maximum wins, the first NaN over all.
            REAL m = a;
            const int isU = (u > m) | ((u != u) & (m == m));
            m = (isU) ? u : m;
            const int isV = (v > m) | ((v != v) & (m == m));
            m = (isV) ? v : m;
            const int isW = (w > m) | ((w != w) & (m == m));
            to[i] = (!isU & !isV & !isW) ? g : 0;
            to[i + 1] = (isU & !isV & !isW) ? g : 0;
            to[i + pool->w] = (isV & !isW) ? g : 0;
            to[i + pool->w + 1] = (isW) ? g : 0;
        }
        for (int64_t j = 2 * pool->q; j < pool->w; j++) to[row + j] = to[row + pool->w + j] = 0;
    }
    for (int64_t i = 2 * pool->p * pool->w; i < pool->h * pool->w; i++) to[i] = 0;
}

// The element of the plane that window (p, q) takes: the first maximum in row-major order, the first NaN over all.
INLINE int64_t FN(taken)(const cv_pool *pool, const REAL *from, int64_t p, int64_t q) {
    const FN(window) window = FN(clip)(pool, p, q);
    int64_t best = window.top * pool->w + window.left;
    REAL m = -INFINITY;
    for (int64_t i = window.top; i < window.bottom; i++) {
        for (int64_t j = window.left; j < window.right; j++) {
            const REAL v = from[i * pool->w + j];
            if (v > m || (v != v && m == m)) {
                m = v;
                best = i * pool->w + j;
            }
        }
    }
    return best;
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

// Windows of any size that lie 1 or 2 columns apart; further apart, one by one is faster.
INLINE void FN(maximum_plane_gradient)(const cv_pool *pool, const REAL *from, const REAL *g, REAL *to) {
    REAL row[FN(SPAN)], m[FN(SPAN)];
    int32_t taken[FN(SPAN)];
    for (int64_t first = 0, count; first < pool->q; first += count) {
        const FN(stretch) s = FN(stretch_from)(pool, first);
        count = s.count;
        FN(pad)(row, &s, -INFINITY);
        for (int64_t p = 0; p < pool->p; p++) {
            const FN(window) window = FN(clip)(pool, p, 0);
            // Places within a window, from its first column; at first the first that is inside the plane.
            for (int64_t q = 0; q < count; q++) {
                m[q] = -INFINITY;
                taken[q] = (int32_t)larger(pool->left - (first + q) * pool->column_stride, 0);
            }
            for (int64_t i = window.top; i < window.bottom; i++) {
                memcpy(
                    row + s.begin - s.shift, from + i * pool->w + s.begin, (size_t)(s.end - s.begin) * sizeof(REAL));
                for (int64_t j = 0; j < pool->columns; j++) {
                    const int32_t element = (int32_t)((i - window.top) * pool->w + j);
                    if (pool->column_stride == 1) FN(note_taken)(row, m, taken, count, 1, j, element);
                    else FN(note_taken)(row, m, taken, count, 2, j, element);
                }
            }
            REAL *corner = to + window.top * pool->w + s.shift;
            const REAL *dy = g + p * pool->q + first;
            for (int64_t q = 0; q < count; q++) corner[q * pool->column_stride + taken[q]] += dy[q];
        }
    }
}

INLINE void FN(maximum_pool_gradient)(
    const cv_pool *pool, const REAL *x, const REAL *dy, REAL *dx, int64_t first, int64_t last) {
    const int isTwo = pool->rows == 2 && pool->columns == 2 && pool->row_stride == 2 && pool->column_stride == 2
        && pool->top == 0 && pool->left == 0 && 2 * pool->p <= pool->h && 2 * pool->q <= pool->w;
    const int isDense = pool->column_stride <= 2 && pool->columns <= FN(SPAN) && pool->rows * pool->w <= INT32_MAX;
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *from = x + plane * pool->h * pool->w, *g = dy + plane * pool->p * pool->q;
        REAL *to = dx + plane * pool->h * pool->w;
        if (isTwo) {
            FN(maximum_two_gradient)(pool, from, g, to);
            continue;
        }
        memset(to, 0, (size_t)(pool->h * pool->w) * sizeof(REAL));
        if (isDense) {
            FN(maximum_plane_gradient)(pool, from, g, to);
            continue;
        }
        for (int64_t p = 0; p < pool->p; p++) {
            for (int64_t q = 0; q < pool->q; q++) to[FN(taken)(pool, from, p, q)] += g[p * pool->q + q];
        }
    }
}

INLINE void FN(average_pool)(const cv_pool *pool, const REAL *x, REAL *y, int64_t first, int64_t last) {
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *from = x + plane * pool->h * pool->w;
        REAL *to = y + plane * pool->p * pool->q;
        if (pool->columns <= FN(SPAN)) FN(pool_plane)(pool, 0, from, to);
        else FN(pool_wide_plane)(pool, 0, from, to);
    }
}

// The opposite of FN(fold_columns).
INLINE void FN(spread_columns)(
    const REAL *restrict share, REAL *restrict row, int64_t count, int64_t columns, int64_t stride) {
    for (int64_t j = 0; j < columns; j++) {
        for (int64_t q = 0; q < count; q++) row[q * stride + j] += share[q];
    }
}

INLINE void FN(average_plane_gradient)(const cv_pool *pool, const REAL *g, REAL *to) {
    REAL row[FN(SPAN)], share[FN(SPAN)];
    for (int64_t first = 0, count; first < pool->q; first += count) {
        const FN(stretch) s = FN(stretch_from)(pool, first);
        count = s.count;
        for (int64_t p = 0; p < pool->p; p++) {
            const FN(window) window = FN(clip)(pool, p, 0);
            FN(divide)(pool, p, first, count, g + p * pool->q + first, share);
            memset(row, 0, (size_t)s.span * sizeof(REAL));
            if (pool->column_stride == 1) FN(spread_columns)(share, row, count, pool->columns, 1);
            else if (pool->column_stride == 2) FN(spread_columns)(share, row, count, pool->columns, 2);
            else FN(spread_columns)(share, row, count, pool->columns, pool->column_stride);
            for (int64_t i = window.top; i < window.bottom; i++) {
                const REAL *restrict inside = row + s.begin - s.shift;
                REAL *restrict x = to + i * pool->w + s.begin;
                for (int64_t c = 0; c < s.end - s.begin; c++) x[c] += inside[c];
            }
        }
    }
}

INLINE void FN(average_pool_gradient)(const cv_pool *pool, const REAL *dy, REAL *dx, int64_t first, int64_t last) {
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *g = dy + plane * pool->p * pool->q;
        REAL *to = dx + plane * pool->h * pool->w;
        memset(to, 0, (size_t)(pool->h * pool->w) * sizeof(REAL));
        if (pool->columns <= FN(SPAN)) {
            FN(average_plane_gradient)(pool, g, to);
            continue;
        }
        for (int64_t p = 0; p < pool->p; p++) {
            for (int64_t q = 0; q < pool->q; q++) {
                const FN(window) window = FN(clip)(pool, p, q);
                const REAL share = g[p * pool->q + q] / FN(divisor)(pool, window);
                for (int64_t i = window.top; i < window.bottom; i++) {
                    for (int64_t j = window.left; j < window.right; j++) to[i * pool->w + j] += share;
                }
            }
        }
    }
}
