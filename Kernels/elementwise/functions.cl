// The functions that a generated elementwise kernel is made of (Sources/OpenCLBackend/Generation/ElementwiseSource.swift).
//
// Values are `vfloat` for every floating-point type and `vint` for bool and every integer type of up to 32 bits but uint32,
// which with int64 is `vlong` (long_functions.cl); LOAD_*, STORE_* and ROUND_* convert
// from and to what lies in memory: those of floating-point types in common/storage.cl, those of integers below. One element
// costs its loads, its store (4 bytes each for float32) and a few flops, so these kernels run at the speed of memory unless
// they call exp.
//
// LOAD1_type reads one element, LOADV_type VECTOR_WIDTH of them; STORE1_ and STOREV_ likewise.
// Goes after common/math.cl and common/storage.cl.

#define LOAD1_int32(pointer) (*(pointer))
#define LOAD1_int16(pointer) ((int)*(pointer))
#define LOAD1_int8(pointer) ((int)*(pointer))
#define LOAD1_uint16(pointer) ((int)*(pointer))
#define LOAD1_uint8(pointer) ((int)*(pointer))
#define LOAD1_bool(pointer) ((int)*(pointer))
#define STORE1_int32(value, pointer) (*(pointer) = (value))
#define STORE1_int16(value, pointer) (*(pointer) = (short)(value))
#define STORE1_int8(value, pointer) (*(pointer) = (char)(value))
#define STORE1_uint16(value, pointer) (*(pointer) = (ushort)(value))
#define STORE1_uint8(value, pointer) (*(pointer) = (uchar)(value))
#define STORE1_bool(value, pointer) (*(pointer) = (uchar)(value))

#if VECTOR_WIDTH == 1
#define convert_vint convert_int
#define LOADV_int32 LOAD1_int32
#define LOADV_int16 LOAD1_int16
#define LOADV_int8 LOAD1_int8
#define LOADV_uint16 LOAD1_uint16
#define LOADV_uint8 LOAD1_uint8
#define LOADV_bool LOAD1_bool
#define STOREV_int32 STORE1_int32
#define STOREV_int16 STORE1_int16
#define STOREV_int8 STORE1_int8
#define STOREV_uint16 STORE1_uint16
#define STOREV_uint8 STORE1_uint8
#define STOREV_bool STORE1_bool
#else
#define VLOAD MATH_PASTE(vload, VECTOR_WIDTH)
#define VSTORE MATH_PASTE(vstore, VECTOR_WIDTH)
#define convert_vint MATH_PASTE(convert_int, VECTOR_WIDTH)
#define LOADV_int32(pointer) VLOAD(0, pointer)
#define LOADV_int16(pointer) convert_vint(VLOAD(0, pointer))
#define LOADV_int8(pointer) convert_vint(VLOAD(0, pointer))
#define LOADV_uint16(pointer) convert_vint(VLOAD(0, pointer))
#define LOADV_uint8(pointer) convert_vint(VLOAD(0, pointer))
#define LOADV_bool(pointer) convert_vint(VLOAD(0, pointer))
typedef struct __attribute__((packed)) { vint value; } vint_unaligned;
#define STOREV_int32(value_, pointer) (((__global vint_unaligned *)(pointer))->value = (value_))
#define STOREV_int16(value, pointer) VSTORE(MATH_PASTE(convert_short, VECTOR_WIDTH)(value), 0, pointer)
#define STOREV_int8(value, pointer) VSTORE(MATH_PASTE(convert_char, VECTOR_WIDTH)(value), 0, pointer)
#define STOREV_uint16(value, pointer) VSTORE(MATH_PASTE(convert_ushort, VECTOR_WIDTH)(value), 0, pointer)
#define STOREV_uint8(value, pointer) VSTORE(MATH_PASTE(convert_uchar, VECTOR_WIDTH)(value), 0, pointer)
#define STOREV_bool(value, pointer) STOREV_uint8(value, pointer)
#endif

// What a value becomes when it is stored and read again.
static inline vfloat ROUND_bfloat16(vfloat x) { return as_vfloat(bfloat16_bits(x) << 16); }
static inline vint ROUND_uint8(vint x) { return x & 255; }
static inline vint ROUND_uint16(vint x) { return x & 65535; }
static inline vint ROUND_int8(vint x) { return as_vint(as_vuint(x) << 24) >> 24; }
static inline vint ROUND_int16(vint x) { return as_vint(as_vuint(x) << 16) >> 16; }
// Of what functions make of bits; what is cast is compared with 0.
static inline vint ROUND_bool(vint x) { return x & 1; }
static inline vfloat ROUND_float16(vfloat x) { return float16_value(float16_bits(x)); }

static inline vfloat int_to_float(vint x) { return convert_vfloat(x); }

// Towards zero; what does not fit becomes the nearest integer that does, and NaN becomes 0.
static inline vint float_to_int(vfloat x) {
    const vint fits = fabs(x) < 2147483648.0f;
    const vint y = convert_vint(select((vfloat)(0.0f), x, fits));
    const vint above = select(y, (vint)(2147483647), (vint)(x >= 2147483648.0f));
    return select(above, (vint)(-2147483647 - 1), (vint)(x <= -2147483648.0f));
}

// To a type within 32 bits.
#define FLOAT_TO_INT(x, least, greatest) min(max(float_to_int(x), (vint)(least)), (vint)(greatest))

// 1 where a comparison holds, else 0. (One is 1 for a number and -1 for a vector.)
#define ONE_WHERE_FLOAT(comparison) select((vfloat)(0.0f), (vfloat)(1.0f), (vint)(comparison))
#define TRUE_WHERE(comparison) ((vint)(comparison) & 1)

static inline vfloat float_negate(vfloat x) { return -x; }
static inline vfloat float_absolute(vfloat x) { return fabs(x); }
static inline vfloat float_sign(vfloat x) { return ONE_WHERE_FLOAT(x > 0.0f) - ONE_WHERE_FLOAT(x < 0.0f); }
static inline vfloat float_square(vfloat x) { return x * x; }
static inline vfloat float_squareRoot(vfloat x) { return sqrt(x); }
static inline vfloat float_reciprocalSquareRoot(vfloat x) { return 1.0f / sqrt(x); }
static inline vfloat float_reciprocal(vfloat x) { return 1.0f / x; }
static inline vfloat float_exponential(vfloat x) { return vexp(x); }
static inline vfloat float_exponentialMinusOne(vfloat x) { return vexpm1(x); }
static inline vfloat float_logarithm(vfloat x) { return vlog(x); }
static inline vfloat float_sine(vfloat x) { return sin(x); }
static inline vfloat float_cosine(vfloat x) { return cos(x); }
static inline vfloat float_tangent(vfloat x) { return tan(x); }
static inline vfloat float_arcsine(vfloat x) { return asin(x); }
static inline vfloat float_arccosine(vfloat x) { return acos(x); }
static inline vfloat float_arctangent(vfloat x) { return atan(x); }
static inline vfloat float_hyperbolicSine(vfloat x) { return sinh(x); }
static inline vfloat float_hyperbolicCosine(vfloat x) { return cosh(x); }
static inline vfloat float_inverseHyperbolicSine(vfloat x) { return asinh(x); }
static inline vfloat float_inverseHyperbolicCosine(vfloat x) { return acosh(x); }
static inline vfloat float_inverseHyperbolicTangent(vfloat x) { return atanh(x); }
static inline vfloat float_floor(vfloat x) { return floor(x); }
static inline vfloat float_ceiling(vfloat x) { return ceil(x); }
static inline vfloat float_truncation(vfloat x) { return trunc(x); }
static inline vfloat float_rounding(vfloat x) { return rint(x); }
static inline vfloat float_errorFunction(vfloat x) { return verf(x); }
static inline vfloat float_sigmoid(vfloat x) { return vsigmoid(x); }
static inline vfloat float_tanh(vfloat x) { return vtanh(x); }
static inline vfloat float_relu(vfloat x) { return select(x, (vfloat)(0.0f), (vint)(x < 0.0f)); }
static inline vfloat float_gelu(vfloat x) { return vgelu(x); }
static inline vfloat float_silu(vfloat x) { return vsilu(x); }
static inline vfloat float_softplus(vfloat x) { return vsoftplus(x); }
static inline vfloat float_gaussian(vfloat x) { return vgaussian(x); }
static inline vfloat float_sigmoidDerivative(vfloat x) { return vsigmoid_derivative(x); }
static inline vfloat float_geluDerivative(vfloat x) { return vgelu_derivative(x); }
static inline vfloat float_siluDerivative(vfloat x) { return vsilu_derivative(x); }

static inline vfloat float_add(vfloat a, vfloat b) { return a + b; }
static inline vfloat float_subtract(vfloat a, vfloat b) { return a - b; }
static inline vfloat float_multiply(vfloat a, vfloat b) { return a * b; }
static inline vfloat float_divide(vfloat a, vfloat b) { return a / b; }
static inline vfloat float_power(vfloat a, vfloat b) { return pow(a, b); }
static inline vfloat float_truncatedRemainder(vfloat a, vfloat b) { return fmod(a, b); }
static inline vfloat float_remainder(vfloat a, vfloat b) {
    const vfloat r = fmod(a, b);
    return select(r, r + b, (vint)(r != 0.0f) & ((vint)(r < 0.0f) ^ (vint)(b < 0.0f)));
}
static inline vfloat float_arctangent2(vfloat a, vfloat b) { return atan2(a, b); }
// Of two numbers of which one is NaN, NaN.
static inline vfloat float_minimum(vfloat a, vfloat b) { return select(b, a, (vint)(a < b) | (vint)(a != a)); }
static inline vfloat float_maximum(vfloat a, vfloat b) { return select(b, a, (vint)(a > b) | (vint)(a != a)); }
static inline vint float_equal(vfloat a, vfloat b) { return TRUE_WHERE(a == b); }
static inline vint float_less(vfloat a, vfloat b) { return TRUE_WHERE(a < b); }
static inline vint float_lessOrEqual(vfloat a, vfloat b) { return TRUE_WHERE(a <= b); }
static inline vint float_isNaN(vfloat x) { return TRUE_WHERE(x != x); }
static inline vint float_isInfinite(vfloat x) { return TRUE_WHERE(fabs(x) == INFINITY); }
static inline vint float_isSet(vfloat x) { return TRUE_WHERE(x != 0.0f); }

// Integers of one family, in vectors with a sign and without: `last` is the number of the highest bit, and `truth` makes 1
// or 0 of a comparison. They wrap around; dividing by zero gives zero, as a kernel cannot throw. Shifts by more bits than
// there are, as which a negative number counts, leave nothing but the sign; of narrower types ROUND_* sees to that.
#define INTEGER_FUNCTIONS(family, vwhole, vbits, last, truth) \
    static inline vwhole family##_add(vwhole a, vwhole b) { return as_##vwhole(as_##vbits(a) + as_##vbits(b)); } \
    static inline vwhole family##_subtract(vwhole a, vwhole b) { return as_##vwhole(as_##vbits(a) - as_##vbits(b)); } \
    static inline vwhole family##_multiply(vwhole a, vwhole b) { return as_##vwhole(as_##vbits(a) * as_##vbits(b)); } \
    static inline vwhole family##_negate(vwhole x) { return family##_subtract((vwhole)(0), x); } \
    static inline vwhole family##_absolute(vwhole x) { return select(x, family##_negate(x), (vwhole)(x < 0)); } \
    static inline vwhole family##_sign(vwhole x) { \
        return select(select((vwhole)(0), (vwhole)(1), (vwhole)(x > 0)), (vwhole)(-1), (vwhole)(x < 0)); \
    } \
    static inline vwhole family##_square(vwhole x) { return family##_multiply(x, x); } \
    static inline vwhole family##_divide(vwhole a, vwhole b) { \
        const vwhole is_zero = b == 0, is_minus_one = b == -1; \
        const vwhole quotient = a / select(b, (vwhole)(1), is_zero | is_minus_one); \
        return select(select(quotient, family##_negate(a), is_minus_one), (vwhole)(0), is_zero); \
    } \
    static inline vwhole family##_truncatedRemainder(vwhole a, vwhole b) { \
        const vwhole is_zero = b == 0, is_minus_one = b == -1; \
        return select(select(a % select(b, (vwhole)(1), is_zero | is_minus_one), (vwhole)(0), is_minus_one), a, is_zero); \
    } \
    static inline vwhole family##_remainder(vwhole a, vwhole b) { \
        const vwhole r = family##_truncatedRemainder(a, b); \
        return select(r, r + b, (vwhole)(r != 0) & ((vwhole)(r < 0) ^ (vwhole)(b < 0)) & (vwhole)(b != 0)); \
    } \
    static inline vwhole family##_minimum(vwhole a, vwhole b) { return min(a, b); } \
    static inline vwhole family##_maximum(vwhole a, vwhole b) { return max(a, b); } \
    static inline vint family##_equal(vwhole a, vwhole b) { return truth(a == b); } \
    static inline vint family##_less(vwhole a, vwhole b) { return truth(a < b); } \
    static inline vint family##_lessOrEqual(vwhole a, vwhole b) { return truth(a <= b); } \
    static inline vint family##_isSet(vwhole x) { return truth(x != 0); } \
    static inline vwhole family##_bitwiseNot(vwhole x) { return ~x; } \
    static inline vwhole family##_bitwiseAnd(vwhole a, vwhole b) { return a & b; } \
    static inline vwhole family##_bitwiseOr(vwhole a, vwhole b) { return a | b; } \
    static inline vwhole family##_bitwiseExclusiveOr(vwhole a, vwhole b) { return a ^ b; } \
    static inline vwhole family##_shiftLeft(vwhole a, vwhole b) { \
        return select(as_##vwhole(as_##vbits(a) << (as_##vbits(b) & last)), (vwhole)(0), (vwhole)(as_##vbits(b) > last)); \
    } \
    static inline vwhole family##_shiftRight(vwhole a, vwhole b) { \
        return a >> select(b, (vwhole)(last), (vwhole)(as_##vbits(b) > last)); \
    }

INTEGER_FUNCTIONS(int, vint, vuint, 31, TRUE_WHERE)

// Where a mask is 1.
#define SELECT_float(mask, a, b) select(b, a, (vint)((mask) != 0))
#define SELECT_int(mask, a, b) select(b, a, (vint)((mask) != 0))
