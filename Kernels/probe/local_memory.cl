// Whether BYTES of local memory can be used: a work-group fills all of it, and reads back what others wrote.
//
//   work-item  0  1  2  …  n-1  0  1  2  …        words are dealt out in turn, and read back from the other end
//   word       0  1  2  …  n-1  n  …
//
// Shapes: `wrong` has one element a work-item: the number of words that were not as written. Flops: none.
// Drivers state less than they give (NVIDIA: 48 KB of 227), so that only building and running a kernel tells.

#ifndef BYTES
#define BYTES 1024
#endif
#define WORDS (BYTES / 4)

__kernel void local_memory(__global int *wrong, const int seed) {
    __local int words[WORDS];
    const int items = (int)get_local_size(0);
    const int item = (int)get_local_id(0);
    for (int i = item; i < WORDS; i += items) words[i] = i ^ seed;
    barrier(CLK_LOCAL_MEM_FENCE);
    int count = 0;
    for (int i = item; i < WORDS; i += items) {
        const int other = WORDS - 1 - i;
        if (words[other] != (other ^ seed)) ++count;
    }
    wrong[item] = count;
}
