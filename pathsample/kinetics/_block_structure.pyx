"""Which minima are eliminated together, as one block of rows, and what columns these rows have.

A supervariable joins the one that first needs its result when their columns are nearly the same, so that blocks are wide enough
for matrix products; wide ones are cut into panels. The columns of a panel are its own minima and all later ones that are
connected with one of them or with a panel below it in the tree.
"""

import numpy as np

from libc.stdlib cimport calloc, free, malloc, qsort, realloc

#: Minima in a panel at most.
PANEL = 256
#: Widest block, and the part of its entries that may be zeros, for which two supervariables are joined.
JOIN = ((8, 0.6), (24, 0.3), (64, 0.15), (256, 0.08), (2**31 - 1, 0.03))


cdef int ascending(const void* a, const void* b) noexcept nogil:
    return (<int*>a)[0] - (<int*>b)[0]


def join_supervariables(width, height, parent, rules=JOIN):
    """Groups of supervariables whose columns are nearly the same.

    Parameters
    ----------
    width, height, parent : ndarray of int32, shape (s,)
        As `elimination_order` gives them; -1 as parent for none.
    rules : tuple of (int, float)

    Returns
    -------
    ndarray of int32, shape (s,)
        The last supervariable of the group that each belongs to.
    """
    cdef int[::1] w = np.array(width, dtype=np.int32)
    cdef int[::1] h = np.array(height, dtype=np.int32)
    cdef int[::1] up = np.ascontiguousarray(parent, dtype=np.int32)
    cdef int s = w.shape[0], p, c, k, before, n_rules = len(rules)
    cdef int[::1] head = np.full(s, -1, dtype=np.int32)
    cdef int[::1] following = np.full(s, -1, dtype=np.int32)
    group = np.arange(s, dtype=np.int32)
    cdef int[::1] own = group
    cdef double[::1] zeros = np.zeros(s)
    cdef double[::1] widest = np.array([rule[0] for rule in rules], dtype=np.float64)
    cdef double[::1] part = np.array([rule[1] for rule in rules], dtype=np.float64)
    cdef double new, total, both
    for p in range(s):
        # children of most columns first: they add the fewest zeros
        c = head[p]
        while c >= 0:
            both = <double>w[c] + w[p]
            new = zeros[c] + zeros[p] + <double>w[c] * (w[p] + h[p] - h[c])
            total = both * (both - 1) / 2 + both * h[p]
            k = 0
            while k < n_rules - 1 and both > widest[k]:
                k += 1
            if new <= part[k] * total:
                own[c] = p
                w[p] = <int>both
                zeros[p] = new
            c = following[c]
        c = up[p]
        if c >= 0:
            # into the chain of children, by falling height
            if head[c] < 0 or h[head[c]] <= h[p]:
                following[p] = head[c]
                head[c] = p
            else:
                before = head[c]
                k = 0
                while following[before] >= 0 and h[following[before]] > h[p] and k < 64:
                    before = following[before]
                    k += 1
                following[p] = following[before]
                following[before] = p
    for p in range(s - 1, -1, -1):
        own[p] = own[own[p]]
    return group


cdef class Structure:
    """Panels of rows.

    Parameters
    ----------
    indptr, indices : ndarray of int64
        Compressed rows of a symmetric graph; connections between minima that stay need not be in it.
    group : ndarray of int32, shape (n,)
        Block of every minimum, counted from 0 without gaps, ascending.
    pivots : int
        Minima that are eliminated; those behind stay, and are in other blocks.

    Attributes
    ----------
    first : ndarray of int64, shape (p + 1,)
        First minimum of each panel.
    start : ndarray of int64, shape (p + 1,)
    columns : ndarray of int32
        Columns of panel k behind its own minima: columns[start[k]:start[k+1]], ascending.
    owner : ndarray of int32, shape (n,)
        Panel of every minimum.
    pivot_panels : int
    entries : int
        Numbers in all panels.
    """

    cdef readonly object first, start, columns, owner
    cdef readonly Py_ssize_t pivot_panels, entries
    cdef int** found
    cdef int* count
    cdef int* head
    cdef int* following
    cdef int* child
    cdef int links, room
    cdef Py_ssize_t blocks

    def __cinit__(self, indptr, indices, group, Py_ssize_t pivots):
        cdef const long long[::1] row = np.ascontiguousarray(indptr, dtype=np.int64)
        cdef const long long[::1] column = np.ascontiguousarray(indices, dtype=np.int64)
        cdef const int[::1] own = np.ascontiguousarray(group, dtype=np.int32)
        cdef Py_ssize_t n = own.shape[0]
        cdef int[::1] begin
        cdef int status
        self.blocks = own[n - 1] + 1 if n else 0
        begin = np.searchsorted(group, np.arange(self.blocks + 1)).astype(np.int32)
        self.found = <int**>calloc(self.blocks + 1, sizeof(int*))
        self.count = <int*>calloc(self.blocks + 1, sizeof(int))
        self.head = <int*>calloc(self.blocks + 1, sizeof(int))
        if self.found == NULL or self.count == NULL or self.head == NULL:
            raise MemoryError
        with nogil:
            status = self.collect(&row[0], &column[0] if column.shape[0] else NULL, &own[0] if n else NULL, &begin[0], n,
                                  pivots)
        if status:
            raise MemoryError
        self.cut(np.asarray(begin), pivots, n)

    def __dealloc__(self):
        cdef Py_ssize_t k
        if self.found != NULL:
            for k in range(self.blocks):
                free(self.found[k])
        free(self.found)
        free(self.count)
        free(self.head)
        free(self.following)
        free(self.child)

    cdef int hand_on(self, int k, int up) noexcept nogil:
        """Block ``up`` gets the columns of block k."""
        cdef int room = self.room
        if self.links == room:
            room = 2 * room + 64
            self.following = <int*>realloc(self.following, room * sizeof(int))
            self.child = <int*>realloc(self.child, room * sizeof(int))
            if self.following == NULL or self.child == NULL:
                return 1
            self.room = room
        self.child[self.links] = k
        self.following[self.links] = self.head[up]
        self.head[up] = self.links
        self.links += 1
        return 0

    cdef int collect(self, const long long* row, const long long* column, const int* own, const int* begin, Py_ssize_t n,
                     Py_ssize_t pivots) noexcept nogil:
        cdef int* mark = <int*>malloc((n + 1) * sizeof(int))
        cdef int* buffer = <int*>malloc((n + 1) * sizeof(int))
        cdef int status = 1
        if mark != NULL and buffer != NULL:
            status = self.unite(row, column, own, begin, n, pivots, mark, buffer)
        free(mark)
        free(buffer)
        return status

    cdef int unite(self, const long long* row, const long long* column, const int* own, const int* begin, Py_ssize_t n,
                   Py_ssize_t pivots, int* mark, int* buffer) noexcept nogil:
        """Columns of every block behind its own; 1 when memory runs out."""
        cdef int k, c, i, j, count, end, link
        cdef Py_ssize_t p
        for k in range(self.blocks):
            self.head[k] = -1
        for i in range(n):
            mark[i] = -1
        for k in range(self.blocks):
            count = 0
            end = begin[k + 1]
            for i in range(begin[k], end):
                for p in range(row[i], row[i + 1]):
                    j = <int>column[p]
                    if j >= end and mark[j] != k:
                        mark[j] = k
                        buffer[count] = j
                        count += 1
            link = self.head[k]
            while link >= 0:
                c = self.child[link]
                for p in range(self.count[c]):
                    j = self.found[c][p]
                    if j >= end and mark[j] != k:
                        mark[j] = k
                        buffer[count] = j
                        count += 1
                link = self.following[link]
            qsort(buffer, count, sizeof(int), ascending)
            self.found[k] = <int*>malloc((count + 1) * sizeof(int))
            if self.found[k] == NULL:
                return 1
            for i in range(count):
                self.found[k][i] = buffer[i]
            self.count[k] = count
            # what stays hands nothing on; the root of a tree connects all that stay with one another
            if count and begin[k] < pivots:
                c = -1
                for p in range(count):
                    i = own[buffer[p]]
                    if i != c:
                        c = i
                        if self.hand_on(k, c):
                            return 1
                    if buffer[0] < pivots:
                        break
        return 0

    def cut(self, begin, Py_ssize_t pivots, Py_ssize_t n):
        """Panels out of blocks."""
        first, start, pieces, total = [], [0], [], 0
        cdef Py_ssize_t k
        cdef int[::1] view
        self.pivot_panels = 0
        self.entries = 0
        for k in range(self.blocks):
            behind = np.empty(self.count[k], dtype=np.int32)
            if self.count[k]:
                view = <int[:self.count[k]]>self.found[k]
                behind[:] = view
            free(self.found[k])
            self.found[k] = NULL
            low, high = int(begin[k]), int(begin[k + 1])
            for at in range(low, high, PANEL):
                end = min(at + PANEL, high)
                first.append(at)
                if end < high:
                    pieces.append(np.arange(end, high, dtype=np.int32))
                pieces.append(behind)
                total += high - end + len(behind)
                start.append(total)
                self.entries += (end - at) * (high - at + len(behind))
                self.pivot_panels += at < pivots
        self.first = np.array([*first, n], dtype=np.int64)
        self.start = np.array(start, dtype=np.int64)
        self.columns = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int32)
        self.owner = np.repeat(np.arange(len(first), dtype=np.int32), np.diff(self.first))
