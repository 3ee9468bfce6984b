"""L-BFGS as the Wales programs customised it: no line search, a bounded step, a bounded rise in energy.

Liu and Nocedal, Math. Program. 45, 503 (1989), with the step control of Wales, *Energy Landscapes* (2003): steps longer
than ``max_step`` are scaled; a step uphill along the gradient is reversed; a step that raises the energy by more than
``max_rise`` is divided by ten, at most ten times, after which the memory is cleared.
"""

from libc.math cimport fabs, isfinite, sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from common._lbfgs_arithmetic cimport LBFGS_LANES, lbfgs_direction, lbfgs_move, lbfgs_pair, lbfgs_stride
from common._vectors cimport vector_dot
from common.function cimport Function

import time

import numpy as np

from common.results import Result

cdef int MAX_SHORTENINGS = 10
cdef int MAX_RESETS = 5

MESSAGES = {
    LBFGS_CONVERGED: "converged",
    LBFGS_MAX_ITERATIONS: "maximum number of iterations reached",
    LBFGS_NOT_FINITE: "energy or gradient is not finite",
    LBFGS_STUCK: "no step lowers the energy",
    LBFGS_BELOW_FLOOR: "energy fell below the floor (the system has collapsed or dissociated)",
}


cdef LBFGSSettings lbfgs_defaults() noexcept nogil:
    """The defaults of the classic programs (UPDATES, BFGSMIN, MAXBFGS, MAXERISE, DGUESS)."""
    cdef LBFGSSettings s
    s.history = 4
    s.max_iterations = 500
    s.rms = 1e-3
    s.max_step = 0.4
    s.max_rise = 1e-10
    s.diagonal = 0.1
    s.floor = -1e300
    return s


cdef Py_ssize_t lbfgs_workspace(Py_ssize_t n, Py_ssize_t history) noexcept nogil:
    """Number of doubles of work space for n variables."""
    return (2 * history + 5) * lbfgs_stride(n) + 2 * history + LBFGS_LANES


cdef LBFGSOutcome lbfgs(
    Function function, const LBFGSSettings* settings, double* x, double* gradient, double* work
) noexcept nogil:
    """Minimise from x in place; on return x, gradient and the outcome belong together."""
    cdef Py_ssize_t n = function.n_variables, m = settings.history, stride = lbfgs_stride(n)
    # rows begin on cache lines and are padded with zeros
    cdef double* steps = <double*>((<size_t>work + 63) & ~<size_t>63)
    cdef double* changes = steps + m * stride
    cdef double* d = changes + m * stride
    cdef double* x_old = d + stride
    cdef double* x_new = x_old + stride
    cdef double* g_old = x_new + stride
    cdef double* g_new = g_old + stride
    cdef double* rho = g_new + stride
    cdef double* alpha = rho + m
    cdef LBFGSOutcome out
    cdef Py_ssize_t stored = 0, head = 0
    cdef int shortenings, resets = 0
    cdef double e, e_new, h0 = settings.diagonal, slope, length, scale, ys, yy, gg, g_norm
    memset(d, 0, 5 * stride * sizeof(double))
    memcpy(x_old, x, n * sizeof(double))
    out.iterations = 0
    out.status = LBFGS_MAX_ITERATIONS
    e = function.c_energy_gradient(x_old, g_old)
    gg = vector_dot(n, g_old, g_old)
    out.calls = 1
    while True:
        g_norm = sqrt(gg)
        out.energy = e
        out.rms = g_norm / sqrt(<double>n)
        if not (isfinite(e) and isfinite(g_norm)):
            out.status = LBFGS_NOT_FINITE
            break
        if e < settings.floor:
            out.status = LBFGS_BELOW_FLOOR
            break
        if out.rms < settings.rms:
            out.status = LBFGS_CONVERGED
            break
        if out.iterations >= settings.max_iterations:
            break

        scale = h0
        if stored == 0 and g_norm > 1.0:
            # nothing is known of the curvature yet: a cautious first step of length diagonal
            scale /= g_norm
        length = sqrt(lbfgs_direction(stride, m, stored, head, steps, changes, rho, alpha, scale, g_old, d, &slope))
        scale = settings.max_step / length if length > settings.max_step else 1.0
        if slope > 0.0:
            scale = -scale

        shortenings = 0
        while True:
            lbfgs_move(stride, x_old, scale, d, x_new)
            e_new = function.c_energy_gradient(x_new, g_new)
            out.calls += 1
            if e_new - e <= settings.max_rise or shortenings == MAX_SHORTENINGS:
                break
            shortenings += 1
            scale *= 0.1
        if not e_new - e <= settings.max_rise:
            if stored == 0 or resets == MAX_RESETS:
                out.status = LBFGS_STUCK if isfinite(e_new) else LBFGS_NOT_FINITE
                break
            resets += 1
            stored = 0
            head = 0
            h0 = settings.diagonal
            continue

        # memory: the newest pair overwrites the oldest
        ys = lbfgs_pair(stride, x_new, x_old, g_new, g_old, steps + head * stride, changes + head * stride, &yy, &gg)
        x_old, x_new = x_new, x_old
        g_old, g_new = g_new, g_old
        e = e_new
        out.iterations += 1
        if yy > 0.0 and ys != 0.0:
            rho[head] = 1.0 / ys
            h0 = fabs(ys) / yy
            head += 1
            if head == m:
                head = 0
            if stored < m:
                stored += 1
    memcpy(x, x_old, n * sizeof(double))
    memcpy(gradient, g_old, n * sizeof(double))
    function.calls += out.calls
    return out


def minimise(
    Function function not None,
    x0,
    *,
    Py_ssize_t history=4,
    double rms=1e-6,
    Py_ssize_t max_iterations=10000,
    double max_step=0.4,
    double max_rise=1e-10,
    double diagonal=0.1,
    double floor=-1e300,
):
    """Minimise a function from x0 by L-BFGS without line search.

    Parameters
    ----------
    function : Function
    x0 : array_like of shape (n_variables,) or anything that ravels to it
    history : int
        Number of stored steps (UPDATES).
    rms : float
        Convergence criterion on \\|g\\|/sqrt(n) (BFGSMIN, SLOPPYCONV, TIGHTCONV).
    max_iterations : int
        Most steps taken (MAXIT, BFGSSTEPS).
    max_step : float
        Longest step (MAXBFGS).
    max_rise : float
        Largest rise in energy accepted in a step (MAXERISE).
    diagonal : float
        First guess of the inverse Hessian diagonal (DGUESS).
    floor : float
        Stop when the energy falls below it (COLDFUSION).

    Returns
    -------
    Result
        With coordinates, energy, gradient, rms, converged, status, message, iterations, calls and seconds.

    Raises
    ------
    ValueError
        If x0 has the wrong length or a setting is out of range.
    """
    cdef LBFGSSettings settings
    cdef LBFGSOutcome out
    cdef double* work
    if history < 1 or max_iterations < 0 or rms < 0 or max_step <= 0 or diagonal <= 0:
        raise ValueError("history, max_step and diagonal must be positive, rms and max_iterations not negative")
    x = np.array(x0, dtype=np.float64, order="C").ravel()
    if x.shape[0] != function.n_variables:
        raise ValueError(f"expected {function.n_variables} variables, got {x.shape[0]}")
    gradient = np.empty_like(x)
    cdef double[::1] xv = x, gv = gradient
    settings.history = history
    settings.max_iterations = max_iterations
    settings.rms = rms
    settings.max_step = max_step
    settings.max_rise = max_rise
    settings.diagonal = diagonal
    settings.floor = floor
    work = <double*>malloc(lbfgs_workspace(x.shape[0], history) * sizeof(double))
    if not work:
        raise MemoryError
    start = time.perf_counter()
    try:
        with nogil:
            out = lbfgs(function, &settings, &xv[0], &gv[0], work)
    finally:
        free(work)
    function.raise_pending()
    return Result(
        coordinates=x,
        energy=out.energy,
        gradient=gradient,
        rms=out.rms,
        converged=out.status == LBFGS_CONVERGED,
        status=out.status,
        message=MESSAGES[out.status],
        iterations=out.iterations,
        calls=out.calls,
        seconds=time.perf_counter() - start,
    )
