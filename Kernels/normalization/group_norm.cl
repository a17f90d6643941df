// Group normalisation of x [examples, groups, channels, plane], whose rows [channels, plane] have a mean and a deviation each,
// and its gradient; scale and bias are [groups, channels].
//
//   one row   │ channel 0: plane │ channel 1: plane │ …       the statistics over all of it, a scale and a bias for each
//                                                             channel
//   group_norm           y = (x - mean) · inverse · scale + bias, inverse = 1 / sqrt(variance + epsilon)
//   group_norm_gradient  g = dy · scale, z = (x - mean) · inverse:
//                        dx = inverse · (g - mean of g - z · mean of g·z);  dscale = Σ dy·z and dbias = Σ dy of each row, which
//                        are added up over the examples afterwards
//
// A team takes a run of rows. 8 bytes an element forward, 12 backward, as a row stays in cache. With a channel a group it is
// instance normalisation. Wu and He, Group Normalization, 2018.
// Goes after common/math.cl, common/vector.cl, common/storage.cl, common/team.cl, common/source.cl and
// normalization/moments.cl.

TEAM_KERNEL void group_norm(
    SOURCE_TENSOR(x), __global const STORED *restrict scale,
    const ulong scaleOffset, __global const STORED *restrict bias, const ulong biasOffset, __global STORED *restrict y,
    const ulong yOffset, __global float *restrict mean, const ulong meanOffset, __global float *restrict inverse,
    const ulong inverseOffset, const int rows, const int groups, const int channels, const int plane,
    const float epsilon)
{
    TEAM_MEMORY
    const int columns = channels * plane;
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global STORED *to = y + yOffset + (long)row * columns;
        SOURCE_ROW(from, x, row, columns, to)
        __global const STORED *scales = scale + scaleOffset + row % groups * channels;
        __global const STORED *biases = bias + biasOffset + row % groups * channels;
        const float average = row_mean(from, columns TEAM_PASSED);
        const float deviation = row_inverse_deviation(from, columns, average, epsilon TEAM_PASSED);
#if VECTOR_WIDTH == 1
        // Item by item through the whole row: a plane may be smaller than a team.
        for EACH_TEAM_VECTOR(i, columns)
            STORE1(
                fma((LOAD1(from + i) - average) * deviation, LOAD1(scales + i / plane), LOAD1(biases + i / plane)), to + i);
#else
        for (int channel = 0; channel < channels; channel++, from += plane, to += plane) {
            const float factor = LOAD1(scales + channel), offset = LOAD1(biases + channel);
            for EACH_TEAM_VECTOR(i, plane)
                STORE(fma((LOAD(from + i) - average) * deviation, (vfloat)(factor), (vfloat)(offset)), to + i);
            for (int n = TEAM_WHOLE(plane); n < plane; n++)
                STORE1(fma((LOAD1(from + n) - average) * deviation, factor, offset), to + n);
        }
#endif
        if (get_local_id(0) == 0) {
            mean[meanOffset + row] = average;
            inverse[inverseOffset + row] = deviation;
        }
    }
}

// `scaleSums` and `biasSums` are [rows, channels].
TEAM_KERNEL void group_norm_gradient(
    __global const STORED *restrict x, const ulong xOffset, __global const STORED *restrict scale,
    const ulong scaleOffset, __global const float *restrict mean, const ulong meanOffset,
    __global const float *restrict inverse, const ulong inverseOffset, SOURCE_TENSOR(dy), __global STORED *restrict dx,
    const ulong dxOffset, __global float *restrict scaleSums, const ulong scaleSumsOffset, __global float *restrict biasSums, const ulong biasSumsOffset, const int rows,
    const int groups, const int channels, const int plane)
{
    TEAM_MEMORY
    const int columns = channels * plane, whole = TEAM_WHOLE(plane), rest = TEAM_REST(plane);
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const STORED *values = x + xOffset + (long)row * columns;
        __global const STORED *scales = scale + scaleOffset + row % groups * channels;
        __global STORED *to = dx + dxOffset + (long)row * columns;
        SOURCE_ROW(cotangents, dy, row, columns, to)
#if SOURCE && TEAM > 1
        // What is read plane by plane, other items have stored.
        barrier(CLK_GLOBAL_MEM_FENCE);
#endif
        const float average = mean[meanOffset + row], deviation = inverse[inverseOffset + row];

        float slopes = 0.0f, slopeProducts = 0.0f;
        for (int channel = 0; channel < channels; channel++) {
            __global const STORED *plane0 = values + (long)channel * plane, *plane1 = cotangents + (long)channel * plane;
            LongSum total = {0.0f, 0.0f}, products = {0.0f, 0.0f};
            for EACH_TEAM_BLOCK(first, length, plane) {
                vfloat part = 0.0f, productPart = 0.0f;
                for EACH_TEAM_VECTOR(n, length) {
                    const vfloat cotangent = LOAD(plane1 + first + n);
                    part += cotangent;
                    productPart = fma(cotangent, (LOAD(plane0 + first + n) - average) * deviation, productPart);
                }
                total = added_to(total, part);
                products = added_to(products, productPart);
            }
            if (HAS_TEAM_REST(plane)) {
                const vfloat cotangent = LOAD_TAIL(plane1 + whole, rest, 0.0f);
                const vfloat normal = (LOAD_TAIL(plane0 + whole, rest, average) - average) * deviation;
                total = added_to(total, cotangent);
                products = added_to(products, cotangent * normal);
            }
            const float sum = team_sum(value_of(total)), product = team_sum(value_of(products));
            slopes = fma(LOAD1(scales + channel), sum, slopes);
            slopeProducts = fma(LOAD1(scales + channel), product, slopeProducts);
            if (get_local_id(0) == 0) {
                scaleSums[scaleSumsOffset + (long)row * channels + channel] = product;
                biasSums[biasSumsOffset + (long)row * channels + channel] = sum;
            }
        }
        const float slopeMean = slopes / columns, productMean = slopeProducts / columns;

#if VECTOR_WIDTH == 1
        for EACH_TEAM_VECTOR(i, columns) {
            const float normal = (LOAD1(values + i) - average) * deviation;
            STORE1(
                deviation * (LOAD1(cotangents + i) * LOAD1(scales + i / plane) - slopeMean - normal * productMean),
                to + i);
        }
#else
        for (int channel = 0; channel < channels; channel++, values += plane, cotangents += plane, to += plane) {
            const float factor = LOAD1(scales + channel);
            for EACH_TEAM_VECTOR(i, plane) {
                const vfloat normal = (LOAD(values + i) - average) * deviation;
                STORE(deviation * (LOAD(cotangents + i) * factor - slopeMean - normal * productMean), to + i);
            }
            for (int n = whole; n < plane; n++) {
                const float normal = (LOAD1(values + n) - average) * deviation;
                STORE1(deviation * (LOAD1(cotangents + n) * factor - slopeMean - normal * productMean), to + n);
            }
        }
#endif
    }
}
