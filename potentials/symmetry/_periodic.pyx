"""Closest copy of a periodic system (the arithmetic of ``periodic.py``).

Coordinates are one array per axis (x of all atoms, y of all atoms, z of all atoms). ``box`` holds the three sides and their
inverses.
"""

from libc.string cimport memset

from potentials.symmetry._assignment cimport assign

import numpy as np

cdef extern from "_periodic.h" nogil:
    double periodic_nearest(Py_ssize_t n, const double* box, const double* x, const double* t, const double* y, double limit,
                            double* row)
    void periodic_costs(Py_ssize_t n, const double* box, const double* x, const double* t, const double* y, double* cost)
    void periodic_pairs(Py_ssize_t n, const double* box, const double* x, double* row, double* pairs)

cdef Py_ssize_t MAX_CYCLES = 200
# A shift of the whole system shorter than this (squared, in units of a side) ends the refinement.
cdef double STILL = 1e-28


cdef inline double nearest_image(double d, double side, double inverse) noexcept nogil:
    return d - side * ((d * inverse + 6755399441055744.0) - 6755399441055744.0)


cdef class PeriodicCore:
    """Work space and searches for n like atoms in an orthorhombic box."""

    cdef readonly Py_ssize_t n
    cdef double[::1] box, row, cost, duals, distance
    cdef Py_ssize_t[::1] work
    cdef object arguments

    def __init__(self, Py_ssize_t n, sides):
        self.arguments = (n, tuple(sides))
        self.n = n
        self.box = np.concatenate([sides, 1.0 / np.asarray(sides)])
        self.row, self.duals, self.distance = np.empty((3, n))
        self.cost = np.empty(n * n)
        self.work = np.empty(4 * n, dtype=np.intp)

    def __reduce__(self):
        return (PeriodicCore, self.arguments)

    cdef double refine(self, const double* x, const double* y, double* t, Py_ssize_t* p) noexcept nogil:
        """Alternate assignment and translation to self-consistency; returns the squared distance, with t and p of the end.

        With the images that are nearest now the best translation is the mean displacement; both steps lower the distance.
        """
        cdef Py_ssize_t n = self.n, i, m, _cycle
        cdef double total, best = 1e300, mean, d, moved
        for _cycle in range(MAX_CYCLES):
            periodic_costs(n, &self.box[0], x, t, y, &self.cost[0])
            memset(&self.duals[0], 0, n * sizeof(double))
            total = assign(n, &self.cost[0], p, &self.duals[0], &self.work[0], &self.distance[0])
            if not total < best:
                break
            best = total
            moved = 0.0
            for m in range(3):
                mean = 0.0
                for i in range(n):
                    d = y[m * n + i] - x[m * n + p[i]] - t[m]
                    mean += nearest_image(d, self.box[m], self.box[3 + m])
                mean /= n
                t[m] += mean
                moved += (mean * self.box[3 + m]) ** 2
            if moved < STILL:
                break
        # the distance that belongs to the last translation
        total = 0.0
        for m in range(3):
            for i in range(n):
                d = nearest_image(y[m * n + i] - x[m * n + p[i]] - t[m], self.box[m], self.box[3 + m])
                total += d * d
        return total

    def search(self, const double[:, ::1] copies, const double[::1] y, Py_ssize_t n_anchors, Py_ssize_t n_refined,
               double enough):
        """Closest of several orientations x of one structure to y.

        Parameters
        ----------
        copies : ndarray of shape (c, 3 n)
        n_anchors : int
            Atoms of y on which every atom of x is placed, the first ones.
        n_refined : int
            Translations refined: those with the least sum of squared distances to nearest atoms.
        enough : float
            The search ends at this squared distance.

        Returns
        -------
        (squared distance, copy, translation, permutation)
            Atom permutation[i] of the copy belongs to atom i of y.
        """
        cdef Py_ssize_t n = self.n, c, a, b, k, m, count = copies.shape[0] * n * n_anchors
        cdef double[:, ::1] starts = np.empty((count, 3))
        cdef double[::1] scores = np.empty(count), t = np.empty(3)
        cdef Py_ssize_t[::1] p = np.empty(n, dtype=np.intp)
        cdef double d2, best = 1e300, bound
        found = None
        cdef double[::1] least = np.full(n_refined, np.inf)
        with nogil:
            for k in range(count):
                # the first atom of y for all copies first: it is enough to find a copy
                b = k // (count // n_anchors)
                c = k // n % copies.shape[0]
                a = k % n
                for m in range(3):
                    starts[k, m] = y[m * n + b] - copies[c, m * n + a]
                # the largest of the least scores so far: what exceeds it is not refined
                bound = least[n_refined - 1]
                scores[k] = periodic_nearest(n, &self.box[0], &copies[c, 0], &starts[k, 0], &y[0], bound, &self.row[0])
                if scores[k] >= bound:
                    continue
                m = n_refined - 1
                while m > 0 and least[m - 1] > scores[k]:
                    least[m] = least[m - 1]
                    m -= 1
                least[m] = scores[k]
                if scores[k] <= enough:
                    for m in range(3):
                        t[m] = starts[k, m]
                    d2 = self.refine(&copies[c, 0], &y[0], &t[0], &p[0])
                    if d2 < best:
                        best = d2
                        with gil:
                            found = (d2, c, np.array(t), np.array(p))
                        if best <= enough:
                            break
        if best <= enough:
            return found
        order = np.argsort(scores, kind="stable")
        for index in order[:n_refined]:
            k = index
            c = k // n % copies.shape[0]
            for m in range(3):
                t[m] = starts[k, m]
            with nogil:
                d2 = self.refine(&copies[c, 0], &y[0], &t[0], &p[0])
            if d2 < best:
                best = d2
                found = (d2, c, np.array(t), np.array(p))
                if best <= enough:
                    break
        return found

    def stabiliser(self, const double[:, ::1] copies, const double[::1] y, double tolerance):
        """(copy, translation) of all pairs that bring every atom within the tolerance of an atom of y.

        The translations are those of atom 0: y is mapped to itself only if an atom of the copy comes to its place.
        """
        cdef Py_ssize_t n = self.n, c, a, i, j, m
        cdef double t[3]
        cdef double nearest, limit = tolerance * tolerance
        cdef bint good
        found = []
        for c in range(copies.shape[0]):
            for a in range(n):
                for m in range(3):
                    t[m] = y[m * n] - copies[c, m * n + a]
                with nogil:
                    good = True
                    periodic_costs(n, &self.box[0], &copies[c, 0], t, &y[0], &self.cost[0])
                    for i in range(n):
                        nearest = 1e300
                        for j in range(n):
                            nearest = min(nearest, self.cost[i * n + j])
                        if nearest > limit:
                            good = False
                            break
                if good:
                    found.append((int(c), (t[0], t[1], t[2])))
        return found

    def pair_distances(self, const double[::1] x):
        """Sorted distances of nearest images over sqrt(n), shape (n (n - 1) / 2,)."""
        pairs = np.empty(self.n * (self.n - 1) // 2)
        cdef double[::1] view = pairs
        if self.n > 1:
            periodic_pairs(self.n, &self.box[0], &x[0], &self.row[0], &view[0])
        pairs.sort()
        return np.sqrt(pairs / self.n)
