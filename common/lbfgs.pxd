from common.function cimport Function

cdef enum LBFGSStatus:
    LBFGS_CONVERGED = 0
    LBFGS_MAX_ITERATIONS = 1
    LBFGS_NOT_FINITE = 2
    LBFGS_STUCK = 3
    LBFGS_BELOW_FLOOR = 4

cdef struct LBFGSSettings:
    Py_ssize_t history
    Py_ssize_t max_iterations
    double rms
    double max_step
    double max_rise
    double diagonal
    double floor

cdef struct LBFGSOutcome:
    double energy
    double rms
    Py_ssize_t iterations
    Py_ssize_t calls
    int status

cdef LBFGSSettings lbfgs_defaults() noexcept nogil
cdef Py_ssize_t lbfgs_workspace(Py_ssize_t n, Py_ssize_t history) noexcept nogil
cdef LBFGSOutcome lbfgs(
    Function function, const LBFGSSettings* settings, double* x, double* gradient, double* work
) noexcept nogil
