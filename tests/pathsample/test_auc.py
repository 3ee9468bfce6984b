"""Area under the curve and misclassification, against scikit-learn and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from pathsample.learning.auc import area_under_curve, classify, misclassification_name, misclassification_rate


def test_by_hand():
    # pairs (positive, other): 0.9>0.8, 0.9>0.3, 0.4<0.8, 0.4>0.3 -> 3 of 4
    assert area_under_curve([0.9, 0.8, 0.4, 0.3], [True, False, True, False]) == 0.75
    # one tie counts one half
    assert area_under_curve([0.5, 0.5], [True, False]) == 0.5


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 200), st.sampled_from([None, 1, 2]))
def test_equals_scikit_learn(seed, n, decimals):
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    scores = rng.random(n)
    if decimals is not None:
        scores = scores.round(decimals)
    positive = rng.random(n) < 0.4
    positive[0], positive[1] = True, False
    assert area_under_curve(scores, positive) == pytest.approx(metrics.roc_auc_score(positive, scores), abs=1e-12)


def test_one_class_has_no_area():
    with pytest.raises(ValueError, match="positive class"):
        area_under_curve([0.1, 0.2], [True, True])


def test_misclassification():
    p = np.array([[0.7, 0.3], [0.4, 0.6], [0.9, 0.1], [0.2, 0.8]])
    assert misclassification_rate(p, [0, 1, 1, 1]) == 0.25


class LinearClassifier:
    """A classifier whose score is x times the input."""

    def probabilities(self, x, inputs):
        p = 1.0 / (1.0 + np.exp(-inputs[:, 0] * x[0]))
        return np.stack([p, 1.0 - p], axis=1)


def test_classify_many_minima():
    inputs = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    classes = np.array([1, 1, 0, 0])
    auc, missed = classify(LinearClassifier(), [np.array([1.0]), np.array([-1.0])], inputs, classes)
    assert auc.tolist() == [1.0, 0.0]
    assert missed.tolist() == [0.0, 1.0]
    with pytest.raises(InputError, match="no item of class 3"):
        classify(LinearClassifier(), [np.array([1.0])], inputs, classes, positive_class=3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("auc", "misclassification"), ("auc_test", "misclassification_test"), ("quality", "misclassification_quality")],
)
def test_name_of_the_second_property(name, expected):
    assert misclassification_name(name) == expected
