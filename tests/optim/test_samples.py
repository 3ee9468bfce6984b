"""Samples of a landscape: starting points of all kinds, what is recognised, and what is reported."""

import numpy as np
import pytest

from optim.samples import KINDS, KnownPoints, Starts, sample, units
from optim.settings import default_settings
from potentials.datasets.xor import xor_data
from potentials.lj import LennardJones
from potentials.mlp import MultilayerPerceptron
from potentials.symmetry import NetworkNodes, NoSymmetry, PeriodicCluster, RigidCluster


def known(potential, triples):
    """Known points from triples, numbered in their order from 11 and 21."""
    states = np.array([t.transition_state.coordinates for t in triples])
    minima = np.array([t.plus.coordinates for t in triples])
    energies = np.array([t.transition_state.energy for t in triples])
    return KnownPoints(minima, states, energies, np.arange(11, 11 + len(minima)), np.arange(21, 21 + len(states)))


@pytest.fixture(scope="module")
def cluster():
    """LJ7 and what 150 samples know of it."""
    potential = LennardJones(7)
    settings = default_settings(potential).with_changes(eigenvalues=False)
    nothing = KnownPoints.nothing(21)
    return potential, settings, sample(potential, settings, np.random.default_rng(1), nothing, 150)


def test_samples_find_every_transition_state(cluster):
    """Twelve, Doye and Wales, J. Chem. Phys. 116, 3777 (2002)."""
    potential, _, found = cluster
    assert found.searches == 150
    assert len(found.triples) == 12
    for triple in found.triples:
        assert triple.transition_state.energy > max(triple.plus.energy, triple.minus.energy)
    # nothing was known, so that all are among the triples, and each found more than once
    numbers = [number for sources, number in found.found if sources == ()]
    assert len(numbers) == len(found.found) > 100
    assert set(numbers) == set(range(-12, 0))
    assert potential.calls > 0


def test_known_transition_states_are_recognised(cluster):
    potential, settings, first = cluster
    some = first.triples[:6]
    found = sample(potential, settings, np.random.default_rng(2), known(potential, some), 120)
    assert len(found.triples) <= 6
    energies = [t.transition_state.energy for t in some]
    assert all(abs(t.transition_state.energy - e) > 1e-6 for t in found.triples for e in energies)
    assert {number for _, number in found.found if number > 0} <= set(range(21, 27))
    labels = {label for sources, _ in found.found for label in sources}
    assert labels <= set(range(-16, -10)) | set(range(21, 27))
    assert min(labels) < 0 < max(labels)
    assert {len(sources) for sources, _ in found.found} == {0, 1, 2}


def test_the_same_seed_gives_the_same_samples(cluster):
    potential, settings, first = cluster
    points = known(potential, first.triples)
    runs = [sample(potential, settings, np.random.default_rng(5), points, 20) for _ in range(2)]
    assert runs[0].found == runs[1].found


def test_evaluations_end_a_job(cluster):
    potential, settings, _ = cluster
    found = sample(potential, settings, np.random.default_rng(1), KnownPoints.nothing(21), 1000, most_calls=2000)
    assert 1 <= found.searches < 20


def test_limits_on_energies_leave_transition_states_out(cluster):
    potential, settings, _ = cluster
    low = settings.with_changes(max_ts_energy=-15.0)
    found = sample(potential, low, np.random.default_rng(1), KnownPoints.nothing(21), 60)
    assert 0 < len(found.triples) < 12
    assert max(t.transition_state.energy for t in found.triples) <= -15.0
    flat = settings.with_changes(max_barrier=1e-6)
    assert sample(potential, flat, np.random.default_rng(1), KnownPoints.nothing(21), 20).found == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["cluster", "network"])
def test_starting_points(kind, name, cluster):
    if name == "cluster":
        potential, points = cluster[0], known(cluster[0], cluster[2].triples)
    else:
        potential = MultilayerPerceptron([2, 2, 2], *xor_data(), lam=1e-3)
        x = np.random.default_rng(0).standard_normal((3, potential.n_variables))
        points = KnownPoints(x, x, np.zeros(3), np.arange(1, 4), np.arange(1, 4))
    starts = Starts(potential, np.random.default_rng(3), points)
    for _ in range(30):
        point, direction, sources = getattr(starts, kind)()
        assert point.shape == direction.shape == (potential.n_variables,)
        assert np.isfinite(point).all()
        assert np.linalg.norm(direction) > 0.0
        assert len(sources) == {"random": 0, "between": 2}.get(kind, 1)
    point, direction, _ = starts.draw()
    assert np.linalg.norm(direction) == pytest.approx(1.0)


def test_units_are_atoms_hidden_nodes_or_variables():
    assert [unit.tolist() for unit in units(RigidCluster(2), 6)] == [[0, 1, 2], [3, 4, 5]]
    assert len(units(PeriodicCluster(3, (5.0, 5.0, 5.0)), 9)) == 3
    assert [unit.tolist() for unit in units(NoSymmetry(), 2)] == [[0], [1]]
    nodes = units(NetworkNodes((2, 3, 2)), 17)
    # two weights in, two out, the bias
    assert [unit.tolist() for unit in nodes] == [[0, 1, 6, 9, 12], [2, 3, 7, 10, 13], [4, 5, 8, 11, 14]]
    deep = units(NetworkNodes((1, 2, 2, 1), has_biases=False), 8)
    assert [unit.tolist() for unit in deep] == [[0, 2, 4], [1, 3, 5], [2, 3, 6], [4, 5, 7]]
