"""Order in which the minima of a network are eliminated, so that few new connections arise.

Approximate minimum mean fill (Rothberg and Eisenstat, SIAM J. Matrix Anal. Appl. 19, 682 (1998)) on a quotient graph
(Amestoy, Davis and Duff, SIAM J. Matrix Anal. Appl. 17, 886 (1996)): an eliminated minimum stays as an element, the list of
minima it has connected with one another, so that the memory never exceeds that of the network. Minima with the same
neighbours are one supervariable; elements inside another are absorbed. A supervariable of w minima with d neighbours, d' of
them in the newest element, is eliminated when (d^2 - d'^2)/w is the smallest.
"""

import numpy as np

from libc.math cimport sqrt
from libc.stdlib cimport calloc, free, malloc


cdef struct graph_t:
    int n
    const long long* start
    int* lists          # of each minimum: its elements, then its neighbours among the minima
    int* n_elements
    int* n_minima
    int** element       # of each pivot: the minima it connects; NULL when absorbed
    int* length
    int* weight         # minima in a supervariable; 0 when it is part of another, negative while it is next to the pivot
    int* degree
    int* key            # root of the score, by which the buckets are sorted
    int* following
    int* preceding
    int* bucket
    int* head           # of the chains of equal hashes
    int* chain
    int* hash
    int* mark
    long* outside       # of elements: tag + minima outside the neighbourhood of the pivot; of minima: part of the degree
    int* found
    # what comes out
    int* parent
    int* partner        # next minimum of the same supervariable
    int* tail
    int* width
    int* height


cdef void link(graph_t* g, int i) noexcept nogil:
    cdef int d = g.key[i]
    g.following[i] = g.bucket[d]
    g.preceding[i] = -1
    if g.bucket[d] >= 0:
        g.preceding[g.bucket[d]] = i
    g.bucket[d] = i


cdef void unlink(graph_t* g, int i) noexcept nogil:
    if g.preceding[i] >= 0:
        g.following[g.preceding[i]] = g.following[i]
    else:
        g.bucket[g.key[i]] = g.following[i]
    if g.following[i] >= 0:
        g.preceding[g.following[i]] = g.preceding[i]


cdef void absorb(graph_t* g, int e, int p) noexcept nogil:
    free(g.element[e])
    g.element[e] = NULL
    g.parent[e] = p


cdef void join(graph_t* g, int i, int j) noexcept nogil:
    """Supervariable j becomes part of i."""
    g.weight[j] = 0
    g.partner[g.tail[i]] = j
    g.tail[i] = g.tail[j]


cdef int neighbourhood(graph_t* g, int p) noexcept nogil:
    """Minima next to p, directly or through elements, which are absorbed; their weights become negative."""
    cdef int q, k, e, i, count = 0
    cdef int* mine = g.lists + g.start[p]
    g.weight[p] = -g.weight[p]
    for q in range(g.n_elements[p]):
        e = mine[q]
        if g.element[e] == NULL:
            continue
        for k in range(g.length[e]):
            i = g.element[e][k]
            if g.weight[i] > 0:
                g.weight[i] = -g.weight[i]
                g.found[count] = i
                count += 1
        absorb(g, e, p)
    for q in range(g.n_elements[p], g.n_elements[p] + g.n_minima[p]):
        i = mine[q]
        if g.weight[i] > 0:
            g.weight[i] = -g.weight[i]
            g.found[count] = i
            count += 1
    return count


cdef void measure(graph_t* g, int count, long tag) noexcept nogil:
    """How many minima of each element next to the neighbourhood are not part of it."""
    cdef int q, k, e, i
    cdef int* mine
    for q in range(count):
        i = g.found[q]
        mine = g.lists + g.start[i]
        for k in range(g.n_elements[i]):
            e = mine[k]
            if g.element[e] != NULL:
                if g.outside[e] >= tag:
                    g.outside[e] += g.weight[i]
                else:
                    g.outside[e] = g.degree[e] + g.weight[i] + tag


cdef bint renew(graph_t* g, int i, int p, long tag) noexcept nogil:
    """New lists of a neighbour of the pivot, and the part of its degree that lies outside; whether anything is left there."""
    cdef int k, e, elements = 0, minima = 0, before = g.n_elements[i]
    cdef int* mine = g.lists + g.start[i]
    cdef long degree = 0
    cdef unsigned int h = <unsigned int>p
    for k in range(before):
        e = mine[k]
        if g.element[e] == NULL:
            continue
        if g.outside[e] == tag:
            absorb(g, e, p)
            continue
        degree += g.outside[e] - tag
        h += <unsigned int>e
        mine[elements] = e
        elements += 1
    for k in range(before, before + g.n_minima[i]):
        e = mine[k]
        if g.weight[e] > 0:
            degree += g.weight[e]
            h += <unsigned int>e
            mine[elements + minima] = e
            minima += 1
    # an element that was absorbed, or p among the minima, has left a place free
    mine[elements + minima] = mine[elements]
    mine[elements] = p
    g.n_elements[i] = elements + 1
    g.n_minima[i] = minima
    g.outside[i] = degree
    g.hash[i] = <int>(h % <unsigned int>g.n)
    return elements > 0 or minima > 0


cdef void compare(graph_t* g, int first, const unsigned char* last, int* marked) noexcept nogil:
    """Join the minima of one chain that have the same neighbours."""
    cdef int i = first, j, k
    cdef bint equal
    cdef int* mine
    while i >= 0:
        if g.weight[i] != 0 and g.chain[i] >= 0 and not last[i]:
            marked[0] += 1
            mine = g.lists + g.start[i]
            for k in range(g.n_elements[i] + g.n_minima[i]):
                g.mark[mine[k]] = marked[0]
            j = g.chain[i]
            while j >= 0:
                if (g.weight[j] != 0 and not last[j] and g.n_elements[i] == g.n_elements[j]
                        and g.n_minima[i] == g.n_minima[j]):
                    mine = g.lists + g.start[j]
                    equal = True
                    for k in range(g.n_elements[j] + g.n_minima[j]):
                        if g.mark[mine[k]] != marked[0]:
                            equal = False
                            break
                    if equal:
                        g.weight[i] += g.weight[j]
                        join(g, i, j)
                j = g.chain[j]
        i = g.chain[i]


cdef int arrange(graph_t* g, const unsigned char* last, int* order) noexcept nogil:
    """Number of supervariables in the order; -1 when memory runs out."""
    cdef int i, k, q, p, count, d = 0, marked = 0, at = 0, size, left = 0, active = g.n
    cdef long tag = 1, degree
    cdef double fill
    for i in range(g.n):
        if not last[i]:
            link(g, i)
            left += 1
    while left > 0:
        while g.bucket[d] < 0:
            d += 1
        p = g.bucket[d]
        unlink(g, p)
        g.width[p] = g.weight[p]
        count = neighbourhood(g, p)
        measure(g, count, tag)
        g.element[p] = <int*>malloc((count + 1) * sizeof(int))
        if g.element[p] == NULL:
            return -1
        size = 0
        for q in range(count):
            i = g.found[q]
            if not last[i]:
                unlink(g, i)
            if renew(g, i, p, tag) or last[i]:
                size -= g.weight[i]
                g.chain[i] = g.head[g.hash[i]]
                g.head[g.hash[i]] = i
            else:
                # all its other neighbours are those of p: it goes together with p
                g.width[p] -= g.weight[i]
                join(g, p, i)
        for q in range(count):
            i = g.found[q]
            if g.weight[i] != 0 and g.head[g.hash[i]] >= 0:
                k = g.head[g.hash[i]]
                g.head[g.hash[i]] = -1
                compare(g, k, last, &marked)
        left -= g.width[p]
        active -= g.width[p]
        k = 0
        for q in range(count):
            i = g.found[q]
            if g.weight[i] == 0:
                continue
            g.weight[i] = -g.weight[i]
            degree = g.outside[i] + size - g.weight[i]
            if g.degree[i] + size - g.weight[i] < degree:
                degree = g.degree[i] + size - g.weight[i]
            if active - g.weight[i] < degree:
                degree = active - g.weight[i]
            g.degree[i] = <int>degree
            fill = <double>degree * degree
            fill -= <double>(size - g.weight[i]) * (size - g.weight[i])
            fill /= g.weight[i]
            g.key[i] = <int>sqrt(fill if fill > 0 else 0.0)
            if not last[i]:
                link(g, i)
                if g.key[i] < d:
                    d = g.key[i]
            g.outside[i] = 0
            g.element[p][k] = i
            k += 1
        g.length[p] = k
        g.height[p] = size
        g.degree[p] = size
        g.weight[p] = 0
        if k == 0:
            absorb(g, p, -1)
        order[at] = p
        at += 1
        tag += g.n + 1
    return at


def elimination_order(indptr, indices, last):
    """Order of few new connections.

    Parameters
    ----------
    indptr, indices : ndarray of int64
        Compressed rows of a symmetric graph without loops.
    last : ndarray of shape (n,), bool
        Minima that are not eliminated.

    Returns
    -------
    pivots : ndarray of int32, shape (s,)
        First minimum of each supervariable, in the order of elimination.
    width, height : ndarray of int32, shape (s,)
        Minima in it, and minima next to it when it is eliminated.
    parent : ndarray of int32, shape (s,)
        The supervariable, as a position in ``pivots``, that first needs its result; -1 for none.
    members : ndarray of int32
        All minima to eliminate, supervariable by supervariable.
    """
    cdef const long long[::1] start = np.ascontiguousarray(indptr, dtype=np.int64)
    cdef const unsigned char[::1] stays = np.ascontiguousarray(last, dtype=np.uint8)
    cdef int n = <int>(start.shape[0] - 1), s, i, count
    lists = np.array(indices, dtype=np.int32)
    names = ("n_elements", "n_minima", "length", "weight", "degree", "following", "preceding", "bucket", "head", "chain",
             "hash", "mark", "found", "parent", "partner", "tail", "width", "height", "order", "key")
    work = {name: np.zeros(n + 1, dtype=np.int32) for name in names}
    for name in ("bucket", "head", "chain", "parent", "partner"):
        work[name][:] = -1
    work["weight"][:] = 1
    work["tail"][:] = np.arange(n + 1)
    work["n_minima"][:n] = np.diff(start)
    work["degree"][:n] = np.diff(start)
    work["key"][:n] = np.diff(start)
    outside = np.zeros(n + 1, dtype=np.int64)
    cdef long long[::1] outside_view = outside
    cdef int[::1] lists_view = np.concatenate([lists, np.zeros(1, dtype=np.int32)])
    cdef graph_t g
    cdef int[::1] v
    cdef int* address[20]
    for i, name in enumerate(names):
        v = work[name]
        address[i] = &v[0]
    if n == 0:
        empty = np.zeros(0, dtype=np.int32)
        return empty, empty, empty, empty, empty
    g.n, g.start, g.lists = n, &start[0], &lists_view[0]
    (g.n_elements, g.n_minima, g.length, g.weight, g.degree, g.following, g.preceding, g.bucket, g.head, g.chain, g.hash,
     g.mark, g.found, g.parent, g.partner, g.tail, g.width, g.height) = (
        address[0], address[1], address[2], address[3], address[4], address[5], address[6], address[7], address[8], address[9],
        address[10], address[11], address[12], address[13], address[14], address[15], address[16], address[17])
    g.key = address[19]
    g.outside = <long*>&outside_view[0]
    g.element = <int**>calloc(n, sizeof(int*))
    if g.element == NULL:
        raise MemoryError
    with nogil:
        count = arrange(&g, &stays[0], address[18])
        for i in range(n):
            free(g.element[i])
        free(g.element)
    if count < 0:
        raise MemoryError
    pivots = work["order"][:count].copy()
    place = np.full(n + 1, -1, dtype=np.int32)
    place[pivots] = np.arange(count, dtype=np.int32)
    members = np.empty(int(np.count_nonzero(np.asarray(stays) == 0)), dtype=np.int32)
    cdef int[::1] out = members
    cdef int at = 0
    cdef int[::1] first = pivots
    for s in range(count):
        i = first[s]
        while i >= 0:
            out[at] = i
            at += 1
            i = g.partner[i]
    return pivots, work["width"][pivots], work["height"][pivots], place[work["parent"][pivots]], members
