/* Inner loops of rotations. */
#ifndef LANDSCAPES_ROTATIONS_H
#define LANDSCAPES_ROTATIONS_H
#include <stddef.h>
#include "multiversion.h"

/* s[3 a + b] = sum_i x[a][p[i]] y[b][i], clusters stored as one array per axis. */
LANDSCAPES_CLONES static void rotations_correlate(ptrdiff_t n, const double *x, const double *y, const ptrdiff_t *p, double *s)
{
    double t[9] = {0.0};
    for (ptrdiff_t i = 0; i < n; i++) {
        const ptrdiff_t k = p[i];
        const double a = x[k], b = x[n + k], c = x[2 * n + k], u = y[i], v = y[n + i], w = y[2 * n + i];
        t[0] += a * u;
        t[1] += a * v;
        t[2] += a * w;
        t[3] += b * u;
        t[4] += b * v;
        t[5] += b * w;
        t[6] += c * u;
        t[7] += c * v;
        t[8] += c * w;
    }
    for (int k = 0; k < 9; k++) s[k] = t[k];
}
#endif
