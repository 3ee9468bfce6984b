cdef extern from "vectors.h" nogil:
    double vector_dot(Py_ssize_t n, const double* a, const double* b)
    void vector_add(Py_ssize_t n, double c, const double* x, double* y)
    void vector_move(Py_ssize_t n, const double* x, double c, const double* d, double* z)
    void vector_scale(Py_ssize_t n, double c, double* x)
