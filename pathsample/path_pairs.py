"""Pairs along the fastest path between A and B: DIJPAIR, SHORTCUT and USEPAIRS.

The fastest path is the discrete path with the largest contribution to the steady-state rate constant, as DIJKSTRA finds it
(Wales, Mol. Phys. 100, 3285 (2002)). Shorter and faster ones are looked for between minima that lie on it (Strodel, Whittleston
and Wales, J. Am. Chem. Soc. 129, 16005 (2007)).
"""

import math

import numpy as np

from common.errors import InputError
from pathsample.pair_sets import pair_keys
from pathsample.pairs import Strategy, Task, connect

#: Pairs of USEPAIRS that are held at a time.
MOST_PAIRS = 1_000_000


class PathStrategy(Strategy):
    """Base of the strategies that look along the fastest path.

    Parameters
    ----------
    setup : Setup
        Supplies DIRECTION, TEMPERATURE and what else the rates depend on.
    """

    def __init__(self, setup):
        self.setup = setup
        self.listing = []
        self.rates = None

    def fastest_path(self, network):
        """Minima of the fastest path from the reactant to the product end, and its lowest transition states.

        Returns
        -------
        minima : list of int
            Counted from 1.
        states : list of int
            Counted from 1, one fewer; both empty when A and B are not connected.

        Raises
        ------
        InputError
            When a set is empty.
        """
        from pathsample.kinetics.analysis import build_network
        from pathsample.kinetics.dijkstra import fastest_paths, with_transition_states
        from pathsample.kinetics.rates import DIRECTIONS

        need_sets(self.keyword, network)
        rates = self.rates = build_network(self.setup, network.database)
        found = fastest_paths(rates, *DIRECTIONS[self.setup.settings["DIRECTION"].direction.upper()])
        if not found:
            return [], []
        path = with_transition_states(rates, found[0])
        return [i + 1 for i in path.minima[::-1]], path.ts[::-1]

    def barriers(self, network, minima, states):
        """Barriers of the steps of a path in its direction, shape (len(states),)."""
        return np.array([network.ts_energies[t - 1] - network.energies[i - 1] for i, t in zip(minima, states)])

    def slowness(self, network, minima, states):
        """-ln k of the steps of the fastest path in its direction, shape (len(states),)."""
        rates = self.rates
        place = np.searchsorted(rates.ts, states)
        return rates.ln_weight[np.array(minima[: len(states)]) - 1] - rates.ln_conductance[place]

    def untried(self, network, pending, first, second):
        """Those of some pairs (arrays of numbers of minima) that are neither connected nor tried, each once."""
        keys, places = np.unique(pair_keys(first, second), return_index=True)
        new = ~(self.tried(network, pending).contains(keys) | network.neighbours().contains(keys))
        places = np.sort(places[new])
        places = places[first[places] != second[places]]
        return first[places], second[places]

    def pick(self, network, pending, ranked, count):
        """The first ``count`` of the ranked (pair, value) that are neither connected nor tried; remembered in ``listing``."""
        done = self.tried(network, pending)
        known = network.neighbours()
        self.listing = []
        for i, j, value in ranked:
            task = connect(i, j)
            if i != j and task.pair not in done and task.pair not in known:
                done.add(task.pair)
                self.listing.append((i, j, value))
                if len(self.listing) == count:
                    break
        return [Task("connect", i, j) for i, j, _ in self.listing]


def need_sets(keyword, network):
    """Refuse to choose pairs between sets that are empty."""
    for name in ("A", "B"):
        if not network.endpoints[name]:
            raise InputError(f"{keyword}: set {name} has no member; give min.{name}, or begin with STARTFROMPATH file a b")


def around(minima, step, reach):
    """Pairs of positions (p, q), p before and q after a step, among the ``reach`` minima nearest to it on each side."""
    before = range(max(step - reach + 1, 0), step + 1)
    after = range(step + 1, min(step + reach, len(minima) - 1) + 1)
    return [(p, q) for p in before for q in after]


class PathPairs(PathStrategy):
    """DIJPAIR: pairs on the two sides of the highest barrier of the fastest path, fewest steps apart first.

    Parameters
    ----------
    setup : Setup
    values : namespace
        ``n``: number of minima on each side of the barrier; ``connections``: minima with at most so many connections are left
        out; ``order``: BARRIER goes on to the other barriers, highest first.
    """

    keyword = "DIJPAIR"

    def __init__(self, setup, values):
        super().__init__(setup)
        self.reach = values.n
        self.connections = values.connections or 0
        self.every_barrier = (values.order or "").upper() == "BARRIER"

    def choose(self, network, pending, count):
        """The next pairs around the barriers."""
        minima, states = self.fastest_path(network)
        if not states:
            return []
        barriers = self.barriers(network, minima, states)
        steps = np.argsort(-barriers, kind="stable")
        degrees = network.degrees()
        ranked = []
        for step in steps if self.every_barrier else steps[:1]:
            pairs = sorted(around(minima, int(step), self.reach), key=lambda pq: (pq[1] - pq[0], pq))
            pairs = [(minima[p], minima[q]) for p, q in pairs]
            if self.connections:
                pairs = [pair for pair in pairs if min(degrees[i - 1] for i in pair) > self.connections]
            ranked += [(i, j, float(barriers[step])) for i, j in pairs]
        return self.pick(network, pending, ranked, count)


class Shortcut(PathStrategy):
    """SHORTCUT: pairs on the fastest path that could be joined more directly.

    Parameters
    ----------
    setup : Setup
    values : namespace
        ``separation``; ``order`` None: pairs more than ``separation`` steps apart, nearest first. BARRIER, RATE: pairs at most
        ``separation`` minima away on either side of the highest barriers, or the slowest steps, one step after the other.
    """

    keyword = "SHORTCUT"

    def __init__(self, setup, values):
        super().__init__(setup)
        self.separation = values.separation
        self.order = (values.order or "").upper()

    def choose(self, network, pending, count):
        """The next pairs along the path."""
        minima, states = self.fastest_path(network)
        if not states:
            return []
        if not self.order:
            before, after = np.triu_indices(len(minima), self.separation + 1)
            path = np.array(minima, dtype=np.int64)
            near = network.distances.nearest_pairs(*self.untried(network, pending, path[before], path[after]), count)
            return self.pick(network, pending, [(i, j, d) for d, i, j in near], count)
        slow = self.barriers if self.order == "BARRIER" else self.slowness
        figures = slow(network, minima, states)

        def ranked():
            for step in np.argsort(-figures, kind="stable"):
                pairs = np.array(around(minima, int(step), self.separation), dtype=np.int64)
                first, second = (np.array(minima)[pairs[:, k]] for k in (0, 1))
                first, second = self.untried(network, pending, first, second)
                for _, i, j in network.distances.nearest_pairs(first, second, count):
                    yield i, j, float(figures[step])

        return self.pick(network, pending, ranked(), count)


class UsePairs(PathStrategy):
    """USEPAIRS: pairs of the minima of a path that is listed in a file (Epath), nearest first.

    Parameters
    ----------
    minima : list of int
    """

    keyword = "USEPAIRS"

    def __init__(self, minima):
        super().__init__(None)
        self.minima = minima

    @classmethod
    def from_file(cls, path):
        """Read an Epath file (counter, energy, number; odd counters are minima) or a list of numbers of minima, one per line.

        Raises
        ------
        InputError
            Naming file and line.
        """
        minima, problems = [], []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            words = line.split()
            if not words:
                continue
            try:
                value = int(words[2]) if len(words) >= 3 else int(words[0])
                if len(words) >= 3 and int(words[0]) % 2 == 0:
                    continue
                if value < 1 or not math.isfinite(float(words[min(1, len(words) - 1)])):
                    raise ValueError
            except ValueError:
                where = f"{path.name}:{number}"
                problems.append(f"{where}: expected counter, energy and number as in Epath, found '{line.strip()}'")
                continue
            minima.append(value)
        if problems:
            raise InputError(problems)
        return cls(minima)

    def choose(self, network, pending, count):
        """The nearest pairs that were not tried."""
        beyond = [i for i in self.minima if i > network.n_minima]
        if beyond:
            raise InputError(f"USEPAIRS: minimum {beyond[0]}, but the database has {network.n_minima} minima")
        listed = np.unique(self.minima)
        near = []
        # row by row of the triangle, so that long lists need little memory
        for k in range(len(listed) - 1):
            near.append((np.full(len(listed) - k - 1, listed[k]), listed[k + 1 :]))
            if sum(len(first) for first, _ in near) > MOST_PAIRS or k == len(listed) - 2:
                first, second = self.untried(network, pending, *(np.concatenate(part) for part in zip(*near)))
                near = [network.distances.pruned(first, second, count)]
        ranked = network.distances.nearest_pairs(*near[0], count) if near else []
        return self.pick(network, pending, [(i, j, d) for d, i, j in ranked], count)
