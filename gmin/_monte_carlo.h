/* Single-atom moves of Lennard-Jones clusters, and the meeting point of the threads that share the replicas. */
#ifndef LANDSCAPES_MONTE_CARLO_H
#define LANDSCAPES_MONTE_CARLO_H
#include <sched.h>
#include <stddef.h>
#include <time.h>
#include "multiversion.h"

/* Change of V = 4 sum (r^-12 - r^-6) when one atom goes from p to q. The atom itself must have been put far away in the columns
 * x, y, z, which are padded with atoms that are far from everything. One division serves both distances. */
LANDSCAPES_CLONES_WIDE
static double lj_move_energy(ptrdiff_t padded, const double *x, const double *y, const double *z, const double *p, const double *q)
{
    const double p0 = p[0], p1 = p[1], p2 = p[2], q0 = q[0], q1 = q[1], q2 = q[2];
    double change = 0.0;
#pragma omp simd reduction(+ : change)
    for (ptrdiff_t j = 0; j < padded; j++) {
        const double a0 = x[j] - p0, a1 = y[j] - p1, a2 = z[j] - p2;
        const double b0 = x[j] - q0, b1 = y[j] - q1, b2 = z[j] - q2;
        const double a = a0 * a0 + a1 * a1 + a2 * a2, b = b0 * b0 + b1 * b1 + b2 * b2;
        const double both = 1.0 / (a * b), u = both * b, v = both * a;
        const double u3 = u * u * u, v3 = v * v * v;
        change += v3 * (v3 - 1.0) - u3 * (u3 - 1.0);
    }
    return 4.0 * change;
}

/* A barrier: the last of n threads opens the gate for all. Short waits spin, longer ones give the core away, long ones
 * sleep: on a busy machine the others are then not yet running. */
typedef struct {
    int waiting, generation;
} meeting_t;

static void meeting_wait(meeting_t *m, int n)
{
    const int generation = __atomic_load_n(&m->generation, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&m->waiting, 1, __ATOMIC_ACQ_REL) == n) {
        __atomic_store_n(&m->waiting, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&m->generation, generation + 1, __ATOMIC_RELEASE);
        return;
    }
    const struct timespec nap = {0, 20000};
    for (int spins = 0; __atomic_load_n(&m->generation, __ATOMIC_ACQUIRE) == generation; spins++) {
        if (spins > 400) nanosleep(&nap, NULL);
        else if (spins > 200) sched_yield();
    }
}
#endif
