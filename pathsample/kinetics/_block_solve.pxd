"""Vectors of extended range and the panels of an elimination."""

from pathsample.kinetics._block_elimination cimport blocks_t
from pathsample.kinetics._extended_range cimport wide_t

cdef wide_t in_unit(double v, int scale) noexcept nogil
cdef void spread_mass(blocks_t* d, int scale, const int* node, wide_t* mass) noexcept nogil
cdef void solve_panels(blocks_t* d, const int* node, const wide_t* mass, double* xm, int* xe) noexcept nogil
