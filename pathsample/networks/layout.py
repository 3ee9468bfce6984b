"""Places of the nodes of a graph on paper: distances on paper near those along the edges, least stress weighted by d^-2.

Small graphs by majorisation (Gansner, Koren and North, Graph Drawing 2004, p. 239), large ones by multidimensional scaling
from some nodes as pivots (Brandes and Pich, Graph Drawing 2006, p. 42). Neither draws a random number.
"""

import numpy as np

#: More nodes than this are placed by their distances from pivots alone.
ALL_PAIRS = 1500
#: Nodes far from each other that stand for all.
PIVOTS = 60
ITERATIONS = 200
#: Relative fall of the stress at which the iterations end.
CONVERGED = 1e-5


def places(matrix):
    """Places of the nodes of a connected graph.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array of shape (n, n)

    Returns
    -------
    ndarray of shape (n, 2)
        Centred, in units of an edge, the longer side across.
    """
    n = matrix.shape[0]
    if n < 3:
        return np.column_stack([np.arange(n) - (n - 1) / 2.0, np.zeros(n)])
    x = _pivot_scaling(matrix)
    if n <= ALL_PAIRS:
        x = _majorise(matrix, x)
    x = x - x.mean(axis=0)
    axes = np.linalg.svd(x, full_matrices=False)[2]
    x = x @ axes.T
    # signs that do not depend on rounding
    farthest = np.argmax(np.abs(x) > np.abs(x).max(axis=0) - 1e-6, axis=0)
    return x * np.where(x[farthest, [0, 1]] < 0.0, -1.0, 1.0)


def _pivot_scaling(matrix):
    """Leading two directions of the doubly centred squared distances from the pivots."""
    from scipy.sparse.csgraph import dijkstra

    n = matrix.shape[0]
    rows, nearest, pivot = [], np.full(n, np.inf), int(np.argmax(np.diff(matrix.indptr)))
    for _ in range(min(PIVOTS, n)):
        rows.append(dijkstra(matrix, unweighted=True, indices=pivot))
        nearest = np.minimum(nearest, rows[-1])
        pivot = int(np.argmax(nearest))
    squares = np.array(rows).T ** 2
    centred = -0.5 * (squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean())
    values, vectors = np.linalg.eigh(centred.T @ centred)
    x = centred @ vectors[:, -2:][:, ::-1]
    return x / np.maximum(values[-2:][::-1] ** 0.25, 1e-9)


def _majorise(matrix, x):
    from scipy.linalg import cho_factor, cho_solve
    from scipy.sparse.csgraph import dijkstra

    n = len(x)
    wanted = dijkstra(matrix, unweighted=True)
    np.fill_diagonal(wanted, 1.0)
    weights = wanted**-2
    np.fill_diagonal(weights, 0.0)
    laplacian = np.diag(weights.sum(axis=1)) - weights
    # one node is held, which fixes the translation
    factor = cho_factor(laplacian[1:, 1:])
    # nodes with equal distances to all others start in the same place: spread them a little
    angle = np.arange(n) * 2.399963229728653
    x = x + 0.05 * np.column_stack([np.cos(angle), np.sin(angle)])
    before = np.inf
    for _ in range(ITERATIONS):
        apart = np.sqrt(np.maximum(((x[:, None] - x[None]) ** 2).sum(axis=2), 1e-12))
        stress = float((weights * (apart - wanted) ** 2).sum())
        if before - stress < CONVERGED * before:
            break
        before = stress
        pull = -weights * wanted / apart
        np.fill_diagonal(pull, 0.0)
        np.fill_diagonal(pull, -pull.sum(axis=1))
        right = pull @ x
        x = np.vstack([[0.0, 0.0], cho_solve(factor, right[1:])])
    return x
