"""WAITPDFPRINT, DIAG and ARNOLDI: the relaxation modes of a network, and what they are made of."""

import numpy as np

from common.atomic import atomic_write
from common.formats.fortran import f, g, i
from pathsample.kinetics.numbers import g_of_ln
from pathsample.kinetics.spectrum import MOST_FOR_JACOBI, MOST_MINIMA, WELL_CONDITIONED, slowest_rates, spectrum

#: Components of a mode that are printed: those above this percentage of the sum of magnitudes.
SHARE = 1.0
#: Modes that are printed with their amplitudes: those above this magnitude.
AMPLITUDE = 1e-10


def write_eigenmodes(setup, network, result, product, reactant, kt, report):
    """WAITPDFPRINT: AB.right.eigenvectors, and tauAB.T with relaxation time and amplitude of each mode.

    A mode is printed with the percentages of the magnitudes of its right eigenvector in the minima, as far as they are above
    one. tauAB.T (2I8,2G20.10E4) has a block for every reactant minimum: its number, mode, 1/lambda and amplitude of the passage
    from this minimum.

    Returns
    -------
    list of str
    """
    from pathsample.kinetics.graph_transformation import connected_part

    way = product + reactant
    if result.eliminated:
        report.line(f"waitpdf> the modes {way} belong to a reduced network and are not written")
        return []
    nodes, _ = connected_part(network)
    modes = result.modes
    minima = nodes[modes.nodes]
    ln_w = network.ln_weight[minima]
    half = np.exp(0.5 * (ln_w - ln_w.max()))
    ln_rates = np.log(result.rates) + result.ln_unit
    with atomic_write(setup.directory / f"{way}.right.eigenvectors") as file:
        for k, ln_rate in enumerate(ln_rates.tolist()):
            size = np.abs(half * modes.vectors[:, k])
            size *= 100.0 / size.sum()
            large = np.flatnonzero(size > SHARE)
            file.write(
                f"eigenmode {i(k + 1, 8)} components with relative % magnitude > 1% eigenvalue: {g_of_ln(ln_rate, 20, 10, 4)}\n"
            )
            for m in large[np.argsort(-size[large], kind="stable")].tolist():
                file.write(f"{i(minima[m] + 1, 8)}{f(size[m], 12, 4)}\n")
    place = {int(m): k for k, m in enumerate(minima.tolist())}
    leaving = half @ modes.vectors
    name = f"tau{way}.{kt:.5f}"
    with atomic_write(setup.directory / name) as file:
        for source in network.sets[reactant].tolist():
            amplitude = modes.vectors[place[source]] / half[place[source]] * leaving
            if len(network.sets[reactant]) == 1:
                amplitude = result.amplitudes
            for k in np.flatnonzero(np.abs(amplitude) > AMPLITUDE).tolist():
                tau = g_of_ln(-ln_rates[k], 20, 10, 4)
                file.write(f"{i(source + 1, 8)}{i(k + 1, 8)}{tau}{g(amplitude[k], 20, 10, 4)}\n")
    return [f"{way}.right.eigenvectors", name]


def lowest_rates(name, setup, network, report):
    """DIAG and ARNOLDI: print the lowest eigenvalues of the rate matrix of the largest component.

    The first is 0, of equilibrium; the others are rates of relaxation.

    Returns
    -------
    passed : bool
    files : list of str
    """
    values = setup.settings[name]
    nodes = largest_component(network)
    count = min(values.eigenvalues, len(nodes))
    alone = int(np.count_nonzero(network.used)) - len(nodes)
    report.line(f"{name.lower()}> largest component with {len(nodes):8d} minima, {alone:8d} others left out")
    if len(nodes) < 2:
        report.line(f"{name.lower()}> no two minima are connected")
        return False, []
    if name == "DIAG":
        if len(nodes) > MOST_MINIMA:
            report.line(f"diag> more than {MOST_MINIMA} minima; ARNOLDI finds the lowest eigenvalues of larger networks")
            return False, []
        ln_rates = diagonalise(network, nodes)[:count]
    else:
        ln_rates = np.append(-np.inf, slowest_rates(network, nodes, count - 1)) if count > 1 else np.array([-np.inf])
        if len(ln_rates) < count:
            report.line("arnoldi> the next rates are too many times faster for this method; DIAG finds them all")
    for k, ln_rate in enumerate(ln_rates.tolist(), 1):
        tau = g_of_ln(-ln_rate, 20, 10, 4) if np.isfinite(ln_rate) else "Infinity".rjust(20)
        report.line(f"{name.lower()}> eigenvalue {i(k, 8)}{g_of_ln(ln_rate, 20, 10, 4)} relaxation time{tau}")
    return True, []


def largest_component(network):
    """Minima of the largest connected component, counted from 0."""
    labels = network.labels()
    used = np.flatnonzero(network.used)
    if not len(used):
        return used
    return used[labels[used] == np.argmax(np.bincount(labels[used]))]


def diagonalise(network, nodes):
    """ln of all eigenvalues of the rate matrix of a component, ascending; the first is -inf."""
    place = np.full(network.n_minima, -1, dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    low, high, ln_c = network.merged()
    inside = place[low] >= 0
    parts = len(nodes), place[low[inside]], place[high[inside]], ln_c[inside], network.ln_weight[nodes]
    found = spectrum(*parts, jacobi=len(nodes) <= MOST_FOR_JACOBI)
    values = found.rates
    values[0] = 0.0
    with np.errstate(divide="ignore"):
        ln_rates = np.log(values) + found.ln_unit
    if len(nodes) > MOST_FOR_JACOBI:
        # an eigenvalue solver loses the digits of the slow modes
        slow = int(np.count_nonzero(values[1:] < WELL_CONDITIONED * values[-1]))
        if slow:
            found = slowest_rates(network, nodes, min(slow, 50))
            ln_rates[1 : len(found) + 1] = found
    return ln_rates
