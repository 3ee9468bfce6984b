"""The approximate point group of the atoms near a centre.

Every operation carries a chosen pair of atoms to a pair of atoms at the same distances (within a tolerance) from the centre and
from each other; all such pairs are tried, and a map is an operation when it brings every atom of the core onto another. The
permutations of the atoms tell exactly which operations form a group; the matrices are made to multiply exactly like them.
"""

from libc.math cimport fabs, sqrt
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from potentials.symmetry._rotations cimport best_rotation, frame, multiply, off_axis, separation

import numpy as np

#: The atoms of a pair are at least this fraction of the radius of the core from the centre and from the first axis.
cdef double LEVER = 0.35
#: Rounds of making the matrices exact: the error is squared by each.
cdef Py_ssize_t ROUNDS = 3


cdef class CoreSymmetry:
    """Finder of point groups of up to ``capacity`` operations for cores of up to n atoms.

    Parameters
    ----------
    n : int
    capacity : int
    """

    def __cinit__(self, Py_ssize_t n, Py_ssize_t capacity):
        self.n = n
        self.capacity = capacity
        self.operations = np.zeros(9 * capacity)
        self.polished = np.zeros(9 * capacity)
        self.planes = np.zeros(3 * n)
        self.turned = np.zeros(3 * n)
        self.permutations = np.zeros(capacity * n, dtype=np.intp)
        self.image = np.zeros(n, dtype=np.intp)
        self.table = np.zeros(capacity * capacity, dtype=np.intp)
        self.digests = np.zeros(capacity, dtype=np.uint64)
        self.kept = np.zeros(capacity, dtype=np.uint8)
        self.subgroup = np.zeros(capacity, dtype=np.intp)

    cdef Py_ssize_t find(self, Py_ssize_t k, const double* core, double tolerance, double same) noexcept nogil:
        """Order of the approximate point group of k atoms about the origin; its matrices are in ``operations``.

        ``core`` is by atoms; matrices whose elements differ by less than ``same`` are one operation. 1: none was found, or as
        many as there is room for.
        """
        cdef Py_ssize_t i, j, a = -1, b = -1, ia, ib, count, fewest, side
        cdef double* x = &self.planes[0]
        cdef double[9] fa, fi, m
        cdef double radius = 0.0, ra, rb, ab, widest = 0.0, off, lever, slack, r
        for i in range(k):
            for j in range(3):
                x[j * k + i] = core[3 * i + j]
            radius = max(radius, sqrt(x[i] ** 2 + x[k + i] ** 2 + x[2 * k + i] ** 2))
        memset(m, 0, 9 * sizeof(double))
        m[0] = m[4] = m[8] = 1.0
        self.n_operations = 0
        self.accept(k, core, m, tolerance, tolerance, same)
        if k < 3 or not radius > 0.0:
            return 1
        # first atom of the pair: away from the centre, with the fewest others at its distance
        fewest = k + 1
        for j in range(k):
            ra = norm(k, x, j)
            if ra < LEVER * radius:
                continue
            count = 0
            for i in range(k):
                if fabs(norm(k, x, i) - ra) <= tolerance:
                    count += 1
            if count < fewest or (count == fewest and ra > norm(k, x, a)):
                fewest = count
                a = j
        # second atom: off the axis through the first
        for j in range(k):
            widest = max(widest, off_axis(k, x, a, j))
        if widest < max(2.0 * tolerance, 0.1 * radius):
            return 1
        fewest = k + 1
        for j in range(k):
            off = off_axis(k, x, a, j)
            if off < min(widest, LEVER * radius):
                continue
            rb = norm(k, x, j)
            count = 0
            for i in range(k):
                if fabs(norm(k, x, i) - rb) <= tolerance:
                    count += 1
            if count < fewest:
                fewest = count
                b = j
        ra = norm(k, x, a)
        rb = norm(k, x, b)
        ab = separation(k, x, a, b)
        off = off_axis(k, x, a, b)
        lever = min(ra, off)
        # an error of the pair turns the frame, and the outermost atoms move by more
        slack = tolerance * (1.0 + 2.0 * radius / lever)
        frame(k, x, a, b, fa)
        for ia in range(k):
            if fabs(norm(k, x, ia) - ra) > tolerance:
                continue
            for ib in range(k):
                if ib == ia or fabs(norm(k, x, ib) - rb) > tolerance or fabs(separation(k, x, ia, ib) - ab) > 2.0 * tolerance:
                    continue
                if off_axis(k, x, ia, ib) < 0.3 * off:
                    continue
                frame(k, x, ia, ib, fi)
                for side in range(2):
                    for i in range(3):
                        for j in range(3):
                            r = fi[6 + i] * fa[6 + j]
                            m[3 * i + j] = fi[i] * fa[j] + fi[3 + i] * fa[3 + j] + (-r if side else r)
                    self.accept(k, core, m, slack, tolerance, same)
                    if self.n_operations == self.capacity:
                        # the tolerance is too large to tell atoms apart
                        self.n_operations = 1
                        return 1
        self.close(k)
        self.polish()
        return self.n_operations

    cdef bint accept(self, Py_ssize_t k, const double* core, const double* m, double slack, double tolerance,
                     double same) noexcept nogil:
        """Add a map to the operations if it brings the core onto itself and is new."""
        cdef Py_ssize_t i, j, best, g
        cdef double d, least, det, worst = 0.0
        cdef double[3] p
        cdef double[9] refined
        cdef double* x = &self.planes[0]
        cdef double* y = &self.turned[0]
        cdef uint64_t h = 1469598103934665603ULL
        for i in range(k):
            self.image[i] = -1
        # image[j] is the atom that comes to atom j
        for i in range(k):
            for j in range(3):
                p[j] = m[3 * j] * core[3 * i] + m[3 * j + 1] * core[3 * i + 1] + m[3 * j + 2] * core[3 * i + 2]
            best = -1
            least = slack * slack
            for j in range(k):
                d = (p[0] - core[3 * j]) ** 2 + (p[1] - core[3 * j + 1]) ** 2 + (p[2] - core[3 * j + 2]) ** 2
                if d <= least:
                    least = d
                    best = j
            if best < 0 or self.image[best] >= 0:
                return False
            self.image[best] = i
        # the best matrix for this permutation: a rotation, or one of the inverted core
        det = (m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6]))
        for i in range(3 * k):
            y[i] = x[i] if det > 0.0 else -x[i]
        best_rotation(k, y, x, &self.image[0], refined)
        if det < 0.0:
            for i in range(9):
                refined[i] = -refined[i]
        for j in range(k):
            i = self.image[j]
            d = 0.0
            for g in range(3):
                d += (refined[3 * g] * x[i] + refined[3 * g + 1] * x[k + i] + refined[3 * g + 2] * x[2 * k + i]
                      - x[g * k + j]) ** 2
            worst = max(worst, d)
            h = (h ^ <uint64_t>i) * 1099511628211ULL
            h ^= h >> 29
        if worst > tolerance * tolerance:
            return False
        for g in range(self.n_operations):
            if self.digests[g] == h:
                return False
            d = 0.0
            for i in range(9):
                d = max(d, fabs(self.operations[9 * g + i] - refined[i]))
            if d < same:
                return False
        g = self.n_operations
        memcpy(&self.operations[9 * g], refined, 9 * sizeof(double))
        memcpy(&self.permutations[g * self.n], &self.image[0], k * sizeof(Py_ssize_t))
        self.digests[g] = h
        self.n_operations += 1
        return True

    cdef void close(self, Py_ssize_t k) noexcept nogil:
        """Leave out operations until all products are there, those with the most products missing first."""
        cdef Py_ssize_t m = self.n_operations, g, h, i, j, f, missing, most, worst
        cdef uint64_t digest
        cdef Py_ssize_t* p = &self.permutations[0]
        for g in range(m):
            self.kept[g] = 1
            for h in range(m):
                # permutation of g h: what comes to atom j under g is what came to that atom under h
                digest = 1469598103934665603ULL
                for j in range(k):
                    digest = (digest ^ <uint64_t>p[h * self.n + p[g * self.n + j]]) * 1099511628211ULL
                    digest ^= digest >> 29
                self.table[g * m + h] = -1
                for f in range(m):
                    if self.digests[f] == digest:
                        self.table[g * m + h] = f
                        break
        while True:
            most = 0
            worst = -1
            for g in range(1, m):
                if not self.kept[g]:
                    continue
                missing = 0
                for h in range(m):
                    if self.kept[h]:
                        f = self.table[g * m + h]
                        missing += f < 0 or not self.kept[f]
                        f = self.table[h * m + g]
                        missing += f < 0 or not self.kept[f]
                if missing > most:
                    most = missing
                    worst = g
            if worst < 0:
                break
            self.kept[worst] = 0
        i = 0
        for g in range(m):
            i += self.kept[g]
        if i == m:
            return
        # move the rest together, and the table with it
        self.n_operations = i
        i = 0
        for g in range(m):
            if self.kept[g]:
                if g != i:
                    memcpy(&self.operations[9 * i], &self.operations[9 * g], 9 * sizeof(double))
                i += 1
        i = 0
        for g in range(m):
            for h in range(m):
                if self.kept[g] and self.kept[h]:
                    f = 0
                    for j in range(self.table[g * m + h]):
                        f += self.kept[j]
                    self.table[i] = f
                    i += 1

    cdef void polish(self) noexcept nogil:
        """Make the matrices multiply like the operations: M_g becomes the mean over h of M_gh M_h^T, made orthogonal."""
        cdef Py_ssize_t m = self.n_operations, g, h, i, j, _round
        cdef const double* a
        cdef const double* b
        cdef double* c
        for _round in range(ROUNDS):
            for g in range(m):
                c = &self.polished[9 * g]
                memset(c, 0, 9 * sizeof(double))
                for h in range(m):
                    a = &self.operations[9 * self.table[g * m + h]]
                    b = &self.operations[9 * h]
                    for i in range(3):
                        for j in range(3):
                            c[3 * i + j] += (
                                a[3 * i] * b[3 * j] + a[3 * i + 1] * b[3 * j + 1] + a[3 * i + 2] * b[3 * j + 2]) / m
                orthogonalise(c)
            memcpy(&self.operations[0], &self.polished[0], 9 * m * sizeof(double))

    cdef void take(self, CoreSymmetry other) noexcept nogil:
        """Take over the group that another finder has found."""
        cdef Py_ssize_t m = other.n_operations
        self.n_operations = m
        memcpy(&self.operations[0], &other.operations[0], 9 * m * sizeof(double))
        memcpy(&self.table[0], &other.table[0], m * m * sizeof(Py_ssize_t))

    cdef Py_ssize_t reduce(self, Py_ssize_t g, Py_ssize_t h) noexcept nogil:
        """Keep the subgroup that two operations of the group generate; returns its order."""
        cdef Py_ssize_t m = self.n_operations, i, j, f, size = 1
        cdef Py_ssize_t* found = &self.subgroup[0]
        memset(&self.kept[0], 0, m)
        found[0] = 0
        self.kept[0] = 1
        i = 0
        # every element is a product of the two: multiply until nothing new comes
        while i < size:
            for j in range(2):
                f = self.table[(g if j == 0 else h) * m + found[i]]
                if not self.kept[f]:
                    self.kept[f] = 1
                    found[size] = f
                    size += 1
            i += 1
        for i in range(size):
            memcpy(&self.polished[9 * i], &self.operations[9 * found[i]], 9 * sizeof(double))
        memcpy(&self.operations[0], &self.polished[0], 9 * size * sizeof(double))
        self.n_operations = size
        return size

    def group(self, core, double tolerance, double same=0.1):
        """Approximate point group of a core about the origin.

        Parameters
        ----------
        core : array_like of shape (k, 3)
        tolerance : float
            How far an atom may be from the image of another.
        same : float
            Matrices whose elements differ by less are one operation.

        Returns
        -------
        ndarray of shape (order, 3, 3)
            The identity first; exact products of each other.
        """
        cdef const double[::1] v = np.ascontiguousarray(core, dtype=np.float64).reshape(-1)
        if v.shape[0] % 3 or v.shape[0] // 3 > self.n:
            raise ValueError(f"expected up to {self.n} atoms")
        cdef Py_ssize_t m = self.find(v.shape[0] // 3, &v[0], tolerance, same)
        return np.array(self.operations[: 9 * m]).reshape(-1, 3, 3)


cdef inline double norm(Py_ssize_t k, const double* x, Py_ssize_t i) noexcept nogil:
    return sqrt(x[i] ** 2 + x[k + i] ** 2 + x[2 * k + i] ** 2)


cdef void orthogonalise(double* m) noexcept nogil:
    """Nearest orthogonal matrix by Newton's iteration X <- X (3 - X^T X) / 2, for a matrix close to one."""
    cdef double[9] s, t
    cdef Py_ssize_t i, j, _cycle
    for _cycle in range(6):
        for i in range(3):
            for j in range(3):
                s[3 * i + j] = (3.0 if i == j else 0.0) - (m[i] * m[j] + m[3 + i] * m[3 + j] + m[6 + i] * m[6 + j])
        multiply(m, s, t)
        for i in range(9):
            m[i] = 0.5 * t[i]
