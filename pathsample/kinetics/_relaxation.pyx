"""Steps from each minimum to a set, by sweeps in the order of the minima."""

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
