// The functions of integers of 64 bits, and of uint32 as such, that a generated elementwise kernel is made of.
//
// Values are `vlong`: what uint32 holds, long holds, and ROUND_uint32 takes it modulo 2^32. Otherwise as functions.cl,
// after which this goes.

#if VECTOR_WIDTH == 1
typedef long vlong;
typedef ulong vulong;
#define as_vlong as_long
#define as_vulong as_ulong
#define convert_vlong convert_long
#else
typedef MATH_PASTE(long, VECTOR_WIDTH) vlong;
typedef MATH_PASTE(ulong, VECTOR_WIDTH) vulong;
#define as_vlong MATH_PASTE(as_long, VECTOR_WIDTH)
#define as_vulong MATH_PASTE(as_ulong, VECTOR_WIDTH)
#define convert_vlong MATH_PASTE(convert_long, VECTOR_WIDTH)
#endif

#define LOAD1_int64(pointer) (*(pointer))
#define LOAD1_uint32(pointer) ((long)*(pointer))
#define STORE1_int64(value, pointer) (*(pointer) = (value))
#define STORE1_uint32(value, pointer) (*(pointer) = (uint)(value))
#if VECTOR_WIDTH == 1
#define LOADV_int64 LOAD1_int64
#define LOADV_uint32 LOAD1_uint32
#define STOREV_int64 STORE1_int64
#define STOREV_uint32 STORE1_uint32
#else
#define LOADV_int64(pointer) VLOAD(0, pointer)
#define LOADV_uint32(pointer) convert_vlong(VLOAD(0, pointer))
#define STOREV_int64(value, pointer) VSTORE(value, 0, pointer)
#define STOREV_uint32(value, pointer) VSTORE(MATH_PASTE(convert_uint, VECTOR_WIDTH)(value), 0, pointer)
#endif

static inline vlong ROUND_uint32(vlong x) { return x & 0xFFFFFFFFL; }

static inline vlong int_to_long(vint x) { return convert_vlong(x); }
// The lower half, with its own sign: no conversion is out of range.
static inline vint long_to_int(vlong x) { return convert_vint(as_vlong(as_vulong(x) << 32) >> 32); }
static inline vfloat long_to_float(vlong x) { return convert_vfloat(x); }

// Towards zero; what does not fit becomes the nearest integer that does, and NaN becomes 0.
static inline vlong float_to_long(vfloat x) {
    const vint fits = fabs(x) < 0x1p63f;
    const vlong y = convert_vlong(select((vfloat)(0.0f), x, fits));
    const vlong above = select(y, (vlong)(LONG_MAX), convert_vlong((vint)(x >= 0x1p63f)));
    return select(above, (vlong)(LONG_MIN), convert_vlong((vint)(x <= -0x1p63f)));
}
#define FLOAT_TO_LONG(x, least, greatest) min(max(float_to_long(x), (vlong)(least)), (vlong)(greatest))

#define LONG_TRUE_WHERE(comparison) (convert_vint((vlong)(comparison)) & 1)

INTEGER_FUNCTIONS(long, vlong, vulong, 63, LONG_TRUE_WHERE)

#define SELECT_long(mask, a, b) select(b, a, convert_vlong((vint)((mask) != 0)))
