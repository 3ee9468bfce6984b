"""Fastest paths between A and B: the discrete paths with the largest contribution to the steady-state rate constant.

The contribution of a path from a reactant b is the product of its branching probabilities times p_b/(P_B tau_b), with the
occupation p and the waiting time tau (Wales, Mol. Phys. 100, 3285 (2002)); edge weights -ln P make it a shortest path.
"""

from dataclasses import dataclass

import numpy as np


@dataclass
class FastestPath:
    """A discrete path.

    Attributes
    ----------
    minima : list of int
        From the product end to the reactant end, counted from 0.
    ln_rate : float
        ln of the contribution to the steady-state rate constant.
    ts : list of int
        Numbers (from 1) of the lowest transition states between successive minima.
    ts_energy : list of float
    ln_conductance : list of float
        Of these transition states alone.
    """

    minima: list
    ln_rate: float
    ts: list = None
    ts_energy: list = None
    ln_conductance: list = None


def _graph(network, product, reactant, weights=None):
    """Reversed edges (from a product towards the reactants) with lengths -ln P, as a sparse matrix.

    Steps into a reactant minimum are left out: a path begins where it leaves the reactants for the last time.
    """
    from scipy.sparse import csr_matrix

    n = network.n_minima
    indptr, indices, ln_p = network.ln_branching()
    rows = np.repeat(np.arange(n), np.diff(indptr))
    length = np.maximum(-ln_p, 0.0) if weights is None else weights(rows, indices, ln_p)
    blocked = np.zeros(n, dtype=bool)
    blocked[network.sets[reactant]] = True
    keep = ~blocked[indices]
    final = np.zeros(n, dtype=bool)
    final[network.sets[product]] = True
    keep &= ~final[rows]
    return csr_matrix((length[keep], (indices[keep], rows[keep])), shape=(n, n))


def shortest_from_sets(network, product="A", reactant="B", weights=None):
    """Distances -ln(product of branching probabilities) from every minimum to the product set, and the next step.

    Returns
    -------
    distance : ndarray of shape (n,)
        inf where there is no path that avoids the reactant set.
    following : ndarray of shape (n,)
        The next minimum towards the product, negative at its end.
    """
    from scipy.sparse.csgraph import dijkstra

    graph = _graph(network, product, reactant, weights)
    distance, following, _ = dijkstra(graph, indices=network.sets[product], min_only=True, return_predecessors=True)
    return distance, following


def ln_source_factors(network, reactant):
    """ln(p_b / (P_B tau_b)) of every reactant minimum."""
    members = network.sets[reactant]
    return network.ln_occupation(members) - network.ln_waiting_times()[members]


def fastest_paths(network, product="A", reactant="B"):
    """The fastest path from every reactant minimum, those without a path left out, fastest first.

    Returns
    -------
    list of FastestPath
    """
    if not len(network.sets[product]) or not len(network.sets[reactant]):
        return []
    distance, following = shortest_from_sets(network, product, reactant)
    found = []
    for source, factor in zip(network.sets[reactant].tolist(), ln_source_factors(network, reactant).tolist()):
        if np.isfinite(distance[source]):
            chain = follow(following, source)
            found.append(FastestPath(chain[::-1], factor - float(distance[source])))
    found.sort(key=lambda path: -path.ln_rate)
    return found


def follow(following, source):
    """The chain of minima from a source to the end of the predecessors."""
    chain = [source]
    while following[chain[-1]] >= 0:
        chain.append(int(following[chain[-1]]))
    return chain


def with_transition_states(network, path):
    """Add the lowest transition state between each pair of successive minima, and the contribution to full precision."""
    low, high = np.minimum(network.plus, network.minus), np.maximum(network.plus, network.minus)
    order = np.lexsort((network.ts, network.ts_energy, high, low))
    keys = (low * network.n_minima + high)[order]
    edges = []
    for i, j in zip(path.minima[:-1], path.minima[1:]):
        edges.append(int(order[np.searchsorted(keys, min(i, j) * network.n_minima + max(i, j))]))
    path.ts = network.ts[edges].tolist()
    path.ts_energy = network.ts_energy[edges].tolist()
    path.ln_conductance = network.ln_conductance[edges].tolist()
    return path


def path_first_passage(ln_weight, ln_conductance):
    """Mean first-passage times along a chain of minima and the conductances between them, from either end to the other.

    For a chain 0..n the time from 0 to n is sum_k (w_0 + ... + w_k) / c_k (a birth-death process).

    Parameters
    ----------
    ln_weight : sequence of length n + 1
    ln_conductance : sequence of length n

    Returns
    -------
    ln_forward, ln_backward : float
        ln of the times from the first to the last minimum, and from the last to the first.
    """
    from pathsample.kinetics.rates import ln_sum

    def one_way(weight, conductance):
        return float(ln_sum(np.logaddexp.accumulate(weight[:-1]) - conductance))

    weight, conductance = np.asarray(ln_weight, dtype=float), np.asarray(ln_conductance, dtype=float)
    return one_way(weight, conductance), one_way(weight[::-1], conductance[::-1])


def steps_to(network, members):
    """Number of transition states between every minimum and the nearest of a set.

    Returns
    -------
    steps : ndarray of shape (n,)
        -1 for a minimum that is not connected.
    cycles : int
        Sweeps over the minima, in order, that changed a number (a figure that the classic program prints).
    """
    from pathsample.kinetics._relaxation import relax

    indptr, indices, _ = network.ln_branching()
    return relax(indptr, indices, members)
