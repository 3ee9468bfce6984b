"""Energies and forces from an ASE calculator."""

import copy

import numpy as np

from potentials.callable import CallablePotential
from potentials.symmetry import RigidCluster

#: Distance of nearest neighbours in the unit of length of Lennard-Jones clusters.
PAIR_MINIMUM = 2.0 ** (1.0 / 6.0)
#: Nearest neighbours in atoms without usable positions: the sum of two typical covalent radii, in Angstrom.
TYPICAL_BOND = 2.5


class AtomsPotential(CallablePotential):
    """Energy of an ASE ``Atoms`` object as a function of the positions, in the units of its calculator (eV, Angstrom).

    Atoms of one element are alike; the energy is taken to be invariant under translation, rotation, inversion and their
    permutation. The Hessian comes from central differences of the forces.

    Parameters
    ----------
    atoms : ase.Atoms
        With a calculator, without periodic boundaries. Its positions are the natural unit of length of random starts (the mean
        distance of nearest neighbours), no starting point.
    inversion : bool
        False for a calculator that tells mirror images apart.

    Raises
    ------
    ValueError
        If there is no calculator or a direction is periodic.

    Notes
    -----
    Larsen et al., J. Phys. Condens. Matter 29, 273002 (2017). Any object with the methods of ``Atoms`` that are used here
    will do; the package itself is not imported.
    """

    #: A calculator may take minutes.
    probe = False

    def __init__(self, atoms, inversion=True):
        if getattr(atoms, "calc", None) is None:
            raise ValueError("the atoms have no calculator; set atoms.calc")
        if np.any(getattr(atoms, "pbc", False)):
            raise ValueError("periodic atoms are not supported; set atoms.pbc = False")
        self._atoms, self._inversion = atoms, bool(inversion)
        numbers = np.asarray(atoms.numbers)
        n_atoms = len(numbers)
        self.numbers = numbers.copy()
        groups = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
        #: Distance of nearest neighbours over 2^(1/6), what sigma is for Lennard-Jones atoms.
        self.length_unit = _neighbour_distance(np.asarray(atoms.get_positions(), dtype=float)) / PAIR_MINIMUM
        name = f"{type(atoms.calc).__module__}.{type(atoms.calc).__qualname__}"
        super().__init__(
            self._evaluate,
            3 * n_atoms,
            symmetry=RigidCluster(n_atoms, groups=groups, inversion=inversion),
            name=name,
            step_scale=0.3 * self.length_unit,
            n_atoms=n_atoms,
        )

    def __new__(cls, atoms, inversion=True):
        """The Cython base takes the function and the number of variables at creation."""
        holder = _Evaluation(atoms)
        self = super().__new__(cls, holder, 3 * len(atoms.numbers))
        self._evaluate = holder
        return self

    def __reduce__(self):
        # copies must not share one Atoms object: threads would move each other's atoms
        return type(self), (copy_atoms(self._atoms), self._inversion), self._origin()

    def fingerprint(self):
        """Name, elements, and a digest of the module where it comes from a keyword."""
        return {**super().fingerprint(), "numbers": self.numbers.tolist()}

    def random_coordinates(self, rng):
        """A random cluster at the density of the atoms' own nearest-neighbour distance."""
        from potentials.lj import random_cluster

        return random_cluster(self.n_atoms, None, rng) * self.length_unit


class _Evaluation:
    """Energy and gradient of an Atoms object."""

    def __init__(self, atoms):
        self.atoms = atoms

    def __call__(self, x):
        self.atoms.set_positions(x.reshape(-1, 3))
        return self.atoms.get_potential_energy(), -np.asarray(self.atoms.get_forces())


def copy_atoms(atoms):
    """A copy with a calculator of its own."""
    twin = atoms.copy()
    twin.calc = copy.deepcopy(atoms.calc)
    return twin


def _neighbour_distance(positions):
    """Mean distance of each atom to its nearest one; a typical bond where the positions say nothing."""
    if len(positions) > 1:
        apart = np.linalg.norm(positions[:, None] - positions[None], axis=2)
        np.fill_diagonal(apart, np.inf)
        mean = float(apart.min(axis=1).mean())
        if np.isfinite(mean) and mean > 1e-3:
            return mean
    return TYPICAL_BOND
