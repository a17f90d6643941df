// One step of an optimizer for one parameter, in one pass over its elements.
//
// Follows common/math.cl. The step and the learning rate are read from the device, so that a recorded training step
// never changes. adam reads p, g, m, v and writes p', m', v': 28 bytes an element for about 14 flops; sgd 12 bytes, or
// 20 with momentum: both run at the speed of memory.
//
// Kingma and Ba, Adam (2015); Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019).

// IS_DECOUPLED: weight decay shrinks p directly (AdamW) and not through the gradient.
#ifndef IS_DECOUPLED
#define IS_DECOUPLED 0
#endif
#ifndef HAS_MOMENTUM
#define HAS_MOMENTUM 0
#endif
#ifndef IS_NESTEROV
#define IS_NESTEROV 0
#endif

#define READ(x) (left >= VECTOR_WIDTH ? vfloat_load(x + i) : vfloat_load_part(x + i, left))
#define WRITE(value, y) \
    if (left >= VECTOR_WIDTH) \
        vfloat_store(value, y + i); \
    else \
        vfloat_store_part(value, y + i, left);

// 1 - β comes from the host, and 1 - βᵗ is formed as -(e^(t·ln β) - 1): both would lose digits here.
ELEMENTWISE_KERNEL void adam(
    __global const float *p, const ulong pOffset, __global const float *g, const ulong gOffset,
    __global const float *m, const ulong mOffset, __global const float *v, const ulong vOffset,
    __global const int *step, const ulong stepOffset, __global const float *rate, const ulong rateOffset,
    __global float *newP, const ulong newPOffset, __global float *newM, const ulong newMOffset,
    __global float *newV, const ulong newVOffset, const ulong count, const ulong block,
    const float beta1, const float rest1, const float log1, const float beta2, const float rest2, const float log2,
    const float epsilon, const float weightDecay)
{
    p += pOffset;
    g += gOffset;
    m += mOffset;
    v += vOffset;
    newP += newPOffset;
    newM += newMOffset;
    newV += newVOffset;
    const float t = (float)step[stepOffset];
    const float learningRate = rate[rateOffset];
    const float stepSize = learningRate / -expm1(t * log1);
    const float correction2 = -expm1(t * log2);
    const float kept = IS_DECOUPLED ? 1.0f - learningRate * weightDecay : 1.0f;
    FOR_EACH_VECTOR(i, count, block) {
        const int left = (int)min(count - i, (ulong)VECTOR_WIDTH);
        const vfloat oldP = READ(p);
        vfloat gradient = READ(g);
        if (!IS_DECOUPLED) gradient = fma((vfloat)(weightDecay), oldP, gradient);
        const vfloat m1 = fma((vfloat)(beta1), READ(m), rest1 * gradient);
        const vfloat v1 = fma((vfloat)(beta2), READ(v), rest2 * gradient * gradient);
        const vfloat p1 = kept * oldP - stepSize * m1 / (sqrt(v1 / correction2) + epsilon);
        WRITE(m1, newM)
        WRITE(v1, newV)
        WRITE(p1, newP)
    }
}

ELEMENTWISE_KERNEL void sgd(
    __global const float *p, const ulong pOffset, __global const float *g, const ulong gOffset,
#if HAS_MOMENTUM
    __global const float *velocity, const ulong velocityOffset,
#endif
    __global const float *rate, const ulong rateOffset, __global float *newP, const ulong newPOffset,
#if HAS_MOMENTUM
    __global float *newVelocity, const ulong newVelocityOffset,
#endif
    const ulong count, const ulong block, const float momentum, const float weightDecay)
{
    p += pOffset;
    g += gOffset;
    newP += newPOffset;
#if HAS_MOMENTUM
    velocity += velocityOffset;
    newVelocity += newVelocityOffset;
#endif
    const float learningRate = rate[rateOffset];
    FOR_EACH_VECTOR(i, count, block) {
        const int left = (int)min(count - i, (ulong)VECTOR_WIDTH);
        const vfloat oldP = READ(p);
        const vfloat gradient = fma((vfloat)(weightDecay), oldP, READ(g));
        vfloat direction = gradient;
#if HAS_MOMENTUM
        const vfloat velocity1 = fma((vfloat)(momentum), READ(velocity), gradient);
        direction = IS_NESTEROV ? fma((vfloat)(momentum), velocity1, gradient) : velocity1;
        WRITE(velocity1, newVelocity)
#endif
        const vfloat p1 = fma((vfloat)(-learningRate), direction, oldP);
        WRITE(p1, newP)
    }
}
