"""Arithmetic of the spherical p-spin model."""

from libc.math cimport sqrt

import numpy as np

from common._vectors cimport vector_dot
from potentials._aligned cimport aligned_empty
from potentials.potential cimport Potential

cdef extern from "_pspin.h" nogil:
    ctypedef struct pspin_kernels_t:
        double (*energy_gradient)(Py_ssize_t n, int p, const double* c, const double* w, double* g, double* work) noexcept nogil
        void (*half_hessian)(Py_ssize_t n, int p, const double* c, const double* w, double* h, double* work) noexcept nogil

    int pspin_choose_kernels(int lanes, pspin_kernels_t* k)
    Py_ssize_t pspin_arrange(Py_ssize_t n, int p, double* packed, double* panels, int back)


cdef class SphericalPSpinCore(Potential):
    """H(w sqrt(N)/|w|): constant along w, so that the sphere is kept without a constraint."""

    cdef int p_c
    cdef Py_ssize_t padded
    cdef double[::1] panels, point, g, work, h
    cdef pspin_kernels_t kernels

    def __cinit__(self, Py_ssize_t n_spins, int p, packed, *args, int lanes=0, **kwargs):
        cdef double[::1] values = np.require(packed, np.float64, "CW")
        self.n_variables = n_spins
        self.p_c = p
        self.padded = (n_spins + 7) // 8 * 8
        self.panels = aligned_empty(pspin_arrange(n_spins, p, NULL, NULL, 0))
        pspin_arrange(n_spins, p, &values[0], &self.panels[0], 0)
        self.point = aligned_empty(self.padded)
        self.point[:] = 0.0
        self.g = aligned_empty(self.padded)
        self.work = aligned_empty(4 * self.padded)
        self.h = aligned_empty(self.padded * self.padded)
        pspin_choose_kernels(lanes, &self.kernels)

    @property
    def packed(self):
        """Couplings of the sorted indices in lexicographic order, shape (C(N + p - 1, p),)."""
        cdef Py_ssize_t n = self.n_variables, count = 1, t
        for t in range(self.p_c):
            count = count * (n + t) // (t + 1)
        values = np.empty(count)
        cdef double[::1] view = values
        pspin_arrange(n, self.p_c, &view[0], &self.panels[0], 1)
        return values

    cdef double to_sphere(self, const double* x) noexcept nogil:
        """Fill ``point`` with x scaled to the sphere; returns the scale."""
        cdef Py_ssize_t i, n = self.n_variables
        cdef double scale = sqrt(n / vector_dot(n, x, x))
        for i in range(n):
            self.point[i] = scale * x[i]
        return scale

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef Py_ssize_t i, n = self.n_variables
        cdef double scale = self.to_sphere(x), radial
        cdef double* g = &self.g[0]
        cdef double energy = self.kernels.energy_gradient(n, self.p_c, &self.panels[0], &self.point[0], g, &self.work[0])
        radial = vector_dot(n, g, &self.point[0]) / n
        for i in range(n):
            gradient[i] = scale * (g[i] - radial * self.point[i])
        return energy

    cdef void c_hessian(self, const double* x, double* hessian) noexcept nogil:
        cdef Py_ssize_t i, j, n = self.n_variables, m = self.padded
        cdef double scale = self.to_sphere(x), radial, wh
        cdef double* w = &self.point[0]
        cdef double* hw = &self.g[0]
        cdef double* half = &self.h[0]
        self.kernels.energy_gradient(n, self.p_c, &self.panels[0], w, hw, &self.work[0])
        radial = vector_dot(n, hw, w) / n
        self.kernels.half_hessian(n, self.p_c, &self.panels[0], w, half, &self.work[0])
        for i in range(n):
            for j in range(n):
                hessian[i * n + j] = half[i * m + j] + half[j * m + i]
            hessian[i * n + i] -= radial
        # P H P with P = 1 - w w^T / n
        for i in range(n):
            hw[i] = vector_dot(n, hessian + i * n, w) / n
        wh = vector_dot(n, hw, w) / n
        for i in range(n):
            for j in range(n):
                hessian[i * n + j] = scale * scale * (hessian[i * n + j] - hw[i] * w[j] - w[i] * hw[j] + wh * w[i] * w[j])
