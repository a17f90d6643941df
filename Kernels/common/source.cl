// A tensor that a kernel reads, or in its place what an elementwise program makes of several tensors as it is read:
// generated text (Sources/OpenCLBackend/Generation/ProducedSource.swift) goes before the kernel's own file then.
//
//   SOURCE  what is read
//   0       the tensor
//   1, 2    a program, along rows or along columns; of these the text defines
//             SOURCE_PARAMETERS                 parameters for its operands
//             SOURCE_MATRIX(index)              statements that declare what the elements of a row or matrix have in common
//             SOURCE_LOAD(row, column)          a vector of elements from there on
//             SOURCE_PART(row, column, count)   the first `count` of them, and anything after those
//
// Goes after common/math.cl, common/vector.cl, common/storage.cl and common/team.cl.

#ifndef SOURCE
#define SOURCE 0
#endif

// Parameters for the tensor `x`.
#if SOURCE == 0
#define SOURCE_TENSOR(x) __global const STORED *restrict x, const ulong x##Offset
#else
#define SOURCE_TENSOR(x) SOURCE_PARAMETERS
#endif

// The first `count` elements of a vector, with whatever follows them where that is still before `limit`: one load, where
// reading each lane by itself takes a dozen.
static inline vfloat load_part(__global const STORED *from, const int count, __global const STORED *limit) {
    return limit - from >= VECTOR_WIDTH ? LOAD(from) : LOAD_TAIL(from, count, 0.0f);
}

// Declares `from`, which points to a row of `columns` elements of the tensor `x`. Those that a program makes are evaluated
// once, into the row of the result, `to`, which the kernel writes last and in the same order: each work-item reads what
// it has stored itself, while that is in cache. Rounded to the tensor's type it is what the program comes to.
#if SOURCE == 0
#define SOURCE_ROW(from, x, row, columns, to) \
    __global const STORED *from = x + x##Offset + (long)(row) * (columns);
#else
#define SOURCE_ROW(from, x, row, columns, to) \
    { \
        SOURCE_MATRIX(row) \
        for EACH_TEAM_VECTOR(i, columns) STORE(SOURCE_LOAD(i, 0), to + i); \
        if (HAS_TEAM_REST(columns)) \
            STORE_TAIL( \
                SOURCE_PART(TEAM_WHOLE(columns), 0, TEAM_REST(columns)), to + TEAM_WHOLE(columns), TEAM_REST(columns)); \
    } \
    __global const STORED *from = to;
#endif
