cdef double assign(Py_ssize_t n, const double* cost, Py_ssize_t* column_of_row, double* v, Py_ssize_t* work,
                 double* distance) noexcept nogil
