"""The complete graph of known minima in a connection run, and the pairs that Dijkstra's algorithm says to join next."""

import heapq
import math
from itertools import pairwise

import numpy as np

#: Orientations tried for the distances of the graph (within 5 % of the true ones for LJ38), and per atom for a band.
GRAPH_ORIENTATIONS = 40
BAND_ORIENTATIONS = 8
#: Results of these alignments that are improved.
GRAPH_IMPROVED = 0
BAND_IMPROVED = 4


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
        self._exact = {}
        self._bound = {}
        self._vectors = []
        self._attempts = {}
        self._links = {}

    def add(self, minimum):
        """A new node."""
        self.minima.append(minimum)
        self._vectors.append(self.symmetry.descriptors(minimum.coordinates))

    def connect(self, i, j, triple):
        """A transition state joins i and j."""
        if i != j:
            self._links.setdefault((min(i, j), max(i, j)), triple)

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

    def distance(self, i, j):
        """Aligned distance (for clusters from a coarse search of orientations)."""
        key = (min(i, j), max(i, j))
        if key not in self._exact:
            self._exact[key] = float(self.coarse.align(self.minima[key[1]].coordinates, self.minima[key[0]].coordinates)[1])
            self._tighten(*key)
        return self._exact[key]

    def bound(self, key):
        """Lower bound of the distance of a pair."""
        if key not in self._bound:
            pairs = zip(self._vectors[key[0]], self._vectors[key[1]], strict=True)
            self._bound[key] = max((math.sqrt(float(d @ d)) for d in (a - b for a, b in pairs)), default=0.0)
        return self._bound[key]

    def _tighten(self, i, j):
        """Lower bounds of other pairs by the triangle inequality from a new distance."""
        new = self._exact[i, j]
        for k in range(len(self.minima)):
            if k in (i, j):
                continue
            for known, other in ((i, j), (j, i)):
                d = self._exact.get((min(known, k), max(known, k)))
                if d is not None:
                    key = (min(other, k), max(other, k))
                    self._bound[key] = max(self.bound(key), abs(new - d))

    def aligned(self, j, i):
        """(coordinates of minimum j in the copy closest to minimum i, distance); the graph keeps the better distance."""
        aligned, distance = self.finer.align(self.minima[j].coordinates, self.minima[i].coordinates)
        key = (min(i, j), max(i, j))
        self._exact[key] = min(float(distance), self._exact.get(key, math.inf))
        return aligned, float(distance)

    def _weight(self, key):
        """(weight, whether it is exact)."""
        if key in self._links:
            return 0.0, True
        if self._attempts.get(key, 0) >= self.settings.tries:
            return math.inf, True
        exact = key in self._exact
        d = self._exact[key] if exact else self.bound(key)
        kind = self.settings.dijkstra
        if kind == "exp":
            return math.exp(min(d, 700.0)), exact
        if kind == "index":
            return float(abs(key[0] - key[1])) ** self.settings.dijkstra_power, True
        return d**self.settings.dijkstra_power, exact

    def _shortest(self, first, second, known_only=False):
        """Dijkstra: (nodes of the shortest path, weight), or (None, inf)."""
        n = len(self.minima)
        best = np.full(n, math.inf)
        best[first] = 0.0
        previous = [None] * n
        done = [False] * n
        heap = [(0.0, 0, first)]
        hops = [0] * n
        while heap:
            weight, _, i = heapq.heappop(heap)
            if done[i]:
                continue
            done[i] = True
            if i == second:
                nodes = [second]
                while previous[nodes[-1]] is not None:
                    nodes.append(previous[nodes[-1]])
                return nodes[::-1], weight
            for j in range(n):
                if done[j] or j == i:
                    continue
                key = (min(i, j), max(i, j))
                if known_only and key not in self._links:
                    continue
                total = weight + self._weight(key)[0]
                if total < best[j] or (total == best[j] < math.inf and hops[i] + 1 < hops[j]):
                    best[j] = total
                    hops[j] = hops[i] + 1
                    previous[j] = i
                    heapq.heappush(heap, (total, hops[j], j))
        return None, math.inf

    def missing(self, first, second):
        """(pairs to join, steps of the shortest path, its weight); pairs None where no path is left to try."""
        while True:
            nodes, weight = self._shortest(first, second)
            if nodes is None:
                return None, 0, math.inf
            keys = [(min(i, j), max(i, j)) for i, j in pairwise(nodes)]
            inexact = [key for key in keys if not self._weight(key)[1]]
            if not inexact:
                pairs = [key for key in keys if key not in self._links]
                return pairs, len(keys), weight
            for key in inexact:
                self.distance(*key)

    def connection(self, first, second):
        """Triples (their numbers) along known connections from first to second, or None."""
        nodes, _ = self._shortest(first, second, known_only=True)
        if nodes is None:
            return None
        return [self._links[min(i, j), max(i, j)] for i, j in pairwise(nodes)]
