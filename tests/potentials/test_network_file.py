"""Network files (keyword MLP), the data they describe, and the other keywords of networks."""

import numpy as np
import pytest

from common.errors import InputError
from common.keywords import load_table, parse_file, parse_text
from potentials.datasets import planar
from potentials.datasets.files import write_data
from potentials.datasets.ljat3 import generate
from potentials.datasets.tables import class_names
from potentials.network_file import read_network_file
from potentials.selection import potential_from_keywords, potential_table_path, read_network_data

TABLE = load_table(potential_table_path())
SPIRALS = "layers: [2, 5, 2]\nlambda: 1e-4\ndata:\n  generator: spirals\n  items: 30\n  test_items: 11\n  seed: 3\n"


@pytest.fixture
def network(tmp_path):
    """Writes a network file and reads it."""

    def read(text):
        (tmp_path / "net.yaml").write_text(text)
        return read_network_file(tmp_path / "net.yaml")

    return read


def keywords(text, directory):
    (directory / "data").write_text(text)
    return parse_file(directory / "data", TABLE)


def test_architecture_and_generator(network):
    found = network("layers: [2, 5, 4, 2]\nlambda: 1D-4\nneighbours: 2\n" + SPIRALS[SPIRALS.index("data") :])
    potential = found.potential()
    assert potential.layers == (2, 5, 4, 2)
    assert potential.lam == 1e-4
    assert potential.neighbours == 2
    inputs, classes = planar.spirals(41, 3)
    np.testing.assert_array_equal(potential.inputs, inputs[:30])
    np.testing.assert_array_equal(potential.classes, classes[:30])
    np.testing.assert_array_equal(found.data.test_inputs, inputs[30:])
    np.testing.assert_array_equal(found.data.test_classes, classes[30:])


def test_ljat3_is_that_of_the_generator(network):
    head = "layers: [3, 4, 4]\nlambda: 0\nregularise_biases: false\n"
    potential = network(head + "data: {generator: ljat3, side: 2, distances: 3, items: 25, seed: 4}\n").potential()
    assert potential.symmetry.n_zero == 5
    np.testing.assert_array_equal(potential.inputs, generate(2.0, 25, 4, 3).inputs)


def test_two_readings_are_the_same_function(network):
    text = SPIRALS + "  mislabel: {fraction: 0.4, seed: 9}\n  normalise: standard\n"
    assert network(text).potential().fingerprint() == network(text).potential().fingerprint()
    other = network(text.replace("seed: 9", "seed: 8")).potential()
    assert other.fingerprint() != network(text).potential().fingerprint()


def test_mislabelling_leaves_inputs_and_test_data_alone(network):
    clean, spoilt = network(SPIRALS).data, network(SPIRALS + "  mislabel: {fraction: 0.4}\n").data
    np.testing.assert_array_equal(clean.inputs, spoilt.inputs)
    np.testing.assert_array_equal(clean.test_classes, spoilt.test_classes)
    assert (clean.classes != spoilt.classes).sum() == 12
    np.testing.assert_array_equal(clean.classes != spoilt.classes, spoilt.wrong)


@pytest.mark.parametrize("way", ["mean", "standard"])
def test_scaling_comes_from_the_training_data(network, way):
    raw, scaled = network(SPIRALS).data, network(SPIRALS + f"  normalise: {way}\n").data
    if way == "standard":
        np.testing.assert_allclose(scaled.inputs.mean(axis=0), 0.0, atol=1e-14)
        np.testing.assert_allclose(scaled.inputs.std(axis=0), 1.0)
    else:
        np.testing.assert_allclose(np.abs(scaled.inputs).mean(axis=0), 1.0)
    np.testing.assert_array_equal(scaled.test_inputs, (raw.test_inputs - scaled.shift) / scaled.divisor)


def test_finite_sets_are_shared_out_without_overlap(network):
    pytest.importorskip("sklearn")
    text = "layers: [4, 3, 3]\nlambda: 1e-3\ndata: {generator: iris, test_items: 40, split: 7}\n"
    data = network(text).data
    assert data.inputs.shape == (110, 4)
    assert data.test_inputs.shape == (40, 4)
    from potentials.datasets.bundled import iris

    both = np.vstack([np.c_[data.inputs, data.classes], np.c_[data.test_inputs, data.test_classes]])
    assert sorted(both.tolist()) == sorted(np.c_[iris()].tolist())
    other = network(text.replace("split: 7", "split: 8")).data
    assert (other.inputs != data.inputs).any()
    in_order = network(text.replace("split: 7", "split: false")).data
    np.testing.assert_array_equal(in_order.classes, iris()[1][:110])


def test_files_in_every_layout(network, tmp_path):
    rng = np.random.default_rng(0)
    inputs, classes = rng.normal(size=(20, 3)), np.arange(20) % 2
    write_data(tmp_path / "MLPdata", inputs, classes)
    write_data(tmp_path / "other", inputs[:5], classes[:5])
    names = np.array(["versicolor", "setosa"])
    rows = [f"{a!r},{b!r},{names[k]},{c!r}" for (a, b, c), k in zip(inputs.tolist(), classes)]
    (tmp_path / "table.csv").write_text("one,two,species,three\n" + "\n".join(rows) + "\n")
    np.savez(tmp_path / "arrays.npz", X=inputs, y=classes, test_inputs=inputs[:4], test_classes=classes[:4])
    head = "layers: [3, 2, 2]\nlambda: 0.1\ndata:\n  items: 15\n"
    plain = network(head + "  file: MLPdata\n  test_file: other\n").data
    np.testing.assert_array_equal(plain.inputs, inputs[:15])
    np.testing.assert_array_equal(plain.test_inputs, inputs[:5])
    table = network(head + "  file: table.csv\n  outcome: species\n").data
    np.testing.assert_array_equal(table.inputs, inputs[:15])
    np.testing.assert_array_equal(table.classes, 1 - classes[:15])
    archive = network(head + "  file: arrays.npz\n").data
    np.testing.assert_array_equal(archive.inputs, inputs[:15])
    assert archive.test_inputs.shape == (4, 3)
    two = network(head.replace("3, 2, 2", "2, 2, 2") + "  file: MLPdata\n  start: 2\n").data
    np.testing.assert_array_equal(two.inputs, inputs[:15, 1:])


def test_idx_files(network, tmp_path):
    import struct

    rng = np.random.default_rng(0)
    for name, n in (("train", 30), ("t10k", 12)):
        pixels, labels = rng.integers(0, 256, (n, 2, 3), dtype=np.uint8), rng.integers(0, 10, n, dtype=np.uint8)
        (tmp_path / f"{name}-images").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, n, 2, 3) + pixels.tobytes())
        (tmp_path / f"{name}-labels").write_bytes(struct.pack(">4B1I", 0, 0, 8, 1, n) + labels.tobytes())
    text = "layers: [6, 2, 10]\nlambda: 0.1\ndata:\n  generator: idx\n  images: train-images\n  labels: train-labels\n"
    data = network(text + "  items: 20\n  test_images: t10k-images\n  test_labels: t10k-labels\n").data
    assert data.inputs.shape == (20, 6)
    assert data.inputs.max() <= 1.0
    assert data.test_inputs.shape == (12, 6)
    with pytest.raises(InputError, match=r"test_images and test_labels go together"):
        network(text + "  test_images: t10k-images\n")


# --- Teacher and student ---------------------------------------------------------------------------------------------

TEACHER = SPIRALS + "teacher:\n  layers: [2, 4, 2]\n  lambda: 1e-3\n  items: 25\n  starts: 3\n  seed: 2\n"


def test_teacher_learns_from_items_of_its_own(network):
    data = network(TEACHER).data
    inputs, classes = planar.spirals(25 + 30 + 11, 3)
    np.testing.assert_array_equal(data.lesson_inputs, inputs[:25])
    np.testing.assert_array_equal(data.lesson_classes, classes[:25])
    np.testing.assert_array_equal(data.inputs, inputs[25:55])
    np.testing.assert_array_equal(data.test_inputs, inputs[55:])
    assert (data.classes != classes[25:55]).any()
    np.testing.assert_array_equal(data.classes, network(TEACHER).data.classes)


def test_weights_of_a_teacher_solve_the_task_of_the_student(network, tmp_path):
    """The student's ground state is known: with the teacher's weights no label is wrong."""
    from common.formats import coordinates, lowest

    x = np.random.default_rng(1).normal(size=27) * 2
    x[25:] = 0.0
    coordinates.write(tmp_path / "weights", x, decimals=17)
    text = SPIRALS + "teacher: {weights: weights}\n"
    found = network(text)
    potential = found.potential()
    assert potential.n_variables == 27
    for inputs, classes in ((found.data.inputs, found.data.classes), (found.data.test_inputs, found.data.test_classes)):
        np.testing.assert_array_equal(np.argmax(potential.probabilities(x, inputs), axis=1), classes)
    # the loss of the scaled weights falls to zero
    free = potential.with_data(found.data.inputs, found.data.classes)
    scaled = x.copy()
    scaled[10:20] *= 1e4
    assert free.loss_terms(scaled)[0] < 1e-2 * free.loss_terms(x)[0]
    lowest.write(tmp_path / "lowest", [lowest.SavedMinimum(energy=0.5, coordinates=x)], label="", per_line=1)
    again = network(SPIRALS + "teacher: {weights: lowest}\n").data
    np.testing.assert_array_equal(again.classes, found.data.classes)


# --- Problems --------------------------------------------------------------------------------------------------------


def test_words_mean_the_same_in_all_tables(network, tmp_path):
    """Test data need not hold all classes."""
    (tmp_path / "train.csv").write_text("a,kind\n1,ash\n2,elm\n3,fir\n4,elm\n")
    (tmp_path / "test.csv").write_text("a,kind\n1,fir\n2,elm\n")
    text = "layers: [1, 2, 3]\nlambda: 1e-3\ndata: {file: train.csv, test_file: test.csv, outcome: kind}\n"
    data = network(text).data
    assert data.classes.tolist() == [0, 1, 2, 1]
    assert data.test_classes.tolist() == [2, 1]
    assert class_names(tmp_path / "train.csv", "kind") == ("ash", "elm", "fir")
    (tmp_path / "test.csv").write_text("a,kind\n1,oak\n")
    with pytest.raises(InputError, match=r"test.csv:2: the training data have no outcome oak; they have ash, elm, fir"):
        network(text)


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("lambda", "lamda"), ":2:", "lamda: unknown key of a network; did you mean lambda"),
        (("seed: 3", "seeds: 3"), ":7:", "seeds: unknown key of data; did you mean seed"),
        (("seed: 3", "side: 3"), ":7:", "side: unknown key of data"),
        (("spirals", "spiral"), ":4:", "did you mean spirals"),
        (("items: 30", "items: many"), ":5:", "expected an integer, found 'many'"),
        (("items: 30", "items: 0"), ":5:", "at least 1"),
        (("1e-4", "-1"), ":2:", "at least 0"),
        (("[2, 5, 2]", "[2, 2]"), ":1:", "at least one hidden layer"),
        (("[2, 5, 2]", "2-5-2"), ":1:", "list of integers"),
        (("[2, 5, 2]", "[2, 5, 1]"), ":1:", "at least two outcomes"),
        (("[2, 5, 2]", "[3, 5, 2]"), ":4:", "2 inputs, the network has 3"),
        (("layers: [2, 5, 2]\n", ""), ":1:", "needs layers"),
        (("  items: 30\n", ""), ":4:", "number of training items"),
        (("seed: 3", "split: 3"), ":7:", "random order already"),
        (("seed: 3", "seed: 3\nlambda: 2"), ":8:", "stands twice"),
        (("seed: 3", "mislabel: {fraction: 1.5}"), ":7:", "at most 1"),
        (("seed: 3", "mislabel: 0.5"), ":7:", "section of keys"),
        (("seed: 3", "file: MLPdata"), ":7:", "generator or from a file"),
        (("  generator: spirals\n", ""), ":4:", "give generator"),
        (("seed: 3", "normalise: yes"), ":7:", "one of none, mean, standard"),
        (("lambda: 1e-4", "lambda: 1e-4\nactivation: relu"), ":3:", "one of tanh, found 'relu'"),
        (("lambda: 1e-4", "lambda: 1e-4\nbiases: false\nregularise_biases: false"), ":4:", "no biases"),
        (("seed: 3\n", "seed: 3\nteacher: {layers: [3, 5, 2]}\n"), ":8:", "2 inputs and 2 outcomes"),
        (("seed: 3\n", "seed: 3\nteacher: {weights: none, starts: 3}\n"), ":8:", "not trained"),
        (("data:\n", "data: [\n"), "net.yaml:", "not valid YAML"),
    ],
)
def test_problems_name_file_and_line(network, change, line, message):
    with pytest.raises(InputError, match=message) as caught:
        network(SPIRALS.replace(*change))
    assert any("net.yaml" in problem and line in problem and message.split()[0] in problem for problem in caught.value.problems)


def test_all_problems_come_at_once(network):
    with pytest.raises(InputError) as caught:
        network(SPIRALS.replace("lambda", "lamda").replace("seed", "sed").replace("items: 30", "items: x"))
    assert len(caught.value.problems) == 4  # and lambda is missing


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("generator: iris, items: 120, test_items: 31", r":3: data: 120 for training and 31 for testing are wanted"),
        ("generator: iris, items: 151", "151 for training are wanted"),
        ("generator: iris, seed: 1", "seed: this set is the same for every seed"),
        ("generator: iris, test_items: 150", "the set holds 150"),
    ],
)
def test_more_items_than_there_are(network, text, message):
    pytest.importorskip("sklearn")
    with pytest.raises(InputError, match=message):
        network(f"layers: [4, 3, 3]\nlambda: 1e-3\ndata: {{{text}}}\n")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "a,b,c\n1,2,0\n1,x,0\n1,2\n", r"t.csv:3: expected finite numbers, found 'x'"),
        ("t.csv", "a,b,c\n1,2,0\n1,2\n", "t.csv:3: expected 3 columns, found 2"),
        ("t.csv", "1,2\n", "2 inputs from feature 1 are wanted, the table has 1"),
        ("t.csv", "2,1,2\n", "t.csv:1: the outcome must be an integer between 0 and 1"),
        ("t.csv", "a,b,c\n", "no data"),
        ("t.csv", "", "no data"),
        ("t.npz", "no archive", "not a NumPy archive"),
        ("t.txt", "0 1 2\n0 1\n", "t.txt:2: expected at least 3 columns"),
    ],
)
def test_damaged_tables(network, tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        network(f"layers: [2, 3, 2]\nlambda: 1e-3\ndata: {{file: {name}}}\n")


def test_missing_files(network, tmp_path):
    with pytest.raises(InputError, match=r"none.csv: cannot be read"):
        network("layers: [2, 3, 2]\nlambda: 1e-3\ndata: {file: none.csv}\n")
    with pytest.raises(InputError, match=r"data:1: MLP none.yaml: no file none.yaml"):
        potential_from_keywords(keywords("MLP none.yaml\n", tmp_path), tmp_path)


@pytest.mark.parametrize("arrays", [{"X": np.ones((3, 2))}, {"X": np.ones((3, 3)), "y": np.zeros(3)}])
def test_archives_that_do_not_fit(network, tmp_path, arrays):
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(InputError, match=r"t.npz: "):
        network("layers: [2, 3, 2]\nlambda: 1e-3\ndata: {file: t.npz}\n")


# --- Keywords --------------------------------------------------------------------------------------------------------


def test_mlp_keyword_and_its_own_data(tmp_path):
    (tmp_path / "net.yaml").write_text(SPIRALS + "  normalise: standard\n")
    settings = keywords("MLP net.yaml\n", tmp_path)
    potential = potential_from_keywords(settings, tmp_path, n_variables=27)
    np.testing.assert_array_equal(read_network_data(settings, tmp_path / "train")[0], potential.inputs)
    assert len(read_network_data(settings, tmp_path / "test")[0]) == 11
    raw = planar.spirals(41, 3)
    write_data(tmp_path / "again", *raw)
    again = read_network_data(settings, tmp_path / "again")
    np.testing.assert_allclose(again[0][:30], potential.inputs, atol=1e-14)
    np.testing.assert_array_equal(again[1], raw[1])
    # a file of that name comes first
    write_data(tmp_path / "test", *(each[:3] for each in raw))
    assert len(read_network_data(settings, tmp_path / "test")[0]) == 3


def test_test_data_that_do_not_exist(tmp_path):
    (tmp_path / "net.yaml").write_text(SPIRALS.replace("  test_items: 11\n", ""))
    with pytest.raises(InputError, match="no test data"):
        read_network_data(keywords("MLP net.yaml\n", tmp_path), tmp_path / "test")
    with pytest.raises(InputError, match="no test data"):
        read_network_data(keywords("XOR 2 0.1\n", tmp_path), tmp_path / "test")
    write_data(tmp_path / "MLPdata", *planar.spirals(9, 1))
    settings = keywords("MLPVB3 2 1 3 2 8 0.1\n", tmp_path)
    with pytest.raises(InputError, match="file of their own"):
        read_network_data(settings, tmp_path / "test")
    assert len(read_network_data(settings, tmp_path / "train")[0]) == 8


@pytest.mark.parametrize(("lam", "energy"), [(1e-2, 0.4265388868), (1e-4, 0.0134758301)])
def test_xor_as_published(lam, energy):
    from common.lbfgs import minimise

    potential = potential_from_keywords(parse_text(f"XOR 2 {lam}", TABLE), ".")
    assert potential.n_variables == 12
    rng = np.random.default_rng(0)
    found = [minimise(potential, potential.random_coordinates(rng), rms=1e-10, max_iterations=20000).energy for _ in range(30)]
    assert min(found) == pytest.approx(energy, abs=1e-9)


def test_xor_with_free_biases():
    assert potential_from_keywords(parse_text("XOR 3 0.1\nNOREGBIAS", TABLE), ".").symmetry.n_zero == 1


def test_mlpb3_is_mlp3_with_one_more_variable(tmp_path):
    rng = np.random.default_rng(0)
    write_data(tmp_path / "MLPdata", rng.normal(size=(12, 3)), np.arange(12) % 2, "last")
    plain = potential_from_keywords(parse_text("MLP3 3 4 2 12 1D-2", TABLE), tmp_path)
    potential = potential_from_keywords(parse_text("MLPB3 3 4 2 12 1D-2", TABLE), tmp_path, n_variables=21)
    x = rng.normal(size=21)
    assert potential.n_variables == 21
    assert potential.energy(x) == pytest.approx(plain.energy(x[:-1]) + 1e-2 * x[-1] ** 2, rel=1e-14)
    np.testing.assert_array_equal(potential.probabilities(x), plain.probabilities(x[:-1]))
    free = potential_from_keywords(parse_text("MLPB3 3 4 2 12 1D-2\nNOREGBIAS", TABLE), tmp_path)
    assert free.symmetry.n_zero == 1
    assert free.energy(x) == pytest.approx(plain.energy(x[:-1]), rel=1e-14)
    write_data(tmp_path / "MLPdata", rng.normal(size=(12, 3)), np.arange(12) % 2)
    assert potential_from_keywords(parse_text("MLPB3NEW 2 2 4 2 12 1D-2", TABLE), tmp_path).n_variables == 17


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MLP net.yaml\nMLPNORM", "normalise: mean"),
        ("MLP net.yaml\nNOREGBIAS", "regularise_biases: false"),
        ("XOR 2 0.1\nMLPNORM", "MLPNORM"),
        ("XOR 2 0.1\nPSPIN 5 3 1", "only one keyword"),
        ("XOR 0 0.1", "at least 1"),
        ("PSPIN 5 2 1", "at least 3"),
        ("PSPIN 5 3", "missing argument seed"),
        ("PSPIN 400 6 1", "the couplings take 4.7.* GB to make"),
        ("PSPIN 5 3 1\nRADIUS 2", "goes with a cluster"),
        ("REGRESSION -1", "must not be negative"),
        ("REGRESSION nowhere", "nowhere: cannot be read"),
    ],
)
def test_contradictions_are_refused(tmp_path, text, message):
    (tmp_path / "net.yaml").write_text(SPIRALS)
    with pytest.raises(InputError, match=message):
        potential_from_keywords(parse_text(text, TABLE), tmp_path)


def test_regression_from_seed_and_from_file(tmp_path):
    published = potential_from_keywords(parse_text("REGRESSION 5", TABLE), ".", n_variables=5)
    assert published.x.size == 100
    lines = [f"{x!r} {t!r}\n" for x, t in zip(published.x.tolist(), published.t.tolist())]
    (tmp_path / "points").write_text("# x t\n" + "".join(lines))
    read = potential_from_keywords(parse_text("REGRESSION points", TABLE), tmp_path)
    assert read.fingerprint() == published.fingerprint()
    assert potential_from_keywords(parse_text("REGRESSION 5 30 0.0", TABLE), ".").energy([0.1, 2.13, 0, 1.34, 0]) < 1e-25
    (tmp_path / "points").write_text("1 2\n1 2 3\n1 x\n")
    with pytest.raises(InputError) as caught:
        potential_from_keywords(parse_text("REGRESSION points", TABLE), tmp_path)
    assert [problem.split(": ")[0].rsplit("/")[-1] for problem in caught.value.problems] == ["points:2", "points:3"]


def test_pspin():
    potential = potential_from_keywords(parse_text("PSPIN 8 4 3", TABLE), ".", n_variables=8)
    assert (potential.n_spins, potential.p) == (8, 4)
    with pytest.raises(InputError, match="8 variables, 9 coordinates"):
        potential_from_keywords(parse_text("PSPIN 8 4 3", TABLE), ".", n_variables=9)
