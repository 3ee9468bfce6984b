"""Arithmetic of Lennard-Jones clusters with the Axilrod-Teller triple-dipole term."""

from libc.math cimport INFINITY

from potentials._aligned cimport aligned_empty
from potentials.potential cimport Potential

cdef extern from "_ljat.h" nogil:
    ctypedef struct ljat_kernels_t:
        double (*energy_gradient)(Py_ssize_t n, double z, const double* x, double* g, double* work) noexcept nogil
        void (*hessian)(Py_ssize_t n, double z, const double* x, double* h, double* work) noexcept nogil

    int ljat_choose_kernels(int lanes, ljat_kernels_t* k)
    Py_ssize_t ljat_workspace(Py_ssize_t n)
    double container_energy_gradient(Py_ssize_t n_atoms, double radius, const double* x, double* g)
    void container_hessian(Py_ssize_t n_atoms, double radius, const double* x, double* h)


cdef class LennardJonesAxilrodTellerCore(Potential):
    """Pair and triple-dipole terms, reduced units, in a container when ``radius`` is finite."""

    cdef Py_ssize_t n_atoms_c
    cdef double z_c, radius_c
    cdef double[::1] work
    cdef ljat_kernels_t kernels

    def __cinit__(self, Py_ssize_t n_atoms, double z, radius=None, *args, int lanes=0, **kwargs):
        if n_atoms < 1:
            raise ValueError("n_atoms must be at least 1")
        if z - z != 0.0:
            raise ValueError("z must be finite")
        self.radius_c = INFINITY if radius is None else radius
        if not self.radius_c > 0.0:
            raise ValueError("radius must be positive")
        self.n_atoms_c = n_atoms
        self.z_c = z
        self.n_variables = 3 * n_atoms
        self.work = aligned_empty(ljat_workspace(n_atoms))
        # rows of few atoms fill long vectors badly
        ljat_choose_kernels(4 if lanes == 0 and n_atoms < 40 else lanes, &self.kernels)

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef double energy = self.kernels.energy_gradient(self.n_atoms_c, self.z_c, x, gradient, &self.work[0])
        if self.radius_c < INFINITY:
            energy += container_energy_gradient(self.n_atoms_c, self.radius_c, x, gradient)
        return energy

    cdef void c_hessian(self, const double* x, double* hessian) noexcept nogil:
        self.kernels.hessian(self.n_atoms_c, self.z_c, x, hessian, &self.work[0])
        if self.radius_c < INFINITY:
            container_hessian(self.n_atoms_c, self.radius_c, x, hessian)
