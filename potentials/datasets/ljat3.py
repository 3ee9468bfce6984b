"""Outcomes of geometry optimisation of three atoms (Ballard et al. 2017, section III; Chitturi et al. 2020, section 4).

Three atoms are placed uniformly in a cube and quenched with the suite's L-BFGS on the Lennard-Jones plus Axilrod-Teller surface
with Z = 2, which has exactly four minima: an equilateral triangle (class 0) and a linear molecule with atom 1, 2 or 3 in the
centre (classes 1 to 3). The inputs are distances of the starting geometry. Published data sets: D1 side 2 sqrt(3), D2 side
1.385, D3 side 2 sqrt(2).
"""

from dataclasses import dataclass

import numpy as np

#: Strength of the triple term.
Z = 2.0
#: Bond lengths of the two kinds of minima, in sigma.
TRIANGLE_SIDE = 1.1687523
LINEAR_BOND = 1.1087629
#: Difference in a distance up to which a quenched geometry counts as one of them.
TOLERANCE = 1e-3
#: Convergence of the quenches on |g|/sqrt(n).
RMS = 1e-10
#: Longest step of a quench: small against the distances of the atoms, so that the path stays near the downhill path and the
#: class fractions near those of a step-limited minimiser (with steps of 0.2 and more the D1 triangles fall from 0.20 to 0.17).
MAX_STEP = 0.1
MAX_ITERATIONS = 5000
#: Geometries quenched between two looks at the outside world.
CHUNK = 1000
#: Steps before convergence that a stored sequence reaches back, as published (s = 1 ... 80).
STEPS = 80
#: An atom farther than this from both others (in sigma) has left the cluster; the attraction is below 0.001 there.
DISSOCIATED_DISTANCE = 5.0
#: Outcomes of quenches that are no item: the L-BFGS gave up; a stationary point that is no minimum; an atom left; and a minimum
#: besides the four, of which there is none.
NOT_CONVERGED, SADDLE, DISSOCIATED, OTHER_MINIMUM = -1, -2, -3, -4


@dataclass(slots=True)
class QuenchedData:
    """Data items with what was left out.

    Attributes
    ----------
    inputs : ndarray of shape (N, 2) or (N, 3)
        r12, r13 (and r23) of the starting geometries, in sigma.
    classes : ndarray of int of shape (N,)
    starts : ndarray of shape (N, 9)
    energies : ndarray of shape (N,)
        After the quench.
    left_out : dict of int to int
        Geometries redrawn, by outcome: ``NOT_CONVERGED``, ``SADDLE``, ``DISSOCIATED``, ``OTHER_MINIMUM``.
    sequences : ndarray of shape (N, steps + 1, 3) or None
        r12, r13, r23 at s = 0, 1, ... steps before the end; a shorter quench is padded with its start.
    steps : ndarray of int of shape (N,) or None
        Steps of every quench.
    """

    inputs: np.ndarray
    classes: np.ndarray
    starts: np.ndarray
    energies: np.ndarray
    left_out: dict
    sequences: np.ndarray | None = None
    steps: np.ndarray | None = None

    @property
    def not_converged(self):
        """Geometries redrawn because the quench did not converge."""
        return self.left_out[NOT_CONVERGED]

    @property
    def not_minima(self):
        """Geometries redrawn because the quench ended in a saddle or a dissociated cluster."""
        return sum(self.left_out.values()) - self.not_converged

    def fractions(self):
        """Fraction of every class, shape (4,)."""
        return np.bincount(self.classes, minlength=4) / max(len(self.classes), 1)

    def inputs_at(self, s, distances=2):
        """Inputs from the geometries s steps before convergence, shape (N, distances)."""
        return self.sequences[:, s, :distances].copy()

    def save(self, path):
        """Write sequences, steps, classes, starts and energies as a NumPy archive (``read_sequences`` reads it)."""
        from common.atomic import atomic_write

        with atomic_write(path, "wb") as file:
            np.savez(
                file,
                sequences=self.sequences,
                steps=self.steps,
                classes=self.classes,
                starts=self.starts,
                energies=self.energies,
                left_out=np.array(sorted(self.left_out.items())),
            )


def read_sequences(path):
    """Data written by ``QuenchedData.save``; its inputs are the distances r12, r13 of the starts.

    Raises
    ------
    InputError
        If the file cannot be read or is no such archive.
    """
    from zipfile import BadZipFile

    from common.errors import InputError

    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in ("sequences", "steps", "classes", "starts", "energies", "left_out")}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise InputError(f"{path}: not an archive of quench sequences ({error})") from None
    left_out = {int(outcome): int(number) for outcome, number in arrays.pop("left_out")}
    return QuenchedData(inputs=distances_of(arrays["starts"])[:, :2].copy(), left_out=left_out, **arrays)


def generate(side, n_items, seed, distances=2, steps=None, progress=None):
    """Draw, quench and classify until there are n_items.

    Parameters
    ----------
    side : float
        Side of the cube, in sigma.
    n_items : int
    seed : int
        The same seed gives the same items, and the first ones of a longer set are those of a shorter one.
    distances : {2, 3}
        Inputs r12, r13 or r12, r13, r23.
    steps : int, optional
        Keep the distances of the last steps of every quench as well, from s = 0 to this many steps before convergence.
    progress : callable, optional
        Called with the number of finished items after every chunk.

    Returns
    -------
    QuenchedData

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    from potentials.datasets._ljat3 import quench_and_classify
    from potentials.ljat import LennardJonesAxilrodTeller

    if not (np.isfinite(side) and side > 0):
        raise ValueError("the side of the cube must be positive")
    if n_items < 1:
        raise ValueError("at least one item is needed")
    if distances not in (2, 3):
        raise ValueError("the inputs are 2 or 3 distances")
    if steps is not None and steps < 0:
        raise ValueError("the steps before convergence must not be negative")
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    potential = LennardJonesAxilrodTeller(3, Z)
    parts = {name: [] for name in ("starts", "classes", "energies")}
    if steps is not None:
        parts["sequences"] = []
        parts["steps"] = []
    left_out = dict.fromkeys((NOT_CONVERGED, SADDLE, DISSOCIATED, OTHER_MINIMUM), 0)
    count = 0
    while count < n_items:
        chunk = {"starts": side * rng.random((CHUNK, 9)), "energies": np.empty(CHUNK)}
        if steps is not None:
            chunk["sequences"] = np.empty((CHUNK, steps + 1, 3))
            chunk["steps"] = np.empty(CHUNK, dtype=np.intp)
        ends = chunk["starts"].copy()
        outcomes = chunk["classes"] = np.empty(CHUNK, dtype=np.int8)
        quench_and_classify(
            potential, ends, chunk["energies"], outcomes, TRIANGLE_SIDE, LINEAR_BOND, TOLERANCE, RMS, MAX_STEP,
            MAX_ITERATIONS, chunk.get("sequences"), chunk.get("steps"),
        )  # fmt: skip
        _label_the_rest(potential, ends, outcomes)
        good = np.flatnonzero(outcomes >= 0)[: n_items - count]
        seen = outcomes[: CHUNK if count + good.size < n_items else good[-1] + 1]
        for outcome in left_out:
            left_out[outcome] += int((seen == outcome).sum())
        for name, values in parts.items():
            values.append(chunk[name][good])
        count += good.size
        if progress is not None:
            progress(count)
    arrays = {}
    for name in list(parts):
        # joined one by one: sequences of many items are large
        arrays[name] = np.concatenate(parts.pop(name))
    arrays["classes"] = arrays["classes"].astype(np.intp)
    inputs = distances_of(arrays["starts"])[:, :distances].copy()
    return QuenchedData(inputs=inputs, left_out=left_out, **arrays)


def _label_the_rest(potential, ends, outcomes):
    """Say of the quenches that ended in none of the four minima what they are: ``outcomes`` is changed in place."""
    rest = np.flatnonzero(outcomes < 0)
    distances = np.sort(distances_of(ends[rest]), axis=1)
    for k, (_, middle, _) in zip(rest, distances):
        # an atom is alone when both its distances are long, which makes two of the three long
        if middle > DISSOCIATED_DISTANCE:
            outcomes[k] = DISSOCIATED
        elif outcomes[k] != NOT_CONVERGED:
            eigenvalues = np.linalg.eigvalsh(potential.hessian(ends[k]))
            outcomes[k] = SADDLE if eigenvalues[0] < -1e-6 * eigenvalues[-1] else OTHER_MINIMUM


def distances_of(geometries):
    """r12, r13, r23 of geometries of shape (N, 9); shape (N, 3)."""
    atoms = np.asarray(geometries).reshape(-1, 3, 3)
    return np.stack([np.linalg.norm(atoms[:, i] - atoms[:, j], axis=1) for i, j in ((0, 1), (0, 2), (1, 2))], axis=1)
