// One step of an optimizer for one parameter, or for PARAMETERS of them in turn, in one pass over their elements.
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

// At most 7, so that their arguments are within the 1024 bytes that every device takes.
#ifndef PARAMETERS
#define PARAMETERS 1
#endif
#if PARAMETERS == 1
#define EACH_PARAMETER(macro) macro(0)
#elif PARAMETERS == 2
#define EACH_PARAMETER(macro) macro(0) macro(1)
#elif PARAMETERS == 3
#define EACH_PARAMETER(macro) macro(0) macro(1) macro(2)
#elif PARAMETERS == 4
#define EACH_PARAMETER(macro) macro(0) macro(1) macro(2) macro(3)
#elif PARAMETERS == 5
#define EACH_PARAMETER(macro) macro(0) macro(1) macro(2) macro(3) macro(4)
#elif PARAMETERS == 6
#define EACH_PARAMETER(macro) macro(0) macro(1) macro(2) macro(3) macro(4) macro(5)
#else
#define EACH_PARAMETER(macro) macro(0) macro(1) macro(2) macro(3) macro(4) macro(5) macro(6)
#endif

// Kernel arguments of parameter n, and its elements with how many a work-item of a CPU-like device takes.
#define TENSOR(name, n) __global const float *name##n, const ulong name##Offset##n,
#define RESULT(name, n) __global float *name##n, const ulong name##Offset##n,
#define EXTENTS(n) const ulong count##n, const ulong block##n,

#define READ(x) (left >= VECTOR_WIDTH ? vfloat_load(x + i) : vfloat_load_part(x + i, left))
#define WRITE(value, y) \
    if (left >= VECTOR_WIDTH) \
        vfloat_store(value, y + i); \
    else \
        vfloat_store_part(value, y + i, left);

// Where each parameter's part of a tensor begins. What is done to one is compiled once and not once for each.
#define STARTS(name, n) name##n + name##Offset##n,

#define ADAM_TENSORS(n) TENSOR(p, n) TENSOR(g, n) TENSOR(m, n) TENSOR(v, n)
#define ADAM_RESULTS(n) RESULT(newP, n) RESULT(newM, n) RESULT(newV, n)
#define P(n) STARTS(p, n)
#define G(n) STARTS(g, n)
#define M(n) STARTS(m, n)
#define V(n) STARTS(v, n)
#define NEW_P(n) STARTS(newP, n)
#define NEW_M(n) STARTS(newM, n)
#define NEW_V(n) STARTS(newV, n)
#define COUNT(n) count##n,
#define SHARE(n) block##n,

static inline void adamUpdate(
    __global const float *p, __global const float *g, __global const float *m, __global const float *v,
    __global float *newP, __global float *newM, __global float *newV, const ulong count, const ulong block,
    const float beta1, const float rest1, const float beta2, const float rest2, const float epsilon,
    const float weightDecay, const float stepSize, const float root, const float kept)
{
    FOR_EACH_VECTOR(i, count, block) {
        const int left = (int)min(count - i, (ulong)VECTOR_WIDTH);
        const vfloat oldP = READ(p);
        vfloat gradient = READ(g);
        if (!IS_DECOUPLED) gradient = fma((vfloat)(weightDecay), oldP, gradient);
        const vfloat m1 = fma((vfloat)(beta1), READ(m), rest1 * gradient);
        // The square alone overflows at 1e20, and so does v1 / correction2.
        const vfloat v1 = fma((vfloat)(beta2), READ(v), rest2 * gradient * gradient);
        const vfloat p1 = kept * oldP - stepSize * m1 / (sqrt(v1) * root + epsilon);
        WRITE(m1, newM)
        WRITE(v1, newV)
        WRITE(p1, newP)
    }
}

// 1 - β comes from the host, and 1 - βᵗ is formed as -(e^(t·ln β) - 1): both would lose digits here.
ELEMENTWISE_KERNEL void adam(
    EACH_PARAMETER(ADAM_TENSORS) __global const int *step, const ulong stepOffset, __global const float *rate,
    const ulong rateOffset, EACH_PARAMETER(ADAM_RESULTS) EACH_PARAMETER(EXTENTS) const float beta1,
    const float rest1, const float log1, const float beta2, const float rest2, const float log2, const float epsilon,
    const float weightDecay)
{
    const float t = (float)step[stepOffset];
    const float learningRate = rate[rateOffset];
    const float stepSize = learningRate / -expm1(t * log1);
    const float root = 1.0f / sqrt(-expm1(t * log2));
    const float kept = IS_DECOUPLED ? 1.0f - learningRate * weightDecay : 1.0f;
    __global const float *const p[] = {EACH_PARAMETER(P)}, *const g[] = {EACH_PARAMETER(G)};
    __global const float *const m[] = {EACH_PARAMETER(M)}, *const v[] = {EACH_PARAMETER(V)};
    __global float *const newP[] = {EACH_PARAMETER(NEW_P)}, *const newM[] = {EACH_PARAMETER(NEW_M)};
    __global float *const newV[] = {EACH_PARAMETER(NEW_V)};
    const ulong count[] = {EACH_PARAMETER(COUNT)}, block[] = {EACH_PARAMETER(SHARE)};
    #pragma unroll 1
    for (int n = 0; n < PARAMETERS; n++)
        adamUpdate(
            p[n], g[n], m[n], v[n], newP[n], newM[n], newV[n], count[n], block[n], beta1, rest1, beta2, rest2, epsilon,
            weightDecay, stepSize, root, kept);
}

#if HAS_MOMENTUM
#define SGD_TENSORS(n) TENSOR(p, n) TENSOR(g, n) TENSOR(velocity, n)
#define SGD_RESULTS(n) RESULT(newP, n) RESULT(newVelocity, n)
#define VELOCITY(n) STARTS(velocity, n)
#define NEW_VELOCITY(n) STARTS(newVelocity, n)
#else
#define SGD_TENSORS(n) TENSOR(p, n) TENSOR(g, n)
#define SGD_RESULTS(n) RESULT(newP, n)
#define VELOCITY(n) 0,
#define NEW_VELOCITY(n) 0,
#endif

// Without momentum there is no velocity.
static inline void sgdUpdate(
    __global const float *p, __global const float *g, __global const float *velocity, __global float *newP,
    __global float *newVelocity, const ulong count, const ulong block, const float momentum, const float weightDecay,
    const float learningRate)
{
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

ELEMENTWISE_KERNEL void sgd(
    EACH_PARAMETER(SGD_TENSORS) __global const float *rate, const ulong rateOffset, EACH_PARAMETER(SGD_RESULTS)
    EACH_PARAMETER(EXTENTS) const float momentum, const float weightDecay)
{
    const float learningRate = rate[rateOffset];
    __global const float *const p[] = {EACH_PARAMETER(P)}, *const g[] = {EACH_PARAMETER(G)};
    __global const float *const velocity[] = {EACH_PARAMETER(VELOCITY)};
    __global float *const newP[] = {EACH_PARAMETER(NEW_P)}, *const newVelocity[] = {EACH_PARAMETER(NEW_VELOCITY)};
    const ulong count[] = {EACH_PARAMETER(COUNT)}, block[] = {EACH_PARAMETER(SHARE)};
    #pragma unroll 1
    for (int n = 0; n < PARAMETERS; n++)
        sgdUpdate(
            p[n], g[n], velocity[n], newP[n], newVelocity[n], count[n], block[n], momentum, weightDecay, learningRate);
}
