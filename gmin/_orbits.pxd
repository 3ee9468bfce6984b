from numpy.random cimport bitgen_t


cdef class Orbits:
    cdef readonly Py_ssize_t n, n_operations, n_spaces, n_orbits, total, capacity
    cdef bitgen_t* random
    cdef object bit_generator
    cdef public double spacing
    cdef readonly double asymmetry
    cdef bint oriented_by_nothing
    # group: operations (9 each), subspaces: projectors (9 each), orbit sizes, dimensions, one operation per point of an orbit
    cdef double[::1] operations, projectors
    cdef Py_ssize_t[::1] sizes, dimensions, cosets
    # structure: points of all orbits, first point, space and energy of each orbit
    cdef double[::1] points, energies
    cdef Py_ssize_t[::1] first, space
    # work space of fold
    cdef double[::1] candidates, scores
    cdef Py_ssize_t[::1] candidate_space, order, matched
    cdef unsigned char[::1] covered

    cdef void set_operations(self, Py_ssize_t m, const double* operations) noexcept nogil
    cdef double uniform(self) noexcept nogil
    cdef double self_distance2(self, Py_ssize_t f, const double* p) noexcept nogil
    cdef Py_ssize_t nearest_space(self, const double* y, double* p) noexcept nogil
    cdef void add_orbit(self, Py_ssize_t f, const double* p) noexcept nogil
    cdef void remove_orbit(self, Py_ssize_t k) noexcept nogil
    cdef double site_energy(self, const double* p, Py_ssize_t f, Py_ssize_t without) noexcept nogil
    cdef void fold(self, const double* y) noexcept nogil
    cdef bint fits(self, Py_ssize_t f) noexcept nogil
    cdef double lone_energy(self, const double* p) noexcept nogil
    cdef void complete(self) noexcept nogil
    cdef bint fill(self, double low, double high, Py_ssize_t trials) noexcept nogil
    cdef void fill_singly(self) noexcept nogil
    cdef void fill_sites(self, const double* y) noexcept nogil
    cdef void move(self, double amplitude) noexcept nogil
    cdef void scatter(self) noexcept nogil
    cdef void emit(self, double* x) noexcept nogil
    cdef double extent(self) noexcept nogil


cdef double spacing_of(Py_ssize_t n, const double* x) noexcept nogil
