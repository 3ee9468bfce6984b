/* The linear assignment problem in single precision with vector instructions.

   Rows of the cost matrix are padded to a multiple of ASSIGN_LANES columns whose costs are huge. */
#ifndef LANDSCAPES_ASSIGNMENT_H
#define LANDSCAPES_ASSIGNMENT_H
#include <stddef.h>
#include "multiversion.h"

#define ASSIGN_LANES 16
#define ASSIGN_HUGE 1e30f

static inline ptrdiff_t assign_stride(ptrdiff_t n) { return (n + ASSIGN_LANES - 1) / ASSIGN_LANES * ASSIGN_LANES; }

/* Least of an array and its first place. */
LANDSCAPES_INLINE float assign_least(ptrdiff_t stride, const float *key, int *place)
{
    float least = 3e38f;
    int first = 1 << 30;
#pragma omp simd reduction(min : least)
    for (ptrdiff_t j = 0; j < stride; j++) least = key[j] < least ? key[j] : least;
#pragma omp simd reduction(min : first)
    for (int j = 0; j < (int)stride; j++) {
        const int at = key[j] == least ? j : 1 << 30;
        first = at < first ? at : first;
    }
    *place = first;
    return least;
}

/* Duals of the columns to start from: the least cost of each. */
LANDSCAPES_INLINE void assign_reduce_columns(ptrdiff_t n, ptrdiff_t stride, const float *cost, float *v)
{
#pragma omp simd
    for (ptrdiff_t j = 0; j < stride; j++) v[j] = cost[j];
    for (ptrdiff_t i = 1; i < n; i++) {
        const float *row = cost + i * stride;
#pragma omp simd
        for (ptrdiff_t j = 0; j < stride; j++) v[j] = row[j] < v[j] ? row[j] : v[j];
    }
    for (ptrdiff_t j = n; j < stride; j++) v[j] = 0.0f;
}

/* Permutation that minimises the sum of cost[i][columns[i]], i < n, by shortest augmenting paths (Jonker and Volgenant, Computing 38,
   325 (1987), without their augmenting row reduction, which here takes longer than the paths it saves). The duals v of the columns
   (stride numbers) are a start where ``warm``, and are renewed. ``real`` has room for 3 strides, ``integer`` for 3. */
LANDSCAPES_CLONES_WIDE static void assign_single(ptrdiff_t n, const float *cost, int warm, int *columns, float *v, float *real, int *integer)
{
    const ptrdiff_t stride = assign_stride(n);
    int *rows = integer, *before = integer + stride, *open = integer + 2 * stride;
    float *key = real, *penalty = real + stride, *settled = real + 2 * stride;
    int n_open = 0;
    if (!warm) assign_reduce_columns(n, stride, cost, v);
    for (ptrdiff_t j = 0; j < stride; j++) rows[j] = -1;
    /* every row asks for its cheapest column; the first to ask has it */
    for (int i = 0; i < n; i++) {
        const float *row = cost + i * stride;
        int j;
#pragma omp simd
        for (ptrdiff_t l = 0; l < stride; l++) key[l] = row[l] - v[l];
        assign_least(stride, key, &j);
        columns[i] = -1;
        if (rows[j] < 0) {
            rows[j] = i;
            columns[i] = j;
        } else {
            open[n_open++] = i;
        }
    }
    for (int f = 0; f < n_open; f++) {
        int i = open[f], j, next;
        const float *row = cost + i * stride;
        float least;
#pragma omp simd
        for (ptrdiff_t l = 0; l < stride; l++) {
            key[l] = row[l] - v[l];
            penalty[l] = 0.0f;
            settled[l] = 0.0f;
            before[l] = i;
        }
        while (1) {
            least = assign_least(stride, key, &j);
            if (rows[j] < 0) break;
            settled[j] = least;
            key[j] = ASSIGN_HUGE;
            penalty[j] = 10.0f * ASSIGN_HUGE;
            i = rows[j];
            row = cost + i * stride;
            const float shift = least - (row[j] - v[j]);
#pragma omp simd
            for (ptrdiff_t l = 0; l < stride; l++) {
                const float through = row[l] - v[l] + shift + penalty[l];
                before[l] = through < key[l] ? i : before[l];
                key[l] = through < key[l] ? through : key[l];
            }
        }
#pragma omp simd
        for (ptrdiff_t l = 0; l < stride; l++) v[l] += penalty[l] > 0.0f ? settled[l] - least : 0.0f;
        do {
            i = before[j];
            rows[j] = i;
            next = columns[i];
            columns[i] = j;
            j = next;
        } while (i != open[f]);
    }
}
#endif
