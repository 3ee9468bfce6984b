"""The nonlinear regression landscape of Ballard et al 2017, section IV."""

import hashlib
import math
from pathlib import Path

import numpy as np

from common.errors import InputError
from potentials._regression import NonlinearRegressionCore
from potentials.symmetry.sines import SineProduct

#: Parameters behind the published targets, the standard deviation of their noise and their number.
PUBLISHED_PARAMETERS = (0.1, 2.13, 0.0, 1.34, 0.0)
PUBLISHED_NOISE = 0.02
PUBLISHED_POINTS = 100


class NonlinearRegression(NonlinearRegressionCore):
    """Sum of squared residuals of y(x; q) = exp(-q1 x) sin(q2 x + q3) sin(q4 x + q5).

    Parameters
    ----------
    x, t : array_like of shape (N,)
        Abscissae and targets.

    Raises
    ------
    ValueError
        If x and t are not of one length.
    """

    has_hessian = True
    step_scale = 0.5

    def __new__(cls, x, t):
        """Check the data; the Cython base takes them at creation."""
        x = np.ascontiguousarray(x, dtype=np.float64)
        t = np.ascontiguousarray(t, dtype=np.float64)
        if x.ndim != 1 or x.shape != t.shape or x.size == 0:
            raise ValueError(f"x and t must be of one length, got shapes {x.shape} and {t.shape}")
        self = NonlinearRegressionCore.__new__(cls, x, t)
        self.x, self.t = x, t
        self.symmetry = SineProduct()
        return self

    def __init__(self, x, t):
        pass

    @classmethod
    def from_seed(cls, seed, n_points=PUBLISHED_POINTS, noise=PUBLISHED_NOISE, parameters=PUBLISHED_PARAMETERS):
        """The published problem: x uniform in [0, 3 pi], targets with Gaussian noise."""
        rng = np.random.default_rng(seed)
        x = np.sort(rng.uniform(0.0, 3.0 * math.pi, n_points))
        q = parameters
        t = np.exp(-q[0] * x) * np.sin(q[1] * x + q[2]) * np.sin(q[3] * x + q[4]) + rng.normal(0.0, noise, n_points)
        return cls(x, t)

    def __reduce__(self):
        return type(self), (self.x, self.t)

    def fingerprint(self):
        """Number of points and a digest of the data."""
        digest = hashlib.sha256(self.x.tobytes() + self.t.tobytes()).hexdigest()[:16]
        return {"potential": "NonlinearRegression", "n_points": self.x.size, "data": digest}

    def random_coordinates(self, rng):
        """Decay and frequencies in the range that the spacing of the points can resolve, phases anywhere."""
        return np.array(
            [rng.uniform(0.0, 0.5), rng.uniform(0.0, 5.0), rng.uniform(-np.pi, np.pi), rng.uniform(0.0, 5.0),
             rng.uniform(-np.pi, np.pi)]
        )


def read_points(path):
    """Abscissae and targets from a file with two numbers per line; ``#`` begins a comment.

    Returns
    -------
    x, t : ndarray of shape (N,)

    Raises
    ------
    InputError
        Each problem with file and line.
    """
    from common.fortran_numbers import read_real

    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        reason = (error.strerror or "no such file").lower()
        raise InputError(f"{path}: cannot be read ({reason}); it holds the points x t") from None
    points, problems = [], []
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].replace(",", " ").split()
        if not words:
            continue
        try:
            values = [read_real(word) for word in words]
        except ValueError as problem:
            problems.append(f"{path}:{number}: {problem}")
            continue
        if len(values) != 2:
            problems.append(f"{path}:{number}: expected two numbers, x and t, found {len(values)}")
            continue
        points.append(values)
    if problems:
        raise InputError(problems[:10])
    if not points:
        raise InputError(f"{path}: holds no points")
    return tuple(np.array(points).T.copy())
