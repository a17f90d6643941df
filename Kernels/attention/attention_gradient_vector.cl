// The gradient of softmax attention for CPU-like devices: one work-item a run of query blocks of one head.
//
// For each block of LANES queries (one a lane) and each block of KEYS keys, nothing of size sq×sk is kept:
//   pᵀ  = e^(scale·(k·qᵀ - m)) / Σ             keys × lanes, from columns of q, formed as in the forward pass
//   dsᵀ = scale · pᵀ ∘ (v·dyᵀ - δ)             keys × lanes, from columns of dy; δ = Σ_e y·dy
//   dv += pᵀ·dy,  dk += dsᵀ·q                  lanes are e now: register tiles of OUTER_ROWS × OUTER_VECTORS
//   dqᵀ += kᵀ·dsᵀ                              lanes are queries; turned round and written once a block
//
//             ┌── keys ──┐       ┌─ e (lanes) ─┐
//     lanes   │  ds, p   │   ×   │   q, dy     │  →  dk, dv: read, added to, written back
//             └──────────┘       └─────────────┘
//
// A head's dk and dv belong to one work-item, so that no two add to the same element and the order never changes. Where
// there are fewer heads than compute units, `parts` work-items share a head: each adds into its own copy of dk and dv,
// and sumParts adds these up.
//
// q, y, dy, dq [heads, sq, d]; k, v [heads, sk, d]; statistics [heads, sq, 2] (m, 1 / Σ); dk, dv [parts, heads, sk, d].
// 10·heads·sq·sk·d flops. Dao et al., FlashAttention, 2022, algorithm 4.
// What is masked: attention/masks.cl. Goes after common/math.cl, common/vector.cl and attention/columns.cl.

// The register tile of dk and dv: keys, and vectors along e; the second divides ⌈d / VECTOR_WIDTH⌉.
#ifndef OUTER_ROWS
#define OUTER_ROWS 4
#endif
#ifndef OUTER_VECTORS
#define OUTER_VECTORS 1
#endif
#define WIDTH_VECTORS ((HEAD_WIDTH + VECTOR_WIDTH - 1) / VECTOR_WIDTH)
#if KEYS % OUTER_ROWS != 0
#error "KEYS must be a multiple of OUTER_ROWS"
#endif
#if WIDTH_VECTORS % OUTER_VECTORS != 0
#error "OUTER_VECTORS must divide the vectors of a row"
#endif
#define EACH_OUTER_ROW _Pragma("unroll") for (int r = 0; r < OUTER_ROWS; r++)
#define EACH_OUTER_VECTOR _Pragma("unroll") for (int c = 0; c < OUTER_VECTORS; c++)

// row[e ..< e + VECTOR_WIDTH] += sum, without touching what lies past the row's end.
static inline void add_to_row(__global float *row, const int e, const vfloat sum) {
    if (HEAD_WIDTH % VECTOR_WIDTH == 0 || e + VECTOR_WIDTH <= HEAD_WIDTH) {
        vfloat_store(vfloat_load(row + e) + sum, row + e);
    } else {
        for (int n = e; n < HEAD_WIDTH; n++) row[n] += ((const float *)&sum)[n - e];
    }
}

// target[first + j][e] += Σ_lane weights[j][lane] · rows[lane][e] for `count` keys.
static inline void add_products(
    __global float *target, vfloat weights[KEYS][TILE_VECTORS], vfloat rows[LANES][WIDTH_VECTORS],
    const int first, const int count)
{
    for (int j = 0; j < count; j += OUTER_ROWS)
        for (int e = 0; e < WIDTH_VECTORS; e += OUTER_VECTORS) {
            vfloat sum[OUTER_ROWS][OUTER_VECTORS];
            EACH_OUTER_ROW EACH_OUTER_VECTOR sum[r][c] = 0.0f;
            for (int i = 0; i < LANES; i++)
                EACH_OUTER_ROW {
                    const vfloat factor = ((const float *)weights[j + r])[i];
                    EACH_OUTER_VECTOR sum[r][c] = fma(factor, rows[i][e + c], sum[r][c]);
                }
            EACH_OUTER_ROW {
                if (j + r < count) {
                    __global float *row = target + (long)(first + j + r) * HEAD_WIDTH;
                    EACH_OUTER_VECTOR add_to_row(row, (e + c) * VECTOR_WIDTH, sum[r][c]);
                }
            }
        }
}

#if HIDES
// The same without the terms of no weight.
static inline void add_seen_products(
    __global float *target, vfloat weights[KEYS][TILE_VECTORS], vfloat rows[LANES][WIDTH_VECTORS],
    const int first, const int count)
{
#pragma unroll 1
    for (int j = 0; j < count; j++)
#pragma unroll 1
        for (int e = 0; e < WIDTH_VECTORS; e++) {
            vfloat sum = 0.0f;
#pragma unroll 1
            for (int i = 0; i < LANES; i++) {
                const float factor = ((const float *)weights[j])[i];
                if (factor != 0.0f) sum = fma((vfloat)(factor), rows[i][e], sum);
            }
            add_to_row(target + (long)(first + j) * HEAD_WIDTH, e * VECTOR_WIDTH, sum);
        }
}
#endif

// Global size (heads · parts, 1).
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void attention_gradient(
    __global const float *restrict q, const ulong qOffset, __global const float *restrict k, const ulong kOffset,
    __global const float *restrict v, const ulong vOffset, __global const float *restrict y, const ulong yOffset,
    __global const float *restrict statistics, const ulong statisticsOffset,
    __global const float *restrict dy, const ulong dyOffset, __global float *restrict dq, const ulong dqOffset,
    __global float *restrict dk, const ulong dkOffset, __global float *restrict dv, const ulong dvOffset,
    const int heads, const int sq, const int sk, const float scale, const int parts
    MASK_PARAMETERS)
{
    const long head = get_global_id(0) / parts;
    const int part = get_global_id(0) % parts;
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    y += yOffset + head * sq * HEAD_WIDTH;
    statistics += statisticsOffset + 2 * head * sq;
    dy += dyOffset + head * sq * HEAD_WIDTH;
    dq += dqOffset + head * sq * HEAD_WIDTH;
    dk += dkOffset + (part * (long)heads + head) * sk * HEAD_WIDTH;
    dv += dvOffset + (part * (long)heads + head) * sk * HEAD_WIDTH;
    for (long n = 0; n < (long)sk * HEAD_WIDTH; n++) dk[n] = 0.0f;
    for (long n = 0; n < (long)sk * HEAD_WIDTH; n++) dv[n] = 0.0f;

    vfloat qColumns[HEAD_WIDTH][TILE_VECTORS], dyColumns[HEAD_WIDTH][TILE_VECTORS];
    vfloat dqColumns[HEAD_WIDTH][TILE_VECTORS];
    vfloat qRows[LANES][WIDTH_VECTORS], dyRows[LANES][WIDTH_VECTORS];
    vfloat weights[KEYS][TILE_VECTORS], slopes[KEYS][TILE_VECTORS];
    vfloat delta[TILE_VECTORS], maximum[TILE_VECTORS], inverse[TILE_VECTORS], one[TILE_VECTORS];
    EACH_COLUMN one[c] = 1.0f;

#if LONG_SUMS
    vfloat dqTotals[HEAD_WIDTH][TILE_VECTORS];
#endif
    const int blocks = (sq + LANES - 1) / LANES;
    // Part p takes blocks p, p + parts, …: even shares also where causal.
    for (int block = part; block < blocks; block += parts) {
        const int first = block * LANES;
        load_columns(qColumns, q, first, sq);
        load_columns(dyColumns, dy, first, sq);
        LANE_BIASES(head, first)
#if HIDES
        const int rows = min(LANES, sq - first);
        const bool rowsAreFinite = are_finite(q + (long)first * HEAD_WIDTH, rows)
            && are_finite(dy + (long)first * HEAD_WIDTH, rows);
#endif
        for (int i = 0; i < LANES; i++) {
            const bool inside = first + i < sq;
            const long row = (long)(first + i) * HEAD_WIDTH;
            float product = 0.0f;
            for (int e = 0; e < WIDTH_VECTORS * VECTOR_WIDTH; e++) {
                const bool exists = inside && e < HEAD_WIDTH;
                const float cotangent = exists ? dy[row + e] : 0.0f;
                ((float *)qRows[i])[e] = exists ? q[row + e] : 0.0f;
                ((float *)dyRows[i])[e] = cotangent;
                product = fma(exists ? y[row + e] : 0.0f, cotangent, product);
            }
            ((float *)delta)[i] = product;
            // A lane without a query gets the weights e^0 · 0.
            ((float *)maximum)[i] = inside ? statistics[2 * (first + i)] : 0.0f;
            ((float *)inverse)[i] = inside ? statistics[2 * (first + i) + 1] : 0.0f;
        }
        for (int e = 0; e < HEAD_WIDTH; e++) EACH_COLUMN dqColumns[e][c] = 0.0f;
#if LONG_SUMS
        for (int e = 0; e < HEAD_WIDTH; e++) EACH_COLUMN dqTotals[e][c] = 0.0f;
#endif

        const int keys = KEYS_SEEN(KEYS_OF(head), first, LANES);
        for (int j0 = 0; j0 < keys; j0 += KEYS) {
            const int count = min(KEYS, keys - j0);
            keys_times_columns(weights, k, qColumns, j0, sk - 1);
            keys_times_columns(slopes, v, dyColumns, j0, sk - 1);
            ADD_BIAS(weights, j0, count)
            for (int j = 0; j < KEYS; j++)
                EACH_COLUMN {
                    vfloat weight = vexp_nonpositive(EXPONENT(weights[j][c], maximum[c])) * inverse[c];
#if CAUSAL
                    weight = select(weight, (vfloat)(0.0f), LANE_QUERIES(c, first) < (vint)(j0 + j));
#endif
#if HIDES
                    // Of a lane without a query the products may be NaN.
                    weight = select(weight, (vfloat)(0.0f), inverse[c] == (vfloat)(0.0f));
#endif
                    weights[j][c] = weight;
                    slopes[j][c] = scale * weight * (slopes[j][c] - delta[c]);
#if HIDES
                    slopes[j][c] = select(slopes[j][c], (vfloat)(0.0f), weight == (vfloat)(0.0f));
#endif
                }
#if HIDES
            if (MAY_HIDE(first, j0, count) && !rowsAreFinite) {
                add_seen_products(dv, weights, dyRows, j0, count);
                add_seen_products(dk, slopes, qRows, j0, count);
            } else
#endif
            {
                add_products(dv, weights, dyRows, j0, count);
                add_products(dk, slopes, qRows, j0, count);
            }
            ADD_WEIGHTED_ROWS(dqColumns, one, k, slopes, j0, count, MAY_HIDE(first, j0, count));
#if LONG_SUMS
            if (ENDS_SUM(j0, KEYS)) fold_columns(dqTotals, one, dqColumns);
#endif
        }
#if LONG_SUMS
        for (int e = 0; e < HEAD_WIDTH; e++) EACH_COLUMN dqColumns[e][c] += dqTotals[e][c];
#endif

        for (int i = 0; i < LANES && first + i < sq; i++)
            for (int e = 0; e < HEAD_WIDTH; e++)
                dq[(long)(first + i) * HEAD_WIDTH + e] = ((float *)dqColumns)[e * LANES + i];
    }
}
