"""The nearest minima of every minimum, kept up to date while the database grows."""

import numpy as np

from pathsample.distances import BATCH, MOST_COMPARED

#: Dimensions of the tree that finds near minima in large databases: the principal axes of so many fingerprints.
TREE_WIDTH, TREE_SAMPLE = 5, 4000
#: Candidates from the tree for each neighbour that is wanted, and some more; their lower bounds are compared.
FROM_TREE, MORE = 2, 4
#: The tree is built anew whenever the database has grown by this factor.
GROWTH = 1.05
#: Rows compared at a time.
ROWS = 2048


class Lists:
    """Base: the lists themselves.

    Parameters
    ----------
    distances : Distances
    count : int
        Length of the lists.
    """

    #: Whether the distances are aligned ones; lower bounds otherwise.
    aligned = True

    def __init__(self, distances, count):
        self.distances, self.count = distances, count
        self.n = 0
        self._ids = np.zeros((64, count), dtype=np.int64)
        self._d = np.full((64, count), np.inf)

    @property
    def ids(self):
        """Numbers of the neighbours, nearest first, shape (n, count); 0 where there are fewer."""
        return self._ids[: self.n]

    @property
    def d(self):
        """Their distances, shape (n, count), inf where there are fewer."""
        return self._d[: self.n]

    def _reserve(self, n):
        if n > len(self._ids):
            size = max(2 * len(self._ids), n)
            ids, d = np.zeros((size, self.count), dtype=np.int64), np.full((size, self.count), np.inf)
            ids[: self.n], d[: self.n] = self.ids, self.d
            self._ids, self._d = ids, d

    def _insert(self, i, j, distance):
        ids, d = self._ids[i - 1], self._d[i - 1]
        place = int(np.searchsorted(d, distance, side="right"))
        if place < self.count:
            ids[place + 1 :], d[place + 1 :] = ids[place:-1].copy(), d[place:-1].copy()
            ids[place], d[place] = j, distance


class NearLists(Lists):
    """The nearest minima of every minimum by aligned distances, kept up to date as minima are added.

    Minimum i is compared with those before it alone, so that the lists are the same however often and at whatever sizes of the
    database they were brought up to date.

    Parameters
    ----------
    distances : Distances
    count : int
        Length of the lists.
    """

    def __init__(self, distances, count):
        super().__init__(distances, count)
        self.most = max(MOST_COMPARED, 3 * count // 2)

    def update(self, energies):
        """Take in the minima that were added; ``energies`` are those of all minima."""
        n = len(energies)
        self._reserve(n)
        for i in range(self.n + 1, n + 1):
            self._add(i, energies)
            self.n = i

    def _add(self, i, energies):
        """Compare minimum i with those before it that may be near it, or to which it may be near."""
        if i == 1:
            return
        candidates, bounds = self.distances.nearest_bounds(i, np.arange(1, i), energies, self.most)
        last = self._d[candidates - 1, -1]
        place = 0
        while place < len(candidates):
            wanted = np.flatnonzero(bounds[place:] < np.maximum(last[place:], self._d[i - 1, -1]))[:BATCH] + place
            if not len(wanted):
                break
            batch = candidates[wanted].tolist()
            for j, distance in zip(batch, self.distances.distances(i, batch)):
                self._insert(i, j, distance)
                self._insert(j, i, distance)
            place = int(wanted[-1]) + 1


class FingerprintLists(Lists):
    """The nearest minima of every minimum by the lower bounds of the distances, for databases too large to align them.

    A k-d tree over the first principal components of the fingerprints finds candidates, of which those with the smallest lower
    bounds are kept: about half of the true nearest ones, and others that are a sixth further away. The tree holds the minima up
    to a number that depends on the size of the database alone; those after it are compared with each other and looked up in
    it, so that the lists are the same however often they were brought up to date.
    """

    aligned = False

    def __init__(self, distances, count):
        super().__init__(distances, count)
        self._tree = None
        self._in_tree = 0
        self._energies = self._axes = None

    def update(self, energies):
        """Take in the minima that were added; ``energies`` are those of all minima."""
        n = len(energies)
        start = last_power(n, self.distances.most_aligned)
        self._reserve(n)
        self._energies = energies
        if start != self._in_tree:
            self._build(start)
        for i in range(self.n + 1, n + 1):
            self._append(i)
            self.n = i

    def _short(self, vectors, rows):
        """What the tree is built of; energies where there is no fingerprint."""
        return vectors[rows] @ self._axes if vectors.shape[1] else self._energies[rows, None]

    def _build(self, n):
        from scipy.spatial import cKDTree

        vectors = self.distances.vectors(n)
        sample = vectors[:: max(1, n // TREE_SAMPLE)]
        if vectors.shape[1]:
            self._axes = np.linalg.svd(sample - sample.mean(axis=0), full_matrices=False)[2][:TREE_WIDTH].T
        self._tree = cKDTree(self._short(vectors, slice(n)), balanced_tree=False)
        self._in_tree = self.n = n
        self._ids[:], self._d[:] = 0, np.inf
        for k in range(0, n, ROWS):
            rows = np.arange(k, min(k + ROWS, n))
            ids, d = self._query(vectors, rows)
            self._ids[rows, : ids.shape[1]], self._d[rows, : ids.shape[1]] = ids, d

    def _query(self, vectors, rows):
        """Nearest minima of the tree for some rows of the vectors: numbers from 1 and bounds, nearest first."""
        wanted = min(FROM_TREE * self.count + MORE, self._in_tree)
        near = self._tree.query(self._short(vectors, rows), wanted)[1].reshape(len(rows), wanted)
        near.sort(axis=1)
        difference = vectors[near] - vectors[rows, None]
        bounds = np.sqrt(np.einsum("ijk,ijk->ij", difference, difference)) * (1.0 - 1e-9)
        bounds[near == rows[:, None]] = np.inf
        order = np.argsort(bounds, axis=1, kind="stable")[:, : min(self.count, wanted)]
        bounds = np.take_along_axis(bounds, order, axis=1)
        return np.where(np.isfinite(bounds), np.take_along_axis(near, order, axis=1) + 1, 0), bounds

    def _append(self, i):
        vectors = self.distances.vectors(i)
        ids, d = self._query(vectors, np.array([i - 1]))
        near = list(zip(d[0].tolist(), ids[0].tolist()))
        if i - 1 > self._in_tree:
            tail = np.arange(self._in_tree + 1, i)
            bounds = self.distances.bounds(i, tail)
            order = np.argsort(bounds, kind="stable")[: self.count]
            near += zip(bounds[order].tolist(), tail[order].tolist())
        for bound, j in near:
            if j:
                self._insert(i, j, bound)
                self._insert(j, i, bound)


def last_power(n, smallest):
    """The largest number of the series smallest, GROWTH smallest, GROWTH^2 smallest, ... that does not exceed n."""
    size = smallest
    while int(size * GROWTH) <= n:
        size = int(size * GROWTH)
    return min(size, n)
