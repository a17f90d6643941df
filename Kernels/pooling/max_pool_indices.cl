// The maximum of windows of x [planes, depth, height, width] → y [planes, outDepth, outHeight, outWidth], and which element of
// its plane that is → indices like y.
//
//   max_pool_indices         GPU-like: one work-item an element of y. Without KEEPS_VALUES, indices only.
//   max_pool_indices_planes  CPU-like: a work-item a run of planes.
//
// An element of x is read once from memory; y and indices are written. Goes after pooling/window.cl, which draws the windows,
// and pooling/taken.cl.

#if VECTOR_WIDTH == 1

#ifndef KEEPS_VALUES
#define KEEPS_VALUES 1
#endif

// Global size planes · outDepth · outHeight · outWidth, rounded up to a multiple of GROUP.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))
void max_pool_indices(
    __global const STORED *restrict x, const ulong xOffset,
#if KEEPS_VALUES
    __global STORED *restrict y, const ulong yOffset,
#endif
    __global int *restrict indices, const ulong indicesOffset, const int planes, EXTENTS)
{
    ITEM_IS_OUTPUT
    __global const STORED *plane = x + xOffset + (ulong)place.plane * depth * height * width;
    float maximum;
    const int taken = taken_element(plane, fronts, rows, columns, height, width, &maximum);
    indices[indicesOffset + n] = taken;
#if KEEPS_VALUES
    STORE1(maximum, y + yOffset + n);
#endif
}

#else

// Global size: any number of items, which share the planes.
__kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void max_pool_indices_planes(
    __global const STORED *restrict x, const ulong xOffset, __global STORED *restrict y, const ulong yOffset,
    __global int *restrict indices, const ulong indicesOffset, const ulong planes, EXTENTS)
{
    float kept[WINDOW_DEPTH * WINDOW_HEIGHT][SPAN];
    const int area = height * width;
    __global const STORED *past = x + xOffset + planes * depth * area;
    for EACH_OWN_PLANE(n) {
        __global const STORED *plane = x + xOffset + n * depth * area;
        for EACH_CHUNK(first, count, outWidth) {
            const Columns columns = columns_of(first, count, width);
            for (int i = 0; i < WINDOW_DEPTH * WINDOW_HEIGHT; i++) pad_row(kept[i], columns, -INFINITY);
            ulong at = n * outDepth * outHeight * outWidth + first;
            for EACH_OUTPUT_ROW(o, p, at) {
                const Taps fronts = taps_of(o, DEPTH_AXIS), rows = taps_of(p, HEIGHT_AXIS);
                gather_rows(kept, plane, past, fronts, rows, columns, height, width);
                for EACH_OUTPUT_VECTOR(q, count) {
                    vfloat maximum;
                    const vint taken = taken_lanes(kept, fronts, rows, first, q, count, height, width, &maximum);
                    __global STORED *values = y + yOffset + at + q;
                    __global int *places = indices + indicesOffset + at + q;
                    if (count - q >= VECTOR_WIDTH) {
                        STORE(maximum, values);
                        MATH_PASTE(vstore, VECTOR_WIDTH)(taken, 0, places);
                    } else {
                        STORE_TAIL(maximum, values, count - q);
                        for (int k = 0; k < count - q; k++) places[k] = ((const int *)&taken)[k];
                    }
                }
            }
        }
    }
}
#endif
