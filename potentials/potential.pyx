"""The interface of every potential (DESIGN: the C methods without the GIL, the Python methods over NumPy arrays)."""

from libc.math cimport sqrt
from libc.stdlib cimport free, malloc

from common._vectors cimport vector_add, vector_dot, vector_move, vector_scale
from common.function cimport Function

import numpy as np

#: What a product of the Hessian with a vector counts in evaluations of energy and gradient.
HESSIAN_VECTOR_CALLS = 2
#: Length of the displacement along the vector in a difference of gradients.
cdef double PRODUCT_STEP = 1e-4


cdef class Potential(Function):
    """A function E(x) with gradient, Hessian and symmetry.

    Subclasses set ``n_variables`` and ``symmetry`` and override ``c_energy_gradient(x, gradient)`` and, row-major with both
    triangles, ``c_hessian(x, hessian)``. The Hessian falls back to central differences of the gradient.

    Attributes
    ----------
    n_variables : int
    symmetry : potentials.symmetry.Symmetry
        Zero modes, alignment and group order.
    calls : int
        Energy and gradient evaluations so far.
    hessian_calls : int
        Hessians so far, analytic or by differences.
    """

    #: Step of the central differences of the gradient used where there is no analytic Hessian.
    difference_step = 1e-5
    #: Whether ``hessian`` is analytic.
    has_hessian = False
    #: Whether ``hessian_vector`` is analytic.
    has_hessian_vector = False
    #: Whether the energy is a sum over pairs of atoms: a gradient then costs a hundredth of a factorisation of the Hessian.
    pairwise = False

    cdef void c_hessian(self, const double* x, double* hessian) noexcept nogil:
        with gil:
            _difference_hessian(self, x, hessian)

    cdef void c_hessian_vector(self, const double* x, const double* v, double* hv) noexcept nogil:
        _difference_product(self, x, v, hv)

    def fingerprint(self):
        """What identifies this function: a dict of plain values (name, sizes, parameters, digest of the data).

        Two potentials with equal fingerprints have equal energies everywhere. A database stores it and refuses another.
        """
        return {"potential": type(self).__name__, "n_variables": int(self.n_variables)}

    def random_coordinates(self, rng):
        """A random starting point of shape (n_variables,) drawn from a numpy Generator."""
        raise NotImplementedError(f"{type(self).__name__} has no distribution of starting points")

    #: Natural length of a step in the variables, used where the user gives none.
    step_scale = 0.3

    def _input(self, x):
        a = np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
        if a.shape[0] != self.n_variables:
            raise ValueError(f"{type(self).__name__}: expected {self.n_variables} variables, got {a.shape[0]}")
        return a

    def energy(self, x):
        """E(x) for x of shape (n_variables,)."""
        return self.energy_gradient(x)[0]

    def gradient(self, x):
        """Gradient of shape (n_variables,)."""
        return self.energy_gradient(x)[1]

    def energy_gradient(self, x):
        """(E, gradient) at x of shape (n_variables,)."""
        cdef const double[::1] xv = self._input(x)
        g = np.empty(self.n_variables)
        cdef double[::1] gv = g
        cdef double e
        with nogil:
            e = self.c_energy_gradient(&xv[0], &gv[0])
        self.calls += 1
        self.raise_pending()
        return e, g

    def hessian(self, x):
        """Hessian of shape (n_variables, n_variables)."""
        cdef const double[::1] xv = self._input(x)
        h = np.empty((self.n_variables, self.n_variables))
        cdef double[:, ::1] hv = h
        with nogil:
            self.c_hessian(&xv[0], &hv[0, 0])
        self.hessian_calls += 1
        self.raise_pending()
        return h

    def hessian_vector(self, x, v):
        """Hessian at x times v, without the Hessian: analytic, or by a central difference of gradients along v.

        Parameters
        ----------
        x, v : array_like of shape (n_variables,)

        Returns
        -------
        ndarray of shape (n_variables,)
        """
        cdef const double[::1] xv = self._input(x), vv = self._input(v)
        hv = np.empty(self.n_variables)
        cdef double[::1] out = hv
        with nogil:
            self.c_hessian_vector(&xv[0], &vv[0], &out[0])
        self.calls += HESSIAN_VECTOR_CALLS
        self.raise_pending()
        return hv

    def energy_gradient_batch(self, X, int threads=1):
        """Energies and gradients of many points.

        Parameters
        ----------
        X : array_like of shape (B, n_variables)
        threads : int
            Points are shared out among this many threads, each with its own copy of the potential (work space belongs to the
            instance). Results do not depend on it. Worth it when the batch takes milliseconds.

        Returns
        -------
        energies : ndarray of shape (B,)
        gradients : ndarray of shape (B, n_variables)

        Raises
        ------
        ValueError
            If X has another shape or threads is not positive.
        """
        a = np.ascontiguousarray(X, dtype=np.float64)
        if a.ndim != 2 or a.shape[1] != self.n_variables:
            raise ValueError(f"{type(self).__name__}: expected shape (B, {self.n_variables}), got {a.shape}")
        if threads < 1:
            raise ValueError("threads must be at least 1")
        energies = np.empty(a.shape[0])
        gradients = np.empty_like(a)
        cdef Py_ssize_t count = min(<Py_ssize_t>threads, <Py_ssize_t>a.shape[0])
        if count <= 1:
            self._fill_batch(a, energies, gradients)
            return energies, gradients
        import copy
        from concurrent.futures import ThreadPoolExecutor

        workers = [self] + [copy.copy(self) for _ in range(count - 1)]
        with ThreadPoolExecutor(count) as pool:
            jobs = [
                pool.submit(worker._fill_batch, points, e, g)
                for worker, points, e, g in zip(workers, *(np.array_split(each, count) for each in (a, energies, gradients)))
            ]
            for job in jobs:
                job.result()
        # the first part was counted by this instance
        self.calls += a.shape[0] - -(-a.shape[0] // count)
        return energies, gradients

    def _fill_batch(self, const double[:, ::1] points, double[::1] energies, double[:, ::1] gradients):
        cdef Py_ssize_t b, n = points.shape[0]
        if n == 0:
            return
        with nogil:
            for b in range(n):
                energies[b] = self.c_energy_gradient(&points[b, 0], &gradients[b, 0])
        self.calls += n

    def time_calls(self, x, Py_ssize_t repeats):
        """Evaluate energy and gradient ``repeats`` times without the GIL, for timing; returns the last energy."""
        cdef const double[::1] xv = self._input(x)
        cdef double[::1] gv = np.empty(self.n_variables)
        cdef double e = 0.0
        cdef Py_ssize_t _i
        with nogil:
            for _i in range(repeats):
                e = self.c_energy_gradient(&xv[0], &gv[0])
        self.calls += repeats
        return e


cdef void _difference_hessian(Potential potential, const double* x, double* hessian) noexcept:
    cdef Py_ssize_t n = potential.n_variables, i, j
    cdef double h
    cdef double step = potential.difference_step
    cdef double[::1] y = np.empty(n), up = np.empty(n), down = np.empty(n)
    for i in range(n):
        y[i] = x[i]
    for i in range(n):
        h = step * max(1.0, abs(x[i]))
        y[i] = x[i] + h
        potential.c_energy_gradient(&y[0], &up[0])
        y[i] = x[i] - h
        potential.c_energy_gradient(&y[0], &down[0])
        y[i] = x[i]
        for j in range(n):
            hessian[i * n + j] = (up[j] - down[j]) / (2.0 * h)
    potential.calls += 2 * n
    for i in range(n):
        for j in range(i):
            h = 0.5 * (hessian[i * n + j] + hessian[j * n + i])
            hessian[i * n + j] = h
            hessian[j * n + i] = h


cdef void _difference_product(Potential potential, const double* x, const double* v, double* hv) noexcept nogil:
    """Central difference of the gradient along v, whose error is quadratic in the displacement."""
    cdef Py_ssize_t n = potential.n_variables
    cdef double length = sqrt(vector_dot(n, v, v)), step
    cdef double* y
    cdef Py_ssize_t i
    if not length > 0.0:
        for i in range(n):
            hv[i] = 0.0
        return
    y = <double*>malloc(2 * n * sizeof(double))
    step = PRODUCT_STEP / length
    vector_move(n, x, step, v, y)
    potential.c_energy_gradient(y, hv)
    vector_move(n, x, -step, v, y)
    potential.c_energy_gradient(y, y + n)
    vector_add(n, -1.0, y + n, hv)
    vector_scale(n, 0.5 / step, hv)
    free(y)
