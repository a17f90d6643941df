// Winograd's minimal filtering for 3×3 kernels: an OUTPUT_TILE × OUTPUT_TILE tile of outputs from a SIDE × SIDE tile of
// the source, SIDE = OUTPUT_TILE + 2, with SIDE² products a channel where the sum itself takes 9·OUTPUT_TILE².
//
//   y  = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ x B)] A        forward; the gradient of the input is the same with the kernel turned round
//   dw = Gᵀ [(A dy Aᵀ) ⊙ (Bᵀ x B)] G       the gradient of the weight: the adjoint, summed over all tiles
//
// Each matrix is applied to the columns of a tile and then to the rows of the result. F(2×2, 3×3) interpolates at
// 0, ±1, ∞; F(4×4, 3×3) at 0, ±1/√2, ±√2, ∞, which halves the error of the usual 0, ±1, ±2, ∞.
// Method: A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016; the points: S. Alam et
// al., "Winograd Convolution for Deep Neural Networks: Efficient Point Selection", ACM TECS 21(6), 2022.
// Works on `floatv`: vectors of channels where common/lanes.cl goes before, else floats.

#ifndef floatv
typedef float floatv;
#endif
#ifndef OUTPUT_TILE
#define OUTPUT_TILE 4        // 2 or 4
#endif
#define SIDE (OUTPUT_TILE + 2)
#define POSITIONS (SIDE * SIDE)
#define KERNEL_SIDE 3

#define LINE static inline __attribute__((always_inline)) void
#define LINE_ARGUMENTS const floatv *x, const int from, floatv *y, const int to
#define X(i) x[(i) * from]
#define Y(i) y[(i) * to]

#if OUTPUT_TILE == 2

LINE source_line(LINE_ARGUMENTS) // Bᵀ
{
    Y(0) = X(0) - X(2);
    Y(1) = X(1) + X(2);
    Y(2) = X(2) - X(1);
    Y(3) = X(1) - X(3);
}

LINE weight_line(LINE_ARGUMENTS) // G
{
    const floatv even = 0.5f * (X(0) + X(2)), odd = 0.5f * X(1);
    Y(0) = X(0);
    Y(1) = even + odd;
    Y(2) = even - odd;
    Y(3) = X(2);
}

LINE output_line(LINE_ARGUMENTS) // Aᵀ
{
    Y(0) = X(0) + X(1) + X(2);
    Y(1) = X(1) - X(2) - X(3);
}

LINE cotangent_line(LINE_ARGUMENTS) // A
{
    Y(0) = X(0);
    Y(1) = X(0) + X(1);
    Y(2) = X(0) - X(1);
    Y(3) = -X(1);
}

LINE weight_gradient_line(LINE_ARGUMENTS) // Gᵀ
{
    const floatv even = 0.5f * (X(1) + X(2));
    Y(0) = X(0) + even;
    Y(1) = 0.5f * (X(1) - X(2));
    Y(2) = even + X(3);
}

#else

#define NEAR 0.707106781f    // the points ±1/√2 and ±√2, whose squares are 1/2 and 2
#define FAR 1.414213562f

LINE source_line(LINE_ARGUMENTS)
{
    const floatv nearEven = fma((floatv)(-2), X(2), X(4)), nearOdd = fma((floatv)(-2), X(1), X(3));
    const floatv farEven = fma((floatv)(-0.5f), X(2), X(4)), farOdd = fma((floatv)(-0.5f), X(1), X(3));
    Y(0) = fma((floatv)(-2.5f), X(2), X(0) + X(4));
    Y(5) = fma((floatv)(-2.5f), X(3), X(1) + X(5));
    Y(1) = fma((floatv)(NEAR), nearOdd, nearEven);
    Y(2) = fma((floatv)(-NEAR), nearOdd, nearEven);
    Y(3) = fma((floatv)(FAR), farOdd, farEven);
    Y(4) = fma((floatv)(-FAR), farOdd, farEven);
}

LINE weight_line(LINE_ARGUMENTS)
{
    const floatv nearEven = (-2 / 3.0f) * fma((floatv)(0.5f), X(2), X(0)), nearOdd = (-2 / 3.0f * NEAR) * X(1);
    const floatv farEven = (1 / 6.0f) * fma((floatv)(2), X(2), X(0)), farOdd = (1 / 6.0f * FAR) * X(1);
    Y(0) = X(0);
    Y(1) = nearEven + nearOdd;
    Y(2) = nearEven - nearOdd;
    Y(3) = farEven + farOdd;
    Y(4) = farEven - farOdd;
    Y(5) = X(2);
}

LINE output_line(LINE_ARGUMENTS)
{
    const floatv nearEven = X(1) + X(2), nearOdd = NEAR * (X(1) - X(2));
    const floatv farEven = X(3) + X(4), farOdd = FAR * (X(3) - X(4));
    Y(0) = X(0) + nearEven + farEven;
    Y(1) = nearOdd + farOdd;
    Y(2) = fma((floatv)(0.5f), nearEven, 2 * farEven);
    Y(3) = fma((floatv)(0.5f), nearOdd, fma((floatv)(2), farOdd, X(5)));
}

LINE cotangent_line(LINE_ARGUMENTS)
{
    const floatv nearEven = fma((floatv)(0.5f), X(2), X(0)), nearOdd = fma((floatv)(0.5f), X(3), X(1));
    const floatv farEven = fma((floatv)(2), X(2), X(0)), farOdd = fma((floatv)(2), X(3), X(1));
    Y(0) = X(0);
    Y(1) = fma((floatv)(NEAR), nearOdd, nearEven);
    Y(2) = fma((floatv)(-NEAR), nearOdd, nearEven);
    Y(3) = fma((floatv)(FAR), farOdd, farEven);
    Y(4) = fma((floatv)(-FAR), farOdd, farEven);
    Y(5) = X(3);
}

LINE weight_gradient_line(LINE_ARGUMENTS)
{
    const floatv nearEven = (-2 / 3.0f) * (X(1) + X(2)), nearOdd = (-2 / 3.0f * NEAR) * (X(1) - X(2));
    const floatv farEven = (1 / 6.0f) * (X(3) + X(4)), farOdd = (1 / 6.0f * FAR) * (X(3) - X(4));
    Y(0) = X(0) + nearEven + farEven;
    Y(1) = nearOdd + farOdd;
    Y(2) = fma((floatv)(0.5f), nearEven, fma((floatv)(2), farEven, X(5)));
}

#endif

// A tile of in × in → out × out, row by row in both.
#define TRANSFORM(name, line, in, out) \
    static inline __attribute__((always_inline)) void name(const floatv *x, floatv *y) \
    { \
        floatv half_done[(out) * (in)]; \
        _Pragma("unroll") \
        for (int j = 0; j < (in); j++) line(x + j, in, half_done + j, in); \
        _Pragma("unroll") \
        for (int i = 0; i < (out); i++) line(half_done + i * (in), 1, y + i * (out), 1); \
    }
TRANSFORM(transform_source, source_line, SIDE, SIDE)
TRANSFORM(transform_weight, weight_line, KERNEL_SIDE, SIDE)
TRANSFORM(transform_output, output_line, SIDE, OUTPUT_TILE)
TRANSFORM(transform_cotangent, cotangent_line, OUTPUT_TILE, SIDE)
TRANSFORM(transform_weight_gradient, weight_gradient_line, SIDE, KERNEL_SIDE)
