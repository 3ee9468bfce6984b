"""Rotations of clusters stored as one array per axis: x of all atoms, y of all atoms, z of all atoms."""

from libc.math cimport sqrt
from libc.stdint cimport uint64_t


cdef void best_rotation(Py_ssize_t n, const double* x, const double* y, const Py_ssize_t* p, double* m) noexcept nogil
cdef void quick_rotation(
    Py_ssize_t n, const double* x, const double* y, const Py_ssize_t* p, double bound, double* m
) noexcept nogil
cdef double squared_distance(Py_ssize_t n, const double* x, const double* y, const Py_ssize_t* p) noexcept nogil
cdef double off_axis(Py_ssize_t n, const double* x, Py_ssize_t a, Py_ssize_t j) noexcept nogil
cdef void frame(Py_ssize_t n, const double* x, Py_ssize_t a, Py_ssize_t b, double* f) noexcept nogil
cdef void grid_matrix(Py_ssize_t i, Py_ssize_t n, double* m) noexcept nogil
cdef void random_turn(uint64_t* state, double smallest, double largest, double* m) noexcept nogil
cdef void multiply(const double* a, const double* b, double* c) noexcept nogil


cdef inline void rotate(Py_ssize_t n, const double* m, const double* x, double* out) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        out[i] = m[0] * x[i] + m[1] * x[n + i] + m[2] * x[2 * n + i]
        out[n + i] = m[3] * x[i] + m[4] * x[n + i] + m[5] * x[2 * n + i]
        out[2 * n + i] = m[6] * x[i] + m[7] * x[n + i] + m[8] * x[2 * n + i]


cdef inline double separation(Py_ssize_t n, const double* x, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    cdef double dx = x[i] - x[j], dy = x[n + i] - x[n + j], dz = x[2 * n + i] - x[2 * n + j]
    return sqrt(dx * dx + dy * dy + dz * dz)


cdef inline double determinant(const double* m) noexcept nogil:
    return m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6])
