"""Where the branches go: columns, horizontal positions and line segments, by the rules of disconnectionDPS.

The top nodes own as many columns as they have minima, side by side; each daughter takes the next columns of its parent in
drawing order. Daughters are sorted by their number of minima; those with at least half as many as the largest are spread
among groups of the smaller ones. A node sits in the middle of its columns. A branch runs from the parent's position at the
level above to the node's own; a node without daughters ends at the energy of its lowest minimum, that fraction along the line.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Layout:
    """Positions of the nodes of a tree.

    Attributes
    ----------
    tree : disconnect.superbasins.Tree
    column : ndarray of intp or None, shape (n_nodes,)
        First column, counted from 0; None when an order parameter is the horizontal axis.
    n_columns : int
        Number of drawn minima.
    x : ndarray of float, shape (n_nodes,)
        Horizontal position, 0 at the left and 1 at the right end.
    end_x, end_energy : ndarray of float, shape (n_nodes,)
        For nodes without daughters, where the branch ends; NaN for others.
    axis : tuple of float or None
        Range of the order parameter that is the horizontal axis.
    """

    tree: object
    column: np.ndarray | None
    n_columns: int
    x: np.ndarray
    end_x: np.ndarray
    end_energy: np.ndarray
    axis: tuple | None = None

    @property
    def sequence(self):
        """Nodes from left to right (those of one level are in drawing order): ndarray of intp."""
        if self.column is None:
            return np.argsort(self.tree.first, kind="stable")
        return np.argsort(self.column, kind="stable")

    def nodes_at(self, level):
        """Nodes present at a level, in drawing order."""
        tree, order = self.tree, self.sequence
        return order[(tree.top[order] <= level) & (tree.bottom[order] >= level)]


def classic_layout(tree, centre=None):
    """Positions by number of minima.

    Parameters
    ----------
    tree : disconnect.superbasins.Tree
    centre : int or None
        Minimum, counted from 0, whose node goes to the middle of its siblings (CENTREGMIN).

    Returns
    -------
    Layout
    """
    from disconnect import _superbasins

    central = np.zeros(tree.n_nodes, dtype=np.uint8)
    if centre is not None:
        central[tree.ancestors(centre)] = 1
    column = _superbasins.place_columns(tree.roots, tree.start, tree.daughter, tree.size, central, centre is not None)
    n_columns = int(tree.size[tree.parent < 0].sum())
    # The original works in single precision here; with it the rounding of the printed positions agrees too.
    x = (np.float32(column + 1) + np.float32(tree.size) / np.float32(2) - np.float32(1)) / np.float32(n_columns)
    return _finish(tree, column, n_columns, x.astype(np.float64), along=True)


def metric_layout(tree, values, axis=None):
    """Positions by the mean of an order parameter over the minima of a node (METRIC).

    Parameters
    ----------
    tree : disconnect.superbasins.Tree
    values : ndarray of float, shape (n_minima,)
    axis : tuple of two floats or None
        Values at the left and right end (SETAXIS); None for the range of the drawn minima.

    Returns
    -------
    Layout
    """
    drawn = tree.attach >= 0
    if axis is None:
        axis = (float(values[drawn].min()), float(values[drawn].max()))
        if axis[0] == axis[1]:
            axis = (axis[0] - 0.5, axis[1] + 0.5)
    mean = tree.accumulate(values, np.add) / tree.size
    x = (mean - axis[0]) / (axis[1] - axis[0])
    return _finish(tree, None, int(drawn.sum()), x, along=False, axis=axis)


def weighted_layout(layout, log_weights):
    """Scale the width of every level (WEIGHTS).

    The levels keep their shape and are centred; level i becomes as wide as weight_i / weight_1 of the width of level 1.

    Parameters
    ----------
    layout : Layout
        By columns.
    log_weights : ndarray of float, shape (levels.n,)

    Returns
    -------
    callable
        ``scale(x, level)`` for use in `segments`.
    """
    n = layout.tree.levels.n
    span = np.ones(n)
    centre = np.full(n, 0.5)
    for level in range(1, n + 1):
        nodes = layout.nodes_at(level)
        if nodes.size:
            # The centre is half a column to the right of the middle, as in the classic program.
            left, right = layout.column[nodes[0]], layout.column[nodes[-1]] + layout.tree.size[nodes[-1]]
            span[level - 1] = right - left
            centre[level - 1] = (left + right + 1) / (2.0 * layout.n_columns)
    factor = (log_weights / log_weights[0]) * (span[0] / span)

    def scale(x, level):
        level = np.asarray(level) - 1
        return (x - centre[level]) * factor[level] + 0.5

    return scale


def _finish(tree, column, n_columns, x, along, axis=None):
    """Ends of the branches; `along` the sloping line, or straight down."""
    leaves = tree.leaves
    end_energy = np.full(tree.n_nodes, np.nan)
    end_x = np.full(tree.n_nodes, np.nan)
    lowest = tree.energies[tree.lowest[leaves]]
    end_energy[leaves] = np.maximum(lowest, tree.levels.last)
    end_x[leaves] = x[leaves]
    # The end lies between two levels: on the sloping line when the node has no more than one level.
    short = np.flatnonzero(leaves & (tree.bottom == tree.top) & (tree.parent >= 0))
    if along and short.size:
        above = tree.levels.first - (tree.bottom[short] - 2) * tree.levels.delta
        fraction = (above - tree.energies[tree.lowest[short]]) / tree.levels.delta
        from_x = x[tree.parent[short]]
        end_x[short] = fraction * (x[short] - from_x) + from_x
    return Layout(tree, column, n_columns, x, end_x, end_energy, axis)


@dataclass(frozen=True, eq=False)
class Segments:
    """The line segments of one picture, level by level and from left to right.

    Attributes
    ----------
    x1, x2 : ndarray of float, shape (n,)
        Positions of the node at the level above and at this level, 0 … 1.
    node : ndarray of intp, shape (n,)
    level : ndarray of int, shape (n,)
        Level at the lower end.
    end : ndarray of intp
        Segments that are the last of their branch.
    fraction : ndarray of float, shape (end.size,)
        Where on the way between the two levels they end.
    sloping : bool
        Whether a branch end lies on the line between its two positions, or straight below its own.
    """

    x1: np.ndarray
    x2: np.ndarray
    node: np.ndarray
    level: np.ndarray
    end: np.ndarray
    fraction: np.ndarray
    sloping: bool

    def lines(self, across, down):
        """Both ends of every line.

        Parameters
        ----------
        across, down : callable
            From a position between 0 and 1, and from a depth in levels below level 1, to the units of the picture.

        Returns
        -------
        x1, y1, x2, y2 : ndarray of float, shape (n,)
        """
        depth = (self.level - 2).astype(np.float64)
        x1, x2 = across(self.x1), across(self.x2)
        y1, y2 = down(depth), down(depth + 1.0)
        end, sign = self.end, np.sign(down(1.0) - down(0.0))
        y2[end] = sign * np.minimum(sign * (self.fraction * (y2[end] - y1[end]) + y1[end]), sign * y2[end])
        if self.sloping:
            x2[end] = self.fraction * (x2[end] - x1[end]) + x1[end]
        return x1, y1, x2, y2


def segments(layout, scale=None):
    """One segment per node and level below the first, as the classic picture has them.

    Parameters
    ----------
    layout : Layout
    scale : callable or None
        From `weighted_layout`.

    Returns
    -------
    Segments
    """
    tree = layout.tree
    order = layout.sequence
    top = np.maximum(tree.top[order], 2)
    count = np.maximum(tree.bottom[order] - top + 1, 0)
    node = np.repeat(order, count)
    offset = np.arange(node.size) - np.repeat(np.cumsum(count) - count, count)
    level = np.repeat(top, count) + offset
    by_level = np.argsort(level, kind="stable")
    node, level = node[by_level], level[by_level]
    # At the highest level of its run a node hangs from its parent, further down from itself.
    above = np.where(level == tree.top[node], tree.parent[node], node)
    x1, x2 = layout.x[above], layout.x[node]
    if scale is not None:
        x1, x2 = scale(x1, level - 1), scale(x2, level)
    end = np.flatnonzero(tree.leaves[node] & (level == tree.bottom[node]))
    above = tree.levels.first - (level[end] - 2) * tree.levels.delta
    fraction = (above - tree.energies[tree.lowest[node[end]]]) / tree.levels.delta
    return Segments(x1, x2, node, level, end, fraction, layout.axis is None)


def branch_ends(layout, scale=None):
    """Where the branches without daughters end.

    Parameters
    ----------
    layout : Layout
    scale : callable or None
        From `weighted_layout`.

    Returns
    -------
    x, energy : ndarray of float, shape (n_nodes,)
        NaN for nodes with daughters.
    """
    if scale is None:
        return layout.end_x, layout.end_energy
    parts = segments(layout, scale)
    _, _, x2, _ = parts.lines(np.copy, np.copy)
    x = np.full(layout.tree.n_nodes, np.nan)
    x[parts.node[parts.end]] = x2[parts.end]
    return x, layout.end_energy


def columns_of_minima(layout):
    """Column of every drawn minimum, counted from 0; -1 for others: ndarray of intp, shape (n_minima,).

    The minima of one node fill its columns: first those of its daughters, then its own.
    """
    tree = layout.tree
    drawn = np.flatnonzero(tree.attach >= 0)
    node = tree.attach[drawn]
    below = np.zeros(tree.n_nodes, dtype=np.intp)
    np.add.at(below, tree.parent[tree.parent >= 0], tree.size[tree.parent >= 0])
    order = np.lexsort((drawn, node))
    rank = np.arange(node.size) - np.searchsorted(node[order], node[order], side="left")
    result = np.full(tree.attach.size, -1, dtype=np.intp)
    result[drawn[order]] = layout.column[node[order]] + below[node[order]] + rank
    return result
