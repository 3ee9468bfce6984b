"""Keywords PICTURES, SENSITIVITY, COPIES: pictures of the networks at minima."""

import math

import numpy as np

from common.errors import InputError
from pathsample.learning.copies import copies_of, draw_copies
from pathsample.learning.node_links import draw_network, draw_sensitivity

#: Pictures beside each other.
ACROSS = 5
KEYWORDS = ("PICTURES", "SENSITIVITY", "COPIES")


def check(setup):
    """Refuse what cannot be drawn before anything is written: InputError with all problems."""
    settings, problems = setup.settings, []
    for name in KEYWORDS:
        if settings.given(name) and not hasattr(setup.potential, "weight_matrices"):
            problems.append(f"{settings.where(name)}: {name} needs a neural network; the potential of this input is none")
    if settings.given("WEIGHTPATH") and setup.optim is None:
        problems.append(f"{settings.where('WEIGHTPATH')}: WEIGHTPATH needs odata.connect, which says how paths are followed")
    if not problems and settings.given("SENSITIVITY"):
        values = settings["SENSITIVITY"]
        if setup.potential.layers[0] != 2:
            problems.append(
                f"{settings.where('SENSITIVITY')}: SENSITIVITY maps two inputs; this network has {setup.potential.layers[0]}"
            )
        elif not values.low < values.high:
            problems.append(f"{settings.where('SENSITIVITY')}: SENSITIVITY: the highest input must be above the lowest")
        elif (values.high - values.low) / values.step > 5000:
            problems.append(f"{settings.where('SENSITIVITY')}: SENSITIVITY: more than 5000 points across; take a longer step")
    if problems:
        raise InputError(problems)


def draw_pictures(setup, database, report):
    """Do what the keywords say; returns the names of the files written."""
    written = []
    if setup.settings.given("PICTURES") or setup.settings.given("SENSITIVITY"):
        written += _sheet(setup, database, report)
    if setup.settings.given("COPIES"):
        written += _copies(setup, database, report)
    return written


def _sheet(setup, database, report):
    """The lowest minima beside each other, with the maps of their answers below."""
    from matplotlib.figure import Figure

    values = setup.settings["PICTURES"]
    map_of = setup.settings["SENSITIVITY"] if setup.settings.given("SENSITIVITY") else None
    network, energies = setup.potential, database.energies()
    chosen = np.argsort(energies, kind="stable")[: values.n]
    across = min(ACROSS, len(chosen))
    down = math.ceil(len(chosen) / across)
    rows = 2 if map_of else 1
    figure = Figure(figsize=(2.1 * across, (2.0 * rows + 0.3) * down), layout="constrained")
    grid = figure.add_gridspec(rows * down, across)
    report.line("pictures>  minimum               energy  weights left  connected hidden nodes  right answers, least  most")
    nodes_left, right = [], []
    for place, k in enumerate(chosen):
        x = database.minimum(int(k) + 1).coordinates
        row, column = rows * (place // across), place % across
        axes = figure.add_subplot(grid[row, column])
        found = draw_network(axes, network, x, values.cutoff)
        axes.set_title(f"{k + 1}   E = {energies[k]:.8g}", fontsize=8)
        nodes = " ".join(str(int(c.sum())) for c in found.connected)
        answers = network.probabilities(x, network.inputs)[np.arange(len(network.classes)), network.classes]
        extremes = f"{answers.min():12.4f}{answers.max():10.4f}"
        report.line(f"pictures> {k + 1:8d}{energies[k]:21.12f}{found.n_left:14d}  {nodes:>22s}{extremes}")
        if found.n_left:
            nodes_left.append(int(found.connected[0].sum()))
            right.append((answers.min(), answers.max()))
        if map_of:
            axes = figure.add_subplot(grid[row + 1, column])
            draw_sensitivity(axes, network, x, map_of.low, map_of.high, map_of.step)
            axes.tick_params(labelsize=7)
    if right:
        # the network without weights, a stationary point of every loss that no item decides, is no answer to count
        figures = {"nodes_fewest": min(nodes_left), "nodes_most": max(nodes_left), "right_at_lowest": right[0][0]}
        figures |= {"right_most_at_lowest": right[0][1], "right_least": min(low for low, _ in right)}
        database.set_meta("pictures", " ".join(f"{name}={value:.6g}" for name, value in figures.items()))
    names = ["pictures.pdf", "pictures.png"]
    for name in names:
        figure.savefig(setup.directory / name, dpi=150)
    return names


def _copies(setup, database, report):
    from matplotlib.figure import Figure

    values = setup.settings["COPIES"]
    if values.minimum > database.n_minima:
        where = setup.settings.where("COPIES")
        raise InputError(f"{where}: COPIES: no minimum {values.minimum}, there are {database.n_minima}")
    network, x = setup.potential, database.minimum(values.minimum).coordinates
    rng = np.random.default_rng(np.random.SeedSequence(setup.seed).spawn(2)[1])
    copies, complete = copies_of(network, x, rng, values.n)
    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    distances = draw_copies(figure, network, copies, complete, setup.settings["PICTURES"].cutoff)
    names = ["copies.pdf", "copies.png"]
    for name in names:
        figure.savefig(setup.directory / name, dpi=150)
    spread = max(abs(network.energy(c) - network.energy(x)) for c in copies)
    different = distances[np.triu_indices(len(copies), 1)]
    order = network.symmetry.order(x)
    report.line(
        f"copies> minimum {values.minimum}: {network.symmetry.group_order() // order} different copies, {len(copies)} drawn; "
        f"distances {different.min():.6f} to {different.max():.6f}, energies equal within {spread:.1e}"
    )
    return names
