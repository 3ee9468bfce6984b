"""Star-mesh elimination in a full matrix: blocks of rows, most of the arithmetic in DGEMM.

Row x of the upper triangle holds the conductances between x and all that are eliminated later, so its sum is what the
elimination of x divides by; nothing is subtracted. Only the triangle is stored.
"""

from libc.stdlib cimport calloc, free, malloc
from scipy.linalg.cython_blas cimport dgemm, dgemv

#: Rows eliminated one by one before the rest of their block is brought up to date.
cdef int STRIP = 32


cdef dense_t* dense_new(Py_ssize_t size, Py_ssize_t pivots) noexcept nogil:
    """A matrix of zeros, of which the first rows are to be eliminated; NULL when memory runs out."""
    cdef dense_t* d = <dense_t*>calloc(1, sizeof(dense_t))
    cdef Py_ssize_t b, first, rows
    if d == NULL:
        return NULL
    d.size = size
    d.pivots = pivots
    d.blocks = (size + BLOCK_ROWS - 1) // BLOCK_ROWS
    d.block = <double**>calloc(d.blocks, sizeof(double*))
    d.sums = <double*>calloc(size, sizeof(double))
    d.panel = <double*>malloc(BLOCK_ROWS * BLOCK_ROWS * sizeof(double))
    if d.block == NULL or d.sums == NULL or d.panel == NULL:
        dense_free(d)
        return NULL
    for b in range(d.blocks):
        first = b * BLOCK_ROWS
        rows = size - first if size - first < BLOCK_ROWS else BLOCK_ROWS
        d.block[b] = <double*>calloc(rows * (size - first), sizeof(double))
        if d.block[b] == NULL:
            dense_free(d)
            return NULL
    return d


cdef void dense_free(dense_t* d) noexcept nogil:
    """Release all memory."""
    cdef Py_ssize_t b
    if d == NULL:
        return
    if d.block != NULL:
        for b in range(d.blocks):
            free(d.block[b])
    free(d.block)
    free(d.sums)
    free(d.panel)
    free(d)


cdef void update(dense_t* d, Py_ssize_t p0, Py_ssize_t p1, Py_ssize_t r0, Py_ssize_t r1) noexcept nogil:
    """Add to rows r0..r1 what the eliminated rows p0..p1 of one block hand on: U_r += (U_p / s)^T U_p."""
    cdef Py_ssize_t home = p0 // BLOCK_ROWS * BLOCK_ROWS
    cdef Py_ssize_t there = r0 // BLOCK_ROWS * BLOCK_ROWS
    cdef Py_ssize_t x, i, rows = r1 - r0
    cdef int m = <int>(d.size - r0), n = <int>rows, k = <int>(p1 - p0)
    cdef int lda = <int>(d.size - home), ldc = <int>(d.size - there)
    cdef double one = 1.0, inverse
    cdef double* row
    if m <= 0 or n <= 0 or k <= 0:
        return
    for x in range(p0, p1):
        row = dense_row(d, x)
        inverse = 1.0 / d.sums[x]
        for i in range(rows):
            d.panel[(x - p0) * rows + i] = row[r0 + i] * inverse
    dgemm("N", "T", &m, &n, &k, &one, dense_row(d, p0) + r0, &lda, d.panel, &n, &one, dense_row(d, r0) + r0, &ldc)


cdef int dense_eliminate(dense_t* d) noexcept nogil:
    """Eliminate the first ``pivots`` rows. 0 done, 2 when a row has no connection left."""
    cdef Py_ssize_t b, first, last, s0, s1, x, y, j, r0, r1
    cdef int m, k, lda, unit = 1
    cdef double one = 1.0, total
    cdef double factors[64]
    cdef double* row
    for b in range(d.blocks):
        first = b * BLOCK_ROWS
        if first >= d.pivots:
            break
        last = first + BLOCK_ROWS if first + BLOCK_ROWS < d.size else d.size
        lda = <int>(d.size - first)
        s0 = first
        while s0 < last and s0 < d.pivots:
            s1 = s0 + STRIP
            if s1 > last:
                s1 = last
            if s1 > d.pivots:
                s1 = d.pivots
            for x in range(s0, s1):
                row = dense_row(d, x)
                for y in range(s0, x):
                    factors[y - s0] = dense_row(d, y)[x] / d.sums[y]
                m = <int>(d.size - x - 1)
                k = <int>(x - s0)
                if m > 0 and k > 0:
                    dgemv("N", &m, &k, &one, dense_row(d, s0) + x + 1, &lda, factors, &unit, &one, row + x + 1, &unit)
                total = 0.0
                for j in range(x + 1, d.size):
                    total += row[j]
                if not total > 0.0:
                    return 2
                d.sums[x] = total
            update(d, s0, s1, s1, last)
            s0 = s1
        r0 = last
        while r0 < d.size:
            r1 = r0 + BLOCK_ROWS if r0 + BLOCK_ROWS < d.size else d.size
            update(d, first, s0, r0, r1)
            r0 = r1
    return 0
