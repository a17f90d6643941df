// Two vectors of VECTOR_WIDTH floats (4, 8 or 16) shuffled into one.
//
//   EVEN, ODD   every second float of both, from the first or the second on
//   LOW, HIGH   their first or second halves, interleaved
//
// Written out: `.even` and its like make vectors of half the width, whose shuffle crashes Oclgrind 21.10 when it tracks
// uninitialised values.

#if VECTOR_WIDTH == 4
#define EVEN(a, b) ((float4)(a.s0, a.s2, b.s0, b.s2))
#define ODD(a, b) ((float4)(a.s1, a.s3, b.s1, b.s3))
#define LOW(a, b) ((float4)(a.s0, b.s0, a.s1, b.s1))
#define HIGH(a, b) ((float4)(a.s2, b.s2, a.s3, b.s3))
#elif VECTOR_WIDTH == 8
#define EVEN(a, b) ((float8)(a.s0, a.s2, a.s4, a.s6, b.s0, b.s2, b.s4, b.s6))
#define ODD(a, b) ((float8)(a.s1, a.s3, a.s5, a.s7, b.s1, b.s3, b.s5, b.s7))
#define LOW(a, b) ((float8)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3))
#define HIGH(a, b) ((float8)(a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7))
#else
#define EVEN(a, b) ((float16)( \
    a.s0, a.s2, a.s4, a.s6, a.s8, a.sA, a.sC, a.sE, b.s0, b.s2, b.s4, b.s6, b.s8, b.sA, b.sC, b.sE))
#define ODD(a, b) ((float16)( \
    a.s1, a.s3, a.s5, a.s7, a.s9, a.sB, a.sD, a.sF, b.s1, b.s3, b.s5, b.s7, b.s9, b.sB, b.sD, b.sF))
#define LOW(a, b) ((float16)( \
    a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3, a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7))
#define HIGH(a, b) ((float16)( \
    a.s8, b.s8, a.s9, b.s9, a.sA, b.sA, a.sB, b.sB, a.sC, b.sC, a.sD, b.sD, a.sE, b.sE, a.sF, b.sF))
#endif
