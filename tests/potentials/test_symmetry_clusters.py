from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from common.lbfgs import minimise
from potentials.lj import LennardJones
from potentials.symmetry import RigidCluster
from potentials.symmetry.point_groups import classic_symbol, symbol_of_classic
from potentials.symmetry.rigid import read_permutation_groups

EXAMPLE = Path(__file__).resolve().parents[2] / "../shared/wales/examples/LJ38_04_pathsample/expected"
needs_example = pytest.mark.skipif(not EXAMPLE.is_dir(), reason="the LJ38 example database is not beside the project")


def circle(n, radius=1.0, height=0.0, turn=0.0):
    angles = 2 * np.pi * np.arange(n) / n + turn
    return np.column_stack([radius * np.cos(angles), radius * np.sin(angles), np.full(n, height)])


def icosahedron():
    golden = (1 + 5**0.5) / 2
    corners = [(0, a, b * golden) for a in (1, -1) for b in (1, -1)]
    return np.array([np.roll(corner, k) for corner in corners for k in range(3)], dtype=float)


def cube():
    return np.array([(a, b, c) for a in (1, -1) for b in (1, -1) for c in (1, -1)], dtype=float)


def octahedron():
    return np.vstack([np.eye(3), -np.eye(3)])


TETRAHEDRON = np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)], dtype=float)
TOP = np.array([[0.0, 0.0, 1.4]])
# Generic points repeated by the rotations of a group have exactly that group.
PYRITOHEDRON = np.array([np.roll((0.0, a * 0.6, b * 1.7), k) for a in (1, -1) for b in (1, -1) for k in range(3)])
CHIRAL_T = np.array(
    [np.roll((a * 0.4, b * 1.1, a * b * 1.9), k) for a in (1, -1) for b in (1, -1) for k in range(3)]
)
CHIRAL_O = np.array(
    [
        np.array(signs) * np.array([0.5, 1.1, 1.9])[list(order)]
        for order, parity in (((0, 1, 2), 1), ((1, 2, 0), 1), ((2, 0, 1), 1), ((1, 0, 2), -1), ((0, 2, 1), -1), ((2, 1, 0), -1))
        for signs in ((a, b, c) for a in (1, -1) for b in (1, -1) for c in (1, -1))
        if np.prod(signs) == parity
    ]
)
S4 = np.array([(1.0, 0.3, 0.8), (-1.0, -0.3, 0.8), (-0.3, 1.0, -0.8), (0.3, -1.0, -0.8)])
# A second orbit takes away the mirrors that four points in one orbit of S4 always have.
S4 = np.vstack([S4, np.array([(0.2, 1.6, 1.5), (-0.2, -1.6, 1.5), (-1.6, 0.2, -1.5), (1.6, -0.2, -1.5)])])
S6 = np.vstack([circle(3, 1.0, 0.7, 0.2), -circle(3, 1.0, 0.7, 0.2), circle(3, 1.6, 0.3, 0.9), -circle(3, 1.6, 0.3, 0.9)])

POINT_GROUPS = {
    "Kh": (1, np.zeros((1, 3))),
    "D∞h": (2, np.outer([-1.0, 0.0, 1.0], [1, 2, 3])),
    "C∞v": (1, np.outer([-1.0, 0.1, 1.0], [1, 2, 3])),
    "C1": (1, np.array([(0, 0, 0), (1, 0, 0), (0, 1.3, 0), (0.3, 0.2, 1.7)], dtype=float)),
    "Cs": (2, np.array([(0, 0, 0), (1, 0, 0), (0, 1.3, 0)], dtype=float)),
    "Ci": (2, np.vstack([p := np.array([(1, 0.1, 0.2), (0.3, 1.2, -0.4), (0.5, 0.6, 1.9)]), -p])),
    "C2": (2, np.array([(1, 0.2, 0.3), (-1, -0.2, 0.3), (0.4, 1.3, -0.8), (-0.4, -1.3, -0.8)], dtype=float)),
    "C2v": (4, np.array([(0, 0, 0), (1, 0, 0.6), (-1, 0, 0.6)], dtype=float)),
    "C2h": (4, np.array([(1, 0, 0), (-1, 0, 0), (1.2, 0.9, 0), (-1.2, -0.9, 0)], dtype=float)),
    "C3": (3, np.vstack([circle(3), circle(3, 1.4, 0.5, 0.3), circle(3, 1.7, 1.3, 1.0)])),
    "C3v": (6, np.vstack([circle(3), TOP])),
    "C3h": (6, np.vstack([circle(3), circle(3, 1.7, 0.0, 0.4)])),
    "C4v": (8, np.vstack([circle(4), TOP])),
    "C5v": (10, np.vstack([circle(5), TOP])),
    "C6v": (12, np.vstack([circle(6), TOP])),
    "D2": (4, np.array([(a, b * 1.4, a * b * 0.5) for a in (1, -1) for b in (1, -1)])),
    "D2d": (8, np.array([(1, 0, 0.5), (-1, 0, 0.5), (0, 1, -0.5), (0, -1, -0.5)], dtype=float)),
    "D2h": (8, np.array([(a, b * 1.4, 0) for a in (1, -1) for b in (1, -1)], dtype=float)),
    "D3": (6, np.vstack([circle(3, 1.0, 0.7, 0.2), circle(3, 1.0, -0.7, -0.2)])),
    "D3h": (12, circle(3)),
    "D3d": (12, np.vstack([circle(3, 1.0, 0.4), circle(3, 1.0, -0.4, np.pi / 3)])),
    "D4h": (16, circle(4)),
    "D4d": (16, np.vstack([circle(4, 1.0, 0.4), circle(4, 1.0, -0.4, np.pi / 4)])),
    "D5h": (20, np.vstack([circle(5), TOP, -TOP])),
    "D5d": (20, np.vstack([circle(5, 1.0, 0.3), circle(5, 1.0, -0.3, np.pi / 5), TOP, -TOP])),
    "D6h": (24, circle(6)),
    "D7h": (28, np.vstack([circle(7), TOP, -TOP])),
    "S4": (4, S4),
    "S6": (6, S6),
    "T": (12, CHIRAL_T),
    "Td": (24, TETRAHEDRON),
    "Th": (24, PYRITOHEDRON),
    "O": (24, CHIRAL_O),
    "Oh": (48, octahedron()),
    "Ih": (120, np.vstack([icosahedron(), np.zeros((1, 3))])),
}


@pytest.mark.parametrize("symbol", POINT_GROUPS)
def test_point_groups_of_constructed_polyhedra(symbol):
    order, points = POINT_GROUPS[symbol]
    symmetry = RigidCluster(len(points))
    rng = np.random.default_rng(1)
    for _ in range(5):
        x = symmetry.random_copy(points, rng)
        assert symmetry.point_group(x) == symbol
        assert symmetry.order(x) == order
        noisy = x + rng.normal(scale=1e-6, size=x.size)
        if symbol not in ("D∞h", "C∞v"):
            assert symmetry.point_group(noisy) == symbol


def test_cube_and_its_coloured_corners():
    assert RigidCluster(8).point_group(cube()) == "Oh"
    even = [i for i in range(8) if np.prod(cube()[i]) > 0]
    odd = [i for i in range(8) if np.prod(cube()[i]) < 0]
    assert RigidCluster(8, groups=[even, odd]).point_group(cube()) == "Td"
    assert RigidCluster(8, groups=[]).order(cube()) == 1


def test_operations_map_the_cluster_to_itself_and_form_a_group():
    x = icosahedron()
    matrices, permutations = RigidCluster(12).operations(x)
    assert len(matrices) == 120
    for matrix, permutation in zip(matrices, permutations):
        assert np.allclose(x[permutation] @ matrix.T, x, atol=1e-12)
    table = {tuple(p) for p in permutations}
    assert all(tuple(p[q]) in table for p in permutations[::7] for q in permutations[::11])


def test_a_nearly_symmetric_cluster_gets_the_group_it_has():
    """Distortions on both sides of the tolerance never give a set of operations that is no group."""
    x = octahedron()
    rng = np.random.default_rng(5)
    for scale in (1e-5, 3e-4, 1e-3, 3e-3, 1e-2):
        for _ in range(20):
            y = x + rng.normal(scale=scale, size=x.shape)
            order = RigidCluster(6).order(y)
            assert 48 % order == 0
            assert scale > 3e-5 or order == 48
            assert scale < 3e-3 or order < 48


def test_symbols_in_the_classic_notation():
    symbols = ["C1", "Cs", "C5v", "Oh", "Th", "D∞h", "C∞v", "D5d"]
    for symbol, text in zip(symbols, ["C1  ", "C s ", "C5v ", "O h ", "T h ", "DXh ", "CXv ", "D5d "]):
        assert classic_symbol(symbol) == text
        assert symbol_of_classic(text) == symbol


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 13])
def test_zero_modes_are_orthonormal_null_vectors_at_a_minimum(n):
    potential = LennardJones(n)
    x = np.array(np.random.default_rng(n).uniform(-1, 1, 3 * n)) * n ** (1 / 3)
    if n > 1:
        result = minimise(potential, x, rms=1e-10, max_iterations=5000)
        x = result.coordinates
    modes = potential.symmetry.zero_modes(x)
    assert modes.shape == ({1: 3, 2: 5}.get(n, 6), 3 * n)
    assert np.allclose(modes @ modes.T, np.eye(len(modes)), atol=1e-12)
    hessian = potential.hessian(x) if n > 1 else np.zeros((3, 3))
    assert np.abs(modes @ hessian).max() <= 1e-7
    if n > 2:
        values = np.linalg.eigvalsh(hessian)
        assert np.sum(np.abs(values) < 1e-6) == 6


def test_a_line_of_atoms_has_five_zero_modes():
    x = np.outer([-1.0, 0.0, 1.2, 2.0], [0.3, -0.4, 0.5])
    assert RigidCluster(4).zero_modes(x).shape == (5, 12)
    x[2, 0] += 1e-2
    assert RigidCluster(4).zero_modes(x).shape == (6, 12)


def test_zero_modes_are_the_motions_of_the_cluster():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, 3))
    modes = RigidCluster(9).zero_modes(x)
    for axis in np.eye(3):
        for motion in (np.tile(axis, 9), np.cross(axis, x).ravel()):
            assert np.allclose(modes.T @ (modes @ motion), motion, atol=1e-12)


@pytest.mark.parametrize("n", [3, 13, 38])
def test_energy_is_invariant_under_random_copies(n):
    potential = LennardJones(n)
    rng = np.random.default_rng(n)
    x = minimise(potential, rng.uniform(-1, 1, 3 * n) * 0.8 * n ** (1 / 3), rms=1e-6, max_iterations=5000).coordinates
    for _ in range(20):
        copy = potential.symmetry.random_copy(x, rng)
        assert abs(potential.energy(copy) - potential.energy(x)) <= 1e-12 * abs(potential.energy(x))


def copies_are_recovered(x, n_trials, seed):
    symmetry = RigidCluster(x.size // 3)
    rng = np.random.default_rng(seed)
    for _ in range(n_trials):
        copy = symmetry.random_copy(x, rng)
        aligned, distance = symmetry.align(copy, x)
        assert distance < 1e-8
        assert np.abs(aligned - x.ravel()).max() < 1e-8
        assert symmetry.same(copy, x, 1e-6)


def lj_minimum(n, seed):
    rng = np.random.default_rng(seed)
    return minimise(LennardJones(n), rng.uniform(-1, 1, 3 * n) * 0.8 * n ** (1 / 3), rms=1e-9, max_iterations=20000).coordinates


CLUSTERS = {
    "icosahedral LJ13": lambda: np.vstack([icosahedron(), np.zeros((1, 3))]).ravel() * 0.57,
    "LJ13 without symmetry": lambda: lj_minimum(13, 7),
    "LJ38 without symmetry": lambda: lj_minimum(38, 3),
    "two atoms": lambda: np.array([0.0, 0, 0, 0, 0.3, 1.1]),
    "linear": lambda: np.outer([-1.1, 0, 1.1, 2.3], [0.1, 0.2, 0.9]).ravel(),
    "planar": lambda: circle(5).ravel(),
}


@pytest.mark.parametrize("name", CLUSTERS)
def test_align_recovers_random_copies(name):
    copies_are_recovered(CLUSTERS[name](), 100, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLUSTERS)
def test_align_recovers_a_thousand_random_copies(name):
    copies_are_recovered(CLUSTERS[name](), 1000, 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_any_cluster_and_its_copy(n, seed):
    rng = np.random.default_rng(seed)
    copies_are_recovered(rng.normal(size=3 * n), 2, seed)


def brute_force(x, y):
    """Closest copy for a few atoms: every permutation with the best orthogonal matrix."""
    x = x.reshape(-1, 3) - x.reshape(-1, 3).mean(axis=0)
    y = y.reshape(-1, 3) - y.reshape(-1, 3).mean(axis=0)
    sizes = (x * x).sum() + (y * y).sum()
    overlaps = (np.linalg.svd(x[list(p)].T @ y, compute_uv=False).sum() for p in permutations(range(len(x))))
    return max(sizes - 2 * max(overlaps), 0.0) ** 0.5


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_distance_is_the_least_over_all_permutations(n, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 3 * n))
    symmetry = RigidCluster(n)
    aligned, distance = symmetry.align(x, y)
    exact = brute_force(x, y)
    assert abs(distance - exact) < 1e-7
    assert abs(symmetry.align(y, x)[1] - exact) < 1e-7
    assert symmetry.lower_bound(x, y) <= exact + 1e-9
    assert abs(np.linalg.norm(aligned - y) - distance) < 1e-12
    spectrum = [np.sort(np.linalg.norm(c.reshape(-1, 1, 3) - c.reshape(-1, 3), axis=2).ravel()) for c in (aligned, x)]
    assert np.allclose(*spectrum, atol=1e-10)


def test_triangle_inequality():
    rng = np.random.default_rng(4)
    symmetry = RigidCluster(8)
    x = rng.normal(size=(5, 24))
    d = np.array([[symmetry.align(a, b)[1] for b in x] for a in x])
    assert np.allclose(d, d.T, atol=1e-6)
    assert (d[:, :, None] <= d[:, None, :] + d.T[None, :, :] + 1e-6).all()


def test_align_is_deterministic():
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(2, 60))
    first = RigidCluster(20).align(x, y)
    again = RigidCluster(20).align(x, y)
    assert (first[0] == again[0]).all()
    assert first[1] == again[1]


def test_same_at_distances_around_the_tolerance():
    x = lj_minimum(13, 7)
    rng = np.random.default_rng(3)
    symmetry = RigidCluster(13)
    for size in (1e-4, 5e-3, 0.02, 0.05, 0.09, 0.11, 0.3):
        for _ in range(10):
            shift = rng.normal(size=39)
            shift -= np.tile(shift.reshape(-1, 3).mean(axis=0), 13)
            y = x + size * shift / np.linalg.norm(shift)
            distance = symmetry.align(y, x)[1]
            assert distance <= size + 1e-9
            assert symmetry.same(symmetry.random_copy(y, rng), x, 0.1) == (distance < 0.1)


@pytest.mark.parametrize("groups", [None, [list(range(12)), list(range(12, 20))], [np.arange(18).reshape(3, 6), [18, 19]], []])
def test_different_clusters_come_at_least_as_close_as_planted(groups):
    """Noise on a random copy: the alignment may find something closer than undoing the copy, but nothing farther."""
    symmetry = RigidCluster(20, groups=groups)
    rng = np.random.default_rng(6)
    for size in (0.1, 0.3, 0.6):
        for _ in range(5):
            x = lj_minimum(20, int(rng.integers(1000)))
            noise = rng.normal(size=60)
            noise *= size / np.linalg.norm(noise)
            y = x + noise
            aligned, distance = symmetry.align(symmetry.random_copy(y, rng), x)
            assert distance <= size + 1e-9
            assert distance == pytest.approx(np.linalg.norm(aligned - x), abs=1e-12)
            assert distance >= symmetry.lower_bound(y, x) - 1e-9


@needs_example
def test_distances_of_different_clusters_are_those_of_a_longer_search():
    """Pairs of the LJ38 database: no farther than from twice as many orientations."""
    points = np.fromfile(EXAMPLE / "points.min", "<f8").reshape(-1, 114)
    usual, longer = RigidCluster(38), RigidCluster(38, random_orientations=3800)
    rng = np.random.default_rng(8)
    for _ in range(8):
        i, j = rng.choice(len(points), 2, replace=False)
        assert usual.align(points[i], points[j])[1] == pytest.approx(longer.align(points[i], points[j])[1], abs=1e-6)


def test_inversion_can_be_forbidden():
    x = CHIRAL_T[:4] * np.array([1.0, 0.8, 1.3])
    x = np.vstack([x, [[0.3, 0.5, 1.1]]])
    assert RigidCluster(5).align(-x, x)[1] < 1e-8
    chiral = RigidCluster(5, inversion=False)
    assert chiral.align(-x, x)[1] > 1e-2
    assert not chiral.same(-x, x, 1e-3)
    assert chiral.point_group(cube()[:5] * 1.0) in {"C1", "C3"}
    copies = chiral.random_copy(x, np.random.default_rng(0))
    assert chiral.align(copies, x)[1] < 1e-8


def test_permutation_groups(tmp_path):
    """Two like water molecules: the oxygens are exchanged with their hydrogens."""
    (tmp_path / "perm.allow").write_text("1\n2 2\n1 4\n2 5\n3 6\n")
    groups = read_permutation_groups(tmp_path / "perm.allow", 6)
    assert [g.tolist() for g in groups] == [[[0, 3], [1, 4], [2, 5]]]
    symmetry = RigidCluster(6, groups=groups)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(6, 3)) * 2
    assert symmetry.align(x[[3, 4, 5, 0, 1, 2]].ravel(), x.ravel())[1] < 1e-8
    assert symmetry.align(x[[3, 1, 2, 0, 4, 5]].ravel(), x.ravel())[1] > 0.1
    assert not symmetry.same(x[[3, 1, 2, 0, 4, 5]].ravel(), x.ravel(), 1e-3)
    for _ in range(20):
        assert symmetry.align(symmetry.random_copy(x, rng), x)[1] < 1e-8
    with pytest.raises(ValueError, match="more than one"):
        RigidCluster(3, groups=[[0, 1], [1, 2]])
    with pytest.raises(ValueError, match="outside"):
        RigidCluster(3, groups=[[0, 3]])
    for text, message in (("1\n2 0\n1 7\n", ":3: atom 7"), ("1\n2 0\n1\n", "file ends"), ("1\n2 x\n", "perm.allow")):
        (tmp_path / "perm.allow").write_text(text)
        with pytest.raises(InputError, match=message):
            read_permutation_groups(tmp_path / "perm.allow", 6)


def test_bad_input_is_refused():
    symmetry = RigidCluster(3)
    with pytest.raises(ValueError, match="expected 9"):
        symmetry.align(np.zeros(6), np.zeros(9))
    with pytest.raises(ValueError, match="finite"):
        symmetry.align(np.full(9, np.nan), np.zeros(9))


def example(name, columns):
    points = np.fromfile(EXAMPLE / f"points.{name}", "<f8").reshape(-1, 114)
    rows = [line.split() for line in (EXAMPLE / f"{name}.data").read_text().splitlines()]
    return points, [int(row[2]) for row in rows], np.array([row[columns:] for row in rows], dtype=float)


@needs_example
@pytest.mark.validation
@pytest.mark.parametrize(("name", "columns"), [("min", 3), ("ts", 5)])
def test_orders_and_inertia_of_the_example_database(name, columns):
    points, orders, inertia = example(name, columns)
    symmetry = RigidCluster(38)
    assert [symmetry.order(x) for x in points] == orders
    assert np.abs(np.array([symmetry.inertia(x) for x in points]) - inertia).max() < 6e-11


@needs_example
@pytest.mark.validation
@pytest.mark.parametrize(("first", "second", "distance"), [(8, 2, 3.1358), (7, 9, 1.6963)])
def test_distances_of_the_example_database(first, second, distance):
    points, _, _ = example("min", 3)
    symmetry = RigidCluster(38)
    rng = np.random.default_rng(first)
    for _ in range(15):
        x, y = (symmetry.random_copy(points[k - 1], rng) for k in (first, second))
        assert abs(symmetry.align(x, y)[1] - distance) < 6e-5


@needs_example
@pytest.mark.validation
def test_identity_and_bounds_over_the_example_database():
    points, _, _ = example("min", 3)
    symmetry = RigidCluster(38)
    rng = np.random.default_rng(0)
    for i, x in enumerate(points):
        copies_are_recovered(x, 10, i)
        assert [symmetry.same(symmetry.random_copy(x, rng), y, 0.2) for y in points] == [i == j for j in range(len(points))]
    bounds = symmetry.lower_bounds(points, points[0])
    distances = symmetry.distances(points, points[0])
    assert (bounds <= distances + 1e-9).all()
