"""Lennard-Jones clusters and periodic systems."""

from potentials._lj import CONTAINER_STIFFNESS, LennardJonesCore

__all__ = ["CONTAINER_STIFFNESS", "LennardJones", "random_cluster"]


class LennardJones(LennardJonesCore):
    r"""Identical Lennard-Jones atoms in units of epsilon and sigma: a cluster, or a periodic system.

    .. math:: V = 4 \sum_{i<j} (r_{ij}^{-12} - r_{ij}^{-6}) + k \sum_i \max(0, |r_i| - R)^2

    With a cutoff :math:`r_c` every pair closer than it has the energy of Stoddard and Ford, Phys. Rev. A 8, 1504 (1973),

    .. math:: 4 [r^{-12} - r^{-6} + (6 r_c^{-12} - 3 r_c^{-6}) (r/r_c)^2 - 7 r_c^{-12} + 4 r_c^{-6}],

    the others none: energy and gradient are continuous at the cutoff, the curvature is not. Classic keywords: RADIUS, CUTOFF,
    PERIODIC.

    Parameters
    ----------
    n_atoms : int
    radius : float, optional
        Radius R of a spherical container around the origin (keyword RADIUS), a smooth harmonic wall with
        k = ``CONTAINER_STIFFNESS``; none by default. A bound cluster that lies inside has the same energy, gradient and
        Hessian as without it.
    cutoff : float, optional
        None by default, in a box half its shortest side.
    box : float or sequence of three floats, optional
        Sides of a periodic box; every pair interacts through its nearest images.

    Raises
    ------
    ValueError
        If n_atoms, radius, cutoff or a side is not positive, the cutoff exceeds half the shortest side, or a box has a
        container.

    Notes
    -----
    All pairs are looked at; there are no neighbour lists, which pay for more than some thousand atoms.
    """

    has_hessian = True
    pairwise = True

    def __new__(cls, n_atoms, radius=None, cutoff=None, box=None, **options):
        """A single side stands for a cube; the Cython base takes three sides at creation."""
        return LennardJonesCore.__new__(cls, n_atoms, radius, cutoff, box_sides(box), **options)

    def __init__(self, n_atoms, radius=None, cutoff=None, box=None):
        from potentials.symmetry import PeriodicCluster, RigidCluster

        self.n_atoms = int(n_atoms)
        self.radius = None if radius is None else float(radius)
        self.box = box_sides(box)
        self.cutoff = float(cutoff) if cutoff is not None else None if self.box is None else 0.5 * min(self.box)
        self.symmetry = RigidCluster(self.n_atoms) if self.box is None else PeriodicCluster(self.n_atoms, self.box)

    def __reduce__(self):
        return type(self), (self.n_atoms, self.radius, self.cutoff, self.box)

    def random_coordinates(self, rng):
        """Atoms uniform in the box, in the container, or in a sphere with room for a cluster; shape (3 n_atoms,)."""
        if self.box is not None:
            return random_in_box(self.n_atoms, self.box, rng)
        return random_cluster(self.n_atoms, self.radius, rng)

    def fingerprint(self):
        """Number of atoms, cutoff and box. Not the container: a cluster inside is the same stationary point without it."""
        found = {**super().fingerprint(), "n_atoms": self.n_atoms}
        if self.cutoff is not None:
            found["cutoff"] = self.cutoff
        if self.box is not None:
            found["box"] = list(self.box)
        return found


def box_sides(box):
    """Three sides from a side, a sequence of three, or None."""
    if box is None:
        return None
    sides = (float(box),) * 3 if not hasattr(box, "__len__") else tuple(float(side) for side in box)
    if len(sides) != 3:
        raise ValueError(f"a box must have one side or three, not {len(sides)}")
    return sides


def random_in_box(n_atoms, box, rng):
    """Atoms uniform in a box centred at the origin, no two images closer than 0.5 sigma while there is room; (3 n_atoms,)."""
    import numpy as np

    sides = np.array(box)
    points = np.empty((0, 3))
    for _ in range(n_atoms):
        for _ in range(100):
            point = sides * rng.uniform(-0.5, 0.5, 3)
            apart = points - point
            apart -= sides * np.round(apart / sides)
            if (np.linalg.norm(apart, axis=1) > 0.5).all():
                break
        points = np.vstack([points, point])
    return points.ravel()


def random_cluster(n_atoms, radius, rng):
    """Atoms uniform in a sphere around the origin, no two closer than 0.5 sigma while there is room; shape (3 n_atoms,).

    Without a radius the sphere holds the cluster at the density of the fcc crystal plus a shell of half a bond.
    """
    import numpy as np

    if radius is None:
        # fcc crystal with nearest neighbours 2^(1/6): volume per atom 1; the radius below doubles it
        radius = (3.0 * 2.0 * n_atoms / (4.0 * np.pi)) ** (1.0 / 3.0) + 0.5
    points = np.empty((0, 3))
    for _ in range(n_atoms):
        for _ in range(100):
            point = rng.normal(size=3)
            point *= radius * rng.uniform() ** (1.0 / 3.0) / np.linalg.norm(point)
            if (np.linalg.norm(points - point, axis=1) > 0.5).all():
                break
        points = np.vstack([points, point])
    return points.ravel()
