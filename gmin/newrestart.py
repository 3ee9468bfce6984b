"""Leaving a funnel (NEWRESTART) and staying away from where the walker has been (AVOID, TABOO)."""

import numpy as np

from common.formats.fortran import f, g, i


def rotation_distances(x, references):
    """Distance from x to each reference after the best translation and rotation, atoms kept in their order.

    Kabsch, Acta Cryst. A 32, 922 (1976): with H = R^T X of centred coordinates and its singular values s,
    d^2 = |X|^2 + |R|^2 - 2 (s1 + s2 + sign(det H) s3).

    Parameters
    ----------
    x : ndarray of shape (n_variables,)
    references : ndarray of shape (k, n_variables)

    Returns
    -------
    ndarray of shape (k,)
    """
    a = np.asarray(x, dtype=float).reshape(-1, 3)
    a = a - a.mean(axis=0)
    b = np.asarray(references, dtype=float).reshape(len(references), -1, 3)
    b = b - b.mean(axis=1, keepdims=True)
    covariance = np.matmul(b.transpose(0, 2, 1), a)
    s = np.linalg.svd(covariance, compute_uv=False)
    handed = np.sign(np.linalg.det(covariance))
    overlap = s[:, 0] + s[:, 1] + np.where(handed < 0, -1.0, 1.0) * s[:, 2]
    d2 = (a * a).sum() + (b * b).sum(axis=(1, 2)) - 2.0 * overlap
    return np.sqrt(np.maximum(d2, 0.0))


#: Orientations per atom, and results improved, in the alignments of AVOID. For nine pairs of LJ75 structures they gave the same
#: answers at a distance of 4 as the defaults (50 and 12), in a seventh of the time; with fewer, distances come out too long.
ORIENTATIONS_PER_ATOM = 3
LEAST_ORIENTATIONS = 200
IMPROVED = 2


def for_avoiding(symmetry):
    """A symmetry whose alignments are quick rather than exhaustive, to tell whether structures are near each other."""
    from potentials.symmetry import RigidCluster

    if type(symmetry) is not RigidCluster:
        return symmetry
    n = symmetry.n_atoms
    return RigidCluster(n, symmetry.groups, symmetry.inversion, max(ORIENTATIONS_PER_ATOM * n, LEAST_ORIENTATIONS), IMPROVED)


class AvoidList:
    """Cyclic list of minima to stay away from.

    Parameters
    ----------
    distance : float
    length : int
    n_variables : int
    symmetry : Symmetry or None
        Distances are the shortest under it; None: over rotations of atoms in their order (or plain, without atoms).
    n_atoms : int
    """

    def __init__(self, distance, length, n_variables, symmetry, n_atoms):
        self.distance = distance
        self.length = length
        self.symmetry = symmetry
        self.n_atoms = n_atoms
        self.count = 0
        self.position = 0
        self.energies = np.zeros(length)
        self.coordinates = np.zeros((length, n_variables))

    def add(self, energy, x):
        """Put a minimum in the next place of the cycle; returns the 1-based place."""
        place = self.position
        self.energies[place] = energy
        self.coordinates[place] = x
        self.position = (place + 1) % self.length
        self.count = min(self.count + 1, self.length)
        return place + 1

    def first_too_close(self, x):
        """(1-based place, energy, distance) of the first minimum of the list within the distance, or None."""
        if self.count == 0:
            return None
        stored = self.coordinates[: self.count]
        if self.symmetry is not None:
            distances = (self.symmetry.align(x, y)[1] for y in stored)
        elif self.n_atoms:
            distances = rotation_distances(x, stored)
        else:
            distances = np.linalg.norm(stored - x, axis=1)
        for place, d in enumerate(distances):
            if d < self.distance:
                return place + 1, float(self.energies[place]), float(d)
        return None


def check_avoid_list(walker, avoid, reseed, report):
    """An improvement was found: reject it where it is too close to the list. Returns whether the walker is to be reseeded."""
    found = avoid.first_too_close(walker.last_quench)
    if found is None:
        return False
    _, energy = walker.pending
    place, other, distance = found
    report.line(
        f"newres> Minimum energy {g(energy, 20, 10)} is too close to saved structure {i(place, 6)} with energy "
        f"{g(other, 20, 10)} dist={f(distance, 10, 3)}"
    )
    if reseed:
        report.line(f"newres> Reseeding parallel run {i(report.number, 6)}")
    else:
        report.line("newres> Resetting energy to a large value due to taboo condition")
    walker.reject = True
    return reseed


class TabooList:
    """The lowest of the minima where the walker was stuck, known by energy and moments of inertia.

    Parameters
    ----------
    length : int
    energy_tolerance : float
        EDIFF.
    symmetry : Symmetry
        Its inertia tells minima of one energy apart.
    """

    #: Moments of inertia that agree within this, relative to their size, are equal.
    INERTIA_TOLERANCE = 0.01

    def __init__(self, length, energy_tolerance, symmetry):
        self.length = length
        self.energy_tolerance = energy_tolerance
        self.symmetry = symmetry
        self.entries = []

    @property
    def energies(self):
        """Energies on the list, lowest first."""
        return [energy for energy, _ in self.entries]

    def add(self, energy, x):
        """Put a minimum on the list; the highest beyond its length falls off."""
        if not self.holds(energy, x):
            self.entries.append((float(energy), tuple(float(v) for v in self.symmetry.inertia(x))))
            self.entries = sorted(self.entries)[: self.length]

    def holds(self, energy, x):
        """Whether a quench is one of the list."""
        near = [inertia for e, inertia in self.entries if abs(e - energy) < self.energy_tolerance]
        if not near:
            return False
        own = np.array(self.symmetry.inertia(x))
        return any((np.abs(np.array(inertia) - own) <= self.INERTIA_TOLERANCE * own).all() for inertia in near)


def check_taboo_list(walker, taboo, report):
    """The quench has the energy of a minimum on the list: reject it where its shape agrees. Returns whether to reseed."""
    quench, energy = walker.pending
    if not taboo.holds(energy, walker.last_quench):
        return False
    report.line(f"taboo> Energy {g(energy, 20, 10)} of step {i(quench, 8)} is on the taboo list")
    report.line(f"taboo> Reseeding parallel run {i(report.number, 6)}")
    walker.reject = True
    return True


def leave_stretch(walker, avoid, reseed, report):
    """No improvement for too long: remember the best of the stretch, reject the step. Returns whether to reseed.

    The next stretch is measured from the lower of the walker's energy and this quench, at this step.
    """
    quench, energy = walker.pending
    best = walker.best_energy_of_relaxation
    since = walker.best_quench_of_relaxation
    x = walker.relaxation_coordinates
    if avoid is not None:
        place = avoid.add(best, x)
        walker.avoid_active = True
        report.line(f"newres> Moving current best minimum to position {i(place, 6)} in the AVOID list E={g(best, 20, 10)}")
    report.line(f"newres> Energy has not improved since step {i(since, 8)}")
    report.line(f"newres> Parallel run {i(report.number, 6)} has the highest energy {f(best, 20, 10)}")
    if reseed:
        report.line(f"newres> Reseeding parallel run {i(report.number, 6)}")
    else:
        report.line("newres> Resetting energy to a large value to reject this step (not reseeding)")
    walker.reject = True
    if energy < walker.markov_energy:
        walker.set_relaxation(walker.last_quench, energy, quench)
    else:
        walker.set_relaxation(walker.coordinates, walker.markov_energy, quench)
    return reseed
