/* Inner loops of the alignment of periodic systems: squared distances between nearest images. */
#ifndef LANDSCAPES_PERIODIC_H
#define LANDSCAPES_PERIODIC_H
#include <stddef.h>
#include "multiversion.h"

/* 1.5 * 2^52: adding it rounds to an integer (see setup.py: no -ffast-math) */
#define PERIODIC_ROUND 6755399441055744.0

/* x, y: rows of n coordinates per axis; box: sides, then their inverses. Squared distances from the point (a, b, c) to n atoms. */
LANDSCAPES_INLINE void periodic_row(ptrdiff_t n, const double *box, double a, double b, double c, const double *y, double *row)
{
    const double l0 = box[0], l1 = box[1], l2 = box[2], i0 = box[3], i1 = box[4], i2 = box[5];
#pragma omp simd
    for (ptrdiff_t j = 0; j < n; j++) {
        double dx = a - y[j], dy = b - y[n + j], dz = c - y[2 * n + j];
        dx -= l0 * ((dx * i0 + PERIODIC_ROUND) - PERIODIC_ROUND);
        dy -= l1 * ((dy * i1 + PERIODIC_ROUND) - PERIODIC_ROUND);
        dz -= l2 * ((dz * i2 + PERIODIC_ROUND) - PERIODIC_ROUND);
        row[j] = dx * dx + dy * dy + dz * dz;
    }
}

/* Sum over the atoms of y of the squared distance to the nearest atom of x + t: a lower bound to the best assignment there.
 * Ends as soon as it exceeds the limit. */
LANDSCAPES_CLONES static double periodic_nearest(ptrdiff_t n, const double *box, const double *x, const double *t, const double *y,
                                                 double limit, double *row)
{
    double total = 0.0;
    for (ptrdiff_t i = 0; i < n; i++) {
        double nearest = 1e300;
        periodic_row(n, box, y[i] - t[0], y[n + i] - t[1], y[2 * n + i] - t[2], x, row);
#pragma omp simd reduction(min : nearest)
        for (ptrdiff_t j = 0; j < n; j++) nearest = row[j] < nearest ? row[j] : nearest;
        total += nearest;
        if (total > limit) break;
    }
    return total;
}

/* cost[i, j]: squared distance from atom i of y to atom j of x + t */
LANDSCAPES_CLONES static void periodic_costs(ptrdiff_t n, const double *box, const double *x, const double *t, const double *y, double *cost)
{
    for (ptrdiff_t i = 0; i < n; i++)
        periodic_row(n, box, y[i] - t[0], y[n + i] - t[1], y[2 * n + i] - t[2], x, cost + i * n);
}

/* distances of all pairs, row by row */
LANDSCAPES_CLONES static void periodic_pairs(ptrdiff_t n, const double *box, const double *x, double *row, double *pairs)
{
    for (ptrdiff_t i = 0; i + 1 < n; i++) {
        periodic_row(n, box, x[i], x[n + i], x[2 * n + i], x, row);
        for (ptrdiff_t j = i + 1; j < n; j++) *pairs++ = row[j];
    }
}
#endif
