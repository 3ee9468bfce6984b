/* Vectors of VL doubles and the functions exp, log and tanh on them, for kernels that are compiled once per instruction set.
 *
 * A kernel file (a "template") is included once per instruction set by its own header, with VL defined and the matching
 * "#pragma GCC target" in force:
 *
 *     #define VL 2                                  baseline (SSE2, NEON or whatever the compiler makes of it)
 *     #define VL 4  + target("arch=x86-64-v3")      AVX2 with FMA
 *     #define VL 8  + target("arch=x86-64-v4")      AVX-512
 *
 * This file has no include guard: it defines its names for the VL of the moment. Names carry the suffix of the instruction set
 * through SIMD(name).
 *
 * Accuracy (tests/potentials/test_elementary.py): exp 1.3 ulp, log 1.2 ulp, tanh 1.9 ulp.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#undef SIMD
#undef SIMD_JOIN
#undef SIMD_JOIN2
#define SIMD_JOIN2(name, lanes) name##_##lanes
#define SIMD_JOIN(name, lanes) SIMD_JOIN2(name, lanes)
#define SIMD(name) SIMD_JOIN(name, VL)
#undef SIMD_FN
#define SIMD_FN static inline __attribute__((always_inline))

#define vd SIMD(vd)
#define vl SIMD(vl)
typedef double vd __attribute__((vector_size(VL * 8)));
typedef int64_t vl __attribute__((vector_size(VL * 8)));

SIMD_FN vd SIMD(v_load)(const double *p) { vd v; memcpy(&v, p, sizeof v); return v; }
SIMD_FN void SIMD(v_store)(double *p, vd v) { memcpy(p, &v, sizeof v); }
SIMD_FN vd SIMD(v_set)(double c) { return c - (vd){0}; }
SIMD_FN vl SIMD(v_bits)(vd v) { vl b; memcpy(&b, &v, sizeof b); return b; }
SIMD_FN vd SIMD(v_from_bits)(vl b) { vd v; memcpy(&v, &b, sizeof v); return v; }

/* fma: a b + c (rounded once where the processor can); pick: mask ? a : b; smaller/larger return the second argument when one is NaN */
#if VL == 8
SIMD_FN vd SIMD(v_fma)(vd a, vd b, vd c) { return (vd)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
SIMD_FN vd SIMD(v_nfma)(vd a, vd b, vd c) { return (vd)_mm512_fnmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
SIMD_FN vd SIMD(v_smaller)(vd a, vd b) { return (vd)_mm512_min_pd((__m512d)a, (__m512d)b); }
SIMD_FN vd SIMD(v_larger)(vd a, vd b) { return (vd)_mm512_max_pd((__m512d)a, (__m512d)b); }
SIMD_FN vd SIMD(v_sqrt)(vd a) { return (vd)_mm512_sqrt_pd((__m512d)a); }
SIMD_FN double SIMD(v_sum)(vd v) { return _mm512_reduce_add_pd((__m512d)v); }
/* 1/a within 1.5 ulp for normal a and 1/a: an estimate y with relative error e < 2^-14 becomes y (1 + e) (1 + e^2). The divider of the
 * processor takes longer than the four multiplications, and all of a kernel with one division per chunk waits for it. */
SIMD_FN vd SIMD(v_inverse)(vd a)
{
    const vd y = (vd)_mm512_rcp14_pd((__m512d)a), e = SIMD(v_nfma)(a, y, SIMD(v_set)(1.0));
    return SIMD(v_fma)(y, e, y) * SIMD(v_fma)(e, e, SIMD(v_set)(1.0));
}
/* a < limit ? yes : no */
SIMD_FN vd SIMD(v_if_less)(vd a, double limit, vd yes, vd no)
{
    return (vd)_mm512_mask_blend_pd(_mm512_cmp_pd_mask((__m512d)a, _mm512_set1_pd(limit), _CMP_LT_OQ), (__m512d)no, (__m512d)yes);
}
#elif VL == 4
SIMD_FN vd SIMD(v_fma)(vd a, vd b, vd c) { return (vd)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
SIMD_FN vd SIMD(v_nfma)(vd a, vd b, vd c) { return (vd)_mm256_fnmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
SIMD_FN vd SIMD(v_smaller)(vd a, vd b) { return (vd)_mm256_min_pd((__m256d)a, (__m256d)b); }
SIMD_FN vd SIMD(v_larger)(vd a, vd b) { return (vd)_mm256_max_pd((__m256d)a, (__m256d)b); }
SIMD_FN vd SIMD(v_sqrt)(vd a) { return (vd)_mm256_sqrt_pd((__m256d)a); }
SIMD_FN double SIMD(v_sum)(vd v)
{
    const __m128d s = _mm_add_pd(_mm256_castpd256_pd128((__m256d)v), _mm256_extractf128_pd((__m256d)v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}
SIMD_FN vd SIMD(v_if_less)(vd a, double limit, vd yes, vd no)
{
    return (vd)_mm256_blendv_pd((__m256d)no, (__m256d)yes, _mm256_cmp_pd((__m256d)a, _mm256_set1_pd(limit), _CMP_LT_OQ));
}
#else
SIMD_FN vd SIMD(v_fma)(vd a, vd b, vd c) { return a * b + c; }
SIMD_FN vd SIMD(v_nfma)(vd a, vd b, vd c) { return c - a * b; }
SIMD_FN vd SIMD(v_if_less)(vd a, double limit, vd yes, vd no)
{
    const vl mask = a < limit - (vd){0};
    return SIMD(v_from_bits)((mask & SIMD(v_bits)(yes)) | (~mask & SIMD(v_bits)(no)));
}
SIMD_FN vd SIMD(v_smaller)(vd a, vd b)
{
    const vl mask = a < b;
    return SIMD(v_from_bits)((mask & SIMD(v_bits)(a)) | (~mask & SIMD(v_bits)(b)));
}
SIMD_FN vd SIMD(v_larger)(vd a, vd b)
{
    const vl mask = a > b;
    return SIMD(v_from_bits)((mask & SIMD(v_bits)(a)) | (~mask & SIMD(v_bits)(b)));
}
SIMD_FN vd SIMD(v_sqrt)(vd a) { for (int k = 0; k < VL; k++) a[k] = __builtin_sqrt(a[k]); return a; }
SIMD_FN double SIMD(v_sum)(vd v) { double s = 0.0; for (int k = 0; k < VL; k++) s += v[k]; return s; }
#endif
#if VL != 8
SIMD_FN vd SIMD(v_inverse)(vd a) { return 1.0 / a; }
#endif

/* |v|; the sign of another vector given to one that is not negative */
SIMD_FN vd SIMD(v_size)(vd v) { return SIMD(v_from_bits)(SIMD(v_bits)(v) & INT64_MAX); }
SIMD_FN vd SIMD(v_with_sign)(vd v, vd sign)
{
    return SIMD(v_from_bits)(SIMD(v_bits)(v) | (SIMD(v_bits)(sign) & INT64_MIN));
}

#ifndef SIMD_CONSTANTS
#define SIMD_CONSTANTS
#define SIMD_INV_LN2 1.4426950408889634074
/* ln 2 in two parts; the first has 33 significant bits, so n*LN2_HI is exact for |n| < 2^20 */
#define SIMD_LN2_HI 0x1.62e42feep-1
#define SIMD_LN2_LO 0x1.a39ef35793c76p-33
/* 1.5 * 2^52: adding it rounds to an integer, which then sits in the low bits */
#define SIMD_ROUND 6755399441055744.0
/* 1.5 * 2^48: adding it rounds to a sixteenth of an integer */
#define SIMD_SIXTEENTH 422212465065984.0
/* 2^(n/16), with n taken off the bits below the exponent: adding (16 m + n) << 48 makes it 2^(m + n/16) */
static const double simd_exp_table[16] = {
    0x1.0000000000000p+0, 0x1.fb5586cf9890fp-1, 0x1.f72b83c7d517bp-1, 0x1.f387a6e756238p-1, 0x1.f06fe0a31b715p-1,
    0x1.edea64c123422p-1, 0x1.ebfdad5362a27p-1, 0x1.eab07dd485429p-1, 0x1.ea09e667f3bcdp-1, 0x1.ea11473eb0187p-1,
    0x1.eace5422aa0dbp-1, 0x1.ec49182a3f090p-1, 0x1.ee89f995ad3adp-1, 0x1.f199bdd85529cp-1, 0x1.f5818dcfba487p-1,
    0x1.fa4afa2a490dap-1
};
/* Step of the table of tanh: so far above 1/4 that tanh is above 1/8 from half a step on, short enough for exact multiples, and such
 * that the first entries of the table are nearly doubles (to 0.0003, 0.014 and 0.005 of their last place) */
#define SIMD_TANH_STEP (4241384.0 / 16777216.0)
#define SIMD_TANH_END 7.96
/* tanh(n SIMD_TANH_STEP) */
static const double simd_tanh_table[32] = {
    0x0.0p+0, 0x1.fafdf5831ba7dp-3, 0x1.ddb74bca24ac4p-2, 0x1.47c105a4baad8p-1, 0x1.88544b288efa1p-1,
    0x1.b44fd5bba0041p-1, 0x1.d0f85da7b8873p-1, 0x1.e31ba608db6e2p-1, 0x1.ee6079ca12cb3p-1, 0x1.f54c3952b8326p-1,
    0x1.f984a8d4ab316p-1, 0x1.fc14abdd5aee6p-1, 0x1.fda1ef87d822ap-1, 0x1.fe9220009df96p-1, 0x1.ff23348d32ea2p-1,
    0x1.ff7ac94474ae3p-1, 0x1.ffafa342e1ed4p-1, 0x1.ffcf865414c16p-1, 0x1.ffe2c2bac3a29p-1, 0x1.ffee5d29c6817p-1,
    0x1.fff55cddbba4fp-1, 0x1.fff9958d9c6fap-1, 0x1.fffc215f123fbp-1, 0x1.fffdaa83396c4p-1, 0x1.fffe97a1eb0b8p-1,
    0x1.ffff26a61cd5cp-1, 0x1.ffff7ce8532eap-1, 0x1.ffffb0eeeea2cp-1, 0x1.ffffd04fe00e8p-1, 0x1.ffffe33cd6419p-1,
    0x1.ffffeea702792p-1, 0x1.fffff5897a61ap-1
};
#endif

/* the sums of n vectors; n is a constant after inlining. VL vectors at a time are added crosswise, which takes a third of the time. */
SIMD_FN void SIMD(v_sums)(const int n, const vd *v, double *sums)
{
    int i = 0;
#if VL == 8
    const vl even = {0, 8, 2, 10, 4, 12, 6, 14}, odd = {1, 9, 3, 11, 5, 13, 7, 15};
    const vl low = {0, 1, 8, 9, 4, 5, 12, 13}, high = {2, 3, 10, 11, 6, 7, 14, 15};
    const vl first = {0, 1, 2, 3, 8, 9, 10, 11}, second = {4, 5, 6, 7, 12, 13, 14, 15};
    for (; i + 8 <= n; i += 8) {
        vd pair[4], four[2];
#pragma GCC unroll 4
        for (int t = 0; t < 4; t++)
            pair[t] = __builtin_shuffle(v[i + 2 * t], v[i + 2 * t + 1], even) + __builtin_shuffle(v[i + 2 * t], v[i + 2 * t + 1], odd);
#pragma GCC unroll 2
        for (int t = 0; t < 2; t++)
            four[t] = __builtin_shuffle(pair[2 * t], pair[2 * t + 1], low) + __builtin_shuffle(pair[2 * t], pair[2 * t + 1], high);
        SIMD(v_store)(sums + i, __builtin_shuffle(four[0], four[1], first) + __builtin_shuffle(four[0], four[1], second));
    }
#elif VL == 4
    const vl even = {0, 4, 2, 6}, odd = {1, 5, 3, 7}, first = {0, 1, 4, 5}, second = {2, 3, 6, 7};
    for (; i + 4 <= n; i += 4) {
        const vd a = __builtin_shuffle(v[i], v[i + 1], even) + __builtin_shuffle(v[i], v[i + 1], odd);
        const vd b = __builtin_shuffle(v[i + 2], v[i + 3], even) + __builtin_shuffle(v[i + 2], v[i + 3], odd);
        SIMD(v_store)(sums + i, __builtin_shuffle(a, b, first) + __builtin_shuffle(a, b, second));
    }
#endif
    for (; i < n; i++) sums[i] = SIMD(v_sum)(v[i]);
}

/* all bits set in the lanes of the numbers j0, j0 + 1, ... that come after i and before n; keep: v there, zero elsewhere */
SIMD_FN vl SIMD(v_between)(ptrdiff_t j0, ptrdiff_t i, ptrdiff_t n)
{
    vl lane;
    for (int k = 0; k < VL; k++) lane[k] = k;
    lane += j0;
    return (lane > i) & (lane < n);
}
SIMD_FN vd SIMD(v_keep)(vl mask, vd v) { return SIMD(v_from_bits)(SIMD(v_bits)(v) & mask); }

#if VL == 8
/* exp for x < 709; below -708 it is what it is there; NaN stays NaN.
 * x = (m + n/16) ln2 + r; exp(x) = 2^m T (1 + p), T = 2^(n/16) from a table that one permutation of registers reads, p = r + r^2 q(r)
 * with q of degree 4 (relative error 3e-17) */
SIMD_FN vd SIMD(v_exp)(vd x)
{
    x = SIMD(v_larger)(SIMD(v_set)(-708.0), x);
    const vd k = SIMD(v_fma)(x, SIMD(v_set)(SIMD_INV_LN2), SIMD(v_set)(SIMD_SIXTEENTH)), n = k - SIMD_SIXTEENTH;
    vd r = SIMD(v_nfma)(n, SIMD(v_set)(SIMD_LN2_HI), x);
    r = SIMD(v_nfma)(n, SIMD(v_set)(SIMD_LN2_LO), r);
    const __m512i bits = (__m512i)SIMD(v_bits)(k);
    const vd T = (vd)_mm512_permutex2var_pd(_mm512_loadu_pd(simd_exp_table), bits, _mm512_loadu_pd(simd_exp_table + 8));
    const vd scaled = SIMD(v_from_bits)(SIMD(v_bits)(T) + (vl)_mm512_slli_epi64(bits, 48));
    vd q = SIMD(v_fma)(r, SIMD(v_set)(1.3889092630712484e-03), SIMD(v_set)(8.333449817622149e-03));
    q = SIMD(v_fma)(r, q, SIMD(v_set)(4.166666666222726e-02));
    q = SIMD(v_fma)(r, q, SIMD(v_set)(1.6666666665298963e-01));
    q = SIMD(v_fma)(r, q, SIMD(v_set)(0.5));
    const vd p = SIMD(v_fma)(r * r, q, r);
    return SIMD(v_fma)(scaled, p, scaled);
}
#else
/* exp for x < 709; below -708 it is what it is there; NaN stays NaN.
 * x = n ln2 + r; exp(r) = 1 + r + r^2 q(r) with q the Chebyshev interpolant of degree 9 on |r| <= ln2/2 (relative error 1.6e-17) */
SIMD_FN vd SIMD(v_exp)(vd x)
{
    const vd one = SIMD(v_set)(1.0);
    x = SIMD(v_larger)(SIMD(v_set)(-708.0), x);
    const vd k = SIMD(v_fma)(x, SIMD(v_set)(SIMD_INV_LN2), SIMD(v_set)(SIMD_ROUND)), n = k - SIMD_ROUND;
    vd r = SIMD(v_nfma)(n, SIMD(v_set)(SIMD_LN2_HI), x);
    r = SIMD(v_nfma)(n, SIMD(v_set)(SIMD_LN2_LO), r);
    const vd r2 = r * r, r4 = r2 * r2;
    const vd a = SIMD(v_fma)(r, SIMD(v_set)(1.66666666666666685e-01), SIMD(v_set)(0.5));
    const vd b = SIMD(v_fma)(r, SIMD(v_set)(8.33333333333006500e-03), SIMD(v_set)(4.16666666666241636e-02));
    const vd c = SIMD(v_fma)(r, SIMD(v_set)(1.98412698630405450e-04), SIMD(v_set)(1.38888889171967186e-03));
    const vd d = SIMD(v_fma)(r, SIMD(v_set)(2.75572684803100238e-06), SIMD(v_set)(2.48015213223686919e-05));
    const vd e = SIMD(v_fma)(r, SIMD(v_set)(2.51003758325612340e-08), SIMD(v_set)(2.76200758799833672e-07));
    const vd ab = SIMD(v_fma)(r2, b, a), cd = SIMD(v_fma)(r2, d, c);
    const vd q = SIMD(v_fma)(r4, SIMD(v_fma)(r4, e, cd), ab);
    const vd p = one + SIMD(v_fma)(r2, q, r);
    const vd scale = SIMD(v_from_bits)((SIMD(v_bits)(k) + 1023) << 52);
    return p * scale;
}
#endif

/* log of a positive normal number; 0, infinity and NaN are the caller's business.
 * x = 2^e m with m in (0.7, 1.42); log m = f - s (f - R(s^2)), f = m - 1, s = f/(2 + f), the series of 2 artanh(s) */
SIMD_FN vd SIMD(v_log)(vd x)
{
    const vl bits = SIMD(v_bits)(x);
    vd e = SIMD(v_from_bits)(((bits >> 52) & 0x7ff) | 0x4330000000000000) - (4503599627370496.0 + 1023.0);
    vd m = SIMD(v_from_bits)((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
    e = SIMD(v_if_less)(m, 1.4142135623730951, e, e + 1.0);
    m = SIMD(v_if_less)(m, 1.4142135623730951, m, m * 0.5);
    const vd f = m - 1.0, s = f / (f + 2.0), z = s * s, z2 = z * z, z4 = z2 * z2;
    const vd a = SIMD(v_fma)(z, SIMD(v_set)(2.0 / 5), SIMD(v_set)(2.0 / 3));
    const vd b = SIMD(v_fma)(z, SIMD(v_set)(2.0 / 9), SIMD(v_set)(2.0 / 7));
    const vd c = SIMD(v_fma)(z, SIMD(v_set)(2.0 / 13), SIMD(v_set)(2.0 / 11));
    const vd d = SIMD(v_fma)(z, SIMD(v_set)(2.0 / 17), SIMD(v_set)(2.0 / 15));
    const vd g = SIMD(v_fma)(z, SIMD(v_set)(2.0 / 21), SIMD(v_set)(2.0 / 19));
    const vd q = SIMD(v_fma)(z4, SIMD(v_fma)(z4, g, SIMD(v_fma)(z2, d, c)), SIMD(v_fma)(z2, b, a));
    const vd half = 0.5 * f * f;
    const vd tail = half - SIMD(v_fma)(s, SIMD(v_fma)(z, q, half), e * SIMD_LN2_LO);
    return SIMD(v_fma)(e, SIMD(v_set)(SIMD_LN2_HI), f - tail);
}

/* tanh |x| = base + top/bottom, three vectors for every x; NaN stays NaN.
 * |x| = n ln2/2 + r, |r| < 0.1734; t = tanh r = r + r^3 q(r^2) with q the Chebyshev interpolant of degree 5 (relative error 2e-17). With
 * tanh(n ln2/2) = l/h, l = 1 - u, h = 1 + u, u = 2^-n, the addition theorem gives, for any b,
 *     tanh |x| = (l + h t)/(h + l t) = b + [(l - b h) + (h - b l) t]/(h + l t).
 * b = l^2 is so near l/h that the rounding of the quotient hardly matters; for n = 0 the result is t itself. */
SIMD_FN void SIMD(tanh_parts_anywhere)(vd size, vd *base, vd *top, vd *bottom)
{
    size = SIMD(v_smaller)(SIMD(v_set)(20.0), size);
    const vd k = SIMD(v_fma)(size, SIMD(v_set)(2.0 * SIMD_INV_LN2), SIMD(v_set)(SIMD_ROUND)), n = k - SIMD_ROUND;
    /* r in two parts: the first exact, the second added last, so that only t is rounded */
    const vd r_high = SIMD(v_nfma)(n, SIMD(v_set)(0.5 * SIMD_LN2_HI), size), r_low = n * (-0.5 * SIMD_LN2_LO), r = r_high + r_low;
    const vd z = r * r, u = SIMD(v_from_bits)((1023 - SIMD(v_bits)(k)) << 52), l = 1.0 - u, h = 1.0 + u, b = l * l;
    vd q = SIMD(v_fma)(z, SIMD(v_set)(3.463892717465758e-03), SIMD(v_set)(-8.858934482427923e-03));
    q = SIMD(v_fma)(z, q, SIMD(v_set)(2.186942178564989e-02));
    q = SIMD(v_fma)(z, q, SIMD(v_set)(-5.396825349922673e-02));
    q = SIMD(v_fma)(z, q, SIMD(v_set)(1.3333333333212694e-01));
    q = SIMD(v_fma)(z, q, SIMD(v_set)(-3.333333333333328e-01));
    const vd t = r_high + SIMD(v_fma)(r * z, q, r_low);
    *base = b;
    *top = SIMD(v_fma)(SIMD(v_nfma)(b, l, h), t, SIMD(v_nfma)(b, h, l));
    *bottom = SIMD(v_fma)(l, t, h);
}

/* Where the widest vectors have their table: |x| = n step + r, with T = tanh(n step) from a table that two permutations of registers
 * read, and t = tanh r = r + r^3 q(r^2), |r| < 0.126, q of degree 4 with least relative error in t (3e-17):
 *     tanh |x| = T + (1 - T^2) t/(1 + T t).
 * N vectors (a constant after inlining) are worked on side by side, which hides the latency of each step. */
#if VL == 8
SIMD_FN void SIMD(tanh_parts)(const int N, const vd *size, vd *base, vd *top, vd *bottom)
{
    const vd one = SIMD(v_set)(1.0);
    vd r[4], z[4], q[4];
#pragma GCC unroll 4
    for (int i = 0; i < N; i++) {
        const vd k = SIMD(v_fma)(size[i], SIMD(v_set)(1.0 / SIMD_TANH_STEP), SIMD(v_set)(SIMD_ROUND));
        const __m512i n = (__m512i)SIMD(v_bits)(k);
        const __m512d below = _mm512_permutex2var_pd(_mm512_loadu_pd(simd_tanh_table), n, _mm512_loadu_pd(simd_tanh_table + 8));
        const __m512d above = _mm512_permutex2var_pd(_mm512_loadu_pd(simd_tanh_table + 16), n, _mm512_loadu_pd(simd_tanh_table + 24));
        base[i] = (vd)_mm512_mask_blend_pd(_mm512_test_epi64_mask(n, _mm512_set1_epi64(16)), below, above);
        r[i] = SIMD(v_nfma)(k - SIMD_ROUND, SIMD(v_set)(SIMD_TANH_STEP), size[i]);
        z[i] = r[i] * r[i];
    }
#define SIMD_STEP(result) _Pragma("GCC unroll 4") for (int i = 0; i < N; i++) result
    SIMD_STEP(q[i] = SIMD(v_fma)(z[i], SIMD(v_set)(-8.697141663674652e-03), SIMD(v_set)(2.186660872735198e-02)));
    SIMD_STEP(q[i] = SIMD(v_fma)(z[i], q[i], SIMD(v_set)(-5.396823125795984e-02)));
    SIMD_STEP(q[i] = SIMD(v_fma)(z[i], q[i], SIMD(v_set)(1.3333333325511612e-01)));
    SIMD_STEP(q[i] = SIMD(v_fma)(z[i], q[i], SIMD(v_set)(-3.3333333333324583e-01)));
    SIMD_STEP(q[i] = SIMD(v_fma)(r[i] * z[i], q[i], r[i]));
    SIMD_STEP(top[i] = SIMD(v_nfma)(base[i], base[i], one) * q[i]);
    SIMD_STEP(bottom[i] = SIMD(v_fma)(base[i], q[i], one));
#undef SIMD_STEP
}
SIMD_FN int SIMD(tanh_in_table)(vd size)
{
    return __builtin_expect(!_mm512_cmp_pd_mask((__m512d)size, _mm512_set1_pd(SIMD_TANH_END), _CMP_NLT_UQ), 1);
}
#else
SIMD_FN void SIMD(tanh_parts)(const int N, const vd *size, vd *base, vd *top, vd *bottom)
{
    for (int i = 0; i < N; i++) SIMD(tanh_parts_anywhere)(size[i], &base[i], &top[i], &bottom[i]);
}
SIMD_FN int SIMD(tanh_in_table)(vd size) { return 1; }
#endif

/* a/b for b near 1. Divisions are the slowest of all operations and wait for one another: `around` goes around them, from an inverse of
 * 14 bits with error e, by 1 + e + e^2 + e^3, with one more rounding. */
SIMD_FN vd SIMD(v_quotient)(vd a, vd b, const int around)
{
#if VL == 8
    if (around) {
        const vd inverse = (vd)_mm512_rcp14_pd((__m512d)b), rough = a * inverse, e = SIMD(v_nfma)(b, inverse, SIMD(v_set)(1.0));
        return SIMD(v_fma)(rough, SIMD(v_fma)(SIMD(v_fma)(e, e, e), e, e), rough);
    }
#endif
    return a / b;
}

/* tanh of N <= 4 vectors (a constant after inlining) for every x; NaN stays NaN and may spread to the same lane of another vector */
SIMD_FN void SIMD(v_tanhs)(const int N, vd *x)
{
    vd size[4], base[4], top[4], bottom[4];
#pragma GCC unroll 4
    for (int i = 0; i < N; i++) size[i] = SIMD(v_size)(x[i]);
    vd largest = size[0];
#pragma GCC unroll 4
    for (int i = 1; i < N; i++) largest = SIMD(v_larger)(largest, size[i]);
    if (SIMD(tanh_in_table)(largest)) SIMD(tanh_parts)(N, size, base, top, bottom);
    else
        for (int i = 0; i < N; i++) SIMD(tanh_parts_anywhere)(size[i], &base[i], &top[i], &bottom[i]);
#pragma GCC unroll 4
    for (int i = 0; i < N; i++) x[i] = SIMD(v_with_sign)(base[i] + SIMD(v_quotient)(top[i], bottom[i], i % 2), x[i]);
}

/* the three functions over arrays whose length is a multiple of VL, for the accuracy tests */
static void SIMD(elementary)(int which, ptrdiff_t n, const double *x, double *y)
{
    ptrdiff_t i = 0;
    for (; which == 2 && i + 4 * VL <= n; i += 4 * VL) {
        vd v[4];
        memcpy(v, x + i, sizeof v);
        SIMD(v_tanhs)(4, v);
        memcpy(y + i, v, sizeof v);
    }
    for (; i < n; i += VL) {
        vd v = SIMD(v_load)(x + i);
        if (which == 2) SIMD(v_tanhs)(1, &v);
        SIMD(v_store)(y + i, which == 0 ? SIMD(v_exp)(v) : which == 1 ? SIMD(v_log)(v) : v);
    }
}
