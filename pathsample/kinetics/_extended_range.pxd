"""Positive numbers of any magnitude."""


cdef extern from "extended_range.h" nogil:
    ctypedef struct wide_t:
        double m
        int e
    ctypedef struct entry_t:
        double m
        int e
        int j
    wide_t wide_normal(double m, int e)
    wide_t wide_multiply(double am, int ae, double bm, int be)
    wide_t wide_divide(double am, int ae, double bm, int be)
    wide_t wide_add(double am, int ae, double bm, int be)
