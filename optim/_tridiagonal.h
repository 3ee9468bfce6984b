/* Reduction of small symmetric matrices to tridiagonal form. */
#ifndef LANDSCAPES_TRIDIAGONAL_H
#define LANDSCAPES_TRIDIAGONAL_H
#include <math.h>
#include <stddef.h>
#include "multiversion.h"

/* What LAPACK's DSYTD2 does with UPLO = L, for a matrix with both triangles in place, without the calls of BLAS that take most of its time
   where rows are short. ``w`` has room for n numbers. */
LANDSCAPES_CLONES_WIDE static void tridiagonal_reduce(ptrdiff_t n, double *a, double *d, double *e, double *tau, double *w)
{
    for (ptrdiff_t i = 0; i < n - 1; i++) {
        const ptrdiff_t m = n - 1 - i;
        double *v = a + i * n + i + 1;
        double rest = 0.0, t = 0.0, alpha = v[0], beta = v[0];
#pragma omp simd reduction(+ : rest)
        for (ptrdiff_t j = 1; j < m; j++) rest += v[j] * v[j];
        /* not "> 0": NaN must show in the result */
        if (rest != 0.0) {
            beta = sqrt(alpha * alpha + rest);
            if (alpha > 0.0) beta = -beta;
            t = (beta - alpha) / beta;
            const double scale = 1.0 / (alpha - beta);
#pragma omp simd
            for (ptrdiff_t j = 1; j < m; j++) v[j] *= scale;
            v[0] = 1.0;
            double c = 0.0;
            for (ptrdiff_t r = 0; r < m; r++) {
                const double *row = a + (i + 1 + r) * n + i + 1;
                double s = 0.0;
#pragma omp simd reduction(+ : s)
                for (ptrdiff_t j = 0; j < m; j++) s += row[j] * v[j];
                w[r] = t * s;
                c += w[r] * v[r];
            }
            c *= -0.5 * t;
#pragma omp simd
            for (ptrdiff_t j = 0; j < m; j++) w[j] += c * v[j];
            for (ptrdiff_t r = 0; r < m; r++) {
                double *row = a + (i + 1 + r) * n + i + 1;
                const double p = v[r], q = w[r];
#pragma omp simd
                for (ptrdiff_t j = 0; j < m; j++) row[j] -= p * w[j] + q * v[j];
            }
            v[0] = beta;
        }
        e[i] = beta;
        tau[i] = t;
        d[i] = a[i * n + i];
    }
    d[n - 1] = a[n * n - 1];
}
#endif
