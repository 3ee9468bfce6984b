"""What the network at each of many minima makes of a set of data: AUC, accuracy, misclassification, which items are wrong."""

from dataclasses import dataclass

import numpy as np

from common.errors import InputError
from pathsample.learning.auc import area_under_curve

#: Bits of one word of packed answers.
WORD = 64
#: Smallest probability whose logarithm is taken.
TINY = np.finfo(float).tiny


@dataclass(slots=True)
class Classification:
    """Figures of n minima for one set of N items.

    Attributes
    ----------
    auc : ndarray of shape (n,)
        Of the positive class; NaN without one.
    misclassification : ndarray of shape (n,)
        Fraction f of the items whose most probable class is not theirs.
    cross_entropy : ndarray of shape (n,)
        Mean of -ln p of the class of the item: the loss without regularisation.
    wrong : ndarray of uint64 of shape (n, ceil(N / 64))
        One bit per item, set where it is misclassified.
    outcomes : ndarray of uint8 or uint16 of shape (n, N), or None
        Most probable class of every item, where it was asked for.
    n_items : int
    """

    auc: np.ndarray
    misclassification: np.ndarray
    cross_entropy: np.ndarray
    wrong: np.ndarray
    outcomes: np.ndarray | None
    n_items: int

    @property
    def accuracy(self):
        """Fraction of the items whose most probable class is theirs, shape (n,)."""
        return 1.0 - self.misclassification


def classify(network, coordinates, inputs, classes, positive_class=0, keep_outcomes=False):
    """Classify a set of data with the network at each of many minima.

    Memory beyond the results is that of one minimum; 10,000 minima with 10,000 items take seconds.

    Parameters
    ----------
    network : MultilayerPerceptron
        Supplies ``probabilities(x, inputs)`` of shape (n_items, n_classes).
    coordinates : sequence of ndarray of shape (n_variables,)
    inputs : ndarray of shape (n_items, n_inputs)
    classes : ndarray of int of shape (n_items,)
    positive_class : int or None
        The class whose AUC is wanted, counted from 0; None for no AUC.
    keep_outcomes : bool
        Whether the answers are kept, n_minima times n_items bytes.

    Returns
    -------
    Classification

    Raises
    ------
    InputError
        If the data hold no item of the positive class, or nothing else.
    """
    classes = np.asarray(classes)
    positive = classes == positive_class
    if positive_class is not None and (not positive.any() or positive.all()):
        what = "no item" if not positive.any() else "only items"
        raise InputError(f"the data hold {what} of class {positive_class}; the AUC needs that class and another one")
    n, n_items = len(coordinates), len(classes)
    inputs = np.ascontiguousarray(inputs, dtype=float)
    result = Classification(
        np.empty(n), np.empty(n), np.empty(n), np.zeros((n, -(-n_items // WORD)), dtype=np.uint64), None, n_items
    )
    packed = result.wrong.view(np.uint8)
    every = np.arange(n_items)
    for k, x in enumerate(coordinates):
        p = network.probabilities(x, inputs)
        outcomes = most_probable(p)
        missed = outcomes != classes
        result.auc[k] = np.nan if positive_class is None else area_under_curve(p[:, positive_class], positive)
        result.misclassification[k] = np.count_nonzero(missed) / n_items
        result.cross_entropy[k] = -np.log(np.maximum(p[every, classes], TINY)).mean()
        bits = np.packbits(missed)
        packed[k, : len(bits)] = bits
        if keep_outcomes:
            if result.outcomes is None:
                result.outcomes = np.empty((n, n_items), dtype=np.uint8 if p.shape[1] <= 256 else np.uint16)
            result.outcomes[k] = outcomes
    return result


def most_probable(probabilities):
    """Class of the largest of the probabilities of each item, the first of equal ones.

    Parameters
    ----------
    probabilities : ndarray of shape (n_items, n_classes)

    Returns
    -------
    ndarray of int of shape (n_items,)
    """
    # a running maximum over few columns is several times faster than argmax along short rows
    if probabilities.shape[1] > 16:
        return np.argmax(probabilities, axis=1)
    outcomes = np.zeros(len(probabilities), dtype=np.intp)
    highest = probabilities[:, 0].copy()
    for c in range(1, probabilities.shape[1]):
        column = probabilities[:, c]
        higher = column > highest
        np.copyto(outcomes, c, where=higher)
        np.copyto(highest, column, where=higher)
    return outcomes


def misclassification_rate(probabilities, classes):
    """Fraction of items whose most probable class is not theirs.

    Parameters
    ----------
    probabilities : ndarray of shape (n_items, n_classes)
    classes : ndarray of int of shape (n_items,)
        Counted from 0.
    """
    return float(np.mean(most_probable(np.asarray(probabilities)) != np.asarray(classes)))
