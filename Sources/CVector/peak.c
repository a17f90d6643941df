// The most multiply-adds that a core does: CHAINS independent chains, each waiting for itself only.
//
//     sum[0] ──fma──fma──fma──► …     WIDTH × CHAINS multiply-adds are in flight, enough to hide the latency of the
//     sum[1] ──fma──fma──fma──► …     multiply-add units, and every one of them stays in a register
//      …
//
// Flops: 2 · WIDTH · CHAINS a round; no memory is touched. Kernels/probe/peak_arithmetic.cl is the same for OpenCL.

#include "internal.h"

// With 0 < scale < 1 every chain tends to shift / (1 - scale): no infinities, no denormals.
#define PEAK(processor, attributes, WIDTH, CHAINS)                                        \
    attributes static float peak_##processor(int64_t rounds, float scale, float shift) { \
        typedef float vector __attribute__((ext_vector_type(WIDTH)));                     \
        const vector a = (vector)(scale), b = (vector)(shift);                            \
        vector sum[CHAINS];                                                               \
        _Pragma("clang loop unroll(full)")                                                \
        for (int i = 0; i < CHAINS; i++) sum[i] = (vector)((float)i);                     \
        for (int64_t round = 0; round < rounds; round++) {                                \
            _Pragma("clang loop unroll(full)")                                            \
            for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * a + b;                     \
        }                                                                                 \
        float total = 0;                                                                  \
        for (int i = 0; i < CHAINS; i++) {                                                \
            for (int lane = 0; lane < WIDTH; lane++) total += sum[i][lane];               \
        }                                                                                 \
        return total;                                                                     \
    }

typedef struct {
    float (*run)(int64_t rounds, float scale, float shift);
    int64_t flops;
} peak;

PEAK(baseline, , 4, 12)
#if defined(__x86_64__) && defined(__clang__)
PEAK(avx2, __attribute__((target("arch=x86-64-v3"))), 8, 12)
// Compilers prefer registers of half that width on this kind of processor unless told what a function needs.
PEAK(avx512, __attribute__((target("arch=x86-64-v4"), min_vector_width(512))), 16, 16)
#endif

static peak choose(void) {
#if defined(__x86_64__) && defined(__clang__)
    if (__builtin_cpu_supports("x86-64-v4")) return (peak){peak_avx512, 2 * 16 * 16};
    if (__builtin_cpu_supports("x86-64-v3")) return (peak){peak_avx2, 2 * 8 * 12};
#endif
    return (peak){peak_baseline, 2 * 4 * 12};
}

int64_t cv_peak_flops(void) { return choose().flops; }

float cv_peak(int64_t rounds, float scale, float shift) { return choose().run(rounds, scale, shift); }
