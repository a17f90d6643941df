// Weighted sums of slices, and of the elements of rows; interpolate.c includes this once for each type.

// to[i] = Σ weights[t] · from[places[t] · inner + i], SUM_BLOCK terms at a time.
INLINE void FN(add_slices)(
    const REAL *restrict from, const int32_t *restrict places, const REAL *restrict weights, int64_t terms,
    REAL *restrict to, int64_t inner) {
    enum { STRIP = 256 };
    REAL sum[STRIP];
    double total[STRIP];
    for (int64_t left = 0; left < inner; left += STRIP) {
        const int64_t width = smaller(STRIP, inner - left);
        const int isLong = terms > SUM_BLOCK;
        for (int64_t first = 0; first < terms; first += SUM_BLOCK) {
            const int64_t last = smaller(first + SUM_BLOCK, terms);
            for (int64_t t = first; t < last; t++) {
                const REAL *restrict a = from + places[t] * inner + left;
                const REAL w = weights[t];
                if (t == first)
                    for (int64_t i = 0; i < width; i++) sum[i] = w * a[i];
                else
                    for (int64_t i = 0; i < width; i++) sum[i] += w * a[i];
            }
            if (!isLong) continue;
            if (first == 0)
                for (int64_t i = 0; i < width; i++) total[i] = sum[i];
            else
                for (int64_t i = 0; i < width; i++) total[i] += sum[i];
        }
        if (isLong)
            for (int64_t i = 0; i < width; i++) to[left + i] = (REAL)total[i];
        else memcpy(to + left, sum, (size_t)width * sizeof(REAL));
    }
}

INLINE void FN(interpolate_slices)(
    const cv_interpolation *s, const REAL *x, REAL *y, int64_t first, int64_t last) {
    const int64_t inner = s->inner;
    for (int64_t row = first; row < last; row++) {
        const int64_t j = row % s->count, begin = s->starts[j], terms = s->starts[j + 1] - begin;
        const REAL *restrict from = x + row / s->count * s->extent * inner;
        const int32_t *places = s->places + begin;
        const REAL *w = (const REAL *)s->weights + begin;
        REAL *restrict to = y + row * inner;
#define SLICE(t) const REAL w##t = w[t], *restrict x##t = from + places[t] * inner;
        switch (terms) {
        case 0: memset(to, 0, (size_t)inner * sizeof(REAL)); break;
        case 1: {
            SLICE(0)
            if (w0 == 1) memcpy(to, x0, (size_t)inner * sizeof(REAL));
            else for (int64_t i = 0; i < inner; i++) to[i] = w0 * x0[i];
            break;
        }
        case 2: {
            SLICE(0) SLICE(1)
            for (int64_t i = 0; i < inner; i++) to[i] = w0 * x0[i] + w1 * x1[i];
            break;
        }
        case 3: {
            SLICE(0) SLICE(1) SLICE(2)
            for (int64_t i = 0; i < inner; i++) to[i] = w0 * x0[i] + w1 * x1[i] + w2 * x2[i];
            break;
        }
        case 4: {
            SLICE(0) SLICE(1) SLICE(2) SLICE(3)
            for (int64_t i = 0; i < inner; i++) to[i] = w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i];
            break;
        }
        default: FN(add_slices)(from, places, w, terms, to, inner);
        }
#undef SLICE
    }
}

// LANES rows side by side: a stretch of them is turned over, so that the terms of all are vectors, and so is what comes
// out.
enum { FN(STRETCH) = 256, FN(OUTPUTS) = 64 };

INLINE void FN(add_lanes)(
    const REAL *restrict stretch, int64_t from, const int32_t *places, const REAL *weights, int64_t terms,
    REAL *restrict to) {
    LANE_TYPE sum = 0;
    const LANE_TYPE *lanes = (const LANE_TYPE *)stretch;
    if (terms <= SUM_BLOCK) {
        if (terms > 0) sum = weights[0] * lanes[places[0] - from];
        for (int64_t t = 1; t < terms; t++) sum += weights[t] * lanes[places[t] - from];
    } else {
        lanes_f64 total = 0;
        for (int64_t first = 0; first < terms; first += SUM_BLOCK) {
            LANE_TYPE part = weights[first] * lanes[places[first] - from];
            for (int64_t t = first + 1; t < smaller(first + SUM_BLOCK, terms); t++)
                part += weights[t] * lanes[places[t] - from];
            total += __builtin_convertvector(part, lanes_f64);
        }
        sum = __builtin_convertvector(total, LANE_TYPE);
    }
    *(LANE_TYPE *)to = sum;
}

// One element of one row.
INLINE REAL FN(add_elements)(const REAL *x, const int32_t *places, const REAL *weights, int64_t terms) {
    double total = 0;
    for (int64_t first = 0; first < terms; first += SUM_BLOCK) {
        REAL part = weights[first] * x[places[first]];
        for (int64_t t = first + 1; t < smaller(first + SUM_BLOCK, terms); t++) part += weights[t] * x[places[t]];
        total = first == 0 ? (double)part : total + (double)part;
    }
    return (REAL)total;
}

INLINE void FN(interpolate_rows)(
    const cv_interpolation *s, const REAL *x, REAL *y, int64_t first, int64_t last, int64_t left, int64_t right) {
    const int32_t *starts = s->starts, *places = s->places;
    const REAL *weights = s->weights;
    REAL stretch[FN(STRETCH) * LANES] __attribute__((aligned(64))), out[FN(OUTPUTS) * LANES] __attribute__((aligned(64)));
    memset(stretch, 0, sizeof stretch);
    for (int64_t row = first; row < last; row += LANES) {
        const int64_t rows = smaller(LANES, last - row);
        const REAL *from = x + row * s->extent;
        REAL *to = y + row * s->count;
        for (int64_t j = left, next; j < right; j = next) {
            // As many elements as read no further apart than the stretch is long.
            int64_t low = s->extent, high = -1;
            for (next = j; rows >= 4 && next < smaller(j + FN(OUTPUTS), right); next++) {
                int64_t lowest = low, highest = high;
                if (starts[next] < starts[next + 1]) {
                    lowest = smaller(lowest, places[starts[next]]);
                    highest = larger(highest, places[starts[next + 1] - 1]);
                }
                if (highest - lowest >= FN(STRETCH)) break;
                low = lowest;
                high = highest;
            }
            if (next == j) {
                for (int64_t r = 0; r < rows; r++)
                    to[r * s->count + j] = FN(add_elements)(
                        from + r * s->extent, places + starts[j], weights + starts[j], starts[j + 1] - starts[j]);
                next = j + 1;
                continue;
            }
            // Whole squares, where the row has them.
            const int64_t columns = smaller((high - low + 8) / 8 * 8, smaller(s->extent - low, FN(STRETCH)));
            if (high >= low) FN(transpose)(from + low, s->extent, stretch, LANES, columns, rows);
            for (int64_t k = j; k < next; k++)
                FN(add_lanes)(
                    stretch, low, places + starts[k], weights + starts[k], starts[k + 1] - starts[k],
                    out + (k - j) * LANES);
            FN(transpose)(out, LANES, to + j, s->count, rows, next - j);
        }
    }
}
