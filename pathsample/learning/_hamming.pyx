"""Numbers of bits in which rows of packed bits differ, for all pairs of rows."""

import numpy as np

from libc.stdint cimport uint32_t, uint64_t

cdef extern from "_hamming.h" nogil:
    void hamming_matrix(Py_ssize_t n, Py_ssize_t words, const uint64_t* bits, uint32_t* counts)


def hamming_distances(bits):
    """Numbers of differing bits between all pairs of rows.

    Parameters
    ----------
    bits : ndarray of uint64 of shape (n, n_words)

    Returns
    -------
    ndarray of uint32 of shape (n, n)
    """
    cdef const uint64_t[:, ::1] rows = np.ascontiguousarray(bits, dtype=np.uint64)
    cdef Py_ssize_t n = rows.shape[0], words = rows.shape[1]
    counts = np.zeros((n, n), dtype=np.uint32)
    cdef uint32_t[:, ::1] counts_v = counts
    if n and words:
        with nogil:
            hamming_matrix(n, words, &rows[0, 0], &counts_v[0, 0])
    return counts
