/* Hybrid eigenvector-following of optim/_hybrid_ef.pyx with the Rayleigh-Ritz minimisation of optim/_rayleigh_ritz.pyx: uphill along the
 * lowest eigenvector, L-BFGS in the space orthogonal to it; one search per block.
 */
#ifndef LANDSCAPES_CUDA_SADDLE_H
#define LANDSCAPES_CUDA_SADDLE_H
#include "evaluate.h"
#include "lbfgs.h"

/* as in _hybrid_ef.pyx and _rigid_modes.pyx */
#define LOOSE_RESIDUAL 0.03
#define PATIENCE 25
#define TRUST_FACTOR 1.1
#define FIRST_RITZ 4
#define CERTAIN 0.3
#define REFINEMENTS 4
#define DEGENERATE 1e-6
#define RIGID_MODES 6

enum { SADDLE_FOUND = 0, SADDLE_ITERATIONS = 1, SADDLE_NOT_FINITE = 2, SADDLE_MINIMUM = 3, SADDLE_TOO_FAR = 4, SADDLE_ENERGY = 5 };

/* rows of n */
typedef struct {
    double *g, *old_vector, *start, *x_old, *g_old, *full, *displaced, *other, *zero, *minimiser;
    int n_zero;
    long long calls;
} Search;

#define SADDLE_ROWS 8

/* doubles of work space besides the point and the vector; `history` is the longer of the two memories */
#define SADDLE_SPACE(n, n_zero, history) ((SADDLE_ROWS + (n_zero) + 2 * (history) + ROW_MEMORY) * (n) + 2 * (history))

CALLED double product(int n, const double *a, const double *b, double *scratch)
{
    double sum = 0.0;
    EACH(k, n) sum += a[k] * b[k];
    return block_sum(sum, scratch);
}

/* orthonormal zero modes at x: translations and rotations about the centroid, or those given */
CALLED void zero_modes_at(const Parameters &p, Search &s, const double *x, double *scratch)
{
    const int n = (int)p.n_variables;
    if (!p.rigid) {
        s.n_zero = (int)p.n_zero_modes;
        EACH(k, n) for (int z = 0; z < s.n_zero; z++) s.zero[z * n + k] = p.zero_modes[z * n + k];
        return;
    }
    const int atoms = n / 3;
    const double unit = 1.0 / sqrt((double)atoms);
    double centre[3] = {0.0, 0.0, 0.0}, size = 0.0;
    barrier();
    EACH(k, n) {
        centre[k % 3] += x[k];
        for (int c = 0; c < 3; c++) s.zero[c * n + k] = k % 3 == c ? unit : 0.0;
    }
    block_sums<3>(centre, scratch);
    for (int c = 0; c < 3; c++) centre[c] /= atoms;
    EACH(k, n) size += (x[k] - centre[k % 3]) * (x[k] - centre[k % 3]);
    size = sqrt(block_sum(size, scratch));
    s.n_zero = 3;
    for (int axis = 0; axis < 3; axis++) {
        double *row = s.zero + s.n_zero * n;
        const int next = (axis + 1) % 3, last = (axis + 2) % 3;
        EACH(k, n) {
            const int first = k - k % 3;
            row[k] = k % 3 == next ? -(x[first + last] - centre[last]) : k % 3 == last ? x[first + next] - centre[next] : 0.0;
        }
        for (int j = 3; j < s.n_zero; j++) {
            const double along = product(n, s.zero + j * n, row, scratch);
            EACH(k, n) row[k] -= along * s.zero[j * n + k];
        }
        const double length = sqrt(product(n, row, row, scratch));
        if (length > DEGENERATE * size) {
            EACH(k, n) row[k] /= length;
            s.n_zero++;
        }
    }
}

CALLED void project_out(const Search &s, int n, double *v, double *scratch)
{
    for (int first = 0; first < s.n_zero; first += 3) {
        double along[3] = {0.0, 0.0, 0.0};
        const int count = s.n_zero - first < 3 ? s.n_zero - first : 3;
        EACH(k, n) for (int c = 0; c < 3; c++) if (c < count) along[c] += s.zero[(first + c) * n + k] * v[k];
        block_sums<3>(along, scratch);
        EACH(k, n) for (int c = 0; c < 3; c++) if (c < count) v[k] -= along[c] * s.zero[(first + c) * n + k];
    }
}

CALLED void normalise(int n, double *v, double *scratch)
{
    const double length = sqrt(product(n, v, v, scratch));
    if (length > 0.0) EACH(k, n) v[k] /= length;
}

/* the Rayleigh quotient of v at x, where the gradient is s.full, and its gradient 2 (H u - R u) / |v|; u replaces v in s.other */
template <class Potential>
CALLED double rayleigh_quotient(const Parameters &p, const Room &room, Search &s, const double *x, const double *v, double *gradient)
{
    const int n = (int)p.n_variables;
    double *u = s.other;
    EACH(k, n) u[k] = v[k];
    project_out(s, n, u, room.scratch);
    const double length = sqrt(product(n, u, u, room.scratch));
    if (!(length > 0.0)) return nan("");
    EACH(k, n) {
        u[k] /= length;
        s.displaced[k] = x[k] + p.difference_step * u[k];
    }
    evaluate<Potential>(p, s.displaced, gradient);
    s.calls++;
    if (p.central_differences) {
        EACH(k, n) s.displaced[k] = x[k] - p.difference_step * u[k];
        evaluate<Potential>(p, s.displaced, s.displaced);
        s.calls++;
        EACH(k, n) gradient[k] = 0.5 / p.difference_step * (gradient[k] - s.displaced[k]);
    } else {
        EACH(k, n) gradient[k] = (gradient[k] - s.full[k]) / p.difference_step;
    }
    project_out(s, n, gradient, room.scratch);
    const double value = product(n, u, gradient, room.scratch);
    EACH(k, n) gradient[k] = 2.0 / length * (gradient[k] - value * u[k]);
    return value;
}

/* refines v towards the lowest eigenvector; its Rayleigh quotient and how the minimisation of that ended are in q */
template <class Potential>
CALLED void refine_eigenvector(const Parameters &p, const Room &room, Search &s, const double *x, double *v, const Minimiser &m, Quench &q)
{
    const int n = (int)p.n_variables;
    project_out(s, n, v, room.scratch);
    normalise(n, v, room.scratch);
    EACH(k, n) s.minimiser[ROW_NEW_X * n + k] = v[k];
    lbfgs_minimise(m, q, s.minimiser, room.scratch,
                   [&](const double *u, double *gradient) { return rayleigh_quotient<Potential>(p, room, s, x, u, gradient); });
    EACH(k, n) v[k] = s.minimiser[ROW_X * n + k];
    project_out(s, n, v, room.scratch);
    normalise(n, v, room.scratch);
}

/* the same to a criterion that suits the eigenvalue that it finds; `value` is the one before */
template <class Potential>
DEVICE double lowest_eigenvector(const Parameters &p, const Room &room, Search &s, const double *x, double *v, double value, int first)
{
    const double root_n = sqrt((double)p.n_variables);
    Minimiser m = {(int)p.n_variables, (int)p.ritz_history, p.ritz_iterations * (first ? FIRST_RITZ : 1),
                   fmax(p.ritz_rms, 2.0 * LOOSE_RESIDUAL * fabs(value) / root_n), p.ritz_max_step, p.ritz_max_rise, p.ritz_diagonal, -1e300};
    Quench q;
    for (int refinement = 0;; refinement++) {
        refine_eigenvector<Potential>(p, room, s, x, v, m, q);
        /* the gradient of the quotient is twice the residual */
        if (refinement == REFINEMENTS || q.status != CONVERGED || 0.5 * q.rms * root_n < CERTAIN * fabs(q.energy)) return q.energy;
        m.rms = fmin(0.3 * m.rms, 2.0 * LOOSE_RESIDUAL * fabs(q.energy) / root_n);
        m.max_rise = fmin(m.max_rise, LOOSE_RESIDUAL * fabs(q.energy));
    }
}

/* L-BFGS from x orthogonal to v; leaves x, the gradient in that space in s.g, and the whole gradient in s.full; the energy */
template <class Potential>
CALLED double relax_tangent(const Parameters &p, const Room &room, Search &s, double *x, const double *v, const Minimiser &m, double first_energy)
{
    const int n = (int)p.n_variables;
    Quench q;
    int known = 1;
    EACH(k, n) s.minimiser[ROW_NEW_X * n + k] = x[k];
    lbfgs_minimise(m, q, s.minimiser, room.scratch, [&](const double *y, double *gradient) {
        double e = first_energy;
        if (known) {
            known = 0;
        } else {
            e = evaluate<Potential>(p, y, s.full);
            s.calls++;
        }
        const double along = product(n, v, s.full, room.scratch);
        EACH(k, n) gradient[k] = s.full[k] - along * v[k];
        return e;
    });
    EACH(k, n) {
        x[k] = s.minimiser[ROW_X * n + k];
        s.g[k] = s.minimiser[ROW_GRADIENT * n + k];
    }
    if (q.status != STUCK && q.status != NOT_FINITE) return q.energy;
    /* the newest evaluation was elsewhere */
    s.calls++;
    return evaluate<Potential>(p, x, s.full);
}

/* x and v: where to begin and the first guess of the eigenvector, then the saddle and its downhill eigenvector */
template <class Potential>
CALLED void find_saddle(const Parameters &p, const Room &room, double *x, double *v, double *numbers, double *space)
{
    const int n = (int)p.n_variables;
    const double goal = numbers[NUMBER_GOAL], max_energy = numbers[NUMBER_ENERGY], root_n = sqrt((double)n);
    const long long most = (long long)numbers[NUMBER_ITERATIONS];
    double max_step = p.ef_max_step, value = 0.0, e, rms = 0.0;
    long long iterations = 0;
    int positive = 0, status;
    Minimiser m = minimiser_of(p);
    Search s;
    m.rms = 0.5 * goal;
    m.floor = -1e300;
    s.calls = 1;
    s.g = space;
    s.old_vector = s.g + n;
    s.start = s.old_vector + n;
    s.x_old = s.start + n;
    s.g_old = s.x_old + n;
    s.full = s.g_old + n;
    s.displaced = s.full + n;
    s.other = s.displaced + n;
    s.zero = s.other + n;
    s.minimiser = s.zero + (p.rigid ? RIGID_MODES : p.n_zero_modes) * n;
    EACH(k, n) s.start[k] = x[k];
    e = evaluate<Potential>(p, x, s.full);
    for (;;) {
        rms = sqrt(product(n, s.full, s.full, room.scratch)) / root_n;
        if (!(isfinite(e) && isfinite(rms))) {
            status = SADDLE_NOT_FINITE;
            break;
        }
        zero_modes_at(p, s, x, room.scratch);
        EACH(k, n) s.old_vector[k] = v[k];
        value = lowest_eigenvector<Potential>(p, room, s, x, v, value, iterations == 0);
        if (!isfinite(value)) {
            status = SADDLE_NOT_FINITE;
            break;
        }
        if (rms < goal && value < 0.0) {
            status = SADDLE_FOUND;
            break;
        }
        if (iterations >= most) {
            status = SADDLE_ITERATIONS;
            break;
        }
        positive = value > 0.0 ? positive + 1 : 0;
        if (positive > PATIENCE) {
            status = SADDLE_MINIMUM;
            break;
        }
        const double overlap = fabs(product(n, v, s.old_vector, room.scratch)), slope = product(n, v, s.full, room.scratch);
        /* uphill; in a convex region the curvature says nothing and the step is a full one */
        double step = max_step;
        if (!(value > 0.0)) {
            const double c = fabs(value), ratio = slope / c;
            step = fmin(2.0 * fabs(slope) / (c * (1.0 + sqrt(1.0 + 4.0 * ratio * ratio))), max_step);
        }
        if (slope < 0.0) step = -step;
        EACH(k, n) x[k] += step * v[k];
        iterations++;
        e = evaluate<Potential>(p, x, s.full);
        s.calls++;
        if (!isfinite(e)) {
            status = SADDLE_NOT_FINITE;
            break;
        }
        /* trust radius: the curvature met along the step against the eigenvalue */
        const double after = product(n, v, s.full, room.scratch);
        if (fabs(1.0 - (after - slope) / (step * value)) > p.ef_trust) max_step = fmax(max_step / TRUST_FACTOR, p.ef_step_floor);
        else max_step = fmin(max_step * TRUST_FACTOR, p.ef_step_ceiling);
        EACH(k, n) {
            s.x_old[k] = x[k];
            s.g_old[k] = s.full[k] - after * v[k];
        }
        m.max_iterations = overlap > 1.0 - p.overlap_tolerance ? p.tangent_many : p.tangent_few;
        e = relax_tangent<Potential>(p, room, s, x, v, m, e);
        /* the inverse curvature met on the way starts the next minimisation */
        double sums[3] = {0.0, 0.0, 0.0};
        EACH(k, n) {
            const double change = s.g_old[k] - s.g[k], way = x[k] - s.start[k];
            sums[0] += (s.x_old[k] - x[k]) * change;
            sums[1] += change * change;
            sums[2] += way * way;
        }
        block_sums<3>(sums, room.scratch);
        if (sums[0] != 0.0 && sums[1] > 0.0) m.diagonal = fabs(sums[0]) / sums[1];
        if (e > max_energy) {
            status = SADDLE_ENERGY;
            break;
        }
        if (sums[2] > p.ts_max_distance * p.ts_max_distance) {
            status = SADDLE_TOO_FAR;
            break;
        }
    }
    barrier();
    if (threadIdx.x == 0) {
        numbers[NUMBER_STATUS] = status;
        numbers[NUMBER_ITERATIONS] = (double)iterations;
        numbers[NUMBER_CALLS] = (double)s.calls;
        numbers[NUMBER_RMS] = rms;
        numbers[NUMBER_ENERGY] = e;
        numbers[NUMBER_EIGENVALUE] = value;
    }
}
#endif
