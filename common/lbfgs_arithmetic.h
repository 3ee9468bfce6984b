/* The vector arithmetic of L-BFGS (lbfgs.pyx), each pass over memory doing all that can be done with what it loads.
 *
 * Rows are padded with zeros to a multiple of LBFGS_LANES doubles and start on cache lines. Sums run over LBFGS_LANES x 2
 * accumulators in an order that is the same for every instruction set.
 */
#ifndef LANDSCAPES_LBFGS_ARITHMETIC_H
#define LANDSCAPES_LBFGS_ARITHMETIC_H
#include <stddef.h>
#include "multiversion.h"

#define LBFGS_LANES 8
typedef double lbfgs_vec __attribute__((vector_size(LBFGS_LANES * sizeof(double)), may_alias));

static ptrdiff_t lbfgs_stride(ptrdiff_t n) { return (n + LBFGS_LANES - 1) / LBFGS_LANES * LBFGS_LANES; }

LANDSCAPES_INLINE double lbfgs_sum(lbfgs_vec v)
{
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

/* a . b */
LANDSCAPES_INLINE double lbfgs_dot(ptrdiff_t n_vec, const lbfgs_vec *a, const lbfgs_vec *b)
{
    lbfgs_vec s0 = {0}, s1 = {0};
    ptrdiff_t i = 0;
    for (; i + 1 < n_vec; i += 2) { s0 += a[i] * b[i]; s1 += a[i + 1] * b[i + 1]; }
    if (i < n_vec) s0 += a[i] * b[i];
    return lbfgs_sum(s0 + s1);
}

/* z = f (y + c x); returns z . w */
LANDSCAPES_INLINE double lbfgs_move_dot(ptrdiff_t n_vec, double f, const lbfgs_vec *y, double c, const lbfgs_vec *x, lbfgs_vec *z,
                                        const lbfgs_vec *w)
{
    lbfgs_vec s0 = {0}, s1 = {0};
    ptrdiff_t i = 0;
    for (; i + 1 < n_vec; i += 2) {
        const lbfgs_vec z0 = f * (y[i] + c * x[i]), z1 = f * (y[i + 1] + c * x[i + 1]);
        z[i] = z0;
        z[i + 1] = z1;
        s0 += z0 * w[i];
        s1 += z1 * w[i + 1];
    }
    if (i < n_vec) {
        const lbfgs_vec z0 = f * (y[i] + c * x[i]);
        z[i] = z0;
        s0 += z0 * w[i];
    }
    return lbfgs_sum(s0 + s1);
}

/* The two-loop recursion (Nocedal 1980): d = -scale H g for a ring buffer of m pairs whose next slot is head.
 * Returns |d|^2; *slope is d . g. */
LANDSCAPES_CLONES_WIDE static double lbfgs_direction(ptrdiff_t stride, ptrdiff_t m, ptrdiff_t stored, ptrdiff_t head,
                                                     const double *steps, const double *changes, const double *rho,
                                                     double *alpha, double scale, const double *gradient, double *direction,
                                                     double *slope)
{
    const ptrdiff_t n_vec = stride / LBFGS_LANES;
    const lbfgs_vec *s = (const lbfgs_vec *)steps, *y = (const lbfgs_vec *)changes, *g = (const lbfgs_vec *)gradient;
    lbfgs_vec *d = (lbfgs_vec *)direction;
    lbfgs_vec length = {0}, along = {0};
    if (stored == 0) {
        for (ptrdiff_t i = 0; i < n_vec; i++) d[i] = -scale * g[i];
    } else {
        ptrdiff_t j = head == 0 ? m - 1 : head - 1, k;
        const lbfgs_vec *from = g;
        double product = lbfgs_dot(n_vec, s + j * n_vec, g), beta;
        for (k = 0;; k++) {
            const ptrdiff_t older = j == 0 ? m - 1 : j - 1;
            alpha[j] = rho[j] * product;
            if (k == stored - 1) break;
            product = lbfgs_move_dot(n_vec, 1.0, from, -alpha[j], y + j * n_vec, d, s + older * n_vec);
            from = d;
            j = older;
        }
        product = lbfgs_move_dot(n_vec, -scale, from, -alpha[j], y + j * n_vec, d, y + j * n_vec);
        for (; k > 0; k--) {
            const ptrdiff_t newer = j == m - 1 ? 0 : j + 1;
            beta = rho[j] * product;
            product = lbfgs_move_dot(n_vec, 1.0, d, -alpha[j] - beta, s + j * n_vec, d, y + newer * n_vec);
            j = newer;
        }
        beta = -alpha[j] - rho[j] * product;
        for (ptrdiff_t i = 0; i < n_vec; i++) d[i] += beta * s[j * n_vec + i];
    }
    for (ptrdiff_t i = 0; i < n_vec; i++) {
        length += d[i] * d[i];
        along += d[i] * g[i];
    }
    *slope = lbfgs_sum(along);
    return lbfgs_sum(length);
}

/* x_new = x + scale d */
LANDSCAPES_CLONES_WIDE static void lbfgs_move(ptrdiff_t stride, const double *x, double scale, const double *d, double *x_new)
{
    const ptrdiff_t n_vec = stride / LBFGS_LANES;
    for (ptrdiff_t i = 0; i < n_vec; i++) ((lbfgs_vec *)x_new)[i] = ((const lbfgs_vec *)x)[i] + scale * ((const lbfgs_vec *)d)[i];
}

/* The newest pair, s = x_new - x and y = g_new - g; returns y . s, *yy = y . y, *gg = g_new . g_new. */
LANDSCAPES_CLONES_WIDE static double lbfgs_pair(ptrdiff_t stride, const double *x_new, const double *x, const double *g_new,
                                                const double *g, double *step, double *change, double *yy, double *gg)
{
    const ptrdiff_t n_vec = stride / LBFGS_LANES;
    lbfgs_vec sum_ys = {0}, sum_yy = {0}, sum_gg = {0};
    for (ptrdiff_t i = 0; i < n_vec; i++) {
        const lbfgs_vec gn = ((const lbfgs_vec *)g_new)[i];
        const lbfgs_vec s = ((const lbfgs_vec *)x_new)[i] - ((const lbfgs_vec *)x)[i];
        const lbfgs_vec y = gn - ((const lbfgs_vec *)g)[i];
        ((lbfgs_vec *)step)[i] = s;
        ((lbfgs_vec *)change)[i] = y;
        sum_ys += y * s;
        sum_yy += y * y;
        sum_gg += gn * gn;
    }
    *yy = lbfgs_sum(sum_yy);
    *gg = lbfgs_sum(sum_gg);
    return lbfgs_sum(sum_ys);
}
#endif
