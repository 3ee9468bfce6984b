"""Free energies f = -ln(volume) of a basin from walkers under springs.

Frenkel-Ladd: df/dk = <|y|^2>/2, integrated from the strongest spring, whose volume is that of a Gaussian, to none (Frenkel and
Ladd, J. Chem. Phys. 81, 3188 (1984)). MBAR: all samples together (Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008)).
"""

import numpy as np

MAX_NEWTON = 100
CONVERGED = 1e-10


def frenkel_ladd(springs, means):
    """f(0) - f(k_max) by integration.

    Parameters
    ----------
    springs : ndarray of shape (n_springs,)
        Growing, the first 0.
    means : ndarray of shape (n_springs,)
        Mean of |y|^2/2 under each spring.

    Returns
    -------
    float
    """
    from scipy.interpolate import PchipInterpolator

    # in ln(k + k_1) the integrand (k + k_1) <|y|^2>/2 is smooth and of order n/2
    offset = springs[1]
    s = np.log(springs + offset)
    return -float(PchipInterpolator(s, (springs + offset) * means).integrate(s[0], s[-1]))


def mbar(springs, half_squares):
    """Free energies of all springs relative to none.

    Parameters
    ----------
    springs : ndarray of shape (n_springs,)
    half_squares : ndarray of shape (n_springs, n_samples)
        |y|^2/2 of the samples of each spring.

    Returns
    -------
    ndarray of shape (n_springs,)
        f(k) - f(0).

    Raises
    ------
    ConvergenceError
        If neighbouring springs have no overlap.
    """
    from common.errors import ConvergenceError

    n_springs, n_samples = half_squares.shape
    x = half_squares.ravel()
    energies = springs[None, :] * x[:, None]
    means = half_squares.mean(axis=1)
    # the trapezoidal rule is a good first guess
    f = np.concatenate([[0.0], np.cumsum(0.5 * np.diff(springs) * (means[1:] + means[:-1]))])
    best, damping = np.inf, 1.0
    previous = f
    for _ in range(MAX_NEWTON):
        logits = f[None, :] - energies
        top = logits.max(axis=1, keepdims=True)
        weights = np.exp(logits - top)
        total = weights.sum(axis=1, keepdims=True)
        value = float((np.log(total) + top).sum() - n_samples * f.sum())
        if value > best + 1e-9 * abs(best):
            damping *= 0.5
            f = previous + 0.5 * (f - previous)
            continue
        weights /= total
        gradient = weights.sum(axis=0) - n_samples
        if np.abs(gradient).max() < CONVERGED * x.size:
            return f - f[0]
        hessian = np.diag(weights.sum(axis=0)) - weights.T @ weights
        step = np.zeros(n_springs)
        step[1:] = np.linalg.lstsq(hessian[1:, 1:], -gradient[1:], rcond=1e-14)[0]
        previous, best = f, value
        f = f + np.clip(step, -5.0, 5.0)
    raise ConvergenceError("the samples of neighbouring springs do not overlap; take more springs or samples")
