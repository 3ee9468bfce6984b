/* Lennard-Jones with a cutoff, free or in a periodic orthorhombic box: the kernels for one instruction set; included by
 * _lj_template.h, whose arrays and conventions it shares.
 *
 * Inside the cutoff the pair energy is that of Stoddard and Ford (Phys. Rev. A 8, 1504 (1973)),
 *     V = 4 [r^-12 - r^-6 + A r^2 + C],  A = (6 rc^-12 - 3 rc^-6)/rc^2,  C = -7 rc^-12 + 4 rc^-6,
 * which is zero with zero slope at rc. In units of 24, dV/dr / r gains A/3. Every difference of coordinates is taken to its nearest
 * image, d - L round(d/L); the box must be at least two cutoffs wide for that to be all the images within the cutoff.
 */
SIMD_FN vd SIMD(nearest_image)(const int periodic, vd d, double side, double inverse)
{
    if (!periodic) return d;
    const vd turns = SIMD(v_fma)(d, SIMD(v_set)(inverse), SIMD(v_set)(SIMD_ROUND)) - SIMD_ROUND;
    return SIMD(v_nfma)(turns, SIMD(v_set)(side), d);
}

typedef struct { double side[3], inverse[3], rc2, a, c; } SIMD(cut);

SIMD_FN SIMD(cut) SIMD(make_cut)(const int periodic, double cutoff, const double *box)
{
    SIMD(cut) k = {{0}, {0}, cutoff * cutoff, 0.0, 0.0};
    const double i2 = 1.0 / k.rc2, i6 = i2 * i2 * i2;
    k.a = (6.0 * i6 - 3.0) * i6 * i2;
    k.c = (4.0 - 7.0 * i6) * i6;
    if (periodic) for (int m = 0; m < 3; m++) { k.side[m] = box[m]; k.inverse[m] = 1.0 / box[m]; }
    return k;
}

SIMD_FN double SIMD(lj_cut_energy_gradient)(const int periodic, ptrdiff_t n, double cutoff, const double *box, const double *x,
                                            double *g, double *work)
{
    const ptrdiff_t P = (n + 7) / 8 * 8, last = (n - 1) / VL * VL;
    double *X = work, *Y = X + P, *Z = Y + P, *GX = Z + P, *GY = GX + P, *GZ = GY + P;
    const SIMD(cut) k = SIMD(make_cut)(periodic, cutoff, box);
    const double third = k.a / 3.0;
    vd energy = {0};
    SIMD(cluster_rows)(n, P, x, X, Y, Z);
    memset(GX, 0, (size_t)(3 * P) * sizeof(double));
    for (ptrdiff_t i = 0; i + 1 < n; i++) {
        const ptrdiff_t first = (i + 1) / VL * VL;
        vd gx = {0}, gy = {0}, gz = {0};
        for (ptrdiff_t j = first; j < n; j += VL) {
            const vd dx = SIMD(nearest_image)(periodic, X[i] - SIMD(v_load)(X + j), k.side[0], k.inverse[0]);
            const vd dy = SIMD(nearest_image)(periodic, Y[i] - SIMD(v_load)(Y + j), k.side[1], k.inverse[1]);
            const vd dz = SIMD(nearest_image)(periodic, Z[i] - SIMD(v_load)(Z + j), k.side[2], k.inverse[2]);
            const vd r2 = SIMD(v_fma)(dx, dx, SIMD(v_fma)(dy, dy, dz * dz)), zero = {0};
            const vd i2 = 1.0 / r2, i6 = i2 * i2 * i2;
            vd e = SIMD(v_fma)(i6, i6, -i6) + SIMD(v_fma)(SIMD(v_set)(k.a), r2, SIMD(v_set)(k.c));
            vd f = SIMD(v_fma)(i6 * i2, SIMD(v_nfma)(SIMD(v_set)(2.0), i6, SIMD(v_set)(1.0)), SIMD(v_set)(third));
            e = SIMD(v_if_less)(r2, k.rc2, e, zero);
            f = SIMD(v_if_less)(r2, k.rc2, f, zero);
            if (j == first || j == last) {
                const vl mask = SIMD(v_between)(j, i, n);
                e = SIMD(v_keep)(mask, e);
                f = SIMD(v_keep)(mask, f);
            }
            const vd fx = f * dx, fy = f * dy, fz = f * dz;
            energy += e;
            gx += fx; gy += fy; gz += fz;
            SIMD(v_store)(GX + j, SIMD(v_load)(GX + j) - fx);
            SIMD(v_store)(GY + j, SIMD(v_load)(GY + j) - fy);
            SIMD(v_store)(GZ + j, SIMD(v_load)(GZ + j) - fz);
        }
        GX[i] += SIMD(v_sum)(gx); GY[i] += SIMD(v_sum)(gy); GZ[i] += SIMD(v_sum)(gz);
    }
    for (ptrdiff_t i = 0; i < n; i++) { g[3 * i] = 24.0 * GX[i]; g[3 * i + 1] = 24.0 * GY[i]; g[3 * i + 2] = 24.0 * GZ[i]; }
    return 4.0 * SIMD(v_sum)(energy);
}

/* The block of atoms i, j is -(f I + s d d^T) with f = V'/r + 8 A and s as without a cutoff, because the quadratic term adds the same to V''
 * and V'/r. Rows 3i to 3i + 2 are complete when atom i is. */
SIMD_FN void SIMD(lj_cut_hessian)(const int periodic, ptrdiff_t n, double cutoff, const double *box, const double *x, double *h, double *work)
{
    const ptrdiff_t P = (n + 7) / 8 * 8, N = 3 * n;
    double *X = work, *Y = X + P, *Z = Y + P;
    const SIMD(cut) k = SIMD(make_cut)(periodic, cutoff, box);
    SIMD(cluster_rows)(n, P, x, X, Y, Z);
    for (ptrdiff_t i = 0; i < n; i++) {
        vd sum[6] = {{0}, {0}, {0}, {0}, {0}, {0}};
        double *row = h + 3 * i * N;
        for (ptrdiff_t j = 0; j < n; j += VL) {
            const vd dx = SIMD(nearest_image)(periodic, X[i] - SIMD(v_load)(X + j), k.side[0], k.inverse[0]);
            const vd dy = SIMD(nearest_image)(periodic, Y[i] - SIMD(v_load)(Y + j), k.side[1], k.inverse[1]);
            const vd dz = SIMD(nearest_image)(periodic, Z[i] - SIMD(v_load)(Z + j), k.side[2], k.inverse[2]);
            const vd r2 = SIMD(v_fma)(dx, dx, SIMD(v_fma)(dy, dy, dz * dz)), zero = {0};
            const vd i2 = 1.0 / r2, i6 = i2 * i2 * i2, i8 = 24.0 * i6 * i2;
            /* minus f and minus s */
            vd f = SIMD(v_fma)(i8, SIMD(v_fma)(SIMD(v_set)(2.0), i6, SIMD(v_set)(-1.0)), SIMD(v_set)(-8.0 * k.a));
            vd s = i8 * i2 * SIMD(v_nfma)(SIMD(v_set)(28.0), i6, SIMD(v_set)(8.0));
            const vl pair = SIMD(v_between)(j, -1, n) & ~SIMD(v_between)(j, i - 1, i + 1);
            f = SIMD(v_keep)(pair, SIMD(v_if_less)(r2, k.rc2, f, zero));
            s = SIMD(v_keep)(pair, SIMD(v_if_less)(r2, k.rc2, s, zero));
            const vd sx = s * dx, sy = s * dy, sz = s * dz;
            const vd b[6] = {SIMD(v_fma)(sx, dx, f), sx * dy, sx * dz, SIMD(v_fma)(sy, dy, f), sy * dz, SIMD(v_fma)(sz, dz, f)};
            double block[6][VL];
            for (int m = 0; m < 6; m++) { sum[m] += b[m]; SIMD(v_store)(block[m], b[m]); }
            for (ptrdiff_t t = 0; t < VL && j + t < n; t++) {
                double *to = row + 3 * (j + t);
                to[0] = block[0][t]; to[1] = to[N] = block[1][t]; to[2] = to[2 * N] = block[2][t];
                to[N + 1] = block[3][t]; to[N + 2] = to[2 * N + 1] = block[4][t]; to[2 * N + 2] = block[5][t];
            }
        }
        double *own = row + 3 * i;
        own[0] = -SIMD(v_sum)(sum[0]);
        own[1] = own[N] = -SIMD(v_sum)(sum[1]);
        own[2] = own[2 * N] = -SIMD(v_sum)(sum[2]);
        own[N + 1] = -SIMD(v_sum)(sum[3]);
        own[N + 2] = own[2 * N + 1] = -SIMD(v_sum)(sum[4]);
        own[2 * N + 2] = -SIMD(v_sum)(sum[5]);
    }
}

static double SIMD(lj_cutoff_energy_gradient)(ptrdiff_t n, double cutoff, const double *box, const double *x, double *g, double *work)
{
    return box ? SIMD(lj_cut_energy_gradient)(1, n, cutoff, box, x, g, work) : SIMD(lj_cut_energy_gradient)(0, n, cutoff, box, x, g, work);
}

static void SIMD(lj_cutoff_hessian)(ptrdiff_t n, double cutoff, const double *box, const double *x, double *h, double *work)
{
    if (box) SIMD(lj_cut_hessian)(1, n, cutoff, box, x, h, work);
    else SIMD(lj_cut_hessian)(0, n, cutoff, box, x, h, work);
}
