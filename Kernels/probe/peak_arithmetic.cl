// The most multiply-adds a second that a device does.
//
//   one work-item:   CHAINS independent accumulators of WIDTH elements each
//
//     acc[0] ──fma──fma──fma──► …     each chain waits for itself only, so that CHAINS × WIDTH multiply-adds are
//     acc[1] ──fma──fma──fma──► …     in flight: enough to hide the latency of the multiply-add unit
//      …
//
// Shapes: `out` has one element a work-item. Flops: 2 · WIDTH · CHAINS · UNROLL · rounds a work-item.
// Bytes moved: one element a work-item, nothing beside the arithmetic.
//
// GPU-like devices run it with WIDTH 1 or 2 in work-groups of many work-items, CPU-like devices with vectors and a
// local size of 1. Which is fastest is found by trying. The method is the usual one of peak benchmarks: chains of
// dependent fma on registers.

#ifndef ELEMENT
#define ELEMENT float
#endif
#ifndef WIDTH
#define WIDTH 4
#endif
#ifndef CHAINS
#define CHAINS 12
#endif
#ifndef UNROLL
#define UNROLL 8
#endif

#ifdef NEEDS_HALF
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#endif
#ifdef NEEDS_DOUBLE
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

#define JOIN(a, b) a##b
#define VECTOR_OF(element, width) JOIN(element, width)
#if WIDTH == 1
#define VECTOR ELEMENT
#else
#define VECTOR VECTOR_OF(ELEMENT, WIDTH)
#endif

__kernel void peak_arithmetic(
    __global ELEMENT *restrict out, const float scale, const float shift, const int rounds) {
    // With 0 < scale < 1 every chain tends to shift / (1 - scale): no infinities, no denormals.
    const VECTOR a = (VECTOR)((ELEMENT)scale);
    const VECTOR b = (VECTOR)((ELEMENT)shift);
    VECTOR acc[CHAINS];
    #pragma unroll
    for (int i = 0; i < CHAINS; ++i) acc[i] = (VECTOR)((ELEMENT)((int)get_local_id(0) + i));
    for (int round = 0; round < rounds; ++round) {
        #pragma unroll
        for (int step = 0; step < UNROLL; ++step) {
            #pragma unroll
            for (int i = 0; i < CHAINS; ++i) acc[i] = fma(acc[i], a, b);
        }
    }
    // Everything is used, so that nothing is optimised away.
    VECTOR sum = acc[0];
    #pragma unroll
    for (int i = 1; i < CHAINS; ++i) sum += acc[i];
#if WIDTH == 1
    out[get_global_id(0)] = sum;
#elif WIDTH == 2
    out[get_global_id(0)] = sum.x + sum.y;
#elif WIDTH == 4
    out[get_global_id(0)] = sum.x + sum.y + sum.z + sum.w;
#elif WIDTH == 8
    const VECTOR_OF(ELEMENT, 4) quarter = sum.lo + sum.hi;
    out[get_global_id(0)] = quarter.x + quarter.y + quarter.z + quarter.w;
#else
    const VECTOR_OF(ELEMENT, 8) eighth = sum.lo + sum.hi;
    const VECTOR_OF(ELEMENT, 4) quarter = eighth.lo + eighth.hi;
    out[get_global_id(0)] = quarter.x + quarter.y + quarter.z + quarter.w;
#endif
}
