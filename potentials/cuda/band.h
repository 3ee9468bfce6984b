/* The doubly nudged elastic band of optim/_dneb.pyx, one band per block: forces of all images, L-BFGS over the whole band.
 *
 * Thread t owns the variables t, t + blockDim, ... of every image, so that only sums and energies pass between threads.
 */
#ifndef LANDSCAPES_CUDA_BAND_H
#define LANDSCAPES_CUDA_BAND_H
#include "evaluate.h"
#include "lbfgs.h"

/* the maxima are looked at every SETTLING iterations; the band has settled when they are unchanged QUIET times running */
#define SETTLING 5
#define QUIET 3

/* rows of n for each of the images (the ends have none), then numbers per image */
typedef struct {
    int n, images;
    double spring;
    double *points, *energies, *true_gradients, *forces, *direction, *new_forces, *steps, *changes, *spacing, *heights, *rho, *alpha;
} Band;

/* doubles of work space besides points and energies */
#define BAND_SPACE(n, images, history) ((4 + 2 * (history)) * (images) * (n) + 2 * ((images) + 2) + 2 * (history))

#define EACH_IMAGE(i, band) for (int i = 0; i < (band).images; i++)

CALLED double band_product(const Band &b, const double *first, const double *second, double *scratch)
{
    double sum = 0.0;
    EACH_IMAGE(i, b) EACH(k, b.n) sum += first[i * b.n + k] * second[i * b.n + k];
    return block_sum(sum, scratch);
}

/* weights of the way ahead and the way behind in the improved tangent of image i (Henkelman and Jonsson 2000, eqs 8-11) */
DEVICE void tangent_weights(const double *energies, int i, double *ahead, double *behind)
{
    const double e = energies[i], up = energies[i + 1], down = energies[i - 1];
    *ahead = *behind = 0.0;
    if (up > e && e > down) {
        *ahead = 1.0;
    } else if (up < e && e < down) {
        *behind = 1.0;
    } else {
        double larger = fmax(fabs(up - e), fabs(down - e)), smaller = fmin(fabs(up - e), fabs(down - e));
        if (larger == 0.0) larger = smaller = 1.0;
        *ahead = up > down ? larger : smaller;
        *behind = up > down ? smaller : larger;
    }
}

/* minus the doubly nudged forces at the points; the sum of the energies */
template <class Potential> CALLED double band_forces(const Parameters &p, const Room &room, const Band &b, double *forces)
{
    const int n = b.n, m = b.images;
    double total = 0.0;
    for (int i = 1; i <= m; i++) {
        const double e = evaluate<Potential>(p, b.points + i * n, b.true_gradients + (i - 1) * n);
        if (threadIdx.x == 0) b.energies[i] = e;
        total += e;
    }
    barrier();
    for (int i = 1; i <= m; i++) {
        const double *x = b.points + i * n, *raw = b.true_gradients + (i - 1) * n;
        double *g = forces + (i - 1) * n, lengths[3] = {0.0, 0.0, 0.0}, along[2] = {0.0, 0.0}, nudge[2] = {0.0, 0.0}, wa, wb;
        tangent_weights(b.energies, i, &wa, &wb);
        EACH(k, n) {
            const double a = x[n + k] - x[k], c = x[k] - x[k - n], t = wa * a + wb * c;
            lengths[0] += t * t;
            lengths[1] += a * a;
            lengths[2] += c * c;
        }
        block_sums<3>(lengths, room.scratch);
        const double size = sqrt(lengths[0]), unit = size > 0.0 ? 1.0 / size : 1.0, la = sqrt(lengths[1]), lb = sqrt(lengths[2]);
        EACH(k, n) {
            const double a = x[n + k] - x[k], c = x[k] - x[k - n], t = unit * (wa * a + wb * c);
            along[0] += raw[k] * t;
            along[1] += (c - a) * t;
        }
        block_sums<2>(along, room.scratch);
        EACH(k, n) {
            const double a = x[n + k] - x[k], c = x[k] - x[k - n], t = unit * (wa * a + wb * c), gp = raw[k] - along[0] * t;
            nudge[0] += gp * gp;
            nudge[1] += (c - a - along[1] * t) * gp;
        }
        block_sums<2>(nudge, room.scratch);
        const double component = nudge[0] > 0.0 ? nudge[1] / nudge[0] : 0.0;
        EACH(k, n) {
            const double a = x[n + k] - x[k], c = x[k] - x[k - n], t = unit * (wa * a + wb * c), gp = raw[k] - along[0] * t;
            g[k] = gp - b.spring * (la - lb) * t;
            if (p.doubly_nudged) g[k] += b.spring * (c - a - along[1] * t - component * gp);
        }
        if (threadIdx.x == 0) {
            b.spacing[i - 1] = lb;
            if (i == m) b.spacing[i] = la;
        }
    }
    barrier();
    return total;
}

/* mean deviation of the spacings from their mean, per cent; and the length of the band */
CALLED double band_deviation(const Band &b, double *length)
{
    double total = 0.0, sum = 0.0;
    const int m = b.images + 1;
    for (int i = 0; i < m; i++) sum += b.spacing[i];
    *length = sum;
    if (!(sum > 0.0)) return 0.0;
    for (int i = 0; i < m; i++) total += fabs(b.spacing[i] - sum / m);
    return 100.0 * total / sum;
}

/* whether the maxima are as many as at the last call and their energies hardly changed; in every thread */
CALLED int band_settled(const Parameters &p, const Band &b, int *count, double *scratch)
{
    double low = b.energies[0], high = b.energies[0], change = 0.0;
    int found = 0;
    for (int i = 1; i <= b.images + 1; i++) {
        low = fmin(low, b.energies[i]);
        high = fmax(high, b.energies[i]);
    }
    for (int i = 1; i <= b.images; i++)
        if (b.energies[i] > b.energies[i - 1] && b.energies[i] >= b.energies[i + 1]) {
            change = fmax(change, fabs(b.energies[i] - b.heights[found]));
            found++;
        }
    barrier();
    if (threadIdx.x == 0) {
        int at = 0;
        for (int i = 1; i <= b.images; i++)
            if (b.energies[i] > b.energies[i - 1] && b.energies[i] >= b.energies[i + 1]) b.heights[at++] = b.energies[i];
    }
    barrier();
    const int before = *count;
    *count = found;
    return found == before && change < p.band_settled * (high - low);
}

/* the two-loop recursion over the whole band, from the forces into the direction */
CALLED void band_direction(const Parameters &p, const Band &b, int stored, int head, double guess, double *scratch)
{
    const int n = b.n, m = (int)p.band_history, size = b.images * n;
    double *d = b.direction;
    EACH_IMAGE(i, b) EACH(k, n) d[i * n + k] = b.forces[i * n + k];
    for (int back = 0; back < stored; back++) {
        const int j = (head - 1 - back + m) % m;
        const double product = b.rho[j] * band_product(b, b.steps + j * size, d, scratch);
        if (threadIdx.x == 0) b.alpha[j] = product;
        EACH_IMAGE(i, b) EACH(k, n) d[i * n + k] -= product * b.changes[j * size + i * n + k];
    }
    barrier();
    EACH_IMAGE(i, b) EACH(k, n) d[i * n + k] *= -guess;
    for (int back = stored - 1; back >= 0; back--) {
        const int j = (head - 1 - back + m) % m;
        const double product = b.rho[j] * band_product(b, b.changes + j * size, d, scratch);
        EACH_IMAGE(i, b) EACH(k, n) d[i * n + k] -= (b.alpha[j] + product) * b.steps[j * size + i * n + k];
    }
    if (band_product(b, d, b.forces, scratch) > 0.0)
        EACH_IMAGE(i, b) EACH(k, n) d[i * n + k] = -d[i * n + k];
}

/* each image moves by at most band_max_step; one that wants more is shortened alone */
CALLED void band_move(const Parameters &p, const Band &b, double *scratch)
{
    EACH_IMAGE(i, b) {
        double *d = b.direction + i * b.n, length = 0.0;
        EACH(k, b.n) length += d[k] * d[k];
        length = sqrt(block_sum(length, scratch));
        EACH(k, b.n) {
            if (length > p.band_max_step) d[k] *= p.band_max_step / length;
            b.points[(i + 1) * b.n + k] += d[k];
        }
    }
}

enum { BAND_CONVERGED = 0, BAND_ITERATIONS = 1, BAND_NOT_FINITE = 2 };

/* what a band is told and what became of it; the names of the numbers are those of tasks.py */
template <class Potential> CALLED void relax_band(const Parameters &p, const Room &room, Band &b, double *numbers, double *space)
{
    const int n = b.n, images = b.images, size = images * n, m = (int)p.band_history;
    const long long most = (long long)numbers[NUMBER_ITERATIONS];
    const double relative = numbers[NUMBER_RELATIVE];
    double goal = numbers[NUMBER_GOAL], guess = p.band_diagonal, rms, length;
    long long iterations = 0;
    int stored = 0, head = 0, maxima = -1, quiet = 0, status = BAND_ITERATIONS;
    b.spring = numbers[NUMBER_SPRING];
    b.true_gradients = space;
    b.forces = b.true_gradients + size;
    b.direction = b.forces + size;
    b.new_forces = b.direction + size;
    b.steps = b.new_forces + size;
    b.changes = b.steps + m * size;
    b.spacing = b.changes + m * size;
    b.heights = b.spacing + images + 2;
    b.rho = b.heights + images + 2;
    b.alpha = b.rho + m;
    EACH(i, images + 2) b.heights[i] = 0.0;
    for (int end = 0; end <= images + 1; end += images + 1) {
        const double e = evaluate<Potential>(p, b.points + end * n, b.true_gradients);
        if (threadIdx.x == 0) b.energies[end] = e;
    }
    double e = band_forces<Potential>(p, room, b, b.forces);
    for (;;) {
        rms = sqrt(band_product(b, b.forces, b.forces, room.scratch) / size);
        if (!(isfinite(e) && isfinite(rms))) {
            status = BAND_NOT_FINITE;
            break;
        }
        if (iterations == 0) goal = fmin(goal, relative * rms);
        if (rms < goal) {
            status = BAND_CONVERGED;
            break;
        }
        if (iterations >= most) break;
        if (p.band_settled > 0.0 && iterations > 0 && iterations % SETTLING == 0) {
            quiet = band_settled(p, b, &maxima, room.scratch) ? quiet + 1 : 0;
            if (quiet == QUIET) {
                status = BAND_CONVERGED;
                break;
            }
        }
        band_direction(p, b, stored, head, guess, room.scratch);
        band_move(p, b, room.scratch);
        e = band_forces<Potential>(p, room, b, b.new_forces);
        iterations++;
        double sums[2] = {0.0, 0.0};
        EACH_IMAGE(i, b) EACH(k, n) {
            const int at = i * n + k;
            const double change = b.new_forces[at] - b.forces[at];
            b.steps[head * size + at] = b.direction[at];
            b.changes[head * size + at] = change;
            b.forces[at] = b.new_forces[at];
            sums[0] += b.direction[at] * change;
            sums[1] += change * change;
        }
        block_sums<2>(sums, room.scratch);
        if (sums[1] > 0.0 && sums[0] != 0.0 && isfinite(sums[0]) && isfinite(sums[1])) {
            if (threadIdx.x == 0) b.rho[head] = 1.0 / sums[0];
            guess = fabs(sums[0]) / sums[1];
            head = head + 1 == m ? 0 : head + 1;
            if (stored < m) stored++;
        } else {
            stored = head = 0;
            guess = p.band_diagonal;
        }
        if (p.adjust_every > 0 && iterations % p.adjust_every == 0) {
            if (band_deviation(b, &length) > p.adjust_tolerance) b.spring = fmin(b.spring * p.adjust_factor, p.spring_max);
            else b.spring = fmax(b.spring / p.adjust_factor, p.spring_min);
        }
        barrier();
    }
    const double deviation = band_deviation(b, &length);
    barrier();
    if (threadIdx.x == 0) {
        numbers[NUMBER_STATUS] = status;
        numbers[NUMBER_ITERATIONS] = (double)iterations;
        numbers[NUMBER_CALLS] = (double)(2 + (iterations + 1) * images);
        numbers[NUMBER_RMS] = rms;
        numbers[NUMBER_GOAL] = goal;
        numbers[NUMBER_SPRING] = b.spring;
        numbers[NUMBER_LENGTH] = length;
        numbers[NUMBER_DEVIATION] = deviation;
    }
}
#endif
