"""The moves of a walker: where each step puts the atoms (or variables) before the quench."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport acos, cos, sin, sqrt
from libc.string cimport memcpy
from numpy.random cimport bitgen_t

import numpy as np

cdef double PI = 3.141592653589793
cdef double LARGE = 1e300


cdef class Moves:
    """Random displacements, angular moves of weakly bound atoms, moves of a shell or of a group of neighbours.

    Parameters
    ----------
    bit_generator : numpy.random.BitGenerator
    n : int
        Number of variables.
    settings : gmin.settings.WalkerSettings
    n_atoms : int
        0: the variables are no Cartesian coordinates of atoms, and each is displaced at random.
    pair_energies : bool
        Whether atoms have Lennard-Jones pair energies, which the angular moves need.
    """

    def __cinit__(self, bit_generator, Py_ssize_t n, settings, Py_ssize_t n_atoms, bint pair_energies):
        self.bit_generator = bit_generator
        self.random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        self.n = n
        self.n_atoms = n_atoms
        self.angular = pair_energies and n_atoms > 0
        self.surface = settings.surface
        self.radius = settings.radius if settings.radius is not None and n_atoms > 0 else 0.0
        self.coop = 0
        if settings.coop is not None and n_atoms > 0:
            self.coop, self.coop_cutoff = settings.coop
        self.shell_steps = 0
        if settings.shell is not None and n_atoms > 0:
            self.shell_steps, self.shell_probability, fraction = settings.shell
            self.n_core = min(int(fraction * n_atoms), n_atoms - 1)
        self.shell_left = 0
        self.atom_energy = np.zeros(max(1, n_atoms))
        self.distance = np.zeros(max(1, n_atoms))
        self.still = np.zeros(max(1, n_atoms), dtype=np.uint8)

    cdef double uniform(self) noexcept nogil:
        return self.random.next_double(self.random.state)

    cdef void pair_energies_of(self, const double* x) noexcept nogil:
        """Lennard-Jones pair energy of each atom: the sum over its partners."""
        cdef Py_ssize_t i, j
        cdef double dx, dy, dz, r2, r6, e
        for i in range(self.n_atoms):
            self.atom_energy[i] = 0.0
        for i in range(self.n_atoms):
            for j in range(i):
                dx = x[3 * i] - x[3 * j]
                dy = x[3 * i + 1] - x[3 * j + 1]
                dz = x[3 * i + 2] - x[3 * j + 2]
                r2 = 1.0 / (dx * dx + dy * dy + dz * dz)
                r6 = r2 * r2 * r2
                e = 4.0 * r6 * (r6 - 1.0)
                self.atom_energy[i] += e
                self.atom_energy[j] += e

    cdef void propose(self, const double* x, double step, double astep, const unsigned char* frozen, double* t) noexcept nogil:
        """t: where the step from x leads; ``frozen`` marks variables that stay, or is NULL.

        Every coordinate is displaced by up to ``step``, but the most weakly bound atom goes to a random place on the surface
        where its pair energy is above astep times the lowest one (Wales and Doye, J. Phys. Chem. A 101, 5111, 1997).
        """
        cdef Py_ssize_t i, k, weakest = -1
        cdef double lowest = LARGE, highest = -LARGE, longest = 0.0, theta, phi
        cdef double c[3]
        cdef bint angular = self.angular and astep > 0.0, shell = False
        memcpy(t, x, self.n * sizeof(double))
        if self.n_atoms == 0:
            for i in range(self.n):
                if frozen == NULL or not frozen[i]:
                    t[i] += step * (2.0 * self.uniform() - 1.0)
            return
        if self.shell_steps:
            if self.shell_left == 0 and self.uniform() < self.shell_probability:
                self.shell_left = self.shell_steps
            shell = self.shell_left > 0
            if shell:
                self.shell_left -= 1
        for i in range(self.n_atoms):
            self.still[i] = frozen != NULL and frozen[3 * i]
        if angular or shell:
            for k in range(3):
                c[k] = 0.0
            for i in range(self.n_atoms):
                for k in range(3):
                    c[k] += x[3 * i + k]
            for k in range(3):
                c[k] /= self.n_atoms
            for i in range(self.n_atoms):
                self.distance[i] = sqrt((x[3 * i] - c[0]) ** 2 + (x[3 * i + 1] - c[1]) ** 2 + (x[3 * i + 2] - c[2]) ** 2)
                if self.distance[i] > longest:
                    longest = self.distance[i]
        if shell:
            self.hold_core()
        if angular:
            self.pair_energies_of(x)
            for i in range(self.n_atoms):
                if self.atom_energy[i] < lowest:
                    lowest = self.atom_energy[i]
                if self.atom_energy[i] > highest:
                    highest = self.atom_energy[i]
                    weakest = i
            if not highest > astep * lowest:
                weakest = -1
        if self.coop and not shell:
            self.displace_group(step, t)
        for i in range(self.n_atoms):
            if self.still[i]:
                continue
            if i == weakest:
                theta = acos(1.0 - 2.0 * self.uniform())
                phi = 2.0 * PI * self.uniform()
                longest += self.surface
                t[3 * i] = c[0] + longest * sin(theta) * cos(phi)
                t[3 * i + 1] = c[1] + longest * sin(theta) * sin(phi)
                t[3 * i + 2] = c[2] + longest * cos(theta)
            elif shell or not self.coop:
                for k in range(3):
                    t[3 * i + k] += step * (2.0 * self.uniform() - 1.0)
        if self.radius > 0.0:
            self.keep_inside(t)

    cdef void displace_group(self, double step, double* t) noexcept nogil:
        """A random atom and its nearest neighbours, ``coop`` atoms in all within the cutoff, move as one."""
        cdef Py_ssize_t i, k, first = <Py_ssize_t>(self.uniform() * self.n_atoms), nearest, _member
        cdef double d[3]
        if first == self.n_atoms:
            first -= 1
        for k in range(3):
            d[k] = step * (2.0 * self.uniform() - 1.0)
        for i in range(self.n_atoms):
            self.distance[i] = sqrt(
                (t[3 * i] - t[3 * first]) ** 2 + (t[3 * i + 1] - t[3 * first + 1]) ** 2 + (t[3 * i + 2] - t[3 * first + 2]) ** 2
            )
        for _member in range(self.coop):
            nearest = -1
            for i in range(self.n_atoms):
                if self.distance[i] <= self.coop_cutoff and (nearest < 0 or self.distance[i] < self.distance[nearest]):
                    nearest = i
            if nearest < 0:
                break
            self.distance[nearest] = LARGE
            if not self.still[nearest]:
                for k in range(3):
                    t[3 * nearest + k] += d[k]

    cdef void hold_core(self) noexcept nogil:
        """Mark the atoms of the core, those nearest to the centroid, as ones that stay."""
        cdef Py_ssize_t i, nearest, _member
        for _member in range(self.n_core):
            nearest = -1
            for i in range(self.n_atoms):
                if self.distance[i] >= 0.0 and (nearest < 0 or self.distance[i] < self.distance[nearest]):
                    nearest = i
            self.distance[nearest] = -1.0
            self.still[nearest] = 1

    cdef void keep_inside(self, double* t) noexcept nogil:
        """Atoms beyond the container are put on its wall."""
        cdef Py_ssize_t i, k
        cdef double r, scale
        for i in range(self.n_atoms):
            r = sqrt(t[3 * i] ** 2 + t[3 * i + 1] ** 2 + t[3 * i + 2] ** 2)
            if r > self.radius:
                scale = self.radius / r
                for k in range(3):
                    t[3 * i + k] *= scale
