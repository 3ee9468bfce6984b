"""Keyword NETWORK: measures of the network of minima beside random graphs of its size, pictures, GraphML."""

import math

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from pathsample.networks.degrees import fit_power_law
from pathsample.networks.drawing import write_pictures
from pathsample.networks.graphml import write_graphml
from pathsample.networks.layout import places
from pathsample.networks.measures import adjacency, largest_component, measure, random_measures

TABLE = "network_measures"
GRAPHML = "network.graphml"
#: Nodes with most neighbours that are listed.
HUBS = 10
#: Clustering above that of the random graphs by this factor, with paths at most twice theirs, is called small-world.
SMALL_WORLD_CLUSTERING, SMALL_WORLD_PATH = 2.0, 2.0
#: Larger networks are compared with fewer random graphs: this many nodes in all.
RANDOM_NODES = 400_000


def analyse_network(setup, database, report):
    """Measure and draw the largest component of the network.

    Returns
    -------
    list of str
        Names of the files written.

    Raises
    ------
    InputError
        If there is no minimum, or no property of the name that the colours are to show.
    """
    values = setup.settings["NETWORK"]
    where = setup.settings.where("NETWORK")
    colour, label = _colour(database, values.property, where)
    energies = database.energies()
    states = database.ts_arrays()
    plus, minus = np.asarray(states["plus"]) - 1, np.asarray(states["minus"]) - 1
    kept = np.ones(len(energies), dtype=bool) if values.energy is None else energies <= values.energy
    for number, bound in enumerate(setup.settings.all("NETWORKBOUND")):
        if setup.potential is None or bound.variable > setup.n_variables:
            at = setup.settings.where("NETWORKBOUND", number)
            raise InputError(f"{at}: NETWORKBOUND: no variable {bound.variable} in this database")
        kept &= np.abs(database.coordinates()[:, bound.variable - 1]) <= bound.largest
    if not kept.any():
        raise InputError(f"{where}: NETWORK: no minimum of landscape.db is within the bounds")
    joined = kept[plus] & kept[minus]
    matrix = adjacency(len(energies), plus[joined], minus[joined])
    nodes = _chosen(matrix, kept)
    graph = matrix[nodes][:, nodes].tocsr()
    rng = np.random.default_rng(np.random.SeedSequence(setup.seed).spawn(1)[0])
    found = measure(graph, rng)
    count = min(values.random, max(1, RANDOM_NODES // found.n_nodes)) if values.random else 0
    randoms = random_measures(found.n_nodes, found.n_edges, count, rng) if found.n_edges else []
    law = fit_power_law(found.degrees)
    lowest = int(np.argmin(energies[nodes]))
    steps = _steps(graph, lowest)
    _store(database, nodes, found.degrees, steps)
    in_it = np.isin(plus, nodes) & np.isin(minus, nodes) & joined
    lines = _table(found, randoms, law, energies[nodes], nodes + 1, steps, int(kept.sum()), int(in_it.sum()))
    report.lines(f"network> {line}" for line in lines)
    figures = {
        "nodes": found.n_nodes, "states": int(in_it.sum()), "edges": found.n_edges, "degree": found.average_degree,
        "path": found.average_path, "diameter": found.diameter, "clustering": found.clustering,
    }  # fmt: skip
    database.set_meta("network", " ".join(f"{name}={value!r}" for name, value in figures.items()))
    with atomic_write(setup.directory / TABLE) as file:
        file.writelines(f"{line}\n" for line in lines)
    ends = np.column_stack(graph.nonzero())
    ends = ends[ends[:, 0] < ends[:, 1]]
    written = write_pictures(
        setup.directory, places(graph), ends, found, colour[nodes], label, lowest, [r.degrees for r in randoms], law
    )
    barrier = _lowest_states(ends, nodes, plus, minus, np.asarray(states["energy"]))
    columns = {"energy": energies[nodes], "degree": found.degrees, "steps": steps}
    for name in database.property_names():
        if name not in columns:
            columns[name] = np.asarray(database.property(name), dtype=float)[nodes]
    numbers = (nodes + 1).tolist()
    edges = [(numbers[a], numbers[b]) for a, b in ends]
    write_graphml(setup.directory / GRAPHML, numbers, columns, edges, {"energy": barrier})
    return [TABLE, GRAPHML, *written]


def _colour(database, name, where):
    """Values that the nodes are coloured by, and what to call them."""
    if name is None or name == "energy":
        return database.energies(), "loss" if "layers" in (database.fingerprint or {}) else "energy"
    if name not in database.property_names():
        known = ", ".join(database.property_names()) or "none"
        raise InputError(f"{where}: NETWORK: no property {name} in landscape.db (there: {known})")
    return np.asarray(database.property(name), dtype=float), name.replace("_", " ")


def _chosen(matrix, kept):
    """Nodes of the largest component among the minima that are kept."""
    kept = np.flatnonzero(kept)
    return kept[largest_component(matrix[kept][:, kept])]


def _steps(graph, lowest):
    """Number of edges from each node to the lowest one."""
    from scipy.sparse.csgraph import dijkstra

    return dijkstra(graph, unweighted=True, indices=lowest).astype(np.int64)


def _store(database, nodes, degrees, steps):
    """Properties ``degree`` and ``steps``, so that disconnect can colour by them."""
    ids = (nodes + 1).tolist()
    database.set_property("degree", ids, degrees.astype(float))
    database.set_property("steps", ids, steps.astype(float))


def _lowest_states(ends, nodes, plus, minus, energies):
    """Energy of the lowest transition state on each edge."""
    lowest = {}
    order = np.argsort(-energies, kind="stable")
    low, high = np.minimum(plus, minus)[order].tolist(), np.maximum(plus, minus)[order].tolist()
    lowest.update(zip(zip(low, high), energies[order].tolist()))
    return np.array([lowest[nodes[a], nodes[b]] for a, b in ends.tolist()])


def _mean(values):
    values = np.array(values, dtype=float)
    values = values[np.isfinite(values)]
    if not len(values):
        return math.nan, math.nan
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _table(found, randoms, law, energies, numbers, steps, n_minima, n_states):
    """The lines of network_measures."""
    lines = [
        f"minima in the largest component {found.n_nodes:14d}   of {n_minima}",
        f"transition states between them  {n_states:14d}",
        f"edges                           {found.n_edges:14d}",
        "",
        f"{'':32s}{'landscape':>14s}" + (f"{f'{len(randoms)} random graphs':>24s}" if randoms else ""),
    ]
    rows = (
        ("average degree", "average_degree"), ("average shortest path", "average_path"), ("diameter", "diameter"),
        ("clustering coefficient", "clustering"), ("transitivity", "transitivity"), ("degree assortativity", "assortativity"),
        ("largest degree", None),
    )  # fmt: skip
    for name, key in rows:
        value, others = (
            (getattr(found, key), [getattr(r, key) for r in randoms])
            if key
            else (found.degrees.max(), [r.degrees.max() for r in randoms])
        )
        text = f"{name:32s}{value:14d}" if isinstance(value, (int, np.integer)) else f"{name:32s}{value:14.4f}"
        if randoms:
            text += "{:12.4f} +- {:8.4f}".format(*_mean(others))
        lines.append(text)
    if not found.exact:
        lines.append(
            f"paths from a sample of nodes: error of the average {found.average_path_error:.4f}; the diameter is a lower bound"
        )
    lines += ["", *_verdicts(found, randoms, law), ""]
    lines.append(f"steps to the lowest minimum     {steps.mean():14.4f}   at most {steps.max()}")
    lines += ["", f"{'hub':>8s}{'neighbours':>12s}{'steps':>8s}{'energy':>20s}"]
    order = np.lexsort((energies, -found.degrees))[:HUBS]
    lines += [f"{numbers[k]:8d}{found.degrees[k]:12d}{steps[k]:8d}{energies[k]:20.10f}" for k in order]
    return lines


def _verdicts(found, randoms, law):
    """Small-world and power-law, in words with the figures."""
    lines = []
    if randoms:
        clustering, path = _mean([r.clustering for r in randoms])[0], _mean([r.average_path for r in randoms])[0]
        times = found.clustering / clustering if clustering > 0.0 else math.inf if found.clustering > 0.0 else math.nan
        longer = found.average_path / path if path > 0.0 else math.nan
        small = times >= SMALL_WORLD_CLUSTERING and longer <= SMALL_WORLD_PATH
        lines.append(
            f"small world: {'yes' if small else 'no'} (clustering {times:.2f} times and paths {longer:.2f} times "
            "those of the random graphs)"
        )
    if law is None:
        lines.append("power law: too few degrees to fit one")
    else:
        verdict = "not to be told from an exponential tail"
        if law.p_value < 0.1:
            verdict = "fits better than an exponential tail" if law.ratio > 0 else "fits worse than an exponential tail"
        lines.append(
            f"power law: exponent {law.exponent:.3f} +- {law.error:.3f} for {law.k_min} neighbours or more "
            f"({law.n_tail} minima, KS distance {law.distance:.3f}); {verdict} (ratio {law.ratio:.2f}, p = {law.p_value:.3f})"
        )
    return lines
