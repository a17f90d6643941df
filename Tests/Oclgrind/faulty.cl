// Stands in for softmax/softmax.cl to show that the checks of Tests/run-oclgrind.sh see what they are there to see: FAULT
// is what is wrong. A team of work-items, one row. Goes after common/math.cl, common/vector.cl and common/team.cl.

TEAM_KERNEL void softmax(
    __global const float *restrict x, const ulong xOffset, __global float *restrict y, const ulong yOffset,
    const int rows, const int columns)
{
    __local float shared[TEAM];
    const int item = get_local_id(0), count = rows * columns;
    x += xOffset;
    y += yOffset;
    shared[item] = item < count ? x[item] : 0.0f;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < count) y[item] = shared[item];
#if FAULT == 1    // a write past the end
    if (item == 0) y[count] = 1.0f;
#elif FAULT == 2  // a read past the end
    if (item == 0) y[0] = x[count];
#elif FAULT == 3  // two work-items write the same place in global memory
    if (item < 2) y[0] = (float)item;
#elif FAULT == 4  // no barrier between a write and another's read in local memory
    shared[item] = 1.0f;
    if (item < count) y[item] = shared[TEAM - 1 - item];
#elif FAULT == 5  // private memory that was never written
    float never[2];
    if (item < count) y[item] = never[item & 1];
#elif FAULT == 6  // local memory that was never written
    __local float never[TEAM];
    if (item < count) y[item] = never[item];
#elif FAULT == 7  // not all of the work-group reach a barrier
    if (item == 0) barrier(CLK_LOCAL_MEM_FENCE);
#endif
}
