"""Transition state searches on surfaces whose transition states are known."""

import numpy as np
import pytest

from common.errors import ConvergenceError
from optim._rayleigh_ritz import lowest_eigenpair
from optim.minimise import quench
from optim.settings import OptimSettings
from optim.stationary import characterise_transition_state, newton_stationary
from optim.transition_state import find_transition_state
from potentials.callable import CallablePotential
from potentials.characterise import characterise_minimum, hessian_spectrum
from potentials.datasets.xor import xor_data
from potentials.lj import LennardJones
from potentials.mlp import MultilayerPerceptron


@pytest.mark.parametrize("hessian", [False, True])
def test_mueller_brown(surface, surface_settings, known_ts, hessian):
    energy, place = known_ts
    settings = surface_settings.with_changes(hessian=hessian)
    rng = np.random.default_rng(3)
    for _ in range(5):
        result = find_transition_state(surface, np.array(place) + rng.normal(scale=0.03, size=2), settings, rng=rng)
        assert result.converged, result.message
        assert result.energy == pytest.approx(energy, abs=1e-7)
        assert result.coordinates == pytest.approx(place, abs=1e-6)
        assert result.extra["eigenvalue"] < 0.0


def test_newton_steps_settle_where_the_curvature_is_soft():
    """Beside the zero network a full Newton step raises the gradient, and a point 1e-4 away passes for converged."""
    network = MultilayerPerceptron((2, 1, 2), *xor_data(), 1e-6)
    rng = np.random.default_rng(0)
    for _ in range(20):
        state, _, rms, hessian = newton_stationary(network, 0.004 * rng.standard_normal(network.n_variables), 0.01, 60)
        if rms < 1e-14 and (np.linalg.eigvalsh(hessian) < 0.0).sum() == 1:
            break
    assert 0.003 < np.linalg.norm(state) < 0.01
    displacements = rng.standard_normal((50, network.n_variables))
    displacements *= 1.5e-4 / np.linalg.norm(displacements, axis=1)[:, None]
    ends = np.array([newton_stationary(network, state + d, 0.2)[0] for d in displacements])
    assert (np.linalg.norm(ends - state, axis=1) < 1e-8).mean() > 0.9


def test_quadratic_saddle_of_every_index():
    from optim._eigenvector_following import EigenvectorFollowing

    values = np.array([-3.0, -2.0, 1.0, 4.0, 9.0])

    def quartic(x):
        return float(0.5 * (values * x * x).sum() + 0.25 * (x**4).sum()), values * x + x**3

    potential = CallablePotential(quartic, 5, hessian=lambda x: np.diag(values + 3.0 * x * x))
    out = EigenvectorFollowing(potential, OptimSettings(), 2).run(np.full(5, 0.05))
    assert out["status"] == 0
    assert out["coordinates"] == pytest.approx(np.zeros(5), abs=1e-8)
    # index 1: the mode with eigenvalue -3 at the origin, and a well of the other soft mode
    out = EigenvectorFollowing(potential, OptimSettings(), 1).run([0.01, 1.2, 0.1, 0.1, 0.1])
    assert out["status"] == 0
    assert out["coordinates"] == pytest.approx([0.0, np.sqrt(2.0), 0.0, 0.0, 0.0], abs=1e-8)


@pytest.mark.parametrize("analytic", [False, True])
def test_lowest_eigenpair_of_a_cluster_leaves_the_zero_modes_out(analytic):
    potential = LennardJones(13)
    x = quench(potential, potential.random_coordinates(np.random.default_rng(5)), OptimSettings()).coordinates
    x = x + np.random.default_rng(6).normal(scale=0.05, size=39)
    spectrum = hessian_spectrum(potential, x, vectors=True)
    value, vector, converged = lowest_eigenpair(potential, x, analytic=analytic, rms=1e-4)
    assert converged
    assert value == pytest.approx(spectrum.values[0], rel=1e-4)
    assert abs(vector @ spectrum.vectors[:, 0]) == pytest.approx(1.0, abs=1e-4)
    assert np.abs(potential.symmetry.zero_modes(x) @ vector).max() < 1e-10


def test_lj13_transition_states_have_index_one():
    potential = LennardJones(13)
    settings = OptimSettings()
    rng = np.random.default_rng(8)
    found = 0
    for _ in range(30):
        x = quench(potential, potential.random_coordinates(rng), settings).coordinates
        result = find_transition_state(potential, x + rng.normal(scale=0.1, size=39), settings, rng=rng)
        if not result.converged:
            continue
        record, vector = characterise_transition_state(potential, result.coordinates, result.energy, settings)
        found += 1
        e, g = potential.energy_gradient(record.coordinates)
        assert np.linalg.norm(g) / np.sqrt(39) < 1e-9 * np.abs(potential.hessian(record.coordinates)).max()
        assert e == record.energy == pytest.approx(result.energy, abs=1e-8)
        eigenvalues = np.linalg.eigvalsh(potential.hessian(record.coordinates))
        assert (eigenvalues < -1e-6).sum() == 1
        assert record.negative_eigenvalue == pytest.approx(eigenvalues[0], rel=1e-8)
        assert record.log_product == pytest.approx(np.log(eigenvalues[7:]).sum(), abs=1e-6)
        hv = potential.hessian(record.coordinates) @ vector
        assert hv == pytest.approx(record.negative_eigenvalue * vector, abs=1e-6)
    assert found >= 28


def test_wrong_index_is_refused():
    potential = LennardJones(7)
    settings = OptimSettings()
    x = quench(potential, potential.random_coordinates(np.random.default_rng(1)), settings).coordinates
    with pytest.raises(ConvergenceError, match="not a transition state: 0 negative"):
        characterise_transition_state(potential, x, None, settings)
    # a flat hexagon with an atom in its centre, relaxed radially: stationary by symmetry, and a saddle of high index
    angle = 2.0 * np.pi * np.arange(6) / 6
    hexagon = np.zeros((7, 3))
    hexagon[1:, 0], hexagon[1:, 1] = np.cos(angle), np.sin(angle)
    flat = hexagon.ravel() * 1.1
    for _ in range(50):
        g = potential.gradient(flat)
        direction = hexagon.ravel() / np.sqrt(6.0)
        curvature = direction @ potential.hessian(flat) @ direction
        flat = flat - (g @ direction) / curvature * direction
    with pytest.raises(ConvergenceError, match=r"not a minimum: \d negative eigenvalue"):
        characterise_minimum(potential, flat, polish=False)
    with pytest.raises(ConvergenceError, match="not a transition state"):
        characterise_transition_state(potential, flat, None, settings)


def test_not_finite_is_reported():
    potential = CallablePotential(lambda x: (float("nan"), np.full(2, np.nan)), 2)
    result = find_transition_state(potential, np.zeros(2), OptimSettings(), direction=np.ones(2))
    assert not result.converged
    assert "finite" in result.message


def test_errors_of_a_python_potential_come_out():
    def broken(x):
        raise RuntimeError("no energy today")

    with pytest.raises(RuntimeError, match="no energy today"):
        find_transition_state(CallablePotential(broken, 2), np.zeros(2), OptimSettings(), direction=np.ones(2))
