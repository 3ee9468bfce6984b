cdef class Function:
    cdef readonly Py_ssize_t n_variables
    cdef readonly unsigned long long calls

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil
