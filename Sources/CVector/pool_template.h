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

INLINE void FN(maximum_two)(const cv_pool *pool, const REAL *restrict from, REAL *restrict to) {
    for (int64_t p = 0; p < pool->p; p++) {
        const REAL *restrict a = from + 2 * p * pool->w, *restrict b = a + pool->w;
        REAL *restrict y = to + p * pool->q;
        int64_t q = 0;
        for (; q + 8 <= pool->q; q += 8) {
            FN(eight) m = FN(even)(a + 2 * q);
            const FN(eight) u = FN(odd)(a + 2 * q), v = FN(even)(b + 2 * q), w = FN(odd)(b + 2 * q);
            m = ((u > m) | (u != u)) ? u : m;
            m = ((v > m) | (v != v)) ? v : m;
            *(FN(eight) *)(y + q) = ((w > m) | (w != w)) ? w : m;
        }
        for (; q < pool->q; q++) {
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
        if (isTwo) {
            FN(maximum_two)(pool, from, to);
            continue;
        }
        for (int64_t p = 0; p < pool->p; p++) {
            for (int64_t q = 0; q < pool->q; q++) {
                const FN(window) window = FN(clip)(pool, p, q);
                REAL m = -INFINITY;
                for (int64_t i = window.top; i < window.bottom; i++) {
                    for (int64_t j = window.left; j < window.right; j++) {
                        const REAL v = from[i * pool->w + j];
                        m = v > m || v != v ? v : m;
                    }
                }
                to[p * pool->q + q] = m;
            }
        }
    }
}

INLINE void FN(maximum_two_gradient)(
    const cv_pool *pool, const REAL *restrict from, const REAL *restrict dy, REAL *restrict to) {
    for (int64_t p = 0; p < pool->p; p++) {
        const int64_t row = 2 * p * pool->w;
        int64_t q = 0;
        // The comparisons as masks of all ones or zeros.
        for (; q + 8 <= pool->q; q += 8) {
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
        for (; q < pool->q; q++) {
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

INLINE void FN(maximum_pool_gradient)(
    const cv_pool *pool, const REAL *x, const REAL *dy, REAL *dx, int64_t first, int64_t last) {
    const int isTwo = pool->rows == 2 && pool->columns == 2 && pool->row_stride == 2 && pool->column_stride == 2
        && pool->top == 0 && pool->left == 0 && 2 * pool->p <= pool->h && 2 * pool->q <= pool->w;
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *from = x + plane * pool->h * pool->w, *g = dy + plane * pool->p * pool->q;
        REAL *to = dx + plane * pool->h * pool->w;
        if (isTwo) {
            FN(maximum_two_gradient)(pool, from, g, to);
            continue;
        }
        memset(to, 0, (size_t)(pool->h * pool->w) * sizeof(REAL));
        for (int64_t p = 0; p < pool->p; p++) {
            for (int64_t q = 0; q < pool->q; q++) {
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
                to[best] += g[p * pool->q + q];
            }
        }
    }
}

INLINE REAL FN(divisor)(const cv_pool *pool, FN(window) window) {
    const int64_t inside = (window.bottom - window.top) * (window.right - window.left);
    return (REAL)(pool->counts_padding ? pool->rows * pool->columns : inside);
}

INLINE void FN(average_pool)(const cv_pool *pool, const REAL *x, REAL *y, int64_t first, int64_t last) {
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *from = x + plane * pool->h * pool->w;
        REAL *to = y + plane * pool->p * pool->q;
        for (int64_t p = 0; p < pool->p; p++) {
            for (int64_t q = 0; q < pool->q; q++) {
                const FN(window) window = FN(clip)(pool, p, q);
                REAL sum = 0;
                for (int64_t i = window.top; i < window.bottom; i++) {
                    for (int64_t j = window.left; j < window.right; j++) sum += from[i * pool->w + j];
                }
                to[p * pool->q + q] = sum / FN(divisor)(pool, window);
            }
        }
    }
}

INLINE void FN(average_pool_gradient)(const cv_pool *pool, const REAL *dy, REAL *dx, int64_t first, int64_t last) {
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *g = dy + plane * pool->p * pool->q;
        REAL *to = dx + plane * pool->h * pool->w;
        memset(to, 0, (size_t)(pool->h * pool->w) * sizeof(REAL));
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
