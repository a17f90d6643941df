// The gradients of pooling, over planes [first, last); pool.c includes this after pool_template.h, once for each type.

INLINE void FN(maximum_two_gradient)(
    const cv_pool *pool, const REAL *restrict from, const REAL *restrict dy, REAL *restrict to) {
    const int64_t width = pool->axes[2].input, count = pool->axes[2].output;
    const int64_t rows = pool->axes[1].output;
    for (int64_t p = 0; p < rows; p++) {
        const int64_t row = 2 * p * width;
        int64_t q = 0;
        // The comparisons as masks of all ones or zeros. The last two vectors of a row may overlap.
        for (int64_t next = 0; next < count && count >= 8; next += 8) {
            q = smaller(next, count - 8);
            const REAL *top = from + row + 2 * q, *bottom = top + width;
            const FN(eight) a = FN(even)(top), u = FN(odd)(top), v = FN(even)(bottom), w = FN(odd)(bottom);
            const FN(eight) g = *(const FN(eight) *)(dy + p * count + q), none = 0;
            FN(eight) m = a;
            const __typeof__(a > u) isU = (u > m) | ((u != u) & (m == m));
            m = isU ? u : m;
            const __typeof__(a > u) isV = (v > m) | ((v != v) & (m == m));
            m = isV ? v : m;
            const __typeof__(a > u) isW = (w > m) | ((w != w) & (m == m));
            FN(interleave)((isU | isV | isW) ? none : g, (isU & ~isV & ~isW) ? g : none, to + row + 2 * q);
            FN(interleave)((isV & ~isW) ? g : none, isW ? g : none, to + row + width + 2 * q);
        }
        for (q = count >= 8 ? count : 0; q < count; q++) {
            const int64_t i = row + 2 * q;
            const REAL a = from[i], u = from[i + 1], v = from[i + width], w = from[i + width + 1];
            const REAL g = dy[p * count + q];
            // The first to be the maximum wins, the first NaN over all.
            REAL m = a;
            const int isU = (u > m) | ((u != u) & (m == m));
            m = (isU) ? u : m;
            const int isV = (v > m) | ((v != v) & (m == m));
            m = (isV) ? v : m;
            const int isW = (w > m) | ((w != w) & (m == m));
            to[i] = (!isU & !isV & !isW) ? g : 0;
            to[i + 1] = (isU & !isV & !isW) ? g : 0;
            to[i + width] = (isV & !isW) ? g : 0;
            to[i + width + 1] = (isW) ? g : 0;
        }
        for (int64_t j = 2 * count; j < width; j++) to[row + j] = to[row + width + j] = 0;
    }
    for (int64_t i = 2 * rows * width; i < pool->axes[1].input * width; i++) to[i] = 0;
}

INLINE void FN(maximum_plane_gradient)(const cv_pool *pool, const REAL *from, const REAL *g, REAL *to) {
    REAL row[FN(SPAN)], m[FN(SPAN)];
    int32_t taken[FN(SPAN)];
    const int64_t outputs = pool->axes[2].output, stride = pool->axes[2].stride;
    for (int64_t first = 0, count; first < outputs; first += count) {
        const FN(stretch) s = FN(stretch_from)(pool, first);
        count = s.count;
        FN(pad)(row, &s, -INFINITY);
        for (int64_t o = 0; o < pool->axes[0].output; o++) {
            for (int64_t p = 0; p < pool->axes[1].output; p++) {
                FN(take_rows)(pool, from, &s, o, p, row, m, taken);
                const REAL *dy = g + (o * pool->axes[1].output + p) * outputs + first;
                for (int64_t q = 0; q < count; q++) to[s.shift + q * stride + taken[q]] += dy[q];
            }
        }
    }
}

INLINE void FN(maximum_windows_gradient)(const cv_pool *pool, const REAL *from, const REAL *g, REAL *to) {
    EACH_WINDOW(
        REAL m;
        const int64_t best = FN(first_maximum)(pool, from, planes, rows, columns, &m);
        to[best] += g[at];
    )
}

INLINE void FN(maximum_pool_gradient)(
    const cv_pool *pool, const REAL *x, const REAL *dy, REAL *dx, int64_t first, int64_t last) {
    const int isTwo = is_two_by_two(pool), notesTaken = FN(notes_taken)(pool);
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *from = x + plane * inputs_of(pool), *g = dy + plane * outputs_of(pool);
        REAL *to = dx + plane * inputs_of(pool);
        if (isTwo) {
            FN(maximum_two_gradient)(pool, from, g, to);
            continue;
        }
        memset(to, 0, (size_t)inputs_of(pool) * sizeof(REAL));
        if (notesTaken) FN(maximum_plane_gradient)(pool, from, g, to);
        else FN(maximum_windows_gradient)(pool, from, g, to);
    }
}

// The opposite of FN(fold_columns).
INLINE void FN(spread_columns)(
    const REAL *restrict share, REAL *restrict row, int64_t count, int64_t columns, int64_t dilation, int64_t stride) {
    for (int64_t j = 0; j < columns; j++) {
        for (int64_t q = 0; q < count; q++) row[q * stride + j * dilation] += share[q];
    }
}

INLINE void FN(average_plane_gradient)(const cv_pool *pool, const REAL *g, REAL *to) {
    REAL row[FN(SPAN)], share[FN(SPAN)];
    const cv_pool_axis *columns = &pool->axes[2];
    const int64_t height = pool->axes[1].output, step = columns->dilation;
    for (int64_t first = 0, count; first < columns->output; first += count) {
        const FN(stretch) s = FN(stretch_from)(pool, first);
        count = s.count;
        for (int64_t o = 0; o < pool->axes[0].output; o++) {
            const taps planes = taps_of(pool, 0, o);
            for (int64_t p = 0; p < height; p++) {
                const taps rows = taps_of(pool, 1, p);
                FN(divide)(pool, o, p, first, count, g + (o * height + p) * columns->output + first, share);
                memset(row, 0, (size_t)s.span * sizeof(REAL));
                if (columns->stride == 1) FN(spread_columns)(share, row, count, columns->window, step, 1);
                else if (columns->stride == 2) FN(spread_columns)(share, row, count, columns->window, step, 2);
                else FN(spread_columns)(share, row, count, columns->window, step, columns->stride);
                for (int64_t t = 0; t < planes.count; t++) {
                    for (int64_t i = 0; i < rows.count; i++) {
                        const REAL *restrict inside = row + s.begin - s.shift;
                        REAL *restrict x = to + row_of(pool, planes, t, rows, i) + s.begin;
                        for (int64_t c = 0; c < s.end - s.begin; c++) x[c] += inside[c];
                    }
                }
            }
        }
    }
}

INLINE void FN(average_pool_gradient)(const cv_pool *pool, const REAL *dy, REAL *dx, int64_t first, int64_t last) {
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *g = dy + plane * outputs_of(pool);
        REAL *to = dx + plane * inputs_of(pool);
        memset(to, 0, (size_t)inputs_of(pool) * sizeof(REAL));
        if (FN(has_stretches)(pool)) {
            FN(average_plane_gradient)(pool, g, to);
            continue;
        }
        EACH_WINDOW(
            const REAL share = g[at] / FN(divisor)(pool, o, p, q);
            EACH_ELEMENT(to[element] += share;)
        )
    }
}

INLINE void FN(norm_pool_gradient)(
    const cv_pool *pool, int64_t order, const REAL *x, const REAL *y, const REAL *dy, REAL *dx, int64_t first,
    int64_t last) {
    for (int64_t plane = first; plane < last; plane++) {
        const REAL *from = x + plane * inputs_of(pool), *g = dy + plane * outputs_of(pool);
        const REAL *norms = y + plane * outputs_of(pool);
        REAL *to = dx + plane * inputs_of(pool);
        memset(to, 0, (size_t)inputs_of(pool) * sizeof(REAL));
        EACH_WINDOW(
            const double norm = norms[at];
            if (norm == 0) continue;
            EACH_ELEMENT(
                const double v = from[element];
                to[element] += (REAL)(g[at] * ((v > 0) - (v < 0)) * power(fabs(v) / norm, order - 1));
            )
        )
    }
}
