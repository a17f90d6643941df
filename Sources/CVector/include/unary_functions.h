// Every function of one number: its name, and the expression of `v`, of the type REAL, that it is. FN(name) is the function
// of scalar_math.h for that type. The enum and the loops over a block are both made of this table.
#pragma once

#define CV_UNARY_FUNCTIONS(F) \
    F(NEGATE, -v) \
    F(ABSOLUTE, FN(abs)(v)) \
    F(SIGN, (REAL)(v > 0) - (REAL)(v < 0)) \
    F(SQUARE, v * v) \
    F(SQUARE_ROOT, FN(sqrt)(v)) \
    F(RECIPROCAL_SQUARE_ROOT, 1 / FN(sqrt)(v)) \
    F(RECIPROCAL, 1 / v) \
    F(EXPONENTIAL, FN(exp)(v)) \
    F(EXPONENTIAL_MINUS_ONE, FN(expm1)(v)) \
    F(LOGARITHM, FN(log)(v)) \
    F(SINE, FN(sin)(v)) \
    F(COSINE, FN(cos)(v)) \
    F(TANGENT, FN(tan)(v)) \
    F(ARCSINE, FN(asin)(v)) \
    F(ARCCOSINE, FN(acos)(v)) \
    F(ARCTANGENT, FN(atan)(v)) \
    F(HYPERBOLIC_SINE, FN(sinh)(v)) \
    F(HYPERBOLIC_COSINE, FN(cosh)(v)) \
    F(INVERSE_HYPERBOLIC_SINE, FN(asinh)(v)) \
    F(INVERSE_HYPERBOLIC_COSINE, FN(acosh)(v)) \
    F(INVERSE_HYPERBOLIC_TANGENT, FN(atanh)(v)) \
    F(FLOOR, FN(floor)(v)) \
    F(CEILING, FN(ceil)(v)) \
    F(TRUNCATION, FN(trunc)(v)) \
    F(ROUNDING, FN(round_to_even)(v)) \
    F(ERROR_FUNCTION, FN(erf)(v)) \
    F(SIGMOID, FN(sigmoid)(v)) \
    F(TANH, FN(tanh)(v)) \
    F(RELU, v < 0 ? (REAL)0 : v) \
    F(GELU, FN(gelu)(v)) \
    F(SILU, FN(silu)(v)) \
    F(SOFTPLUS, FN(softplus)(v)) \
    F(GAUSSIAN, FN(gaussian)(v)) \
    F(SIGMOID_DERIVATIVE, FN(sigmoid_derivative)(v)) \
    F(GELU_DERIVATIVE, FN(gelu_derivative)(v)) \
    F(SILU_DERIVATIVE, FN(silu_derivative)(v))
