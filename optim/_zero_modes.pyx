"""The exact zero modes of a potential at a point, for the loops without the GIL."""

from libc.string cimport memcpy

from common._vectors cimport vector_add, vector_dot
from potentials.potential cimport Potential
from potentials.symmetry._rigid_modes cimport rigid_modes

import numpy as np

cdef int NONE = 0
cdef int RIGID = 1
cdef int GENERAL = 2


cdef class ZeroModes:
    """Orthonormal zero modes at x, recomputed by ``update``.

    Translations and rotations of clusters are built here by Gram-Schmidt; other symmetries are asked through
    ``symmetry.zero_modes``, which takes the GIL.

    Parameters
    ----------
    potential : Potential
    """

    def __init__(self, Potential potential not None):
        from potentials.symmetry import RigidCluster

        self.symmetry = potential.symmetry
        self.n_variables = potential.n_variables
        self.kind = GENERAL
        if self.symmetry.n_zero == 0:
            self.kind = NONE
        elif isinstance(self.symmetry, RigidCluster) and self.n_variables % 3 == 0:
            self.kind = RIGID
        self.capacity = max(6, self.symmetry.n_zero)
        self.count = 0
        self.rows = np.zeros(self.capacity * self.n_variables)
        self.point = np.zeros(self.n_variables)
        self.error = None

    cdef void update(self, const double* x) noexcept nogil:
        """Recompute the modes at x."""
        if self.kind == NONE:
            return
        if self.kind == RIGID:
            self.count = rigid_modes(self.n_variables, x, &self.rows[0])
            return
        memcpy(&self.point[0], x, self.n_variables * sizeof(double))
        with gil:
            self._general()

    def _general(self):
        cdef double[:, ::1] modes
        try:
            found = np.ascontiguousarray(self.symmetry.zero_modes(np.asarray(self.point)), dtype=float)
            self.count = min(found.shape[0], self.capacity)
            if self.count:
                modes = found
                memcpy(&self.rows[0], &modes[0, 0], self.count * self.n_variables * sizeof(double))
        except Exception as error:  # kept for whoever started the search: this runs inside a loop that cannot raise
            self.error = error
            self.count = 0

    def raise_pending(self):
        """Raise what a symmetry written in Python met inside a search."""
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    cdef void project(self, double* v) noexcept nogil:
        """Remove the zero modes from v."""
        cdef Py_ssize_t k, n = self.n_variables
        cdef double* row
        for k in range(self.count):
            row = &self.rows[k * n]
            vector_add(n, -vector_dot(n, row, v), row, v)

    cdef void shift(self, double* hessian, double amount, double* work) noexcept nogil:
        """H becomes P H P + amount Z^T Z; ``work`` holds n_variables doubles."""
        cdef Py_ssize_t k, i, n = self.n_variables
        cdef double* z
        cdef double c
        for k in range(self.count):
            z = &self.rows[k * n]
            for i in range(n):
                work[i] = vector_dot(n, hessian + i * n, z)
            c = vector_dot(n, work, z) + amount
            for i in range(n):
                vector_add(n, -work[i], z, hessian + i * n)
                vector_add(n, -z[i], work, hessian + i * n)
                vector_add(n, c * z[i], z, hessian + i * n)

    def rows_at(self, x):
        """Modes at x as an array of shape (count, n_variables)."""
        cdef double[::1] xv = np.array(x, dtype=float).ravel()
        with nogil:
            self.update(&xv[0])
        self.raise_pending()
        return np.array(self.rows[: self.count * self.n_variables]).reshape(self.count, self.n_variables)
