// The index of the largest element of each row of x [rows, columns]: the first of equals; NaN counts as largest.
//
// A team takes row after row (common/team.cl draws it): the maximum first, then the least index where it stands. The
// second pass finds the row in cache; 4 bytes an element.
// Goes after common/math.cl, common/vector.cl, common/storage.cl and common/team.cl.

TEAM_KERNEL void arg_max(
    __global const STORED *restrict x, const ulong xOffset, __global int *restrict index, const ulong indexOffset,
    const int rows, const int columns)
{
    TEAM_MEMORY
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const STORED *from = x + xOffset + (long)row * columns;
        vfloat largest = -INFINITY;
        for EACH_TEAM_VECTOR(i, columns) largest = vmaximum(largest, LOAD(from + i));
        if (HAS_TEAM_REST(columns))
            largest = vmaximum(largest, LOAD_TAIL(from + TEAM_WHOLE(columns), TEAM_REST(columns), -INFINITY));
        const float maximum = team_largest(largest);

        int first = get_local_id(0);
        for (; first < columns; first += TEAM) {
            const float value = LOAD1(from + first);
            if (value == maximum || (maximum != maximum && value != value)) break;
        }
        const int least = team_least_index(first);
        if (get_local_id(0) == 0) index[indexOffset + row] = least;
    }
}
