"""Downhill paths: they end in the known minima, fall monotonically, and do not depend on how the cluster is turned."""

import numpy as np
import pytest

from common.errors import ConvergenceError
from optim.path import best_push, descend, follow_path
from optim.settings import OptimSettings
from optim.single_ended import search
from optim.stationary import characterise_transition_state
from potentials.callable import CallablePotential
from potentials.lj import LennardJones

METHODS = ["lbfgs", "chebyshev", "pagemciver", "ode"]
#: Which minima each transition state of the Müller-Brown surface joins.
JOINED = {-40.66484351: (-146.69951721, -80.76781812), -72.24894011: (-108.16672412, -80.76781812)}


@pytest.mark.parametrize("method", METHODS)
def test_mueller_brown(surface, surface_settings, known_ts, method):
    energy, place = known_ts
    triple = descend(surface, np.array(place), surface_settings.with_changes(path_method=method))
    assert triple.transition_state.energy == pytest.approx(energy, abs=1e-7)
    ends = sorted([triple.plus.energy, triple.minus.energy])
    assert ends == pytest.approx(sorted(JOINED[energy]), abs=1e-7)


def test_steepest_descent_length_agrees_between_methods(surface, surface_settings, known_ts):
    # the path length is a property of the surface: two different integrators must agree on it
    lengths = [
        descend(surface, np.array(known_ts[1]), surface_settings.with_changes(path_method=m, ode_accuracy=1e-7)).path_length
        for m in ("pagemciver", "ode")
    ]
    assert lengths[0] == pytest.approx(lengths[1], rel=2e-3)


@pytest.fixture(scope="module")
def lj13():
    """Transition states of LJ13 with the settings they were found with."""
    potential, settings = LennardJones(13), OptimSettings()
    rng = np.random.default_rng(2)
    from optim.connect import as_minimum

    minimum = as_minimum(potential, potential.random_coordinates(rng), settings)
    triples = search(potential, minimum, settings, rng, 30)
    assert len(triples) >= 5
    return potential, settings, triples


def test_ends_are_verified_minima_below_the_transition_state(lj13):
    potential, _, triples = lj13
    for triple in triples:
        for end in (triple.plus, triple.minus):
            assert end.energy < triple.transition_state.energy
            gradient = potential.gradient(end.coordinates)
            assert np.linalg.norm(gradient) / np.sqrt(39) < 1e-6
            eigenvalues = np.linalg.eigvalsh(potential.hessian(end.coordinates))
            assert eigenvalues[0] > -1e-5
            assert end.log_product == pytest.approx(np.log(eigenvalues[6:]).sum(), abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_energies_fall_along_both_sides(lj13, method):
    potential, settings, triples = lj13
    ts = triples[0].transition_state
    path = follow_path(potential, ts, settings.with_changes(frames=50, path_method=method))
    for side in (path.plus, path.minus):
        assert len(side.energies) >= 2
        assert len(side.energies) <= 52
        assert (np.diff(np.concatenate([[ts.energy], side.energies])) <= 1e-9).all()
        assert (np.diff(side.lengths) >= 0.0).all()
        assert side.lengths[-1] == pytest.approx(side.length)
        for x, e in zip(side.frames, side.energies, strict=True):
            assert potential.energy(x) == pytest.approx(e, abs=1e-9)
        assert side.lengths[-1] >= np.linalg.norm(side.end - ts.coordinates) - 1e-9
    assert path.length >= path.distance
    assert 1.0 <= path.moment <= 13.0
    assert path.cooperativity == pytest.approx(13.0 / path.moment)


def test_a_turned_and_permuted_copy_has_the_same_ends(lj13):
    potential, settings, triples = lj13
    rng = np.random.default_rng(4)
    for triple in triples[:6]:
        copy = potential.symmetry.random_copy(triple.transition_state.coordinates, rng)
        record, vector = characterise_transition_state(potential, copy, None, settings)
        again = follow_path(potential, record, settings, vector).triple
        assert again.transition_state.energy == pytest.approx(triple.transition_state.energy, abs=1e-9)
        ends = sorted([again.plus.energy, again.minus.energy])
        assert ends == pytest.approx(sorted([triple.plus.energy, triple.minus.energy]), abs=1e-7)
        assert again.transition_state.log_product == pytest.approx(triple.transition_state.log_product, abs=1e-6)


def test_best_push_maximises_the_decrease():
    def double_well(x):
        return float((x[0] ** 2 - 1.0) ** 2 + x[1] ** 2), np.array([4.0 * x[0] * (x[0] ** 2 - 1.0), 2.0 * x[1]])

    potential = CallablePotential(double_well, 2)
    settings = OptimSettings(pushopt=True, pushoff=3.0, pushopt_tolerance=1e-7)
    assert best_push(potential, np.zeros(2), np.array([1.0, 0.0]), settings) == pytest.approx(1.0, abs=1e-5)
    assert best_push(potential, np.zeros(2), np.array([1.0, 0.0]), settings.with_changes(pushoff=0.3)) == 0.3
    triple = descend(potential, np.zeros(2), settings)
    assert sorted([triple.plus.coordinates[0], triple.minus.coordinates[0]]) == pytest.approx([-1.0, 1.0], abs=1e-6)


def test_a_path_without_a_bottom_is_refused_with_a_reason():
    def falling(x):
        return float(-(x[0] ** 2) + x[1] ** 2), np.array([-2.0 * x[0], 2.0 * x[1]])

    with pytest.raises(ConvergenceError, match="downhill path"):
        descend(CallablePotential(falling, 2), np.zeros(2), OptimSettings(max_iterations=200))


def test_a_minimum_is_no_transition_state(surface, surface_settings, known_minima):
    for place in known_minima.values():
        with pytest.raises(ConvergenceError, match="not a transition state"):
            descend(surface, np.array(place), surface_settings)
