"""A potential with one more variable that only a harmonic term depends on."""

from libc.string cimport memset

from potentials.potential cimport Potential

import numpy as np


cdef class ExtraHarmonic(Potential):
    """E(x, b) = inner(x) + k b^2 with b the last variable."""

    cdef Potential inner
    cdef double k
    cdef double[::1] block

    def __cinit__(self, Potential inner not None, double k, *args, **kwargs):
        self.inner = inner
        self.k = k
        self.n_variables = inner.n_variables + 1
        self.block = np.empty(inner.n_variables * inner.n_variables)

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef Py_ssize_t n = self.n_variables - 1
        gradient[n] = 2.0 * self.k * x[n]
        return self.inner.c_energy_gradient(x, gradient) + self.k * x[n] * x[n]

    cdef void c_hessian(self, const double* x, double* hessian) noexcept nogil:
        cdef Py_ssize_t n = self.n_variables - 1, i, j
        self.inner.c_hessian(x, &self.block[0])
        memset(hessian, 0, (n + 1) * (n + 1) * sizeof(double))
        for i in range(n):
            for j in range(n):
                hessian[i * (n + 1) + j] = self.block[i * n + j]
        hessian[n * (n + 1) + n] = 2.0 * self.k
