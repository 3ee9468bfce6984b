/* The two passes over an image of a nudged elastic band: everything in its force is a combination of the gradient and of the differences to the
   two neighbours, with coefficients that need six inner products. */
#ifndef LANDSCAPES_DNEB_H
#define LANDSCAPES_DNEB_H
#include <stddef.h>
#include "multiversion.h"

/* sums = a.a, a.b, b.b, g.a, g.b, g.g with a = next - x, b = x - previous. */
LANDSCAPES_CLONES_WIDE static void dneb_products(ptrdiff_t n, const double *previous, const double *x, const double *next, const double *g,
                                                 double *sums)
{
    double aa = 0.0, ab = 0.0, bb = 0.0, ga = 0.0, gb = 0.0, gg = 0.0;
#pragma omp simd reduction(+ : aa, ab, bb, ga, gb, gg)
    for (ptrdiff_t i = 0; i < n; i++) {
        const double a = next[i] - x[i], b = x[i] - previous[i];
        aa += a * a;
        ab += a * b;
        bb += b * b;
        ga += g[i] * a;
        gb += g[i] * b;
        gg += g[i] * g[i];
    }
    sums[0] = aa;
    sums[1] = ab;
    sums[2] = bb;
    sums[3] = ga;
    sums[4] = gb;
    sums[5] = gg;
}

/* out = cg g + ca a + cb b */
LANDSCAPES_CLONES_WIDE static void dneb_combine(ptrdiff_t n, const double *previous, const double *x, const double *next, const double *g,
                                                double cg, double ca, double cb, double *out)
{
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) out[i] = cg * g[i] + ca * (next[i] - x[i]) + cb * (x[i] - previous[i]);
}
#endif
