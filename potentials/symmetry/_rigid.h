/* Inner loops of the alignment of clusters.

   In single precision every block of like atoms is padded to a multiple of ASSIGN_LANES atoms with atoms that are far from all others;
   place[k] is where block k begins. */
#ifndef LANDSCAPES_RIGID_H
#define LANDSCAPES_RIGID_H
#include <stddef.h>
#include "_assignment.h"
#include "multiversion.h"

/* Coordinate of the padding. Its square counts as infinite. */
#define RIGID_FAR 1e15f

/* Squared distances between p rotated atoms of one cluster and p atoms of another, added to cost (rows: second cluster). */
LANDSCAPES_CLONES static void rigid_add_costs(ptrdiff_t p, const double *x, const double *y, const double *z, const double *u, const double *v,
                                              const double *w, double *cost)
{
    for (ptrdiff_t i = 0; i < p; i++) {
        const double a = u[i], b = v[i], c = w[i];
        double *row = cost + i * p;
#pragma omp simd
        for (ptrdiff_t j = 0; j < p; j++) {
            const double dx = x[j] - a, dy = y[j] - b, dz = z[j] - c;
            row[j] += dx * dx + dy * dy + dz * dz;
        }
    }
}

/* The atoms of x, padded, rotated by the matrix q (row-major). */
LANDSCAPES_CLONES_WIDE static void rigid_rotate(ptrdiff_t n_blocks, const ptrdiff_t *first, const ptrdiff_t *place, ptrdiff_t padded, const double *q,
                                                const float *x, float *out)
{
    const float a = q[0], b = q[1], c = q[2], d = q[3], e = q[4], f = q[5], g = q[6], h = q[7], k = q[8];
    for (ptrdiff_t block = 0; block < n_blocks; block++) {
        const ptrdiff_t p = first[block + 1] - first[block], start = place[block], end = start + assign_stride(p);
#pragma omp simd
        for (ptrdiff_t i = start; i < end; i++) {
            const float u = x[i], v = x[padded + i], w = x[2 * padded + i];
            out[i] = a * u + b * v + c * w;
            out[padded + i] = d * u + e * v + f * w;
            out[2 * padded + i] = g * u + h * v + k * w;
        }
        for (ptrdiff_t i = start + p; i < end; i++) out[i] = out[padded + i] = out[2 * padded + i] = RIGID_FAR;
    }
}

/* Squared distances between p atoms of y (rows) and those of x (columns), padded, stored in cost or added to it. */
LANDSCAPES_CLONES_WIDE static void rigid_costs(ptrdiff_t p, ptrdiff_t padded, const float *x, const float *y, int add, float *cost)
{
    const ptrdiff_t stride = assign_stride(p);
    for (ptrdiff_t i = 0; i < p; i++) {
        const float a = y[i], b = y[padded + i], c = y[2 * padded + i];
        float *row = cost + i * stride;
        if (add) {
#pragma omp simd
            for (ptrdiff_t j = 0; j < stride; j++) {
                const float dx = x[j] - a, dy = x[padded + j] - b, dz = x[2 * padded + j] - c;
                row[j] += dx * dx + dy * dy + dz * dz;
            }
        } else {
#pragma omp simd
            for (ptrdiff_t j = 0; j < stride; j++) {
                const float dx = x[j] - a, dy = x[padded + j] - b, dz = x[2 * padded + j] - c;
                row[j] = dx * dx + dy * dy + dz * dz;
            }
        }
    }
}

/* A lower bound to the cost of the best assignment from feasible duals: the least costs of the columns, what the rows then can have, and what
   is left for the columns. ``v`` and ``w`` have room for a row. */
LANDSCAPES_CLONES_WIDE static float rigid_bound(ptrdiff_t p, const float *cost, float *v, float *w)
{
    const ptrdiff_t stride = assign_stride(p);
    float total = 0.0f;
    assign_reduce_columns(p, stride, cost, v);
#pragma omp simd
    for (ptrdiff_t j = 0; j < stride; j++) w[j] = ASSIGN_HUGE;
    for (ptrdiff_t i = 0; i < p; i++) {
        const float *row = cost + i * stride;
        float u = ASSIGN_HUGE;
#pragma omp simd reduction(min : u)
        for (ptrdiff_t j = 0; j < stride; j++) {
            const float r = row[j] - v[j];
            u = r < u ? r : u;
        }
#pragma omp simd
        for (ptrdiff_t j = 0; j < stride; j++) {
            const float r = row[j] - u;
            w[j] = r < w[j] ? r : w[j];
        }
        total += u;
    }
    for (ptrdiff_t j = 0; j < p; j++) total += w[j];
    return total;
}

/* Sum over atoms of the squared distance to the nearest atom of the other cluster, in both directions; the larger of the two is a lower bound to
   the cost of the best assignment in this orientation. x is rotated by the matrix q (row-major). Blocks of like atoms: first[k] to first[k+1]. */
LANDSCAPES_CLONES_WIDE static float rigid_nearest(ptrdiff_t n_blocks, const ptrdiff_t *first, const ptrdiff_t *place, ptrdiff_t padded, const double *q,
                                                  const float *x, const float *y, float *least)
{
    const float qa = q[0], qb = q[1], qc = q[2], qd = q[3], qe = q[4], qf = q[5], qg = q[6], qh = q[7], qk = q[8];
    float forward = 0.0f, backward = 0.0f;
    for (ptrdiff_t k = 0; k < n_blocks; k++) {
        const ptrdiff_t p = first[k + 1] - first[k], stride = assign_stride(p);
        const float *xs = x + place[k], *u = y + place[k], *v = u + padded, *w = v + padded;
#pragma omp simd
        for (ptrdiff_t j = 0; j < stride; j++) least[j] = ASSIGN_HUGE;
        for (ptrdiff_t i = 0; i < p; i++) {
            const float r = xs[i], s = xs[padded + i], t = xs[2 * padded + i];
            const float a = qa * r + qb * s + qc * t, b = qd * r + qe * s + qf * t, c = qg * r + qh * s + qk * t;
            float nearest = ASSIGN_HUGE;
#pragma omp simd reduction(min : nearest)
            for (ptrdiff_t j = 0; j < stride; j++) {
                const float dx = u[j] - a, dy = v[j] - b, dz = w[j] - c;
                const float d = dx * dx + dy * dy + dz * dz;
                nearest = d < nearest ? d : nearest;
                least[j] = d < least[j] ? d : least[j];
            }
            forward += nearest;
        }
        for (ptrdiff_t j = 0; j < p; j++) backward += least[j];
    }
    return forward > backward ? forward : backward;
}
#endif
