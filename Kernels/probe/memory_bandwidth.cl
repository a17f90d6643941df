// How fast a device reads and writes its memory: the copy and triad of the STREAM benchmark (McCalpin, 1995).
//
//   copy    out[i] = a[i]               8 bytes an element
//   triad   out[i] = a[i] + scale·b[i]  12 bytes and 2 flops an element
//
//   GPU-like, BLOCK 1:   work-item  0   1   2   3  …        neighbours touch neighbours: whole cache lines at once
//                        vector     0   1   2   3  …
//   CPU-like, BLOCK n:   work-item  0           1           each walks a stretch of its own of BLOCK vectors
//                        vector     0 … BLOCK-1 BLOCK … 2·BLOCK-1
//
// Shapes: all three tensors have the global size × BLOCK × WIDTH elements. Lines that a processor reads only because
// they are about to be overwritten are not counted, as in STREAM.

#ifndef WIDTH
#define WIDTH 4
#endif
#ifndef BLOCK
#define BLOCK 1
#endif

#define JOIN(a, b) a##b
#define JOIN_EXPANDED(a, b) JOIN(a, b)
#if WIDTH == 1
#define VECTOR float
#else
#define VECTOR JOIN_EXPANDED(float, WIDTH)
#endif

__kernel void copy(__global const VECTOR *restrict a, __global VECTOR *restrict out) {
    const size_t start = get_global_id(0) * BLOCK;
    for (int i = 0; i < BLOCK; ++i) out[start + i] = a[start + i];
}

__kernel void triad(
    __global const VECTOR *restrict a, __global const VECTOR *restrict b, __global VECTOR *restrict out,
    const float scale) {
    const size_t start = get_global_id(0) * BLOCK;
    for (int i = 0; i < BLOCK; ++i) out[start + i] = fma((VECTOR)(scale), b[start + i], a[start + i]);
}
