"""Misclassification distance between minima, and how it goes with their distance in the space of weights.

    l_ij = fraction of the items that exactly one of the two misclassifies                (Ballard et al. 2017, section V)
    Lambda_ij = fraction of the items for which the two give different classes            (Niroomand et al. 2022, section 4.2)

l is the Hamming distance of the lists of wrong items, with l_ij <= f_i + f_j. For two classes the two measures are the same.
"""

import numpy as np

from pathsample.learning._hamming import hamming_distances

#: Minima whose leaves of the clustered map are brought into the best order; the cost is cubic.
MOST_ORDERED = 800
#: Pairs of minima whose distances enter the joint density.
MOST_PAIRS = 2_000_000


def misclassification_distances(wrong, n_items):
    """l_ij of all pairs of minima.

    Parameters
    ----------
    wrong : ndarray of uint64 of shape (n_minima, n_words)
        Packed bits, one per item (`Classification.wrong`).
    n_items : int

    Returns
    -------
    ndarray of float32 of shape (n_minima, n_minima)
        Symmetric with zero diagonal; 400 MB for 10,000 minima.
    """
    counts = hamming_distances(wrong)
    distances = counts.view(np.float32)
    # the counts are turned into fractions where they lie
    for row, target in zip(counts, distances):
        np.multiply(row, np.float32(1.0 / n_items), out=target, casting="unsafe")
    return distances


def disagreements(outcomes):
    """Lambda_ij of all pairs of minima.

    Parameters
    ----------
    outcomes : ndarray of int of shape (n_minima, n_items)

    Returns
    -------
    ndarray of float32 of shape (n_minima, n_minima)
    """
    n, n_items = outcomes.shape
    n_classes = int(outcomes.max(initial=0)) + 1
    # one bit per item and class: two bits differ where two answers do
    width = -(-n_items // 64) * 8
    bits = np.zeros((n, n_classes * width), dtype=np.uint8)
    for c in range(n_classes):
        packed = np.packbits(outcomes == c, axis=1)
        bits[:, c * width : c * width + packed.shape[1]] = packed
    return misclassification_distances(bits.view(np.uint64), 2 * n_items)


def cluster_order(distances):
    """Order of minima that puts those with similar answers side by side: average linkage, leaves in the best order.

    Parameters
    ----------
    distances : ndarray of shape (n, n)

    Returns
    -------
    order : ndarray of int of shape (n,)
    linkage : ndarray of shape (n - 1, 4)
        As ``scipy.cluster.hierarchy.linkage`` gives it.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    n = len(distances)
    if n < 2:
        return np.arange(n), np.empty((0, 4))
    tree = linkage(squareform(np.asarray(distances, dtype=float), checks=False), "average", optimal_ordering=n <= MOST_ORDERED)
    return leaves_list(tree), tree


def weight_distances(coordinates, symmetry=None, pairs=None):
    """Distances in the space of weights of pairs of minima.

    Parameters
    ----------
    coordinates : ndarray of shape (n, n_variables)
    symmetry : potentials.symmetry.Symmetry, optional
        The distance is then the smallest over all copies by its operations; Euclidean without.
    pairs : (ndarray of int, ndarray of int), optional
        All pairs i < j by default.

    Returns
    -------
    ndarray of shape (n_pairs,)
    """
    x = np.asarray(coordinates, dtype=float)
    first, second = np.triu_indices(len(x), 1) if pairs is None else pairs
    if symmetry is None:
        result = np.empty(len(first))
        rows = max(4_000_000 // max(x.shape[1], 1), 1)
        for k in range(0, len(first), rows):
            part = slice(k, k + rows)
            result[part] = np.linalg.norm(x[first[part]] - x[second[part]], axis=1)
        return result
    result = np.empty(len(first))
    order = np.argsort(first, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(first[order]) != 0])) if len(first) else []
    for begin, end in zip(starts, [*starts[1:], len(order)]):
        members = order[begin:end]
        result[members] = symmetry.distances(x[second[members]], x[first[members[0]]])
    return result


def chosen_pairs(n, most=MOST_PAIRS, seed=0):
    """All pairs i < j of n minima, or a random sample of them: (ndarray of int, ndarray of int)."""
    if n * (n - 1) // 2 <= most:
        return np.triu_indices(n, 1)
    rng = np.random.default_rng(seed)
    first = rng.integers(0, n, 2 * most)
    second = rng.integers(0, n, 2 * most)
    different = first != second
    first, second = first[different][:most], second[different][:most]
    return np.minimum(first, second), np.maximum(first, second)
