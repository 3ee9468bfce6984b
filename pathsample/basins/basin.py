"""Which points belong to the basin of attraction of a minimum: those from which a quench ends in it."""

from dataclasses import dataclass

import numpy as np

#: A quench has converged at this RMS gradient.
RMS = 1e-6
#: It has ended in the minimum when the energy and the place agree so well.
ENERGY_TOLERANCE = 1e-6
DISTANCE_TOLERANCE = 1e-2
MAX_ITERATIONS = 20_000


@dataclass(frozen=True)
class Box:
    """All points whose variables lie between two bounds.

    Attributes
    ----------
    low, high : float or ndarray of shape (n,)
    """

    low: object
    high: object

    def contains(self, x):
        """Whether x lies inside."""
        return bool(np.all(x >= self.low) and np.all(x <= self.high))

    def log_volume(self, n):
        """Logarithm of the volume in n dimensions."""
        return float(np.sum(np.log(np.broadcast_to(np.subtract(self.high, self.low), n))))

    def sample(self, rng, n):
        """A point drawn evenly."""
        return rng.uniform(np.broadcast_to(self.low, n), np.broadcast_to(self.high, n))


@dataclass(frozen=True)
class Ball:
    """All points within a distance of a centre, in the space orthogonal to the zero modes.

    Attributes
    ----------
    centre : ndarray of shape (n,)
    radius : float
    """

    centre: np.ndarray
    radius: float

    def contains(self, x):
        """Whether x lies inside."""
        return float(np.linalg.norm(x - self.centre)) <= self.radius

    def log_volume(self, n):
        """Logarithm of the volume in n dimensions."""
        from scipy.special import gammaln

        return 0.5 * n * np.log(np.pi) - float(gammaln(0.5 * n + 1.0)) + n * np.log(self.radius)


class Basin:
    """The basin of one minimum within a region.

    Zero modes at the minimum (overall translation and rotation of a cluster, free shifts of a network) are left out: points
    are displacements orthogonal to them, so that the volume is that of a slice through the basin. Copies of the minimum by
    exchange of atoms or nodes have basins of their own.

    Parameters
    ----------
    potential : Potential
    minimum : ndarray of shape (n,)
        Converged coordinates.
    region : Box or Ball
    descent : {"lbfgs", "steepest"}
        How points are quenched: by L-BFGS with short steps, or by true steepest descent, which needs a Hessian and takes
        longer.
    max_step : float, optional
        Longest step of L-BFGS; a fifth of the step scale of the potential by default.

    Attributes
    ----------
    n_dimensions : int
        Variables less zero modes.
    n_quenches : int
        Quenches so far.
    """

    def __init__(self, potential, minimum, region, descent="lbfgs", max_step=None):
        if descent not in ("lbfgs", "steepest"):
            raise ValueError(f"descent must be lbfgs or steepest, not {descent}")
        self.potential, self.region, self.descent = potential, region, descent
        self.minimum = np.array(minimum, dtype=float)
        self.energy = potential.energy(self.minimum)
        self.max_step = 0.2 * potential.step_scale if max_step is None else max_step
        self.basis = _complement(potential.symmetry.zero_modes(self.minimum), len(self.minimum))
        self.n_dimensions = self.basis.shape[1]
        self.n_quenches = 0
        self._rigid = _is_cluster(potential)
        self._settings = None

    def place(self, y):
        """Coordinates of the displacement y, shape (n_dimensions,)."""
        return self.minimum + self.basis @ y

    def contains(self, y):
        """Whether the displacement y lies in the region and a quench from there ends in the minimum."""
        x = self.place(y)
        return self.region.contains(x) and self.is_minimum(self.quench(x))

    def quench(self, x):
        """Where a quench from x ends; None when it did not converge."""
        self.n_quenches += 1
        if self.descent == "steepest":
            return self._descend(x)
        from common.lbfgs import minimise

        result = minimise(self.potential, x, rms=RMS, max_step=self.max_step, max_iterations=MAX_ITERATIONS)
        return result.coordinates if result.converged else None

    def _descend(self, x):
        from optim.path import METHODS
        from optim.settings import default_settings

        if self._settings is None:
            self._settings = default_settings(self.potential)
        energy = self.potential.energy(x)
        run = METHODS["rosenbrock"](self.potential, x, energy, x, self._settings, RMS, MAX_ITERATIONS)
        return run["coordinates"] if run["converged"] else None

    def is_minimum(self, x):
        """Whether a converged point is the minimum itself, and no copy of it by exchange of atoms or nodes."""
        if x is None or abs(self.potential.energy(x) - self.energy) > ENERGY_TOLERANCE * max(1.0, abs(self.energy)):
            return False
        if self._rigid:
            return _superposed(x, self.minimum) < DISTANCE_TOLERANCE
        return float(np.linalg.norm(self.basis.T @ (x - self.minimum))) < DISTANCE_TOLERANCE


def _is_cluster(potential):
    """Whether the variables are atoms in free space, so that copies by rotation are one minimum."""
    return "n_atoms" in potential.fingerprint() and potential.symmetry.n_zero in (5, 6)


def _complement(modes, n):
    """Orthonormal basis of what is orthogonal to some vectors, ndarray of shape (n, n - number of modes)."""
    modes = np.asarray(modes, dtype=float).reshape(-1, n)
    if not len(modes):
        return np.eye(n)
    return np.linalg.qr(modes.T, mode="complete")[0][:, len(modes) :]


def _superposed(x, y):
    """Distance of two labelled structures after the best translation and proper rotation (Kabsch)."""
    a, b = (np.asarray(z).reshape(-1, 3) for z in (x, y))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    u, s, vt = np.linalg.svd(a.T @ b)
    s[-1] *= np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0
    return float(np.sqrt(max((a**2).sum() + (b**2).sum() - 2.0 * s.sum(), 0.0)))
