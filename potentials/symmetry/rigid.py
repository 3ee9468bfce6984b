"""Clusters of atoms: translation, rotation, inversion and permutation of like atoms."""

import numpy as np

from potentials.symmetry._rigid_modes import rigid_zero_modes
from potentials.symmetry._rigid_search import ClusterSearch
from potentials.symmetry.point_groups import schoenflies
from potentials.symmetry.symmetry import Symmetry

#: An atom farther than this from its image (in the unit of length, sigma) breaks a symmetry operation. The one place for it.
POINT_GROUP_TOLERANCE = 1e-3
#: The point-group tolerance is divided by ten until the operations found form a group, at most down to this.
LEAST_TOLERANCE = 1e-7
#: Up to this distance copies are found by superposing frames, which is exhaustive.
COPY_DISTANCE = 1e-2
#: A copy this close is not improved any more.
ENOUGH = 1e-9
#: Rotations of the grid per atom. With these numbers 60 pairs of the LJ38 path database and 290 pairs of quenched random and of
#: neighbouring structures of 13, 38, 55 and 75 atoms came out as from a search that refined several times as many orientations.
GRID_PER_ATOM = 50
LEAST_GRID, LARGEST_GRID = 600, 8000
#: Share of the grid that is scored by duals of the assignment, and share that is refined.
SCORED_SHARE, REFINED_SHARE = 0.3, 0.1
MOST_SCORED, MOST_REFINED = 1000, 300
#: Results of an alignment that are improved from slightly turned orientations.
IMPROVED = 12
#: A rotation with moment below this fraction of the largest is none: the atoms lie on a line.
LINEAR_TOLERANCE = 1e-6


class RigidCluster(Symmetry):
    """Translation, rotation, inversion and permutation of like atoms.

    Parameters
    ----------
    n_atoms : int
    groups : sequence, optional
        What may be permuted, as in ``perm.allow`` (``read_permutation_groups``): each entry is a list of atoms that are alike,
        or an array of shape (1 + s, p): the p atoms of the first row are alike, and the s atoms below each move with it.
        Atoms from 0. Atoms in no group keep their place. Default: all atoms are alike.
    inversion : bool
        Whether mirror images are the same structure (they are for every potential that depends on distances).
    random_orientations : int, optional
        Rotations of the grid from which structures that are no copies are aligned (default 50 per atom, between 600 and 8000).
    improved : int
        Results that are improved from slightly turned orientations: most of the time of an alignment with few orientations.

    Notes
    -----
    ``align`` is deterministic. True copies (aligned distance up to 0.01) are found exhaustively by superposing the frames of
    two atoms and the centroid. Otherwise an evenly spread grid of rotations and rotation-inversions is scored by nearest
    neighbours, the better ones by a lower bound of the assignment from feasible duals, the best of these by two assignments
    (Jonker and Volgenant 1987) with a rotation (Horn 1987) between them, after which the best start is among the first three as
    a rule; two dozen alternate assignment and rotation to the end, and the best dozen results are improved from slightly turned
    orientations. All that in single precision, but for the last refinement.
    The result is the best local optimum found: an upper bound to the true distance, which ``lower_bound`` bounds from below.
    """

    def __init__(self, n_atoms, groups=None, inversion=True, random_orientations=None, improved=IMPROVED):
        self.n_atoms = int(n_atoms)
        if self.n_atoms < 1:
            raise ValueError("a cluster needs at least one atom")
        self.n_variables = 3 * self.n_atoms
        self.n_zero = {1: 3, 2: 5}.get(self.n_atoms, 6)
        self.inversion = bool(inversion)
        if random_orientations is None:
            random_orientations = min(max(GRID_PER_ATOM * self.n_atoms, LEAST_GRID), LARGEST_GRID)
        self.random_orientations = int(random_orientations)
        if self.random_orientations < 1:
            raise ValueError("random_orientations must be positive")
        self.improved = int(improved)
        self._newest = None
        self.groups = self._classes(groups)
        self._sort = np.concatenate([group.ravel() for group in self.groups])
        self._core = ClusterSearch([g.shape[1] for g in self.groups], [g.shape[0] for g in self.groups])

    def _classes(self, groups):
        """Arrays (members, units) of atoms that cover every atom once."""
        if groups is None:
            return [np.arange(self.n_atoms).reshape(1, -1)]
        classes = [np.atleast_2d(np.asarray(group, dtype=np.intp)) for group in groups]
        classes = [group for group in classes if group.size]
        seen = np.zeros(self.n_atoms, dtype=int)
        for group in classes:
            if group.min() < 0 or group.max() >= self.n_atoms:
                raise ValueError(f"permutation groups name atoms outside 0 … {self.n_atoms - 1}")
            np.add.at(seen, group.ravel(), 1)
        if (seen > 1).any():
            raise ValueError(f"atom {int(np.argmax(seen > 1))} occurs in more than one permutation group")
        return classes + [np.array([[atom]]) for atom in np.flatnonzero(seen == 0)]

    def _input(self, x):
        a = np.asarray(x, dtype=float).reshape(-1)
        if a.shape[0] != 3 * self.n_atoms:
            raise ValueError(f"{self.n_atoms} atoms: expected {3 * self.n_atoms} coordinates, got {a.shape[0]}")
        if not np.isfinite(a).all():
            raise ValueError("coordinates are not finite")
        return a.reshape(-1, 3)

    def _centred(self, x):
        """(coordinates for the core, centroid)."""
        x = self._input(x)
        centre = x.mean(axis=0)
        return np.ascontiguousarray((x - centre)[self._sort].T).ravel(), centre

    def _place(self, x, centre, matrix, permutation, target):
        """The copy of x that a matrix and a permutation in the order of the core stand for."""
        aligned = np.empty((self.n_atoms, 3))
        aligned[self._sort] = x.reshape(3, -1).T[permutation] @ matrix.T + target
        return aligned.ravel()

    def zero_modes(self, x):
        """Translations and rotations about the centroid.

        Returns
        -------
        ndarray of shape (6, 3 n), (5, 3 n) where all atoms lie on a line, (3, 3) for one atom
            Orthonormal rows.
        """
        return rigid_zero_modes(np.ascontiguousarray(self._input(x)).ravel())

    def inertia(self, x):
        """Eigenvalues of the inertia tensor about the centroid with unit masses, ascending (columns 4–6 of min.data)."""
        x = self._input(x)
        x = x - x.mean(axis=0)
        return tuple(float(value) for value in np.linalg.eigvalsh(np.eye(3) * (x * x).sum() - x.T @ x))

    def align(self, x, reference):
        """Closest permutation-inversion isomer of x to the reference.

        Returns
        -------
        aligned : ndarray of shape (3 n,)
            Rotated, inverted where that is closer, permuted, and moved to the centroid of the reference.
        distance : float

        Raises
        ------
        ValueError
            If a shape is wrong or a coordinate is not finite.
        """
        xs, centre = self._centred(x)
        ys, target = self._centred(reference)
        if self.n_atoms == 1:
            return self._input(reference).ravel().copy(), 0.0
        found = None
        if self._shell_bound(xs, ys) <= COPY_DISTANCE:
            found = self._copy(xs, ys, COPY_DISTANCE)
        if found is None or found[0] > COPY_DISTANCE:
            start = np.eye(3).reshape(1, 9)
            n = self.random_orientations
            n_scored = min(max(int(SCORED_SHARE * n), 1), MOST_SCORED)
            n_refined = min(max(int(REFINED_SHARE * n), 1), MOST_REFINED)
            _, matrix, permutation = self._core.search(
                xs, ys, start, n, n_scored, n_refined, self.inversion, self.improved
            )
        else:
            matrix, permutation = found[2:]
        aligned = self._place(xs, centre, matrix, permutation, target)
        return aligned, float(np.linalg.norm(aligned - self._input(reference).ravel()))

    def _copy(self, xs, ys, tolerance):
        """(distance, displacement, matrix, permutation) of the closest copy with all atoms within the tolerance, or None."""
        found = self._core.copies(xs, ys, tolerance, self.inversion, False, tolerance > COPY_DISTANCE, ENOUGH)
        return found[0] if found else None

    def _shells(self, xs):
        """Distances of the atoms from the centroid, ascending within each row of a group."""
        radii = np.sqrt((xs.reshape(3, -1) ** 2).sum(axis=0))
        if len(self.groups) == 1 and self.groups[0].shape[0] == 1:
            return np.sort(radii)
        first, shells = 0, []
        for group in self.groups:
            for _ in range(group.shape[0]):
                shells.append(np.sort(radii[first : first + group.shape[1]]))
                first += group.shape[1]
        return np.concatenate(shells)

    def _shell_bound(self, xs, ys):
        """Lower bound from the distances of the atoms from the centroid."""
        return float(np.linalg.norm(self._shells(xs) - self._shells(ys)))

    def descriptors(self, x):
        """The vectors whose distances ``lower_bound`` compares, to be computed once for each of many structures."""
        xs, _ = self._centred(x)
        return self._shells(xs), np.linalg.svd(xs.reshape(3, -1), compute_uv=False), self._core.pair_distances(xs)

    def lower_bound(self, x, reference):
        """A rigorous lower bound to the aligned distance, much cheaper than the distance.

        The largest of three: differences of the sorted distances from the centroid; of the singular values of the centred
        coordinates (Mirsky's inequality); of the sorted pair distances over sqrt(n) (``descriptor``).
        """
        xs, _ = self._centred(x)
        ys, _ = self._centred(reference)
        return self._bound(xs, ys)

    def _bound(self, xs, ys):
        values = [np.linalg.svd(c.reshape(3, -1), compute_uv=False) for c in (xs, ys)]
        return max(
            self._shell_bound(xs, ys),
            float(np.linalg.norm(values[0] - values[1])),
            float(np.linalg.norm(self._core.pair_distances(xs) - self._core.pair_distances(ys))),
        )

    def descriptor(self, x):
        """Invariant vector of shape (n (n - 1) / 2,) whose Euclidean distances never exceed the aligned distances.

        Sorted pair distances over sqrt(n). For the nearest of many minima: rank by descriptors (one matrix product), then
        align in that order until the next lower bound exceeds the least distance found.
        """
        return self._core.pair_distances(self._centred(x)[0])

    def descriptors_of_many(self, X):
        """``descriptor`` of each of the structures X, shape (B, 3 n), centred all at once: shape (B, n (n - 1) / 2)."""
        X = np.asarray(X, dtype=float).reshape(-1, self.n_atoms, 3)
        if not np.isfinite(X).all():
            raise ValueError("coordinates are not finite")
        rows = (X - X.mean(axis=1, keepdims=True))[:, self._sort].transpose(0, 2, 1).reshape(len(X), -1)
        return np.array([self._core.pair_distances(x) for x in rows])

    def lower_bounds(self, X, reference):
        """Lower bounds to the distances of the structures X, shape (B, 3 n), from the reference, by descriptors: shape (B,)."""
        target = self.descriptor(reference)
        return np.array([np.linalg.norm(self.descriptor(x) - target) for x in np.atleast_2d(X)])

    def same(self, x, reference, tolerance):
        """Whether the aligned distance is below the tolerance.

        Decided without the search of ``align``: by ``lower_bound`` (rigorous), and by superposing the frames of two atoms at
        that tolerance. Up to a tolerance of 0.01 this is exhaustive; above, each frame is refined by assignment and rotation,
        which is reliable while the tolerance is small beside the distance between neighbouring atoms.
        """
        xs, _ = self._centred(x)
        ys, _ = self._centred(reference)
        if self.n_atoms == 1:
            return tolerance > 0.0
        if self._shell_bound(xs, ys) >= tolerance:
            return False
        # exact copies first: what is asked about has the right energy as a rule
        for step in (COPY_DISTANCE, tolerance):
            found = self._copy(xs, ys, min(step, tolerance))
            if found is not None and found[0] < tolerance:
                return True
            if tolerance <= COPY_DISTANCE or self._bound(xs, ys) >= tolerance:
                break
        return False

    def operations(self, x, tolerance=POINT_GROUP_TOLERANCE):
        """All orthogonal matrices that map a cluster (not a linear one) to itself, within the tolerance for each atom.

        Returns
        -------
        matrices : ndarray of shape (h, 3, 3)
        permutations : ndarray of shape (h, n)
            Under operation k atom ``permutations[k, i]`` comes to the place of atom i.
        """
        xs, _ = self._centred(x)
        found = self._core.copies(xs, xs, tolerance, self.inversion, True, False, 0.0)
        found = [entry for entry in found if entry[1] <= tolerance]
        matrices = np.array([entry[2] for entry in found]).reshape(-1, 3, 3)
        permutations = np.empty((len(found), self.n_atoms), dtype=np.intp)
        for k, entry in enumerate(found):
            permutations[k, self._sort] = self._sort[entry[3]]
        return matrices, permutations

    def is_linear(self, x):
        """Whether all atoms lie on one line."""
        if self.n_atoms == 2:
            return True
        x = self._input(x)
        x = x - x.mean(axis=0)
        values = np.linalg.eigvalsh(x.T @ x)
        return bool(values[1] <= LINEAR_TOLERANCE * values[2])

    def _group(self, x, tolerance):
        """(order, Schoenflies symbol); the newest answer is kept, for both are asked of the same structure in turn."""
        key = (np.asarray(x, dtype=float).tobytes(), tolerance)
        if self._newest is None or self._newest[0] != key:
            self._newest = (key, self._find_group(x, tolerance))
        return self._newest[1]

    def _find_group(self, x, tolerance):
        if self.n_atoms == 1:
            return 1, "Kh"
        if self.is_linear(x):
            xs, _ = self._centred(x)
            found = self._core.copies(xs, xs, tolerance, self.inversion, True, False, 0.0)
            return (2, "D∞h") if len(found) > 1 else (1, "C∞v")
        while tolerance >= LEAST_TOLERANCE:
            matrices, _ = self.operations(x, tolerance)
            symbol = schoenflies(matrices)
            if symbol is not None:
                return len(matrices), symbol
            tolerance *= 0.1
        return 1, "C1"

    def order(self, x, tolerance=POINT_GROUP_TOLERANCE):
        """Order of the point group, proper and improper operations: 120 for Ih, 48 for Oh, 12 for the triangle (D3h).

        The infinite groups of linear clusters count as in OPTIM: 2 for D∞h, 1 for C∞v; so does a single atom (1).
        Operations that form no group at the tolerance (an almost symmetric structure) are searched again at a tenth of it.
        """
        return self._group(x, tolerance)[0]

    def point_group(self, x, tolerance=POINT_GROUP_TOLERANCE):
        """Schoenflies symbol: C1, Cs, Ci, Cn, Cnv, Cnh, Dn, Dnh, Dnd, Sn, T, Td, Th, O, Oh, I, Ih, C∞v, D∞h; Kh (an atom)."""
        return self._group(x, tolerance)[1]

    def order_and_group(self, x, tolerance=POINT_GROUP_TOLERANCE):
        """`order` and `point_group` from one search."""
        return self._group(x, tolerance)

    def standard_frame(self, x):
        """x with its centroid at the origin."""
        x = self._input(x)
        return (x - x.mean(axis=0)).ravel()

    def random_copy(self, x, rng):
        """x after a random translation, rotation, inversion (where allowed) and permutation."""
        x = self._input(x)
        q, r = np.linalg.qr(rng.normal(size=(3, 3)))
        q = q * np.sign(np.diag(r))
        q = q * np.linalg.det(q)
        if self.inversion and rng.random() < 0.5:
            q = -q
        copy = np.empty_like(x)
        for group in self.groups:
            copy[group] = x[group[:, rng.permutation(group.shape[1])]]
        return (copy @ q.T + rng.normal(size=3)).ravel()

    def describe(self):
        """One line for the head of an output file."""
        alike = "all atoms alike" if self.groups[0].size == self.n_atoms else f"{len(self.groups)} permutation groups"
        return f"translation, rotation{', inversion' if self.inversion else ''}, permutation ({alike})"


def read_permutation_groups(path, n_atoms):
    """Groups of a ``perm.allow`` file, for ``RigidCluster(groups=…)``.

    The number of groups; per group a line ``p s`` and then p atom numbers (from 1) followed by s further sets of p atoms that
    are exchanged together with the first.

    Raises
    ------
    InputError
        With file and line.
    """
    from common.errors import InputError

    try:
        with open(path, encoding="utf-8") as file:
            numbers = [(int(word), line) for line, text in enumerate(file, 1) for word in text.split()]
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}") from error
    position = 0

    def take(what):
        nonlocal position
        if position >= len(numbers):
            raise InputError(f"{path}:{numbers[-1][1] if numbers else 1}: the file ends where {what} is expected")
        position += 1
        return numbers[position - 1]

    groups = []
    for k in range(take("the number of groups")[0]):
        size, line = take(f"the size of group {k + 1}")
        sets, _ = take(f"the number of further sets of group {k + 1}")
        if size < 1 or sets < 0:
            raise InputError(f"{path}:{line}: a group needs at least one atom and no negative number of sets")
        atoms = [take(f"an atom of group {k + 1}") for _ in range(size * (1 + sets))]
        for atom, where in atoms:
            if not 1 <= atom <= n_atoms:
                raise InputError(f"{path}:{where}: atom {atom} is not among 1 … {n_atoms}")
        groups.append(np.array([atom - 1 for atom, _ in atoms], dtype=np.intp).reshape(1 + sets, size))
    return groups
