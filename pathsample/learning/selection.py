"""Which minima are superposed (Niroomand et al. 2022, section 4 and appendix).

peaks   those that gain and lose most occupation at the peaks of the heat capacity, the highest peak first
best    the one of the highest AUC and those at the largest misclassification distance from it (MMDMB)
pairs   the largest sum of pairwise misclassification distances, by the relaxed quadratic programme of eq 9
greedy  one after the other, each time the one that raises the best attainable AUC on the training data most
random  without replacement

best, pairs and greedy look at minima of high AUC only (`promising`): a network that is wrong nearly everywhere differs most
from the best one, but no second network learns where to ask it.
"""

import numpy as np

#: Random starting points of the quadratic programme beside the uniform one.
STARTS = 8
#: Most iterations of one of them, and the change of y at which it has converged.
ITERATIONS, CONVERGED = 500, 1e-9
#: Temperatures searched for peaks, in units of the range of losses.
COLDEST, HOTTEST = 1e-4, 10.0
#: Minima listed on either side of a peak.
CONTRIBUTORS = 50
#: Minima that greedy looks at, those of the highest AUC and random other ones: the cost of one step is that of an AUC for each.
GREEDY_POOL = 400


def promising(auc, share, count):
    """The minima whose AUC exceeds one half by a share of what that of the best one does, but at least so many.

    Parameters
    ----------
    auc : ndarray of shape (n,)
    share : float
        0 admits all that are no worse than chance; below, see ``count``.
    count : int
        The best so many are taken in any case.

    Returns
    -------
    ndarray of int
        Ascending.
    """
    auc = np.asarray(auc, dtype=float)
    order = np.argsort(-auc, kind="stable")
    enough = int(np.count_nonzero(auc >= 0.5 + share * (auc.max() - 0.5)))
    return np.sort(order[: max(enough, count)])


def largest_from_best(distances, auc, count):
    """The minimum of the highest AUC, and those farthest from it: indices of shape (count,)."""
    best = int(np.argmax(auc))
    away = np.array(distances[best], dtype=float)
    away[best] = np.inf
    return np.argsort(-away, kind="stable")[:count]


def relaxed_programme(distances, count, seed=0, starts=STARTS):
    """Maximise y' D y under 0 <= y_i <= 1 and sum y = count (eq 9), and round: the largest elements of y become 1.

    D is not definite, so that the programme has local maxima; projected ascent runs from the uniform point and from random
    ones, and the best rounded result counts. Each is improved by exchanges of a chosen minimum for another one while that
    raises the sum.

    Parameters
    ----------
    distances : ndarray of shape (n, n)
        Symmetric, zero diagonal, not negative.
    count : int
        Number m' of minima to choose, at most n.
    seed : int

    Returns
    -------
    chosen : ndarray of int of shape (count,)
        Ascending.
    value : float
        Sum of the distances of the pairs chosen.
    bound : float
        y' D y / 2 of the relaxed solution.
    """
    d = np.asarray(distances)
    n = len(d)
    if count >= n:
        every = np.arange(n)
        return every, float(d.sum(dtype=float)) / 2.0, float(d.sum(dtype=float)) / 2.0
    rng = np.random.default_rng(seed)
    best = (None, -np.inf, -np.inf)
    for k in range(starts + 1):
        y = np.full(n, count / n) if k == 0 else project(rng.random(n), count)
        y, value = _ascend(d, y, count)
        chosen = _exchange(d, np.sort(np.argsort(-y, kind="stable")[:count]))
        total = float(d[np.ix_(chosen, chosen)].sum(dtype=float)) / 2.0
        best = (chosen if total > best[1] else best[0], max(total, best[1]), max(value, best[2]))
    return best


def _ascend(d, y, count):
    """Projected gradient ascent with a step that grows while it helps; returns y and y' D y / 2."""
    gradient = np.asarray(d @ y.astype(d.dtype), dtype=float)
    value, step = 0.5 * float(y @ gradient), 1.0 / max(float(gradient.max()), 1e-300)
    for _ in range(ITERATIONS):
        trial = project(y + step * gradient, count)
        there = np.asarray(d @ trial.astype(d.dtype), dtype=float)
        reached = 0.5 * float(trial @ there)
        if reached < value:
            step *= 0.5
            if step < 1e-12:
                break
            continue
        change = float(np.abs(trial - y).max())
        y, gradient, value = trial, there, reached
        step *= 1.5
        if change < CONVERGED:
            break
    return y, value


def _exchange(d, chosen):
    """Exchange one of the chosen for another while the sum of distances grows."""
    chosen = list(chosen)
    while True:
        gain = d[:, chosen].sum(axis=1, dtype=float)
        inside = np.zeros(len(d), dtype=bool)
        inside[chosen] = True
        # bringing j in for i changes the sum by gain_j - d_ij - gain_i
        change = gain[:, None] - d[:, chosen] - gain[chosen][None, :]
        change[inside] = -np.inf
        j, k = np.unravel_index(int(np.argmax(change)), change.shape)
        if change[j, k] <= 1e-9:
            return np.sort(np.array(chosen))
        chosen[k] = int(j)


def project(y, count):
    """The point nearest to y with 0 <= y_i <= 1 and sum count."""
    low, high = float(y.min()) - 1.0, float(y.max())
    for _ in range(100):
        shift = 0.5 * (low + high)
        if np.clip(y - shift, 0.0, 1.0).sum() > count:
            low = shift
        else:
            high = shift
        if high - low < 1e-14 * max(abs(high), 1.0):
            break
    return np.clip(y - high, 0.0, 1.0)


def at_peaks(energies, log_products, orders, kappa, count, peak=None):
    """Minima that move most occupation at the peaks of the heat capacity (section 4.3).

    Those that gain and those that lose take turns; without a number of a peak the peaks take turns too, the highest first.

    Parameters
    ----------
    energies, log_products, orders : ndarray of shape (n,)
    kappa : int or ndarray of shape (n,)
        Vibrational modes.
    count : int
    peak : int, optional
        Only the peak of this number, 1 for the highest.

    Returns
    -------
    chosen : ndarray of int, at most count
    peaks : list of (float, float)
        Temperature and heat capacity of the peaks, the highest first.
    """
    from pathsample.thermodynamics.heat_capacity import Superposition

    energies = np.asarray(energies, dtype=float)
    spread = float(np.ptp(energies))
    known = np.isfinite(log_products)
    if spread == 0.0 or known.sum() < 2:
        return np.empty(0, dtype=int), []
    ids = np.flatnonzero(known)
    kappa = np.broadcast_to(kappa, energies.shape)[known]
    model = Superposition(energies[known], np.asarray(log_products)[known], np.asarray(orders)[known], kappa)
    found = model.peaks(COLDEST * spread, HOTTEST * spread, contributors=CONTRIBUTORS)
    found.sort(key=lambda each: -each.heat_capacity)
    peaks = [(each.kt, each.heat_capacity) for each in found]
    if peak is not None:
        found = found[peak - 1 : peak]
    chosen = []
    for rank in range(CONTRIBUTORS):
        for each in found:
            for side in (each.gaining, each.losing):
                if rank < len(side) and ids[side[rank][0]] not in chosen:
                    chosen.append(int(ids[side[rank][0]]))
    return np.array(chosen[:count], dtype=int), peaks


def greedily(probabilities, classes, count, positive_class, auc, seed=0):
    """One after the other the minimum that raises the theoretical maximum AUC most.

    Parameters
    ----------
    probabilities : callable
        Gives p of shape (n_items, n_classes) at the minimum of an index.
    classes : ndarray of int of shape (n_items,)
    count : int
    positive_class : int
    auc : ndarray of shape (n,)
        AUC of the single minima; the search begins with the best.
    seed : int
        Of the choice among many minima.

    Returns
    -------
    ndarray of int of shape (count,)
        In the order in which they were chosen.
    """
    from pathsample.learning.auc import area_under_curve

    order = np.argsort(-np.asarray(auc), kind="stable")
    pool = order
    if len(order) > GREEDY_POOL:
        half = GREEDY_POOL // 2
        others = np.random.default_rng(seed).choice(order[half:], GREEDY_POOL - half, replace=False)
        pool = np.concatenate([order[:half], others])
    positive = classes == positive_class
    every = np.arange(len(classes))
    right, score = [], []
    for m in pool:
        p = probabilities(int(m))
        right.append(p[every, classes])
        score.append(p[:, positive_class])
    chosen, reached, shown = [0], right[0].copy(), score[0].copy()
    while len(chosen) < min(count, len(pool)):
        best = (-1.0, -1.0, None)
        for k in range(len(pool)):
            if k in chosen:
                continue
            better = right[k] > reached
            # among equal areas the one of the larger mean probability of the right class
            candidate = (
                area_under_curve(np.where(better, score[k], shown), positive),
                float(np.maximum(right[k], reached).mean()),
                k,
            )
            best = max(best, candidate, key=lambda each: each[:2])
        k = best[2]
        better = right[k] > reached
        shown, reached = np.where(better, score[k], shown), np.maximum(right[k], reached)
        chosen.append(k)
    return pool[chosen]
