// The two products of attention on CPU-like devices, shared by its forward and its backward kernel.
//
// A block of LANES queries is kept turned round, one query a lane (`columns`); rows of keys or values are used where
// they lie, as scalars broadcast over the lanes. Each product is a register tile of TILE_M scalars times TILE_VECTORS
// vectors: 16 vector registers of sums with the defaults.
// Goes after common/math.cl, common/vector.cl and attention/masks.cl.

#ifndef HEAD_WIDTH
#define HEAD_WIDTH 64
#endif
#ifndef TILE_VECTORS
#define TILE_VECTORS 2
#endif
#ifndef KEYS
#define KEYS 64
#endif
#ifndef TILE_M
#define TILE_M 8
#endif
#define LANES (TILE_VECTORS * VECTOR_WIDTH)

#if KEYS % TILE_M != 0
#error "KEYS must be a multiple of TILE_M"
#endif

// A register tile's loops, unrolled so that the tile stays in registers.
#define EACH_COLUMN _Pragma("unroll") for (int c = 0; c < TILE_VECTORS; c++)
#define EACH_ROW _Pragma("unroll") for (int r = 0; r < TILE_M; r++)

// Turns the queries first ..< first + LANES of a head into columns, zeros past the last of `count`.
static inline void load_columns(
    vfloat columns[HEAD_WIDTH][TILE_VECTORS], __global const float *rows, const int first, const int count)
{
    float *lanes = (float *)columns;
    for (int i = 0; i < LANES; i++) {
        const bool inside = first + i < count;
        for (int e = 0; e < HEAD_WIDTH; e++)
            lanes[e * LANES + i] = inside ? rows[(long)(first + i) * HEAD_WIDTH + e] : 0.0f;
    }
}

// products[j][lane] = Σ_e rows[first + j][e] · columns[e][lane] for KEYS keys; keys past the last repeat it.
static inline void keys_times_columns(
    vfloat products[KEYS][TILE_VECTORS], __global const float *rows, vfloat columns[HEAD_WIDTH][TILE_VECTORS],
    const int first, const int last)
{
    for (int j = 0; j < KEYS; j += TILE_M) {
        vfloat sum[TILE_M][TILE_VECTORS];
        __global const float *row[TILE_M];
        EACH_ROW {
            row[r] = rows + (long)min(first + j + r, last) * HEAD_WIDTH;
            EACH_COLUMN sum[r][c] = 0.0f;
        }
        for (int e = 0; e < HEAD_WIDTH; e++)
            EACH_ROW {
                const vfloat factor = row[r][e];
                EACH_COLUMN sum[r][c] = fma(factor, columns[e][c], sum[r][c]);
            }
        EACH_ROW {
            EACH_COLUMN products[j + r][c] = sum[r][c];
        }
    }
}

// columns[e][lane] = decay[lane] · columns[e][lane] + Σ_j rows[first + j][e] · weights[j][lane] over `count` keys.
static inline void add_weighted_rows(
    vfloat columns[HEAD_WIDTH][TILE_VECTORS], const vfloat decay[TILE_VECTORS], __global const float *rows,
    vfloat weights[KEYS][TILE_VECTORS], const int first, const int count)
{
    rows += (long)first * HEAD_WIDTH;
    int e = 0;
    for (; e + TILE_M <= HEAD_WIDTH; e += TILE_M) {
        vfloat sum[TILE_M][TILE_VECTORS];
        EACH_ROW {
            EACH_COLUMN sum[r][c] = columns[e + r][c] * decay[c];
        }
        for (int j = 0; j < count; j++)
            EACH_ROW {
                const vfloat factor = rows[j * HEAD_WIDTH + e + r];
                EACH_COLUMN sum[r][c] = fma(factor, weights[j][c], sum[r][c]);
            }
        EACH_ROW {
            EACH_COLUMN columns[e + r][c] = sum[r][c];
        }
    }
    for (; e < HEAD_WIDTH; e++) {
        vfloat sum[TILE_VECTORS];
        EACH_COLUMN sum[c] = columns[e][c] * decay[c];
        for (int j = 0; j < count; j++) {
            const vfloat factor = rows[j * HEAD_WIDTH + e];
            EACH_COLUMN sum[c] = fma(factor, weights[j][c], sum[c]);
        }
        EACH_COLUMN columns[e][c] = sum[c];
    }
}

#if LONG_SUMS
// totals = decay · totals + columns, and the columns begin anew.
static inline void fold_columns(
    vfloat totals[HEAD_WIDTH][TILE_VECTORS], const vfloat decay[TILE_VECTORS], vfloat columns[HEAD_WIDTH][TILE_VECTORS])
{
#pragma unroll 1
    for (int e = 0; e < HEAD_WIDTH; e++)
        EACH_COLUMN {
            totals[e][c] = fma(totals[e][c], decay[c], columns[e][c]);
            columns[e][c] = 0.0f;
        }
}
#endif

// Rows of HEAD_WIDTH are all finite: otherwise 0 times one of their elements is NaN, and so is the sum.
static inline bool are_finite(__global const float *rows, const int count) {
    const int elements = count * HEAD_WIDTH;
    vfloat sum = 0.0f;
    int n = 0;
    for (; n + VECTOR_WIDTH <= elements; n += VECTOR_WIDTH) sum = fma(vfloat_load(rows + n), (vfloat)(0.0f), sum);
    if (n < elements) sum = fma(vfloat_load_tail(rows + n, elements - n, 0.0f), (vfloat)(0.0f), sum);
    return vsum(sum) == 0.0f;
}

// As add_weighted_rows, without the terms of no weight.
static inline void add_seen_rows(
    vfloat columns[HEAD_WIDTH][TILE_VECTORS], const vfloat decay[TILE_VECTORS], __global const float *rows,
    vfloat weights[KEYS][TILE_VECTORS], const int first, const int count)
{
    rows += (long)first * HEAD_WIDTH;
#pragma unroll 1
    for (int e = 0; e < HEAD_WIDTH; e++) {
        vfloat sum[TILE_VECTORS];
        EACH_COLUMN sum[c] = columns[e][c] * decay[c];
#pragma unroll 1
        for (int j = 0; j < count; j++) {
            const vfloat factor = rows[j * HEAD_WIDTH + e];
            EACH_COLUMN sum[c] = select(fma(factor, weights[j][c], sum[c]), sum[c], weights[j][c] == (vfloat)(0.0f));
        }
        EACH_COLUMN columns[e][c] = sum[c];
    }
}

// columns += rows · weights, of which weights that are 0 are hidden keys where there may be such in the block.
#if HIDES
#define ADD_WEIGHTED_ROWS(columns, decay, rows, weights, first, count, mayHide) \
    if ((mayHide) && !are_finite((rows) + (long)(first) * HEAD_WIDTH, count)) \
        add_seen_rows(columns, decay, rows, weights, first, count); \
    else \
        add_weighted_rows(columns, decay, rows, weights, first, count)
#else
#define ADD_WEIGHTED_ROWS(columns, decay, rows, weights, first, count, mayHide) \
    add_weighted_rows(columns, decay, rows, weights, first, count)
#endif

// Whether a key of the block of `count` keys from `key` on may be hidden from a row of the block from `first` on.
#if BIAS || GROUPED
#define MAY_HIDE(first, key, count) true
#else
#define MAY_HIDE(first, key, count) ((key) + (count) > (first))
#endif

#if BIAS
// The products of `count` keys become scores, in so many lanes. `rows` are the lanes' biases for the first key.
static inline void add_bias(
    vfloat products[KEYS][TILE_VECTORS], __global const float *rows[LANES], const int lanes, const int first,
    const int count, const int biasKey, const float scale)
{
    float *scores = (float *)products;
    for (int i = 0; i < lanes; i++)
        for (int j = 0; j < count; j++)
            scores[j * LANES + i] = biased_score(scores[j * LANES + i], scale, rows[i][(long)(first + j) * biasKey]);
}
#define LANE_BIASES(head, first) \
    __global const float *biases[LANES]; \
    const int lanes = min(LANES, sq - (first)); \
    for (int i = 0; i < lanes; i++) biases[i] = BIAS_OF(head, (first) + i);
#define ADD_BIAS(products, first, count) add_bias(products, biases, lanes, first, count, biasKey, scale);
#else
#define LANE_BIASES(head, first)
#define ADD_BIAS(products, first, count)
#endif

// The lanes' queries, by their numbers in their heads.
#define LANE_QUERIES(c, first) QUERY(VLANES + ((first) + (c) * VECTOR_WIDTH))
