"""Dijkstra's algorithm on a complete graph with a dense matrix of weights."""

from libc.math cimport INFINITY

import numpy as np


def shortest_path(const double[:, ::1] weights, Py_ssize_t n, Py_ssize_t first, Py_ssize_t second):
    """Path of least weight, of several such that with the fewest steps.

    Parameters
    ----------
    weights : array of shape (m, m), m >= n
        Symmetric and not negative, infinite where there is no edge.
    n : int
        Number of nodes: the first n rows and columns count.
    first, second : int

    Returns
    -------
    (list of int, float)
        Nodes from first to second and their weight; (None, inf) where there is no path.

    Notes
    -----
    Dijkstra, Numer. Math. 1, 269 (1959), without a heap: n^2 operations, as many as the graph has edges.
    """
    cdef double[::1] best = np.full(n, np.inf)
    cdef Py_ssize_t[::1] hops = np.zeros(n, dtype=np.intp), previous = np.full(n, -1, dtype=np.intp)
    # nodes that are not settled, in ascending order of their numbers
    cdef Py_ssize_t[::1] left = np.arange(n, dtype=np.intp)
    cdef Py_ssize_t n_left = n, i = first, j, k, at
    cdef double total
    cdef const double* row
    cdef bint arrived = False
    if not (0 <= first < n and 0 <= second < n and n <= weights.shape[0] and n <= weights.shape[1]):
        raise ValueError("nodes outside the graph")
    best[first] = 0.0
    with nogil:
        while n_left:
            at = 0
            for k in range(1, n_left):
                i, j = left[at], left[k]
                if best[j] < best[i] or (best[j] == best[i] and hops[j] < hops[i]):
                    at = k
            i = left[at]
            if best[i] == INFINITY:
                break
            if i == second:
                arrived = True
                break
            n_left -= 1
            for k in range(at, n_left):
                left[k] = left[k + 1]
            row = &weights[i, 0]
            for k in range(n_left):
                j = left[k]
                total = best[i] + row[j]
                if total < best[j] or (total == best[j] and total < INFINITY and hops[i] + 1 < hops[j]):
                    best[j] = total
                    hops[j] = hops[i] + 1
                    previous[j] = i
    if not arrived:
        return None, float("inf")
    nodes = []
    i = second
    while i >= 0:
        nodes.insert(0, i)
        i = previous[i]
    return nodes, best[second]
