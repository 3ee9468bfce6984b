"""The harmonic superposition against numerical derivatives and closed forms."""

from types import SimpleNamespace

import numpy as np
import pytest

from optim.minimise import quench
from optim.settings import default_settings
from pathsample.kinetics.analysis import number_of_modes
from pathsample.thermodynamics.heat_capacity import Superposition
from pathsample.thermodynamics.landscape_entropy import z_score
from pathsample.thermodynamics.microcanonical import ln_density
from pathsample.thermodynamics.modes import modes_of_minima, unused_nodes
from potentials.characterise import characterise_minimum
from potentials.lj import LennardJones
from potentials.mlp import MultilayerPerceptron


def model(seed=0, n=60, kappa=9):
    rng = np.random.default_rng(seed)
    return Superposition(-50 + 3 * rng.random(n), 20 + rng.random(n), rng.integers(1, 6, n), kappa, planck=0.7)


def test_functions_are_derivatives_of_ln_z():
    m = model()
    kt = np.linspace(0.05, 2.0, 40)
    h = 1e-4 * kt
    up, here, down = m.curve(kt + h), m.curve(kt), m.curve(kt - h)
    free = [-c.kt * c.ln_z for c in (up, here, down)]
    np.testing.assert_allclose(-(free[0] - free[2]) / (2 * h), here.entropy, rtol=1e-6)
    np.testing.assert_allclose((up.energy - down.energy) / (2 * h), here.heat_capacity, rtol=1e-6)
    np.testing.assert_allclose(here.energy - here.kt * here.entropy, free[1], rtol=1e-12)


def test_slope_is_the_derivative_of_the_occupation():
    m = model(1)
    numerical = (m.occupation(0.3001) - m.occupation(0.2999)) / 2e-4
    np.testing.assert_allclose(m.slope(0.3), numerical, atol=1e-6)
    assert m.slope(0.3).sum() == pytest.approx(0.0, abs=1e-12)


def test_two_levels_have_a_schottky_peak():
    # many excited minima of one energy: C = x^2 g e^-x / (1 + g e^-x)^2
    m = Superposition(np.array([0.0] + [1.0] * 500), np.zeros(501), np.ones(501), 6)
    (peak,) = m.peaks(0.01, 2.0)
    kt = np.linspace(0.05, 0.5, 200001)
    x = 1 / kt
    exact = x**2 * 500 * np.exp(-x) / (1 + 500 * np.exp(-x)) ** 2
    assert peak.kt == pytest.approx(kt[exact.argmax()], abs=1e-5)
    assert peak.heat_capacity == pytest.approx(6 + exact.max(), rel=1e-9)
    assert [m for m, _ in peak.losing] == [0]
    assert all(m > 0 for m, _ in peak.gaining)


def test_extremes_and_partial_sums():
    m = model(2)
    cold = m.curve([1e-6, 1e6])
    assert np.isfinite(cold.entropy).all()
    assert cold.heat_capacity == pytest.approx([9, 9], abs=1e-6)
    assert m.lowest(60).curve([0.3]).ln_z == pytest.approx(m.curve([0.3]).ln_z)
    assert m.lowest(1).curve([0.3]).heat_capacity == pytest.approx([9])
    assert m.lowest(10).curve([0.3]).ln_z < m.curve([0.3]).ln_z


@pytest.mark.parametrize("kind", ["cluster", "network", "frozen weights"])
def test_curve_of_a_real_landscape(kind):
    # kappa counts the non-zero Hessian eigenvalues; C_V is the derivative of U and -T d2F/dT2
    rng = np.random.default_rng(3)
    if kind == "cluster":
        potential = LennardJones(7)
    else:
        x, c = rng.random((30, 2)), rng.integers(0, 2, 30)
        potential = MultilayerPerceptron([2, 3, 2], x, c, 1e-2, neighbours=1 if kind == "frozen weights" else None)
    rows = []
    for _ in range(8):
        found = quench(potential, potential.random_coordinates(rng), default_settings(potential))
        values = np.linalg.eigvalsh(potential.hessian(found.coordinates))
        minimum = characterise_minimum(potential, found.coordinates)
        rows.append((minimum.energy, minimum.log_product, minimum.order))
        setup = SimpleNamespace(potential=potential, n_variables=potential.n_variables, symmetry=potential.symmetry)
        kappa = number_of_modes(setup, None)
        nonzero = values[np.abs(values) > 1e-6]
        assert kappa == len(nonzero)
        assert minimum.log_product == pytest.approx(np.log(nonzero).sum(), abs=1e-5)
    m = Superposition(*(np.array(column, dtype=float) for column in zip(*rows)), kappa)
    kt = np.linspace(0.01, 0.6, 25)
    h = 1e-3 * kt
    free = [-t * m.curve(t).ln_z for t in (kt + h, kt, kt - h)]
    here = m.curve(kt)
    np.testing.assert_allclose(-kt * (free[0] - 2 * free[1] + free[2]) / h**2, here.heat_capacity, rtol=1e-4)
    energies = [m.curve(t).energy for t in (kt + h, kt - h)]
    np.testing.assert_allclose((energies[0] - energies[1]) / (2 * h), here.heat_capacity, rtol=1e-4)


def test_uneven_numbers_of_modes_are_derivatives_of_ln_z():
    rng = np.random.default_rng(4)
    m = Superposition(rng.random(20), 20 + rng.random(20), np.ones(20), rng.integers(5, 9, 20), planck=0.7)
    kt = np.linspace(0.05, 2.0, 40)
    h = 1e-4 * kt
    up, here, down = m.curve(kt + h), m.curve(kt), m.curve(kt - h)
    free = [-c.kt * c.ln_z for c in (up, here, down)]
    np.testing.assert_allclose(-(free[0] - free[2]) / (2 * h), here.entropy, rtol=1e-6)
    np.testing.assert_allclose((up.energy - down.energy) / (2 * h), here.heat_capacity, rtol=1e-6)
    np.testing.assert_allclose(here.energy - here.kt * here.entropy, free[1], rtol=1e-12)
    numerical = (m.occupation(0.3001) - m.occupation(0.2999)) / 2e-4
    np.testing.assert_allclose(m.slope(0.3), numerical, atol=1e-6)
    # the density of states is the inverse transform of Z
    e = np.linspace(0.0, 12.0, 40001)[1:]
    w = np.exp(ln_density(m, e))
    assert np.log(np.trapezoid(w * np.exp(-e / 0.3), e)) == pytest.approx(m.curve([0.3]).ln_z[0], rel=1e-6)


def test_free_biases_of_unused_nodes_are_no_modes():
    # four points of two classes and five hidden nodes: minima with three and with four nodes in use
    x, c = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    potential = MultilayerPerceptron([2, 5, 2], x, c, 1e-2, regularise_biases=False)
    rng = np.random.default_rng(0)
    points = [quench(potential, potential.random_coordinates(rng), default_settings(potential)).coordinates for _ in range(3)]
    database = SimpleNamespace(n_minima=3, coordinates=lambda: np.array(points))
    setup = SimpleNamespace(potential=potential, n_variables=potential.n_variables, symmetry=potential.symmetry)
    assert number_of_modes(setup, None) == 26
    modes = modes_of_minima(setup, database)
    for k, point in enumerate(points):
        values = np.linalg.eigvalsh(potential.hessian(point))
        assert modes[k] == np.count_nonzero(values > 1e-6) == 26 - unused_nodes(potential.symmetry, point)
    assert len(set(modes.tolist())) == 2
    regularised = MultilayerPerceptron([2, 5, 2], x, c, 1e-2)

    setup.potential, setup.symmetry = regularised, regularised.symmetry
    assert modes_of_minima(setup, database) == 27


def test_z_score():
    m = Superposition(np.array([0.0, 1.0, 1.5, 4.0]), np.array([0.0, 0.2, 0.1, 0.0]), np.ones(4), 6)
    p = np.exp(-np.array([0.1, 0.05, 0.0]) - np.array([1.0, 1.5, 4.0]) / 0.7)
    p /= p.sum()
    mean = p @ [1.0, 1.5, 4.0]
    assert z_score(m, 0.7) == pytest.approx(-mean / np.sqrt(p @ (np.array([1.0, 1.5, 4.0]) - mean) ** 2), rel=1e-12)
    assert np.isfinite(z_score(m, 1e-3))
    assert np.isnan(z_score(m.lowest(1), 0.7))
    assert np.isnan(z_score(m.lowest(2), 0.7))
