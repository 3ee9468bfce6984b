"""The text files beside the picture: disconnected, node_numbers, node_sizes, node_sections."""

import numpy as np

from common.atomic import atomic_write


def write_disconnected(path, network, minima):
    """Minima left out because they are not connected: counter, energy, index in ``I8,G20.10,I8``."""
    from common.formats import fortran

    lines = [
        f"{counter:8d}{fortran.g(network.energies[k], 20, 10)}{k + 1:8d}\n" for counter, k in enumerate(minima.tolist(), 1)
    ]  # fmt: skip
    with atomic_write(path, durable=False) as file:
        file.writelines(lines)


def write_node_numbers(path, layout):
    """Minima of every node at every level (DUMPNUMBERS), nodes numbered from left to right."""
    from disconnect import _format

    tree = layout.tree
    order, begin, end = member_ranges(layout)
    text = {}

    def members(node):
        # A node that spans several levels has the same minima at each.
        if node not in text:
            text[node] = _format.integer_lines(np.sort(order[begin[node] : end[node]]) + 1, 8)
        return text[node]

    with atomic_write(path, "wb", durable=False) as file:
        for level in range(1, tree.levels.n + 1):
            file.write(f"\nLEVEL {level:3d}\n=========\n".encode())
            present = set()
            for number, node in enumerate(layout.nodes_at(level).tolist(), 1):
                file.write(f"\nNode {number:8d}\n".encode())
                file.write(members(node))
                present.add(node)
            for node in set(text) - present:
                del text[node]


def write_node_sizes(path, layout):
    """Number of minima of every node at every level (DUMPSIZES)."""
    tree = layout.tree
    energies = tree.levels.energies()
    with atomic_write(path, durable=False) as file:
        for level in range(1, tree.levels.n + 1):
            file.write(f"Level: {level:2d} energy {energies[level - 1]:20.10f}\n")
            sizes = tree.size[layout.nodes_at(level)].tolist()
            file.writelines(f"{number:5d}:{size:7d}\n" for number, size in enumerate(sizes, 1))
            file.write("\n")


def write_node_sections(path, layout, sets):
    """The set of TRMIN that colours each node at every level (COLOURPRINT).

    Parameters
    ----------
    path : str or Path
    layout : disconnect.layout.Layout
    sets : ndarray of int, shape (n_nodes,)
        0 for nodes without a colour.
    """
    tree = layout.tree
    with atomic_write(path, durable=False) as file:
        for level in range(1, tree.levels.n + 1):
            file.write(f"\nLEVEL {level:3d}\n=========\n")
            for number, node in enumerate(layout.nodes_at(level).tolist(), 1):
                if sets[node]:
                    file.write(f"Node {number:6d} --> Colour {sets[node]:6d}\n")


def member_ranges(layout):
    """Minima in an order in which every node is one run of it.

    Returns
    -------
    order : ndarray of intp
        Drawn minima, counted from 0.
    begin, end : ndarray of intp, shape (n_nodes,)
        The members of node c are ``order[begin[c]:end[c]]``.
    """
    from disconnect.layout import classic_layout, columns_of_minima

    by_column = layout if layout.column is not None else classic_layout(layout.tree)
    column = columns_of_minima(by_column)
    drawn = np.flatnonzero(column >= 0)
    order = np.empty(drawn.size, dtype=np.intp)
    order[column[drawn]] = drawn
    return order, by_column.column, by_column.column + layout.tree.size
