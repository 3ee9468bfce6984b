"""Elimination of minima from a network of conductances, without a subtraction.

Removing minimum x from a network with conductances c and masses m leaves the currents between all others as they were:

    c_ij += c_ix c_xj / s_x,   m_i += c_ix m_x / s_x,   s_x = sum over the remaining j of c_xj

(star-mesh transformation; graph transformation of Wales, J. Chem. Phys. 130, 204111 (2009), in the form of Grassmann, Taksar
and Heyman: 1 - P_xx is the sum of the other branching probabilities). Every quantity is a sum of products of positive numbers,
so each is right to nearly all digits however ill-conditioned the network is.

Sparse rows of numbers of extended range while the network is sparse, minima of fewest neighbours first; one dense matrix,
once it has filled up.
"""

import numpy as np

from libc.math cimport exp, log
from libc.stdlib cimport calloc, free, malloc, realloc
from pathsample.kinetics._dense_elimination cimport dense_eliminate, dense_free, dense_new, dense_row, dense_t


cdef extern from "extended_range.h" nogil:
    ctypedef struct wide_t:
        double m
        int e
    ctypedef struct entry_t:
        double m
        int e
        int j
    wide_t wide_multiply(double am, int ae, double bm, int be)
    wide_t wide_divide(double am, int ae, double bm, int be)
    wide_t wide_add(double am, int ae, double bm, int be)

#: ln of the unit of the exponent of extended-range numbers.
LN_UNIT = 512 * np.log(2.0)
cdef double LN_UNIT_C = 512 * 0.6931471805599453
#: The dense matrix takes over when this fraction of all pairs of remaining minima is connected, and there are enough of them.
DENSE_FRACTION = 0.05
#: Largest dense matrix: the triangle of 15,500 rows is 0.98 GB.
DENSE_MAXIMUM = 15500
cdef int DENSE_MINIMUM_C = 64
#: Largest span of ln c for which the dense matrix of doubles loses nothing: entries, also over roots of sums, stay in range.
cdef double DENSE_SPAN_C = 880.0


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
    dense_fraction : float
    dense_maximum : int
    """

    cdef entry_t** row
    cdef int* length
    cdef int* capacity
    cdef wide_t* mass
    cdef wide_t* total
    cdef int* position
    cdef long* stamp
    cdef long now
    cdef int* bucket
    cdef int* following
    cdef int* preceding
    cdef int* order
    cdef int n_order
    cdef char* gone
    cdef dense_t* dense
    cdef int* dense_node
    cdef double dense_shift
    cdef Py_ssize_t entries
    cdef readonly Py_ssize_t n
    cdef readonly Py_ssize_t peak_entries
    cdef double dense_fraction
    cdef int dense_maximum
    cdef int failed

    def __cinit__(self, Py_ssize_t n, low, high, ln_conductance, ln_mass, double dense_fraction=-1.0, int dense_maximum=-1):
        self.n = n
        self.dense_fraction = DENSE_FRACTION if dense_fraction < 0 else dense_fraction
        self.dense_maximum = DENSE_MAXIMUM if dense_maximum < 0 else dense_maximum
        self.row = <entry_t**>calloc(n + 1, sizeof(entry_t*))
        self.length = <int*>calloc(n + 1, sizeof(int))
        self.capacity = <int*>calloc(n + 1, sizeof(int))
        self.mass = <wide_t*>calloc(n + 1, sizeof(wide_t))
        self.total = <wide_t*>calloc(n + 1, sizeof(wide_t))
        self.position = <int*>calloc(n + 1, sizeof(int))
        self.stamp = <long*>calloc(n + 1, sizeof(long))
        self.bucket = <int*>calloc(n + 2, sizeof(int))
        self.following = <int*>calloc(n + 1, sizeof(int))
        self.preceding = <int*>calloc(n + 1, sizeof(int))
        self.order = <int*>calloc(n + 1, sizeof(int))
        self.gone = <char*>calloc(n + 1, sizeof(char))
        if (self.row == NULL or self.length == NULL or self.capacity == NULL or self.mass == NULL or self.total == NULL
                or self.position == NULL or self.stamp == NULL or self.bucket == NULL or self.following == NULL
                or self.preceding == NULL or self.order == NULL or self.gone == NULL):
            raise MemoryError
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
        free(self.bucket)
        free(self.following)
        free(self.preceding)
        free(self.order)
        free(self.gone)
        dense_free(self.dense)
        free(self.dense_node)

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
            self.entries += 2

    def eliminate(self, mask):
        """Eliminate the minima of a mask, fewest neighbours first.

        Parameters
        ----------
        mask : ndarray of shape (n,), bool
            At least one minimum of each connected component has to stay. May be called once.

        Raises
        ------
        MemoryError
        ValueError
            A minimum had no connection left.
        """
        cdef unsigned char[::1] chosen = np.ascontiguousarray(mask, dtype=np.uint8)
        cdef int status
        if chosen.shape[0] != self.n or self.n_order or self.dense != NULL:
            raise ValueError("eliminate needs a mask over all minima, and works once")
        with nogil:
            status = self._eliminate(&chosen[0] if self.n else NULL)
        if status == 1:
            raise MemoryError
        if status == 2:
            raise ValueError("a minimum to be eliminated is not connected to any that stays")

    cdef void _link(self, int x) noexcept nogil:
        cdef int d = self.length[x]
        self.following[x] = self.bucket[d]
        self.preceding[x] = -1
        if self.bucket[d] >= 0:
            self.preceding[self.bucket[d]] = x
        self.bucket[d] = x

    cdef void _unlink(self, int x, int d) noexcept nogil:
        if self.preceding[x] >= 0:
            self.following[self.preceding[x]] = self.following[x]
        else:
            self.bucket[d] = self.following[x]
        if self.following[x] >= 0:
            self.preceding[self.following[x]] = self.preceding[x]

    cdef int _eliminate(self, unsigned char* chosen) noexcept nogil:
        """0 done, 1 out of memory, 2 an isolated minimum."""
        cdef Py_ssize_t i, left = 0, active = self.n
        cdef int x, d = 0, status
        cdef double pairs
        for i in range(self.n + 1):
            self.bucket[i] = -1
        for i in range(self.n):
            if chosen[i]:
                left += 1
        # backwards, so that among equals the lowest number goes first
        for i in range(self.n - 1, -1, -1):
            if chosen[i]:
                self._link(<int>i)
        while left:
            pairs = <double>active * (active - 1)
            if active <= self.dense_maximum and left >= DENSE_MINIMUM_C and self.entries > self.dense_fraction * pairs:
                status = self._dense(chosen, active, left)
                if status >= 0:
                    return status
                # the span is too large for doubles: go on with sparse rows
                self.dense_maximum = 0
            while self.bucket[d] < 0:
                d += 1
            x = self.bucket[d]
            self._unlink(x, d)
            status = self._pivot(x, chosen)
            if status:
                return status
            d = d - 1 if d > 0 else 0
            left -= 1
            active -= 1
        return 0

    cdef int _pivot(self, int x, unsigned char* chosen) noexcept nogil:
        """Eliminate one minimum; its row, divided by its sum, stays for `solve`."""
        cdef entry_t* mine = self.row[x]
        cdef entry_t* theirs
        cdef int count = self.length[x], p, q, i, j, at, size, before
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
            before = size
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
            self.entries += size - before
            if chosen[i]:
                self._unlink(i, before)
                self.length[i] = size
                self._link(i)
            else:
                self.length[i] = size
            t = wide_multiply(f.m, f.e, self.mass[x].m, self.mass[x].e)
            self.mass[i] = wide_add(self.mass[i].m, self.mass[i].e, t.m, t.e)
        for p in range(count):
            r = wide_divide(mine[p].m, mine[p].e, s.m, s.e)
            mine[p].m = r.m
            mine[p].e = r.e
        self.mass[x] = wide_divide(self.mass[x].m, self.mass[x].e, s.m, s.e)
        self.total[x] = s
        self.entries -= count
        if self.entries > self.peak_entries:
            self.peak_entries = self.entries
        self.capacity[x] = count
        self.row[x] = <entry_t*>realloc(mine, count * sizeof(entry_t))
        self.gone[x] = 1
        self.order[self.n_order] = x
        self.n_order += 1
        return 0

    cdef int _dense(self, unsigned char* chosen, Py_ssize_t active, Py_ssize_t left) noexcept nogil:
        """Eliminate all that is left in one dense upper triangle. -1 when its entries span too many magnitudes."""
        cdef Py_ssize_t i, j, front = 0, back = left
        cdef int node, p, status
        cdef double lowest = 1e300, highest = -1e300, v
        cdef double* u
        for i in range(self.n):
            if not self.gone[i]:
                for p in range(self.length[i]):
                    v = log(self.row[i][p].m) + self.row[i][p].e * LN_UNIT_C
                    if v < lowest:
                        lowest = v
                    if v > highest:
                        highest = v
        if highest - lowest > DENSE_SPAN_C:
            return -1
        self.dense_shift = 0.5 * (highest + lowest)
        self.dense_node = <int*>malloc(active * sizeof(int))
        self.dense = dense_new(active, left)
        if self.dense_node == NULL or self.dense == NULL:
            return 1
        for i in range(self.n):
            if not self.gone[i]:
                if chosen[i]:
                    self.dense_node[front] = <int>i
                    self.position[i] = <int>front
                    front += 1
                else:
                    self.dense_node[back] = <int>i
                    self.position[i] = <int>back
                    back += 1
        for i in range(active):
            node = self.dense_node[i]
            u = dense_row(self.dense, i)
            for p in range(self.length[node]):
                j = self.position[self.row[node][p].j]
                if j > i:
                    u[j] = exp(log(self.row[node][p].m) + self.row[node][p].e * LN_UNIT_C - self.dense_shift)
            free(self.row[node])
            self.row[node] = NULL
            self.length[node] = 0
            self.capacity[node] = 0
        status = dense_eliminate(self.dense)
        if status:
            return status
        self._spread_mass()
        return self._undense()

    cdef void _spread_mass(self) noexcept nogil:
        """Hand on the masses of what the dense matrix eliminated, and divide them by its sums."""
        cdef Py_ssize_t x, j, i
        cdef int node, e = <int>(self.dense_shift / LN_UNIT_C)
        cdef double unit = exp(self.dense_shift - e * LN_UNIT_C)
        cdef double* u
        cdef wide_t f
        for x in range(self.dense.pivots):
            node = self.dense_node[x]
            u = dense_row(self.dense, x)
            for j in range(x + 1, self.dense.size):
                if u[j] != 0.0:
                    f = wide_multiply(u[j] / self.dense.sums[x], 0, self.mass[node].m, self.mass[node].e)
                    i = self.dense_node[j]
                    self.mass[i] = wide_add(self.mass[i].m, self.mass[i].e, f.m, f.e)
            # the sums are in units of exp(shift)
            f = wide_multiply(self.dense.sums[x], 0, unit, e)
            self.mass[node] = wide_divide(self.mass[node].m, self.mass[node].e, f.m, f.e)

    cdef int _undense(self) noexcept nogil:
        """Sparse rows of what stays, out of the dense matrix."""
        cdef Py_ssize_t size = self.dense.size, pivots = self.dense.pivots, x, y
        cdef int i, e = <int>(self.dense_shift / LN_UNIT_C)
        cdef double v, unit = exp(self.dense_shift - e * LN_UNIT_C)
        cdef wide_t r
        for x in range(pivots):
            self.gone[self.dense_node[x]] = 1
        for x in range(pivots, size):
            i = self.dense_node[x]
            self.row[i] = <entry_t*>malloc((size - pivots + 1) * sizeof(entry_t))
            if self.row[i] == NULL:
                return 1
            self.capacity[i] = <int>(size - pivots + 1)
            for y in range(pivots, size):
                v = dense_row(self.dense, x)[y] if y > x else dense_row(self.dense, y)[x]
                if y == x or v == 0.0:
                    continue
                r = wide_multiply(v, 0, unit, e)
                self.row[i][self.length[i]].m = r.m
                self.row[i][self.length[i]].e = r.e
                self.row[i][self.length[i]].j = self.dense_node[y]
                self.length[i] += 1
        return 0

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
        cdef Py_ssize_t k, x, j
        cdef int p, node
        cdef double* u
        cdef wide_t s, r
        m, e = split(ln_boundary)
        cdef double[::1] xm = np.ascontiguousarray(m)
        cdef int[::1] xe = np.ascontiguousarray(e)
        if xm.shape[0] != self.n:
            raise ValueError("one boundary value per minimum is needed")
        with nogil:
            for x in range(self.dense.pivots - 1 if self.dense != NULL else -1, -1, -1):
                node = self.dense_node[x]
                u = dense_row(self.dense, x)
                s.m = 0.0
                s.e = 0
                for j in range(x + 1, self.dense.size):
                    if u[j] != 0.0:
                        k = self.dense_node[j]
                        r = wide_multiply(u[j] / self.dense.sums[x], 0, xm[k], xe[k])
                        s = wide_add(s.m, s.e, r.m, r.e)
                if with_mass:
                    s = wide_add(s.m, s.e, self.mass[node].m, self.mass[node].e)
                xm[node] = s.m
                xe[node] = s.e
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
            if self.dense != NULL:
                self._spread_mass()

    @property
    def dense_rows(self):
        """Rows of the dense matrix; 0 when there was none."""
        return 0 if self.dense == NULL else self.dense.size
