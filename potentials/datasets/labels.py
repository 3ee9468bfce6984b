"""What is done to the labels of a data set before training on it."""

import numpy as np


def mislabel(classes, n_classes, fraction, seed):
    """Replace the labels of a fixed fraction of the items by a different class, uniformly (Chitturi et al 2020, section 4.1).

    Parameters
    ----------
    classes : array_like of int of shape (N,)
    n_classes : int
    fraction : float
        Of the items, in [0, 1]; the number of items is rounded.
    seed : int or numpy.random.SeedSequence

    Returns
    -------
    labels : ndarray of int of shape (N,)
    wrong : ndarray of bool of shape (N,)
        Which of them were replaced.

    Raises
    ------
    ValueError
        If the fraction is outside [0, 1] or there is no other class.
    """
    classes = np.asarray(classes, dtype=int)
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"the fraction of wrong labels must lie in [0, 1], got {fraction}")
    if n_classes < 2 and fraction > 0.0:
        raise ValueError("a wrong label needs a second class")
    rng = np.random.default_rng(seed)
    wrong = np.zeros(len(classes), dtype=bool)
    wrong[rng.permutation(len(classes))[: round(fraction * len(classes))]] = True
    labels = classes.copy()
    # a step of 1 .. n_classes - 1 around the circle of classes never lands on the true one
    labels[wrong] = (classes[wrong] + rng.integers(1, max(n_classes, 2), int(wrong.sum()))) % n_classes
    return labels, wrong


def split(n_items, n_train, seed):
    """Random training and testing items.

    Returns
    -------
    train, test : ndarray of int
        Of lengths n_train and n_items - n_train, disjoint.

    Raises
    ------
    ValueError
        If n_train exceeds n_items.
    """
    if not 0 <= n_train <= n_items:
        raise ValueError(f"{n_train} training items were asked for, there are {n_items} items")
    order = np.random.default_rng(seed).permutation(n_items)
    return order[:n_train], order[n_train:]


def taught(teacher, weights, inputs):
    """Labels that a trained network gives: the classes a student network learns (Ballard et al 2017, section VII.B).

    Parameters
    ----------
    teacher : potentials.mlp.MultilayerPerceptron
    weights : array_like of shape (n_variables,)
    inputs : array_like of shape (N, n_in)

    Returns
    -------
    ndarray of int of shape (N,)
        The most probable class of each item; a student of the same architecture can reach zero errors on them.
    """
    return np.argmax(teacher.probabilities(weights, inputs), axis=1)
