from optim._zero_modes cimport ZeroModes
from potentials.potential cimport Potential

#: The gradient of a stationary point cannot be smaller than this times the largest element of the Hessian.
cdef double ROUNDING


cdef class PathIntegrator:
    cdef Potential potential
    cdef ZeroModes zero
    cdef double tolerance, longest, newton_radius, first_step
    cdef Py_ssize_t capacity, stored, stride, accepted
    cdef readonly Py_ssize_t hessians, refused
    cdef bint by_newton
    cdef double[::1] work
    cdef double[:, ::1] frames
    cdef double[::1] frame_energies
    cdef double[::1] frame_lengths

    cdef bint follow(
        self, double* x, double rms, Py_ssize_t max_iterations, double* energy, double* value, double* length,
        Py_ssize_t* iterations
    ) noexcept nogil
    cdef void record(self, const double* x, double e, double length) noexcept nogil
    cdef double evaluate(self, const double* x, double* g) noexcept nogil
    cdef void hessian(self, const double* x, double* h) noexcept nogil
    cdef double stiffness(self, const double* h) noexcept nogil
    cdef bint factorise(self, const double* h, double* factor, double shift, bint lift) noexcept nogil
    cdef void solve(self, double* factor, double* b) noexcept nogil
    cdef bint newton(
        self, double* x, double* h, double* factor, double* g, double* x_new, double* g_new, double* step, double* energy,
        double* length
    ) noexcept nogil
    cdef bint short_step(self, const double* h, const double* g, double size, double limit, double* work) noexcept nogil


cdef double arc(Py_ssize_t n, double chord, double size, const double* g, const double* g_new) noexcept nogil
