"""UNTRAP, FREEPAIRS, DIJPAIR, SHORTCUT, USEPAIRS and the lists that leave pairs out."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest

import pathsample
from common.database import Database
from common.errors import InputError
from common.keywords import load_table, parse_text
from common.stationary_points import Minimum, TransitionState, Triple
from pathsample.distances import Distances
from pathsample.kinetics.regrouping import free_energy_groups
from pathsample.near_lists import NearLists
from pathsample.network import Network
from pathsample.pairs import never_tried
from pathsample.path_pairs import UsePairs, around
from pathsample.run import run
from pathsample.setup import read_setup
from pathsample.strategies import make_strategy
from pathsample.summary import Report
from pathsample.untrap import bottlenecks, entry_energies
from potentials.symmetry import NoSymmetry

EXAMPLE = Path(__file__).resolve().parents[2] / "../shared/wales/examples/LJ38_04_pathsample"

#: A chain 1-2-3-4-5 with its highest barrier between 3 and 4, and a trap 6 that hangs on 5; product 1, reactant 5.
ENERGIES = [-10.0, -6.0, -7.0, -6.5, -8.0, -9.0]
PLACES = [0.0, 1.0, 2.0, 3.5, 4.0, 0.4]
STATES = [(1, 2, -5.0), (2, 3, -5.5), (3, 4, -2.0), (4, 5, -5.2), (5, 6, -1.0)]


class Potential:
    symmetry = NoSymmetry()
    n_variables = 1


@pytest.fixture
def database(tmp_path):
    minima = [Minimum(e, np.array([x]), 0.0) for e, x in zip(ENERGIES, PLACES)]
    with Database(tmp_path / "chain.db", symmetry=NoSymmetry(), n_variables=1) as database:
        database.add_minima(minima)
        for k, (i, j, energy) in enumerate(STATES):
            ts = TransitionState(energy, np.array([10.0 + k]), 0.0)
            database.add_triples([Triple(minima[i - 1], ts, minima[j - 1])])
        database.set_endpoints("A", [1])
        database.set_endpoints("B", [5])
        yield database


@pytest.fixture
def choose(tmp_path, database):
    """Chosen pairs for lines of pathdata."""
    from pathsample.setup import Setup

    table = load_table(Path(pathsample.__file__).with_name("keywords.yaml"))

    def choose(text, count=20):
        settings = parse_text("TEMPERATURE 0.5\n" + text, table, "pathdata")
        settings.finish()
        setup = Setup(tmp_path, settings, potential=Potential())
        network = Network(database, NoSymmetry())
        network.attempted |= never_tried(setup, network)
        return [(task.first, task.second) for task in make_strategy(setup).choose(network, [], count)]

    return choose


def test_bottlenecks():
    plus, minus, energies = (np.array(c) for c in zip(*STATES))
    level = bottlenecks(6, energies, plus - 1, minus - 1, [0])
    assert level.tolist() == [-np.inf, -5.0, -5.0, -2.0, -2.0, -1.0]
    assert bottlenecks(7, energies, plus - 1, minus - 1, [0])[6] == np.inf
    entry = entry_energies(level, -10.0, 3.0)
    assert entry[1:].tolist() == [-4.0, -4.0, -1.0, -1.0, -1.0]
    # a threshold that is met exactly counts, whatever the rounding
    assert entry_energies(np.array([-9.7]), -10.0, 0.1)[0] == pytest.approx(-9.7)


def brute_force_untrap(database, increment, threshold, count):
    """FORMATS 3.17, word by word, for a product set of one minimum."""
    energies = np.array(ENERGIES)
    edges = [(i - 1, j - 1, e) for i, j, e in STATES]

    def basin(limit):
        inside, grown = {0}, True
        while grown:
            grown = False
            for i, j, e in edges:
                if e <= limit and (i in inside) != (j in inside):
                    inside |= {i, j}
                    grown = True
        return inside

    found = []
    for i in range(1, 6):
        threshold_energy = energies[0]
        while i not in basin(threshold_energy):
            threshold_energy += increment
        score = (threshold_energy - energies[i]) / abs(energies[i] - energies[0])
        found.append((score, i, basin(threshold_energy - increment)))
    connected = {(i, j) for i, j, _ in edges}
    pairs = []
    for _, i, inside in sorted(found, key=lambda item: -item[0]):
        near = sorted((abs(PLACES[i] - PLACES[j]), j) for j in inside if energies[j] - energies[i] < threshold)
        partners = [j for _, j in near] + [0]
        free = [j for j in partners if (min(i, j), max(i, j)) not in connected]
        if free:
            pairs.append((i + 1, free[0] + 1))
            connected.add((min(pairs[-1]) - 1, max(pairs[-1]) - 1))
    return pairs[:count]


@pytest.mark.parametrize(("increment", "threshold"), [(0.1, 3.0), (1.0, 0.7), (0.25, -1.0)])
def test_untrap_as_described(choose, increment, threshold):
    expected = brute_force_untrap(None, increment, threshold, 20)
    assert choose(f"UNTRAP {increment} {threshold}") == expected
    assert choose(f"UNTRAP {increment} {threshold}", 2) == expected[:2]


def test_untrap_bounds_and_tried_pairs(choose, database):
    first = choose("UNTRAP 0.1 3.0")
    assert first[0] == (6, 1)
    assert choose("UNTRAP 0.1 3.0 1D-10 0.0 6.0") == [pair for pair in first if pair[0] != 6]
    other_way = choose("DIRECTION BA\nUNTRAP 0.1 3.0")
    assert 5 not in [i for i, _ in other_way]
    assert 1 in [i for i, _ in other_way]
    database.record_attempt(*first[0])
    assert first[0] not in choose("UNTRAP 0.1 3.0")
    database.set_endpoints("A", [])
    with pytest.raises(InputError, match="UNTRAP: set A has no member"):
        choose("UNTRAP 0.1 3.0")


def test_pairs_along_the_fastest_path(choose, database):
    # the path is 5 4 3 2 1; its highest barriers are 4-3 (4.5), 5-4 (2.8), 3-2 (1.5), 2-1 (1.0)
    assert choose("DIJPAIR 2") == [(5, 3), (4, 2), (5, 2)]
    assert choose("DIJPAIR 3") == [(5, 3), (4, 2), (5, 2), (4, 1), (5, 1)]
    # an end of the chain has one connection, the others have two
    assert choose("DIJPAIR 3 1") == [(5, 3), (4, 2), (5, 2)]
    assert choose("DIJPAIR 3 2") == []
    assert choose("DIJPAIR 2 0 BARRIER") == [(5, 3), (4, 2), (5, 2), (3, 1), (4, 1)]
    # nearest first: 3-1 2.0, 5-3 2.0, 4-2 2.5, 5-2 3.0, 4-1 3.5, 5-1 4.0
    assert choose("SHORTCUT 1") == [(3, 1), (5, 3), (4, 2), (5, 2), (4, 1), (5, 1)]
    assert choose("SHORTCUT 3") == [(5, 1)]
    assert choose("SHORTCUT 2 BARRIER") == [(5, 3), (4, 2), (5, 2), (3, 1), (4, 1)]
    assert choose("SHORTCUT 2 RATE") == choose("SHORTCUT 2 BARRIER")
    # a wide passage makes the step over the highest barrier the fastest one
    database._connection.execute("UPDATE transition_states SET log_product = -40 WHERE id = 3")
    assert choose("SHORTCUT 2 BARRIER")[0] == (5, 3)
    assert choose("SHORTCUT 2 RATE")[-1] == (5, 2)
    assert around([9, 8, 7, 6], 1, 9) == [(0, 2), (0, 3), (1, 2), (1, 3)]


def test_free_energy_groups(choose, database):
    from pathsample.kinetics.rates import canonical, make_network, read_arrays

    minima, states, sets = read_arrays(database)
    network = make_network(minima, states, sets, *canonical(minima, states, 0.5))
    labels, free, _ = free_energy_groups(network, 0.5, 3.1415926535897931, 3.0)
    # with h = kT 2 pi the barrier of a step is its potential-energy barrier: 2-3 (0.5, 1.5) and 4-5 (1.3, 2.8) join
    assert labels.tolist() == [0, 1, 1, 2, 2, 3]
    weights = np.exp(network.ln_weight)
    assert free[1] == pytest.approx(-0.5 * np.log(weights[1] + weights[2]))
    assert free_energy_groups(network, 0.5, 3.1415926535897931, -1.0)[0].tolist() == list(range(6))
    assert set(free_energy_groups(network, 0.5, 3.1415926535897931, 99.0)[0].tolist()) == {0}
    found = choose("PLANCK 3.14159265\nFREEPAIRS 3.0 3.0 0.1")
    # group 6 has the highest score; its nearest reachable minimum is 1
    assert found[0] == (6, 1)
    assert (5, 4) not in found


def test_use_pairs(tmp_path, choose):
    path = tmp_path / "Epath"
    lines = ["       1    -8.0  5", "       2   -5.2    4", " 3  -6.5   4", "4 -1.0 1", " 5 -7.0 3", " 6 -1.0 2", "7 -6.0 2"]
    path.write_text("\n".join(lines))
    assert choose("USEPAIRS Epath") == [(3, 5), (2, 4), (2, 5)]
    path.write_text("2\n5\n99\n")
    with pytest.raises(InputError, match="minimum 99, but the database has 6"):
        choose("USEPAIRS Epath")
    path.write_text("1 x 3\n")
    with pytest.raises(InputError, match="Epath:1: expected counter"):
        UsePairs.from_file(path)


def test_lists_of_pairs_that_are_left_out(tmp_path, choose):
    everything = choose("UNTRAP 0.1 3.0")
    (tmp_path / "pairs.data").write_text("       1       6\n")
    (tmp_path / "other").write_text("5 3\n")
    assert (6, 1) not in choose("SKIPPAIRS\nUNTRAP 0.1 3.0")
    assert choose("UNTRAP 0.1 3.0") == everything
    assert choose("IGNOREPAIRS other\nSHORTCUT 1")[1] == (4, 2)
    (tmp_path / "other").write_text("5\n")
    with pytest.raises(InputError, match="other:1"):
        choose("IGNOREPAIRS other\nSHORTCUT 1")


def test_list_for_several_cycles(tmp_path, plane, plane_setup, quiet, plane_database):
    """PAIRLIST 3: the pairs of three cycles are chosen at once."""
    from engines import ShuffledEngine

    from pathsample.growth import Growing

    plane_database.set_endpoints("A", [1])
    plane_database.set_endpoints("B", [4])
    setup = plane_setup("CYCLES 3\nJOBSPERCYCLE 1\nCONNECTREGION 1 1 99.0\nPAIRLIST 3\n")
    Growing(setup, plane_database, ShuffledEngine(1), quiet).run()
    assert [pair[:2] for pair in plane_database.attempts()] == [(1, 2), (1, 3), (1, 4)]


@pytest.mark.skipif(not EXAMPLE.exists(), reason="needs the published LJ38 database")
@pytest.mark.validation
def test_untrap_of_the_published_database(tmp_path, capsys):
    """The first pair of the published UNTRAP run is 8 2, at 3.1358; minima 7 and 9 are 1.6963 apart."""
    for path in (EXAMPLE / "expected").iterdir():
        if path.name in ("min.data", "ts.data", "points.min", "points.ts", "min.A", "min.B"):
            shutil.copy(path, tmp_path)
    common = "SYSTEM AX\nNATOMS 38\nETOL 1.0D-6\nGEOMDIFFTOL 0.2\nITOL 0.1D0\n"
    (tmp_path / "pathdata").write_text(common)
    assert run(tmp_path) == 0
    (tmp_path / "pathdata").write_text(common + "UNTRAP 0.035 3.0\nDUMMYRUN\n")
    capsys.readouterr()
    assert run(tmp_path) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("getupair> connecting")]
    assert lines[0][3:6] == ["8", "and", "2"]
    network = Network(Database(tmp_path / "landscape.db", read_only=True), read_setup(tmp_path).symmetry)
    assert network.distance(8, 2) == pytest.approx(3.1358, abs=5e-5)
    assert network.distance(7, 9) == pytest.approx(1.6963, abs=5e-5)


class Points:
    """Just enough of a database for distances."""

    def __init__(self, x):
        self.x = x

    def minimum(self, i):
        return Minimum(0.0, self.x[i - 1])

    def coordinates(self, ids):
        return self.x[np.array(ids) - 1]


@pytest.mark.parametrize("n", [1, 2, 30, 300])
def test_near_lists_do_not_depend_on_how_they_grew(n):
    rng = np.random.default_rng(n)
    x, energies = rng.random((n, 3)), rng.random(n)
    at_once, in_steps = (NearLists(Distances(Points(x), NoSymmetry()), 5) for _ in range(2))
    at_once.update(energies)
    for k in sorted({*rng.integers(1, n + 1, 9).tolist(), n}):
        in_steps.update(energies[:k])
    assert np.array_equal(at_once.ids, in_steps.ids)
    # exact where the descriptor is the point itself
    d = np.linalg.norm(x[:, None] - x[None], axis=2)
    np.fill_diagonal(d, np.inf)
    count = min(5, n - 1)
    assert np.allclose(at_once.d[:, :count], np.sort(d, axis=1)[:, :count])
    assert np.count_nonzero(at_once.ids) == n * count


def test_ascending_is_sorted_and_complete():
    rng = np.random.default_rng(0)
    x = rng.random((50, 4))
    distances = Distances(Points(x), NoSymmetry())
    found = list(distances.ascending(7, range(1, 51), np.zeros(50)))
    assert [d for d, _ in found] == sorted(d for d, _ in found)
    assert sorted(j for _, j in found) == [j for j in range(1, 51) if j != 7]
    assert list(distances.ascending(7, [7], np.zeros(50))) == []


def test_long_descriptors_still_give_lower_bounds():
    from potentials.lj import LennardJones

    symmetry = LennardJones(13).symmetry
    rng = np.random.default_rng(1)
    x = rng.standard_normal((12, 39))
    distances = Distances(Points(x), symmetry)
    others = np.arange(2, 13)
    bounds = distances.bounds(1, others)
    assert np.all(bounds <= np.array(distances.distances(1, others.tolist())) + 1e-12)
    assert bounds.min() > 0.0
    assert distances.vectors(12).shape == (12, 64)


def test_classic_lines_of_ranked_pairs(database, tmp_path, choose):
    from pathsample.growth import Growing
    from pathsample.setup import Setup

    table = load_table(Path(pathsample.__file__).with_name("keywords.yaml"))
    settings = parse_text("CYCLES 1\nJOBSPERCYCLE 2\nUNTRAP 0.1 3.0\n", table, "pathdata")
    settings.finish()
    stream = io.StringIO()
    growing = Growing(Setup(tmp_path, settings, potential=Potential()), database, None, Report(stream))
    growing.begin()
    assert growing.plan() == 2
    lines = stream.getvalue().splitlines()
    assert lines[0] == "getupair> saved minima pairs and barriers:"
    assert lines[1] == "       6       1        8.0000000000"
    assert lines[3] == (
        "getupair> connecting minima        6 and        1 pairs used=       1 remaining=       1 total pairs=       2"
    )
