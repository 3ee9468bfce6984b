/* One stage of a stabilised Runge-Kutta method. */
#ifndef LANDSCAPES_CHEBYSHEV_H
#define LANDSCAPES_CHEBYSHEV_H
#include <stddef.h>
#include "multiversion.h"

/* y = (1 - mu - nu) x + mu y1 + nu y2 - p g1 - q g, where y may be y2. */
LANDSCAPES_CLONES static void chebyshev_stage(ptrdiff_t n, double mu, double nu, double p, double q, const double *x, const double *y1,
                                              const double *y2, const double *g1, const double *g, double *y)
{
    const double rest = 1.0 - mu - nu;
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) y[i] = rest * x[i] + mu * y1[i] + nu * y2[i] - p * g1[i] - q * g[i];
}
#endif
