"""Bands, the choice of pairs, and connections between minima."""

import itertools
from pathlib import Path

import networkx
import numpy as np
import pytest

from common.formats import coordinates
from common.stationary_points import Minimum
from optim._shortest_path import shortest_path
from optim.connect import Silent, as_minimum
from optim.dneb import interpolate, local_maxima, run_dneb
from optim.graph import MissingConnections
from optim.jobs import connect
from optim.settings import OptimSettings, default_settings
from potentials.datasets.ljat3 import generate
from potentials.datasets.xor import xor_data
from potentials.lj import LennardJones
from potentials.mlp import MultilayerPerceptron
from potentials.symmetry import NoSymmetry

EXAMPLE = Path(__file__).resolve().parents[2] / "../shared/wales/examples/LJ38_03_optim"


# --- bands ------------------------------------------------------------------------------------------------------------


def test_band_finds_both_transition_states(surface, surface_settings, known_minima, known_transition_states):
    places = [np.array(p) for _, p in sorted(known_minima.items())]
    band = run_dneb(surface, places[0], places[1], 25, surface_settings, iterations=2000)
    assert band.converged
    assert len(band.maxima) == 2
    for k, place in zip(band.maxima, sorted(known_transition_states.values()), strict=True):
        assert np.linalg.norm(band.images[k] - place) < 0.1
    # evenly spaced by the springs
    spacing = np.linalg.norm(np.diff(band.images, axis=0), axis=1)
    assert np.abs(spacing / spacing.mean() - 1.0).mean() < 0.3
    assert band.length == pytest.approx(spacing.sum())
    assert np.linalg.norm(band.tangents, axis=1) == pytest.approx(np.ones(2))
    assert band.images[0] == pytest.approx(places[0])
    assert band.images[-1] == pytest.approx(places[1])


def test_band_force_is_perpendicular_where_the_images_are_even(surface):
    from optim._dneb import Band

    # on a straight even band the springs cancel along it, and what is left is the true force without its part along the band
    start, finish = np.array([-0.5, 1.4]), np.array([0.6, 0.0])
    images = interpolate(surface, start, finish, 9)
    band = Band(surface, start, finish, 9, 50.0)
    out = band.optimise(images, OptimSettings(), 0, 0.0)
    direction = (finish - start) / np.linalg.norm(finish - start)
    perpendicular = [g - (g @ direction) * direction for g in surface.energy_gradient_batch(images)[1]]
    assert out["rms"] == pytest.approx(np.sqrt(np.mean(np.square(perpendicular))), rel=1e-9)
    assert out["deviation"] == pytest.approx(0.0, abs=1e-9)


def test_interpolation_keeps_atoms_apart():
    potential = LennardJones(5)
    start = quenched(potential, 1)
    finish = start.reshape(-1, 3)[[1, 0, 2, 3, 4]].ravel()
    points = interpolate(potential, start, finish, 15)
    first, second = np.triu_indices(5, 1)
    distances = [np.linalg.norm(p.reshape(-1, 3)[first] - p.reshape(-1, 3)[second], axis=1).min() for p in points]
    assert min(distances) > 0.6
    assert np.isfinite(potential.energy_gradient_batch(points)[0]).all()


def quenched(potential, seed):
    rng = np.random.default_rng(seed)
    return as_minimum(potential, potential.random_coordinates(rng), OptimSettings()).coordinates


def test_local_maxima():
    assert local_maxima([0.0, 1.0, 0.5, 0.7, 0.2]) == [1, 3]
    assert local_maxima([0.0, 1.0, 1.0, 0.0]) == [1]
    assert local_maxima([0.0, 1.0, 2.0]) == []
    assert local_maxima([2.0, 1.0, 2.0]) == []


# --- choice of pairs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_lazy_distances_give_the_shortest_path(power):
    class Counting(NoSymmetry):
        """A plane with a lower bound of half the distance."""

        count = 0

        def align(self, x, reference):
            Counting.count += 1
            return super().align(x, reference)

        def lower_bound(self, x, reference):
            return 0.5 * float(np.linalg.norm(x - reference))

    settings = OptimSettings(tries=1, dijkstra_power=power)
    rng = np.random.default_rng(7)
    for _ in range(20):
        graph = MissingConnections(Counting(), settings)
        points = rng.random((12, 2))
        reference = networkx.Graph()
        for p in points:
            graph.add(Minimum(0.0, p))
        for i, j in itertools.combinations(range(12), 2):
            reference.add_edge(i, j, weight=float(np.linalg.norm(points[i] - points[j])) ** power)
        for i, j in rng.choice(12, (5, 2)):
            if i != j:
                graph.connect(i, j, 0)
                reference.add_edge(i, j, weight=0.0)
        for i, j in rng.choice(12, (5, 2)):
            if i != j and not graph.joined(i, j):
                graph.record_attempt(i, j)
                if reference.has_edge(i, j):
                    reference.remove_edge(i, j)
        pairs, steps, weight = graph.missing(0, 11)
        nodes = networkx.shortest_path(reference, 0, 11, weight="weight")
        expected = networkx.shortest_path_length(reference, 0, 11, weight="weight")
        assert weight == pytest.approx(expected)
        if power > 1.0:
            assert steps == len(nodes) - 1
        assert all(not graph.joined(i, j) and graph.attempts(i, j) == 0 for i, j in pairs)
    assert Counting.count < 20 * 66


def test_the_shortest_path_has_the_fewest_steps_of_equal_ones():
    weights = np.ones((4, 4))
    weights[0, 3] = weights[3, 0] = 2.0
    assert shortest_path(weights, 4, 0, 3) == ([0, 3], 2.0)
    weights[0, 3] = weights[3, 0] = 2.5
    assert shortest_path(weights, 4, 0, 3) == ([0, 1, 3], 2.0)
    weights[3, :] = weights[:, 3] = np.inf
    assert shortest_path(weights, 4, 0, 3) == (None, np.inf)
    assert shortest_path(weights, 4, 2, 2) == ([2], 0.0)
    with pytest.raises(ValueError, match="outside"):
        shortest_path(weights, 4, 0, 4)


def test_exhausted_pairs_end_the_search():
    graph = MissingConnections(NoSymmetry(), OptimSettings(tries=2))
    graph.add(Minimum(0.0, np.zeros(2)))
    graph.add(Minimum(1.0, np.ones(2)))
    assert graph.missing(0, 1)[0] == [(0, 1)]
    graph.record_attempt(1, 0)
    graph.record_attempt(0, 1)
    assert graph.missing(0, 1)[0] is None
    graph.connect(0, 1, 5)
    assert graph.connection(0, 1) == [5]


# --- connections --------------------------------------------------------------------------------------------------------


def test_mueller_brown(surface, surface_settings, known_minima, known_transition_states):
    places = [np.array(p) for _, p in sorted(known_minima.items())]
    result = connect(places[0], places[1], surface, surface_settings)
    assert result.connected
    assert len(result.path) == 2
    found = sorted(t.transition_state.energy for t in result.triples)
    assert found == pytest.approx(sorted(known_transition_states), abs=1e-7)
    assert sorted(m.energy for m in result.minima) == pytest.approx(sorted(known_minima), abs=1e-7)


def test_same_end_points_are_connected_at_once(surface, surface_settings, known_minima):
    place = np.array(next(iter(known_minima.values())))
    result = connect(place, place + 1e-3, surface, surface_settings)
    assert result.connected
    assert result.path == []
    assert result.triples == []
    assert result.cycles == 0


def check_connection(potential, result):
    """The path is a chain from start to finish of verified triples, and no stationary point occurs twice."""
    at = 0
    for k in result.path:
        plus, minus = result.edges[k]
        assert at in (plus, minus)
        at = minus if at == plus else plus
    assert at == 1
    for triple, (plus, minus) in zip(result.triples, result.edges, strict=True):
        for end, index in ((triple.plus, plus), (triple.minus, minus)):
            assert end.energy == pytest.approx(result.minima[index].energy, abs=1e-6)
            assert end.energy < triple.transition_state.energy
        ts = triple.transition_state
        n = potential.n_variables
        assert np.linalg.norm(potential.gradient(ts.coordinates)) / np.sqrt(n) < 1e-7
        values = np.linalg.eigvalsh(potential.hessian(ts.coordinates))
        assert values[0] == pytest.approx(ts.negative_eigenvalue, rel=1e-6)
    symmetry = potential.symmetry
    for records in (result.minima, [t.transition_state for t in result.triples]):
        for one, other in itertools.combinations(records, 2):
            if abs(one.energy - other.energy) < 1e-6:
                assert not symmetry.same(one.coordinates, other.coordinates, 0.05)


def test_lj13():
    potential, settings = LennardJones(13), OptimSettings()
    rng = np.random.default_rng(10)
    connected = 0
    for _ in range(4):
        ends = []
        while len(ends) < 2:
            minimum = as_minimum(potential, potential.random_coordinates(rng), settings)
            if all(abs(minimum.energy - e.energy) > 1e-5 for e in ends):
                ends.append(minimum)
        result = connect(*ends, potential, settings, rng)
        if result.connected:
            connected += 1
            check_connection(potential, result)
    assert connected >= 3


def test_xor_network():
    inputs, classes = xor_data()
    potential = MultilayerPerceptron([2, 3, 2], inputs, classes, 1e-3)
    settings = default_settings(potential)
    rng = np.random.default_rng(12)
    ends = []
    while len(ends) < 2:
        minimum = as_minimum(potential, potential.random_coordinates(rng), settings)
        if all(abs(minimum.energy - e.energy) > 1e-5 for e in ends):
            ends.append(minimum)
    result = connect(*ends, potential, settings, rng)
    assert result.connected, result.message
    check_connection(potential, result)


def test_flat_end_points_converge():
    """A weakly regularised network takes ten thousand steps to its minimum, which the default allows."""
    data = generate(2.0 * np.sqrt(3.0), 300, 6)
    network = MultilayerPerceptron((2, 10, 4), data.inputs, data.classes, 1e-6)
    minimum = as_minimum(network, network.random_coordinates(np.random.default_rng(3)), default_settings(network))
    assert np.linalg.norm(network.gradient(minimum.coordinates)) < 1e-8
    assert np.linalg.eigvalsh(network.hessian(minimum.coordinates))[1] > 0.0


def test_the_same_seed_gives_the_same_result():
    potential, settings = LennardJones(13), OptimSettings()
    ends = [quenched(potential, 20), quenched(potential, 21)]
    runs = [connect(*ends, potential, settings, np.random.default_rng(1)) for _ in range(2)]
    first, second = ([t.transition_state.coordinates for t in r.triples] for r in runs)
    assert len(first) == len(second)
    assert all((x == y).all() for x, y in zip(first, second, strict=True))


def test_limits():
    potential = LennardJones(13)
    ends = [quenched(potential, 20), quenched(potential, 21)]
    everything = connect(*ends, potential, OptimSettings())
    energies = sorted(t.transition_state.energy for t in everything.triples)
    limited = connect(*ends, potential, OptimSettings(max_ts_energy=energies[0] + 1e-6, cycles=3))
    assert all(t.transition_state.energy <= energies[0] + 1e-6 for t in limited.triples)
    assert limited.failures.get("transition state above MAXTSENERGY", 0) > 0
    assert not connect(*ends, potential, OptimSettings(cycles=1, max_barrier=1e-12)).triples


class Recorder(Silent):
    """Counts the bands."""

    bands = 0

    def band(self, first, second, images, iterations, attempt):
        self.bands += 1


@pytest.mark.skipif(not EXAMPLE.exists(), reason="the LJ38 example is not at hand")
def test_lj38_example():
    lines = (EXAMPLE / "odata").read_text().splitlines()
    start = np.array([line.split()[1:] for line in lines if line.startswith("AX ")], dtype=float).ravel()
    finish = coordinates.read(EXAMPLE / "finish", 114).coordinates
    potential = LennardJones(38, 5.0)
    settings = OptimSettings(distance_tolerance=0.2, tries=1, image_density=20.0, iteration_density=20.0, image_max=30)
    listener = Recorder()
    result = connect(start, finish, potential, settings, None, listener)
    assert result.connected
    assert listener.bands >= result.cycles
    assert result.minima[0].energy == pytest.approx(-173.9284266, abs=1e-7)
    assert result.minima[1].energy == pytest.approx(-173.2523784, abs=1e-7)
    assert (result.minima[0].order, result.minima[0].point_group.replace(" ", "")) == (48, "Oh")
    assert (result.minima[1].order, result.minima[1].point_group.replace(" ", "")) == (10, "C5v")
    check_connection(potential, result)
    assert result.calls < 400_000
