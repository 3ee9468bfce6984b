"""The symmetry of a cluster some of whose atoms do not move, so that its minima can be stored like others."""

import numpy as np

from potentials.symmetry import RigidCluster
from potentials.symmetry.rigid import POINT_GROUP_TOLERANCE
from potentials.symmetry.symmetry import Symmetry


def fixes_orientation(positions):
    """Whether atoms at these positions, shape (k, 3), leave no rotation free: three that are not on a line."""
    centred = positions - positions.mean(axis=0)
    return len(positions) > 2 and np.linalg.svd(centred, compute_uv=False)[1] > 1e-6


class FrozenCluster(Symmetry):
    """Permutations of the free atoms, and the rotations and reflections that map the frozen ones to themselves.

    Parameters
    ----------
    n_atoms : int
    frozen : sequence of int
        Atoms, from 0.
    positions : ndarray of shape (len(frozen), 3)
        Where they are; not all on a line.

    Raises
    ------
    ValueError
        If the frozen atoms leave a rotation free.
    """

    def __init__(self, n_atoms, frozen, positions):
        positions = np.asarray(positions, dtype=float).reshape(len(frozen), 3)
        if not fixes_orientation(positions):
            raise ValueError("the frozen atoms must fix the orientation: at least three that are not on a line")
        self.n_atoms = int(n_atoms)
        self.frozen = np.asarray(frozen, dtype=np.intp)
        self.free = np.setdiff1d(np.arange(self.n_atoms), self.frozen)
        self.positions = positions
        self.centre = positions.mean(axis=0)
        self.n_zero = 3 * len(self.frozen)
        self.matrices, _ = RigidCluster(len(self.frozen)).operations(positions.ravel())

    def zero_modes(self, x):
        """The coordinates of the frozen atoms: unit vectors, shape (3 k, 3 n)."""
        modes = np.zeros((self.n_zero, 3 * self.n_atoms))
        modes[np.arange(self.n_zero), (3 * self.frozen[:, None] + np.arange(3)).ravel()] = 1.0
        return modes

    def _images(self, x):
        """The free atoms under each operation: shape (h, m, 3)."""
        free = np.asarray(x, dtype=float).reshape(-1, 3)[self.free] - self.centre
        return np.einsum("hij,mj->hmi", self.matrices, free) + self.centre

    def align(self, x, reference):
        """Closest copy of x to the reference: (coordinates, distance)."""
        from scipy.optimize import linear_sum_assignment

        target = np.asarray(reference, dtype=float).reshape(-1, 3)
        best, distance = None, np.inf
        for image in self._images(x):
            cost = ((image[:, None] - target[self.free][None]) ** 2).sum(axis=2)
            rows, columns = linear_sum_assignment(cost)
            d = float(np.sqrt(cost[rows, columns].sum()))
            if d < distance:
                best = np.empty_like(image)
                best[columns] = image[rows]
                distance = d
        aligned = target.copy()
        aligned[self.frozen] = self.positions
        aligned[self.free] = best
        return aligned.ravel(), distance

    def order(self, x):
        """Number of operations on the frozen atoms that map the free ones to themselves too."""
        from scipy.optimize import linear_sum_assignment

        free = np.asarray(x, dtype=float).reshape(-1, 3)[self.free]
        count = 0
        for image in self._images(x):
            d = np.linalg.norm(image[:, None] - free[None], axis=2)
            count += d[linear_sum_assignment(d)].max(initial=0.0) < POINT_GROUP_TOLERANCE
        return int(count)

    def inertia(self, x):
        """Eigenvalues of the inertia tensor about the centroid with unit masses, ascending."""
        return RigidCluster(self.n_atoms).inertia(x)

    def random_copy(self, x, rng):
        """x under a random operation and a random permutation of the free atoms."""
        copy = np.array(x, dtype=float).reshape(-1, 3)
        copy[self.free] = rng.permutation(self._images(x)[rng.integers(len(self.matrices))])
        return copy.ravel()

    def describe(self):
        """One line for the head of an output file."""
        return f"{len(self.frozen)} frozen atoms with {len(self.matrices)} operations, permutation of the free atoms"
