"""How strongly each atom is bound, for the order of atoms in lowest and the labels of monitor.xyz."""

import numpy as np


def lennard_jones_atom_energies(x):
    """Pair energy of each atom, sum over partners of 4 (r^-12 - r^-6): shape (n_atoms,)."""
    r = np.asarray(x, dtype=float).reshape(-1, 3)
    d2 = ((r[:, None] - r[None]) ** 2).sum(axis=2)
    np.fill_diagonal(d2, np.inf)
    s6 = d2**-3.0
    return (4.0 * s6 * (s6 - 1.0)).sum(axis=1)
