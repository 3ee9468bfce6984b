/* Steepest-descent paths with gradients alone: dx/dt = -g by the stabilised explicit method RKC of second order (Sommeijer, Shampine and
 * Verwer, J. Comput. Appl. Math. 88, 315 (1998)), one path per block.
 *
 * The equation is stiff, but its Jacobian is symmetric: a step of s evaluations is stable over 0.65 s^2 times the shortest time of the
 * system, so that the number of evaluations grows with the square root of the ratio of the curvatures. No Hessian is needed.
 */
#ifndef LANDSCAPES_CUDA_DESCENT_H
#define LANDSCAPES_CUDA_DESCENT_H
#include "saddle.h"

/* most evaluations of a step; steps between two estimates of the largest curvature */
#define MOST_STAGES 200
#define STEPS_PER_CURVATURE 8
/* the power iteration for it: most products, and the change that is small enough; and how much larger the estimate is taken */
#define CURVATURE_PRODUCTS 40
#define CURVATURE_CHANGE 0.05
#define CURVATURE_SAFETY 1.2
/* damping of the stages */
#define DAMPING (2.0 / 13.0)
/* a path is given up when the time of a step falls below this fraction of |x| / |g| */
#define LEAST_STEP 1e-14
/* rounding error of an energy */
#define NOISE 1e-14

enum { DESCENT_DONE = 0, DESCENT_ITERATIONS = 1, DESCENT_NOT_FINITE = 2, DESCENT_SMALL = 3 };

typedef struct { double *g, *x_new, *g_new, *before, *last, *spare, *vector; long long calls; } Descent;

#define DESCENT_ROWS 7
#define DESCENT_SPACE(n) (DESCENT_ROWS * (n))

/* the largest curvature at x, from above where the iteration has converged; the vector is kept for the next time */
template <class Potential> CALLED double largest_curvature(const Parameters &p, const Room &room, Descent &s, const double *x)
{
    const int n = (int)p.n_variables;
    double value = 0.0;
    for (int round = 0; round < CURVATURE_PRODUCTS; round++) {
        normalise(n, s.vector, room.scratch);
        EACH(k, n) s.last[k] = x[k] + p.difference_step * s.vector[k];
        evaluate<Potential>(p, s.last, s.spare);
        s.calls++;
        EACH(k, n) s.vector[k] = (s.spare[k] - s.g[k]) / p.difference_step;
        const double before = value;
        value = sqrt(product(n, s.vector, s.vector, room.scratch));
        if (!isfinite(value) || fabs(value - before) < CURVATURE_CHANGE * value) break;
    }
    return CURVATURE_SAFETY * value;
}

/* a step of the given number of stages from x over the given time, into x_new and g_new; the energy there */
template <class Potential> CALLED double rkc_step(const Parameters &p, const Room &room, Descent &s, const double *x, double time, int stages)
{
    const int n = (int)p.n_variables;
    const double w0 = 1.0 + DAMPING / ((double)stages * stages), t1 = w0 * w0 - 1.0, t2 = sqrt(t1), arg = stages * log(w0 + t2);
    const double w1 = sinh(arg) * t1 / (cosh(arg) * stages * t2 - w0 * sinh(arg));
    double z1 = w0, z2 = 1.0, dz1 = 1.0, dz2 = 0.0, ddz1 = 0.0, ddz2 = 0.0, b1 = 1.0 / (4.0 * w0 * w0), b2 = b1;
    /* before: stage j - 2; last: stage j - 1 */
    EACH(k, n) {
        s.before[k] = x[k];
        s.last[k] = x[k] - time * w1 * b1 * s.g[k];
    }
    for (int j = 2; j <= stages; j++) {
        const double z = 2.0 * w0 * z1 - z2, dz = 2.0 * w0 * dz1 - dz2 + 2.0 * z1, ddz = 2.0 * w0 * ddz1 - ddz2 + 4.0 * dz1;
        const double b = ddz / (dz * dz), a1 = 1.0 - z1 * b1, mu = 2.0 * w0 * b / b1, nu = -b / b2, mus = mu * w1 / w0;
        evaluate<Potential>(p, s.last, s.spare);
        EACH(k, n) {
            const double next = mu * s.last[k] + nu * s.before[k] + (1.0 - mu - nu) * x[k] - time * mus * (s.spare[k] - a1 * s.g[k]);
            s.before[k] = s.last[k];
            s.last[k] = next;
        }
        z2 = z1;
        z1 = z;
        dz2 = dz1;
        dz1 = dz;
        ddz2 = ddz1;
        ddz1 = ddz;
        b2 = b1;
        b1 = b;
    }
    EACH(k, n) s.x_new[k] = s.last[k];
    s.calls += stages;
    return evaluate<Potential>(p, s.x_new, s.g_new);
}

/* length of the arc of a circle over a chord whose ends have the directions of two gradients */
DEVICE double arc(double chord, double size, double new_size, double overlap)
{
    if (!(size > 0.0 && new_size > 0.0)) return chord;
    const double angle = acos(fmax(0.0, fmin(1.0, overlap / (size * new_size))));
    return angle < 1e-4 ? chord : chord * 0.5 * angle / sin(0.5 * angle);
}

/* x: where to begin, then where the path has been followed to */
template <class Potential> CALLED void follow_descent(const Parameters &p, const Room &room, double *x, double *numbers, double *space)
{
    const int n = (int)p.n_variables;
    const double goal = numbers[NUMBER_GOAL], root_n = sqrt((double)n);
    const long long most = (long long)numbers[NUMBER_ITERATIONS];
    long long iterations = 0;
    int status, since = 0;
    double length = 0.0, size, peak, curvature = 0.0, time, e;
    Descent s;
    s.calls = 1;
    s.g = space;
    s.x_new = s.g + n;
    s.g_new = s.x_new + n;
    s.before = s.g_new + n;
    s.last = s.before + n;
    s.spare = s.last + n;
    s.vector = s.spare + n;
    e = evaluate<Potential>(p, x, s.g);
    peak = size = sqrt(product(n, s.g, s.g, room.scratch));
    /* anything that has a share of the stiffest mode will do */
    EACH(k, n) s.vector[k] = 1.0 + 0.5 * cos((double)k * k);
    time = size > 0.0 ? p.path_first_step / size : 0.0;
    for (;;) {
        if (!(isfinite(e) && isfinite(size))) {
            status = DESCENT_NOT_FINITE;
            break;
        }
        /* beside a soft saddle the gradient is small before it grows */
        if (size / root_n < goal && size < numbers[NUMBER_RELATIVE] * peak) {
            status = DESCENT_DONE;
            break;
        }
        if (s.calls >= most) {
            status = DESCENT_ITERATIONS;
            break;
        }
        if (since == 0) curvature = largest_curvature<Potential>(p, room, s, x);
        if (!(isfinite(curvature) && curvature > 0.0)) {
            status = DESCENT_NOT_FINITE;
            break;
        }
        double way = 0.0;
        EACH(k, n) way += x[k] * x[k];
        way = sqrt(block_sum(way, room.scratch));
        if (!(time * size > LEAST_STEP * (1.0 + way))) {
            status = DESCENT_SMALL;
            break;
        }
        time = fmin(time, ((double)MOST_STAGES * MOST_STAGES - 1.0) / (1.54 * curvature));
        int stages = 1 + (int)sqrt(1.0 + 1.54 * time * curvature);
        if (stages < 2) stages = 2;
        const double e_new = rkc_step<Potential>(p, room, s, x, time, stages);
        double sums[3] = {0.0, 0.0, 0.0}, products[2] = {0.0, 0.0};
        EACH(k, n) {
            const double step = s.x_new[k] - x[k], error = -0.8 * step - 0.4 * time * (s.g[k] + s.g_new[k]);
            sums[0] += error * error;
            sums[1] += step * step;
            sums[2] += s.g_new[k] * s.g_new[k];
            products[0] += s.g[k] * s.g_new[k];
        }
        block_sums<3>(sums, room.scratch);
        const double error = sqrt(sums[0]) / p.path_tolerance, step = sqrt(sums[1]), size_new = sqrt(sums[2]);
        const double noise = NOISE * fmax(1.0, fabs(e));
        if (isfinite(error) && error < 1.0 && step < p.path_longest && (e_new < e || (e_new <= e + noise && size_new < size))) {
            block_sums<1>(products, room.scratch);
            length += arc(step, size, size_new, products[0]);
            EACH(k, n) {
                x[k] = s.x_new[k];
                s.g[k] = s.g_new[k];
            }
            e = e_new;
            size = size_new;
            peak = fmax(peak, size);
            iterations++;
            since = since + 1 == STEPS_PER_CURVATURE ? 0 : since + 1;
            time *= fmin(fmin(5.0, 0.8 / cbrt(fmax(error, 1e-6))), step > 0.0 ? fmax(0.2, 0.8 * p.path_longest / step) : 5.0);
        } else {
            /* the curvature may have grown on the way */
            since = 0;
            time *= isfinite(error) && error > 1.0 ? fmax(0.1, 0.8 / cbrt(error)) : 0.3;
        }
    }
    barrier();
    if (threadIdx.x == 0) {
        numbers[NUMBER_STATUS] = status;
        numbers[NUMBER_ITERATIONS] = (double)iterations;
        numbers[NUMBER_CALLS] = (double)s.calls;
        numbers[NUMBER_RMS] = size / root_n;
        numbers[NUMBER_ENERGY] = e;
        numbers[NUMBER_LENGTH] = length;
    }
}
#endif
