from numpy.random cimport bitgen_t


cdef Py_ssize_t orientation_workspace(Py_ssize_t n) noexcept nogil
cdef double orient(Py_ssize_t n, const double* x, Py_ssize_t n_maps, const double* maps, Py_ssize_t trials, Py_ssize_t cycles,
                   double tolerance, double spacing, bitgen_t* random, double* best, double* work) noexcept nogil
