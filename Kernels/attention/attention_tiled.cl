// Softmax attention and its gradient for GPU-like devices: tiles in local memory, a work-group a block of one head.
//
//   attentionTiles         a block of 32 queries walks over the keys, 64 at a time        y, statistics
//   attentionTilesQueries  the same walk, with p formed again                             dq, inverse
//   attentionTilesKeys     a block of 32 keys walks over the queries, 64 at a time        dk, dv
//
//                64 (b)                        A work-group has 16×8 work-items; each holds 4×4 of the 32×64 products,
//           ┌──────────────┐                   rows ty·4 …, columns tx, tx + 16, …, and 4×⌈d/16⌉ of the 32×d sums.
//  32 (a)   │  a·bᵀ, then  │   ×  x [64, d]    Operands of a·bᵀ are staged CHUNK columns at a time, rows of x as many at
//           │  weights     │   →  32×d sums    a time as fit into the same memory: 21 KB in all, whatever d.
//           └──────────────┘
//
// Every sum belongs to one work-item and goes in one order: no atomics, the same bits each run. Where causal, blocks
// of only masked scores are skipped. 4·heads·sq·sk·d flops forward; 14 backward, as p and dy·vᵀ are formed twice.
// q, y, dy, dq [heads, sq, d], k, v, dk, dv [heads, sk, d], delta, inverse [heads, sq], statistics [heads, sq, 2]: the
// greatest of q·k, m, and 1 / Σ e^(scale·(q·k - m)). The gradient reads m alone and adds the weights up again, as the
// products may have come from a kernel that rounds them otherwise, which large ones would not forgive. d ≤ 256.
// Dao et al., FlashAttention, 2022; the split of the gradient by dq and by dk, dv: Dao, FlashAttention-2, 2023.

#ifndef HEAD_WIDTH
#define HEAD_WIDTH 64
#endif
#ifndef CAUSAL
#define CAUSAL 0
#endif

#define ACROSS 16
#define ITEMS (ACROSS * 8)
#define SIDE 4
#define A_ROWS (8 * SIDE)
#define B_ROWS (ACROSS * SIDE)
#define CHUNK 32
// One more than a power of two, so that rows begin in different banks.
#define CHUNK_STRIDE (CHUNK + 1)
#define WEIGHT_STRIDE (B_ROWS + 1)
#define WIDTH_COLUMNS ((HEAD_WIDTH + ACROSS - 1) / ACROSS)
#define PADDED_WIDTH (WIDTH_COLUMNS * ACROSS)
// Rows of x that are staged together; divides B_ROWS.
#if PADDED_WIDTH <= 64
#define STAGED 32
#elif PADDED_WIDTH <= 128
#define STAGED 16
#else
#define STAGED 8
#endif

#define EACH_ROW _Pragma("unroll") for (int r = 0; r < SIDE; r++)
#define EACH_COLUMN _Pragma("unroll") for (int c = 0; c < SIDE; c++)
#define EACH_WIDTH_COLUMN _Pragma("unroll") for (int c = 0; c < WIDTH_COLUMNS; c++)
#define TX ((int)get_local_id(0) % ACROSS)
#define TY ((int)get_local_id(0) / ACROSS)

#define LOCAL_TILES \
    __local float aTile[A_ROWS * CHUNK_STRIDE], bTile[B_ROWS * CHUNK_STRIDE], weights[A_ROWS * WEIGHT_STRIDE];

// products[r][c] = a[aFirst + ty·4 + r] · b[bFirst + tx + 16·c]; rows past the last count as zeros.
static inline void tileProducts(
    float products[SIDE][SIDE], __global const float *a, const int aFirst, const int aCount,
    __global const float *b, const int bFirst, const int bCount, __local float *aTile, __local float *bTile)
{
    EACH_ROW EACH_COLUMN products[r][c] = 0.0f;
    for (int first = 0; first < HEAD_WIDTH; first += CHUNK) {
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int n = get_local_id(0); n < A_ROWS * CHUNK; n += ITEMS) {
            const int row = n / CHUNK, e = n % CHUNK;
            const bool exists = aFirst + row < aCount && first + e < HEAD_WIDTH;
            aTile[row * CHUNK_STRIDE + e] = exists ? a[(long)(aFirst + row) * HEAD_WIDTH + first + e] : 0.0f;
        }
        for (int n = get_local_id(0); n < B_ROWS * CHUNK; n += ITEMS) {
            const int row = n / CHUNK, e = n % CHUNK;
            const bool exists = bFirst + row < bCount && first + e < HEAD_WIDTH;
            bTile[row * CHUNK_STRIDE + e] = exists ? b[(long)(bFirst + row) * HEAD_WIDTH + first + e] : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int e = 0; e < CHUNK; e++) {
            float left[SIDE], right[SIDE];
            EACH_ROW left[r] = aTile[(TY * SIDE + r) * CHUNK_STRIDE + e];
            EACH_COLUMN right[c] = bTile[(TX + ACROSS * c) * CHUNK_STRIDE + e];
            EACH_ROW EACH_COLUMN products[r][c] = fma(left[r], right[c], products[r][c]);
        }
    }
}

// sums[r][c] += Σ_j weights[ty·4 + r][j] · x[first + j][tx + 16·c]. The barrier before the first product also makes the
// weights visible.
static inline void addWeighted(
    float sums[SIDE][WIDTH_COLUMNS], __local const float *weights, __global const float *x, const int first,
    const int count, __local float *tile)
{
    for (int staged = 0; staged < B_ROWS; staged += STAGED) {
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int n = get_local_id(0); n < STAGED * PADDED_WIDTH; n += ITEMS) {
            const int row = first + staged + n / PADDED_WIDTH, e = n % PADDED_WIDTH;
            tile[n] = row < count && e < HEAD_WIDTH ? x[(long)row * HEAD_WIDTH + e] : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int j = 0; j < STAGED; j++) {
            float weight[SIDE];
            EACH_ROW weight[r] = weights[(TY * SIDE + r) * WEIGHT_STRIDE + staged + j];
            EACH_WIDTH_COLUMN {
                const float value = tile[j * PADDED_WIDTH + TX + ACROSS * c];
                EACH_ROW sums[r][c] = fma(weight[r], value, sums[r][c]);
            }
        }
    }
}

static inline void storeSums(
    float sums[SIDE][WIDTH_COLUMNS], const float factors[SIDE], __global float *to, const int first, const int count)
{
    EACH_ROW {
        const int row = first + TY * SIDE + r;
        EACH_WIDTH_COLUMN {
            const int e = TX + ACROSS * c;
            if (row < count && e < HEAD_WIDTH) to[(long)row * HEAD_WIDTH + e] = factors[r] * sums[r][c];
        }
    }
}

// Global size (⌈sq / 32⌉ · ITEMS, heads).
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void attentionTiles(
    __global const float *restrict q, const ulong qOffset, __global const float *restrict k, const ulong kOffset,
    __global const float *restrict v, const ulong vOffset, __global float *restrict y, const ulong yOffset,
    __global float *restrict statistics, const ulong statisticsOffset, const int sq, const int sk, const float scale)
{
    LOCAL_TILES
    __local float partials[A_ROWS * (ACROSS + 1)];
    const long head = get_global_id(1);
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    y += yOffset + head * sq * HEAD_WIDTH;
    // The last queries first: where causal, they are the most work.
    const int first = (get_num_groups(0) - 1 - get_group_id(0)) * A_ROWS;

    float sums[SIDE][WIDTH_COLUMNS], maximum[SIDE], total[SIDE];
    EACH_ROW {
        EACH_WIDTH_COLUMN sums[r][c] = 0.0f;
        maximum[r] = -INFINITY;
        total[r] = 0.0f;
    }
    const int keys = CAUSAL ? min(sk, first + A_ROWS) : sk;
    for (int j0 = 0; j0 < keys; j0 += B_ROWS) {
        float scores[SIDE][SIDE];
        tileProducts(scores, q, first, sq, k, j0, sk, aTile, bTile);
        EACH_ROW {
            float largest = -INFINITY;
            EACH_COLUMN {
                const int j = j0 + TX + ACROSS * c;
                const bool seen = j < sk && (!CAUSAL || j <= first + TY * SIDE + r);
                scores[r][c] = seen ? scores[r][c] : -INFINITY;
                largest = fmax(largest, scores[r][c]);
            }
            partials[(TY * SIDE + r) * (ACROSS + 1) + TX] = largest;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        float reference[SIDE], decay[SIDE];
        EACH_ROW {
            float largest = maximum[r];
            for (int n = 0; n < ACROSS; n++) largest = fmax(largest, partials[(TY * SIDE + r) * (ACROSS + 1) + n]);
            // Where every score so far is -inf, their weights are e^(-inf - 0) = 0.
            reference[r] = largest == -INFINITY ? 0.0f : largest;
            decay[r] = exp(scale * (maximum[r] - reference[r]));
            maximum[r] = largest;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        EACH_ROW {
            float partial = 0.0f;
            EACH_COLUMN {
                const float weight = exp(scale * (scores[r][c] - reference[r]));
                weights[(TY * SIDE + r) * WEIGHT_STRIDE + TX + ACROSS * c] = weight;
                partial += weight;
            }
            partials[(TY * SIDE + r) * (ACROSS + 1) + TX] = partial;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        EACH_ROW {
            float partial = 0.0f;
            for (int n = 0; n < ACROSS; n++) partial += partials[(TY * SIDE + r) * (ACROSS + 1) + n];
            total[r] = fma(total[r], decay[r], partial);
            EACH_WIDTH_COLUMN sums[r][c] *= decay[r];
        }
        addWeighted(sums, weights, v, j0, sk, bTile);
    }
    float inverse[SIDE];
    EACH_ROW {
        inverse[r] = 1.0f / total[r];
        const int query = first + TY * SIDE + r;
        if (TX == 0 && query < sq) {
            __global float *row = statistics + statisticsOffset + 2 * (head * sq + query);
            row[0] = maximum[r];
            row[1] = inverse[r];
        }
    }
    storeSums(sums, inverse, y, first, sq);
}

// Global size (⌈sq / 32⌉ · ITEMS, heads).
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void attentionTilesQueries(
    __global const float *restrict q, const ulong qOffset, __global const float *restrict k, const ulong kOffset,
    __global const float *restrict v, const ulong vOffset, __global const float *restrict statistics,
    const ulong statisticsOffset, __global const float *restrict dy, const ulong dyOffset,
    __global const float *restrict delta, const ulong deltaOffset, __global float *restrict inverse,
    const ulong inverseOffset, __global float *restrict dq, const ulong dqOffset, const int sq, const int sk,
    const float scale)
{
    LOCAL_TILES
    __local float partials[A_ROWS * (ACROSS + 1)];
    const long head = get_global_id(1);
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    dy += dyOffset + head * sq * HEAD_WIDTH;
    const int first = (get_num_groups(0) - 1 - get_group_id(0)) * A_ROWS;

    float sums[SIDE][WIDTH_COLUMNS], maximum[SIDE], mean[SIDE], total[SIDE], factors[SIDE];
    EACH_ROW {
        EACH_WIDTH_COLUMN sums[r][c] = 0.0f;
        const int query = first + TY * SIDE + r;
        maximum[r] = query < sq ? statistics[statisticsOffset + 2 * (head * sq + query)] : 0.0f;
        mean[r] = query < sq ? delta[deltaOffset + head * sq + query] : 0.0f;
        total[r] = 0.0f;
    }
    const int keys = CAUSAL ? min(sk, first + A_ROWS) : sk;
    for (int j0 = 0; j0 < keys; j0 += B_ROWS) {
        float scores[SIDE][SIDE], slopes[SIDE][SIDE];
        tileProducts(scores, q, first, sq, k, j0, sk, aTile, bTile);
        tileProducts(slopes, dy, first, sq, v, j0, sk, aTile, bTile);
        EACH_ROW EACH_COLUMN {
            const int j = j0 + TX + ACROSS * c;
            const bool seen = j < sk && (!CAUSAL || j <= first + TY * SIDE + r);
            const float weight = seen ? exp(scale * (scores[r][c] - maximum[r])) : 0.0f;
            total[r] += weight;
            weights[(TY * SIDE + r) * WEIGHT_STRIDE + TX + ACROSS * c] = weight * (slopes[r][c] - mean[r]);
        }
        addWeighted(sums, weights, k, j0, sk, bTile);
    }
    EACH_ROW partials[(TY * SIDE + r) * (ACROSS + 1) + TX] = total[r];
    barrier(CLK_LOCAL_MEM_FENCE);
    EACH_ROW {
        float sum = 0.0f;
        for (int n = 0; n < ACROSS; n++) sum += partials[(TY * SIDE + r) * (ACROSS + 1) + n];
        const int query = first + TY * SIDE + r;
        if (TX == 0 && query < sq) inverse[inverseOffset + head * sq + query] = 1.0f / sum;
        factors[r] = scale / sum;
    }
    storeSums(sums, factors, dq + dqOffset + head * sq * HEAD_WIDTH, first, sq);
}

// Global size (⌈sk / 32⌉ · ITEMS, heads). Rows of the tiles are keys here, columns queries.
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void attentionTilesKeys(
    __global const float *restrict q, const ulong qOffset, __global const float *restrict k, const ulong kOffset,
    __global const float *restrict v, const ulong vOffset, __global const float *restrict statistics,
    const ulong statisticsOffset, __global const float *restrict dy, const ulong dyOffset,
    __global const float *restrict delta, const ulong deltaOffset, __global const float *restrict inverse,
    const ulong inverseOffset, __global float *restrict dk, const ulong dkOffset, __global float *restrict dv,
    const ulong dvOffset, const int sq, const int sk, const float scale)
{
    LOCAL_TILES
    const long head = get_global_id(1);
    q += qOffset + head * sq * HEAD_WIDTH;
    k += kOffset + head * sk * HEAD_WIDTH;
    v += vOffset + head * sk * HEAD_WIDTH;
    dy += dyOffset + head * sq * HEAD_WIDTH;
    const int first = get_group_id(0) * A_ROWS;

    float keySums[SIDE][WIDTH_COLUMNS], valueSums[SIDE][WIDTH_COLUMNS], factors[SIDE], ones[SIDE];
    EACH_ROW {
        EACH_WIDTH_COLUMN {
            keySums[r][c] = 0.0f;
            valueSums[r][c] = 0.0f;
        }
        factors[r] = scale;
        ones[r] = 1.0f;
    }
    // Where causal, queries before the first key of the block see none of it.
    for (int i0 = CAUSAL ? first / B_ROWS * B_ROWS : 0; i0 < sq; i0 += B_ROWS) {
        float scores[SIDE][SIDE], slopes[SIDE][SIDE];
        tileProducts(scores, k, first, sk, q, i0, sq, aTile, bTile);
        tileProducts(slopes, v, first, sk, dy, i0, sq, aTile, bTile);
        EACH_ROW EACH_COLUMN {
            const int i = i0 + TX + ACROSS * c, key = first + TY * SIDE + r;
            const bool seen = i < sq && key < sk && (!CAUSAL || key <= i);
            const long query = head * sq + i;
            float weight = 0.0f;
            if (seen)
                weight = exp(scale * (scores[r][c] - statistics[statisticsOffset + 2 * query]))
                    * inverse[inverseOffset + query];
            weights[(TY * SIDE + r) * WEIGHT_STRIDE + TX + ACROSS * c] = weight;
            slopes[r][c] = seen ? weight * (slopes[r][c] - delta[deltaOffset + query]) : 0.0f;
        }
        addWeighted(valueSums, weights, dy, i0, sq, bTile);
        barrier(CLK_LOCAL_MEM_FENCE);
        EACH_ROW EACH_COLUMN
            weights[(TY * SIDE + r) * WEIGHT_STRIDE + TX + ACROSS * c] = slopes[r][c];
        addWeighted(keySums, weights, q, i0, sq, bTile);
    }
    storeSums(keySums, factors, dk + dkOffset + head * sk * HEAD_WIDTH, first, sk);
    storeSums(valueSums, ones, dv + dvOffset + head * sk * HEAD_WIDTH, first, sk);
}
