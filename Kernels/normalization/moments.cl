// The mean of a row, and how far its numbers are from a centre, found by a team of work-items together (common/team.cl draws
// it). A row is read from memory once and stays in cache for what follows: its mean, then the squares about it, so that
// nothing cancels.
// Goes after common/math.cl, common/vector.cl, common/storage.cl and common/team.cl.

static inline float row_mean(__global const STORED *from, const int columns TEAM_PARAMETER)
{
    LongSum total = {0.0f, 0.0f};
    for EACH_TEAM_BLOCK(first, length, columns) {
        vfloat part = 0.0f;
        for EACH_TEAM_VECTOR(i, length) part += LOAD(from + first + i);
        total = added_to(total, part);
    }
    if (HAS_TEAM_REST(columns))
        total = added_to(total, LOAD_TAIL(from + TEAM_WHOLE(columns), TEAM_REST(columns), 0.0f));
    return team_sum(value_of(total)) / columns;
}

// 1 / sqrt(mean of (x - centre)² + epsilon).
static inline float row_inverse_deviation(
    __global const STORED *from, const int columns, const float centre, const float epsilon TEAM_PARAMETER)
{
    const int whole = TEAM_WHOLE(columns), rest = TEAM_REST(columns);
    LongSum squares = {0.0f, 0.0f};
    for EACH_TEAM_BLOCK(first, length, columns) {
        vfloat part = 0.0f;
        for EACH_TEAM_VECTOR(i, length) {
            const vfloat centred = LOAD(from + first + i) - centre;
            part = fma(centred, centred, part);
        }
        squares = added_to(squares, part);
    }
    if (HAS_TEAM_REST(columns)) {
        const vfloat centred = LOAD_TAIL(from + whole, rest, centre) - centre;
        squares = added_to(squares, centred * centred);
    }
    const float deviation = 1.0f / sqrt(team_sum(value_of(squares)) / columns + epsilon);
    if (deviation != 0.0f) return deviation;
    // The square of a float of 1e20 is none: again, in smaller units.
    vfloat part = 0.0f;
    for EACH_TEAM_VECTOR(i, columns) {
        const vfloat centred = 0x1p-80f * (LOAD(from + i) - centre);
        part = fma(centred, centred, part);
    }
    if (HAS_TEAM_REST(columns)) {
        const vfloat centred = 0x1p-80f * (LOAD_TAIL(from + whole, rest, centre) - centre);
        part = fma(centred, centred, part);
    }
    return 0x1p-80f / sqrt(team_sum(part) / columns);
}
