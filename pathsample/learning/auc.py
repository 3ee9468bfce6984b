"""Area under the receiver operating characteristic curve and misclassification rate of the networks at the minima.

The curve plots the fraction of items of the positive class whose probability exceeds a threshold against the same fraction
of the other items, for all thresholds (Ballard et al 2017, eqs 6-7). The area is the probability that a random positive
item gets a higher probability than a random other item, equal ones counting one half, so that ranks give it without a
curve:

    AUC = (sum of ranks of the positive items - n_p (n_p + 1) / 2) / (n_p n_n)
"""

import numpy as np

from common.errors import InputError


def _average_ranks(values):
    """Ranks from 1 of the values of shape (n,), the mean rank for equal ones."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    counts = np.diff(np.concatenate([starts, [len(values)]]))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (counts + 1) / 2.0, counts)
    return ranks


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
    rank_sum = float(_average_ranks(probabilities)[positive].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2.0) / (n_positive * n_other)


def misclassification_rate(probabilities, classes):
    """Fraction of items whose most probable class is not theirs.

    Parameters
    ----------
    probabilities : ndarray of shape (n_items, n_classes)
    classes : ndarray of int of shape (n_items,)
        Counted from 0.
    """
    return float(np.mean(np.argmax(probabilities, axis=1) != np.asarray(classes)))


def classify(network, coordinates, inputs, classes, positive_class=0):
    """AUC and misclassification rate of the network at each of many minima.

    Parameters
    ----------
    network : MultilayerPerceptron
        Supplies ``probabilities(x, inputs)`` of shape (n_items, n_classes).
    coordinates : iterable of ndarray of shape (n_variables,)
    inputs : ndarray of shape (n_items, n_inputs)
    classes : ndarray of int of shape (n_items,)
    positive_class : int
        The class whose AUC is wanted, counted from 0.

    Returns
    -------
    auc, misclassification : ndarray of shape (n_minima,)

    Raises
    ------
    InputError
        If the data hold no item of the positive class, or nothing else.
    """
    classes = np.asarray(classes)
    positive = classes == positive_class
    if not positive.any() or positive.all():
        what = "no item" if not positive.any() else "only items"
        raise InputError(f"the data hold {what} of class {positive_class}; the AUC needs that class and another one")
    areas, rates = [], []
    for x in coordinates:
        p = network.probabilities(x, inputs)
        areas.append(area_under_curve(p[:, positive_class], positive))
        rates.append(misclassification_rate(p, classes))
    return np.array(areas), np.array(rates)


def misclassification_name(name):
    """Name of the misclassification property that goes with an AUC property: auc_test -> misclassification_test."""
    if name.lower().startswith("auc"):
        return "misclassification" + name[3:]
    return f"misclassification_{name}"
