"""True steepest-descent paths without Hessians: dx/dt = -g(x) by a stabilised explicit Runge-Kutta method.

The Runge-Kutta-Chebyshev method of second order takes s gradients for a step that may be 0.65 s^2 times as long as the stiffest
mode allows the explicit Euler method: Sommeijer, Shampine and Verwer, J. Comput. Appl. Math. 88, 315 (1998), eqs 2.2-2.8 and
section 3. For clusters of atoms, whose gradient costs a hundredth of a factorisation of the Hessian and whose curvatures span
three decades, that is several times faster than the implicit methods of `optim._steepest_descent`; for networks, whose
curvatures span eight, it is out of the question. Newton steps finish (`optim._path_integrator`).
"""

from libc.math cimport cbrt, fabs, isfinite, sqrt
from libc.string cimport memcpy

from common._vectors cimport vector_dot, vector_move, vector_scale
from optim._path_integrator cimport PathIntegrator, arc
from potentials.potential cimport Potential

import numpy as np

cdef extern from "_chebyshev.h" nogil:
    void chebyshev_stage(Py_ssize_t n, double mu, double nu, double p, double q, const double* x, const double* y1,
                         const double* y2, const double* g1, const double* g, double* y)

#: Damping of the stability polynomial, and the most stages of a step.
cdef double DAMPING = 2.0 / 13.0
cdef int MOST_STAGES = 100
#: Length of the displacement in the differences of gradients that give the largest curvature, iterations of the power method at
#: the start and at every renewal, steps from one to the next, and what the estimate is multiplied with.
cdef double DIFFERENCE = 1e-5
cdef int FIRST_ITERATIONS = 12
cdef int ITERATIONS = 2
cdef int RENEWED = 4
cdef double SAFETY = 1.1
#: A step is refused when the time it takes falls below this fraction of |x| / |g|.
cdef double LEAST_STEP = 1e-14
#: After Newton steps failed they are tried again when the least length of one fell by this factor.
cdef double AGAIN = 0.5


cdef class ChebyshevDescent(PathIntegrator):
    """Work space and settings of steepest-descent paths for one potential; ``run`` may be called many times.

    Parameters
    ----------
    potential : Potential
    settings : optim.settings.OptimSettings
    """

    cdef double radius

    def __init__(self, Potential potential not None, settings):
        super().__init__(potential, settings)
        n = potential.n_variables
        self.work = np.empty(2 * n * n + 13 * n)

    cdef void largest_curvature(
        self, const double* x, const double* g, double* u, double* y, double* gy, int count
    ) noexcept nogil:
        """Power iterations for the size of the largest eigenvalue of the Hessian, from the unit vector u."""
        cdef Py_ssize_t n = self.potential.n_variables
        cdef double size = 0.0
        cdef int _
        for _ in range(count):
            vector_move(n, x, DIFFERENCE, u, y)
            self.evaluate(y, gy)
            vector_move(n, gy, -1.0, g, u)
            size = sqrt(vector_dot(n, u, u))
            if not (isfinite(size) and size > 0.0):
                return
            vector_scale(n, 1.0 / size, u)
        self.radius = SAFETY * size / DIFFERENCE

    cdef bint follow(
        self, double* x, double rms, Py_ssize_t max_iterations, double* energy, double* value, double* length,
        Py_ssize_t* iterations
    ) noexcept nogil:
        cdef Py_ssize_t n = self.potential.n_variables, i
        cdef double* h = &self.work[0]
        cdef double* factor = h + n * n
        cdef double* g = factor + n * n
        cdef double* x_new = g + n
        cdef double* g_new = x_new + n
        cdef double* spare = g_new + n
        # three rows that the Newton steps use as well
        cdef double* stages = spare + n
        cdef double* u = stages + 6 * n
        cdef double root = sqrt(<double>n), e, e_new, time, error, size, step, noise, least, tried = 1e300
        cdef double curvature = 0.0
        cdef int since = 0
        cdef bint accepted
        e = self.evaluate(x, g)
        self.record(x, e, length[0])
        size = sqrt(vector_dot(n, g, g))
        time = self.first_step / size if size > 0.0 else 0.0
        # any vector with parts along all modes
        for i in range(n):
            u[i] = 1.0 + 0.37 * ((i * 7) % 11) if i % 2 else -1.0 - 0.41 * ((i * 5) % 13)
        vector_scale(n, 1.0 / sqrt(vector_dot(n, u, u)), u)
        self.radius = 0.0
        self.largest_curvature(x, g, u, x_new, g_new, FIRST_ITERATIONS)
        while True:
            size = sqrt(vector_dot(n, g, g))
            energy[0] = e
            value[0] = size / root
            if not (isfinite(e) and isfinite(size)):
                return False
            if size == 0.0:
                return True
            if iterations[0] >= max_iterations:
                return value[0] < rms
            # the least length that a Newton step can have, by the curvature along the gradient
            least = size / curvature if curvature > 0.0 else 1e300
            if least < self.newton_radius and least < AGAIN * tried:
                tried = least
                self.hessian(x, h)
                self.zero.update(x)
                if self.newton(x, h, factor, g, x_new, g_new, stages, &e, length):
                    self.by_newton = True
                    energy[0] = e
                    value[0] = sqrt(vector_dot(n, g, g)) / root
                    iterations[0] += 1
                    self.record(x, e, length[0])
                    return value[0] < rms
            if value[0] < rms:
                # a saddle that a path of exact symmetry leads to, or the minimum
                return True
            if since == RENEWED:
                since = 0
                self.largest_curvature(x, g, u, x_new, g_new, ITERATIONS)
            noise = 1e-14 * max(1.0, fabs(e))
            while True:
                if not (time * size > LEAST_STEP * (1.0 + sqrt(vector_dot(n, x, x)))) or not isfinite(time):
                    return value[0] < rms
                e_new = self.step(x, g, &time, x_new, g_new, stages, &error, &curvature)
                vector_move(n, x_new, -1.0, x, spare)
                step = sqrt(vector_dot(n, spare, spare))
                error /= self.tolerance
                accepted = isfinite(e_new) and isfinite(error) and error < 1.0
                if accepted and step >= self.longest:
                    time *= max(0.1, 0.8 * self.longest / step)
                    self.refused += 1
                    continue
                # at the rounding error of the energy the gradient decides
                if accepted and not (e_new < e or (e_new <= e + noise and vector_dot(n, g_new, g_new) < size * size)):
                    accepted = False
                    error = 8.0
                if accepted:
                    break
                self.refused += 1
                # what looks like an error may be an instability
                self.largest_curvature(x, g, u, x_new, g_new, ITERATIONS)
                time *= max(0.1, 0.8 / cbrt(error)) if isfinite(error) else 0.2
            length[0] += arc(n, step, size, g, g_new)
            time *= min(5.0, max(0.2, 0.8 / cbrt(error))) if error > 0.0 else 5.0
            memcpy(x, x_new, n * sizeof(double))
            memcpy(g, g_new, n * sizeof(double))
            e = e_new
            iterations[0] += 1
            since += 1
            self.record(x, e, length[0])

    cdef double step(
        self, const double* x, const double* g, double* time, double* x_new, double* g_new, double* stages, double* error,
        double* curvature
    ) noexcept nogil:
        """One step of at most the given time from x to x_new; the energy there.

        ``error`` receives the length of the estimated error, ``curvature`` g H g / |g|^2 at x.
        """
        cdef Py_ssize_t n = self.potential.n_variables, i
        cdef double* older = stages
        cdef double* newer = stages + n
        cdef double* slope = stages + 2 * n
        cdef double* other
        cdef double w0, w1, t0, t1, t2, d0, d1, d2, s0, s1, s2, b0, b1, b2, a1, mu, nu, p, e, total, part
        cdef int stages_needed, j, _
        stages_needed = 2
        if time[0] * self.radius > 2.0:
            stages_needed = 1 + <int>sqrt(1.0 + 1.54 * time[0] * self.radius)
        if stages_needed > MOST_STAGES:
            stages_needed = MOST_STAGES
            time[0] = (stages_needed * stages_needed - 1.0) / (1.54 * self.radius)
        stages_needed = max(2, stages_needed)
        w0 = 1.0 + DAMPING / (stages_needed * stages_needed)
        # Chebyshev polynomials of degree s and their first and second derivatives
        t0, t1, d0, d1, s0, s1 = 1.0, w0, 0.0, 1.0, 0.0, 0.0
        for _ in range(2, stages_needed + 1):
            t2 = 2.0 * w0 * t1 - t0
            d2 = 2.0 * (t1 + w0 * d1) - d0
            s2 = 2.0 * (2.0 * d1 + w0 * s1) - s0
            t0, t1, d0, d1, s0, s1 = t1, t2, d1, d2, s1, s2
        w1 = d1 / s1
        # the same recurrence gives b_j = T_j'' / T_j'^2 and a_j = 1 - b_j T_j on the way
        b1 = 1.0 / (4.0 * w0 * w0)
        b0 = b1
        p = time[0] * b1 * w1
        memcpy(older, x, n * sizeof(double))
        vector_move(n, x, -p, g, newer)
        a1 = 1.0 - b1 * w0
        t0, t1, d0, d1, s0, s1 = 1.0, w0, 0.0, 1.0, 0.0, 0.0
        for j in range(2, stages_needed + 1):
            e = self.evaluate(newer, slope)
            if not isfinite(e):
                error[0] = 1.0 / 0.0
                return e
            if j == 2:
                total = vector_dot(n, g, g)
                curvature[0] = (total - vector_dot(n, g, slope)) / (p * total)
            t2 = 2.0 * w0 * t1 - t0
            d2 = 2.0 * (t1 + w0 * d1) - d0
            s2 = 2.0 * (2.0 * d1 + w0 * s1) - s0
            b2 = s2 / (d2 * d2)
            mu = 2.0 * b2 * w0 / b1
            nu = -b2 / b0
            p = 2.0 * b2 * w1 / b1 * time[0]
            chebyshev_stage(n, mu, nu, p, -a1 * p, x, newer, older, slope, g, older)
            other = older
            older = newer
            newer = other
            a1 = 1.0 - b2 * t2
            b0, b1 = b1, b2
            t0, t1, d0, d1, s0, s1 = t1, t2, d1, d2, s1, s2
        memcpy(x_new, newer, n * sizeof(double))
        e = self.evaluate(x_new, g_new)
        total = 0.0
        for i in range(n):
            part = 0.8 * (x[i] - x_new[i]) - 0.4 * time[0] * (g[i] + g_new[i])
            total += part * part
        error[0] = sqrt(total)
        return e


def descend(potential, origin, energy, first, settings, rms, max_iterations):
    """`ChebyshevDescent.run`, with the signature of `optim._descent.downhill`."""
    return ChebyshevDescent(potential, settings).run(origin, energy, first, rms, max_iterations)
