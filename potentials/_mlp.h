/* Multilayer perceptron: data of an instance, and the choice of the kernels for the processor at hand. */
#ifndef LANDSCAPES_MLP_H
#define LANDSCAPES_MLP_H
#include <float.h>
#include <stddef.h>
#include <string.h>

typedef void (*mlp_dgemm_t)(char *ta, char *tb, int *m, int *n, int *k, double *alpha, double *a, int *lda, double *b, int *ldb,
                            double *beta, double *c, int *ldc);

typedef struct {
    ptrdiff_t n_layers;         /* layers of weights, H */
    const ptrdiff_t *size;      /* nodes per layer, H + 1 entries */
    const ptrdiff_t *weights;   /* [1..H]: where W_l starts among the variables; W_l is size[l] x size[l-1], row-major */
    const ptrdiff_t *biases;    /* [1..H]: where b_l starts */
    const ptrdiff_t *node;      /* [0..H]: first node of a layer, counted from the first hidden layer; node[0] = 0, unused */
    const ptrdiff_t *owner;     /* per variable: the node it leads into */
    int has_biases;
    ptrdiff_t n_variables, n_items;
    ptrdiff_t block, n_blocks;  /* items per block (a multiple of 8) and blocks */
    const double *inputs;       /* blocks of size[0] rows of block items */
    const double *targets;      /* blocks of size[H] rows: 1/n_items for the class of the item, else 0 (or shares of it) */
    const double *item_weights; /* 1/n_items; 0 for padding */
    double lam;
    ptrdiff_t n_regularised;    /* the first this many variables enter the regularisation */
    const unsigned char *frozen; /* per variable, or NULL */
    double *thawed, *thawed_direction; /* n_variables each, used when frozen is given */
    /* work space over one block: nodes x block each, rows: n_weights x block */
    double *activations, *deltas, *raw, *r_activations, *r_deltas, *rows;
    mlp_dgemm_t dgemm;
} mlp_t;

static inline const double *mlp_thaw_into(const mlp_t *m, const double *x, double *to)
{
    if (!m->frozen) return x;
    for (ptrdiff_t i = 0; i < m->n_variables; i++) to[i] = m->frozen[i] ? 0.0 : x[i];
    return to;
}

/* the variables with the frozen ones at zero */
static inline const double *mlp_thaw(const mlp_t *m, const double *x) { return mlp_thaw_into(m, x, m->thawed); }
static inline const double *mlp_thaw_direction(const mlp_t *m, const double *v)
{
    return mlp_thaw_into(m, v, m->thawed_direction);
}

/* adds the gradient of lam |V|^2, clears the gradient of frozen variables, returns lam |V|^2 */
static inline double mlp_regularise(const mlp_t *m, const double *w, double *g)
{
    double s = 0.0;
#pragma omp simd reduction(+ : s)
    for (ptrdiff_t i = 0; i < m->n_regularised; i++) {
        s += w[i] * w[i];
        g[i] += 2.0 * m->lam * w[i];
    }
    if (m->frozen)
        for (ptrdiff_t i = 0; i < m->n_variables; i++)
            if (m->frozen[i]) g[i] = 0.0;
    return m->lam * s;
}

static inline void mlp_finish_vector(const mlp_t *m, const double *v, double *hv)
{
    mlp_regularise(m, v, hv);
}

/* The kernels fill H[p,q] where the node of p comes before that of q, or is the same; the rest follows by symmetry. */
static inline void mlp_finish_hessian(const mlp_t *m, double *h)
{
    const ptrdiff_t n = m->n_variables, tile = 32;
    for (ptrdiff_t p0 = 0; p0 < n; p0 += tile)
        for (ptrdiff_t q0 = 0; q0 <= p0; q0 += tile)
            for (ptrdiff_t p = p0; p < p0 + tile && p < n; p++)
                for (ptrdiff_t q = q0; q < q0 + tile && q < p; q++) {
                    if (m->owner[p] < m->owner[q]) h[q * n + p] = h[p * n + q];
                    else h[p * n + q] = h[q * n + p];
                }
    for (ptrdiff_t i = 0; i < m->n_regularised; i++) h[i * n + i] += 2.0 * m->lam;
    if (m->frozen)
        for (ptrdiff_t i = 0; i < n; i++)
            if (m->frozen[i])
                for (ptrdiff_t j = 0; j < n; j++) h[i * n + j] = h[j * n + i] = 0.0;
}

/* Products with at least this many rows and columns are left to BLAS; narrower ones it does more slowly than the kernels here. */
#define MLP_GEMM_LEAST 24

/* g[i*gs + j] += sum_d rows_i[d] columns_j[d]; to the column-major BLAS that is columns^T rows */
static inline void mlp_gemm(const mlp_t *m, ptrdiff_t n, ptrdiff_t n_rows, const double *rows, ptrdiff_t n_columns,
                            const double *columns, ptrdiff_t ld, double *g, ptrdiff_t gs)
{
    int M = (int)n_columns, N = (int)n_rows, K = (int)n, L = (int)ld, S = (int)gs;
    double one = 1.0;
    m->dgemm("T", "N", &M, &N, &K, &one, (double *)columns, &L, (double *)rows, &L, &one, g, &S);
}

#define SIMD_TEMPLATE "_mlp_template.h"
#include "_simd_instances.h"

typedef struct {
    double (*energy_gradient)(const mlp_t *, const double *, double *);
    void (*hessian)(const mlp_t *, const double *, double *);
    void (*hessian_vector)(const mlp_t *, const double *, const double *, double *);
    void (*probabilities)(const mlp_t *, const double *, ptrdiff_t, const double *, double *);
    void (*elementary)(int, ptrdiff_t, const double *, double *);
} mlp_kernels_t;

#define MLP_KERNELS(L) \
    (mlp_kernels_t) { mlp_energy_gradient_##L, mlp_hessian_##L, mlp_hessian_vector_##L, mlp_probabilities_##L, elementary_##L }

/* lanes: doubles per vector, 0 = the best of this processor; returns the lanes chosen */
static int mlp_choose_kernels(int lanes, mlp_kernels_t *k)
{
    lanes = simd_lanes(lanes);
    SIMD_CHOOSE(*k, MLP_KERNELS, lanes);
    return lanes;
}
#endif
