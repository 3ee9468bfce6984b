/* Spherical p-spin: the storage of the couplings, and the choice of the kernels for the processor at hand. */
#ifndef LANDSCAPES_PSPIN_H
#define LANDSCAPES_PSPIN_H
#include <stddef.h>
#include <string.h>
#define PSPIN_MAX_P 16

/* next sorted set of m indices; 0 at the end */
static inline int pspin_next(ptrdiff_t n, int m, ptrdiff_t *index)
{
    int t = m - 1;
    while (t >= 0 && index[t] == n - 1) t--;
    if (t < 0) return 0;
    index[t]++;
    for (int u = t + 1; u < m; u++) index[u] = index[t];
    return 1;
}

/* Copies the couplings of sorted indices (lexicographic, "packed") into the panels of _pspin_template.h, or with back those of the
 * panels into packed order. Returns the length of the panels; either pointer may be NULL to ask for that alone. */
static ptrdiff_t pspin_arrange(ptrdiff_t n, int p, double *packed, double *panels, int back)
{
    const ptrdiff_t padded = (n + 7) / 8 * 8;
    ptrdiff_t index[PSPIN_MAX_P] = {0}, at = 0;
    do {
        for (ptrdiff_t row = index[p - 3]; row < n;) {
            const ptrdiff_t block = row / 8 * 8, end = block + 8 < n ? block + 8 : n, rows = end - row;
            if (packed && panels) {
                if (!back) memset(panels + at, 0, (size_t)(rows * (padded - block)) * sizeof(double));
                for (ptrdiff_t r = row; r < end; r++)
                    for (ptrdiff_t k = r; k < n; k++) {
                        double *panel = panels + at + (k - block) / 8 * 8 * rows + 8 * (r - row) + k % 8;
                        if (back) *packed++ = *panel;
                        else *panel = *packed++;
                    }
            }
            at += rows * (padded - block);
            row = end;
        }
    } while (pspin_next(n, p - 2, index));
    return at;
}

#define SIMD_TEMPLATE "_pspin_template.h"
#include "_simd_instances.h"

typedef struct {
    double (*energy_gradient)(ptrdiff_t n, int p, const double *c, const double *w, double *g, double *work);
    void (*half_hessian)(ptrdiff_t n, int p, const double *c, const double *w, double *h, double *work);
} pspin_kernels_t;

static int pspin_choose_kernels(int lanes, pspin_kernels_t *k)
{
    lanes = simd_lanes(lanes);
#define PSPIN_KERNELS(L) (pspin_kernels_t) { pspin_energy_gradient_##L, pspin_half_hessian_##L }
    SIMD_CHOOSE(*k, PSPIN_KERNELS, lanes);
    return lanes;
}
#endif
