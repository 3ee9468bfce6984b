"""Choosing pairs in databases that are too large to align every minimum with its neighbours."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.database import Database
from pathsample.distances import Distances
from pathsample.minimax import highest_on_lowest_path
from pathsample.near_lists import FingerprintLists, last_power
from pathsample.network import Network
from pathsample.pair_sets import PairSet, pair_keys
from pathsample.pairs import ConnectRegion, ConnectUnconnected, InitialPath, NewConnections, Task
from pathsample.path_pairs import UsePairs
from pathsample.survey import Survey
from potentials.symmetry import NoSymmetry, Symmetry

PAIRS = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), max_size=60)


@settings(deadline=None)
@given(PAIRS, PAIRS)
def test_sets_of_pairs_are_sets(first, second):
    ordered = [{(min(pair), max(pair)) for pair in pairs} for pairs in (first, second)]
    sets = [PairSet(first), PairSet()]
    sets[1].add_keys(pair_keys(*np.array(second, dtype=np.int64).reshape(-1, 2).T))
    assert sets == ordered
    assert (sets[0] | sets[1]) == (ordered[0] | ordered[1])
    assert (sets[0] | second) == (ordered[0] | ordered[1])
    assert (sets[0] & sets[1]) == (ordered[0] & ordered[1])
    assert sets == ordered, "a union changes neither side"
    for pair in second:
        assert (pair[1], pair[0]) in sets[1]
        sets[0].add(pair)
    assert sets[0] == ordered[0] | ordered[1]
    keys = pair_keys(*np.array(first + second, dtype=np.int64).reshape(-1, 2).T)
    assert sets[1].contains(keys).tolist() == [(min(p), max(p)) in ordered[1] for p in first + second]


def test_many_pairs_are_sorted_in():
    pairs = PairSet()
    for k in range(1, 9001):
        pairs.add((k % 97 + 1, k + 100))
    assert len(pairs) == 9000
    assert (8999 % 97 + 1, 9099) in pairs


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 12), st.integers(0, 30), st.integers(0, 1000))
def test_highest_on_lowest_path_against_all_thresholds(n, m, seed):
    rng = np.random.default_rng(seed)
    ends = rng.integers(n, size=(2, m))
    energies = rng.integers(6, size=m).astype(float)
    sources = rng.choice(n, size=rng.integers(1, 3), replace=False)
    found = highest_on_lowest_path(n, energies, *ends, sources)
    for node in range(n):
        expected = -np.inf if node in sources else np.inf
        for threshold in sorted(set(energies.tolist()), reverse=True):
            reached = set(sources.tolist())
            for _, (i, j) in itertools.product(range(n), ends[:, energies <= threshold].T.tolist()):
                if {i, j} & reached:
                    reached |= {i, j}
            if node not in sources and node in reached:
                expected = threshold
        assert found[node] == expected


class Points:
    """Just enough of a database for distances."""

    def __init__(self, x):
        self.x = x

    def coordinates(self, ids):
        return self.x[np.array(ids) - 1]


class Hidden(Symmetry):
    """Distances without lower bounds."""

    def descriptor(self, x):
        return np.empty(0)


@pytest.mark.parametrize("symmetry", [Symmetry(), Hidden()])
def test_fingerprint_lists_do_not_depend_on_how_they_grew(symmetry, monkeypatch):
    monkeypatch.setattr("pathsample.distances.MOST_ALIGNED", 40)
    rng = np.random.default_rng(1)
    x, energies = rng.random((130, 7)), rng.random(130)
    at_once, in_steps = (FingerprintLists(Distances(Points(x), symmetry), 5) for _ in range(2))
    at_once.update(energies)
    for size in (41, 47, 48, 60, 61, 100, 129, 130):
        in_steps.update(energies[:size])
    assert np.array_equal(at_once.ids, in_steps.ids)
    assert np.array_equal(at_once.d, in_steps.d)
    assert all(i + 1 not in row for i, row in enumerate(at_once.ids.tolist()))
    assert (at_once.ids > 0).all()


def test_fingerprint_lists_hold_near_minima(monkeypatch):
    monkeypatch.setattr("pathsample.distances.MOST_ALIGNED", 50)
    rng = np.random.default_rng(2)
    x = rng.random((400, 4))
    lists = FingerprintLists(Distances(Points(x), Symmetry()), 6)
    lists.update(rng.random(400))
    every = np.linalg.norm(x[:, None] - x[None], axis=2)
    np.fill_diagonal(every, np.inf)
    true = np.argsort(every, axis=1)[:, :6] + 1
    shared = np.mean([len(set(a) & set(b)) for a, b in zip(true.tolist(), lists.ids.tolist())]) / 6
    assert shared > 0.9
    assert np.allclose(lists.d[7], every[7, lists.ids[7] - 1])


def test_the_tree_grows_in_steps_that_depend_on_the_size_alone():
    assert [last_power(n, 40) for n in (40, 41, 42, 43, 44, 46)] == [40, 40, 42, 42, 44, 46]
    assert last_power(10, 40) == 10


def test_the_smallest_of_many_bounds_are_those_of_all(monkeypatch):
    rng = np.random.default_rng(3)
    x, energies = np.repeat(rng.random((400, 5)), 2, axis=0), rng.random(800)
    candidates = np.flatnonzero(rng.random(800) < 0.8) + 1
    exact = Distances(Points(x), Symmetry()).nearest_bounds(3, candidates, energies, 20)
    monkeypatch.setattr("pathsample.distances.MANY", 10)
    quick = Distances(Points(x), Symmetry()).nearest_bounds(3, candidates, energies, 20)
    assert all(np.array_equal(a, b) for a, b in zip(exact, quick))


@pytest.fixture
def large(monkeypatch, tmp_path):
    """A network in the plane that counts as large: 300 minima, two sets, some of them apart."""
    monkeypatch.setattr("pathsample.distances.MOST_ALIGNED", 50)
    rng, n = np.random.default_rng(5), 300
    x = 4.0 * rng.random((n, 2))
    # minima of the left half are joined in the order of their places, and so are those of the right half
    order = np.argsort(x[:, 0])
    left, right = order[x[order, 0] < 2.0], order[x[order, 0] >= 2.0]
    ends = np.concatenate([np.stack([part[1:], part[:-1]], axis=1) for part in (left, right[40:])])
    columns = {"log_product": np.zeros(n), "order": np.ones(n, dtype=int), "inertia": np.ones((n, 3))}
    states = {name: column[: len(ends)] for name, column in columns.items()}
    with Database(tmp_path / "plane.db", symmetry=NoSymmetry()) as database:
        database.append_minima(columns | {"energy": rng.random(n)}, x)
        middle = x[ends].mean(axis=1)
        database.append_transition_states(
            states | {"energy": np.full(len(ends), 2.0), "plus": ends[:, 0] + 1, "minus": ends[:, 1] + 1}, middle
        )
        database.set_endpoints("A", [int(left[0]) + 1])
        database.set_endpoints("B", [int(right[-1]) + 1])
        network = Network(database, NoSymmetry())
        assert network.large
        yield network


def distance_of(network, task):
    x = network.database.coordinates([task.first, task.second])
    return float(np.linalg.norm(x[0] - x[1]))


def test_unconnected_minima_are_tried_with_the_nearest(large):
    inside = np.flatnonzero(large.connected_set()) + 1
    outside = np.setdiff1d(np.arange(1, large.n_minima + 1), inside)
    tasks = ConnectUnconnected("LOWEST", 3).choose(large, [], 5)
    lowest = outside[np.argsort(large.energies[outside - 1])][:5]
    for i, task in zip(lowest.tolist(), tasks):
        (j,) = {task.first, task.second} - {i}
        x = large.database.coordinates([i, *inside])
        assert j == inside[np.argmin(np.linalg.norm(x[1:] - x[0], axis=1))]


@pytest.mark.parametrize("order", ["LOWEST", "EREF", "DISTREF"])
def test_unconnected_minima_are_left_alone_after_as_many_tries_as_partners(large, order):
    strategy, made = ConnectUnconnected(order, 2), []
    while True:
        tasks = strategy.choose(large, [], 7)
        if not tasks:
            break
        made += tasks
        large.attempted.update(task.pair for task in tasks)
    inside = large.connected_set()
    outside = np.flatnonzero(~inside) + 1
    assert len({task.pair for task in made}) == len(made) == 2 * len(outside)


def test_regions_are_complete_in_the_end(large):
    strategy, made = ConnectRegion(1, 1, 0.4), []
    while True:
        tasks = strategy.choose(large, [], 50)
        if not tasks:
            break
        made += tasks
        large.attempted.update(task.pair for task in tasks)
    x = large.database.coordinates()
    every = np.linalg.norm(x[:, None] - x[None], axis=2)
    expected = {(i + 1, j + 1) for i, j in zip(*np.nonzero(np.triu(every < 0.4, 1)))}
    assert {task.pair for task in made} == expected


def test_surveys_take_near_pairs(large):
    tasks = Survey(5, 2).near_pairs(large, [], 10)
    assert len(tasks) == 10
    assert not {task.pair for task in tasks} & large.neighbours()
    assert max(distance_of(large, task) for task in tasks) < 0.3


def test_initial_paths_are_those_of_aligned_distances(large, monkeypatch):
    by_bounds = InitialPath("2", 12).choose(large, [], 20)
    monkeypatch.setattr("pathsample.distances.MOST_ALIGNED", 1000)
    aligned = InitialPath("2", 12).choose(large, [], 20)
    assert by_bounds
    assert sum(distance_of(large, t) ** 2 for t in by_bounds) <= 1.3 * sum(distance_of(large, t) ** 2 for t in aligned)


def test_of_many_pairs_the_nearest_are_chosen(large, monkeypatch):
    monkeypatch.setattr("pathsample.path_pairs.MOST_PAIRS", 5000)
    listed = list(range(1, 201))
    tasks = UsePairs(listed).choose(large, [], 10)
    x = large.database.coordinates(range(1, 201))
    every = np.triu(np.linalg.norm(x[:, None] - x[None], axis=2), 1)
    order = [(i + 1, j + 1) for i, j in zip(*np.unravel_index(np.argsort(every, axis=None), every.shape)) if i < j]
    untried = [pair for pair in order if pair not in large.neighbours()][:10]
    assert [task.pair for task in tasks] == untried


def test_new_connections_take_the_least_tried_first(large):
    pending = [Task("single", i, i, 0) for i in range(1, 11)]
    tasks = NewConnections(100, 3).choose(large, pending, 295)
    assert [task.first for task in tasks[:290]] == list(range(11, 301))
    assert [(task.first, task.attempt) for task in tasks[290:]] == [(i, 1) for i in range(1, 6)]
