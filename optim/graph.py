"""The complete graph of known minima in a connection run, and the pairs that Dijkstra's algorithm says to join next."""

import math
from itertools import pairwise

import numpy as np

from optim._shortest_path import shortest_path

#: Orientations tried for the distances of the graph (20 % above the true ones for LJ38, in the mean of distant pairs; twice as
#: many, 7 %, connect no more pairs), and per atom for a band (0.1 %).
GRAPH_ORIENTATIONS = 100
BAND_ORIENTATIONS = 20
#: Results of these alignments that are improved.
GRAPH_IMPROVED = 0
BAND_IMPROVED = 3
#: Minima for which the matrices have room at first.
FIRST_SIZE = 16


def coarser(symmetry, orientations, improved):
    """The symmetry with fewer orientations in its alignment and fewer of them improved, where it is a cluster and has more."""
    from potentials.symmetry import RigidCluster

    if not isinstance(symmetry, RigidCluster):
        return symmetry
    if orientations >= symmetry.random_orientations:
        return symmetry
    return RigidCluster(
        symmetry.n_atoms,
        groups=symmetry.groups,
        inversion=symmetry.inversion,
        random_orientations=orientations,
        improved=improved,
    )


def _grown(matrix, size, value):
    """The matrix in the corner of a larger one that is filled with a value."""
    larger = np.full((size, size), value)
    larger[: len(matrix), : len(matrix)] = matrix
    return larger


class MissingConnections:
    """Weights between known minima: 0 where joined, a function of the distance elsewhere, infinite where exhausted.

    Aligned distances are expensive for clusters, so an edge carries a lower bound until it lies on a shortest path; then its
    distance is computed and the path sought again. The path that comes out is the one that all distances would give.

    Parameters
    ----------
    symmetry : Symmetry
    settings : OptimSettings
    """

    def __init__(self, symmetry, settings):
        self.symmetry = symmetry
        self.coarse = coarser(symmetry, GRAPH_ORIENTATIONS, GRAPH_IMPROVED)
        n_atoms = getattr(symmetry, "n_atoms", 0)
        self.finer = coarser(symmetry, max(settings.orientations, BAND_ORIENTATIONS * n_atoms), BAND_IMPROVED)
        self.settings = settings
        self.minima = []
        self._attempts = {}
        self._links = {}
        # matrices with room for more minima: lower bounds of the distances, the distances (NaN where unknown), the weights
        self._bounds, self._exact, self._weights = np.zeros((0, 0)), np.zeros((0, 0)), np.zeros((0, 0))
        # one array of rows for each kind of vector that bounds distances
        self._vectors = None

    def add(self, minimum):
        """A new node."""
        n = len(self.minima)
        self.minima.append(minimum)
        vectors = [np.asarray(v, dtype=float).ravel() for v in self.symmetry.descriptors(minimum.coordinates)]
        if self._vectors is None:
            self._vectors = [np.empty((0, v.size)) for v in vectors]
        if n == len(self._weights):
            size = max(FIRST_SIZE, 2 * n)
            self._bounds = _grown(self._bounds, size, 0.0)
            self._exact = _grown(self._exact, size, math.nan)
            self._weights = _grown(self._weights, size, math.inf)
            self._vectors = [np.concatenate([rows, np.empty((size - n, rows.shape[1]))]) for rows in self._vectors]
        bounds = np.zeros(n)
        for rows, vector in zip(self._vectors, vectors, strict=True):
            rows[n] = vector
            bounds = np.maximum(bounds, np.linalg.norm(rows[:n] - vector, axis=1))
        self._bounds[n, :n] = self._bounds[:n, n] = bounds
        self._reweigh(n, np.arange(n))

    def connect(self, i, j, triple):
        """A transition state joins i and j."""
        if i != j:
            self._links.setdefault((min(i, j), max(i, j)), triple)
            self._reweigh(i, [j])

    def joined(self, i, j):
        """Whether a known transition state joins i and j directly."""
        return (min(i, j), max(i, j)) in self._links

    def attempts(self, i, j):
        """Number of bands tried between i and j."""
        return self._attempts.get((min(i, j), max(i, j)), 0)

    def record_attempt(self, i, j):
        """A band was tried between i and j."""
        key = (min(i, j), max(i, j))
        self._attempts[key] = self._attempts.get(key, 0) + 1
        self._reweigh(i, [j])

    def distance(self, i, j):
        """Aligned distance (for clusters from a coarse search of orientations)."""
        i, j = min(i, j), max(i, j)
        if np.isnan(self._exact[i, j]):
            self._store(i, j, float(self.coarse.align(self.minima[j].coordinates, self.minima[i].coordinates)[1]))
            self._tighten(i, j)
        return float(self._exact[i, j])

    def _store(self, i, j, distance):
        self._exact[i, j] = self._exact[j, i] = distance
        self._reweigh(i, [j])

    def _tighten(self, i, j):
        """Lower bounds of other pairs by the triangle inequality from a new distance."""
        n = len(self.minima)
        for known, other in ((i, j), (j, i)):
            differences = np.abs(self._exact[i, j] - self._exact[known, :n])
            tighter = differences > self._bounds[other, :n]
            tighter[[i, j]] = False
            (k,) = np.nonzero(tighter)
            if k.size:
                self._bounds[other, k] = self._bounds[k, other] = differences[k]
                self._reweigh(other, k)

    def aligned(self, j, i):
        """(coordinates of minimum j in the copy closest to minimum i, distance); the graph keeps the better distance."""
        aligned, distance = self.finer.align(self.minima[j].coordinates, self.minima[i].coordinates)
        self._store(i, j, float(np.fmin(distance, self._exact[i, j])))
        return aligned, float(distance)

    def _reweigh(self, i, others):
        """The weights of edges of i, after something about them changed."""
        others = np.asarray(others, dtype=np.intp)
        d = self._exact[i, others]
        d = np.where(np.isnan(d), self._bounds[i, others], d)
        if self.settings.dijkstra == "exp":
            weights = np.exp(np.minimum(d, 700.0))
        elif self.settings.dijkstra == "index":
            weights = np.abs(others - i).astype(float) ** self.settings.dijkstra_power
        else:
            weights = d**self.settings.dijkstra_power
        for at, j in enumerate(others.tolist()):
            key = (min(i, j), max(i, j))
            if key in self._links:
                weights[at] = 0.0
            elif self._attempts.get(key, 0) >= self.settings.tries:
                weights[at] = math.inf
        self._weights[i, others] = self._weights[others, i] = weights

    def _is_exact(self, key):
        """Whether the weight of an edge is more than a bound."""
        return (
            key in self._links
            or self._attempts.get(key, 0) >= self.settings.tries
            or self.settings.dijkstra == "index"
            or not np.isnan(self._exact[key])
        )

    def missing(self, first, second):
        """(pairs to join, steps of the shortest path, its weight); pairs None where no path is left to try."""
        while True:
            nodes, weight = shortest_path(self._weights, len(self.minima), first, second)
            if nodes is None:
                return None, 0, math.inf
            keys = [(min(i, j), max(i, j)) for i, j in pairwise(nodes)]
            inexact = [key for key in keys if not self._is_exact(key)]
            if not inexact:
                pairs = [key for key in keys if key not in self._links]
                return pairs, len(keys), weight
            for key in inexact:
                self.distance(*key)

    def connection(self, first, second):
        """Triples (their numbers) along known connections from first to second, or None."""
        n = len(self.minima)
        linked = np.full((n, n), math.inf)
        for i, j in self._links:
            linked[i, j] = linked[j, i] = 0.0
        nodes, _ = shortest_path(linked, n, first, second)
        if nodes is None:
            return None
        return [self._links[min(i, j), max(i, j)] for i, j in pairwise(nodes)]
