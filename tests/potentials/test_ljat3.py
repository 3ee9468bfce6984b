"""Three atoms: the minima of the surface, the labels of what is none, and the sequences of the quenches."""

import numpy as np
import pytest

from common.errors import InputError
from common.lbfgs import minimise
from potentials.datasets import ljat3
from potentials.datasets.__main__ import main
from potentials.datasets._ljat3 import quench_and_classify
from potentials.datasets.files import read_data
from potentials.ljat import LennardJonesAxilrodTeller

#: D1, D2, D3 and a cube so large that clusters fall apart.
SIDES = (2 * 3**0.5, 1.385, 2 * 2**0.5, 8.0)


@pytest.mark.validation
@pytest.mark.parametrize("side", SIDES)
def test_four_minima_and_no_other_in_ten_thousand_quenches(side):
    data = ljat3.generate(side, 10_000, seed=11)
    assert data.left_out[ljat3.OTHER_MINIMUM] == 0
    assert data.left_out[ljat3.NOT_CONVERGED] == 0
    expected = np.where(data.classes == 0, -2.18509884, -2.21909817)
    np.testing.assert_allclose(data.energies, expected, atol=1e-8)
    assert set(data.classes) == {0, 1, 2, 3}
    if side < 4.0:
        assert data.not_minima == 0
    else:
        assert data.left_out[ljat3.DISSOCIATED] > 0


@pytest.mark.validation
@pytest.mark.parametrize(
    ("side", "fractions"), [(SIDES[0], (0.21, 0.26, 0.27, 0.26)), (SIDES[1], (0.73, 0.09, 0.09, 0.09))], ids=["D1", "D2"]
)
def test_fractions_of_twenty_thousand_items(side, fractions):
    data = ljat3.generate(side, 20_000, seed=5)
    np.testing.assert_allclose(data.fractions(), fractions, atol=0.03)


def test_fractions_of_d3_are_symmetric_in_the_atoms():
    """No fractions are published for D3; the three linear minima must be equally frequent within the noise (0.004)."""
    fractions = ljat3.generate(SIDES[2], 20_000, seed=5).fractions()
    assert 0.2 < fractions[0] < 0.3
    np.testing.assert_allclose(fractions[1:], fractions[1:].mean(), atol=0.02)


def outcome_of(start, max_iterations=ljat3.MAX_ITERATIONS):
    potential = LennardJonesAxilrodTeller(3, ljat3.Z)
    ends, outcomes = np.array([np.ravel(start)], dtype=float), np.empty(1, dtype=np.int8)
    quench_and_classify(
        potential, ends, np.empty(1), outcomes, ljat3.TRIANGLE_SIDE, ljat3.LINEAR_BOND, ljat3.TOLERANCE, ljat3.RMS,
        ljat3.MAX_STEP, max_iterations,
    )  # fmt: skip
    ljat3._label_the_rest(potential, ends, outcomes)
    return outcomes[0], ends[0]


def isosceles_saddle():
    """The saddle between triangle and line: stationary on the isosceles triangles with apex 1, a maximum along the angle."""
    potential = LennardJonesAxilrodTeller(3, ljat3.Z)

    def geometry(half_angle, r):
        return r * np.array([0, 0, 0, np.sin(half_angle), np.cos(half_angle), 0, -np.sin(half_angle), np.cos(half_angle), 0])

    lengths = np.linspace(1.08, 1.2, 400)
    energies = [min(potential.energy(geometry(h, r)) for r in lengths) for h in np.linspace(0.53, np.pi / 2, 60)]
    h = np.linspace(0.53, np.pi / 2, 60)[int(np.argmax(energies))]
    r = lengths[np.argmin([potential.energy(geometry(h, r)) for r in lengths])]
    x = geometry(h, r)
    for _ in range(50):
        x = x - np.linalg.pinv(potential.hessian(x), rcond=1e-7) @ potential.gradient(x)
    return x


def test_saddles_and_dissociated_clusters_are_labelled():
    x = isosceles_saddle()
    potential = LennardJonesAxilrodTeller(3, ljat3.Z)
    assert np.sum(np.linalg.eigvalsh(potential.hessian(x)) < -1e-6) == 1
    assert outcome_of(x)[0] == ljat3.SADDLE
    assert outcome_of([0, 0, 0, 1.1, 0, 0, 60.0, 0, 0])[0] == ljat3.DISSOCIATED
    assert outcome_of([0, 0, 0, 30.0, 0, 0, 60.0, 50.0, 0])[0] == ljat3.DISSOCIATED
    assert outcome_of([0, 0, 0, 1.3, 0, 0, 0.5, 1.5, 0], max_iterations=3)[0] == ljat3.NOT_CONVERGED


@pytest.mark.parametrize("centre", [1, 2, 3])
def test_the_atom_in_the_centre_names_the_class(centre):
    x = np.array([[-1.2, 0, 0], [1.2, 0.05, 0], [0, 0, 0.02]])
    order = [0, 1]
    order.insert(centre - 1, 2)
    assert outcome_of(x[order])[0] == centre


# --- Sequences -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sequences():
    return ljat3.generate(SIDES[0], 400, seed=9, steps=ljat3.STEPS)


def test_sequences_change_nothing_else(sequences):
    plain = ljat3.generate(SIDES[0], 400, seed=9)
    assert sequences.sequences.shape == (400, 81, 3)
    for name in ("inputs", "classes", "starts", "energies"):
        np.testing.assert_array_equal(getattr(sequences, name), getattr(plain, name))
    assert plain.sequences is None


def test_sequences_start_at_the_minimum_and_are_padded_with_the_start(sequences):
    triangle, line = [ljat3.TRIANGLE_SIDE] * 3, np.array([1.0, 1.0, 2.0]) * ljat3.LINEAR_BOND
    for k in range(400):
        expected = triangle if sequences.classes[k] == 0 else line
        np.testing.assert_allclose(np.sort(sequences.sequences[k, 0]), expected, atol=1e-6)
        n = sequences.steps[k]
        if n <= 80:
            start = ljat3.distances_of(sequences.starts[k])[0]
            np.testing.assert_array_equal(sequences.sequences[k, n:], np.tile(start, (81 - n, 1)))
    assert (sequences.steps < 80).any()
    assert (sequences.steps > 80).any()
    np.testing.assert_array_equal(sequences.inputs_at(17, 3), sequences.sequences[:, 17])
    np.testing.assert_array_equal(sequences.inputs_at(17), sequences.sequences[:, 17, :2])


def test_sequences_are_those_of_the_minimiser(sequences):
    """Stopping the quench after k steps leads to the geometry stored steps - k before the end."""
    potential = LennardJonesAxilrodTeller(3, ljat3.Z)
    for item in range(10):
        n = sequences.steps[item]
        for k in range(max(0, n - 80), n + 1, 7):
            part = minimise(potential, sequences.starts[item], rms=ljat3.RMS, max_step=ljat3.MAX_STEP, max_iterations=k)
            np.testing.assert_array_equal(sequences.sequences[item, n - k], ljat3.distances_of(part.coordinates)[0])


def test_sequences_survive_their_file(sequences, tmp_path):
    path = tmp_path / "d1.npz"
    sequences.save(path)
    again = ljat3.read_sequences(path)
    for name in ("inputs", "classes", "starts", "energies", "sequences", "steps", "left_out"):
        np.testing.assert_array_equal(getattr(again, name), getattr(sequences, name))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match="not an archive"):
        ljat3.read_sequences(path)
    with pytest.raises(InputError, match="not an archive"):
        ljat3.read_sequences(tmp_path / "missing.npz")


def test_sequences_from_the_command_line(tmp_path, sequences, capsys):
    common = ["ljat3", "--side", str(SIDES[0]), "--items", "300", "--test-items", "100", "--seed", "9", "--distances", "3"]
    archive, data = tmp_path / "d1.npz", tmp_path / "MLPdata"
    assert main([*common, "--output", str(data), "--sequences", str(archive)]) == 0
    assert "400 sequences of 80 steps" in capsys.readouterr().out
    np.testing.assert_array_equal(ljat3.read_sequences(archive).sequences, sequences.sequences)
    assert main([*common, "--output", str(data), "--before", "12"]) == 0
    inputs, classes = read_data(data, 3)
    np.testing.assert_array_equal(inputs, sequences.inputs_at(12, 3)[:300])
    np.testing.assert_array_equal(classes, sequences.classes[:300])
