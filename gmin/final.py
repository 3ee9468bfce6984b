"""The end of a run: the saved minima are quenched tightly, sorted anew and written to ``lowest``."""

import numpy as np

from common.formats import lowest
from common.lbfgs import minimise
from gmin._functions import FrozenFunction
from gmin.output import final_quench_line, lowest_minimum_line
from gmin.pair_energies import lennard_jones_atom_energies

#: L-BFGS below this RMS gradient only shuffles rounding errors; Newton steps go further in a few evaluations.
NEWTON_BELOW = 1e-8


def final_quenches(job, potential, entries, seconds, report):
    """Quench the saved minima with TIGHTCONV.

    Parameters
    ----------
    job : gmin.job.Job
    potential : Potential
    entries : list of (energy, coordinates, quench, calls)
    seconds : callable
        CPU seconds of the run so far.
    report : Report

    Returns
    -------
    list of common.formats.lowest.SavedMinimum
        Lowest first.
    """
    report.line("Tightly converging the SAVE lowest energy minima found")
    report.line("NOTE: these may NOT match the other output files - see below for a sorted list of Lowest minima")
    minima = []
    for number, (_, x, quench, calls) in enumerate(entries, start=1):
        result = tight_quench(potential, x, job.tight, job.walkers[0].frozen)
        report.line(final_quench_line(number, result.energy, result.iterations, result.rms, seconds()))
        if not result.converged:
            report.line(f"WARNING - final quench {number} did not converge: {result.message}")
        minima.append(lowest.SavedMinimum(result.energy, result.coordinates, quench, calls))
    minima.sort(key=lambda minimum: minimum.energy)
    report.line("After re-sorting, the lowest found minima are (lowest free energy subtracted if applicable):")
    report.lines(lowest_minimum_line(k, minimum.energy) for k, minimum in enumerate(minima, start=1))
    return minima


def tight_quench(potential, x, tight, frozen=()):
    """L-BFGS to the tight criterion; what it cannot reach is left to Newton steps, unless variables are frozen.

    Returns
    -------
    Result
    """
    result = minimise(
        FrozenFunction(potential, frozen) if frozen else potential,
        x,
        history=tight.history,
        rms=tight.rms if frozen else max(tight.rms, NEWTON_BELOW),
        max_iterations=tight.max_iterations,
        max_step=tight.max_step,
        max_rise=tight.max_rise,
        diagonal=tight.diagonal,
        floor=tight.floor,
    )
    if result.rms <= tight.rms or not np.isfinite(result.energy) or frozen:
        return result
    from potentials.characterise import newton_minimise

    y, energy, rms, _ = newton_minimise(potential, result.coordinates)
    if np.isfinite(energy) and rms < result.rms:
        result.coordinates, result.energy, result.rms = y, energy, rms
        result.converged = rms <= tight.rms
        if result.converged:
            result.status, result.message = 0, "converged"
        else:
            result.message = "Newton steps reached the rounding error of the gradient"
    return result


def write_lowest(job, minima, path):
    """Write ``lowest``, the atoms of each minimum from the most weakly to the most strongly bound with SORT."""
    if job.sort and job.pair_energies:
        minima = [
            lowest.SavedMinimum(m.energy, _by_pair_energy(m.coordinates), m.step, m.calls, m.labels) for m in minima
        ]
    if job.n_atoms:
        lowest.write(path, minima, label="SI", per_line=3)
    else:
        lowest.write(path, minima, label="", per_line=1)


def _by_pair_energy(x):
    order = np.argsort(-lennard_jones_atom_energies(x), kind="stable")
    return x.reshape(-1, 3)[order].ravel()
