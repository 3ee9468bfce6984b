"""Superbasins: which minima can reach each other below each of a series of energies.

The levels are E_i = FIRST - (i-1) DELTA, i = 1 … LEVELS (Becker and Karplus, J. Chem. Phys. 106, 1495 (1997)). Two minima are
in the same superbasin of level i when a chain of transition states with energies below E_i joins them. A minimum without such a
transition state is a superbasin of its own when its energy is below E_i + DELTA, and absent otherwise.

The basins of all levels come from one union-find pass over the transition states sorted by level, from the bottom up. Only the
nodes at which something happens are kept (`Tree`), so the cost does not grow with the number of levels.
"""

from dataclasses import dataclass

import numpy as np

from common.errors import InputError


@dataclass(frozen=True)
class Levels:
    """The energies at which basins are worked out.

    Attributes
    ----------
    first : float
        Highest energy.
    delta : float
        Spacing, positive.
    n : int
    """

    first: float
    delta: float
    n: int

    def __post_init__(self):
        if not self.delta > 0.0 or self.n < 1:
            raise ValueError("levels need a positive spacing and at least one level")

    def energies(self):
        """Energies from the top down: ndarray of shape (n,)."""
        return self.first - np.arange(self.n) * self.delta

    @property
    def last(self):
        """Energy of the lowest level."""
        return self.first - (self.n - 1) * self.delta

    def deepest(self, energies, shift=0.0):
        """Deepest level i with energy < E_i + shift for each energy, 0 when there is none: ndarray of intc."""
        thresholds = (self.energies() + shift)[::-1]
        return (self.n - np.searchsorted(thresholds, energies, side="right")).astype(np.intc)


@dataclass(frozen=True, eq=False)
class Tree:
    """The nodes of the graph; a node is a set of drawn minima that stay together over a run of levels.

    Attributes
    ----------
    levels : Levels
    bottom, top : ndarray of int, shape (n_nodes,)
        Lowest and highest level of the run, levels counted from 1 at the top.
    parent : ndarray of intp, shape (n_nodes,)
        The node that takes over one level above `top`; -1 at level 1. Daughters come before parents.
    size : ndarray of intp, shape (n_nodes,)
        Number of drawn minima.
    first, lowest : ndarray of intp, shape (n_nodes,)
        Drawn member with the lowest index, and with the lowest energy; counted from 0.
    attach : ndarray of intp, shape (n_minima,)
        The node in which each drawn minimum first appears, -1 for minima that are not in the graph.
    start, daughter : ndarray of intp
        Daughters of node c are ``daughter[start[c]:start[c + 1]]``, in the order of their first minimum.
    basins : ndarray of int, shape (levels.n,)
        What the classic log calls the number of basins, which counts labels that were merged later.
    """

    levels: Levels
    energies: np.ndarray
    bottom: np.ndarray
    top: np.ndarray
    parent: np.ndarray
    size: np.ndarray
    first: np.ndarray
    lowest: np.ndarray
    attach: np.ndarray
    start: np.ndarray
    daughter: np.ndarray
    basins: np.ndarray

    @property
    def n_nodes(self):
        """Number of nodes."""
        return self.bottom.size

    @property
    def roots(self):
        """Nodes at level 1 in the order of their first minimum."""
        roots = np.flatnonzero(self.parent < 0)
        return roots[np.argsort(self.first[roots], kind="stable")]

    @property
    def leaves(self):
        """Whether each node has no daughters: ndarray of bool."""
        return self.start[1:] == self.start[:-1]

    def nodes_per_level(self):
        """Number of nodes at each level: ndarray of shape (levels.n,)."""
        change = np.zeros(self.levels.n + 2, dtype=np.int64)
        np.add.at(change, self.top, 1)
        np.add.at(change, self.bottom + 1, -1)
        return np.cumsum(change)[1 : self.levels.n + 1]

    def ancestors(self, minimum):
        """Nodes that hold a minimum (counted from 0), from where it first appears up to the top."""
        nodes = []
        node = self.attach[minimum]
        while node >= 0:
            nodes.append(int(node))
            node = self.parent[node]
        return nodes

    def members(self, level):
        """Node of each minimum at a level: ndarray of shape (n_minima,), -1 for absent minima.

        Raises
        ------
        ValueError
            There is no such level.
        """
        if not 1 <= level <= self.levels.n:
            raise ValueError(f"level {level} of {self.levels.n}")
        # A pointer from each node to the one that covers the level: parents come later, so one backward pass is enough.
        cover = np.where((self.top <= level) & (self.bottom >= level), np.arange(self.n_nodes), -1)
        for node in range(self.n_nodes - 1, -1, -1):
            if cover[node] < 0 and self.bottom[node] > level:
                cover[node] = cover[self.parent[node]]
        result = np.full(self.attach.size, -1, dtype=np.intp)
        present = self.attach >= 0
        result[present] = cover[self.attach[present]]
        return result

    def accumulate(self, values, reduce):
        """Reduce a value per minimum over the members of each node.

        Parameters
        ----------
        values : array_like, shape (n_minima,)
        reduce : numpy ufunc
            ``np.maximum``, ``np.minimum`` or ``np.add``.

        Returns
        -------
        ndarray, shape (n_nodes,)
        """
        values = np.asarray(values)
        identity = {np.maximum: -np.inf, np.minimum: np.inf, np.add: 0.0}[reduce]
        result = np.full(self.n_nodes, identity)
        present = np.flatnonzero(self.attach >= 0)
        reduce.at(result, self.attach[present], values[present])
        # Level by level upwards: all daughters of a node have a deeper bottom.
        order = np.argsort(-self.bottom, kind="stable")
        edges = np.flatnonzero(np.diff(self.bottom[order])) + 1
        for nodes in np.split(order, edges):
            nodes = nodes[self.parent[nodes] >= 0]
            reduce.at(result, self.parent[nodes], result[nodes])
        return result


def superbasins(network, selection, levels, nosplit=False):
    """Work out the basins at every level.

    Parameters
    ----------
    network : disconnect.network.Network
    selection : disconnect.selection.Selection
        Which minima and transition states take part, and which minima are drawn.
    levels : Levels
    nosplit : bool
        Compare transition states with the next level up, so that minima separated by less than that are one branch (keyword
        NOSPLIT).

    Returns
    -------
    Tree

    Raises
    ------
    InputError
        Not one minimum lies in the range of the levels.
    """
    from disconnect import _superbasins

    n = network.n_minima
    usable = selection.ts.view(np.uint8)
    ts_level = levels.deepest(selection.ts_energies, levels.delta if nosplit else 0.0)
    ts_level[~selection.ts] = 0
    alone = levels.deepest(network.energies, levels.delta)
    earlier, deepest = _superbasins.first_touch(n, network.plus, network.minus, ts_level, usable)
    basins = _count_labels(levels.n, earlier, ts_level, selection, deepest, alone)
    appear = np.where(selection.minima, np.maximum(alone, deepest), 0).astype(np.intc)
    drawn = (selection.drawn & (appear > 0)).astype(np.uint8)
    bottom, parent, size, first, lowest, attach = _superbasins.merge_levels(
        network.energies, appear, drawn, network.plus, network.minus, ts_level, levels.n
    )
    if bottom.size == 0:
        raise InputError(_nothing_left(network, selection, levels))
    top = np.where(parent >= 0, bottom[parent] + 1, 1)
    order = np.lexsort((first, parent))
    order = order[parent[order] >= 0]
    start = np.zeros(bottom.size + 1, dtype=np.intp)
    np.cumsum(np.bincount(parent[order], minlength=bottom.size), out=start[1:])
    return Tree(
        levels=levels, energies=network.energies, bottom=bottom.astype(np.intp), top=top.astype(np.intp), parent=parent,
        size=size, first=first, lowest=lowest, attach=attach, start=start, daughter=np.ascontiguousarray(order), basins=basins,
    )  # fmt: skip


def _count_labels(n_levels, earlier, ts_level, selection, deepest, alone):
    """Labels given at each level by a sweep over transition states, then over minima that are alone."""
    change = np.zeros(n_levels + 2, dtype=np.int64)
    new = selection.ts & (ts_level > earlier)
    np.add.at(change, earlier[new] + 1, 1)
    np.add.at(change, ts_level[new] + 1, -1)
    single = ((selection.connections > 0) | selection.minima) & (alone > deepest)
    np.add.at(change, deepest[single] + 1, 1)
    np.add.at(change, alone[single] + 1, -1)
    return np.cumsum(change)[1 : n_levels + 1]


def _nothing_left(network, selection, levels):
    """What to say when the graph is empty."""
    lowest = network.energies.min()
    if not selection.drawn.any():
        return (
            f"{network.minima_name}: no minimum is left to draw: of {network.n_minima} minima, "
            f"{int(selection.minima.sum())} are connected, and LOWEST, PICK, EXCLUDEALL or MONOTONIC remove those"
        )
    return (
        f"{network.minima_name}: all minima to draw lie above the highest level, FIRST {levels.first:.10g}; the lowest "
        f"minimum is at {lowest:.10g}: raise FIRST"
    )
