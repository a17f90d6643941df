// The two products of attention on CPU-like devices, shared by its forward and its backward kernel.
//
// A block of LANES queries is kept turned round, one query a lane (`columns`); rows of keys or values are used where
// they lie, as scalars broadcast over the lanes. Each product is a register tile of ROWS scalars times QUERY_VECTORS
// vectors: 16 vector registers of sums with the defaults.
// Goes after common/math.cl and common/vector.cl.

#ifndef HEAD_WIDTH
#define HEAD_WIDTH 64
#endif
#ifndef QUERY_VECTORS
#define QUERY_VECTORS 2
#endif
#ifndef KEY_BLOCK
#define KEY_BLOCK 64
#endif
#ifndef ROWS
#define ROWS 8
#endif
#ifndef CAUSAL
#define CAUSAL 0
#endif
#define LANES (QUERY_VECTORS * VECTOR_WIDTH)

#if KEY_BLOCK % ROWS != 0
#error "KEY_BLOCK must be a multiple of ROWS"
#endif

// A register tile's loops, unrolled so that the tile stays in registers.
#define EACH_COLUMN _Pragma("unroll") for (int c = 0; c < QUERY_VECTORS; c++)
#define EACH_ROW _Pragma("unroll") for (int r = 0; r < ROWS; r++)

// Turns the queries first ..< first + LANES of a head into columns, zeros past the last of `count`.
static inline void loadColumns(
    vfloat columns[HEAD_WIDTH][QUERY_VECTORS], __global const float *rows, const int first, const int count)
{
    float *lanes = (float *)columns;
    for (int i = 0; i < LANES; i++) {
        const bool inside = first + i < count;
        for (int e = 0; e < HEAD_WIDTH; e++)
            lanes[e * LANES + i] = inside ? rows[(long)(first + i) * HEAD_WIDTH + e] : 0.0f;
    }
}

// products[j][lane] = Σ_e rows[first + j][e] · columns[e][lane] for KEY_BLOCK keys; keys past the last repeat it.
static inline void keysTimesColumns(
    vfloat products[KEY_BLOCK][QUERY_VECTORS], __global const float *rows, vfloat columns[HEAD_WIDTH][QUERY_VECTORS],
    const int first, const int last)
{
    for (int j = 0; j < KEY_BLOCK; j += ROWS) {
        vfloat sum[ROWS][QUERY_VECTORS];
        __global const float *row[ROWS];
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
static inline void addWeightedRows(
    vfloat columns[HEAD_WIDTH][QUERY_VECTORS], const vfloat decay[QUERY_VECTORS], __global const float *rows,
    vfloat weights[KEY_BLOCK][QUERY_VECTORS], const int first, const int count)
{
    rows += (long)first * HEAD_WIDTH;
    int e = 0;
    for (; e + ROWS <= HEAD_WIDTH; e += ROWS) {
        vfloat sum[ROWS][QUERY_VECTORS];
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
        vfloat sum[QUERY_VECTORS];
        EACH_COLUMN sum[c] = columns[e][c] * decay[c];
        for (int j = 0; j < count; j++) {
            const vfloat factor = rows[j * HEAD_WIDTH + e];
            EACH_COLUMN sum[c] = fma(factor, weights[j][c], sum[c]);
        }
        EACH_COLUMN columns[e][c] = sum[c];
    }
}
