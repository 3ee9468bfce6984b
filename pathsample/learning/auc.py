"""Area under the receiver operating characteristic curve, and the curve itself.

The curve plots the fraction of items of the positive class whose probability exceeds a threshold against the same fraction
of the other items, for all thresholds (Ballard et al 2017, eqs 6-7). The area is the probability that a random positive
item gets a higher probability than a random other item, equal ones counting one half, so that ranks give it without a
curve:

    AUC = (number of pairs with p_positive > p_other + half the number of pairs with equal ones) / (n_p n_n)
"""

import numpy as np


def area_under_curve(probabilities, positive):
    """AUC of a score for telling the positive items from the others.

    Parameters
    ----------
    probabilities : ndarray of shape (n_items,)
        Probability of the positive class.
    positive : ndarray of bool of shape (n_items,)
        Which items belong to it.

    Returns
    -------
    float
        Between 0 and 1; one half for a score that tells nothing.

    Raises
    ------
    ValueError
        If all items or none are positive: the area has no meaning then.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    positive = np.asarray(positive, dtype=bool)
    n_positive = int(positive.sum())
    n_other = len(positive) - n_positive
    if n_positive == 0 or n_other == 0:
        raise ValueError("the area under the curve needs items of the positive class and others")
    # values sort several times faster than their indices, and a sorted search among sorted values stays in the cache
    others = np.sort(probabilities[~positive])
    members = np.sort(probabilities[positive])
    pairs = int(np.searchsorted(others, members, "left").sum()) + int(np.searchsorted(others, members, "right").sum())
    return pairs / (2.0 * n_positive * n_other)


def roc_curve(probabilities, positive):
    """The receiver operating characteristic of a score.

    Parameters
    ----------
    probabilities : ndarray of shape (n_items,)
    positive : ndarray of bool of shape (n_items,)

    Returns
    -------
    false_positive, true_positive : ndarray of shape (n_thresholds + 1,)
        From (0, 0) to (1, 1), one point per distinct probability; the trapezium rule gives `area_under_curve`.

    Raises
    ------
    ValueError
        If all items or none are positive.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    positive = np.asarray(positive, dtype=bool)
    if positive.all() or not positive.any():
        raise ValueError("the curve needs items of the positive class and others")
    order = np.argsort(-probabilities, kind="stable")
    ordered, hits = probabilities[order], positive[order]
    last = np.flatnonzero(np.concatenate([ordered[1:] != ordered[:-1], [True]]))
    true = np.concatenate([[0], np.cumsum(hits)[last]]) / int(positive.sum())
    false = np.concatenate([[0], np.cumsum(~hits)[last]]) / int((~positive).sum())
    return false, true


def misclassification_name(name, kind="misclassification"):
    """Name of a property that goes with an AUC property: auc_test -> misclassification_test, accuracy_test, loss_test."""
    if name.lower().startswith("auc"):
        return kind + name[3:]
    return f"{kind}_{name}"
