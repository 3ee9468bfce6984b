import pickle
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.lbfgs import minimise
from potentials.mlp import MultilayerPerceptron
from potentials.symmetry import NetworkNodes

NETWORKS = {
    "one layer": NetworkNodes([2, 10, 4]),
    "one layer, shift": NetworkNodes([2, 6, 3], uniform_bias_shift=True),
    "signs only": NetworkNodes([2, 6, 3], permutations=False),
    "no biases": NetworkNodes([3, 5, 2], has_biases=False),
    "two layers": NetworkNodes([2, 5, 5, 4]),
    "output shifts": NetworkNodes([2, 6, 3], uniform_bias_shift=True, output_shifts=True),
    "two layers, output shifts": NetworkNodes([2, 4, 5, 3], uniform_bias_shift=True, output_shifts=True),
    "three layers, shift": NetworkNodes([2, 4, 4, 4, 4], uniform_bias_shift=True),
}


def elements(symmetry):
    """Every element of the group as a list over hidden layers of (permutation, signs)."""
    layers = []
    for n, kinds in zip(symmetry.layers[1:-1], symmetry.classes):
        orders = [p for p in permutations(range(n)) if all(kinds[i] == kinds[p[i]] for i in range(n))]
        layers.append([(list(p), np.array(s)) for p in orders for s in product((1.0, -1.0), repeat=n)])
    return product(*layers)


def apply(symmetry, element, x):
    y = x.copy()
    weights, biases = symmetry._split(y)
    for layer, (p, s) in enumerate(element):
        weights[layer][:] = weights[layer][p] * s[:, None]
        biases[layer][:] = biases[layer][p] * s
        weights[layer + 1][:] = weights[layer + 1][:, p] * s
    return y


def brute_force(symmetry, x, y):
    best = np.inf
    for element in elements(symmetry):
        difference = apply(symmetry, element, x) - y
        if symmetry.uniform_bias_shift:
            n = symmetry.layers[-1]
            difference[-n:] -= difference[-n:].mean()
        best = min(best, np.linalg.norm(difference))
    return best


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([([2, 3, 2], {}), ([1, 4, 2], {"uniform_bias_shift": True}), ([2, 4, 1], {"permutations": False}),
                     ([2, 3, 3], {"has_biases": False})]),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_one_hidden_layer_is_exact(network, seed):
    layers, options = network
    symmetry = NetworkNodes(layers, **options)
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, symmetry.n_variables))
    aligned, distance = symmetry.align(x, y)
    assert abs(distance - brute_force(symmetry, x, y)) < 1e-10
    assert abs(np.linalg.norm(aligned - y) - distance) < 1e-10
    assert abs(symmetry.align(y, x)[1] - distance) < 1e-10
    assert symmetry.lower_bound(x, y) <= distance + 1e-12


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_two_small_hidden_layers_reach_the_exact_distance(seed):
    symmetry = NetworkNodes([2, 3, 2, 2])
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, symmetry.n_variables))
    exact = brute_force(symmetry, x, y)
    assert abs(symmetry.align(x, y)[1] - exact) < 1e-10
    assert symmetry.lower_bound(x, y) <= exact + 1e-12


@pytest.mark.parametrize("name", NETWORKS)
def test_align_recovers_a_thousand_random_copies(name):
    symmetry = NETWORKS[name]
    rng = np.random.default_rng(1)
    for _ in range(1000 if len(symmetry.layers) == 3 else 200):
        x = rng.normal(size=symmetry.n_variables)
        copy = symmetry.random_copy(x, rng)
        aligned, distance = symmetry.align(copy, x)
        assert distance < 1e-12
        assert np.abs(aligned - x).max() < 1e-12
        assert symmetry.same(copy, x, 1e-9)


@pytest.mark.parametrize("name", NETWORKS)
def test_canonical_copies_coincide(name):
    symmetry = NETWORKS[name]
    rng = np.random.default_rng(2)
    for _ in range(50):
        x = rng.normal(size=symmetry.n_variables)
        assert np.abs(symmetry.canonical(symmetry.random_copy(x, rng)) - symmetry.canonical(x)).max() < 1e-12
        assert symmetry.align(symmetry.canonical(x), x)[1] < 1e-12


@pytest.mark.parametrize("name", NETWORKS)
def test_distances_of_many_points(name):
    symmetry = NETWORKS[name]
    rng = np.random.default_rng(3)
    points = rng.normal(size=(20, symmetry.n_variables))
    expected = [symmetry.align(x, points[0])[1] for x in points]
    assert np.allclose(symmetry.distances(points, points[0]), expected, atol=1e-7)
    assert (symmetry.lower_bounds(points, points[0]) <= np.array(expected) + 1e-12).all()
    again = pickle.loads(pickle.dumps(symmetry))
    assert (again.distances(points, points[0]) == symmetry.distances(points, points[0])).all()


def test_triangle_inequality():
    symmetry = NETWORKS["one layer, shift"]
    x = np.random.default_rng(4).normal(size=(8, symmetry.n_variables))
    d = np.array([symmetry.distances(x, y) for y in x])
    assert np.allclose(d, d.T, atol=1e-12)
    assert (d[:, :, None] <= d[:, None, :] + d.T[None, :, :] + 1e-12).all()


def test_nearly_the_same():
    symmetry = NETWORKS["two layers"]
    rng = np.random.default_rng(5)
    x = rng.normal(size=symmetry.n_variables)
    for size in (0.01, 0.05, 0.15, 0.4):
        shift = rng.normal(size=x.size)
        y = symmetry.random_copy(x + size * shift / np.linalg.norm(shift), rng)
        assert symmetry.align(y, x)[1] <= size + 1e-12
        assert symmetry.same(y, x, 0.1) == (size < 0.1)


def data(n_in, n_classes, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(40, n_in)), rng.integers(0, n_classes, 40)


MODELS = [
    MultilayerPerceptron(layers, *data(layers[0], layers[-1]), 1e-3, **options)
    for layers in ([2, 10, 4], [3, 5, 2], [2, 5, 5, 4], [2, 4, 4, 4, 4])
    for options in ({}, {"regularise_biases": False}, {"neighbours": 2}, {"neighbours": 1}, {"has_biases": False})
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.layers}-{m.regularise_biases}-{m.neighbours}-{m.has_biases}")
def test_energy_is_invariant_and_copies_are_recovered(model):
    symmetry = model.symmetry
    rng = np.random.default_rng(6)
    for _ in range(20):
        x = rng.normal(size=model.n_variables)
        copy = symmetry.random_copy(x, rng)
        energy = model.energy(x)
        assert abs(model.energy(copy) - energy) <= 1e-12 * abs(energy)
        aligned, distance = symmetry.align(copy, x)
        assert distance < 1e-10
        assert abs(model.energy(aligned) - energy) <= 1e-12 * abs(energy)
    modes = symmetry.zero_modes(x)
    assert modes.shape == (symmetry.n_zero, model.n_variables)
    assert np.allclose(modes @ modes.T, np.eye(len(modes)), atol=1e-14)
    if len(modes):
        assert np.abs(modes @ model.gradient(x)).max() < 1e-12
        assert np.abs(modes @ model.hessian(x)).max() < 1e-12


def test_frozen_weights_leave_the_exchange_of_nodes_with_the_same_links():
    model = MultilayerPerceptron([2, 10, 4], *data(2, 4), 1e-3, neighbours=1)
    symmetry = model.symmetry
    assert symmetry.n_zero == 40
    assert 1 < len(set(symmetry.classes[0])) < 10
    x = np.random.default_rng(0).normal(size=74)
    other = x.copy()
    other[model.frozen] = 5.0
    assert symmetry.align(other, x)[1] == 0.0
    assert (symmetry.align(other, x)[0] == x).all()


def test_zero_modes_at_a_minimum():
    model = MODELS[1]
    x = minimise(model, np.random.default_rng(1).normal(size=model.n_variables), rms=1e-9, max_iterations=20000).coordinates
    values = np.linalg.eigvalsh(model.hessian(x))
    assert np.sum(np.abs(values) < 1e-12) == model.symmetry.n_zero == 1


def test_group_orders():
    assert NetworkNodes([2, 3, 2]).group_order() == 48
    assert NetworkNodes([2, 3, 2]).group_order(as_published=True) == 48
    assert NetworkNodes([2, 5, 5, 4]).group_order() == (120 * 32) ** 2
    assert NetworkNodes([2, 5, 5, 4]).group_order(as_published=True) == 120 * 32 * 120
    assert NetworkNodes([2, 3, 2, 3, 2]).group_order(as_published=True) == NetworkNodes([2, 3, 2, 3, 2]).group_order()
    assert NetworkNodes([2, 4, 2], permutations=False).group_order() == 16


@pytest.mark.parametrize("layers", [[2, 3, 2], [1, 2, 2, 1]])
def test_group_order_is_the_number_of_distinct_copies(layers):
    symmetry = NetworkNodes(layers)
    x = np.random.default_rng(0).normal(size=symmetry.n_variables)
    copies = {tuple(np.round(apply(symmetry, element, x), 9)) for element in elements(symmetry)}
    assert len(copies) == symmetry.group_order()


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([[2, 3, 2], [2, 3, 2, 2], [1, 2, 2, 2, 1]]), st.booleans(), st.integers(0, 2**32 - 1))
def test_order_is_the_size_of_the_stabiliser(layers, permutations, seed):
    symmetry = NetworkNodes(layers, permutations=permutations)
    rng = np.random.default_rng(seed)
    x = rng.integers(-1, 2, symmetry.n_variables) * (rng.random(symmetry.n_variables) < rng.random())
    x = x.astype(float)
    count = sum(np.abs(apply(symmetry, element, x) - x).max() < 1e-9 for element in elements(symmetry))
    assert symmetry.order(x) == count


def test_unconnected_and_equal_nodes():
    symmetry = NetworkNodes([2, 5, 2])
    x = np.random.default_rng(0).normal(size=symmetry.n_variables)
    assert symmetry.order(x) == 1
    weights, biases = symmetry._split(x)
    for node in (1, 3):
        weights[0][node], biases[0][node], weights[1][:, node] = 0.0, 0.0, 0.0
    assert symmetry.order(x) == 8
    weights[0][0], biases[0][0], weights[1][:, 0] = -weights[0][4], -biases[0][4], -weights[1][:, 4]
    assert symmetry.order(x) == 16
    assert symmetry.order(np.zeros_like(x)) == symmetry.group_order()


def test_copies_of_networks_with_equal_and_unconnected_nodes_are_recovered():
    rng = np.random.default_rng(7)
    for layers in ([2, 6, 3], [2, 4, 4, 3]):
        symmetry = NetworkNodes(layers)
        for _ in range(50):
            x = rng.normal(size=symmetry.n_variables)
            weights, biases = symmetry._split(x)
            for layer in range(len(layers) - 2):
                weights[layer][1], biases[layer][1], weights[layer + 1][:, 1] = 0.0, 0.0, 0.0
                weights[layer][2], biases[layer][2] = weights[layer][0], biases[layer][0]
            assert symmetry.align(symmetry.random_copy(x, rng), x)[1] < 1e-10


def test_bad_arguments_are_refused():
    for layers in ([2, 3], [2, 0, 3], []):
        with pytest.raises(ValueError, match="layers"):
            NetworkNodes(layers)
    with pytest.raises(ValueError, match="frozen"):
        NetworkNodes([2, 3, 2], frozen=[True])
    with pytest.raises(ValueError, match="biases"):
        NetworkNodes([2, 3, 2], frozen=[False] * 12 + [True] * 5)
    symmetry = NetworkNodes([2, 3, 2])
    with pytest.raises(ValueError, match="expected 17"):
        symmetry.align(np.zeros(3), np.zeros(17))
    with pytest.raises(ValueError, match="finite"):
        symmetry.align(np.full(17, np.inf), np.zeros(17))
    with pytest.raises(ValueError, match="shape"):
        symmetry.distances(np.zeros(17), np.zeros(17))
