import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from potentials.symmetry._assignment import linear_assignment, linear_assignment_single


def check(cost):
    columns, total = linear_assignment(cost)
    rows, best = linear_sum_assignment(cost)
    exact = cost[rows, best].sum()
    assert sorted(columns) == list(range(len(cost)))
    assert abs(cost[np.arange(len(cost)), columns].sum() - exact) <= 1e-12 * max(1.0, np.abs(cost).sum())
    assert abs(total - exact) <= 1e-12 * max(1.0, np.abs(cost).sum())


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from(["real", "ties", "negative", "distances", "wide"]))
def test_agrees_with_scipy(n, seed, kind):
    rng = np.random.default_rng(seed)
    cost = {
        "real": lambda: rng.random((n, n)),
        "ties": lambda: rng.integers(0, 3, (n, n)).astype(float),
        "negative": lambda: rng.normal(size=(n, n)),
        "distances": lambda: ((rng.normal(size=(n, 1, 3)) - rng.normal(size=(n, 3))) ** 2).sum(axis=2),
        "wide": lambda: 10.0 ** rng.uniform(-8, 8, (n, n)),
    }[kind]()
    check(cost)


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_constant_costs(n):
    check(np.zeros((n, n)))
    check(np.full((n, n), -3.5))


def test_no_rows():
    columns, total = linear_assignment(np.empty((0, 0)))
    assert columns.size == 0
    assert total == 0.0


def test_bad_matrices_are_refused():
    with pytest.raises(ValueError, match="square"):
        linear_assignment(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="NaN"):
        linear_assignment(np.full((2, 2), np.nan))


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 80), st.integers(0, 2**32 - 1), st.sampled_from(["real", "ties", "negative", "distances"]), st.booleans())
def test_single_precision_agrees_with_scipy(n, seed, kind, warm):
    rng = np.random.default_rng(seed)
    cost = {
        "real": lambda: rng.random((n, n)),
        "ties": lambda: rng.integers(0, 3, (n, n)).astype(float),
        "negative": lambda: rng.normal(size=(n, n)),
        "distances": lambda: ((rng.normal(size=(n, 1, 3)) - rng.normal(size=(n, 3))) ** 2).sum(axis=2),
    }[kind]()
    columns, duals = linear_assignment_single(cost, rng.normal(size=n) if warm else None)
    exact = cost[linear_sum_assignment(cost)].sum()
    assert sorted(columns) == list(range(n))
    assert abs(cost[np.arange(n), columns].sum() - exact) <= 1e-5 * np.abs(cost).sum() + 1e-12
    # from the duals of the solution the solution comes again
    again, _ = linear_assignment_single(cost, duals)
    assert abs(cost[np.arange(n), again].sum() - exact) <= 1e-5 * np.abs(cost).sum() + 1e-12
