"""Partial graph transformation: a reduced network with the same passage times between the minima that are kept.

Swinburne and Wales, J. Chem. Theory Comput. 16, 2661 (2020). After elimination of all others minimum i has the mass m'_i and
the conductances c'_ij, and the free energies

    F'_i = -kT (ln m'_i - ln w_max),   F_ij = -kT (ln c'_ij - ln w_max)

make the rates exp(-(F_ij - F'_i)/kT) = P'_ij/tau'_i that FREEENERGY reads back. Returns to the same minimum, P'_ii, are
written as transition states with equal ends, as the classic program does; rates do not use them.
"""

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from common.formats.fortran import i
from pathsample.kinetics.numbers import g_of_ln

KEEP_LIST = "NGTkeeplist"


def read_keep_list(path, n_minima):
    """Numbers of minima, one per line, counted from 1.

    Raises
    ------
    InputError
    """
    from common.formats.text import integer, read_lines

    kept = []
    for number, line in enumerate(read_lines(path), 1):
        for item in line.split():
            value = integer(item, f"{path}:{number}", "a minimum")
            if not 1 <= value <= n_minima:
                raise InputError(f"{path}:{number}: the number of a minimum must be between 1 and {n_minima}, found {value}")
            kept.append(value)
    return kept


def reduce(network, kept):
    """Eliminate all minima but those kept, which must include one of each component.

    Parameters
    ----------
    network : RateNetwork
    kept : ndarray of int64
        Minima counted from 0.

    Returns
    -------
    nodes : ndarray of int64
        Kept minima in ascending order, those that are not connected with A or B left out.
    low, high : ndarray of int64
        Edges as positions in ``nodes``.
    ln_conductance, ln_mass, ln_return : ndarray
        c'_ij of the edges, m'_i and c'_ii (-inf for none) of the nodes.
    """
    from pathsample.kinetics._graph_transformation import Elimination
    from pathsample.kinetics.graph_transformation import connected_part
    from pathsample.kinetics.rates import sum_by_group

    inside, _ = connected_part(network)
    place = np.full(network.n_minima, -1, dtype=np.int64)
    place[inside] = np.arange(len(inside))
    low, high, ln_c = network.merged()
    keep = place[low] >= 0
    elimination = Elimination(len(inside), place[low[keep]], place[high[keep]], ln_c[keep], network.ln_weight[inside])
    stays = np.isin(inside, kept)
    elimination.eliminate(~stays)
    left, low, high, ln_c, ln_mass = elimination.remaining()
    nodes = inside[left]
    leaving = sum_by_group(len(nodes), np.concatenate([low, high]), np.concatenate([ln_c, ln_c]))
    total = network.ln_escape()[nodes]
    share = -np.expm1(np.minimum(leaving - total, 0.0))
    # what is left of a difference of nearly equal sums is rounding
    ln_return = np.where(share > 1e-14, total + np.log(np.maximum(share, 1e-300)), -np.inf)
    return nodes, low, high, ln_c, ln_mass, ln_return


def write_reduced(setup, network, kt, report):
    """NGTKEEPLIST: write min.data.new, ts.data.new, min.A.new, min.B.new and mapping.

    The minima are numbered with A first, then B, then the others in their order.

    Returns
    -------
    passed : bool
    files : list of str
    """
    from common.formats import endpoints, min_data, ts_data
    from pathsample.kinetics.graph_transformation import connected_part
    from pathsample.kinetics.rates import DIRECTIONS

    if not connected_part(network)[1]:
        report.line("NGT> A and B are not connected")
        return False, []
    listed = np.array(read_keep_list(setup.path(KEEP_LIST), network.n_minima), dtype=np.int64) - 1
    product, reactant = DIRECTIONS[setup.settings["DIRECTION"].direction.upper()]
    sources = network.sets[reactant]
    if setup.settings.given("RENORMREACTANT"):
        listed_too = np.isin(sources, listed)
        # the network needs one reactant
        sources = sources[listed_too] if listed_too.any() else sources[[int(np.argmax(network.ln_weight[sources]))]]
        report.line(f"NGT> {len(network.sets[reactant]) - len(sources)} reactants that are not listed are renormalised too")
    ends = np.concatenate([network.sets[product], sources])
    nodes, low, high, ln_c, ln_mass, ln_return = reduce(network, np.union1d(listed, ends))
    top = network.ln_weight[network.used].max()
    group = np.where(np.isin(nodes, network.sets["A"]), 0, np.where(np.isin(nodes, network.sets["B"]), 1, 2))
    order = np.lexsort((nodes, group))
    new = np.empty(len(nodes), dtype=np.int64)
    new[order] = np.arange(1, len(nodes) + 1)
    loops = np.flatnonzero(np.isfinite(ln_return))
    energies = -kt * (np.concatenate([ln_c, ln_return[loops]]) - top)
    states = _columns(energies) | {
        "plus": np.concatenate([new[low], new[loops]]),
        "minus": np.concatenate([new[high], new[loops]]),
    }
    directory = setup.directory
    min_data.write(directory / "min.data.new", _columns(-kt * (ln_mass[order] - top)), "reduced")
    ts_data.write(directory / "ts.data.new", states, "reduced")
    for k, name in enumerate("AB"):
        endpoints.write(directory / f"min.{name}.new", new[group == k].tolist(), width=8)
    with atomic_write(directory / "mapping") as file:
        for number, m in enumerate(nodes[order].tolist(), 1):
            file.write(f"regroup> new min {i(number, 8)} is original min.data entry {i(m + 1, 8)}\n")
    if setup.settings.given("PRINTTAUGT"):
        before, after = network.ln_waiting_times()[nodes], ln_mass - network.ln_escape()[nodes]
        for m, *taus in zip(nodes[order].tolist(), before[order], after[order]):
            report.line(f"NGT> minimum {i(m + 1, 8)} tau^I, tau={g_of_ln(taus[0], 20, 10, 4)}{g_of_ln(taus[1], 20, 10, 4)}")
    report.line(f"NGT> reduced network of {len(nodes)} minima and {len(low)} connections in min.data.new and ts.data.new")
    return True, ["min.data.new", "ts.data.new", "min.A.new", "min.B.new", "mapping"]


def _columns(energies):
    """Columns of a network of free energies: no vibrations, no symmetry."""
    n = len(energies)
    return {"energy": energies, "log_product": np.zeros(n), "order": np.ones(n, dtype=np.int64), "inertia": np.ones((n, 3))}
