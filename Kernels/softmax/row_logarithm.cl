// The maximum m of a row of logits and the logarithm of Σ eˣ⁻ᵐ, for all items of the team: what log-softmax and
// cross-entropy share. Goes after common/math.cl, common/vector.cl and common/team.cl.

#define ROW_LOGARITHM(from, columns, maximum, logarithm) \
    vfloat largest = -INFINITY; \
    for EACH_TEAM_VECTOR(i, columns) largest = vlarger(largest, vfloat_load(from + i)); \
    if (HAS_TEAM_REST(columns)) \
        largest = vlarger(largest, vfloat_load_tail(from + TEAM_WHOLE(columns), TEAM_REST(columns), -INFINITY)); \
    const float maximum = teamLargest(largest); \
    vfloat sum = 0.0f; \
    for EACH_TEAM_VECTOR(i, columns) sum += vexp(vfloat_load(from + i) - maximum); \
    /* Past the row's end, e to the minus infinity: 0, or NaN where the row is NaN as a whole. */ \
    if (HAS_TEAM_REST(columns)) \
        sum += vexp(vfloat_load_tail(from + TEAM_WHOLE(columns), TEAM_REST(columns), -INFINITY) - maximum); \
    const float logarithm = log(teamSum(sum));
