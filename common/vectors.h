/* Vector operations of the minimisers: short, unit-stride, vectorised.  Indices are ptrdiff_t on purpose: Python builds
 * extensions with -fwrapv or -fno-strict-overflow, under which gcc does not vectorise loops over int. */
#ifndef LANDSCAPES_VECTORS_H
#define LANDSCAPES_VECTORS_H
#include <stddef.h>
#include "multiversion.h"

LANDSCAPES_CLONES static double vector_dot(ptrdiff_t n, const double *a, const double *b)
{
    double s = 0.0;
#pragma omp simd reduction(+ : s)
    for (ptrdiff_t i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}

/* y += c x */
LANDSCAPES_CLONES static void vector_add(ptrdiff_t n, double c, const double *x, double *y)
{
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) y[i] += c * x[i];
}

/* z = x + c d */
LANDSCAPES_CLONES static void vector_move(ptrdiff_t n, const double *x, double c, const double *d, double *z)
{
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) z[i] = x[i] + c * d[i];
}

LANDSCAPES_CLONES static void vector_scale(ptrdiff_t n, double c, double *x)
{
#pragma omp simd
    for (ptrdiff_t i = 0; i < n; i++) x[i] *= c;
}
#endif
