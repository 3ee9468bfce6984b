"""Area under the curve and misclassification, against scikit-learn and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from pathsample.learning.auc import area_under_curve, misclassification_name, roc_curve
from pathsample.learning.classification import classify, misclassification_rate, most_probable


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


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 100), st.sampled_from([None, 1]))
def test_curve_encloses_the_area(seed, n, decimals):
    rng = np.random.default_rng(seed)
    scores = rng.random(n) if decimals is None else rng.random(n).round(decimals)
    positive = rng.random(n) < 0.5
    positive[0], positive[1] = True, False
    false, true = roc_curve(scores, positive)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(area_under_curve(scores, positive), abs=1e-12)


def test_most_probable_is_the_first_of_the_largest():
    rng = np.random.default_rng(0)
    for n_classes in (2, 5, 20):
        p = rng.integers(0, 4, (200, n_classes)) / 4.0
        assert (most_probable(p) == p.argmax(axis=1)).all()


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
    result = classify(LinearClassifier(), [np.array([1.0]), np.array([-1.0])], inputs, classes, keep_outcomes=True)
    assert result.auc.tolist() == [1.0, 0.0]
    assert result.misclassification.tolist() == [0.0, 1.0]
    assert result.accuracy.tolist() == [1.0, 0.0]
    assert result.outcomes.tolist() == [[1, 1, 0, 0], [0, 0, 1, 1]]
    p = 1.0 / (1.0 + np.exp(-np.array([2.0, 1.0, 1.0, 2.0])))
    assert result.cross_entropy == pytest.approx([-np.log(p).mean(), -np.log(1.0 - p).mean()])
    assert np.unpackbits(result.wrong.view(np.uint8), axis=1)[:, :4].tolist() == [[0] * 4, [1] * 4]
    assert np.isnan(classify(LinearClassifier(), [np.array([1.0])], inputs, classes, None).auc).all()
    with pytest.raises(InputError, match="no item of class 3"):
        classify(LinearClassifier(), [np.array([1.0])], inputs, classes, positive_class=3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("auc", "misclassification"), ("auc_test", "misclassification_test"), ("quality", "misclassification_quality")],
)
def test_name_of_the_second_property(name, expected):
    assert misclassification_name(name) == expected
