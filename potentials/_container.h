/* Spherical container: V = k sum_i max(0, |r_i| - R)^2 about the origin; the classic keyword RADIUS. */
#ifndef LANDSCAPES_CONTAINER_H
#define LANDSCAPES_CONTAINER_H
#include <math.h>
#include <stddef.h>

/* Force constant k of the wall, in epsilon/sigma^2: an atom that a pair force of order 1 pushes out stays within 0.01 of the wall. */
#define CONTAINER_STIFFNESS 50.0

/* adds the gradient, returns the energy */
static double container_energy_gradient(ptrdiff_t n_atoms, double radius, const double *x, double *g)
{
    double energy = 0.0;
    for (ptrdiff_t i = 0; i < n_atoms; i++) {
        const double *r = x + 3 * i;
        const double r2 = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
        if (r2 > radius * radius) {
            const double length = sqrt(r2), out = length - radius, f = 2.0 * CONTAINER_STIFFNESS * out / length;
            energy += CONTAINER_STIFFNESS * out * out;
            for (int c = 0; c < 3; c++) g[3 * i + c] += f * r[c];
        }
    }
    return energy;
}

static void container_hessian(ptrdiff_t n_atoms, double radius, const double *x, double *h)
{
    const ptrdiff_t n = 3 * n_atoms;
    for (ptrdiff_t i = 0; i < n_atoms; i++) {
        const double *r = x + 3 * i;
        const double r2 = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
        if (r2 > radius * radius) {
            const double length = sqrt(r2), f = 2.0 * CONTAINER_STIFFNESS * (1.0 - radius / length);
            const double s = 2.0 * CONTAINER_STIFFNESS * radius / (length * r2);
            for (int a = 0; a < 3; a++)
                for (int b = 0; b < 3; b++) h[(3 * i + a) * n + 3 * i + b] += s * (r[a] * r[b]) + (a == b ? f : 0.0);
        }
    }
}
#endif
