"""The lowest Hessian eigenpair: by minimising the Rayleigh quotient with gradients only, or by LAPACK.

Munro and Wales, Phys. Rev. B 59, 3969 (1999); Kumeda, Munro and Wales, Chem. Phys. Lett. 341, 185 (2001). The product of the
Hessian with a vector is analytic where the potential has it and otherwise the forward or central difference of gradients,
USEDIAG 3 or 2.
"""

from libc.math cimport fabs, isfinite, sqrt
from libc.string cimport memcpy
from scipy.linalg.cython_lapack cimport dsyevr

from common._vectors cimport vector_add, vector_dot, vector_move, vector_scale
from common.function cimport Function
from common.lbfgs cimport LBFGS_CONVERGED, LBFGSOutcome, LBFGSSettings, lbfgs, lbfgs_workspace
from optim._zero_modes cimport ZeroModes
from potentials.potential cimport Potential

import numpy as np

#: What an analytic product of the Hessian with a vector counts in evaluations of energy and gradient.
cdef int ANALYTIC_PRODUCT_CALLS = 2


cdef class RayleighQuotient(Function):
    """R(v) = v^T H v / v^T v at a fixed point, zero modes projected out of v.

    Parameters
    ----------
    potential : Potential
    zero : ZeroModes
        Must have been updated at the point.
    step : float
        Length of the displacement of the differences of gradients.
    central : bool
        Central differences (two gradients for a product) instead of forward ones (one).
    analytic : bool
        The potential's own product of its Hessian with a vector instead of differences.
    """

    def __init__(
        self, Potential potential not None, ZeroModes zero not None, double step=1e-4, bint central=False, bint analytic=False
    ):
        n = potential.n_variables
        self.analytic = analytic
        self.potential = potential
        self.zero = zero
        self.n_variables = n
        self.step = step
        self.central = central
        self.origin = np.zeros(n)
        self.gradient_there = np.zeros(n)
        self.direction = np.zeros(n)
        self.displaced = np.zeros(n)
        self.other = np.zeros(n)

    cdef void place(self, const double* x, const double* gradient) noexcept nogil:
        """Set the point and the gradient there."""
        memcpy(&self.origin[0], x, self.n_variables * sizeof(double))
        memcpy(&self.gradient_there[0], gradient, self.n_variables * sizeof(double))

    cdef double c_energy_gradient(self, const double* v, double* gradient) noexcept nogil:
        cdef Py_ssize_t n = self.n_variables
        cdef double* u = &self.direction[0]
        cdef double* y = &self.displaced[0]
        cdef double* g = &self.other[0]
        cdef double length, value
        memcpy(u, v, n * sizeof(double))
        self.zero.project(u)
        length = sqrt(vector_dot(n, u, u))
        if not length > 0.0:
            return 0.0 / 0.0
        vector_scale(n, 1.0 / length, u)
        if self.analytic:
            self.potential.c_hessian_vector(&self.origin[0], u, gradient)
            self.potential.calls += ANALYTIC_PRODUCT_CALLS
        else:
            vector_move(n, &self.origin[0], self.step, u, y)
            self.potential.c_energy_gradient(y, gradient)
            self.potential.calls += 1
            if self.central:
                vector_move(n, &self.origin[0], -self.step, u, y)
                self.potential.c_energy_gradient(y, g)
                self.potential.calls += 1
                vector_add(n, -1.0, g, gradient)
                vector_scale(n, 0.5 / self.step, gradient)
            else:
                vector_add(n, -1.0, &self.gradient_there[0], gradient)
                vector_scale(n, 1.0 / self.step, gradient)
        self.zero.project(gradient)
        value = vector_dot(n, u, gradient)
        # gradient of the quotient: 2 (H u - R u) / |v|
        vector_add(n, -value, u, gradient)
        vector_scale(n, 2.0 / length, gradient)
        return value


cdef Eigenpair lowest_by_rayleigh_ritz(
    RayleighQuotient quotient, const LBFGSSettings* settings, double* v, double* work
) noexcept nogil:
    """Refine v, normalised, towards the lowest eigenvector; ``work`` holds n + lbfgs_workspace(n, history) doubles."""
    cdef Py_ssize_t n = quotient.n_variables
    cdef Eigenpair pair
    cdef LBFGSOutcome out
    cdef double length
    quotient.zero.project(v)
    length = sqrt(vector_dot(n, v, v))
    if length > 0.0:
        vector_scale(n, 1.0 / length, v)
    out = lbfgs(quotient, settings, v, work, work + n)
    quotient.zero.project(v)
    length = sqrt(vector_dot(n, v, v))
    if length > 0.0:
        vector_scale(n, 1.0 / length, v)
    pair.value = out.energy
    pair.rms = out.rms
    pair.iterations = out.iterations
    pair.converged = out.status == LBFGS_CONVERGED
    return pair


cdef Py_ssize_t lapack_workspace(Py_ssize_t n) noexcept nogil:
    """Doubles of work space for ``lowest_by_lapack``; the integer work space is 12 n + 2."""
    return n * n + 30 * n + 4 * n


cdef Eigenpair lowest_by_lapack(
    Potential potential, ZeroModes zero, const double* x, double* v, double* work, int* iwork
) noexcept nogil:
    """The lowest eigenpair of the analytic Hessian beyond the zero modes (NOIT: DSYEVR). v keeps its sense if it had one."""
    cdef Py_ssize_t n = potential.n_variables, i, j
    cdef double* h = work
    cdef double* w = h + n * n
    cdef double* u = w + n
    cdef double* lapack_work = u + n
    cdef int order = <int>n, one = 1, found = 0, lwork = <int>(26 * n), liwork = <int>(10 * n), info = 0
    cdef double low = 0.0, high = 0.0, tolerance = 0.0, bound = 0.0, row
    cdef char jobz = b'V'
    cdef char which = b'I'
    cdef char uplo = b'U'
    cdef Eigenpair pair
    potential.c_hessian(x, h)
    potential.hessian_calls += 1
    for i in range(n):
        row = 0.0
        for j in range(n):
            row += fabs(h[i * n + j])
        if row > bound:
            bound = row
    zero.shift(h, 2.0 * bound + 1.0, lapack_work)
    pair.rms = 0.0
    pair.iterations = 1
    pair.converged = False
    pair.value = 0.0 / 0.0
    if not isfinite(bound):
        return pair
    dsyevr(&jobz, &which, &uplo, &order, h, &order, &low, &high, &one, &one, &tolerance, &found, w, u, &order,
           iwork + 10 * n, lapack_work, &lwork, iwork, &liwork, &info)
    if info != 0 or found != 1:
        return pair
    if vector_dot(n, u, v) < 0.0:
        vector_scale(n, -1.0, u)
    memcpy(v, u, n * sizeof(double))
    pair.value = w[0]
    pair.converged = True
    return pair


def lowest_eigenpair(
    Potential potential not None,
    x,
    v=None,
    *,
    double rms=1e-3,
    Py_ssize_t max_iterations=500,
    double step=1e-4,
    bint central=True,
    Py_ssize_t history=10,
    bint analytic=False,
    rng=None,
):
    """Lowest Hessian eigenvalue and eigenvector beyond the zero modes.

    Parameters
    ----------
    potential : Potential
    x : ndarray of shape (n_variables,)
    v : ndarray of shape (n_variables,), optional
        Starting vector; random otherwise.
    rms : float
        Convergence of the gradient of the Rayleigh quotient.
    max_iterations : int
    step, central
        Differences of gradients.
    history : int
        L-BFGS memory.
    analytic : bool
        Diagonalise the Hessian instead (LAPACK).
    rng : numpy.random.Generator, optional
        For the starting vector.

    Returns
    -------
    value : float
    vector : ndarray of shape (n_variables,)
    converged : bool
    """
    cdef LBFGSSettings settings
    cdef Eigenpair pair
    cdef Py_ssize_t n = potential.n_variables
    cdef double[::1] xv = np.array(x, dtype=float).ravel()
    if v is None:
        v = (np.random.default_rng(0) if rng is None else rng).standard_normal(n)
    vector = np.array(v, dtype=float).ravel()
    if xv.shape[0] != n or vector.shape[0] != n:
        raise ValueError(f"expected {n} variables")
    cdef double[::1] vv = vector
    cdef double[::1] gv = np.empty(n)
    cdef ZeroModes zero = ZeroModes(potential)
    cdef RayleighQuotient quotient = RayleighQuotient(potential, zero, step, central, potential.has_hessian_vector)
    cdef double[::1] work = np.empty(max(lapack_workspace(n) if analytic else 0, n + lbfgs_workspace(n, history)))
    cdef int[::1] iwork = np.empty(12 * n + 2, dtype=np.intc)
    settings.history = history
    settings.max_iterations = max_iterations
    settings.rms = rms
    settings.max_step = 0.3
    settings.max_rise = 1e-10
    settings.diagonal = 0.01
    settings.floor = -1e300
    with nogil:
        zero.update(&xv[0])
        if analytic:
            pair = lowest_by_lapack(potential, zero, &xv[0], &vv[0], &work[0], &iwork[0])
        else:
            potential.c_energy_gradient(&xv[0], &gv[0])
            potential.calls += 1
            quotient.place(&xv[0], &gv[0])
            pair = lowest_by_rayleigh_ritz(quotient, &settings, &vv[0], &work[0])
    zero.raise_pending()
    potential.raise_pending()
    return pair.value, vector, pair.converged
