// Matrix product for devices that are CPUs: y = activation(op(a) · op(b) + bias), row-major, batched.
//
//            b, packed by the work-item, a panel at a time        One work-item owns some panels of b's columns and
//            ┌────────┬────────┬──                               some of a's rows, walks k in blocks, packs its own
//         k  │ TILE_N │        │   into TILE_K × TILE_N          panel of b and multiplies all its rows of a by it in
//            │        │        │   floats that stay in cache       TILE_M × TILE_N tiles held in registers. a is read
//   ┌──────┐ ├────────┼────────┼──                               in place, TILE_M rows at a time side by side. Where its
//   │TILE_M│ │ c tile │        │                                  steps lie too far apart (it is transposed and wide),
//   ├──────┤ ├────────┼────────┼──                               it is packed into panels of TILE_M rows, k-major: all
//   │  a   │ │        │        │                                  of it first, by gemm_pack_rows, or, with few columns,
//                                                               a block of k at a time by each work-item for itself.
//
// A weight that many products share may come packed for all of k: by gemm_pack_columns once, with B_PACKED for them all.
//
// Shapes: a [batch, m, k] ([batch, k, m] transposed), b [batch, k, n] ([batch, n, k] transposed), or fewer entries of
// either, as gemm/batch.cl says, bias [n], y [batch, m, n]. 2·m·n·k flops a batch entry. Bytes moved: a and b once (a twice, where packed),
// y once for each block of k. There is no local memory and no barrier; the local size is always (1, 1, 1), so that
// every barrier-free line below compiles to plain vector code. Follows common/shuffle.cl, common/transpose.cl and
// gemm/batch.cl.
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
#ifndef TILE_K
#define TILE_K 384           // most k steps that a packed panel of b holds
#endif
#ifndef TRANSPOSE_B
#define TRANSPOSE_B 0
#endif
#define A_PACKED 0
#define A_ROWS 1
#define A_COLUMNS 2
#define A_BLOCKS 3
#ifndef LAYOUT_A
#define LAYOUT_A A_PACKED    // how a is read: in panels; in place, [m, k] or [k, m], with m ≥ TILE_M; from own blocks
#endif
#ifndef B_PACKED
#define B_PACKED 0           // whether b is panels by gemm_pack_columns
#endif
#if B_PACKED
#define PANEL_SPACE __global
#else
#define PANEL_SPACE __private
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
// A vector anywhere in global memory. PoCL makes vstore16 four stores where this is one.
typedef struct __attribute__((packed)) { floatv value; } floatv_unaligned;
#define TILE_N (VECTOR_WIDTH * TILE_VECTORS)

// Panels `first` to before `end` of TILE_M rows of a, for `depth` steps from `a` on, into [panel][panelStride], each
// [depth][TILE_M], rows past m zero. PACK_PANELS panels are filled side by side, so that what is read of a transposed a
// for one step lies together and yet all that is written stays in the nearest cache.
#define PACK_PANELS 8
static void pack_rows(
    __global const float *a, __global float *panels, const long panelStride, const int first, const int end,
    const int depth, const int m, const int rowStride, const int columnStride)
{
    for (int group = first; group < end; group += PACK_PANELS) {
        for (int p = 0; p < depth; p++) {
            for (int panel = group; panel < min(group + PACK_PANELS, end); panel++) {
                __global const float *source = a + (long)panel * TILE_M * rowStride + (long)p * columnStride;
                __global float *target = panels + (panel - first) * panelStride + (long)p * TILE_M;
                const int rows = m - panel * TILE_M;
                if (rows >= TILE_M && rowStride == 1) {
                    #pragma unroll
                    for (int i = 0; i < TILE_M; i++) target[i] = source[i];
                } else {
                    for (int i = 0; i < TILE_M; i++) target[i] = i < rows ? source[i * (long)rowStride] : 0;
                }
            }
        }
    }
}

// a [entries, m, k] → panels [entries][⌈m / TILE_M⌉][k][TILE_M]. rowStride and columnStride are a's: (k, 1), or (1, m) where it is
// transposed. Global size (shares, entries, 1): each share is some steps of k.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_pack_rows(
    __global const float *restrict a, const ulong aOffset, __global float *restrict packed, const ulong packedOffset,
    const int m, const int k, const int rowStride, const int columnStride)
{
    const int panels = (m + TILE_M - 1) / TILE_M;
    const ulong entry = get_global_id(1);
    const int start = (int)((long)k * get_global_id(0) / get_global_size(0));
    const int end = (int)((long)k * (get_global_id(0) + 1) / get_global_size(0));
    pack_rows(
        a + aOffset + entry * m * k + (long)start * columnStride,
        packed + packedOffset + entry * panels * k * TILE_M + (long)start * TILE_M, (long)k * TILE_M, 0, panels,
        end - start, m, rowStride, columnStride);
}

// Rows p of [depth, columns] of b, from `b` on, into panel [depth][TILE_N], missing columns zero.
static void pack_columns(
    __global const float *b, PANEL_SPACE float *panel, const int depth, const int columns, const int stride)
{
#if TRANSPOSE_B
    #pragma unroll 1
    for (int v = 0; v < TILE_VECTORS; v++) {
        const int first = v * VECTOR_WIDTH;
        int p = 0;
        if (columns >= first + VECTOR_WIDTH) {
            #pragma unroll 1
            for (; p + VECTOR_WIDTH <= depth; p += VECTOR_WIDTH)
                TRANSPOSE_SQUARE(b + (long)first * stride + p, stride, PANEL_SPACE, panel + p * TILE_N + first, TILE_N);
        }
        #pragma unroll 1
        for (int j = first; j < first + VECTOR_WIDTH; j++) {
            #pragma unroll 1
            for (int rest = p; rest < depth; rest++)
                panel[rest * TILE_N + j] = j < columns ? b[(long)j * stride + rest] : 0;
        }
    }
#else
    if (columns == TILE_N) {
        for (int p = 0; p < depth; p++) {
            for (int v = 0; v < TILE_VECTORS; v++)
                ((PANEL_SPACE floatv *)panel)[p * TILE_VECTORS + v] = loadv(v, b + (long)p * stride);
        }
    } else {
        #pragma unroll 1
        for (int p = 0; p < depth; p++) {
            #pragma unroll 1
            for (int j = 0; j < TILE_N; j++) panel[p * TILE_N + j] = j < columns ? b[(long)p * stride + j] : 0;
        }
    }
#endif
}

#if B_PACKED
// b → panels [⌈n / TILE_N⌉][k][TILE_N]. Global size (⌈n / TILE_N⌉, 1, 1).
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_pack_columns(
    __global const float *restrict b, const ulong bOffset, __global float *restrict packed, const ulong packedOffset,
    const int n, const int k)
{
    const int column = (int)get_global_id(0) * TILE_N;
    pack_columns(
        b + bOffset + (long)column * (TRANSPOSE_B ? k : 1), packed + packedOffset + (long)column * k, k,
        min(TILE_N, n - column), TRANSPOSE_B ? k : n);
}
#endif

// tile += TILE_M rows of a · b panel [depth][TILE_N], the first `vectors` vectors of each row of it.
// `stride` is that from a row of a to the next, or from a step to the next where the rows are side by side.
static inline __attribute__((always_inline))
void multiply(
    __global const float *a, const long stride, PANEL_SPACE const float *b, const int depth, const int vectors,
    floatv tile[TILE_M][TILE_VECTORS])
{
    for (int p = 0; p < depth; p++) {
        floatv row[TILE_VECTORS];
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) if (v < vectors) row[v] = loadv(v, b);
        #pragma unroll
        for (int i = 0; i < TILE_M; i++) {
#if LAYOUT_A == A_ROWS
            const floatv x = (floatv)(a[i * stride]);
#else
            const floatv x = (floatv)(a[i]);
#endif
            #pragma unroll
            for (int v = 0; v < TILE_VECTORS; v++) if (v < vectors) tile[i][v] = fma(x, row[v], tile[i][v]);
        }
#if LAYOUT_A == A_ROWS
        a++;
#elif LAYOUT_A == A_COLUMNS
        a += stride;
#else
        a += TILE_M;
#endif
        b += TILE_N;
    }
}

// The vector at `pointer`, of which only the first `count` lanes may be touched; the others are zero.
static floatv load_part(__global const float *pointer, const int count)
{
    if (count == VECTOR_WIDTH) return loadv(0, pointer);
    float lanes[VECTOR_WIDTH];
    #pragma unroll 1
    for (int l = 0; l < VECTOR_WIDTH; l++) lanes[l] = l < count ? pointer[l] : 0;
    return loadv(0, lanes);
}

// c tile = (first ? 0 : c tile) + rows of a · b panel, and where it is the last block, the epilogue. Of the TILE_M rows
// only those from `skipped` to before `rows` are stored; c is where the row `skipped` goes.
static inline __attribute__((always_inline))
void multiply_tile(
    __global const float *a, const long stride, PANEL_SPACE const float *b, __global float *c,
    __global const float *bias, const int depth, const int skipped, const int rows, const int columns, const int n,
    const int first, const int last)
{
    floatv tile[TILE_M][TILE_VECTORS];
    #pragma unroll
    for (int i = 0; i < TILE_M; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) tile[i][v] = (floatv)(0);
    }
    if (columns > TILE_N - VECTOR_WIDTH)
        multiply(a, stride, b, depth, TILE_VECTORS, tile);
    else
        multiply(a, stride, b, depth, TILE_VECTORS - 1, tile);
    // Out of the registers, so that the rest is a loop: unrolled, it took compilers longer than all else.
    float sums[TILE_M * TILE_N] __attribute__((aligned(64)));
    #pragma unroll
    for (int i = 0; i < TILE_M; i++) {
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) ((floatv *)sums)[i * TILE_VECTORS + v] = tile[i][v];
    }
    #pragma unroll 1
    for (int i = skipped; columns == TILE_N && i < rows; i++) {
        __global floatv_unaligned *target = (__global floatv_unaligned *)(c + (long)(i - skipped) * n);
        #pragma unroll
        for (int v = 0; v < TILE_VECTORS; v++) {
            floatv sum = ((floatv *)sums)[i * TILE_VECTORS + v];
            if (!first) sum += target[v].value;
            if (last) {
#if HAS_BIAS
                sum += loadv(v, bias);
#endif
                sum = ACTIVATION(sum);
            }
            target[v].value = sum;
        }
    }
    #pragma unroll 1
    for (int i = skipped; columns < TILE_N && i < rows; i++) {
        #pragma unroll 1
        for (int v = 0; v * VECTOR_WIDTH < columns; v++) {
            __global float *target = c + (long)(i - skipped) * n + v * VECTOR_WIDTH;
            const int count = min(columns - v * VECTOR_WIDTH, VECTOR_WIDTH);
            floatv sum = ((floatv *)sums)[i * TILE_VECTORS + v];
            if (!first) sum += load_part(target, count);
            if (last) {
#if HAS_BIAS
                sum += load_part(bias + v * VECTOR_WIDTH, count);
#endif
                sum = ACTIVATION(sum);
            }
            if (count == VECTOR_WIDTH) {
                ((__global floatv_unaligned *)target)->value = sum;
            } else {
                float lanes[VECTOR_WIDTH];
                storev(sum, 0, lanes);
                #pragma unroll 1
                for (int l = 0; l < count; l++) target[l] = lanes[l];
            }
        }
    }
}

// The product. Global size (column items, row items, batch): the panels of b's columns and those of a's rows
// are shared out evenly over the items. Where a is read in place, the last rows take some before them along to fill a tile.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void gemm_panels(
    __global const float *restrict a, const ulong aOffset, __global const float *restrict b, const ulong bOffset,
#if HAS_BIAS
    __global const float *restrict bias, const ulong biasOffset,
#endif
    __global float *restrict c, const ulong cOffset,
#if LAYOUT_A == A_BLOCKS
    __global float *restrict blocks, const ulong blocksOffset,
#endif
    const int m, const int n, const int k, const int blockK, BATCH_PARAMETERS)
{
#if !B_PACKED
    float panel[TILE_K * TILE_N] __attribute__((aligned(64)));
#endif
    const ulong entry = get_global_id(2);
    const long stride = LAYOUT_A == A_ROWS ? k : m;
    const int rowPanels = (m + TILE_M - 1) / TILE_M, columnPanels = (n + TILE_N - 1) / TILE_N;
    const int columnStart = (int)((long)columnPanels * get_global_id(0) / get_global_size(0));
    const int columnEnd = (int)((long)columnPanels * (get_global_id(0) + 1) / get_global_size(0));
    const int rowStart = (int)((long)rowPanels * get_global_id(1) / get_global_size(1));
    const int rowEnd = (int)((long)rowPanels * (get_global_id(1) + 1) / get_global_size(1));
#if LAYOUT_A == A_PACKED
    a += aOffset + ENTRY_OF_A(entry) * rowPanels * k * TILE_M;
#else
    a += aOffset + ENTRY_OF_A(entry) * m * k;
#endif
#if LAYOUT_A == A_BLOCKS
    // Each work-item has room for the most panels of one, by a block of k.
    const ulong item = (entry * get_global_size(1) + get_global_id(1)) * get_global_size(0) + get_global_id(0);
    const int mostPanels = (rowPanels + get_global_size(1) - 1) / get_global_size(1);
    blocks += blocksOffset + item * mostPanels * TILE_M * blockK;
#endif
    b += bOffset + ENTRY_OF_B(entry) * n * k;
    c += cOffset + entry * m * n;
#if HAS_BIAS
    bias += biasOffset;
#endif
    for (int block = 0; block < k; block += blockK) {
        const int depth = min(blockK, k - block);
        const int first = block == 0, last = block + blockK >= k;
#if LAYOUT_A == A_BLOCKS
        pack_rows(a + (long)block * m, blocks, (long)depth * TILE_M, rowStart, rowEnd, depth, m, 1, m);
#endif
        for (int j = columnStart; j < columnEnd; j++) {
            const int column = j * TILE_N;
            const int columns = min(TILE_N, n - column);
#if B_PACKED
            __global const float *panel = b + (long)column * k + block * TILE_N;
#elif TRANSPOSE_B
            pack_columns(b + (long)column * k + block, panel, depth, columns, k);
#else
            pack_columns(b + (long)block * n + column, panel, depth, columns, n);
#endif
            for (int i = rowStart; i < rowEnd; i++) {
                const int row = i * TILE_M;
#if LAYOUT_A == A_PACKED || LAYOUT_A == A_BLOCKS
                const int skipped = 0, rows = min(TILE_M, m - row);
#if LAYOUT_A == A_PACKED
                __global const float *x = a + ((long)i * k + block) * TILE_M;
#else
                __global const float *x = blocks + (long)(i - rowStart) * depth * TILE_M;
#endif
#else
                const int skipped = max(row + TILE_M - m, 0), rows = TILE_M;
#if LAYOUT_A == A_ROWS
                __global const float *x = a + (long)(row - skipped) * k + block;
#else
                __global const float *x = a + (long)block * m + row - skipped;
#endif
#endif
                __global float *y = c + (long)row * n + column;
#if HAS_BIAS
                __global const float *z = bias + column;
#else
                __global const float *z = 0;
#endif
                multiply_tile(x, stride, panel, y, z, depth, skipped, rows, columns, n, first, last);
            }
        }
    }
}
