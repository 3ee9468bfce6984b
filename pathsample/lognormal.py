"""Unseen points when some are much harder to find than others: the Poisson-lognormal distribution of hits.

The number of searches that find a point is taken as a Poisson variable whose mean is log-normally distributed over the points
(Bulmer, Biometrics 30, 101 (1974)). Its two parameters are fitted to the points that were found at least once; the share of
the points with no hit follows. Estimators that use points found once or twice alone (Chao) call a survey complete as soon as
there are none by chance, which happens long before the rare transition states are found.
"""

import math

import numpy as np

#: Hits up to which the Poisson distribution is folded in; above, a point's mean is taken as its hits.
MOST = 60
#: ln of the likelihood ratio at the limit of a one-sided 97.5 % profile interval: 1.96 ** 2 / 2.
DROP = 1.9207
#: Step of the integrals over ln(mean), and the narrowest distribution that it resolves: all points equally easy to find.
STEP = 0.06
NARROWEST = 0.07
#: Numbers of values of the two parameters.
GRID = (48, 36)


def unseen_points(hits):
    """Number of points without a hit, and its upper limit.

    Parameters
    ----------
    hits : array_like of int
        Of the points that were found, all at least 1.

    Returns
    -------
    unseen : float
        At the largest likelihood.
    limit : float
        Upper 97.5 % limit: largest value within the profile likelihood, and the chance beyond it.
    """
    hits = np.asarray(hits, dtype=np.int64)
    found = len(hits)
    if found == 0:
        return math.inf, math.inf
    logs = np.log(hits)
    middle, spread = logs.mean(), logs.std() + 0.5
    mu = np.linspace(middle - 3.0 * spread, middle + spread, GRID[0])
    sigma = np.geomspace(NARROWEST, 2.5 * spread, GRID[1])
    mu, sigma = (axis.ravel() for axis in np.meshgrid(mu, sigma, indexing="ij"))
    u = np.arange(min(mu.min() - 4.0 * sigma.max(), -8.0), max(math.log(MOST) + 2.0, mu.max() + 4.0 * sigma.max()), STEP)
    density = np.exp(-0.5 * ((u[:, None] - mu) / sigma) ** 2) / sigma
    density /= density.sum(axis=0)
    few, counts = np.unique(hits[hits <= MOST], return_counts=True)
    rate = np.exp(np.minimum(u, 50.0))
    log_factorial = np.array([math.lgamma(k + 1.0) for k in few])
    poisson = np.exp(few[:, None] * u - rate - log_factorial[:, None])
    with np.errstate(divide="ignore"):
        likelihood = counts @ np.log(poisson @ density) if len(few) else np.zeros(len(mu))
    many = logs[hits > MOST]
    likelihood = likelihood - many.size * np.log(sigma) - 0.5 * (((many[:, None] - mu) / sigma) ** 2).sum(axis=0)
    missed = np.minimum(np.exp(-rate) @ density, 1.0 - 1e-12)
    likelihood = likelihood - found * np.log1p(-missed)
    best = int(np.argmax(likelihood))
    ratio = missed / (1.0 - missed)
    inside = likelihood > likelihood[best] - DROP
    worst = ratio[inside].max()
    # the number of unseen points is negative binomial: found successes with the chance 1 - missed
    return float(found * ratio[best]), float(found * worst + 1.96 * math.sqrt(found * worst * (1.0 + worst)))
