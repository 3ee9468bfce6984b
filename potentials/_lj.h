/* Lennard-Jones clusters, V = 4 sum (r^-12 - r^-6): the choice of the kernels for the processor at hand. */
#ifndef LANDSCAPES_LJ_H
#define LANDSCAPES_LJ_H
#include "_container.h"

#define SIMD_TEMPLATE "_lj_template.h"
#include "_simd_instances.h"

typedef struct {
    /* work: 6 (n + 7) doubles, on a cache line boundary */
    double (*energy_gradient)(ptrdiff_t n, const double *x, double *g, double *work);
    void (*hessian)(ptrdiff_t n, const double *x, double *h, double *work);
    /* box: three sides, or NULL */
    double (*cutoff_energy_gradient)(ptrdiff_t n, double cutoff, const double *box, const double *x, double *g, double *work);
    void (*cutoff_hessian)(ptrdiff_t n, double cutoff, const double *box, const double *x, double *h, double *work);
} lj_kernels_t;

static int lj_choose_kernels(int lanes, lj_kernels_t *k)
{
    lanes = simd_lanes(lanes);
#define LJ_KERNELS(L) (lj_kernels_t) \
    { lj_energy_gradient_##L, lj_hessian_##L, lj_cutoff_energy_gradient_##L, lj_cutoff_hessian_##L }
    SIMD_CHOOSE(*k, LJ_KERNELS, lanes);
    return lanes;
}
#endif
