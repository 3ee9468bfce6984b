"""PERSIST: over which range of energy each minimum is the lowest of its basin, and groups by that range.

As an energy threshold rises, a basin is born at the energy E_i of each minimum; where a transition state joins two basins, the
one with the higher minimum ends at the energy E_d of that transition state. E_d - E_i is the persistence of the minimum
(zero-dimensional persistent homology of the sublevel sets: Edelsbrunner, Letscher and Zomorodian, Discrete Comput. Geom. 28,
511 (2002)), the depth of the valley in which it is the lowest. The lowest minimum of a connected component never ends.
"""

import numpy as np

from common.atomic import atomic_write
from common.formats.fortran import g, i


def lifetimes(energies, ts_energies, plus, minus, threshold=None, kinds=None):
    """Energy at which the basin of every minimum ends, and groups of the minima that end soon.

    Parameters
    ----------
    energies : ndarray of shape (n,)
    ts_energies, plus, minus : ndarray of shape (m,)
        Ends counted from 0.
    threshold : float, optional
        A basin whose lowest minimum has a smaller persistence joins the group across the transition state that ends it.
    kinds : ndarray of shape (n,), optional
        1 for members of A, 2 for members of B: groups with both are not formed.

    Returns
    -------
    end : ndarray of shape (n,)
        inf where a basin never ends.
    root : list of int
        A member of the group of every minimum.
    """
    n = len(energies)
    end = np.full(n, np.inf)
    basin, group, lowest = list(range(n)), list(range(n)), list(range(n))
    kind = [0] * n if kinds is None else [int(k) for k in kinds]

    def root(parent, x):
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    # among equals the lower number is the lower minimum
    rank = np.empty(n, dtype=np.int64)
    rank[np.lexsort((np.arange(n), energies))] = np.arange(n)
    for k in np.argsort(ts_energies, kind="stable").tolist():
        left, right = int(plus[k]), int(minus[k])
        a, b = root(basin, left), root(basin, right)
        if a == b:
            continue
        if rank[lowest[a]] > rank[lowest[b]]:
            a, b, left, right = b, a, right, left
        dying = lowest[b]
        end[dying] = max(ts_energies[k], energies[dying])
        basin[b] = a
        if threshold is not None and end[dying] - energies[dying] < threshold:
            c, d = root(group, left), root(group, right)
            if kind[c] | kind[d] != 3:
                group[d] = c
                kind[c] |= kind[d]
    return end, [root(group, x) for x in range(n)]


def persistence_analysis(setup, database, model, report):
    """PERSIST: write persistence.out (I8,4G20.10: minimum, its energy, where it ends, persistence, occupation), longest first.

    The persistence becomes a property of the minima; of the lowest minimum of a component it is counted up to the highest
    transition state.

    Returns
    -------
    passed : bool
    files : list of str
    """
    values, states = setup.settings["PERSIST"], database.ts_arrays()
    if not len(states["energy"]):
        report.line("persist> no transition states, so that no basin ends")
        return False, []
    energies = model.energies
    end, _ = lifetimes(energies, states["energy"], states["plus"] - 1, states["minus"] - 1)
    if not setup.settings.given("PERSISTEXACT"):
        end = model.zero + values.increment * np.ceil((end - model.zero) / values.increment - 1e-9)
    last = np.isinf(end)
    length = np.where(last, max(float(states["energy"].max()), model.zero), end) - energies
    kt = setup.settings["TEMPERATURE"].kt if setup.settings.given("TEMPERATURE") else None
    p = model.occupation(kt) if kt else np.ones(len(energies))
    database.set_property("persistence", np.arange(1, len(energies) + 1), length)
    chosen = np.flatnonzero(last | (length >= values.threshold) & (p >= values.occupation))
    chosen = chosen[np.lexsort((chosen, -length[chosen], ~last[chosen]))]
    with atomic_write(setup.directory / "persistence.out") as file:
        for m in chosen.tolist():
            shown = (energies[m], end[m], length[m], p[m])
            file.write(i(m + 1, 8) + "".join("Infinity".rjust(20) if np.isinf(v) else g(v, 20, 10) for v in shown) + "\n")
    report.line(
        f"persist> {len(chosen)} of {len(energies)} minima persist over {g(values.threshold, 20, 10)} or more, "
        f"{int(last.sum())} without end"
    )
    return True, ["persistence.out"]
