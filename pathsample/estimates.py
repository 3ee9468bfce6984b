"""How much of a landscape was not found yet, from how often each stationary point was found.

Every search is a sample that finds some of the points; what matters are the numbers Q1 and Q2 of points that exactly one and
exactly two searches found. The number of points that no search found is estimated as (m - 1)/m Q1^2 / (2 Q2) for m searches
(Chao, Biometrics 43, 783 (1987); Colwell et al., J. Plant Ecology 5, 3 (2012), eqs 5-10, with the confidence limits of the
log-normal form), and the share of the discoveries still to come that fall on known points, the coverage, after Good and
Turing (Chao and Jost, Ecology 93, 2533 (2012), eq 4a). Points are not equally easy to find, which makes this a lower
bound; the end of a survey rests on the larger one of the limits of `pathsample.lognormal` and `pathsample.tail`, which take the
differences into account, and on there being no points that were found once only.
"""

import math
from dataclasses import asdict, dataclass

import numpy as np

from pathsample import lognormal, tail

#: Normal deviate of the two-sided 95 % interval.
DEVIATE = 1.959963984540054
#: Share of the searches that would find a point, where none was found and so nothing is known of how easy they are to find; and
#: the upper 97.5 % limit of a Poisson mean after no event.
RARE = 0.01
NO_EVENT = -math.log(0.025)


@dataclass(frozen=True)
class Estimate:
    """What is known of one kind of stationary points.

    Attributes
    ----------
    known : int
        Points in the database.
    never, once, twice : int
        Known points that no search, exactly one, and exactly two searches found.
    unseen : float
        Estimated number of points that are not in the database.
    lower, upper : float
        95 % confidence limits of ``unseen``.
    coverage : float
        Estimated share of the next discoveries that will be known points.
    expected, limit : float
        Number of points that are not in the database by a fit of their different rates of discovery, and its upper limit.
    """

    known: int
    never: int
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
    if known == 0 and searches > 0:
        # any point that a share RARE of the searches finds would have been found, or so many at most were missed
        limit = NO_EVENT / (RARE * searches)
        return Estimate(0, 0, 0, 0, 0.0 if limit < 1.0 else math.inf, 0.0, limit, 0.0, 0.0 if limit < 1.0 else math.inf, limit)
    if found == 0 or searches < 2:
        return Estimate(known, known, once, twice, math.inf, 0.0, math.inf, 0.0, math.inf, math.inf)
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
    fits = [fit.unseen_points(hits[hits > 0]) for fit in (lognormal, tail)]
    expected, limit = (max(values) for values in zip(*fits))
    unseen, lower, upper, expected, limit = (
        max(value - (known - found), 0.0) for value in (unseen, lower, upper, expected, limit)
    )
    return Estimate(known, known - found, once, twice, unseen, lower, upper, coverage, expected, limit)


def survey_estimates(database):
    """Estimates for the minima and the transition states of a database: from samples where any were made, or else from jobs.

    Returns
    -------
    dict
        ``searches``, the number of jobs, ``samples``, and an `Estimate` for each of ``minima`` and ``transition_states``.
    """
    searches, samples = database.searches_filed(), database.samples()
    kinds = ("minima", "transition_states")
    found = {kind: estimate(database.hits(kind, sampled=samples > 0), samples or searches) for kind in kinds}
    return {"searches": searches, "samples": samples} | found


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
        parts.append(
            f"{name}={e.known:8d} once={e.never + e.once:6d} unseen={e.expected:8.1f} limit={e.limit:8.1f} {chao} "
            f"coverage={e.coverage:7.4f}"
        )
    samples = f"{estimates['samples']:10d} samples  " if estimates["samples"] else ""
    return f"survey> {estimates['searches']:8d} searches  {samples}" + "  ".join(parts)


def below(estimates, bound):
    """Whether a survey has met its bound.

    The limits of the unseen minima and of the unseen transition states are both below it, and so are the numbers of points
    that were found once or, by the searches that count, never: each stands for others like it.
    """
    kinds = (estimates["minima"], estimates["transition_states"])
    return all(e.limit < bound and e.never + e.once < bound for e in kinds)
