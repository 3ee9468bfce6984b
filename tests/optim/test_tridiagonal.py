"""Eigenpairs from the tridiagonal form of a Hessian."""

import numpy as np
import pytest

from optim._tridiagonal import lowest_pairs


@pytest.mark.parametrize("n", [1, 2, 3, 10, 32, 74])
@pytest.mark.parametrize("kind", ["dense", "many decades", "degenerate"])
def test_lowest_pairs(n, kind):
    rng = np.random.default_rng(n)
    a = rng.standard_normal((n, n))
    a = a + a.T
    q, _ = np.linalg.qr(a)
    if kind == "many decades":
        a = (q * rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-10, 2, n)) @ q.T
    elif kind == "degenerate":
        a = (q * np.where(np.arange(n) < n // 3, -1e-3, 1.0)) @ q.T
    a = 0.5 * (a + a.T)
    expected = np.linalg.eigvalsh(a)
    for m in (0, min(n, 1), min(n, 5), n):
        values, vectors, negative = lowest_pairs(a, m)
        scale = abs(expected).max()
        assert np.abs(values - expected[:m]).max(initial=0.0) < 1e-13 * n * scale
        assert np.abs(a @ vectors.T - vectors.T * values).max(initial=0.0) < 1e-11 * scale
        assert np.allclose(vectors @ vectors.T, np.eye(m), atol=1e-12)
        assert negative == (expected < 0.0).sum()


def test_a_matrix_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="not finite"):
        lowest_pairs(np.full((3, 3), np.nan), 1)
    with pytest.raises(ValueError, match="square"):
        lowest_pairs(np.zeros((3, 2)), 1)
