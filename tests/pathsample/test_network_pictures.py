"""Pictures of networks: links left out, maps of inputs, copies, changes along a path."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from common.database import Database
from common.errors import InputError
from optim.minimise import quench
from optim.settings import default_settings
from pathsample.learning.copies import copies_of
from pathsample.learning.node_links import connections, draw_network, draw_sensitivity, sensitivity
from pathsample.learning.weight_path import lowest_way, variable_names
from pathsample.run import run
from potentials.characterise import characterise_minimum
from potentials.datasets.xor import xor_data
from potentials.mlp import MultilayerPerceptron


def network(n_hidden=3, lam=1e-2):
    return MultilayerPerceptron((2, n_hidden, 2), *xor_data(), lam)


def planted(potential):
    """Random variables with the second hidden node unconnected and the third one without a way out."""
    x = potential.random_coordinates(np.random.default_rng(1))
    (w2, w1), (bh, _) = potential.weight_matrices(x)
    w2[1], w1[:, 1], bh[1] = 0.0, 3e-11, -2e-12
    w1[:, 2] = 0.0
    return np.concatenate([w2.ravel(), w1.ravel(), bh, x[-2:]])


def test_vanishing_weights_are_left_out():
    potential = network(4)
    x = planted(potential)
    found = connections(potential, x)
    assert found.connected[0].tolist() == [True, False, False, True]
    assert found.n_left == potential.n_variables - (2 + 2 + 1) - 2
    assert np.isnan(found.weights[1][:, 1:3]).all()
    # a smaller cutoff keeps what is not exactly zero
    assert connections(potential, x, 1e-11).n_left == found.n_left + 2
    axes = Figure().add_subplot()
    draw_network(axes, potential, x)
    (lines,) = axes.collections[:1]
    assert len(lines.get_segments()) == found.n_left
    faces = [tuple(np.round(c, 2)) for s in axes.collections[1:] for c in s.get_facecolors()]
    # two bias nodes are marked, red
    assert faces.count((0.84, 0.15, 0.16, 1.0)) == 2


@pytest.mark.parametrize("layers", [(2, 5, 5, 4), (64, 10, 10), (3, 1, 2)])
def test_networks_of_any_shape_are_drawn(layers):
    rng = np.random.default_rng(0)
    potential = MultilayerPerceptron(layers, rng.random((7, layers[0])), rng.integers(0, layers[-1], 7), 1e-3)
    axes = Figure().add_subplot()
    found = draw_network(axes, potential, potential.random_coordinates(rng))
    assert found.n_left == potential.n_variables
    assert all(c.all() for c in found.connected)
    draw_network(Figure().add_subplot(), potential, np.zeros(potential.n_variables))


def test_map_is_the_network_on_the_grid_of_the_paper():
    potential = network()
    x = potential.random_coordinates(np.random.default_rng(2))
    grid, probabilities = sensitivity(potential, x)
    assert (grid[0], len(grid)) == (-0.5, 134)
    assert grid[-1] == pytest.approx(1.495)
    for i, j in ((0, 0), (100, 3), (133, 133)):
        assert probabilities[i, j] == pytest.approx(potential.probabilities(x, [[grid[i], grid[j]]])[0], abs=1e-14)
    assert len(sensitivity(potential, x, 0.0, 1.0, 0.1)[0]) == 11
    axes = Figure().add_subplot()
    draw_sensitivity(axes, potential, x, step=0.1)
    assert len(axes.images) == 1
    with pytest.raises(ValueError, match="two of them"):
        sensitivity(MultilayerPerceptron((3, 1, 2), np.eye(3), [0, 1, 0], 1e-3), np.zeros(10))


def test_all_copies_of_three_nodes():
    potential = network(3)
    x = potential.random_coordinates(np.random.default_rng(3))
    copies, complete = copies_of(potential, x, np.random.default_rng(0))
    assert complete
    assert len(np.unique(np.round(copies, 12), axis=0)) == 48 == math.factorial(3) * 2**3
    assert np.array_equal(copies[0], x)
    for copy in copies:
        assert potential.energy(copy) == pytest.approx(potential.energy(x), rel=1e-14)
        assert potential.symmetry.align(copy, x)[1] < 1e-7
    drawn, complete = copies_of(network(6), np.ones(32), np.random.default_rng(0), 20)
    assert not complete
    assert drawn.shape == (20, 32)


def test_lowest_way_avoids_the_high_pass():
    # 0-1-2 over 5 and 6, straight over 9, and twice between 0 and 1
    plus, minus, energies = np.array([0, 0, 1, 0, 3]), np.array([2, 1, 2, 1, 3]), np.array([9.0, 7.0, 6.0, 5.0, 1.0])
    assert lowest_way(5, plus, minus, energies, 0, 2) == ([0, 1, 2], [3, 2])
    assert lowest_way(5, plus, minus, energies, 2, 2) == ([2], [])
    assert lowest_way(5, plus, minus, energies, 0, 3) is None
    assert lowest_way(2, plus[:0], minus[:0], energies[:0], 0, 1) is None


def test_names_of_variables():
    names = variable_names(network(2))
    assert " ".join(names) == "w2(1,1) w2(1,2) w2(2,1) w2(2,2) w1(1,1) w1(1,2) w1(2,1) w1(2,2) bh(1) bh(2) bo(1) bo(2)"
    deep = MultilayerPerceptron((2, 3, 4, 2), *xor_data(), 1e-2)
    assert variable_names(deep)[6] == "w[2](1,1)"
    assert len(variable_names(deep)) == deep.n_variables


@pytest.fixture
def landscape(tmp_path):
    """Two minima of exclusive or with three nodes at 1e-2."""
    (tmp_path / "odata.connect").write_text("XOR 3 1D-2\nNEWCONNECT 5 2 3.0 20.0 20 0.5 0.01\nNOIT\nPMPATH\nVARIABLES\n")
    potential, rng = network(3), np.random.default_rng(1)
    settings = default_settings(potential)
    arguments = {"symmetry": potential.symmetry, "fingerprint": potential.fingerprint(), "n_variables": potential.n_variables}
    with Database(tmp_path / "landscape.db", energy_tolerance=1e-8, distance_tolerance=1e-3, **arguments) as database:
        while database.n_minima < 2:
            result = quench(potential, potential.random_coordinates(rng), settings)
            if result.converged and result.energy < 0.6:
                database.add_minimum(characterise_minimum(potential, result.coordinates))
    return tmp_path


def test_keywords(landscape, capsys):
    (landscape / "pathdata").write_text(
        "SEED 1\nCONNECTPAIRS pairs\nCYCLES 3\nJOBSPERCYCLE 1\nPICTURES 5\nSENSITIVITY -0.5 1.5 0.1\nCOPIES 1\nWEIGHTPATH 1 2\n"
    )
    (landscape / "pairs").write_text("1 2\n")
    assert run(landscape) == 0
    out = capsys.readouterr().out
    assert "copies> minimum 1: 48 different copies, 48 drawn" in out
    for name in ("pictures", "copies", "weight_path"):
        assert (landscape / f"{name}.pdf").stat().st_size > 1000
        assert (landscape / f"{name}.png").stat().st_size > 1000
    table = np.loadtxt(landscape / "weight_path")
    assert table.shape[1] == 2 + network(3).n_variables
    # lengths grow, energies are those of the points, neighbours are close
    assert (np.diff(table[:, 0]) >= 0).all()
    for row in table[:: len(table) // 8]:
        assert network(3).energy(row[2:]) == pytest.approx(row[1], abs=1e-8)
    assert np.linalg.norm(np.diff(table[:, 2:], axis=0), axis=1).max() < 0.35
    with Database(landscape / "landscape.db", read_only=True) as database:
        assert table[0, 1] == pytest.approx(database.energies()[0], abs=1e-9)
        assert table[-1, 1] == pytest.approx(database.energies()[1], abs=1e-9)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("COPIES 9", "no minimum 9"),
        ("WEIGHTPATH 1 9", "no minimum 9"),
        ("WEIGHTPATH 1 2", "no known path"),
        ("SENSITIVITY 1 0 0.1", "must be above the lowest"),
        ("SENSITIVITY 0 1 1D-7", "longer step"),
    ],
)
def test_what_cannot_be_drawn_is_refused(landscape, line, problem):
    (landscape / "pathdata").write_text(f"{line}\n")
    with pytest.raises(InputError, match=problem):
        run(landscape)


def test_pictures_need_a_network(tmp_path):
    (tmp_path / "odata.connect").write_text("REGRESSION 1\nNEWCONNECT 5 2 3.0 20.0 30 0.5 0.01\nVARIABLES\n")
    (tmp_path / "pathdata").write_text("PICTURES\nCOPIES\n")
    with pytest.raises(InputError, match="PICTURES needs a neural network"):
        run(tmp_path)
    (tmp_path / "odata.connect").write_text("XOR 3 1D-2\nNEWCONNECT 5 2 3.0 20.0 20 0.5 0.01\nVARIABLES\n")
    (tmp_path / "pathdata").write_text("NOPOINTS\nPICTURES\n")
    with pytest.raises(InputError, match="needs a neural network"):
        run(tmp_path)
