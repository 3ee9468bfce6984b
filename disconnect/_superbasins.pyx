"""Arithmetic of the superbasin analysis: connections, merging of basins level by level, drawing order, columns.

Indices of minima and nodes count from 0 here, levels from 1 at the top; 0 and -1 mean none.
"""

from libc.math cimport floor
from libc.stdlib cimport free, malloc

import numpy as np


cdef inline Py_ssize_t _root(Py_ssize_t* up, Py_ssize_t i) noexcept nogil:
    """Root of `i`, halving the path on the way."""
    while up[i] != i:
        up[i] = up[up[i]]
        i = up[i]
    return i


def connection_counts(Py_ssize_t n, const Py_ssize_t[::1] plus, const Py_ssize_t[::1] minus, const unsigned char[::1] usable,
                      Py_ssize_t least):
    """Number of connections of every minimum to minima that keep more than `least` of them.

    Minima with `least` or fewer are taken away with their connections until none is left; a queue does it in O(n + m).
    """
    cdef Py_ssize_t m = plus.shape[0], k, i, j, head = 0, tail = 0
    counts_array = np.zeros(n, dtype=np.intp)
    start_array = np.zeros(n + 1, dtype=np.intp)
    other_array = np.empty(2 * m, dtype=np.intp)
    queue_array = np.empty(n, dtype=np.intp)
    gone_array = np.zeros(n, dtype=np.uint8)
    fill_array = np.zeros(n, dtype=np.intp)
    cdef Py_ssize_t[::1] counts = counts_array, start = start_array, other = other_array, queue = queue_array, fill = fill_array
    cdef unsigned char[::1] gone = gone_array
    with nogil:
        for k in range(m):
            if usable[k] and plus[k] != minus[k]:
                counts[plus[k]] += 1
                counts[minus[k]] += 1
        for i in range(n):
            start[i + 1] = start[i] + counts[i]
        for k in range(m):
            if usable[k] and plus[k] != minus[k]:
                i = plus[k]
                j = minus[k]
                other[start[i] + fill[i]] = j
                fill[i] += 1
                other[start[j] + fill[j]] = i
                fill[j] += 1
        for i in range(n):
            if counts[i] <= least:
                gone[i] = 1
                queue[tail] = i
                tail += 1
        while head < tail:
            i = queue[head]
            head += 1
            for k in range(start[i], start[i + 1]):
                j = other[k]
                counts[j] -= 1
                if not gone[j] and counts[j] <= least:
                    gone[j] = 1
                    queue[tail] = j
                    tail += 1
    return counts_array


def steps_from(Py_ssize_t n, const Py_ssize_t[::1] plus, const Py_ssize_t[::1] minus, const unsigned char[::1] usable,
               Py_ssize_t source):
    """Number of steps of every minimum from `source` (-1: not connected), and the number of sweeps.

    The second result is the number of sweeps over the list of transition states that the relaxation of distances in the
    classic program takes, which its log shows. It follows from one breadth-first search: a minimum at distance d gets its
    final distance when a transition state to a minimum at d-1 is next visited after that one got its own.
    """
    cdef Py_ssize_t m = plus.shape[0], k, i, j, t, head = 0, tail = 0
    cdef Py_ssize_t when, latest = 0
    steps_array = np.full(n, -1, dtype=np.intp)
    moment_array = np.zeros(n, dtype=np.intp)
    start_array = np.zeros(n + 1, dtype=np.intp)
    fill_array = np.zeros(n, dtype=np.intp)
    edge_array = np.empty(2 * m, dtype=np.intp)
    queue_array = np.empty(n, dtype=np.intp)
    cdef Py_ssize_t[::1] steps = steps_array, moment = moment_array, start = start_array, fill = fill_array
    cdef Py_ssize_t[::1] edge = edge_array, queue = queue_array
    with nogil:
        for k in range(m):
            if usable[k]:
                start[plus[k] + 1] += 1
                start[minus[k] + 1] += 1
        for i in range(n):
            start[i + 1] += start[i]
        for k in range(m):
            if usable[k]:
                i = plus[k]
                edge[start[i] + fill[i]] = k
                fill[i] += 1
                i = minus[k]
                edge[start[i] + fill[i]] = k
                fill[i] += 1
        steps[source] = 0
        moment[source] = -1
        queue[0] = source
        tail = 1
        while head < tail:
            i = queue[head]
            head += 1
            t = moment[i]
            if t > latest:
                latest = t
            for k in range(start[i], start[i + 1]):
                j = plus[edge[k]] if minus[edge[k]] == i else minus[edge[k]]
                # Visits of transition state e happen at e, m + e, 2m + e, …
                when = edge[k]
                if when <= t:
                    when += ((t - when) // m + 1) * m
                if steps[j] == -1:
                    steps[j] = steps[i] + 1
                    moment[j] = when
                    queue[tail] = j
                    tail += 1
                elif steps[j] == steps[i] + 1 and when < moment[j]:
                    moment[j] = when
    sweeps = latest // m + 1 if tail > 1 else 0
    return steps_array, sweeps


def first_touch(Py_ssize_t n, const Py_ssize_t[::1] plus, const Py_ssize_t[::1] minus, const int[::1] level,
                const unsigned char[::1] usable):
    """For every transition state the deepest level of the earlier ones that share a minimum with it, and per minimum of all.

    The classic program gives a new label at level i to a transition state below it that finds both of its minima unlabelled,
    so that it does so at the levels from this one (exclusive) down to its own.
    """
    cdef Py_ssize_t m = plus.shape[0], k
    earlier_array = np.zeros(m, dtype=np.intc)
    deepest_array = np.zeros(n, dtype=np.intc)
    cdef int[::1] earlier = earlier_array, deepest = deepest_array
    with nogil:
        for k in range(m):
            if not usable[k]:
                continue
            earlier[k] = max(deepest[plus[k]], deepest[minus[k]])
            if level[k] > deepest[plus[k]]:
                deepest[plus[k]] = level[k]
            if level[k] > deepest[minus[k]]:
                deepest[minus[k]] = level[k]
    return earlier_array, deepest_array


cdef inline bint _lower(const double[::1] energy, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """Whether minimum `i` is lower than `j`, the first of equals winning; -1 is higher than all."""
    if i < 0:
        return False
    if j < 0:
        return True
    return energy[i] < energy[j] or (energy[i] == energy[j] and i < j)


def merge_levels(const double[::1] energy, const int[::1] appear, const unsigned char[::1] drawn, const Py_ssize_t[::1] plus,
                 const Py_ssize_t[::1] minus, const int[::1] ts_level, int n_levels):
    """Merge basins from the lowest level upwards and keep the nodes at which something happens.

    A node stands for a set of drawn minima that stay together, and alone, from level `bottom` up to one below the bottom of
    its parent. One union-find pass over the transition states, whatever the number of levels.

    Parameters
    ----------
    energy : of minima
    appear : deepest level at which a minimum is present, 0 for never
    drawn : whether a minimum counts
    plus, minus, ts_level : minima of each transition state and the deepest level it joins, 0 for never
    n_levels : int

    Returns
    -------
    bottom, parent, size, first, lowest : arrays over nodes, daughters before parents
        first is the drawn member with the lowest index, lowest that with the lowest energy.
    attach : array over minima, the node in which each first appears (-1 for none)
    """
    cdef Py_ssize_t n = energy.shape[0], m = plus.shape[0], i, k, a, b, c, q, nodes = 0, n_touched
    cdef int level
    ts_start_array = np.zeros(n_levels + 2, dtype=np.intp)
    min_start_array = np.zeros(n_levels + 2, dtype=np.intp)
    cdef Py_ssize_t[::1] ts_start = ts_start_array, min_start = min_start_array
    levels_of_ts = np.asarray(ts_level)
    ts_start_array[1:] = np.cumsum(np.bincount(levels_of_ts, minlength=n_levels + 1))
    min_start_array[1:] = np.cumsum(np.bincount(np.asarray(appear), minlength=n_levels + 1))
    cdef Py_ssize_t[::1] ts_order = np.argsort(levels_of_ts, kind="stable").astype(np.intp)
    cdef Py_ssize_t[::1] min_order = np.argsort(np.asarray(appear), kind="stable").astype(np.intp)

    up_array = np.arange(n, dtype=np.intp)
    weight_array = np.ones(n, dtype=np.intp)
    cdef Py_ssize_t[::1] up_view = up_array, weight = weight_array
    cdef Py_ssize_t* up = &up_view[0] if n else NULL
    # Per root: number of drawn members, the first and the lowest of them, the list of nodes it consists of.
    cdef Py_ssize_t[::1] alive = np.zeros(n, dtype=np.intp)
    cdef Py_ssize_t[::1] first_of = np.full(n, -1, dtype=np.intp)
    cdef Py_ssize_t[::1] lowest_of = np.full(n, -1, dtype=np.intp)
    cdef Py_ssize_t[::1] head = np.full(n, -1, dtype=np.intp)
    cdef Py_ssize_t[::1] tail = np.full(n, -1, dtype=np.intp)
    cdef int[::1] stamp = np.zeros(n, dtype=np.intc)
    cdef Py_ssize_t[::1] touched = np.empty(n + m, dtype=np.intp)
    most = 2 * int(np.count_nonzero(np.asarray(drawn))) + n_levels + 1
    # A node arises from new members, from two nodes, or from a node and new members: fewer than two per drawn minimum.
    bottom_array = np.empty(most, dtype=np.intc)
    parent_array = np.full(most, -1, dtype=np.intp)
    size_array = np.empty(most, dtype=np.intp)
    first_array = np.empty(most, dtype=np.intp)
    lowest_array = np.empty(most, dtype=np.intp)
    attach_array = np.full(n, -1, dtype=np.intp)
    cdef int[::1] bottom = bottom_array
    cdef Py_ssize_t[::1] parent = parent_array, size = size_array, first = first_array, lowest = lowest_array
    cdef Py_ssize_t[::1] attach = attach_array
    cdef Py_ssize_t[::1] following = np.full(most, -1, dtype=np.intp)

    with nogil:
        for level in range(n_levels, 0, -1):
            n_touched = 0
            for q in range(min_start[level], min_start[level + 1]):
                i = min_order[q]
                touched[n_touched] = i
                n_touched += 1
                if drawn[i]:
                    alive[i] = 1
                    first_of[i] = i
                    lowest_of[i] = i
            for q in range(ts_start[level], ts_start[level + 1]):
                k = ts_order[q]
                a = _root(up, plus[k])
                b = _root(up, minus[k])
                if a == b:
                    continue
                if weight[a] < weight[b]:
                    a, b = b, a
                up[b] = a
                weight[a] += weight[b]
                alive[a] += alive[b]
                if first_of[b] >= 0 and (first_of[a] < 0 or first_of[b] < first_of[a]):
                    first_of[a] = first_of[b]
                if _lower(energy, lowest_of[b], lowest_of[a]):
                    lowest_of[a] = lowest_of[b]
                if head[b] >= 0:
                    if head[a] < 0:
                        head[a] = head[b]
                    else:
                        following[tail[a]] = head[b]
                    tail[a] = tail[b]
                touched[n_touched] = a
                n_touched += 1
            for q in range(n_touched):
                a = _root(up, touched[q])
                if stamp[a] == level or alive[a] == 0:
                    continue
                stamp[a] = level
                c = head[a]
                if c >= 0 and following[c] < 0 and size[c] == alive[a]:
                    continue
                while c >= 0:
                    parent[c] = nodes
                    b = following[c]
                    following[c] = -1
                    c = b
                bottom[nodes] = level
                size[nodes] = alive[a]
                first[nodes] = first_of[a]
                lowest[nodes] = lowest_of[a]
                head[a] = nodes
                tail[a] = nodes
                nodes += 1
            for q in range(min_start[level], min_start[level + 1]):
                i = min_order[q]
                if drawn[i]:
                    attach[i] = head[_root(up, i)]
    return (bottom_array[:nodes].copy(), parent_array[:nodes].copy(), size_array[:nodes].copy(), first_array[:nodes].copy(),
            lowest_array[:nodes].copy(), attach_array)


cdef void _sort(const double* key, Py_ssize_t* index, Py_ssize_t n) noexcept nogil:
    """Put `index` in ascending order of `key`, equal keys in the order that the classic program leaves them in.

    Quicksort with the median of three as pivot, straight insertion for seven items or fewer, and the smaller part first. The
    position of equal keys is what matters here: it decides the places of branches with equally many minima.
    """
    cdef Py_ssize_t low = 0, high = n - 1, i, j, middle, item, depth = 0
    cdef Py_ssize_t stack[256]
    cdef double pivot
    for i in range(n):
        index[i] = i
    while True:
        if high - low < 7:
            for j in range(low + 1, high + 1):
                item = index[j]
                i = j - 1
                while i >= low and key[index[i]] > key[item]:
                    index[i + 1] = index[i]
                    i -= 1
                index[i + 1] = item
            if depth == 0:
                return
            depth -= 2
            low = stack[depth]
            high = stack[depth + 1]
            continue
        # Counted from 1 the middle is (low + high) / 2, hence the shift.
        middle = (low + high + 2) // 2 - 1
        index[middle], index[low + 1] = index[low + 1], index[middle]
        if key[index[low + 1]] > key[index[high]]:
            index[low + 1], index[high] = index[high], index[low + 1]
        if key[index[low]] > key[index[high]]:
            index[low], index[high] = index[high], index[low]
        if key[index[low + 1]] > key[index[low]]:
            index[low + 1], index[low] = index[low], index[low + 1]
        i = low + 1
        j = high
        item = index[low]
        pivot = key[item]
        while True:
            i += 1
            while key[index[i]] < pivot:
                i += 1
            j -= 1
            while key[index[j]] > pivot:
                j -= 1
            if j < i:
                break
            index[i], index[j] = index[j], index[i]
        index[low] = index[j]
        index[j] = item
        # Parts are [low, j-1] and [i, high]; the larger one waits on the stack.
        if high - i + 1 >= j - low:
            stack[depth] = i
            stack[depth + 1] = high
            high = j - 1
        else:
            stack[depth] = low
            stack[depth + 1] = j - 1
            low = i
        depth += 2


def classic_argsort(const double[::1] key):
    """Indices that sort `key`, ties as in the classic program: ndarray of shape (n,)."""
    order = np.empty(key.shape[0], dtype=np.intp)
    cdef Py_ssize_t[::1] index = order
    if key.shape[0]:
        with nogil:
            _sort(&key[0], &index[0], key.shape[0])
    return order


cdef void _alternate(Py_ssize_t* items, Py_ssize_t* copy, Py_ssize_t n) noexcept nogil:
    """Take items from both ends in turn: 1, n, n-1, 2, 3, n-2, n-3, 4, …"""
    cdef Py_ssize_t i, low = 0, high = n - 1
    for i in range(n):
        copy[i] = items[i]
    for i in range(n):
        if i % 4 == 0 or i % 4 == 3:
            items[i] = copy[low]
            low += 1
        else:
            items[i] = copy[high]
            high -= 1


cdef inline Py_ssize_t _nearest(double x) noexcept nogil:
    """Nearest integer, halves away from zero; `x` is not negative."""
    return <Py_ssize_t>floor(x + 0.5)


cdef void _arrange(const double* sizes, Py_ssize_t* order, Py_ssize_t* work, Py_ssize_t* index, Py_ssize_t n) noexcept nogil:
    """Places of `n` daughters with these numbers of minima: large ones spread among groups of small ones."""
    cdef Py_ssize_t p = n - 1, big, small, q, place = 0
    cdef double largest, pad
    _sort(sizes, index, n)
    largest = sizes[index[n - 1]]
    while p >= 0 and sizes[index[p]] / largest >= 0.5:
        p -= 1
    big = n - 1 - p
    small = n - big
    _alternate(index, work, small)
    _alternate(index + small, work, big)
    pad = <double>small / (big + 1)
    for p in range(_nearest(pad)):
        order[place] = index[p]
        place += 1
    for q in range(1, big + 1):
        order[place] = index[n - q]
        place += 1
        for p in range(_nearest(pad * q), _nearest(pad * (q + 1))):
            order[place] = index[p]
            place += 1


def place_columns(const Py_ssize_t[::1] roots, const Py_ssize_t[::1] start, const Py_ssize_t[::1] daughter,
                  const Py_ssize_t[::1] size, const unsigned char[::1] central, bint centre):
    """First column of every node, counted from 0, in the classic drawing order.

    Parameters
    ----------
    roots : top nodes in the order of their first minimum
    start, daughter : daughters of node c are daughter[start[c]:start[c + 1]], in the order of their first minimum
    size : numbers of minima
    central : whether a node holds the lowest minimum
    centre : whether that node goes to the middle of its siblings

    Returns
    -------
    column : array over nodes
    """
    cdef Py_ssize_t nodes = size.shape[0], c, d, k, n, widest = 0, place, swap
    column_array = np.full(nodes, -1, dtype=np.intp)
    cdef Py_ssize_t[::1] column = column_array
    for c in range(nodes):
        widest = max(widest, start[c + 1] - start[c])
    cdef Py_ssize_t* order = <Py_ssize_t*>malloc((3 * widest + 1) * sizeof(Py_ssize_t))
    cdef double* sizes = <double*>malloc((widest + 1) * sizeof(double))
    if order == NULL or sizes == NULL:
        free(order)
        free(sizes)
        raise MemoryError("columns of the graph")
    with nogil:
        place = 0
        for k in range(roots.shape[0]):
            column[roots[k]] = place
            place += size[roots[k]]
        for c in range(nodes - 1, -1, -1):
            n = start[c + 1] - start[c]
            if n == 0:
                continue
            for k in range(n):
                sizes[k] = <double>size[daughter[start[c] + k]]
            _arrange(sizes, order, order + widest, order + 2 * widest, n)
            if centre:
                for k in range(n):
                    if central[daughter[start[c] + order[k]]]:
                        swap = order[n // 2]
                        order[n // 2] = order[k]
                        order[k] = swap
                        break
            place = column[c]
            for k in range(n):
                d = daughter[start[c] + order[k]]
                column[d] = place
                place += size[d]
    free(order)
    free(sizes)
    return column_array
