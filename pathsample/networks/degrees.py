"""Whether the degrees of a network follow a power law p(k) ~ k^-alpha for k >= k_min.

Exponent by maximum likelihood for integers, k_min where the Kolmogorov-Smirnov distance between data and fit is least, and a
likelihood ratio against an exponential tail (Clauset, Shalizi and Newman, SIAM Rev. 51, 661 (2009), sections 3 and 5;
Vuong, Econometrica 57, 307 (1989)).
"""

import math
from dataclasses import dataclass

import numpy as np

#: Fewer nodes than this in the tail are not fitted.
SMALLEST_TAIL = 10
#: Range of exponents that are tried.
EXPONENTS = (1.01, 10.0)


@dataclass(frozen=True)
class PowerLaw:
    """A fitted tail.

    Attributes
    ----------
    exponent, error : float
        alpha and its standard error, (alpha - 1) / sqrt(n).
    k_min : int
    n_tail : int
        Nodes with at least k_min neighbours.
    distance : float
        Kolmogorov-Smirnov distance of the tail from the fit.
    ratio : float
        Normalised logarithm of the likelihood ratio; positive: the power law fits better than an exponential tail.
    p_value : float
        Probability of a ratio so far from 0 by chance; above 0.1 the data cannot tell the two apart.
    """

    exponent: float
    error: float
    k_min: int
    n_tail: int
    distance: float
    ratio: float
    p_value: float


def fit_power_law(degrees):
    """Fit the tail of a degree distribution.

    Parameters
    ----------
    degrees : array_like of int

    Returns
    -------
    PowerLaw or None
        None where no tail of `SMALLEST_TAIL` nodes has two different degrees.
    """
    degrees = np.sort(np.asarray(degrees, dtype=np.int64))
    degrees = degrees[degrees > 0]
    best = None
    for k_min in np.unique(degrees)[:-1]:
        tail = degrees[degrees >= k_min]
        if len(tail) < SMALLEST_TAIL:
            break
        exponent, distance = _fit_tail(tail, int(k_min))
        if best is None or distance < best[1]:
            best = exponent, distance, int(k_min), tail
    if best is None:
        return None
    exponent, distance, k_min, tail = best
    ratio, p_value = _against_exponential(tail, k_min, exponent)
    return PowerLaw(exponent, (exponent - 1.0) / math.sqrt(len(tail)), k_min, len(tail), distance, ratio, p_value)


def _fit_tail(tail, k_min):
    from scipy.optimize import minimize_scalar
    from scipy.special import zeta

    mean_log = float(np.log(tail).mean())
    found = minimize_scalar(lambda a: math.log(zeta(a, k_min)) + a * mean_log, bounds=EXPONENTS, method="bounded")
    exponent = float(found.x)
    values, counts = np.unique(tail, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)]) / len(tail)
    norm = zeta(exponent, k_min)
    up_to = 1.0 - zeta(exponent, values + 1.0) / norm
    before = 1.0 - zeta(exponent, values.astype(float)) / norm
    return exponent, float(max(np.abs(below[1:] - up_to).max(), np.abs(below[:-1] - before).max()))


def _against_exponential(tail, k_min, exponent):
    from scipy.special import erfc, zeta

    power = -exponent * np.log(tail) - math.log(zeta(exponent, k_min))
    # the geometric distribution p(k) = (1 - q) q^(k - k_min) of greatest likelihood
    excess = float((tail - k_min).mean())
    q = excess / (1.0 + excess)
    difference = power - (math.log1p(-q) + (tail - k_min) * math.log(q))
    spread = float(difference.std())
    if spread == 0.0:
        return 0.0, 1.0
    ratio = float(difference.sum() / (spread * math.sqrt(len(tail))))
    return ratio, float(erfc(abs(ratio) / math.sqrt(2.0)))
