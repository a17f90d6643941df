// Where Winograd's filtering may be trusted: for convolution/winograd.cl and winograd_tile.cl.
//
// Its transforms mix all pixels of a tile, so that rounding errors are relative to the largest of them, also in outputs that
// do not see it or see it through a tap near zero; a NaN or an infinity is everywhere. So each tile is judged by two levels of
// its pixels, both over all channels:
//
//   peak = max ω·|x|,   sum = Σ ω·|x|       with ω(channel) = 1 where its weights matter most, less for others
//
// An output whose 3×3 window sums up to less than a few times the tile's highest peak is *marked*: it is computed by the sum
// itself. So are all of a tile whose peak is beyond what can be transformed without overflow or underflow, and all outputs
// of a *wild* row of weights: one that is mostly a single channel's, is not finite, or out of range. What is not marked has
// the errors of an ordinary tile, relative to what it sees. Outputs that see only zeros are marked, and found to be zero.
// ω(channel) = max over rows that are not wild of Σ|taps| / (the row's largest Σ|taps|), at least 2⁻⁶⁰.
//
// The gradient of the weight mixes the pixels that meet different taps, over all tiles, so that its errors are relative to the
// largest products of a channel of x and a row of dy. A channel or a row is wild there, and its slice of the gradient
// computed by the sum itself, where a few pixels outweigh all others: where its largest magnitude times an eighth of the rows
// of pixels, at most 16, is more than the sum of the largest of each row, without those at the border, which some taps do
// not meet; or where it is not finite, or so large or small that products might overflow or vanish. Where the large pixels of
// x are some and those of dy few, a tap may still meet none: a pair of a channel and a row, of which shares a and b of all
// pixels matter, (Σ|x|)² / (pixels · Σx²), is summed up itself too where so few as a·b·pixels of them are likely to meet.
// Follows convolution/winograd_transforms.cl.

#define LARGEST_PEAK 0x1p60f
#define SMALLEST_PEAK 0x1p-60f
#define LARGEST_SUM 0x1p50f
#define SMALLEST_SUM 0x1p-60f

#define LARGEST_GRADIENT 0x1p48f
#define SMALLEST_GRADIENT 0x1p-60f
#define FEWEST_MEETINGS 8

// The part of a row's sum of magnitudes that one of its channels may have.
static inline float channel_share(const int channels)
{
    if (channels == 1) return 1;
    if (channels < 16) return channels < 5 ? 0.9f : 4.0f / channels;
    return 0.25f;
}

// How many times the tile's peak an output's window must sum up to.
static inline float fewest_peaks(const int channels) { return channels < 32 ? channels / 8.0f : 4; }

// Whether a tile of this peak can be transformed.
static inline int is_in_range(const float peak)
{
    return peak == 0 || (peak >= SMALLEST_PEAK && peak <= LARGEST_PEAK);
}

// The outputs, a bit each, of a tile of `high` × `wide` of them that are to be computed exactly, from the sums of its
// pixels, zero outside the image, and their highest peak.
static inline int marked_outputs(
    const float *sums, const float peak, const int channels, const int high, const int wide)
{
    const float fewest = peak * fewest_peaks(channels);
    const int all = !is_in_range(peak);
    float lines[SIDE * OUTPUT_TILE];
    #pragma unroll
    for (int n = 0; n < SIDE * OUTPUT_TILE; n++) {
        const int p = n / OUTPUT_TILE * SIDE + n % OUTPUT_TILE;
        lines[n] = sums[p] + sums[p + 1] + sums[p + 2];
    }
    int marks = 0;
    #pragma unroll
    for (int o = 0; o < OUTPUT_TILE * OUTPUT_TILE; o++) {
        const float window = lines[o] + lines[o + OUTPUT_TILE] + lines[o + 2 * OUTPUT_TILE];
        if ((all || window < fewest) && o / OUTPUT_TILE < high && o % OUTPUT_TILE < wide) marks |= 1 << o;
    }
    return marks;
}

// How many times the largest pixel the sum over rows of pixels of the largest of each must be.
static inline float fewest_rows(const int rows) { return rows > 128 ? 16 : rows < 8 ? 1 : rows / 8.0f; }

// Whether a channel and a row, of which these shares matter, meet in enough pixels. A share is 0 where wild, and infinite where
// there are only zeros; a pair of both kinds does not.
static inline int meet_often(const float channel, const float row, const int pixels)
{
    return channel * row * pixels >= FEWEST_MEETINGS;
}
