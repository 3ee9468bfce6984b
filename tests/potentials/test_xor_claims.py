"""What Mehta et al. (2018) say of the networks for exclusive or, all variables regularised (docs/validation.md)."""

import math

import numpy as np
import pytest

from common.errors import ConvergenceError
from common.lbfgs import minimise
from potentials.characterise import characterise_minimum, hessian_spectrum
from potentials.datasets.xor import xor_data
from potentials.mlp import MultilayerPerceptron

pytestmark = pytest.mark.validation

#: Energy of the global minimum with two hidden nodes, by lambda.
TWO_NODES = {1e-2: 0.4265388868, 1e-3: 0.0835575897, 1e-4: 0.0134758301, 1e-5: 0.0019810102, 1e-6: 0.0002744144}
#: Energy of the global minimum with three hidden nodes at lambda = 1e-2.
THREE_NODES = 0.40677375503


def network(n_hidden, lam):
    return MultilayerPerceptron((2, n_hidden, 2), *xor_data(), lam)


def connected_nodes(potential, x):
    """Number of hidden nodes with a weight that is not zero."""
    (w2, w1), (bias, _) = potential.weight_matrices(x)
    return int(np.sum(np.abs(np.column_stack([w2, w1.T, bias])).max(axis=1) > 1e-6))


def survey(potential, n_quenches, seed=1):
    """Distinct verified minima of quenches from three sizes of random weights, by energy, the one of zero weights left out."""
    rng = np.random.default_rng(seed)
    found = []
    for k in range(n_quenches):
        start = (0.5, 1.0, 3.0)[k % 3] * rng.uniform(-1, 1, potential.n_variables)
        end = minimise(potential, start, rms=1e-7, max_iterations=20000, max_step=1.0).coordinates
        try:
            minimum = characterise_minimum(potential, end)
        except ConvergenceError:
            continue
        x, energy = minimum.coordinates, minimum.energy
        if energy > math.log(2) - 1e-9:
            continue
        if not any(abs(energy - m.energy) < 1e-10 and potential.symmetry.same(x, m.coordinates, 1e-3) for m in found):
            found.append(minimum)
    return sorted(found, key=lambda m: m.energy)


def pad(x, small, large):
    """The variables of a network with more hidden nodes, the further ones unconnected."""
    (w2, w1), (hidden, out) = small.weight_matrices(x)
    more = large.layers[1] - small.layers[1]
    parts = (np.vstack([w2, np.zeros((more, 2))]), np.hstack([w1, np.zeros((2, more))]), np.append(hidden, np.zeros(more)), out)
    return np.concatenate([np.ravel(part) for part in parts])


@pytest.mark.parametrize("lam", TWO_NODES)
def test_two_nodes_padded_with_zeros_are_a_saddle_of_index_n_minus_2(lam):
    small = network(2, lam)
    lowest = survey(small, 60)[0]
    assert lowest.energy == pytest.approx(TWO_NODES[lam], abs=6e-11)
    for n_hidden in (3, 4, 5, 6):
        large = network(n_hidden, lam)
        x = pad(lowest.coordinates, small, large)
        assert large.energy(x) == pytest.approx(lowest.energy, abs=1e-13)
        assert np.abs(large.gradient(x)).max() < 1e-9
        spectrum = hessian_spectrum(large, x)
        assert spectrum.index == n_hidden - 2
        # far from the cutoff of 1e-9 on either side
        assert np.abs(spectrum.values).min() > 1e-7


@pytest.mark.parametrize("n_hidden", [4, 5, 6])
def test_a_minimum_with_exactly_three_connected_nodes(n_hidden):
    three = survey(network(3, 1e-2), 60)[0]
    assert three.energy == pytest.approx(THREE_NODES, abs=6e-12)
    potential = network(n_hidden, 1e-2)
    found = [m for m in survey(potential, 300) if connected_nodes(potential, m.coordinates) == 3]
    assert len(found) == 1
    assert found[0].energy == pytest.approx(THREE_NODES, abs=6e-12)
    assert potential.symmetry.same(pad(three.coordinates, network(3, 1e-2), potential), found[0].coordinates, 1e-5)


def test_zero_weights_are_stationary():
    for lam in (1e-1, *TWO_NODES):
        potential = network(6, lam)
        energy, gradient = potential.energy_gradient(np.zeros(potential.n_variables))
        assert energy == pytest.approx(math.log(2), abs=1e-15)
        assert np.abs(gradient).max() < 1e-15


@pytest.mark.parametrize(("n_hidden", "n_quenches"), [(4, 600), pytest.param(6, 1500, marks=pytest.mark.slow)])
def test_the_number_of_minima_falls_as_lambda_rises(n_hidden, n_quenches):
    counts = [len(survey(network(n_hidden, lam), n_quenches)) for lam in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 0
    assert counts[0] > 3 * counts[4]


@pytest.mark.slow
def test_connections_at_the_weakest_regularisation():
    """The paper has all minima of six nodes fully connected at 1e-6. All are but two: those of four and five nodes, padded.

    Their idle weights are zero only after Newton steps; the smallest eigenvalue (above 4e-7) is positive beyond doubt.
    """
    potential = network(6, 1e-6)
    found = survey(potential, 1500)
    partly = [m for m in found if connected_nodes(potential, m.coordinates) < 6]
    assert len(found) >= 25
    assert [connected_nodes(potential, m.coordinates) for m in partly] == [4, 5]
    np.testing.assert_allclose([m.energy for m in partly], [0.00018184415703, 0.00018240992347], atol=1e-13)
    for minimum in partly:
        assert hessian_spectrum(potential, minimum.coordinates).values[0] > 3e-7
