// Vectors of VECTOR_WIDTH floats (4, 8 or 16) as the kernels of CPUs use them, and what moves floats across their lanes.
//
// The shuffles are written out: `.even` and its like make vectors of half the width, whose shuffle crashes Oclgrind
// 21.10 when it tracks uninitialised values.

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

// EVEN: every second float of the two vectors a and b. LOW and HIGH: their first and second halves, interleaved.
#if VECTOR_WIDTH == 4
#define EVEN(a, b) ((float4)(a.s0, a.s2, b.s0, b.s2))
#define LOW(a, b) ((float4)(a.s0, b.s0, a.s1, b.s1))
#define HIGH(a, b) ((float4)(a.s2, b.s2, a.s3, b.s3))
#elif VECTOR_WIDTH == 8
#define EVEN(a, b) ((float8)(a.s0, a.s2, a.s4, a.s6, b.s0, b.s2, b.s4, b.s6))
#define LOW(a, b) ((float8)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3))
#define HIGH(a, b) ((float8)(a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7))
#else
#define EVEN(a, b) ((float16)( \
    a.s0, a.s2, a.s4, a.s6, a.s8, a.sA, a.sC, a.sE, b.s0, b.s2, b.s4, b.s6, b.s8, b.sA, b.sC, b.sE))
#define LOW(a, b) ((float16)( \
    a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3, a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7))
#define HIGH(a, b) ((float16)( \
    a.s8, b.s8, a.s9, b.s9, a.sA, b.sA, a.sB, b.sB, a.sC, b.sC, a.sD, b.sD, a.sE, b.sE, a.sF, b.sF))
#endif
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
