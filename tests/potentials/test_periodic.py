"""Lennard-Jones atoms with a cutoff and in a periodic box, and the symmetry of the box."""

import copy
import pickle
from itertools import permutations, product

import numpy as np
import pytest

from common.errors import InputError
from common.keywords import load_table, parse_text
from common.lbfgs import minimise
from potentials._lj import LennardJonesCore
from potentials.characterise import hessian_spectrum
from potentials.lj import LennardJones
from potentials.selection import potential_from_keywords, potential_table_path
from potentials.symmetry import PeriodicCluster

FCC = np.array([[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])


def crystal(cells, constant):
    """Face-centred cubic crystal of cells^3 cubic cells: (coordinates, side of the box)."""
    origins = np.array(list(product(range(cells), repeat=3)), dtype=float)
    return (constant * (origins[:, None] + FCC)).ravel(), constant * cells


def direct(x, cutoff, box=None):
    """The definition, pair by pair, over all images."""
    atoms = np.reshape(x, (-1, 3))
    images = [np.zeros(3)] if box is None else [np.array(k) * box for k in product((-2, -1, 0, 1, 2), repeat=3)]
    total = 0.0
    for i in range(len(atoms)):
        for j in range(i):
            for image in images:
                r = np.linalg.norm(atoms[i] - atoms[j] + image)
                if r < cutoff:
                    quadratic = (6 * cutoff**-12 - 3 * cutoff**-6) * (r / cutoff) ** 2
                    total += 4 * (r**-12 - r**-6 + quadratic - 7 * cutoff**-12 + 4 * cutoff**-6)
    return total


@pytest.mark.parametrize("n", [2, 5, 8, 13, 21])
@pytest.mark.parametrize("box", [None, (3.6, 4.1, 5.0)], ids=["free", "box"])
def test_energy_is_the_definition_for_every_vector_length(n, box):
    rng = np.random.default_rng(n)
    potential = LennardJones(n, cutoff=1.8, box=box)
    x = potential.random_coordinates(rng)
    if box is not None:
        x = x + np.array(box * n) * rng.integers(-1, 2, 3 * n)
    expected = direct(potential.symmetry.standard_frame(x), 1.8, box)
    assert potential.energy(x) == pytest.approx(expected, rel=1e-10)
    for lanes in (2, 4, 8):
        core = LennardJonesCore(n, None, 1.8, box, lanes=lanes)
        energy, gradient = core.energy_gradient(x)
        assert energy == pytest.approx(expected, rel=1e-10)
        scale = max(1.0, abs(gradient).max())
        np.testing.assert_allclose(gradient, potential.gradient(x), atol=1e-12 * scale)
        hessian = potential.hessian(x)
        np.testing.assert_allclose(core.hessian(x), hessian, atol=1e-12 * max(1.0, abs(hessian).max()))


def test_energy_and_gradient_are_continuous_at_the_cutoff():
    potential = LennardJones(2, cutoff=2.5)
    for r, size in ((2.5 - 1e-6, 1e-5), (2.5, 0.0), (2.6, 0.0)):
        energy, gradient = potential.energy_gradient([0, 0, 0, r, 0, 0])
        assert abs(energy) <= size**2
        assert abs(gradient).max() <= size


def test_a_cutoff_beyond_the_cluster_only_adds_the_shift():
    x = LennardJones(13).random_coordinates(np.random.default_rng(0))
    assert LennardJones(13, cutoff=100.0).energy(x) == pytest.approx(LennardJones(13).energy(x), rel=1e-8)


def test_crystal_is_a_minimum_with_three_zero_modes():
    x, side = crystal(2, 1.56)
    potential = LennardJones(32, cutoff=1.5, box=side)
    assert np.abs(potential.gradient(x)).max() < 1e-10
    rng = np.random.default_rng(1)
    result = minimise(potential, x + rng.uniform(-0.05, 0.05, x.size), rms=1e-10)
    assert result.energy == pytest.approx(potential.energy(x), abs=1e-9)
    spectrum = hessian_spectrum(potential, x)
    assert np.abs(spectrum.zeros).max() < 1e-10
    assert len(spectrum.zeros) == 3
    assert spectrum.index == 0
    assert potential.symmetry.same(result.coordinates, x, 1e-4)
    # 48 operations, and the translations between the 32 atoms
    assert potential.symmetry.order(x) == 48 * 32
    assert potential.symmetry.point_group(x) == "Oh"


def test_one_cell_of_the_crystal():
    symmetry = PeriodicCluster(4, (1.5,) * 3)
    assert symmetry.order(1.5 * FCC.ravel()) == 192
    assert PeriodicCluster(4, (1.5, 1.5, 1.6)).order((np.array([1.5, 1.5, 1.6]) * FCC).ravel()) == 64


@pytest.mark.parametrize(("box", "order"), [((2.0, 2.0, 2.0), 48), ((2.0, 3.0, 2.0), 16), ((2.0, 2.5, 3.0), 8)])
def test_operations_of_the_box_form_a_group(box, order):
    operations = PeriodicCluster(1, box).operations
    assert operations.shape == (order, 3, 3)
    np.testing.assert_array_equal(operations[0], np.eye(3))
    found = {m.tobytes() for m in operations + 0.0}
    assert len(found) == order
    assert all((a @ b + 0.0).tobytes() in found for a in operations for b in operations)
    for m in operations:
        np.testing.assert_array_equal(np.abs(m) @ box, box)


@pytest.mark.parametrize("box", [(4.0, 4.0, 4.0), (4.0, 3.5, 5.0)], ids=["cube", "cuboid"])
@pytest.mark.parametrize("n", [1, 2, 3, 20])
def test_align_recovers_random_copies(n, box):
    symmetry = PeriodicCluster(n, box)
    potential = LennardJones(n, box=box)
    rng = np.random.default_rng(n)
    for _ in range(100):
        x = potential.random_coordinates(rng)
        other = symmetry.random_copy(x, rng)
        assert potential.energy(other) == pytest.approx(potential.energy(x), rel=1e-10, abs=1e-10)
        aligned, distance = symmetry.align(other, x)
        assert distance < 1e-8
        np.testing.assert_allclose(aligned, x, atol=1e-8)
        assert symmetry.same(other, x, 1e-6)
        assert symmetry.order(other) == symmetry.order(x)


def test_distance_is_the_least_over_permutations_and_operations():
    """Small systems: every operation and permutation, with translations searched from every pair of atoms."""
    box = np.array([3.0, 3.0, 4.0])
    symmetry = PeriodicCluster(3, box)
    rng = np.random.default_rng(5)

    def nearest(d):
        return d - box * np.round(d / box)

    for _ in range(30):
        x, y = LennardJones(3, box=box).random_coordinates(rng), LennardJones(3, box=box).random_coordinates(rng)
        best = np.inf
        for m, p in product(symmetry.operations, permutations(range(3))):
            turned = (x.reshape(3, 3) @ m.T)[list(p)]
            for i in range(3):
                moved = turned + y.reshape(3, 3)[i] - turned[i]
                for _ in range(30):
                    moved = moved - nearest(moved - y.reshape(3, 3)).mean(axis=0)
                best = min(best, np.linalg.norm(nearest(moved - y.reshape(3, 3))))
        distance = symmetry.align(x, y)[1]
        assert distance == pytest.approx(best, abs=1e-7)
        assert symmetry.lower_bounds(x, y)[0] <= distance + 1e-12
        assert symmetry.align(y, x)[1] == pytest.approx(distance, abs=1e-7)


def test_displaced_copies_are_the_same_within_the_tolerance():
    symmetry = PeriodicCluster(30, (4.0,) * 3)
    rng = np.random.default_rng(0)
    x = LennardJones(30, box=4.0).random_coordinates(rng)
    shift = rng.normal(size=90)
    shift -= np.tile(shift.reshape(30, 3).mean(axis=0), 30)
    shift *= 0.05 / np.linalg.norm(shift)
    other = symmetry.random_copy(x + shift, rng)
    assert symmetry.align(other, x)[1] == pytest.approx(0.05, rel=1e-6)
    assert symmetry.same(other, x, 0.06)
    assert not symmetry.same(other, x, 0.04)
    assert not symmetry.same(LennardJones(30, box=4.0).random_coordinates(rng), x, 0.1)


def test_coordinates_are_wrapped_into_the_box():
    potential = LennardJones(10, box=(3.0, 4.0, 5.0))
    x = potential.symmetry.random_copy(potential.random_coordinates(np.random.default_rng(0)), np.random.default_rng(1))
    wrapped = potential.symmetry.standard_frame(x).reshape(-1, 3)
    assert (np.abs(wrapped) <= np.array([1.5, 2.0, 2.5]) + 1e-12).all()
    assert potential.energy(wrapped) == pytest.approx(potential.energy(x), rel=1e-10)


def test_copies_and_fingerprints():
    potential = LennardJones(5, box=(3.0, 4.0, 5.0))
    assert potential.cutoff == 1.5
    x = potential.random_coordinates(np.random.default_rng(0))
    for other in (copy.copy(potential), pickle.loads(pickle.dumps(potential))):
        assert other.energy(x) == potential.energy(x)
        assert other.fingerprint() == potential.fingerprint()
    assert LennardJones(5, cutoff=2.0).fingerprint() != LennardJones(5).fingerprint()
    assert LennardJones(5, radius=2.0).fingerprint() == LennardJones(5).fingerprint()
    assert potential.fingerprint() != LennardJones(5, cutoff=1.5).fingerprint()


@pytest.mark.parametrize(
    "options",
    [
        {"cutoff": 0.0},
        {"cutoff": -1.0},
        {"cutoff": float("nan")},
        {"box": (3.0, 0.0, 3.0)},
        {"box": (3.0, 3.0)},
        {"box": float("inf")},
        {"box": 4.0, "cutoff": 2.1},
        {"box": 4.0, "radius": 2.0},
    ],
)
def test_bad_cutoffs_and_boxes_are_refused(options):
    with pytest.raises(ValueError, match="must"):
        LennardJones(3, **options)


# --- Keywords --------------------------------------------------------------------------------------------------------


def from_keywords(text, n_atoms=13):
    settings = parse_text(text, load_table(potential_table_path()))
    return potential_from_keywords(settings, ".", 3 * n_atoms)


@pytest.mark.parametrize(
    ("text", "cutoff", "box"),
    [
        ("CUTOFF 2.5", 2.5, None),
        ("PERIODIC 5", 2.5, (5.0, 5.0, 5.0)),
        ("PERIODIC 5 6 7", 2.5, (5.0, 6.0, 7.0)),
        ("PERIODIC 5 6 7\nCUTOFF 2.2", 2.2, (5.0, 6.0, 7.0)),
    ],
)
def test_cutoff_and_box_by_keyword(text, cutoff, box):
    potential = from_keywords(text)
    assert potential.cutoff == cutoff
    assert potential.box == box


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("PERIODIC 5 6", "data:1", "one side or three"),
        ("PERIODIC 0", "data:1", "PERIODIC"),
        ("CUTOFF -1", "data:1", "CUTOFF"),
        ("PERIODIC 4\nCUTOFF 2.5", "data:2", "half the shortest side"),
        ("PERIODIC 4\nRADIUS 3", "data:2", "no container"),
        ("LJAT 2\nCUTOFF 2", "data:2", "no cutoff"),
        ("MLP3 2 3 2 4 0.1\nPERIODIC 5", "data:2", "cluster of atoms"),
    ],
)
def test_bad_keywords_are_refused(text, where, message):
    with pytest.raises(InputError, match=message) as caught:
        from_keywords(text)
    assert where in str(caught.value)
