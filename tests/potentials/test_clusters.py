import itertools

import numpy as np
import pytest

from common.lbfgs import minimise
from potentials._lj import LennardJonesCore
from potentials._ljat import LennardJonesAxilrodTellerCore
from potentials.lj import CONTAINER_STIFFNESS, LennardJones, random_cluster
from potentials.ljat import LennardJonesAxilrodTeller


def plain_energy(x, z=0.0):
    """The definition, atom by atom."""
    r = np.asarray(x).reshape(-1, 3)
    energy = 0.0
    for i, j in itertools.combinations(range(len(r)), 2):
        d = np.linalg.norm(r[i] - r[j])
        energy += 4.0 * (d**-12 - d**-6)
    if z:
        for triple in itertools.combinations(range(len(r)), 3):
            a, b, c = r[list(triple)]
            cosines = 1.0
            for p, q, s in ((a, b, c), (b, a, c), (c, a, b)):
                cosines *= (q - p) @ (s - p) / (np.linalg.norm(q - p) * np.linalg.norm(s - p))
            sides = np.linalg.norm(a - b) * np.linalg.norm(a - c) * np.linalg.norm(b - c)
            energy += z * (1.0 + 3.0 * cosines) / sides**3
    return energy


def lattice(n, seed=0):
    rng = np.random.default_rng(seed)
    points = np.array(np.unravel_index(np.arange(n), (6, 6, 6))).T
    return (1.2 * points + rng.normal(0.0, 0.05, (n, 3))).ravel()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33])
def test_energies_follow_the_definition_for_every_remainder_of_the_vector_length(n):
    x = lattice(n)
    assert LennardJones(n).energy(x) == pytest.approx(plain_energy(x), rel=1e-12)
    assert LennardJonesAxilrodTeller(n, 1.3).energy(x) == pytest.approx(plain_energy(x, 1.3), rel=1e-11)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 9, 13, 18])
@pytest.mark.parametrize("build", [LennardJonesCore, lambda n, lanes: LennardJonesAxilrodTellerCore(n, 0.7, lanes=lanes)])
def test_kernels_of_all_instruction_sets_agree(n, build):
    x = lattice(n)
    energy, gradient = build(n, lanes=2).energy_gradient(x)
    hessian = build(n, lanes=2).hessian(x)
    for lanes in (4, 8):  # where the processor has none the narrower kernels answer
        e, g = build(n, lanes=lanes).energy_gradient(x)
        assert e == pytest.approx(energy, rel=1e-13)
        np.testing.assert_allclose(g, gradient, atol=1e-12 * max(1.0, abs(gradient).max()))
        np.testing.assert_allclose(build(n, lanes=lanes).hessian(x), hessian, atol=1e-12 * max(1.0, abs(hessian).max()))


def test_pair_without_axilrod_teller_is_lennard_jones():
    x = lattice(12)
    np.testing.assert_allclose(LennardJonesAxilrodTeller(12, 0.0).gradient(x), LennardJones(12).gradient(x), atol=1e-10)


def icosahedron():
    golden = (1 + 5**0.5) / 2
    points = [(0, s, t * golden) for s in (1, -1) for t in (1, -1)]
    shell = np.array([np.roll(p, k) for p in points for k in range(3)])
    return np.vstack([[0, 0, 0], shell / np.linalg.norm(shell[0])]).ravel()


def test_lj13_global_minimum():
    result = minimise(LennardJones(13), icosahedron(), rms=1e-10)
    assert result.converged
    assert result.energy == pytest.approx(-44.326801, abs=1e-6)
    values = np.linalg.eigvalsh(LennardJones(13).hessian(result.coordinates))
    assert np.abs(values[:6]).max() < 1e-8
    assert values[6] > 1.0


def test_ljat3_minima():
    potential = LennardJonesAxilrodTeller(3, 2.0)
    triangle = minimise(potential, [0, 0, 0, 1.1, 0, 0, 0.5, 1, 0], rms=1e-11)
    linear = minimise(potential, [0, 0, 0, 1.1, 0, 0, 2.2, 0.01, 0], rms=1e-11)
    assert triangle.energy == pytest.approx(-2.185099, abs=1e-6)
    assert linear.energy == pytest.approx(-2.219098, abs=1e-6)
    x = triangle.coordinates.reshape(3, 3)
    assert np.linalg.norm(x[0] - x[1]) == pytest.approx(1.16875, abs=1e-5)
    x = linear.coordinates.reshape(3, 3)
    assert np.linalg.norm(x[0] - x[1]) == pytest.approx(1.10876, abs=1e-5)


def test_container_leaves_what_is_inside_alone():
    x = icosahedron() * 1.1
    free, held = LennardJones(13), LennardJones(13, radius=1.2)
    assert held.energy(x) == free.energy(x)
    np.testing.assert_array_equal(held.hessian(x), free.hessian(x))


def test_container_pulls_back_what_is_outside():
    x = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 50.0])
    potential = LennardJones(2, radius=40.0)
    assert potential.energy(x) == pytest.approx(CONTAINER_STIFFNESS * 100.0, rel=1e-9)
    result = minimise(potential, x, rms=1e-9, max_iterations=20000)
    assert np.linalg.norm(result.coordinates[3:]) <= 40.01


@pytest.mark.parametrize("arguments", [(0,), (-3,), (3, 0.0), (3, -1.0), (3, float("nan"))])
def test_bad_clusters_are_refused(arguments):
    with pytest.raises(ValueError, match="must be"):
        LennardJones(*arguments)


def test_random_cluster_stays_inside_and_apart():
    rng = np.random.default_rng(0)
    points = random_cluster(38, 4.0, rng).reshape(-1, 3)
    assert np.linalg.norm(points, axis=1).max() <= 4.0
    i, j = np.triu_indices(38, 1)
    assert np.linalg.norm(points[i] - points[j], axis=1).min() > 0.5
