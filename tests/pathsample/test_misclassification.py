"""Misclassification distances by hand and against plain loops, their map, and distances of weights."""

import numpy as np
import pytest

from pathsample.learning.classification import classify
from pathsample.learning.measure import correlation
from pathsample.learning.misclassification import (
    chosen_pairs,
    cluster_order,
    disagreements,
    misclassification_distances,
    weight_distances,
)
from potentials.mlp import MultilayerPerceptron


@pytest.mark.parametrize(("n", "n_items", "n_classes"), [(1, 5, 2), (3, 64, 2), (20, 65, 3), (37, 1000, 10)])
def test_distances_are_those_of_plain_loops(n, n_items, n_classes):
    rng = np.random.default_rng(n)
    outcomes = rng.integers(0, n_classes, (n, n_items))
    classes = rng.integers(0, n_classes, n_items)
    wrong = outcomes != classes
    width = -(-n_items // 64) * 8
    bits = np.zeros((n, width), dtype=np.uint8)
    packed = np.packbits(wrong, axis=1)
    bits[:, : packed.shape[1]] = packed
    errors = [[np.mean(a != b) for b in wrong] for a in wrong]
    answers = [[np.mean(a != b) for b in outcomes] for a in outcomes]
    distances = misclassification_distances(bits.view(np.uint64), n_items)
    assert distances == pytest.approx(np.array(errors), abs=1e-6)
    assert disagreements(outcomes) == pytest.approx(np.array(answers), abs=1e-6)
    f = wrong.mean(axis=1)
    assert (distances <= f[:, None] + f[None, :] + 1e-6).all()
    if n_classes == 2:
        assert disagreements(outcomes) == pytest.approx(distances)


def test_symmetric_copies_have_no_distance():
    rng = np.random.default_rng(1)
    inputs, classes = rng.normal(size=(300, 2)), rng.integers(0, 3, 300)
    network = MultilayerPerceptron((2, 4, 3), inputs, classes, 1e-3)
    x = rng.normal(size=(6, network.n_variables))
    copies = np.array([network.symmetry.random_copy(row, rng) for row in x])
    both = np.concatenate([x, copies])
    result = classify(network, both, inputs, classes)
    distances = misclassification_distances(result.wrong, 300)
    assert np.diag(distances[:6, 6:]).max() <= 1 / 300
    pairs = (np.arange(6), np.arange(6, 12))
    assert weight_distances(both, network.symmetry, pairs).max() < 1e-6
    assert weight_distances(both, None, pairs).max() > 0.1
    every = weight_distances(both, network.symmetry)
    assert (every <= weight_distances(both) + 1e-9).all()
    for value, i, j in zip(every, *np.triu_indices(12, 1)):
        assert value == pytest.approx(network.symmetry.align(both[i], both[j])[1], abs=1e-7)


def test_clusters_stand_together():
    group = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2])
    distances = (group[:, None] != group[None, :]).astype(float)
    order, tree = cluster_order(distances)
    assert sorted(order) == list(range(9))
    assert np.count_nonzero(np.diff(group[order])) == 2
    assert tree.shape == (8, 4)
    assert cluster_order(np.zeros((1, 1)))[0].tolist() == [0]


def test_pairs_are_sampled_when_there_are_many():
    first, second = chosen_pairs(100, most=500)
    assert len(first) == 500
    assert (first < second).all()
    assert len(chosen_pairs(10)[0]) == 45


def test_correlation_of_a_constant_is_unknown():
    assert correlation([1, 2, 3], [2, 4, 6]) == pytest.approx(1.0)
    assert np.isnan(correlation([1, 1, 1], [1, 2, 3]))
