"""What all integrators of steepest-descent paths share: frames, the Newton steps at the end, factorisations.

Near the minimum, where the Hessian is positive definite and a Newton step is short and lowers the gradient tenfold, no ridge is
left between the point and the minimum, and Newton steps finish. A factor of the Hessian is kept while it contracts the gradient
well (the chord method).
"""

from libc.math cimport acos, fabs, isfinite, sin, sqrt
from libc.string cimport memcpy
from scipy.linalg.cython_blas cimport dsymv, dtrsv
from scipy.linalg.cython_lapack cimport dpotrf

from common._vectors cimport vector_add, vector_dot, vector_move
from optim._zero_modes cimport ZeroModes
from potentials.potential cimport Potential

import numpy as np

#: Newton steps finish where one lowers the gradient by this factor.
cdef double CONTRACTION = 0.1
#: A factor of the Hessian is used again after a step that lowered the gradient by this one.
cdef double CHORD = 0.02
cdef int NEWTON_STEPS = 40
ROUNDING = 1e-14


cdef class PathIntegrator:
    """Work space and settings of steepest-descent paths for one potential; ``run`` may be called many times.

    Subclasses override ``follow``, which goes from x to the minimum below, and allocate ``work`` for themselves.

    Parameters
    ----------
    potential : Potential
    settings : optim.settings.OptimSettings
    """

    def __init__(self, Potential potential not None, settings):
        cdef Py_ssize_t n = potential.n_variables
        self.potential = potential
        self.zero = ZeroModes(potential)
        self.tolerance = settings.path_accuracy * settings.path_max_step
        self.longest = settings.path_longest * settings.path_max_step
        self.newton_radius = settings.path_max_step
        self.first_step = 0.1 * settings.path_max_step
        self.capacity = settings.frames + settings.frames % 2
        self.frames = np.zeros((max(self.capacity, 1), n))
        self.frame_energies = np.zeros(max(self.capacity, 1))
        self.frame_lengths = np.zeros(max(self.capacity, 1))

    cdef bint follow(
        self, double* x, double rms, Py_ssize_t max_iterations, double* energy, double* value, double* length,
        Py_ssize_t* iterations
    ) noexcept nogil:
        """To the minimum below x; whether the RMS gradient ``value`` is below ``rms`` there."""
        return False

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

    cdef void hessian(self, const double* x, double* h) noexcept nogil:
        self.potential.c_hessian(x, h)
        self.potential.hessian_calls += 1
        self.hessians += 1

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

        x, g and energy change only if all of that holds; the length grows by the way of the quadratic model's path. ``step``
        has room for 3 n numbers; ``h`` holds the Hessian at x, at the end too where this fails.
        """
        cdef Py_ssize_t n = self.potential.n_variables
        cdef double size = sqrt(vector_dot(n, g, g)), size_new, e_new, limit = self.newton_radius, moved
        cdef double noise = 1e-14 * max(1.0, fabs(energy[0])), needed = CONTRACTION
        cdef double e_old = energy[0], length_old = length[0]
        cdef double* x_old = step + n
        cdef double* g_old = step + 2 * n
        cdef bint done = False, fresh = True, elsewhere = False
        cdef int k = 0
        if not self.short_step(h, g, size, limit, x_new):
            return False
        memcpy(x_old, x, n * sizeof(double))
        memcpy(g_old, g, n * sizeof(double))
        while not done and k < NEWTON_STEPS:
            if fresh:
                if k:
                    self.hessian(x, h)
                    elsewhere = True
                if not self.factorise(h, factor, 0.0, True):
                    break
            memcpy(step, g, n * sizeof(double))
            self.solve(factor, step)
            moved = sqrt(vector_dot(n, step, step))
            if not moved < limit:
                if fresh:
                    break
                fresh = True
                continue
            vector_move(n, x, -1.0, step, x_new)
            e_new = self.evaluate(x_new, g_new)
            size_new = sqrt(vector_dot(n, g_new, g_new))
            if not (size_new < needed * size and e_new <= energy[0] + noise):
                # at the rounding error of the gradient nothing more can be gained
                done = k > 0 and size < 1e3 * ROUNDING * self.stiffness(h)
                if done or fresh:
                    break
                fresh = True
                continue
            fresh = size_new > CHORD * size
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
            if elsewhere:
                self.hessian(x, h)
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
