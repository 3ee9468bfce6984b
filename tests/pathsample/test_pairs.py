"""What each strategy chooses on a small network with known distances."""

import numpy as np
import pytest

from common.database import Database
from common.errors import InputError
from common.stationary_points import Minimum, TransitionState, Triple
from pathsample.network import Network
from pathsample.pairs import ConnectPairs, ConnectRegion, ConnectUnconnected, InitialPath, NewConnections, Task, connect
from pathsample.survey import Survey, interleaved, pair_share
from potentials.symmetry import NoSymmetry

#: Eight minima on a line, at 0 1 2 3 6 7 8 12; the lowest is number 3; transition states join 1-2-3-4 and 5-6.
PLACES = [0.0, 1.0, 2.0, 3.0, 6.0, 7.0, 8.0, 12.0]
ENERGIES = [-1.0, -2.0, -9.0, -3.0, -5.0, -4.0, -6.0, -7.0]
EDGES = [(1, 2), (2, 3), (3, 4), (5, 6), (6, 6)]


@pytest.fixture
def database(tmp_path):
    minima = [Minimum(e, np.array([x]), 0.0) for e, x in zip(ENERGIES, PLACES)]
    with Database(tmp_path / "line.db", symmetry=NoSymmetry(), n_variables=1) as database:
        database.add_minima(minima)
        for k, (i, j) in enumerate(EDGES):
            x = np.array([0.5 * (PLACES[i - 1] + PLACES[j - 1]) + 0.3])
            database.add_triples([Triple(minima[i - 1], TransitionState(1.0 + k, x, 0.0), minima[j - 1])])
        yield database


@pytest.fixture
def network(database):
    return Network(database, NoSymmetry())


def pairs(tasks):
    assert all(task.kind == "connect" for task in tasks)
    return [task.pair for task in tasks]


def test_network(network):
    assert network.global_minimum == 3
    assert network.degrees().tolist() == [1, 2, 2, 1, 1, 1, 0, 0]
    assert np.flatnonzero(network.connected_set()).tolist() == [0, 1, 2, 3]
    assert network.neighbours() == {(1, 2), (2, 3), (3, 4), (5, 6)}
    assert network.nearest(4, range(1, 9), 3) == [(1.0, 3), (2.0, 2), (3.0, 1)]
    assert network.distance(8, 1) == 12.0


def test_network_follows_the_database(database, network):
    minimum = Minimum(-20.0, np.array([20.0]), 0.0)
    database.add_triples([Triple(minimum, TransitionState(3.0, np.array([15.0]), 0.0), database.minimum(8))])
    network.refresh()
    assert network.global_minimum == 9
    assert np.flatnonzero(network.connected_set()).tolist() == [7, 8]


def test_connect_pairs_in_the_order_of_the_file(tmp_path, database, network):
    file = tmp_path / "pairs"
    file.write_text("8 2\n1 2\n\n2 8\n5 7\n")
    strategy = ConnectPairs.from_file(file)
    assert pairs(strategy.choose(network, [], 2)) == [(2, 8), (1, 2)]
    assert pairs(strategy.choose(network, [connect(2, 8)], 9)) == [(1, 2), (5, 7)]
    database.record_attempt(1, 2)
    network.refresh()
    assert pairs(strategy.choose(network, [], 9)) == [(2, 8), (5, 7)]


def test_connect_pairs_names_file_and_line(tmp_path, network):
    file = tmp_path / "pairs"
    file.write_text("1 2\n3 three\n4\n5 5\n")
    with pytest.raises(InputError) as raised:
        ConnectPairs.from_file(file)
    assert [problem.split(": ")[0] for problem in raised.value.problems] == ["pairs:2", "pairs:3", "pairs:4"]
    with pytest.raises(InputError, match="pair 1 99, but the database has 8 minima"):
        ConnectPairs([(1, 99)]).choose(network, [], 1)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (ConnectUnconnected("LOWEST", 1), [(4, 8), (4, 7), (4, 5), (4, 6)]),
        (ConnectUnconnected("EREF", 5), [(4, 5), (4, 6), (4, 7), (4, 8)]),
        (ConnectUnconnected("DISTREF", 8), [(4, 8), (4, 7), (4, 6), (4, 5)]),
    ],
)
def test_connect_unconnected_order(network, strategy, expected):
    assert pairs(strategy.choose(network, [], 10)) == expected


def test_connect_unconnected_takes_the_next_partner_and_ends(database, network):
    strategy = ConnectUnconnected("LOWEST", 2)
    for i in (5, 6, 7, 8):
        database.record_attempt(4, i)
    network.refresh()
    assert pairs(strategy.choose(network, [], 10)) == [(3, 8), (3, 7), (3, 5), (3, 6)]
    # a minimum whose search is under way waits for its result
    assert pairs(strategy.choose(network, [connect(3, 8)], 10)) == [(3, 7), (3, 5), (3, 6)]
    for i in (5, 6, 7, 8):
        database.record_attempt(3, i)
    network.refresh()
    assert strategy.choose(network, [], 10) == []


def test_connect_unconnected_relates_to_a_and_b(database, network):
    database.set_endpoints("A", [6])
    network.refresh()
    assert pairs(ConnectUnconnected("LOWEST", 1).choose(network, [], 1)) == [(3, 5)]


def test_reference_must_exist(network):
    with pytest.raises(InputError, match="CONNECTUNC EREF 99"):
        ConnectUnconnected("EREF", 99).choose(network, [], 1)


def test_connect_region(network):
    assert pairs(ConnectRegion(1, 1, 1.5).choose(network, [], 10)) == [(1, 2), (2, 3), (3, 4), (5, 6), (6, 7)]
    assert pairs(ConnectRegion(4, 5, 3.5, 6).choose(network, [], 10)) == [(4, 5), (5, 6), (5, 7), (6, 7)]


def test_new_connections(database, network):
    strategy = NewConnections(2, 2)
    assert [task.first for task in strategy.choose(network, [], 10)] == [1, 4, 5, 6, 7, 8]
    database.record_attempt(1)
    database.record_attempt(4)
    database.record_attempt(4)
    network.refresh()
    tasks = strategy.choose(network, [Task("single", 7, 7)], 10)
    assert [(task.first, task.attempt) for task in tasks] == [(5, 0), (6, 0), (8, 0), (1, 1), (7, 1)]
    assert [task.first for task in NewConnections(1, 5, start=8).choose(network, [], 10)] == [8]


def test_initial_path_takes_the_shortest_chain(database, network):
    database.set_endpoints("A", [1])
    database.set_endpoints("B", [8])
    network.refresh()
    # known links 1-2-3-4 and 5-6 are free: missing are 4-5, 6-7 and 7-8
    assert sorted(pairs(InitialPath("2", 5).choose(network, [], 10))) == [(4, 5), (6, 7), (7, 8)]
    database.record_attempt(6, 7)
    network.refresh()
    assert sorted(pairs(InitialPath("2", 5).choose(network, [], 10))) == [(4, 5), (5, 7), (7, 8)]
    database.set_endpoints("B", [4])
    network.refresh()
    assert InitialPath("EXP", 5).choose(network, [], 10) == []
    with pytest.raises(InputError, match="power of the distance"):
        InitialPath("INDEX", 5)


def test_initial_path_needs_both_sets(network):
    with pytest.raises(InputError, match=r"needs min\.A and min\.B"):
        InitialPath("1", 5).choose(network, [], 1)


def test_survey_mixes_three_kinds(network):
    tasks = Survey(3, 5).choose(network, [], 8)
    assert len(tasks) == len(set(tasks)) == 8
    assert pairs(tasks[:4]) == [(4, 8), (4, 7), (4, 5), (4, 6)]
    assert {task.kind for task in tasks[4:]} == {"connect", "single"}
    singles = [task.first for task in tasks if task.kind == "single"]
    # fewest connections first, of equal ones the lowest
    assert singles == [8, 7]
    assert not {task.pair for task in tasks if task.kind == "connect"} & network.neighbours()


def test_survey_prefers_the_kind_of_search_that_brings_more(network):
    def kinds():
        return [task.kind for task in Survey(3, 50).guided(network, [], 10)].count("single")

    before = kinds()
    for _ in range(20):
        # half of the evaluations, three times the points
        network.yields["single"].add(3, 1000)
        network.yields["connect"].add(1, 2000)
    assert pair_share(network.yields) == pytest.approx(1 / 13, abs=0.01)
    assert kinds() > before
    for _ in range(400):
        network.yields["single"].add(0, 1000)
    assert pair_share(network.yields) > 0.5
    # never less than a tenth of the evaluations
    network.yields["connect"].calls *= 1e6
    pairs, single = network.yields["connect"], network.yields["single"]
    effort = pair_share(network.yields) * pairs.calls / pairs.searches
    other = (1 - pair_share(network.yields)) * single.calls / single.searches
    assert effort / (effort + other) == pytest.approx(0.1)
    # a search outside the suite does not tell its evaluations
    network.yields["single"].add(5, None)
    assert single.new < 1.0


def test_lists_are_interleaved():
    assert interleaved([1, 2], list("abcd")) == ["a", 1, "b", "c", 2, "d"]
    assert interleaved([], [1]) == [1]


def test_survey_ends(database, network):
    for i in range(1, 9):
        database.record_attempt(i)
        for j in range(1, i):
            database.record_attempt(j, i)
    network.refresh()
    assert Survey(7, 1).choose(network, [], 8) == []
