import json
import sqlite3

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.database import AddReport, Database
from common.errors import DatabaseError
from common.stationary_points import Minimum, TransitionState, Triple


class Mirror:
    """A symmetry with one operation: x and -x are copies."""

    n_zero = 2

    def same(self, x, reference, tolerance):
        return min(np.linalg.norm(x - reference), np.linalg.norm(x + reference)) < tolerance


def point(value, n=6):
    return np.full(n, float(value))


def triple(plus, ts, minus, **more):
    """A triple of (energy, coordinate) pairs."""
    return Triple(
        Minimum(plus[0], point(plus[1])), TransitionState(ts[0], point(ts[1])), Minimum(minus[0], point(minus[1])), **more
    )


@pytest.fixture
def database(tmp_path):
    with Database(tmp_path / "landscape.db", symmetry=Mirror()) as database:
        yield database
        assert database.check() == []


# Identity


def test_minima_are_numbered_in_order_of_addition(database):
    assert [database.add_minimum(Minimum(-float(k), point(k))) for k in range(1, 4)] == [(1, True), (2, True), (3, True)]
    assert database.add_minimum(Minimum(-2.0, point(2))) == (2, False)
    assert database.n_minima == 3


def test_identity_needs_energy_and_place(database):
    database.add_minimum(Minimum(-1.0, point(1)))
    assert database.find_minimum(-1.0, point(1)) == 1
    assert database.find_minimum(-1.0, -point(1)) == 1
    assert database.find_minimum(-1.0 + 0.9e-6, point(1.01)) == 1
    assert database.find_minimum(-1.0 + 1.1e-6, point(1)) is None
    assert database.find_minimum(-1.0, point(1.05)) is None


def test_nearest_energy_comes_first(tmp_path):
    with Database(tmp_path / "landscape.db", energy_tolerance=0.1, distance_tolerance=10.0) as database:
        database.add_minima([Minimum(0.09, point(0)), Minimum(0.2, point(0)), Minimum(0.31, point(0))], distinct=True)
        assert database.find_minimum(0.12, point(0)) == 1
        assert database.find_minimum(0.16, point(0)) == 2
        assert database.find_minimum(0.26, point(0)) in (2, 3)


def test_without_symmetry_the_distance_is_euclidean(tmp_path):
    with Database(tmp_path / "landscape.db") as database:
        database.add_minimum(Minimum(0.0, point(1)))
        assert database.find_minimum(0.0, -point(1)) is None
        assert database.find_minimum(0.0, point(1 + 0.09 / np.sqrt(6))) == 1
        assert database.find_minimum(0.0, point(1 + 0.11 / np.sqrt(6))) is None


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 3), st.booleans()), max_size=30))
def test_planted_copies_are_recognised(tmp_path_factory, points):
    folder = tmp_path_factory.mktemp("db")
    with Database(folder / "landscape.db", symmetry=Mirror()) as database:
        seen = {}
        for energy, place, mirrored in points:
            number, new = database.add_minimum(Minimum(float(energy), point(-place if mirrored else place)))
            assert new == ((energy, place) not in seen)
            assert seen.setdefault((energy, place), number) == number
        assert sorted(seen.values()) == list(range(1, len(seen) + 1))


# Records


def test_records_come_back_as_they_went_in(database):
    rng = np.random.default_rng(3)
    one = Minimum(-1.5, rng.normal(size=6), 12.25, 48, (1.0, 2.5, 3.0), point_group="Oh")
    other = Minimum(-1.25, rng.normal(size=6))
    ts = TransitionState(1.0, rng.normal(size=6), -3.5, 2, (3.0, 2.0, 1.0), -7.5, point_group="C2v")
    report = database.add_triples([Triple(one, ts, other, 2.5)])
    assert (report.new_minima, report.new_transition_states, report.ids) == ([1, 2], [1], [(1, 1, 2)])
    for number, record in ((1, one), (2, other)):
        stored = database.minimum(number)
        np.testing.assert_array_equal(stored.coordinates, record.coordinates)
        assert stored.coordinates.flags.writeable
        for name in ("energy", "order", "inertia", "point_group"):
            assert getattr(stored, name) == getattr(record, name)
        assert stored.id == number
    assert database.minimum(1).log_product == 12.25
    assert np.isnan(database.minimum(2).log_product)
    stored = database.transition_state(1)
    assert (stored.plus, stored.minus, stored.negative_eigenvalue, stored.log_product) == (1, 2, -7.5, -3.5)
    np.testing.assert_array_equal(stored.coordinates, ts.coordinates)
    arrays = database.ts_arrays()
    assert arrays["path_length"].tolist() == [2.5]
    assert [m.id for m in database.minima([2, 1])] == [2, 1]
    assert [m.coordinates for m in database.minima(coordinates=False)] == [None, None]
    assert [t.id for t in database.transition_states()] == [1]


def test_arrays(database):
    minima = [Minimum(float(-k), point(k), 1.5 * k, k, (k, k + 1.0, k + 2.0)) for k in range(1, 5)]
    database.add_minima(minima)
    arrays = database.minima_arrays()
    assert arrays["energy"].tolist() == [-1, -2, -3, -4] == database.energies().tolist()
    assert arrays["log_product"].tolist() == [1.5, 3.0, 4.5, 6.0]
    assert arrays["order"].tolist() == [1, 2, 3, 4]
    assert arrays["inertia"].shape == (4, 3)
    assert database.coordinates()[:, 0].tolist() == [1, 2, 3, 4]
    assert database.coordinates([4, 2])[:, 0].tolist() == [4, 2]
    assert database.ts_arrays()["energy"].shape == (0,)
    assert database.coordinates(transition_states=True).shape == (0, 6)


def test_what_is_not_there(database):
    for call in (database.minimum, database.transition_state, database.job):
        with pytest.raises(KeyError):
            call(1)
    with pytest.raises(KeyError, match="7"):
        database.minima([7])
    with pytest.raises(KeyError, match="7"):
        database.coordinates([7])


@pytest.mark.parametrize(
    "minimum", [Minimum(np.nan, point(1)), Minimum(np.inf, point(1)), Minimum(1.0, point(np.nan)), Minimum(1.0, point(1, 5))]
)
def test_impossible_points_are_refused(database, minimum):
    database.add_minimum(Minimum(0.0, point(0)))
    with pytest.raises(ValueError):
        database.add_minima([Minimum(5.0, point(5)), minimum])
    assert database.n_minima == 1, "one transaction: the good one is not kept either"


# Triples


def test_order_of_numbers(database):
    report = database.add_triples([triple((-1, 1), (0, 2), (-2, 3)), triple((-3, 4), (0.5, 5), (-1, 1))])
    assert report.ids == [(1, 1, 2), (3, 2, 1)]
    assert report.messages == [
        "getallpaths> writing data for new ts to ts.data",
        "getallpaths> writing data for      2 new minima to min.data",
        "getallpaths> writing data for new ts to ts.data",
        "getallpaths> writing data for      1 new minima to min.data",
    ]


def test_known_ts_in_either_direction(database):
    one = triple((-1, 1), (0, 2), (-2, 3))
    database.add_triples([one])
    report = database.add_triples([one, Triple(one.minus, one.transition_state, one.plus), triple((-1, -1), (0, -2), (-2, 3))])
    assert (report.known, report.new_minima, report.new_transition_states, report.messages) == (3, [], [], [])
    assert report.ids == [(1, 1, 2), (2, 1, 1), (1, 1, 2)]


def test_known_ts_with_other_minima_is_reported(database):
    database.add_triples([triple((-1, 1), (0, 2), (-2, 3))])
    report = database.add_triples([triple((-1, 1), (0, 2), (-5, 5))])
    assert report.messages == ["getallpaths> WARNING failed consistency check for old ts      1"]
    assert (report.skipped, report.ids) == (1, [None])
    assert (database.n_minima, database.n_transition_states) == (2, 1)


def test_all_ts_keeps_it(database):
    first, second = triple((-1, 1), (0, 2), (-2, 3)), triple((-1, 1), (0, 2), (-5, 5))
    report = database.add_triples([first, second, first, second], all_ts=True)
    assert report.ids == [(1, 1, 2), (1, 2, 3), (1, 1, 2), (1, 2, 3)]
    assert report.known == 2


def test_degenerate_rearrangement_is_kept(database):
    report = database.add_triples([triple((-1, 1), (0, 2), (-1, -1))])
    assert report.ids == [(1, 1, 1)]
    assert report.messages[-1] == "getallpaths> writing data for      1 new minima to min.data"
    assert database.ts_arrays()["plus"].tolist() == database.ts_arrays()["minus"].tolist() == [1]


def test_rules_of_the_caller(database):
    eigenvalues = np.array([5.0, 3.0, 2e-6, 1e-7, 0.0, -1e-9])  # two zero modes: the smallest in use is 1e-7
    flat = Triple(Minimum(-1.0, point(1), eigenvalues=eigenvalues), TransitionState(0.0, point(2)), Minimum(-2.0, point(3)))
    high = triple((-1, 1), (7, 4), (-2, 3))
    report = database.add_triples([flat, high], max_ts_energy=5.0, eigenvalue_cut=1e-7)
    assert (report.skipped, report.ids, database.n_minima) == (2, [None, None], 0)
    assert "eigenvalue 1e-07" in report.messages[0]
    assert "threshold 5" in report.messages[1]
    assert database.add_triples([flat, high], max_ts_energy=7.0, eigenvalue_cut=0.9e-7).skipped == 0


def test_minimum_above_its_ts_is_refused(database):
    report = database.add_triples([triple((-1, 1), (0, 2), (0.5, 3)), triple((np.nan, 1), (0, 2), (-1, 3))])
    assert report.skipped == 2
    assert "- side lies above" in report.messages[0]
    assert "not finite" in report.messages[1]
    assert database.n_minima == 0


# Sets and properties


def test_endpoints_keep_their_order(database):
    database.add_minima([Minimum(float(k), point(k)) for k in range(5)])
    database.set_endpoints("A", [3, 1, 3])
    database.set_endpoints("B", [5])
    assert (database.endpoints("A"), database.endpoints("B"), database.endpoints("C")) == ([3, 1], [5], [])
    database.set_endpoints("A", [])
    assert database.endpoints("A") == []
    with pytest.raises(DatabaseError, match=r"minimum 6 cannot be in set B.*min\.B"):
        database.set_endpoints("B", [1, 6])
    assert database.endpoints("B") == [5]


def test_properties(database):
    database.add_minima([Minimum(float(k), point(k)) for k in range(5)])
    database.set_property("auc", [2, 4], [0.75, 0.5])
    database.set_property("loss", np.arange(1, 6), np.arange(5.0))
    np.testing.assert_array_equal(database.property("auc"), [np.nan, 0.75, np.nan, 0.5, np.nan])
    database.set_property("auc", [4, 5], [np.nan, 1.0])
    np.testing.assert_array_equal(database.property("auc"), [np.nan, 0.75, np.nan, np.nan, 1.0])
    assert database.property_names() == ["auc", "loss"]
    assert np.isnan(database.property("nothing")).all()
    for ids, values in (([6], [1.0]), ([0], [1.0]), ([1, 2], [1.0])):
        with pytest.raises(ValueError):
            database.set_property("auc", ids, values)


def test_meta(database):
    database.set_meta("plan", {"cycles": 3, "array": np.arange(2)})
    assert database.meta("plan") == {"cycles": 3, "array": [0, 1]}
    assert database.meta("nothing", 5) == 5


# Transactions


def test_a_failed_transaction_leaves_nothing(database):
    database.add_minimum(Minimum(0.0, point(0)))

    def fail():
        with database.transaction():
            database.add_minimum(Minimum(1.0, point(1)))
            database.set_endpoints("A", [2])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert database.n_minima == 1
    assert database.endpoints("A") == []
    assert database.add_minimum(Minimum(1.0, point(1))) == (2, True)


def test_the_size_of_a_point_that_was_rolled_back_does_not_count(tmp_path):
    with Database(tmp_path / "landscape.db") as database:
        with pytest.raises(ValueError):
            database.add_minima([Minimum(0.0, point(0)), Minimum(np.nan, point(0))])
        assert database.n_variables is None
        assert database.add_minimum(Minimum(0.0, point(0, 3))) == (1, True)
        assert database.n_variables == 3


def test_the_file_is_full(database):
    pages = database._connection.execute("PRAGMA page_count").fetchone()[0]
    database._connection.execute(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(DatabaseError, match=r"full.*make room"):
        database.add_minima([Minimum(float(k), point(k)) for k in range(1000)])
    assert database.n_minima == 0


# Removal


def test_removing_minima_renumbers_the_rest(database):
    for k in range(1, 7):
        database.add_minimum(Minimum(-float(k), point(k)))
    for k in range(1, 6):
        ts = TransitionState(float(k), point(10 + k), plus=k, minus=k + 1)
        database.add_triples([Triple(database.minimum(k), ts, database.minimum(k + 1))])
    database.set_endpoints("A", [5, 1])
    database.set_endpoints("B", [2, 6])
    database.set_property("auc", range(1, 7), np.arange(6) / 10)
    for pair in ((1, 4), (2, 3), (6, 5), (4,)):
        database.record_attempt(*pair)
    database.add_jobs([("connect", {"first": 1})])
    assert database.remove_minima([2]).tolist() == [0, 1, 0, 2, 3, 4, 5]
    assert database.energies().tolist() == [-1, -3, -4, -5, -6]
    assert database.coordinates()[:, 0].tolist() == [1, 3, 4, 5, 6]
    arrays = database.ts_arrays()
    assert list(zip(arrays["plus"].tolist(), arrays["minus"].tolist())) == [(2, 3), (3, 4), (4, 5)]
    assert (database.endpoints("A"), database.endpoints("B")) == ([4, 1], [5])
    np.testing.assert_allclose(database.property("auc"), [0.0, 0.2, 0.3, 0.4, 0.5])
    assert database.attempted_pairs() == {(1, 3): 1, (4, 5): 1}
    assert database.single_ended_attempts().tolist() == [0, 0, 1, 0, 0]
    assert database.jobs() == []
    assert database.add_minimum(Minimum(-9.0, point(9))) == (6, True)
    assert database.remove_minima([]).tolist() == [0, 1, 2, 3, 4, 5, 6]
    with pytest.raises(ValueError):
        database.remove_minima([7])


def test_check_finds_contradictions(tmp_path):
    with Database(tmp_path / "landscape.db") as database:
        database.add_minima([Minimum(float(k), point(k)) for k in range(3)])
        assert database.check() == []
        execute = database._connection.execute
        execute("PRAGMA foreign_keys=OFF")
        execute("UPDATE minima SET id=9 WHERE id=2")
        execute("UPDATE minima SET coordinates=x'00' WHERE id=1")
        execute("INSERT INTO endpoints VALUES ('A', 77)")
        problems = " | ".join(database.check())
    for word in ("numbered 1 to 9", "coordinates of 1 bytes", "endpoints refers"):
        assert word in problems


def test_report_is_plain(database):
    report = database.add_triples([triple((-1, 1), (0, 2), (-2, 3))])
    assert isinstance(report, AddReport)
    assert json.loads(json.dumps(report.ids)) == [[1, 1, 2]]


def test_columns_are_readable_by_anyone(tmp_path):
    with Database(tmp_path / "landscape.db") as database:
        database.add_minimum(Minimum(-1.0, np.arange(6.0)))
    with sqlite3.connect(tmp_path / "landscape.db") as connection:
        energy, blob = connection.execute("SELECT energy, coordinates FROM minima").fetchone()
    connection.close()
    assert energy == -1.0
    assert np.frombuffer(blob, "<f8").tolist() == list(range(6))
