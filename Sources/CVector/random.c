// Random numbers.

#include "internal.h"
#include "scalar_math.h"

// Philox4x32-10: Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011), section 4.
INLINE void philox(uint64_t seed, uint32_t counter, uint32_t group, uint32_t *restrict words) {
    uint32_t c0 = group, c1 = 0, c2 = counter, c3 = 0, k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        const uint32_t n0 = (uint32_t)(b >> 32) ^ c1 ^ k0, n2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

// Groups of four elements [first, last) into a buffer of words.
INLINE void philox_groups(uint64_t seed, uint32_t counter, int64_t first, int64_t count, uint32_t *restrict words) {
    for (int64_t i = 0; i < count; i++) philox(seed, counter, (uint32_t)(first + i), words + 4 * i);
}

INLINE float uniform(uint32_t word) { return (float)(int32_t)(word >> 8) * 0x1p-24f; }

enum { GROUPS = 64 };

HOT void cv_random(
    int is_normal, uint64_t seed, uint32_t counter, float *y, int64_t first_group, int64_t last_group, int64_t count) {
    uint32_t words[4 * GROUPS];
    float numbers[4 * GROUPS];
    for (int64_t start = first_group; start < last_group; start += GROUPS) {
        const int64_t groups = smaller(GROUPS, last_group - start);
        philox_groups(seed, counter, start, groups, words);
        if (is_normal) {
            for (int64_t i = 0; i < 2 * groups; i++) {
                const float u = (float)(int32_t)((words[2 * i] >> 8) + 1) * 0x1p-24f, v = uniform(words[2 * i + 1]);
                const float radius = __builtin_elementwise_sqrt(-2.0f * log_f32(u));
                const double angle = 6.283185307179586476925 * (double)v;
                numbers[2 * i] = radius * (float)cos(angle);
                numbers[2 * i + 1] = radius * (float)sin(angle);
            }
        } else {
            for (int64_t i = 0; i < 4 * groups; i++) numbers[i] = uniform(words[i]);
        }
        memcpy(y + 4 * start, numbers, (size_t)smaller(4 * groups, count - 4 * start) * sizeof(float));
    }
}

#define DROPOUT(Real)                                                                          \
    const Real *x = source;                                                                    \
    Real *y = result;                                                                          \
    const Real scale = (Real)(1 / (1 - rate));                                                 \
    for (int64_t i = 0; i < length; i++) {                                                     \
        y[4 * start + i] = (double)uniform(words[i]) >= rate ? x[4 * start + i] * scale : 0;   \
    }

HOT void cv_dropout(
    cv_type type, double rate, uint64_t seed, uint32_t counter, const void *source, void *result, int64_t first_group,
    int64_t last_group, int64_t count) {
    uint32_t words[4 * GROUPS];
    for (int64_t start = first_group; start < last_group; start += GROUPS) {
        const int64_t groups = smaller(GROUPS, last_group - start), length = smaller(4 * groups, count - 4 * start);
        philox_groups(seed, counter, start, groups, words);
        if (IS_F64(type)) { DROPOUT(double) } else { DROPOUT(float) }
    }
}
