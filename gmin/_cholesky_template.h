/* Cholesky factors of Hessians of some hundred variables: the kernels for one instruction set (see potentials/_simd.h).
 *
 * A = U^T U, row by row of blocks of CHOL_BLOCK rows. Rows of U are padded to a multiple of 8, the padding with the unit matrix; below the
 * diagonal nothing is written. Tiles of CHOL_BLOCK rows by up to CHOL_WIDE vectors stay in registers while all rows above are
 * taken from them. General libraries lose most of their time at this size to packing.
 */
#undef CHOL_BLOCK
#undef CHOL_WIDE
#if VL == 8
#define CHOL_BLOCK 8
#else
#define CHOL_BLOCK 4
#endif
#define CHOL_WIDE (VL == 2 ? 2 : 3)
/* vectors to a row of a diagonal block */
#undef CHOL_ROW
#define CHOL_ROW (CHOL_BLOCK / VL)

/* VL elements of row i of the symmetric n x n matrix h from column c on, continued by the unit matrix */
SIMD_FN vd SIMD(chol_entry)(ptrdiff_t n, const double *h, ptrdiff_t i, ptrdiff_t c)
{
    double e[VL];
    if (i < n && c + VL <= n) return SIMD(v_load)(h + i * n + c);
    for (int k = 0; k < VL; k++) e[k] = i < n && c + k < n ? h[i * n + c + k] : i == c + k ? 1.0 : 0.0;
    return SIMD(v_load)(e);
}

/* the tile of block row r and `wide` vectors from column c on, with the lift, less what the rows above account for */
SIMD_FN void SIMD(chol_tile)(const int wide, ptrdiff_t n, ptrdiff_t P, const double *h, int n_lift, const double *lift, ptrdiff_t r,
                             ptrdiff_t c, const double *U, vd *t)
{
#pragma GCC unroll 8
    for (int i = 0; i < CHOL_BLOCK; i++)
#pragma GCC unroll 3
        for (int v = 0; v < wide; v++) t[i * wide + v] = SIMD(chol_entry)(n, h, r + i, c + v * VL);
    for (int k = 0; k < n_lift; k++) {
        const double *row = lift + k * P;
#pragma GCC unroll 8
        for (int i = 0; i < CHOL_BLOCK; i++)
#pragma GCC unroll 3
            for (int v = 0; v < wide; v++)
                t[i * wide + v] = SIMD(v_fma)(SIMD(v_set)(row[r + i]), SIMD(v_load)(row + c + v * VL), t[i * wide + v]);
    }
    /* one pointer for each of the two blocks: constant offsets from it need no registers of their own */
    const double *left = U + r, *above = U + c;
    for (ptrdiff_t k = 0; k < r; k++, left += P, above += P) {
        vd b[CHOL_WIDE];
#pragma GCC unroll 3
        for (int v = 0; v < wide; v++) b[v] = SIMD(v_load)(above + v * VL);
#pragma GCC unroll 8
        for (int i = 0; i < CHOL_BLOCK; i++) {
            const vd a = SIMD(v_set)(left[i]);
#pragma GCC unroll 3
            for (int v = 0; v < wide; v++) t[i * wide + v] = SIMD(v_nfma)(a, b[v], t[i * wide + v]);
        }
    }
}

/* The diagonal block t, row by row, becomes its factor D (with what is left of elimination below the diagonal), and e the
 * inverse of the transpose of D. Returns the smallest of the first `count` pivots, of which *product is the product; or a number
 * that is not positive, met instead of the square of a pivot. */
SIMD_FN double SIMD(chol_diagonal)(ptrdiff_t count, vd *t, vd *e, double *product)
{
    double smallest = 1e300;
#pragma GCC unroll 8
    for (int i = 0; i < CHOL_BLOCK; i++)
#pragma GCC unroll 2
        for (int v = 0; v < CHOL_ROW; v++) e[i * CHOL_ROW + v] = SIMD(v_set)(0.0);
#pragma GCC unroll 8
    for (int i = 0; i < CHOL_BLOCK; i++) e[i * CHOL_ROW + i / VL][i % VL] = 1.0;
    *product = 1.0;
#pragma GCC unroll 8
    for (int i = 0; i < CHOL_BLOCK; i++) {
        const double square = t[i * CHOL_ROW + i / VL][i % VL];
        if (!(square > 0.0)) return square < 0.0 ? square : -1e-300;
        const double pivot = __builtin_sqrt(square);
        const vd one = SIMD(v_set)(1.0 / pivot);
#pragma GCC unroll 2
        for (int v = 0; v < CHOL_ROW; v++) { t[i * CHOL_ROW + v] *= one; e[i * CHOL_ROW + v] *= one; }
#pragma GCC unroll 8
        for (int k = i + 1; k < CHOL_BLOCK; k++) {
            const vd a = SIMD(v_set)(t[i * CHOL_ROW + k / VL][k % VL]);
#pragma GCC unroll 2
            for (int v = 0; v < CHOL_ROW; v++) {
                t[k * CHOL_ROW + v] = SIMD(v_nfma)(a, t[i * CHOL_ROW + v], t[k * CHOL_ROW + v]);
                e[k * CHOL_ROW + v] = SIMD(v_nfma)(a, e[i * CHOL_ROW + v], e[k * CHOL_ROW + v]);
            }
        }
        if (i < count) {
            if (pivot < smallest) smallest = pivot;
            *product *= pivot;
        }
    }
    return smallest;
}

/* a tile right of the diagonal block: divided by the transpose of that block, and stored */
SIMD_FN void SIMD(chol_right)(const int wide, ptrdiff_t n, ptrdiff_t P, const double *h, int n_lift, const double *lift, ptrdiff_t r,
                              ptrdiff_t c, const double *inverse, double *U)
{
    vd t[CHOL_BLOCK * CHOL_WIDE];
    SIMD(chol_tile)(wide, n, P, h, n_lift, lift, r, c, U, t);
#pragma GCC unroll 8
    for (int i = 0; i < CHOL_BLOCK; i++) {
        const double *row = U + (r + i) * P + r;
#pragma GCC unroll 3
        for (int v = 0; v < wide; v++) {
            t[i * wide + v] *= inverse[i * CHOL_BLOCK + i];
            SIMD(v_store)(U + (r + i) * P + c + v * VL, t[i * wide + v]);
        }
#pragma GCC unroll 8
        for (int j = i + 1; j < CHOL_BLOCK; j++)
#pragma GCC unroll 3
            for (int v = 0; v < wide; v++) t[j * wide + v] = SIMD(v_nfma)(SIMD(v_set)(row[j]), t[i * wide + v], t[j * wide + v]);
    }
}

/* U of h + sum over rows z of lift of z z^T; inverses holds, for each diagonal block, the inverse and its transpose.
 * Returns the smallest pivot (diagonal element of U); or, where the matrix is not positive definite, the negative number met instead
 * of the square of a pivot. *log_det is ln det. */
static double SIMD(chol_factor)(ptrdiff_t n, const double *h, int n_lift, const double *lift, double *U, double *inverses, double *log_det)
{
    const ptrdiff_t P = (n + 7) / 8 * 8;
    double smallest = 1e300, total = 0.0, product;
    for (ptrdiff_t r = 0; r < P; r += CHOL_BLOCK) {
        double *inverse = inverses + 2 * r * CHOL_BLOCK, *transposed = inverse + CHOL_BLOCK * CHOL_BLOCK;
        vd t[CHOL_BLOCK * CHOL_ROW], e[CHOL_BLOCK * CHOL_ROW];
        SIMD(chol_tile)(CHOL_ROW, n, P, h, n_lift, lift, r, r, U, t);
        const double pivot = SIMD(chol_diagonal)(n - r, t, e, &product);
        if (!(pivot > 0.0)) return pivot;
        if (pivot < smallest) smallest = pivot;
        total += log(product);
        memcpy(transposed, e, sizeof e);
        for (int i = 0; i < CHOL_BLOCK; i++) {
            for (int j = 0; j < CHOL_BLOCK; j++) inverse[i * CHOL_BLOCK + j] = transposed[j * CHOL_BLOCK + i];
            memcpy(U + (r + i) * P + r, t + i * CHOL_ROW, CHOL_BLOCK * sizeof(double));
        }
        ptrdiff_t c = r + CHOL_BLOCK;
        for (; c + CHOL_WIDE * VL <= P; c += CHOL_WIDE * VL) SIMD(chol_right)(CHOL_WIDE, n, P, h, n_lift, lift, r, c, inverse, U);
        for (; c < P; c += VL) SIMD(chol_right)(1, n, P, h, n_lift, lift, r, c, inverse, U);
    }
    *log_det = 2.0 * total;
    return smallest;
}

/* CHOL_BLOCK numbers: to = sum over k of from[k] times row k of m */
SIMD_FN void SIMD(chol_small)(const double *m, const double *from, double *to)
{
    vd s[CHOL_BLOCK / VL];
#pragma GCC unroll 2
    for (int v = 0; v < CHOL_BLOCK / VL; v++) s[v] = SIMD(v_set)(0.0);
#pragma GCC unroll 8
    for (int k = 0; k < CHOL_BLOCK; k++)
#pragma GCC unroll 2
        for (int v = 0; v < CHOL_BLOCK / VL; v++)
            s[v] = SIMD(v_fma)(SIMD(v_set)(from[k]), SIMD(v_load)(m + k * CHOL_BLOCK + v * VL), s[v]);
#pragma GCC unroll 2
    for (int v = 0; v < CHOL_BLOCK / VL; v++) SIMD(v_store)(to + v * VL, s[v]);
}

/* b, of padded length, becomes the solution of U^T U x = b */
static void SIMD(chol_solve)(ptrdiff_t n, const double *U, const double *inverses, double *b)
{
    const ptrdiff_t P = (n + 7) / 8 * 8;
    double part[CHOL_BLOCK];
    for (ptrdiff_t i = n; i < P; i++) b[i] = 0.0;
    for (ptrdiff_t r = 0; r < P; r += CHOL_BLOCK) {
        SIMD(chol_small)(inverses + 2 * r * CHOL_BLOCK, b + r, part);
        memcpy(b + r, part, sizeof part);
        for (ptrdiff_t c = r + CHOL_BLOCK; c < P; c += VL) {
            vd s = SIMD(v_load)(b + c);
#pragma GCC unroll 8
            for (int i = 0; i < CHOL_BLOCK; i++) s = SIMD(v_nfma)(SIMD(v_set)(part[i]), SIMD(v_load)(U + (r + i) * P + c), s);
            SIMD(v_store)(b + c, s);
        }
    }
    for (ptrdiff_t r = P - CHOL_BLOCK; r >= 0; r -= CHOL_BLOCK) {
        vd s[CHOL_BLOCK];
#pragma GCC unroll 8
        for (int i = 0; i < CHOL_BLOCK; i++) s[i] = SIMD(v_set)(0.0);
        for (ptrdiff_t c = r + CHOL_BLOCK; c < P; c += VL) {
            const vd x = SIMD(v_load)(b + c);
#pragma GCC unroll 8
            for (int i = 0; i < CHOL_BLOCK; i++) s[i] = SIMD(v_fma)(x, SIMD(v_load)(U + (r + i) * P + c), s[i]);
        }
        SIMD(v_sums)(CHOL_BLOCK, s, part);
        for (int i = 0; i < CHOL_BLOCK; i++) part[i] = b[r + i] - part[i];
        SIMD(chol_small)(inverses + 2 * r * CHOL_BLOCK + CHOL_BLOCK * CHOL_BLOCK, part, b + r);
    }
}
