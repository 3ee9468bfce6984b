"""Which searches to make next: one class per keyword, all with the same two methods.

``choose(network, pending, count)`` returns up to ``count`` tasks that were not tried and are not pending; an empty list
means that the strategy has nothing left to do. It depends on the network and on nothing else, so that the same database
always gives the same tasks.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from common import stop
from common.errors import InputError
from pathsample.distances import MOST_COMPARED
from pathsample.pair_sets import ends_of, pair_keys

#: DIJINITCONT in large databases: pairs on the shortest chain are aligned, and the chain sought again, so many times.
ROUNDS = 3
#: Members of A and of B that may be linked directly.
MOST_ENDS = 1000
#: Pairs that tell by how much the lower bounds of distances are too small.
SAMPLE = 64


@dataclass(frozen=True, slots=True)
class Task:
    """One search: ``connect`` the minima first and second, or ``single``-ended from first (second is then equal to first).

    Attributes
    ----------
    kind : str
    first, second : int
        Numbers of minima, 1-based.
    attempt : int
        For single-ended searches: 0 for the first one from this minimum, 1 for the next, and so on.
    """

    kind: str
    first: int
    second: int
    attempt: int = 0

    @property
    def pair(self):
        """The pair, lower number first."""
        return (min(self.first, self.second), max(self.first, self.second))


def connect(i, j):
    """The task of connecting two minima, in ascending order of their numbers."""
    return Task("connect", min(i, j), max(i, j))


class Strategy:
    """Base: what all strategies share."""

    #: Keyword that selects it.
    keyword = ""
    #: Cycles that are open at once: what a search finds enters the choice of the cycle so many after its own.
    open_cycles = 5

    def depth(self, per_cycle, cycles):
        """Cycles that may be open at once when the next one is planned.

        Five keep as many workers busy as a cycle has jobs, though the longest search takes several times the mean. At the
        beginning, when every result counts, there are fewer; and who asks for cycles of one or two jobs wants each to know of
        the last. The number of workers does not matter: the database depends on this.

        Parameters
        ----------
        per_cycle : int
            Jobs in a cycle.
        cycles : int
            Cycles planned so far.
        """
        return max(2, min(self.open_cycles, per_cycle, 2 + cycles // 2))

    def choose(self, network, pending, count):
        """Up to ``count`` tasks for the network, none of them in ``pending``."""
        raise NotImplementedError

    @staticmethod
    def tried(network, pending):
        """Pairs not to be tried again: attempted ones and those of pending tasks, as a `PairSet`."""
        return network.attempted | [task.pair for task in pending if task.kind == "connect"]

    @staticmethod
    def searches(network, pending):
        """Single-ended searches made or pending from each minimum: dict of counts."""
        counts = dict(network.searches)
        for task in pending:
            if task.kind == "single":
                counts[task.first] = counts.get(task.first, 0) + 1
        return counts


def never_tried(setup, network):
    """Pairs that files say not to try: those of pairs.data with SKIPPAIRS and of the file of IGNOREPAIRS.

    Returns
    -------
    set of (int, int)
        Lower number first.
    """
    pairs = set()
    if setup.settings.given("SKIPPAIRS"):
        path = setup.path("pairs.data")
        # written by every run; in a database that was taken over from text files it holds more than the database knows
        pairs.update(read_pairs(path) if path.is_file() else ())
    if setup.settings.given("IGNOREPAIRS"):
        pairs.update(read_pairs(setup.path(setup.settings["IGNOREPAIRS"].file)))
    return {(min(i, j), max(i, j)) for i, j in pairs}


def read_pairs(path):
    """Read two numbers of different minima per line.

    Raises
    ------
    InputError
        Naming file and line.
    """
    pairs, problems = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            i, j = int(words[0]), int(words[1])
            if i < 1 or j < 1 or i == j:
                raise ValueError
        except (ValueError, IndexError):
            problems.append(f"{path.name}:{number}: expected the numbers of two different minima, found '{line.strip()}'")
            continue
        pairs.append((i, j))
    if problems:
        raise InputError(problems)
    return pairs


class ConnectPairs(Strategy):
    """CONNECTPAIRS: the pairs of a file, in its order.

    Parameters
    ----------
    pairs : list of (int, int)
    """

    keyword = "CONNECTPAIRS"

    def __init__(self, pairs):
        self.pairs = pairs

    @classmethod
    def from_file(cls, path):
        """Read two numbers of minima per line.

        Raises
        ------
        InputError
            Naming file and line.
        """
        return cls(read_pairs(path))

    def choose(self, network, pending, count):
        """The next pairs of the file that were not tried."""
        beyond = [pair for pair in self.pairs if max(pair) > network.n_minima]
        if beyond:
            i, j = beyond[0]
            raise InputError(f"CONNECTPAIRS: pair {i} {j}, but the database has {network.n_minima} minima")
        done = self.tried(network, pending)
        chosen = []
        for i, j in self.pairs:
            task = connect(i, j)
            if task.pair not in done:
                done.add(task.pair)
                chosen.append(task)
            if len(chosen) == count:
                break
        return chosen


class ConnectUnconnected(Strategy):
    """CONNECTUNC: each minimum outside the reference component with its nearest minima inside it.

    Parameters
    ----------
    order : {"LOWEST", "EREF", "DISTREF"}
        Lowest energy first; energy, or distance, nearest to the reference minimum first.
    n : int
        LOWEST: number of partners to try for each minimum. EREF, DISTREF: the reference minimum; two partners are tried.
    """

    keyword = "CONNECTUNC"

    def __init__(self, order, n):
        self.order = order
        self.reference = n
        self.partners = n if order == "LOWEST" else 2

    def _ordered(self, network, outside, count):
        if self.order != "LOWEST" and self.reference > network.n_minima:
            raise InputError(
                f"CONNECTUNC {self.order} {self.reference}: the database has {network.n_minima} minima; name one of them"
            )
        if self.order == "LOWEST":
            key = network.energies[outside - 1]
        elif self.order == "EREF":
            key = np.abs(network.energies[outside - 1] - network.energies[self.reference - 1])
        elif network.large:
            # those with the smallest lower bounds are aligned; the rest follows in the order of the bounds
            bounds = network.distances.bounds(self.reference, outside)
            order = np.lexsort((outside, bounds))
            near = outside[order[: max(MOST_COMPARED, 4 * count)]].tolist()
            aligned = sorted(zip(network.distances.distances(self.reference, near), near))
            return np.concatenate([[i for _, i in aligned], outside[order[len(near) :]]]).astype(np.int64)
        else:
            key = np.array([network.distance(int(i), self.reference) for i in outside])
        return outside[np.argsort(key, kind="stable")]

    def choose(self, network, pending, count):
        """The first untried partner of every unconnected minimum in order, then the second of each, and so on.

        In a large database a minimum is left alone when as many pairs with connected ones were tried as it has partners.
        """
        inside_mask = network.connected_set()
        inside = np.flatnonzero(inside_mask) + 1
        outside = np.flatnonzero(~inside_mask) + 1
        if not len(outside):
            return []
        done = self.tried(network, pending)
        busy = {i for task in pending if task.kind == "connect" for i in task.pair}
        ordered = self._ordered(network, outside, count)
        if network.large:
            tries = self._tries(done, inside_mask)[ordered - 1]
            order = np.argsort(tries, kind="stable")
            ordered = ordered[order][tries[order] < self.partners]
        ranked = []
        for place, i in enumerate(ordered.tolist()):
            if i in busy:
                continue
            for rank, (_, j) in enumerate(network.nearest(i, inside, self.partners)):
                task = connect(i, j)
                if task.pair not in done:
                    ranked.append((rank, place, task))
                    break
            if len(ranked) >= count and (ranked[-1][0] == 0 or network.large):
                break
        ranked.sort(key=lambda entry: entry[:2])
        return [task for _, _, task in ranked[:count]]

    @staticmethod
    def _tries(done, inside):
        """Number of tried pairs of each minimum with one on the other side of a mask, shape (n_minima,)."""
        low, high = ends_of(done.keys())
        known = high <= len(inside)
        low, high = low[known] - 1, high[known] - 1
        across = inside[low] != inside[high]
        return np.bincount(np.concatenate([low[across], high[across]]), minlength=len(inside))


class ConnectRegion(Strategy):
    """CONNECTREGION: all pairs closer than a distance, outer loop from ``first``, inner loop from ``second`` to ``last``."""

    keyword = "CONNECTREGION"
    #: Neighbours of each minimum that are looked at first in a large database.
    NEIGHBOURS = 6

    def __init__(self, first, second, distance, last=None):
        self.first, self.second, self.distance, self.last = first, second, distance, last

    def choose(self, network, pending, count):
        """The next pairs of the double loop that were not tried; in a large database the nearest neighbours first."""
        done = self.tried(network, pending)
        chosen = self._near(network, done, count) if network.large else []
        if len(chosen) == count:
            return chosen
        last = min(self.last or network.n_minima, network.n_minima)
        inner = np.arange(self.second, last + 1)
        for i in range(self.first, network.n_minima + 1):
            if stop.requested():
                break
            possible = inner[network.distances.bounds(i, inner) < self.distance] if len(inner) else inner
            for j in possible.tolist():
                task = connect(i, j)
                if i == j or task.pair in done:
                    continue
                done.add(task.pair)
                if network.distance(i, j) < self.distance:
                    chosen.append(task)
                    if len(chosen) == count:
                        return chosen
        return chosen


    def _near(self, network, done, count):
        """Pairs of near neighbours within the distance, in the order of the double loop."""
        near = network.near_lists(self.NEIGHBOURS)
        rows, ranks = np.nonzero((near.ids > 0) & (near.d < self.distance))
        i, j = rows + 1, near.ids[rows, ranks]
        first, second = np.concatenate([i, j]), np.concatenate([j, i])
        last = self.last or network.n_minima
        fits = (first >= self.first) & (second >= self.second) & (second <= last)
        first, second = first[fits], second[fits]
        order = np.lexsort((second, first))
        first, second = first[order], second[order]
        untried = ~done.contains(pair_keys(first, second))
        chosen = []
        for i, j in zip(first[untried].tolist(), second[untried].tolist()):
            task = connect(i, j)
            if task.pair not in done and network.distance(i, j) < self.distance:
                done.add(task.pair)
                chosen.append(task)
                if len(chosen) == count or stop.requested():
                    break
        return chosen


class NewConnections(Strategy):
    """NEWCONNECTIONS and CONNECTIONS: single-ended searches from every minimum until it has enough connections.

    Parameters
    ----------
    wanted : int
        Connections wanted.
    attempts : int
        Searches from one minimum at most.
    start : int
        First minimum.
    """

    keyword = "NEWCONNECTIONS"

    def __init__(self, wanted, attempts, start=1):
        self.wanted, self.attempts, self.start = wanted, attempts, start

    def choose(self, network, pending, count):
        """One search from each deficient minimum in order, those with fewer searches so far first."""
        made = np.zeros(network.n_minima + 1, dtype=np.int64)
        for i, n in self.searches(network, pending).items():
            made[i] = n
        numbers = np.arange(self.start, network.n_minima + 1)
        numbers = numbers[(network.degrees()[numbers - 1] < self.wanted) & (made[numbers] < self.attempts)]
        numbers = numbers[np.argsort(made[numbers], kind="stable")][:count]
        return [Task("single", i, i, int(made[i])) for i in numbers.tolist()]


class InitialPath(Strategy):
    """DIJINITCONT: the missing links of the shortest chain between the A and the B minima.

    The chain is the shortest path in the graph whose edges are known transition states (weight 0) and pairs of near minima
    (weight d^n or exp(d)); pairs tried before are left out.

    Parameters
    ----------
    weight : str
        Power n, or EXP.
    neighbours : int
        Nearest neighbours of each minimum that may be linked.
    """

    keyword = "DIJINITCONT"
    #: Each link that is found, or not, changes which are missing.
    open_cycles = 2

    def __init__(self, weight, neighbours):
        self.exponential = weight.upper() == "EXP"
        self.power = 1.0
        if not self.exponential:
            try:
                self.power = float(weight)
            except ValueError:
                raise InputError(f"DIJINITCONT: expected EXP or a power of the distance, found '{weight}'") from None
        self.neighbours = neighbours

    def _weights(self, distances):
        distances = np.asarray(distances, dtype=float)
        return np.maximum(np.exp(np.minimum(distances, 700.0)) if self.exponential else distances**self.power, 1e-12)

    def choose(self, network, pending, count):
        """The untried links of the shortest chain; none when A and B are connected or nothing is left to try."""
        a, b = network.endpoints["A"], network.endpoints["B"]
        if not a or not b:
            raise InputError("DIJINITCONT: needs min.A and min.B; STARTFROMPATH file a b sets them")
        labels = network.labels()
        if {labels[i - 1] for i in a} & {labels[i - 1] for i in b}:
            return []
        known, links = network.neighbours(), self._links(network, pending, a, b)
        low, high = ends_of(links)
        near = network.near_lists(self.neighbours)
        if near.aligned:
            weights = self._weights([network.distance(i, j) for i, j in zip(low.tolist(), high.tolist())])
            path = self._shortest(network.n_minima, known.keys(), links, weights, a, b)
        else:
            path = self._shortest_by_bounds(network, links, a, b)
        steps = [connect(i, j) for i, j in pairwise(path)]
        return [task for task in steps if task.pair not in known][:count]

    def _links(self, network, pending, a, b):
        """Pairs that may be linked, as sorted `pair_keys`: near neighbours, and the ends; not those known or tried."""
        near = network.near_lists(self.neighbours).ids
        rows, ranks = np.nonzero(near)
        first, second = (side.ravel() for side in np.meshgrid(a[:MOST_ENDS], b[:MOST_ENDS]))
        ends = pair_keys(first, second)[first != second]
        links = np.unique(np.concatenate([pair_keys(rows + 1, near[rows, ranks]), ends]))
        done = self.tried(network, pending)
        return links[~(network.neighbours().contains(links) | done.contains(links))]

    def _shortest_by_bounds(self, network, links, a, b):
        """The shortest chain where distances are estimated from their lower bounds, and aligned on the chain itself."""
        low, high = ends_of(links)
        known = network.neighbours().keys()
        lengths = network.distances.pair_bounds(low, high)
        sample = np.unique(np.linspace(0, len(links) - 1, min(SAMPLE, len(links))).astype(int)) if len(links) else []
        exact = [network.distance(int(low[k]), int(high[k])) for k in sample]
        ratios = [d / lengths[k] for d, k in zip(exact, sample) if lengths[k] > 0.0]
        lengths = lengths * (float(np.median(ratios)) if ratios else 1.0)
        lengths[sample] = exact
        aligned = np.zeros(len(links), dtype=bool)
        aligned[sample] = True
        for _ in range(ROUNDS):
            path = np.array(self._shortest(network.n_minima, known, links, self._weights(lengths), a, b), dtype=np.int64)
            place = np.searchsorted(links, pair_keys(path[:-1], path[1:]))
            place = place[place < len(links)]
            place = [k for k in place.tolist() if not aligned[k]]
            on_path = set(pair_keys(path[:-1], path[1:]).tolist())
            place = [k for k in place if int(links[k]) in on_path]
            if not place:
                break
            lengths[place] = [network.distance(int(low[k]), int(high[k])) for k in place]
            aligned[place] = True
        return path.tolist()

    @staticmethod
    def _shortest(n, known, links, weights, a, b):
        """Minima of the shortest chain from A to B; empty without one."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import dijkstra

        rows, columns = (np.concatenate(parts) - 1 for parts in zip(ends_of(known), ends_of(links)))
        # a sparse graph has no edge of weight zero: known links get one that no sum of links can reach
        values = np.concatenate([np.full(len(known), 1e-14), weights])
        graph = coo_matrix((values, (rows, columns)), shape=(n, n)).tocsr()
        sources = np.array(a) - 1
        distances, before, _ = dijkstra(graph, directed=False, indices=sources, return_predecessors=True, min_only=True)
        node = min(b, key=lambda i: (distances[i - 1], i)) - 1
        if not np.isfinite(distances[node]):
            return []
        path = [node + 1]
        while before[node] >= 0:
            node = int(before[node])
            path.append(node + 1)
        return path
