"""The database as a graph in memory: energies, edges, components and cached distances, for choosing what to search next.

It reads the database once and then follows it, record by record, as results are filed; the strategies look at it alone.
"""

import numpy as np

from pathsample.distances import Distances, NearLists

#: Weight that an attempt loses with each later one of its kind: about a hundred count.
FORGOTTEN = 0.01


class Yield:
    """What the last hundred or so searches of one kind brought, the newest weighing most.

    Attributes
    ----------
    searches, new, calls : float
        Weighted numbers of searches, of minima and transition states that were new, and of evaluations.
    """

    __slots__ = ("calls", "new", "searches")

    def __init__(self):
        self.searches = self.new = self.calls = 0.0

    def add(self, new, calls):
        """Take in a search; one whose evaluations are not known tells nothing."""
        if calls:
            kept = 1.0 - FORGOTTEN
            self.searches = kept * self.searches + 1.0
            self.new = kept * self.new + new
            self.calls = kept * self.calls + calls


class Network:
    """Minima as nodes, transition states as edges. Indices of minima are 1-based, as everywhere.

    Parameters
    ----------
    database : Database
    symmetry : Symmetry
        Supplies aligned distances.

    Attributes
    ----------
    energies : ndarray of shape (n_minima,)
    ts_energies : ndarray of shape (n_transition_states,)
    plus, minus : ndarray of shape (n_transition_states,)
    attempted : set of (int, int)
        Pairs that were tried, or that a file says not to try; lower number first.
    searches : dict
        Single-ended searches made from each minimum.
    yields : dict of Yield
        What searches that connect pairs, and single-ended ones, brought lately.
    endpoints : dict of list
    """

    def __init__(self, database, symmetry):
        self.database = database
        self.symmetry = symmetry
        self.distances = Distances(database, symmetry)
        self._near = {}
        self._labels = None
        self._edges = set()
        self._attempts = 0
        self.attempted = set()
        self.searches = {}
        self.yields = {"connect": Yield(), "single": Yield()}
        self.energies = np.empty(0)
        self.ts_energies = np.empty(0)
        self.plus = np.empty(0, dtype=np.int64)
        self.minus = np.empty(0, dtype=np.int64)
        self.refresh()

    def refresh(self):
        """Follow the database after results were filed; what was read before is not read again."""
        new = self.database.new_energies(len(self.energies))
        edges = self.database.new_edges(len(self.plus))
        if len(new) or len(edges["plus"]):
            self.energies = np.concatenate([self.energies, new])
            self.ts_energies = np.concatenate([self.ts_energies, edges["energy"]])
            self.plus = np.concatenate([self.plus, edges["plus"]])
            self.minus = np.concatenate([self.minus, edges["minus"]])
            pairs = zip(edges["plus"].tolist(), edges["minus"].tolist())
            self._edges.update((min(p, m), max(p, m)) for p, m in pairs if p != m)
            self._labels = None
        attempts = self.database.attempts(after=self._attempts)
        self._attempts += len(attempts)
        for first, second, _, _, new, calls in attempts:
            self.yields["single" if second is None else "connect"].add(new, calls)
            if second is None:
                self.searches[first] = self.searches.get(first, 0) + 1
            else:
                self.attempted.add((min(first, second), max(first, second)))
        self.endpoints = {name: list(self.database.endpoints(name)) for name in ("A", "B")}

    @property
    def n_minima(self):
        """Number of minima."""
        return len(self.energies)

    @property
    def global_minimum(self):
        """Number of the minimum of lowest energy; None in an empty database."""
        return int(np.argmin(self.energies)) + 1 if len(self.energies) else None

    def labels(self):
        """Component number of each minimum, shape (n_minima,)."""
        if self._labels is None:
            from scipy.sparse import coo_matrix
            from scipy.sparse.csgraph import connected_components

            n = self.n_minima
            edges = coo_matrix((np.ones(len(self.plus)), (self.plus - 1, self.minus - 1)), shape=(n, n))
            self._labels = connected_components(edges, directed=False)[1] if n else np.empty(0, dtype=int)
        return self._labels

    def reference_minima(self):
        """The minima everything is to be connected with: sets A and B, or the global minimum where there are none."""
        named = [i for i in self.endpoints["A"] + self.endpoints["B"] if 1 <= i <= self.n_minima]
        return named or [self.global_minimum]

    def connected_set(self):
        """Boolean mask of shape (n_minima,): minima in the component of the lowest reference minimum."""
        labels = self.labels()
        lowest = min(self.reference_minima(), key=lambda i: self.energies[i - 1])
        return labels == labels[lowest - 1]

    def degrees(self):
        """Number of different neighbours of each minimum, shape (n_minima,); degenerate rearrangements do not count."""
        different = self.plus != self.minus
        low = np.minimum(self.plus, self.minus)[different]
        high = np.maximum(self.plus, self.minus)[different]
        edges = np.unique(np.stack([low, high], axis=1), axis=0) if len(low) else np.empty((0, 2), dtype=np.int64)
        return np.bincount(edges.ravel() - 1, minlength=self.n_minima) if len(edges) else np.zeros(self.n_minima, dtype=int)

    def neighbours(self):
        """Set of connected pairs (low, high); not to be changed."""
        return self._edges

    def distance(self, i, j):
        """Aligned distance between minima i and j; computed once."""
        return self.distances.distance(i, j)

    def nearest(self, i, candidates, count):
        """The ``count`` candidates nearest to i, nearest first, as (distance, minimum); see `Distances.ascending`."""
        from itertools import islice

        return list(islice(self.distances.ascending(i, candidates, self.energies), count))

    def near_lists(self, count):
        """The ``count`` nearest minima of every minimum.

        Returns
        -------
        NearLists
        """
        if count not in self._near:
            self._near[count] = NearLists(self.distances, count)
        self._near[count].update(self.energies)
        return self._near[count]
