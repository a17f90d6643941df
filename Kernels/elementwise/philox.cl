// Random numbers from a counter, and dropout by them.
//
// Goes after common/math.cl and common/storage.cl. Philox4x32-10 turns a key (the seed) and a counter (i / 4, 0, step, 0) into four words, for
// elements i ... i + 3: ten rounds of two 32×32→64-bit products each, about 100 integer operations for 4 elements.
//
//   vector of VECTOR_WIDTH counters ──► w0, w1, w2, w3 (a vector each) ──► interleaved: w0₀ w1₀ w2₀ w3₀ w0₁ …
//
// Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011).
// Any backend makes the same uniform numbers bit by bit, and so the same dropout mask.
#ifndef IS_NORMAL
#define IS_NORMAL 0
#endif
// What one work-item makes at a time.
#define GROUP (4 * VECTOR_WIDTH)

static void philox(uint block, uint step, uint key0, uint key1, vuint word[4]) {
    uint lane[VECTOR_WIDTH];
    for (uint k = 0; k < VECTOR_WIDTH; ++k) lane[k] = block + k;
#if VECTOR_WIDTH == 1
    vuint c0 = lane[0];
#else
    vuint c0 = MATH_PASTE(vload, VECTOR_WIDTH)(0, lane);
#endif
    vuint c1 = (vuint)(0);
    vuint c2 = (vuint)(step);
    vuint c3 = (vuint)(0);
    for (int round = 0; round < 10; ++round) {
        const vuint high0 = mul_hi((vuint)(0xD2511F53u), c0);
        const vuint high1 = mul_hi((vuint)(0xCD9E8D57u), c2);
        const vuint low0 = (vuint)(0xD2511F53u) * c0;
        c0 = high1 ^ c1 ^ key0;
        c1 = (vuint)(0xCD9E8D57u) * c2;
        c2 = high0 ^ c3 ^ key1;
        c3 = low0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    word[0] = c0;
    word[1] = c1;
    word[2] = c2;
    word[3] = c3;
}

// Four vectors, one for each word, in the order of the elements.
#if VECTOR_WIDTH == 1
static void interleave(const vfloat word[4], float out[GROUP]) {
    for (int k = 0; k < 4; ++k) out[k] = word[k];
}
#else
static void interleave(const vfloat word[4], float out[GROUP]) {
    vfloat even[2];
    vfloat odd[2];
    even[0].even = word[0].lo;
    even[0].odd = word[2].lo;
    even[1].even = word[0].hi;
    even[1].odd = word[2].hi;
    odd[0].even = word[1].lo;
    odd[0].odd = word[3].lo;
    odd[1].even = word[1].hi;
    odd[1].odd = word[3].hi;
    for (int k = 0; k < 2; ++k) {
        vfloat low;
        vfloat high;
        low.even = even[k].lo;
        low.odd = odd[k].lo;
        high.even = even[k].hi;
        high.odd = odd[k].hi;
        MATH_PASTE(vstore, VECTOR_WIDTH)(low, 2 * k, out);
        MATH_PASTE(vstore, VECTOR_WIDTH)(high, 2 * k + 1, out);
    }
}
#endif

#if VECTOR_WIDTH == 1
#define FOR_EACH_GROUP(i, count, block) \
    for (ulong i = get_global_id(0) * GROUP; i < count; i += get_global_size(0) * GROUP)
#else
#define FOR_EACH_GROUP(i, count, block) \
    for (ulong i = get_global_id(0) * block, i##End = min(i + block, count); i < i##End; i += GROUP)
#endif

// Uniform in [0, 1) or, with IS_NORMAL, standard normal by Box and Muller.
ELEMENTWISE_KERNEL void random_numbers(
    __global const int *counter, const ulong counterOffset, __global float *y, const ulong yOffset,
    const ulong count, const ulong block, const uint key0, const uint key1)
{
    y += yOffset;
    const uint step = (uint)counter[counterOffset];
    FOR_EACH_GROUP(i, count, block) {
        vuint word[4];
        vfloat value[4];
        float out[GROUP];
        philox((uint)(i / 4), step, key0, key1, word);
#if IS_NORMAL
        for (int k = 0; k < 4; k += 2) {
            const vfloat u = convert_vfloat((word[k] >> 8) + 1) * 0x1p-24f;
            const vfloat v = convert_vfloat(word[k + 1] >> 8) * 0x1p-24f;
            const vfloat radius = sqrt(-2.0f * vlog(u));
            value[k] = radius * cospi(2.0f * v);
            value[k + 1] = radius * sinpi(2.0f * v);
        }
#else
        for (int k = 0; k < 4; ++k) value[k] = convert_vfloat(word[k] >> 8) * 0x1p-24f;
#endif
        interleave(value, out);
        const int left = (int)min(count - i, (ulong)GROUP);
        for (int k = 0; k < left; ++k) y[i + k] = out[k];
    }
}

// Keeps an element where its word's upper 24 bits are at least `threshold`, the rate in units of 2⁻²⁴ rounded up.
ELEMENTWISE_KERNEL void dropout(
    __global const STORED *x, const ulong xOffset, __global const int *counter, const ulong counterOffset,
    __global STORED *y, const ulong yOffset, const ulong count, const ulong block, const uint key0, const uint key1,
    const uint threshold, const float scale)
{
    x += xOffset;
    y += yOffset;
    const uint step = (uint)counter[counterOffset];
    FOR_EACH_GROUP(i, count, block) {
        vuint word[4];
        vfloat value[4];
        float factor[GROUP];
        philox((uint)(i / 4), step, key0, key1, word);
        for (int k = 0; k < 4; ++k) {
            value[k] = select((vfloat)(0.0f), (vfloat)(scale), as_vint((vint)((word[k] >> 8) >= threshold)));
        }
        interleave(value, factor);
        const int left = (int)min(count - i, (ulong)GROUP);
        for (int k = 0; k < left; ++k) STORE1(factor[k] == 0.0f ? 0.0f : factor[k] * LOAD1(x + i + k), y + i + k);
    }
}
