/* Lennard-Jones plus Axilrod-Teller clusters: the choice of the kernels for the processor at hand. */
#ifndef LANDSCAPES_LJAT_H
#define LANDSCAPES_LJAT_H
#include "_container.h"

#define SIMD_TEMPLATE "_ljat_template.h"
#include "_simd_instances.h"

/* doubles of work space for n atoms, on a cache line boundary */
static inline ptrdiff_t ljat_workspace(ptrdiff_t n)
{
    const ptrdiff_t P = (n + 7) / 8 * 8;
    return 6 * P + 16 * n * P + 9 * n * n;
}

typedef struct {
    double (*energy_gradient)(ptrdiff_t n, double z, const double *x, double *g, double *work);
    void (*hessian)(ptrdiff_t n, double z, const double *x, double *h, double *work);
} ljat_kernels_t;

static int ljat_choose_kernels(int lanes, ljat_kernels_t *k)
{
    lanes = simd_lanes(lanes);
#define LJAT_KERNELS(L) (ljat_kernels_t) { ljat_energy_gradient_##L, ljat_hessian_##L }
    SIMD_CHOOSE(*k, LJAT_KERNELS, lanes);
    return lanes;
}
#endif
