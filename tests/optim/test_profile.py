"""Pictures of paths, extended xyz, and the library entry."""

from pathlib import Path

import numpy as np
import pytest

from optim.connect import as_minimum
from optim.frames import join
from optim.jobs import connect
from optim.plot import blocks, draw, save_profile
from optim.settings import default_settings
from potentials.lj import LennardJones
from potentials.mlp import MultilayerPerceptron


def different_minima(potential, settings, rng):
    first = as_minimum(potential, potential.random_coordinates(rng), settings)
    while True:
        second = as_minimum(potential, potential.random_coordinates(rng), settings)
        if abs(first.energy - second.energy) > 1e-4:
            return first, second


def connected(potential, seed):
    settings = default_settings(potential).with_changes(frames=100)
    rng = np.random.default_rng(seed)
    result = connect(*different_minima(potential, settings, rng), potential, settings, rng)
    assert result.connected
    return result


@pytest.fixture(scope="module")
def cluster():
    return connected(LennardJones(8), 1)


def network():
    points = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return MultilayerPerceptron((2, 3, 2), points, [0, 1, 1, 0], 1e-3)


def test_the_result_is_a_sequence_of_triples(cluster, capsys):
    assert len(cluster) == len(cluster.triples) > 0
    assert [triple.transition_state.energy for triple in cluster] == [p.triple.transition_state.energy for p in cluster.paths]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("potential", [LennardJones(8), network()], ids=["cluster", "network"])
def test_joined_path_is_continuous_and_its_marks_are_stationary(potential):
    result = connected(potential, 2)
    path = join(result, potential.symmetry)
    steps = np.linalg.norm(np.diff(path.points, axis=0), axis=1)
    assert steps.max() <= np.diff(path.lengths).max() + 1e-3
    energies, gradients = potential.energy_gradient_batch(path.points)
    assert energies == pytest.approx(path.energies, abs=1e-6)
    assert [kind for _, kind, _ in path.stationary] == ["minimum", "transition state"] * len(result.path) + ["minimum"]
    for index, kind, number in path.stationary:
        record = result.minima[number - 1] if kind == "minimum" else result.triples[number - 1].transition_state
        assert path.energies[index] == pytest.approx(record.energy, abs=1e-7)
        assert np.abs(gradients[index]).max() < 1e-4


def test_picture_has_a_panel_for_what_there_is(cluster, tmp_path):
    names = save_profile(tmp_path / "profile", cluster, LennardJones(8))
    assert [Path(name).read_bytes()[:4] for name in names] == [b"\x89PNG", b"%PDF"]
    small = network()
    labels = [axes.get_ylabel() for axes in draw(connected(small, 3), small).axes]
    assert "energy" in labels
    assert "change since the start" in labels
    ends, names = blocks(small)
    assert ends == [6, 12, 15, 17]
    assert names == ["weights 1-2", "weights 2-3", "biases 2", "biases 3"]


def test_extended_xyz_is_read_by_ase(cluster, tmp_path):
    from optim.output import extended_path

    io = pytest.importorskip("ase.io")
    path = join(cluster, LennardJones(8).symmetry)
    (tmp_path / "path.extxyz").write_text(extended_path(path, ("AX",) * 8))
    frames = io.read(tmp_path / "path.extxyz", index=":")
    assert [frame.get_potential_energy() for frame in frames] == pytest.approx(path.energies, abs=1e-9)
    assert frames[3].positions.ravel() == pytest.approx(path.points[3], abs=1e-12)
    assert [frame.info["kind"] for frame in frames].count("transition_state") == len(cluster.path)
