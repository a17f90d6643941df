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
        case CV_PRODUCT: y[row] = FN(product)(from, reduced); break;
        }
    }
}

// `height` rows of columns [column, column + width), from `row` on, and how far apart they lie: in x, or evaluated into
// the panel of a program's matrix.
INLINE const REAL *FN(rows_of)(
    const REAL *x, const cv_program_matrix *made, int64_t row, int64_t height, int64_t column, int64_t width,
    int64_t inner, int64_t *stride) {
    *stride = made ? width : inner;
    if (!made) return x + row * inner + column;
    REAL *panel = made->panel;
    const int64_t begin = made->first + row * inner + column;
    if (width == inner) {
        void *const results[] = {panel};
        cv_run_program(made->program, made->operands, results, begin, height * width, made->scratch);
    } else {
        for (int64_t i = 0; i < height; i++) {
            void *const results[] = {panel + i * width};
            cv_run_program(made->program, made->operands, results, begin + i * inner, width, made->scratch);
        }
    }
    return panel;
}

// Columns [first, last) of one [reduced, inner] matrix into y[inner], over its rows [start, end). Rows add up in
// blocks of a few dozen, and the blocks in turn: the error grows with the root of their number. The matrix is x, or
// `made` where x is null.
INLINE void FN(reduce_columns)(
    cv_reduction reduction, const REAL *restrict x, const cv_program_matrix *made, REAL *restrict y, int64_t start,
    int64_t end, int64_t inner, int64_t first, int64_t last) {
    // A program is run along the columns, and so over more of them at once.
    enum { WIDTH = 256, WIDEST = 4096, HEIGHT = 64 };
    REAL part[WIDEST];
    const int64_t step = made ? WIDEST : WIDTH;
    for (int64_t column = first; column < last; column += step) {
        const int64_t width = smaller(step, last - column);
        // A multiple of four, so that the rows are added in the same fours however many are evaluated at once.
        const int64_t strip = made ? smaller(HEIGHT, CV_PANEL / width / 4 * 4) : HEIGHT;
        int64_t stride;
        if (reduction == CV_SUM || reduction == CV_MEAN) {
            double total[WIDEST];
            for (int64_t i = 0; i < width; i++) total[i] = 0;
            for (int64_t top = start; top < end; top += HEIGHT) {
                const int64_t bottom = smaller(top + HEIGHT, end);
                for (int64_t i = 0; i < width; i++) part[i] = 0;
                for (int64_t row = top; row < bottom; row += strip) {
                    const int64_t height = smaller(strip, bottom - row);
                    const REAL *a = FN(rows_of)(x, made, row, height, column, width, inner, &stride);
                    int64_t done = 0;
                    for (; done + 4 <= height; done += 4, a += 4 * stride) {
                        const REAL *b = a + stride, *c = b + stride, *d = c + stride;
                        for (int64_t i = 0; i < width; i++) part[i] += (a[i] + b[i]) + (c[i] + d[i]);
                    }
                    for (; done < height; done++, a += stride) {
                        for (int64_t i = 0; i < width; i++) part[i] += a[i];
                    }
                }
                for (int64_t i = 0; i < width; i++) total[i] += (double)part[i];
            }
            for (int64_t i = 0; i < width; i++) y[column + i] = (REAL)total[i];
        } else {
            double product[WIDEST];
            for (int64_t i = 0; reduction == CV_PRODUCT && i < width; i++) product[i] = 1;
            for (int64_t row = start; row < end; row += strip) {
                const int64_t height = smaller(strip, end - row);
                const REAL *a = FN(rows_of)(x, made, row, height, column, width, inner, &stride);
                for (int64_t done = 0; done < height; done++, a += stride) {
                    if (reduction == CV_PRODUCT) {
                        for (int64_t i = 0; i < width; i++) product[i] *= (double)a[i];
                    } else if (row + done == start) {
                        for (int64_t i = 0; i < width; i++) part[i] = a[i];
                    } else if (reduction == CV_GREATEST) {
                        for (int64_t i = 0; i < width; i++) part[i] = a[i] > part[i] || a[i] != a[i] ? a[i] : part[i];
                    } else {
                        for (int64_t i = 0; i < width; i++) part[i] = a[i] < part[i] || a[i] != a[i] ? a[i] : part[i];
                    }
                }
            }
            for (int64_t i = 0; i < width; i++)
                y[column + i] = reduction == CV_PRODUCT ? (REAL)product[i] : part[i];
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
