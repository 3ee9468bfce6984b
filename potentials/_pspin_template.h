/* Spherical p-spin: the kernels for one instruction set (see _simd.h for how this file is included).
 *
 * The energy is the sum over sorted indices of c(i_1..i_p) w_{i_1} .. w_{i_p}. All couplings that share the first p - 2 indices
 * (a "prefix", with the product P of its w) form a panel, the upper triangle U of a matrix, and contribute
 *
 *     E += P q,   q = w^T U w,   g += P (U + U^T) w,   g_{i_t} += (P without w_{i_t}) q  for every index of the prefix.
 *
 * Derivatives are taken position by position, so repeated indices need no care. One pass over U gives U w (a sum per row) and
 * U^T w (added up along the rows); up to eight rows at a time share the loads of w and the loads and stores of U^T w.
 *
 * A panel is stored in blocks of rows that end at multiples of eight, each as a sequence of chunks of eight columns, zero before the
 * diagonal and after the last spin: for every chunk the rows in turn, so that the couplings are read strictly in sequence.
 */

/* R rows of a block of `rows` rows: s_r += c_r . w, y += sum_r wr[r] c_r over n columns; R is a constant after inlining */
SIMD_FN void SIMD(pspin_rows)(const int R, ptrdiff_t rows, ptrdiff_t n, const double *c, const double *w, const double *wr, double *y, double *s)
{
    vd sum[8], own[8];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) { sum[r] = (vd){0}; own[r] = SIMD(v_set)(wr[r]); }
    for (ptrdiff_t k = 0; k < n; k += 8, c += 8 * rows)
#pragma GCC unroll 4
        for (int part = 0; part < 8; part += VL) {
            const vd column = SIMD(v_load)(w + k + part);
            vd total = SIMD(v_load)(y + k + part);
#pragma GCC unroll 8
            for (int r = 0; r < R; r++) {
                const vd coupling = SIMD(v_load)(c + 8 * r + part);
                sum[r] = SIMD(v_fma)(coupling, column, sum[r]);
                total = SIMD(v_fma)(coupling, own[r], total);
            }
            SIMD(v_store)(y + k + part, total);
        }
    SIMD(v_sums)(R, sum, s);
}

/* all rows of a block */
SIMD_FN void SIMD(pspin_block)(ptrdiff_t rows, ptrdiff_t n, const double *c, const double *w, const double *wr, double *y, double *s)
{
#define PSPIN_ROWS(R, first) SIMD(pspin_rows)(R, rows, n, c + 8 * (first), w, wr + (first), y, s + (first))
#if VL == 8
    switch (rows) {
    case 8: PSPIN_ROWS(8, 0); break;
    case 7: PSPIN_ROWS(7, 0); break;
    case 6: PSPIN_ROWS(6, 0); break;
    case 5: PSPIN_ROWS(5, 0); break;
    case 4: PSPIN_ROWS(4, 0); break;
    case 3: PSPIN_ROWS(3, 0); break;
    case 2: PSPIN_ROWS(2, 0); break;
    case 1: PSPIN_ROWS(1, 0); break;
    }
#else
    /* registers for four rows */
    ptrdiff_t r = 0;
    for (; r + 4 <= rows; r += 4) PSPIN_ROWS(4, r);
    switch (rows - r) {
    case 3: PSPIN_ROWS(3, r); break;
    case 2: PSPIN_ROWS(2, r); break;
    case 1: PSPIN_ROWS(1, r); break;
    }
#endif
#undef PSPIN_ROWS
}

/* y = (U + U^T) w from the column of `first` on, for one panel; returns q, and the end of the panel in *c. work: two rows of `padded`
 * entries, the first of which becomes y. */
SIMD_FN double SIMD(pspin_panel)(ptrdiff_t n, ptrdiff_t padded, ptrdiff_t first, const double **c, const double *w, double *work)
{
    const ptrdiff_t start = first / 8 * 8;
    double *y = work, *s = work + padded;
    const double *at = *c;
    vd q = {0};
    memset(y + start, 0, (size_t)(padded - start) * sizeof(double));
    for (int r = 0; r < 8; r++) s[start + r] = s[padded - 8 + r] = 0.0;
    for (ptrdiff_t row = first; row < n;) {
        const ptrdiff_t block = row / 8 * 8, end = block + 8 < n ? block + 8 : n;
        SIMD(pspin_block)(end - row, padded - block, at, w + block, w + row, y + block, s + row);
        at += (end - row) * (padded - block);
        row = end;
    }
    for (ptrdiff_t k = start; k < padded; k += VL) {
        const vd sums = SIMD(v_load)(s + k);
        q = SIMD(v_fma)(sums, SIMD(v_load)(w + k), q);
        SIMD(v_store)(y + k, SIMD(v_load)(y + k) + sums);
    }
    *c = at;
    return SIMD(v_sum)(q);
}

/* work: four rows of `padded` entries; w is padded with zeros, g receives padded entries */
static double SIMD(pspin_energy_gradient)(ptrdiff_t n, int p, const double *c, const double *w, double *g, double *work)
{
    const ptrdiff_t padded = (n + 7) / 8 * 8;
    const int m = p - 2;
    double *y = work, *prefix = work + 2 * padded, energy = 0.0;
    ptrdiff_t index[PSPIN_MAX_P] = {0};
    memset(g, 0, (size_t)padded * sizeof(double));
    memset(prefix, 0, (size_t)padded * sizeof(double));
    do {
        const ptrdiff_t first = index[m - 1], start = first / 8 * 8;
        const double q = SIMD(pspin_panel)(n, padded, first, &c, w, work);
        double product = 1.0;
        for (int t = 0; t < m; t++) product *= w[index[t]];
        energy += product * q;
        const vd factor = SIMD(v_set)(product);
        for (ptrdiff_t k = start; k < padded; k += VL)
            SIMD(v_store)(g + k, SIMD(v_fma)(factor, SIMD(v_load)(y + k), SIMD(v_load)(g + k)));
        for (int t = 0; t < m; t++) {
            double others = q;
            for (int u = 0; u < m; u++) if (u != t) others *= w[index[u]];
            prefix[index[t]] += others;
        }
    } while (pspin_next(n, m, index));
    for (ptrdiff_t k = 0; k < padded; k += VL) SIMD(v_store)(g + k, SIMD(v_load)(g + k) + SIMD(v_load)(prefix + k));
    return energy;
}

/* Second derivatives in such a way that h + transpose(h) is the Hessian; h has `padded` rows of `padded` entries. */
static void SIMD(pspin_half_hessian)(ptrdiff_t n, int p, const double *c, const double *w, double *h, double *work)
{
    const ptrdiff_t padded = (n + 7) / 8 * 8;
    const int m = p - 2;
    const double *y = work;
    ptrdiff_t index[PSPIN_MAX_P] = {0};
    memset(h, 0, (size_t)(padded * padded) * sizeof(double));
    do {
        const ptrdiff_t first = index[m - 1], start = first / 8 * 8;
        const double *at = c, q = SIMD(pspin_panel)(n, padded, first, &c, w, work);
        double product = 1.0;
        for (int t = 0; t < m; t++) product *= w[index[t]];
        for (ptrdiff_t row = first; row < n;) {
            const ptrdiff_t block = row / 8 * 8, end = block + 8 < n ? block + 8 : n;
            for (ptrdiff_t k = block; k < padded; k += 8)
                for (ptrdiff_t r = row; r < end; r++, at += 8)
                    for (int part = 0; part < 8; part += VL) {
                        double *to = h + r * padded + k + part;
                        SIMD(v_store)(to, SIMD(v_fma)(SIMD(v_set)(product), SIMD(v_load)(at + part), SIMD(v_load)(to)));
                    }
            row = end;
        }
        for (int t = 0; t < m; t++) {
            double others = 1.0, *row = h + index[t] * padded;
            for (int u = 0; u < m; u++) if (u != t) others *= w[index[u]];
            for (ptrdiff_t k = start; k < padded; k += VL)
                SIMD(v_store)(row + k, SIMD(v_fma)(SIMD(v_set)(others), SIMD(v_load)(y + k), SIMD(v_load)(row + k)));
            for (int v = t + 1; v < m; v++) {
                double rest = q;
                for (int u = 0; u < m; u++) if (u != t && u != v) rest *= w[index[u]];
                h[index[t] * padded + index[v]] += rest;
            }
        }
    } while (pspin_next(n, m, index));
}
