// Whether NVIDIA's matrix units can be used from OpenCL C: each instruction of common/matrix_nvidia.cl, which goes before
// this file, once, by one warp.
//
//   D (16×8)  =  A (16×STEP) · B (STEP×8),     A from rows that lie along k; B from rows along k, then from rows across
//
// a [16, STEP] and b [16, STEP] of the operands' type, out [384] floats: the product with the first eight rows of b,
// transposed; the product with b's first eight columns (not of TF32, which has no transposing load); and what lanes told
// each other and what two conversions left, 64 each. Row 15 of a is copied as if it did not exist.
// One work-group of 32; MATRIX_THREADS must be 32.

#define LOCAL_BASE staged

__kernel __attribute__((reqd_work_group_size(32, 1, 1)))
void matrix_nvidia(
    __global const element_t *restrict a, __global const element_t *restrict b, __global float *restrict out)
{
    __local uint4 staged[64];
    MATRIX_MEMORY
    const int lane = LANE, row = lane / 2, chunk = lane % 2;
    __global const element_t *source = a + row * STEP + chunk * CHUNK;
    COPY_CHUNK(staged + lane, source, row < 15 ? CHUNK : 0, 16)
    source = b + row * STEP + chunk * CHUNK;
    copy_commit();
    if (chunk == 0) COPY_CHUNK(staged + 32 + lane, source, CHUNK, 8)
    else COPY_CHUNK(staged + 32 + lane, source, CHUNK, 4)
    copy_commit();
    copy_wait(0);
    barrier(CLK_LOCAL_MEM_FENCE);

    uint wordsA[4], wordsB[4];
    load_matrices(wordsA, staged + lane % 16 * 2 + lane / 16);
    load_matrices(wordsB, staged + 32 + (lane % 8 + lane / 16 * 8) * 2 + lane / 8 % 2);
    for (int w = 0; w < 4; w++) {
        wordsA[w] = rounded(wordsA[w]);
        wordsB[w] = rounded(wordsB[w]);
    }
    float d[4] = {0, 0, 0, 0}, e[4] = {0, 0, 0, 0};
    multiply_add(d, wordsA, wordsB[0], wordsB[1]);
#if FORMAT != 3
    load_transposed(wordsB, staged + 32 + lane % 16 * 2 + lane / 16);
    multiply_add(e, wordsA, wordsB[0], wordsB[1]);
#endif
    for (int i = 0; i < 4; i++) {
        const int place = (lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2;
        out[place] = d[i];
        out[128 + place] = e[i];
    }
    out[256 + lane] = OTHER_LANE((float)lane, 1);
    out[288 + lane] = OTHER_LANE((float)lane, 2);
#if FORMAT == 3
    out[320 + lane] = lane;
    out[352 + lane] = 1 + lane;
#else
    const uint pair = packed((float)lane, (float)(1 + lane));
    out[320 + lane] = unpacked((ushort)pair);
    out[352 + lane] = unpacked((ushort)(pair >> 16));
#endif
}
