"""Elimination of minima from a network of conductances, without a subtraction.

Removing minimum x from a network with conductances c and masses m leaves the currents between all others as they were:

    c_ij += c_ix c_xj / s_x,   m_i += c_ix m_x / s_x,   s_x = sum over the remaining j of c_xj

(star-mesh transformation; graph transformation of Wales, J. Chem. Phys. 130, 204111 (2009), in the form of Grassmann, Taksar
and Heyman: 1 - P_xx is the sum of the other branching probabilities). Every quantity is a sum of products of positive numbers,
so each is right to nearly all digits however ill-conditioned the network is.

Minima with few neighbours are eliminated in sparse rows of numbers of extended range; the others, if there are enough of them,
in panels of doubles, where matrix products do the work. When the conductances span too many magnitudes for doubles, all rows
are sparse.
"""

import numpy as np

from libc.math cimport frexp, ldexp
from libc.stdlib cimport calloc, free, malloc, realloc
from pathsample.kinetics._block_elimination cimport (
    blocks_eliminate, blocks_entry, blocks_free, blocks_new, blocks_t, panel_length, panel_width)
from pathsample.kinetics._block_solve cimport in_unit, solve_panels, spread_mass
from pathsample.kinetics._extended_range cimport entry_t, wide_add, wide_divide, wide_multiply, wide_t

from pathsample.kinetics._block_structure import PANEL, Structure, join_supervariables
from pathsample.kinetics._elimination_order import elimination_order

#: ln of the unit of the exponent of extended-range numbers.
LN_UNIT = 512 * np.log(2.0)
#: Minima with at most so many neighbours are eliminated in sparse rows, unless one with more comes before.
LIGHT = 16
#: Panels pay when the rest takes more multiplications than this: a third of a second of sparse rows.
HEAVY_WORK = 3e7
#: Largest span of conductances in panels, in bits, and the exponent of the largest: factors c/s stay within doubles; what is
#: lost is 2^-500 of the smallest conductance.
SPAN = 900
cdef int TOP_C = 480


def split(ln_values):
    """Numbers given by their logarithms as mantissas and exponents of extended range."""
    ln_values = np.asarray(ln_values, dtype=np.float64)
    finite = np.isfinite(ln_values)
    exponents = np.rint(np.where(finite, ln_values, 0.0) / LN_UNIT)
    # the unit in two parts, so that the remainder is exact to the last digits of the logarithm
    remainder = (ln_values - exponents * (512 * 0.693147180369123816490)) - exponents * (512 * 1.90821492927058770002e-10)
    mantissas = np.where(finite, np.exp(np.where(finite, remainder, 0.0)), 0.0)
    return mantissas, exponents.astype(np.int32)


def joined(mantissas, exponents):
    """The logarithms of extended-range numbers; -inf for zero."""
    with np.errstate(divide="ignore"):
        return np.log(mantissas) + exponents * LN_UNIT


def check(int status):
    """Raise what a status of the elimination means."""
    if status == 1:
        raise MemoryError
    if status == 2:
        raise ValueError("a minimum to be eliminated is not connected to any that stays")


cdef class Elimination:
    """A network of conductances from which minima are eliminated.

    Parameters
    ----------
    n : int
        Number of minima.
    low, high : ndarray of shape (m,), int64
        Ends of the edges, counted from 0; each pair once, low differs from high.
    ln_conductance : ndarray of shape (m,)
    ln_mass : ndarray of shape (n,)
        ln of what is accumulated: occupations, for waiting times.
    """

    cdef entry_t** row
    cdef int* length
    cdef int* capacity
    cdef wide_t* mass
    cdef wide_t* total
    cdef int* position
    cdef long* stamp
    cdef long now
    cdef int* order
    cdef int n_order
    cdef char* gone
    cdef blocks_t* blocks
    cdef int scale
    cdef object structure, block_nodes
    cdef readonly Py_ssize_t n

    def __cinit__(self, Py_ssize_t n, low, high, ln_conductance, ln_mass):
        self.n = n
        self.row = <entry_t**>calloc(n + 1, sizeof(entry_t*))
        self.length = <int*>calloc(n + 1, sizeof(int))
        self.capacity = <int*>calloc(n + 1, sizeof(int))
        self.mass = <wide_t*>calloc(n + 1, sizeof(wide_t))
        self.total = <wide_t*>calloc(n + 1, sizeof(wide_t))
        self.position = <int*>calloc(n + 1, sizeof(int))
        self.stamp = <long*>calloc(n + 1, sizeof(long))
        self.order = <int*>calloc(n + 1, sizeof(int))
        self.gone = <char*>calloc(n + 1, sizeof(char))
        if (self.row == NULL or self.length == NULL or self.capacity == NULL or self.mass == NULL or self.total == NULL
                or self.position == NULL or self.stamp == NULL or self.order == NULL or self.gone == NULL):
            raise MemoryError
        self.block_nodes = np.zeros(1, dtype=np.int32)
        self.fill(low, high, ln_conductance, ln_mass)

    def __dealloc__(self):
        cdef Py_ssize_t i
        if self.row != NULL:
            for i in range(self.n):
                free(self.row[i])
        free(self.row)
        free(self.length)
        free(self.capacity)
        free(self.mass)
        free(self.total)
        free(self.position)
        free(self.stamp)
        free(self.order)
        free(self.gone)
        blocks_free(self.blocks)

    def fill(self, low, high, ln_conductance, ln_mass):
        """Build the rows."""
        cdef long long[::1] a = np.ascontiguousarray(low, dtype=np.int64)
        cdef long long[::1] b = np.ascontiguousarray(high, dtype=np.int64)
        m, e = split(ln_conductance)
        cdef double[::1] cm = np.ascontiguousarray(m)
        cdef int[::1] ce = np.ascontiguousarray(e)
        m, e = split(ln_mass)
        cdef double[::1] mm = np.ascontiguousarray(m)
        cdef int[::1] me = np.ascontiguousarray(e)
        cdef Py_ssize_t k
        cdef Py_ssize_t n_edges = a.shape[0]
        cdef int x, y
        if mm.shape[0] != self.n or cm.shape[0] != n_edges or b.shape[0] != n_edges:
            raise ValueError("arrays of different lengths")
        for k in range(n_edges):
            if a[k] < 0 or b[k] < 0 or a[k] >= self.n or b[k] >= self.n or a[k] == b[k]:
                raise ValueError(f"edge {k} joins {a[k]} and {b[k]} of {self.n} minima")
            self.capacity[a[k]] += 1
            self.capacity[b[k]] += 1
        for k in range(self.n):
            self.capacity[k] += 2
            self.row[k] = <entry_t*>malloc(self.capacity[k] * sizeof(entry_t))
            if self.row[k] == NULL:
                raise MemoryError
            self.mass[k].m = mm[k]
            self.mass[k].e = me[k]
        for k in range(n_edges):
            if cm[k] == 0.0:
                continue
            x, y = <int>a[k], <int>b[k]
            self.row[x][self.length[x]] = entry_t(cm[k], ce[k], y)
            self.row[y][self.length[y]] = entry_t(cm[k], ce[k], x)
            self.length[x] += 1
            self.length[y] += 1

    def eliminate(self, mask, panels=None):
        """Eliminate the minima of a mask.

        Parameters
        ----------
        mask : ndarray of shape (n,), bool
            At least one minimum of each connected component has to stay. May be called once.
        panels : bool, optional
            Whether panels of doubles are used, for all minima or none; by default where they pay.

        Raises
        ------
        MemoryError
        ValueError
            A minimum had no connection left.
        """
        chosen = np.ascontiguousarray(mask, dtype=bool)
        if chosen.shape[0] != self.n or self.n_order or self.blocks != NULL:
            raise ValueError("eliminate needs a mask over all minima, and works once")
        indptr, indices = self.graph(np.arange(self.n))
        _, width, height, parent, members = elimination_order(indptr, indices, ~chosen)
        heavy = self.heavy(height, parent)
        if panels is None:
            wide, deep = width[heavy].astype(np.float64), height[heavy].astype(np.float64)
            panels = (wide * (wide**2 / 3 + wide * deep + deep**2) / 2).sum() > HEAVY_WORK
        elif panels:
            heavy[:] = True
        if not panels:
            heavy[:] = False
        self.eliminate_sparse(members[np.repeat(~heavy, width)])
        if heavy.any():
            rest = members[np.repeat(heavy, width)]
            if self.set_scale():
                place = np.cumsum(heavy, dtype=np.int32) - 1
                up = np.where(parent[heavy] >= 0, place[parent[heavy]], -1).astype(np.int32)
                group = join_supervariables(width[heavy], height[heavy], up)
                self.eliminate_blocks(rest, np.repeat(group, width[heavy]))
            else:
                self.eliminate_sparse(rest)

    def heavy(self, height, parent):
        """Supervariables with many neighbours, and those that need their results."""
        cdef const int[::1] up = np.ascontiguousarray(parent, dtype=np.int32)
        found = height > LIGHT
        cdef unsigned char[::1] flag = found.view(np.uint8)
        cdef Py_ssize_t k
        for k in range(flag.shape[0]):
            if flag[k] and up[k] >= 0:
                flag[up[k]] = 1
        return found

    def graph(self, nodes):
        """Compressed rows (indptr, indices) of some minima."""
        cdef const long long[::1] wanted = np.ascontiguousarray(nodes, dtype=np.int64)
        cdef Py_ssize_t k, p, at = 0
        indptr = np.zeros(wanted.shape[0] + 1, dtype=np.int64)
        cdef long long[::1] pointer = indptr
        for k in range(wanted.shape[0]):
            pointer[k + 1] = pointer[k] + self.length[wanted[k]]
        indices = np.empty(indptr[wanted.shape[0]], dtype=np.int64)
        cdef long long[::1] column = indices
        for k in range(wanted.shape[0]):
            for p in range(self.length[wanted[k]]):
                column[at] = self.row[wanted[k]][p].j
                at += 1
        return indptr, indices

    def eliminate_sparse(self, nodes):
        """Eliminate minima one by one in their order."""
        cdef const int[::1] wanted = np.ascontiguousarray(nodes, dtype=np.int32)
        cdef Py_ssize_t k
        cdef int status = 0
        with nogil:
            for k in range(wanted.shape[0]):
                status = self._pivot(wanted[k])
                if status:
                    break
        check(status)

    def set_scale(self):
        """Whether the conductances of what is left fit in panels; then their exponents are shifted by ``scale``."""
        cdef int exponent, low = 2**30, high = -2**30, p
        cdef Py_ssize_t i
        for i in range(self.n):
            if not self.gone[i]:
                for p in range(self.length[i]):
                    frexp(self.row[i][p].m, &exponent)
                    exponent += 512 * self.row[i][p].e
                    low = exponent if exponent < low else low
                    high = exponent if exponent > high else high
        self.scale = high - TOP_C
        return high - low <= SPAN

    def eliminate_blocks(self, pivots, group):
        """Eliminate minima in panels; ``group`` says which ones belong together."""
        order = np.argsort(group, kind="stable")
        pivots, group = pivots[order], group[order]
        indptr, indices = self.graph(pivots)
        place = np.full(self.n, -1, dtype=np.int64)
        place[pivots] = np.arange(len(pivots))
        behind = np.unique(indices[place[indices] < 0])
        place[behind] = len(pivots) + np.arange(len(behind))
        nodes = np.concatenate([pivots, behind])
        indptr = np.concatenate([indptr, np.full(len(behind), len(indices))])
        names, block = np.unique(group, return_inverse=True)
        block = np.concatenate([block, len(names) + np.arange(len(behind)) // PANEL])
        found = Structure(indptr, place[indices], block, len(pivots))
        self.structure, self.block_nodes = found, nodes.astype(np.int32)
        cdef const long long[::1] first = found.first
        cdef const long long[::1] start = found.start
        cdef const int[::1] columns = np.concatenate([found.columns, np.zeros(1, dtype=np.int32)])
        cdef const int[::1] owner = found.owner
        cdef const int[::1] node = self.block_nodes
        self.structure = (found, columns)
        self.blocks = blocks_new(len(nodes), len(pivots), first.shape[0] - 1, found.pivot_panels, &first[0], &start[0],
                                 &columns[0], &owner[0])
        if self.blocks == NULL:
            raise MemoryError
        cdef Py_ssize_t i
        for i in range(node.shape[0]):
            self.position[node[i]] = <int>i
        cdef int status
        with nogil:
            self._load(&node[0])
            status = blocks_eliminate(self.blocks)
            if status == 0:
                spread_mass(self.blocks, self.scale, &node[0], self.mass)
                status = self._unload(&node[0])
        check(status)

    cdef int _pivot(self, int x) noexcept nogil:
        """Eliminate one minimum; its row, divided by its sum, stays for `solve`."""
        cdef entry_t* mine = self.row[x]
        cdef entry_t* theirs
        cdef int count = self.length[x], p, q, i, j, at, size
        cdef wide_t s, f, t, r
        cdef int* position = self.position
        cdef long* stamp = self.stamp
        if count == 0:
            return 2
        s.m = 0.0
        s.e = 0
        for p in range(count):
            s = wide_add(s.m, s.e, mine[p].m, mine[p].e)
        for p in range(count):
            i = mine[p].j
            f = wide_divide(mine[p].m, mine[p].e, s.m, s.e)
            theirs = self.row[i]
            size = self.length[i]
            self.now += 1
            at = -1
            for q in range(size):
                j = theirs[q].j
                position[j] = q
                stamp[j] = self.now
            # x leaves the row
            at = position[x]
            size -= 1
            theirs[at] = theirs[size]
            position[theirs[at].j] = at
            stamp[x] = 0
            if size + count > self.capacity[i]:
                self.capacity[i] = size + count + (size + count) // 4
                theirs = <entry_t*>realloc(theirs, self.capacity[i] * sizeof(entry_t))
                if theirs == NULL:
                    return 1
                self.row[i] = theirs
            for q in range(count):
                if q == p:
                    continue
                j = mine[q].j
                t = wide_multiply(f.m, f.e, mine[q].m, mine[q].e)
                if stamp[j] == self.now:
                    at = position[j]
                    r = wide_add(theirs[at].m, theirs[at].e, t.m, t.e)
                    theirs[at].m = r.m
                    theirs[at].e = r.e
                else:
                    theirs[size].m = t.m
                    theirs[size].e = t.e
                    theirs[size].j = j
                    size += 1
            self.length[i] = size
            t = wide_multiply(f.m, f.e, self.mass[x].m, self.mass[x].e)
            self.mass[i] = wide_add(self.mass[i].m, self.mass[i].e, t.m, t.e)
        for p in range(count):
            r = wide_divide(mine[p].m, mine[p].e, s.m, s.e)
            mine[p].m = r.m
            mine[p].e = r.e
        self.mass[x] = wide_divide(self.mass[x].m, self.mass[x].e, s.m, s.e)
        self.total[x] = s
        self.capacity[x] = count
        self.row[x] = <entry_t*>realloc(mine, count * sizeof(entry_t))
        self.gone[x] = 1
        self.order[self.n_order] = x
        self.n_order += 1
        return 0

    cdef void _load(self, const int* node) noexcept nogil:
        """Rows of the pivots as panels; their sparse rows end."""
        cdef blocks_t* d = self.blocks
        cdef Py_ssize_t i, j
        cdef int x, p
        for i in range(d.pivots):
            x = node[i]
            for p in range(self.length[x]):
                j = self.position[self.row[x][p].j]
                if j > i:
                    blocks_entry(d, i, <int>j)[0] = ldexp(self.row[x][p].m, 512 * self.row[x][p].e - self.scale)
            free(self.row[x])
            self.row[x] = NULL
            self.length[x] = 0
            self.capacity[x] = 0
            self.gone[x] = 1

    cdef int _unload(self, const int* node) noexcept nogil:
        """Sparse rows of what stays, with the connections that the panels made."""
        cdef blocks_t* d = self.blocks
        cdef Py_ssize_t p, x, q, length
        cdef int i, j, k, kept
        cdef double v
        cdef wide_t t
        for x in range(d.pivots, d.size):
            i = node[x]
            kept = 0
            for k in range(self.length[i]):
                if not self.gone[self.row[i][k].j]:
                    self.row[i][kept] = self.row[i][k]
                    kept += 1
            self.length[i] = kept
        for p in range(d.pivot_panels, d.panels):
            length = panel_length(d, p)
            for x in range(d.first[p], d.first[p + 1]):
                i = node[x]
                self.now += 1
                for k in range(self.length[i]):
                    self.stamp[self.row[i][k].j] = self.now
                    self.position[self.row[i][k].j] = k
                for q in range(x - d.first[p] + 1, length):
                    v = d.value[p][(x - d.first[p]) * length + q]
                    if v == 0.0:
                        continue
                    j = node[d.first[p] + q if q < panel_width(d, p) else d.columns[d.start[p] + q - panel_width(d, p)]]
                    t = in_unit(v, self.scale)
                    if self.stamp[j] != self.now:
                        if self._append(i, j) or self._append(j, i):
                            return 1
                        self.stamp[j] = self.now
                        self.position[j] = self.length[i] - 1
                    self._add(i, self.position[j], t)
                    for k in range(self.length[j] - 1, -1, -1):
                        if self.row[j][k].j == i:
                            self._add(j, k, t)
                            break
        return 0

    cdef int _append(self, int i, int j) noexcept nogil:
        """An empty entry at the end of a sparse row; 1 when memory runs out."""
        cdef entry_t* longer
        if self.length[i] == self.capacity[i]:
            longer = <entry_t*>realloc(self.row[i], (2 * self.capacity[i] + 4) * sizeof(entry_t))
            if longer == NULL:
                return 1
            self.row[i] = longer
            self.capacity[i] = 2 * self.capacity[i] + 4
        self.row[i][self.length[i]] = entry_t(0.0, 0, j)
        self.length[i] += 1
        return 0

    cdef void _add(self, int i, int k, wide_t t) noexcept nogil:
        cdef wide_t r = wide_add(self.row[i][k].m, self.row[i][k].e, t.m, t.e)
        self.row[i][k].m = r.m
        self.row[i][k].e = r.e

    def remaining(self):
        """The network that is left.

        Returns
        -------
        nodes : ndarray of int64
            Minima that stay, ascending.
        low, high : ndarray of int64
            Edges, as positions in ``nodes``.
        ln_conductance : ndarray
        ln_mass : ndarray
            Of the minima that stay.
        """
        cdef Py_ssize_t i, count = 0, k = 0
        cdef int p
        gone = np.empty(self.n, dtype=bool)
        for i in range(self.n):
            gone[i] = self.gone[i]
            if not self.gone[i]:
                count += self.length[i]
        nodes = np.flatnonzero(~gone)
        place = np.cumsum(~gone) - 1
        a, b = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        m, e = np.empty(count), np.empty(count, dtype=np.int32)
        cdef long long[::1] av = a
        cdef long long[::1] bv = b
        cdef double[::1] mv = m
        cdef int[::1] ev = e
        for i in range(self.n):
            if not self.gone[i]:
                for p in range(self.length[i]):
                    if self.row[i][p].j > i:
                        av[k], bv[k] = i, self.row[i][p].j
                        mv[k], ev[k] = self.row[i][p].m, self.row[i][p].e
                        k += 1
        mass_m, mass_e = np.empty(self.n), np.empty(self.n, dtype=np.int32)
        for i in range(self.n):
            mass_m[i], mass_e[i] = self.mass[i].m, self.mass[i].e
        return nodes, place[a[:k]], place[b[:k]], joined(m[:k], e[:k]), joined(mass_m, mass_e)[nodes]

    def solve(self, ln_boundary, bint with_mass):
        """Averages over the first step, minimum by minimum in the reverse order of elimination.

        x_i = t_i + sum_j P_ij x_j with the branching probabilities P and the masses over sums t at the elimination of i: with
        masses, mean first-passage times to boundary values of 0; without, committors to boundary values 0 and 1.

        Parameters
        ----------
        ln_boundary : ndarray of shape (n,)
            ln x of the minima that stay; the others are ignored.
        with_mass : bool

        Returns
        -------
        ndarray of shape (n,)
            ln x of all minima.
        """
        cdef Py_ssize_t k, j
        cdef int p, node
        cdef const int[::1] nodes = self.block_nodes
        cdef wide_t s, r
        m, e = split(ln_boundary)
        cdef double[::1] xm = np.ascontiguousarray(m)
        cdef int[::1] xe = np.ascontiguousarray(e)
        if xm.shape[0] != self.n:
            raise ValueError("one boundary value per minimum is needed")
        with nogil:
            if self.blocks != NULL:
                solve_panels(self.blocks, &nodes[0], self.mass if with_mass else NULL, &xm[0], &xe[0])
            for k in range(self.n_order - 1, -1, -1):
                node = self.order[k]
                s.m = 0.0
                s.e = 0
                for p in range(self.length[node]):
                    j = self.row[node][p].j
                    r = wide_multiply(self.row[node][p].m, self.row[node][p].e, xm[j], xe[j])
                    s = wide_add(s.m, s.e, r.m, r.e)
                if with_mass:
                    s = wide_add(s.m, s.e, self.mass[node].m, self.mass[node].e)
                xm[node] = s.m
                xe[node] = s.e
        return joined(np.asarray(xm), np.asarray(xe))

    def set_mass(self, ln_mass):
        """Accumulate other masses in the network that was eliminated.

        Parameters
        ----------
        ln_mass : ndarray of shape (n,)
            As in the constructor; `solve` and `remaining` then speak of these.
        """
        cdef Py_ssize_t k, j
        cdef int p, node
        cdef const int[::1] nodes = self.block_nodes
        cdef wide_t f
        m, e_all = split(ln_mass)
        cdef double[::1] mm = np.ascontiguousarray(m)
        cdef int[::1] me = np.ascontiguousarray(e_all)
        if mm.shape[0] != self.n:
            raise ValueError("one mass per minimum is needed")
        with nogil:
            for k in range(self.n):
                self.mass[k].m = mm[k]
                self.mass[k].e = me[k]
            # P_xi is c_xi / s_x, what x hands on to i, because the network is symmetric
            for k in range(self.n_order):
                node = self.order[k]
                for p in range(self.length[node]):
                    j = self.row[node][p].j
                    f = wide_multiply(self.row[node][p].m, self.row[node][p].e, self.mass[node].m, self.mass[node].e)
                    self.mass[j] = wide_add(self.mass[j].m, self.mass[j].e, f.m, f.e)
                self.mass[node] = wide_divide(self.mass[node].m, self.mass[node].e, self.total[node].m, self.total[node].e)
            if self.blocks != NULL:
                spread_mass(self.blocks, self.scale, &nodes[0], self.mass)

    @property
    def block_rows(self):
        """Minima eliminated in panels."""
        return 0 if self.blocks == NULL else self.blocks.pivots

    @property
    def block_entries(self):
        """Numbers in the panels."""
        return 0 if self.blocks == NULL else self.structure[0].entries
