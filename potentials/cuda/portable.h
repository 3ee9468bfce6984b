/* Words for nvcc and, through emulator.h, for g++. */
#ifndef LANDSCAPES_CUDA_PORTABLE_H
#define LANDSCAPES_CUDA_PORTABLE_H
#ifdef __CUDACC__
#define DEVICE static __device__ __forceinline__
/* a function of its own: where it is called from several places */
#define CALLED static __device__ __noinline__
/* memory that the threads of a block share, of the size given at launch */
extern __shared__ double shared_doubles[];
#define SHARED_MEMORY(name) double *name = shared_doubles
/* 1/a to 20 bits, of the upper half of a */
static __device__ __forceinline__ double rough_inverse(double a)
{
    double r;
    asm("rcp.approx.ftz.f64 %0, %1;" : "=d"(r) : "d"(a));
    return r;
}
#else
#include "emulator.h"
#define DEVICE static inline
#define CALLED static
#define SHARED_MEMORY(name) double *name = emulator::shared_memory()
#endif
#define WARP 32
#define ALL_LANES 0xffffffffu
#endif
