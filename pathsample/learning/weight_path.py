"""How the variables change along a path through the database, frame by frame in one copy of the network."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError

TABLE = "weight_path"
#: Variables that are named in the picture: those that change most.
NAMED = 8
#: Frames recorded on each side of a transition state.
FRAMES = 200
#: Points at least this fraction of the whole path apart are written.
RESOLUTION = 1.0 / 400.0


@dataclass(frozen=True)
class VariablePath:
    """A path from minimum to minimum.

    Attributes
    ----------
    minima, states : list of int
        Stationary points on it, in order, counted from 1.
    lengths, energies : ndarray of shape (n_points,)
    points : ndarray of shape (n_points, n_variables)
        Each the copy closest to the one before.
    marks : ndarray of int
        Points that are stationary: minimum, transition state, minimum, ...
    """

    minima: list
    states: list
    lengths: np.ndarray
    energies: np.ndarray
    points: np.ndarray
    marks: np.ndarray


def lowest_way(n_minima, plus, minus, energies, first, last):
    """Transition states on the way between two minima whose highest one is lowest.

    Parameters
    ----------
    n_minima : int
    plus, minus : ndarray of int of shape (n_states,)
        Counted from 0.
    energies : ndarray of shape (n_states,)
    first, last : int

    Returns
    -------
    minima, states : list of int or None
        None when they are not connected.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    lowest = {}
    for k in np.argsort(-energies, kind="stable").tolist():
        if plus[k] != minus[k]:
            lowest[min(plus[k], minus[k]), max(plus[k], minus[k])] = k
    # the minimum spanning tree has the lowest highest edge between any two nodes; ranks, since zero weights are no edges
    ranks = {k: rank + 1.0 for rank, k in enumerate(sorted(lowest.values(), key=lambda k: (energies[k], k)))}
    pairs = list(lowest)
    rows, columns = ([p[0] for p in pairs], [p[1] for p in pairs]) if pairs else ([], [])
    weights = [ranks[lowest[p]] for p in pairs]
    tree = minimum_spanning_tree(coo_array((weights, (rows, columns)), shape=(n_minima, n_minima)).tocsr())
    before = breadth_first_order(tree, first, directed=False, return_predecessors=True)[1]
    minima = [last]
    while minima[-1] != first:
        if before[minima[-1]] < 0:
            return None
        minima.append(int(before[minima[-1]]))
    minima.reverse()
    return minima, [lowest[min(a, b), max(a, b)] for a, b in pairwise(minima)]


def follow(potential, database, settings, first, last):
    """The path between two minima of a database that crosses the lowest transition states.

    Parameters
    ----------
    potential : Potential
    database : Database
    settings : OptimSettings
        How the paths of the transition states are followed.
    first, last : int
        Minima, counted from 1.

    Returns
    -------
    VariablePath or None
        None when no known path connects them.

    Raises
    ------
    ConvergenceError
        If a path cannot be followed again.
    """
    from optim.path import follow_path

    arrays = database.ts_arrays()
    plus, minus = np.asarray(arrays["plus"]) - 1, np.asarray(arrays["minus"]) - 1
    way = lowest_way(database.n_minima, plus, minus, np.asarray(arrays["energy"]), first - 1, last - 1)
    if way is None:
        return None
    minima, states = way
    settings = settings.with_changes(frames=max(settings.frames, FRAMES))
    symmetry, energies = potential.symmetry, database.energies()
    points, heights, marks = [database.minimum(first).coordinates], [float(energies[first - 1])], [0]
    for a, b, k in zip(minima, minima[1:], states):
        path = follow_path(potential, database.transition_state(k + 1), settings)
        start, end = database.minimum(a + 1), database.minimum(b + 1)
        sides = [path.plus, path.minus]
        # the side that ends in the minimum the path comes from is run backwards
        off = [_miss(symmetry, sides[0], start) + _miss(symmetry, sides[1], end),
               _miss(symmetry, sides[1], start) + _miss(symmetry, sides[0], end)]  # fmt: skip
        up, down = sides if off[0] <= off[1] else sides[::-1]
        ts = path.triple.transition_state
        frames = [*zip(up.frames[::-1], up.energies[::-1]), (ts.coordinates, ts.energy), *zip(down.frames, down.energies)]
        for number, (x, energy) in enumerate(frames):
            points.append(symmetry.align(x, points[-1])[0])
            heights.append(float(energy))
            if number == len(up.frames):
                marks.append(len(points) - 1)
        points.append(symmetry.align(end.coordinates, points[-1])[0])
        heights.append(end.energy)
        marks.append(len(points) - 1)
    points = np.array(points)
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return VariablePath([m + 1 for m in minima], [k + 1 for k in states], lengths, np.array(heights), points, np.array(marks))


def _miss(symmetry, side, minimum):
    return abs(side.minimum.energy - minimum.energy) + symmetry.align(side.end, minimum.coordinates)[1]


def variable_names(potential):
    """Names of the variables: w2(j,k) from input k to hidden node j, w1(i,j) to output i, bh(j), bo(i)."""
    layers = getattr(potential, "layers", None)
    if layers is None:
        return [f"x({k + 1})" for k in range(potential.n_variables)]
    shallow = len(layers) == 3
    names = []
    for k, (n_in, n_out) in enumerate(pairwise(layers)):
        letter = ("w2", "w1")[k] if shallow else f"w[{k + 1}]"
        names += [f"{letter}({j + 1},{i + 1})" for j in range(n_out) for i in range(n_in)]
    if potential.has_biases:
        for k, n_out in enumerate(layers[1:]):
            letter = ("bh", "bo")[k] if shallow else f"b[{k + 1}]"
            names += [f"{letter}({j + 1})" for j in range(n_out)]
    return names


def write_weight_path(setup, database, report):
    """Keyword WEIGHTPATH; returns the names of the files written."""
    from matplotlib.figure import Figure

    values = setup.settings["WEIGHTPATH"]
    where = setup.settings.where("WEIGHTPATH")
    for number in (values.first, values.last):
        if number > database.n_minima:
            raise InputError(f"{where}: WEIGHTPATH: no minimum {number}, there are {database.n_minima}")
    path = follow(setup.potential, database, setup.optim, values.first, values.last)
    if path is None:
        raise InputError(f"{where}: WEIGHTPATH: no known path connects minima {values.first} and {values.last}")
    names = variable_names(setup.potential)
    keep = _thinned(path)
    with atomic_write(setup.directory / TABLE) as file:
        file.write("# length energy " + " ".join(names) + "\n")
        for k in keep:
            file.write(" ".join(f"{v:.10g}" for v in (path.lengths[k], path.energies[k], *path.points[k])) + "\n")
    figure = Figure(figsize=(7.0, 6.0), layout="constrained")
    draw_weight_path(figure, path, names)
    files = [TABLE, "weight_path.pdf", "weight_path.png"]
    for name in files[1:]:
        figure.savefig(setup.directory / name, dpi=150)
    way = " ".join(f"{m} ({s})" for m, s in zip(path.minima, path.states)) + f" {path.minima[-1]}"
    report.line(f"weightpath> minima (transition states): {way}")
    report.line(f"weightpath> length {path.lengths[-1]:.6f}, highest energy {path.energies.max():.10f}")
    moved = np.ptp(path.points, axis=0)
    most = np.argsort(-moved, kind="stable")[:NAMED]
    report.line("weightpath> largest changes: " + ", ".join(f"{names[k]} {moved[k]:.4f}" for k in most))
    return files


def _thinned(path):
    """Points to write: stationary ones, and others not too close together."""
    keep, last, stationary = [], -np.inf, set(path.marks.tolist())
    for k, length in enumerate(path.lengths):
        if k in stationary or length - last >= RESOLUTION * path.lengths[-1]:
            keep.append(k)
            last = length
    return keep


def draw_weight_path(figure, path, names):
    """Energy above, variables below, against the length of the path."""
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.0, 2.0))
    top.plot(path.lengths, path.energies, color="k", linewidth=1.0)
    top.plot(path.lengths[path.marks[::2]], path.energies[path.marks[::2]], "o", color="C0", markersize=4)
    top.plot(path.lengths[path.marks[1::2]], path.energies[path.marks[1::2]], "^", color="C3", markersize=4)
    for mark, number in zip(path.marks[::2], path.minima):
        top.annotate(str(number), (path.lengths[mark], path.energies[mark]), (0, -11), textcoords="offset points",
                     ha="center", fontsize=7)  # fmt: skip
    top.margins(y=0.15)
    top.set_ylabel("energy")
    moved = np.ptp(path.points, axis=0)
    most = np.argsort(-moved, kind="stable")[:NAMED]
    for k in range(path.points.shape[1]):
        if k not in most:
            bottom.plot(path.lengths, path.points[:, k], color="0.8", linewidth=0.6)
    for place, k in enumerate(most):
        bottom.plot(path.lengths, path.points[:, k], color=f"C{place}", linewidth=1.3, label=names[k])
    for axes in (top, bottom):
        for mark in path.marks[1::2]:
            axes.axvline(path.lengths[mark], color="C3", linewidth=0.4, linestyle=":")
    bottom.set_xlabel("length of the path")
    bottom.set_ylabel("variable")
    bottom.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
