"""What a walker remembers: the lowest quenches and the quenches met lately."""

from libc.math cimport fabs, floor
from libc.string cimport memcpy

import numpy as np


cdef void cluster_invariants(Py_ssize_t n, const double* x, double* work, double* out) noexcept nogil:
    """Sums over atoms that no rotation, inversion or permutation changes; ``work`` holds 2 n doubles.

    Made of r, the distance from the centroid, and s, the sum over the other atoms of 1/(1 + distance^2).
    """
    cdef Py_ssize_t i, j, k
    cdef double c[3]
    cdef double dx, dy, dz, q, r2, s
    cdef double* squared = work
    cdef double* near = work + n
    for k in range(3):
        c[k] = 0.0
        for i in range(n):
            c[k] += x[3 * i + k]
        c[k] /= n
    for i in range(n):
        squared[i] = (x[3 * i] - c[0]) ** 2 + (x[3 * i + 1] - c[1]) ** 2 + (x[3 * i + 2] - c[2]) ** 2
        near[i] = 0.0
    for i in range(n):
        s = 0.0
        for j in range(i):
            dx = x[3 * i] - x[3 * j]
            dy = x[3 * i + 1] - x[3 * j + 1]
            dz = x[3 * i + 2] - x[3 * j + 2]
            q = 1.0 / (1.0 + dx * dx + dy * dy + dz * dz)
            near[j] += q
            s += q
        near[i] += s
    for k in range(N_INVARIANTS):
        out[k] = 0.0
    for i in range(n):
        r2 = squared[i]
        s = near[i]
        out[0] += r2
        out[1] += r2 * r2
        out[2] += r2 * r2 * r2
        out[3] += s
        out[4] += s * s
        out[5] += s * s * s
        out[6] += s * r2
        out[7] += s * s * r2


cdef void variable_invariants(Py_ssize_t n, const double* x, double* out) noexcept nogil:
    """Sums over variables that no permutation and no change of sign alters."""
    cdef Py_ssize_t i, k
    cdef double a, power
    for k in range(N_INVARIANTS):
        out[k] = 0.0
    for i in range(n):
        a = fabs(x[i])
        power = 1.0
        for k in range(N_INVARIANTS):
            power *= a
            out[k] += power


def invariants(x, Py_ssize_t n_atoms=0):
    """The numbers by which `Seen` tells quenches apart: shape (N_INVARIANTS,)."""
    cdef const double[::1] v = np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
    cdef double[::1] work = np.empty(2 * n_atoms + 1), out = np.empty(N_INVARIANTS)
    if n_atoms:
        cluster_invariants(n_atoms, &v[0], &work[0], &out[0])
    else:
        variable_invariants(v.shape[0], &v[0], &out[0])
    return np.asarray(out)


cdef class Seen:
    """The quenches met lately, told apart by energy and N_INVARIANTS numbers that no symmetry changes.

    It spares the database most of the quenches to minima it has. A quench is known when its energy and all its invariants agree
    with a remembered one to what a quench that stops at the RMS gradient given leaves open. The memory is of fixed size: in
    each of its sets of eight the oldest gives way, and what was forgotten is only examined once more.

    Parameters
    ----------
    energy : float
        Energies closer than this may belong to one minimum.
    relative : float
        The same for the invariants, relative to their size.
    n_sets : int
        Number of sets, a power of two.
    """

    def __cinit__(self, double energy, double relative, Py_ssize_t n_sets=2048):
        if not energy > 0.0 or not relative > 0.0 or n_sets < 1 or n_sets & (n_sets - 1):
            raise ValueError("energy and relative must be positive, n_sets a power of two")
        self.cell = energy
        self.relative = relative
        self.n_sets = n_sets
        self.next_way = np.zeros(n_sets, dtype=np.uint8)
        self.entries = np.full((n_sets * WAYS, 1 + N_INVARIANTS), np.nan)

    cdef Py_ssize_t slot(self, double number) noexcept nogil:
        cdef unsigned long long k = <unsigned long long><long long>number
        k *= 0x9E3779B97F4A7C15ULL
        return <Py_ssize_t>((k >> 20) & <unsigned long long>(self.n_sets - 1))

    cdef bint add(self, double energy, const double* invariants) noexcept nogil:
        """Whether this quench is new; it is then remembered."""
        cdef double number = floor(energy / self.cell)
        cdef double* entry
        cdef Py_ssize_t side, _way, k, s
        for side in range(-1, 2):
            entry = &self.entries[WAYS * self.slot(number + side), 0]
            for _way in range(WAYS):
                if fabs(entry[0] - energy) < self.cell:
                    for k in range(N_INVARIANTS):
                        if not fabs(entry[1 + k] - invariants[k]) <= self.relative * (1.0 + k) * fabs(invariants[k]):
                            break
                    else:
                        return False
                entry += 1 + N_INVARIANTS
        s = self.slot(number)
        entry = &self.entries[WAYS * s + self.next_way[s], 0]
        self.next_way[s] = (self.next_way[s] + 1) % WAYS
        entry[0] = energy
        memcpy(entry + 1, invariants, N_INVARIANTS * sizeof(double))
        return True

    def __len__(self):
        return int(np.count_nonzero(~np.isnan(np.asarray(self.entries)[:, 0])))

    def meet(self, double energy, x, Py_ssize_t n_atoms=0):
        """Whether a quench to x is new; it is then remembered."""
        cdef const double[::1] numbers = invariants(x, n_atoms)
        return self.add(energy, &numbers[0])


cdef class SavedList:
    """The lowest quenches in ascending order, those closer in energy than ``ediff`` counted as one (SAVE, EDIFF).

    Attributes
    ----------
    count : int
    """

    def __cinit__(self, Py_ssize_t capacity, Py_ssize_t n, double ediff):
        self.count = 0
        self.capacity = capacity
        self.n = n
        self.ediff = ediff
        self.energies = np.empty(capacity)
        self.coordinates = np.empty((capacity, n))
        self.quenches = np.zeros(capacity, dtype=np.int64)
        self.calls = np.zeros(capacity, dtype=np.int64)
        self.rows = np.arange(capacity, dtype=np.intp)

    cdef void offer(self, double energy, const double* x, long long quench, long long calls) noexcept nogil:
        cdef Py_ssize_t i, row, low = 0, high = self.count, middle
        if self.capacity == 0:
            return
        if self.count == self.capacity and energy > self.energies[self.rows[self.count - 1]] + self.ediff:
            return
        while low < high:
            middle = (low + high) // 2
            if self.energies[self.rows[middle]] < energy:
                low = middle + 1
            else:
                high = middle
        # the same minimum is next to the place of insertion, if it is there
        if low > 0 and energy - self.energies[self.rows[low - 1]] < self.ediff:
            return
        if low < self.count and self.energies[self.rows[low]] - energy < self.ediff:
            # met again, a little lower: the better converged copy replaces it, the first meeting stays on record
            row = self.rows[low]
            self.energies[row] = energy
            memcpy(&self.coordinates[row, 0], x, self.n * sizeof(double))
            return
        if self.count < self.capacity:
            self.count += 1
        elif low == self.count:
            return
        row = self.rows[self.count - 1]
        for i in range(self.count - 1, low, -1):
            self.rows[i] = self.rows[i - 1]
        self.rows[low] = row
        self.energies[row] = energy
        self.quenches[row] = quench
        self.calls[row] = calls
        memcpy(&self.coordinates[row, 0], x, self.n * sizeof(double))

    def add(self, double energy, x, long long quench, long long calls):
        """Offer a quench to the list."""
        cdef const double[::1] xv = np.ascontiguousarray(x, dtype=np.float64)
        if xv.shape[0] != self.n:
            raise ValueError(f"expected {self.n} variables, got {xv.shape[0]}")
        self.offer(energy, &xv[0], quench, calls)

    def entries(self):
        """List of (energy, coordinates, quench, calls), lowest first."""
        return [
            (
                float(self.energies[self.rows[i]]),
                np.array(self.coordinates[self.rows[i]]),
                int(self.quenches[self.rows[i]]),
                int(self.calls[self.rows[i]]),
            )
            for i in range(self.count)
        ]
