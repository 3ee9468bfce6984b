import numpy as np
import pytest

from common.errors import InputError
from common.keywords import load_table, parse_file, parse_text
from potentials.datasets.files import write_data
from potentials.lj import LennardJones
from potentials.ljat import LennardJonesAxilrodTeller
from potentials.selection import potential_from_keywords, potential_table_path, read_network_data

TABLE = load_table(potential_table_path())


def choose(text, directory=".", **options):
    return potential_from_keywords(parse_text(text, TABLE), directory, **options)


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    inputs, classes = rng.uniform(0.5, 3.0, (30, 3)), np.arange(30) % 4
    write_data(tmp_path / "MLPdata", inputs, classes)
    return tmp_path, inputs, classes


@pytest.mark.parametrize("symbol", [None, "", "LJ", "AX", "ax"])
def test_lennard_jones_is_the_default(symbol):
    potential = choose("", n_variables=39, symbol=symbol)
    assert type(potential) is LennardJones
    assert potential.n_atoms == 13


@pytest.mark.parametrize("text", ["LJAT 2.0", "PARAMS 2.0"])
def test_axilrod_teller(text):
    potential = choose(text, n_variables=9)
    assert type(potential) is LennardJonesAxilrodTeller
    assert potential.z == 2.0


@pytest.mark.parametrize("text", ["LJAT 0.0", "PARAMS 0.0", "PARAMS"])
def test_no_triple_term_is_lennard_jones(text):
    assert type(choose(text, n_variables=9)) is LennardJones


def test_radius():
    assert choose("RADIUS 5.0", n_variables=9).radius == 5.0
    assert choose("RADIUS 5.0\nLJAT 1.0", n_variables=9).radius == 5.0


def test_mlpvb3(data):
    directory, inputs, classes = data
    potential = choose("MLPVB3 2 2 5 4 30 1D-3", directory, n_variables=39)
    assert potential.layers == (2, 5, 4)
    assert potential.lam == 1e-3
    np.testing.assert_array_equal(potential.inputs, inputs[:, 1:])
    np.testing.assert_array_equal(potential.classes, classes)
    assert potential.regularise_biases
    assert choose("NOREGBIAS\nMLPVB3 2 2 5 4 30 1D-3", directory).symmetry.n_zero == 1


def test_mlpvb3nn(data):
    potential = choose("MLPVB3NN 2 1 10 4 30 1D-3 1", data[0])
    assert potential.frozen.sum() == 40


def test_mlp3_reads_the_outcome_last_or_with_a_start_first(data):
    directory, inputs, classes = data
    write_data(directory / "MLPdata", inputs, classes, "last")
    old = choose("MLP3 3 4 4 30 1D-3", directory, n_variables=28)
    np.testing.assert_array_equal(old.inputs, inputs)
    assert not old.has_biases
    write_data(directory / "MLPdata", inputs, classes)
    new = choose("MLP3 2 4 4 30 1D-3 2", directory)
    np.testing.assert_array_equal(new.inputs, inputs[:, 1:])


def test_mlpnorm_scales_by_the_mean_size_and_test_data_alike(data):
    directory, inputs, classes = data
    (directory / "data").write_text("MLPNORM\nMLPVB3 3 1 4 4 20 1D-3\n")
    write_data(directory / "other", 7.0 * inputs, classes)
    settings = parse_file(directory / "data", TABLE)
    potential = potential_from_keywords(settings, directory)
    scale = inputs[:20].mean(axis=0)
    np.testing.assert_allclose(potential.inputs, inputs[:20] / scale)
    np.testing.assert_allclose(read_network_data(settings, directory / "other")[0], 7.0 * inputs / scale)
    np.testing.assert_array_equal(read_network_data(settings, directory / "MLPdata")[0], potential.inputs)


def test_number_of_coordinates_must_fit_the_network(data):
    for n_variables in (39, 78, 117, None):
        choose("MLPVB3 2 2 5 4 30 1D-3", data[0], n_variables=n_variables)
    with pytest.raises(InputError, match="39 variables, 38 coordinates"):
        choose("MLPVB3 2 2 5 4 30 1D-3", data[0], n_variables=38)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("MLPVB3 2 1 5 4 30 1D-3\nLJAT 2", {}, "only one keyword"),
        ("MLPNORM", {"n_variables": 9}, "goes with a network"),
        ("NOREGBIAS", {"n_variables": 9}, "goes with a network"),
        ("MLP3 2 4 4 30 1D-3\nNOREGBIAS", {}, "no biases"),
        ("RADIUS 2\nMLPVB3 2 1 5 4 30 1D-3", {}, "goes with a cluster"),
        ("PARAMS 2\nMLPVB3 2 1 5 4 30 1D-3", {}, "goes with a cluster"),
        ("PARAMS 2\nLJAT 2", {"n_variables": 9}, "remove one of the two"),
        ("PARAMS 2 3", {"n_variables": 9}, "one parameter"),
        ("LJAT 2 2.423", {"n_variables": 9}, "cutoff"),
        ("LJAT", {"n_variables": 9}, "missing argument z"),
        ("RADIUS -2", {"n_variables": 9}, "positive"),
        ("MLPVB3 2 1 5 1 30 1D-3", {}, "at least 2"),
        ("", {"n_variables": 10}, "three each"),
        ("", {}, "number of atoms"),
        ("", {"n_variables": 9, "symbol": "Na"}, "symbol Na"),
        ("MLPVB3 3 2 5 4 30 1D-3", {}, "MLPdata:1: expected at least 5 columns"),
        ("MLPVB3 2 1 5 3 30 1D-3", {}, "MLPdata:4: the outcome"),
        ("MLPVB3 2 1 5 4 31 1D-3", {}, "31 data items"),
    ],
)
def test_contradictions_are_refused(data, text, options, message):
    with pytest.raises(InputError, match=message):
        choose(text, data[0], **options)


def test_missing_data_file(tmp_path):
    with pytest.raises(InputError, match="MLPdata: cannot be read"):
        choose("MLPVB3 2 1 5 4 30 1D-3", tmp_path)


def test_a_column_of_zeros_cannot_be_scaled(tmp_path):
    write_data(tmp_path / "MLPdata", np.zeros((5, 2)), np.zeros(5, dtype=int))
    with pytest.raises(InputError, match="input 1 is zero"):
        choose("MLPNORM\nMLPVB3 2 1 5 4 5 1D-3", tmp_path)


def test_every_known_keyword_says_why_it_is_not_supported():
    for keyword in TABLE:
        if not keyword.supported:
            with pytest.raises(InputError, match="known but not supported"):
                choose(keyword.name, n_variables=9)
