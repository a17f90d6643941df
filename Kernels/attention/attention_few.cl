// Softmax attention of few queries over many keys (decoding), forward and backward: lanes are the width d.
//
// One work-item takes a stretch of the keys of one head and all its queries, of which there are at most MAX_QUERIES. It
// reads k and v once, a block of VECTOR_WIDTH keys at a time, so that the weights of a block are one vector:
//
//   keys    ├── split 0 ──┼── split 1 ──┼── … ──┤        one work-item a head and split
//   partial   max, Σ, y      max, Σ, y                   joined by attention_join where there is more than one split
//
// q, y [heads, sq, d], k, v [heads, sk, d], statistics [heads, sq, 2] (the greatest of q·k, m, and
// 1 / Σ e^(scale·(q·k - m))); VECTOR_WIDTH must divide d = HEAD_WIDTH. Bound by memory: 8·heads·sk·d bytes
// forward, 16 backward. Splitting the keys: Dao et al., Flash-Decoding, 2023.
// What is masked: attention/masks.cl. Goes after that, common/math.cl and common/vector.cl.

#ifndef HEAD_WIDTH
#define HEAD_WIDTH 64
#endif
#ifndef MAX_QUERIES
#define MAX_QUERIES 4
#endif
#if HEAD_WIDTH % VECTOR_WIDTH != 0
#error "VECTOR_WIDTH must divide HEAD_WIDTH"
#endif
#define WIDTH_VECTORS (HEAD_WIDTH / VECTOR_WIDTH)
#define EACH_VECTOR _Pragma("unroll") for (int c = 0; c < WIDTH_VECTORS; c++)

static inline void load_row(vfloat row[WIDTH_VECTORS], __global const float *from) {
    EACH_VECTOR row[c] = vfloat_load(from + c * VECTOR_WIDTH);
}

static inline void store_row(__global float *to, const vfloat row[WIDTH_VECTORS]) {
    EACH_VECTOR vfloat_store(row[c], to + c * VECTOR_WIDTH);
}

static inline float dot_row(const vfloat a[WIDTH_VECTORS], __global const float *b) {
    vfloat sum = 0.0f;
    EACH_VECTOR sum = fma(a[c], vfloat_load(b + c * VECTOR_WIDTH), sum);
    return vsum(sum);
}

// A score from a product.
#if BIAS
#define SCORE(product, row, key) biased_score(product, scale, biases[row][(long)(key) * biasKey])
#define ROW_BIASES \
    __global const float *biases[MAX_QUERIES]; \
    for (int i = 0; i < sq; i++) biases[i] = BIAS_OF(head, i);
#else
#define SCORE(product, row, key) (product)
#define ROW_BIASES
#endif
// Leaves out what is hidden, in a loop over keys.
#if HIDES || KEY_LENGTHS
#define SKIP_HIDDEN(weight) if ((weight) == 0.0f) continue;
#else
#define SKIP_HIDDEN(weight)
#endif

// Global size (heads · splits, 1). `partial` is [heads, splits, sq, 2 + d]: maximum, sum of weights, unscaled y.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attention_few(
    __global const float *restrict q, const ulong qOffset, __global const float *restrict k, const ulong kOffset,
    __global const float *restrict v, const ulong vOffset, __global float *restrict partial, const ulong partialOffset,
    const int sq, const int sk, const float scale, const int splits
    MASK_PARAMETERS)
{
    const long head = get_global_id(0) / splits;
    const int split = get_global_id(0) % splits;
    const int keys = KEYS_OF(head);
    const int begin = (int)((long)sk * split / splits), end = min((int)((long)sk * (split + 1) / splits), keys);
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    partial += partialOffset + (head * splits + split) * sq * (2 + HEAD_WIDTH);

    vfloat query[MAX_QUERIES][WIDTH_VECTORS], sum[MAX_QUERIES][WIDTH_VECTORS];
    float maximum[MAX_QUERIES], total[MAX_QUERIES];
    for (int i = 0; i < sq; i++) {
        load_row(query[i], q + i * HEAD_WIDTH);
        EACH_VECTOR sum[i][c] = 0.0f;
        maximum[i] = -INFINITY;
        total[i] = 0.0f;
    }
    ROW_BIASES
    for (int j0 = begin; j0 < end; j0 += VECTOR_WIDTH) {
        const int count = min(VECTOR_WIDTH, end - j0);
        for (int i = 0; i < sq; i++) {
            vfloat weights;
            for (int j = 0; j < VECTOR_WIDTH; j++) {
                const bool seen = j < count AND_SEES(i, j0 + j);
                ((float *)&weights)[j] =
                    seen ? SCORE(dot_row(query[i], k + (long)(j0 + j) * HEAD_WIDTH), i, j0 + j) : -INFINITY;
            }
            const float largest = fmax(maximum[i], vlargest(weights));
            // Where every score so far is -inf, their weights are e^(-inf - 0) = 0.
            const float reference = largest == -INFINITY ? 0.0f : largest;
            const float decay = exp(EXPONENT(maximum[i], reference));
            weights = vexp_nonpositive(EXPONENT(weights, reference));
            total[i] = fma(total[i], decay, vsum(weights));
            maximum[i] = largest;
            EACH_VECTOR sum[i][c] *= decay;
            for (int j = 0; j < count; j++) {
                const vfloat weight = ((const float *)&weights)[j];
                SKIP_HIDDEN(VLANE(weights, j))
                __global const float *value = v + (long)(j0 + j) * HEAD_WIDTH;
                EACH_VECTOR sum[i][c] = fma(weight, vfloat_load(value + c * VECTOR_WIDTH), sum[i][c]);
            }
        }
    }
    for (int i = 0; i < sq; i++) {
        partial[i * (2 + HEAD_WIDTH)] = maximum[i];
        partial[i * (2 + HEAD_WIDTH) + 1] = total[i];
        store_row(partial + i * (2 + HEAD_WIDTH) + 2, sum[i]);
    }
}

// Joins the splits of each head and query. Global size (heads · sq, 1).
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attention_join(
    __global const float *restrict partial, const ulong partialOffset, __global float *restrict y, const ulong yOffset,
    __global float *restrict statistics, const ulong statisticsOffset, const int sq, const float scale,
    const int splits)
{
    const long head = get_global_id(0) / sq;
    const int i = get_global_id(0) % sq;
    const long stride = (long)sq * (2 + HEAD_WIDTH);
    partial += partialOffset + head * splits * stride + i * (2 + HEAD_WIDTH);
    y += yOffset + (head * sq + i) * HEAD_WIDTH;

    float largest = -INFINITY;
    for (int split = 0; split < splits; split++) largest = fmax(largest, partial[split * stride]);
    const float reference = largest == -INFINITY ? 0.0f : largest;
    float total = 0.0f;
    vfloat sum[WIDTH_VECTORS];
    EACH_VECTOR sum[c] = 0.0f;
    for (int split = 0; split < splits; split++) {
        __global const float *part = partial + split * stride;
        const float factor = exp(EXPONENT(part[0], reference));
        total = fma(factor, part[1], total);
        EACH_VECTOR sum[c] = fma((vfloat)(factor), vfloat_load(part + 2 + c * VECTOR_WIDTH), sum[c]);
    }
    const float inverse = INVERSE(total);
    EACH_VECTOR sum[c] *= inverse;
    store_row(y, sum);
    statistics += statisticsOffset + 2 * (head * sq + i);
    statistics[0] = reference;
    statistics[1] = inverse;
}

// Global size (heads · splits, 1). dk and dv are written here; dq is [splits, heads, sq, d], to be added up.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attention_few_gradient(
    __global const float *restrict q, const ulong qOffset, __global const float *restrict k, const ulong kOffset,
    __global const float *restrict v, const ulong vOffset, __global const float *restrict y, const ulong yOffset,
    __global const float *restrict statistics, const ulong statisticsOffset,
    __global const float *restrict dy, const ulong dyOffset, __global float *restrict dq, const ulong dqOffset,
    __global float *restrict dk, const ulong dkOffset, __global float *restrict dv, const ulong dvOffset,
    const int heads, const int sq, const int sk, const float scale, const int splits
    MASK_PARAMETERS)
{
    const long head = get_global_id(0) / splits;
    const int split = get_global_id(0) % splits;
    const int begin = (int)((long)sk * split / splits), end = (int)((long)sk * (split + 1) / splits);
    const int keys = KEYS_OF(head);
    ROW_BIASES
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    y += yOffset + head * sq * HEAD_WIDTH;
    statistics += statisticsOffset + 2 * head * sq;
    dy += dyOffset + head * sq * HEAD_WIDTH;
    dq += dqOffset + (split * (long)heads + head) * sq * HEAD_WIDTH;
    dk += dkOffset + head * sk * HEAD_WIDTH;
    dv += dvOffset + head * sk * HEAD_WIDTH;

    vfloat query[MAX_QUERIES][WIDTH_VECTORS], cotangent[MAX_QUERIES][WIDTH_VECTORS], sum[MAX_QUERIES][WIDTH_VECTORS];
    vfloat weights[MAX_QUERIES], slopes[MAX_QUERIES];
    float delta[MAX_QUERIES];
    for (int i = 0; i < sq; i++) {
        load_row(query[i], q + i * HEAD_WIDTH);
        load_row(cotangent[i], dy + i * HEAD_WIDTH);
        EACH_VECTOR sum[i][c] = 0.0f;
        delta[i] = dot_row(cotangent[i], y + i * HEAD_WIDTH);
    }
    for (int j0 = begin; j0 < end; j0 += VECTOR_WIDTH) {
        const int count = min(VECTOR_WIDTH, end - j0);
        for (int i = 0; i < sq; i++) {
            vfloat score = -INFINITY, slope = 0.0f, inverse = 0.0f;
            for (int j = 0; j < count; j++)
                if (j0 + j < keys AND_SEES(i, j0 + j)) {
                    const long row = (long)(j0 + j) * HEAD_WIDTH;
                    const float product = dot_row(query[i], k + row);
                    ((float *)&score)[j] = EXPONENT(SCORE(product, i, j0 + j), statistics[2 * i]);
                    ((float *)&inverse)[j] = statistics[2 * i + 1];
                    ((float *)&slope)[j] = scale * (dot_row(cotangent[i], v + row) - delta[i]);
                }
            weights[i] = vexp_nonpositive(score) * inverse;
            slopes[i] = weights[i] * slope;
#if HIDES
            slopes[i] = select(slopes[i], (vfloat)(0.0f), weights[i] == (vfloat)(0.0f));
#endif
        }
        for (int j = 0; j < count; j++) {
            const long row = (long)(j0 + j) * HEAD_WIDTH;
            vfloat key[WIDTH_VECTORS], dkey[WIDTH_VECTORS], dvalue[WIDTH_VECTORS];
            load_row(key, k + row);
            EACH_VECTOR {
                dkey[c] = 0.0f;
                dvalue[c] = 0.0f;
            }
            for (int i = 0; i < sq; i++) {
                SKIP_HIDDEN(VLANE(weights[i], j))
                const vfloat weight = ((const float *)&weights[i])[j];
                const vfloat slope = ((const float *)&slopes[i])[j];
                EACH_VECTOR {
                    dvalue[c] = fma(weight, cotangent[i][c], dvalue[c]);
                    dkey[c] = fma(slope, query[i][c], dkey[c]);
                    sum[i][c] = fma(slope, key[c], sum[i][c]);
                }
            }
            store_row(dk + row, dkey);
            store_row(dv + row, dvalue);
        }
    }
    for (int i = 0; i < sq; i++) store_row(dq + i * HEAD_WIDTH, sum[i]);
}
