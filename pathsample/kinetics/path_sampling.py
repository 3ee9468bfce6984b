"""First-passage paths of a network too slow for single steps: numbers of hops drawn by undoing an elimination.

Kinetic path sampling (Athenes and Bulatov, Phys. Rev. Lett. 113, 230601 (2014)). All minima but those of the product are
eliminated, so that a path is one hop from the start to the product. Then the elimination is undone minimum by minimum: of the n
hops between i and j a binomially distributed number went through x, with the probability c_ix c_xj/s_x over the new c_ij, and
every stay at x repeats a geometrically distributed number of times. The visits V_i so found have exactly the distribution of
those of single steps; the time of a path is a sum of gamma distributed waiting times of V_i visits each. The cost does not
depend on how often a walk would return.
"""

import numpy as np

#: Largest number of products of one elimination (the sum of the squared numbers of neighbours).
MOST_PRODUCTS = 20_000_000
#: Numbers of hops in memory at once.
BLOCK = 10_000_000
#: Counts above this are drawn from the normal distribution, whose relative error is then below that of a double.
MANY = 1e12


class PathSampler:
    """A network prepared for drawing paths to a product set.

    Parameters
    ----------
    network : RateNetwork
        Every reactant minimum must be connected with the product set.
    product, reactant : {"A", "B"}

    Raises
    ------
    ValueError
        Too many connections arise.
    """

    def __init__(self, network, product="A", reactant="B"):
        from pathsample.kinetics._elimination_order import elimination_order

        labels = network.labels()
        self.nodes = np.flatnonzero(network.used & np.isin(labels, labels[network.sets[product]]))
        n = len(self.nodes)
        place = np.full(network.n_minima, -1, dtype=np.int64)
        place[self.nodes] = np.arange(n)
        low, high, ln_c = network.merged()
        inside = (place[low] >= 0) & np.isfinite(ln_c)
        low, high, ln_c = place[low[inside]], place[high[inside]], ln_c[inside]
        self.ln_tau = network.ln_waiting_times()[self.nodes]
        self.ln_total = network.ln_escape()[self.nodes]
        final = np.zeros(n, dtype=bool)
        final[place[network.sets[product]]] = True
        ends, others = np.concatenate([low, high]), np.concatenate([high, low])
        indptr = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=n))])
        _, width, height, _, order = elimination_order(indptr, others[np.argsort(ends, kind="stable")], final)
        if float((width * (height + width / 2.0) ** 2).sum()) > MOST_PRODUCTS:
            raise ValueError("too many connections arise for paths to be drawn")
        # one place for the hops of each direction, and one for the returns of each minimum
        self.slots = [{i: i} for i in range(n)]
        self.count = n
        self.ln_c = [-np.inf] * n
        self.origin = list(range(n))
        for i, j, value in zip(low.tolist(), high.tolist(), ln_c.tolist()):
            self._join(i, j, value)
        self.first_fill = self.count
        start = np.full(n, -np.inf)
        sources = network.sets[reactant]
        start[place[sources]] = network.ln_occupation(sources)
        self._eliminate(order.tolist(), start)
        self.end = np.flatnonzero(final)
        share = np.exp(start[self.end] - start[self.end].max())
        self.share = share / share.sum()

    def _join(self, i, j, value):
        for a, b in ((i, j), (j, i)):
            self.slots[a][b] = self.count
            self.origin.append(a)
            self.ln_c.append(value)
            self.count += 1

    def _eliminate(self, order, start):
        """Graph transformation in logarithms, with the share of every hop that goes through the eliminated minimum."""
        self.steps = []
        for x in order:
            around = [j for j in self.slots[x] if j != x]
            own = self.slots[x]
            out = np.array([own[j] for j in around])
            into = np.array([self.slots[j][x] for j in around])
            ln_x = np.array([self.ln_c[own[j]] for j in around])
            ln_s = np.logaddexp.reduce(ln_x)
            table = np.empty((len(around), len(around)), dtype=np.int64)
            for p, i in enumerate(around):
                row = self.slots[i]
                for q, j in enumerate(around):
                    if j not in row:
                        self._join(i, j, -np.inf)
                    table[p, q] = row[j]
                del row[x]
            old = np.array([[self.ln_c[k] for k in row] for row in table]).reshape(table.shape)
            through = ln_x[:, None] + ln_x[None, :] - ln_s
            new = np.logaddexp(old, through)
            for k, value in zip(table.ravel().tolist(), new.ravel().tolist()):
                self.ln_c[k] = value
            hop = ln_x - ln_s + start[x]
            first = np.logaddexp(start[around], hop)
            with np.errstate(invalid="ignore"):
                share = np.where(np.isfinite(first), np.exp(hop - first), 0.0)
            start[around] = first
            ratio = np.exp(self.ln_c[x] - ln_s)
            shares = np.exp(through - new), np.exp(old - new)
            self.steps.append((x, np.array(around), table, out, into, *shares, share, ratio))

    def draw(self, runs, rng):
        """Paths.

        Returns
        -------
        start, end : ndarray of int64, shape (runs,)
            Minima of the network.
        steps : ndarray of shape (runs,)
        ln_time : ndarray of shape (runs,)
        """
        at = rng.choice(self.end, size=runs, p=self.share)
        end = at.copy()
        hops = np.zeros((self.count, runs))
        for x, around, table, out, into, share, rest, first, ratio in reversed(self.steps):
            through, direct = split(rng, hops[table], share[:, :, None], rest[:, :, None])
            hops[table] = direct
            hops[into] += through.sum(axis=1)
            hops[out] += through.sum(axis=0)
            entered = through.sum(axis=(0, 1))
            # the first hop of each path
            chance = np.zeros(len(self.nodes))
            chance[around] = first
            came = np.flatnonzero(rng.random(runs) < chance[at])
            slot = np.zeros(len(self.nodes), dtype=np.int64)
            slot[around] = out
            hops[slot[at[came]], came] += 1.0
            entered[came] += 1.0
            at[came] = x
            hops[x] += poisson(rng, rng.standard_gamma(entered) * ratio)
        n = len(self.nodes)
        visits = np.zeros((n, runs))
        np.add.at(visits, np.array(self.origin[n : self.first_fill], dtype=np.int64), hops[n : self.first_fill])
        with np.errstate(divide="ignore"):
            ln_times = self.ln_tau[:, None] + np.log(rng.standard_gamma(visits))
        ln_times[visits == 0] = -np.inf
        return self.nodes[at], self.nodes[end], visits.sum(axis=0), np.logaddexp.reduce(ln_times, axis=0)


def poisson(rng, mean):
    """Poisson distributed counts of any size."""
    small = rng.poisson(np.minimum(mean, MANY)).astype(float)
    return np.where(mean < MANY, small, np.rint(mean + np.sqrt(mean) * rng.standard_normal(mean.shape)))


def split(rng, count, share, rest):
    """Counts in two parts with the probabilities ``share`` and ``rest`` = 1 - share; the smaller part is the one that is drawn.

    Returns
    -------
    part, other : ndarray of the shape of ``count``
    """
    part = np.zeros(count.shape)
    chosen = np.nonzero(count)
    n = count[chosen]
    p, q = np.broadcast_to(share, count.shape)[chosen], np.broadcast_to(rest, count.shape)[chosen]
    less = np.minimum(p, q)
    few = n < MANY
    drawn = np.empty(len(n))
    drawn[few] = rng.binomial(n[few].astype(np.int64), less[few])
    mean = n[~few] * less[~few]
    rare = poisson(rng, np.minimum(mean, 1e6))
    wide = np.rint(mean + np.sqrt(mean * (1 - less[~few])) * rng.standard_normal(len(mean)))
    drawn[~few] = np.where(mean < 1e6, rare, wide)
    part[chosen] = np.where(p <= q, drawn, n - drawn)
    other = np.zeros(count.shape)
    other[chosen] = np.where(p <= q, n - drawn, drawn)
    return part, other


def sample_paths(network, runs, seed, product="A", reactant="B", check=None):
    """First-passage paths with the distribution of those of `kinetic_monte_carlo.simulate`.

    Parameters
    ----------
    network : RateNetwork
    runs : int
    seed : int or sequence of int
    product, reactant : {"A", "B"}
    check : callable, optional
        Called with the number of completed runs; may raise.

    Returns
    -------
    Trajectories

    Raises
    ------
    ValueError
        Too many connections arise.
    """
    from pathsample.kinetics.kinetic_monte_carlo import Trajectories

    sampler = PathSampler(network, product, reactant)
    rng = np.random.default_rng(seed)
    size = max(BLOCK // sampler.count, 1)
    parts = []
    for first in range(0, runs, size):
        parts.append(sampler.draw(min(size, runs - first), rng))
        if check is not None:
            check(min(first + size, runs))
    return Trajectories(*(np.concatenate(column) for column in zip(*parts)))
