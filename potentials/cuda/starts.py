"""Random starting points for many walkers at once."""

import numpy as np

from potentials.lj import LennardJones
from potentials.ljat import LennardJonesAxilrodTeller

#: As `potentials.lj.random_cluster` has them: atoms closer than this are placed anew, so many times at most.
CLOSEST = 0.5
TRIES = 100


def random_starts(potential, count, rng):
    """Points of the distribution of ``potential.random_coordinates``, shape (count, n_variables).

    Those of clusters are made atom by atom for all clusters together.
    """
    if type(potential) in (LennardJones, LennardJonesAxilrodTeller) and getattr(potential, "box", None) is None:
        return random_clusters(potential.n_atoms, potential.radius, count, rng)
    return np.array([potential.random_coordinates(rng) for _ in range(count)])


def random_clusters(n_atoms, radius, count, rng):
    """Atoms uniform in a sphere, no two closer than CLOSEST while there is room; shape (count, 3 n_atoms).

    Parameters
    ----------
    n_atoms : int
    radius : float or None
        None: a sphere with room for a cluster, as in `potentials.lj.random_cluster`.
    count : int
    rng : numpy.random.Generator
    """
    if radius is None:
        radius = (3.0 * 2.0 * n_atoms / (4.0 * np.pi)) ** (1.0 / 3.0) + 0.5
    points = np.empty((count, n_atoms, 3))
    for atom in range(n_atoms):
        left = np.arange(count)
        for _ in range(TRIES):
            new = rng.normal(size=(left.size, 3))
            new *= (radius * rng.uniform(size=left.size) ** (1.0 / 3.0) / np.linalg.norm(new, axis=1))[:, None]
            points[left, atom] = new
            apart = points[left, :atom] - new[:, None]
            left = left[(np.einsum("wac,wac->wa", apart, apart) <= CLOSEST**2).any(axis=1)]
            if not left.size:
                break
    return points.reshape(count, -1)
