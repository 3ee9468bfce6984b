"""First-step analysis by successive over-relaxation: TFOLD (waiting times) and PFOLD (committors).

Both solve x_i = t_i + sum_j P_ij x_j, by sweeps that need no more memory than the network. Where the network has traps they
converge slowly, and small changes do not mean small errors; the printed lines say how far they are from the exact result.
"""

import numpy as np

from common.atomic import atomic_write
from common.formats.fortran import g
from pathsample.kinetics.numbers import g_of_ln
from pathsample.kinetics.rates import ln_sum


def waiting_times(network, product, most, tolerance, omega):
    """Mean first-passage times to the product by over-relaxation.

    Returns
    -------
    ln_times : ndarray of shape (n,)
        -inf in the product and for minima without a transition state.
    sweeps : int
    change : float
        Largest relative change in the last sweep.
    """
    from pathsample.kinetics._relaxation import relax_averages

    indptr, indices, ln_p = network.ln_branching()
    ln_tau = network.ln_waiting_times()
    known = np.isfinite(ln_tau)
    unit = float(ln_tau[known].max())
    tau = np.exp(np.where(known, ln_tau - unit, -np.inf))
    fixed = ~known
    fixed[network.sets[product]] = True
    times = np.where(fixed, 0.0, tau)
    sweeps, change = relax_averages(indptr, indices, np.exp(ln_p), tau, fixed, times, omega, int(most), tolerance)
    with np.errstate(divide="ignore"):
        return np.log(times) + unit, sweeps, change


def committors(network, product, reactant, values, most, tolerance, omega):
    """Probabilities to reach the product before the reactants by over-relaxation.

    Parameters
    ----------
    network : RateNetwork
    product, reactant : {"A", "B"}
    values : ndarray of shape (n,)
        Starting values; not changed.
    most : int
    tolerance, omega : float

    Returns
    -------
    values : ndarray of shape (n,)
    sweeps : int
    change : float
    """
    from pathsample.kinetics._relaxation import relax_averages

    indptr, indices, ln_p = network.ln_branching()
    fixed = ~np.isfinite(network.ln_waiting_times())
    values = np.array(values, dtype=float)
    for name, value in ((product, 1.0), (reactant, 0.0)):
        fixed[network.sets[name]] = True
        values[network.sets[name]] = value
    nothing = np.zeros(network.n_minima)
    sweeps, change = relax_averages(indptr, indices, np.exp(ln_p), nothing, fixed, values, omega, int(most), tolerance)
    return values, sweeps, change


def tfold(setup, network, product, reactant, report):
    """TFOLD: print the mean first-passage time by over-relaxation beside the exact one. Whether it converged, and no files."""
    from pathsample.kinetics.graph_transformation import connected_part, transform

    if not connected_part(network)[1]:
        report.line("tfold> A and B are not connected")
        return False, []
    values = setup.settings["TFOLD"]
    times, sweeps, change = waiting_times(network, product, values.sweeps, values.threshold, values.omega)
    sources = network.sets[reactant]
    ln_mean = ln_sum(network.ln_occupation(sources) + times[sources])
    done = change <= values.threshold
    report.line(
        f"tfold> {'converged' if done else 'NOT converged'} in {sweeps:10d} sweeps, largest relative change {g(change, 15, 5)}"
    )
    result = transform(network)
    exact = (result.ab if product == "A" else result.ba).ln_mfpt
    report.line(
        f"tfold> MFPT({product}<-{reactant})={g_of_ln(ln_mean, 20, 10, 4)} k={g_of_ln(-ln_mean, 20, 10, 4)} exact MFPT="
        f"{g_of_ln(exact, 20, 10, 4)} ratio={g_of_ln(ln_mean - exact)}"
    )
    return bool(done), []


def pfold(setup, database, network, product, reactant, report):
    """PFOLD: committors by over-relaxation from those of commit.data, where it is there; writes it (G20.10) and the property.

    Returns
    -------
    passed : bool
    files : list of str
    """
    values = setup.settings["PFOLD"]
    path = setup.directory / "commit.data"
    start = np.full(network.n_minima, 0.5)
    if path.exists():
        stored = read_committors(path)
        count = min(len(stored), len(start))
        start[:count] = stored[:count]
    found, sweeps, change = committors(
        network, product, reactant, start, values.sweeps, values.convergence, values.omega
    )
    with atomic_write(path) as file:
        file.writelines(f"{g(x, 20, 10)}\n" for x in found.tolist())
    store_by_minimum(database, network, {"pfold": found})
    report.line(
        f"Pfold> {sweeps:8d} sweeps, largest relative change {g(change, 15, 5)}; probabilities to reach {product} before "
        f"{reactant} in commit.data"
    )
    return True, ["commit.data"]


def read_committors(path):
    """Values of commit.data.

    Raises
    ------
    InputError
    """
    from common.formats.text import read_lines, real

    lines = [(k, line.split()) for k, line in enumerate(read_lines(path), 1)]
    return np.array([real(items[0], f"{path}:{k}", "a committor") for k, items in lines if items])


def store_by_minimum(database, network, columns):
    """Store values of the nodes of a network as properties of the minima, also where nodes are groups of them."""
    for name, values in columns.items():
        values = values if network.group is None else values[network.group]
        known = np.flatnonzero(np.isfinite(values))
        database.set_property(name, (known + 1).tolist(), values[known])
