from potentials.potential cimport Potential


cdef class ZeroModes:
    cdef readonly Py_ssize_t n_variables
    cdef readonly Py_ssize_t count
    cdef Py_ssize_t capacity
    cdef int kind
    cdef double[::1] rows
    cdef double[::1] point
    cdef object symmetry
    cdef object error

    cdef void update(self, const double* x) noexcept nogil
    cdef void project(self, double* v) noexcept nogil
    cdef void shift(self, double* hessian, double amount, double* work) noexcept nogil
