"""UNTRAP and FREEPAIRS: pairs that take away artificial traps, minima with a high barrier because no low one was found yet.

The score of a minimum is its barrier towards the product superbasin over its height above the lowest product minimum (Strodel,
Whittleston and Wales, J. Am. Chem. Soc. 129, 16005 (2007)). A minimum with a high score is connected with a near one of the
superbasin that it should have been able to reach.
"""

import math

import numpy as np

from pathsample.pairs import Task, connect
from pathsample.path_pairs import PathStrategy, need_sets


def bottlenecks(n, ts_energies, plus, minus, products):
    """Energy of the lowest barrier that has to be crossed from each node to a product.

    Parameters
    ----------
    n : int
    ts_energies, plus, minus : ndarray
        Ends counted from 0.
    products : sequence of int
        Counted from 0.

    Returns
    -------
    ndarray of shape (n,)
        -inf for products, inf for nodes that are not connected with one.
    """
    from pathsample.minimax import highest_on_lowest_path

    return highest_on_lowest_path(n, ts_energies, plus, minus, products)


def entry_energies(level, lowest, increment):
    """First threshold lowest + k increment (k = 1, 2, ...) at which each node is in the product superbasin; inf for never."""
    with np.errstate(invalid="ignore"):
        steps = np.maximum(np.ceil((level - lowest) / increment - 1e-9), 1.0)
    return lowest + increment * steps


class Untrap(PathStrategy):
    """UNTRAP: minima in the order of their scores, each with its nearest minimum of the superbasin below its entry.

    Parameters
    ----------
    setup : Setup
    values : namespace
        ``increment`` of the threshold energy; ``threshold``: the partner lies less than this above the minimum; ``height``: the
        least divisor of the barrier; ``lowest``, ``highest``: bounds of the barrier.
    """

    keyword = "UNTRAP"

    def __init__(self, setup, values):
        super().__init__(setup)
        self.increment, self.threshold = values.increment, values.threshold
        self.height, self.lowest, self.highest = values.height, values.lowest, values.highest

    def products(self, network):
        """Numbers of the product minima, from 1."""
        need_sets(self.keyword, network)
        return network.endpoints[self.setup.settings["DIRECTION"].direction.upper()[0]]

    def scores(self, energies, level, lowest):
        """Nodes in the order of descending score.

        Returns
        -------
        list of (score, node, entry)
            Nodes counted from 0; products and what is not connected with them are left out.
        """
        entry = entry_energies(level, lowest, self.increment)
        found = []
        for i in np.flatnonzero(np.isfinite(level)).tolist():
            barrier = entry[i] - energies[i]
            if self.lowest <= barrier <= self.highest:
                found.append((barrier / max(abs(energies[i] - lowest), self.height), i, entry[i]))
        found.sort(key=lambda item: (-item[0], item[1]))
        return found

    def choose(self, network, pending, count):
        """The pairs with the highest scores that were not tried."""
        products = np.array(self.products(network)) - 1
        energies = network.energies
        level = bottlenecks(network.n_minima, network.ts_energies, network.plus - 1, network.minus - 1, products)
        low = products[np.argmin(energies[products])]
        # a search for the superbasin of a threshold is a search in the sorted bottlenecks
        order = np.argsort(level, kind="stable")
        sorted_level = level[order]
        done = self.tried(network, pending) | network.neighbours()
        self.listing = []
        for score, i, entry in self.scores(energies, level, energies[low]):
            inside = order[: np.searchsorted(sorted_level, entry - self.increment + 1e-9 * self.increment, side="right")]
            inside = inside[energies[inside] - energies[i] < self.threshold] + 1
            partner = self.partner(network, i + 1, inside, done, int(low) + 1)
            if partner is not None:
                done.add(connect(i + 1, partner).pair)
                self.listing.append((i + 1, partner, float(score)))
                if len(self.listing) == count:
                    break
        return [Task("connect", i, j) for i, j, _ in self.listing]

    @staticmethod
    def partner(network, i, inside, done, lowest):
        """The nearest minimum of the superbasin with which i was not tried, else the lowest product, else None."""
        for _, j in network.distances.ascending(i, np.sort(inside), network.energies):
            if connect(i, j).pair not in done:
                return j
        return lowest if lowest != i and connect(i, lowest).pair not in done else None


class FreePairs(Untrap):
    """FREEPAIRS: UNTRAP on groups of minima that interconvert over low free-energy barriers.

    The free energy of a group is -kT ln of the sum of its partition functions, that of the transition between two groups
    -kT ln(sum of their fluxes h/kT), and groups are joined as long as both barriers of a transition lie below ``group``.

    Parameters
    ----------
    setup : Setup
        Supplies TEMPERATURE and PLANCK.
    values : namespace
        ``group``, ``threshold``, ``increment``: free energies.
    """

    keyword = "FREEPAIRS"

    def __init__(self, setup, values):
        PathStrategy.__init__(self, setup)
        self.group, self.increment, self.threshold = values.group, values.increment, values.threshold
        self.height, self.lowest, self.highest = 1e-10, 0.0, math.inf

    def choose(self, network, pending, count):
        """The pairs of groups with the highest scores, each by a minimum of one and a near minimum of the other."""
        from pathsample.kinetics.analysis import build_network
        from pathsample.kinetics.regrouping import free_energy_groups

        members = [i - 1 for i in self.products(network)]
        rates = build_network(self.setup, network.database)
        kt, planck = self.setup.settings["TEMPERATURE"].kt, self.setup.settings["PLANCK"].h
        labels, free, edges = free_energy_groups(rates, kt, planck, self.group)
        products = np.unique(labels[members])
        level = bottlenecks(len(free), *edges, products)
        low = products[np.argmin(free[products])]
        lowest_minimum = int(min(members, key=lambda i: network.energies[i])) + 1
        done = self.tried(network, pending) | network.neighbours()
        self.listing = []
        for score, group, entry in self.scores(free, level, free[low]):
            reachable = (level <= entry - self.increment) & (free - free[group] < self.threshold)
            inside = np.flatnonzero(reachable[labels]) + 1
            own = np.flatnonzero(labels == group)
            i = int(own[np.argmax(rates.ln_weight[own])]) + 1
            partner = self.partner(network, i, inside, done, lowest_minimum)
            if partner is not None:
                done.add(connect(i, partner).pair)
                self.listing.append((i, partner, float(score)))
                if len(self.listing) == count:
                    break
        return [Task("connect", i, j) for i, j, _ in self.listing]
