/* Basin-hopping of one walker per block, without the host: displacement, quench, Metropolis test, adjustment of the step, as
 * gmin/_moves.pyx and gmin/_basin_hopping.pyx do it. The random numbers are others. */
#ifndef LANDSCAPES_CUDA_WALKER_H
#define LANDSCAPES_CUDA_WALKER_H
#include "cluster.h"
#include "lbfgs.h"
#include "random.h"

#define PI 3.141592653589793

/* eight bytes each; walkers.py has the same list */
typedef struct {
    double energy, step, angular_step, temperature;
    long long quench, accepted_block, steps_block, accepted_total, calls;
} Walker;

/* the first places of a step are for single numbers, those of the displacements follow */
#define PLACE_METROPOLIS 0
#define PLACE_THETA 1
#define PLACE_PHI 2
#define PLACE_DISPLACEMENTS 8

/* index of the atom that goes to the surface, or -1, and where to; the numbers go through `scratch` to all threads */
DEVICE int angular_move(const Parameters &p, const Walker &w, const double *x, double *pair_energy, unsigned walker, double *to, double *scratch)
{
    const int n = (int)p.n_atoms;
    barrier();
    EACH(i, n) {
        const Vector<double> own = position(x, i);
        double sum = 0.0;
        for (int j = 0; j < n; j++) {
            const double i2 = 1.0 / (j == i ? 1.0 : squared(between(own, position(x, j)))), i6 = i2 * i2 * i2;
            sum += j == i ? 0.0 : 4.0 * i6 * (i6 - 1.0);
        }
        pair_energy[i] = sum;
    }
    barrier();
    if (threadIdx.x == 0) {
        double centre[3] = {0.0, 0.0, 0.0}, longest = 0.0, lowest = pair_energy[0];
        int weakest = 0;
        for (int k = 0; k < 3 * n; k++) centre[k % 3] += x[k];
        for (int k = 0; k < 3; k++) centre[k] /= n;
        for (int i = 0; i < n; i++) {
            const Vector<double> c = {centre[0], centre[1], centre[2]};
            const double r2 = squared(between(position(x, i), c));
            if (r2 > longest) longest = r2;
            if (pair_energy[i] < lowest) lowest = pair_energy[i];
            if (pair_energy[i] > pair_energy[weakest]) weakest = i;
        }
        const double theta = acos(1.0 - 2.0 * uniform(p.seed, walker, w.quench, PLACE_THETA));
        const double phi = 2.0 * PI * uniform(p.seed, walker, w.quench, PLACE_PHI), reach = sqrt(longest) + p.surface;
        scratch[0] = centre[0] + reach * sin(theta) * cos(phi);
        scratch[1] = centre[1] + reach * sin(theta) * sin(phi);
        scratch[2] = centre[2] + reach * cos(theta);
        scratch[3] = pair_energy[weakest] > w.angular_step * lowest ? (double)weakest : -1.0;
    }
    __syncthreads();
    for (int k = 0; k < 3; k++) to[k] = scratch[k];
    const int chosen = (int)scratch[3];
    __syncthreads();
    return chosen;
}

/* where the step from x leads, in x_new; `spare` has room for n_variables numbers */
DEVICE void propose(const Parameters &p, const Walker &w, const double *x, double *x_new, double *spare, unsigned walker, double *scratch)
{
    const int n = (int)p.n_variables;
    double to[3] = {0.0, 0.0, 0.0};
    const int chosen = p.angular && w.angular_step > 0.0 ? angular_move(p, w, x, spare, walker, to, scratch) : -1;
    EACH(k, n) {
        const double u = uniform(p.seed, walker, w.quench, PLACE_DISPLACEMENTS + (unsigned)k);
        const int frozen = p.frozen && p.frozen[k];
        x_new[k] = frozen ? x[k] : chosen >= 0 && k / 3 == chosen ? to[k % 3] : x[k] + w.step * (2.0 * u - 1.0);
    }
    barrier();
    if (p.move_radius > 0.0)
        /* atoms beyond the container are put on its wall */
        EACH(i, (int)p.n_atoms) {
            const double r = sqrt(squared(position(x_new, i)));
            if (r > p.move_radius)
                for (int c = 0; c < 3; c++) x_new[3 * i + c] *= p.move_radius / r;
        }
    barrier();
}

/* the centroid of the atoms to where it is wanted */
DEVICE void move_to_centre(const Parameters &p, double *x, double *scratch)
{
    const int n = (int)p.n_atoms;
    double sums[3] = {0.0, 0.0, 0.0};
    EACH(i, n) for (int c = 0; c < 3; c++) sums[c] += x[3 * i + c];
    block_sums<3>(sums, scratch);
    const double shift[3] = {p.centre_x - sums[0] / n, p.centre_y - sums[1] / n, p.centre_z - sums[2] / n};
    EACH(i, n) for (int c = 0; c < 3; c++) x[3 * i + c] += shift[c];
    barrier();
}

DEVICE void adjust(const Parameters &p, Walker &w)
{
    const double factor = (double)w.accepted_block / (double)p.change_accept > p.accept_ratio ? 1.05 : 1.0 / 1.05;
    if (p.adjust_step) {
        w.step *= factor;
        w.angular_step *= factor;
    }
    if (p.adjust_temperature) w.temperature /= factor;
    w.accepted_block = w.steps_block = 0;
}

/* potentials/lj.py, random_cluster: how near two atoms may be, and how often an atom is placed anew */
#define CLOSEST 0.5
#define TRIES 100

/* n_points clusters of atoms uniform in a sphere of move_radius, no two too near while there is room, into final_x; step 0 of the random
 * numbers of a walker */
DEVICE void random_clusters(const Parameters &p, double *scratch)
{
    const int n = (int)p.n_atoms;
    for (long long b = blockIdx.x; b < p.n_points; b += gridDim.x) {
        double *x = p.final_x + b * 3 * n;
        for (int i = 0; i < n; i++) {
            for (int attempt = 0; attempt < TRIES; attempt++) {
                const unsigned place = 3u * (unsigned)(i * TRIES + attempt);
                const double r = p.move_radius * cbrt(uniform(p.seed, (unsigned)b, 0, place));
                const double height = 2.0 * uniform(p.seed, (unsigned)b, 0, place + 1) - 1.0;
                const double phi = 2.0 * PI * uniform(p.seed, (unsigned)b, 0, place + 2), flat = sqrt(1.0 - height * height);
                const Vector<double> at = {r * flat * cos(phi), r * flat * sin(phi), r * height};
                double near = 0.0;
                EACH(j, i) near += squared(between(position(x, j), at)) <= CLOSEST * CLOSEST;
                near = block_sum(near, scratch);
                if (near > 0.0 && attempt + 1 < TRIES) continue;
                if (threadIdx.x == 0) {
                    x[3 * i] = at.x;
                    x[3 * i + 1] = at.y;
                    x[3 * i + 2] = at.z;
                }
                barrier();
                break;
            }
        }
    }
}

/* n_steps steps of the walker of this block; fewer once a target is hit, by whichever walker */
template <class Potential> DEVICE void take_steps(const Parameters &p, double *rows, double *work, double *scratch)
{
    const int n = (int)p.n_variables;
    const unsigned walker = blockIdx.x;
    double *x = p.walker_x + (size_t)walker * n;
    Walker w = ((const Walker *)p.walker_states)[walker];
    for (long long s = 0; s < p.n_steps; s++) {
        const size_t record = (size_t)walker * p.n_steps + s;
        Quench q;
        if (p.n_targets) {
            if (threadIdx.x == 0) scratch[0] = (double)atomicAdd(p.hit, 0ull);
            __syncthreads();
            const int hit = scratch[0] != 0.0;
            __syncthreads();
            if (hit) break;
        }
        w.quench++;
        propose(p, w, x, rows + ROW_NEW_X * n, rows + ROW_NEW_GRADIENT * n, walker, scratch);
        lbfgs_quench<Potential>(p, q, rows, work, scratch);
        w.calls += q.calls;
        double *found = rows + ROW_X * n;
        if (p.centre && isfinite(q.energy)) move_to_centre(p, found, scratch);
        const int good = q.status == CONVERGED || q.status == MAX_ITERATIONS;
        const double rise = q.energy - w.energy;
        const int accepted = good && (rise <= 0.0 || uniform(p.seed, walker, w.quench, PLACE_METROPOLIS) < exp(-rise / w.temperature));
        EACH(k, n) {
            p.final_x[record * n + k] = found[k];
            if (accepted) x[k] = found[k];
        }
        if (accepted) w.energy = q.energy;
        if (threadIdx.x == 0) {
            p.energy[record] = q.energy;
            p.final_rms[record] = q.rms;
            p.iterations[record] = q.iterations;
            p.calls[record] = q.calls;
            p.status[record] = q.status;
            p.accepted[record] = accepted;
            p.markov[record] = w.energy;
            for (long long t = 0; t < p.n_targets && good; t++)
                if (q.energy - p.target_energies[t] < p.ediff) atomicExch(p.hit, 1ull);
        }
        w.accepted_block += accepted;
        w.accepted_total += accepted;
        w.steps_block++;
        if (w.steps_block == p.change_accept) adjust(p, w);
        w.temperature *= p.temperature_factor;
        barrier();
    }
    if (threadIdx.x == 0) ((Walker *)p.walker_states)[walker] = w;
}
#endif
