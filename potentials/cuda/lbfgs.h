/* L-BFGS as in common/lbfgs.pyx, as a machine that is told an energy and a gradient and says where it wants the next: the caller
 * may evaluate in the same kernel or in others. One quench per block; every thread keeps the numbers of the state and owns
 * the elements tid, tid + blockDim, ... of the rows.
 */
#ifndef LANDSCAPES_CUDA_LBFGS_H
#define LANDSCAPES_CUDA_LBFGS_H
#include "block.h"
#include "parameters.h"

#define MAX_SHORTENINGS 10
#define MAX_RESETS 5

enum { CONVERGED = 0, MAX_ITERATIONS = 1, NOT_FINITE = 2, STUCK = 3, BELOW_FLOOR = 4 };

/* eight bytes each: lockstep quenches keep it in an array of them. `length` is that of the direction, `path` that of the way so far */
typedef struct {
    double energy, gg, first_guess, scale, rms, length, path;
    long long started, stored, head, shortenings, resets, iterations, calls, status;
} Quench;

/* what a minimisation is told */
typedef struct {
    int n, history;
    long long max_iterations;
    double rms, max_step, max_rise, diagonal, floor;
} Minimiser;

DEVICE Minimiser minimiser_of(const Parameters &p)
{
    Minimiser s = {(int)p.n_variables, (int)p.history, p.max_iterations, p.rms, p.max_step, p.max_rise, p.diagonal, p.floor};
    return s;
}

/* rows of n doubles: where the next energy is wanted, what it was, where the quench is, its gradient, the direction, then the steps
 * and changes of gradient of the memory; after them the numbers rho and alpha of the memory */
#define ROW_NEW_X 0
#define ROW_NEW_GRADIENT 1
#define ROW_X 2
#define ROW_GRADIENT 3
#define ROW_DIRECTION 4
#define ROW_MEMORY 5

#define EACH(k, n) for (int k = (int)threadIdx.x; k < (n); k += (int)blockDim.x)

DEVICE void lbfgs_start(const Minimiser &p, Quench &q)
{
    q.started = q.stored = q.head = q.shortenings = q.resets = q.iterations = q.calls = 0;
    q.energy = q.gg = q.scale = q.rms = q.length = q.path = 0.0;
    q.first_guess = p.diagonal;
    q.status = MAX_ITERATIONS;
}

/* the two-loop recursion (Nocedal 1980); |d|^2 and d . g */
DEVICE void lbfgs_direction(const Minimiser &p, const Quench &q, double guess, double *rows, double *length2, double *slope, double *scratch)
{
    const int n = p.n, m = p.history;
    const double *g = rows + ROW_GRADIENT * n;
    double *d = rows + ROW_DIRECTION * n, *steps = rows + ROW_MEMORY * n, *changes = steps + m * n, *rho = changes + m * n, *alpha = rho + m;
    double sums[2] = {0.0, 0.0};
    EACH(k, n) d[k] = g[k];
    for (int back = 0; back < (int)q.stored; back++) {
        const int j = ((int)q.head - 1 - back + m) % m;
        double product = 0.0;
        EACH(k, n) product += steps[j * n + k] * d[k];
        product = rho[j] * block_sum(product, scratch);
        if (threadIdx.x == 0) alpha[j] = product;
        EACH(k, n) d[k] -= product * changes[j * n + k];
    }
    EACH(k, n) d[k] *= -guess;
    for (int back = (int)q.stored - 1; back >= 0; back--) {
        const int j = ((int)q.head - 1 - back + m) % m;
        double product = 0.0;
        EACH(k, n) product += changes[j * n + k] * d[k];
        product = rho[j] * block_sum(product, scratch);
        EACH(k, n) d[k] -= (alpha[j] + product) * steps[j * n + k];
    }
    EACH(k, n) {
        sums[0] += d[k] * d[k];
        sums[1] += d[k] * g[k];
    }
    block_sums<2>(sums, scratch);
    *length2 = sums[0];
    *slope = sums[1];
}

/* Takes up the energy and the gradient at ROW_NEW_X. Returns 1 with the next point in ROW_NEW_X, or 0 at the end of the quench, with
 * the result in ROW_X and ROW_GRADIENT. */
DEVICE int lbfgs_advance(const Minimiser &p, Quench &q, double energy, double *rows, double *scratch)
{
    const int n = p.n, m = p.history;
    double *x_new = rows + ROW_NEW_X * n, *g_new = rows + ROW_NEW_GRADIENT * n, *x = rows + ROW_X * n, *g = rows + ROW_GRADIENT * n;
    double *d = rows + ROW_DIRECTION * n, *steps = rows + ROW_MEMORY * n, *changes = steps + m * n, *rho = changes + m * n;
    double length2, slope;
    q.calls++;
    if (!q.started) {
        double gg = 0.0;
        q.started = 1;
        q.energy = energy;
        EACH(k, n) {
            x[k] = x_new[k];
            g[k] = g_new[k];
            gg += g[k] * g[k];
        }
        q.gg = block_sum(gg, scratch);
    } else if (energy - q.energy <= p.max_rise) {
        /* the newest pair overwrites the oldest */
        double *s = steps + q.head * n, *y = changes + q.head * n, sums[3] = {0.0, 0.0, 0.0};
        EACH(k, n) {
            const double step = x_new[k] - x[k], change = g_new[k] - g[k];
            s[k] = step;
            y[k] = change;
            sums[0] += change * step;
            sums[1] += change * change;
            sums[2] += g_new[k] * g_new[k];
            x[k] = x_new[k];
            g[k] = g_new[k];
        }
        block_sums<3>(sums, scratch);
        q.gg = sums[2];
        q.energy = energy;
        q.path += fabs(q.scale) * q.length;
        q.iterations++;
        if (sums[1] > 0.0 && sums[0] != 0.0) {
            if (threadIdx.x == 0) rho[q.head] = 1.0 / sums[0];
            q.first_guess = fabs(sums[0]) / sums[1];
            q.head = q.head + 1 == m ? 0 : q.head + 1;
            if (q.stored < m) q.stored++;
        }
        barrier();
    } else if (q.shortenings < MAX_SHORTENINGS) {
        q.shortenings++;
        q.scale *= 0.1;
        EACH(k, n) x_new[k] = x[k] + q.scale * d[k];
        return 1;
    } else {
        if (q.stored == 0 || q.resets == MAX_RESETS) {
            q.status = isfinite(energy) ? STUCK : NOT_FINITE;
            return 0;
        }
        q.resets++;
        q.stored = q.head = 0;
        q.first_guess = p.diagonal;
    }

    const double norm = sqrt(q.gg);
    q.rms = norm / sqrt((double)n);
    if (!(isfinite(q.energy) && isfinite(norm))) {
        q.status = NOT_FINITE;
        return 0;
    }
    if (q.energy < p.floor) {
        q.status = BELOW_FLOOR;
        return 0;
    }
    if (q.rms < p.rms) {
        q.status = CONVERGED;
        return 0;
    }
    if (q.iterations >= p.max_iterations) return 0;
    /* nothing is known of the curvature at first: a cautious step of length diagonal */
    lbfgs_direction(p, q, q.stored == 0 && norm > 1.0 ? q.first_guess / norm : q.first_guess, rows, &length2, &slope, scratch);
    q.length = sqrt(length2);
    q.scale = q.length > p.max_step ? p.max_step / q.length : 1.0;
    if (slope > 0.0) q.scale = -q.scale;
    q.shortenings = 0;
    EACH(k, n) x_new[k] = x[k] + q.scale * d[k];
    return 1;
}

/* the same as a function of its own */
CALLED int lbfgs_advance_apart(const Minimiser &p, Quench &q, double energy, double *rows, double *scratch)
{
    return lbfgs_advance(p, q, energy, rows, scratch);
}

/* a whole minimisation of a function(x, gradient) from ROW_NEW_X */
template <class Function> DEVICE void lbfgs_minimise(const Minimiser &s, Quench &q, double *rows, double *scratch, const Function &function)
{
    lbfgs_start(s, q);
    for (;;) {
        const double energy = function(rows + ROW_NEW_X * s.n, rows + ROW_NEW_GRADIENT * s.n);
        if (!lbfgs_advance_apart(s, q, energy, rows, scratch)) break;
    }
    barrier();
}

/* a quench of the potential */
template <class Potential> DEVICE void lbfgs_quench(const Parameters &p, Quench &q, double *rows, double *work, double *scratch)
{
    const Minimiser s = minimiser_of(p);
    lbfgs_start(s, q);
    for (;;) {
        const double energy =
            Potential::template energy_gradient<double>(p, rows + ROW_NEW_X * s.n, rows + ROW_NEW_GRADIENT * s.n, work, scratch);
        if (!lbfgs_advance(s, q, energy, rows, scratch)) break;
    }
    barrier();
}
#endif
