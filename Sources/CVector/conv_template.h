// Patches of images and depthwise convolution; conv.c includes this once for each type.

// Copies `count` elements, sixteen at a time for as long as `available` ones may be read; writes up to fifteen more.
INLINE void FN(copy_run)(const REAL *from, REAL *to, int64_t count, int64_t available) {
    int64_t i = 0;
    for (; i < count && i + LANES <= available; i += LANES) *(LANE_TYPE *)(to + i) = *(const LANE_TYPE *)(from + i);
    for (; i < count; i++) to[i] = from[i];
}

// Positions [first, first + count) of one row of the patch matrix: one channel and tap. What follows them in y, as far
// as fifteen elements, is overwritten too.
INLINE void FN(patch_row)(
    const cv_patches *s, const REAL *plane, int64_t tap, int64_t first, int64_t count, REAL *restrict y) {
    const int64_t rowOffset = s->row_offsets[tap], columnOffset = s->column_offsets[tap];
    int64_t u = first / s->grid_columns, v = first % s->grid_columns;
    // Columns of the grid whose source lies inside the image: 0 <= v * step + offset < w.
    const int64_t step = s->column_step;
    const int64_t low = columnOffset >= 0 ? 0 : (-columnOffset + step - 1) / step;
    const int64_t high = s->w - columnOffset <= 0 ? 0 : (s->w - columnOffset + step - 1) / step;
    while (count > 0) {
        const int64_t run = smaller(s->grid_columns - v, count), row = u * s->row_step + rowOffset;
        if (row < 0 || row >= s->h) {
            for (int64_t i = 0; i < run; i++) y[i] = 0;
        } else {
            const int64_t begin = smaller(larger(low - v, 0), run), end = larger(smaller(high - v, run), begin);
            const REAL *restrict from = plane + row * s->w + v * step + columnOffset;
            for (int64_t i = 0; i < begin; i++) y[i] = 0;
            if (step == 1) {
                if (end > begin) {
                    FN(copy_run)(from + begin, y + begin, end - begin, plane + s->h * s->w - (from + begin));
                }
            } else if (step == 2) {
                for (int64_t i = begin; i < end; i++) y[i] = from[2 * i];
            } else {
                for (int64_t i = begin; i < end; i++) y[i] = from[i * step];
            }
            for (int64_t i = end; i < run; i++) y[i] = 0;
        }
        y += run;
        count -= run;
        v = 0;
        u++;
    }
}

// The adjoint of patch_row: adds x to the elements that it would have read.
INLINE void FN(add_patch_row)(
    const cv_patches *s, REAL *plane, int64_t tap, int64_t first, int64_t count, const REAL *restrict x) {
    const int64_t rowOffset = s->row_offsets[tap], columnOffset = s->column_offsets[tap], step = s->column_step;
    const int64_t low = columnOffset >= 0 ? 0 : (-columnOffset + step - 1) / step;
    const int64_t high = s->w - columnOffset <= 0 ? 0 : (s->w - columnOffset + step - 1) / step;
    int64_t u = first / s->grid_columns, v = first % s->grid_columns;
    while (count > 0) {
        const int64_t run = smaller(s->grid_columns - v, count), row = u * s->row_step + rowOffset;
        if (row >= 0 && row < s->h) {
            const int64_t begin = smaller(larger(low - v, 0), run), end = larger(smaller(high - v, run), begin);
            REAL *restrict to = plane + row * s->w + v * step + columnOffset;
            if (step == 1) {
                for (int64_t i = begin; i < end; i++) to[i] += x[i];
            } else if (step == 2) {
                for (int64_t i = begin; i < end; i++) to[2 * i] += x[i];
            } else {
                for (int64_t i = begin; i < end; i++) to[i * step] += x[i];
            }
        }
        x += run;
        count -= run;
        v = 0;
        u++;
    }
}

INLINE void FN(add_patches)(
    const cv_patches *s, REAL *target, int64_t rows, int64_t first, int64_t count, const REAL *restrict x) {
    for (int64_t row = 0; row < rows; row++) {
        FN(add_patch_row)(s, target + row / s->taps * s->plane_stride, row % s->taps, first, count, x + row * count);
    }
}

INLINE void FN(patches)(
    const cv_patches *s, const REAL *source, int64_t firstRow, int64_t lastRow, int64_t first, int64_t count,
    int64_t width, REAL *restrict y) {
    enum { PIECE = 1024 };
    REAL buffer[PIECE + LANES];
    const int64_t rows = lastRow - firstRow;
    for (int64_t row = firstRow; row < lastRow; row++) {
        const REAL *plane = source + row / s->taps * s->plane_stride;
        REAL *target = y + (row - firstRow) * width;
        for (int64_t start = 0; start < count; start += PIECE) {
            const int64_t length = smaller(PIECE, count - start);
            FN(patch_row)(s, plane, row % s->taps, first + start, length, buffer);
            int64_t left = 0;
            if (width == 2 * LANES) {
                for (; left + width <= length; left += width, target += rows * width) {
                    *(LANE_TYPE *)target = *(const LANE_TYPE *)(buffer + left);
                    *(LANE_TYPE *)(target + LANES) = *(const LANE_TYPE *)(buffer + left + LANES);
                }
            }
            for (; left < length; left += width, target += rows * width) {
                const int64_t columns = smaller(width, length - left);
                memcpy(target, buffer + left, (size_t)columns * sizeof(REAL));
                for (int64_t i = columns; i < width; i++) target[i] = 0;
            }
        }
    }
}

// The output columns for which input column q * stride + offset exists.
INLINE void FN(valid)(int64_t offset, int64_t stride, int64_t extent, int64_t outputs, int64_t *first, int64_t *last) {
    *first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
    *last = extent - offset <= 0 ? 0 : smaller((extent - offset + stride - 1) / stride, outputs);
    if (*last < *first) *last = *first;
}

INLINE void FN(depthwise)(const cv_depthwise *s, const REAL *x, const REAL *w, REAL start, REAL *y) {
    for (int64_t p = 0; p < s->p; p++) {
        REAL *restrict to = y + p * s->q;
        for (int64_t q = 0; q < s->q; q++) to[q] = start;
        for (int64_t r = 0; r < s->r; r++) {
            const int64_t row = p * s->row_stride + r * s->row_dilation - s->top;
            if (row < 0 || row >= s->h) continue;
            for (int64_t c = 0; c < s->s; c++) {
                const int64_t offset = c * s->column_dilation - s->left;
                int64_t first, last;
                FN(valid)(offset, s->column_stride, s->w, s->q, &first, &last);
                const REAL factor = w[r * s->s + c];
                const REAL *restrict from = x + row * s->w + offset;
                if (s->column_stride == 1) {
                    for (int64_t q = first; q < last; q++) to[q] += factor * from[q];
                } else {
                    for (int64_t q = first; q < last; q++) to[q] += factor * from[q * s->column_stride];
                }
            }
        }
    }
}

// Adds to dx.
INLINE void FN(depthwise_input)(const cv_depthwise *s, const REAL *w, const REAL *dy, REAL *dx) {
    for (int64_t p = 0; p < s->p; p++) {
        const REAL *restrict from = dy + p * s->q;
        for (int64_t r = 0; r < s->r; r++) {
            const int64_t row = p * s->row_stride + r * s->row_dilation - s->top;
            if (row < 0 || row >= s->h) continue;
            for (int64_t c = 0; c < s->s; c++) {
                const int64_t offset = c * s->column_dilation - s->left;
                int64_t first, last;
                FN(valid)(offset, s->column_stride, s->w, s->q, &first, &last);
                const REAL factor = w[r * s->s + c];
                REAL *restrict to = dx + row * s->w + offset;
                if (s->column_stride == 1) {
                    for (int64_t q = first; q < last; q++) to[q] += factor * from[q];
                } else {
                    for (int64_t q = first; q < last; q++) to[q * s->column_stride] += factor * from[q];
                }
            }
        }
    }
}

// Adds to totals [r, s].
INLINE void FN(depthwise_weight)(const cv_depthwise *s, const REAL *x, const REAL *dy, double *totals) {
    for (int64_t r = 0; r < s->r; r++) {
        for (int64_t c = 0; c < s->s; c++) {
            const int64_t offset = c * s->column_dilation - s->left;
            int64_t first, last;
            FN(valid)(offset, s->column_stride, s->w, s->q, &first, &last);
            double total = 0;
            lanes_f64 sums = 0;
            LANE_TYPE lanes = 0;
            for (int64_t p = 0; p < s->p; p++) {
                if (p % 8 == 0) {
                    sums += __builtin_convertvector(lanes, lanes_f64);
                    lanes = 0;
                }
                const int64_t row = p * s->row_stride + r * s->row_dilation - s->top;
                if (row < 0 || row >= s->h) continue;
                const REAL *from = x + row * s->w + offset, *g = dy + p * s->q;
                REAL rest = 0;
                int64_t q = first;
                if (s->column_stride == 1) {
                    for (; q + LANES <= last; q += LANES) {
                        lanes += *(const LANE_TYPE *)(from + q) * *(const LANE_TYPE *)(g + q);
                    }
                }
                for (; q < last; q++) rest += from[q * s->column_stride] * g[q];
                total += (double)rest;
            }
            totals[r * s->s + c] += total + FN(lanes_total)(sums + __builtin_convertvector(lanes, lanes_f64));
        }
    }
}
