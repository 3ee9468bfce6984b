"""The volume of one basin, by Frenkel-Ladd integration and by MBAR, with errors from independent walkers."""

from dataclasses import dataclass

import numpy as np

from pathsample.basins.free_energy import frenkel_ladd, mbar
from pathsample.basins.walk import ladder, sample


@dataclass(frozen=True)
class Volume:
    """Logarithm of a basin volume.

    Attributes
    ----------
    log_volume, error : float
        By MBAR, with the standard error by leaving out one set of walkers at a time.
    log_volume_integrated, error_integrated : float
        By Frenkel-Ladd integration.
    n_dimensions, n_springs, n_quenches : int
    """

    log_volume: float
    error: float
    log_volume_integrated: float
    error_integrated: float
    n_dimensions: int
    n_springs: int
    n_quenches: int


def basin_volume(basin, reach, rng, n_samples=500, n_walkers=4):
    """Estimate the volume of a basin.

    Parameters
    ----------
    basin : Basin
    reach : float
        Largest distance from the minimum to a point of the region.
    rng : numpy.random.Generator
    n_samples : int
        Samples for each spring and set of walkers.
    n_walkers : int
        Independent sets, at least 2.

    Returns
    -------
    Volume
    """
    if n_walkers < 2:
        raise ValueError("errors need at least two sets of walkers")
    before = basin.n_quenches
    springs = ladder(basin, reach, rng)
    samples = sample(basin, springs, n_samples, n_walkers, rng)
    everyone = np.arange(n_walkers)
    integrated, both = _estimates(samples, everyone, basin.n_dimensions)
    left = np.array([_estimates(samples, np.delete(everyone, k), basin.n_dimensions) for k in everyone])
    spread = np.sqrt((n_walkers - 1) / n_walkers * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    return Volume(
        both, float(spread[1]), integrated, float(spread[0]), basin.n_dimensions, len(springs), basin.n_quenches - before
    )


def _estimates(samples, walkers, n):
    """Logarithms of the volume by integration and by MBAR, from some of the walkers."""
    halves = samples.half_squares[walkers].transpose(1, 0, 2).reshape(len(samples.springs), -1)
    # volume under the strongest spring: that of the Gaussian, less what lies outside
    reference = 0.5 * n * np.log(2.0 * np.pi / samples.springs[-1]) + np.log(samples.inside[walkers].mean())
    integrated = reference - frenkel_ladd(samples.springs, halves.mean(axis=1))
    return float(integrated), float(reference + mbar(samples.springs, halves)[-1])
