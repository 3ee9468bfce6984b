/* Multilayer perceptron: Hessian and Hessian times vector, for one instruction set; included by _mlp_template.h.
 *
 * The derivative of the loss with respect to W_l[i,j] is sum_d delta_{l,i}[d] a_{l-1,j}[d]. Differentiating once more with respect
 * to W_m[a,k], m <= l, everything goes through z_{m,a}, what enters node a of layer m, and dz_{m,a}/dW_m[a,k] = a_{m-1,k}:
 *
 *     H[W_l[i,j], W_m[a,k]] = sum_d Q_{l,i,j}[d] a_{m-1,k}[d],   Q = (R delta_{l,i}) a_{l-1,j} + delta_{l,i} (R a_{l-1,j}),
 *
 * with R the derivative along z_{m,a} (Pearlmutter, Neural Comput. 6, 147 (1994), with one direction for every node and all data
 * items at once instead of one for every variable). There are as many directions as nodes, and each yields all rows of the
 * node's weights as a matrix product over the data items.
 */
#define RA(l) (m->r_activations + m->node[l] * B)
#define RD(l) (m->r_deltas + m->node[l] * B)
#define RAW(l) (m->raw + m->node[l] * B)

/* R of weight (p - t) for a change ry of what enters the softmax: weight p (ry - p.ry) */
static void SIMD(softmax_direction)(ptrdiff_t n, ptrdiff_t n_out, const double *p, const double *weight, const double *ry,
                                    double *rd, ptrdiff_t ld)
{
    for (ptrdiff_t d = 0; d < n; d += VL) {
        vd mean = {0};
        const vd w = SIMD(v_load)(weight + d);
        for (ptrdiff_t i = 0; i < n_out; i++) mean = SIMD(v_fma)(SIMD(v_load)(p + i * ld + d), SIMD(v_load)(ry + i * ld + d), mean);
        for (ptrdiff_t i = 0; i < n_out; i++)
            SIMD(v_store)(rd + i * ld + d, w * SIMD(v_load)(p + i * ld + d) * (SIMD(v_load)(ry + i * ld + d) - mean));
    }
}

/* R of delta = (1 - a^2) raw: rd holds R raw and becomes (1 - a^2) rd - 2 a (R a) raw; ra NULL: no change of a */
static void SIMD(delta_direction)(ptrdiff_t n, ptrdiff_t rows, const double *a, const double *raw, const double *ra, double *rd,
                                  ptrdiff_t ld)
{
    for (ptrdiff_t j = 0; j < rows; j++)
        for (ptrdiff_t d = j * ld; d < j * ld + n; d += VL) {
            const vd t = SIMD(v_load)(a + d);
            vd r = SIMD(v_nfma)(t, t, SIMD(v_set)(1.0)) * SIMD(v_load)(rd + d);
            if (ra) r = SIMD(v_nfma)(2.0 * t * SIMD(v_load)(ra + d), SIMD(v_load)(raw + d), r);
            SIMD(v_store)(rd + d, r);
        }
}

/* forward and backward sweep of R along z_{layer,a} over one block: RA(l) for layer <= l < H (in the layer itself node a alone),
 * RD(l) for l >= layer */
static void SIMD(mlp_node_direction)(const mlp_t *m, const double *w, ptrdiff_t n, ptrdiff_t layer, ptrdiff_t a,
                                     const double *weight)
{
    const ptrdiff_t B = m->block, H = m->n_layers;
    double *ra = RA(layer) + a * B;
    if (layer == H) {
        for (ptrdiff_t i = 0; i < m->size[H]; i++)
            for (ptrdiff_t d = 0; d < n; d++) RA(H)[i * B + d] = i == a;
    } else {
        for (ptrdiff_t d = 0; d < n; d += VL) {
            const vd t = SIMD(v_load)(A(layer) + a * B + d);
            SIMD(v_store)(ra + d, SIMD(v_nfma)(t, t, SIMD(v_set)(1.0)));
        }
        SIMD(affine)(n, m->size[layer + 1], 1, w + m->weights[layer + 1] + a, m->size[layer], 1, NULL, 0, ra, B, RA(layer + 1), B);
        for (ptrdiff_t l = layer + 1; l < H; l++) {
            SIMD(times_tanh_slope)(n, m->size[l], A(l), RA(l), B);
            SIMD(affine)(n, m->size[l + 1], m->size[l], w + m->weights[l + 1], m->size[l], 1, NULL, 0, RA(l), B, RA(l + 1), B);
        }
    }
    SIMD(softmax_direction)(n, m->size[H], A(H), weight, RA(H), RD(H), B);
    for (ptrdiff_t l = H - 1; l >= layer; l--) {
        SIMD(affine)(n, m->size[l], m->size[l + 1], w + m->weights[l + 1], 1, m->size[l], NULL, 0, RD(l + 1), B, RD(l), B);
        SIMD(delta_direction)(n, m->size[l], A(l), RAW(l), l > layer ? RA(l) : NULL, RD(l), B);
    }
    if (layer < H)
        for (ptrdiff_t d = a * B; d < a * B + n; d += VL) {
            const vd change = 2.0 * SIMD(v_load)(A(layer) + d) * SIMD(v_load)(RA(layer) + d) * SIMD(v_load)(RAW(layer) + d);
            SIMD(v_store)(RD(layer) + d, SIMD(v_load)(RD(layer) + d) - change);
        }
}

/* Q of all weights from W_layer[a,0] on, one row each, in the order of the variables; returns their number */
static ptrdiff_t SIMD(mlp_node_rows)(const mlp_t *m, ptrdiff_t n, ptrdiff_t layer, ptrdiff_t a, const double *inputs, double *q)
{
    const ptrdiff_t B = m->block, H = m->n_layers;
    const double *start = q;
    for (ptrdiff_t l = layer; l <= H; l++) {
        const double *in = l == 1 ? inputs : A(l - 1);
        for (ptrdiff_t i = l == layer ? a : 0; i < m->size[l]; i++) {
            const double *rd = RD(l) + i * B, *delta = DELTA(l) + i * B;
            for (ptrdiff_t j = 0; j < m->size[l - 1]; j++, q += B) {
                const double *ra = RA(l - 1) + j * B;
                if (l > layer + 1 || (l == layer + 1 && j == a)) {
                    for (ptrdiff_t d = 0; d < n; d += VL)
                        SIMD(v_store)(q + d, SIMD(v_fma)(SIMD(v_load)(rd + d), SIMD(v_load)(in + j * B + d),
                                                         SIMD(v_load)(delta + d) * SIMD(v_load)(ra + d)));
                } else {
                    for (ptrdiff_t d = 0; d < n; d += VL)
                        SIMD(v_store)(q + d, SIMD(v_load)(rd + d) * SIMD(v_load)(in + j * B + d));
                }
            }
        }
    }
    return (q - start) / B;
}

static void SIMD(mlp_hessian)(const mlp_t *m, const double *x, double *h)
{
    const ptrdiff_t B = m->block, H = m->n_layers, N = m->n_variables;
    const double *w = mlp_thaw(m, x);
    memset(h, 0, (size_t)(N * N) * sizeof(double));
    for (ptrdiff_t block = 0; block < m->n_blocks; block++) {
        const ptrdiff_t n = SIMD(mlp_width)(m, block);
        const double *inputs = m->inputs + block * B * m->size[0], *weight = m->item_weights + block * B;
        SIMD(mlp_forward)(m, w, n, inputs);
        SIMD(softmax)(n, m->size[H], A(H), m->targets + block * B * m->size[H], weight, DELTA(H), B);
        SIMD(mlp_backward)(m, w, n, m->raw);
        for (ptrdiff_t layer = 1; layer <= H; layer++) {
            const ptrdiff_t width = m->size[layer - 1];
            const double *in = layer == 1 ? inputs : A(layer - 1);
            for (ptrdiff_t a = 0; a < m->size[layer]; a++) {
                const ptrdiff_t first = m->weights[layer] + a * width;
                double *rows = h + first * N;
                SIMD(mlp_node_direction)(m, w, n, layer, a, weight);
                const ptrdiff_t n_rows = SIMD(mlp_node_rows)(m, n, layer, a, inputs, m->rows);
                SIMD(outer)(m, n, width, in, n_rows, m->rows, B, rows + first, N);
                if (m->has_biases) {
                    const ptrdiff_t bias = m->biases[layer] + a, n_biases = N - bias;
                    SIMD(outer)(m, n, width, in, n_biases, RD(layer) + a * B, B, rows + bias, N);
                    SIMD(row_sums)(n, n_rows, m->rows, B, h + bias * N + first, 1);
                    SIMD(row_sums)(n, n_biases, RD(layer) + a * B, B, h + bias * N + bias, 1);
                }
            }
        }
    }
    mlp_finish_hessian(m, h);
}

/* hv = H v, by the same R with all variables moving along v */
static void SIMD(mlp_hessian_vector)(const mlp_t *m, const double *x, const double *direction, double *hv)
{
    const ptrdiff_t B = m->block, H = m->n_layers;
    const double *w = mlp_thaw(m, x), *v = mlp_thaw_direction(m, direction);
    memset(hv, 0, (size_t)m->n_variables * sizeof(double));
    for (ptrdiff_t block = 0; block < m->n_blocks; block++) {
        const ptrdiff_t n = SIMD(mlp_width)(m, block);
        const double *inputs = m->inputs + block * B * m->size[0], *weight = m->item_weights + block * B;
        SIMD(mlp_forward)(m, w, n, inputs);
        SIMD(softmax)(n, m->size[H], A(H), m->targets + block * B * m->size[H], weight, DELTA(H), B);
        SIMD(mlp_backward)(m, w, n, m->raw);
        for (ptrdiff_t l = 1; l <= H; l++) {
            const ptrdiff_t in = m->size[l - 1];
            SIMD(affine)(n, m->size[l], in, v + m->weights[l], in, 1, m->has_biases ? v + m->biases[l] : NULL, 0,
                         l == 1 ? inputs : A(l - 1), B, RA(l), B);
            if (l > 1) SIMD(affine)(n, m->size[l], in, w + m->weights[l], in, 1, NULL, 1, RA(l - 1), B, RA(l), B);
            if (l < H) SIMD(times_tanh_slope)(n, m->size[l], A(l), RA(l), B);
        }
        SIMD(softmax_direction)(n, m->size[H], A(H), weight, RA(H), RD(H), B);
        for (ptrdiff_t l = H - 1; l >= 1; l--) {
            const ptrdiff_t out = m->size[l + 1];
            SIMD(affine)(n, m->size[l], out, w + m->weights[l + 1], 1, m->size[l], NULL, 0, RD(l + 1), B, RD(l), B);
            SIMD(affine)(n, m->size[l], out, v + m->weights[l + 1], 1, m->size[l], NULL, 1, DELTA(l + 1), B, RD(l), B);
            SIMD(delta_direction)(n, m->size[l], A(l), RAW(l), RA(l), RD(l), B);
        }
        for (ptrdiff_t l = 1; l <= H; l++) {
            const ptrdiff_t in = m->size[l - 1];
            SIMD(outer)(m, n, m->size[l], RD(l), in, l == 1 ? inputs : A(l - 1), B, hv + m->weights[l], in);
            if (l > 1) SIMD(outer)(m, n, m->size[l], DELTA(l), in, RA(l - 1), B, hv + m->weights[l], in);
            if (m->has_biases) SIMD(row_sums)(n, m->size[l], RD(l), B, hv + m->biases[l], 1);
        }
    }
    mlp_finish_vector(m, v, hv);
}
#undef RA
#undef RD
#undef RAW
