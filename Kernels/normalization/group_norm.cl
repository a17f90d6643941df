// Group normalisation of x [examples, groups, channels, plane], whose rows [channels, plane] have a mean and a deviation each,
// and its gradient; scale and bias are [groups, channels].
//
//   one row   │ channel 0: plane │ channel 1: plane │ …       the statistics over all of it, a scale and a bias for each
//                                                             channel
//   groupNorm          y = (x - mean) · inverse · scale + bias, inverse = 1 / sqrt(variance + epsilon)
//   groupNormGradient  g = dy · scale, z = (x - mean) · inverse:
//                      dx = inverse · (g - mean of g - z · mean of g·z);  dscale = Σ dy·z and dbias = Σ dy of each row, which
//                      are added up over the examples afterwards
//
// A team takes a run of rows. 8 bytes an element forward, 12 backward, as a row stays in cache. With a channel a group it is
// instance normalisation. Wu and He, Group Normalization, 2018.
// Goes after common/math.cl, common/vector.cl, common/team.cl and normalization/moments.cl.

TEAM_KERNEL void groupNorm(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict scale,
    const ulong scaleOffset, __global const float *restrict bias, const ulong biasOffset, __global float *restrict y,
    const ulong yOffset, __global float *restrict mean, const ulong meanOffset, __global float *restrict inverse,
    const ulong inverseOffset, const int rows, const int groups, const int channels, const int plane,
    const float epsilon)
{
    TEAM_MEMORY
    const int columns = channels * plane;
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const float *from = x + xOffset + (long)row * columns;
        __global float *to = y + yOffset + (long)row * columns;
        __global const float *scales = scale + scaleOffset + row % groups * channels;
        __global const float *biases = bias + biasOffset + row % groups * channels;
        const float average = rowMean(from, columns TEAM_PASSED);
        const float deviation = rowInverseDeviation(from, columns, average, epsilon TEAM_PASSED);
#if VECTOR_WIDTH == 1
        // Item by item through the whole row: a plane may be smaller than a team.
        for EACH_TEAM_VECTOR(i, columns)
            to[i] = fma((from[i] - average) * deviation, scales[i / plane], biases[i / plane]);
#else
        for (int channel = 0; channel < channels; channel++, from += plane, to += plane) {
            const float factor = scales[channel], offset = biases[channel];
            for EACH_TEAM_VECTOR(i, plane)
                vfloat_store(
                    fma((vfloat_load(from + i) - average) * deviation, (vfloat)(factor), (vfloat)(offset)), to + i);
            for (int n = TEAM_WHOLE(plane); n < plane; n++) to[n] = fma((from[n] - average) * deviation, factor, offset);
        }
#endif
        if (get_local_id(0) == 0) {
            mean[meanOffset + row] = average;
            inverse[inverseOffset + row] = deviation;
        }
    }
}

// `scaleSums` and `biasSums` are [rows, channels].
TEAM_KERNEL void groupNormGradient(
    __global const float *restrict x, const ulong xOffset, __global const float *restrict scale,
    const ulong scaleOffset, __global const float *restrict mean, const ulong meanOffset,
    __global const float *restrict inverse, const ulong inverseOffset, __global const float *restrict dy,
    const ulong dyOffset, __global float *restrict dx, const ulong dxOffset, __global float *restrict scaleSums,
    const ulong scaleSumsOffset, __global float *restrict biasSums, const ulong biasSumsOffset, const int rows,
    const int groups, const int channels, const int plane)
{
    TEAM_MEMORY
    const int columns = channels * plane, whole = TEAM_WHOLE(plane), rest = TEAM_REST(plane);
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const float *values = x + xOffset + (long)row * columns;
        __global const float *cotangents = dy + dyOffset + (long)row * columns;
        __global const float *scales = scale + scaleOffset + row % groups * channels;
        __global float *to = dx + dxOffset + (long)row * columns;
        const float average = mean[meanOffset + row], deviation = inverse[inverseOffset + row];

        float slopes = 0.0f, slopeProducts = 0.0f;
        for (int channel = 0; channel < channels; channel++) {
            __global const float *plane0 = values + (long)channel * plane, *plane1 = cotangents + (long)channel * plane;
            LongSum total = {0.0f, 0.0f}, products = {0.0f, 0.0f};
            for EACH_TEAM_BLOCK(first, length, plane) {
                vfloat part = 0.0f, productPart = 0.0f;
                for EACH_TEAM_VECTOR(n, length) {
                    const vfloat cotangent = vfloat_load(plane1 + first + n);
                    part += cotangent;
                    productPart = fma(cotangent, (vfloat_load(plane0 + first + n) - average) * deviation, productPart);
                }
                total = addedTo(total, part);
                products = addedTo(products, productPart);
            }
            if (HAS_TEAM_REST(plane)) {
                const vfloat cotangent = vfloat_load_tail(plane1 + whole, rest, 0.0f);
                const vfloat normal = (vfloat_load_tail(plane0 + whole, rest, average) - average) * deviation;
                total = addedTo(total, cotangent);
                products = addedTo(products, cotangent * normal);
            }
            const float sum = teamSum(valueOf(total)), product = teamSum(valueOf(products));
            slopes = fma(scales[channel], sum, slopes);
            slopeProducts = fma(scales[channel], product, slopeProducts);
            if (get_local_id(0) == 0) {
                scaleSums[scaleSumsOffset + (long)row * channels + channel] = product;
                biasSums[biasSumsOffset + (long)row * channels + channel] = sum;
            }
        }
        const float slopeMean = slopes / columns, productMean = slopeProducts / columns;

#if VECTOR_WIDTH == 1
        for EACH_TEAM_VECTOR(i, columns) {
            const float normal = (values[i] - average) * deviation;
            to[i] = deviation * (cotangents[i] * scales[i / plane] - slopeMean - normal * productMean);
        }
#else
        for (int channel = 0; channel < channels; channel++, values += plane, cotangents += plane, to += plane) {
            const float factor = scales[channel];
            for EACH_TEAM_VECTOR(i, plane) {
                const vfloat normal = (vfloat_load(values + i) - average) * deviation;
                vfloat_store(
                    deviation * (vfloat_load(cotangents + i) * factor - slopeMean - normal * productMean), to + i);
            }
            for (int n = whole; n < plane; n++) {
                const float normal = (values[n] - average) * deviation;
                to[n] = deviation * (cotangents[n] * factor - slopeMean - normal * productMean);
            }
        }
#endif
    }
}
