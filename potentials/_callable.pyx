"""Calls a Python function from loops that run without the GIL."""

from libc.string cimport memcpy

import numpy as np

from potentials.potential cimport Potential, _difference_hessian


class ReturnError(ValueError):
    """A function returned something else than an energy and a gradient of the right shape."""


def energy_and_gradient(result, Py_ssize_t n):
    """(energy, gradient of shape (n,)) out of what a function returned.

    Raises
    ------
    ReturnError
    """
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        kind = f"{len(result)} items" if isinstance(result, (tuple, list)) else f"a {type(result).__name__}"
        raise ReturnError(f"the function must return (energy, gradient), it returned {kind}")
    try:
        energy = float(result[0])
    except (TypeError, ValueError):
        raise ReturnError(f"the energy must be a number, found {result[0]!r}"[:200]) from None
    try:
        gradient = np.ascontiguousarray(result[1], dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise ReturnError(f"the gradient must be an array of numbers, found a {type(result[1]).__name__}") from None
    if gradient.shape[0] != n:
        raise ReturnError(f"the gradient has {gradient.shape[0]} components, expected {n}")
    return energy, gradient


cdef class CallableCore(Potential):
    """Takes the GIL only for the evaluation itself; an exception becomes NaN and waits in ``raise_pending``."""

    cdef object function
    cdef object hessian_function
    cdef object error

    def __cinit__(self, function, Py_ssize_t n_variables, hessian=None, *args, **kwargs):
        if not callable(function):
            raise ValueError("the function is not callable")
        if n_variables < 1:
            raise ValueError("n_variables must be at least 1")
        self.function = function
        self.hessian_function = hessian
        self.n_variables = n_variables
        self.error = None

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        with gil:
            return self.call(x, gradient)

    cdef double call(self, const double* x, double* gradient) noexcept:
        cdef Py_ssize_t n = self.n_variables
        cdef const double[::1] g_view  # arrays of JAX are read-only
        try:
            # the function gets a copy: it may keep or change its argument
            point = np.array(<double[:n]>(<double*>x))
            energy, g = energy_and_gradient(self.function(point), n)
            g_view = g
            memcpy(gradient, &g_view[0], n * sizeof(double))
            return energy
        except BaseException as error:
            if self.error is None:
                self.error = error
            np.asarray(<double[:n]>gradient)[:] = np.nan
            return float("nan")

    cdef void c_hessian(self, const double* x, double* hessian) noexcept nogil:
        with gil:
            self.call_hessian(x, hessian)

    cdef void call_hessian(self, const double* x, double* hessian) noexcept:
        cdef Py_ssize_t n = self.n_variables
        if self.hessian_function is None:
            _difference_hessian(self, x, hessian)
            return
        try:
            point = np.array(<double[:n]>(<double*>x))
            h = np.asarray(self.hessian_function(point), dtype=np.float64)
            if h.shape != (n, n):
                raise ReturnError(f"the Hessian has shape {h.shape}, expected {(n, n)}")
            np.asarray(<double[:n, :n]>hessian)[:] = 0.5 * (h + h.T)
        except BaseException as error:
            if self.error is None:
                self.error = error
            np.asarray(<double[:n, :n]>hessian)[:] = np.nan

    def check_return(self, x):
        """The `ReturnError` that the function earns at x, or None."""
        try:
            result = self.function(np.array(x))
        except Exception:
            return None
        try:
            energy_and_gradient(result, self.n_variables)
        except ReturnError as error:
            return error
        return None

    def raise_pending(self):
        """Raise what the user's function raised since the last call, if anything."""
        error, self.error = self.error, None
        if error is not None:
            raise error
