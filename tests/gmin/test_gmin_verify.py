"""Verified minima out of quenches: the fast way for clusters agrees with the general one."""

import numpy as np
import pytest

from common.errors import ConvergenceError
from common.lbfgs import minimise
from gmin._verify import C1, SADDLE, UNDECIDED, ClusterVerifier
from gmin.verification import cluster_verifier, verify
from potentials.callable import CallablePotential
from potentials.characterise import characterise_minimum, hessian_spectrum
from potentials.lj import LennardJones
from potentials.ljat import LennardJonesAxilrodTeller
from potentials.symmetry import RigidCluster


def quenches(potential, count, rms, seed=1):
    """Random starts, quenched to an RMS gradient."""
    rng = np.random.default_rng(seed)
    size = 0.9 * (potential.n_variables / 3) ** (1 / 3)
    points = []
    while len(points) < count:
        result = minimise(potential, rng.uniform(-size, size, potential.n_variables), rms=rms, max_iterations=5000)
        if result.converged:
            points.append(result.coordinates)
    return np.array(points)


@pytest.mark.parametrize("potential", [LennardJones(7), LennardJones(19), LennardJonesAxilrodTeller(13, 0.5)])
@pytest.mark.parametrize(("rms", "lanes"), [(5e-3, 0), (1e-6, 4), (1e-4, 2)])
def test_agrees_with_the_general_way(potential, rms, lanes):
    points = quenches(potential, 30, rms)
    outcomes, x, figures = ClusterVerifier(potential, lanes).verify(points)
    decided = np.flatnonzero(outcomes != UNDECIDED)
    assert len(decided) >= 27
    for k in decided:
        goal = 1e-9 * max(1.0, np.abs(np.diagonal(potential.hessian(x[k]))).max())
        assert np.sqrt(np.mean(potential.gradient(x[k]) ** 2)) < goal
        assert np.abs(x[k].reshape(-1, 3).mean(axis=0)).max() < 1e-12
        # the point itself, so that neither way depends on the well in which Newton steps end
        m = characterise_minimum(potential, x[k])
        assert figures[k, 0] == pytest.approx(m.energy, abs=1e-10)
        assert figures[k, 1] == pytest.approx(m.log_product, abs=1e-6)
        assert figures[k, 2:] == pytest.approx(m.inertia, abs=1e-6)
        if outcomes[k] == C1:
            assert m.order == 1
        assert hessian_spectrum(potential, x[k]).index == 0


def test_symmetry_is_not_overlooked():
    potential = LennardJones(13)
    points = quenches(potential, 120, 1e-3, seed=4)
    minima = verify(potential, points, ClusterVerifier(potential)).minima()
    orders = [characterise_minimum(potential, m.coordinates).order for m in minima]
    assert [m.order for m in minima] == orders
    assert any(order > 1 for order in orders)
    best = min(minima, key=lambda m: m.energy)
    assert (best.order, best.point_group) == (120, "Ih")


def test_what_is_no_minimum_is_not_stored():
    potential = LennardJones(7)
    rng = np.random.default_rng(0)
    far_apart = 50.0 * rng.normal(size=21)
    collinear = np.zeros(21)
    collinear[::3] = 1.12 * np.arange(7)
    outcomes, x, _ = ClusterVerifier(potential).verify([collinear])
    assert outcomes.tolist() == [UNDECIDED]
    np.testing.assert_array_equal(x[0], collinear)
    verified = verify(potential, np.array([far_apart]), ClusterVerifier(potential))
    minima, refused = verified.minima(), verified.refused
    assert len(minima) + sum(refused.values()) == 1
    for m in minima:
        assert hessian_spectrum(potential, m.coordinates).index == 0


def test_a_symmetric_saddle_is_refused():
    potential = LennardJones(13)
    # a cuboctahedron: a stationary point by symmetry, on the way from one icosahedron to another
    corners = [(i * a, i * b, 0) for a in (1, -1) for b in (1, -1) for i in (1,)]
    points = [(0, 0, 0)] + [tuple(np.roll(c, k)) for c in corners for k in range(3)]
    x = minimise(potential, 0.78 * np.array(points, dtype=float).ravel(), rms=1e-3, max_iterations=500).coordinates
    outcomes, *_ = ClusterVerifier(potential).verify([x])
    assert outcomes.tolist() == [SADDLE]
    assert hessian_spectrum(potential, x).index > 0
    verified = verify(potential, np.array([x]), ClusterVerifier(potential))
    assert verified.minima() == []
    assert sum(verified.refused.values()) == 1


def test_planar_clusters_and_few_atoms_go_the_general_way():
    potential = LennardJones(3)
    x = minimise(potential, np.array([0, 0, 0, 1.1, 0, 0, 0.5, 1.0, 0.0]), rms=1e-3).coordinates
    verified = verify(potential, np.array([x]), ClusterVerifier(potential))
    minima, refused = verified.minima(), verified.refused
    assert not refused
    assert (minima[0].order, minima[0].point_group) == (12, "D3h")


def test_only_free_clusters_with_a_hessian_in_c_take_the_fast_way():
    assert isinstance(cluster_verifier(LennardJones(7)), ClusterVerifier)
    plain = CallablePotential(lambda x: (float(x @ x), 2 * x), 21)
    assert cluster_verifier(plain) is None
    plain.symmetry = RigidCluster(7)
    assert cluster_verifier(plain) is None


def test_a_refusal_has_its_reason():
    saddle = CallablePotential(lambda x: (float(x[0] ** 4 / 4 - x[0] ** 2 / 2), np.array([x[0] ** 3 - x[0]])), 1)
    verified = verify(saddle, np.array([[0.0]]))
    minima, refused = verified.minima(), verified.refused
    assert minima == []
    assert sum(refused.values()) == 1
    with pytest.raises(ConvergenceError):
        characterise_minimum(saddle, np.array([0.0]))
