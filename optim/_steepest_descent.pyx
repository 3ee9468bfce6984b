"""True steepest-descent paths: dx/dt = -g(x) integrated with the Hessian at every step.

The equation is stiff: curvatures span four decades, and the slow modes, which decide where the path goes, are the soft ones.
Two schemes solve the locally quadratic problem well and estimate their error, so that a step is as long as the anharmonicity
allows:

* the Rosenbrock method RODAS (six stages, order 4(3), L-stable; Hairer and Wanner, Solving Ordinary Differential Equations II,
  section IV.7), which solves linear equations with the one Cholesky factor of 1/(gamma h) + H;
* the second-order method of Page and McIver, J. Chem. Phys. 88, 922 (1988), eqs 13-16, which follows the path of the
  quadratic surface exactly, in the eigenvectors of H, with the third-order correction of Hochbruck, Ostermann and Schweitzer,
  SIAM J. Numer. Anal. 47, 786 (2009), eq 5.2 (exprb32), the difference between the two being the error.

Near the minimum Newton steps finish (`optim._path_integrator`). Where gradients cost next to nothing beside a factorisation,
`optim._chebyshev` takes less time.
"""

from libc.math cimport exp, fabs, isfinite, sqrt
from libc.string cimport memcpy
from scipy.linalg.cython_blas cimport dgemv
from scipy.linalg.cython_lapack cimport dsyevd

from common._vectors cimport vector_add, vector_dot, vector_move, vector_scale
from optim._path_integrator cimport ROUNDING, PathIntegrator, arc
from potentials.potential cimport Potential

import numpy as np

# RODAS, in the form that needs no product with the Jacobian
cdef double GAMMA = 0.25
cdef double[6][5] STAGE = [
    [0.0, 0.0, 0.0, 0.0, 0.0],
    [1.544, 0.0, 0.0, 0.0, 0.0],
    [0.9466785280815826, 0.2557011698983284, 0.0, 0.0, 0.0],
    [3.314825187068521, 2.896124015972201, 0.9986419139977817, 0.0, 0.0],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 0.0],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0],
]
cdef double[6][5] COUPLING = [
    [0.0, 0.0, 0.0, 0.0, 0.0],
    [-5.6688, 0.0, 0.0, 0.0, 0.0],
    [-2.430093356833875, -0.2063599157091915, 0.0, 0.0, 0.0],
    [-0.1073529058151375, -9.594562251023355, -20.47028614809616, 0.0, 0.0],
    [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160, 0.0],
    [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054],
]

#: A step is refused when the time it takes falls below this fraction of |x| / |g|, or a path needs more than this many tries.
cdef double LEAST_STEP = 1e-14


cdef class SteepestDescent(PathIntegrator):
    """Work space and settings of steepest-descent paths for one potential; ``run`` may be called many times.

    Parameters
    ----------
    potential : Potential
    settings : optim.settings.OptimSettings
    exponential : bool
        Page and McIver's method instead of the Rosenbrock method.
    """

    cdef bint exponential
    cdef int[::1] iwork
    cdef int lwork

    def __init__(self, Potential potential not None, settings, bint exponential=False):
        cdef Py_ssize_t n = potential.n_variables
        super().__init__(potential, settings)
        self.exponential = exponential
        self.lwork = 1 + 6 * n + 2 * n * n if exponential else 0
        self.work = np.empty(2 * n * n + 16 * n + self.lwork)
        self.iwork = np.empty(3 + 5 * n if exponential else 1, dtype=np.intc)

    cdef bint follow(
        self, double* x, double rms, Py_ssize_t max_iterations, double* energy, double* value, double* length,
        Py_ssize_t* iterations
    ) noexcept nogil:
        cdef Py_ssize_t n = self.potential.n_variables
        cdef double* h = &self.work[0]
        cdef double* factor = h + n * n
        cdef double* g = factor + n * n
        cdef double* x_new = g + n
        cdef double* g_new = x_new + n
        cdef double* spare = g_new + n
        cdef double* stages = spare + n
        cdef double root = sqrt(<double>n), e, e_new, time, error, size, step, noise, scale
        cdef bint tried, diagonal
        e = self.evaluate(x, g)
        self.record(x, e, length[0])
        size = sqrt(vector_dot(n, g, g))
        time = self.first_step / size if size > 0.0 else 0.0
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
            self.hessian(x, h)
            self.zero.update(x)
            if self.newton(x, h, factor, g, x_new, g_new, stages, &e, length):
                self.by_newton = True
                energy[0] = e
                value[0] = sqrt(vector_dot(n, g, g)) / root
                iterations[0] += 1
                self.record(x, e, length[0])
                return value[0] < rms
            scale = self.stiffness(h)
            noise = 1e-14 * max(1.0, fabs(e))
            diagonal = False
            while True:
                if not (time * size > LEAST_STEP * (1.0 + sqrt(vector_dot(n, x, x)))) or not isfinite(time):
                    return value[0] < rms
                if self.exponential:
                    error = self.exponential_step(x, g, h, &time, diagonal, x_new, stages)
                    diagonal = True
                else:
                    error = self.rosenbrock_step(x, g, h, factor, time, x_new, stages)
                tried = isfinite(error)
                if tried:
                    vector_move(n, x_new, -1.0, x, spare)
                    step = sqrt(vector_dot(n, spare, spare))
                    error /= self.tolerance
                    tried = error < 1.0 and step < self.longest
                    if isfinite(error) and step >= self.longest and error < 1.0:
                        time *= max(0.1, 0.8 * self.longest / step)
                        self.refused += 1
                        continue
                if tried:
                    e_new = self.evaluate(x_new, g_new)
                    # at the rounding error of the energy the gradient decides
                    tried = isfinite(e_new) and (
                        e_new < e or (e_new <= e + noise and vector_dot(n, g_new, g_new) < size * size)
                    )
                    if not tried:
                        error = 16.0
                if tried:
                    break
                self.refused += 1
                time *= max(0.1, 0.9 * self.shrink(error)) if isfinite(error) else 0.2
            length[0] += arc(n, step, size, g, g_new)
            time *= min(5.0, max(0.2, 0.9 * self.shrink(error)))
            memcpy(x, x_new, n * sizeof(double))
            memcpy(g, g_new, n * sizeof(double))
            e = e_new
            iterations[0] += 1
            self.record(x, e, length[0])
            if value[0] < ROUNDING * scale:
                energy[0] = e
                value[0] = sqrt(vector_dot(n, g, g)) / root
                return value[0] < rms

    cdef double shrink(self, double error) noexcept nogil:
        """error^(-1/p) with the order of the scheme: 4 for RODAS, 3 for the exponential one."""
        if error < 1e-8:
            return 100.0
        if self.exponential:
            return error ** (-1.0 / 3.0)
        return 1.0 / sqrt(sqrt(error))

    # --- steps ----------------------------------------------------------------------------------------------------------
    cdef double rosenbrock_step(
        self, const double* x, const double* g, const double* h, double* factor, double time, double* x_new, double* stages
    ) noexcept nogil:
        """One RODAS step of the given time from x to x_new; the estimated error, or NaN where the step is too long."""
        cdef Py_ssize_t n = self.potential.n_variables
        cdef double* k
        cdef int s, j
        if not self.factorise(h, factor, 1.0 / (GAMMA * time), False):
            return 0.0 / 0.0
        for s in range(6):
            k = stages + s * n
            if s == 0:
                memcpy(k, g, n * sizeof(double))
            else:
                memcpy(x_new, x, n * sizeof(double))
                for j in range(s):
                    if STAGE[s][j] != 0.0:
                        vector_add(n, STAGE[s][j], stages + j * n, x_new)
                if not isfinite(self.evaluate(x_new, k)):
                    return 0.0 / 0.0
            vector_scale(n, -1.0, k)
            for j in range(s):
                vector_add(n, COUPLING[s][j] / time, stages + j * n, k)
            self.solve(factor, k)
        vector_add(n, 1.0, stages + 5 * n, x_new)
        return sqrt(vector_dot(n, stages + 5 * n, stages + 5 * n))

    cdef double exponential_step(
        self, const double* x, const double* g, double* h, double* time, bint diagonal, double* x_new, double* stages
    ) noexcept nogil:
        """One Page-McIver step with its correction; ``h`` becomes its eigenvectors (``diagonal``: it holds them already)."""
        cdef Py_ssize_t n = self.potential.n_variables, i
        cdef int order = <int>n, info = 0, lwork = self.lwork, liwork = <int>(3 + 5 * n), one = 1
        cdef char jobz = b'V'
        cdef char uplo = b'U'
        cdef char turned = b'T'
        cdef char plain = b'N'
        cdef double unit = 1.0, none = 0.0, total = 0.0
        cdef double* values = stages
        cdef double* slopes = stages + n
        cdef double* move = stages + 2 * n
        cdef double* there = stages + 3 * n
        cdef double* rest = stages + 4 * n
        if not diagonal:
            dsyevd(&jobz, &uplo, &order, h, &order, values, &self.work[2 * n * n + 16 * n], &lwork, &self.iwork[0], &liwork,
                   &info)
            if info != 0:
                return 0.0 / 0.0
            # the rows of h are the eigenvectors, for LAPACK its columns
            dgemv(&turned, &order, &order, &unit, h, &order, <double*>g, &one, &none, slopes, &one)
        for i in range(n):
            if -values[i] * time[0] > 30.0:
                return 0.0 / 0.0
            move[i] = -time[0] * phi1(-values[i] * time[0]) * slopes[i]
        memcpy(x_new, x, n * sizeof(double))
        dgemv(&plain, &order, &order, &unit, h, &order, move, &one, &unit, x_new, &one)
        if not isfinite(self.evaluate(x_new, there)):
            return 0.0 / 0.0
        # what the quadratic model misses of the gradient, in the eigenvectors
        dgemv(&turned, &order, &order, &unit, h, &order, there, &one, &none, rest, &one)
        for i in range(n):
            rest[i] = -2.0 * time[0] * phi3(-values[i] * time[0]) * (rest[i] - slopes[i] - values[i] * move[i])
            total += rest[i] * rest[i]
        dgemv(&plain, &order, &order, &unit, h, &order, rest, &one, &unit, x_new, &one)
        return sqrt(total)


cdef double phi1(double z) noexcept nogil:
    """(e^z - 1) / z."""
    if fabs(z) < 1e-4:
        return 1.0 + z * (0.5 + z / 6.0)
    return (exp(z) - 1.0) / z


cdef double phi3(double z) noexcept nogil:
    """((e^z - 1 - z) / z^2 - 1/2) / z."""
    if fabs(z) < 0.05:
        return 1.0 / 6.0 + z * (1.0 / 24.0 + z * (1.0 / 120.0 + z * (1.0 / 720.0 + z / 5040.0)))
    return (((exp(z) - 1.0) / z - 1.0) / z - 0.5) / z


def descend(potential, origin, energy, first, settings, rms, max_iterations):
    """`SteepestDescent.run` by the Rosenbrock method, with the signature of `optim._descent.downhill`."""
    return SteepestDescent(potential, settings).run(origin, energy, first, rms, max_iterations)


def page_mciver(potential, origin, energy, first, settings, rms, max_iterations):
    """`SteepestDescent.run` by Page and McIver's method, with the signature of `optim._descent.downhill`."""
    return SteepestDescent(potential, settings, True).run(origin, energy, first, rms, max_iterations)
