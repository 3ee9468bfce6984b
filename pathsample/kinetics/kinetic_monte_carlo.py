"""Kinetic Monte Carlo: trajectories from the reactants to the products, and their mean first-passage time."""

from dataclasses import dataclass

import numpy as np

from pathsample.kinetics.rates import RateNetwork

#: Steps between two looks at whether the run is to stop: a fraction of a second.
CHUNK = 5_000_000


@dataclass
class Trajectories:
    """First passages.

    Attributes
    ----------
    start, end : ndarray of int64
        Minima counted from 0.
    steps : ndarray of float
    ln_time : ndarray
        ln of the first-passage times.
    """

    start: np.ndarray
    end: np.ndarray
    steps: np.ndarray
    ln_time: np.ndarray

    def ln_mean(self):
        """ln of the mean first-passage time, and its relative standard error."""
        from pathsample.kinetics.rates import ln_sum

        count = len(self.ln_time)
        ln_mean = float(ln_sum(self.ln_time) - np.log(count))
        ratio = np.exp(self.ln_time - ln_mean)
        return ln_mean, float(ratio.std(ddof=1) / np.sqrt(count)) if count > 1 else float("nan")


def leapfrog_partners(network: RateNetwork, threshold, final):
    """For each minimum the neighbour with which it flickers most, P_ij P_ji at or above a threshold; -1 for none.

    Parameters
    ----------
    network : RateNetwork
    threshold : float
        1 or more: no leapfrog moves.
    final : ndarray of shape (n,), bool
        Minima that take no part.

    Returns
    -------
    ndarray of int64 or None
    """
    if threshold >= 1.0:
        return None
    indptr, indices, ln_p = network.ln_branching()
    n = network.n_minima
    rows = np.repeat(np.arange(n), np.diff(indptr))
    # the network is symmetric, so that the row of j holds i: P_ji is found by the key of (j, i)
    back = ln_p[np.searchsorted(rows * n + indices, indices * n + rows)]
    both = ln_p + back
    fit = np.flatnonzero((both >= np.log(max(threshold, 1e-300))) & ~final[rows] & ~final[indices])
    partner = np.full(n, -1, dtype=np.int64)
    order = fit[np.lexsort((both[fit], rows[fit]))]
    partner[rows[order]] = indices[order]
    return partner


def make_walker(network: RateNetwork, final, seed_sequence, threshold=1.0):
    """A walker on a network that stops at the final minima, and ln of its unit of time."""
    from pathsample.kinetics._kmc import Walker

    indptr, indices, ln_p = network.ln_branching()
    ln_tau = network.ln_waiting_times()
    unit = float(ln_tau[np.isfinite(ln_tau)].max())
    waiting = np.exp(np.where(np.isfinite(ln_tau), ln_tau - unit, 0.0))
    partner = leapfrog_partners(network, threshold, final)
    state = seed_sequence.generate_state(4, np.uint64)
    return Walker(indptr, indices, np.exp(ln_p), waiting, final, state, partner), unit


def simulate(network: RateNetwork, runs, seed, product="A", reactant="B", check=None, threshold=1.0):
    """Trajectories of the continuous-time Markov chain until they reach the product set.

    Each begins in a reactant minimum drawn from the equilibrium occupation of the set, waits in minimum i for an exponentially
    distributed time of mean tau_i, and leaves it with the branching probabilities (Bortz, Kalos and Lebowitz 1975).

    Parameters
    ----------
    network : RateNetwork
        Every reactant minimum must be connected with the product set.
    runs : int
    seed : int or sequence of int
    product, reactant : {"A", "B"}
    check : callable, optional
        Called every `CHUNK` steps and after every run with the number of completed runs; may raise.
    threshold : float
        Below 1, pairs of minima with P_ij P_ji at or above it are left in one leapfrog move.

    Returns
    -------
    Trajectories
    """
    final = np.zeros(network.n_minima, dtype=bool)
    final[network.sets[product]] = True
    children = np.random.SeedSequence(seed).spawn(2)
    walker, unit = make_walker(network, final, children[0], threshold)
    sources = network.sets[reactant]
    share = np.exp(network.ln_occupation(sources))
    start = np.random.default_rng(children[1]).choice(sources, size=runs, p=share / share.sum())
    end, steps, times = np.empty(runs, dtype=np.int64), np.empty(runs), np.empty(runs)
    since = 0
    for k in range(runs):
        walker.start(int(start[k]))
        while True:
            reached = walker.advance(CHUNK)
            if reached >= 0:
                break
            if check is not None:
                check(k)
        end[k], steps[k], times[k] = reached, walker.steps, walker.time
        since += walker.steps
        if check is not None and since > CHUNK:
            check(k + 1)
            since = 0
    with np.errstate(divide="ignore"):
        return Trajectories(start, end, steps, np.log(times) + unit)
