"""Translations and rotations of a rigid body: the zero modes of a cluster, for the loops without the GIL and for Python."""

from libc.math cimport sqrt
from libc.string cimport memset

from common._vectors cimport vector_add, vector_dot, vector_scale

import numpy as np

#: A rotation whose displacement is shorter than this fraction of the size of the cluster is not a mode (linear clusters).
cdef double DEGENERATE = 1e-6


cdef Py_ssize_t rigid_modes(Py_ssize_t n, const double* x, double* rows) noexcept nogil:
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


def rigid_zero_modes(const double[::1] x not None):
    """Orthonormal zero modes of a cluster.

    Parameters
    ----------
    x : ndarray of shape (3 n,)

    Returns
    -------
    ndarray of shape (6, 3 n), (5, 3 n) where all atoms lie on a line, (3, 3) for one atom
    """
    cdef Py_ssize_t n = x.shape[0], count
    rows = np.empty((6, n))
    cdef double[:, ::1] view = rows
    with nogil:
        count = rigid_modes(n, &x[0], &view[0, 0])
    return rows[:count]
