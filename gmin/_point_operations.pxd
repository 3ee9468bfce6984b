# Operations of point groups on points: 3x3 matrices, row by row.

from libc.math cimport fabs


cdef inline void apply(const double* m, const double* p, double* q) noexcept nogil:
    q[0] = m[0] * p[0] + m[1] * p[1] + m[2] * p[2]
    q[1] = m[3] * p[0] + m[4] * p[1] + m[5] * p[2]
    q[2] = m[6] * p[0] + m[7] * p[1] + m[8] * p[2]


cdef inline void apply_transposed(const double* m, const double* p, double* q) noexcept nogil:
    q[0] = m[0] * p[0] + m[3] * p[1] + m[6] * p[2]
    q[1] = m[1] * p[0] + m[4] * p[1] + m[7] * p[2]
    q[2] = m[2] * p[0] + m[5] * p[1] + m[8] * p[2]


cdef inline void product(const double* a, const double* b, double* c) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(3):
        for j in range(3):
            c[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j]


cdef inline double difference(const double* a, const double* b) noexcept nogil:
    cdef double most = 0.0
    cdef Py_ssize_t i
    for i in range(9):
        most = max(most, fabs(a[i] - b[i]))
    return most


cdef inline double distance2(const double* a, const double* b) noexcept nogil:
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2


cdef inline void fixed_space(const double* m, double* p) noexcept nogil:
    """Projector on the points that an orthogonal map leaves alone."""
    cdef double trace = m[0] + m[4] + m[8], c
    cdef double det = (m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6])
                       + m[2] * (m[3] * m[7] - m[4] * m[6]))
    cdef Py_ssize_t i, j
    for i in range(3):
        for j in range(3):
            p[3 * i + j] = 0.0
    if det > 0.0:
        c = 0.5 * (trace - 1.0)
        if c > 1.0 - 1e-6:
            for i in range(3):
                p[4 * i] = 1.0
            return
        # the symmetric part of a rotation is cos I + (1 - cos) u u^T
        for i in range(3):
            for j in range(3):
                p[3 * i + j] = (0.5 * (m[3 * i + j] + m[3 * j + i]) - (c if i == j else 0.0)) / (1.0 - c)
    elif trace > 1.0 - 1e-6:
        for i in range(3):
            for j in range(3):
                p[3 * i + j] = 0.5 * (m[3 * i + j] + (1.0 if i == j else 0.0))
