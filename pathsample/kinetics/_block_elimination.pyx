"""Star-mesh elimination panel by panel, most of the arithmetic in DGEMM.

A row holds the conductances between its minimum and all that are eliminated later, so its sum is what the elimination divides
by; nothing is subtracted. A panel is eliminated strip by strip, then handed on to the panels of its columns, where only
non-negative numbers are added.
"""

from libc.stdlib cimport calloc, free, malloc
from scipy.linalg.cython_blas cimport dgemm, dgemv

#: Rows eliminated one by one before the rest of their panel is brought up to date.
cdef int STRIP = 32


cdef blocks_t* blocks_new(Py_ssize_t size, Py_ssize_t pivots, Py_ssize_t panels, Py_ssize_t pivot_panels,
                          const long long* first, const long long* start, const int* columns, const int* owner) noexcept nogil:
    """Panels of zeros; NULL when memory runs out. The arrays of the structure are not copied."""
    cdef blocks_t* d = <blocks_t*>calloc(1, sizeof(blocks_t))
    cdef Py_ssize_t p, width, length, widest = 1, longest = 1
    if d == NULL:
        return NULL
    d.size, d.pivots, d.panels, d.pivot_panels = size, pivots, panels, pivot_panels
    d.first, d.start, d.columns, d.owner = first, start, columns, owner
    d.value = <double**>calloc(panels + 1, sizeof(double*))
    d.sums = <double*>calloc(size + 1, sizeof(double))
    if d.value == NULL or d.sums == NULL:
        blocks_free(d)
        return NULL
    for p in range(panels):
        width, length = panel_width(d, p), panel_length(d, p)
        widest = width if width > widest else widest
        longest = length if length > longest else longest
        d.value[p] = <double*>calloc(width * length, sizeof(double))
        if d.value[p] == NULL:
            blocks_free(d)
            return NULL
    d.factor = <double*>malloc(widest * widest * sizeof(double))
    d.product = <double*>malloc(widest * longest * sizeof(double))
    d.gathered = <double*>malloc(3 * longest * sizeof(double))
    d.target = <int*>malloc(longest * sizeof(int))
    if d.factor == NULL or d.product == NULL or d.gathered == NULL or d.target == NULL:
        blocks_free(d)
        return NULL
    return d


cdef void blocks_free(blocks_t* d) noexcept nogil:
    """Release all memory."""
    cdef Py_ssize_t p
    if d == NULL:
        return
    if d.value != NULL:
        for p in range(d.panels):
            free(d.value[p])
    free(d.value)
    free(d.sums)
    free(d.factor)
    free(d.product)
    free(d.gathered)
    free(d.target)
    free(d)


cdef double* blocks_entry(blocks_t* d, Py_ssize_t row, int column) noexcept nogil:
    """Where the conductance between a minimum and a later one is kept; NULL when the structure has no place for it."""
    cdef Py_ssize_t p = d.owner[row], low, high, middle
    cdef double* line = d.value[p] + (row - d.first[p]) * panel_length(d, p)
    if column < d.first[p + 1]:
        return line + (column - d.first[p])
    low, high = d.start[p], d.start[p + 1]
    while low < high:
        middle = (low + high) // 2
        if d.columns[middle] < column:
            low = middle + 1
        else:
            high = middle
    if low == d.start[p + 1] or d.columns[low] != column:
        return NULL
    return line + panel_width(d, p) + (low - d.start[p])


cdef int eliminate_panel(blocks_t* d, Py_ssize_t p) noexcept nogil:
    """Eliminate the minima of a panel from its own rows; 2 when one has no connection left."""
    cdef Py_ssize_t width = panel_width(d, p), length = panel_length(d, p), s0 = 0, s1, x, y, j, rows
    cdef int m, k, n, lda = <int>length, unit = 1
    cdef double one = 1.0, total, inverse
    cdef double factors[64]
    cdef double* v = d.value[p]
    cdef double* row
    while s0 < width:
        s1 = s0 + STRIP if s0 + STRIP < width else width
        for x in range(s0, s1):
            row = v + x * length
            m = <int>(length - x - 1)
            k = <int>(x - s0)
            if m > 0 and k > 0:
                for y in range(s0, x):
                    factors[y - s0] = v[y * length + x] / d.sums[d.first[p] + y]
                dgemv("N", &m, &k, &one, v + s0 * length + x + 1, &lda, factors, &unit, &one, row + x + 1, &unit)
            total = 0.0
            for j in range(x + 1, length):
                total += row[j]
            if not total > 0.0:
                return 2
            d.sums[d.first[p] + x] = total
        if s1 < width:
            rows = width - s1
            for y in range(s0, s1):
                inverse = 1.0 / d.sums[d.first[p] + y]
                for j in range(rows):
                    d.factor[(y - s0) * rows + j] = v[y * length + s1 + j] * inverse
            m, n, k = <int>(length - s1), <int>rows, <int>(s1 - s0)
            dgemm("N", "T", &m, &n, &k, &one, v + s0 * length + s1, &lda, d.factor, &n, &one, v + s1 * length + s1, &lda)
        s0 = s1
    return 0


cdef void hand_on(blocks_t* d, Py_ssize_t p) noexcept nogil:
    """Add to all later panels what the eliminated rows of panel p connect: U_r += (U_p / s)^T U_p."""
    cdef Py_ssize_t width = panel_width(d, p), length = panel_length(d, p), count = d.start[p + 1] - d.start[p]
    cdef const int* columns = d.columns + d.start[p]
    cdef const int* theirs
    cdef Py_ssize_t a = 0, b, t, q, i, x, there, own, at
    cdef int m, n, k = <int>width, lda = <int>length, ldc
    cdef int* target = d.target
    cdef double one = 1.0, zero = 0.0, inverse, f
    cdef double* v = d.value[p]
    cdef double* line
    cdef double* new
    while a < count:
        t = d.owner[columns[a]]
        own, there = panel_width(d, t), panel_length(d, t)
        theirs = d.columns + d.start[t]
        b = a
        while b < count and columns[b] < d.first[t + 1]:
            target[b] = <int>(columns[b] - d.first[t])
            b += 1
        at = 0
        for q in range(b, count):
            while theirs[at] != columns[q]:
                at += 1
            target[q] = <int>(own + at)
        m, n, ldc = <int>(count - a), <int>(b - a), <int>there
        for x in range(width):
            inverse = 1.0 / d.sums[d.first[p] + x]
            for i in range(a, b):
                d.factor[x * n + i - a] = v[x * length + width + i] * inverse
        if target[count - 1] - target[a] == count - 1 - a:
            new = d.value[t] + target[a] * there + target[a]
            dgemm("N", "T", &m, &n, &k, &one, v + width + a, &lda, d.factor, &n, &one, new, &ldc)
        elif width == 1:
            for i in range(a, b):
                f = d.factor[i - a]
                new = d.value[t] + target[i] * there
                for q in range(i + 1, count):
                    new[target[q]] += f * v[1 + q]
        else:
            dgemm("N", "T", &m, &n, &k, &one, v + width + a, &lda, d.factor, &n, &zero, d.product, &m)
            for i in range(a, b):
                line = d.product + (i - a) * m - a
                new = d.value[t] + target[i] * there
                for q in range(i + 1, count):
                    new[target[q]] += line[q]
        a = b


cdef int blocks_eliminate(blocks_t* d) noexcept nogil:
    """Eliminate all pivots. 0 done, 2 when a row has no connection left."""
    cdef Py_ssize_t p
    cdef int status
    for p in range(d.pivot_panels):
        status = eliminate_panel(d, p)
        if status:
            return status
        hand_on(d, p)
    return 0
