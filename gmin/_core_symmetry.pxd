cdef class CoreSymmetry:
    cdef readonly Py_ssize_t n, capacity, n_operations
    cdef double[::1] operations, polished, planes, turned
    cdef Py_ssize_t[::1] permutations, table, image, subgroup
    cdef unsigned long long[::1] digests
    cdef unsigned char[::1] kept

    cdef Py_ssize_t find(self, Py_ssize_t k, const double* core, double tolerance, double same) noexcept nogil
    cdef bint accept(self, Py_ssize_t k, const double* core, const double* m, double slack, double tolerance,
                     double same) noexcept nogil
    cdef void close(self, Py_ssize_t k) noexcept nogil
    cdef void polish(self) noexcept nogil
    cdef Py_ssize_t reduce(self, Py_ssize_t g, Py_ssize_t h) noexcept nogil
    cdef void take(self, CoreSymmetry other) noexcept nogil
