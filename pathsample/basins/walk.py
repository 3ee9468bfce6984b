"""Monte Carlo in a basin under a harmonic spring to the minimum, at many strengths of the spring with exchange between them.

The walker with spring k samples exp(-k |y|^2 / 2) over the basin; k = 0 samples it evenly. Neighbouring strengths exchange
their walkers now and then, so that those with weak springs do not stay in one arm of the basin.
"""

from dataclasses import dataclass

import numpy as np

#: Fraction of steps that should be accepted.
ACCEPTANCE = 0.4
#: Points drawn to see whether the strongest spring keeps nearly all of them in the basin, and how many should be.
PROBES = 200
INSIDE = 0.9
#: Strengths of neighbouring springs overlap when they differ by this times sqrt(2/n), n dimensions.
SPACING = 1.4
LARGEST_RATIO = 4.0


@dataclass(frozen=True)
class Samples:
    """What the walkers measured.

    Attributes
    ----------
    springs : ndarray of shape (n_springs,)
        Growing, the first 0.
    half_squares : ndarray of shape (n_walkers, n_springs, n_samples)
        |y|^2 / 2 of each sample.
    inside : ndarray of shape (n_walkers,)
        Fraction of Gaussian points of the strongest spring that lie in the basin.
    """

    springs: np.ndarray
    half_squares: np.ndarray
    inside: np.ndarray


def ladder(basin, reach, rng):
    """Spring constants from 0 to one that keeps nearly every point in the basin.

    Parameters
    ----------
    basin : Basin
    reach : float
        Largest distance from the minimum there can be.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n_springs,)

    Raises
    ------
    ConvergenceError
        If even points very near the minimum do not belong to its basin.
    """
    from common.errors import ConvergenceError

    n = basin.n_dimensions
    weakest = 0.5 * n / reach**2
    strongest = weakest
    while _inside(basin, strongest, rng, PROBES // 4) < INSIDE:
        strongest *= 2.0
        if strongest > 1e12 * weakest:
            raise ConvergenceError("points next to the minimum are quenched elsewhere: it is not converged or not a minimum")
    ratio = min(1.0 + SPACING * np.sqrt(2.0 / n), LARGEST_RATIO)
    count = max(2, int(np.ceil(np.log(strongest / weakest) / np.log(ratio))) + 1)
    return np.concatenate([[0.0], np.geomspace(weakest, strongest, count)])


def _inside(basin, spring, rng, count):
    points = rng.normal(size=(count, basin.n_dimensions)) / np.sqrt(spring)
    return float(np.mean([basin.contains(y) for y in points]))


def sample(basin, springs, n_samples, n_walkers, rng, n_equilibration=None):
    """Walk in a basin.

    Parameters
    ----------
    basin : Basin
    springs : ndarray of shape (n_springs,)
    n_samples : int
        Steps of each walker that are recorded.
    n_walkers : int
        Independent sets of walkers, from which errors are estimated.
    rng : numpy.random.Generator
    n_equilibration : int, optional
        Steps before, in which the step lengths are adjusted; a third of ``n_samples`` by default.

    Returns
    -------
    Samples
    """
    n_equilibration = max(50, n_samples // 3) if n_equilibration is None else n_equilibration
    shape = (n_walkers, len(springs), n_samples)
    half_squares, inside = np.empty(shape), np.empty(n_walkers)
    lengths = None
    for walker in range(n_walkers):
        half_squares[walker], lengths = _walk(basin, springs, n_samples, n_equilibration, rng, lengths)
        inside[walker] = _inside(basin, springs[-1], rng, PROBES)
    return Samples(springs, half_squares, inside)


def _walk(basin, springs, n_samples, n_equilibration, rng, lengths):
    """One set of walkers, all from the minimum: |y|^2 / 2 after each step, and the step lengths."""
    n, m = basin.n_dimensions, len(springs)
    places, halves = np.zeros((m, n)), np.zeros(m)
    if lengths is None:
        lengths = 1.0 / np.sqrt(np.maximum(springs, springs[1]) * n)
    lengths = lengths.copy()
    recorded = np.empty((m, n_samples))
    for step in range(n_equilibration + n_samples):
        for j, spring in enumerate(springs):
            trial = places[j] + lengths[j] * rng.normal(size=n)
            half = 0.5 * float(trial @ trial)
            # the spring is cheap, the quench is not
            accepted = np.log(rng.random()) < spring * (halves[j] - half) and basin.contains(trial)
            if accepted:
                places[j], halves[j] = trial, half
            if step < n_equilibration:
                lengths[j] *= np.exp((accepted - ACCEPTANCE) * 2.0 / np.sqrt(1.0 + 0.2 * step))
        for j in range(step % 2, m - 1, 2):
            if np.log(rng.random()) < (springs[j + 1] - springs[j]) * (halves[j + 1] - halves[j]):
                places[[j, j + 1]], halves[[j, j + 1]] = places[[j + 1, j]], halves[[j + 1, j]]
        if step >= n_equilibration:
            recorded[:, step - n_equilibration] = halves
    return recorded, lengths
