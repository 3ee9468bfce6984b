"""New graph transformation: exact rate constants, passage times and committors of a kinetic transition network.

Wales, J. Chem. Phys. 130, 204111 (2009). All intermediate minima are eliminated, each in the order of the fewest neighbours;
what is left between A and B gives

    k_SS  = sum_b p_b/P_B C_b / tau_b       waiting times tau_b of the original network
    k_NSS = sum_b p_b/P_B C_b / tau'_b      waiting times of the reduced network
    k     = sum_b p_b/P_B / T_b             mean first-passage times T_b with all but one reactant eliminated

with the probability C_b that a step from b ends in the product before it returns to any reactant.
"""

from dataclasses import dataclass, replace

import numpy as np

from pathsample.kinetics.rates import RateNetwork, ln_sum, sum_by_group


@dataclass
class DirectedRates:
    """Rate constants from one set to the other, and what they are made of, per reactant minimum; logarithms throughout.

    Attributes
    ----------
    sources : ndarray of int64
        Reactant minima, counted from 0.
    ln_share : ndarray
        Occupation within the reactant set, p_b/P_B.
    ln_leave : ndarray
        C_b, probability to reach the product before any return.
    ln_tau_original, ln_tau_reduced : ndarray
        Waiting times tau_b and tau'_b.
    ln_passage : ndarray
        Mean first-passage times T_b.
    ln_kss, ln_knss, ln_k, ln_mfpt : float
        Rate constants and the mean first-passage time sum_b p_b/P_B T_b.
    ln_slow_sum : float
        sum_b p_b/P_B tau_b/C_b.
    ln_passage_all : ndarray of shape (n,)
        ln mean first-passage time of every minimum; -inf in the product, nan where not connected.
    """

    sources: np.ndarray
    ln_share: np.ndarray
    ln_leave: np.ndarray
    ln_tau_original: np.ndarray
    ln_tau_reduced: np.ndarray
    ln_passage: np.ndarray
    ln_kss: float
    ln_knss: float
    ln_k: float
    ln_mfpt: float
    ln_slow_sum: float
    ln_passage_all: np.ndarray


@dataclass
class TransformedNetwork:
    """Results of graph transformation.

    Attributes
    ----------
    ab, ba : DirectedRates
        A from B, and B from A.
    ln_committor_a, ln_committor_b : ndarray of shape (n,)
        ln of the probability to reach A before B, and B before A; nan for minima that are not connected.
    eliminated : int
        Number of intermediate minima.
    block_rows, block_entries : int
        Intermediate minima that were eliminated in panels of doubles, and the numbers in these.
    """

    ab: DirectedRates
    ba: DirectedRates
    ln_committor_a: np.ndarray
    ln_committor_b: np.ndarray
    eliminated: int
    block_rows: int
    block_entries: int


def connected_part(network: RateNetwork):
    """Minima of the components that hold members of A and of B.

    Returns
    -------
    nodes : ndarray of int64
        Empty when A and B are not connected.
    connected : bool
        Whether every member of A and B is connected with one of the other set.
    """
    labels = network.labels()
    a, b = (set(labels[network.sets[name]].tolist()) for name in ("A", "B"))
    nodes = np.flatnonzero(network.used & np.isin(labels, sorted(a & b)))
    return nodes, bool(a) and a == b


def connected_sets(network: RateNetwork):
    """The network with A and B reduced to members that are connected with the other set, and how many were left out."""
    nodes, _ = connected_part(network)
    sets = {name: members[np.isin(members, nodes)] for name, members in network.sets.items()}
    left_out = sum(len(network.sets[name]) - len(members) for name, members in sets.items())
    return replace(network, sets=sets), left_out


def transform(network: RateNetwork, ln_mass=None, panels=None):
    """Graph transformation of a network with sets A and B.

    Parameters
    ----------
    network : RateNetwork
        Members of A and B must be connected with the other set.
    ln_mass : ndarray of shape (n,), optional
        What is accumulated in place of the occupations. With the escape sums of `RateNetwork.ln_escape` all times become
        numbers of steps.
    panels : bool, optional
        Whether panels of doubles are used; by default where they pay.

    Returns
    -------
    TransformedNetwork

    Raises
    ------
    ValueError
        A and B have a member in common, or are not connected.
    """
    from pathsample.kinetics._graph_transformation import Elimination

    nodes, connected = connected_part(network)
    if not connected:
        raise ValueError("a minimum of A or B is not connected with the other set")
    place = np.full(network.n_minima, -1, dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    low, high, ln_c = network.merged()
    inside = place[low] >= 0
    low, high, ln_c = place[low[inside]], place[high[inside]], ln_c[inside]
    mass = (network.ln_weight if ln_mass is None else ln_mass)[nodes]
    in_a, in_b = np.zeros(len(nodes), dtype=bool), np.zeros(len(nodes), dtype=bool)
    in_a[place[network.sets["A"]]] = True
    in_b[place[network.sets["B"]]] = True
    if (in_a & in_b).any():
        raise ValueError("A and B have a minimum in common")
    first = Elimination(len(nodes), low, high, ln_c, mass)
    first.eliminate(~(in_a | in_b), panels)
    ends, e_low, e_high, e_ln_c, e_mass = first.remaining()
    ln_tau = mass - network.ln_escape()[nodes]

    def committor(final):
        return _spread(network, nodes, first.solve(np.where(final, 0.0, -np.inf), False))

    def direction(product, reactant):
        second = Elimination(len(ends), e_low, e_high, e_ln_c, e_mass)
        second.eliminate(reactant[ends])
        # times of the reactants to the product, then of the intermediates to either
        times = np.full(len(nodes), -np.inf)
        times[ends] = second.solve(np.full(len(ends), -np.inf), True)
        times = first.solve(times, True)
        sources = np.flatnonzero(reactant)
        across = reactant[ends[e_low]] != reactant[ends[e_high]]
        leaving = np.where(reactant[ends[e_low]], ends[e_low], ends[e_high])[across]
        ln_leave = (sum_by_group(len(nodes), leaving, e_ln_c[across]) - network.ln_escape()[nodes])[sources]
        reduced = np.empty(len(nodes))
        reduced[ends] = e_mass - network.ln_escape()[nodes][ends]
        share = network.ln_occupation(nodes[sources])
        passage = times[sources]
        slow = ln_sum(share + ln_tau[sources] - ln_leave)
        return DirectedRates(
            nodes[sources],
            share,
            ln_leave,
            ln_tau[sources],
            reduced[sources],
            passage,
            float(ln_sum(share + ln_leave - ln_tau[sources])),
            float(ln_sum(share + ln_leave - reduced[sources])),
            float(ln_sum(share - passage)),
            float(ln_sum(share + passage)),
            float(slow),
            _spread(network, nodes, times),
        )

    return TransformedNetwork(
        direction(in_a, in_b),
        direction(in_b, in_a),
        committor(in_a),
        committor(in_b),
        int(np.count_nonzero(~(in_a | in_b))),
        first.block_rows,
        first.block_entries,
    )


def _spread(network, nodes, values):
    """Values of some minima as an array over all, nan elsewhere."""
    full = np.full(network.n_minima, np.nan)
    full[nodes] = values
    return full
