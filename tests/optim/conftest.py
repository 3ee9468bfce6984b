"""Surfaces with known stationary points."""

import numpy as np
import pytest

from optim.settings import OptimSettings
from potentials.callable import CallablePotential

A = np.array([-200.0, -100.0, -170.0, 15.0])
a = np.array([-1.0, -1.0, -6.5, 0.7])
b = np.array([0.0, 0.0, 11.0, 0.6])
c = np.array([-10.0, -10.0, -6.5, 0.7])
X = np.array([1.0, 0.0, -0.5, -1.0])
Y = np.array([0.0, 0.5, 1.5, 1.0])


def mueller_brown(x):
    """Energy and gradient, Müller and Brown, Theor. Chim. Acta 53, 75 (1979)."""
    u, v = x[0] - X, x[1] - Y
    terms = A * np.exp(a * u * u + b * u * v + c * v * v)
    return float(terms.sum()), np.array([(terms * (2 * a * u + b * v)).sum(), (terms * (b * u + 2 * c * v)).sum()])


#: Energies and places of its minima and transition states.
MINIMA = {
    -146.69951721: (-0.558223634633024, 1.441725841804669),
    -108.16672412: (0.623499404930877, 0.028037758528686),
    -80.76781812: (-0.050010822998206, 0.466694104871972),
}
TRANSITION_STATES = {
    -40.66484351: (-0.822001558732732, 0.624312802814871),
    -72.24894011: (0.212486582000662, 0.292988325107368),
}


@pytest.fixture
def surface():
    """The Müller-Brown surface."""
    return CallablePotential(mueller_brown, 2)


@pytest.fixture
def surface_settings():
    """Settings that suit it: curvatures of a thousand, distances of one."""
    return OptimSettings(
        max_step=0.05,
        path_max_step=0.02,
        diagonal=1e-3,
        ef_max_step=0.05,
        ef_step_ceiling=0.1,
        ritz_diagonal=1e-3,
        pushoff=0.01,
        spring=100.0,
        spring_max=1e5,
        band_max_step=0.05,
        band_diagonal=1e-4,
        band_rms=1.0,
        image_density=15.0,
        distance_tolerance=0.02,
        hessian=False,
    )


def pytest_generate_tests(metafunc):
    """One test for each known stationary point."""
    if "known_ts" in metafunc.fixturenames:
        metafunc.parametrize("known_ts", list(TRANSITION_STATES.items()))


@pytest.fixture
def known_minima():
    """Energies and places of the minima of the surface."""
    return MINIMA


@pytest.fixture
def known_transition_states():
    """Energies and places of the transition states of the surface."""
    return TRANSITION_STATES
