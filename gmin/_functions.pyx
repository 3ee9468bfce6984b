"""What a walker minimises where that is not the potential itself."""

from common.function cimport Function
from potentials.potential cimport Potential

import numpy as np


cdef class FrozenFunction(Function):
    """A potential some of whose variables do not move: their gradient is zero (FREEZE).

    Parameters
    ----------
    potential : Potential
    frozen : sequence of int
        Variables, from 0.
    """

    def __init__(self, Potential potential not None, frozen):
        self.potential = potential
        self.n_variables = potential.n_variables
        self.frozen = np.array(sorted(frozen), dtype=np.intp)

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef double e = self.potential.c_energy_gradient(x, gradient)
        cdef Py_ssize_t k
        for k in range(self.frozen.shape[0]):
            gradient[self.frozen[k]] = 0.0
        return e


cdef class CompressedFunction(Function):
    """A cluster under harmonic compression: k/2 times the sum of the squared distances from the centroid is added (COMPRESS).

    Parameters
    ----------
    function : Function
        Of Cartesian coordinates of atoms.
    constant : float
        k.
    """

    def __init__(self, Function function not None, double constant):
        self.function = function
        self.n_variables = function.n_variables
        self.constant = constant

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef double e = self.function.c_energy_gradient(x, gradient), d, total = 0.0
        cdef double c[3]
        cdef Py_ssize_t i, k, n = self.n_variables // 3
        for k in range(3):
            c[k] = 0.0
            for i in range(n):
                c[k] += x[3 * i + k]
            c[k] /= n
            for i in range(n):
                d = x[3 * i + k] - c[k]
                total += d * d
                gradient[3 * i + k] += self.constant * d
        return e + 0.5 * self.constant * total


cdef class FrozenPotential(Potential):
    """A cluster some of whose atoms do not move, as a potential of its own: its minima are those of the free atoms.

    Parameters
    ----------
    potential : Potential
        With Cartesian coordinates of atoms as variables.
    atoms : sequence of int
        Frozen atoms, from 0.
    positions : ndarray of shape (len(atoms), 3)
        Not all on a line.
    """

    def __init__(self, Potential potential not None, atoms, positions):
        from gmin.frozen import FrozenCluster

        cdef Py_ssize_t n = potential.n_variables
        self.potential = potential
        self.n_variables = n
        self.n_atoms = n // 3
        self.has_hessian = potential.has_hessian
        self.step_scale = potential.step_scale
        self.atoms = [int(a) for a in atoms]
        self.positions = np.array(positions, dtype=float).reshape(-1, 3)
        self.symmetry = FrozenCluster(n // 3, self.atoms, self.positions)
        self.held = np.zeros(n, dtype=np.uint8)
        for a in self.atoms:
            for k in range(3):
                self.held[<Py_ssize_t>(3 * a + k)] = 1

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef double e = self.potential.c_energy_gradient(x, gradient)
        cdef Py_ssize_t k
        for k in range(self.n_variables):
            if self.held[k]:
                gradient[k] = 0.0
        return e

    cdef void c_hessian(self, const double* x, double* hessian) noexcept nogil:
        cdef Py_ssize_t i, j, n = self.n_variables
        self.potential.c_hessian(x, hessian)
        for i in range(n):
            for j in range(n):
                if self.held[i] or self.held[j]:
                    hessian[i * n + j] = 0.0

    def fingerprint(self):
        """That of the potential with the frozen atoms and their places."""
        return {
            **self.potential.fingerprint(),
            "frozen": self.atoms,
            "frozen_positions": [round(float(v), 9) for v in self.positions.ravel()],
        }
