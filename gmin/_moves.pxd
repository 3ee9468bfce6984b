from numpy.random cimport bitgen_t


cdef class Moves:
    cdef bitgen_t* random
    cdef object bit_generator
    cdef Py_ssize_t n, n_atoms, coop, shell_steps, n_core
    cdef bint angular
    cdef double surface, coop_cutoff, shell_probability
    cdef public double radius
    cdef public Py_ssize_t shell_left
    cdef double[::1] atom_energy, distance
    cdef unsigned char[::1] still

    cdef double uniform(self) noexcept nogil
    cdef void pair_energies_of(self, const double* x) noexcept nogil
    cdef void propose(self, const double* x, double step, double astep, const unsigned char* frozen, double* t) noexcept nogil
    cdef void displace_group(self, double step, double* t) noexcept nogil
    cdef void hold_core(self) noexcept nogil
    cdef void keep_inside(self, double* t) noexcept nogil
