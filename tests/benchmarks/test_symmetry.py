"""Cost of alignment: what identity tests and choices of pairs are made of."""

from pathlib import Path

import numpy as np
import pytest

from potentials.symmetry import NetworkNodes, RigidCluster
from potentials.symmetry._assignment import linear_assignment

EXAMPLE = Path(__file__).resolve().parents[2] / "../shared/wales/examples/LJ38_04_pathsample/expected/points.min"


@pytest.fixture(scope="module")
def lj38():
    if not EXAMPLE.is_file():
        pytest.skip("the LJ38 example database is not beside the project")
    return np.fromfile(EXAMPLE, "<f8").reshape(-1, 114)


def test_align_copies_of_lj38(benchmark, lj38):
    """Aim: below 1 ms."""
    symmetry = RigidCluster(38)
    copy = symmetry.random_copy(lj38[1], np.random.default_rng(0))
    assert benchmark(symmetry.align, copy, lj38[1])[1] < 1e-8


def test_align_different_lj38(benchmark, lj38):
    """Aim: below 10 ms (pairs of 38 random minima: 6 ms, of 75 atoms 24 ms)."""
    assert abs(benchmark(RigidCluster(38).align, lj38[7], lj38[1])[1] - 3.1358) < 1e-4


def test_reject_different_lj38(benchmark, lj38):
    assert not benchmark(RigidCluster(38).same, lj38[7], lj38[1], 0.1)


def test_point_group_of_lj38(benchmark, lj38):
    assert benchmark(RigidCluster(38).order, lj38[1]) == 48


def test_align_networks(benchmark):
    """Aim: the core below 20 microseconds for [2,10,4]."""
    symmetry = NetworkNodes([2, 10, 4])
    x, y = np.random.default_rng(0).normal(size=(2, 74))
    benchmark(symmetry.align, x, y)


def test_distances_of_a_thousand_networks(benchmark):
    symmetry = NetworkNodes([2, 10, 4])
    points = np.random.default_rng(0).normal(size=(1000, 74))
    benchmark(symmetry.distances, points, points[0])


@pytest.mark.parametrize("solver", ["ours", "scipy"])
def test_assignment_of_38_atoms(benchmark, solver):
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(0)
    cost = ((rng.normal(size=(38, 1, 3)) - rng.normal(size=(38, 3))) ** 2).sum(axis=2)
    benchmark(linear_assignment if solver == "ours" else linear_sum_assignment, cost)
