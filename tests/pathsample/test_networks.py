"""Measures of networks against closed forms, NetworkX and planted answers; the keyword NETWORK."""

import math
import time

import networkx as nx
import numpy as np
import pytest

from common.database import Database
from common.errors import InputError
from common.stationary_points import Minimum, TransitionState, Triple
from pathsample.networks.degrees import fit_power_law
from pathsample.networks.layout import places
from pathsample.networks.measures import adjacency, largest_component, measure, random_graph, random_measures, shortest_paths
from pathsample.run import run
from potentials.symmetry import NoSymmetry


def matrix_of(graph):
    graph = nx.convert_node_labels_to_integers(graph)
    ends = np.array(list(graph.edges)).reshape(-1, 2)
    return adjacency(graph.number_of_nodes(), ends[:, 0], ends[:, 1])


@pytest.mark.parametrize("n", [2, 3, 17, 70])
def test_complete_graph(n):
    found = measure(matrix_of(nx.complete_graph(n)))
    assert (found.average_path, found.diameter, found.average_degree) == (1.0, 1, n - 1)
    assert (found.clustering, found.transitivity) == ((1.0, 1.0) if n > 2 else (0.0, 0.0))
    assert math.isnan(found.assortativity)


@pytest.mark.parametrize("n", [4, 9, 64, 65, 300])
def test_ring(n):
    found = measure(matrix_of(nx.cycle_graph(n)))
    assert found.diameter == n // 2
    assert found.average_path == pytest.approx((n * n // 4) / (n - 1))
    assert found.clustering == 0.0
    assert found.distances.sum() == pytest.approx(1.0)


def test_ring_lattice_of_watts_and_strogatz():
    # each node joined to the k nearest: clustering 3 (k - 2) / (4 (k - 1))
    found = measure(matrix_of(nx.watts_strogatz_graph(600, 10, 0.0)))
    assert found.clustering == pytest.approx(3 * 8 / (4 * 9))
    assert found.transitivity == pytest.approx(found.clustering)


@pytest.mark.parametrize("seed", range(12))
def test_same_as_networkx(seed):
    rng = np.random.default_rng(seed)
    graph = nx.gnm_random_graph(int(rng.integers(3, 200)), int(rng.integers(2, 500)), seed=seed)
    whole = matrix_of(graph)
    keep = largest_component(whole)
    assert set(keep) == max(map(frozenset, nx.connected_components(graph)), key=lambda c: (len(c), -min(c)))
    if len(keep) < 3:
        return
    found, part = measure(whole[keep][:, keep].tocsr()), graph.subgraph(keep.tolist())
    assert found.average_path == pytest.approx(nx.average_shortest_path_length(part), rel=1e-12)
    assert found.diameter == nx.diameter(part)
    assert found.clustering == pytest.approx(nx.average_clustering(part), abs=1e-12)
    assert found.transitivity == pytest.approx(nx.transitivity(part), abs=1e-12)
    if not math.isnan(found.assortativity):
        assert found.assortativity == pytest.approx(nx.degree_assortativity_coefficient(part), abs=1e-9)


def test_several_edges_count_once_and_loops_not_at_all():
    matrix = adjacency(4, [0, 1, 1, 2, 3], [1, 0, 2, 2, 3])
    assert matrix.toarray().tolist() == [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert largest_component(matrix).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="not connected"):
        measure(matrix)
    with pytest.raises(ValueError, match="not connected"):
        measure(adjacency(4, [0, 2], [1, 3]))


def test_sampled_sources_estimate_the_average(monkeypatch):
    matrix = matrix_of(nx.barabasi_albert_graph(3000, 3, seed=1))
    exact = measure(matrix)
    monkeypatch.setattr("pathsample.networks.measures.ALL_SOURCES", 1000)
    monkeypatch.setattr("pathsample.networks.measures.SAMPLE", 300)
    sampled = measure(matrix, np.random.default_rng(1))
    assert exact.exact
    assert not sampled.exact
    assert abs(sampled.average_path - exact.average_path) < 4 * sampled.average_path_error
    assert sampled.diameter <= exact.diameter


def test_random_graphs_are_drawn_evenly():
    rng = np.random.default_rng(3)
    counts = sum(random_graph(5, 4, rng).toarray() for _ in range(1500))
    upper = counts[np.triu_indices(5, 1)]
    # each of the 10 pairs with probability 4/10
    assert np.abs(upper - 600).max() < 5 * math.sqrt(1500 * 0.4 * 0.6)
    assert random_graph(5, 10, rng).nnz == 20
    for n, m in ((100, 30), (100, 4000), (3000, 9000)):
        assert random_graph(n, m, rng).nnz == 2 * m
    with pytest.raises(ValueError, match="10 pairs"):
        random_graph(5, 11, rng)


def test_random_graphs_have_the_expected_clustering():
    # path lengths of random graphs: Fronczak et al., Phys. Rev. E 70, 056110 (2004)
    found = random_measures(400, 2400, 30, np.random.default_rng(0))
    assert np.mean([r.clustering for r in found]) == pytest.approx(12 / 399, rel=0.1)
    assert np.mean([r.average_path for r in found]) == pytest.approx((math.log(400) - 0.5772) / math.log(12) + 0.5, rel=0.02)


def test_power_laws_are_recognised():
    rng = np.random.default_rng(5)
    k = np.arange(1, 100_000)
    weight = k**-2.5
    fit = fit_power_law(rng.choice(k, 5000, p=weight / weight.sum()))
    assert abs(fit.exponent - 2.5) < 3 * fit.error
    assert fit.ratio > 0
    assert fit.p_value < 0.01
    other = fit_power_law(1 + rng.geometric(0.25, 5000))
    assert other.ratio < 1.0
    assert fit_power_law(np.full(50, 4)) is None
    assert fit_power_law([1, 2, 3]) is None
    scale_free = fit_power_law([d for _, d in nx.barabasi_albert_graph(20_000, 4, seed=2).degree])
    assert scale_free.exponent == pytest.approx(3.0, abs=0.25)


def test_places_keep_the_distances_of_a_grid():
    graph = nx.grid_2d_graph(6, 9)
    place, matrix = places(matrix_of(graph)), matrix_of(graph)
    assert place.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    edges = np.column_stack(matrix.nonzero())
    lengths = np.linalg.norm(place[edges[:, 0]] - place[edges[:, 1]], axis=1)
    assert lengths.min() > 0.5
    assert lengths.max() < 1.6
    assert np.ptp(place[:, 0]) > np.ptp(place[:, 1])
    assert np.array_equal(place, places(matrix))
    assert places(adjacency(2, [0], [1])).tolist() == [[-0.5, 0.0], [0.5, 0.0]]
    large = places(matrix_of(nx.barabasi_albert_graph(3000, 2, seed=1)))
    assert np.isfinite(large).all()


def landscape(directory, graph, extra=""):
    """A database whose network is a graph, the energies being the numbers of the nodes."""
    directory.mkdir(exist_ok=True)
    points = [Minimum(float(k), np.array([float(k), 0.0]), 0.0) for k in range(graph.number_of_nodes())]
    with Database(directory / "landscape.db", symmetry=NoSymmetry(), n_variables=2) as database:
        database.add_minima(points)
        states = [
            Triple(points[a], TransitionState(1000.0 + k, np.array([-1.0 - k, 1.0]), 0.0), points[b])
            for k, (a, b) in enumerate(graph.edges)
        ]
        database.add_triples(states)
    (directory / "pathdata").write_text(f"NOPOINTS\n{extra}")


def test_keyword_on_a_planted_small_world(tmp_path):
    graph = nx.connected_watts_strogatz_graph(120, 8, 0.08, seed=3)
    landscape(tmp_path, graph, "NETWORK 20\n")
    assert run(tmp_path) == 0
    text = (tmp_path / "network_measures").read_text()
    assert "small world: yes" in text
    assert f"{nx.average_shortest_path_length(graph):14.4f}" in text
    assert f"{nx.diameter(graph):14d}" in text
    read = nx.read_graphml(tmp_path / "network.graphml", node_type=int)
    assert nx.is_isomorphic(read, graph)
    assert [read.nodes[k + 1]["degree"] for k in graph] == [graph.degree[k] for k in graph]
    assert [read.nodes[k + 1]["energy"] for k in graph] == [float(k) for k in graph]
    steps = nx.shortest_path_length(graph, 0)
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        assert database.property("steps").tolist() == [steps[k] for k in range(120)]
    for name in ("network.pdf", "network.png", "network_degrees.pdf", "network_degrees.png"):
        assert (tmp_path / name).stat().st_size > 1000


def test_keyword_leaves_out_high_minima_and_unknown_properties(tmp_path):
    landscape(tmp_path / "ring", nx.cycle_graph(30), "NETWORK 0 energy 19.5\n")
    assert run(tmp_path / "ring") == 0
    text = (tmp_path / "ring" / "network_measures").read_text()
    # the ring is cut open: a chain of 20
    assert "20   of 20" in text
    assert "small world" not in text
    landscape(tmp_path / "other", nx.cycle_graph(5), "NETWORK 5 colour\n")
    with pytest.raises(InputError, match="no property colour"):
        run(tmp_path / "other")
    landscape(tmp_path / "none", nx.cycle_graph(5), "NETWORK 5 energy -1\n")
    with pytest.raises(InputError, match="within the bounds"):
        run(tmp_path / "none")


MODULE = """from potentials.callable import CallablePotential


def make():
    return CallablePotential(lambda x: (float(x @ x), 2 * x), 2, name="bowl")
"""


def test_keyword_leaves_out_large_variables(tmp_path, capsys):
    landscape(tmp_path, nx.cycle_graph(30))
    (tmp_path / "bowl.py").write_text(MODULE)
    (tmp_path / "pathdata").write_text("POTENTIAL python bowl:make\nNETWORK 0\nNETWORKBOUND 1 9.5\n")
    assert run(tmp_path) == 0
    assert "10   of 10" in capsys.readouterr().out
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        assert "nodes=10 states=9 edges=9 degree=1.8" in database.meta("network")
    (tmp_path / "pathdata").write_text("POTENTIAL python bowl:make\nNETWORK 0\nNETWORKBOUND 3 9.5\n")
    with pytest.raises(InputError, match="no variable 3"):
        run(tmp_path)


def test_one_minimum_alone(tmp_path, capsys):
    landscape(tmp_path, nx.empty_graph(3), "NETWORK\n")
    assert run(tmp_path) == 0
    assert "1   of 3" in capsys.readouterr().out


@pytest.mark.slow
def test_all_paths_of_ten_thousand_minima():
    matrix = matrix_of(nx.barabasi_albert_graph(10_000, 4, seed=1))
    begin = time.process_time()
    table = shortest_paths(matrix, np.arange(10_000))
    ours = time.process_time() - begin
    begin = time.process_time()
    nx.single_source_shortest_path_length(nx.from_scipy_sparse_array(matrix), 0)
    one = time.process_time() - begin
    assert table.shape[0] == 10_000
    # all sources cost less than a thousand single ones
    assert ours < 1000 * one
