/* Positive numbers of any magnitude: m * 2^(512 e) with m = 0 or 2^-256 <= m < 2^256.

   Rates at low temperature span thousands of decades. A product or a sum costs little more than one of doubles, and its
   relative error is that of a double. */
#ifndef LANDSCAPES_EXTENDED_RANGE_H
#define LANDSCAPES_EXTENDED_RANGE_H

#define LANDSCAPES_BIG 0x1p256
#define LANDSCAPES_SMALL 0x1p-256
#define LANDSCAPES_UP 0x1p512
#define LANDSCAPES_DOWN 0x1p-512

typedef struct {
    double m;
    int e;
} wide_t;

/* An entry of a sparse row: a number and its column. */
typedef struct {
    double m;
    int e;
    int j;
} entry_t;

static inline wide_t wide_normal(double m, int e)
{
    wide_t r;
    if (m >= LANDSCAPES_BIG) {
        m *= LANDSCAPES_DOWN;
        e += 1;
    } else if (m < LANDSCAPES_SMALL) {
        if (m == 0.0)
            e = 0;
        else {
            m *= LANDSCAPES_UP;
            e -= 1;
        }
    }
    r.m = m;
    r.e = e;
    return r;
}

static inline wide_t wide_multiply(double am, int ae, double bm, int be)
{
    return wide_normal(am * bm, ae + be);
}

static inline wide_t wide_divide(double am, int ae, double bm, int be)
{
    return wide_normal(am / bm, ae - be);
}

static inline wide_t wide_add(double am, int ae, double bm, int be)
{
    wide_t r;
    if (ae == be)
        return wide_normal(am + bm, ae);
    if (am == 0.0 || (bm != 0.0 && be > ae + 1)) {
        r.m = bm;
        r.e = be;
    } else if (bm == 0.0 || ae > be + 1) {
        r.m = am;
        r.e = ae;
    } else if (ae > be)
        return wide_normal(am + bm * LANDSCAPES_DOWN, ae);
    else
        return wide_normal(bm + am * LANDSCAPES_DOWN, be);
    return r;
}

#endif
