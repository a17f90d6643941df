// Reductions of [outer, reduced, inner]; reduce.c includes this once for each type.

// y[outer] for inner = 1.
INLINE void FN(reduce_rows)(
    cv_reduction reduction, const REAL *x, REAL *y, int64_t first, int64_t last, int64_t reduced) {
    for (int64_t row = first; row < last; row++) {
        const REAL *from = x + row * reduced;
        switch (reduction) {
        case CV_SUM: y[row] = (REAL)FN(sum)(from, reduced); break;
        case CV_MEAN: y[row] = (REAL)(FN(sum)(from, reduced) / (double)reduced); break;
        case CV_LEAST: y[row] = FN(minimum)(from, reduced); break;
        case CV_GREATEST: y[row] = FN(maximum)(from, reduced); break;
        }
    }
}

// Columns [first, last) of one [reduced, inner] matrix into y[inner], over its rows [start, end). Rows add up in
// blocks of a few dozen, and the blocks in turn: the error grows with the root of their number.
INLINE void FN(reduce_columns)(
    cv_reduction reduction, const REAL *restrict x, REAL *restrict y, int64_t start, int64_t end, int64_t inner,
    int64_t first, int64_t last) {
    enum { WIDTH = 256, HEIGHT = 64 };
    REAL part[WIDTH];
    for (int64_t column = first; column < last; column += WIDTH) {
        const int64_t width = smaller(WIDTH, last - column);
        if (reduction == CV_SUM || reduction == CV_MEAN) {
            double total[WIDTH] = {0};
            for (int64_t top = start; top < end; top += HEIGHT) {
                const int64_t bottom = smaller(top + HEIGHT, end);
                memset(part, 0, sizeof part);
                int64_t row = top;
                for (; row + 4 <= bottom; row += 4) {
                    const REAL *a = x + row * inner + column, *b = a + inner, *c = b + inner, *d = c + inner;
                    for (int64_t i = 0; i < width; i++) part[i] += (a[i] + b[i]) + (c[i] + d[i]);
                }
                for (; row < bottom; row++) {
                    const REAL *a = x + row * inner + column;
                    for (int64_t i = 0; i < width; i++) part[i] += a[i];
                }
                for (int64_t i = 0; i < width; i++) total[i] += (double)part[i];
            }
            for (int64_t i = 0; i < width; i++) y[column + i] = (REAL)total[i];
        } else {
            for (int64_t i = 0; i < width; i++) part[i] = x[start * inner + column + i];
            for (int64_t row = start + 1; row < end; row++) {
                const REAL *a = x + row * inner + column;
                if (reduction == CV_GREATEST) {
                    for (int64_t i = 0; i < width; i++) part[i] = a[i] > part[i] || a[i] != a[i] ? a[i] : part[i];
                } else {
                    for (int64_t i = 0; i < width; i++) part[i] = a[i] < part[i] || a[i] != a[i] ? a[i] : part[i];
                }
            }
            for (int64_t i = 0; i < width; i++) y[column + i] = part[i];
        }
        if (reduction == CV_MEAN) {
            for (int64_t i = 0; i < width; i++) y[column + i] /= (REAL)(end - start);
        }
    }
}

INLINE void FN(arg_maximum)(const REAL *x, int32_t *y, int64_t first, int64_t last, int64_t columns) {
    for (int64_t row = first; row < last; row++) {
        const REAL *from = x + row * columns;
        const REAL m = FN(maximum)(from, columns);
        int64_t index = 0;
        while (index < columns - 1 && !(m == from[index] || (m != m && from[index] != from[index]))) index++;
        y[row] = (int32_t)index;
    }
}
