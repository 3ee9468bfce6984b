"""Copies of clusters and the alternation of assignment and rotation (the arithmetic of ``rigid.py``).

Coordinates here are relative to the centroid, one array per axis (x of all atoms, y of all atoms, z of all atoms), atoms sorted
into blocks of like atoms. A class holds p units of m atoms that are exchanged together: m consecutive blocks of p atoms.
"""

from libc.math cimport fabs, sqrt
from libc.stdint cimport uint64_t
from libc.string cimport memset

from potentials.symmetry._assignment cimport assign
from potentials.symmetry._rotations cimport best_rotation, frame, off_axis
from potentials.symmetry._rotations cimport rotate, separation, squared_distance

import numpy as np


cdef extern from "_rigid.h" nogil:
    void rigid_add_costs(Py_ssize_t p, const double* x, const double* y, const double* z,
                         const double* u, const double* v, const double* w, double* cost)


cdef Py_ssize_t MAX_CYCLES = 200
# The atoms of a frame are at least this fraction of the cluster's radius from the centroid and from the first axis.
cdef double LEVER = 0.35
cdef Py_ssize_t MAX_PROBES = 64
# Atoms nearer to the axis than this fraction of the radius are on it.
cdef double LINE = 1e-6


cdef uint64_t digest(Py_ssize_t n, const Py_ssize_t* p) noexcept nogil:
    cdef uint64_t h = 1469598103934665603ULL
    cdef Py_ssize_t i
    for i in range(n):
        h = (h ^ <uint64_t> p[i]) * 1099511628211ULL
        h ^= h >> 29
    return h | 1ULL


cdef bint is_new(uint64_t h, uint64_t* seen, Py_ssize_t n_seen) noexcept nogil:
    """Enter a digest into an open hash table; False where it was there. A crowded table forgets, which only costs time."""
    cdef Py_ssize_t i = <Py_ssize_t> (h & <uint64_t> (n_seen - 1)), _probe
    for _probe in range(MAX_PROBES):
        if seen[i] == h:
            return False
        if seen[i] == 0:
            seen[i] = h
            return True
        i = (i + 1) & (n_seen - 1)
    return True


cdef class ClusterCore:
    """Alignment of clusters whose atoms are sorted into classes of p units of m atoms."""

    def __init__(self, units, members):
        self.arguments = (tuple(units), tuple(members))
        self.units = np.array(units, dtype=np.intp)
        self.members = np.array(members, dtype=np.intp)
        self.n_classes = len(units)
        sizes = np.repeat(self.units, self.members)
        self.n_blocks = sizes.size
        self.first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
        self.n = int(sizes.sum())
        self.largest = max(units)

    def __reduce__(self):
        return (type(self), self.arguments)

    cdef void assign_atoms(self, const double* x, const double* y, Py_ssize_t* p, double* v, double* cost, double* distance,
                           Py_ssize_t* work) noexcept nogil:
        """Best assignment of the atoms of x to those of y as they lie: atom p[i] of x belongs to atom i of y."""
        cdef Py_ssize_t c, k, i, block = 0, size, start, n = self.n
        for c in range(self.n_classes):
            size = self.units[c]
            start = self.first[block]
            if size == 1:
                for k in range(self.members[c]):
                    p[start + k] = start + k
            else:
                memset(cost, 0, size * size * sizeof(double))
                for k in range(self.members[c]):
                    i = start + k * size
                    rigid_add_costs(size, x + i, x + n + i, x + 2 * n + i, y + i, y + n + i, y + 2 * n + i, cost)
                assign(size, cost, p + start, v + start, work, distance)
                for k in range(self.members[c] - 1, -1, -1):
                    for i in range(size):
                        p[start + k * size + i] = p[start + i] + start + k * size
            block += self.members[c]

    cdef double refine(self, const double* x, const double* y, double* m, Py_ssize_t* p, uint64_t* seen, Py_ssize_t n_seen,
                       double* real, Py_ssize_t* work) noexcept nogil:
        """Alternate assignment and rotation from the rotation m to self-consistency.

        Returns the squared distance, with m and p of the end, or -1 where an assignment was met that an earlier start had led
        to. ``seen`` is an open hash table of n_seen (a power of two) entries, or NULL.
        """
        cdef Py_ssize_t n = self.n, _cycle
        cdef double* xr = real
        cdef double* v = real + 3 * n
        cdef double* distance = real + 4 * n
        cdef double* cost = real + 5 * n
        cdef uint64_t h, last = 0
        memset(v, 0, n * sizeof(double))
        for _cycle in range(MAX_CYCLES):
            rotate(n, m, x, xr)
            self.assign_atoms(xr, y, p, v, cost, distance, work)
            h = digest(n, p)
            if h == last:
                break
            if seen != NULL and not is_new(h, seen, n_seen):
                return -1.0
            last = h
            best_rotation(n, x, y, p, m)
        rotate(n, m, x, xr)
        return squared_distance(n, xr, y, p)

    cdef Py_ssize_t n_reals(self) noexcept nogil:
        return 5 * self.n + self.largest * self.largest + self.largest

    def copies(self, const double[::1] x, const double[::1] y, double tolerance, bint inversion, bint collect, bint settle,
               double enough):
        """Superpose x on y through the frames of two atoms and the centroid.

        Every orthogonal map under which each atom of x comes within ``tolerance`` of a like atom of y brings to a chosen pair
        of atoms of y a pair of x at the same distances (within the tolerance) from the centroid and from each other: all such
        pairs are tried.

        Parameters
        ----------
        collect : bool
            Return all maps found, not the best one alone.
        settle : bool
            Iterate assignment and rotation from each frame (for tolerances not small beside the distances between atoms).
        enough : float
            Stop at the first map with a distance below this (ignored when collecting).

        Returns
        -------
        list of (distance, largest displacement, 3 by 3 matrix, permutation)
        """
        cdef Py_ssize_t n = self.n, i, j, a = -1, b = -1, ia, ib, side, count, fewest, block, n_sides
        cdef double radius = 0.0, perpendicular, widest, slack, d2, best = -1.0, ab = 0.0, dd, lever, dev
        cdef double[9] fx, fy, m, mm
        cdef bint line = False, ok
        radii = np.empty(2 * n)
        cdef double[::1] rv = radii
        cdef double* rx = &rv[0]
        cdef double* ry = rx + n
        cdef Py_ssize_t[::1] block_of = np.repeat(np.arange(self.n_blocks), np.diff(self.first)).astype(np.intp)
        cdef double[::1] xi = np.empty(3 * n), real = np.empty(self.n_reals())
        cdef Py_ssize_t[::1] integer = np.empty(7 * n + 4, dtype=np.intp)
        cdef Py_ssize_t* p = &integer[0]
        cdef Py_ssize_t* work = p + n
        cdef Py_ssize_t* used = p + 6 * n
        cdef const double* xs
        found = []
        for i in range(n):
            rx[i] = sqrt(x[i] * x[i] + x[n + i] * x[n + i] + x[2 * n + i] * x[2 * n + i])
            ry[i] = sqrt(y[i] * y[i] + y[n + i] * y[n + i] + y[2 * n + i] * y[2 * n + i])
            radius = max(radius, ry[i])
            xi[i] = -x[i]
            xi[n + i] = -x[n + i]
            xi[2 * n + i] = -x[2 * n + i]
        # First atom of the frame: far enough from the centroid, with the fewest possible partners.
        fewest = n + 1
        for j in range(n):
            if ry[j] < LEVER * radius:
                continue
            count = 0
            for i in range(self.first[block_of[j]], self.first[block_of[j] + 1]):
                if fabs(rx[i] - ry[j]) <= tolerance:
                    count += 1
            if count < fewest or (count == fewest and ry[j] > ry[a]):
                fewest = count
                a = j
        if fewest == 0:
            return found
        # Second atom: off the axis through the first, again with the fewest partners.
        widest = 0.0
        for j in range(n):
            widest = max(widest, off_axis(n, &y[0], a, j))
        line = widest <= max(tolerance, LINE * radius)
        lever = ry[a]
        if not line:
            fewest = n + 1
            for j in range(n):
                perpendicular = off_axis(n, &y[0], a, j)
                if perpendicular < min(widest, LEVER * radius):
                    continue
                count = 0
                for i in range(self.first[block_of[j]], self.first[block_of[j] + 1]):
                    if fabs(rx[i] - ry[j]) <= tolerance:
                        count += 1
                if count < fewest:
                    fewest = count
                    b = j
            if fewest == 0:
                return found
            lever = min(lever, off_axis(n, &y[0], a, b))
            ab = separation(n, &y[0], a, b)
        frame(n, &y[0], a, b, fy)
        # An error of the two atoms turns the frame, and the farthest atoms move by the ratio of the levers more.
        slack = tolerance * (1.0 + 3.0 * radius / max(lever, 1e-300)) + 1e-12 * radius
        n_sides = 2 if inversion and not line else 1
        for ia in range(self.first[block_of[a]], self.first[block_of[a] + 1]):
            if fabs(rx[ia] - ry[a]) > tolerance:
                continue
            block = 0 if line else block_of[b]
            for ib in range(self.first[block], self.first[block] + 1 if line else self.first[block + 1]):
                if not line:
                    if ib == ia or fabs(rx[ib] - ry[b]) > tolerance:
                        continue
                    if fabs(separation(n, &x[0], ia, ib) - ab) > 2.0 * tolerance:
                        continue
                    if off_axis(n, &x[0], ia, ib) < 0.1 * lever:
                        continue
                frame(n, &x[0], ia, -1 if line else ib, fx)
                for side in range(n_sides):
                    # Rows of a frame are its axes: m = fy^T fx, with the third axis reversed for an improper map.
                    for i in range(3):
                        for j in range(3):
                            dd = fy[6 + i] * fx[6 + j]
                            m[3 * i + j] = fy[i] * fx[j] + fy[3 + i] * fx[3 + j] + (-dd if side else dd)
                    rotate(n, m, &x[0], &real[0])
                    ok = self.match(&real[0], &y[0], slack, settle, p, used)
                    if not ok:
                        continue
                    # Improper maps are rotations of the inverted cluster.
                    xs = <const double*> &xi[0] if side else &x[0]
                    if settle:
                        for i in range(9):
                            mm[i] = -m[i] if side else m[i]
                        d2 = self.refine(xs, &y[0], mm, p, NULL, 0, &real[0], work)
                    else:
                        best_rotation(n, xs, &y[0], p, mm)
                        rotate(n, mm, xs, &real[0])
                        d2 = squared_distance(n, &real[0], &y[0], p)
                    if not collect and best >= 0.0 and d2 >= best:
                        continue
                    dev = 0.0
                    for i in range(n):
                        dd = 0.0
                        for j in range(3):
                            dd += (real[j * n + p[i]] - y[j * n + i]) ** 2
                        dev = max(dev, dd)
                    best = d2
                    matrix = np.empty((3, 3))
                    for i in range(3):
                        for j in range(3):
                            matrix[i, j] = -mm[3 * i + j] if side else mm[3 * i + j]
                    if not collect:
                        found.clear()
                    found.append((sqrt(d2), sqrt(dev), matrix, np.array(integer[:n])))
                    if not collect and d2 <= enough * enough:
                        return found
        return found

    cdef bint match(self, const double* x, const double* y, double slack, bint loose, Py_ssize_t* p,
                    Py_ssize_t* used) noexcept nogil:
        """Whether every atom of y has a like atom of x within ``slack``; p receives the partners.

        The loose test does not ask for different partners (an assignment follows).
        """
        cdef Py_ssize_t n = self.n, i, j, k, c, best, start, end, block, size
        cdef double least, d, dx, dy, dz
        for i in range(n):
            used[i] = 0
        for block in range(self.n_blocks):
            start = self.first[block]
            end = self.first[block + 1]
            for j in range(start, end):
                least = slack * slack
                best = -1
                for i in range(start, end):
                    dx = x[i] - y[j]
                    dy = x[n + i] - y[n + j]
                    dz = x[2 * n + i] - y[2 * n + j]
                    d = dx * dx + dy * dy + dz * dz
                    if d <= least:
                        least = d
                        best = i
                if best < 0 or (used[best] and not loose):
                    return False
                used[best] = 1
                p[j] = best
        if loose:
            return True
        # Atoms of one unit stay together.
        block = 0
        for c in range(self.n_classes):
            size = self.units[c]
            start = self.first[block]
            for k in range(1, self.members[c]):
                for i in range(size):
                    if p[start + k * size + i] - k * size != p[start + i]:
                        return False
            block += self.members[c]
        return True

    def pair_distances(self, const double[::1] x):
        """Distances of all pairs of atoms over sqrt(n), ascending for each pair of blocks: shape (n (n - 1) / 2,).

        The Euclidean distance between these vectors of two clusters is a lower bound to their aligned distance: with
        displacements d_i from the best superposition (which sum to zero) a pair distance changes by at most |d_i - d_j|, the
        sum over pairs of |d_i - d_j|^2 is n sum_i |d_i|^2, and sorting both lists cannot increase the sum of squares.
        """
        cdef Py_ssize_t n = self.n, k, l, i, j, at = 0, begin
        out = np.empty(n * (n - 1) // 2)
        cdef double[::1] ov = out
        cdef double scale = 1.0 / sqrt(n)
        for k in range(self.n_blocks):
            for l in range(k, self.n_blocks):
                begin = at
                for i in range(self.first[k], self.first[k + 1]):
                    for j in range(i + 1 if l == k else self.first[l], self.first[l + 1]):
                        ov[at] = scale * separation(n, &x[0], i, j)
                        at += 1
                if at - begin > 1:
                    out[begin:at].sort()
        return out
