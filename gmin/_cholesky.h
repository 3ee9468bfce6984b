/* Cholesky factors of lifted Hessians: the choice of the kernels for the processor at hand. */
#ifndef LANDSCAPES_CHOLESKY_H
#define LANDSCAPES_CHOLESKY_H
#include <math.h>

#define SIMD_TEMPLATE "../gmin/_cholesky_template.h"
#include "../potentials/_simd_instances.h"

typedef struct {
    /* U: P x P doubles and inverses: 16 P doubles, P = n rounded up to a multiple of 8; lift: rows of length P */
    double (*factor)(ptrdiff_t n, const double *h, int n_lift, const double *lift, double *U, double *inverses, double *log_det);
    /* b: P doubles */
    void (*solve)(ptrdiff_t n, const double *U, const double *inverses, double *b);
} cholesky_kernels_t;

static int cholesky_choose_kernels(int lanes, cholesky_kernels_t *k)
{
    lanes = simd_lanes(lanes);
#define CHOLESKY_KERNELS(L) (cholesky_kernels_t) { chol_factor_##L, chol_solve_##L }
    SIMD_CHOOSE(*k, CHOLESKY_KERNELS, lanes);
    return lanes;
}
#endif
