cdef Py_ssize_t rigid_modes(Py_ssize_t n, const double* x, double* rows) noexcept nogil
