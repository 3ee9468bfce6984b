from numpy.random cimport bitgen_t


cdef class Exchange:
    cdef readonly object bit_generator
    cdef bitgen_t* random
    cdef Py_ssize_t n, interval
    cdef readonly int scheme
    cdef bint at_random
    cdef double rate
    cdef double[::1] beta
    cdef public long long next_step, parity, round_trips
    cdef long long[::1] state, last_end, n_tried, n_accepted

    cdef double uniform(self) noexcept nogil
    cdef void plan(self, long long step) noexcept nogil
    cdef void try_pair(self, Py_ssize_t i, Py_ssize_t j, const double* energy) noexcept nogil
    cdef void perform(self, long long step, const double* energy) noexcept nogil
    cdef void follow(self) noexcept nogil
