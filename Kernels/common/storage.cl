// Floating-point numbers as they lie in memory, in one of three types; kernels compute with floats.
//
//   STORAGE     STORED    in memory                    read       written
//   float32     float     a float                      as it is   as it is
//   float16     half      IEEE 754 binary16            exactly    rounded to nearest even, NaN kept
//   bfloat16    ushort    the upper half of a float    exactly    likewise
//
//   LOAD1(pointer), STORE1(value, pointer)                            one element
//   LOAD(pointer), STORE(value, pointer)                              VECTOR_WIDTH of them, from any element on
//   LOAD_TAIL(pointer, count, fill), STORE_TAIL(value, pointer, count)   the first `count` < VECTOR_WIDTH of these
//
// For tensors of one node in several types each of these goes by a type's name too: STORED_float16, LOAD1_float16,
// LOADV_float16, LOAD_TAIL_float16. A half is only ever pointed to, which core OpenCL C allows: no cl_khr_fp16 is needed.
// Goes after common/math.cl; float32's tails are those of common/vector.cl.

// The type that the node's own tensors are stored in.
#ifndef STORAGE
#define STORAGE float32
#endif
#define STORED MATH_PASTE(STORED_, STORAGE)
#define LOAD1(pointer) MATH_PASTE(LOAD1_, STORAGE)(pointer)
#define STORE1(value, pointer) MATH_PASTE(STORE1_, STORAGE)(value, pointer)
#define LOAD(pointer) MATH_PASTE(LOADV_, STORAGE)(pointer)
#define STORE(value, pointer) MATH_PASTE(STOREV_, STORAGE)(value, pointer)
#define LOAD_TAIL(pointer, count, fill) MATH_PASTE(LOAD_TAIL_, STORAGE)(pointer, count, fill)
#define STORE_TAIL(value, pointer, count) MATH_PASTE(STORE_TAIL_, STORAGE)(value, pointer, count)
// Whether what is stored is what was computed, so that it may be read again in its place.
#define STORES_ALL MATH_PASTE(STORES_ALL_, STORAGE)
#define STORES_ALL_float32 1
#define STORES_ALL_float16 0
#define STORES_ALL_bfloat16 0

#define STORED_float32 float
#define STORED_float16 half
#define STORED_bfloat16 ushort

#define LOAD1_float32(pointer) (*(pointer))
#define LOAD1_float16(pointer) vload_half(0, pointer)
#define LOAD1_bfloat16(pointer) as_float((uint)*(pointer) << 16)
#define STORE1_float32(value, pointer) (*(pointer) = (value))
#define STORE1_float16(value, pointer) vstore_half_rte(value, 0, pointer)
#define STORE1_bfloat16(value, pointer) (*(pointer) = (ushort)bfloat16_bits1(value))

// The upper half of a float32, rounded to nearest even; NaN stays NaN.
#define BFLOAT16_BITS(bits) (((bits) + 0x7FFF + (((bits) >> 16) & 1)) >> 16)

static inline uint bfloat16_bits1(float x) { return x != x ? 0x7FC0u : BFLOAT16_BITS(as_uint(x)); }

static inline vuint bfloat16_bits(vfloat x) {
    return select(BFLOAT16_BITS(as_vuint(x)), (vuint)(0x7FC0), as_vuint((vint)(x != x)));
}

// A float16 as its bits, by way of a variable: PoCL's vload_half8 and vstore_half8 take for granted that they are given the
// address of a whole vector, where a row may begin at any element.
#if VECTOR_WIDTH == 1
typedef ushort vushort;
#define VLOAD_HALF vload_half
#define VSTORE_HALF vstore_half_rte
#else
typedef MATH_PASTE(ushort, VECTOR_WIDTH) vushort;
#define VLOAD_HALF MATH_PASTE(vload_half, VECTOR_WIDTH)
#define VSTORE_HALF MATH_PASTE(MATH_PASTE(vstore_half, VECTOR_WIDTH), _rte)
#endif

static inline vfloat float16_value(const vushort bits) { return VLOAD_HALF(0, (const half *)&bits); }

static inline vushort float16_bits(const vfloat x) {
    vushort bits;
    VSTORE_HALF(x, 0, (half *)&bits);
    return bits;
}

#define LOADV_float32(pointer) vfloat_load(pointer)
#define STOREV_float32(value, pointer) vfloat_store(value, pointer)
#if VECTOR_WIDTH == 1
#define LOADV_float16 LOAD1_float16
#define LOADV_bfloat16 LOAD1_bfloat16
#define STOREV_float16 STORE1_float16
#define STOREV_bfloat16 STORE1_bfloat16
#else
typedef struct __attribute__((packed)) { vushort value; } vushort_unaligned;
#define VUSHORT_LOAD(pointer) (((__global const vushort_unaligned *)(pointer))->value)
#define VUSHORT_STORE(value_, pointer) (((__global vushort_unaligned *)(pointer))->value = (value_))
#define LOADV_float16(pointer) float16_value(VUSHORT_LOAD(pointer))
#define LOADV_bfloat16(pointer) as_vfloat(MATH_PASTE(convert_uint, VECTOR_WIDTH)(VUSHORT_LOAD(pointer)) << 16)
#define STOREV_float16(value, pointer) VUSHORT_STORE(float16_bits(value), pointer)
#define STOREV_bfloat16(value, pointer) \
    VUSHORT_STORE(MATH_PASTE(convert_ushort, VECTOR_WIDTH)(bfloat16_bits(value)), pointer)
#endif

#define LOAD_TAIL_float32(pointer, count, fill) vfloat_load_tail(pointer, count, fill)
#define STORE_TAIL_float32(value, pointer, count) vfloat_store_tail(value, pointer, count)
#define TAILS(type) \
    static inline vfloat LOAD_TAIL_##type(__global const STORED_##type *from, const int count, const float fill) { \
        vfloat value = fill; \
        for (int n = 0; n < VECTOR_WIDTH; n++) if (n < count) ((float *)&value)[n] = LOAD1_##type(from + n); \
        return value; \
    } \
    static inline void STORE_TAIL_##type(const vfloat value, __global STORED_##type *to, const int count) { \
        for (int n = 0; n < VECTOR_WIDTH; n++) if (n < count) STORE1_##type(((const float *)&value)[n], to + n); \
    }
TAILS(float16)
TAILS(bfloat16)
#undef TAILS
