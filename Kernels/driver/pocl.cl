// The functions of OpenCL C that kernels here call, declared for PoCL.
//
// Before each program PoCL 3.1 has clang read opencl-c.h, 18,000 declarations: 90 of the 100 ms that a small kernel takes
// to compile. With the header's guard defined (-D_OPENCL_H_) it is passed over, and this file says what is needed of it. A
// program that needs more does not compile and is compiled with the header. Signatures are those of the OpenCL C
// specification, chapter 6.15; nothing is overloaded for double, half or vectors of three.

#define DECLARED __attribute__((overloadable))
#define PURE __attribute__((overloadable, const))
#define VECTORS(macro, type) macro(type) macro(type##2) macro(type##4) macro(type##8) macro(type##16)
// With the corresponding vectors of a second type.
#define VECTOR_PAIRS(macro, a, b) macro(a, b) macro(a##2, b##2) macro(a##4, b##4) macro(a##8, b##8) macro(a##16, b##16)
#define EACH_WIDTH(macro, ...) macro(2, __VA_ARGS__) macro(4, __VA_ARGS__) macro(8, __VA_ARGS__) macro(16, __VA_ARGS__)
#define EACH_SPACE(macro, ...) \
    macro(__global, __VA_ARGS__) macro(__local, __VA_ARGS__) macro(__private, __VA_ARGS__)

// Work-items.
PURE uint get_work_dim(void);
PURE size_t get_global_size(uint);
PURE size_t get_global_id(uint);
PURE size_t get_local_size(uint);
PURE size_t get_local_id(uint);
PURE size_t get_num_groups(uint);
PURE size_t get_group_id(uint);
PURE size_t get_global_offset(uint);
__attribute__((overloadable, convergent)) void barrier(cl_mem_fence_flags);
DECLARED void mem_fence(cl_mem_fence_flags);

// Of floats.
#define ONE(f) FLOAT_ONE(f, float) FLOAT_ONE(f, float2) FLOAT_ONE(f, float4) FLOAT_ONE(f, float8) FLOAT_ONE(f, float16)
#define FLOAT_ONE(f, type) PURE type f(type);
#define TWO(f) FLOAT_TWO(f, float) FLOAT_TWO(f, float2) FLOAT_TWO(f, float4) FLOAT_TWO(f, float8) FLOAT_TWO(f, float16)
#define FLOAT_TWO(f, type) PURE type f(type, type);
ONE(fabs) ONE(floor) ONE(ceil) ONE(trunc) ONE(rint) ONE(round) ONE(sign) ONE(sqrt) ONE(rsqrt) ONE(native_exp2)
ONE(exp) ONE(exp2) ONE(expm1) ONE(log) ONE(log2) ONE(log1p) ONE(sin) ONE(cos) ONE(sinpi) ONE(cospi) ONE(tanh) ONE(erf)
ONE(tan) ONE(asin) ONE(acos) ONE(atan) ONE(sinh) ONE(cosh) ONE(asinh) ONE(acosh) ONE(atanh)
TWO(fmax) TWO(fmin) TWO(pow) TWO(fmod) TWO(remainder) TWO(copysign) TWO(atan2)
#define FMA(type) PURE type fma(type, type, type); PURE type mad(type, type, type);
VECTORS(FMA, float)
#define LDEXP(type, whole) PURE type ldexp(type, whole);
VECTOR_PAIRS(LDEXP, float, int)
#define IS(type, whole) PURE whole isnan(type); PURE whole isinf(type); PURE whole isfinite(type);
VECTOR_PAIRS(IS, float, int)

// Of floats and integers.
#define COMPARED(type) PURE type min(type, type); PURE type max(type, type); PURE type clamp(type, type, type);
VECTORS(COMPARED, float) VECTORS(COMPARED, int) VECTORS(COMPARED, uint) VECTORS(COMPARED, long) VECTORS(COMPARED, ulong)
#define HIGH_HALF(type) PURE type mul_hi(type, type);
VECTORS(HIGH_HALF, int) VECTORS(HIGH_HALF, uint) HIGH_HALF(long) HIGH_HALF(ulong)
#define ABSOLUTE(type, positive) PURE positive abs(type);
VECTOR_PAIRS(ABSOLUTE, int, uint) VECTOR_PAIRS(ABSOLUTE, uint, uint)
#define ANY(type) PURE int any(type); PURE int all(type);
VECTORS(ANY, int)
#define SELECTED(type, mask) PURE type select(type, type, mask);
VECTOR_PAIRS(SELECTED, float, int) VECTOR_PAIRS(SELECTED, float, uint)
VECTOR_PAIRS(SELECTED, int, int) VECTOR_PAIRS(SELECTED, int, uint)
VECTOR_PAIRS(SELECTED, uint, int) VECTOR_PAIRS(SELECTED, uint, uint)
VECTOR_PAIRS(SELECTED, long, long) SELECTED(ulong, long) SELECTED(long, ulong) SELECTED(ulong, ulong)

// From one type to another.
#define CONVERTED(to, from) CONVERTED_ONE(convert_##to, to, from) \
    CONVERTED_ONE(convert_##to##2, to##2, from##2) CONVERTED_ONE(convert_##to##4, to##4, from##4) \
    CONVERTED_ONE(convert_##to##8, to##8, from##8) CONVERTED_ONE(convert_##to##16, to##16, from##16)
#define CONVERTED_ONE(f, to, from) PURE to f(from);
#define CONVERTED_TO(to) \
    CONVERTED(to, float) CONVERTED(to, int) CONVERTED(to, uint) CONVERTED(to, uchar) CONVERTED(to, ushort)
CONVERTED(int, char) CONVERTED(int, short) CONVERTED(char, int) CONVERTED(short, int) CONVERTED(int, long)
CONVERTED(long, int) CONVERTED(long, uint) CONVERTED(uint, long) CONVERTED(long, float) CONVERTED(float, long)
CONVERTED_TO(float) CONVERTED_TO(int) CONVERTED_TO(uint) CONVERTED_TO(uchar) CONVERTED_TO(ushort)
CONVERTED_ONE(convert_int_sat, int, float) CONVERTED_ONE(convert_uint_sat, uint, float)

// Vectors in memory.
#define LOADED(space, n, type) \
    DECLARED type##n vload##n(size_t, const space type *); DECLARED void vstore##n(type##n, size_t, space type *);
#define LOADED_FROM_EACH(n, type) EACH_SPACE(LOADED, n, type)
EACH_WIDTH(LOADED_FROM_EACH, float) EACH_WIDTH(LOADED_FROM_EACH, int) EACH_WIDTH(LOADED_FROM_EACH, uint)
EACH_WIDTH(LOADED_FROM_EACH, uchar) EACH_WIDTH(LOADED_FROM_EACH, ushort) EACH_WIDTH(LOADED_FROM_EACH, char)
EACH_WIDTH(LOADED_FROM_EACH, short) EACH_WIDTH(LOADED_FROM_EACH, long) EACH_WIDTH(LOADED_FROM_EACH, ulong)
#define HALF(space, n) \
    DECLARED float##n vload_half##n(size_t, const space half *); \
    DECLARED void vstore_half##n(float##n, size_t, space half *); \
    DECLARED void vstore_half##n##_rte(float##n, size_t, space half *);
EACH_SPACE(HALF, ) EACH_SPACE(HALF, 2) EACH_SPACE(HALF, 4) EACH_SPACE(HALF, 8) EACH_SPACE(HALF, 16)

#undef DECLARED
#undef PURE
#undef VECTORS
#undef VECTOR_PAIRS
#undef EACH_WIDTH
#undef EACH_SPACE
#undef ONE
#undef FLOAT_ONE
#undef TWO
#undef FLOAT_TWO
#undef FMA
#undef LDEXP
#undef IS
#undef COMPARED
#undef HIGH_HALF
#undef ABSOLUTE
#undef ANY
#undef SELECTED
#undef CONVERTED
#undef CONVERTED_ONE
#undef CONVERTED_TO
#undef LOADED
#undef LOADED_FROM_EACH
#undef HALF
