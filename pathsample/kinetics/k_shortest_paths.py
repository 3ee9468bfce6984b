"""The k fastest paths without loops, by Yen's algorithm with Lawler's restriction."""

import heapq
from itertools import pairwise

import numpy as np

from pathsample.kinetics.dijkstra import FastestPath, _graph, ln_source_factors


def k_fastest_paths(network, count, product="A", reactant="B"):
    """The discrete paths without a repeated minimum that contribute most to the steady-state rate constant.

    Yen, Management Science 17, 712 (1971). A source in front of all reactant minima, whose steps have the length
    -ln(p_b/(P_B tau_b)), and a sink behind all product minima turn the sets into two points; the search runs from the sink.

    Parameters
    ----------
    network : RateNetwork
    count : int
    product, reactant : {"A", "B"}

    Returns
    -------
    list of FastestPath
        At most ``count``, largest contribution first.
    """
    from scipy.sparse import csr_matrix

    if not len(network.sets[product]) or not len(network.sets[reactant]):
        return []
    n = network.n_minima
    inner = _graph(network, product, reactant).tocoo()
    sink, source = n, n + 1
    factors = -ln_source_factors(network, reactant)
    # a constant makes all lengths positive; it is part of every path exactly once
    shift = float(factors.min())
    rows = [inner.row, np.full(len(network.sets[product]), sink), network.sets[reactant]]
    columns = [inner.col, network.sets[product], np.full(len(factors), source)]
    values = [inner.data, np.zeros(len(network.sets[product])), factors - shift]
    graph = csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(n + 2, n + 2))
    length = graph.data.copy()

    def edge(a, b):
        first, last = graph.indptr[a], graph.indptr[a + 1]
        return first + int(np.flatnonzero(graph.indices[first:last] == b)[0])

    def search(spur, removed_edges, removed_nodes):
        from scipy.sparse.csgraph import dijkstra

        graph.data[removed_edges] = np.inf
        for node in removed_nodes:
            graph.data[graph.indptr[node] : graph.indptr[node + 1]] = np.inf
            graph.data[graph.indices == node] = np.inf
        distance, before = dijkstra(graph, indices=spur, return_predecessors=True)
        np.copyto(graph.data, length)
        if not np.isfinite(distance[source]):
            return None
        chain = [source]
        while chain[-1] != spur:
            chain.append(int(before[chain[-1]]))
        return chain[::-1]

    def total(chain):
        return sum(length[edge(a, b)] for a, b in pairwise(chain))

    first = search(sink, [], [])
    if first is None:
        return []
    candidates, seen, found = [(total(first), first, 0)], {tuple(first)}, []
    while candidates and len(found) < count:
        size, chain, deviation = heapq.heappop(candidates)
        found.append((size, chain))
        for at in range(deviation, len(chain) - 1):
            root = chain[: at + 1]
            removed = {edge(c[at], c[at + 1]) for _, c in found if c[: at + 1] == root}
            rest = search(chain[at], sorted(removed), root[:-1])
            if rest is None:
                continue
            new = root[:-1] + rest
            if tuple(new) not in seen:
                seen.add(tuple(new))
                heapq.heappush(candidates, (total(new), new, at))
    return [FastestPath(chain[1:-1], -(size + shift)) for size, chain in found]
