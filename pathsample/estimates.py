"""How much of a landscape was not found yet, from how often each stationary point was found.

Every search is a sample that finds some of the points; what matters are the numbers Q1 and Q2 of points that exactly one and
exactly two searches found. The number of points that no search found is estimated as (m - 1)/m Q1^2 / (2 Q2) for m searches
(Chao, Biometrics 43, 783 (1987); Colwell et al., J. Plant Ecology 5, 3 (2012), eqs 5-10, with the confidence limits of the
log-normal form), and the share of the discoveries still to come that fall on known points, the coverage, after Good and
Turing (Chao and Jost, Ecology 93, 2533 (2012), eq 4a). Points are not equally easy to find, which makes this a lower
bound; the end of a survey rests on the limit of `pathsample.lognormal`, which takes the differences into account.
"""

import math
from dataclasses import asdict, dataclass

import numpy as np

from pathsample.lognormal import unseen_points

#: Normal deviate of the two-sided 95 % interval.
DEVIATE = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """What is known of one kind of stationary points.

    Attributes
    ----------
    known : int
        Points in the database.
    once, twice : int
        Points that exactly one, and exactly two, searches found.
    unseen : float
        Estimated number of points that are not in the database.
    lower, upper : float
        95 % confidence limits of ``unseen``.
    coverage : float
        Estimated share of the next discoveries that will be known points.
    expected, limit : float
        Number of points that are not in the database by a fit of the Poisson-lognormal distribution, and its upper limit.
    """

    known: int
    once: int
    twice: int
    unseen: float
    lower: float
    upper: float
    coverage: float
    expected: float
    limit: float


def estimate(hits, searches):
    """Estimate the number of unseen points.

    Points that no search found (they came from gmin or from files) are known all the same, and count towards those that the
    searches have not found.

    Parameters
    ----------
    hits : array_like of int
        For every known point the number of searches that found it.
    searches : int
        All searches, also those that found nothing.

    Returns
    -------
    Estimate
    """
    hits = np.asarray(hits, dtype=np.int64)
    known, found = len(hits), int(np.count_nonzero(hits))
    once, twice = (int(np.count_nonzero(hits == k)) for k in (1, 2))
    total = int(hits.sum())
    if found == 0 or searches < 2:
        return Estimate(known, once, twice, math.inf, 0.0, math.inf, 0.0, math.inf, math.inf)
    factor = (searches - 1) / searches
    if twice:
        ratio = once / twice
        unseen = factor * once * ratio / 2.0
        variance = twice * (factor * ratio**2 / 2.0 + factor**2 * ratio**3 + factor**2 * ratio**4 / 4.0)
    else:
        unseen = factor * once * max(once - 1, 0) / 2.0
        variance = unseen + factor**2 * once * (2 * once - 1) ** 2 / 4.0
        variance -= factor**2 * once**4 / (4.0 * (found + unseen))
    if unseen > 0.0:
        spread = math.exp(DEVIATE * math.sqrt(math.log1p(max(variance, 0.0) / unseen**2)))
        lower, upper = unseen / spread, unseen * spread
    else:
        # as EstimateS: the chance that a point is missed when discoveries fall on the points at random
        missed = min(math.exp(-total / found), 1.0 - 1e-12)
        upper = found * missed / (1.0 - missed) + DEVIATE * math.sqrt(found * missed) / (1.0 - missed)
        lower = 0.0
    if once:
        rest = (searches - 1) * once
        coverage = 1.0 - once / total * rest / (rest + 2.0 * max(twice, 1 if once > 1 else 0))
    else:
        coverage = 1.0
    expected, limit = unseen_points(hits[hits > 0])
    unseen, lower, upper, expected, limit = (
        max(value - (known - found), 0.0) for value in (unseen, lower, upper, expected, limit)
    )
    return Estimate(known, once, twice, unseen, lower, upper, coverage, expected, limit)


def survey_estimates(database):
    """Estimates for the minima and the transition states of a database.

    Returns
    -------
    dict
        ``searches``, and an `Estimate` for each of ``minima`` and ``transition_states``.
    """
    searches = database.searches_filed()
    return {"searches": searches} | {kind: estimate(database.hits(kind), searches) for kind in ("minima", "transition_states")}


def plain(estimates):
    """The estimates as plain values, for the database; an infinite limit becomes None."""

    def number(value):
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return {
        kind: {name: number(value) for name, value in asdict(estimates[kind]).items()}
        for kind in ("minima", "transition_states")
    }


def line(estimates):
    """The line that a survey prints after every cycle."""
    parts = []
    for kind, name in (("minima", "min"), ("transition_states", "ts")):
        e = estimates[kind]
        chao = f"Chao={e.unseen:8.1f} ({e.lower:.1f}-{e.upper:.1f})"
        parts.append(f"{name}={e.known:8d} unseen={e.expected:8.1f} limit={e.limit:8.1f} {chao} coverage={e.coverage:7.4f}")
    return f"survey> {estimates['searches']:8d} searches  " + "  ".join(parts)


def below(estimates, bound):
    """Whether the limits of the unseen minima and of the unseen transition states are both below a bound."""
    return all(estimates[kind].limit < bound for kind in ("minima", "transition_states"))
