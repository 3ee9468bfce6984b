"""Steepest-descent paths: order of the schemes, ends of an independent integration, independence of push and accuracy."""

import numpy as np
import pytest
from scipy.integrate import Radau

from common.errors import ConvergenceError
from optim._chebyshev import ChebyshevDescent
from optim._steepest_descent import SteepestDescent
from optim.connect import as_minimum
from optim.path import descend
from optim.settings import OptimSettings, default_settings
from optim.single_ended import search
from potentials.callable import CallablePotential
from potentials.characterise import hessian_spectrum, newton_minimise
from potentials.datasets.xor import xor_data
from potentials.lj import LennardJones
from potentials.mlp import MultilayerPerceptron


def page_mciver(potential, settings):
    return SteepestDescent(potential, settings, True)


SCHEMES = [SteepestDescent, page_mciver, ChebyshevDescent]


def integrated_end(potential, x, rms):
    """The minimum at the end of dx/dt = -g from x: the implicit Runge-Kutta method Radau IIA of order 5."""
    solver = Radau(
        lambda t, y: -potential.gradient(y), 0.0, x, np.inf, rtol=1e-7, atol=1e-8, jac=lambda t, y: -potential.hessian(y)
    )
    while np.sqrt(np.mean(potential.gradient(solver.y) ** 2)) >= rms:
        solver.step()
        assert solver.status != "failed"
    return newton_minimise(potential, solver.y, max_step=0.01)[0]


def lj13_transition_states(count):
    potential, settings = LennardJones(13), OptimSettings()
    rng = np.random.default_rng(3)
    minimum = as_minimum(potential, potential.random_coordinates(rng), settings)
    triples = search(potential, minimum, settings, rng, count)
    return potential, settings, [t.transition_state.coordinates for t in triples]


def network_transition_states(count):
    potential = MultilayerPerceptron([2, 4, 2], *xor_data(), 1e-3)
    settings = default_settings(potential)
    rng = np.random.default_rng(4)
    found = []
    while len(found) < count:
        try:
            minimum = as_minimum(potential, potential.random_coordinates(rng), settings)
        except ConvergenceError:
            continue
        found += search(potential, minimum, settings, rng, 4, [t.transition_state for t in found])
    return potential, settings, [t.transition_state.coordinates for t in found]


@pytest.mark.parametrize(("states", "rms"), [(lj13_transition_states, 1e-3), (network_transition_states, 1e-8)])
def test_ends_are_those_of_an_independent_integration(states, rms):
    potential, settings, points = states(12)
    assert len(points) >= 6
    # the curvatures of networks are for the implicit schemes
    schemes = SCHEMES if potential.pairwise else SCHEMES[:2]
    engines = [scheme(potential, settings) for scheme in schemes]
    for x in points[:12]:
        vector = hessian_spectrum(potential, x, vectors=True).vectors[:, 0]
        for sign in (1.0, -1.0):
            first = x + sign * settings.pushoff * vector
            end = integrated_end(potential, first, rms)
            if hessian_spectrum(potential, end).index:
                # a path of exact symmetry that ends in a saddle: rounding errors decide how far it gets
                continue
            for engine in engines:
                out = engine.run(x, potential.energy(x), first, 1e-8, 2000)
                assert out["converged"]
                assert out["energy"] == pytest.approx(potential.energy(end), abs=1e-8)
                # a cluster may turn, a network glide along its nearly flat valley, a little by the errors of the steps
                assert np.linalg.norm(out["coordinates"] - end) < 0.05


@pytest.mark.parametrize(("scheme", "order"), list(zip(SCHEMES, (4, 3, 3), strict=True)))
def test_order_of_the_schemes(surface, surface_settings, known_ts, scheme, order):
    # steps grow as tolerance^(1/p) when the error of a step is of that order: count them at two tolerances
    x = np.array(known_ts[1])
    vector = hessian_spectrum(surface, x, vectors=True).vectors[:, 0]
    counts = []
    for accuracy in (1e-5, 1e-8):
        engine = scheme(surface, surface_settings.with_changes(path_accuracy=accuracy))
        out = engine.run(x, surface.energy(x), x + 0.01 * vector, 1e-8, 100000)
        assert out["converged"]
        counts.append(out["iterations"])
    # the estimate is that of the embedded scheme, one order lower
    assert np.log10(counts[1] / counts[0]) == pytest.approx(3.0 / order, rel=0.25)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_ends_do_not_depend_on_push_or_accuracy(scheme):
    potential, settings, points = lj13_transition_states(30)
    for x in points[:10]:
        vector = hessian_spectrum(potential, x, vectors=True).vectors[:, 0]
        ends = []
        for push, accuracy in ((0.02, 3e-2), (0.002, 3e-2), (0.02, 1e-4)):
            engine = scheme(potential, settings.with_changes(path_accuracy=accuracy))
            ends.append(engine.run(x, potential.energy(x), x + push * vector, 1e-8, 5000)["coordinates"])
        for end in ends[1:]:
            assert np.linalg.norm(end - ends[0]) < 0.02


def test_a_flat_valley_is_followed_to_its_end():
    # curvatures 1 and 1e-7 along a parabola: the Newton step must not jump across the ridge at the origin
    def valley(x):
        u = x[1] - x[0] ** 2
        e = 1e-7 * (x[0] ** 2 - 4.0) ** 2 + 0.5 * u * u
        return e, np.array([4e-7 * x[0] * (x[0] ** 2 - 4.0) - 2.0 * x[0] * u, u])

    potential = CallablePotential(valley, 2)
    triple = descend(potential, np.zeros(2), OptimSettings(pushoff=0.01, distance_tolerance=0.01))
    ends = sorted([tuple(np.round(triple.plus.coordinates, 5)), tuple(np.round(triple.minus.coordinates, 5))])
    assert ends == [(-2.0, 4.0), (2.0, 4.0)]
    # both branches of the parabola y = x^2 from the origin to (2, 4)
    assert triple.path_length == pytest.approx(2.0 * (np.sqrt(17.0) + np.arcsinh(4.0) / 4.0), rel=2e-3)


def test_a_path_of_exact_symmetry_leaves_the_saddle_in_which_it_ends():
    # from (0, 0) along x to the saddle at (1, 0), and from there to one of the minima at (1, +-0.5)
    def forked(x):
        a = x[0] * x[0] - 1.0
        b = x[1] * x[1] - 0.25
        w = x[0] ** 2
        e = a * a + w * b * b + 0.5 * x[1] ** 2 * (1.0 - w)
        return e, np.array([4 * a * x[0] + 2 * x[0] * b * b - x[0] * x[1] ** 2, 4 * w * b * x[1] + x[1] * (1.0 - w)])

    potential = CallablePotential(forked, 2)
    triple = descend(potential, np.zeros(2), OptimSettings(pushoff=0.01, distance_tolerance=0.01))
    for end in (triple.plus, triple.minus):
        assert abs(end.coordinates[1]) > 0.2
        assert hessian_spectrum(potential, end.coordinates).index == 0
    assert triple.plus.coordinates[0] * triple.minus.coordinates[0] < 0.0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_frames_follow_the_path(scheme):
    potential, settings, points = lj13_transition_states(30)
    x = points[0]
    vector = hessian_spectrum(potential, x, vectors=True).vectors[:, 0]
    engine = scheme(potential, settings.with_changes(frames=6, path_accuracy=1e-4))
    out = engine.run(x, potential.energy(x), x + 0.02 * vector, 1e-8, 5000)
    assert 3 <= len(out["frames"]) <= 6
    assert (np.diff(out["frame_energies"]) < 0.0).all()
    assert (np.diff(out["frame_lengths"]) > 0.0).all()
    assert out["frame_lengths"][-1] <= out["length"]


def test_lengths_agree_between_explicit_and_implicit_schemes():
    potential, settings, points = lj13_transition_states(30)
    for x in points[:8]:
        vector = hessian_spectrum(potential, x, vectors=True).vectors[:, 0]
        for sign in (1.0, -1.0):
            first = x + sign * settings.pushoff * vector
            exact = SteepestDescent(potential, settings.with_changes(path_accuracy=1e-5)).run(
                x, potential.energy(x), first, 1e-8, 5000
            )
            out = ChebyshevDescent(potential, settings).run(x, potential.energy(x), first, 1e-8, 5000)
            assert out["energy"] == pytest.approx(exact["energy"], abs=1e-9)
            assert out["length"] == pytest.approx(exact["length"], rel=0.01)


def test_explicit_steps_take_few_hessians():
    # they are for the Newton steps at the end alone
    potential, settings, points = lj13_transition_states(30)
    x = points[0]
    vector = hessian_spectrum(potential, x, vectors=True).vectors[:, 0]
    engine = ChebyshevDescent(potential, settings)
    out = engine.run(x, potential.energy(x), x + settings.pushoff * vector, 1e-8, 5000)
    assert out["minimum"]
    assert engine.hessians <= 8 < out["iterations"]


def test_sums_over_pairs_are_followed_by_gradients():
    settings = OptimSettings()
    assert settings.path_by(LennardJones(38)) == "chebyshev"
    assert settings.path_by(LennardJones(200)) == "lbfgs"
    assert settings.path_by(MultilayerPerceptron([2, 4, 2], *xor_data(), 1e-3)) == "rosenbrock"
