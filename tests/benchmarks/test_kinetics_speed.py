"""Speed of rates on networks of the size of a large survey, beside the limits set for them; CPU seconds, one thread counts."""

import resource
import time

import numpy as np
import pytest

from pathsample.kinetics.dijkstra import fastest_paths, with_transition_states
from pathsample.kinetics.graph_transformation import transform
from pathsample.kinetics.kinetic_monte_carlo import simulate
from pathsample.kinetics.rates import RateNetwork, canonical, make_network

pytestmark = pytest.mark.benchmark(group="kinetics")


def landscape(edges, n, kt, seed=0):
    """A network with random energies on a graph (m, 2); A and B are the two minima of lowest energy."""
    rng = np.random.default_rng(seed)
    m = len(edges)
    energy = rng.random(n)
    a, b = edges.T
    minima = {"energy": energy, "log_product": 100 + rng.random(n), "order": np.ones(n, dtype=int)}
    top = np.maximum(energy[a], energy[b]) + 0.5 * rng.random(m)
    states = {"energy": top, "log_product": 99 + rng.random(m), "order": np.ones(m, int), "plus": a + 1, "minus": b + 1}
    ends = np.argsort(energy)[:2] + 1
    return make_network(minima, states, {"A": ends[:1].tolist(), "B": ends[1:].tolist()}, *canonical(minima, states, kt))


def neighbours(n, dimensions, count, seed=0):
    """Each of n random points joined with its nearest ones, and with the next point in order so that all are connected."""
    from scipy.spatial import cKDTree

    x = np.random.default_rng(seed).random((n, dimensions))
    x = x[np.argsort(x[:, 0])]
    near = cKDTree(x).query(x, count + 1)[1][:, 1:]
    near = np.stack([np.repeat(np.arange(n), count), near.ravel()], axis=1)
    return np.concatenate([near, np.stack([np.arange(n - 1), np.arange(1, n)], axis=1)])


def preferential(n, count, seed=0):
    """Each minimum joined with ``count`` earlier ones, those with many connections more often: a scale-free network."""
    rng = np.random.default_rng(seed)
    ends = list(range(count + 1)) * count
    edges = [(i, j) for i in range(count + 1) for j in range(i)]
    for i in range(count + 1, n):
        for j in {ends[k] for k in rng.integers(len(ends), size=count)}:
            edges.append((i, j))
            ends += [i, j]
    return np.array(edges)


def random_graph(n, edges, seed=0):
    """A random tree with random edges beside it: ``edges`` in all."""
    rng = np.random.default_rng(seed)
    tree = np.stack([np.arange(1, n), (rng.random(n - 1) * np.arange(1, n)).astype(np.int64)], axis=1)
    more = rng.integers(n, size=(edges - n + 1, 2))
    return np.concatenate([tree, more[more[:, 0] != more[:, 1]]])


def communities(n, count=50, seed=0):
    """Random graphs with a fiftieth of all connections between them."""
    rng = np.random.default_rng(seed)
    size = n // count
    edges = [random_graph(size, int(2.94 * size), seed + k) + k * size for k in range(count)]
    between = rng.integers(n, size=(3 * n // 50, 2))
    chain = np.stack([np.arange(count - 1) * size, np.arange(1, count) * size], axis=1)
    return np.concatenate([*edges, between[between[:, 0] != between[:, 1]], chain])


# in the order of their memory, since the largest so far is what can be measured
GRAPHS = {
    "neighbours in 4 dimensions": lambda n: neighbours(n, 4, 2),
    "communities": communities,
    "scale-free": lambda n: preferential(n, 3),
    "neighbours in 6 dimensions": lambda n: neighbours(n, 6, 3),
    "random": lambda n: random_graph(n, 3 * n),
}


@pytest.mark.parametrize("kind", GRAPHS)
def test_graph_transformation_of_50000_minima(benchmark, compare, kind):
    """Both directions, all passage times and committors; limit 60 s."""
    n, limit = 50_000, 60
    network = landscape(GRAPHS[kind](n), n, 0.05)

    def run():
        began = time.process_time()
        result = transform(network)
        return time.process_time() - began, result

    seconds, result = benchmark.pedantic(run, rounds=1)
    name = f"NGT, {kind}, {n} minima, {len(network.plus)} ts, {result.block_rows} in panels"
    compare(name, seconds, "s of CPU", beside="limit", that=float(limit), aim="1")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    compare(f"{name}, memory so far", memory, "GB", beside="limit", that=2.0, aim="1")
    assert seconds < limit
    assert memory < 2.0


def test_dijkstra_of_200000_minima(benchmark, compare):
    """Fastest path with rates and branching probabilities made anew; limit 5 s."""
    network = landscape(neighbours(200_000, 4, 2), 200_000, 0.05)

    def run():
        began = time.process_time()
        with_transition_states(network, fastest_paths(network)[0])
        return time.process_time() - began

    seconds = benchmark.pedantic(run, rounds=1)
    compare(f"DIJKSTRA, 200000 minima, {len(network.plus)} ts", seconds, "s of CPU", beside="limit", that=5.0, aim="1")
    assert seconds < 5


def test_monte_carlo_steps_per_second(benchmark, compare):
    """A random walk on 10,000 minima; limit 5 million steps per second."""
    n = 10_000
    edges = neighbours(n, 4, 4)
    plus, minus = edges[edges[:, 0] != edges[:, 1]].T
    m = len(plus)
    rng = np.random.default_rng(0)
    sets = {"A": np.array([0]), "B": np.array([n - 1])}
    used = np.ones(n, dtype=bool)
    network = RateNetwork(np.zeros(n), rng.random(n), plus, minus, rng.random(m), np.arange(1, m + 1), np.zeros(m), used, sets)

    def run():
        began = time.process_time()
        found = simulate(network, 300, 1)
        return found.steps.sum() / (time.process_time() - began) / 1e6

    rate = benchmark.pedantic(run, rounds=1)
    compare("KMC, 10000 minima, per step", 1e3 / rate, "ns of CPU", beside="limit", that=200.0, aim="1")
    assert rate > 5
