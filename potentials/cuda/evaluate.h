/* One evaluation within a task: coordinates and gradient lie anywhere, the evaluation itself works in shared memory. */
#ifndef LANDSCAPES_CUDA_EVALUATE_H
#define LANDSCAPES_CUDA_EVALUATE_H
#include "block.h"
#include "parameters.h"

/* numbers of a task, read and overwritten; tasks.py reads their places from here */
#define NUMBER_STATUS 0
#define NUMBER_ITERATIONS 1
#define NUMBER_CALLS 2
#define NUMBER_RMS 3
#define NUMBER_GOAL 4
#define NUMBER_RELATIVE 5
#define NUMBER_SPRING 6
#define NUMBER_LENGTH 7
#define NUMBER_DEVIATION 8
#define NUMBER_EIGENVALUE 9
#define NUMBER_MAX_STEP 10
#define NUMBER_ENERGY 11
#define NUMBERS 12

/* what a task takes along */
typedef struct { double *scratch; } Room;

/* the energy at x and its gradient there; a function of its own, as tasks call it from a dozen places */
template <class Potential> CALLED double evaluate(const Parameters &p, const double *x, double *gradient)
{
    /* found anew, so that the compiler knows that they are in shared memory */
    SHARED_PARTS(p);
    const int n = (int)p.n_variables;
    double *own_gradient = own + n;
    for (int k = (int)threadIdx.x; k < n; k += (int)blockDim.x) own[k] = x[k];
    const double energy = Potential::template energy_gradient<double>(p, own, own_gradient, work, scratch);
    barrier();
    for (int k = (int)threadIdx.x; k < n; k += (int)blockDim.x) gradient[k] = own_gradient[k];
    return energy;
}
#endif
