"""Like atoms in a periodic orthorhombic box: translation, point operations of the box, permutation, nearest images."""

from itertools import permutations, product

import numpy as np

from potentials.symmetry._periodic import PeriodicCore
from potentials.symmetry.point_groups import schoenflies
from potentials.symmetry.rigid import POINT_GROUP_TOLERANCE
from potentials.symmetry.symmetry import Symmetry

#: Work allowed for structures that are no copies, in pairs of atoms looked at: to score starting translations, and to refine.
SCORING, REFINING = 2e7, 2e6
#: At least so many translations are refined.
LEAST_REFINED = 60
#: A copy this close is not improved any more.
ENOUGH = 1e-9


class PeriodicCluster(Symmetry):
    """Translation modulo the box, the point operations of the box, and permutation of like atoms.

    The point operations are the reflections of the axes and, between equal sides, their exchange: 8, 16 or 48 elements.

    Parameters
    ----------
    n_atoms : int
    box : sequence of three floats
        Sides.

    Raises
    ------
    ValueError
        If there is no atom or a side is not positive.

    Notes
    -----
    ``align`` places every atom of every orientation of x on the first atom of the reference (on all its atoms, in small
    systems); the translations with the least sum of squared distances to nearest atoms are refined by alternating assignment
    and mean displacement. One of them is exact for a copy, so copies are always recovered; for other structures the result is
    the best local optimum found, an upper bound to the distance. ``same`` is therefore certain for copies up to a small
    displacement; structures farther apart than about a tenth of the distance between atoms may be called different in spite of
    a larger tolerance.
    """

    n_zero = 3

    def __init__(self, n_atoms, box):
        self.n_atoms = int(n_atoms)
        if self.n_atoms < 1:
            raise ValueError("a system needs at least one atom")
        self.box = np.array(box, dtype=float)
        if self.box.shape != (3,) or not (self.box > 0).all():
            raise ValueError("a box has three positive sides")
        self.n_variables = 3 * self.n_atoms
        self.operations = _box_operations(self.box)
        self._core = PeriodicCore(self.n_atoms, self.box)

    def _input(self, x):
        a = np.asarray(x, dtype=float).reshape(-1)
        if a.shape[0] != self.n_variables:
            raise ValueError(f"{self.n_atoms} atoms: expected {self.n_variables} coordinates, got {a.shape[0]}")
        if not np.isfinite(a).all():
            raise ValueError("coordinates are not finite")
        return a.reshape(-1, 3)

    def _rows(self, x):
        """One array per axis."""
        return np.ascontiguousarray(self._input(x).T).ravel()

    def _copies(self, x):
        """All orientations of x, shape (operations, 3 n), one array per axis."""
        return np.ascontiguousarray(self.operations @ self._input(x).T).reshape(len(self.operations), -1)

    def _nearest(self, difference):
        return difference - self.box * np.round(difference / self.box)

    def zero_modes(self, x):
        """The three translations, shape (3, 3 n)."""
        return np.tile(np.eye(3), self.n_atoms) / np.sqrt(self.n_atoms)

    def align(self, x, reference):
        """Closest copy of x to the reference, with every atom at the image nearest to its partner.

        Returns
        -------
        aligned : ndarray of shape (3 n,)
        distance : float

        Raises
        ------
        ValueError
            If a shape is wrong or a coordinate is not finite.
        """
        copies, n = self._copies(x), self.n_atoms
        n_anchors = int(min(max(SCORING / (len(copies) * n**3), 1), n))
        n_refined = int(min(max(REFINING / n**3, LEAST_REFINED), len(copies) * n * n_anchors))
        _, copy, translation, permutation = self._core.search(copies, self._rows(reference), n_anchors, n_refined, ENOUGH**2)
        target = self._input(reference)
        turned = (self._input(x) @ self.operations[copy].T)[permutation] + translation
        aligned = target + self._nearest(turned - target)
        return aligned.ravel(), float(np.linalg.norm(aligned - target))

    def descriptor(self, x):
        """Sorted distances of nearest images over sqrt(n): Euclidean distances of these never exceed the aligned distances."""
        return self._core.pair_distances(self._rows(x))

    def lower_bounds(self, X, reference):
        """Lower bounds to the distances of the structures X, shape (B, 3 n), from the reference: shape (B,)."""
        target = self.descriptor(reference)
        return np.array([np.linalg.norm(self.descriptor(x) - target) for x in np.atleast_2d(X)])

    def same(self, x, reference, tolerance):
        """Whether the aligned distance is below the tolerance; most others are refused by ``descriptor``."""
        if np.linalg.norm(self.descriptor(x) - self.descriptor(reference)) >= tolerance:
            return False
        return self.align(x, reference)[1] < tolerance

    def _stabiliser(self, x, tolerance):
        return self._core.stabiliser(self._copies(x), self._rows(x), tolerance)

    def order(self, x, tolerance=POINT_GROUP_TOLERANCE):
        """Number of pairs of point operation and translation (modulo the box) that map the system to itself.

        192 for the four atoms of the fcc crystal in its cubic cell: 48 operations times 4 translations.
        """
        return max(len(self._stabiliser(x, tolerance)), 1)

    def point_group(self, x, tolerance=POINT_GROUP_TOLERANCE):
        """Schoenflies symbol of the crystal class: the point operations of ``order`` without their translations."""
        kept = sorted({copy for copy, _ in self._stabiliser(x, tolerance)})
        return schoenflies(self.operations[kept]) or "C1"

    def standard_frame(self, x):
        """x with every atom in the box from -side/2 to side/2."""
        return self._nearest(self._input(x)).ravel()

    def random_copy(self, x, rng):
        """x after a random point operation, translation and permutation, every atom at a random image."""
        x = self._input(x)[rng.permutation(self.n_atoms)]
        x = x @ self.operations[rng.integers(len(self.operations))].T + self.box * rng.random(3)
        return (x + self.box * rng.integers(-2, 3, x.shape)).ravel()

    def describe(self):
        """One line for the head of an output file."""
        sides = " x ".join(f"{side:g}" for side in self.box)
        return f"translation and {len(self.operations)} operations of the box {sides}, permutation (all atoms alike)"


def _box_operations(box):
    """Signed exchanges of equal axes, the identity first, shape (8, 16 or 48, 3, 3)."""
    matrices = []
    for order in permutations(range(3)):
        if all(box[order[axis]] == box[axis] for axis in range(3)):
            matrices += [np.eye(3)[list(order)] * np.array(signs)[:, None] for signs in product((1.0, -1.0), repeat=3)]
    return np.array(matrices)
