// A square of VECTOR_WIDTH × VECTOR_WIDTH floats turned over in registers, for kernels that name this file as one to put
// before them. Follows common/shuffle.cl.
//
//   a: rows of x                                b: columns of x      log2(VECTOR_WIDTH) rounds of perfect shuffles: rows
//   ┌ x00 x01 … ┐   round    ┌ x00 x80 x01 … ┐      ┌ x00 x10 … ┐    r and r + half are interleaved, as cards are. Each
//   │ x10 x11 … │   ─────►   │ x04 x84 …     │  …   │ x01 x11 … │    round turns the bits of an element's place (row,
//   └ …         ┘            └ …             ┘      └ …         ┘    column) round by one.
//
// H. Stone, "Parallel Processing with the Perfect Shuffle", IEEE Transactions on Computers C-20 (1971).

#ifndef VECTOR_WIDTH
#define VECTOR_WIDTH 8       // floats in a vector register: 4, 8 or 16
#endif
#define TRANSPOSE_JOIN_(a, b) a##b
#define TRANSPOSE_JOIN(a, b) TRANSPOSE_JOIN_(a, b)

#define SHUFFLE_ROUND(from, to) \
    _Pragma("unroll") for (int r = 0; r < VECTOR_WIDTH / 2; ++r) { \
        to[2 * r] = LOW(from[r], from[r + VECTOR_WIDTH / 2]); \
        to[2 * r + 1] = HIGH(from[r], from[r + VECTOR_WIDTH / 2]); \
    }

// PoCL makes vstore16 four stores where one of this is one.
typedef struct __attribute__((packed)) { TRANSPOSE_JOIN(float, VECTOR_WIDTH) value; } transposed_row;

// to[i * toStride + j] = from[j * fromStride + i] for i, j < VECTOR_WIDTH. A macro, as the pointers' address spaces vary:
// `space` is that of `to`.
#define TRANSPOSE_SQUARE(from, fromStride, space, to, toStride) \
    do { \
        TRANSPOSE_JOIN(float, VECTOR_WIDTH) even[VECTOR_WIDTH], odd[VECTOR_WIDTH]; \
        _Pragma("unroll") for (int r = 0; r < VECTOR_WIDTH; ++r) \
            even[r] = TRANSPOSE_JOIN(vload, VECTOR_WIDTH)(0, (from) + (long)r * (fromStride)); \
        TRANSPOSE_ROUNDS \
        _Pragma("unroll") for (int r = 0; r < VECTOR_WIDTH; ++r) \
            ((space transposed_row *)((to) + (long)r * (toStride)))->value = TRANSPOSED[r]; \
    } while (0)
#if VECTOR_WIDTH == 4
#define TRANSPOSE_ROUNDS SHUFFLE_ROUND(even, odd) SHUFFLE_ROUND(odd, even)
#define TRANSPOSED even
#elif VECTOR_WIDTH == 8
#define TRANSPOSE_ROUNDS SHUFFLE_ROUND(even, odd) SHUFFLE_ROUND(odd, even) SHUFFLE_ROUND(even, odd)
#define TRANSPOSED odd
#else
#define TRANSPOSE_ROUNDS \
    SHUFFLE_ROUND(even, odd) SHUFFLE_ROUND(odd, even) SHUFFLE_ROUND(even, odd) SHUFFLE_ROUND(odd, even)
#define TRANSPOSED even
#endif
