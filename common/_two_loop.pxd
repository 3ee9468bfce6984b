"""The two-loop recursion of L-BFGS (Nocedal, Math. Comput. 35, 773 (1980)) for optimisers with a step control of their own."""

from common._vectors cimport vector_add, vector_dot, vector_scale


cdef inline void two_loop(
    Py_ssize_t n,
    Py_ssize_t m,
    Py_ssize_t stored,
    Py_ssize_t head,
    const double* steps,
    const double* changes,
    const double* rho,
    double* alpha,
    double scale,
    double* d,
) noexcept nogil:
    """d (the gradient on entry) becomes scale * H d for the ring buffers of m pairs whose next slot is head."""
    cdef Py_ssize_t k, j
    cdef double beta
    for k in range(stored):
        j = head - 1 - k
        if j < 0:
            j += m
        alpha[j] = rho[j] * vector_dot(n, steps + j * n, d)
        vector_add(n, -alpha[j], changes + j * n, d)
    vector_scale(n, scale, d)
    for k in range(stored - 1, -1, -1):
        j = head - 1 - k
        if j < 0:
            j += m
        beta = rho[j] * vector_dot(n, changes + j * n, d)
        # scale is negative for a descent direction, hence the sign of alpha
        vector_add(n, (alpha[j] if scale > 0.0 else -alpha[j]) - beta, steps + j * n, d)
