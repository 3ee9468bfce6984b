/* Lennard-Jones plus Axilrod-Teller: the kernels for one instruction set (see _simd.h for how this file is included).
 *
 * With the squared distances p = r_ij^2, q = r_ik^2, s = r_jk^2 and D = p q s, the cosine rule turns the triple energy into
 *
 *     E3 = Z [1 + 3 cos cos cos]/(r_ij r_ik r_jk)^3 = t0 + T t1,   t0 = Z D^(-3/2),  t1 = (3/8) Z D^(-5/2),
 *     T = a b c,   a = p + q - s,  b = p + s - q,  c = q + s - p,
 *
 * whose derivatives are polynomials in a, b, c times the same two powers:
 *
 *     E_p  = u/p + t1 T_p,                          u = -(3/2) t0 - (5/2) T t1,   T_p = b c + a c - a b
 *     E_pp = (15/4 t0 + 35/4 T t1)/p^2 - 5 t1 T_p/p + t1 T_pp,                    T_pp = 2 (c - a - b)
 *     E_pq = (9/4 t0 + 25/4 T t1)/(p q) - (5/2) t1 (T_p/q + T_q/p) + t1 T_pq,     T_pq = 2 a
 *
 * and so on by exchange. D^(-3/2) and 1/D are products over the three pairs, so that the triple loop has neither root nor
 * division. The gradient needs only the pair sums W_ij = dE/d(r_ij^2): g_i = sum_j 2 W_ij (r_i - r_j).
 *
 * The pair tables have a row per atom, padded to a multiple of 8; the inverse powers are zero where the second atom does not
 * come after the first, so that triples that are none contribute nothing and need no mask. Sums over the third atom go to a
 * table of their own, because a vector load from where a scalar was just stored would stall.
 */
#define TABLE(number, i) (tables + ((number) * n + (i)) * P)
#define R2(i) TABLE(0, i)
#define INV2(i) TABLE(1, i)
#define INV3(i) TABLE(2, i)
#define W(i) TABLE(3, i)
#define W_SUM(i) TABLE(4, i)
#define K(i) TABLE(5, i)
#define K_SUM(i) TABLE(6, i)
/* nine components of the block of atoms i, k */
#define BLOCK(component, i) TABLE(7 + (component), i)
#define BLOCK_SUM(i, j) (tables + 16 * n * P + ((i) * n + (j)) * 9)

/* fills X, Y, Z and the pair tables, puts the Lennard-Jones part into W and, with hessian, into K; returns its energy */
SIMD_FN double SIMD(ljat_pairs)(const int hessian, ptrdiff_t n, const double *x, double *work)
{
    const ptrdiff_t P = (n + 7) / 8 * 8;
    double *X = work, *Y = X + P, *Z = Y + P, *tables = work + 6 * P;
    vd energy = {0};
    for (ptrdiff_t i = 0; i < P; i++) {
        const ptrdiff_t a = 3 * (i < n ? i : n - 1);
        X[i] = x[a]; Y[i] = x[a + 1]; Z[i] = x[a + 2];
    }
    memset(W_SUM(0), 0, (size_t)(n * P) * sizeof(double));
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = i / VL * VL; j < n; j += VL) {
            const vl mask = SIMD(v_between)(j, i, n);
            const vd dx = X[i] - SIMD(v_load)(X + j), dy = Y[i] - SIMD(v_load)(Y + j), dz = Z[i] - SIMD(v_load)(Z + j);
            const vd r2 = SIMD(v_fma)(dx, dx, SIMD(v_fma)(dy, dy, dz * dz));
            const vd i2 = SIMD(v_keep)(mask, 1.0 / r2), i6 = i2 * i2 * i2;
            SIMD(v_store)(R2(i) + j, r2);
            SIMD(v_store)(INV2(i) + j, i2);
            SIMD(v_store)(INV3(i) + j, SIMD(v_sqrt)(i6));
            energy += SIMD(v_fma)(i6, i6, -i6);
            SIMD(v_store)(W(i) + j, 12.0 * i6 * i2 * SIMD(v_nfma)(SIMD(v_set)(2.0), i6, SIMD(v_set)(1.0)));
            if (hessian) SIMD(v_store)(K(i) + j, 24.0 * i6 * i2 * i2 * SIMD(v_fma)(SIMD(v_set)(7.0), i6, SIMD(v_set)(-2.0)));
        }
    return 4.0 * SIMD(v_sum)(energy);
}

static double SIMD(ljat_energy_gradient)(ptrdiff_t n, double z, const double *x, double *g, double *work)
{
    const ptrdiff_t P = (n + 7) / 8 * 8;
    double *X = work, *Y = X + P, *Z = Y + P, *GX = Z + P, *GY = GX + P, *GZ = GY + P, *tables = GZ + P;
    const double pair_energy = SIMD(ljat_pairs)(0, n, x, work);
    vd triples = {0};
    for (ptrdiff_t i = 0; i + 2 < n; i++)
        for (ptrdiff_t j = i + 1; j + 1 < n; j++) {
            const vd p = SIMD(v_set)(R2(i)[j]), ip = SIMD(v_set)(INV2(i)[j]), cp = SIMD(v_set)(z * INV3(i)[j]);
            vd sum = {0};
            for (ptrdiff_t k = (j + 1) / VL * VL; k < n; k += VL) {
                const vd q = SIMD(v_load)(R2(i) + k), iq = SIMD(v_load)(INV2(i) + k);
                const vd s = SIMD(v_load)(R2(j) + k), is = SIMD(v_load)(INV2(j) + k);
                const vd t0 = cp * SIMD(v_load)(INV3(i) + k) * SIMD(v_load)(INV3(j) + k), t1 = 0.375 * ip * iq * is * t0;
                const vd a = p + q - s, b = p + s - q, c = q + s - p, ab = a * b, ac = a * c, bc = b * c, e = a * bc * t1;
                const vd u = SIMD(v_fma)(SIMD(v_set)(-2.5), e, -1.5 * t0);
                triples += t0 + e;
                sum += SIMD(v_fma)(u, ip, t1 * (bc + ac - ab));
                SIMD(v_store)(W(i) + k, SIMD(v_load)(W(i) + k) + SIMD(v_fma)(u, iq, t1 * (bc + ab - ac)));
                SIMD(v_store)(W(j) + k, SIMD(v_load)(W(j) + k) + SIMD(v_fma)(u, is, t1 * (ac + ab - bc)));
            }
            W_SUM(i)[j] = SIMD(v_sum)(sum);
        }
    memset(GX, 0, (size_t)(3 * P) * sizeof(double));
    for (ptrdiff_t i = 0; i + 1 < n; i++) {
        vd gx = {0}, gy = {0}, gz = {0};
        for (ptrdiff_t j = i / VL * VL; j < n; j += VL) {
            const vd w = 2.0 * (SIMD(v_load)(W(i) + j) + SIMD(v_load)(W_SUM(i) + j));
            const vd fx = w * (X[i] - SIMD(v_load)(X + j)), fy = w * (Y[i] - SIMD(v_load)(Y + j)), fz = w * (Z[i] - SIMD(v_load)(Z + j));
            gx += fx; gy += fy; gz += fz;
            SIMD(v_store)(GX + j, SIMD(v_load)(GX + j) - fx);
            SIMD(v_store)(GY + j, SIMD(v_load)(GY + j) - fy);
            SIMD(v_store)(GZ + j, SIMD(v_load)(GZ + j) - fz);
        }
        GX[i] += SIMD(v_sum)(gx); GY[i] += SIMD(v_sum)(gy); GZ[i] += SIMD(v_sum)(gz);
    }
    for (ptrdiff_t i = 0; i < n; i++) { g[3 * i] = GX[i]; g[3 * i + 1] = GY[i]; g[3 * i + 2] = GZ[i]; }
    return pair_energy + SIMD(v_sum)(triples);
}

/* sum += u v^T, component by component */
#define ADD_OUTER(sum, ux, uy, uz, vx, vy, vz) \
    sum[0] = SIMD(v_fma)(ux, vx, sum[0]); sum[1] = SIMD(v_fma)(ux, vy, sum[1]); sum[2] = SIMD(v_fma)(ux, vz, sum[2]); \
    sum[3] = SIMD(v_fma)(uy, vx, sum[3]); sum[4] = SIMD(v_fma)(uy, vy, sum[4]); sum[5] = SIMD(v_fma)(uy, vz, sum[5]); \
    sum[6] = SIMD(v_fma)(uz, vx, sum[6]); sum[7] = SIMD(v_fma)(uz, vy, sum[7]); sum[8] = SIMD(v_fma)(uz, vz, sum[8]);
#define LOAD_BLOCK(sum, i, k) for (int m = 0; m < 9; m++) sum[m] = SIMD(v_load)(BLOCK(m, i) + (k));
#define STORE_BLOCK(sum, i, k) for (int m = 0; m < 9; m++) SIMD(v_store)(BLOCK(m, i) + (k), sum[m]);

/* The second derivatives along one squared distance join the pair terms in K = d2E/d(r^2)2, with the block -(2 W I + 4 K d d^T); the
 * mixed ones give, with d12 = r_i - r_j, d13 = r_i - r_k, d23 = r_j - r_k and f = E_pq d12, v = E_ps d12 + E_qs d13,
 *     block(i,j) = 4 (v d23^T - d13 f^T),  block(i,k) = -4 (f d13^T + v d23^T),
 *     block(j,k) = 4 ((f - E_qs d23) d13^T + E_ps d12 d23^T).
 * A diagonal block is minus the sum of the others in its row. */
static void SIMD(ljat_hessian)(ptrdiff_t n, double z, const double *x, double *h, double *work)
{
    const ptrdiff_t P = (n + 7) / 8 * 8, N = 3 * n;
    double *X = work, *Y = X + P, *Z = Y + P, *tables = work + 6 * P;
    SIMD(ljat_pairs)(1, n, x, work);
    memset(K_SUM(0), 0, (size_t)(n * P) * sizeof(double));
    memset(BLOCK(0, 0), 0, (size_t)(9 * n * P) * sizeof(double));
    memset(BLOCK_SUM(0, 0), 0, (size_t)(9 * n * n) * sizeof(double));
    for (ptrdiff_t i = 0; i + 2 < n; i++)
        for (ptrdiff_t j = i + 1; j + 1 < n; j++) {
            const vd p = SIMD(v_set)(R2(i)[j]), ip = SIMD(v_set)(INV2(i)[j]), cp = SIMD(v_set)(z * INV3(i)[j]);
            const double x12 = X[i] - X[j], y12 = Y[i] - Y[j], z12 = Z[i] - Z[j];
            vd w_sum = {0}, k_sum = {0}, own[9];
            for (int m = 0; m < 9; m++) own[m] = (vd){0};
            for (ptrdiff_t k = (j + 1) / VL * VL; k < n; k += VL) {
                const vd q = SIMD(v_load)(R2(i) + k), iq = SIMD(v_load)(INV2(i) + k);
                const vd s = SIMD(v_load)(R2(j) + k), is = SIMD(v_load)(INV2(j) + k);
                const vd t0 = cp * SIMD(v_load)(INV3(i) + k) * SIMD(v_load)(INV3(j) + k), t1 = 0.375 * ip * iq * is * t0;
                const vd a = p + q - s, b = p + s - q, c = q + s - p, ab = a * b, ac = a * c, bc = b * c, e = a * bc * t1;
                const vd tp = t1 * (bc + ac - ab), tq = t1 * (bc + ab - ac), ts = t1 * (ac + ab - bc);
                const vd u = SIMD(v_fma)(SIMD(v_set)(-2.5), e, -1.5 * t0);
                const vd v2 = SIMD(v_fma)(SIMD(v_set)(8.75), e, 3.75 * t0), v11 = SIMD(v_fma)(SIMD(v_set)(6.25), e, 2.25 * t0);
                const vd t2 = 2.0 * t1;
                w_sum += SIMD(v_fma)(u, ip, tp);
                k_sum += ip * SIMD(v_fma)(v2, ip, -5.0 * tp) + t2 * (c - a - b);
                SIMD(v_store)(W(i) + k, SIMD(v_load)(W(i) + k) + SIMD(v_fma)(u, iq, tq));
                SIMD(v_store)(W(j) + k, SIMD(v_load)(W(j) + k) + SIMD(v_fma)(u, is, ts));
                SIMD(v_store)(K(i) + k, SIMD(v_load)(K(i) + k) + iq * SIMD(v_fma)(v2, iq, -5.0 * tq) + t2 * (b - a - c));
                SIMD(v_store)(K(j) + k, SIMD(v_load)(K(j) + k) + is * SIMD(v_fma)(v2, is, -5.0 * ts) + t2 * (a - b - c));
                const vd pq = v11 * ip * iq - 2.5 * (tp * iq + tq * ip) + t2 * a;
                const vd ps = v11 * ip * is - 2.5 * (tp * is + ts * ip) + t2 * b;
                const vd qs = v11 * iq * is - 2.5 * (tq * is + ts * iq) + t2 * c;
                const vd x13 = X[i] - SIMD(v_load)(X + k), y13 = Y[i] - SIMD(v_load)(Y + k), z13 = Z[i] - SIMD(v_load)(Z + k);
                const vd x23 = X[j] - SIMD(v_load)(X + k), y23 = Y[j] - SIMD(v_load)(Y + k), z23 = Z[j] - SIMD(v_load)(Z + k);
                const vd fx = pq * x12, fy = pq * y12, fz = pq * z12;
                const vd gx = ps * x12, gy = ps * y12, gz = ps * z12;
                const vd vx = SIMD(v_fma)(qs, x13, gx), vy = SIMD(v_fma)(qs, y13, gy), vz = SIMD(v_fma)(qs, z13, gz);
                vd block[9];
                ADD_OUTER(own, vx, vy, vz, x23, y23, z23)
                ADD_OUTER(own, -x13, -y13, -z13, fx, fy, fz)
                LOAD_BLOCK(block, i, k)
                ADD_OUTER(block, -fx, -fy, -fz, x13, y13, z13)
                ADD_OUTER(block, -vx, -vy, -vz, x23, y23, z23)
                STORE_BLOCK(block, i, k)
                LOAD_BLOCK(block, j, k)
                const vd wx = SIMD(v_nfma)(qs, x23, fx), wy = SIMD(v_nfma)(qs, y23, fy), wz = SIMD(v_nfma)(qs, z23, fz);
                ADD_OUTER(block, wx, wy, wz, x13, y13, z13)
                ADD_OUTER(block, gx, gy, gz, x23, y23, z23)
                STORE_BLOCK(block, j, k)
            }
            W_SUM(i)[j] = SIMD(v_sum)(w_sum);
            K_SUM(i)[j] = SIMD(v_sum)(k_sum);
            for (int m = 0; m < 9; m++) BLOCK_SUM(i, j)[m] = SIMD(v_sum)(own[m]);
        }
    for (ptrdiff_t i = 0; i < n; i++)
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++) h[(3 * i + a) * N + 3 * i + b] = 0.0;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = i + 1; j < n; j++) {
            const double d[3] = {X[i] - X[j], Y[i] - Y[j], Z[i] - Z[j]};
            const double w = 2.0 * (W(i)[j] + W_SUM(i)[j]), k = 4.0 * (K(i)[j] + K_SUM(i)[j]);
            for (int a = 0; a < 3; a++)
                for (int b = 0; b < 3; b++) {
                    const double v = 4.0 * (BLOCK(3 * a + b, i)[j] + BLOCK_SUM(i, j)[3 * a + b]) - k * d[a] * d[b] - (a == b ? w : 0.0);
                    h[(3 * i + a) * N + 3 * j + b] = v;
                    h[(3 * j + b) * N + 3 * i + a] = v;
                    h[(3 * i + a) * N + 3 * i + b] -= v;
                    h[(3 * j + b) * N + 3 * j + a] -= v;
                }
        }
    /* the sums of the diagonal blocks are symmetric but for rounding */
    for (ptrdiff_t i = 0; i < n; i++)
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < a; b++) {
                double *lower = h + (3 * i + a) * N + 3 * i + b, *upper = h + (3 * i + b) * N + 3 * i + a;
                *lower = *upper = 0.5 * (*lower + *upper);
            }
}
#undef TABLE
#undef R2
#undef INV2
#undef INV3
#undef W
#undef W_SUM
#undef K
#undef K_SUM
#undef BLOCK
#undef BLOCK_SUM
#undef ADD_OUTER
#undef LOAD_BLOCK
#undef STORE_BLOCK
