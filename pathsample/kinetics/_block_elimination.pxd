"""Panels of rows of conductances."""


cdef struct blocks_t:
    Py_ssize_t size
    Py_ssize_t pivots
    Py_ssize_t panels
    Py_ssize_t pivot_panels
    const long long* first
    const long long* start
    const int* columns
    const int* owner
    double** value
    double* sums
    double* factor
    double* product
    double* gathered
    int* target

cdef blocks_t* blocks_new(Py_ssize_t size, Py_ssize_t pivots, Py_ssize_t panels, Py_ssize_t pivot_panels,
                          const long long* first, const long long* start, const int* columns, const int* owner) noexcept nogil
cdef void blocks_free(blocks_t* d) noexcept nogil
cdef double* blocks_entry(blocks_t* d, Py_ssize_t row, int column) noexcept nogil
cdef int blocks_eliminate(blocks_t* d) noexcept nogil


cdef inline Py_ssize_t panel_width(blocks_t* d, Py_ssize_t p) noexcept nogil:
    """Minima of a panel."""
    return d.first[p + 1] - d.first[p]


cdef inline Py_ssize_t panel_length(blocks_t* d, Py_ssize_t p) noexcept nogil:
    """Columns of a panel: its own minima, then those behind."""
    return d.first[p + 1] - d.first[p] + d.start[p + 1] - d.start[p]
