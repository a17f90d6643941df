// Whether NVIDIA's matrix units can be used from OpenCL C, through PTX instructions in the source.
//
//   D (16×8, float)  =  A (16×16, half) · B (16×8, half)  +  C (16×8, float),     one warp of 32 work-items
//
// A and B are all ones and C all halves, so that every element of D is 16.5 however elements are dealt out among the
// work-items. Shapes: `out` has 128 elements, four a work-item. The instruction is described in NVIDIA's "PTX ISA",
// chapter "Matrix multiply-accumulate operation using mma instruction". The host
// defines PTX where the device has NVIDIA's attribute extension; elsewhere the kernel writes zeros.

#ifndef ASSEMBLY
#define ASSEMBLY asm
#endif

__kernel void matrix_nvidia(__global float *out) {
    float d0 = 0, d1 = 0, d2 = 0, d3 = 0;
#ifdef PTX
    const uint ones = 0x3c003c00;
    const float c = 0.5f;
    ASSEMBLY volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %4, %4, %4}, {%4, %4}, "
        "{%5, %5, %5, %5};"
        : "=f"(d0), "=f"(d1), "=f"(d2), "=f"(d3)
        : "r"(ones), "f"(c));
#endif
    const int item = (int)get_local_id(0);
    out[4 * item + 0] = d0;
    out[4 * item + 1] = d1;
    out[4 * item + 2] = d2;
    out[4 * item + 3] = d3;
}
