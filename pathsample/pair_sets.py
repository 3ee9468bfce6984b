"""Sets of pairs of minima that stay small in memory and can be asked about many pairs at once."""

from collections.abc import Set

import numpy as np

#: A pair is the lower number times this plus the higher.
BASE = 1 << 32
#: Pairs added one by one that are kept apart before they are sorted in.
RECENT = 4096


def pair_keys(first, second):
    """One integer for each pair, the same whichever of the two is named first: ndarray of int64."""
    first, second = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    return np.minimum(first, second) * BASE + np.maximum(first, second)


def ends_of(keys):
    """Lower and higher numbers of pairs."""
    return keys // BASE, keys % BASE


class PairSet(Set):
    """A set of pairs (low, high): eight bytes each in a sorted array, and the last ones in an ordinary set.

    Parameters
    ----------
    pairs : iterable of (int, int)
        In either order.
    """

    def __init__(self, pairs=()):
        self._sorted = np.empty(0, dtype=np.int64)
        self._recent = set()
        self.update(pairs)

    def __contains__(self, pair):
        key = min(pair) * BASE + max(pair)
        if key in self._recent:
            return True
        place = int(self._sorted.searchsorted(key))
        return place < len(self._sorted) and int(self._sorted[place]) == key

    def __iter__(self):
        for key in self.keys().tolist():
            yield divmod(key, BASE)

    def __len__(self):
        return len(self._sorted) + len(self._recent)

    def __or__(self, other):
        union = PairSet()
        # the arrays are never changed in place, so that they can be shared
        union._sorted, union._recent = self._sorted, set(self._recent)
        if isinstance(other, PairSet):
            union.add_keys(other.keys())
        else:
            union.update(other)
        return union

    def __ior__(self, other):
        if isinstance(other, PairSet):
            self.add_keys(other.keys())
        else:
            self.update(other)
        return self

    def add(self, pair):
        """Add one pair."""
        if pair not in self:
            self._recent.add(int(min(pair)) * BASE + int(max(pair)))
            if len(self._recent) > RECENT:
                self.keys()

    def update(self, pairs):
        """Add pairs."""
        pairs = list(pairs)
        if len(pairs) > RECENT:
            self.add_keys(pair_keys(*np.array(pairs, dtype=np.int64).T))
        else:
            for pair in pairs:
                self.add(pair)

    def add_keys(self, keys):
        """Add pairs given as `pair_keys`."""
        mine, keys = self.keys(), np.sort(keys)
        keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys
        keys = keys[~self.contains(keys)]
        self._sorted = np.insert(mine, np.searchsorted(mine, keys), keys) if len(mine) else keys

    def keys(self):
        """All of them as `pair_keys`, sorted; not to be changed."""
        if self._recent:
            recent = np.sort(np.fromiter(self._recent, dtype=np.int64, count=len(self._recent)))
            self._sorted = np.insert(self._sorted, np.searchsorted(self._sorted, recent), recent)
            self._recent = set()
        return self._sorted

    def contains(self, keys):
        """Which of some pairs, given as `pair_keys`, are in the set: ndarray of bool."""
        mine = self.keys()
        if not len(mine):
            return np.zeros(len(keys), dtype=bool)
        place = np.minimum(np.searchsorted(mine, keys), len(mine) - 1)
        return mine[place] == keys
