"""True steepest-descent paths: dx/dt = -g(x) integrated with the Hessian at every step.

The equation is stiff: curvatures span four decades, and the slow modes, which decide where the path goes, are the soft ones.
Two schemes solve the locally quadratic problem well and estimate their error, so that a step is as long as the anharmonicity
allows:

* the Rosenbrock method RODAS (six stages, order 4(3), L-stable; Hairer and Wanner, Solving Ordinary Differential Equations II,
  section IV.7), which solves linear equations with the one Cholesky factor of 1/(gamma h) + H;
* the second-order method of Page and McIver, J. Chem. Phys. 88, 922 (1988), eqs 13-16, which follows the path of the
  quadratic surface exactly, in the eigenvectors of H, with the third-order correction of Hochbruck, Ostermann and Schweitzer,
  SIAM J. Numer. Anal. 47, 786 (2009), eq 5.2 (exprb32), the difference between the two being the error.

Near the minimum, where the Hessian is positive definite and a Newton step is short and lowers the gradient tenfold, no ridge is
left between the point and the minimum, and Newton steps finish.
"""

from libc.math cimport acos, exp, fabs, isfinite, sin, sqrt
from libc.string cimport memcpy
from scipy.linalg.cython_blas cimport dgemv, dsymv, dtrsv
from scipy.linalg.cython_lapack cimport dpotrf, dsyevd

from common._vectors cimport vector_add, vector_dot, vector_move, vector_scale
from optim._zero_modes cimport ZeroModes
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
#: Newton steps finish where one lowers the gradient by this factor.
cdef double CONTRACTION = 0.1
cdef int NEWTON_STEPS = 30
#: The gradient of a stationary point cannot be smaller than this times the largest element of the Hessian.
cdef double ROUNDING = 1e-14


cdef class SteepestDescent:
    """Work space and settings of steepest-descent paths for one potential; ``run`` may be called many times.

    Parameters
    ----------
    potential : Potential
    settings : optim.settings.OptimSettings
    exponential : bool
        Page and McIver's method instead of the Rosenbrock method.
    """

    cdef Potential potential
    cdef ZeroModes zero
    cdef bint exponential
    cdef double tolerance, longest, newton_radius, first_step
    cdef Py_ssize_t capacity, stored, stride, accepted
    cdef readonly Py_ssize_t hessians, refused
    cdef bint by_newton
    cdef double[::1] work
    cdef int[::1] iwork
    cdef int lwork
    cdef double[:, ::1] frames
    cdef double[::1] frame_energies
    cdef double[::1] frame_lengths

    def __init__(self, Potential potential not None, settings, bint exponential=False):
        cdef Py_ssize_t n = potential.n_variables
        self.potential = potential
        self.zero = ZeroModes(potential)
        self.exponential = exponential
        self.tolerance = settings.path_accuracy * settings.path_max_step
        self.longest = settings.path_longest * settings.path_max_step
        self.newton_radius = settings.path_max_step
        self.first_step = 0.1 * settings.path_max_step
        self.lwork = 1 + 6 * n + 2 * n * n if exponential else 0
        self.work = np.empty(2 * n * n + 16 * n + self.lwork)
        self.iwork = np.empty(3 + 5 * n if exponential else 1, dtype=np.intc)
        self.capacity = settings.frames + settings.frames % 2
        self.frames = np.zeros((max(self.capacity, 1), n))
        self.frame_energies = np.zeros(max(self.capacity, 1))
        self.frame_lengths = np.zeros(max(self.capacity, 1))

    def run(self, origin, double energy, first, double rms, Py_ssize_t max_iterations):
        """Follow the path from ``first``, a point beside ``origin``, to the minimum below.

        Parameters
        ----------
        origin : ndarray of shape (n_variables,)
            Where the length counts from.
        energy : float
            At ``first`` or above.
        first : ndarray of shape (n_variables,)
        rms : float
            RMS gradient at which the minimum counts as reached.
        max_iterations : int

        Returns
        -------
        dict
            coordinates, energy, rms, converged, finite, minimum (whether Newton steps with a positive definite Hessian led to
            the end), iterations, length, frames, frame_energies, frame_lengths.
        """
        cdef Py_ssize_t n = self.potential.n_variables, iterations = 0
        cdef double e = energy, value = 0.0, length
        cdef bint converged
        x = np.array(first, dtype=float).ravel()
        if x.shape[0] != n:
            raise ValueError(f"expected {n} variables")
        cdef double[::1] xv = x
        self.stored = self.accepted = self.hessians = self.refused = 0
        self.stride = 1
        self.by_newton = False
        length = float(np.linalg.norm(x - np.ravel(origin)))
        with nogil:
            converged = self.follow(&xv[0], rms, max_iterations, &e, &value, &length, &iterations)
        self.zero.raise_pending()
        self.potential.raise_pending()
        k = self.stored
        return {
            "coordinates": x,
            "energy": e,
            "rms": value,
            "converged": bool(converged),
            "finite": bool(isfinite(e)),
            "minimum": bool(self.by_newton),
            "iterations": iterations,
            "length": length,
            "frames": np.array(self.frames[:k]),
            "frame_energies": np.array(self.frame_energies[:k]),
            "frame_lengths": np.array(self.frame_lengths[:k]),
        }

    cdef void record(self, const double* x, double e, double length) noexcept nogil:
        """Keep a frame; when there are too many, every second one goes."""
        cdef Py_ssize_t k, half, n = self.potential.n_variables
        self.accepted += 1
        if self.capacity == 0 or self.accepted % self.stride:
            return
        if self.stored == self.capacity:
            half = self.capacity // 2
            for k in range(half):
                memcpy(&self.frames[k, 0], &self.frames[2 * k + 1, 0], n * sizeof(double))
                self.frame_energies[k] = self.frame_energies[2 * k + 1]
                self.frame_lengths[k] = self.frame_lengths[2 * k + 1]
            self.stored = half
            self.stride *= 2
            if self.accepted % self.stride:
                return
        memcpy(&self.frames[self.stored, 0], x, n * sizeof(double))
        self.frame_energies[self.stored] = e
        self.frame_lengths[self.stored] = length
        self.stored += 1

    cdef double evaluate(self, const double* x, double* g) noexcept nogil:
        self.potential.calls += 1
        return self.potential.c_energy_gradient(x, g)

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
            self.potential.c_hessian(x, h)
            self.potential.hessian_calls += 1
            self.hessians += 1
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

    cdef double stiffness(self, const double* h) noexcept nogil:
        cdef Py_ssize_t i, n = self.potential.n_variables
        cdef double largest = 0.0
        for i in range(n):
            largest = max(largest, fabs(h[i * n + i]))
        return largest

    # --- the end ------------------------------------------------------------------------------------------------------
    cdef bint factorise(self, const double* h, double* factor, double shift, bint lift) noexcept nogil:
        """Cholesky factor of H + shift, with the zero modes lifted where ``lift``; False where it is not positive definite."""
        cdef Py_ssize_t i, k, n = self.potential.n_variables
        cdef int order = <int>n, info = 0
        cdef char uplo = b'U'
        cdef double s
        cdef double* z
        memcpy(factor, h, n * n * sizeof(double))
        for i in range(n):
            factor[i * n + i] += shift
        if lift and self.zero.count:
            s = 1.0 + self.stiffness(h)
            for k in range(self.zero.count):
                z = &self.zero.rows[k * n]
                for i in range(n):
                    if z[i] != 0.0:
                        vector_add(n, s * z[i], z, factor + i * n)
        dpotrf(&uplo, &order, factor, &order, &info)
        return info == 0

    cdef void solve(self, double* factor, double* b) noexcept nogil:
        cdef int order = <int>self.potential.n_variables, one = 1
        cdef char uplo = b'U'
        cdef char turned = b'T'
        cdef char plain = b'N'
        # twice as fast as DPOTRS, which is made for many right-hand sides
        dtrsv(&uplo, &turned, &plain, &order, factor, &order, b, &one)
        dtrsv(&uplo, &plain, &plain, &order, factor, &order, b, &one)

    cdef bint newton(
        self, double* x, double* h, double* factor, double* g, double* x_new, double* g_new, double* step, double* energy,
        double* length
    ) noexcept nogil:
        """Newton steps to the minimum where the first one is short, lowers the energy and contracts the gradient.

        x, g and energy change only if all of that holds; the length grows by the way of the quadratic model's path.
        """
        cdef Py_ssize_t n = self.potential.n_variables
        cdef double size = sqrt(vector_dot(n, g, g)), size_new, e_new, limit = self.newton_radius, moved
        cdef double noise = 1e-14 * max(1.0, fabs(energy[0])), needed = CONTRACTION
        cdef double e_old = energy[0], length_old = length[0]
        cdef double* x_old = step + n
        cdef double* g_old = step + 2 * n
        cdef bint done = False
        cdef int k = 0
        if not self.short_step(h, g, size, limit, x_new):
            return False
        memcpy(x_old, x, n * sizeof(double))
        memcpy(g_old, g, n * sizeof(double))
        while not done and k < NEWTON_STEPS:
            if k:
                self.potential.c_hessian(x, h)
                self.potential.hessian_calls += 1
                self.hessians += 1
            if not self.factorise(h, factor, 0.0, True):
                break
            memcpy(step, g, n * sizeof(double))
            self.solve(factor, step)
            moved = sqrt(vector_dot(n, step, step))
            if not moved < limit:
                break
            vector_move(n, x, -1.0, step, x_new)
            e_new = self.evaluate(x_new, g_new)
            size_new = sqrt(vector_dot(n, g_new, g_new))
            if not (size_new < needed * size and e_new <= energy[0] + noise):
                # at the rounding error of the gradient nothing more can be gained
                done = k > 0 and size < 1e3 * ROUNDING * self.stiffness(h)
                break
            length[0] += moved
            memcpy(x, x_new, n * sizeof(double))
            memcpy(g, g_new, n * sizeof(double))
            energy[0] = e_new
            size = size_new
            limit = moved
            needed = 0.5
            k += 1
            done = size < ROUNDING * self.stiffness(h)
        if done:
            return True
        if k:
            memcpy(x, x_old, n * sizeof(double))
            memcpy(g, g_old, n * sizeof(double))
            energy[0] = e_old
            length[0] = length_old
            self.potential.c_hessian(x, h)
            self.potential.hessian_calls += 1
            self.hessians += 1
        return False

    cdef bint short_step(self, const double* h, const double* g, double size, double limit, double* work) noexcept nogil:
        """False where the Newton step is longer than the limit, or the Hessian not positive definite, without a factorisation.

        For a positive definite H, |H^-1 g| >= |g|^3 / (g H g) (Cauchy and Schwarz, Kantorovich).
        """
        cdef int order = <int>self.potential.n_variables, one = 1
        cdef char uplo = b'U'
        cdef double unit = 1.0, none = 0.0, curvature
        dsymv(&uplo, &order, &unit, <double*>h, &order, <double*>g, &one, &none, work, &one)
        curvature = vector_dot(order, g, work)
        return curvature > 0.0 and size * size * size < limit * curvature

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


cdef double arc(Py_ssize_t n, double chord, double size, const double* g, const double* g_new) noexcept nogil:
    """Length of the arc of a circle over a chord whose ends have the directions of the two gradients."""
    cdef double cosine, angle, size_new = sqrt(vector_dot(n, g_new, g_new))
    if not (size > 0.0 and size_new > 0.0):
        return chord
    cosine = vector_dot(n, g, g_new) / (size * size_new)
    angle = acos(max(0.0, min(1.0, cosine)))
    if angle < 1e-4:
        return chord
    return chord * 0.5 * angle / sin(0.5 * angle)


def descend(potential, origin, energy, first, settings, rms, max_iterations):
    """`SteepestDescent.run` by the Rosenbrock method, with the signature of `optim._descent.downhill`."""
    return SteepestDescent(potential, settings).run(origin, energy, first, rms, max_iterations)


def page_mciver(potential, origin, energy, first, settings, rms, max_iterations):
    """`SteepestDescent.run` by Page and McIver's method, with the signature of `optim._descent.downhill`."""
    return SteepestDescent(potential, settings, True).run(origin, energy, first, rms, max_iterations)
