"""Masses handed on through the panels of an elimination, and averages over the first step back out of them.

The vectors are of extended range: products with a panel are done for the numbers of one exponent at a time.
"""

from libc.math cimport ldexp
from pathsample.kinetics._block_elimination cimport blocks_t, panel_length, panel_width
from pathsample.kinetics._extended_range cimport wide_add, wide_divide, wide_multiply, wide_normal, wide_t
from scipy.linalg.cython_blas cimport dgemv


cdef Py_ssize_t panel_longest(blocks_t* d) noexcept nogil:
    """Columns of the longest panel."""
    cdef Py_ssize_t p, longest = 0
    for p in range(d.panels):
        if panel_length(d, p) > longest:
            longest = panel_length(d, p)
    return longest


cdef wide_t in_unit(double v, int scale) noexcept nogil:
    """A number of the panels, in units of 2^scale, as one of extended range."""
    cdef int e = scale // 512
    cdef wide_t r = wide_normal(v, 0)
    r = wide_normal(r.m, r.e)
    return wide_multiply(r.m, r.e, ldexp(1.0, scale - 512 * e), e)


cdef void spread_mass(blocks_t* d, int scale, const int* node, wide_t* mass) noexcept nogil:
    """Hand on the masses of what the panels eliminated, and divide them by the sums."""
    cdef Py_ssize_t p, x, q, width, length
    cdef int i, e, low, high, m, n, unit = 1, lda
    cdef double one = 1.0, zero = 0.0
    cdef double* v
    cdef double* tail = d.gathered
    cdef double* part = d.gathered + panel_longest(d)
    cdef wide_t f, t, s
    for p in range(d.pivot_panels):
        width, length, v = panel_width(d, p), panel_length(d, p), d.value[p]
        low, high = 2**30, -2**30
        for x in range(width):
            i = node[d.first[p] + x]
            s = in_unit(d.sums[d.first[p] + x], scale)
            f = wide_divide(mass[i].m, mass[i].e, s.m, s.e)
            mass[i] = f
            if f.m != 0.0:
                low = f.e if f.e < low else low
                high = f.e if f.e > high else high
            for q in range(x + 1, width):
                if v[x * length + q] != 0.0:
                    s = in_unit(v[x * length + q], scale)
                    t = wide_multiply(f.m, f.e, s.m, s.e)
                    i = node[d.first[p] + q]
                    mass[i] = wide_add(mass[i].m, mass[i].e, t.m, t.e)
        if length == width:
            continue
        # numbers of one exponent at a time
        m, n, lda = <int>(length - width), <int>width, <int>length
        for e in range(low, high + 1):
            for x in range(width):
                f = mass[node[d.first[p] + x]]
                part[x] = f.m if f.e == e else 0.0
            dgemv("N", &m, &n, &one, v + width, &lda, part, &unit, &zero, tail, &unit)
            for q in range(m):
                if tail[q] != 0.0:
                    t = in_unit(tail[q], scale)
                    i = node[d.columns[d.start[p] + q]]
                    mass[i] = wide_add(mass[i].m, mass[i].e, t.m, t.e + e)


cdef void solve_panels(blocks_t* d, const int* node, const wide_t* mass, double* xm, int* xe) noexcept nogil:
    """Averages over the first step for the minima of the panels; without masses when these are NULL."""
    cdef Py_ssize_t p, x, q, width, length, count
    cdef int i, e, low, high, m, n, unit = 1, lda
    cdef double one = 1.0, zero = 0.0
    cdef double* v
    cdef double* gathered = d.gathered
    cdef double* part = d.gathered + panel_longest(d)
    cdef wide_t s, t
    for p in range(d.pivot_panels - 1, -1, -1):
        width, length, v = panel_width(d, p), panel_length(d, p), d.value[p]
        count = length - width
        low, high = 2**30, -2**30
        for q in range(count):
            i = node[d.columns[d.start[p] + q]]
            if xm[i] != 0.0:
                low = xe[i] if xe[i] < low else low
                high = xe[i] if xe[i] > high else high
        for x in range(width):
            i = node[d.first[p] + x]
            xm[i] = 0.0
            xe[i] = 0
        m, n, lda = <int>count, <int>width, <int>length
        for e in range(low, high + 1):
            for q in range(count):
                i = node[d.columns[d.start[p] + q]]
                gathered[q] = xm[i] if xe[i] == e else 0.0
            dgemv("T", &m, &n, &one, v + width, &lda, gathered, &unit, &zero, part, &unit)
            for x in range(width):
                i = node[d.first[p] + x]
                t = wide_normal(part[x], e)
                t = wide_normal(t.m, t.e)
                t = wide_add(xm[i], xe[i], t.m, t.e)
                xm[i] = t.m
                xe[i] = t.e
        for x in range(width - 1, -1, -1):
            i = node[d.first[p] + x]
            s.m = xm[i]
            s.e = xe[i]
            for q in range(x + 1, width):
                if v[x * length + q] != 0.0:
                    t = wide_normal(v[x * length + q], 0)
                    t = wide_normal(t.m, t.e)
                    t = wide_multiply(t.m, t.e, xm[node[d.first[p] + q]], xe[node[d.first[p] + q]])
                    s = wide_add(s.m, s.e, t.m, t.e)
            t = wide_normal(d.sums[d.first[p] + x], 0)
            t = wide_normal(t.m, t.e)
            s = wide_divide(s.m, s.e, t.m, t.e)
            if mass != NULL:
                s = wide_add(s.m, s.e, mass[i].m, mass[i].e)
            xm[i] = s.m
            xe[i] = s.e
