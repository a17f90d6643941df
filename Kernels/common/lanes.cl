// Vectors of VECTOR_WIDTH floats (4, 8 or 16) as the kernels of CPUs use them, and what moves floats across their lanes.
// Goes after common/shuffle.cl.

#ifndef VECTOR_WIDTH
#define VECTOR_WIDTH 8       // floats in a vector register: 8 for AVX2, 16 for AVX-512, 4 for NEON and SSE
#endif

#ifndef floatv               // a C compiler says itself what the words mean (Sources/CVector/winograd_kernels.h)
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define floatv JOIN(float, VECTOR_WIDTH)
#define intv JOIN(int, VECTOR_WIDTH)
#define as_floatv JOIN(as_float, VECTOR_WIDTH)
#define as_intv JOIN(as_int, VECTOR_WIDTH)
#define loadv JOIN(vload, VECTOR_WIDTH)
#define storev JOIN(vstore, VECTOR_WIDTH)
#define loadi loadv          // the same of integers
#define storei storev
#define maxv max
#endif

// The square of VECTOR_WIDTH vectors turned over its diagonal: interleaving the first half of them with the second,
// log₂ VECTOR_WIDTH times, moves lane j of vector i to lane i of vector j.
static inline __attribute__((always_inline)) void transpose_lanes(floatv square[VECTOR_WIDTH])
{
    floatv other[VECTOR_WIDTH];
#define INTERLEAVE(from, to) \
    _Pragma("unroll") \
    for (int i = 0; i < VECTOR_WIDTH / 2; i++) { \
        const floatv a = from[i], b = from[i + VECTOR_WIDTH / 2]; \
        to[2 * i] = LOW(a, b); \
        to[2 * i + 1] = HIGH(a, b); \
    }
    INTERLEAVE(square, other)
    INTERLEAVE(other, square)
#if VECTOR_WIDTH == 8
    INTERLEAVE(square, other)
    #pragma unroll
    for (int i = 0; i < VECTOR_WIDTH; i++) square[i] = other[i];
#elif VECTOR_WIDTH == 16
    INTERLEAVE(square, other)
    INTERLEAVE(other, square)
#endif
#undef INTERLEAVE
}
