// Matrix product with few rows, for devices that are CPUs: y = activation(op(a) · op(b) + bias), m = ROWS.
//
// Bound by reading b, so b is read once, in the order in which it lies, and nothing is packed.
// - b [k, n]: a work-item owns up to MOST_COLUMNS columns and keeps their sums in cache while rows of b stream past,
//   UNROLL at a time.
// - b [n, k] (transposed): every element of y is a dot product along a row of b; UNROLL rows of b at a time.
//
// Shapes as in gemm/panel.cl; follows gemm/batch.cl. 2·ROWS·n·k flops and 4·n·k bytes a batch entry. Local size (1, 1, 1).

#ifndef VECTOR_WIDTH
#define VECTOR_WIDTH 8       // floats in a vector register
#endif
#ifndef ROWS
#define ROWS 1               // rows of a and y: 1 to 8
#endif
#ifndef MOST_COLUMNS
#define MOST_COLUMNS 1024    // most columns of a work-item
#endif
#ifndef UNROLL
#define UNROLL 4             // rows of b at a time
#endif
#ifndef HAS_BIAS
#define HAS_BIAS 0
#endif
#ifndef ACTIVATION
#define ACTIVATION(x) (x)    // of a vector
#endif

// Of long sums, so many products (the transposed kernel: in each lane) are added to one another before their sum is to
// the others'.
#define PRODUCTS 1024

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define floatv JOIN(float, VECTOR_WIDTH)
#define loadv JOIN(vload, VECTOR_WIDTH)
#define storev JOIN(vstore, VECTOR_WIDTH)

// y [ROWS, n], from `column` on, `columns` of them = activation(sums [ROWS][MOST_COLUMNS] + bias)
static void store_rows(
    const float *sums, __global const float *bias, __global float *c, const int n, const int columns)
{
    for (int r = 0; r < ROWS; r++) {
        for (int j = 0; j < columns; j += VECTOR_WIDTH) {
            const int count = min(VECTOR_WIDTH, columns - j);
            float lanes[VECTOR_WIDTH];
#if HAS_BIAS
            for (int l = 0; l < VECTOR_WIDTH; l++) lanes[l] = l < count ? bias[j + l] : 0;
            const floatv offset = loadv(0, lanes);
#else
            const floatv offset = (floatv)(0);
#endif
            const floatv sum = ACTIVATION(loadv(0, sums + r * MOST_COLUMNS + j) + offset);
            if (count == VECTOR_WIDTH) {
                storev(sum, 0, c + (long)r * n + j);
            } else {
                storev(sum, 0, lanes);
                for (int l = 0; l < count; l++) c[(long)r * n + j + l] = lanes[l];
            }
        }
    }
}

// Global size (column items, batch, 1); rowStride and columnStride are a's: (k, 1), or (1, m) where it is transposed.
#define ARGUMENTS \
    __global const float *restrict a, const ulong aOffset, __global const float *restrict b, const ulong bOffset, \
    BIAS_ARGUMENTS __global float *restrict c, const ulong cOffset, const int n, const int k, const int rowStride, \
    const int columnStride, BATCH_PARAMETERS
#if HAS_BIAS
#define BIAS_ARGUMENTS __global const float *restrict bias, const ulong biasOffset,
#define BIAS_AT(column) (bias + biasOffset + (column))
#else
#define BIAS_ARGUMENTS
#define BIAS_AT(column) 0
#endif

__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_few_rows(ARGUMENTS)
{
    float sums[ROWS * MOST_COLUMNS] __attribute__((aligned(64)));
    float totals[ROWS * MOST_COLUMNS] __attribute__((aligned(64)));
    const long entry = get_global_id(1);
    const int blocks = (n + VECTOR_WIDTH - 1) / VECTOR_WIDTH;
    const int column = (int)((long)blocks * get_global_id(0) / get_global_size(0)) * VECTOR_WIDTH;
    const int end = min(n, (int)((long)blocks * (get_global_id(0) + 1) / get_global_size(0)) * VECTOR_WIDTH);
    const int columns = end - column, whole = columns / VECTOR_WIDTH * VECTOR_WIDTH;
    a += aOffset + ENTRY_OF_A(entry) * ROWS * k;
    b += bOffset + ENTRY_OF_B(entry) * n * k + column;
    for (int i = 0; i < ROWS * MOST_COLUMNS; i++) sums[i] = 0;
    bool hasTotals = false;
    int p = 0;
    for (; p + UNROLL <= k; p += UNROLL) {
        if (p > 0 && p % PRODUCTS < UNROLL) {
            for (int i = 0; i < ROWS * MOST_COLUMNS; i++) {
                totals[i] = hasTotals ? totals[i] + sums[i] : sums[i];
                sums[i] = 0;
            }
            hasTotals = true;
        }
        float x[ROWS][UNROLL];
        for (int r = 0; r < ROWS; r++)
            for (int q = 0; q < UNROLL; q++) x[r][q] = a[(long)r * rowStride + (long)(p + q) * columnStride];
        __global const float *line = b + (long)p * n;
        for (int j = 0; j < whole; j += VECTOR_WIDTH) {
            floatv row[UNROLL];
            #pragma unroll
            for (int q = 0; q < UNROLL; q++) row[q] = loadv(0, line + (long)q * n + j);
            #pragma unroll
            for (int r = 0; r < ROWS; r++) {
                floatv sum = loadv(0, sums + r * MOST_COLUMNS + j);
                #pragma unroll
                for (int q = 0; q < UNROLL; q++) sum = fma((floatv)(x[r][q]), row[q], sum);
                storev(sum, 0, sums + r * MOST_COLUMNS + j);
            }
        }
        for (int j = whole; j < columns; j++)
            for (int r = 0; r < ROWS; r++)
                for (int q = 0; q < UNROLL; q++) {
                    const int sum = r * MOST_COLUMNS + j;
                    sums[sum] = fma(x[r][q], line[(long)q * n + j], sums[sum]);
                }
    }
    for (; p < k; p++) {
        for (int r = 0; r < ROWS; r++) {
            const float x = a[(long)r * rowStride + (long)p * columnStride];
            for (int j = 0; j < columns; j++)
                sums[r * MOST_COLUMNS + j] = fma(x, b[(long)p * n + j], sums[r * MOST_COLUMNS + j]);
        }
    }
    if (hasTotals)
        for (int i = 0; i < ROWS * MOST_COLUMNS; i++) sums[i] += totals[i];
    store_rows(sums, BIAS_AT(column), c + cOffset + entry * ROWS * n + column, n, columns);
}

// As gemm_few_rows, b [n, k].
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_few_rows_transposed(ARGUMENTS)
{
    float sums[ROWS * MOST_COLUMNS] __attribute__((aligned(64)));
    const long entry = get_global_id(1);
    const int blocks = (n + VECTOR_WIDTH - 1) / VECTOR_WIDTH;
    const int column = (int)((long)blocks * get_global_id(0) / get_global_size(0)) * VECTOR_WIDTH;
    const int end = min(n, (int)((long)blocks * (get_global_id(0) + 1) / get_global_size(0)) * VECTOR_WIDTH);
    const int columns = end - column;
    a += aOffset + ENTRY_OF_A(entry) * ROWS * k;
    b += bOffset + ENTRY_OF_B(entry) * n * k + (long)column * k;
    for (int i = 0; i < ROWS * MOST_COLUMNS; i++) sums[i] = 0;
    for (int j = 0; j < columns; j += UNROLL) {
        floatv tile[ROWS][UNROLL], total[ROWS][UNROLL];
        __global const float *lines[UNROLL];
        for (int q = 0; q < UNROLL; q++) {
            lines[q] = b + (long)min(j + q, columns - 1) * k;
            for (int r = 0; r < ROWS; r++) {
                tile[r][q] = (floatv)(0);
                total[r][q] = (floatv)(0);
            }
        }
        int p = 0;
        for (; p + VECTOR_WIDTH <= k; p += VECTOR_WIDTH) {
            if (p > 0 && p % (PRODUCTS * VECTOR_WIDTH) == 0)
                for (int r = 0; r < ROWS; r++)
                    for (int q = 0; q < UNROLL; q++) {
                        total[r][q] += tile[r][q];
                        tile[r][q] = (floatv)(0);
                    }
            floatv row[UNROLL];
            #pragma unroll
            for (int q = 0; q < UNROLL; q++) row[q] = loadv(0, lines[q] + p);
            #pragma unroll
            for (int r = 0; r < ROWS; r++) {
                floatv x;
                if (columnStride == 1) {
                    x = loadv(0, a + (long)r * rowStride + p);
                } else {
                    float lanes[VECTOR_WIDTH];
                    for (int l = 0; l < VECTOR_WIDTH; l++) lanes[l] = a[(long)r * rowStride + (long)(p + l) * columnStride];
                    x = loadv(0, lanes);
                }
                #pragma unroll
                for (int q = 0; q < UNROLL; q++) tile[r][q] = fma(x, row[q], tile[r][q]);
            }
        }
        for (int r = 0; r < ROWS; r++) {
            for (int q = 0; q < min(UNROLL, columns - j); q++) {
                float lanes[VECTOR_WIDTH];
                storev(tile[r][q] + total[r][q], 0, lanes);
                float sum = 0;
                for (int l = 0; l < VECTOR_WIDTH; l++) sum += lanes[l];
                for (int i = p; i < k; i++) sum = fma(a[(long)r * rowStride + (long)i * columnStride], lines[q][i], sum);
                sums[r * MOST_COLUMNS + j + q] = sum;
            }
        }
    }
    store_rows(sums, BIAS_AT(column), c + cOffset + entry * ROWS * n + column, n, columns);
}
