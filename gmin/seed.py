"""Starting from a given core (SEED), and what frozen atoms (FREEZE) mean for the database."""

import numpy as np

#: Atoms closer than this to an atom of the core, in the unit of length of the potential, are moved outwards.
CLEARANCE = 0.9
#: Step outwards.
OUTWARDS = 0.05


def read_seed(settings, directory, n_atoms):
    """Coordinates of the file ``seed``, shape (k, 3), centred; a problem is collected in the settings.

    Raises
    ------
    InputError
        If the file has a line that is no x y z.
    """
    from common.formats import coordinates

    path = directory / "seed"
    if not n_atoms:
        settings.error("SEED", "the potential has no atoms")
        return None
    if not path.exists():
        settings.error("SEED", f"no file seed in {directory.resolve()}; it holds the core, one line x y z per atom")
        return None
    numbers = np.array(coordinates.read(path).coordinates, dtype=float)
    if numbers.size == 0 or numbers.size % 3 or numbers.size > 3 * n_atoms:
        settings.error("SEED", f"the file seed holds {numbers.size} numbers, expected three per atom for 1 to {n_atoms} atoms")
        return None
    atoms = numbers.reshape(-1, 3)
    return atoms - atoms.mean(axis=0)


def with_seed(x, core, unit=1.0):
    """A cluster around a core.

    Parameters
    ----------
    x : ndarray of shape (3 n,)
    core : ndarray of shape (k, 3)
        Centred. Its atoms come first in the result, in the place of the k atoms of x nearest to the centroid.
    unit : float
        Unit of length of the potential.

    Returns
    -------
    ndarray of shape (3 n,)
    """
    atoms = np.asarray(x, dtype=float).reshape(-1, 3)
    atoms = atoms - atoms.mean(axis=0)
    outer = atoms[np.argsort(np.linalg.norm(atoms, axis=1), kind="stable")[len(core) :]]
    placed = []
    for atom in outer:
        r = np.linalg.norm(atom)
        direction = atom / r if r > 0.0 else np.array([0.0, 0.0, 1.0])
        while (np.linalg.norm(core - atom, axis=1) < CLEARANCE * unit).any():
            atom = atom + OUTWARDS * unit * direction
        placed.append(atom)
    return np.concatenate([core, np.array(placed).reshape(-1, 3)]).ravel()


def database_with_frozen_atoms(potential, frozen, starts, n_walkers):
    """Why minima with these frozen variables cannot be told apart in a database, or an empty string."""
    from gmin.frozen import fixes_orientation
    from potentials.symmetry import RigidCluster

    if type(potential.symmetry) is not RigidCluster:
        return "only free clusters with frozen atoms can be stored in the database"
    atoms = np.array(sorted({k // 3 for k in frozen}))
    if len(starts) < n_walkers:
        return "with a random start the frozen atoms would be anywhere"
    positions = [x.reshape(-1, 3)[atoms] for x in starts]
    if any(np.abs(other - positions[0]).max() > 1e-9 for other in positions[1:]):
        return "the walkers have their frozen atoms in different places"
    if not fixes_orientation(positions[0]):
        return "frozen atoms that leave the cluster free to turn (fewer than three, or all on a line) cannot be stored"
    return ""
