"""Number of minima and entropies of a landscape from the basins that random points fall into.

Points drawn evenly in a region of volume V fall into basin i with probability p_i = v_i/V, so that <1/v> over them is the
reciprocal of the unbiased mean volume (Ballard et al 2017, eq 18, and Martiniani et al. 2016):

    Omega = V <1/v>,   S_B = ln Omega - ln N!,   S_G = -<ln(v/V)> - ln N!
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, logsumexp

#: Resamples for the errors.
BOOTSTRAP = 500


@dataclass(frozen=True)
class Entropies:
    """Estimates with standard errors.

    Attributes
    ----------
    omega, omega_error : float
        Number of minima in the region, copies counted one by one.
    boltzmann, boltzmann_error : float
        ln Omega - ln N!.
    gibbs, gibbs_error : float
        Shannon entropy of the probabilities, less ln N!.
    """

    omega: float
    omega_error: float
    boltzmann: float
    boltzmann_error: float
    gibbs: float
    gibbs_error: float


def entropies(log_volumes, log_errors, counts, log_total, rng, n_alike=1):
    """Estimates from the volumes of the minima that random points fell into.

    Parameters
    ----------
    log_volumes, log_errors : ndarray of shape (n_minima,)
        ln v of each minimum found, and its standard error.
    counts : ndarray of int of shape (n_minima,)
        Points that fell into it.
    log_total : float
        ln V.
    rng : numpy.random.Generator
        Resamples points and volumes for the errors.
    n_alike : int
        Alike particles N, whose exchange makes no new state.

    Returns
    -------
    Entropies
    """
    log_volumes, log_errors = np.asarray(log_volumes, dtype=float), np.asarray(log_errors, dtype=float)
    counts = np.asarray(counts)
    shares = counts / counts.sum()
    exchange = float(gammaln(n_alike + 1.0))

    def estimate(logs, weights):
        log_omega = log_total + float(logsumexp(-logs, b=weights))
        return log_omega, log_total - float(weights @ logs)

    log_omega, gibbs = estimate(log_volumes, shares)
    n, moved = counts.sum(), log_errors * rng.normal(size=(BOOTSTRAP, len(log_errors)))
    drawn = np.array([estimate(log_volumes + shift, rng.multinomial(n, shares) / n) for shift in moved])
    error_b, error_g = drawn.std(axis=0, ddof=1)
    omega = float(np.exp(log_omega))
    return Entropies(omega, omega * float(error_b), log_omega - exchange, float(error_b), gibbs - exchange, float(error_g))
