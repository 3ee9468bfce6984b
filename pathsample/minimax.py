"""Barriers of the lowest routes: what has to be crossed between minima when every transition state is known.

The lowest route between any two minima lies in the minimum spanning tree of the network.
"""

import numpy as np


def highest_on_lowest_path(n, ts_energies, plus, minus, sources):
    """Energy of the highest transition state on the lowest route from each node to the nearest of some sources.

    Parameters
    ----------
    n : int
    ts_energies : ndarray of shape (m,)
    plus, minus : ndarray of shape (m,)
        Ends counted from 0.
    sources : sequence of int
        Counted from 0.

    Returns
    -------
    ndarray of shape (n,)
        -inf for sources, inf for nodes that are not connected with one.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    sources = np.asarray(sources, dtype=np.int64)
    level = np.full(n, np.inf)
    level[sources] = -np.inf
    order = np.argsort(ts_energies, kind="stable")
    low, high = np.minimum(plus, minus)[order], np.maximum(plus, minus)[order]
    different = low != high
    keys, rank = np.unique(low[different] * np.int64(n) + high[different], return_index=True)
    if not len(keys) or not len(sources):
        return level
    # weights are the ranks of the transition states, counted from 2: a source is as near as possible to the root behind all
    values = np.concatenate([rank + 2.0, np.ones(len(sources))])
    rows, columns = np.concatenate([keys // n, sources]), np.concatenate([keys % n, np.full(len(sources), n)])
    tree = minimum_spanning_tree(coo_matrix((values, (rows, columns)), shape=(n + 1, n + 1)).tocsr())
    visited, before = breadth_first_order(tree, n, directed=False)
    # the edge to the node before, from either triangle of the tree
    weight = np.zeros(n + 1)
    tree = tree.tocoo()
    down = before[tree.col] == tree.row
    weight[tree.col[down]] = tree.data[down]
    up = before[tree.row] == tree.col
    weight[tree.row[up]] = tree.data[up]
    highest = np.zeros(n + 1)
    values, previous = weight.tolist(), before.tolist()
    highest = highest.tolist()
    for node in visited[1:].tolist():
        highest[node] = max(highest[previous[node]], values[node])
    reached = visited[1:]
    places = np.array(highest)[reached].astype(np.int64) - 2
    energies = np.asarray(ts_energies, dtype=float)[order][different]
    level[reached] = np.where(places >= 0, energies[np.maximum(places, 0)], -np.inf)
    level[sources] = -np.inf
    return level
