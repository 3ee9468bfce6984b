"""Basin-hopping for the lowest minimum of a network's loss: random steps, quenches by L-BFGS, the Metropolis test.

The small sister of gmin for the networks that pathsample itself trains (Wales and Doye, J. Phys. Chem. A 101, 5111 (1997)).
"""

from dataclasses import dataclass

import numpy as np

from common import stop
from common.lbfgs import minimise

#: Quenches between two looks at the acceptance ratio, the ratio aimed at, and the factor of the step.
ADJUST_EVERY, WANTED_RATIO, FACTOR = 10, 0.5, 1.2
#: Convergence of the quenches on the way and of the lowest minimum at the end.
SLOPPY_RMS, TIGHT_RMS = 1e-5, 1e-8
#: Most iterations of either.
SLOPPY_ITERATIONS, TIGHT_ITERATIONS = 2000, 20000
#: Stored steps of the quenches; loss functions are soft.
HISTORY = 50


@dataclass(slots=True)
class Search:
    """Result of a search.

    Attributes
    ----------
    coordinates : ndarray of shape (n_variables,)
        Of the lowest minimum.
    energy, rms : float
    energies : ndarray of shape (steps + 1,)
        Of all quenches, in order.
    minima : list of ndarray
        End points of all quenches, where they were asked for.
    """

    coordinates: np.ndarray
    energy: float
    rms: float
    energies: np.ndarray
    minima: list


def basin_hopping(potential, steps, seed, step=2.0, temperature=0.1, keep=False):
    """Search for the lowest minimum.

    Parameters
    ----------
    potential : Potential
        Supplies ``random_coordinates(rng)``.
    steps : int
        Quenches after that of the random starting point.
    seed : int or numpy.random.SeedSequence
    step : float
        Largest change of a variable at first; it is adjusted to an acceptance ratio of one half.
    temperature : float
        Of the Metropolis test, in units of the loss.
    keep : bool
        Whether the end points of all quenches are returned.

    Returns
    -------
    Search
    """
    rng = np.random.default_rng(seed)
    state = _quench(potential, potential.random_coordinates(rng), SLOPPY_RMS, SLOPPY_ITERATIONS)
    lowest, energies, accepted = state, [state.energy], 0
    minima = [state.coordinates] if keep else []
    for k in range(1, steps + 1):
        stop.raise_if_requested()
        trial = state.coordinates + step * rng.uniform(-1.0, 1.0, potential.n_variables)
        found = _quench(potential, trial, SLOPPY_RMS, SLOPPY_ITERATIONS)
        energies.append(found.energy)
        if keep:
            minima.append(found.coordinates)
        if np.isfinite(found.energy) and rng.random() < np.exp(min((state.energy - found.energy) / temperature, 0.0)):
            state = found
            accepted += 1
        if found.energy < lowest.energy:
            lowest = found
        if k % ADJUST_EVERY == 0:
            step *= FACTOR if accepted > WANTED_RATIO * ADJUST_EVERY else 1.0 / FACTOR
            accepted = 0
    final = _quench(potential, lowest.coordinates, TIGHT_RMS, TIGHT_ITERATIONS)
    return Search(final.coordinates, float(final.energy), float(final.rms), np.array(energies), minima)


def _quench(potential, x, rms, iterations):
    return minimise(potential, x, history=HISTORY, rms=rms, max_iterations=iterations)
