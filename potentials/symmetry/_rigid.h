/* Inner loops of the alignment of clusters. */
#ifndef LANDSCAPES_RIGID_H
#define LANDSCAPES_RIGID_H
#include <stddef.h>
#include "multiversion.h"

/* Squared distances between p rotated atoms of one cluster and p atoms of another, added to cost (rows: second cluster). */
LANDSCAPES_CLONES static void rigid_add_costs(ptrdiff_t p, const double *x, const double *y, const double *z, const double *u, const double *v,
                                              const double *w, double *cost)
{
    for (ptrdiff_t i = 0; i < p; i++) {
        const double a = u[i], b = v[i], c = w[i];
        double *row = cost + i * p;
#pragma omp simd
        for (ptrdiff_t j = 0; j < p; j++) {
            const double dx = x[j] - a, dy = y[j] - b, dz = z[j] - c;
            row[j] += dx * dx + dy * dy + dz * dz;
        }
    }
}

/* Sum over atoms of the squared distance to the nearest atom of the other cluster, in both directions; the larger of the two is a lower bound to
   the cost of the best assignment in this orientation. x is rotated by the matrix q (row-major). Blocks of like atoms: first[k] to first[k+1]. */
LANDSCAPES_CLONES static float rigid_nearest(ptrdiff_t n_blocks, const ptrdiff_t *first, const float *q, const float *x, const float *y, const float *z,
                                             const float *u, const float *v, const float *w, float *least)
{
    float forward = 0.0f, backward = 0.0f;
    for (ptrdiff_t k = 0; k < n_blocks; k++) {
        const ptrdiff_t p = first[k + 1] - first[k];
        const float *us = u + first[k], *vs = v + first[k], *ws = w + first[k];
        for (ptrdiff_t j = 0; j < p; j++) least[j] = 1e30f;
        for (ptrdiff_t i = first[k]; i < first[k + 1]; i++) {
            const float a = q[0] * x[i] + q[1] * y[i] + q[2] * z[i];
            const float b = q[3] * x[i] + q[4] * y[i] + q[5] * z[i];
            const float c = q[6] * x[i] + q[7] * y[i] + q[8] * z[i];
            float nearest = 1e30f;
#pragma omp simd reduction(min : nearest)
            for (ptrdiff_t j = 0; j < p; j++) {
                const float dx = us[j] - a, dy = vs[j] - b, dz = ws[j] - c;
                const float d = dx * dx + dy * dy + dz * dz;
                nearest = d < nearest ? d : nearest;
                least[j] = d < least[j] ? d : least[j];
            }
            forward += nearest;
        }
        for (ptrdiff_t j = 0; j < p; j++) backward += least[j];
    }
    return forward > backward ? forward : backward;
}
#endif
