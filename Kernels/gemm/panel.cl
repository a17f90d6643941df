// Matrix product for devices that are CPUs: y = activation(op(a) · op(b) + bias), row-major, batched.
//
//            b, packed by the work-item, a panel at a time        a [m, k] is packed first, by gemm_pack_rows, into
//            ┌────────┬────────┬──                               panels of TILE_M rows, k-major: every step of the
//         k  │ TILE_N │        │   into BLOCK_K × TILE_N          inner loop reads TILE_M consecutive floats. One
//            │        │        │   floats that stay in cache       work-item owns some panels of b's columns and
//   ┌──────┐ ├────────┼────────┼──                               some of a's rows, walks k in blocks, packs its own
//   │TILE_M│ │ c tile │        │                                  panel of b and multiplies every panel of a by it
//   ├──────┤ ├────────┼────────┼──                               in TILE_M × TILE_N tiles held in registers.
//   │  a   │ │        │        │
//
// Shapes: a [batch, m, k] ([batch, k, m] transposed), b [batch, k, n] ([batch, n, k] transposed; a batch stride of 0
// shares it), bias [n], y [batch, m, n]. 2·m·n·k flops a batch entry. Bytes moved: a twice (packed once), b once,
// y once for each block of k. There is no local memory and no barrier; the local size is always (1, 1, 1), so that
// every barrier-free line below compiles to plain vector code.
// Method: K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", TOMS 34(3), 2008, with
// the roles of a and b exchanged: the panel of b stays in the nearest cache and a streams past it.

#ifndef VECTOR_WIDTH
#define VECTOR_WIDTH 8       // floats in a vector register: 8 for AVX2, 16 for AVX-512, 4 for NEON and SSE
#endif
#ifndef TILE_M
#define TILE_M 6             // rows of the register tile
#endif
#ifndef TILE_VECTORS
#define TILE_VECTORS 2       // vectors in a row of the register tile
#endif
#ifndef BLOCK_K
#define BLOCK_K 384          // most k steps that a packed panel of b holds
#endif
#ifndef TRANSPOSE_B
#define TRANSPOSE_B 0
#endif
#ifndef HAS_BIAS
#define HAS_BIAS 0
#endif
#ifndef ACTIVATION
#define ACTIVATION(x) (x)    // of a vector
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define floatv JOIN(float, VECTOR_WIDTH)
#define loadv JOIN(vload, VECTOR_WIDTH)
#define storev JOIN(vstore, VECTOR_WIDTH)
#define TILE_N (VECTOR_WIDTH * TILE_VECTORS)

// a → panels [batch][⌈m / TILE_M⌉][k][TILE_M], the missing rows of the last panel zero.
// rowStride and columnStride are a's: (k, 1), or (1, m) where it is transposed.
// Global size (panels, batch, 1).
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_pack_rows(
    __global const float *restrict a, const ulong aOffset, __global float *restrict packed, const ulong packedOffset,
    const int m, const int k, const int rowStride, const int columnStride)
{
    const int panel = get_global_id(0);
    const int row = panel * TILE_M;
    const int rows = min(TILE_M, m - row);
    const ulong entry = get_global_id(1);
    __global const float *source = a + aOffset + entry * m * k + (ulong)row * rowStride;
    __global float *target = packed + packedOffset + (entry * get_global_size(0) + panel) * k * TILE_M;
    if (columnStride == 1) {
        for (int i = 0; i < TILE_M; i++) {
            if (i < rows) {
                __global const float *line = source + (long)i * rowStride;
                for (int p = 0; p < k; p++) target[(long)p * TILE_M + i] = line[p];
            } else {
                for (int p = 0; p < k; p++) target[(long)p * TILE_M + i] = 0;
            }
        }
    } else {
        for (int p = 0; p < k; p++) {
            for (int i = 0; i < TILE_M; i++)
                target[(long)p * TILE_M + i] = i < rows ? source[(long)p * columnStride + i * (long)rowStride] : 0;
        }
    }
}

// Rows p of [depth, columns] of b, from `b` on, into panel [depth][TILE_N], missing columns zero.
static void pack_columns(__global const float *b, float *panel, const int depth, const int columns, const int stride)
{
#if TRANSPOSE_B
    for (int j = 0; j < TILE_N; j++) {
        if (j < columns) {
            __global const float *line = b + (long)j * stride;
            for (int p = 0; p < depth; p++) panel[p * TILE_N + j] = line[p];
        } else {
            for (int p = 0; p < depth; p++) panel[p * TILE_N + j] = 0;
        }
    }
#else
    if (columns == TILE_N) {
        for (int p = 0; p < depth; p++) {
            for (int v = 0; v < TILE_VECTORS; v++)
                storev(loadv(v, b + (long)p * stride), v, panel + p * TILE_N);
        }
    } else {
        for (int p = 0; p < depth; p++) {
            for (int j = 0; j < TILE_N; j++) panel[p * TILE_N + j] = j < columns ? b[(long)p * stride + j] : 0;
        }
    }
#endif
}

// tile += a panel [depth][TILE_M] · b panel [depth][TILE_N], the first `vectors` vectors of each row of it.
static inline __attribute__((always_inline))
void multiply(
    __global const float *a, const float *b, const int depth, const int vectors,
    floatv tile[TILE_M][TILE_VECTORS])
{
    for (int p = 0; p < depth; p++) {
        floatv row[TILE_VECTORS];
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) if (v < vectors) row[v] = loadv(v, b);
        #pragma unroll
        for (int i = 0; i < TILE_M; i++) {
            const floatv x = (floatv)(a[i]);
            #pragma unroll
            for (int v = 0; v < TILE_VECTORS; v++) if (v < vectors) tile[i][v] = fma(x, row[v], tile[i][v]);
        }
        a += TILE_M;
        b += TILE_N;
    }
}

// The vector at `pointer`, of which only the first `count` lanes may be touched; the others are zero.
static floatv load_part(__global const float *pointer, const int count)
{
    float lanes[VECTOR_WIDTH];
    for (int l = 0; l < VECTOR_WIDTH; l++) lanes[l] = l < count ? pointer[l] : 0;
    return loadv(0, lanes);
}

// c tile = (first ? 0 : c tile) + a panel · b panel, and where it is the last block, the epilogue.
static inline __attribute__((always_inline))
void multiply_tile(
    __global const float *a, const float *b, __global float *c,
    __global const float *bias, const int depth, const int rows, const int columns, const int n,
    const int vectors, const int first, const int last)
{
    floatv tile[TILE_M][TILE_VECTORS];
    #pragma unroll
    for (int i = 0; i < TILE_M; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) tile[i][v] = (floatv)(0);
    }
    multiply(a, b, depth, vectors, tile);
    #pragma unroll
    for (int i = 0; i < TILE_M; i++) {
        if (i < rows) {
            #pragma unroll
            for (int v = 0; v < TILE_VECTORS; v++) {
                __global float *target = c + (long)i * n + v * VECTOR_WIDTH;
                if (columns >= (v + 1) * VECTOR_WIDTH) {
                    floatv sum = tile[i][v];
                    if (!first) sum += loadv(0, target);
                    if (last) {
#if HAS_BIAS
                        sum += loadv(v, bias);
#endif
                        sum = ACTIVATION(sum);
                    }
                    storev(sum, 0, target);
                } else if (columns > v * VECTOR_WIDTH) {
                    const int count = columns - v * VECTOR_WIDTH;
                    floatv sum = tile[i][v];
                    if (!first) sum += load_part(target, count);
                    if (last) {
#if HAS_BIAS
                        sum += load_part(bias + v * VECTOR_WIDTH, count);
#endif
                        sum = ACTIVATION(sum);
                    }
                    float lanes[VECTOR_WIDTH];
                    storev(sum, 0, lanes);
                    for (int l = 0; l < count; l++) target[l] = lanes[l];
                }
            }
        }
    }
}

// The product. Global size (column items, row items, batch): the panels of b's columns and those of a's rows
// are shared out evenly over the items.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_panels(
    __global const float *restrict packed, const ulong packedOffset, __global const float *restrict b,
    const ulong bOffset,
#if HAS_BIAS
    __global const float *restrict bias, const ulong biasOffset,
#endif
    __global float *restrict c, const ulong cOffset, const int m, const int n, const int k, const int blockK,
    const ulong bBatchStride)
{
    float panel[BLOCK_K * TILE_N] __attribute__((aligned(64)));
    const ulong entry = get_global_id(2);
    const int rowPanels = (m + TILE_M - 1) / TILE_M, columnPanels = (n + TILE_N - 1) / TILE_N;
    const int columnStart = (int)((long)columnPanels * get_global_id(0) / get_global_size(0));
    const int columnEnd = (int)((long)columnPanels * (get_global_id(0) + 1) / get_global_size(0));
    const int rowStart = (int)((long)rowPanels * get_global_id(1) / get_global_size(1));
    const int rowEnd = (int)((long)rowPanels * (get_global_id(1) + 1) / get_global_size(1));
    packed += packedOffset + entry * rowPanels * k * TILE_M;
    b += bOffset + entry * bBatchStride;
    c += cOffset + entry * m * n;
#if HAS_BIAS
    bias += biasOffset;
#endif
    for (int block = 0; block < k; block += blockK) {
        const int depth = min(blockK, k - block);
        const int first = block == 0, last = block + blockK >= k;
        for (int j = columnStart; j < columnEnd; j++) {
            const int column = j * TILE_N;
            const int columns = min(TILE_N, n - column);
#if TRANSPOSE_B
            pack_columns(b + (long)column * k + block, panel, depth, columns, k);
#else
            pack_columns(b + (long)block * n + column, panel, depth, columns, n);
#endif
            for (int i = rowStart; i < rowEnd; i++) {
                const int row = i * TILE_M;
                __global const float *x = packed + ((long)i * k + block) * TILE_M;
                __global float *y = c + (long)row * n + column;
                const int rows = min(TILE_M, m - row);
#if HAS_BIAS
                __global const float *z = bias + column;
#else
                __global const float *z = 0;
#endif
                if (columns > TILE_N - VECTOR_WIDTH)
                    multiply_tile(x, panel, y, z, depth, rows, columns, n, TILE_VECTORS, first, last);
                else
                    multiply_tile(x, panel, y, z, depth, rows, columns, n, TILE_VECTORS - 1, first, last);
            }
        }
    }
}
