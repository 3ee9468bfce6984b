from numpy.random cimport bitgen_t

from gmin._memory cimport SavedList

cdef enum:
    #: Kinds of moves, the plain one included.
    N_KINDS = 8


cdef class NetworkMoves:
    cdef bitgen_t* random
    cdef object bit_generator
    cdef readonly SavedList pool
    cdef Py_ssize_t n, n_levels
    # of each level of weights: nodes in, nodes out, first weight, first bias (-1: none)
    cdef Py_ssize_t[::1] n_in, n_out, weights, biases
    cdef unsigned char[::1] allowed, still
    cdef readonly int kind
    cdef double[::1] successes, evaluations
    cdef long long[::1] tried, accepted, improved, spent

    cdef double uniform(self) noexcept nogil
    cdef double normal(self) noexcept nogil
    cdef Py_ssize_t below(self, Py_ssize_t count) noexcept nogil
    cdef Py_ssize_t n_total(self) noexcept nogil
    cdef void weigh(self, double* p) noexcept nogil
    cdef bint choose(self) noexcept nogil
    cdef bint propose(self, const double* x, const unsigned char* frozen, double* t) noexcept nogil
    cdef void settle(
        self, double energy, double markov, const double* x, bint good, long long quench, long long calls
    ) noexcept nogil
    cdef bint known(self, double energy) noexcept nogil
    cdef void count(self, bint accepted) noexcept nogil
    cdef double size(self, const double* x, Py_ssize_t first, Py_ssize_t stride, Py_ssize_t count) noexcept nogil
    cdef double strength(self, const double* x, Py_ssize_t level, Py_ssize_t node) noexcept nogil
    cdef Py_ssize_t weakest(self, const double* x, Py_ssize_t level) noexcept nogil
    cdef void redraw(self, double* t, Py_ssize_t level, Py_ssize_t node) noexcept nogil
    cdef void copy_node(
        self, const double* x, Py_ssize_t source, double* t, Py_ssize_t level, Py_ssize_t node, bint inputs, double factor
    ) noexcept nogil
