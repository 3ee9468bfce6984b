from common.function cimport Function


cdef class Potential(Function):
    cdef public object symmetry

    cdef void c_hessian(self, const double* x, double* hessian) noexcept nogil


cdef void _difference_hessian(Potential potential, const double* x, double* hessian) noexcept
