/* The tasks of optim and pathsample, of every kind in one launch: each block takes the next that waits, and does the whole of it. */
#ifndef LANDSCAPES_CUDA_TASKS_H
#define LANDSCAPES_CUDA_TASKS_H
#include "band.h"
#include "descent.h"
#include "saddle.h"

/* bands: images and both ends, in place; saddles: a point and a direction; descents: a point; minimisations: a point, then its gradient */
enum { TASK_BAND = 0, TASK_SADDLE = 1, TASK_DESCENT = 2, TASK_MINIMISATION = 3 };

/* x: where to begin, then the minimum, with the gradient in the row after it */
template <class Potential> CALLED void minimise_point(const Parameters &p, const Room &room, double *x, double *numbers, double *space)
{
    const int n = (int)p.n_variables;
    Minimiser m = minimiser_of(p);
    Quench q;
    m.rms = numbers[NUMBER_GOAL];
    m.max_iterations = (long long)numbers[NUMBER_ITERATIONS];
    m.max_step = numbers[NUMBER_MAX_STEP];
    m.floor = -1e300;
    EACH(k, n) space[ROW_NEW_X * n + k] = x[k];
    lbfgs_minimise(m, q, space, room.scratch,
                   [&](const double *y, double *gradient) { return evaluate<Potential>(p, y, gradient); });
    EACH(k, n) {
        x[k] = space[ROW_X * n + k];
        x[n + k] = space[ROW_GRADIENT * n + k];
    }
    if (threadIdx.x == 0) {
        numbers[NUMBER_STATUS] = (double)q.status;
        numbers[NUMBER_ITERATIONS] = (double)q.iterations;
        numbers[NUMBER_CALLS] = (double)q.calls;
        numbers[NUMBER_RMS] = q.rms;
        numbers[NUMBER_ENERGY] = q.energy;
        numbers[NUMBER_LENGTH] = q.path;
    }
}

template <class Potential> DEVICE void do_tasks(const Parameters &p, double *scratch)
{
    const int n = (int)p.n_variables;
    const Room room = {scratch};
    double *space = p.task_space + (size_t)blockIdx.x * p.task_space_size;
    for (;;) {
        if (threadIdx.x == 0) scratch[0] = (double)atomicAdd(p.queue, 1ull);
        __syncthreads();
        const long long t = (long long)scratch[0];
        __syncthreads();
        if (t >= p.n_tasks) return;
        double *x = p.task_x + (size_t)p.task_rows[t] * n, *numbers = p.task_numbers + t * NUMBERS;
        switch ((int)p.task_kinds[t]) {
        case TASK_BAND: {
            Band b;
            b.n = n;
            b.images = (int)p.task_images[t];
            b.points = x;
            b.energies = p.task_energies + p.task_rows[t];
            relax_band<Potential>(p, room, b, numbers, space);
            break;
        }
        case TASK_SADDLE: find_saddle<Potential>(p, room, x, x + n, numbers, space); break;
        case TASK_DESCENT: follow_descent<Potential>(p, room, x, numbers, space); break;
        case TASK_MINIMISATION: minimise_point<Potential>(p, room, x, numbers, space); break;
        }
        __syncthreads();
    }
}
#endif
