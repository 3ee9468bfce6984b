"""The linear assignment problem by shortest augmenting paths (Jonker and Volgenant, Computing 38, 325 (1987)).

The duals of the columns are an argument, so that a sequence of similar problems (iterated assignment and rotation) starts each
from the solution of the last: any duals are feasible for the square problem, only the number of augmentations changes.
"""

import numpy as np


cdef extern from "_assignment.h" nogil:
    Py_ssize_t assign_stride(Py_ssize_t n)
    float ASSIGN_HUGE
    void assign_single(Py_ssize_t n, const float* cost, int warm, int* columns, float* v, float* real, int* integer)

cdef double INFINITY_COST = 1e300


cdef double assign(Py_ssize_t n, const double* cost, Py_ssize_t* column_of_row, double* v, Py_ssize_t* work,
                 double* distance) noexcept nogil:
    """Minimise sum_i cost[i, column_of_row[i]] over permutations; returns the minimum.

    ``cost`` is n by n, row-major. ``v`` holds the starting duals of the columns (zeros will do) and receives the final ones.
    ``work`` has room for 4 n integers, ``distance`` for n doubles.
    """
    cdef Py_ssize_t* row_of_column = work
    cdef Py_ssize_t* previous_row = work + n
    cdef Py_ssize_t* columns = work + 2 * n
    cdef Py_ssize_t* free_rows = work + 3 * n
    cdef Py_ssize_t i, j, k, best, second, n_free, n_left, low, up, scanned, sink, other, sweep, given, _pass
    cdef double reduced, least, next_least, total
    cdef const double* row

    for j in range(n):
        row_of_column[j] = -1
    # Every row asks for its cheapest column; the first to ask has it.
    n_free = 0
    for i in range(n):
        row = cost + i * n
        best = 0
        least = row[0] - v[0]
        for j in range(1, n):
            reduced = row[j] - v[j]
            if reduced < least:
                least = reduced
                best = j
        if row_of_column[best] < 0:
            row_of_column[best] = i
            column_of_row[i] = best
        else:
            column_of_row[i] = -1
            free_rows[n_free] = i
            n_free += 1

    # Augmenting row reduction: a free row takes its cheapest column and lowers that column's dual until the second cheapest is
    # as good.
    for _pass in range(2):
        n_left = n_free
        n_free = 0
        k = 0
        given = 0
        while k < n_left:
            i = free_rows[k]
            k += 1
            row = cost + i * n
            best = -1
            second = -1
            least = INFINITY_COST
            next_least = INFINITY_COST
            for j in range(n):
                reduced = row[j] - v[j]
                if reduced < next_least:
                    if reduced < least:
                        next_least = least
                        second = best
                        least = reduced
                        best = j
                    else:
                        next_least = reduced
                        second = j
            other = row_of_column[best]
            given += 1
            if second >= 0 and least < next_least and given < 4 * n:
                v[best] -= next_least - least
                if other >= 0:
                    # The displaced row is treated at once.
                    k -= 1
                    free_rows[k] = other
                    column_of_row[other] = -1
            elif other >= 0:
                # Only a tie may move to the second column without spoiling the duals.
                if second >= 0 and least == next_least and row_of_column[second] < 0:
                    best = second
                else:
                    best = -1
            if best >= 0:
                row_of_column[best] = i
                column_of_row[i] = best
            else:
                free_rows[n_free] = i
                n_free += 1

    # Shortest augmenting paths for what is left.
    for k in range(n_free):
        i = free_rows[k]
        row = cost + i * n
        for j in range(n):
            columns[j] = j
            distance[j] = row[j] - v[j]
            previous_row[j] = i
        low = 0
        up = 0
        sink = -1
        least = 0.0
        scanned = 0
        while sink < 0:
            if low == up:
                # Collect the columns at the new least distance.
                scanned = low
                least = distance[columns[up]]
                up += 1
                for sweep in range(up, n):
                    j = columns[sweep]
                    reduced = distance[j]
                    if reduced <= least:
                        if reduced < least:
                            up = low
                            least = reduced
                        columns[sweep] = columns[up]
                        columns[up] = j
                        up += 1
                for sweep in range(low, up):
                    if row_of_column[columns[sweep]] < 0:
                        sink = columns[sweep]
                        break
                if sink >= 0:
                    break
            other = columns[low]
            low += 1
            i = row_of_column[other]
            row = cost + i * n
            total = row[other] - v[other] - least
            sweep = up
            while sweep < n:
                j = columns[sweep]
                reduced = row[j] - v[j] - total
                if reduced < distance[j]:
                    distance[j] = reduced
                    previous_row[j] = i
                    if reduced <= least:
                        if row_of_column[j] < 0:
                            sink = j
                            break
                        columns[sweep] = columns[up]
                        columns[up] = j
                        up += 1
                sweep += 1
        # New duals of the columns that were settled before the last least distance.
        for sweep in range(scanned):
            j = columns[sweep]
            v[j] += distance[j] - least
        j = sink
        while True:
            i = previous_row[j]
            row_of_column[j] = i
            other = column_of_row[i]
            column_of_row[i] = j
            j = other
            if i == free_rows[k]:
                break

    total = 0.0
    for i in range(n):
        total += cost[i * n + column_of_row[i]]
    return total


def linear_assignment(cost):
    """Permutation p that minimises sum_i cost[i, p[i]].

    Parameters
    ----------
    cost : array_like of shape (n, n)
        Finite costs.

    Returns
    -------
    columns : ndarray of shape (n,), dtype intp
    total : float

    Raises
    ------
    ValueError
        If the matrix is not square or not finite.
    """
    matrix = np.ascontiguousarray(cost, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"a square matrix is needed, not one of shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError("the cost matrix holds NaN or infinity")
    cdef Py_ssize_t n = matrix.shape[0]
    columns = np.empty(n, dtype=np.intp)
    if n == 0:
        return columns, 0.0
    cdef const double[:, ::1] c = matrix
    cdef Py_ssize_t[::1] p = columns
    cdef double[::1] v = np.zeros(n), distance = np.empty(n)
    cdef Py_ssize_t[::1] work = np.empty(4 * n, dtype=np.intp)
    cdef double total
    with nogil:
        total = assign(n, &c[0, 0], &p[0], &v[0], &work[0], &distance[0])
    return columns, total


def linear_assignment_single(cost, duals=None):
    """`linear_assignment` in single precision with vector instructions, as the search for the closest orientation uses it.

    Parameters
    ----------
    cost : array_like of shape (n, n)
        Finite costs below 1e29.
    duals : array_like of shape (n,), optional
        Duals of the columns to start from.

    Returns
    -------
    columns : ndarray of shape (n,), dtype intc
    duals : ndarray of shape (n,), dtype float32
    """
    matrix = np.asarray(cost, dtype=np.float32)
    cdef Py_ssize_t n = matrix.shape[0], stride = assign_stride(n)
    padded = np.full((n, stride), ASSIGN_HUGE, dtype=np.float32)
    padded[:, :n] = matrix
    start = np.zeros(stride, dtype=np.float32)
    if duals is not None:
        start[:n] = duals
    columns = np.empty(n, dtype=np.intc)
    cdef const float[:, ::1] c = padded
    cdef int[::1] p = columns, work = np.empty(3 * stride, dtype=np.intc)
    cdef float[::1] v = start, real = np.empty(3 * stride, dtype=np.float32)
    cdef bint warm = duals is not None
    with nogil:
        assign_single(n, &c[0, 0], warm, &p[0], &v[0], &real[0], &work[0])
    return columns, start[:n]
