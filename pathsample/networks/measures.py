"""Shortest paths, diameter, clustering and assortativity of an undirected graph without weights.

All shortest paths are found at once: a node carries one bit for every source, and a step of the search is the bitwise OR of
a node's neighbours, so that 64 sources cost one operation on an edge. Definitions: Newman, Networks (2010), chapters 6-8 and
10; the comparison with random graphs of the same size: Watts and Strogatz, Nature 393, 440 (1998).
"""

from dataclasses import dataclass

import numpy as np

#: Words of 64 sources that are searched from at a time: bounds the memory (128 bytes for each end of an edge).
WORDS = 16
#: More nodes than this: path lengths are averages over a sample of sources.
ALL_SOURCES = 20_000
#: Size of that sample.
SAMPLE = 2048
#: Rows of the squared adjacency matrix that are formed at a time.
ROWS = 2000


@dataclass(frozen=True)
class Measures:
    """What is measured of one connected graph.

    Attributes
    ----------
    n_nodes, n_edges : int
    degrees : ndarray of int of shape (n_nodes,)
    average_path : float
        Mean number of edges between two nodes, over all pairs (nan for a single node).
    average_path_error : float
        Standard error from the sample of sources; 0 when all pairs were used.
    diameter : int
        Longest shortest path; a lower bound when a sample was used.
    exact : bool
        Whether all pairs were used.
    distances : ndarray of float
        Fraction of pairs at distance 1, 2, ...
    clustering : float
        Mean over nodes of the fraction of pairs of neighbours that are neighbours themselves, 0 with fewer than two.
    transitivity : float
        Three times the number of triangles over the number of connected triples.
    assortativity : float
        Correlation of the degrees at the two ends of an edge (nan when all degrees are equal).
    """

    n_nodes: int
    n_edges: int
    degrees: np.ndarray
    average_path: float
    average_path_error: float
    diameter: int
    exact: bool
    distances: np.ndarray
    clustering: float
    transitivity: float
    assortativity: float

    @property
    def average_degree(self):
        """Twice the edges over the nodes."""
        return 2.0 * self.n_edges / self.n_nodes


def adjacency(n_nodes, first, second):
    """Adjacency matrix of the simple graph: several edges between two nodes count once, loops not at all.

    Parameters
    ----------
    n_nodes : int
    first, second : array_like of int of shape (n_edges,)
        Ends of the edges, counted from 0.

    Returns
    -------
    scipy.sparse.csr_array of int64, shape (n_nodes, n_nodes)
    """
    from scipy.sparse import csr_array

    first, second = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    different = first != second
    low, high = np.minimum(first, second)[different], np.maximum(first, second)[different]
    code = np.unique(low * n_nodes + high)
    low, high = code // max(n_nodes, 1), code % max(n_nodes, 1)
    rows, columns = np.concatenate([low, high]), np.concatenate([high, low])
    return csr_array((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=(n_nodes, n_nodes))


def largest_component(matrix):
    """Nodes of the component with most nodes, in order: ndarray of int; the component of the lower number at a tie."""
    from scipy.sparse.csgraph import connected_components

    labels = connected_components(matrix, directed=False)[1]
    return np.flatnonzero(labels == np.argmax(np.bincount(labels))) if len(labels) else np.empty(0, dtype=np.int64)


def shortest_paths(matrix, sources):
    """Numbers of nodes at each distance from each of some nodes of a connected graph.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array of shape (n, n)
        Every node has a neighbour.
    sources : ndarray of int of shape (n_sources,)

    Returns
    -------
    ndarray of int of shape (n_sources, longest + 1)
        Column d is the number of nodes at distance d.
    """
    n = matrix.shape[0]
    starts, neighbours = matrix.indptr[:-1], matrix.indices
    tables = []
    for begin in range(0, len(sources), 64 * WORDS):
        block = np.asarray(sources[begin : begin + 64 * WORDS])
        words = (len(block) + 63) // 64
        place = np.arange(len(block))
        reached = np.zeros((n, words), dtype=np.uint64)
        np.bitwise_or.at(reached, (block, place // 64), np.uint64(1) << (place % 64).astype(np.uint64))
        frontier, columns = reached.copy(), [np.ones(len(block), dtype=np.int64)]
        while True:
            frontier = np.bitwise_or.reduceat(frontier[neighbours], starts, axis=0) & ~reached
            reached |= frontier
            active = frontier[np.any(frontier, axis=1)]
            if not len(active):
                break
            columns.append(_bits_per_source(active, len(block)))
        tables.append(np.stack(columns, axis=1))
    longest = max(table.shape[1] for table in tables)
    return np.concatenate([np.pad(table, ((0, 0), (0, longest - table.shape[1]))) for table in tables])


def _bits_per_source(words, n_sources):
    """How many rows of words of shape (rows, n) have the bit of each source."""
    counts = np.zeros(words.shape[1] * 64, dtype=np.int64)
    # a row of 64 sources makes 64 bytes when unpacked
    for begin in range(0, len(words), 1 << 16):
        part = np.ascontiguousarray(words[begin : begin + (1 << 16)].astype("<u8"))
        counts += np.unpackbits(part.view(np.uint8), axis=1, bitorder="little").sum(axis=0, dtype=np.int64)
    return counts[:n_sources]


def triangles(matrix):
    """Number of triangles at each node: ndarray of int of shape (n,)."""
    parts = []
    for begin in range(0, matrix.shape[0], ROWS):
        rows = matrix[begin : begin + ROWS]
        parts.append(np.asarray((rows @ matrix).multiply(rows).sum(axis=1)).ravel() // 2)
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _clustering(matrix, degrees):
    """Mean local clustering coefficient, and transitivity."""
    pairs = degrees * (degrees - 1) // 2
    closed = triangles(matrix)
    local = np.divide(closed, pairs, out=np.zeros(len(degrees)), where=pairs > 0)
    return float(local.mean()), float(closed.sum() / pairs.sum()) if pairs.sum() else 0.0


def _assortativity(matrix, degrees):
    """Pearson correlation of the degrees at the ends of the edges."""
    rows = np.repeat(np.arange(len(degrees)), np.diff(matrix.indptr))
    x, y = degrees[rows].astype(float), degrees[matrix.indices].astype(float)
    if not len(x) or np.ptp(x) == 0.0:
        return float("nan")
    return float(np.mean((x - x.mean()) * (y - y.mean())) / x.var())


def measure(matrix, rng=None):
    """Measure a connected graph.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array
        From `adjacency`, one component.
    rng : numpy.random.Generator, optional
        Draws the sources where there are more than `ALL_SOURCES` nodes.

    Returns
    -------
    Measures

    Raises
    ------
    ValueError
        If the graph has no node or is not connected.
    """
    n = matrix.shape[0]
    if n == 0:
        raise ValueError("a graph without nodes has no measures")
    degrees = np.diff(matrix.indptr).astype(np.int64)
    if n == 1:
        return Measures(1, 0, degrees, float("nan"), 0.0, 0, True, np.empty(0), 0.0, 0.0, float("nan"))
    if not degrees.all():
        raise ValueError("the graph is not connected; take its largest component")
    exact = n <= ALL_SOURCES
    sources = np.arange(n) if exact else np.sort((rng or np.random.default_rng(0)).choice(n, SAMPLE, replace=False))
    table = shortest_paths(matrix, sources)
    if (table.sum(axis=1) != n).any():
        raise ValueError("the graph is not connected; take its largest component")
    means = table @ np.arange(table.shape[1]) / (n - 1.0)
    counts = table.sum(axis=0)[1:]
    error = 0.0 if exact else float(means.std(ddof=1) / np.sqrt(len(means)))
    clustering, transitivity = _clustering(matrix, degrees)
    return Measures(
        n, matrix.nnz // 2, degrees, float(means.mean()), error, len(counts), exact, counts / counts.sum(), clustering,
        transitivity, _assortativity(matrix, degrees),
    )  # fmt: skip


def random_graph(n_nodes, n_edges, rng):
    """A graph drawn uniformly from those with so many nodes and edges (Erdős and Rényi): its adjacency matrix.

    Raises
    ------
    ValueError
        If there are not so many pairs of nodes.
    """
    pairs = n_nodes * (n_nodes - 1) // 2
    if n_edges > pairs:
        raise ValueError(f"{n_nodes} nodes have {pairs} pairs, fewer than {n_edges} edges")
    if n_edges > pairs // 2:
        chosen = rng.choice(pairs, n_edges, replace=False)
    else:
        chosen = np.empty(0, dtype=np.int64)
        while len(chosen) < n_edges:
            chosen = np.unique(np.concatenate([chosen, rng.integers(pairs, size=n_edges - len(chosen))]))
    # pair number k is (low, high) with high (high - 1) / 2 + low = k
    high = ((1.0 + np.sqrt(1.0 + 8.0 * chosen)) / 2.0).astype(np.int64)
    high -= high * (high - 1) // 2 > chosen
    high += (high + 1) * high // 2 <= chosen
    return adjacency(n_nodes, chosen - high * (high - 1) // 2, high)


def random_measures(n_nodes, n_edges, count, rng):
    """Measures of the largest components of several random graphs of one size: list of Measures."""
    found = []
    for _ in range(count):
        matrix = random_graph(n_nodes, n_edges, rng)
        keep = largest_component(matrix)
        found.append(measure(matrix[keep][:, keep].tocsr(), rng))
    return found
