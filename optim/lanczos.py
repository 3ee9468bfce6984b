"""The lowest Hessian eigenpairs of large problems by the Lanczos method: products with vectors, never a matrix.

Paige, J. Inst. Math. Appl. 10, 373 (1972); Parlett, *The Symmetric Eigenvalue Problem*, chapter 13. Every new vector is made
orthogonal to all before it, which a few hundred of them allow.
"""

from dataclasses import dataclass

import numpy as np

from common.errors import ConvergenceError
from potentials.characterise import RELATIVE_ZERO, ZERO_CUTOFF

#: Most products of the Hessian with a vector; as many vectors are kept.
MAX_PRODUCTS = 1000
#: Products between two looks at the eigenvalues.
INTERVAL = 10
#: Residual of a wanted eigenpair, relative to its eigenvalue, that is good enough where that is negative, and positive.
NEGATIVE_RESIDUAL = 1e-3
POSITIVE_RESIDUAL = 0.05
#: Relative change between two looks below which an eigenvalue stays what it is. Before that a lower one may yet come up.
STEADY = 0.01


@dataclass(frozen=True, slots=True)
class LowestEigenpairs:
    """Lowest eigenpairs beyond the zero modes.

    Attributes
    ----------
    values : ndarray of shape (count,)
        Ascending.
    vectors : ndarray of shape (n_variables, count)
    residuals : ndarray of shape (count,)
        Norms of H v - value v, which bound the distance from an eigenvalue.
    cutoff : float
        Values of smaller size count as zero.
    products : int
    """

    values: np.ndarray
    vectors: np.ndarray
    residuals: np.ndarray
    cutoff: float
    products: int

    @property
    def index(self):
        """Number of negative eigenvalues among them."""
        return int(np.count_nonzero(self.values < -self.cutoff))


def lowest_eigenpairs(potential, x, count=2, guess=None, *, max_products=MAX_PRODUCTS):
    """The ``count`` lowest eigenpairs of the Hessian at x, at least as good as their signs need.

    Negative eigenvalues are converged to a thousandth. Of positive ones no more is asked than a residual of a twentieth and
    that they no longer change: what decides whether x is a minimum or a transition state.

    Parameters
    ----------
    potential : Potential
    x : ndarray of shape (n_variables,)
    count : int
    guess : ndarray of shape (n_variables,), optional
        Something like the lowest eigenvector.
    max_products : int

    Returns
    -------
    LowestEigenpairs

    Raises
    ------
    ConvergenceError
        If the signs are not settled after ``max_products`` products.
    """
    x = np.asarray(x, dtype=float).ravel()
    n = len(x)
    zero = potential.symmetry.zero_modes(x)
    count = min(count, n - len(zero))
    most = min(max_products, n - len(zero))
    rng = np.random.default_rng(0)
    basis = np.empty((min(most, 64), n))
    diagonal, off_diagonal, last = [], [], None
    v = rng.standard_normal(n)
    if guess is not None:
        # the random part is there for the other eigenvectors
        v = v / np.linalg.norm(v) + 3.0 * guess / np.linalg.norm(guess)
    v = _normalised(v, zero, basis[:0])
    for k in range(most):
        if k == len(basis):
            basis = np.concatenate([basis, np.empty((min(len(basis), most - k), n))])
        basis[k] = v
        w = potential.hessian_vector(x, v)
        diagonal.append(float(v @ w))
        w -= zero.T @ (zero @ w)
        for _ in range(2):
            w -= basis[: k + 1].T @ (basis[: k + 1] @ w)
        rest = float(np.linalg.norm(w))
        scale = max(map(abs, diagonal))
        exhausted = rest <= 1e-12 * max(scale, 1e-300) or k + 1 == most
        if exhausted or (k + 1 >= count and (k + 1) % INTERVAL == 0):
            found = _ritz(basis[: k + 1], diagonal, off_diagonal, rest, min(count, k + 1))
            if _settled(found, last) or (exhausted and k + 1 == n - len(zero)):
                return found
            last = found
        if rest <= 1e-12 * max(scale, 1e-300):
            # an invariant subspace: go on in another direction
            v, rest = _normalised(rng.standard_normal(n), zero, basis[: k + 1]), 0.0
        else:
            v = w / rest
        off_diagonal.append(rest)
    raise ConvergenceError(f"the signs of the lowest eigenvalues are not settled after {most} products with the Hessian")


def _normalised(v, zero, basis):
    for _ in range(2):
        v = v - zero.T @ (zero @ v)
        v = v - basis.T @ (basis @ v)
    return v / np.linalg.norm(v)


def _ritz(basis, diagonal, off_diagonal, rest, count):
    from scipy.linalg import eigh_tridiagonal

    values, vectors = eigh_tridiagonal(np.array(diagonal), np.array(off_diagonal))
    cutoff = max(ZERO_CUTOFF, RELATIVE_ZERO * float(np.abs(values).max()))
    chosen = vectors[:, :count]
    return LowestEigenpairs(values[:count], basis.T @ chosen, rest * np.abs(chosen[-1]), cutoff, len(diagonal))


def _settled(found, last):
    if last is None or len(last.values) != len(found.values):
        return False
    size = np.abs(found.values)
    nothing = size + found.residuals < found.cutoff
    limit = np.where(found.values > 0.0, POSITIVE_RESIDUAL, NEGATIVE_RESIDUAL) * size
    steady = np.abs(found.values - last.values) < STEADY * size
    return bool((nothing | ((found.residuals < limit) & steady)).all())
