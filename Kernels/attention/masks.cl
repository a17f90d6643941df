// What a query of attention sees, and how scores become exponents: by the macros CAUSAL, BIAS, KEY_LENGTHS and GROUPED,
// without which all of this is nothing. Goes before the folder's other files.
//
//   head of keys  ├── query head 0 ──┼── query head 1 ──┼── …     `sq` rows: a head of keys has the queries of all heads that
//   rows          0 …      queries - 1, 0 …                       share it, one head after another
//
// Kernels take MASK_PARAMETERS last. What is hidden from a query has a weight of exactly 0, and is left out of products
// where it is infinite or NaN: a block of rows that is not finite is added up term by term, without those of no weight.

#ifndef CAUSAL
#define CAUSAL 0
#endif
// Whether scores are scale · product + bias: bias has the strides biasEntry, biasHead, biasQuery and biasKey.
#ifndef BIAS
#define BIAS 0
#endif
// Whether there are int lengths, a count of keys for each batch entry.
#ifndef KEY_LENGTHS
#define KEY_LENGTHS 0
#endif
// Whether rows are those of several heads, of `queries` each.
#ifndef GROUPED
#define GROUPED 0
#endif
// Whether there is so much to add up that sums go by blocks of SUMMED keys or queries, and those are added: one by one, each
// addition of a million would round away the more the further it is.
#ifndef LONG_SUMS
#define LONG_SUMS 0
#endif
#define SUMMED 1024
// Whether the block of `count` rows from `row` on is the last of those that make SUMMED or fewer rows.
#define ENDS_SUM(row, count) (((row) / (count) + 1) % (SUMMED / (count)) == 0)
// Whether a key that some row sees may be hidden from another.
#define HIDES (CAUSAL || BIAS)

#if BIAS
#define BIAS_PARAMETERS \
    , __global const float *restrict bias, const ulong biasOffset, const ulong biasEntry, const ulong biasHead, \
        const ulong biasQuery, const int biasKey
#else
#define BIAS_PARAMETERS
#endif
#if KEY_LENGTHS
#define KEY_LENGTHS_PARAMETERS , __global const int *restrict lengths, const ulong lengthsOffset
#else
#define KEY_LENGTHS_PARAMETERS
#endif
#if BIAS || KEY_LENGTHS || GROUPED
#define MASK_PARAMETERS , const int queries, const int keyHeads BIAS_PARAMETERS KEY_LENGTHS_PARAMETERS
#else
#define MASK_PARAMETERS
#endif

// The number that a row's query has in its own head.
#if GROUPED
#define QUERY(row) ((row) % queries)
#else
#define QUERY(row) (row)
#endif

// How many keys of `head` there are, whoever sees them.
#if KEY_LENGTHS
#define KEYS_OF(head) min(max(lengths[lengthsOffset + (head) / keyHeads], 0), sk)
#else
#define KEYS_OF(head) sk
#endif

// How many of `keys` any of the rows first ..< first + count sees.
#if CAUSAL && GROUPED
#define KEYS_SEEN(keys, first, count) min(keys, min(QUERY(first) + (count), queries))
#elif CAUSAL
#define KEYS_SEEN(keys, first, count) min(keys, (first) + (count))
#else
#define KEYS_SEEN(keys, first, count) (keys)
#endif

// Goes after another condition.
#if CAUSAL
#define AND_SEES(row, key) && (key) <= QUERY(row)
#else
#define AND_SEES(row, key)
#endif

#if BIAS
// The bias of a row for the first key.
#define BIAS_OF(head, row) \
    (bias + biasOffset + (head) / keyHeads * biasEntry + ((head) % keyHeads * (sq / queries) + (row) / queries) * biasHead \
        + (row) % queries * biasQuery)
// -∞ hides even what is NaN.
static inline float biased_score(const float product, const float scale, const float bias) {
    return bias == -INFINITY ? -INFINITY : fma(scale, product, bias);
}
#define EXPONENT(score, greatest) ((score) - (greatest))
#else
#define EXPONENT(score, greatest) (scale * ((score) - (greatest)))
#endif

// Of a row that sees nothing, or whose scores are all -∞, nothing is kept but zeros.
#define INVERSE(total) ((total) == 0.0f ? 0.0f : 1.0f / (total))
#define GREATEST(score) ((score) == -INFINITY ? 0.0f : (score))
