"""The doubly nudged elastic band between two points (NEWNEB, DNEB): transition state candidates and their tangents."""

from dataclasses import dataclass

import numpy as np

from optim._dneb import Band, separate_atoms
from optim.requests import RelaxBand, on_processor

#: Atoms of an interpolated image are pushed apart to this fraction of the shortest distance in the end points.
CLASH_FRACTION = 0.8
#: A repeated attempt starts from a band bent by this fraction of its length.
BEND = 0.15


@dataclass(slots=True)
class BandResult:
    """An optimised band.

    Attributes
    ----------
    images : ndarray of shape (n_images + 2, n_variables)
        End points included.
    energies : ndarray of shape (n_images + 2,)
    maxima : list of int
        Images that are local maxima of the energy along the band.
    candidates : ndarray of shape (len(maxima), n_variables)
        Points to start transition state searches from: the maxima of a cubic through the neighbouring images.
    tangents : ndarray of shape (len(maxima), n_variables)
    rms, deviation, spring, length : float
        RMS force, mean deviation from equal spacing (per cent), final force constant, length of the band.
    iterations, calls : int
    converged : bool
    """

    images: np.ndarray
    energies: np.ndarray
    maxima: list
    candidates: np.ndarray
    tangents: np.ndarray
    rms: float
    deviation: float
    spring: float
    length: float
    iterations: int
    calls: int
    converged: bool


def interpolate(potential, start, finish, n_images, bend=None):
    """Equally spaced points on the straight line, shape (n_images, n_variables); atoms of clusters are kept apart.

    ``bend``, a numpy Generator, bends the line into a random direction: half a sine wave of ``BEND`` times the distance.
    """
    from potentials.symmetry import RigidCluster

    fractions = np.arange(1, n_images + 1)[:, None] / (n_images + 1)
    points = np.ascontiguousarray(start + fractions * (finish - start))
    if bend is not None:
        direction = bend.standard_normal(len(start))
        direction *= BEND * np.linalg.norm(finish - start) / np.linalg.norm(direction)
        points += np.sin(np.pi * fractions) * direction
    if isinstance(potential.symmetry, RigidCluster) and len(start) > 3:
        closest = min(_shortest_distance(start), _shortest_distance(finish))
        separate_atoms(points, CLASH_FRACTION * closest)
    return points


def _shortest_distance(x):
    r = x.reshape(-1, 3)
    first, second = np.triu_indices(len(r), 1)
    return float(np.sqrt(((r[first] - r[second]) ** 2).sum(axis=1).min()))


def local_maxima(energies, tolerance=0.0):
    """Indices of the interior local maxima of a profile; of a flat top the first."""
    e = np.asarray(energies)
    found = []
    for i in range(1, len(e) - 1):
        if e[i] > e[i - 1] + tolerance and e[i] >= e[i + 1]:
            found.append(i)
    return found


def run_dneb(potential, start, finish, n_images, settings, *, iterations=None, rms=None, images=None, bend=None):
    """Relax a band of images between two points.

    Parameters
    ----------
    potential : Potential
    start, finish : ndarray of shape (n_variables,)
        Aligned end points.
    n_images : int
        Moving images.
    settings : OptimSettings
    iterations : int, optional
        Most iterations; ``iteration_density * n_images`` by default.
    rms : float, optional
        Convergence; ``band_rms`` by default.
    images : ndarray of shape (n_images, n_variables), optional
        First guess; linear interpolation by default.
    bend : numpy.random.Generator, optional
        Bend the interpolation into a random direction (repeated attempts).

    Returns
    -------
    BandResult

    Notes
    -----
    Trygubenko and Wales, J. Chem. Phys. 120, 2082 (2004).
    """
    return on_processor(
        dneb_steps(potential, start, finish, n_images, settings, iterations=iterations, rms=rms, images=images, bend=bend)
    )


def dneb_steps(potential, start, finish, n_images, settings, *, iterations=None, rms=None, images=None, bend=None):
    """`run_dneb` as a coroutine (`optim.requests`)."""
    start = np.asarray(start, dtype=float).ravel()
    finish = np.asarray(finish, dtype=float).ravel()
    calls = potential.calls
    points = interpolate(potential, start, finish, n_images, bend) if images is None else np.asarray(images, dtype=float)
    if iterations is None:
        iterations = max(1, round(settings.iteration_density * n_images))
    band = Band(potential, start, finish, n_images, settings.spring, settings.doubly_nudged)
    goal = settings.band_rms if rms is None else rms
    out = yield from _relax_steps(band, potential, points, settings, iterations, goal, bend)
    if out["finite"]:
        maxima = local_maxima(out["energies"])
        tangents = band.tangents(maxima)
    else:
        maxima, tangents = [], np.empty((0, len(start)))
    return BandResult(
        images=out["images"],
        energies=out["energies"],
        maxima=maxima,
        candidates=out["images"][maxima],
        tangents=tangents,
        rms=out["rms"],
        deviation=out["deviation"],
        spring=out["spring"],
        length=out["length"],
        iterations=out["iterations"],
        calls=int(potential.calls - calls),
        converged=out["converged"],
    )


def _relax_steps(band, potential, points, settings, iterations, rms, rng):
    """Relax a band; with NEBRESEED images that got too high are put back on the line between their neighbours."""
    if not settings.reseed_every:
        return (yield RelaxBand(band, points, settings, iterations, rms, settings.band_relative_rms))
    rng = np.random.default_rng(0) if rng is None else rng
    done, relative = 0, settings.band_relative_rms
    while True:
        out = yield RelaxBand(band, points, settings, min(settings.reseed_every, iterations - done), rms, relative)
        done += out["iterations"]
        out["iterations"] = done
        e = out["energies"]
        # an image whose energy is not a number is too high as well
        high = ~(e[1:-1] <= min(settings.reseed_energy, max(e[0], e[-1]) + settings.reseed_rise))
        if done >= iterations or not (high.any() or (out["finite"] and not out["converged"])):
            return out
        points = reseed(potential, out["images"], high, rng)
        rms, relative = out["goal"] if np.isfinite(out["goal"]) else rms, np.inf


def reseed(potential, images, high, rng):
    """The moving images with the high ones replaced by a bent line between the neighbours that are not.

    Parameters
    ----------
    potential : Potential
    images : ndarray of shape (n_images + 2, n_variables)
        End points included.
    high : ndarray of bool, shape (n_images,)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n_images, n_variables)
    """
    points = np.array(images)
    i = 0
    while i < len(high):
        if not high[i]:
            i += 1
            continue
        j = i
        while j < len(high) and high[j]:
            j += 1
        # images i + 1 to j of the band lie between the good ones i and j + 1
        points[i + 1 : j + 1] = interpolate(potential, points[i], points[j + 1], j - i, rng)
        i = j
    return points[1:-1]
