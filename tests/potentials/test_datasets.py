import numpy as np
import pytest

from common.errors import InputError
from potentials.datasets import ljat3
from potentials.datasets.__main__ import main
from potentials.datasets.files import read_data, write_data
from potentials.datasets.xor import xor_data


@pytest.mark.parametrize(
    ("side", "fractions"), [(2 * 3**0.5, (0.21, 0.26, 0.27, 0.26)), (1.385, (0.73, 0.09, 0.09, 0.09))], ids=["D1", "D2"]
)
def test_class_fractions_as_published(side, fractions):
    data = ljat3.generate(side, 10_000, seed=1)
    np.testing.assert_allclose(data.fractions(), fractions, atol=0.03)


def test_every_quench_ends_in_one_of_the_four_minima():
    data = ljat3.generate(2 * 2**0.5, 10_000, seed=2)
    expected = np.where(data.classes == 0, -2.18509884, -2.21909817)
    np.testing.assert_allclose(data.energies, expected, atol=1e-8)
    assert set(data.classes) == {0, 1, 2, 3}
    assert data.not_converged + data.not_minima < 50


def test_longer_sets_start_with_the_shorter_ones_and_seeds_differ():
    short, long = ljat3.generate(2.0, 300, seed=3), ljat3.generate(2.0, 1700, seed=3, distances=3)
    np.testing.assert_array_equal(short.inputs, long.inputs[:300, :2])
    np.testing.assert_array_equal(short.classes, long.classes[:300])
    assert (ljat3.generate(2.0, 300, seed=4).inputs != short.inputs).all()


def test_inputs_are_the_distances_of_the_start():
    data = ljat3.generate(1.385, 50, seed=5, distances=3)
    atoms = data.starts.reshape(-1, 3, 3)
    assert data.starts.min() >= 0.0
    assert data.starts.max() <= 1.385
    np.testing.assert_allclose(data.inputs[:, 1], np.linalg.norm(atoms[:, 0] - atoms[:, 2], axis=1))
    np.testing.assert_allclose(data.inputs[:, 2], np.linalg.norm(atoms[:, 1] - atoms[:, 2], axis=1))


@pytest.mark.parametrize("arguments", [(0.0, 5), (-1.0, 5), (np.inf, 5), (1.0, 0), (1.0, 5, 4)])
def test_bad_requests_are_refused(arguments):
    side, items, *distances = arguments
    with pytest.raises(ValueError, match=r"side|item|distances"):
        ljat3.generate(side, items, 1, *distances)


# --- Files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["first", "last"])
def test_files_read_back_to_the_same_bits(tmp_path, layout):
    rng = np.random.default_rng(0)
    inputs, classes = rng.normal(size=(100, 3)), rng.integers(0, 4, 100)
    write_data(tmp_path / "MLPdata", inputs, classes, layout)
    read, outcome = read_data(tmp_path / "MLPdata", 3, n_classes=4, layout=layout)
    np.testing.assert_array_equal(read, inputs)
    np.testing.assert_array_equal(outcome, classes)


def test_start_column_and_number_of_items(tmp_path):
    path = tmp_path / "MLPdata"
    path.write_text("1 10 11 12 13\n0 20 21 22 23\n3 30 31 32 33\n")
    inputs, classes = read_data(path, 2, start=2, n_items=2, n_classes=2)
    assert inputs.tolist() == [[11, 12], [21, 22]]
    assert classes.tolist() == [1, 0]


def test_fortran_numbers_commas_and_blank_lines(tmp_path):
    path = tmp_path / "MLPdata"
    path.write_text("1 1.0D-1, .5\n\n0 2.0 3.0\n")
    inputs, classes = read_data(path, 2)
    assert inputs.tolist() == [[0.1, 0.5], [2.0, 3.0]]
    assert classes.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("0 1 2\n1 1\n", ":2:", "at least 3 columns"),
        ("0 1 2\n\n4 1 2\n", ":3:", "between 0 and 3"),
        ("0 1 2\n-1 1 2\n", ":2:", "between 0 and 3"),
        ("0 1 2\n0.5 1 2\n", ":2:", "must be an integer"),
        ("0 1 2\n1 one 2\n", ":2:", "found 'one'"),
        ("0 1 2\n1 nan 2\n", ":2:", "finite|number"),
        ("0 1 2\n1 \0\1 2\n", ":2:", "found bytes that are no text"),
        ("0 1 2\n", "MLPdata:", "2 data items are wanted, the file holds 1"),
        ("", "MLPdata:", "holds no data"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_problems_name_file_and_line(tmp_path, text, line, message):
    path = tmp_path / "MLPdata"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_data(path, 2, n_items=2, n_classes=4)
    assert line in str(caught.value)
    assert "MLPdata" in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_data(tmp_path / "MLPdata", 2)


def test_outcome_last_wants_the_exact_number_of_columns(tmp_path):
    path = tmp_path / "MLPdata"
    path.write_text("1 2 3 0\n")
    with pytest.raises(InputError, match="exactly 3 columns"):
        read_data(path, 2, layout="last")


# --- Command line ----------------------------------------------------------------------------------------------------


def test_command_line_writes_training_and_test_data(tmp_path, capsys):
    output = tmp_path / "MLPdata"
    options = ["--side", "3.4641016", "--items", "200", "--test-items", "100", "--seed", "7"]
    arguments = ["ljat3", *options, "--output", str(output)]
    assert main(arguments) == 0
    clean = read_data(output, 2, n_classes=4)
    test = read_data(f"{output}.test", 2, n_classes=4)
    assert clean[0].shape == (200, 2)
    assert test[0].shape == (100, 2)
    assert "classes" in capsys.readouterr().out
    assert main([*arguments, "--mislabel", "0.25"]) == 0
    wrong = read_data(output, 2, n_classes=4)
    np.testing.assert_array_equal(wrong[0], clean[0])
    assert (wrong[1] != clean[1]).sum() == 50
    np.testing.assert_array_equal(read_data(f"{output}.test", 2)[1], test[1])


def test_command_line_xor(tmp_path):
    for outcome in ("first", "last"):
        assert main(["xor", "--output", str(tmp_path / "x"), "--outcome", outcome]) == 0
        inputs, classes = read_data(tmp_path / "x", 2, layout=outcome)
        np.testing.assert_array_equal(inputs, xor_data()[0])
        np.testing.assert_array_equal(classes, xor_data()[1])


@pytest.mark.parametrize(
    "change", ["--side -1", "--items 0", "--items x", "--seed -1", "--mislabel 1.5", "--distances 4", "--test-items 0"]
)
def test_command_line_refuses_bad_arguments(tmp_path, change, capsys):
    change = change.split()
    good = ["ljat3", "--side", "2", "--items", "5", "--seed", "1", "--output", str(tmp_path / "x")]
    with pytest.raises(SystemExit) as caught:
        main([*good, *change])
    assert caught.value.code == 2
    assert change[0] in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_command_line_output_that_cannot_be_written(tmp_path, capsys):
    assert main(["xor", "--output", str(tmp_path / "absent" / "x")]) == 2
    assert "absent" in capsys.readouterr().err
