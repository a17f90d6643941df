// Running sums, products and recurrences along the middle axis of x [outer, count, inner].
//
//       SCAN 0   y[k] = x[0] + … + x[k]         a sum and what rounding took from it
//            1   y[k] = x[0] · … · x[k]         a product and what rounding took from it, which fma finds (Dekker, 1971)
//            2   y[k] = a[k] · y[k-1] + x[k]    the steps from y[j] to y[k] are one such step, with an a and an x of its own
//
// All three combine neighbours associatively, so that a long axis is cut into chunks: one launch (TOTALS) combines each, and
// the next begins each with what the chunks before it come to (Blelloch, Prefix Sums and Their Applications, 1990).
//
//   scan_columns  a work-item goes down vectors of VECTOR_WIDTH columns: the CPU style, and the GPU style for inner > 1,
//                 with vectors of one column, neighbours reading neighbours
//   scan_lines    CPU style for inner = 1: a work-item goes along VECTOR_WIDTH chunks at a time, of one row or of several, as
//                 each step waits for the one before it
//   scan_rows     GPU style for inner = 1: a work-group takes GROUP elements of a chunk at a time, and combines them in
//                 local memory in log2 GROUP rounds (Hillis and Steele, 1986)
//
//   x    │ chunk 0 │ chunk 1 │ chunk 2 │     totals [2, outer, chunks, inner]: both parts of each chunk's state
//
// 8 bytes an element of one chunk, 12 of several, and 4 more of a recurrence for each read; half of that in 16 bits.
// Goes after common/math.cl, common/vector.cl and common/storage.cl.
#ifndef SCAN
#define SCAN 0
#endif
#ifndef TOTALS
#define TOTALS 0
#endif
#ifndef GROUP
#define GROUP 64
#endif

typedef struct { vfloat x, y; } State;

static inline State state(const vfloat x, const vfloat y) {
    State result;
    result.x = x;
    result.y = y;
    return result;
}

// The value and what is left of it, brought back to a rounded number and what its rounding took: a rest that grew over a million
// steps would have to be rounded itself. An infinite value has no rest, but infinities have been subtracted there.
static inline State renewed(const vfloat value, const vfloat rest) {
    const vint isFinite = (vint)(fabs(value) < INFINITY);
    const vfloat high = value + rest;
    return state(select(value, high, isFinite), select((vfloat)(0.0f), rest - (high - value), isFinite));
}

#if SCAN == 0
#define IDENTITY state(0.0f, 0.0f)
#define VALUE(state) ((state).x + (state).y)
static inline State combined(const State a, const State b) {
    const vfloat sum = a.x + b.x;
    const vfloat added = sum - a.x;
    const vfloat error = (a.x - (sum - added)) + (b.x - added);
    return renewed(sum, a.y + b.y + error);
}
#elif SCAN == 1
#define IDENTITY state(1.0f, 0.0f)
#define VALUE(state) ((state).x + (state).y)
static inline State combined(const State a, const State b) {
    const vfloat product = a.x * b.x;
    const vfloat error = fma(a.x, b.x, -product) + (a.x * b.y + a.y * b.x);
    return renewed(product, error);
}
#else
#define IDENTITY state(1.0f, 0.0f)
#define VALUE(state) ((state).y)
static inline State combined(const State a, const State b) { return state(a.x * b.x, b.x * a.y + b.y); }
#endif

#if SCAN == 2
#define OPERANDS \
    __global const STORED *restrict a, const ulong aOffset, __global const STORED *restrict x, const ulong xOffset
#define STATE_AT(at) state(LOAD(a + aOffset + (at)), LOAD(x + xOffset + (at)))
#define STATE_TAIL(at, columns) \
    state(LOAD_TAIL(a + aOffset + (at), columns, 0.0f), LOAD_TAIL(x + xOffset + (at), columns, 0.0f))
#else
#define OPERANDS __global const STORED *restrict x, const ulong xOffset
#define STATE_AT(at) state(LOAD(x + xOffset + (at)), 0.0f)
#define STATE_TAIL(at, columns) state(LOAD_TAIL(x + xOffset + (at), columns, 0.0f), 0.0f)
#endif
// Where element k of the axis is, seen from where it begins.
#define PLACE(k) ((ulong)(reversed ? count - 1 - (k) : (k)))

// A unit is a vector of columns in one chunk of one matrix. Each work-item takes `share` that follow one another.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void scan_columns(
    OPERANDS,
#if !TOTALS
    __global STORED *restrict y, const ulong yOffset,
#endif
    __global float *restrict totals, const ulong totalsOffset,
    const int outer, const int count, const int inner, const int chunk, const int chunks, const int share,
    const int exclusive, const int reversed)
{
    const int vectors = (inner + VECTOR_WIDTH - 1) / VECTOR_WIDTH;
    const long units = (long)outer * chunks * vectors;
    const long first = (long)get_global_id(0) * share;
    totals += totalsOffset;
    const ulong plane = (ulong)outer * chunks * inner;
    for (long unit = first; unit < min(first + share, units); unit++) {
        const int column = (int)(unit % vectors) * VECTOR_WIDTH;
        const int part = (int)(unit / vectors % chunks);
        const ulong o = (ulong)(unit / vectors / chunks);
        const int columns = min(VECTOR_WIDTH, inner - column);
        State carry = IDENTITY;
#if !TOTALS
        for (int earlier = 0; earlier < part; earlier++) {
            __global const float *from = totals + (o * chunks + earlier) * inner + column;
            carry = combined(
                carry,
                state(vfloat_load_tail(from, columns, 0.0f), vfloat_load_tail(from + plane, columns, 0.0f)));
        }
#endif
        const int end = min((part + 1) * chunk, count);
        for (int k = part * chunk; k < end; k++) {
            const ulong at = (o * count + PLACE(k)) * inner + column;
            State next;
            if (columns == VECTOR_WIDTH) next = combined(carry, STATE_AT(at));
            else next = combined(carry, STATE_TAIL(at, columns));
#if !TOTALS
            const vfloat value = exclusive ? VALUE(carry) : VALUE(next);
            if (columns == VECTOR_WIDTH) STORE(value, y + yOffset + at);
            else STORE_TAIL(value, y + yOffset + at, columns);
#endif
            carry = next;
        }
#if TOTALS
        __global float *to = totals + (o * chunks + part) * inner + column;
        vfloat_store_tail(carry.x, to, columns);
        vfloat_store_tail(carry.y, to + plane, columns);
#endif
    }
}

#if VECTOR_WIDTH > 1
// The elements `place` of x that lanes are at; 0 where a lane has come to its end.
static inline vfloat gathered(
    __global const STORED *restrict x, const ulong *place, const int *length, const int k)
{
    float lanes[VECTOR_WIDTH];
#pragma unroll
    for (int n = 0; n < VECTOR_WIDTH; n++) lanes[n] = k < length[n] ? LOAD1(x + place[n]) : 0.0f;
    vfloat value;
#pragma unroll
    for (int n = 0; n < VECTOR_WIDTH; n++) ((float *)&value)[n] = lanes[n];
    return value;
}

// A unit is VECTOR_WIDTH chunks, numbered row by row.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void scan_lines(
    OPERANDS,
#if !TOTALS
    __global STORED *restrict y, const ulong yOffset,
#endif
    __global float *restrict totals, const ulong totalsOffset,
    const int outer, const int count, const int chunk, const int chunks, const int share,
    const int exclusive, const int reversed)
{
    const long lines = (long)outer * chunks, units = (lines + VECTOR_WIDTH - 1) / VECTOR_WIDTH;
    const long first = (long)get_global_id(0) * share;
    totals += totalsOffset;
    for (long unit = first; unit < min(first + share, units); unit++) {
        State carry = IDENTITY;
        ulong place[VECTOR_WIDTH];
        int length[VECTOR_WIDTH];
        for (int n = 0; n < VECTOR_WIDTH; n++) {
            const long line = unit * VECTOR_WIDTH + n;
            const int part = (int)(line % chunks);
            const ulong row = (ulong)(line / chunks);
            length[n] = line < lines ? min(chunk, count - part * chunk) : 0;
            place[n] = length[n] > 0 ? row * count + PLACE(part * chunk) : 0;
#if !TOTALS
            State before = IDENTITY;
            if (length[n] > 0)
                for (long earlier = line - part; earlier < line; earlier++)
                    before = combined(before, state(totals[earlier], totals[lines + earlier]));
            ((float *)&carry.x)[n] = ((const float *)&before.x)[0];
            ((float *)&carry.y)[n] = ((const float *)&before.y)[0];
#endif
        }
        for (int k = 0; k < chunk; k++) {
#if SCAN == 2
            const State element = state(gathered(a + aOffset, place, length, k), gathered(x + xOffset, place, length, k));
#else
            const State element = state(gathered(x + xOffset, place, length, k), 0.0f);
#endif
            const State next = combined(carry, element);
#if !TOTALS
            const vfloat value = exclusive ? VALUE(carry) : VALUE(next);
#pragma unroll
            for (int n = 0; n < VECTOR_WIDTH; n++)
                if (k < length[n]) STORE1(((const float *)&value)[n], y + yOffset + place[n]);
#endif
#pragma unroll
            for (int n = 0; n < VECTOR_WIDTH; n++) place[n] = reversed ? place[n] - 1 : place[n] + 1;
            carry = next;
        }
#if TOTALS
        // Of a row's last chunk nobody reads it: it may have steps of zeros in it.
        for (int n = 0; n < VECTOR_WIDTH; n++) {
            const long line = unit * VECTOR_WIDTH + n;
            if (line < lines) totals[line] = ((const float *)&carry.x)[n];
            if (line < lines) totals[lines + line] = ((const float *)&carry.y)[n];
        }
#endif
    }
}
#endif

// A work-group for each chunk of each row.
#if VECTOR_WIDTH == 1
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void scan_rows(
    OPERANDS,
#if !TOTALS
    __global STORED *restrict y, const ulong yOffset,
#endif
    __global float *restrict totals, const ulong totalsOffset,
    const int outer, const int count, const int chunk, const int chunks, const int exclusive, const int reversed)
{
    __local float2 memory[GROUP];
    const int item = (int)get_local_id(0);
    const ulong o = get_group_id(0) / chunks;
    const int part = (int)(get_group_id(0) - o * chunks);
    totals += totalsOffset;
    const ulong plane = (ulong)outer * chunks;
    State carry = IDENTITY;
#if !TOTALS
    for (int earlier = 0; earlier < part; earlier++)
        carry = combined(carry, state(totals[o * chunks + earlier], totals[plane + o * chunks + earlier]));
#endif
    const int end = min((part + 1) * chunk, count);
    for (int first = part * chunk; first < end; first += GROUP) {
        const int k = first + item;
        const ulong at = o * count + PLACE(min(k, end - 1));
        State own = IDENTITY;
        if (k < end) own = STATE_AT(at);
        memory[item] = (float2)(own.x, own.y);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int distance = 1; distance < GROUP; distance *= 2) {
            if (item >= distance) own = combined(state(memory[item - distance].x, memory[item - distance].y), own);
            barrier(CLK_LOCAL_MEM_FENCE);
            memory[item] = (float2)(own.x, own.y);
            barrier(CLK_LOCAL_MEM_FENCE);
        }
#if !TOTALS
        State upTo = carry;
        if (!exclusive) upTo = combined(carry, own);
        else if (item > 0) upTo = combined(carry, state(memory[item - 1].x, memory[item - 1].y));
        if (k < end) STORE1(VALUE(upTo), y + yOffset + at);
#endif
        carry = combined(carry, state(memory[GROUP - 1].x, memory[GROUP - 1].y));
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#if TOTALS
    if (item == 0) {
        totals[o * chunks + part] = carry.x;
        totals[plane + o * chunks + part] = carry.y;
    }
#endif
}
#endif
