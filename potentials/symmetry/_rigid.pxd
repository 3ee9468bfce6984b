from libc.stdint cimport uint64_t


cdef uint64_t digest(Py_ssize_t n, const Py_ssize_t* p) noexcept nogil
cdef bint is_new(uint64_t h, uint64_t* seen, Py_ssize_t n_seen) noexcept nogil


cdef class ClusterCore:
    cdef readonly Py_ssize_t n, n_classes, n_blocks, largest
    cdef Py_ssize_t[::1] units, members, first
    cdef object arguments

    cdef void assign_atoms(self, const double* x, const double* y, Py_ssize_t* p, double* v, double* cost, double* distance,
                           Py_ssize_t* work) noexcept nogil
    cdef double refine(self, const double* x, const double* y, double* m, Py_ssize_t* p, uint64_t* seen, Py_ssize_t n_seen,
                       double* real, Py_ssize_t* work) noexcept nogil
    cdef Py_ssize_t n_reals(self) noexcept nogil
    cdef bint match(self, const double* x, const double* y, double slack, bint loose, Py_ssize_t* p,
                    Py_ssize_t* used) noexcept nogil
