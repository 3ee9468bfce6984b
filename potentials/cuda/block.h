/* Sums over threads, in an order that is always the same. */
#ifndef LANDSCAPES_CUDA_BLOCK_H
#define LANDSCAPES_CUDA_BLOCK_H
#include "dual.h"

/* doubles of shared memory for the sums: a warp's share of up to SUMS_AT_ONCE of them, for up to 32 warps */
#define SUMS_AT_ONCE 3
#define SCRATCH (SUMS_AT_ONCE * WARP)

/* shared memory: room for sums, what the evaluation needs, then the points */
#define SHARED_PARTS(p) \
    SHARED_MEMORY(scratch); \
    double *work = scratch + SCRATCH, *own = work + (p).work_size

DEVICE double exchanged(double a, int mask) { return __shfl_xor_sync(ALL_LANES, a, mask); }
DEVICE Dual exchanged(Dual a, int mask) { return dual(exchanged(a.value, mask), exchanged(a.change, mask)); }

/* the sum over `parts` neighbouring lanes, a power of two, in each of them */
template <class T> DEVICE T sum_of_lanes(T a, int parts)
{
    for (int mask = 1; mask < parts; mask *= 2) a += exchanged(a, mask);
    return a;
}

/* a barrier for memory too, which costs little where the block is one warp */
DEVICE void barrier(void)
{
    if (blockDim.x <= WARP) __syncwarp();
    else __syncthreads();
}

/* N sums over the block, in every thread; a barrier */
template <int N> DEVICE void block_sums(double *a, double *scratch)
{
    for (int k = 0; k < N; k++) a[k] = sum_of_lanes(a[k], WARP);
    if (blockDim.x <= WARP) {
        __syncwarp();
        return;
    }
    const int warps = (int)(blockDim.x / WARP), warp = (int)(threadIdx.x / WARP);
    __syncthreads();
    if (threadIdx.x % WARP == 0)
        for (int k = 0; k < N; k++) scratch[k * WARP + warp] = a[k];
    __syncthreads();
    for (int k = 0; k < N; k++) {
        a[k] = 0.0;
        for (int w = 0; w < warps; w++) a[k] += scratch[k * WARP + w];
    }
}

DEVICE double block_sum(double a, double *scratch)
{
    block_sums<1>(&a, scratch);
    return a;
}

DEVICE Dual block_sum(Dual a, double *scratch)
{
    double both[2] = {a.value, a.change};
    block_sums<2>(both, scratch);
    return dual(both[0], both[1]);
}
#endif
