"""Sweeps over the minima in their order: steps to a set, and averages over the first step by over-relaxation."""

import numpy as np


def relax(indptr, indices, members):
    """Numbers of steps to a set of minima.

    Parameters
    ----------
    indptr, indices : ndarray
        Compressed rows of a symmetric graph.
    members : ndarray

    Returns
    -------
    steps : ndarray of int64
        -1 where not connected.
    cycles : int
        Sweeps that changed a number.
    """
    cdef const long long[::1] first = np.ascontiguousarray(indptr, dtype=np.int64)
    cdef const long long[::1] column = np.ascontiguousarray(indices, dtype=np.int64)
    cdef Py_ssize_t n = first.shape[0] - 1, i, k
    steps = np.full(n, n + 1, dtype=np.int64)
    steps[np.asarray(members, dtype=np.int64)] = 0
    cdef long long[::1] s = steps
    cdef long long best
    cdef int cycles = 0
    cdef bint changed = True
    with nogil:
        while changed:
            changed = False
            for i in range(n):
                best = s[i]
                for k in range(first[i], first[i + 1]):
                    if s[column[k]] + 1 < best:
                        best = s[column[k]] + 1
                if best < s[i]:
                    s[i] = best
                    changed = True
            cycles += changed
    return np.where(steps > n, -1, steps), cycles


def relax_averages(indptr, indices, probabilities, constant, fixed, values, double omega, long most, double tolerance):
    """Successive over-relaxation of x_i = t_i + sum_j P_ij x_j.

    Parameters
    ----------
    indptr, indices, probabilities : ndarray
        Compressed rows of the branching probabilities.
    constant : ndarray of shape (n,)
        t_i.
    fixed : ndarray of shape (n,), bool
        Minima that keep their value.
    values : ndarray of shape (n,)
        Starting values; changed in place.
    omega : float
        1 is the Gauss-Seidel method.
    most : int
        Sweeps.
    tolerance : float
        The sweeps end when no value changed by more than this fraction of itself.

    Returns
    -------
    sweeps : int
    change : float
        Largest relative change in the last sweep.
    """
    cdef const long long[::1] first = np.ascontiguousarray(indptr, dtype=np.int64)
    cdef const long long[::1] column = np.ascontiguousarray(indices, dtype=np.int64)
    cdef const double[::1] p = np.ascontiguousarray(probabilities, dtype=np.float64)
    cdef const double[::1] t = np.ascontiguousarray(constant, dtype=np.float64)
    cdef const unsigned char[::1] keep = np.ascontiguousarray(fixed, dtype=np.uint8)
    cdef double[::1] x = values
    cdef Py_ssize_t n = first.shape[0] - 1, i, k
    cdef long sweep = 0
    cdef double total, change = 0.0, size
    with nogil:
        while sweep < most:
            sweep += 1
            change = 0.0
            for i in range(n):
                if keep[i]:
                    continue
                total = t[i]
                for k in range(first[i], first[i + 1]):
                    total += p[k] * x[column[k]]
                total = omega * total + (1.0 - omega) * x[i]
                size = total if total > 0 else -total
                if size > 0.0:
                    size = (total - x[i] if total > x[i] else x[i] - total) / size
                    if size > change:
                        change = size
                x[i] = total
            if change <= tolerance:
                break
    return sweep, change
