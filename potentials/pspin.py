"""Spherical p-spin spin glasses."""

import hashlib
import itertools
import math
import os

import numpy as np

from potentials._pspin import SphericalPSpinCore
from potentials.symmetry.sphere import Sphere

MAX_P = 16


class SphericalPSpin(SphericalPSpinCore):
    """Spherical p-spin glass, H = N^{-(p-1)/2} sum x_{i1..ip} w_{i1}..w_{ip} with sum w^2 = N (Ballard et al 2017, VII).

    The energy is extended to all w as H(sqrt(N) w/|w|): its gradient is tangent to the sphere, the radial direction is the one
    zero mode, and every search stays on the sphere without a constraint. The Hessian is the Riemannian one,
    P (H - (g.w)/N) P.

    Parameters
    ----------
    couplings : array_like of shape (N,)*p
        All couplings x; only their symmetric part matters.

    Raises
    ------
    ValueError
        If the couplings are not a hypercube with p >= 3.
    """

    has_hessian = True
    step_scale = 1.0

    def __new__(cls, couplings):
        """Pack the couplings; the Cython base takes them at creation."""
        x = np.asarray(couplings, dtype=np.float64)
        if not 3 <= x.ndim <= MAX_P or len(set(x.shape)) != 1 or x.shape[0] < 2:
            raise ValueError(f"couplings must have shape (N,)*p with N >= 2 and 3 <= p <= {MAX_P}, got {x.shape}")
        return cls._from_packed(x.shape[0], x.ndim, _pack(x) / x.shape[0] ** (0.5 * (x.ndim - 1)))

    def __init__(self, couplings):
        pass

    @classmethod
    def _from_packed(cls, n_spins, p, packed):
        packed = np.ascontiguousarray(packed, dtype=np.float64)
        self = SphericalPSpinCore.__new__(cls, n_spins, p, packed)
        self.n_spins, self.p = n_spins, p
        self.symmetry = Sphere(math.sqrt(n_spins), inversion=p % 2 == 0)
        return self

    @classmethod
    def from_seed(cls, n_spins, p, seed):
        """Standard normal couplings from a seed, drawn in their packed symmetric form.

        The sum over the m distinct orders of a set of indices is normal with variance m; drawing that sum needs
        N^p/p! instead of N^p numbers.
        """
        if not 3 <= p <= MAX_P or n_spins < 2:
            raise ValueError(f"n_spins must be at least 2 and p between 3 and {MAX_P}")
        rng = np.random.default_rng(seed)
        packed = rng.standard_normal(math.comb(n_spins + p - 1, p)) * np.sqrt(_multiplicities(n_spins, p))
        return cls._from_packed(n_spins, p, packed / n_spins ** (0.5 * (p - 1)))

    def __reduce__(self):
        return self._from_packed, (self.n_spins, self.p, self.packed)

    def fingerprint(self):
        """Sizes and a digest of the couplings."""
        return {
            "potential": "SphericalPSpin",
            "n_spins": self.n_spins,
            "p": self.p,
            "couplings": hashlib.sha256(self.packed.tobytes()).hexdigest()[:16],
        }

    def random_coordinates(self, rng):
        """A point uniform on the sphere."""
        w = rng.standard_normal(self.n_spins)
        return w * math.sqrt(self.n_spins) / np.linalg.norm(w)


def couplings_memory(n_spins, p):
    """Bytes that drawing the couplings takes at most: one number each, their indices, and the numbers of their orders."""
    return 8 * math.comb(n_spins + p - 1, p) * (p + 4)


def physical_memory():
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _sorted_indices(n, p):
    """All i_1 <= ... <= i_p in lexicographic order, shape (C(n+p-1, p), p)."""
    count = math.comb(n + p - 1, p)
    flat = itertools.chain.from_iterable(itertools.combinations_with_replacement(range(n), p))
    return np.fromiter(flat, dtype=np.intp, count=count * p).reshape(count, p)


def _multiplicities(n, p):
    """Number of distinct orders of each sorted set of indices."""
    indices = _sorted_indices(n, p)
    orders = np.full(len(indices), float(math.factorial(p)))
    run = np.ones(len(indices))
    for t in range(1, p):
        run = np.where(indices[:, t] == indices[:, t - 1], run + 1.0, 1.0)
        orders /= run
    return orders


def _pack(x):
    """Sums of the couplings over the distinct orders of each sorted set of indices, in lexicographic order."""
    n, p = x.shape[0], x.ndim
    indices = _sorted_indices(n, p)
    total = np.zeros(len(indices))
    for order in itertools.permutations(range(p)):
        total += x[tuple(indices[:, t] for t in order)]
    return total * _multiplicities(n, p) / math.factorial(p)
