// Rows sorted by merges, of which the first few are found in one go through the row: stable, whatever the type.

#include "internal.h"

// An element as a number in the elements' order, and its place in the row.
typedef struct {
    uint64_t key;
    int64_t place;
} entry;

// Runs this long are sorted by insertion.
enum { SHORT_RUN = 16 };

int64_t cv_sort_scratch(int64_t columns) { return 2 * columns * (int64_t)sizeof(entry); }

// Of a number with a sign, in as many bits as it has; NaN is above all, -0 is 0.
INLINE uint64_t key_of_bits(uint64_t bits, uint64_t sign, uint64_t infinity) {
    if ((bits & ~sign) == 0) bits = 0;
    if ((bits & ~sign) > infinity) return UINT64_MAX;
    return bits & sign ? (2 * sign - 1) & ~bits : bits | sign;
}

INLINE uint64_t key_of(cv_type type, const void *x, int64_t at) {
    switch (type) {
    case CV_FLOAT32: return key_of_bits(((const uint32_t *)x)[at], 0x80000000u, 0x7f800000u);
    case CV_FLOAT64: return key_of_bits(((const uint64_t *)x)[at], (uint64_t)1 << 63, 0x7ff0000000000000u);
    case CV_INT8: return (uint64_t)(((const int8_t *)x)[at] + ((int64_t)1 << 31));
    case CV_INT16: return (uint64_t)(((const int16_t *)x)[at] + ((int64_t)1 << 31));
    case CV_INT32: return (uint64_t)(((const int32_t *)x)[at] + ((int64_t)1 << 31));
    case CV_INT64: return ((const uint64_t *)x)[at] ^ (uint64_t)1 << 63;
    case CV_UINT8: case CV_BOOL: return ((const uint8_t *)x)[at];
    case CV_UINT16: return ((const uint16_t *)x)[at];
    case CV_UINT32: return ((const uint32_t *)x)[at];
    case CV_UINT64: return ((const uint64_t *)x)[at];
    // Half types are sorted as float32.
    case CV_FLOAT16: case CV_BFLOAT16: return 0;
    }
}

// The entries in order: in `from` or in `to`, whichever is returned.
static entry *sorted(entry *from, entry *to, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const entry next = from[i];
        int64_t j = i;
        for (; j > i / SHORT_RUN * SHORT_RUN && from[j - 1].key > next.key; j--) from[j] = from[j - 1];
        from[j] = next;
    }
    for (int64_t width = SHORT_RUN; width < count; width *= 2) {
        for (int64_t left = 0; left < count; left += 2 * width) {
            const int64_t middle = smaller(left + width, count), right = smaller(left + 2 * width, count);
            int64_t i = left, j = middle;
            for (int64_t k = left; k < right; k++)
                to[k] = j >= right || (i < middle && from[i].key <= from[j].key) ? from[i++] : from[j++];
        }
        entry *swapped = from;
        from = to;
        to = swapped;
    }
    return from;
}

// The number of element `i` of a row by which it is sorted.
INLINE uint64_t ordered(cv_type type, int32_t descending, const void *x, int64_t at) {
    const uint64_t key = key_of(type, x, at);
    return descending ? ~key : key;
}

// Takes what is below the mark, the number of the element at `mark_place`, from the elements i ..< columns, until there are
// `room` entries; where it ended. Most blocks of elements have nothing, which is seen of all at once; of one that has NaN, or
// whose mark is NaN, each is looked at.
INLINE int64_t take(
    cv_type type, int32_t descending, const void *x, int64_t from, int64_t i, int64_t columns, uint64_t mark,
    int64_t mark_place, entry *entries, int64_t *kept, int64_t room) {
    enum { BLOCK = 64 };
    int64_t found = *kept;
    while (i < columns && found < room) {
        const int64_t end = smaller(i + BLOCK, columns);
        int32_t any = 0;
        switch (type) {
#define ANY(name, Type)                                                                                                \
        case name: {                                                                                                   \
            const Type *elements = (const Type *)x + from, last = elements[mark_place];                                \
            if (descending) for (int64_t j = i; j < end; j++) any |= !(elements[j] <= last);                           \
            else for (int64_t j = i; j < end; j++) any |= !(elements[j] >= last);                                      \
            break;                                                                                                     \
        }
        ANY(CV_FLOAT32, float)
        ANY(CV_FLOAT64, double)
        ANY(CV_INT8, int8_t)
        ANY(CV_INT16, int16_t)
        ANY(CV_INT32, int32_t)
        ANY(CV_INT64, int64_t)
        ANY(CV_UINT8, uint8_t)
        ANY(CV_BOOL, uint8_t)
        ANY(CV_UINT16, uint16_t)
        ANY(CV_UINT32, uint32_t)
        ANY(CV_UINT64, uint64_t)
#undef ANY
        case CV_FLOAT16: case CV_BFLOAT16: break;
        }
        if (!any) {
            i = end;
            continue;
        }
        for (; i < end && found < room; i++) {
            const uint64_t key = ordered(type, descending, x, from + i);
            if (key < mark) entries[found++] = (entry){key, i};
        }
    }
    *kept = found;
    return i;
}

// The first `count` entries of a row in order. Those that may be among them are put into a room for a few times as many;
// whenever it is full, it is sorted, and the last that counts is the mark that later ones must be below. Equal ones come
// later, and so after it.
INLINE const entry *first_in_order(
    cv_type type, int32_t descending, const void *x, int64_t from, int64_t columns, int64_t count, entry *entries) {
    const int64_t room = smaller(columns, larger(4 * count, SHORT_RUN));
    int64_t kept = 0, i = 0;
    for (; kept < room; i++) entries[kept++] = (entry){ordered(type, descending, x, from + i), i};
    const entry *order = sorted(entries, entries + columns, kept);
    while (i < columns) {
        if (order != entries) memcpy(entries, order, (size_t)count * sizeof(entry));
        kept = count;
        // Where none counts, nothing is below.
        const entry last = count > 0 ? entries[count - 1] : (entry){0, 0};
        i = take(type, descending, x, from, i, columns, last.key, last.place, entries, &kept, room);
        order = sorted(entries, entries + columns, kept);
    }
    return order;
}

INLINE void sort_rows(
    cv_type type, int64_t size, int32_t descending, const void *x, void *values, int32_t *indices, int64_t first,
    int64_t last, int64_t columns, int64_t count, entry *entries) {
    for (int64_t row = first; row < last; row++) {
        const entry *order = first_in_order(type, descending, x, row * columns, columns, count, entries);
        for (int64_t i = 0; i < count; i++) {
            const int64_t place = order[i].place;
            indices[row * count + i] = (int32_t)place;
            memcpy(
                (char *)values + (row * count + i) * size, (const char *)x + (row * columns + place) * size, (size_t)size);
        }
    }
}

HOT void cv_sort(
    cv_type type, int32_t descending, const void *x, void *values, int32_t *indices, int64_t first, int64_t last,
    int64_t columns, int64_t count, void *scratch) {
    switch (type) {
#define CASE(name, size)                                                                                                \
    case name:                                                                                                          \
        sort_rows(name, size, descending, x, values, indices, first, last, columns, count, scratch);                    \
        return;
    CASE(CV_FLOAT32, 4)
    CASE(CV_FLOAT64, 8)
    CASE(CV_INT8, 1)
    CASE(CV_INT16, 2)
    CASE(CV_INT32, 4)
    CASE(CV_INT64, 8)
    CASE(CV_UINT8, 1)
    CASE(CV_UINT16, 2)
    CASE(CV_UINT32, 4)
    CASE(CV_UINT64, 8)
    CASE(CV_BOOL, 1)
#undef CASE
    // Half types are sorted as float32.
    case CV_FLOAT16: case CV_BFLOAT16: return;
    }
}
