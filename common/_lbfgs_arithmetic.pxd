cdef extern from "lbfgs_arithmetic.h" nogil:
    enum: LBFGS_LANES
    Py_ssize_t lbfgs_stride(Py_ssize_t n)
    double lbfgs_direction(
        Py_ssize_t stride, Py_ssize_t m, Py_ssize_t stored, Py_ssize_t head, const double* steps, const double* changes,
        const double* rho, double* alpha, double scale, const double* gradient, double* direction, double* slope
    )
    void lbfgs_move(Py_ssize_t stride, const double* x, double scale, const double* d, double* x_new)
    double lbfgs_pair(
        Py_ssize_t stride, const double* x_new, const double* x, const double* g_new, const double* g, double* step,
        double* change, double* yy, double* gg
    )
