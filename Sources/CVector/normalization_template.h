// Layer, root mean square, group and batch normalisation; normalization.c includes this once for each type.

// Σ (x - center)².
INLINE double FN(square_deviation)(const REAL *x, int64_t count, REAL center) {
    double total = 0;
    for (int64_t start = 0; start < count; start += 2 * SUM_BLOCK * LANES) {
        const int64_t end = smaller(start + 2 * SUM_BLOCK * LANES, count);
        LANE_TYPE a = 0, b = 0;
        int64_t i = start;
        for (; i + 2 * LANES <= end; i += 2 * LANES) {
            const LANE_TYPE u = *(const LANE_TYPE *)(x + i) - center, v = *(const LANE_TYPE *)(x + i + LANES) - center;
            a += u * u;
            b += v * v;
        }
        REAL rest = 0;
        for (; i < end; i++) rest += (x[i] - center) * (x[i] - center);
        total += (double)FN(lanes_sum)(a + b) + (double)rest;
    }
    if (!isinf(total)) return total;
    // The square of a float of 1e20 is none.
    total = 0;
    for (int64_t i = 0; i < count; i++) total += ((double)x[i] - (double)center) * ((double)x[i] - (double)center);
    return total;
}

// Σ dy and Σ dy · (x - center), the latter with `scale` (absent: 1) multiplied into dy.
INLINE void FN(gradient_sums)(
    const REAL *x, const REAL *dy, const REAL *scale, int64_t count, REAL center, double *sum, double *product) {
    double s = 0, p = 0;
    for (int64_t start = 0; start < count; start += SUM_BLOCK * LANES) {
        const int64_t end = smaller(start + SUM_BLOCK * LANES, count);
        LANE_TYPE a = 0, b = 0;
        int64_t i = start;
        if (scale) {
            for (; i + LANES <= end; i += LANES) {
                const LANE_TYPE g = *(const LANE_TYPE *)(dy + i) * *(const LANE_TYPE *)(scale + i);
                a += g;
                b += g * (*(const LANE_TYPE *)(x + i) - center);
            }
        } else {
            for (; i + LANES <= end; i += LANES) {
                const LANE_TYPE g = *(const LANE_TYPE *)(dy + i);
                a += g;
                b += g * (*(const LANE_TYPE *)(x + i) - center);
            }
        }
        REAL rest = 0, restProduct = 0;
        for (; i < end; i++) {
            const REAL g = scale ? dy[i] * scale[i] : dy[i];
            rest += g;
            restProduct += g * (x[i] - center);
        }
        s += (double)FN(lanes_sum)(a) + (double)rest;
        p += (double)FN(lanes_sum)(b) + (double)restProduct;
    }
    *sum = s;
    *product = p;
}

INLINE void FN(layer_norm)(
    const REAL *x, const REAL *restrict scale, const REAL *restrict bias, REAL *y, REAL *mean, REAL *inverseDeviation,
    double epsilon, int64_t first, int64_t last, int64_t n) {
    for (int64_t row = first; row < last; row++) {
        const REAL *restrict from = x + row * n;
        REAL *restrict to = y + row * n;
        const REAL center = (REAL)(FN(sum)(from, n) / (double)n);
        const REAL inverse = (REAL)(1 / __builtin_elementwise_sqrt(FN(square_deviation)(from, n, center) / (double)n + epsilon));
        mean[row] = center;
        inverseDeviation[row] = inverse;
        for (int64_t i = 0; i < n; i++) to[i] = (from[i] - center) * inverse * scale[i] + bias[i];
    }
}

// dx = inverse · (g - mean(g) - x̂ · mean(g·x̂)) with g = dy · scale; dscale and dbias add up over these rows.
INLINE void FN(layer_norm_gradient)(
    const REAL *x, const REAL *restrict scale, const REAL *mean, const REAL *inverseDeviation, const REAL *dy, REAL *dx,
    REAL *restrict dscale, REAL *restrict dbias, int64_t first, int64_t last, int64_t n) {
    for (int64_t row = first; row < last; row++) {
        const REAL *restrict from = x + row * n, *restrict g = dy + row * n;
        REAL *restrict to = dx + row * n;
        const REAL center = mean[row], inverse = inverseDeviation[row];
        double sum, product;
        FN(gradient_sums)(from, g, scale, n, center, &sum, &product);
        const REAL average = (REAL)(sum / (double)n);
        const REAL slope = (REAL)(product * (double)inverse * (double)inverse / (double)n);
        for (int64_t i = 0; i < n; i++) {
            const REAL deviation = from[i] - center;
            to[i] = inverse * (g[i] * scale[i] - average - deviation * slope);
            dscale[i] += g[i] * (deviation * inverse);
            dbias[i] += g[i];
        }
    }
}

// The same about 0, without a bias: root mean square.
INLINE void FN(rms_norm)(
    const REAL *x, const REAL *restrict scale, REAL *y, REAL *inverseRoot, double epsilon, int64_t first, int64_t last,
    int64_t n) {
    for (int64_t row = first; row < last; row++) {
        const REAL *restrict from = x + row * n;
        REAL *restrict to = y + row * n;
        const REAL inverse = (REAL)(1 / __builtin_elementwise_sqrt(FN(square_deviation)(from, n, 0) / (double)n + epsilon));
        inverseRoot[row] = inverse;
        for (int64_t i = 0; i < n; i++) to[i] = from[i] * inverse * scale[i];
    }
}

// dx = inverse · (g - x̂ · mean(g·x̂)); dscale adds up over these rows.
INLINE void FN(rms_norm_gradient)(
    const REAL *x, const REAL *restrict scale, const REAL *inverseRoot, const REAL *dy, REAL *dx, REAL *restrict dscale,
    int64_t first, int64_t last, int64_t n) {
    for (int64_t row = first; row < last; row++) {
        const REAL *restrict from = x + row * n, *restrict g = dy + row * n;
        REAL *restrict to = dx + row * n;
        const REAL inverse = inverseRoot[row];
        double sum, product;
        FN(gradient_sums)(from, g, scale, n, 0, &sum, &product);
        const REAL slope = (REAL)(product * (double)inverse * (double)inverse / (double)n);
        for (int64_t i = 0; i < n; i++) {
            to[i] = inverse * (g[i] * scale[i] - from[i] * slope);
            dscale[i] += g[i] * (from[i] * inverse);
        }
    }
}

// Rows [first, last) of x [rows, channels, plane], each a group of an example; channel `channel` of row r is that of scale and
// bias at r % groups · channels + channel.
INLINE void FN(group_norm)(
    const REAL *x, const REAL *scale, const REAL *bias, REAL *y, REAL *mean, REAL *inverseDeviation, double epsilon,
    int64_t first, int64_t last, int64_t groups, int64_t channels, int64_t plane) {
    const int64_t n = channels * plane;
    for (int64_t row = first; row < last; row++) {
        const REAL center = (REAL)(FN(sum)(x + row * n, n) / (double)n);
        const double spread = FN(square_deviation)(x + row * n, n, center) / (double)n;
        const REAL inverse = (REAL)(1 / __builtin_elementwise_sqrt(spread + epsilon));
        mean[row] = center;
        inverseDeviation[row] = inverse;
        for (int64_t channel = 0; channel < channels; channel++) {
            const REAL *restrict from = x + row * n + channel * plane;
            REAL *restrict to = y + row * n + channel * plane;
            const REAL factor = scale[row % groups * channels + channel], offset = bias[row % groups * channels + channel];
            for (int64_t i = 0; i < plane; i++) to[i] = (from[i] - center) * inverse * factor + offset;
        }
    }
}

// dscale and dbias [rows, channels] are those of each row.
INLINE void FN(group_norm_gradient)(
    const REAL *x, const REAL *scale, const REAL *mean, const REAL *inverseDeviation, const REAL *dy, REAL *dx,
    REAL *dscale, REAL *dbias, int64_t first, int64_t last, int64_t groups, int64_t channels, int64_t plane) {
    const int64_t n = channels * plane;
    for (int64_t row = first; row < last; row++) {
        const REAL center = mean[row], inverse = inverseDeviation[row];
        const REAL *factors = scale + row % groups * channels;
        double sum = 0, product = 0;
        for (int64_t channel = 0; channel < channels; channel++) {
            const int64_t start = row * n + channel * plane;
            double s, p;
            FN(gradient_sums)(x + start, dy + start, 0, plane, center, &s, &p);
            dscale[row * channels + channel] = (REAL)(p * (double)inverse);
            dbias[row * channels + channel] = (REAL)s;
            sum += (double)factors[channel] * s;
            product += (double)factors[channel] * p;
        }
        const REAL average = (REAL)(sum / (double)n);
        const REAL slope = (REAL)(product * (double)inverse * (double)inverse / (double)n);
        for (int64_t channel = 0; channel < channels; channel++) {
            const int64_t start = row * n + channel * plane;
            const REAL *restrict from = x + start, *restrict g = dy + start;
            REAL *restrict to = dx + start;
            const REAL factor = factors[channel];
            for (int64_t i = 0; i < plane; i++) to[i] = inverse * (g[i] * factor - average - (from[i] - center) * slope);
        }
    }
}

INLINE double FN(channel_variance)(const REAL *x, REAL center, int64_t channel, int64_t n, int64_t c, int64_t plane) {
    double total = 0;
    for (int64_t image = 0; image < n; image++) {
        total += FN(square_deviation)(x + (image * c + channel) * plane, plane, center);
    }
    return total / (double)(n * plane);
}

// Channels [first, last) of x [n, c, plane].
INLINE void FN(batch_norm)(
    const REAL *x, const REAL *scale, const REAL *bias, REAL *y, REAL *mean, REAL *variance, double epsilon,
    int64_t first, int64_t last, int64_t n, int64_t c, int64_t plane) {
    for (int64_t channel = first; channel < last; channel++) {
        const double count = (double)(n * plane);
        double total = 0;
        for (int64_t image = 0; image < n; image++) total += FN(sum)(x + (image * c + channel) * plane, plane);
        const REAL center = (REAL)(total / count);
        const double spread = FN(channel_variance)(x, center, channel, n, c, plane);
        mean[channel] = center;
        variance[channel] = (REAL)spread;
        const REAL factor = (REAL)((double)scale[channel] / __builtin_elementwise_sqrt(spread + epsilon));
        const REAL offset = bias[channel];
        for (int64_t image = 0; image < n; image++) {
            const REAL *restrict from = x + (image * c + channel) * plane;
            REAL *restrict to = y + (image * c + channel) * plane;
            for (int64_t i = 0; i < plane; i++) to[i] = (from[i] - center) * factor + offset;
        }
    }
}

INLINE void FN(batch_norm_gradient)(
    const REAL *x, const REAL *scale, const REAL *mean, const REAL *variance, const REAL *dy, REAL *dx, REAL *dscale,
    REAL *dbias, double epsilon, int64_t first, int64_t last, int64_t n, int64_t c, int64_t plane) {
    for (int64_t channel = first; channel < last; channel++) {
        const double count = (double)(n * plane);
        const REAL center = mean[channel];
        double spread = (double)variance[channel];
        // What no float holds is found again.
        if (isinf(spread)) spread = FN(channel_variance)(x, center, channel, n, c, plane);
        const double inverse = 1 / __builtin_elementwise_sqrt(spread + epsilon);
        double sum = 0, product = 0;
        for (int64_t image = 0; image < n; image++) {
            const int64_t start = (image * c + channel) * plane;
            double s, p;
            FN(gradient_sums)(x + start, dy + start, 0, plane, center, &s, &p);
            sum += s;
            product += p;
        }
        dscale[channel] = (REAL)(product * inverse);
        dbias[channel] = (REAL)sum;
        const REAL factor = (REAL)((double)scale[channel] * inverse), average = (REAL)(sum / count);
        const REAL slope = (REAL)(product * inverse * inverse / count);
        for (int64_t image = 0; image < n; image++) {
            const int64_t start = (image * c + channel) * plane;
            const REAL *restrict from = x + start, *restrict g = dy + start;
            REAL *restrict to = dx + start;
            for (int64_t i = 0; i < plane; i++) to[i] = factor * (g[i] - average - (from[i] - center) * slope);
        }
    }
}
