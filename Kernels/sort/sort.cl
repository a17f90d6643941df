// Sorts each row of x [rows, n], and writes the first k elements and where they stood.
//
// An element becomes a number of 64 bits: above, 32 bits that are in the elements' order, NaN the greatest of all and -0
// equal to 0; below, its place in the row. No two are equal, so that any sort of the numbers is a stable one of the elements.
//
//   row   │ run 0 │ run 1 │ run 2 │ run 3 │     runs are sorted by themselves, then merged in pairs, one launch a round
//         │     run 0     │     run 1     │
//         │             run 0             │
//
//   sort_runs_serial  CPU style: a work-item sorts a run by merges (von Neumann, 1945), a whole row where rows are enough, or
//                     finds the first few of it in one go
//   sort_runs_local   GPU style: a work-group sorts 2·GROUP elements in local memory (Batcher, Sorting Networks, 1968)
//   merge_runs        each number finds its place by a binary search in the run beside its own (Cole's rank merge)
//   write_sorted      elements and indices from the numbers
//
// Workspaces come as 4-byte elements, and hold 8-byte ones.
// 0 integers with a sign, of type T, 1 float, 2 the bits of a float16, 3 those of a bfloat16, 4 integers without a sign and
// bool, of type T: of 32 bits at most.
#ifndef KIND
#define KIND 1
#endif
#ifndef T
#if KIND == 0
#define T int
#elif KIND == 1
#define T float
#else
#define T ushort
#endif
#endif
#ifndef GROUP
#define GROUP 64
#endif
// Runs this long are sorted by insertion.
#define SHORT_RUN 16

#define NUMBERS(name) __global uint *restrict name##Words, const ulong name##Offset
#define FIND(name) __global ulong *name = (__global ulong *)(name##Words + name##Offset);

static inline ulong number_of(const T x, const ulong place, const int descending) {
#if KIND >= 1 && KIND <= 3
#if KIND == 1
    uint bits = as_uint(x);
#elif KIND == 2
    uint bits = as_uint(vload_half(0, (const half *)&x));
#else
    uint bits = (uint)x << 16;
#endif
    if (bits << 1 == 0) bits = 0;
    uint key = bits >> 31 ? ~bits : bits | 0x80000000u;
    if ((bits & 0x7fffffffu) > 0x7f800000u) key = 0xffffffffu;
#elif KIND == 0
    uint key = as_uint((int)x) ^ 0x80000000u;
#else
    uint key = (uint)x;
#endif
    if (descending) key = ~key;
    return (ulong)key << 32 | place;
}

// The `count` numbers of a in order, with room for as many in b.
static inline void sort_numbers(__global ulong *a, __global ulong *b, const ulong count) {
    for (ulong i = 0; i < count; ++i) {
        const ulong number = a[i];
        ulong j = i;
        const ulong low = i / SHORT_RUN * SHORT_RUN;
        for (; j > low && a[j - 1] > number; --j) a[j] = a[j - 1];
        a[j] = number;
    }
    __global ulong *from = a;
    __global ulong *to = b;
    for (ulong width = SHORT_RUN; width < count; width *= 2) {
        for (ulong left = 0; left < count; left += 2 * width) {
            const ulong middle = min(left + width, count), right = min(left + 2 * width, count);
            ulong i = left, j = middle;
            for (ulong k = left; k < right; ++k)
                to[k] = j >= right || (i < middle && from[i] < from[j]) ? from[i++] : from[j++];
        }
        __global ulong *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != a)
        for (ulong i = 0; i < count; ++i) a[i] = from[i];
}

// Each work-item sorts `share` runs that follow one another, into a, of which the first `kept` count. Numbers that may be
// among them go into room for a few times as many; whenever it is full it is sorted, and later ones must be below the last
// that counts.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void sort_runs_serial(
    __global const T *restrict x, const ulong xOffset, NUMBERS(a), NUMBERS(b), const ulong rows, const ulong n,
    const ulong run, const ulong runs, const ulong share, const ulong kept, const int descending)
{
    FIND(a)
    FIND(b)
    x += xOffset;
    const ulong first = get_global_id(0) * share;
    for (ulong unit = first; unit < min(first + share, rows * runs); ++unit) {
        const ulong row = unit / runs;
        const ulong begin = (unit - row * runs) * run;
        if (begin >= n) continue;
        const ulong length = min(run, n - begin);
        const ulong start = row * n + begin;
        const ulong room = min(length, max(4 * kept, (ulong)SHORT_RUN));
        ulong i = 0, count = 0;
        for (; count < room; ++i, ++count) a[start + count] = number_of(x[start + i], begin + i, descending);
        sort_numbers(a + start, b + start, count);
        while (i < length) {
            const ulong mark = kept > 0 ? a[start + kept - 1] : 0;
            for (count = kept; i < length && count < room; ++i) {
                const ulong number = number_of(x[start + i], begin + i, descending);
                if (number < mark) {
                    a[start + count] = number;
                    count += 1;
                }
            }
            sort_numbers(a + start, b + start, count);
        }
    }
}

// A work-group for each run of 2·GROUP.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void sort_runs_local(
    __global const T *restrict x, const ulong xOffset, NUMBERS(a), const ulong rows, const ulong n, const ulong runs,
    const int descending)
{
    __local ulong numbers[2 * GROUP];
    FIND(a)
    x += xOffset;
    const ulong row = get_group_id(0) / runs;
    const ulong begin = (get_group_id(0) - row * runs) * 2 * GROUP;
    const int item = (int)get_local_id(0);
    for (int i = item; i < 2 * GROUP; i += GROUP)
        numbers[i] = begin + i < n ? number_of(x[row * n + begin + i], begin + i, descending) : ~0ul;
    for (int size = 2; size <= 2 * GROUP; size *= 2) {
        for (int distance = size / 2; distance > 0; distance /= 2) {
            barrier(CLK_LOCAL_MEM_FENCE);
            const int low = item / distance * 2 * distance + item % distance;
            const ulong p = numbers[low], q = numbers[low + distance];
            const bool isUp = (low & size) == 0;
            if ((p > q) == isUp) {
                numbers[low] = q;
                numbers[low + distance] = p;
            }
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = item; i < 2 * GROUP; i += GROUP)
        if (begin + i < n) a[row * n + begin + i] = numbers[i];
}

// Runs of `run` in a become runs of twice that in b. Each work-item takes `share` numbers that follow one another.
__kernel void merge_runs(NUMBERS(a), NUMBERS(b), const ulong rows, const ulong n, const ulong run, const ulong share) {
    FIND(a)
    FIND(b)
    const ulong first = get_global_id(0) * share;
    for (ulong at = first; at < min(first + share, rows * n); ++at) {
        const ulong row = at / n;
        const ulong i = at - row * n;
        const ulong own = i / run;
        const ulong pair = own / 2 * 2 * run;
        const ulong begin = min(own % 2 == 0 ? pair + run : pair, n);
        __global const ulong *other = a + row * n + begin;
        const ulong number = a[at];
        // How many of the run beside are less.
        ulong low = 0, high = min(run, n - begin);
        while (low < high) {
            const ulong middle = (low + high) / 2;
            if (other[middle] < number) low = middle + 1;
            else high = middle;
        }
        b[row * n + pair + (i - own * run) + low] = number;
    }
}

__kernel void write_sorted(
    __global const T *restrict x, const ulong xOffset, NUMBERS(a), __global T *restrict values, const ulong valuesOffset,
    __global int *restrict indices, const ulong indicesOffset, const ulong rows, const ulong n, const ulong k,
    const ulong share)
{
    FIND(a)
    const ulong first = get_global_id(0) * share;
    for (ulong at = first; at < min(first + share, rows * k); ++at) {
        const ulong row = at / k;
        const uint place = (uint)a[row * n + at - row * k];
        values[valuesOffset + at] = x[xOffset + row * n + place];
        indices[indicesOffset + at] = (int)place;
    }
}
