// The outputs that Winograd's filtering would spoil, found and computed by the sum itself, for devices that are CPUs.
// What is marked, and why, says convolution/winograd_levels.cl, which this file follows as it does winograd_stage.cl.
//
// Marks of a tile are two bits an output: one of the lower 16 where it is to be computed, of the upper 16 where it sees only
// zeros. Where nothing is marked, all it takes is a look at the levels of each pixel, which are one for all channels.

// The least that the window of an output of a run sums up to: what a zero here and there, as after ReLU, leaves of a row of
// pixels is seldom little.
static float lowest_window(__global const float *sums, const Shape s, const int row, const int high)
{
    const int last = min((row + high) * OUTPUT_TILE, s.outHeight), begin = min(s.left, s.outWidth);
    const int end = max(min(s.outWidth, s.width + s.left - KERNEL_SIDE + 1), begin);
    const int step = end - begin < VECTOR_WIDTH ? 0 : VECTOR_WIDTH;
    floatv lowest = (floatv)(INFINITY);
    float rim = INFINITY;
    for (int o = row * OUTPUT_TILE; o < last; o++) {
        // Row o - top of the image is row o - row * OUTPUT_TILE of the run.
        __global const float *lines = sums + (o - row * OUTPUT_TILE) * s.width - s.left;
        const int top = max(s.top - o, 0), bottom = min(s.height + s.top - o, KERNEL_SIDE);
        for (int q = begin; step && q < end; q += step) {
            const int column = min(q, end - VECTOR_WIDTH);
            floatv window = (floatv)(0);
            for (int i = top; i < bottom; i++) {
                __global const float *line = lines + i * s.width + column;
                window += loadv(0, line) + loadv(0, line + 1) + loadv(0, line + 2);
            }
            lowest = window < lowest ? window : lowest;
        }
        for (int n = 0; n < s.outWidth - (step ? end - begin : 0); n++) {
            const int column = n < begin || !step ? n : n + end - begin;
            float window = 0;
            for (int i = top; i < bottom; i++)
                for (int j = max(s.left - column, 0); j < min(s.width + s.left - column, KERNEL_SIDE); j++)
                    window += lines[i * s.width + column + j];
            rim = window < rim ? window : rim;
        }
    }
    float lanes[VECTOR_WIDTH];
    storev(lowest, 0, lanes);
    for (int l = 0; l < VECTOR_WIDTH; l++) rim = lanes[l] < rim ? lanes[l] : rim;
    return rim;
}

// Marks of a run of `high` rows of tiles from tile row `row` on, from the levels of its source. Returns how many tiles are
// marked from end to end, or -1 where nothing is marked at all.
static int mark_run(const Levels levels, const Shape s, const int row, const int high, __global int *marks)
{
    const int first = row * OUTPUT_TILE - s.top;
    const int begin = max(first, 0), end = min(first + high * OUTPUT_TILE + 2, s.height);
    // Of bits, which are in order for numbers that are not negative: a NaN shows in the peaks.
    int lowest = 0x7fffffff, highest = 0;
    for (int n = (begin - first) * s.width; n < (end - first) * s.width; n++) {
        const int sum = as_int(levels.sums[n]), peak = levels.peaks[n];
        lowest = sum < lowest ? sum : lowest;
        highest = peak > highest ? peak : highest;
    }
    // The pixels that an output sees at least.
    const int rim = max(max(s.top, s.left), max(s.outHeight - s.top - s.height, s.outWidth - s.left - s.width) + 2);
    const int fewest = rim <= 0 ? 9 : rim == 1 ? 4 : rim == 2;
    const float least = as_float(highest) * fewest_peaks(s.channels);
    if (is_in_range(as_float(highest))
        && (fewest * as_float(lowest) >= least || lowest_window(levels.sums, s, row, high) >= least)) {
        for (int n = 0; n < high * s.tilesWide; n++) marks[n] = 0;
        return -1;
    }
    int whole = 0, any = 0;
    for (int n = 0; n < high * s.tilesWide; n++) {
        const int top = n / s.tilesWide * OUTPUT_TILE, left = n % s.tilesWide * OUTPUT_TILE;
        float sums[POSITIONS];
        int peak = 0;
        for (int p = 0; p < POSITIONS; p++) sums[p] = 0;
        const int right = min(SIDE, s.width - left + s.left);
        for (int i = max(0, -first - top); i < min(SIDE, s.height - first - top); i++) {
            for (int j = max(0, s.left - left); j < right; j++) {
                const int pixel = (top + i) * s.width + left - s.left + j;
                sums[i * SIDE + j] = levels.sums[pixel];
                peak = max(peak, levels.peaks[pixel]);
            }
        }
        const int outputsHigh = min(OUTPUT_TILE, s.outHeight - row * OUTPUT_TILE - top);
        const int outputsWide = min(OUTPUT_TILE, s.outWidth - left);
        marks[n] = marked_outputs(sums, as_float(peak), s.channels, outputsHigh, outputsWide);
        if (marks[n] == 0) continue;
        any = 1;
        int bits = 0;
        for (int o = 0; o < OUTPUT_TILE * OUTPUT_TILE; o++) bits += marks[n] >> o & 1;
        whole += bits == outputsHigh * outputsWide;
    }
    return any ? whole : -1;
}

// The source of a block's tiles → tiles [count][channel vectors][POSITIONS][VECTOR_WIDTH]; marked outputs whose window is
// zero in all channels get the other mark.
static void copy_sources(
    __global const float *x, const Shape s, const int start, const int end, __global float *stage,
    __global float *tiles, __global int *marks)
{
    const int count = (end - start) * s.tilesWide, pitch = s.tilesWide * OUTPUT_TILE + 2, vectors = VECTORS(s.channels);
    const Levels none = {0, 0, 0};
    for EACH_RUN(start, end, s) {
        for (int v = 0; v < vectors; v++) {
            const int c = v * VECTOR_WIDTH;
            stage_planes(
                x + ((long)image * s.channels + c) * s.height * s.width, s.channels - c, s.height, s.width,
                row * OUTPUT_TILE - s.top, high * OUTPUT_TILE + 2, pitch, s.left, stage, none, 0);
            for (int n = 0; n < high * s.tilesWide; n++) {
                __global const float *from = stage
                    + ((long)(n / s.tilesWide) * pitch + n % s.tilesWide) * OUTPUT_TILE * VECTOR_WIDTH;
                __global float *to = tiles + ((long)(tile + n) * vectors + v) * POSITIONS * VECTOR_WIDTH;
                for (int p = 0; p < POSITIONS; p++) storev(loadv(p % SIDE, from + p / SIDE * pitch * VECTOR_WIDTH), p, to);
            }
        }
    }
    for (int n = 0; n < count; n++) {
        if (marks[n] == 0) continue;
        intv seen[POSITIONS];
        for (int p = 0; p < POSITIONS; p++) seen[p] = (intv)(0);
        for (int v = 0; v < vectors; v++)
            for (int p = 0; p < POSITIONS; p++)
                seen[p] |= MAGNITUDE(loadv(p, tiles + ((long)n * vectors + v) * POSITIONS * VECTOR_WIDTH));
        for (int o = 0; o < OUTPUT_TILE * OUTPUT_TILE; o++) {
            if (!(marks[n] >> o & 1)) continue;
            intv window = (intv)(0);
            for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++)
                window |= seen[(o / OUTPUT_TILE + t / KERNEL_SIDE) * SIDE + o % OUTPUT_TILE + t % KERNEL_SIDE];
            int lanes[VECTOR_WIDTH], any = 0;
            storei(window, 0, lanes);
            for (int l = 0; l < VECTOR_WIDTH; l++) any |= lanes[l];
            if (!any) marks[n] = (marks[n] & ~(1 << o)) | (int)(1u << (16 + o));
        }
    }
}

// OUTPUT_TILE outputs from (i, j) on = Σ over channels and taps of a tile's source times the taps
// [9][channel vectors][VECTOR_WIDTH] → sums. Taps that meet no pixel of the image do not count, whatever they are.
static void sum_exactly(
    __global const float *tile, __global const float *taps, const Shape s, const int i, const int j, const int line,
    float *sums)
{
    const int vectors = VECTORS(s.channels);
    floatv totals[OUTPUT_TILE];
    for (int o = 0; o < OUTPUT_TILE; o++) totals[o] = (floatv)(0);
    for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) {
        const int y = i + t / KERNEL_SIDE - s.top, x = j + t % KERNEL_SIDE - s.left;
        if (y < 0 || y >= s.height) continue;
        __global const float *weight = taps + (long)t * vectors * VECTOR_WIDTH;
        __global const float *from = tile + ((line + t / KERNEL_SIDE) * SIDE + t % KERNEL_SIDE) * VECTOR_WIDTH;
        if (x >= 0 && x + OUTPUT_TILE <= s.width) {
            for (int v = 0; v < vectors; v++) {
                const floatv w = loadv(v, weight);
                #pragma unroll
                for (int o = 0; o < OUTPUT_TILE; o++)
                    totals[o] = fma(loadv(o, from + (long)v * POSITIONS * VECTOR_WIDTH), w, totals[o]);
            }
        } else {
            for (int o = 0; o < OUTPUT_TILE; o++) {
                if (x + o < 0 || x + o >= s.width) continue;
                for (int v = 0; v < vectors; v++)
                    totals[o] = fma(loadv(o, from + (long)v * POSITIONS * VECTOR_WIDTH), loadv(v, weight), totals[o]);
            }
        }
    }
    for (int o = 0; o < OUTPUT_TILE; o++) {
        float lanes[VECTOR_WIDTH];
        storev(totals[o], 0, lanes);
        for (int width = VECTOR_WIDTH / 2; width > 0; width /= 2)
            for (int l = 0; l < width; l++) lanes[l] += lanes[l + width];
        sums[o] = lanes[0];
    }
}

// The marked outputs of a block, and all outputs of wild rows, of rows [firstRow, lastRow). w(row, channel) is at
// row·rowStride + channel·channelStride; `taps` is scratch for one row of them.
static void compute_exactly(
    __global const float *weight, const int rowStride, const int channelStride, const int turned,
    __global const int *wild, __global const float *x,
#if HAS_BIAS
    __global const float *bias,
#endif
    const Shape s, const int start, const int end, const int firstRow, const int lastRow, const int anyMarks,
    __global int *marks, __global float *taps, __global float *stage, __global float *tiles, __global float *y)
{
    const int count = (end - start) * s.tilesWide, vectors = VECTORS(s.channels);
    int copied = 0;
    for (int row = firstRow; row < lastRow; row++) {
        if (!anyMarks && !wild[row]) continue;
        if (!copied) copy_sources(x, s, start, end, stage, tiles, marks);
        copied = 1;
        for (int t = 0; t < KERNEL_SIDE * KERNEL_SIDE; t++) {
            __global const float *from = weight + (long)row * rowStride + (turned ? KERNEL_SIDE * KERNEL_SIDE - 1 - t : t);
            for (int c = 0; c < vectors * VECTOR_WIDTH; c++)
                taps[(long)t * vectors * VECTOR_WIDTH + c] = c < s.channels ? from[(long)c * channelStride] : 0;
        }
        for (int n = 0; n < count; n++) {
            const int tileRow = start + n / s.tilesWide, left = n % s.tilesWide * OUTPUT_TILE;
            const int top = tileRow % s.tilesHigh * OUTPUT_TILE;
            const int sums = wild[row] ? -1 : marks[n], writes = wild[row] ? -1 : marks[n] | marks[n] >> 16;
            if (writes == 0) continue;
            __global float *plane = y + ((long)(tileRow / s.tilesHigh) * s.rows + row) * s.outHeight * s.outWidth;
            for (int i = 0; i < min(OUTPUT_TILE, s.outHeight - top); i++) {
                const int line = (1 << OUTPUT_TILE) - 1;
                if (!(writes >> (i * OUTPUT_TILE) & line)) continue;
                float outputs[VECTOR_WIDTH];
                for (int l = 0; l < VECTOR_WIDTH; l++) outputs[l] = 0;
                if (sums >> (i * OUTPUT_TILE) & line)
                    sum_exactly(
                        tiles + (long)n * vectors * POSITIONS * VECTOR_WIDTH, taps, s, top + i, left, i, outputs);
                for (int j = 0; j < OUTPUT_TILE; j++)
                    if (!(sums >> (i * OUTPUT_TILE + j) & 1)) outputs[j] = 0;
#if HAS_BIAS
                const floatv result = ACTIVATION(loadv(0, outputs) + (floatv)(bias[row]));
#else
                const floatv result = ACTIVATION(loadv(0, outputs));
#endif
                storev(result, 0, outputs);
                for (int j = 0; j < min(OUTPUT_TILE, s.outWidth - left); j++)
                    if (writes >> (i * OUTPUT_TILE + j) & 1) plane[(long)(top + i) * s.outWidth + left + j] = outputs[j];
            }
        }
    }
}
