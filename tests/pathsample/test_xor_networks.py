"""What Mehta et al. (2018) say of the networks themselves at the minima of exclusive or (docs/validation.md)."""

import math

import numpy as np
import pytest

from common.errors import ConvergenceError
from common.lbfgs import minimise
from pathsample.learning.auc import area_under_curve
from pathsample.learning.node_links import connections, sensitivity
from potentials.characterise import characterise_minimum
from potentials.datasets.xor import xor_data
from potentials.mlp import MultilayerPerceptron

pytestmark = pytest.mark.validation


def minima(lam, n_quenches, n_hidden=6):
    """Distinct minima but that of zero weights, the lowest first."""
    potential, found = MultilayerPerceptron((2, n_hidden, 2), *xor_data(), lam), []
    rng = np.random.default_rng(1)
    for k in range(n_quenches):
        start = (0.5, 1.0, 3.0)[k % 3] * rng.uniform(-1, 1, potential.n_variables)
        if k % 3 == 0:
            # networks that treat both inputs alike are rare among random ones
            start[1 : 2 * n_hidden : 2] = start[: 2 * n_hidden : 2]
        end = minimise(potential, start, rms=1e-7, max_iterations=20000, max_step=1.0).coordinates
        try:
            minimum = characterise_minimum(potential, end)
        except ConvergenceError:
            continue
        new = not any(
            abs(m.energy - minimum.energy) < 1e-10 and potential.symmetry.same(minimum.coordinates, m.coordinates, 1e-3)
            for m in found
        )
        if minimum.energy < math.log(2) - 1e-9 and new:
            found.append(minimum)
    return potential, sorted(found, key=lambda m: m.energy)


def robust(potential, x):
    """Share of the square where the answer is 0 for |x - y| <= 0.5 and 1 elsewhere."""
    grid, probabilities = sensitivity(potential, x)
    wanted = np.abs(grid[:, None] - grid[None]) > 0.5
    return float(np.mean((probabilities[..., 1] > 0.5) == wanted))


def test_two_minima_at_the_strongest_regularisation():
    """Fig. 2: one fully connected, one with three nodes. Right answers from 0.85 to 0.91: those of the lowest minimum."""
    potential, found = minima(1e-2, 150)
    assert len(found) == 2
    assert [int(connections(potential, m.coordinates).connected[0].sum()) for m in found] == [3, 6]
    lowest, full = (potential.probabilities(m.coordinates)[np.arange(4), potential.classes] for m in found)
    assert [lowest.min(), lowest.max()] == pytest.approx([0.85, 0.91], abs=5e-3)
    # the paper gives that range for both
    assert [full.min(), full.max()] == pytest.approx([0.809, 0.856], abs=1e-3)
    # the sparse network is the more robust one
    assert robust(potential, found[0].coordinates) > robust(potential, found[1].coordinates) + 0.2


@pytest.mark.parametrize(("lam", "n_quenches"), [(1e-3, 60), pytest.param(1e-5, 150, marks=pytest.mark.slow)])
def test_weaker_regularisation_classifies_all_points(lam, n_quenches):
    """Figs 3-6: probabilities of 0.99 and more for the right answers, AUC of 1."""
    potential, found = minima(lam, n_quenches)
    assert len(found) >= 4
    for m in found:
        p = potential.probabilities(m.coordinates)
        assert (p[np.arange(4), potential.classes] > 0.98).all()
        assert area_under_curve(p[:, 0], potential.classes == 0) == 1.0


@pytest.mark.parametrize("n_hidden", [1, 3, 6])
@pytest.mark.parametrize("lam", [1e-1, 1e-4, 1e-6])
def test_zero_weights_answer_nothing(n_hidden, lam):
    potential = MultilayerPerceptron((2, n_hidden, 2), *xor_data(), lam)
    x = np.zeros(potential.n_variables)
    assert np.abs(potential.gradient(x)).max() == 0.0
    assert (potential.probabilities(x) == 0.5).all()
    # a minimum, or nearly one: no eigenvalue is below the cutoff of 1e-9
    assert np.linalg.eigvalsh(potential.hessian(x))[0] > -1e-9
