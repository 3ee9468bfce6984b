import pickle

import numpy as np
import pytest

from potentials.callable import CallablePotential


def quartic(x):
    return float(np.sum(x**4)), 4 * x**3


def quartic_hessian(x):
    return np.diag(12 * x**2)


def test_difference_hessian_agrees_with_the_given_one():
    x = np.array([0.5, -1.0, 2.0])
    given = CallablePotential(quartic, 3, hessian=quartic_hessian)
    differences = CallablePotential(quartic, 3)
    assert given.has_hessian
    assert not differences.has_hessian
    np.testing.assert_allclose(differences.hessian(x), given.hessian(x), atol=1e-6)


def test_the_function_may_spoil_its_argument():
    def spoils(x):
        result = quartic(x)
        x[:] = 0.0
        return result

    x = np.array([1.0, 2.0, 3.0])
    assert CallablePotential(spoils, 3).energy(x) == 98.0
    np.testing.assert_array_equal(x, [1.0, 2.0, 3.0])


def test_wrong_hessian_shape_is_an_error():
    with pytest.raises(ValueError, match="Hessian has shape"):
        CallablePotential(quartic, 3, hessian=lambda x: np.eye(2)).hessian(np.ones(3))


def test_pickled_copy_is_the_same_function():
    potential = CallablePotential(quartic, 3, hessian=quartic_hessian, name="quartic")
    copy = pickle.loads(pickle.dumps(potential))
    assert copy.energy(np.ones(3)) == 3.0
    assert copy.fingerprint() == potential.fingerprint()


def test_random_coordinates_come_from_start():
    potential = CallablePotential(quartic, 2, start=lambda rng: rng.uniform(3, 4, 2))
    assert np.all(potential.random_coordinates(np.random.default_rng(0)) >= 3)
    assert CallablePotential(quartic, 2).random_coordinates(np.random.default_rng(0)).shape == (2,)
