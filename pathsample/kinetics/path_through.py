"""DIJKSTRALIST: the fastest path that visits minima of a list, such as one for each community of a network."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from common.formats.fortran import i
from pathsample.kinetics.numbers import g_of_ln

LIST = "DijkstraList"


def path_through(network, stops):
    """Fastest paths between successive minima of a list.

    Parameters
    ----------
    network : RateNetwork
    stops : sequence of int
        Minima counted from 0, from the reactant to the product.

    Returns
    -------
    list of FastestPath or None
        One per leg; None where a leg has no path.
    """
    from pathsample.kinetics.dijkstra import fastest_paths, with_transition_states

    legs = []
    for source, target in pairwise(stops):
        leg = replace(network, sets={"A": np.array([target]), "B": np.array([source])})
        found = fastest_paths(leg, "A", "B")
        legs.append(with_transition_states(leg, found[0]) if found else None)
    return legs


def path_through_list(setup, network, report):
    """DIJKSTRALIST: print the legs, and write Epath and onpath of all together, beginning at the product.

    Returns
    -------
    passed : bool
    files : list of str

    Raises
    ------
    InputError
        For a list that is not one of minima.
    """
    from pathsample.kinetics.paths import numbers_lines, path_table, write_epath
    from pathsample.kinetics.reduction import read_keep_list

    path = setup.path(LIST)
    stops = [m - 1 for m in read_keep_list(path, network.n_minima)]
    if len(stops) < 2:
        raise InputError(f"{path}: at least two minima are needed, one per line, from the reactant to the product")
    legs = path_through(network, stops)
    slowest = None
    for leg, (source, target) in zip(legs, pairwise(stops)):
        if leg is None:
            report.line(f"DijkstraList> no path from minimum {source + 1:8d} to minimum {target + 1:8d}")
            return False, []
        report.line(
            f"DijkstraList> from minimum {source + 1:8d} to minimum {target + 1:8d} k^SS {g_of_ln(leg.ln_rate)} for "
            f"{len(leg.ts):6d} transition states:"
        )
        report.lines(numbers_lines(leg.minima))
        path_table(network, leg, report)
        slowest = leg if slowest is None or leg.ln_rate < slowest.ln_rate else slowest
    report.line(
        f"DijkstraList> slowest leg from minimum {slowest.minima[-1] + 1:8d} to minimum {slowest.minima[0] + 1:8d} k^SS "
        f"{g_of_ln(slowest.ln_rate)}"
    )
    # legs run from their product to their reactant; the whole path does so, too
    minima, ts, tops = list(legs[-1].minima), list(legs[-1].ts), list(legs[-1].ts_energy)
    for leg in reversed(legs[:-1]):
        minima += leg.minima[1:]
        ts += leg.ts
        tops += leg.ts_energy
    write_epath(setup.directory / "Epath", network, minima, ts, tops)
    with atomic_write(setup.directory / "onpath") as file:
        file.writelines(f"{i(m + 1, 8)}\n" for m in dict.fromkeys(minima))
    return True, ["Epath", "onpath"]
