import numpy as np
import pytest

from common.lbfgs import minimise
from potentials.callable import CallablePotential
from potentials.lj import LennardJones


def rosenbrock(x):
    a, b = 1.0 - x[:-1], x[1:] - x[:-1] ** 2
    gradient = np.zeros_like(x)
    gradient[:-1] += -2.0 * a - 400.0 * x[:-1] * b
    gradient[1:] += 200.0 * b
    return float(np.sum(a**2 + 100.0 * b**2)), gradient


def recording(function):
    """The function and the list of energies it was asked for."""
    seen = []

    def wrapped(x):
        energy, gradient = function(x)
        seen.append(energy)
        return energy, gradient

    return wrapped, seen


@pytest.mark.parametrize("history", [1, 4, 20])
def test_rosenbrock_is_minimised(history):
    potential = CallablePotential(rosenbrock, 6)
    result = minimise(potential, [-1.2, 1.0, -1.2, 1.0, 0.5, 2.0], history=history, rms=1e-9)
    assert result.converged
    assert result.rms < 1e-9
    np.testing.assert_allclose(potential.gradient(result.coordinates), result.gradient, atol=1e-15)
    assert potential.energy(result.coordinates) == result.energy


def test_quadratic_form_needs_few_steps():
    matrix = np.diag(np.linspace(1.0, 5.0, 10))
    result = minimise(CallablePotential(lambda x: (0.5 * x @ matrix @ x, matrix @ x), 10), np.ones(10), rms=1e-10, history=10)
    assert result.converged
    assert result.iterations < 40
    np.testing.assert_allclose(result.coordinates, 0.0, atol=1e-8)


def test_no_step_is_longer_than_max_step():
    steps = []

    def bowl(x):
        steps.append(x.copy())
        return float(x @ x), 2 * x

    minimise(CallablePotential(bowl, 4), np.full(4, 10.0), max_step=0.25, max_iterations=30)
    lengths = np.linalg.norm(np.diff(steps, axis=0), axis=1)
    assert lengths.max() <= 0.25 * (1 + 1e-12)
    assert lengths[-1] == pytest.approx(0.25)


def test_the_energy_never_rises_by_more_than_max_rise():
    function, energies = recording(rosenbrock)
    result = minimise(CallablePotential(function, 2), [-1.9, 2.0], rms=1e-8, max_rise=1e-10)
    accepted = [energies[0]]
    for energy in energies[1:]:
        if energy - accepted[-1] <= 1e-10:
            accepted.append(energy)
    assert result.converged
    assert len(accepted) == result.iterations + 1


def test_evaluations_are_counted():
    function, energies = recording(rosenbrock)
    potential = CallablePotential(function, 2)
    result = minimise(potential, [-1.2, 1.0], rms=1e-6)
    assert result.calls == len(energies) == potential.calls


def test_iteration_limit_is_reported():
    result = minimise(CallablePotential(rosenbrock, 2), [-1.2, 1.0], max_iterations=3)
    assert not result.converged
    assert result.iterations == 3
    assert "iterations" in result.message


def test_not_finite_is_reported_not_raised():
    result = minimise(LennardJones(3), np.zeros(9))
    assert not result.converged
    assert "finite" in result.message


def test_exception_of_a_python_function_comes_out():
    def fails(x):
        raise ZeroDivisionError("of the user")

    with pytest.raises(ZeroDivisionError, match="of the user"):
        minimise(CallablePotential(fails, 2), [0.0, 0.0])


def test_wrong_gradient_shape_comes_out():
    with pytest.raises(ValueError, match="3 components, expected 2"):
        minimise(CallablePotential(lambda x: (0.0, np.zeros(3)), 2), [0.0, 0.0])


def test_floor_stops_a_collapse():
    result = minimise(CallablePotential(lambda x: (-float(x @ x), -2 * x), 2), [1.0, 1.0], floor=-100.0)
    assert "floor" in result.message
    assert result.energy < -100.0


@pytest.mark.parametrize("setting", [{"history": 0}, {"max_step": 0.0}, {"diagonal": -1.0}, {"rms": -1.0}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ValueError, match="must be positive"):
        minimise(CallablePotential(rosenbrock, 2), [0.0, 0.0], **setting)


def test_wrong_length_is_refused():
    with pytest.raises(ValueError, match="expected 2 variables, got 3"):
        minimise(CallablePotential(rosenbrock, 2), [0.0, 0.0, 0.0])


def test_lj13_random_quenches_are_stationary_and_find_the_icosahedron():
    rng = np.random.default_rng(5)
    potential = LennardJones(13)
    energies = []
    for _ in range(300):
        result = minimise(potential, rng.uniform(-1.5, 1.5, 39), rms=1e-7)
        if result.converged:
            energies.append(result.energy)
            assert np.linalg.norm(result.gradient) / np.sqrt(39) < 1e-7
    assert len(energies) > 290
    assert min(energies) == pytest.approx(-44.326801, abs=1e-6)
    assert min(energies) > -44.3269
