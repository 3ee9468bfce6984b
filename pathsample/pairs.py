"""Which searches to make next: one class per keyword, all with the same two methods.

``choose(network, pending, count)`` returns up to ``count`` tasks that were not tried and are not pending; an empty list
means that the strategy has nothing left to do. It depends on the network and on nothing else, so that the same database
always gives the same tasks.
"""

from dataclasses import dataclass

import numpy as np

from common.errors import InputError


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

    def choose(self, network, pending, count):
        """Up to ``count`` tasks for the network, none of them in ``pending``."""
        raise NotImplementedError

    @staticmethod
    def tried(network, pending):
        """Pairs not to be tried again: attempted ones and those of pending tasks."""
        return network.attempted | {task.pair for task in pending if task.kind == "connect"}

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

    def _ordered(self, network, outside):
        if self.order != "LOWEST" and self.reference > network.n_minima:
            raise InputError(
                f"CONNECTUNC {self.order} {self.reference}: the database has {network.n_minima} minima; name one of them"
            )
        if self.order == "LOWEST":
            key = network.energies[outside - 1]
        elif self.order == "EREF":
            key = np.abs(network.energies[outside - 1] - network.energies[self.reference - 1])
        else:
            key = np.array([network.distance(int(i), self.reference) for i in outside])
        return outside[np.argsort(key, kind="stable")]

    def choose(self, network, pending, count):
        """The first untried partner of every unconnected minimum in order, then the second of each, and so on."""
        inside_mask = network.connected_set()
        inside = np.flatnonzero(inside_mask) + 1
        outside = np.flatnonzero(~inside_mask) + 1
        if not len(outside):
            return []
        done = self.tried(network, pending)
        busy = {i for task in pending if task.kind == "connect" for i in task.pair}
        ranked = []
        for place, i in enumerate(self._ordered(network, outside)):
            i = int(i)
            if i in busy:
                continue
            for rank, (_, j) in enumerate(network.nearest(i, inside, self.partners)):
                task = connect(i, j)
                if task.pair not in done:
                    ranked.append((rank, place, task))
                    break
            if len(ranked) >= count and ranked[-1][0] == 0:
                break
        ranked.sort(key=lambda entry: entry[:2])
        return [task for _, _, task in ranked[:count]]


class ConnectRegion(Strategy):
    """CONNECTREGION: all pairs closer than a distance, outer loop from ``first``, inner loop from ``second`` to ``last``."""

    keyword = "CONNECTREGION"

    def __init__(self, first, second, distance, last=None):
        self.first, self.second, self.distance, self.last = first, second, distance, last

    def choose(self, network, pending, count):
        """The next pairs of the double loop that were not tried."""
        done = self.tried(network, pending)
        chosen = []
        last = min(self.last or network.n_minima, network.n_minima)
        inner = np.arange(self.second, last + 1)
        for i in range(self.first, network.n_minima + 1):
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
        degrees = network.degrees()
        searches = self.searches(network, pending)
        deficient = [
            (searches.get(i, 0), i)
            for i in range(self.start, network.n_minima + 1)
            if degrees[i - 1] < self.wanted and searches.get(i, 0) < self.attempts
        ]
        return [Task("single", i, i, attempt) for attempt, i in sorted(deficient)[:count]]


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

    def __init__(self, weight, neighbours):
        self.exponential = weight.upper() == "EXP"
        self.power = 1.0
        if not self.exponential:
            try:
                self.power = float(weight)
            except ValueError:
                raise InputError(f"DIJINITCONT: expected EXP or a power of the distance, found '{weight}'") from None
        self.neighbours = neighbours

    def _weight(self, distance):
        return np.exp(min(distance, 700.0)) if self.exponential else distance**self.power

    def choose(self, network, pending, count):
        """The untried links of the shortest chain; none when A and B are connected or nothing is left to try."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import dijkstra

        a, b = network.endpoints["A"], network.endpoints["B"]
        if not a or not b:
            raise InputError("DIJINITCONT: needs min.A and min.B; STARTFROMPATH file a b sets them")
        labels = network.labels()
        if {labels[i - 1] for i in a} & {labels[i - 1] for i in b}:
            return []
        n = network.n_minima
        done = self.tried(network, pending)
        rows, columns, weights = [], [], []
        near = network.near_lists(self.neighbours).ids
        rank = np.nonzero(near)
        links = {(min(i, j), max(i, j)) for i, j in zip((rank[0] + 1).tolist(), near[rank].tolist())}
        links.update((min(i, j), max(i, j)) for i in a for j in b if i != j)
        known = network.neighbours()
        for i, j in sorted(links - known):
            if (i, j) not in done:
                rows.append(i - 1)
                columns.append(j - 1)
                weights.append(max(self._weight(network.distance(i, j)), 1e-12))
        for i, j in sorted(known):
            rows.append(i - 1)
            columns.append(j - 1)
            # a sparse graph has no edge of weight zero: known links get one that no sum of links can reach
            weights.append(1e-14)
        graph = coo_matrix((weights, (rows, columns)), shape=(n, n)).tocsr()
        distances, before = dijkstra(graph, directed=False, indices=np.array(a) - 1, return_predecessors=True)
        best = min(((distances[s, t - 1], s, t - 1) for s in range(len(a)) for t in b), default=(np.inf, 0, 0))
        if not np.isfinite(best[0]):
            return []
        _, source, node = best
        chosen = []
        while before[source, node] >= 0:
            previous = int(before[source, node])
            task = connect(previous + 1, node + 1)
            if task.pair not in known:
                chosen.append(task)
            node = previous
        return chosen[:count]
