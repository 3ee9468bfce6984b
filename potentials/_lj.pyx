"""Arithmetic of Lennard-Jones atoms."""

from libc.math cimport INFINITY

from potentials._aligned cimport aligned_empty
from potentials.potential cimport Potential

cdef extern from "_lj.h" nogil:
    ctypedef struct lj_kernels_t:
        double (*energy_gradient)(Py_ssize_t n, const double* x, double* g, double* work) noexcept nogil
        void (*hessian)(Py_ssize_t n, const double* x, double* h, double* work) noexcept nogil
        double (*cutoff_energy_gradient)(Py_ssize_t n, double cutoff, const double* box, const double* x, double* g,
                                         double* work) noexcept nogil
        void (*cutoff_hessian)(Py_ssize_t n, double cutoff, const double* box, const double* x, double* h,
                               double* work) noexcept nogil

    int lj_choose_kernels(int lanes, lj_kernels_t* k)
    double container_energy_gradient(Py_ssize_t n_atoms, double radius, const double* x, double* g)
    void container_hessian(Py_ssize_t n_atoms, double radius, const double* x, double* h)
    double CONTAINER_STIFFNESS_C "CONTAINER_STIFFNESS"

#: Force constant of the container wall.
CONTAINER_STIFFNESS = CONTAINER_STIFFNESS_C


cdef class LennardJonesCore(Potential):
    """Lennard-Jones atoms in reduced units.

    V = 4 sum_{i<j} (r^-12 - r^-6), in a container when ``radius`` is finite, cut off when ``cutoff`` is finite, with nearest
    images when ``box`` is given (which needs a cutoff of at most half its shortest side).
    """

    cdef Py_ssize_t n_atoms_c
    cdef double radius_c, cutoff_c
    cdef double box_c[3]
    cdef bint periodic
    cdef double[::1] work
    cdef lj_kernels_t kernels

    def __cinit__(self, Py_ssize_t n_atoms, radius=None, cutoff=None, box=None, *args, int lanes=0, **kwargs):
        if n_atoms < 1:
            raise ValueError("n_atoms must be at least 1")
        self.radius_c = INFINITY if radius is None else radius
        self.cutoff_c = INFINITY if cutoff is None else cutoff
        if not self.radius_c > 0.0:
            raise ValueError("radius must be positive")
        if not self.cutoff_c > 0.0:
            raise ValueError("cutoff must be positive")
        self.periodic = box is not None
        if self.periodic:
            self.box_c = box
            if not (0.0 < min(box) and max(box) < INFINITY):
                raise ValueError("the sides of the box must be positive and finite")
            if radius is not None:
                raise ValueError("a periodic box must have no container")
            if cutoff is None:
                self.cutoff_c = 0.5 * min(box)
            if self.cutoff_c > 0.5 * min(box):
                raise ValueError("the cutoff must be at most half the shortest side of the box")
        self.n_atoms_c = n_atoms
        self.n_variables = 3 * n_atoms
        self.work = aligned_empty(6 * (n_atoms + 7))
        lj_choose_kernels(lanes, &self.kernels)

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef double energy
        if self.cutoff_c < INFINITY:
            energy = self.kernels.cutoff_energy_gradient(
                self.n_atoms_c, self.cutoff_c, self.box_c if self.periodic else NULL, x, gradient, &self.work[0])
        else:
            energy = self.kernels.energy_gradient(self.n_atoms_c, x, gradient, &self.work[0])
        if self.radius_c < INFINITY:
            energy += container_energy_gradient(self.n_atoms_c, self.radius_c, x, gradient)
        return energy

    cdef void c_hessian(self, const double* x, double* hessian) noexcept nogil:
        if self.cutoff_c < INFINITY:
            self.kernels.cutoff_hessian(
                self.n_atoms_c, self.cutoff_c, self.box_c if self.periodic else NULL, x, hessian, &self.work[0])
        else:
            self.kernels.hessian(self.n_atoms_c, x, hessian, &self.work[0])
        if self.radius_c < INFINITY:
            container_hessian(self.n_atoms_c, self.radius_c, x, hessian)
