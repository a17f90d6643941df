// Where an index points along an axis of `extent`: what gather.cl and scatter.cl share, of which this goes before.
#ifndef INDEX
#define INDEX int
#endif

// From the end where the index is negative; `extent` for one outside the axis.
static inline ulong place_of(const INDEX index, const ulong extent) {
    const long place = index < 0 ? (long)index + (long)extent : (long)index;
    return place >= 0 && place < (long)extent ? (ulong)place : extent;
}
