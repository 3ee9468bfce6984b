"""Aligned distances between minima: computed once per pair, and near neighbours without comparing all with all.

An aligned distance costs between a microsecond (small networks) and a tenth of a second (large clusters); its lower bound, the
Euclidean distance of two short vectors, next to nothing. Candidates are therefore compared in the order of their lower bounds,
until these exceed the distances found; where the bounds are weak no more than `MOST_COMPARED` candidates are compared. Clusters
are aligned from few orientations, as in a connection run: the distances choose pairs, and never decide about identity.
"""

import numpy as np

from optim.graph import GRAPH_ORIENTATIONS, coarser

#: Candidates whose aligned distance is computed at most, for one minimum and up to 40 neighbours.
MOST_COMPARED = 60
#: Distances computed in one call.
BATCH = 12
#: Length of the vectors behind the lower bounds: longer descriptors are projected on so many orthonormal block averages.
WIDTH = 64


class Distances:
    """Distances between the minima of a database.

    Parameters
    ----------
    database : Database
    symmetry : Symmetry
    """

    def __init__(self, database, symmetry):
        self.database, self.symmetry = database, coarser(symmetry, GRAPH_ORIENTATIONS, 0)
        self._known = {}
        self._coordinates = {}
        self._vectors = None
        self._count = 0

    def coordinates(self, i):
        """Coordinates of minimum i."""
        found = self._coordinates.get(i)
        if found is None:
            found = self._coordinates[i] = self.database.minimum(i).coordinates
        return found

    def vectors(self, n):
        """Vectors of the first n minima, shape (n, width), whose Euclidean distances are lower bounds."""
        if self._count < n:
            new = [self._vector(i) for i in range(self._count + 1, n + 1)]
            if self._vectors is None or len(self._vectors) < n:
                grown = np.empty((max(2 * self._count, n, 64), len(new[0])))
                grown[: self._count] = 0.0 if self._vectors is None else self._vectors[: self._count]
                self._vectors = grown
            self._vectors[self._count : n] = new
            self._count = n
        return self._vectors[:n]

    def _vector(self, i):
        full = np.asarray(self.symmetry.descriptor(self.coordinates(i)), dtype=float).ravel()
        if len(full) <= WIDTH:
            return full
        edges = np.linspace(0, len(full), WIDTH + 1).astype(int)
        return np.add.reduceat(full, edges[:-1]) / np.sqrt(np.diff(edges))

    def bounds(self, i, candidates):
        """Lower bounds to the distances of minimum i from candidates, an array of numbers; a hair below, for rounding."""
        vectors = self.vectors(max(i, int(candidates.max())))
        difference = vectors[candidates - 1] - vectors[i - 1]
        return np.sqrt(np.einsum("ij,ij->i", difference, difference)) * (1.0 - 1e-9)

    def distance(self, i, j):
        """Aligned distance between minima i and j."""
        return self.distances(i, [j])[0]

    def distances(self, i, others):
        """Aligned distances of minimum i from several others, as a list; the same whichever of two minima is named first."""
        missing = [j for j in others if j != i and (min(i, j), max(i, j)) not in self._known]
        lower = [j for j in missing if j < i]
        if lower:
            found = self.symmetry.distances(np.array([self.coordinates(j) for j in lower]), self.coordinates(i))
            self._known.update(((j, i), float(d)) for j, d in zip(lower, found))
        for j in missing:
            if j > i:
                found = self.symmetry.distances(self.coordinates(i)[None], self.coordinates(j))
                self._known[i, j] = float(found[0])
        return [0.0 if j == i else self._known[min(i, j), max(i, j)] for j in others]

    def ascending(self, i, candidates, energies, most=MOST_COMPARED):
        """The candidates in the order of their distance from i, as an iterator of (distance, minimum).

        No more than ``most`` of them, those with the smallest lower bounds, are compared; equal bounds: nearest in energy.

        Parameters
        ----------
        i : int
        candidates : array_like of int
        energies : ndarray
            Of all minima.
        most : int
        """
        candidates = np.asarray(candidates, dtype=np.int64)
        candidates = candidates[candidates != i]
        if not len(candidates):
            return
        bounds = self.bounds(i, candidates)
        gap = np.abs(energies[candidates - 1] - energies[i - 1])
        order = np.lexsort((candidates, gap, bounds))[:most]
        candidates, bounds = candidates[order].tolist(), bounds[order].tolist()
        ready, place = [], 0
        while place < len(candidates) or ready:
            while place < len(candidates) and (not ready or bounds[place] <= ready[0][0]):
                batch = candidates[place : place + BATCH]
                ready = sorted([*ready, *zip(self.distances(i, batch), batch)])
                place += len(batch)
            yield ready.pop(0)


class NearLists:
    """The nearest minima of every minimum, kept up to date as minima are added.

    Minimum i is compared with those before it alone, so that the lists are the same however often and at whatever sizes of the
    database they were brought up to date.

    Parameters
    ----------
    distances : Distances
    count : int
        Length of the lists.
    """

    def __init__(self, distances, count):
        self.distances, self.count = distances, count
        self.most = max(MOST_COMPARED, 3 * count // 2)
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

    def update(self, energies):
        """Take in the minima that were added; ``energies`` are those of all minima."""
        n = len(energies)
        if n > len(self._ids):
            size = max(2 * len(self._ids), n)
            ids, d = np.zeros((size, self.count), dtype=np.int64), np.full((size, self.count), np.inf)
            ids[: self.n], d[: self.n] = self.ids, self.d
            self._ids, self._d = ids, d
        for i in range(self.n + 1, n + 1):
            self._add(i, energies)
            self.n = i

    def _add(self, i, energies):
        """Compare minimum i with those before it that may be near it, or to which it may be near."""
        if i == 1:
            return
        before = np.arange(1, i)
        bounds = self.distances.bounds(i, before)
        order = np.lexsort((before, np.abs(energies[: i - 1] - energies[i - 1]), bounds))[: self.most]
        candidates, bounds = before[order], bounds[order]
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

    def _insert(self, i, j, distance):
        ids, d = self._ids[i - 1], self._d[i - 1]
        place = int(np.searchsorted(d, distance, side="right"))
        if place < self.count:
            ids[place + 1 :], d[place + 1 :] = ids[place:-1].copy(), d[place:-1].copy()
            ids[place], d[place] = j, distance
