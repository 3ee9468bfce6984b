from common.function cimport Function
from common.lbfgs cimport LBFGSSettings
from optim._zero_modes cimport ZeroModes
from potentials.potential cimport Potential


cdef class RayleighQuotient(Function):
    cdef Potential potential
    cdef ZeroModes zero
    cdef double[::1] origin
    cdef double[::1] gradient_there
    cdef double[::1] direction
    cdef double[::1] displaced
    cdef double[::1] other
    cdef public double step
    cdef public bint central
    cdef bint analytic

    cdef void place(self, const double* x, const double* gradient) noexcept nogil


cdef struct Eigenpair:
    double value
    double rms
    Py_ssize_t iterations
    bint converged


cdef Eigenpair lowest_by_rayleigh_ritz(
    RayleighQuotient quotient, const LBFGSSettings* settings, double* v, double* work
) noexcept nogil

cdef Eigenpair lowest_by_lapack(
    Potential potential, ZeroModes zero, const double* x, double* v, double* work, int* iwork
) noexcept nogil
cdef Py_ssize_t lapack_workspace(Py_ssize_t n) noexcept nogil
