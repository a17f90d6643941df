// Batch normalisation of x [images, channels, pixels] over images and pixels, and its gradient.
//
//   batch_norm           y = (x - mean) / sqrt(variance + epsilon) · scale + bias, with the batch's own statistics
//   batch_norm_gradient  z = (x - mean) · inverse: dscale = Σ dy·z, dbias = Σ dy,
//                        dx = scale · inverse · (dy - mean of dy - z · mean of dy·z)
//
//              pixels        pixels                    A team takes channel after channel: the stretches of one channel,
//   channel 0 ├────────┤    ├────────┤  …              one an image, are read three times (mean, variance about it, y).
//   channel 1 ├────────┤    ├────────┤  …              On a CPU they stay in the cache of its core, 8 bytes an element
//               image 0       image 1                  forward and 12 backward from memory.
//
// Scale and bias, and their gradients, are stored as PARAMETERS: float32 beside an x of 16 bits, where they are trained so.
//
// Ioffe and Szegedy, Batch Normalization, 2015.
// Goes after common/math.cl, common/vector.cl, common/storage.cl and common/team.cl.

#ifndef PARAMETERS
#define PARAMETERS STORAGE
#endif
#define PARAMETER MATH_PASTE(STORED_, PARAMETERS)
#define LOAD_PARAMETER(pointer) MATH_PASTE(LOAD1_, PARAMETERS)(pointer)
#define STORE_PARAMETER(value, pointer) MATH_PASTE(STORE1_, PARAMETERS)(value, pointer)

// Runs a statement for each vector of the channel that is this item's: `count` elements from `at`. What it adds to
// `partial` and `partialOther` goes to the long sums `sum` and `sumOther` by short stretches.
#if VECTOR_WIDTH == 1
// Neighbours take neighbouring pixels, also across images: images may have few pixels, or one.
#define CHANNEL_PASS(...) \
    for (int n = get_local_id(0); n < images * pixels; n += TEAM) { \
        const long at = ((long)(n / pixels) * channels + channel) * pixels + n % pixels; \
        const int count = 1; \
        vfloat partial = 0.0f, partialOther = 0.0f; \
        __VA_ARGS__ \
        sum = added_to(sum, partial); \
        sumOther = added_to(sumOther, partialOther); \
    }
#else
#define STRETCH (SUM_BLOCK * VECTOR_WIDTH)
#define CHANNEL_PASS(...) \
    for (int image = 0; image < images; image++) \
        for (int first = 0; first < pixels; first += STRETCH) { \
            const long stretch = ((long)image * channels + channel) * pixels + first; \
            const int length = min(STRETCH, pixels - first); \
            vfloat partial = 0.0f, partialOther = 0.0f; \
            int n = 0; \
            for (; n + VECTOR_WIDTH <= length; n += VECTOR_WIDTH) { \
                const long at = stretch + n; \
                const int count = VECTOR_WIDTH; \
                __VA_ARGS__ \
            } \
            if (n < length) { \
                const long at = stretch + n; \
                const int count = length - n; \
                __VA_ARGS__ \
            } \
            sum = added_to(sum, partial); \
            sumOther = added_to(sumOther, partialOther); \
        }
#endif

static inline vfloat load_counted(__global const STORED *from, const int count) {
    return count == VECTOR_WIDTH ? LOAD(from) : LOAD_TAIL(from, count, 0.0f);
}

static inline void store_counted(const vfloat value, __global STORED *to, const int count) {
    if (count == VECTOR_WIDTH) STORE(value, to);
    else STORE_TAIL(value, to, count);
}

// The first `count` lanes, zeros after them.
static inline vfloat first_lanes(const vfloat value, const int count) {
    return count == VECTOR_WIDTH ? value : select(value, (vfloat)(0.0f), (vint)(VLANES >= (vint)(count)));
}

// 1 / sqrt(variance) where the squares of floats of 1e20 are none: in smaller units.
#define HUGE_INVERSE(inverse) \
    sum = none; \
    CHANNEL_PASS( \
        const vfloat centred = 0x1p-80f * first_lanes(load_counted(x + at, count) - average, count); \
        partial = fma(centred, centred, partial);) \
    inverse = 0x1p-80f / sqrt(team_sum(value_of(sum)) / elements);

TEAM_KERNEL void batch_norm(
    __global const STORED *restrict x, const ulong xOffset, __global const PARAMETER *restrict scale,
    const ulong scaleOffset, __global const PARAMETER *restrict bias, const ulong biasOffset, __global STORED *restrict y,
    const ulong yOffset, __global float *restrict mean, const ulong meanOffset, __global float *restrict variance,
    const ulong varianceOffset, const int images, const int channels, const int pixels, const float epsilon)
{
    TEAM_MEMORY
    x += xOffset;
    y += yOffset;
    const float elements = (float)images * pixels;
    for (int channel = TEAM_ROWS_BEGIN(channels); channel < TEAM_ROWS_END(channels); channel++) {
        const LongSum none = {0.0f, 0.0f};
        LongSum sum = none, sumOther = none;
        CHANNEL_PASS(partial += load_counted(x + at, count);)
        const float average = team_sum(value_of(sum)) / elements;
        sum = none;
        CHANNEL_PASS(
            const vfloat centred = first_lanes(load_counted(x + at, count) - average, count);
            partial = fma(centred, centred, partial);)
        const float spread = team_sum(value_of(sum)) / elements;
        float inverse = 1.0f / sqrt(spread + epsilon);
        if (inverse == 0.0f) { HUGE_INVERSE(inverse) }
        const float factor = LOAD_PARAMETER(scale + (scaleOffset + channel)) * inverse;
        const float shift = LOAD_PARAMETER(bias + (biasOffset + channel));
        CHANNEL_PASS(
            const vfloat centred = load_counted(x + at, count) - average;
            store_counted(fma(centred, (vfloat)(factor), (vfloat)(shift)), y + at, count);)
        if (get_local_id(0) == 0) {
            mean[meanOffset + channel] = average;
            variance[varianceOffset + channel] = spread;
        }
    }
}

TEAM_KERNEL void batch_norm_gradient(
    __global const STORED *restrict x, const ulong xOffset, __global const PARAMETER *restrict scale,
    const ulong scaleOffset, __global const float *restrict mean, const ulong meanOffset,
    __global const float *restrict variance, const ulong varianceOffset, __global const STORED *restrict dy,
    const ulong dyOffset, __global STORED *restrict dx, const ulong dxOffset, __global PARAMETER *restrict dscale,
    const ulong dscaleOffset, __global PARAMETER *restrict dbias, const ulong dbiasOffset, const int images,
    const int channels, const int pixels, const float epsilon)
{
    TEAM_MEMORY
    x += xOffset;
    dy += dyOffset;
    dx += dxOffset;
    const float elements = (float)images * pixels;
    for (int channel = TEAM_ROWS_BEGIN(channels); channel < TEAM_ROWS_END(channels); channel++) {
        const float average = mean[meanOffset + channel];
        const LongSum none = {0.0f, 0.0f};
        LongSum sum = none, sumOther = none;
        float inverse = 1.0f / sqrt(variance[varianceOffset + channel] + epsilon);
        if (inverse == 0.0f) {
            HUGE_INVERSE(inverse)
            sum = sumOther = none;
        }
        CHANNEL_PASS(
            const vfloat cotangent = load_counted(dy + at, count);
            partial += cotangent;
            partialOther = fma(
                cotangent, first_lanes(load_counted(x + at, count) - average, count), partialOther);)
        const float total = team_sum(value_of(sum)), product = team_sum(value_of(sumOther)) * inverse;
        if (get_local_id(0) == 0) {
            STORE_PARAMETER(product, dscale + (dscaleOffset + channel));
            STORE_PARAMETER(total, dbias + (dbiasOffset + channel));
        }
        const float factor = LOAD_PARAMETER(scale + (scaleOffset + channel)) * inverse;
        const float slopeMean = total / elements, productMean = product / elements * inverse;
        CHANNEL_PASS(
            const vfloat centred = load_counted(x + at, count) - average;
            const vfloat slope = load_counted(dy + at, count) - slopeMean - centred * productMean;
            store_counted(factor * slope, dx + at, count);)
    }
}
