// The cross-entropy of rows of logits [rows, classes] with labels [rows], and its gradient.
//
//   cross_entropy           loss = m - logits[label] + ln Σ e^(logits - m), statistics = m, 1 / Σ e^(logits - m)
//   cross_entropy_gradient  dlogits = (e^(logits - m) / Σ e^(logits - m) - [class = label]) · dloss
//
// A label below 0 is ignored (0, and a gradient of zeros), one of at least `classes` gives NaN. A team takes row after
// row (common/team.cl draws it); 4 bytes an element forward, 8 backward. The statistics are floats whatever the type.
// torch.nn.functional.cross_entropy.
// Goes after common/math.cl, common/vector.cl, common/storage.cl, common/team.cl and softmax/row_logarithm.cl.

// logits [rows, classes], labels [rows] → loss [rows], statistics [rows, 2].
TEAM_KERNEL void cross_entropy(
    __global const STORED *restrict logits, const ulong logitsOffset, __global const int *restrict labels,
    const ulong labelsOffset, __global STORED *restrict loss, const ulong lossOffset,
    __global float *restrict statistics, const ulong statisticsOffset, const int rows, const int classes)
{
    TEAM_MEMORY
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const STORED *from = logits + logitsOffset + (long)row * classes;
        ROW_EXPONENTIALS(from, classes, maximum, total)
        if (get_local_id(0) == 0) {
            const int label = labels[labelsOffset + row];
            statistics[statisticsOffset + 2 * row] = maximum;
            statistics[statisticsOffset + 2 * row + 1] = 1.0f / total;
            // The small difference first: ln Σ may be far below the logits in magnitude.
            const float own = label < 0 ? 0.0f : label >= classes ? NAN : (maximum - LOAD1(from + label)) + log(total);
            STORE1(own, loss + (lossOffset + row));
        }
    }
}

// logits, labels, statistics, dloss [rows] → dlogits.
TEAM_KERNEL void cross_entropy_gradient(
    __global const STORED *restrict logits, const ulong logitsOffset, __global const int *restrict labels,
    const ulong labelsOffset, __global const float *restrict statistics, const ulong statisticsOffset,
    __global const STORED *restrict dloss, const ulong dlossOffset, __global STORED *restrict dlogits,
    const ulong dlogitsOffset, const int rows, const int classes)
{
    const int whole = TEAM_WHOLE(classes), rest = TEAM_REST(classes);
    for (int row = TEAM_ROWS_BEGIN(rows); row < TEAM_ROWS_END(rows); row++) {
        __global const STORED *from = logits + logitsOffset + (long)row * classes;
        __global STORED *to = dlogits + dlogitsOffset + (long)row * classes;
        const int label = labels[labelsOffset + row];
        const float maximum = statistics[statisticsOffset + 2 * row];
        const float inverse = statistics[statisticsOffset + 2 * row + 1], slope = LOAD1(dloss + (dlossOffset + row));
        // A row that is ignored is 0 whatever its logits, one without such a class NaN.
        const bool counts = label >= 0 && label < classes;
        const float fixedSlope = label < 0 ? 0.0f : NAN;

        for EACH_TEAM_VECTOR(i, classes) {
            const vfloat one = select((vfloat)(0.0f), (vfloat)(1.0f), (vint)(VLANES + i == (vint)(label)));
            const vfloat slopes = (vexp(LOAD(from + i) - maximum) * inverse - one) * slope;
            STORE(counts ? slopes : (vfloat)(fixedSlope), to + i);
        }
        if (HAS_TEAM_REST(classes)) {
            const vfloat one = select((vfloat)(0.0f), (vfloat)(1.0f), (vint)(VLANES + whole == (vint)(label)));
            const vfloat power = vexp(LOAD_TAIL(from + whole, rest, 0.0f) - maximum);
            const vfloat slopes = (power * inverse - one) * slope;
            STORE_TAIL(counts ? slopes : (vfloat)(fixedSlope), to + whole, rest);
        }
    }
}
