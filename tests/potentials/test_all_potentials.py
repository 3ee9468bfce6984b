"""What every potential must satisfy, over the one list of them."""

import pickle

import numpy as np
import pytest
from instances import INSTANCES

STEP = 1e-5


@pytest.fixture(params=INSTANCES, ids=str)
def case(request):
    instance = INSTANCES[request.param]
    potential = instance.build()
    return potential, instance.point(potential)


def contained(potential):
    """Whether atoms touch the wall of a container, which fixes the cluster in space."""
    return getattr(potential, "radius", None) is not None


def directions(n, seed=1):
    """A few directions, all of them for few variables."""
    if n <= 120:
        return np.eye(n)
    rng = np.random.default_rng(seed)
    v = rng.normal(size=(20, n))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def test_gradient_is_the_derivative_of_the_energy(case):
    potential, x = case
    gradient = potential.gradient(x)
    scale = max(1.0, np.abs(gradient).max())
    for v in directions(x.size):
        slope = (potential.energy(x + STEP * v) - potential.energy(x - STEP * v)) / (2 * STEP)
        assert slope == pytest.approx(gradient @ v, abs=2e-8 * scale)


def test_hessian_is_the_derivative_of_the_gradient(case, request):
    potential, x = case
    assert potential.has_hessian
    hessian = potential.hessian(x)
    scale = max(1.0, np.abs(hessian).max())
    np.testing.assert_allclose(hessian, hessian.T, rtol=0.0, atol=1e-14 * scale)
    tangent = np.eye(x.size)
    if INSTANCES[request.node.callspec.params["case"]].curved:
        modes = potential.symmetry.zero_modes(x)
        tangent -= modes.T @ modes
    for v in directions(x.size) @ tangent:
        change = (potential.gradient(x + STEP * v) - potential.gradient(x - STEP * v)) / (2 * STEP)
        np.testing.assert_allclose(hessian @ v, tangent @ change, atol=2e-8 * scale)


def test_zero_modes_have_no_curvature(case):
    potential, x = case
    if contained(potential):
        pytest.skip("atoms outside a container hold the cluster in place")
    gradient, hessian = potential.energy_gradient(x)[1], potential.hessian(x)
    for mode in potential.symmetry.zero_modes(x):
        # away from a stationary point a rotation turns the gradient: its curvature is of the size of the gradient
        assert abs(gradient @ mode) <= 1e-10 * max(1.0, np.linalg.norm(gradient))
        assert np.linalg.norm(hessian @ mode) <= 2.0 * np.linalg.norm(gradient) + 1e-9


def test_energy_is_invariant_under_its_symmetry(case):
    potential, x = case
    if contained(potential):
        pytest.skip("atoms outside a container hold the cluster in place")
    rng = np.random.default_rng(3)
    energy = potential.energy(x)
    for _ in range(10):
        assert potential.energy(potential.symmetry.random_copy(x, rng)) == pytest.approx(energy, rel=1e-12, abs=1e-12)


def test_input_of_any_layout_is_left_alone(case):
    potential, x = case
    energy, gradient = potential.energy_gradient(x)
    frozen = x.copy()
    frozen.flags.writeable = False
    spread = np.zeros((x.size, 3))
    spread[:, 1] = x
    shapes = [frozen, spread[:, 1], x.tolist(), x.reshape(1, -1), x[::-1].copy()[::-1]]
    for given in shapes:
        e, g = potential.energy_gradient(given)
        assert e == energy
        np.testing.assert_array_equal(g, gradient)
    np.testing.assert_array_equal(potential.hessian(spread[:, 1]), potential.hessian(x))
    np.testing.assert_array_equal(frozen, x)


def test_atoms_by_coordinates_are_accepted(case):
    potential, x = case
    if x.size % 3 == 0:
        assert potential.energy(x.reshape(-1, 3)) == potential.energy(x)
        assert potential.energy(np.asfortranarray(x.reshape(-1, 3))) == potential.energy(x)


def test_wrong_length_is_an_error(case):
    potential, x = case
    with pytest.raises(ValueError, match=str(x.size)):
        potential.energy(np.append(x, 0.0))


def test_batch_equals_single_calls(case):
    potential, x = case
    points = np.array([x, 1.01 * x, 0.99 * x])
    energies, gradients = potential.energy_gradient_batch(points)
    for point, energy, gradient in zip(points, energies, gradients):
        e, g = potential.energy_gradient(point)
        assert e == energy
        np.testing.assert_array_equal(g, gradient)
    assert potential.energy_gradient_batch(np.empty((0, x.size)))[1].shape == (0, x.size)


def test_batch_does_not_depend_on_the_number_of_threads(case):
    potential, x = case
    points = x * np.linspace(0.98, 1.02, 7)[:, None]
    energies, gradients = potential.energy_gradient_batch(points)
    before = potential.calls
    for threads in (2, 3, 50):
        e, g = potential.energy_gradient_batch(points, threads=threads)
        np.testing.assert_array_equal(e, energies)
        np.testing.assert_array_equal(g, gradients)
    assert potential.calls == before + 21
    with pytest.raises(ValueError, match="threads"):
        potential.energy_gradient_batch(points, threads=0)


def test_pickled_copy_is_the_same_function(case):
    potential, x = case
    copy = pickle.loads(pickle.dumps(potential))
    assert type(copy) is type(potential)
    assert copy.energy(x) == potential.energy(x)
    np.testing.assert_array_equal(copy.hessian(x), potential.hessian(x))
    assert copy.fingerprint() == potential.fingerprint()
    assert copy.symmetry.n_zero == potential.symmetry.n_zero


def test_fingerprint_is_plain(case):
    import json

    potential, _ = case
    assert json.loads(json.dumps(potential.fingerprint())) == potential.fingerprint()


def test_random_coordinates_repeat_with_the_seed(case):
    potential, _ = case
    first = potential.random_coordinates(np.random.default_rng(4))
    assert first.shape == (potential.n_variables,)
    assert np.isfinite(potential.energy(first))
    np.testing.assert_array_equal(first, potential.random_coordinates(np.random.default_rng(4)))


def test_not_a_number_comes_out(case):
    potential, x = case
    active = np.flatnonzero(potential.gradient(x))[0]
    x = x.copy()
    x[active] = np.nan
    assert np.isnan(potential.energy(x))


def test_calls_are_counted(case):
    potential, x = case
    before = potential.calls
    potential.energy_gradient(x)
    potential.energy_gradient_batch([x, x])
    assert potential.calls == before + 3
