"""Thermodynamics at the end of a tempering run, and the picture of its heat capacity."""

from pathlib import Path

import numpy as np

from common.errors import ConvergenceError, InputError
from gmin.reweighting import bin_centres, mbar_curve, moments_curve, wham_curve
from gmin.tempering import is_sphere
from gmin.visits import read_table, write_table

CURVE = "heat_capacity"
REPLICAS = "replica_averages"
DENSITY = "density_of_states"
BASINS = "basins"
BASIN_CURVE = "heat_capacity_basins"
MBAR_CURVE = "heat_capacity_mbar"
PICTURE = "heat_capacity.png"

COMMENT = "U: mean potential energy; C_V in units of k, with k/2 for each variable that moves; errors: {errors}"


def kinetic_part(run):
    """Heat capacity of the momenta, half the number of variables that move, in units of the Boltzmann constant."""
    sphere = is_sphere(run.job.potential)
    return 0.5 * (run.job.potential.n_variables - len(run.settings.frozen) - sphere)


def n_vibrations(run):
    """Variables that the energy depends on: those that move less the zero modes."""
    moving = run.job.potential.n_variables - len(run.settings.frozen)
    return moving - (0 if run.settings.frozen else int(getattr(run.job.potential.symmetry, "n_zero", 0)))


def analyse(run):
    """Write the tables of a finished run.

    Parameters
    ----------
    run : gmin.monte_carlo.MonteCarloRun

    Returns
    -------
    list of str
        Lines for output.
    """
    directory, t, mc = run.job.directory, run.tempering, run.settings
    temperatures, beta = np.array(t.temperatures), 1.0 / np.array(t.temperatures)
    kinetic = kinetic_part(run)
    blocks = run.replicas.histogram
    at_replicas = moments_curve(run.replicas.energy_moments, mc.energy_range[0], temperatures, kinetic)
    error = f"jackknife over {mc.n_blocks} blocks of the run"
    _write_curve(directory / REPLICAS, at_replicas, f"averages of each replica; {COMMENT.format(errors=error)}")
    grid = np.linspace(*t.curve) if t.curve_given else np.geomspace(*t.curve)
    energies = bin_centres(*mc.energy_range, mc.n_bins)
    lines = []
    try:
        dos, curve = wham_curve(blocks, beta, energies, grid, kinetic)
    except ConvergenceError as failure:
        return [f"WARNING - no density of states: {failure}"]
    _write_curve(directory / CURVE, curve, f"by WHAM; {COMMENT.format(errors=error)}")
    columns = [("E", dos.energies), ("ln_g", dos.log_density)]
    write_table(directory / DENSITY, columns, ["density of states by WHAM; ln g is 0 for Z = 1 at the lowest temperature"])
    lines.append(f"wham> density of states in {DENSITY}, U and C_V over T in {CURVE}, at the replicas in {REPLICAS}")
    lines += peak_lines(curve)
    if run.quenches is not None and len(run.quenches.keys):
        lines += _basins(run, blocks, beta, grid, kinetic, error)
    if t.mbar:
        curve = mbar_curve(run.replicas.energy_samples, temperatures, grid, kinetic)
        _write_curve(directory / MBAR_CURVE, curve, f"by MBAR; {COMMENT.format(errors='jackknife over 10 blocks')}")
        lines.append(f"mbar> U and C_V over T in {MBAR_CURVE}")
    return lines


def _write_curve(path, curve, comment):
    names = ("T", "U", "dU", "C_V", "dC_V")
    write_table(path, list(zip(names, curve)), [comment])


def peak_lines(curve):
    """Where the heat capacity has its maxima."""
    c, error = curve.heat_capacity, curve.heat_capacity_error
    lines = []
    for k in range(1, len(c) - 1):
        # a maximum counts where it stands out by more than the noise from what lies between it and anything higher
        if c[k] > c[k - 1] and c[k] >= c[k + 1]:
            higher = np.flatnonzero(c > c[k])
            left = higher[higher < k].max() + 1 if (higher < k).any() else 0
            right = higher[higher > k].min() if (higher > k).any() else len(c)
            depth = c[k] - max(c[left : k + 1].min(), c[k:right].min())
            if depth > 2.0 * np.nan_to_num(error[k]):
                lines.append(f"wham> maximum of C_V at T={curve.temperatures[k]:12.6g}: {c[k]:12.5g} +- {error[k]:9.3g}")
    return lines


def _basins(run, blocks, beta, grid, kinetic, error):
    from gmin.basin_sampling import basin_curve

    kappa = n_vibrations(run)
    curve, minima, fits, visits = basin_curve(blocks, beta, run.settings, run.quenches, grid, kappa, kinetic)
    directory = run.job.directory
    columns = [("V", minima), ("visits", visits), ("ln_A", fits[:, 0]), ("a", fits[:, 1])]
    comment = f"bins of quench energy: mean V, and the fit g(E) = A (E - V)^({kappa}/2 - 1) exp(a (E - V))"
    write_table(directory / BASINS, columns, [comment])
    _write_curve(directory / BASIN_CURVE, curve, f"by basin-sampling; {COMMENT.format(errors=error)}")
    return [f"basin-sampling> {len(minima)} basins in {BASINS}, U and C_V over T in {BASIN_CURVE}"]


def plot(directory=".", picture=PICTURE):
    """Draw the heat capacity of a finished run; returns lines about it.

    Raises
    ------
    InputError
        If there is nothing to draw.
    """
    directory = Path(directory)
    if not (directory / CURVE).exists():
        raise InputError(f"{directory / CURVE}: no such file; --plot draws a finished run of PTMC or BSPT")
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    _, (t, _, _, c, error) = read_table(directory / CURVE)
    figure, (capacity, energy) = plt.subplots(2, 1, figsize=(6, 5.5), layout="constrained", sharex=True, height_ratios=[2, 1])
    drawn = [(CURVE, "WHAM", "C0"), (BASIN_CURVE, "basin-sampling", "C2"), (MBAR_CURVE, "MBAR", "C1")]
    for name, label, colour in drawn:
        path = directory / name
        if path.exists():
            _, (t_, u_, du_, c_, dc_) = read_table(path)
            capacity.plot(t_, c_, color=colour, lw=1.3, label=label)
            capacity.fill_between(t_, c_ - dc_, c_ + dc_, color=colour, alpha=0.25, lw=0)
            energy.plot(t_, u_, color=colour, lw=1.3)
            energy.fill_between(t_, u_ - du_, u_ + du_, color=colour, alpha=0.25, lw=0)
    _, (t_, u_, du_, c_, dc_) = read_table(directory / REPLICAS)
    capacity.errorbar(t_, c_, dc_, fmt="o", ms=3, lw=1, color="k", label="replicas")
    energy.errorbar(t_, u_, du_, fmt="o", ms=3, lw=1, color="k")
    capacity.set_ylabel("heat capacity / k")
    energy.set_ylabel("mean energy")
    energy.set_xlabel("temperature")
    if t[-1] / t[0] > 8:
        energy.set_xscale("log")
        energy.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0)))
        energy.xaxis.set_minor_locator(NullLocator())
        energy.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    shown = c[np.isfinite(c)]
    spread = shown.max() - shown.min() + 2.0 * np.nan_to_num(error).max()
    capacity.set_ylim(shown.min() - 0.1 * spread, shown.max() + 0.15 * spread)
    capacity.legend(fontsize="small")
    figure.savefig(directory / picture, dpi=150)
    plt.close(figure)
    return [f"heat capacity of {len(t_)} replicas from T={t_[0]:g} to T={t_[-1]:g}", f"drawn in {picture}"]
