"""Memory for vector kernels."""

import numpy as np


cdef object aligned_empty(Py_ssize_t n):
    """n doubles, not initialised, that start on a cache line (64 bytes)."""
    raw = np.empty(n + 8)
    cdef Py_ssize_t offset = (64 - raw.ctypes.data % 64) % 64 // 8
    return raw[offset:offset + n]
