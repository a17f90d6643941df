// What every file of this target shares. Not part of its interface.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "include/CVector.h"

// The version of a function for the processor at hand is picked when the library is loaded: before ThreadSanitizer, which
// has a say in every function, is ready for any.
#if defined(__x86_64__) && defined(__linux__) && defined(__clang__)
#if !__has_feature(thread_sanitizer)
#define HOT __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#endif
#ifndef HOT
#define HOT
#endif

// Inlined into each version of its caller, and so compiled for that version's processor.
#define INLINE static inline __attribute__((always_inline))

#if defined(__clang__)
#pragma clang fp contract(fast)
// Vectors are handed only to functions that are always inlined, so that no calling convention is at stake.
#pragma clang diagnostic ignored "-Wpsabi"
#endif

// Sixteen lanes, whatever the processor's registers hold; the compiler splits them.
typedef float lanes_f32 __attribute__((ext_vector_type(16), aligned(4)));
typedef double lanes_f64 __attribute__((ext_vector_type(16), aligned(8)));
enum { LANES = 16 };

// Vectors of floats that are added to one another before their sum is added to others in double: even where all are equal,
// that many stay within 5e-7.
enum { SUM_BLOCK = 32 };

#define IS_F64(type) ((type) == CV_FLOAT64)

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
