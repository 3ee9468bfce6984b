"""The exact zero modes of a potential at a point, for the loops without the GIL."""

from libc.math cimport sqrt
from libc.string cimport memcpy, memset

from common._vectors cimport vector_add, vector_dot, vector_scale
from potentials.potential cimport Potential

import numpy as np

cdef int NONE = 0
cdef int RIGID = 1
cdef int GENERAL = 2

#: A rotation whose displacement is shorter than this fraction of the size of the cluster is not a mode (linear clusters).
cdef double DEGENERATE = 1e-6


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
            self.count = _rigid_modes(self.n_variables, x, &self.rows[0])
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


cdef Py_ssize_t _rigid_modes(Py_ssize_t n, const double* x, double* rows) noexcept nogil:
    """Translations and rotations about the centroid, orthonormal; returns their number (3, 5 or 6)."""
    cdef Py_ssize_t atoms = n // 3, i, k, j, count = 3
    cdef double cx = 0.0, cy = 0.0, cz = 0.0, size = 0.0, length, unit = 1.0 / sqrt(<double>atoms)
    cdef double* z
    memset(rows, 0, 6 * n * sizeof(double))
    for i in range(atoms):
        cx += x[3 * i]
        cy += x[3 * i + 1]
        cz += x[3 * i + 2]
        rows[3 * i] = unit
        rows[n + 3 * i + 1] = unit
        rows[2 * n + 3 * i + 2] = unit
    cx /= atoms
    cy /= atoms
    cz /= atoms
    for i in range(atoms):
        size += (x[3 * i] - cx) ** 2 + (x[3 * i + 1] - cy) ** 2 + (x[3 * i + 2] - cz) ** 2
    size = sqrt(size)
    for k in range(3):
        z = rows + count * n
        for i in range(atoms):
            if k == 0:
                z[3 * i] = 0.0
                z[3 * i + 1] = -(x[3 * i + 2] - cz)
                z[3 * i + 2] = x[3 * i + 1] - cy
            elif k == 1:
                z[3 * i] = x[3 * i + 2] - cz
                z[3 * i + 1] = 0.0
                z[3 * i + 2] = -(x[3 * i] - cx)
            else:
                z[3 * i] = -(x[3 * i + 1] - cy)
                z[3 * i + 1] = x[3 * i] - cx
                z[3 * i + 2] = 0.0
        for j in range(3, count):
            vector_add(n, -vector_dot(n, rows + j * n, z), rows + j * n, z)
        length = sqrt(vector_dot(n, z, z))
        if length > DEGENERATE * size:
            vector_scale(n, 1.0 / length, z)
            count += 1
    return count
