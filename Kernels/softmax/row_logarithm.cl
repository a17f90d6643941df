// The maximum m of a row of logits and Σ eˣ⁻ᵐ, for all items of the team: what log-softmax and cross-entropy share. Goes
// after common/math.cl, common/vector.cl, common/storage.cl and common/team.cl.

#define ROW_EXPONENTIALS(from, columns, maximum, total) \
    vfloat largest = -INFINITY; \
    for EACH_TEAM_VECTOR(i, columns) largest = vlarger(largest, LOAD(from + i)); \
    if (HAS_TEAM_REST(columns)) \
        largest = vlarger(largest, LOAD_TAIL(from + TEAM_WHOLE(columns), TEAM_REST(columns), -INFINITY)); \
    const float maximum = team_largest(largest); \
    LongSum sums = {0.0f, 0.0f}; \
    for EACH_TEAM_BLOCK(first, length, columns) { \
        vfloat sum = 0.0f; \
        for EACH_TEAM_VECTOR(i, length) sum += vexp(LOAD(from + first + i) - maximum); \
        sums = added_to(sums, sum); \
    } \
    /* Past the row's end, e to the minus infinity: 0, or NaN where the row is NaN as a whole. */ \
    if (HAS_TEAM_REST(columns)) \
        sums = added_to(sums, \
            vexp(LOAD_TAIL(from + TEAM_WHOLE(columns), TEAM_REST(columns), -INFINITY) - maximum)); \
    const float total = team_sum(value_of(sums));
