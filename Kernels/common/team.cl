// A team of TEAM work-items that works on a row together, each on vectors of VECTOR_WIDTH floats.
//
//   row   │ item 0 │ item 1 │ … │ item TEAM-1 │ item 0 │ …      each cell one vfloat; what is left, a part of one,
//                                                               is item 0's
//
// GPU-like devices: TEAM = 64 … 256 with VECTOR_WIDTH 1, a work-group a row, neighbours reading neighbours, sums by a
// tree in local memory. CPU-like devices: TEAM = 1 with wide vectors, no local memory and no barriers. So each
// row-wise kernel is written once. All items of a work-group must call the functions together.
// Goes after common/math.cl and common/vector.cl.

// A power of two.
#ifndef TEAM
#define TEAM 1
#endif

#define TEAM_KERNEL __kernel __attribute__((reqd_work_group_size(TEAM, 1, 1)))

// The vectors of a row that are this item's: `for EACH_TEAM_VECTOR(i, count)`.
#define EACH_TEAM_VECTOR(i, count) \
    (int i = (int)get_local_id(0) * VECTOR_WIDTH; i + VECTOR_WIDTH <= (count); i += TEAM * VECTOR_WIDTH)
// Whether this item has what is left of the row, TEAM_REST(count) floats from TEAM_WHOLE(count).
#define HAS_TEAM_REST(count) (VECTOR_WIDTH > 1 && get_local_id(0) == 0 && (count) % VECTOR_WIDTH != 0)
#define TEAM_REST(count) ((count) % VECTOR_WIDTH)
#define TEAM_WHOLE(count) ((count) - (count) % VECTOR_WIDTH)

// A row in blocks of which every item has at most SUM_BLOCK vectors: `for EACH_TEAM_BLOCK(first, length, count)` has
// `length` floats from `first`, and only the last block a rest.
#define EACH_TEAM_BLOCK(first, length, count) \
    (int first = 0, length = min(TEAM_BLOCK, count); first < (count); \
     first += TEAM_BLOCK, length = min(TEAM_BLOCK, (count) - first))
#define TEAM_BLOCK (SUM_BLOCK * TEAM * VECTOR_WIDTH)

// The rows begin ..< end of `rows` that are this work-group's.
#define TEAM_ROWS_BEGIN(rows) ((int)((long)(rows) * get_group_id(0) / get_num_groups(0)))
#define TEAM_ROWS_END(rows) ((int)((long)(rows) * (get_group_id(0) + 1) / get_num_groups(0)))

#if TEAM == 1

#define TEAM_MEMORY
#define TEAM_PARAMETER
#define TEAM_PASSED
#define team_sum(x) vsum(x)
#define team_product(x) vproduct(x)
#define team_largest(x) vlargest(x)
#define team_least_index(index) (index)

#else

#define TEAM_MEMORY __local float teamMemory[TEAM];
// What a function that calls the team's functions takes and is given, after its last argument.
#define TEAM_PARAMETER , __local float *teamMemory
#define TEAM_PASSED , teamMemory
#define team_sum(x) team_sum_in(vsum(x), teamMemory)
#define team_product(x) team_product_in(vproduct(x), teamMemory)
#define team_largest(x) team_largest_in(vlargest(x), teamMemory)
#define team_least_index(index) as_int(team_least_index_in(index, teamMemory))

// Combines the items' values in the order of a tree, the same every time. The first barrier waits for those who still
// read the result of the call before.
#define TEAM_TREE(name, argument, stored, combined) \
    static inline float name(const argument, __local float *memory) { \
        const int item = get_local_id(0); \
        barrier(CLK_LOCAL_MEM_FENCE); \
        memory[item] = stored; \
        barrier(CLK_LOCAL_MEM_FENCE); \
        for (int width = TEAM / 2; width > 0; width /= 2) { \
            if (item < width) { \
                const float a = memory[item], b = memory[item + width]; \
                memory[item] = combined; \
            } \
            barrier(CLK_LOCAL_MEM_FENCE); \
        } \
        return memory[0]; \
    }
TEAM_TREE(team_sum_in, float value, value, a + b)
TEAM_TREE(team_product_in, float value, value, a * b)
TEAM_TREE(team_largest_in, float value, value, (a >= b || a != a) ? a : b)
TEAM_TREE(team_least_index_in, int index, as_float(index), as_int(a) < as_int(b) ? a : b)

#endif
