/* Multilayer perceptron: the kernels for one instruction set (see _simd.h for how this file is included).
 *
 * Arrays over a block of data items have one row per node and the data item innermost, so that every inner loop has unit stride
 * and no loop runs over single items. A row is m->block long; n of its entries are in use (a multiple of VL; the items that pad
 * the last block have weight zero and zero inputs).
 */

/* R rows by C columns of sum_d rows_i[d] columns_j[d], added to g[i*gs + j]; R and C are constants after inlining */
SIMD_FN void SIMD(outer_tile)(const int R, const int C, ptrdiff_t n, const double *rows, const double *columns, ptrdiff_t ld,
                              double *g, ptrdiff_t gs)
{
    vd sum[16];
    double sums[16];
#pragma GCC unroll 16
    for (int t = 0; t < R * C; t++) sum[t] = (vd){0};
    for (ptrdiff_t d = 0; d < n; d += VL) {
        vd column[4];
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) column[c] = SIMD(v_load)(columns + c * ld + d);
#pragma GCC unroll 4
        for (int r = 0; r < R; r++) {
            const vd row = SIMD(v_load)(rows + r * ld + d);
#pragma GCC unroll 4
            for (int c = 0; c < C; c++) sum[r * C + c] = SIMD(v_fma)(row, column[c], sum[r * C + c]);
        }
    }
    SIMD(v_sums)(R * C, sum, sums);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) g[r * gs + c] += sums[r * C + c];
}

SIMD_FN void SIMD(outer_columns)(const int C, ptrdiff_t n, ptrdiff_t n_rows, const double *rows, const double *columns,
                                 ptrdiff_t ld, double *g, ptrdiff_t gs)
{
    ptrdiff_t i = 0;
#if VL == 8
    /* as many sums as there are registers for */
    for (; i + 4 <= n_rows; i += 4) SIMD(outer_tile)(4, C, n, rows + i * ld, columns, ld, g + i * gs, gs);
#endif
    for (; i + 3 <= n_rows; i += 3) SIMD(outer_tile)(3, C, n, rows + i * ld, columns, ld, g + i * gs, gs);
    if (n_rows - i == 2) SIMD(outer_tile)(2, C, n, rows + i * ld, columns, ld, g + i * gs, gs);
    if (n_rows - i == 1) SIMD(outer_tile)(1, C, n, rows + i * ld, columns, ld, g + i * gs, gs);
}

/* g[i*gs + j] += sum_d rows_i[d] columns_j[d] */
static void SIMD(outer)(const mlp_t *m, ptrdiff_t n, ptrdiff_t n_rows, const double *rows, ptrdiff_t n_columns, const double *columns,
                        ptrdiff_t ld, double *g, ptrdiff_t gs)
{
    ptrdiff_t j = 0;
    if (n_rows >= MLP_GEMM_LEAST && n_columns >= MLP_GEMM_LEAST) {
        mlp_gemm(m, n, n_rows, rows, n_columns, columns, ld, g, gs);
        return;
    }
    for (; j + 4 <= n_columns; j += 4) SIMD(outer_columns)(4, n, n_rows, rows, columns + j * ld, ld, g + j, gs);
    switch (n_columns - j) {
    case 3: SIMD(outer_columns)(3, n, n_rows, rows, columns + j * ld, ld, g + j, gs); break;
    case 2: SIMD(outer_columns)(2, n, n_rows, rows, columns + j * ld, ld, g + j, gs); break;
    case 1: SIMD(outer_columns)(1, n, n_rows, rows, columns + j * ld, ld, g + j, gs); break;
    }
}

/* g[i*gs] += sum_d rows_i[d] */
static void SIMD(row_sums)(ptrdiff_t n, ptrdiff_t n_rows, const double *rows, ptrdiff_t ld, double *g, ptrdiff_t gs)
{
    ptrdiff_t i = 0;
    for (; i + 4 <= n_rows; i += 4) {
        vd s[4] = {{0}, {0}, {0}, {0}};
        double sums[4];
        for (ptrdiff_t d = 0; d < n; d += VL)
            for (int r = 0; r < 4; r++) s[r] += SIMD(v_load)(rows + (i + r) * ld + d);
        SIMD(v_sums)(4, s, sums);
        for (int r = 0; r < 4; r++) g[(i + r) * gs] += sums[r];
    }
    for (; i < n_rows; i++) {
        vd s = {0};
        for (ptrdiff_t d = 0; d < n; d += VL) s += SIMD(v_load)(rows + i * ld + d);
        g[i * gs] += SIMD(v_sum)(s);
    }
}

/* What is done to a sum before it is stored: nothing; added to what is there; its tanh; times 1 - a^2, a in `slope` */
enum { SIMD(PLAIN), SIMD(ADD), SIMD(TANH), SIMD(SLOPE) };

/* R rows of out = w in + b over V vectors; R, V and what is done are constants after inlining */
SIMD_FN void SIMD(affine_tile)(const int R, const int V, const int what, ptrdiff_t n_in, const double *w, ptrdiff_t rs, ptrdiff_t cs,
                               const double *b, const double *slope, const double *in, ptrdiff_t ld, double *out, ptrdiff_t out_ld)
{
    vd sum[12];
#pragma GCC unroll 6
    for (int r = 0; r < R; r++) {
        const vd start = b ? SIMD(v_set)(b[r]) : (vd){0};
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) sum[r * V + v] = what == SIMD(ADD) ? SIMD(v_load)(out + r * out_ld + v * VL) : start;
    }
    for (ptrdiff_t k = 0; k < n_in; k++) {
        vd a[2];
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) a[v] = SIMD(v_load)(in + k * ld + v * VL);
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) {
            const vd weight = SIMD(v_set)(w[r * rs + k * cs]);
#pragma GCC unroll 2
            for (int v = 0; v < V; v++) sum[r * V + v] = SIMD(v_fma)(weight, a[v], sum[r * V + v]);
        }
    }
    if (what == SIMD(TANH)) {
#pragma GCC unroll 3
        for (int t = 0; t + 4 <= R * V; t += 4) SIMD(v_tanhs)(4, sum + t);
        if (R * V % 4) SIMD(v_tanhs)(R * V % 4, sum + R * V / 4 * 4);
    }
#pragma GCC unroll 6
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) {
            vd y = sum[r * V + v];
            if (what == SIMD(SLOPE)) {
                const vd t = SIMD(v_load)(slope + r * out_ld + v * VL);
                y *= SIMD(v_nfma)(t, t, SIMD(v_set)(1.0));
            }
            SIMD(v_store)(out + r * out_ld + v * VL, y);
        }
}

SIMD_FN void SIMD(affine_rows)(const int R, const int what, ptrdiff_t n, ptrdiff_t n_in, const double *w, ptrdiff_t rs, ptrdiff_t cs,
                               const double *b, const double *slope, const double *in, ptrdiff_t ld, double *out, ptrdiff_t out_ld)
{
    ptrdiff_t d = 0;
    for (; d + 2 * VL <= n; d += 2 * VL)
        SIMD(affine_tile)(R, 2, what, n_in, w, rs, cs, b, slope + d, in + d, ld, out + d, out_ld);
    if (d < n) SIMD(affine_tile)(R, 1, what, n_in, w, rs, cs, b, slope + d, in + d, ld, out + d, out_ld);
}

/* out_i[d] = sum_k w[i*rs + k*cs] in_k[d] (+ b_i), and what is done to it */
SIMD_FN void SIMD(affine_all)(const int what, ptrdiff_t n, ptrdiff_t n_out, ptrdiff_t n_in, const double *w, ptrdiff_t rs, ptrdiff_t cs,
                              const double *b, const double *slope, const double *in, ptrdiff_t ld, double *out, ptrdiff_t out_ld)
{
    /* rows in tiles of at most six, as even as they come */
    const ptrdiff_t tiles = (n_out + 5) / 6;
    ptrdiff_t i = 0;
    for (ptrdiff_t t = 0; t < tiles; t++) {
        const ptrdiff_t rows = (n_out - i + tiles - t - 1) / (tiles - t);
        const double *wi = w + i * rs, *bi = b ? b + i : NULL, *si = slope + i * out_ld;
        double *oi = out + i * out_ld;
        switch (rows) {
        case 1: SIMD(affine_rows)(1, what, n, n_in, wi, rs, cs, bi, si, in, ld, oi, out_ld); break;
        case 2: SIMD(affine_rows)(2, what, n, n_in, wi, rs, cs, bi, si, in, ld, oi, out_ld); break;
        case 3: SIMD(affine_rows)(3, what, n, n_in, wi, rs, cs, bi, si, in, ld, oi, out_ld); break;
        case 4: SIMD(affine_rows)(4, what, n, n_in, wi, rs, cs, bi, si, in, ld, oi, out_ld); break;
        case 5: SIMD(affine_rows)(5, what, n, n_in, wi, rs, cs, bi, si, in, ld, oi, out_ld); break;
        case 6: SIMD(affine_rows)(6, what, n, n_in, wi, rs, cs, bi, si, in, ld, oi, out_ld); break;
        }
        i += rows;
    }
}

/* with add: added to out */
static void SIMD(affine)(ptrdiff_t n, ptrdiff_t n_out, ptrdiff_t n_in, const double *w, ptrdiff_t rs, ptrdiff_t cs,
                         const double *b, int add, const double *in, ptrdiff_t ld, double *out, ptrdiff_t out_ld)
{
    if (add) SIMD(affine_all)(SIMD(ADD), n, n_out, n_in, w, rs, cs, b, out, in, ld, out, out_ld);
    else SIMD(affine_all)(SIMD(PLAIN), n, n_out, n_in, w, rs, cs, b, out, in, ld, out, out_ld);
}

/* the activations of a layer */
static void SIMD(affine_tanh)(ptrdiff_t n, ptrdiff_t n_out, ptrdiff_t n_in, const double *w, const double *b, const double *in,
                              ptrdiff_t ld, double *out)
{
    SIMD(affine_all)(SIMD(TANH), n, n_out, n_in, w, n_in, 1, b, out, in, ld, out, ld);
}

/* the derivatives with respect to what enters a layer with activations a: (1 - a^2) w^T in */
static void SIMD(affine_slope)(ptrdiff_t n, ptrdiff_t n_out, ptrdiff_t n_in, const double *w, const double *a, const double *in,
                               ptrdiff_t ld, double *out)
{
    SIMD(affine_all)(SIMD(SLOPE), n, n_out, n_in, w, 1, n_out, NULL, a, in, ld, out, ld);
}

/* Sums of exponentials (each at most the number of classes) whose logarithms are taken together, as that of their product */
enum { SIMD(SUMS_PER_LOG) = 16 };

/* y (outputs before the softmax) becomes the probabilities p, or is left as it comes without `keep`; with `learn` delta = weight p - target
 * and the sum of -target ln p is returned (keep and learn are constants after inlining). The weights are all the same, or zero for the items
 * that pad the end of a block; targets hold the weight in the class of the item. */
SIMD_FN double SIMD(softmax_rows)(const int keep, const int learn, ptrdiff_t n, ptrdiff_t n_out, double *restrict y,
                                  const double *restrict target, const double *restrict weight, double *restrict delta, ptrdiff_t ld)
{
    const vd one = SIMD(v_set)(1.0);
    vd hits = {0}, logs = {0}, product = one;
    for (ptrdiff_t d = 0; d < n; d += VL) {
        vd top = SIMD(v_load)(y + d), sum = {0};
        double *e = learn ? delta : y;
#pragma GCC unroll 4
        for (ptrdiff_t i = 1; i < n_out; i++) top = SIMD(v_larger)(top, SIMD(v_load)(y + i * ld + d));
#pragma GCC unroll 4
        for (ptrdiff_t i = 0; i < n_out; i++) {
            const vd shifted = SIMD(v_load)(y + i * ld + d) - top, grown = SIMD(v_exp)(shifted);
            if (learn) hits = SIMD(v_fma)(SIMD(v_load)(target + i * ld + d), shifted, hits);
            sum += grown;
            SIMD(v_store)(e + i * ld + d, grown);
        }
        const vd inverse = 1.0 / sum, w = learn ? SIMD(v_load)(weight + d) : inverse, scale = w * inverse;
#pragma GCC unroll 4
        for (ptrdiff_t i = 0; i < n_out; i++) {
            const vd part = SIMD(v_load)(e + i * ld + d);
            if (keep) SIMD(v_store)(y + i * ld + d, part * inverse);
            if (learn) SIMD(v_store)(delta + i * ld + d, SIMD(v_fma)(part, scale, -SIMD(v_load)(target + i * ld + d)));
        }
        if (learn) {
            product *= SIMD(v_if_less)(w, DBL_MIN, one, sum);
            if (d / VL % SIMD(SUMS_PER_LOG) == SIMD(SUMS_PER_LOG) - 1) {
                logs += SIMD(v_log)(product);
                product = one;
            }
        }
    }
    return learn ? SIMD(v_sum)(weight[0] * (logs + SIMD(v_log)(product)) - hits) : 0.0;
}

/* for the gradient alone, p is not kept; few classes, as most data sets have, are worth loops of their own */
static double SIMD(softmax_gradient)(ptrdiff_t n, ptrdiff_t n_out, double *y, const double *target, const double *weight, double *delta,
                                     ptrdiff_t ld)
{
    switch (n_out) {
    case 2: return SIMD(softmax_rows)(0, 1, n, 2, y, target, weight, delta, ld);
    case 3: return SIMD(softmax_rows)(0, 1, n, 3, y, target, weight, delta, ld);
    case 4: return SIMD(softmax_rows)(0, 1, n, 4, y, target, weight, delta, ld);
    default: return SIMD(softmax_rows)(0, 1, n, n_out, y, target, weight, delta, ld);
    }
}

/* y becomes p; the rest as above */
static double SIMD(softmax)(ptrdiff_t n, ptrdiff_t n_out, double *y, const double *target, const double *weight, double *delta,
                            ptrdiff_t ld)
{
    return SIMD(softmax_rows)(1, 1, n, n_out, y, target, weight, delta, ld);
}

/* b = (1 - a^2) e, row by row */
static void SIMD(times_tanh_slope)(ptrdiff_t n, ptrdiff_t rows, const double *a, double *e, ptrdiff_t ld)
{
    for (ptrdiff_t j = 0; j < rows; j++)
        for (ptrdiff_t d = 0; d < n; d += VL) {
            const vd t = SIMD(v_load)(a + j * ld + d);
            SIMD(v_store)(e + j * ld + d, SIMD(v_nfma)(t, t, SIMD(v_set)(1.0)) * SIMD(v_load)(e + j * ld + d));
        }
}

#define A(l) (m->activations + m->node[l] * B)
#define DELTA(l) (m->deltas + m->node[l] * B)

/* activations of every layer of one block; the last layer is left before the softmax */
static void SIMD(mlp_forward)(const mlp_t *m, const double *w, ptrdiff_t n, const double *inputs)
{
    const ptrdiff_t B = m->block, H = m->n_layers;
    for (ptrdiff_t l = 1; l <= H; l++) {
        const double *in = l == 1 ? inputs : A(l - 1);
        const double *bias = m->has_biases ? w + m->biases[l] : NULL;
        if (l < H) SIMD(affine_tanh)(n, m->size[l], m->size[l - 1], w + m->weights[l], bias, in, B, A(l));
        else SIMD(affine)(n, m->size[l], m->size[l - 1], w + m->weights[l], m->size[l - 1], 1, bias, 0, in, B, A(l), B);
    }
}

/* derivatives with respect to what enters every node, from those of the last layer; keep_raw (may be NULL) receives, node by
 * node, the derivatives with respect to the activations */
static void SIMD(mlp_backward)(const mlp_t *m, const double *w, ptrdiff_t n, double *keep_raw)
{
    const ptrdiff_t B = m->block, H = m->n_layers;
    for (ptrdiff_t l = H - 1; l >= 1; l--) {
        if (!keep_raw) {
            SIMD(affine_slope)(n, m->size[l], m->size[l + 1], w + m->weights[l + 1], A(l), DELTA(l + 1), B, DELTA(l));
            continue;
        }
        SIMD(affine)(n, m->size[l], m->size[l + 1], w + m->weights[l + 1], 1, m->size[l], NULL, 0, DELTA(l + 1), B, DELTA(l), B);
        memcpy(keep_raw + m->node[l] * B, DELTA(l), (size_t)(m->size[l] * B) * sizeof(double));
        SIMD(times_tanh_slope)(n, m->size[l], A(l), DELTA(l), B);
    }
}

static inline ptrdiff_t SIMD(mlp_width)(const mlp_t *m, ptrdiff_t block)
{
    const ptrdiff_t left = m->n_items - block * m->block;
    return left >= m->block ? m->block : (left + VL - 1) / VL * VL;
}

static double SIMD(mlp_energy_gradient)(const mlp_t *m, const double *x, double *g)
{
    const ptrdiff_t B = m->block, H = m->n_layers;
    const double *w = mlp_thaw(m, x);
    double loss = 0.0;
    memset(g, 0, (size_t)m->n_variables * sizeof(double));
    for (ptrdiff_t block = 0; block < m->n_blocks; block++) {
        const ptrdiff_t n = SIMD(mlp_width)(m, block);
        const double *inputs = m->inputs + block * B * m->size[0];
        SIMD(mlp_forward)(m, w, n, inputs);
        const double *targets = m->targets + block * B * m->size[H];
        loss += SIMD(softmax_gradient)(n, m->size[H], A(H), targets, m->item_weights + block * B, DELTA(H), B);
        SIMD(mlp_backward)(m, w, n, NULL);
        for (ptrdiff_t l = 1; l <= H; l++) {
            SIMD(outer)(m, n, m->size[l], DELTA(l), m->size[l - 1], l == 1 ? inputs : A(l - 1), B, g + m->weights[l], m->size[l - 1]);
            if (m->has_biases) SIMD(row_sums)(n, m->size[l], DELTA(l), B, g + m->biases[l], 1);
        }
    }
    return loss + mlp_regularise(m, w, g);
}

/* class probabilities of n_items other inputs (same blocked layout); out: blocks of size[H] rows */
static void SIMD(mlp_probabilities)(const mlp_t *m, const double *x, ptrdiff_t n_blocks, const double *inputs, double *out)
{
    const ptrdiff_t B = m->block, H = m->n_layers;
    const double *w = mlp_thaw(m, x);
    for (ptrdiff_t block = 0; block < n_blocks; block++) {
        SIMD(mlp_forward)(m, w, B, inputs + block * B * m->size[0]);
        SIMD(softmax_rows)(1, 0, B, m->size[H], A(H), NULL, NULL, NULL, B);
        memcpy(out + block * B * m->size[H], A(H), (size_t)(B * m->size[H]) * sizeof(double));
    }
}

#include "_mlp_hessian_template.h"
#undef A
#undef DELTA
