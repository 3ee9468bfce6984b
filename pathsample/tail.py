"""Unseen points by the hits of those that are hardest to find.

A distribution that is fitted to the hits of all points, as in `pathsample.lognormal`, is fixed by the many that are found often
and may fall off too fast towards the rare ones. Here the number of searches that find a point is a Poisson variable whose mean
follows a gamma distribution (so that the hits follow a negative binomial one), fitted to the quarter of the points with the
fewest hits; of the others it is only used that they have more. The shape is at least 1: the density of the means does not
diverge towards zero. Where it does, no count of hits can tell that a survey is complete.
"""

import math

import numpy as np

from pathsample.lognormal import DROP

#: The part of the points that the distribution is fitted to, and the least number of them.
PART = 4
LEAST = 12
#: Values of the shape, and numbers of values of the two parameters.
SHAPES = (1.0, 40.0)
GRID = (40, 70)


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
        Upper 97.5 % limit, as `pathsample.lognormal.unseen_points`.
    """
    from scipy.special import betainc, gammaln

    hits = np.sort(np.asarray(hits, dtype=np.int64))
    found = len(hits)
    if found == 0:
        return math.inf, math.inf
    most = int(hits[max(-(-found // PART), min(found, LEAST)) - 1])
    few, counts = np.unique(hits[hits <= most], return_counts=True)
    means = np.geomspace(0.3 * most, 30.0 * max(hits.mean(), most), GRID[1])
    shape, mean = (axis.ravel() for axis in np.meshgrid(np.geomspace(*SHAPES, GRID[0]), means, indexing="ij"))
    nothing, something = np.log(shape / (shape + mean)), np.log(mean / (shape + mean))
    likelihood = np.zeros(len(shape))
    for k, count in zip(few.tolist(), counts.tolist()):
        likelihood += count * (gammaln(k + shape) - gammaln(shape) - math.lgamma(k + 1.0) + shape * nothing + k * something)
    more = found - int(counts.sum())
    if more:
        likelihood += more * np.log(np.maximum(betainc(most + 1.0, shape, mean / (shape + mean)), 1e-300))
    missed = np.minimum(np.exp(shape * nothing), 1.0 - 1e-12)
    likelihood -= found * np.log1p(-missed)
    ratio = missed / (1.0 - missed)
    worst = ratio[likelihood > likelihood.max() - DROP].max()
    best = ratio[int(np.argmax(likelihood))]
    return float(found * best), float(found * worst + 1.96 * math.sqrt(found * worst * (1.0 + worst)))
