from common.function cimport Function
from potentials.potential cimport Potential


cdef class FrozenFunction(Function):
    cdef readonly Potential potential
    cdef Py_ssize_t[::1] frozen


cdef class CompressedFunction(Function):
    cdef readonly Function function
    cdef double constant


cdef class FrozenPotential(Potential):
    cdef readonly Potential potential
    cdef readonly object symmetry, has_hessian, step_scale, atoms, positions
    cdef readonly Py_ssize_t n_atoms
    cdef unsigned char[::1] held
