import numpy as np
import pytest
from instances import network

from common.lbfgs import minimise
from potentials._mlp import MultilayerPerceptronCore
from potentials.datasets.xor import xor_data
from potentials.mlp import MultilayerPerceptron, kept_weights


def plain_loss(potential, w):
    """The definition in NumPy."""
    weights, biases = potential.weight_matrices(w)
    a = potential.inputs
    for matrix, bias in zip(weights[:-1], biases[:-1]):
        a = np.tanh(a @ matrix.T + bias)
    y = a @ weights[-1].T + biases[-1]
    top = y.max(axis=1, keepdims=True)
    log_p = y - top - np.log(np.exp(y - top).sum(axis=1, keepdims=True))
    kept = np.array(w) if potential.frozen is None else np.where(potential.frozen, 0.0, w)
    kept = kept if potential.regularise_biases else kept[: potential.n_weights]
    return -log_p[np.arange(len(a)), potential.classes].mean() + potential.lam * kept @ kept, np.exp(log_p)


@pytest.mark.parametrize("n_items", [1, 3, 8, 9, 63, 64, 65, 127, 700, 1300])
@pytest.mark.parametrize("layers", [(2, 10, 4), (1, 1, 2), (3, 7, 5, 6), (5, 6, 4, 3, 2)])
def test_loss_and_probabilities_follow_the_definition_for_every_block_remainder(layers, n_items):
    potential = network(layers, n_items)
    w = np.random.default_rng(0).normal(size=potential.n_variables)
    loss, p = plain_loss(potential, w)
    assert potential.energy(w) == pytest.approx(loss, rel=1e-13)
    np.testing.assert_allclose(potential.probabilities(w), p, atol=1e-14)
    np.testing.assert_allclose(potential.probabilities(w, potential.inputs[:3]), p[:3], atol=1e-14)
    assert sum(potential.loss_terms(w)) == pytest.approx(loss, rel=1e-13)


@pytest.mark.parametrize("lanes", [2, 4, 8])
@pytest.mark.parametrize("layers", [(2, 10, 4), (3, 4, 5, 3)])
def test_kernels_of_all_instruction_sets_agree(layers, lanes):
    best = network(layers, 75)
    x = np.random.default_rng(1).normal(size=best.n_variables)
    core = MultilayerPerceptronCore(layers, best.inputs, best.classes, best.lam, best.n_variables, True, None, lanes=lanes)
    energy, gradient = best.energy_gradient(x)
    assert core.energy(x) == pytest.approx(energy, rel=1e-14)
    np.testing.assert_allclose(core.gradient(x), gradient, atol=1e-14)
    np.testing.assert_allclose(core.hessian(x), best.hessian(x), atol=1e-13)


@pytest.mark.parametrize("options", [{}, {"regularise_biases": False}, {"neighbours": 2}, {"has_biases": False}])
@pytest.mark.parametrize("layers", [(2, 10, 4), (2, 5, 6, 4), (70, 4, 3)])
def test_hessian_vector(layers, options):
    potential = network(layers, 40, **options)
    rng = np.random.default_rng(2)
    x, v = 0.3 * rng.normal(size=(2, potential.n_variables))
    np.testing.assert_allclose(potential.hessian_vector(x, v), potential.hessian(x) @ v, atol=1e-13)


def test_large_outputs_do_not_overflow():
    potential = network((2, 3, 3), 20, lam=0.0)
    x = 1e3 * np.random.default_rng(3).normal(size=potential.n_variables)
    energy, gradient = potential.energy_gradient(x)
    assert np.isfinite(energy)
    assert np.isfinite(gradient).all()
    assert np.isfinite(potential.hessian(x)).all()


@pytest.mark.parametrize(("neighbours", "n_frozen"), [(1, 40), (2, 20), (3, 10), (4, 0), (10, 0)])
def test_number_of_frozen_weights_as_published(neighbours, n_frozen):
    potential = network((2, 10, 4), 20, neighbours=neighbours)
    assert (0 if potential.frozen is None else potential.frozen.sum()) == n_frozen


def test_ties_go_to_the_lowest_index():
    # the middle one of three hidden nodes is as far from input 1 as from input 2
    assert kept_weights((2, 3, 2), 1)[0].tolist() == [[True, False], [True, False], [False, True]]


def test_frozen_weights_count_as_zero():
    potential = network((2, 10, 4), 20, neighbours=1)
    rng = np.random.default_rng(4)
    x = rng.normal(size=potential.n_variables)
    moved = np.where(potential.frozen, rng.normal(size=x.size), x)
    assert potential.energy(x) == potential.energy(moved)
    assert not potential.gradient(x)[potential.frozen].any()
    hessian = potential.hessian(x)
    assert not hessian[potential.frozen].any()
    assert not hessian[:, potential.frozen].any()
    assert not potential.random_coordinates(rng)[potential.frozen].any()


def test_uniform_bias_shift_is_a_zero_mode_without_bias_regularisation():
    potential = network((3, 4, 5), 30, regularise_biases=False)
    x = np.random.default_rng(5).normal(size=potential.n_variables)
    shift = np.zeros(x.size)
    shift[-5:] = 1.0
    assert potential.energy(x + 0.7 * shift) == pytest.approx(potential.energy(x), rel=1e-14)
    assert np.abs(potential.hessian(x) @ shift).max() < 1e-14


def test_with_data_is_the_same_network_on_other_data():
    potential = network((2, 3, 4), 30, regularise_biases=False)
    other = potential.with_data(potential.inputs[:7], potential.classes[:7])
    assert other.layers == potential.layers
    assert other.lam == potential.lam
    assert not other.regularise_biases
    assert other.fingerprint()["data"] != potential.fingerprint()["data"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": (2, 4)}, "hidden layer"),
        ({"layers": (2, 0, 4)}, "at least one node"),
        ({"layers": (2, 3, 1)}, "two output"),
        ({"layers": (3, 3, 4)}, "shape"),
        ({"classes": [0, 4]}, "between 0 and 3"),
        ({"classes": [0, -1]}, "between 0 and 3"),
        ({"classes": [0, 0.5]}, "integers"),
        ({"classes": [0]}, "integers"),
        ({"inputs": [[1.0, np.nan], [0.0, 0.0]]}, "finite"),
        ({"lam": -1e-4}, "negative"),
        ({"lam": np.nan}, "negative"),
        ({"neighbours": 0}, "at least 1"),
    ],
)
def test_bad_networks_are_refused(change, message):
    arguments = {"layers": (2, 3, 4), "inputs": np.ones((2, 2)), "classes": [0, 3], "lam": 0.0} | change
    with pytest.raises(ValueError, match=message):
        MultilayerPerceptron(**arguments)


def test_probabilities_of_no_items():
    assert network((2, 3, 4), 5).probabilities(np.zeros(25), np.empty((0, 2))).shape == (0, 4)


# --- Exclusive or (Mehta et al. 2018) --------------------------------------------------------------------------------


def xor(n_hidden, lam):
    return MultilayerPerceptron((2, n_hidden, 2), *xor_data(), lam)


def lowest(potential, starts, seed=0):
    """Lowest minimum of quenches from random starts."""
    rng = np.random.default_rng(seed)
    runs = [
        minimise(potential, rng.uniform(-4, 4, potential.n_variables), history=10, rms=1e-11, max_iterations=20000)
        for _ in range(starts)
    ]
    return min((run for run in runs if run.converged), key=lambda run: run.energy)


def padded(x, n_from, n_to):
    """A two-input, two-output network with unconnected nodes added."""
    w2, w1 = x[: 2 * n_from].reshape(n_from, 2), x[2 * n_from : 4 * n_from].reshape(2, n_from)
    more = n_to - n_from
    return np.concatenate(
        [
            np.vstack([w2, np.zeros((more, 2))]).ravel(),
            np.hstack([w1, np.zeros((2, more))]).ravel(),
            x[4 * n_from : 5 * n_from],
            np.zeros(more),
            x[5 * n_from :],
        ]
    )


@pytest.mark.parametrize(
    ("lam", "energy"), [(1e-2, 0.4265388868), (1e-3, 0.0835575897), (1e-4, 0.0134758301), (1e-5, 0.0019810102)]
)
def test_xor_two_node_minimum_padded_is_a_saddle_of_index_nodes_minus_two(lam, energy):
    best = lowest(xor(2, lam), 30)
    assert best.energy == pytest.approx(energy, abs=2e-10)
    for n_hidden in (3, 4, 6):
        larger = xor(n_hidden, lam)
        x = padded(best.coordinates, 2, n_hidden)
        assert larger.energy(x) == pytest.approx(best.energy, abs=1e-13)
        assert np.linalg.norm(larger.gradient(x)) < 1e-9
        assert (np.linalg.eigvalsh(larger.hessian(x)) < -1e-9).sum() == n_hidden - 2


def test_xor_three_connected_nodes_are_a_minimum_of_larger_networks():
    best = lowest(xor(3, 1e-2), 30)
    assert best.energy == pytest.approx(0.40677375503, abs=1e-10)
    for n_hidden in (4, 5, 6):
        larger = xor(n_hidden, 1e-2)
        x = padded(best.coordinates, 3, n_hidden)
        assert np.linalg.norm(larger.gradient(x)) < 1e-9
        assert np.linalg.eigvalsh(larger.hessian(x))[0] > 0.0


def test_xor_origin_is_stationary():
    potential = xor(4, 1e-3)
    energy, gradient = potential.energy_gradient(np.zeros(potential.n_variables))
    assert energy == pytest.approx(np.log(2.0), rel=1e-15)
    assert np.abs(gradient).max() < 1e-16
