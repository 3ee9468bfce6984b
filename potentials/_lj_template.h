/* Lennard-Jones clusters: the kernels for one instruction set (see _simd.h for how this file is included).
 *
 * Work arrays are a structure of arrays whose rows are padded to a multiple of 8 atoms. Chunks of VL atoms start at multiples of VL, so
 * that what one row stores the next loads whole (a load across two pending stores would stall), and lanes that are no pair
 * are masked in the first and the last chunk of a row.
 */

#ifndef FAR_AWAY
#define FAR_AWAY 1e20
#endif

/* coordinates to three rows; the padding repeats the last atom */
SIMD_FN void SIMD(cluster_rows)(ptrdiff_t n, ptrdiff_t padded, const double *x, double *X, double *Y, double *Z)
{
    for (ptrdiff_t i = 0; i < n; i++) { X[i] = x[3 * i]; Y[i] = x[3 * i + 1]; Z[i] = x[3 * i + 2]; }
    for (ptrdiff_t i = n; i < padded; i++) { X[i] = X[n - 1]; Y[i] = Y[n - 1]; Z[i] = Z[n - 1]; }
}

typedef struct { vd x, y, z; } SIMD(triple);

/* Rows that share the loads and stores of the second atoms: as many as their sums find room for in the registers. */
#undef LJ_ROWS
#if VL == 8
#define LJ_ROWS 4
#else
#define LJ_ROWS 2
#endif

/* one chunk against one atom: adds the energy/4, adds (dE/dr)/(24 r) (r_i - r_j) to gi and takes it from gj */
SIMD_FN void SIMD(lj_chunk)(const int use_mask, vl mask, double xi, double yi, double zi, const SIMD(triple) *r, vd *gi,
                            SIMD(triple) *gj, vd *energy)
{
    const vd dx = xi - r->x, dy = yi - r->y, dz = zi - r->z;
    const vd r2 = SIMD(v_fma)(dx, dx, SIMD(v_fma)(dy, dy, dz * dz));
    const vd i2 = SIMD(v_inverse)(r2), i6 = i2 * i2 * i2;
    vd e = SIMD(v_fma)(i6, i6, -i6), f = (i6 * i2) * SIMD(v_nfma)(SIMD(v_set)(2.0), i6, SIMD(v_set)(1.0));
    if (use_mask) { e = SIMD(v_keep)(mask, e); f = SIMD(v_keep)(mask, f); }
    *energy += e;
    gi[0] = SIMD(v_fma)(f, dx, gi[0]); gi[1] = SIMD(v_fma)(f, dy, gi[1]); gi[2] = SIMD(v_fma)(f, dz, gi[2]);
    gj->x = SIMD(v_nfma)(f, dx, gj->x); gj->y = SIMD(v_nfma)(f, dy, gj->y); gj->z = SIMD(v_nfma)(f, dz, gj->z);
}

/* LJ_ROWS rows from i on against the chunk at j */
SIMD_FN void SIMD(lj_tile)(const int use_mask, ptrdiff_t i, ptrdiff_t j, ptrdiff_t P, const double *X, double *GX, vd *gi, vd *energy)
{
    const SIMD(triple) r = {SIMD(v_load)(X + j), SIMD(v_load)(X + P + j), SIMD(v_load)(X + 2 * P + j)};
    SIMD(triple) gj = {SIMD(v_load)(GX + j), SIMD(v_load)(GX + P + j), SIMD(v_load)(GX + 2 * P + j)};
#pragma GCC unroll 4
    for (int k = 0; k < LJ_ROWS; k++)
        SIMD(lj_chunk)(use_mask, use_mask ? SIMD(v_between)(j, i + k, j + VL) : (vl){0}, X[i + k], X[P + i + k], X[2 * P + i + k], &r,
                       gi + 3 * k, &gj, energy);
    SIMD(v_store)(GX + j, gj.x); SIMD(v_store)(GX + P + j, gj.y); SIMD(v_store)(GX + 2 * P + j, gj.z);
}

static double SIMD(lj_energy_gradient)(ptrdiff_t n, const double *x, double *g, double *work)
{
    const ptrdiff_t P = (n + 7) / 8 * 8, end = (n + VL - 1) / VL * VL;
    double *X = work, *GX = X + 3 * P, sums[3 * LJ_ROWS];
    vd energy = {0};
    SIMD(cluster_rows)(n, P, x, X, X + P, X + 2 * P);
    /* the padding is where it adds nothing: so far out that its energies are below rounding, and no two at one place */
    for (ptrdiff_t j = n; j < P; j++) X[j] = FAR_AWAY * (double)(1 + j - n);
    memset(GX, 0, (size_t)(3 * P) * sizeof(double));
    for (ptrdiff_t i = 0; i < n; i += LJ_ROWS) {
        const ptrdiff_t first = i / VL * VL;
        vd gi[3 * LJ_ROWS];
#pragma GCC unroll 12
        for (int k = 0; k < 3 * LJ_ROWS; k++) gi[k] = SIMD(v_set)(0.0);
        SIMD(lj_tile)(1, i, first, P, X, GX, gi, &energy);
        for (ptrdiff_t j = first + VL; j < end; j += VL) SIMD(lj_tile)(0, i, j, P, X, GX, gi, &energy);
        SIMD(v_sums)(3 * LJ_ROWS, gi, sums);
#pragma GCC unroll 4
        for (int k = 0; k < LJ_ROWS; k++) {
            GX[i + k] += sums[3 * k]; GX[P + i + k] += sums[3 * k + 1]; GX[2 * P + i + k] += sums[3 * k + 2];
        }
    }
    for (ptrdiff_t i = 0; i < n; i++) { g[3 * i] = 24.0 * GX[i]; g[3 * i + 1] = 24.0 * GX[P + i]; g[3 * i + 2] = 24.0 * GX[2 * P + i]; }
    return 4.0 * SIMD(v_sum)(energy);
}

/* a, b, c interleaved: a0 b0 c0 a1 b1 c1 ... */
SIMD_FN void SIMD(store_interleaved)(double *p, vd a, vd b, vd c)
{
#if VL == 8
    const vl ab0 = {0, 8, 0, 1, 9, 0, 2, 10}, m0 = {0, 1, 8, 3, 4, 9, 6, 7};
    const vl ab1 = {0, 3, 11, 0, 4, 12, 0, 5}, m1 = {10, 1, 2, 11, 4, 5, 12, 7};
    const vl ab2 = {13, 0, 6, 14, 0, 7, 15, 0}, m2 = {0, 13, 2, 3, 14, 5, 6, 15};
    SIMD(v_store)(p, __builtin_shuffle(__builtin_shuffle(a, b, ab0), c, m0));
    SIMD(v_store)(p + VL, __builtin_shuffle(__builtin_shuffle(a, b, ab1), c, m1));
    SIMD(v_store)(p + 2 * VL, __builtin_shuffle(__builtin_shuffle(a, b, ab2), c, m2));
#elif VL == 4
    /* a0 b0 c0 a1 | b1 c1 a2 b2 | c2 a3 b3 c3 from pairs of 128-bit halves */
    const vl even = {0, 4, 2, 6}, odd_swapped = {4, 1, 6, 3}, cross = {1, 5, 3, 7};
    const vd ab = __builtin_shuffle(a, b, even);          /* a0 b0 a2 b2 */
    const vd ca = __builtin_shuffle(a, c, odd_swapped);   /* c0 a1 c2 a3 */
    const vd bc = __builtin_shuffle(b, c, cross);         /* b1 c1 b3 c3 */
    const vl low = {0, 1, 4, 5}, middle = {0, 1, 6, 7}, high = {2, 3, 6, 7};
    SIMD(v_store)(p, __builtin_shuffle(ab, ca, low));
    SIMD(v_store)(p + VL, __builtin_shuffle(bc, ab, middle));
    SIMD(v_store)(p + 2 * VL, __builtin_shuffle(ca, bc, high));
#else
    for (int k = 0; k < VL; k++) { p[3 * k] = a[k]; p[3 * k + 1] = b[k]; p[3 * k + 2] = c[k]; }
#endif
}

/* Rows 3i, 3i+1, 3i+2 are written whole, chunk by chunk; the block of atoms i, j is -(f I + s d d^T) with f = V'/r and
 * s = (V'' - V'/r)/r^2, that of i, i minus the sum of the others. */
static void SIMD(lj_hessian)(ptrdiff_t n, const double *x, double *h, double *work)
{
    const ptrdiff_t P = (n + 7) / 8 * 8, N = 3 * n, whole = n / VL * VL;
    double *X = work, *Y = X + P, *Z = Y + P, tail[9 * VL];
    SIMD(cluster_rows)(n, P, x, X, Y, Z);
    for (ptrdiff_t i = 0; i < n; i++) {
        vd xx = {0}, xy = {0}, xz = {0}, yy = {0}, yz = {0}, zz = {0};
        double *row = h + 3 * i * N;
        for (ptrdiff_t j = 0; j < n; j += VL) {
            const vd dx = X[i] - SIMD(v_load)(X + j), dy = Y[i] - SIMD(v_load)(Y + j), dz = Z[i] - SIMD(v_load)(Z + j);
            const vd r2 = SIMD(v_fma)(dx, dx, SIMD(v_fma)(dy, dy, dz * dz));
            const vd i2 = SIMD(v_inverse)(r2), i6 = i2 * i2 * i2, i8 = 24.0 * i6 * i2;
            /* minus f and minus s */
            vd f = i8 * SIMD(v_fma)(SIMD(v_set)(2.0), i6, SIMD(v_set)(-1.0));
            vd s = i8 * i2 * SIMD(v_nfma)(SIMD(v_set)(28.0), i6, SIMD(v_set)(8.0));
            if (j <= i && i < j + VL) {
                const vl other = ~(SIMD(v_between)(j, i - 1, i + 1));
                f = SIMD(v_keep)(other, f);
                s = SIMD(v_keep)(other, s);
            }
            if (j == whole) {
                const vl real = SIMD(v_between)(j, -1, n);
                f = SIMD(v_keep)(real, f);
                s = SIMD(v_keep)(real, s);
            }
            const vd sx = s * dx, sy = s * dy, sz = s * dz;
            const vd bxx = SIMD(v_fma)(sx, dx, f), byy = SIMD(v_fma)(sy, dy, f), bzz = SIMD(v_fma)(sz, dz, f);
            const vd bxy = sx * dy, bxz = sx * dz, byz = sy * dz;
            xx += bxx; xy += bxy; xz += bxz; yy += byy; yz += byz; zz += bzz;
            if (j < whole) {
                SIMD(store_interleaved)(row + 3 * j, bxx, bxy, bxz);
                SIMD(store_interleaved)(row + N + 3 * j, bxy, byy, byz);
                SIMD(store_interleaved)(row + 2 * N + 3 * j, bxz, byz, bzz);
            } else {
                SIMD(store_interleaved)(tail, bxx, bxy, bxz);
                SIMD(store_interleaved)(tail + 3 * VL, bxy, byy, byz);
                SIMD(store_interleaved)(tail + 6 * VL, bxz, byz, bzz);
                const size_t left = (size_t)(3 * (n - whole)) * sizeof(double);
                memcpy(row + 3 * j, tail, left);
                memcpy(row + N + 3 * j, tail + 3 * VL, left);
                memcpy(row + 2 * N + 3 * j, tail + 6 * VL, left);
            }
        }
        double *own = row + 3 * i;
        own[0] = -SIMD(v_sum)(xx);
        own[1] = own[N] = -SIMD(v_sum)(xy);
        own[2] = own[2 * N] = -SIMD(v_sum)(xz);
        own[N + 1] = -SIMD(v_sum)(yy);
        own[N + 2] = own[2 * N + 1] = -SIMD(v_sum)(yz);
        own[2 * N + 2] = -SIMD(v_sum)(zz);
    }
}
#include "_lj_cutoff_template.h"
