"""DIJKSTRA, DIJKSTRAWAIT and KSHORTESTPATHS: the printed lines, and the files of the fastest path."""

import time

import numpy as np

from common.atomic import atomic_write
from common.formats.fortran import f, f_lines, g, i
from pathsample.kinetics.dijkstra import fastest_paths, path_first_passage, steps_to, with_transition_states
from pathsample.kinetics.numbers import g_of_ln

#: Minima in one line of a path.
PER_LINE = 16
#: Barriers of the fastest path for which the minima on either side are written.
MOST_BARRIERS = 5


def connection_lines(network, min_connections, report):
    """The classic lines on connections."""
    degrees = network.degrees()
    zeros = int(np.count_nonzero(degrees == 0)) - int(np.count_nonzero(~network.used))
    top = int(np.argmax(degrees)) if len(degrees) else 0
    removed = int(np.count_nonzero(~network.used))
    report.line(
        f"getnconn> max connections: {int(degrees.max(initial=0)):10d} for min {top + 1:10d} # of zeros={max(zeros, 0):10d} "
        f"after removing minima with < {min_connections + 1:10d}"
    )
    report.line(
        f"RATECONST_SETUP>{removed:8d} minima with {min_connections:8d} connections or fewer will not be considered"
    )


def dijkstra(setup, database, network, product, reactant, report):
    """DIJKSTRA: print the fastest path and write its files.

    Returns
    -------
    list of str
        Files written; empty when there is no path.
    """
    began = time.process_time()
    for name in ("A", "B"):
        steps, cycles = steps_to(network, network.sets[name])
        alone = int(np.count_nonzero(network.used & (steps < 0)))
        report.line(
            f"Dijkstra> steps to {name} region converged in {cycles:8d} cycles; maximum={int(steps.max(initial=0)):8d} "
            f"disconnected={alone:8d}"
        )
    found = fastest_paths(network, product, reactant)
    if not found:
        report.line(f"Dijkstra> no path between any {reactant} minimum and any {product} minimum")
        return []
    for path in sorted(found, key=lambda p: p.minima[-1]):
        report.line(
            f"Dijkstra> Best path for min {path.minima[-1] + 1:8d} and any {product} minimum, "
            f"k^SS {product}<-{reactant}{g_of_ln(path.ln_rate)}"
        )
        report.lines(numbers_lines(path.minima))
    best = with_transition_states(network, found[0])
    report.line(f"Dijkstra> Best path between any {reactant} minimum and any {product} minimum:")
    report.lines(numbers_lines(best.minima))
    report.line(
        f"Dijkstra> Largest contribution to SS rate constant {product}<-{reactant} for any A and B is "
        f"{g_of_ln(best.ln_rate)} for {len(best.ts):6d} transition states:"
    )
    report.line(f"Dijkstra> Note that path is printed backwards starting with {product}, ending with {reactant}")
    path_table(network, best, report)
    if network.group is None:
        files = write_fastest(setup, database, network, best, product)
    else:
        # a group has no line in min.data
        write_epath(setup.directory / "Epath", network, best.minima, best.ts, best.ts_energy)
        files = ["Epath"]
    files += write_surroundings(setup, network, best)
    if setup.potential is not None and network.group is None:
        report.line(
            f"Dijkstra> dumping minima and transition state coordinates to file redopoints, steps={len(best.ts):6d}"
        )
    passage_lines(network, best, product, reactant, report)
    report.line(f"main> CPU time spent in Dijkstra                    ={g(time.process_time() - began, 15, 5)} s")
    return files


def numbers_lines(minima):
    """Numbers of minima in lines of I8."""
    rows = [minima[k : k + PER_LINE] for k in range(0, len(minima), PER_LINE)]
    return ["".join(i(m + 1, 8) for m in row) for row in rows]


def path_table(network, path, report):
    """Rows of minimum, transition state, minimum, and the ordered barriers."""
    energy = network.energy
    report.line(f"{'E+':>22}{'Ets':>29}{'E-':>27}")
    steps = list(zip(path.minima[:-1], path.ts, path.ts_energy, path.minima[1:]))
    for left, ts, top, right in steps:
        report.line(
            f"{i(left + 1, 8)}{f(energy[left], 20, 10)}{i(ts, 8)}{f(top, 20, 10)}{i(right + 1, 8)}{f(energy[right], 20, 10)}"
        )
    report.line("Dijkstra> Ordered downhill barriers,    ts        barrier")
    # the path runs from the reactant, so a step goes from the right minimum over the ts
    for _, ts, top, right in sorted(steps, key=lambda step: energy[step[3]] - step[2]):
        report.line(f"{'':35}{i(ts, 8)}{g(top - energy[right], 20, 10)}")


def passage_lines(network, path, product, reactant, report):
    """Mean first-passage times of the chain that has only the minima and transition states of the path."""
    ln_w = network.ln_weight[path.minima]
    ln_out, ln_in = path_first_passage(ln_w, path.ln_conductance)
    share = {name: network.ln_occupation(network.sets[name]) for name in ("A", "B")}
    p_product = float(share[product][network.sets[product].tolist().index(path.minima[0])])
    p_reactant = float(share[reactant][network.sets[reactant].tolist().index(path.minima[-1])])
    forward, backward = f"{product}<-{reactant} value=", f"{reactant}<-{product} value="
    ratio = ln_in - ln_out + float(ln_w[0] - ln_w[-1])
    report.line(f"Dijkstra> detailed balance, ratio should be one if SS applies: {g_of_ln(ratio)}")
    report.line(f"Dijkstra> MFPT for fastest path: {forward}{g_of_ln(ln_in)} {backward}{g_of_ln(ln_out)}")
    report.line(
        f"Dijkstra> rates without conditional probability: {forward}{g_of_ln(-ln_in)} {backward}{g_of_ln(-ln_out)}"
    )
    report.line(
        "Dijkstra> rates with    conditional probability: "
        f"{forward}{g_of_ln(p_reactant - ln_in)} {backward}{g_of_ln(p_product - ln_out)}"
    )


def write_fastest(setup, database, network, path, product):
    """Epath, the ``.fastest`` database of the path, and redopoints.

    Returns
    -------
    list of str
    """
    from common.formats import endpoints, min_data, ts_data

    directory = setup.directory
    minima, states = database.minima_arrays(), database.ts_arrays()
    chosen, ts = np.array(path.minima), np.array(path.ts) - 1
    write_epath(directory / "Epath", network, path.minima, path.ts, path.ts_energy)
    columns = ("energy", "log_product", "order", "inertia")
    min_data.write(directory / "min.data.fastest", {name: minima[name][chosen] for name in columns}, "fastest")
    subset = {name: states[name][ts] for name in columns}
    # each joins the minimum before it on the path with the one behind it
    subset["plus"], subset["minus"] = np.arange(1, len(ts) + 1), np.arange(2, len(ts) + 2)
    ts_data.write(directory / "ts.data.fastest", subset, "fastest")
    first, last = ("A", "B") if product == "A" else ("B", "A")
    endpoints.write(directory / f"min.{first}.fastest", [1], width=6)
    endpoints.write(directory / f"min.{last}.fastest", [len(path.minima)], width=6)
    written = ["Epath", "min.data.fastest", "ts.data.fastest", "min.A.fastest", "min.B.fastest"]
    if setup.potential is None:
        return written
    x_minima = database.coordinates((chosen + 1).tolist())
    x_states = database.coordinates((ts + 1).tolist(), transition_states=True)
    for name, x in (("points.min.fastest", x_minima), ("points.ts.fastest", x_states)):
        with atomic_write(directory / name, "wb") as file:
            file.write(np.ascontiguousarray(x, dtype="<f8").tobytes())
    write_redopoints(directory / "redopoints", x_minima, x_states, setup.symmetry)
    return [*written, "points.min.fastest", "points.ts.fastest", "redopoints"]


def write_epath(path, network, minima, ts, ts_energy):
    """Epath (I8,G20.10,I8): minima and transition states of a path in turn, from the product end."""
    rows = []
    for k, m in enumerate(minima):
        rows.append((network.energy[m], m + 1))
        if k < len(ts):
            rows.append((ts_energy[k], ts[k]))
    with atomic_write(path) as file:
        file.writelines(f"{i(k, 8)}{g(energy, 20, 10)}{i(number, 8)}\n" for k, (energy, number) in enumerate(rows, 1))


def write_redopoints(path, x_minima, x_states, symmetry):
    """Geometries along the path, 3F25.15, each aligned with the one before it."""
    frames = [x_minima[0]]
    for ts, minimum in zip(x_states, x_minima[1:]):
        for x in (ts, minimum):
            frames.append(symmetry.align(x, frames[-1])[0])
    with atomic_write(path) as file:
        for x in frames:
            file.write(f_lines(np.asarray(x), 25, 15, 3))


def write_surroundings(setup, network, path):
    """onpath (I8): the minima on the path; high.n and low.n (I8,G20.10): what lies on either side of its nth barrier.

    The barriers are counted from the highest. The minima that are connected with the higher end of the barrier by transition
    states below its top are in high.n, those with the lower end in low.n, with their equilibrium occupations.
    """
    from pathsample.kinetics.regrouping import superbasins

    with atomic_write(setup.directory / "onpath") as file:
        file.writelines(f"{i(m + 1, 8)}\n" for m in path.minima)
    written = ["onpath"]
    steps = list(zip(path.minima[:-1], path.ts_energy, path.minima[1:]))
    steps.sort(key=lambda step: network.energy[step[2]] - step[1])
    occupation = np.zeros(network.n_minima)
    occupation[network.used] = np.exp(network.ln_occupation())
    for k, (left, top, right) in enumerate(steps[:MOST_BARRIERS], 1):
        labels = superbasins(network, top, keep_apart=False)
        upper, lower = sorted((left, right), key=lambda m: -network.energy[m])
        for name, m in (("high", upper), ("low", lower)):
            with atomic_write(setup.directory / f"{name}.{k}") as file:
                for member in np.flatnonzero(labels == labels[m]).tolist():
                    file.write(f"{i(member + 1, 8)}{g(occupation[member], 20, 10)}\n")
            written.append(f"{name}.{k}")
    return written


def waiting_path(setup, network, product, reactant, report):
    """DIJKSTRAWAIT: the path with the lowest sum of conditional waiting times.

    The length of a step from i to j is tau_i / P_ij = 1/k_ij, the time after which this step is expected; lengths are in units
    of the shortest waiting time.
    """
    from pathsample.kinetics.dijkstra import FastestPath, follow, shortest_from_sets

    ln_tau = network.ln_waiting_times()
    unit = float(ln_tau[np.isfinite(ln_tau)].min())

    def length(rows, columns, ln_p):
        return np.exp(np.minimum(ln_tau[rows] - ln_p - unit, 700.0))

    distance, following = shortest_from_sets(network, product, reactant, length)
    sources = [s for s in network.sets[reactant].tolist() if np.isfinite(distance[s])]
    if not sources:
        report.line(f"Dijkstra> no path between any {reactant} minimum and any {product} minimum")
        return False
    best = min(sources, key=lambda s: distance[s])
    path = with_transition_states(network, FastestPath(follow(following, best)[::-1], 0.0))
    report.line(
        f"Dijkstra> Lowest sum of conditional waiting times {product}<-{reactant} is "
        f"{g_of_ln(np.log(distance[best]) + unit)} for {len(path.ts):6d} transition states:"
    )
    report.lines(numbers_lines(path.minima))
    path_table(network, path, report)
    passage_lines(network, path, product, reactant, report)
    return True


def shortest_paths(setup, network, product, reactant, count, full, report):
    """KSHORTESTPATHS: the k paths with the largest contributions, and their cumulative share of k^SS."""
    from pathsample.kinetics.k_shortest_paths import k_fastest_paths

    found = k_fastest_paths(network, count, product, reactant)
    if not found:
        report.line(f"kshortestpaths> no path between any {reactant} minimum and any {product} minimum")
        return False
    total = -np.inf
    for k, path in enumerate(found, 1):
        total = np.logaddexp(total, path.ln_rate)
        report.line(
            f"kshortestpaths> path {k:8d} steps={len(path.minima) - 1:8d} k^SS {product}<-{reactant} {g_of_ln(path.ln_rate)} "
            f"sum={g_of_ln(total)}"
        )
        report.lines(numbers_lines(path.minima))
        with_transition_states(network, path)
        if full:
            path_table(network, path, report)
            passage_lines(network, path, product, reactant, report)
        write_epath(setup.directory / f"Epath.{k}", network, path.minima, path.ts, path.ts_energy)
    return True
