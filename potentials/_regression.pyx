"""Arithmetic of the nonlinear regression landscape."""

from libc.math cimport cos, exp, sin

from potentials.potential cimport Potential


cdef class NonlinearRegressionCore(Potential):
    """E = sum (t - y)^2 with y = exp(-q0 x) sin(q1 x + q2) sin(q3 x + q4)."""

    cdef const double[::1] x_c
    cdef const double[::1] t_c

    def __cinit__(self, const double[::1] x, const double[::1] t, *args, **kwargs):
        self.x_c = x
        self.t_c = t
        self.n_variables = 5

    cdef double c_energy_gradient(self, const double* q, double* gradient) noexcept nogil:
        cdef Py_ssize_t d
        cdef double energy = 0.0, x, damping, s1, c1, s2, c2, r
        cdef double g0 = 0.0, g1 = 0.0, g2 = 0.0, g3 = 0.0, g4 = 0.0
        for d in range(self.x_c.shape[0]):
            x = self.x_c[d]
            damping = exp(-q[0] * x)
            s1 = sin(q[1] * x + q[2])
            c1 = cos(q[1] * x + q[2])
            s2 = sin(q[3] * x + q[4])
            c2 = cos(q[3] * x + q[4])
            r = self.t_c[d] - damping * s1 * s2
            energy += r * r
            r *= -2.0 * damping
            g0 -= r * x * s1 * s2
            g1 += r * x * c1 * s2
            g2 += r * c1 * s2
            g3 += r * x * s1 * c2
            g4 += r * s1 * c2
        gradient[0] = g0
        gradient[1] = g1
        gradient[2] = g2
        gradient[3] = g3
        gradient[4] = g4
        return energy

    cdef void c_hessian(self, const double* q, double* hessian) noexcept nogil:
        cdef Py_ssize_t d, i, j
        cdef double x, e, s1, c1, s2, c2, y, r, v
        cdef double[5] first
        cdef double[25] second
        for i in range(25):
            hessian[i] = 0.0
        for d in range(self.x_c.shape[0]):
            x = self.x_c[d]
            e = exp(-q[0] * x)
            s1 = sin(q[1] * x + q[2])
            c1 = cos(q[1] * x + q[2])
            s2 = sin(q[3] * x + q[4])
            c2 = cos(q[3] * x + q[4])
            y = e * s1 * s2
            r = self.t_c[d] - y
            first[0] = -x * y
            first[2] = e * c1 * s2
            first[1] = x * first[2]
            first[4] = e * s1 * c2
            first[3] = x * first[4]
            second[0] = x * x * y
            for j in range(1, 5):
                second[j] = -x * first[j]
            v = e * c1 * c2
            second[6] = -x * x * y
            second[7] = -x * y
            second[8] = x * x * v
            second[9] = x * v
            second[12] = -y
            second[13] = x * v
            second[14] = v
            second[18] = -x * x * y
            second[19] = -x * y
            second[24] = -y
            for i in range(5):
                for j in range(i, 5):
                    hessian[5 * i + j] += 2.0 * (first[i] * first[j] - r * second[5 * i + j])
        for i in range(5):
            for j in range(i):
                hessian[5 * i + j] = hessian[5 * j + i]
