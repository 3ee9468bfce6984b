cdef class Tridiagonal:
    cdef Py_ssize_t n, deflated
    cdef double norm, pivot
    cdef double[::1] reduced, diagonal, off, tau, values, vectors, factor, work
    cdef int[::1] pivots

    cdef bint reduce(self) noexcept nogil
    cdef void enter(self, double* x) noexcept nogil
    cdef void leave(self, double* x) noexcept nogil
    cdef Py_ssize_t count(self, double bound) noexcept nogil
    cdef bint deflate(self, Py_ssize_t m) noexcept nogil
    cdef void multiply(self, const double* x, double* y) noexcept nogil
    cdef void factorise(self, double shift) noexcept nogil
    cdef void solve(self, double* x) noexcept nogil
    cdef void split(self, double* x, double* parts) noexcept nogil
    cdef bint _pair(self, Py_ssize_t k) noexcept nogil
    cdef bint _all_pairs(self, Py_ssize_t m) noexcept nogil
