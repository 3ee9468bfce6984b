"""SURVEY: exhaustive exploration of a small landscape within a budget of searches.

Four kinds of search take turns in every cycle: (a) minima outside the component of the global minimum with their nearest
minimum inside; (b) pairs of near neighbours that were not tried; (c) single-ended searches from minima with few
connections; (d) samples: many minimisations and short transition state searches from random starting points in one job
(`optim.samples`), which find all of a small landscape at a millisecond or so each, and on whose hits the estimate of what is
unseen rests. Unconnected minima come first but take at most half of a cycle while other work is left, so that a pair that
cannot be connected does not stop the exploration; (b) and (c) share the rest by what an evaluation of each brought lately, for
it differs from landscape to landscape and from the beginning to the end.
"""

import numpy as np

from common.errors import ConvergenceError
from pathsample.distances import MOST_COMPARED
from pathsample.pair_sets import BASE, pair_keys
from pathsample.pairs import ConnectUnconnected, Strategy, Task, connect

#: Lengths of the displacements with which the single-ended searches from one minimum begin in turn, in units of
#: ``potential.step_scale``: some transition states are found by long ones only, and where the regularisation is weak some lie
#: closer to their minimum than the usual ones are long.
DISPLACEMENTS = (1.0, 3.0, 0.1, 2.0, 0.5, 0.01)
#: Searches of each kind before `pair_share` follows what they bring, and the least share of the evaluations of one kind.
LEARNING = 16
LEAST_SHARE = 0.1
#: Key of the random numbers of `first_minima`; those of job k have the key (k,).
FIRST_KEY = (0, 1)
#: Rounds of random starting points before `first_minima` gives up.
FIRST_ROUNDS = 25


def first_minima(setup):
    """Minima of random starting points, from which a survey of an empty database starts.

    Raises
    ------
    ConvergenceError
        If none of a hundred starting points leads to a minimum.
    """
    from pathsample.jobs import fresh_minima

    rng = np.random.default_rng(np.random.SeedSequence(entropy=setup.seed, spawn_key=FIRST_KEY))
    for _ in range(FIRST_ROUNDS):
        found = fresh_minima(setup.potential, setup.optim, rng)
        if found:
            return found
    raise ConvergenceError("no minimum from random starting points; run gmin there first, or begin with ADDMIN")


def pair_share(yields):
    """Share of the searches that connect near pairs; the others are single-ended.

    Evaluations are divided between the two kinds in proportion to what an evaluation of each brought lately, and neither gets
    less than `LEAST_SHARE` of them.

    Parameters
    ----------
    yields : dict of Yield

    Returns
    -------
    float
    """
    pairs, single = yields["connect"], yields["single"]
    if min(pairs.searches, single.searches) < LEARNING:
        return 0.5
    gain, other = (pairs.new + 1.0) / pairs.calls, (single.new + 1.0) / single.calls
    effort = min(max(gain / (gain + other), LEAST_SHARE), 1.0 - LEAST_SHARE)
    pairs, single = effort * pairs.searches / pairs.calls, (1.0 - effort) * single.searches / single.calls
    return pairs / (pairs + single)


def interleaved(first, second):
    """Two lists as one, the elements of the shorter spread evenly over it."""
    places = [((k + 0.5) / len(tasks), which, k) for which, tasks in enumerate((first, second)) for k in range(len(tasks))]
    return [(first, second)[which][k] for _, which, k in sorted(places)]


class Survey(Strategy):
    """Choose searches for a complete picture of a small landscape.

    Parameters
    ----------
    neighbours : int
        Nearest neighbours of each minimum that are connected.
    attempts : int
        Single-ended searches from one minimum at most.
    fresh : int
        Jobs of every cycle that make samples.
    """

    keyword = "SURVEY"

    def __init__(self, neighbours, attempts, fresh=0):
        self.fresh = fresh
        self.neighbours = neighbours
        self.attempts = attempts
        self.unconnected = ConnectUnconnected("LOWEST", neighbours)

    def choose(self, network, pending, count):
        """Up to ``count`` jobs, those with samples last. They go on when nothing is left to be connected."""
        fresh = [Task("sample", network.global_minimum, network.global_minimum)] * min(self.fresh, count)
        return self.guided(network, pending, count - len(fresh)) + fresh

    def guided(self, network, pending, count):
        """Up to ``count`` searches of the three kinds that build on what is known."""
        if count < 1:
            return []
        first = self.unconnected.choose(network, pending, count)
        near = self.near_pairs(network, [*pending, *first], count)
        single = self.single_ended(network, pending, count)
        share = len(first) if not (near or single) else min(len(first), (count + 1) // 2)
        rest = count - share
        pairs = min(len(near), max(round(pair_share(network.yields) * rest), rest - len(single)))
        chosen = first[:share] + interleaved(near[:pairs], single[: rest - pairs])
        chosen += first[share : share + count - len(chosen)]
        return chosen

    def near_pairs(self, network, pending, count):
        """Untried pairs of near neighbours: the nearest neighbour of every minimum before the second nearest of any."""
        near = network.near_lists(self.neighbours)
        done = self.tried(network, pending) | network.neighbours()
        # of a large database the distances are lower bounds: more than are needed are picked by them and then aligned
        wanted = count if near.aligned else max(4 * count, MOST_COMPARED)
        chosen = {}
        for rank in range(near.count):
            rows = np.flatnonzero(near.ids[:, rank])
            others, distances = near.ids[rows, rank], near.d[rows, rank]
            keys = pair_keys(rows + 1, others)
            new = ~done.contains(keys)
            keys, distances = keys[new], distances[new]
            for key in keys[np.lexsort((keys, distances))].tolist():
                pair = divmod(key, BASE)
                chosen.setdefault(pair, rank)
                if len(chosen) == wanted:
                    break
            if len(chosen) == wanted:
                break
        pairs = list(chosen)
        if not near.aligned:
            pairs.sort(key=lambda pair: (chosen[pair], network.distance(*pair), pair))
        return [connect(*pair) for pair in pairs[:count]]

    def single_ended(self, network, pending, count):
        """Searches from the minima with the fewest connections and searches so far, lower energies first."""
        numbers = np.arange(1, network.n_minima + 1)
        made = np.zeros(network.n_minima, dtype=np.int64)
        for i, n in self.searches(network, pending).items():
            made[i - 1] = n
        order = np.lexsort((numbers, network.energies, network.degrees() + made))
        order = order[made[order] < self.attempts][:count]
        return [Task("single", int(i) + 1, int(i) + 1, int(made[i])) for i in order]
