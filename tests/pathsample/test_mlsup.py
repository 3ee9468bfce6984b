"""Superposition of minima: selections by brute force, votes and attainable answers by hand, the file of the model."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest

from common.errors import InputError
from pathsample.learning import selection
from pathsample.learning.mlsup import answers, best_minima, evaluate, majority, superpose
from pathsample.learning.prediction import Model, forward, read_inputs, read_model
from pathsample.learning.training import basin_hopping
from potentials.mlp import MultilayerPerceptron


def random_distances(n, seed):
    rng = np.random.default_rng(seed)
    d = np.triu(rng.random((n, n)), 1)
    return d + d.T


@pytest.mark.parametrize(("n", "count", "seed"), [(8, 2, 0), (9, 4, 1), (10, 5, 2), (12, 3, 3), (6, 6, 4)])
def test_quadratic_programme_against_all_choices(n, count, seed):
    d = random_distances(n, seed)
    best = max(sum(d[i, j] for i, j in combinations(choice, 2)) for choice in combinations(range(n), count))
    chosen, value, bound = selection.relaxed_programme(d, count)
    assert len(set(chosen)) == count
    assert value == pytest.approx(best)
    assert bound <= value + 1e-6 or bound >= value - 1e-6
    assert value == pytest.approx(sum(d[i, j] for i, j in combinations(chosen, 2)))


def test_projection_is_the_nearest_point():
    rng = np.random.default_rng(0)
    y = rng.normal(size=30)
    z = selection.project(y, 7)
    assert z.sum() == pytest.approx(7)
    assert z.min() >= 0
    assert z.max() <= 1
    # what is neither 0 nor 1 has been shifted by the same amount
    inside = (z > 1e-9) & (z < 1 - 1e-9)
    assert np.ptp((y - z)[inside]) < 1e-9


def test_farthest_from_the_best():
    d = random_distances(6, 5)
    chosen = selection.largest_from_best(d, [0.1, 0.2, 0.9, 0.3, 0.4, 0.5], 3)
    assert chosen[0] == 2
    assert set(chosen[1:]) == set(np.argsort(-d[2])[:2])


def test_peaks_name_both_sides():
    # a narrow deep minimum and wide ones above it make one peak
    energies, log_products = np.array([0.0, 1.0, 1.1, 5.0]), np.array([30.0, 0.0, 0.0, 29.0])
    chosen, peaks = selection.at_peaks(energies, log_products, np.ones(4), 10, 2)
    assert set(chosen) == {0, 1}
    assert len(peaks) == 1
    assert selection.at_peaks(energies, log_products, np.ones(4), 10, 2, peak=2)[0].size == 0
    assert selection.at_peaks(np.ones(3), np.ones(3), np.ones(3), 5, 2)[0].size == 0


def test_pool_of_promising_minima():
    auc = [0.9, 0.4, 0.75, 0.5, 0.8]
    assert selection.promising(auc, 0.7, 2).tolist() == [0, 4]
    assert selection.promising(auc, 0.5, 2).tolist() == [0, 2, 4]
    assert selection.promising(auc, 0.0, 2).tolist() == [0, 2, 3, 4]
    # always enough of them
    assert selection.promising(auc, 1.0, 5).tolist() == [0, 1, 2, 3, 4]


def test_greedy_takes_what_is_missing():
    # minimum 1 knows the items that minimum 0 does not, minimum 2 only what 0 knows
    right = np.array([[0.9, 0.9, 0.1, 0.1], [0.1, 0.1, 0.9, 0.9], [0.8, 0.8, 0.1, 0.1]])
    classes = np.array([0, 1, 0, 1])

    def probabilities(k):
        p = np.empty((4, 2))
        p[np.arange(4), classes], p[np.arange(4), 1 - classes] = right[k], 1 - right[k]
        return p

    assert selection.greedily(probabilities, classes, 2, 0, [0.6, 0.5, 0.55]).tolist() == [0, 1]


def test_votes_and_best_minima():
    p = np.zeros((3, 4, 3))
    outcomes = np.array([[0, 1, 2, 0], [0, 2, 2, 1], [1, 0, 0, 1]])
    for m in range(3):
        p[m, np.arange(4), outcomes[m]] = 1.0
    # unanimous or led by class 0, 2, 1; divided on item 1, where the right class leads too
    assert majority(p, np.array([1, 2, 2, 0])).tolist() == [0, 2, 2, 1]
    p = np.array([[[0.7, 0.3], [0.2, 0.8]], [[0.6, 0.4], [0.4, 0.6]]])
    assert best_minima(p, np.array([0, 0])).tolist() == [0, 1]
    model = Model([], [], [], [], np.zeros(1), np.ones(1), np.array([4, 9]), 0)
    figures = evaluate(model, p, np.array([1, 0]), np.array([0, 1]), 0, np.array([0.5, 0.6, 0.9]), np.array([0, 1]))
    assert (figures.mlsup, figures.tma, figures.best_in_set, figures.best_single) == (1.0, 1.0, 0.6, 0.9)
    assert (figures.accuracy, figures.vote_accuracy) == (1.0, 1.0)


@pytest.fixture(scope="module")
def halves():
    """Two networks, one that knows the left and one that knows the right half of a checked strip; a model of both."""
    rng = np.random.default_rng(3)
    inputs = rng.uniform(-1.0, 1.0, (200, 2))
    classes = ((inputs[:, 0] > 0) ^ (inputs[:, 1] > 0)).astype(int)
    coordinates = []
    for side in (inputs[:, 0] > 0, inputs[:, 0] <= 0):
        part = MultilayerPerceptron((2, 1, 2), inputs[side], classes[side], 1e-3)
        coordinates.append(basin_hopping(part, 5, 0).coordinates)
    network = MultilayerPerceptron((2, 1, 2), inputs, classes, 1e-3)
    weights, biases, loss = superpose(network, np.array(coordinates), inputs, classes, steps=5)
    layers = [network.weight_matrices(x) for x in coordinates]
    model = Model(
        [np.array([w[k] for w, _ in layers]) for k in (0, 1)], [np.array([b[k] for _, b in layers]) for k in (0, 1)],
        weights, biases, np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5, 7]), 1,
    )  # fmt: skip
    return network, np.array(coordinates), inputs, classes, model, loss


def test_second_network_finds_the_halves(halves):
    network, coordinates, inputs, classes, model, loss = halves
    p, chosen = model.predict(inputs, scaled=True)
    every = answers(network, coordinates, inputs)
    assert p == pytest.approx(every[chosen, np.arange(len(inputs))], abs=1e-12)
    assert np.mean(p.argmax(axis=1) == classes) > 0.95
    assert max(np.mean(each.argmax(axis=1) == classes) for each in every) < 0.85
    assert loss < np.log(2.0)


def test_scale_of_the_inputs(halves):
    *_, inputs, _, model, _ = halves
    raw = inputs * model.divisor + model.shift
    assert model.predict(raw)[0] == pytest.approx(model.predict(inputs, scaled=True)[0], abs=1e-12)


READER = """
import sys
import numpy as np
a = np.load(sys.argv[1])
x = (np.load(sys.argv[2]) - a["shift"]) / a["divisor"]
h = np.tanh(x @ a["choice_weights0"].T + a["choice_biases0"])
m = np.argmax(h @ a["choice_weights1"].T + a["choice_biases1"], axis=1)
h = np.tanh(np.einsum("ni,nhi->nh", x, a["weights0"][m]) + a["biases0"][m])
y = np.einsum("nh,nch->nc", h, a["weights1"][m]) + a["biases1"][m]
p = np.exp(y - y.max(axis=1, keepdims=True))
np.save(sys.argv[3], p / p.sum(axis=1, keepdims=True))
assert not any(name.startswith(("pathsample", "potentials", "common", "scipy")) for name in sys.modules)
"""


def test_model_needs_numpy_alone(halves, tmp_path):
    *_, inputs, _, model, _ = halves
    model.save(tmp_path / "m.npz")
    np.save(tmp_path / "x.npy", inputs)
    names = [str(tmp_path / name) for name in ("m.npz", "x.npy", "p.npy")]
    subprocess.run([sys.executable, "-c", READER, *names], check=True, cwd=tmp_path)
    assert np.load(tmp_path / "p.npy") == pytest.approx(model.predict(inputs)[0], abs=1e-12)
    again = read_model(tmp_path / "m.npz")
    assert (again.predict(inputs)[0] == model.predict(inputs)[0]).all()
    assert again.minima.tolist() == [5, 7]
    assert again.positive_class == 1


def test_files_that_are_no_models_or_data(tmp_path):
    (tmp_path / "text").write_text("1 2 3\n")
    np.savez(tmp_path / "other.npz", a=1)
    for name in ("text", "other.npz", "missing"):
        with pytest.raises(InputError, match=name):
            read_model(tmp_path / name)
    (tmp_path / "bad.csv").write_text("x,y\n1,2\n1,2,3,4\n1,b\n")
    with pytest.raises(InputError) as error:
        read_inputs(tmp_path / "bad.csv", 2)
    assert [problem.split(" ")[0] for problem in error.value.problems] == [f"{tmp_path}/bad.csv:{k}:" for k in (3, 4)]
    with pytest.raises(InputError, match="no array inputs"):
        read_inputs(tmp_path / "other.npz", 2)
    np.savez(tmp_path / "x.npz", inputs=np.ones((4, 3)))
    with pytest.raises(InputError, match="the model has 2"):
        read_inputs(tmp_path / "x.npz", 2)
    np.savez(tmp_path / "c.npz", inputs=np.ones((4, 2)), classes=[0, 1, 2])
    with pytest.raises(InputError, match="4 integers"):
        read_inputs(tmp_path / "c.npz", 2)


def test_tables_of_inputs(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n\n3,4\n")
    inputs, classes = read_inputs(tmp_path / "a.csv", 2)
    assert inputs.tolist() == [[1, 2], [3, 4]]
    assert classes is None
    (tmp_path / "b").write_text("1 0.5 2\n0 3 4\n")
    inputs, classes = read_inputs(tmp_path / "b", 2)
    assert inputs.tolist() == [[0.5, 2], [3, 4]]
    assert classes.tolist() == [1, 0]


def test_forward_is_the_network():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(50, 3))
    network = MultilayerPerceptron((3, 4, 5, 2), inputs, rng.integers(0, 2, 50), 1e-3)
    x = rng.normal(size=network.n_variables)
    assert forward(*network.weight_matrices(x), inputs) == pytest.approx(network.probabilities(x), abs=1e-13)


def test_basin_hopping_finds_the_lowest_of_exclusive_or():
    inputs, classes = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    network = MultilayerPerceptron((2, 2, 2), inputs, classes, 1e-2)
    found = basin_hopping(network, 60, 0, keep=True)
    # Mehta et al. (2018): the global minimum of two hidden nodes
    assert found.energy == pytest.approx(0.4265388868, abs=1e-8)
    assert found.rms < 1e-7
    assert len(found.energies) == len(found.minima) == 61
    assert basin_hopping(network, 10, 3).energy == basin_hopping(network, 10, 3).energy


def test_names_of_classes(tmp_path):
    names = ("ash", "elm", "fir")
    (tmp_path / "a.csv").write_text("x,kind,y\n1,fir,2\n3,ash,4\n")
    inputs, classes = read_inputs(tmp_path / "a.csv", 2, names, "kind")
    assert inputs.tolist() == [[1, 2], [3, 4]]
    assert classes.tolist() == [2, 0]
    (tmp_path / "b.csv").write_text("1,2,elm\n")
    assert read_inputs(tmp_path / "b.csv", 2, names, "last")[1].tolist() == [1]
    (tmp_path / "c.csv").write_text("kind,x,y\noak,1,2\n")
    with pytest.raises(InputError, match="one of ash, elm, fir, found 'oak'"):
        read_inputs(tmp_path / "c.csv", 2, names, "kind")
