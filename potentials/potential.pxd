from common.function cimport Function


cdef class Potential(Function):
    cdef public object symmetry
    cdef public unsigned long long hessian_calls

    cdef void c_hessian(self, const double* x, double* hessian) noexcept nogil
    cdef void c_hessian_vector(self, const double* x, const double* v, double* hv) noexcept nogil


cdef void _difference_hessian(Potential potential, const double* x, double* hessian) noexcept
