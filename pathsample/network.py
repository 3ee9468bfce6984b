"""The database as a graph in memory: energies, edges, components and cached distances, for choosing what to search next.

It reads the database once and then follows it, record by record, as results are filed; the strategies look at it alone.
"""

import numpy as np

from pathsample.distances import Distances
from pathsample.near_lists import FingerprintLists, NearLists
from pathsample.pair_sets import PairSet, ends_of, pair_keys

#: Weight that an attempt loses with each later one of its kind: about a hundred count.
FORGOTTEN = 0.01
#: Attempts that are read to begin with: the weights of those before them are below the rounding error.
REMEMBERED = 20_000
#: Neighbours of each minimum that are listed in a large database at most.
MOST_LISTED = 8


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
    attempted : PairSet
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
        self._edges = PairSet()
        self._attempts = 0
        self.attempted = PairSet()
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
            different = edges["plus"] != edges["minus"]
            self._edges.add_keys(pair_keys(edges["plus"][different], edges["minus"][different]))
            self._labels = None
        earlier = self._attempts
        self._attempts, first, second = self.database.attempted_after(earlier)
        single = second == 0
        self.attempted.add_keys(pair_keys(first[~single], second[~single]))
        for minimum, count in zip(*(values.tolist() for values in np.unique(first[single], return_counts=True))):
            self.searches[minimum] = self.searches.get(minimum, 0) + count
        # of a long history only what has not been forgotten is read
        for kind, new, calls in self.database.yields_after(max(earlier, self._attempts - REMEMBERED)):
            self.yields[kind].add(new, calls)
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
        return np.bincount(np.concatenate(ends_of(self._edges.keys())) - 1, minlength=self.n_minima)

    def neighbours(self):
        """The connected pairs, a `PairSet`; not to be changed."""
        return self._edges

    def distance(self, i, j):
        """Aligned distance between minima i and j; computed once."""
        return self.distances.distance(i, j)

    def nearest(self, i, candidates, count):
        """The ``count`` candidates nearest to i, nearest first, as (distance, minimum); see `Distances.ascending`."""
        from itertools import islice

        return list(islice(self.distances.ascending(i, candidates, self.energies), count))

    @property
    def large(self):
        """Whether there are too many minima to compare each with its neighbours by aligned distances."""
        return self.n_minima > self.distances.most_aligned

    def near_lists(self, count):
        """The nearest minima of every minimum: ``count`` by aligned distances, in a large database few by lower bounds.

        Returns
        -------
        NearLists or FingerprintLists
        """
        kind = FingerprintLists if self.large else NearLists
        count = min(count, MOST_LISTED) if self.large else count
        if not isinstance(self._near.get(count), kind):
            self._near[count] = kind(self.distances, count)
        self._near[count].update(self.energies)
        return self._near[count]
