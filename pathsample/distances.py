"""Aligned distances between minima: computed once per pair, and the nearest of many without comparing all.

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
#: Pairs of which all are compared when the nearest are asked for; of more, as many with the smallest lower bounds.
ALL_PAIRS = 600
#: Minima read, and pairs whose lower bounds are computed, at a time.
READ, CHUNK = 2048, 1 << 15
#: Candidates from which on those with small bounds are picked by one matrix product first.
MANY = 4096
#: Aligned distances and coordinates that are remembered.
REMEMBERED, KEPT = 2_000_000, 20_000
#: Databases in which every minimum is aligned with its neighbours have up to so many minima; for clusters the number is divided
#: by the number of atoms, because an alignment then costs a millisecond and not microseconds.
MOST_ALIGNED, MOST_ALIGNED_ATOMS = 10_000, 20_000
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
        self._squares = None
        self._count = 0

    @property
    def most_aligned(self):
        """Size of a database up to which every minimum is aligned with its neighbours."""
        n_atoms = getattr(self.symmetry, "n_atoms", None)
        return MOST_ALIGNED if n_atoms is None else min(MOST_ALIGNED, MOST_ALIGNED_ATOMS // n_atoms)

    def coordinates(self, i):
        """Coordinates of minimum i."""
        found = self._coordinates.get(i)
        if found is None:
            if len(self._coordinates) >= KEPT:
                self._coordinates.clear()
            found = self._coordinates[i] = self.database.minimum(i).coordinates
        return found

    def vectors(self, n):
        """Vectors of the first n minima, shape (n, width), whose Euclidean distances are lower bounds."""
        while self._count < n:
            last = min(self._count + READ, n)
            points = self.database.coordinates(range(self._count + 1, last + 1))
            new = self._fingerprints(points)
            if self._vectors is None or len(self._vectors) < last:
                grown = np.empty((max(2 * self._count if n < 2 * self._count else n, 64), new.shape[1]))
                squares = np.empty(len(grown))
                if self._count:
                    grown[: self._count], squares[: self._count] = self._vectors[: self._count], self._squares[: self._count]
                self._vectors, self._squares = grown, squares
            self._vectors[self._count : last] = new
            self._squares[self._count : last] = np.einsum("ij,ij->i", new, new)
            self._count = last
        return self._vectors[:n]

    def _fingerprints(self, points):
        """The vectors of some points: their descriptors, or orthonormal block averages of these."""
        return block_averages(self.symmetry.descriptors_of_many(points), WIDTH)

    def bounds(self, i, candidates):
        """Lower bounds to the distances of minimum i from candidates, an array of numbers; a hair below, for rounding."""
        vectors = self.vectors(max(i, int(candidates.max())))
        return self._bounds(vectors, np.full(len(candidates), i), candidates)

    def pair_bounds(self, first, second):
        """Lower bounds to the distances of pairs, two arrays of numbers."""
        if not len(first):
            return np.empty(0)
        vectors = self.vectors(int(max(first.max(), second.max())))
        parts = [
            self._bounds(vectors, first[k : k + CHUNK], second[k : k + CHUNK]) for k in range(0, len(first), CHUNK)
        ]
        return np.concatenate(parts)

    @staticmethod
    def _bounds(vectors, first, second):
        difference = vectors[second - 1] - vectors[first - 1]
        return np.sqrt(np.einsum("ij,ij->i", difference, difference)) * (1.0 - 1e-9)

    def nearest_bounds(self, i, candidates, energies, most):
        """The candidates with the smallest lower bounds to their distance from i; equal bounds: nearest in energy.

        Parameters
        ----------
        i : int
        candidates : ndarray of int
        energies : ndarray
            Of all minima.
        most : int

        Returns
        -------
        candidates, bounds : ndarray of shape (at most ``most``,)
        """
        if len(candidates) > max(MANY, 2 * most):
            # a matrix product ranks all of them up to rounding, and what may be among the first is compared exactly
            vectors = self.vectors(max(i, int(candidates.max())))
            rough = (self._squares[: len(vectors)] + self._squares[i - 1] - 2.0 * (vectors @ vectors[i - 1]))[candidates - 1]
            margin = 1e-12 * (self._squares[: len(vectors)].max() + self._squares[i - 1])
            candidates = candidates[rough <= np.partition(rough, most - 1)[most - 1] + margin]
        bounds = self.bounds(i, candidates)
        gap = np.abs(energies[candidates - 1] - energies[i - 1])
        order = np.lexsort((candidates, gap, bounds))[:most]
        return candidates[order], bounds[order]

    def distance(self, i, j):
        """Aligned distance between minima i and j."""
        return self.distances(i, [j])[0]

    def distances(self, i, others):
        """Aligned distances of minimum i from several others, as a list; the same whichever of two minima is named first."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
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

    def nearest_pairs(self, first, second, count):
        """The pairs with the smallest distances, as a list of (distance, i, j), nearest first.

        All are compared where there are few; of many those with the smallest lower bounds.

        Parameters
        ----------
        first, second : ndarray of int
        count : int
            Pairs wanted.
        """
        first, second = self.pruned(first, second, count)
        pairs = zip(first.tolist(), second.tolist())
        return sorted((self.distance(i, j), i, j) for i, j in pairs)[:count]

    def pruned(self, first, second, count):
        """The pairs among which the ``count`` nearest are looked for: all where there are few."""
        most = max(ALL_PAIRS, 4 * count)
        if len(first) <= most:
            return first, second
        chosen = np.lexsort((second, first, self.pair_bounds(first, second)))[:most]
        return first[chosen], second[chosen]

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
        candidates, bounds = self.nearest_bounds(i, candidates, energies, most)
        candidates, bounds = candidates.tolist(), bounds.tolist()
        ready, place = [], 0
        while place < len(candidates) or ready:
            while place < len(candidates) and (not ready or bounds[place] <= ready[0][0]):
                batch = candidates[place : place + BATCH]
                ready = sorted([*ready, *zip(self.distances(i, batch), batch)])
                place += len(batch)
            yield ready.pop(0)


def block_averages(vectors, width):
    """Orthonormal block averages of rows that are longer than ``width``: their distances never exceed those of the rows."""
    if vectors.shape[1] <= width:
        return vectors
    edges = np.linspace(0, vectors.shape[1], width + 1).astype(int)
    return np.add.reduceat(vectors, edges[:-1], axis=1) / np.sqrt(np.diff(edges))
