"""What a run prints: the header that echoes the input, and the summary at its end."""

import math
import sys

import numpy as np

STARS = "*" * 97


class Report:
    """Lines of standard output, each written at once so that a killed run has said everything it did."""

    def __init__(self, stream=None):
        self.stream = stream

    def line(self, text=""):
        """Print one line."""
        print(text, file=self.stream or sys.stdout, flush=True)

    def lines(self, texts):
        """Print several lines."""
        for text in texts:
            self.line(text)


def header(setup, report):
    """The head of the output: version, then every setting in the format of the input."""
    from common import __version__

    report.line(f"PATHSAMPLE version {__version__} (energy-landscapes)")
    report.line(STARS)
    report.line("! pathdata")
    report.lines(setup.settings.echo())
    if setup.connect is not None:
        report.line("! odata.connect")
        report.lines(setup.connect.echo())
    if setup.potential is not None:
        report.line(f"! symmetry: {setup.potential.symmetry.describe()}")
    report.line(STARS)


def database_lines(database, report):
    """The classic lines that state what was read."""
    report.line(f"setup> parameters read for {database.n_minima:10d} min")
    report.line(f"setup> parameters read for {database.n_transition_states:10d} ts")
    for name in ("A", "B"):
        report.line(f"setup> locations read for {len(database.endpoints(name)):10d} min of type {name}")


def minimax_energy(n, ts_energies, plus, minus, sources, targets):
    """Energy of the lowest transition state that has to be crossed between two sets of minima.

    Parameters
    ----------
    n : int
        Number of minima.
    ts_energies, plus, minus : ndarray of shape (n_transition_states,)
    sources, targets : list of int

    Returns
    -------
    float
        inf when they are not connected.
    """
    from pathsample.minimax import highest_on_lowest_path

    if set(sources) & set(targets):
        return -math.inf
    levels = highest_on_lowest_path(n, ts_energies, np.asarray(plus) - 1, np.asarray(minus) - 1, np.array(sources) - 1)
    return float(levels[np.array(targets) - 1].min())


def occupation(energies, log_products, orders, kt):
    """Equilibrium occupation in the harmonic superposition: ln Z_i = -E_i/kT - L_i/2 - ln h_i."""
    log_z = -np.asarray(energies) / kt - np.asarray(log_products) / 2.0 - np.log(np.asarray(orders, dtype=float))
    weights = np.exp(log_z - np.nanmax(log_z))
    return weights / np.nansum(weights)


def between_endpoints(setup, database, network):
    """The line about the barrier between A and B, in the direction of DIRECTION; None without both sets."""
    a, b = database.endpoints("A"), database.endpoints("B")
    if not a or not b:
        return None
    start, end, text = (b, a, "B to A") if setup.settings["DIRECTION"].direction.upper() == "AB" else (a, b, "A to B")
    top = minimax_energy(network.n_minima, network.ts_energies, network.plus, network.minus, start, end)
    if top == -math.inf:
        return "summary> A and B have a minimum in common"
    if top == math.inf:
        return "summary> A and B are not connected"
    low = float(network.energies[np.array(start) - 1].min())
    return f"summary> highest transition state on the lowest route from {text} {top:20.10f}, barrier {top - low:18.10f}"


def size_lines(setup, database, network):
    """Lines on the size of the database, for PRINTSUMMARY after every cycle."""
    lines = [
        f"summary> minima, transition states {database.n_minima:12d}{database.n_transition_states:12d}",
        f"summary> connected with the lowest minimum of A and B, or with the global minimum "
        f"{int(np.count_nonzero(network.connected_set())):12d}",
    ]
    lowest = network.global_minimum
    lines.append(f"summary> lowest energy                     {network.energies[lowest - 1]:20.10f} (minimum {lowest})")
    between = between_endpoints(setup, database, network)
    return [*lines, between] if between else lines


def summary(setup, database, growth, files, seconds, report):
    """The closing table."""
    from pathsample.network import Network

    report.line(STARS)
    report.line(f"summary> minima                                {database.n_minima:12d}")
    report.line(f"summary> transition states                     {database.n_transition_states:12d}")
    if database.n_minima:
        network = Network(database, setup.symmetry)
        lowest = network.global_minimum
        labels = network.labels()
        connected = int(np.count_nonzero(labels == labels[lowest - 1]))
        report.line(f"summary> connected with the global minimum     {connected:12d}")
        report.line(f"summary> lowest energy                     {network.energies[lowest - 1]:20.10f} (minimum {lowest})")
        line = between_endpoints(setup, database, network)
        if line:
            report.line(line)
        kt = setup.settings["TEMPERATURE"].kt
        if kt:
            minima = database.minima_arrays()
            p = occupation(minima["energy"], minima["log_product"], minima["order"], kt)
            report.line(f"summary> occupation of minimum {lowest} at kT = {kt:g}   {p[lowest - 1]:16.8f}")
        for values in setup.settings.all("AUC"):
            figure = database.property(values.name)
            shown = f"{figure[lowest - 1]:8.4f} at minimum {lowest}, mean {np.nanmean(figure):8.4f} +- {np.nanstd(figure):.4f}"
            report.line(f"summary> AUC of class {values.outcome}, {values.file:24s} {shown}")
    if growth is not None:
        report.lines(growth.lines())
    if files:
        report.line(f"summary> files written: {', '.join(files)}")
    report.line(f"main> total CPU time spent in PATHSAMPLE            ={seconds:11.4f}     s")
