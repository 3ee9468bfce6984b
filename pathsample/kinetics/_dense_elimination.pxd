"""An upper triangle of conductances in blocks of rows."""


cdef struct dense_t:
    Py_ssize_t size
    Py_ssize_t pivots
    Py_ssize_t blocks
    double** block
    double* sums
    double* panel

cdef enum:
    BLOCK_ROWS = 256

cdef dense_t* dense_new(Py_ssize_t size, Py_ssize_t pivots) noexcept nogil
cdef void dense_free(dense_t* d) noexcept nogil
cdef int dense_eliminate(dense_t* d) noexcept nogil


cdef inline double* dense_row(dense_t* d, Py_ssize_t x) noexcept nogil:
    """Row x, of which the columns behind x count."""
    cdef Py_ssize_t b = x // BLOCK_ROWS
    cdef Py_ssize_t first = b * BLOCK_ROWS
    return d.block[b] + (x - first) * (d.size - first) - first
