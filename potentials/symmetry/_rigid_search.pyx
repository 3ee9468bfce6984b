"""The orientation and permutation in which two different clusters are closest (the arithmetic of ``rigid.py``).

Coordinates are those of `potentials.symmetry._rigid`. Nearly all is done in single precision with vector instructions, where
every block of like atoms is padded to whole vectors.
"""

from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from potentials.symmetry._rigid cimport ClusterCore, digest, is_new
from potentials.symmetry._rotations cimport determinant, grid_matrix, multiply, quick_rotation, random_turn

import numpy as np

cdef extern from "_rigid.h" nogil:
    float FAR "RIGID_FAR"
    float rigid_nearest(Py_ssize_t n_blocks, const Py_ssize_t* first, const Py_ssize_t* place, Py_ssize_t padded,
                        const double* q, const float* x, const float* y, float* least)
    void rigid_rotate(Py_ssize_t n_blocks, const Py_ssize_t* first, const Py_ssize_t* place, Py_ssize_t padded, const double* q,
                      const float* x, float* out)
    void rigid_costs(Py_ssize_t p, Py_ssize_t padded, const float* x, const float* y, int add, float* cost)
    float rigid_bound(Py_ssize_t p, const float* cost, float* v, float* w)


cdef extern from "_assignment.h" nogil:
    Py_ssize_t assign_stride(Py_ssize_t n)
    void assign_single(Py_ssize_t n, const float* cost, int warm, int* columns, float* v, float* real, int* integer)


cdef Py_ssize_t MAX_CYCLES = 200
# The best few results of a search are improved from orientations turned by angles (radians) up to this.
cdef Py_ssize_t N_IMPROVED = 12
cdef Py_ssize_t N_TURNS = 30
cdef Py_ssize_t MAX_ROUNDS = 10
cdef double SMALLEST_TURN = 0.03
cdef double LARGEST_TURN = 0.45
# Orientations that are followed to the end, the best after one rotation to the assignment and a second assignment: one in
# so many of those refined, within limits.
cdef Py_ssize_t FINISHED_SHARE = 8
cdef Py_ssize_t LEAST_FINISHED = 4
cdef Py_ssize_t MOST_FINISHED = 24
# A turned orientation is dropped when its second assignment costs this many times the result that it is to improve.
cdef double HOPELESS = 1.2
cdef double NO_LIMIT = 1e300


cdef struct Clusters:
    # centred coordinates, those of x also inverted, and the same padded in single precision
    const double* x
    const double* x_inverted
    const double* y
    float* xf
    float* xf_inverted
    float* yf
    double half_squares


cdef struct Workspace:
    float* rotated
    float* duals
    float* real
    float* cost
    int* integer


cdef class ClusterSearch(ClusterCore):
    """Alignment of different clusters whose atoms are sorted into classes of p units of m atoms."""

    # where the padded blocks begin, the number of padded atoms, and the widest block
    cdef Py_ssize_t[::1] place
    cdef Py_ssize_t padded, widest

    def __init__(self, units, members):
        super().__init__(units, members)
        widths = [assign_stride(int(size)) for size in np.diff(self.first)]
        self.place = np.concatenate([[0], np.cumsum(widths)]).astype(np.intp)
        self.padded = sum(widths)
        self.widest = max(widths)

    cdef void pad(self, const double* x, double sign, float* out) noexcept nogil:
        """The padded form of x."""
        cdef Py_ssize_t axis, block, i, size, m = self.padded
        for axis in range(3):
            for i in range(m):
                out[axis * m + i] = FAR
            for block in range(self.n_blocks):
                size = self.first[block + 1] - self.first[block]
                for i in range(size):
                    out[axis * m + self.place[block] + i] = <float> (sign * x[axis * self.n + self.first[block] + i])

    cdef double quick_assign(self, const float* x, const float* y, bint warm, Py_ssize_t* p, Workspace* w) noexcept nogil:
        """``assign_atoms`` in single precision; the squared distance. ``warm``: the duals of the last call are a good start."""
        cdef Py_ssize_t c, k, i, block = 0, size, start, at, stride
        cdef double total = 0.0, dx
        cdef int* columns = w.integer
        for c in range(self.n_classes):
            size = self.units[c]
            start = self.first[block]
            if size == 1:
                for k in range(self.members[c]):
                    p[start + k] = start + k
                    at = self.place[block + k]
                    for i in range(3):
                        dx = x[i * self.padded + at] - y[i * self.padded + at]
                        total += dx * dx
            else:
                stride = assign_stride(size)
                for k in range(self.members[c]):
                    at = self.place[block + k]
                    rigid_costs(size, self.padded, x + at, y + at, k > 0, w.cost)
                assign_single(size, w.cost, warm, columns, w.duals + self.place[block], w.real, w.integer + self.widest)
                for i in range(size):
                    total += w.cost[i * stride + columns[i]]
                    p[start + i] = columns[i]
                for k in range(self.members[c] - 1, -1, -1):
                    for i in range(size):
                        p[start + k * size + i] = p[start + i] + start + k * size
            block += self.members[c]
        return total

    cdef double bound(self, const float* x, const float* y, Workspace* w) noexcept nogil:
        """Lower bound to ``quick_assign`` by feasible duals."""
        cdef Py_ssize_t c, k, i, block = 0, at
        cdef double total = 0.0, dx
        for c in range(self.n_classes):
            for k in range(self.members[c]):
                at = self.place[block + k]
                if self.units[c] == 1:
                    for i in range(3):
                        dx = x[i * self.padded + at] - y[i * self.padded + at]
                        total += dx * dx
                else:
                    rigid_costs(self.units[c], self.padded, x + at, y + at, k > 0, w.cost)
            if self.units[c] > 1:
                total += rigid_bound(self.units[c], w.cost, w.real, w.real + self.widest)
            block += self.members[c]
        return total

    cdef double quick_refine(
        self, Clusters* clusters, double* m, Py_ssize_t* p, uint64_t* seen, Py_ssize_t n_seen, double limit, Py_ssize_t most,
        Workspace* w
    ) noexcept nogil:
        """``refine`` in single precision from an orthogonal matrix of either determinant, by at most ``most`` assignments.

        Returns the squared distance, or -1 where an assignment was met before or the second one costs more than ``limit``.
        ``seen`` has a second table for improper matrices behind the first.
        """
        cdef bint improper = determinant(m) < 0.0
        cdef const double* x = clusters.x_inverted if improper else clusters.x
        cdef const float* xf = clusters.xf_inverted if improper else clusters.xf
        cdef uint64_t* table = seen + n_seen if improper else seen
        cdef uint64_t h, last = 0
        cdef double d = -1.0
        cdef Py_ssize_t a, k
        if improper:
            for a in range(9):
                m[a] = -m[a]
        for k in range(most):
            rigid_rotate(self.n_blocks, &self.first[0], &self.place[0], self.padded, m, xf, w.rotated)
            d = self.quick_assign(w.rotated, clusters.yf, k > 0, p, w)
            if k == 1 and d > limit:
                d = -1.0
                break
            h = digest(self.n, p)
            if h == last:
                break
            if not is_new(h, table, n_seen):
                d = -1.0
                break
            last = h
            if k < most - 1:
                quick_rotation(self.n, x, clusters.y, p, clusters.half_squares, m)
        if improper:
            for a in range(9):
                m[a] = -m[a]
        return d

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
            Orientations kept after the score by nearest neighbours and after that by a lower bound of the assignment.
        n_improved : int
            Results improved from slightly turned orientations, at most a dozen.

        Returns
        -------
        squared distance, 3 by 3 orthogonal matrix, permutation
        """
        cdef Py_ssize_t n = self.n, k, a, t, count = 0, n_seen = 1 << 12, _round, _turn, m3 = 3 * self.padded
        cdef double d, before
        cdef double[9] m
        cdef double[9] turn
        cdef uint64_t state = 0x9E3779B97F4A7C15ULL
        cdef Clusters clusters
        cdef Workspace w
        permutations = np.empty((N_IMPROVED + 1, n), dtype=np.intp)
        matrices = np.empty((N_IMPROVED + 1, 9))
        squares = np.full(N_IMPROVED + 1, np.inf)
        cdef Py_ssize_t[:, ::1] pv = permutations
        cdef double[:, ::1] mv = matrices
        cdef double[::1] sv = squares
        cdef double[::1] inverted = -np.asarray(x), real = np.empty(self.n_reals())
        cdef Py_ssize_t[::1] p = np.empty(5 * n + 4, dtype=np.intp)
        cdef uint64_t[::1] seen = np.zeros(2 * n_seen, dtype=np.uint64)
        cdef float[::1] single = np.empty(5 * m3 + 3 * self.widest + self.largest * self.widest, dtype=np.float32)
        cdef int[::1] integer = np.empty(4 * self.widest, dtype=np.intc)
        clusters.x, clusters.x_inverted, clusters.y = &x[0], &inverted[0], &y[0]
        clusters.xf = &single[0]
        clusters.xf_inverted = clusters.xf + m3
        clusters.yf = clusters.xf_inverted + m3
        w.rotated = clusters.yf + m3
        w.duals = w.rotated + m3
        w.real = w.duals + m3
        w.cost = w.real + 3 * self.widest
        w.integer = &integer[0]
        self.pad(&x[0], 1.0, clusters.xf)
        self.pad(&x[0], -1.0, clusters.xf_inverted)
        self.pad(&y[0], 1.0, clusters.yf)
        clusters.half_squares = 0.5 * (np.dot(x, x) + np.dot(y, y))
        cdef const double[:, ::1] chosen = self._promising(&clusters, &w, starts, n_grid, n_scored, n_refined, inversion)
        with nogil:
            for k in range(chosen.shape[0]):
                for a in range(9):
                    m[a] = chosen[k, a]
                d = self.quick_refine(&clusters, m, &p[0], &seen[0], n_seen, NO_LIMIT, MAX_CYCLES, &w)
                if d >= 0.0 and d < sv[N_IMPROVED - 1]:
                    # Insert into the sorted list of the best.
                    t = N_IMPROVED - 1
                    while t > 0 and sv[t - 1] > d:
                        sv[t] = sv[t - 1]
                        memcpy(&pv[t, 0], &pv[t - 1, 0], n * sizeof(Py_ssize_t))
                        memcpy(&mv[t, 0], &mv[t - 1, 0], 9 * sizeof(double))
                        t -= 1
                    sv[t] = d
                    memcpy(&pv[t, 0], &p[0], n * sizeof(Py_ssize_t))
                    memcpy(&mv[t, 0], m, 9 * sizeof(double))
                    count = min(count + 1, N_IMPROVED)
            for t in range(min(count, n_improved)):
                for _round in range(MAX_ROUNDS):
                    before = sv[t]
                    for _turn in range(N_TURNS):
                        random_turn(&state, SMALLEST_TURN, LARGEST_TURN, turn)
                        multiply(turn, &mv[t, 0], m)
                        d = self.quick_refine(
                            &clusters, m, &p[0], &seen[0], n_seen, HOPELESS * sv[t], MAX_CYCLES, &w
                        )
                        if d >= 0.0 and d < sv[t]:
                            sv[t] = d
                            memcpy(&pv[t, 0], &p[0], n * sizeof(Py_ssize_t))
                            memcpy(&mv[t, 0], m, 9 * sizeof(double))
                    if sv[t] >= before:
                        break
        k = int(np.argmin(squares))
        # to the end in double precision
        cdef bint improper = determinant(&mv[k, 0]) < 0.0
        for a in range(9):
            m[a] = -mv[k, a] if improper else mv[k, a]
        with nogil:
            d = self.refine(clusters.x_inverted if improper else clusters.x, &y[0], m, &p[0], NULL, 0, &real[0], &p[n])
        matrix = np.array([-m[a] if improper else m[a] for a in range(9)]).reshape(3, 3)
        return d, matrix, np.array(p[:n])

    cdef _promising(self, Clusters* clusters, Workspace* w, const double[:, ::1] starts, Py_ssize_t n_grid,
                    Py_ssize_t n_scored, Py_ssize_t n_refined, bint inversion):
        """Matrices to follow to the end, shape (k, 9): the starts, and the best of the grid after two assignments.

        Of the grid ``n_scored`` are kept by nearest neighbours, of these ``n_refined`` by the bound of the duals.
        """
        cdef Py_ssize_t i, k, total = n_grid * (2 if inversion else 1), n_starts = starts.shape[0], n_seen = 1 << 12
        cdef double[9] m
        cdef Py_ssize_t[::1] p = np.empty(self.n, dtype=np.intp)
        cdef uint64_t[::1] seen = np.zeros(2 * n_seen, dtype=np.uint64)
        scores = np.empty(total, dtype=np.float32)
        cdef float[::1] score = scores
        with nogil:
            for i in range(total):
                grid_matrix(i, n_grid, m)
                score[i] = rigid_nearest(
                    self.n_blocks, &self.first[0], &self.place[0], self.padded, m, clusters.xf, clusters.yf, w.real
                )
        kept = np.argsort(scores, kind="stable")[:n_scored].astype(np.intp)
        bounds = np.empty(kept.size)
        cdef const Py_ssize_t[::1] index = kept
        cdef double[::1] bound = bounds
        with nogil:
            for k in range(index.shape[0]):
                grid_matrix(index[k], n_grid, m)
                rigid_rotate(self.n_blocks, &self.first[0], &self.place[0], self.padded, m, clusters.xf, w.rotated)
                bound[k] = self.bound(w.rotated, clusters.yf, w)
        kept = kept[np.argsort(bounds, kind="stable")[:n_refined]]
        index = kept
        squares = np.empty(n_starts + kept.size)
        matrices = np.empty((n_starts + kept.size, 9))
        matrices[:n_starts] = starts
        squares[:n_starts] = -1.0
        cdef double[::1] square = squares
        cdef double[:, ::1] matrix = matrices
        with nogil:
            for k in range(index.shape[0]):
                grid_matrix(index[k], n_grid, &matrix[n_starts + k, 0])
                square[n_starts + k] = self.quick_refine(
                    clusters, &matrix[n_starts + k, 0], &p[0], &seen[0], n_seen, NO_LIMIT, 2, w
                )
        squares[n_starts:][squares[n_starts:] < 0.0] = np.inf
        finished = min(max(n_refined // FINISHED_SHARE, LEAST_FINISHED), MOST_FINISHED)
        last = n_starts + min(finished, int(np.isfinite(squares[n_starts:]).sum()))
        return matrices[np.argsort(squares, kind="stable")[:last]]
