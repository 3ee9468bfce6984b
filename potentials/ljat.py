"""Lennard-Jones clusters with the Axilrod-Teller triple-dipole term."""

from potentials._ljat import LennardJonesAxilrodTellerCore
from potentials.lj import random_cluster


class LennardJonesAxilrodTeller(LennardJonesAxilrodTellerCore):
    r"""Cluster of identical atoms with Lennard-Jones and Axilrod-Teller terms, in units of epsilon and sigma.

    .. math:: V = 4 \sum_{i<j} (r_{ij}^{-12} - r_{ij}^{-6})
              + Z \sum_{i<j<k} \frac{1 + 3 \cos\theta_1 \cos\theta_2 \cos\theta_3}{(r_{ij} r_{ik} r_{jk})^3}

    Axilrod and Teller, J. Chem. Phys. 11, 299 (1943); the triatomic with Z = 2 is the system of Chitturi et al.
    (2020), section 4.
    Classic keyword: LJAT.

    Parameters
    ----------
    n_atoms : int
    z : float
        Strength Z of the triple term.
    radius : float, optional
        Radius of a spherical container around the origin, as in ``potentials.lj.LennardJones``.

    Raises
    ------
    ValueError
        If n_atoms or radius is not positive, or z is not finite.
    """

    has_hessian = True

    def __init__(self, n_atoms, z, radius=None):
        from potentials.symmetry import RigidCluster

        self.n_atoms = int(n_atoms)
        self.z = float(z)
        self.radius = None if radius is None else float(radius)
        self.symmetry = RigidCluster(self.n_atoms)

    def __reduce__(self):
        return type(self), (self.n_atoms, self.z, self.radius)

    def random_coordinates(self, rng):
        """Atoms uniform in a sphere, that of the container or one with room; shape (3 n_atoms,)."""
        return random_cluster(self.n_atoms, self.radius, rng)

    def fingerprint(self):
        """Number of atoms and Z; not the container, inside which it changes nothing."""
        return {**super().fingerprint(), "n_atoms": self.n_atoms, "z": self.z}
