"""Groups of minima that interconvert fast, and the sets A and B from such groups.

The partition function of a group is the sum of those of its minima, the flux between two groups the sum of the fluxes between
their minima, so that the rate constants of the groups at local equilibrium obey detailed balance as those of the minima do:

    F_J = -kT ln sum_i Z_i,   k_JK = sum c_ij / sum_i Z_i,   F_JK = F_J - kT (ln k_JK + ln(h/kT))

(Carr and Wales, J. Phys. Chem. B 112, 8760 (2008)). Two groups become one when both barriers between them, F_JK - F_J and
F_JK - F_K, are below a threshold; the lowest barrier is taken first, and the figures of the new group count from then on.
"""

import heapq
from dataclasses import replace

import numpy as np

from common.atomic import atomic_write
from common.formats.fortran import f, g, i

#: Keywords that make one group of several minima; the kinetics are then those of the groups.
MERGING = ("REGROUPFREE", "REGROUPPE", "REGROUPRATE", "REGROUPPERSIST")
#: Keywords that only enlarge the sets A and B.
SETS_ONLY = ("REGROUP", "REGROUPFREEAB")
REGROUPING = (*SETS_ONLY, *MERGING)


def agglomerate(network, ln_limit, keep_apart=True, once=False):
    """Join groups while the slower of the two times between them, w/c, is below a limit.

    A free-energy threshold Delta stands for the limit Delta/kT + ln(h/kT), a rate constant k for -ln k.

    Parameters
    ----------
    network : RateNetwork
    ln_limit : float
        Groups are joined when max(ln w_J, ln w_K) - ln c_JK is below it.
    keep_apart : bool
        A group with members of A and one with members of B are not joined.
    once : bool
        Decide from the minima alone; nothing is computed anew after a union.

    Returns
    -------
    labels : ndarray of shape (n,)
        Group of each minimum, numbered by their first members.
    """
    low, high, ln_c = network.merged()
    parent = list(range(network.n_minima))
    ln_w = network.ln_weight.tolist()
    kind = _kinds(network)
    neighbours = [{} for _ in parent]
    for a, b, c in zip(low.tolist(), high.tolist(), ln_c.tolist()):
        neighbours[a][b] = neighbours[b][a] = c

    def root(x):
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    def size(a, b, c):
        return max(ln_w[a], ln_w[b]) - c

    queue = [(size(a, b, c), a, b) for a, b, c in zip(low.tolist(), high.tolist(), ln_c.tolist())]
    queue = [entry for entry in queue if entry[0] < ln_limit]
    heapq.heapify(queue)
    while queue:
        stated, a, b = heapq.heappop(queue)
        a, b = root(a), root(b)
        if a == b or (keep_apart and kind[a] | kind[b] == 3):
            continue
        if not once:
            # the partition functions may have grown since, so that what was stated is a lower bound
            now = size(a, b, neighbours[a][b])
            if now > stated:
                if now < ln_limit:
                    heapq.heappush(queue, (now, a, b))
                continue
            if len(neighbours[a]) < len(neighbours[b]):
                a, b = b, a
            ln_w[a] = float(np.logaddexp(ln_w[a], ln_w[b]))
            del neighbours[a][b]
            for other, c in neighbours[b].items():
                if other == a:
                    continue
                del neighbours[other][b]
                if other in neighbours[a]:
                    c = float(np.logaddexp(c, neighbours[a][other]))
                neighbours[a][other] = neighbours[other][a] = c
                entry = size(a, other, c)
                if entry < ln_limit:
                    heapq.heappush(queue, (entry, a, other))
            neighbours[b] = {}
        parent[b] = a
        kind[a] |= kind[b]
    return _by_first_member([root(x) for x in range(network.n_minima)])


def superbasins(network, energy, keep_apart=True):
    """Groups of minima that are connected by transition states below an energy: labels, shape (n,).

    With ``keep_apart`` the transition states are taken in ascending order, and one that would join A and B is left out.
    """
    below = np.flatnonzero(network.ts_energy < energy)
    parent = list(range(network.n_minima))
    kind = _kinds(network)

    def root(x):
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for k in below[np.argsort(network.ts_energy[below], kind="stable")].tolist():
        a, b = root(int(network.plus[k])), root(int(network.minus[k]))
        if a != b and not (keep_apart and kind[a] | kind[b] == 3):
            parent[b] = a
            kind[a] |= kind[b]
    return _by_first_member([root(x) for x in range(network.n_minima)])


def _kinds(network):
    """1 for members of A, 2 for members of B, 0 for the others, as a list."""
    kind = np.zeros(network.n_minima, dtype=np.int64)
    kind[network.sets["A"]] |= 1
    kind[network.sets["B"]] |= 2
    return kind.tolist()


def _by_first_member(roots):
    """Labels numbered in the order of the first members."""
    _, first, inverse = np.unique(roots, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def grouped(network, labels, kt, planck, zero):
    """The network of groups.

    Parameters
    ----------
    network : RateNetwork
    labels : ndarray of shape (n,)
    kt, planck : float
    zero : float
        Energy at which ``ln_weight`` has its zero.

    Returns
    -------
    RateNetwork
        Energies are free energies; ``group`` holds the labels, ``ts`` the transition state with the largest flux of each pair.
    """
    from pathsample.kinetics.rates import RateNetwork, sum_by_group

    n = int(labels.max()) + 1
    ln_w = sum_by_group(n, labels, network.ln_weight)
    a, b = labels[network.plus], labels[network.minus]
    across = np.flatnonzero(a != b)
    low, high = np.minimum(a, b)[across], np.maximum(a, b)[across]
    keys, inverse = np.unique(low * n + high, return_inverse=True)
    ln_c = sum_by_group(len(keys), inverse, network.ln_conductance[across])
    order = np.lexsort((network.ln_conductance[across], inverse))
    largest = across[order[np.searchsorted(inverse[order], np.arange(len(keys)), side="right") - 1]]
    used = np.zeros(n, dtype=bool)
    used[labels[network.used]] = True
    sets = {name: np.unique(labels[members]) for name, members in network.sets.items()}
    top = zero - kt * (ln_c + np.log(planck / kt))
    return RateNetwork(
        zero - kt * ln_w, ln_w, keys // n, keys % n, ln_c, network.ts[largest], top, used, sets, labels
    )


def free_energy_groups(rates, kt, planck, threshold):
    """Join minima until no transition between groups has both free-energy barriers below a threshold, A and B included.

    Parameters
    ----------
    rates : RateNetwork
    kt, planck, threshold : float

    Returns
    -------
    labels : ndarray of shape (n,)
        Group of each minimum.
    free : ndarray of shape (n_groups,)
        Free energies, with the zero of ``ln_weight``.
    edges : tuple of ndarray
        Free energies of the transitions between groups, and their two groups.

    Raises
    ------
    InputError
        No temperature or no Planck's constant.
    """
    from common.errors import InputError

    if not kt or not planck:
        raise InputError("FREEPAIRS: free energies need TEMPERATURE and PLANCK; add them")
    if not rates.n_minima:
        return np.empty(0, dtype=np.int64), np.empty(0), (np.empty(0), np.empty(0, int), np.empty(0, int))
    labels = agglomerate(rates, threshold / kt + np.log(planck / kt), keep_apart=False)
    groups = grouped(rates, labels, kt, planck, 0.0)
    return labels, groups.energy, (groups.ts_energy, groups.plus, groups.minus)


def chosen(settings):
    """The regrouping keyword that was given, or None."""
    return next((name for name in REGROUPING if settings.given(name)), None)


def check_keywords(settings):
    """Collect what does not fit together."""
    given = [name for name in REGROUPING if settings.given(name)]
    if len(given) > 1:
        settings.error(given[1], f"not together with {given[0]}; remove one of the two")
    for name in (*given, *(["RFMULTI"] if settings.given("RFMULTI") else [])):
        if name in ("REGROUPFREE", "REGROUPFREEAB", "RFMULTI") and not settings.given("PLANCK"):
            settings.error(name, "free-energy barriers need Planck's constant; add PLANCK h")
        if name in MERGING and (settings.given("ENERGY") or not settings.given("TEMPERATURE")):
            settings.error(name, "free energies of groups need a temperature; add TEMPERATURE kT and no ENERGY")
    for name in ("ALLOWAB", "ONEREGROUP", "DUMPGROUPS"):
        if settings.given(name) and not given:
            settings.error(name, f"it changes how groups are formed; add one of {', '.join(REGROUPING)}")


def labels_for(settings, network, name):
    """Labels of the groups that a keyword forms."""
    from common.errors import InputError

    apart, once = not settings.given("ALLOWAB"), settings.given("ONEREGROUP")
    values = settings[name]
    if name == "REGROUP":
        return superbasins(network, values.energy, keep_apart=False)
    if name == "REGROUPPE":
        return superbasins(network, values.energy, apart)
    if name == "REGROUPPERSIST":
        from pathsample.thermodynamics.persistence import lifetimes

        kinds = _kinds(network) if apart else None
        ends = network.ts_energy, network.plus, network.minus
        return _by_first_member(lifetimes(network.energy, *ends, values.threshold, kinds)[1])
    if name == "REGROUPRATE":
        return agglomerate(network, -np.log(values.rate), apart, once)
    kt, planck = settings["TEMPERATURE"].kt, settings["PLANCK"].h
    if kt is None:
        raise InputError(f"{name}: free energies need TEMPERATURE; add it")
    return agglomerate(network, values.threshold / kt + np.log(planck / kt), apart, once)


def regroup(setup, database, network, report):
    """Apply the regrouping keyword of pathdata, if there is one, to a network.

    Returns
    -------
    network : RateNetwork
    files : list of str

    Raises
    ------
    GroupsMerged
        A member of A and one of B are in one group.
    """
    settings = setup.settings
    name = chosen(settings)
    if name is None:
        return network, []
    labels = labels_for(settings, network, name)
    groups = {x: np.unique(labels[network.sets[x]]) for x in ("A", "B")}
    if len(np.intersect1d(groups["A"], groups["B"])):
        raise GroupsMerged(f"{name.lower()}> A and B are in one group; lower the threshold")
    if name in SETS_ONLY:
        sets = {x: np.flatnonzero(np.isin(labels, groups[x]) & network.used) for x in ("A", "B")}
        for x in ("A", "B"):
            report.line(f"{name.lower()}> set {x} had {len(network.sets[x]):8d} minima and has {len(sets[x]):8d}")
        network = replace(network, sets=sets)
        minima, states = database.minima_arrays(), database.ts_arrays()
        return network, write_groups(setup, network, minima, states, "")
    kt, planck = settings["TEMPERATURE"].kt, settings["PLANCK"].h
    result = grouped(network, labels, kt, planck, float(database.energies().min()))
    report.line(
        f"{name.lower()}> {network.n_minima:8d} minima are in {result.n_minima:8d} groups, {len(result.sets['A'])} of them in "
        f"A and {len(result.sets['B'])} in B; {len(result.plus)} pairs of groups are connected"
    )
    files = write_groups(setup, result, *group_columns(result, kt, planck), "")
    if settings.given("DUMPGROUPS"):
        files += dump_groups(setup, network, labels)
    return result, files


class GroupsMerged(Exception):
    """A and B cannot be told apart any more."""


def group_columns(network, kt, planck, shift=0.0):
    """Columns of min.data and ts.data of a network of groups, whose usual rates are (kT/h) exp(-(F_ts - F)/kT)."""
    n, m = network.n_minima, len(network.plus)
    minima = {"energy": network.energy + shift, "log_product": np.full(n, 2 * np.log(2 * np.pi * kt / planck))}
    minima |= {"order": np.ones(n, dtype=np.int64), "inertia": np.ones((n, 3))}
    states = {"energy": network.ts_energy + shift, "log_product": np.zeros(m), "order": np.ones(m, dtype=np.int64)}
    return minima, states | {"inertia": np.ones((m, 3)), "plus": network.plus + 1, "minus": network.minus + 1}


def write_groups(setup, network, minima, states, label):
    """min.data.regrouped, ts.data.regrouped, min.A.regrouped, min.B.regrouped; .resorted with A first, then B, then the others.

    Layouts 2G20.10,I6,4F20.10 (the last column is the equilibrium occupation) and 2G20.10,3I10,3F20.10.
    """
    from common.formats import endpoints

    occupation = np.zeros(network.n_minima)
    occupation[network.used] = np.exp(network.ln_occupation())
    rank = np.full(network.n_minima, 2)
    rank[network.sets["B"]] = 1
    rank[network.sets["A"]] = 0
    plain = np.arange(network.n_minima)
    written = []
    for end, order in (("", plain), (".resorted", np.argsort(rank, kind="stable"))):
        new = np.empty(len(order), dtype=np.int64)
        new[order] = np.arange(1, len(order) + 1)
        names = {x: f"{x}.regrouped{label}{end}" for x in ("min.data", "ts.data", "min.A", "min.B")}
        with atomic_write(setup.directory / names["min.data"]) as file:
            for k in order.tolist():
                head = g(minima["energy"][k], 20, 10) + g(minima["log_product"][k], 20, 10) + i(minima["order"][k], 6)
                file.write(head + "".join(f(x, 20, 10) for x in [*minima["inertia"][k], occupation[k]]) + "\n")
        with atomic_write(setup.directory / names["ts.data"]) as file:
            for k in range(len(states["energy"])):
                ends = i(new[states["plus"][k] - 1], 10) + i(new[states["minus"][k] - 1], 10)
                head = g(states["energy"][k], 20, 10) + g(states["log_product"][k], 20, 10) + i(states["order"][k], 10)
                file.write(head + ends + "".join(f(x, 20, 10) for x in states["inertia"][k]) + "\n")
        for x in ("A", "B"):
            endpoints.write(setup.directory / names[f"min.{x}"], np.sort(new[network.sets[x]]).tolist(), width=8)
        written += names.values()
    return written


def dump_groups(setup, network, labels):
    """DUMPGROUPS: minima_groups (I8,I8: minimum, group) and ts_groups (3I8: transition state, the groups of its ends)."""
    with atomic_write(setup.directory / "minima_groups") as file:
        file.writelines(f"{i(k, 8)}{i(group + 1, 8)}\n" for k, group in enumerate(labels.tolist(), 1))
    with atomic_write(setup.directory / "ts_groups") as file:
        for ts, a, b in zip(network.ts.tolist(), labels[network.plus].tolist(), labels[network.minus].tolist()):
            file.write(f"{i(ts, 8)}{i(a + 1, 8)}{i(b + 1, 8)}\n")
    return ["minima_groups", "ts_groups"]


def groups_at_temperatures(setup, database, report):
    """RFMULTI: groups whose minima interconvert within a time, at several temperatures.

    The threshold of the barriers is kT ln(time kT/h), for which a rate constant is 1/time.

    Returns
    -------
    passed : bool
    files : list of str
    """
    from pathsample.kinetics.analysis import build_network

    values, planck = setup.settings["RFMULTI"], setup.settings["PLANCK"].h
    apart, zero = not setup.settings.given("ALLOWAB"), float(database.energies().min())
    files = []
    for k in range(values.count):
        kt = values.lowest + k * values.step
        network = build_network(setup, database, kt)
        labels = agglomerate(network, np.log(values.time), apart, setup.settings.given("ONEREGROUP"))
        result = grouped(network, labels, kt, planck, zero)
        threshold = kt * np.log(values.time * kt / planck)
        report.line(
            f"rfmulti> temperature {g(kt, 20, 10)} barriers below {g(threshold, 20, 10)}: {result.n_minima:8d} groups, "
            f"{len(result.plus):8d} connections"
        )
        files += write_groups(setup, result, *group_columns(result, kt, planck, values.shift), f".{kt:.5f}")
    return True, files
