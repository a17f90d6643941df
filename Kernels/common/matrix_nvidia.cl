// NVIDIA's matrix units from OpenCL C: the instructions that gemm/matrix_nvidia.cl and attention/matrix_nvidia.cl are
// made of, as inline PTX; or, with EMULATED, as plain OpenCL C over local memory, so that what those files do with them
// (layouts, swizzles, the order of copies, edges) runs and is tested on any device.
//
//   multiply_add     D (16×8, float) = A (16×K) · B (K×8) + D by one warp of 32; K is 16, of TF32 8: one STEP
//   load_matrices    four 8×8 matrices of 16-bit elements from local memory, each lane naming a row of 16 bytes
//   copy_async       4, 8 or 16 bytes from global to local memory in the background; what is past `bytes` becomes zero
//   quad_sum, …      across the four lanes that hold a row of D
//
//             k: 2t, 2t+1   2t+8, 2t+9                 n: 2t, 2t+1        Lane = 4·g + t. A lane has 4 words of A, 2 of B
//   A   g    [    0      ][    2      ]      D   g    [   0, 1   ]        and 4 floats of D; a word holds two elements
//       g+8  [    1      ][    3      ]          g+8  [   2, 3   ]        (of TF32 one, at k = t, t + 4). B is A's first
//                                                                         row transposed: word 0 at n = g, k = 2t, …
//
// Source: NVIDIA, "Parallel Thread Execution ISA", chapters on mma, ldmatrix and cp.async. Needs sm_80.

#ifndef EMULATED
#define EMULATED 0           // 1: copies happen at once; 2: as late as they may, when they are waited for
#endif
#ifndef FORMAT
#define FORMAT 1             // of the operands; 1: float16, 2: bfloat16, 3: float32 read as TF32
#endif
#ifndef MATRIX_THREADS
#define MATRIX_THREADS 128   // work-items of a group; whole warps
#endif

#if FORMAT == 3
typedef float element_t;
#else
typedef ushort element_t;
#endif
#define ELEMENT_BYTES (FORMAT == 3 ? 4 : 2)
// Elements in 16 bytes: the unit that tiles in local memory are laid out and swizzled in.
#define CHUNK (16 / ELEMENT_BYTES)
// Steps of k of one instruction: two chunks, whatever the type.
#define STEP (2 * CHUNK)
#define THREAD ((int)get_local_id(0))
#define LANE (THREAD % 32)
#define WARP (THREAD / 32)

// Where chunk `chunk` of row `row` lies in a tile of `chunks` chunks a row: so that eight rows read at one chunk, and
// eight chunks written in one row, meet all banks.
static inline int swizzled(const int row, const int chunk, const int chunks) {
    return row * chunks + (chunks >= 8 ? chunk ^ (row & 7) : chunk ^ ((row >> 1) & 3));
}

// The same for tiles of floats that are read a float at a time, four rows at once.
static inline int swizzled_floats(const int row, const int chunk, const int chunks) {
    return row * chunks + (chunk ^ ((row & 3) << 1));
}

#if EMULATED == 0

#define MATRIX_MEMORY
#define UNROLLED _Pragma("unroll")
#define LOCAL_ADDRESS(pointer) ((uint)(ulong)(pointer))

#define copy_async_16(to, from, count) \
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" \
        : : "r"(LOCAL_ADDRESS(to)), "l"((ulong)(from)), "r"(count) : "memory")
#define copy_async_8(to, from, count) \
    asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" \
        : : "r"(LOCAL_ADDRESS(to)), "l"((ulong)(from)), "r"(count) : "memory")
#define copy_async_4(to, from, count) \
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" \
        : : "r"(LOCAL_ADDRESS(to)), "l"((ulong)(from)), "r"(count) : "memory")
// Ends a group of copies; waits until all but the last `groups` groups are there, which a barrier then shows to all.
#define copy_commit() asm volatile("cp.async.commit_group;" : : : "memory")
#define copy_wait(groups) asm volatile("cp.async.wait_group %0;" : : "n"(groups) : "memory")

#define LOAD_MATRICES(kind, words, row) \
    asm volatile("ldmatrix.sync.aligned.m8n8.x4" kind ".shared.b16 {%0, %1, %2, %3}, [%4];" \
        : "=r"((words)[0]), "=r"((words)[1]), "=r"((words)[2]), "=r"((words)[3]) \
        : "r"(LOCAL_ADDRESS(row)) : "memory")
#define load_matrices(words, row) LOAD_MATRICES("", words, row)
#define load_transposed(words, row) LOAD_MATRICES(".trans", words, row)

#if FORMAT == 1
#define MULTIPLY_ADD "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"
#elif FORMAT == 2
#define MULTIPLY_ADD "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"
#else
#define MULTIPLY_ADD "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"
#endif
#define multiply_add(d, a, b0, b1) \
    asm volatile(MULTIPLY_ADD " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
        : "+f"((d)[0]), "+f"((d)[1]), "+f"((d)[2]), "+f"((d)[3]) \
        : "r"((a)[0]), "r"((a)[1]), "r"((a)[2]), "r"((a)[3]), "r"(b0), "r"(b1))

// To the nearest TF32, ties away from zero; the instruction itself would cut the bits off.
static inline uint rounded(const uint word) {
#if FORMAT == 3
    uint result;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(result) : "f"(as_float(word)));
    return result;
#else
    return word;
#endif
}

// Two floats as one word of the 16-bit type, the first in the lower half, to nearest even.
static inline uint packed(const float low, const float high) {
    uint word;
#if FORMAT == 2
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
#else
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
#endif
    return word;
}

static inline float unpacked(const ushort bits) {
#if FORMAT == 2
    return as_float((uint)bits << 16);
#else
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
#endif
}

static inline float other_lane(const float value, const int distance) {
    float other;
    asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=f"(other) : "f"(value), "r"(distance));
    return other;
}
#define OTHER_LANE(value, distance) other_lane(value, distance)

#else

// Every work-item of the group must reach an exchange between lanes together, as it takes barriers. PoCL handles those
// only in what was inlined.
#define EXCHANGE static inline __attribute__((always_inline))
#define UNROLLED
#define MATRIX_MEMORY __local float matrixMemory[12 * MATRIX_THREADS]; CopyQueue copies = {0, 0, 0};

// What is still to be copied, oldest first, and where each group ends.
#define QUEUED 512
typedef struct {
    int made, done, groups;
    int ends[8];
    __local uint *to[QUEUED];
    __global const uchar *from[QUEUED];
    int bytes[QUEUED], read[QUEUED];
} CopyQueue;

static inline void copy_now(__local uint *to, __global const uchar *from, const int bytes, const int read) {
    for (int w = 0; w < bytes / 4; w++) {
        uint word = 0;
        for (int b = 0; b < 4; b++) if (4 * w + b < read) word |= (uint)from[4 * w + b] << (8 * b);
        to[w] = word;
    }
}

static inline void copy_later(
    CopyQueue *queue, __local uint *to, __global const uchar *from, const int bytes, const int read)
{
#if EMULATED == 1
    copy_now(to, from, bytes, read);
#else
    const int n = queue->made++ % QUEUED;
    queue->to[n] = to;
    queue->from[n] = from;
    queue->bytes[n] = bytes;
    queue->read[n] = read;
#endif
}

#define COPY(to, from, bytes, count) \
    copy_later(&copies, (__local uint *)(to), (__global const uchar *)(from), bytes, count)
#define copy_async_16(to, from, count) COPY(to, from, 16, count)
#define copy_async_8(to, from, count) COPY(to, from, 8, count)
#define copy_async_4(to, from, count) COPY(to, from, 4, count)
#define copy_commit() (copies.ends[copies.groups++ % 8] = copies.made)
#define copy_wait(count) copy_all_but(&copies, count)
static inline void copy_all_but(CopyQueue *queue, const int groups) {
    if (queue->groups <= groups) return;
    const int end = queue->ends[(queue->groups - 1 - groups) % 8];
    for (; queue->done < end; queue->done++) {
        const int n = queue->done % QUEUED;
        copy_now(queue->to[n], queue->from[n], queue->bytes[n], queue->read[n]);
    }
}

// The rows' places go round as offsets in words from `base`, the start of the local memory that they lie in.
EXCHANGE void emulated_load(
    uint words[4], __local const uint4 *base, __local const uint4 *row, const int transposes, __local float *memory)
{
    __local int *offsets = (__local int *)memory;
    barrier(CLK_LOCAL_MEM_FENCE);
    offsets[THREAD] = (int)(row - base);
    barrier(CLK_LOCAL_MEM_FENCE);
    const int g = LANE / 4, t = LANE % 4;
    for (int matrix = 0; matrix < 4; matrix++) {
        __local const int *rows = offsets + WARP * 32 + 8 * matrix;
        if (transposes) {
            const uint first = ((__local const uint *)(base + rows[2 * t]))[g / 2];
            const uint second = ((__local const uint *)(base + rows[2 * t + 1]))[g / 2];
            words[matrix] = g % 2 ? first >> 16 | (second & 0xffff0000) : (first & 0xffff) | second << 16;
        } else {
            words[matrix] = ((__local const uint *)(base + rows[g]))[t];
        }
    }
}
#define load_matrices(words, row) emulated_load(words, LOCAL_BASE, row, 0, matrixMemory)
#define load_transposed(words, row) emulated_load(words, LOCAL_BASE, row, 1, matrixMemory)

static inline float unpacked(const ushort bits) {
#if FORMAT == 2
    return as_float((uint)bits << 16);
#else
    const uint sign = (uint)(bits & 0x8000) << 16, size = bits & 0x7fff;
    if (size >= 0x7c00) return as_float(sign | 0x7f800000 | (size & 0x3ff) << 13);
    if (size < 0x400) return as_float(sign | as_uint((float)size * 0x1p-24f));
    return as_float(sign | ((size << 13) + 0x38000000));
#endif
}

static inline ushort packed_one(const float value) {
    const uint bits = as_uint(value), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
#if FORMAT == 2
    return size > 0x7f800000 ? (ushort)(bits >> 16 | 0x40) : (ushort)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
#else
    if (size > 0x7f800000) return sign | 0x7e00;
    if (size >= 0x47800000) return sign | 0x7c00;
    // Below the smallest normal number, adding 0.5 leaves the rounded fraction in the low bits.
    if (size < 0x38800000) return sign | (as_uint(as_float(size) + 0.5f) - 0x3f000000);
    return sign | ((size - 0x38000000 + 0xfff + (size >> 13 & 1)) >> 13);
#endif
}
#define packed(low, high) (packed_one(low) | (uint)packed_one(high) << 16)

static inline uint rounded(const uint word) {
#if FORMAT == 3
    return (word & 0x7fffffff) > 0x7f800000 ? word : (word + 0x1000) & 0xffffe000;
#else
    return word;
#endif
}

EXCHANGE void emulated_multiply_add(
    float d[4], const uint a[4], const uint b0, const uint b1, __local float *memory)
{
    const int g = LANE / 4, t = LANE % 4, warp = WARP * 32;
#if FORMAT == 3
    const int words = 1;
#else
    const int words = 2;
#endif
    const uint mine[6] = {a[0], a[1], a[2], a[3], b0, b1};
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int r = 0; r < 6; r++) {
#if FORMAT == 3
        memory[THREAD * 12 + r] = as_float(mine[r] & 0xffffe000);
#else
        memory[THREAD * 12 + 2 * r] = unpacked((ushort)mine[r]);
        memory[THREAD * 12 + 2 * r + 1] = unpacked((ushort)(mine[r] >> 16));
#endif
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int e = 0; e < 4; e++) {
        const int row = g + 8 * (e / 2), column = 2 * t + e % 2;
        float sum = 0;
        for (int half_k = 0; half_k < 2; half_k++) {
            for (int lane = 0; lane < 4; lane++) {
                for (int w = 0; w < words; w++) {
                    const float x = memory[(warp + 4 * (row % 8) + lane) * 12 + (2 * half_k + row / 8) * words + w];
                    const float y = memory[(warp + 4 * column + lane) * 12 + (4 + half_k) * words + w];
                    sum = fma(x, y, sum);
                }
            }
        }
        d[e] += sum;
    }
}
#define multiply_add(d, a, b0, b1) emulated_multiply_add(d, a, b0, b1, matrixMemory)

EXCHANGE float emulated_other_lane(const float value, const int distance, __local float *memory) {
    barrier(CLK_LOCAL_MEM_FENCE);
    memory[THREAD] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    return memory[THREAD ^ distance];
}
#define OTHER_LANE(value, distance) emulated_other_lane(value, distance, matrixMemory)

#endif

// The chunk at `from`, of which `count` elements exist (any number: below zero counts as none), to `to`. `copied` is
// the alignment of rows in bytes: 16, 8 or 4, or 2 where elements go one by one through a register, at once. Local memory
// is only ever read and written as words: the compiler may take it that other types lie elsewhere.
#define COPY_CHUNK(to, from, count, copied) { \
    const int exist = clamp(count, 0, CHUNK) * ELEMENT_BYTES; \
    if ((copied) == 16) { \
        copy_async_16(to, from, exist); \
    } else if ((copied) == 8) { \
        UNROLLED for (int part = 0; part < 2; part++) \
            copy_async_8((__local uint *)(to) + 2 * part, (from) + part * CHUNK / 2, clamp(exist - 8 * part, 0, 8)); \
    } else if ((copied) == 4) { \
        UNROLLED for (int part = 0; part < 4; part++) \
            copy_async_4((__local uint *)(to) + part, (from) + part * CHUNK / 4, clamp(exist - 4 * part, 0, 4)); \
    } else { \
        UNROLLED for (int part = 0; part < 4; part++) { \
            const uint low = 4 * part < exist ? (uint)(from)[2 * part] : 0; \
            const uint high = 4 * part + 2 < exist ? (uint)(from)[2 * part + 1] : 0; \
            ((__local uint *)(to))[part] = low | high << 16; \
        } \
    } \
}
