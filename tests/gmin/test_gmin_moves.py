"""Moves of the walker and the keywords that choose them."""

import re

import numpy as np
import pytest
from gmin_inputs import LJ13
from test_gmin_walker import make_walker, take

from common.database import Database
from common.errors import InputError
from common.formats import coordinates
from gmin._functions import CompressedFunction, FrozenPotential
from gmin.frozen import FrozenCluster
from gmin.newrestart import AvoidList, TabooList, for_avoiding
from gmin.pair_energies import lennard_jones_atom_energies
from gmin.run import run
from gmin.search import random_in_sphere
from gmin.seed import CLEARANCE, with_seed
from gmin.settings import QuenchSettings
from potentials.characterise import characterise_minimum
from potentials.lj import LennardJones

#: A quench that ends where it begins shows the move itself.
NO_QUENCH = QuenchSettings(rms=1e300, max_iterations=1)


def icosahedron():
    """The global minimum of LJ13."""
    phi = (1 + 5**0.5) / 2
    corners = [(0, a, b * phi) for a in (-1, 1) for b in (-1, 1)]
    corners = [np.roll(c, k) for c in corners for k in range(3)]
    x = np.vstack([np.zeros(3), 0.57 * np.array(corners)]).ravel()
    return make_walker(LennardJones(13), n_atoms=13).quench_point(x)[0]


def moves_from(x, count, **settings):
    """Displacements of ``count`` single steps from x, shape (count, n_atoms, 3)."""
    n_atoms = len(x) // 3
    walker = make_walker(
        LennardJones(n_atoms), n_atoms=n_atoms, pair_energies=True, quench=NO_QUENCH, adjust_step=False,
        **{"astep": 0.0, **settings},
    )  # fmt: skip
    moves = []
    for _ in range(count):
        walker.set_state(x, 0.0)
        take(walker, 1)
        moves.append((walker.last_quench - x).reshape(-1, 3))
    return np.array(moves)


def test_displacements_are_uniform_in_the_cube():
    moves = moves_from(icosahedron(), 400, step=0.4)
    assert np.abs(moves).max() <= 0.4
    assert np.abs(moves.mean(axis=0)).max() < 5 * 0.4 / 3**0.5 / 20
    assert np.abs((moves**2).mean() - 0.16 / 3) < 0.002


def test_angular_move_puts_the_weakest_atom_beyond_the_surface():
    rng = np.random.default_rng(1)
    x = make_walker(LennardJones(13), n_atoms=13).quench_point(rng.uniform(-1.3, 1.3, 39))[0]
    atoms = x.reshape(-1, 3)
    energies = lennard_jones_atom_energies(x)
    weakest = int(np.argmax(energies))
    centre = atoms.mean(axis=0)
    longest = np.linalg.norm(atoms - centre, axis=1).max()
    for surface in (0.0, 0.5, 1.0):
        moves = moves_from(x, 300, step=0.0, astep=energies.max() / energies.min() * 1.001, surface=surface)
        moved = np.abs(moves).max(axis=2) > 0
        assert np.flatnonzero(moved.any(axis=0)).tolist() == [weakest]
        places = atoms[weakest] + moves[:, weakest] - centre
        np.testing.assert_allclose(np.linalg.norm(places, axis=1), longest + surface)
        # no direction is preferred: components of unit vectors have mean 0 and mean square 1/3
        directions = places / np.linalg.norm(places, axis=1, keepdims=True)
        assert np.abs(directions.mean(axis=0)).max() < 0.2
        assert np.abs((directions**2).mean(axis=0) - 1 / 3).max() < 0.1
    # an atom bound as strongly as astep asks stays
    assert not moves_from(x, 5, step=0.0, astep=energies.max() / energies.min() * 0.999).any()


def test_a_group_of_neighbours_moves_as_one():
    x = icosahedron()
    moves = moves_from(x, 60, step=0.3, coop=(4, 1.3))
    atoms = x.reshape(-1, 3)
    groups = set()
    for move in moves:
        moved = np.flatnonzero(np.abs(move).max(axis=1) > 0)
        assert len(moved) == 4
        np.testing.assert_allclose(move[moved], move[moved[:1]].repeat(4, axis=0))
        distances = np.linalg.norm(atoms[moved][:, None] - atoms[moved], axis=2)
        assert distances.max(axis=1).min() <= 1.3
        groups.add(tuple(moved))
    assert len(groups) > 5
    # the cutoff limits the group
    assert (np.abs(moves_from(x, 20, step=0.3, coop=(13, 0.5))).max(axis=2) > 0).sum(axis=1).max() == 1


def test_shell_moves_come_in_blocks_and_leave_the_core():
    x = icosahedron()
    walker = make_walker(
        LennardJones(13), n_atoms=13, quench=NO_QUENCH, step=0.1, astep=0.0, adjust_step=False, shell=(5, 0.2, 0.1)
    )
    core_moved = []
    for _ in range(300):
        walker.set_state(x, 0.0)
        take(walker, 1)
        move = np.abs(walker.last_quench - x).reshape(-1, 3).max(axis=1)
        core_moved.append(move[0] > 0)
        assert (move[1:] > 0).all()
    in_block = "".join("." if moved else "s" for moved in core_moved)
    assert all(len(block) % 5 == 0 for block in re.findall("s+", in_block.rstrip("s")))
    # a block of 5 begins after 4 steps outside on average, at the fifth of them
    assert 0.4 < in_block.count("s") / 300 < 0.8


def test_compression_has_the_right_gradient_and_no_effect_on_minima():
    potential = LennardJones(7)
    squeezed = CompressedFunction(potential, 3.0)
    from common.lbfgs import minimise

    x = minimise(squeezed, np.random.default_rng(2).uniform(-0.9, 0.9, 21), rms=1e-9).coordinates
    centred = x.reshape(-1, 3) - x.reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(potential.gradient(x), -3.0 * centred.ravel(), atol=1e-7)
    walker = make_walker(potential, n_atoms=7, compress=3.0)
    y, energy, rms, *_ = walker.quench_point(x)
    assert rms < 1e-6
    assert energy == pytest.approx(potential.energy(y))


def test_a_seed_takes_the_place_of_the_innermost_atoms():
    rng = np.random.default_rng(3)
    core = icosahedron().reshape(-1, 3)
    x = rng.uniform(-2.0, 2.0, 3 * 38)
    whole = with_seed(x, core - core.mean(axis=0)).reshape(-1, 3)
    assert whole.shape == (38, 3)
    np.testing.assert_allclose(whole[:13], core - core.mean(axis=0))
    assert np.linalg.norm(whole[:13, None] - whole[13:], axis=2).min() >= CLEARANCE
    assert with_seed(core.ravel(), core - core.mean(axis=0)).shape == (39,)


def test_the_core_of_a_seed_is_frozen_and_then_released(lj13, lines_of):
    directory = lj13("SEED 50\nNODATABASE\nMONITOR 51\n", data=LJ13.replace("STEPS 200", "STEPS 50"), n_atoms=19)
    core = icosahedron()
    coordinates.write(directory / "seed", core)
    lines_of(directory)
    frame = np.loadtxt(directory / "monitor.xyz", skiprows=2, usecols=(1, 2, 3))
    centred = core.reshape(-1, 3) - core.reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(frame[:13], centred, atol=2e-9)
    data = (directory / "data").read_text()
    (directory / "data").write_text(data.replace("STEPS 50", "STEPS 101").replace("MONITOR 51", "MONITOR 100"))
    lines_of(directory)
    frame = np.loadtxt(directory / "monitor.xyz", skiprows=2, usecols=(1, 2, 3))
    assert np.abs(frame[:13] - centred).max() > 1e-3


def test_taboo_list_knows_energy_and_shape():
    potential = LennardJones(13)
    x = icosahedron()
    taboo = TabooList(2, 0.01, potential.symmetry)
    taboo.add(-44.3268, x)
    assert taboo.holds(-44.3268, potential.symmetry.random_copy(x, np.random.default_rng(0)))
    assert not taboo.holds(-44.30, x)
    assert not taboo.holds(-44.3268, 1.1 * x)
    taboo.add(-41.0, x)
    taboo.add(-43.0, x)
    taboo.add(-43.0, x)
    assert taboo.energies == [-44.3268, -43.0]


def test_taboo_reseeds(lj13, lines_of):
    data = LJ13.replace("0.8", "0.05").replace("STEPS 200", "STEPS 3000")
    lines = lines_of(lj13("RESTART 5\nTABOO 5\nNODATABASE\n", data=data))
    assert any("restart> No step was accepted in 10 steps: reseeding" in line for line in lines)
    pattern = re.compile(r"taboo> Energy .{20} of step [ \d]{8} is on the taboo list")
    hits = [k for k, line in enumerate(lines) if pattern.fullmatch(line)]
    assert hits
    for k in hits:
        step = int(lines[k - 1][3:13])
        assert int(lines[k].split("of step")[1].split()[0]) == step
        assert lines[k + 1] == "taboo> Reseeding parallel run      1"
        # the energy that came back was left before
        energy = float(lines[k][14:34])
        assert energy > -44.4


@pytest.mark.parametrize(
    "extra",
    [
        "RESTART 5\nTABOO 5\n",
        "NEWRESTART 10\nTABOO 5\n",
        "SHELLMOVE 7 0.1 0.3\n",
        "COOPMOVE 4 1.5\nNEWCONF 40 2.0\n",
        "COMPRESS 2.0\nNEWCONF 45\n",
        "SURFACE 1.0\n",
    ],
)
def test_restart_equals_uninterrupted_run(lj13, lines_of, extra):
    def trajectory(lines):
        return [line[: line.index(" t=")] for line in lines if line.startswith("Qu ")]

    extra += "NODATABASE\n"
    data = LJ13.replace("0.8", "0.2")
    whole = trajectory(lines_of(lj13(extra, data=data)))
    parts = lj13(extra, data=data.replace("STEPS 200", "STEPS 90"))
    assert run(parts) == 0
    (parts / "data").write_text(data + extra + "RESTORE GMIN.dump\n")
    assert trajectory(lines_of(parts)) == whole
    assert len(whole) == 201


def test_new_configurations_fall_due(lj13, lines_of):
    lines = lines_of(lj13("NEWCONF 60 1.9\nNODATABASE\n"))
    news = [line for line in lines if line.startswith("newconf>")]
    assert [int(line.split()[4]) for line in news] == [60, 120, 180]
    k = lines.index(news[0])
    assert lines[k - 1].startswith("Qu         60")
    # the walker goes on from the new quench
    assert news[0].split("E=")[1].strip() == re.search(r"Markov E=(.{20})", lines[k + 1])[1].strip()


def test_random_points_fill_the_sphere():
    x = random_in_sphere(np.random.default_rng(0), 20000, 3.0).reshape(-1, 3)
    r = np.linalg.norm(x, axis=1)
    assert r.max() <= 3.0
    assert np.mean(r < 1.5) == pytest.approx(1 / 8, abs=0.01)


def test_frozen_potential_and_its_symmetry():
    rng = np.random.default_rng(5)
    potential = LennardJones(9)
    # three frozen atoms: an equilateral triangle has 12 operations
    triangle = 1.12 / 3**0.5 * np.array([[np.cos(a), np.sin(a), 0.0] for a in 2 * np.pi * np.arange(3) / 3])
    frozen = FrozenPotential(potential, [0, 1, 2], triangle)
    assert isinstance(frozen.symmetry, FrozenCluster)
    assert len(frozen.symmetry.matrices) == 12
    x = np.concatenate([triangle.ravel(), rng.uniform(-1.0, 1.0, 18)])
    from common.lbfgs import minimise

    quenched = minimise(frozen, x, rms=1e-4)
    np.testing.assert_array_equal(quenched.coordinates[:9], x[:9])
    m = characterise_minimum(frozen, quenched.coordinates)
    np.testing.assert_array_equal(m.coordinates[:9], x[:9])
    assert np.abs(frozen.gradient(m.coordinates)).max() < 1e-8
    free = potential.hessian(m.coordinates)[9:, 9:]
    assert m.log_product == pytest.approx(np.log(np.linalg.eigvalsh(free)).sum(), abs=1e-8)
    copy = frozen.symmetry.random_copy(m.coordinates, rng)
    assert potential.energy(copy) == pytest.approx(m.energy)
    assert frozen.symmetry.align(copy, m.coordinates)[1] < 1e-6
    moved = m.coordinates.copy()
    moved[9:12] += 0.05
    assert frozen.symmetry.align(moved, m.coordinates)[1] == pytest.approx(0.05 * 3**0.5)
    assert frozen.fingerprint() != potential.fingerprint()
    with pytest.raises(ValueError, match="at least three"):
        FrozenPotential(potential, [0, 1, 2], np.arange(9.0).reshape(3, 3))


def test_frozen_atoms_with_the_database(lj13, lines_of):
    data = LJ13.replace("CENTRE\n", "")
    directory = lj13("FREEZE 1 2 3\n", data=data)
    lines = lines_of(directory)
    assert any(re.match(r"database> [1-9]\d* minima added", line) for line in lines)
    start = np.array(coordinates.read(directory / "coords").coordinates)
    frozen = FrozenPotential(LennardJones(13), [0, 1, 2], start.reshape(-1, 3)[:3])
    with Database(directory / "landscape.db", symmetry=frozen.symmetry, fingerprint=frozen.fingerprint()) as database:
        minima = database.minima()
    assert len(minima) > 10
    for m in minima:
        np.testing.assert_allclose(m.coordinates[:9], start[:9], atol=1e-9)
        assert np.abs(frozen.gradient(m.coordinates)).max() < 1e-7
    # the database of another function is refused, one line
    (directory / "data").write_text(data)
    from common.errors import DatabaseError

    with pytest.raises(DatabaseError):
        run(directory)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("FREEZE 1 2\n", "at least|fewer than three"),
        ("FREEZE 1 2 3\nCENTRE\n", "CENTRE.*FREEZE"),
        ("SEED 10\n", "no file seed"),
        ("TABOO 5\n", "RESTART or NEWRESTART"),
        ("TABOO 5\nNEWRESTART 10\nAVOID 1.0 5 F\n", "exclude"),
        ("COMPRESS\n", "missing argument"),
        ("SHELLMOVE 10 1.5 0.5\n", "probability"),
        ("NEWCONF 0\n", "NEWCONF"),
    ],
)
def test_what_does_not_fit_is_refused(lj13, extra, message):
    with pytest.raises(InputError, match=message):
        run(lj13(extra, data=LJ13.replace("CENTRE\n", "")))


def test_what_has_no_effect_is_said(lj13, lines_of):
    data = LJ13.replace("STEP 0.40 0.40", "STEP 0.40 0.40 0.3").replace("STEPS 200", "STEPS 5")
    notes = [line for line in lines_of(lj13("PERMDIST\nNODATABASE\n", data=data)) if "NOTE:" in line]
    assert any("ostep has no effect" in line for line in notes)
    assert any("PERMDIST has no effect without AVOID" in line for line in notes)
    lines = lines_of(lj13("PERMDIST 0.01\nNEWRESTART 10\nAVOID 1.0 5 F\nNODATABASE\n", data=data))
    assert any("PERMDIST: the tolerance has no effect" in line for line in lines)


def test_lines_of_newrestart_name_the_walker(lj13, lines_of):
    lines = lines_of(lj13("PARALLEL 2\nNEWRESTART 5\nNODATABASE\n"))
    for walker in (1, 2):
        assert f"newres> Reseeding parallel run {walker:6d}" in lines


def test_quick_alignments_know_copies_and_neighbours():
    symmetry = for_avoiding(LennardJones(13).symmetry)
    rng = np.random.default_rng(5)
    x = LennardJones(13).random_coordinates(rng)
    avoid = AvoidList(0.5, 3, 39, symmetry, 13)
    avoid.add(-1.0, symmetry.random_copy(x, rng))
    place, energy, distance = avoid.first_too_close(x)
    assert (place, energy) == (1, -1.0)
    assert distance == pytest.approx(0.0, abs=1e-6)
    assert avoid.first_too_close(x + 0.01 * rng.normal(size=39))[2] < 0.2
    assert avoid.first_too_close(LennardJones(13).random_coordinates(rng)) is None
