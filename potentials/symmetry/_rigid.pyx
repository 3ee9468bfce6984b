"""Closest permutation-inversion isomer of a cluster (the arithmetic of ``rigid.py``).

Coordinates here are relative to the centroid, one array per axis (x of all atoms, y of all atoms, z of all atoms), atoms sorted
into blocks of like atoms. A class holds p units of m atoms that are exchanged together: m consecutive blocks of p atoms.
"""

from libc.math cimport fabs, sqrt
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from potentials.symmetry._assignment cimport assign
from potentials.symmetry._rotations cimport best_rotation, determinant, frame, grid_matrix, multiply, off_axis
from potentials.symmetry._rotations cimport random_turn, rotate, separation, squared_distance

import numpy as np


cdef extern from "_rigid.h" nogil:
    void rigid_add_costs(Py_ssize_t p, const double* x, const double* y, const double* z,
                         const double* u, const double* v, const double* w, double* cost)
    float rigid_nearest(Py_ssize_t n_blocks, const Py_ssize_t* first, const float* q, const float* x, const float* y,
                        const float* z, const float* u, const float* v, const float* w, float* least)


cdef Py_ssize_t MAX_CYCLES = 200
# The atoms of a frame are at least this fraction of the cluster's radius from the centroid and from the first axis.
cdef double LEVER = 0.35
cdef Py_ssize_t MAX_PROBES = 64
# Atoms nearer to the axis than this fraction of the radius are on it.
cdef double LINE = 1e-6
# The best few results of a search are improved from orientations turned by angles (radians) up to this.
cdef Py_ssize_t N_IMPROVED = 12
cdef Py_ssize_t N_TURNS = 60
cdef Py_ssize_t MAX_ROUNDS = 10
cdef double SMALLEST_TURN = 0.03
cdef double LARGEST_TURN = 0.45


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

    cdef readonly Py_ssize_t n, n_classes, n_blocks, largest
    cdef Py_ssize_t[::1] units, members, first
    cdef object arguments

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
        return (ClusterCore, self.arguments)

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

    def search(self, const double[::1] x, const double[::1] y, const double[:, ::1] starts, Py_ssize_t n_grid,
               Py_ssize_t n_scored, Py_ssize_t n_refined, bint inversion, Py_ssize_t n_improved=N_IMPROVED):
        """Closest copy by refinement of the best of many orientations.

        Parameters
        ----------
        x, y : arrays of shape (3 n,)
            Centred, one axis after the other.
        starts : array of shape (k, 9)
            Rotations (or rotation-inversions) that are refined whatever their score.
        n_grid : int
            Rotations of the grid (and as many rotation-inversions).
        n_scored, n_refined : int
            Orientations kept after the score by nearest neighbours and after the first assignment.
        n_improved : int
            Results improved from slightly turned orientations, at most a dozen.

        Returns
        -------
        squared distance, 3 by 3 orthogonal matrix, permutation
        """
        cdef Py_ssize_t n = self.n, k, a, t, count = 0, n_seen = 1 << 14, _round, _turn
        cdef double d, before
        cdef double[9] m
        cdef double[9] turn
        cdef uint64_t state = 0x9E3779B97F4A7C15ULL
        permutations = np.empty((N_IMPROVED + 1, n), dtype=np.intp)
        matrices = np.empty((N_IMPROVED + 1, 9))
        squares = np.full(N_IMPROVED + 1, np.inf)
        cdef Py_ssize_t[:, ::1] pv = permutations
        cdef double[:, ::1] mv = matrices
        cdef double[::1] sv = squares
        cdef double[::1] xi = np.empty(3 * n), real = np.empty(self.n_reals())
        cdef Py_ssize_t[::1] integer = np.empty(5 * n + 4, dtype=np.intp)
        cdef uint64_t[::1] seen = np.zeros(2 * n_seen, dtype=np.uint64)
        cdef const Py_ssize_t[::1] chosen = self._promising(x, y, n_grid, n_scored, n_refined, inversion)
        with nogil:
            for k in range(starts.shape[0] + chosen.shape[0]):
                if k < starts.shape[0]:
                    for a in range(9):
                        m[a] = starts[k, a]
                else:
                    grid_matrix(chosen[k - starts.shape[0]], n_grid, m)
                d = self.refine_any(&x[0], &xi[0], &y[0], m, &integer[0], &seen[0], n_seen, &real[0], &integer[n])
                if d >= 0.0 and d < sv[N_IMPROVED - 1]:
                    # Insert into the sorted list of the best.
                    t = N_IMPROVED - 1
                    while t > 0 and sv[t - 1] > d:
                        sv[t] = sv[t - 1]
                        memcpy(&pv[t, 0], &pv[t - 1, 0], n * sizeof(Py_ssize_t))
                        memcpy(&mv[t, 0], &mv[t - 1, 0], 9 * sizeof(double))
                        t -= 1
                    sv[t] = d
                    memcpy(&pv[t, 0], &integer[0], n * sizeof(Py_ssize_t))
                    memcpy(&mv[t, 0], m, 9 * sizeof(double))
                    count = min(count + 1, N_IMPROVED)
            for t in range(min(count, n_improved)):
                for _round in range(MAX_ROUNDS):
                    before = sv[t]
                    for _turn in range(N_TURNS):
                        random_turn(&state, SMALLEST_TURN, LARGEST_TURN, turn)
                        multiply(turn, &mv[t, 0], m)
                        d = self.refine_any(&x[0], &xi[0], &y[0], m, &integer[0], &seen[0], n_seen, &real[0], &integer[n])
                        if d >= 0.0 and d < sv[t]:
                            sv[t] = d
                            memcpy(&pv[t, 0], &integer[0], n * sizeof(Py_ssize_t))
                            memcpy(&mv[t, 0], m, 9 * sizeof(double))
                    if sv[t] >= before:
                        break
        k = int(np.argmin(squares))
        return float(squares[k]), matrices[k].reshape(3, 3), permutations[k]

    def _promising(self, const double[::1] x, const double[::1] y, Py_ssize_t n_grid, Py_ssize_t n_scored, Py_ssize_t n_refined,
                   bint inversion):
        """Indices of the orientations of the grid with the cheapest assignments, of the n_scored best by neighbours."""
        cdef Py_ssize_t n = self.n, i, k, a, total = n_grid * (2 if inversion else 1)
        cdef double[9] m
        cdef float[9] mf
        cdef double[::1] real = np.empty(self.n_reals())
        cdef Py_ssize_t[::1] integer = np.empty(5 * n + 4, dtype=np.intp)
        cdef float[::1] single = np.empty(7 * n, dtype=np.float32)
        cdef float* xf = &single[0]
        cdef float* yf = xf + 3 * n
        scores = np.empty(total, dtype=np.float32)
        cdef float[::1] score = scores
        with nogil:
            for i in range(3 * n):
                xf[i] = <float> x[i]
                yf[i] = <float> y[i]
            for i in range(total):
                grid_matrix(i, n_grid, m)
                for a in range(9):
                    mf[a] = <float> m[a]
                score[i] = rigid_nearest(self.n_blocks, &self.first[0], mf, xf, xf + n, xf + 2 * n, yf, yf + n, yf + 2 * n,
                                         xf + 6 * n)
        kept = np.argsort(scores, kind="stable")[:n_scored].astype(np.intp)
        costs = np.empty(kept.size)
        cdef const Py_ssize_t[::1] index = kept
        cdef double[::1] cost = costs
        with nogil:
            for k in range(index.shape[0]):
                grid_matrix(index[k], n_grid, m)
                rotate(n, m, &x[0], &real[0])
                memset(&real[3 * n], 0, n * sizeof(double))
                self.assign_atoms(&real[0], &y[0], &integer[0], &real[3 * n], &real[5 * n], &real[4 * n], &integer[n])
                cost[k] = squared_distance(n, &real[0], &y[0], &integer[0])
        return kept[np.argsort(costs, kind="stable")[:n_refined]]

    cdef double refine_any(self, const double* x, double* xi, const double* y, double* m, Py_ssize_t* p, uint64_t* seen,
                           Py_ssize_t n_seen, double* real, Py_ssize_t* work) noexcept nogil:
        """``refine`` for a matrix of either determinant; improper ones have a hash table of their own behind the first."""
        cdef Py_ssize_t i, a
        cdef double d
        if determinant(m) > 0.0:
            return self.refine(x, y, m, p, seen, n_seen, real, work)
        for i in range(3 * self.n):
            xi[i] = -x[i]
        for a in range(9):
            m[a] = -m[a]
        d = self.refine(xi, y, m, p, seen + n_seen, n_seen, real, work)
        for a in range(9):
            m[a] = -m[a]
        return d

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
