"""Accuracy of the kernels' exp, log and tanh, against extended precision."""

import numpy as np
import pytest

from potentials._mlp import elementary

pytestmark = pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="needs an extended long double")
LANES = [2, 4, 8]


def largest_error(values, exact):
    """In units of the last place of the exact result."""
    return float(np.max(np.abs(values - exact) / np.spacing(np.abs(exact).astype(np.float64))))


def run(name, x, lanes):
    try:
        return elementary(name, x, lanes)
    except ValueError:
        pytest.skip(f"no kernels with {lanes} lanes on this processor")


@pytest.mark.parametrize("lanes", LANES)
def test_exp(lanes):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-1, 1, 200_000), rng.uniform(-40, 40, 200_000), rng.uniform(-700, 700, 100_000)])
    assert largest_error(run("exp", x, lanes), np.exp(x.astype(np.longdouble))) < 1.3
    assert run("exp", np.array([0.0, -1e9]), lanes)[0] == 1.0
    assert run("exp", np.array([-1e9]), lanes)[0] < 1e-300
    assert np.isnan(run("exp", np.array([np.nan]), lanes)[0])


@pytest.mark.parametrize("lanes", LANES)
def test_log(lanes):
    rng = np.random.default_rng(1)
    wide = 10 ** rng.uniform(-300, 300, 100_000)
    x = np.concatenate([rng.uniform(1, 10, 200_000), 1 + 10 ** rng.uniform(-15, 0, 200_000), wide])
    assert largest_error(run("log", x, lanes), np.log(x.astype(np.longdouble))) < 1.2
    assert run("log", np.array([1.0]), lanes)[0] == 0.0


@pytest.mark.parametrize("lanes", LANES)
def test_tanh(lanes):
    rng = np.random.default_rng(2)
    # where the reduction of the argument changes: between multiples of ln 2/2 or of 1/4, and at the end of a table
    middles = np.concatenate([(np.arange(8) + 0.5) * np.log(2) / 2, (np.arange(31) + 0.5) / 4, [7.75]])
    switches = [middle + rng.uniform(-0.003, 0.003, 20_000) for middle in middles]
    tiny = 10 ** rng.uniform(-300, 0, 100_000)
    x = np.concatenate([rng.uniform(-1, 1, 300_000), *switches, rng.uniform(-25, 25, 200_000), tiny])
    assert largest_error(run("tanh", x, lanes), np.tanh(x.astype(np.longdouble))) < 2.0
    np.testing.assert_array_equal(run("tanh", -x, lanes), -run("tanh", x, lanes))
    np.testing.assert_array_equal(run("tanh", np.array([0.0, 30.0, -1e300, np.inf]), lanes), [0.0, 1.0, -1.0, 1.0])
    assert np.isnan(run("tanh", np.array([np.nan]), lanes)[0])
