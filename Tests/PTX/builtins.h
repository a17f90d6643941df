// The functions of OpenCL C that the kernels for matrix units call, by the intrinsics of clang's NVPTX target: enough to
// translate those files to PTX without a GPU and without a library of built-in functions.
#define asm __asm__
#define NVPTX_REGISTER(name, d) \
    ((ulong)((d) == 0 ? __nvvm_read_ptx_sreg_##name##_x() : (d) == 1 ? __nvvm_read_ptx_sreg_##name##_y() \
                                                                     : __nvvm_read_ptx_sreg_##name##_z()))
#define get_local_id(d) NVPTX_REGISTER(tid, d)
#define get_group_id(d) NVPTX_REGISTER(ctaid, d)
#define get_num_groups(d) NVPTX_REGISTER(nctaid, d)
#define barrier(flags) __nvvm_bar_sync(0)
#define as_float(x) __builtin_astype((x), float)
#define as_uint(x) __builtin_astype((x), uint)
#define min(a, b) ((a) < (b) ? (a) : (b))
#define clamp(x, low, high) ((x) < (low) ? (low) : (x) > (high) ? (high) : (x))
#define fmax(a, b) __builtin_fmaxf(a, b)
#define fma(a, b, c) __builtin_fmaf(a, b, c)
#define native_exp2(x) __nvvm_ex2_approx_ftz_f(x)
#define log2(x) __nvvm_lg2_approx_f(x)
#define RELU(x) __builtin_fmaxf(x, 0.0f)
