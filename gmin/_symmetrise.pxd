from numpy.random cimport bitgen_t

from gmin._core_symmetry cimport CoreSymmetry
from gmin._orbits cimport Orbits


cdef class SymmetricMoves:
    cdef readonly Orbits orbits
    cdef bitgen_t* random
    cdef Py_ssize_t n, interval, own, spent, stale, patience, most
    cdef bint have, fresh, first
    cdef double[::1] x, oriented, work, offset
    cdef double energy, lowest, ordinary_lowest, displacement, ediff, length, share

    cdef bint turn(self) noexcept nogil
    cdef bint propose(self, const double* x, double energy, double* trial) noexcept nogil
    cdef void settle(self, double energy, const double* x, bint good, double temperature) noexcept nogil
    cdef void ordinary(self, double energy, bint accepted) noexcept nogil
    cdef void forget(self) noexcept nogil
    cdef void centred(self, const double* x) noexcept nogil
    cdef bint begin(self, const double* x, double energy) noexcept nogil
    cdef void complete(self) noexcept nogil


cdef class CSMMoves(SymmetricMoves):
    cdef double[::1] maps
    cdef Py_ssize_t n_maps, trials, cycles
    cdef double tolerance

    cdef void symmetrise(self, const double* x) noexcept nogil


cdef class CoreMoves(SymmetricMoves):
    cdef CoreSymmetry finder, best
    cdef double[::1] tolerances, core, radii, best_oriented
    cdef Py_ssize_t[::1] order
    cdef double same, reach

    cdef void move_to_core(self) noexcept nogil
    cdef Py_ssize_t choose_core(self, double tolerance) noexcept nogil
    cdef double uniform(self) noexcept nogil
