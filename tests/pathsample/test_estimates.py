"""Estimates of unseen points: formulas against published examples, and against what is really unseen."""

import math

import numpy as np
import pytest
from engines import ShuffledEngine

from common.database import Database
from common.stationary_points import Minimum, TransitionState, Triple
from pathsample import tail
from pathsample.estimates import below, estimate, line, plain, survey_estimates
from pathsample.growth import Growing
from potentials.symmetry import NoSymmetry


def frequencies(*counts):
    """Hits of points of which counts[k] were found k times."""
    return np.repeat(np.arange(len(counts)), counts)


@pytest.mark.validation
def test_seedlings_of_colwell():
    """Old growth of Janzen (1973) as in Colwell and Coddington (1994): 84 species, 59 found once and 9 twice, 47 samples."""
    found = estimate(frequencies(0, 59, 9, 16), 47)
    assert found.known == 84
    assert found.unseen == pytest.approx(46 / 47 * 59**2 / 18)
    factor, ratio = 46 / 47, 59 / 9
    variance = 9 * (factor / 2 * ratio**2 + factor**2 * ratio**3 + factor**2 / 4 * ratio**4)
    spread = math.exp(1.959963984540054 * math.sqrt(math.log(1 + variance / found.unseen**2)))
    assert found.upper == pytest.approx(found.unseen * spread)
    assert found.lower == pytest.approx(found.unseen / spread)


def test_nothing_found_once_still_leaves_a_limit():
    few, many = estimate(frequencies(0, 0, 4), 10), estimate(frequencies(0, 0, 0, 0, 0, 0, 0, 0, 0, 4), 40)
    assert few.unseen == many.unseen == 0.0
    assert few.upper > 1.0 > 0.1 > many.upper
    assert many.coverage == 1.0


def test_nothing_found_at_all():
    assert estimate([], 5).unseen == math.inf
    assert estimate([0, 0], 1).upper == math.inf
    assert plain({"minima": estimate([], 5), "transition_states": estimate([1], 2)})["minima"]["unseen"] is None
    # points that one search in a hundred finds have been missed with a probability of 2.5 % after 369 searches
    assert estimate([], 369).limit == pytest.approx(1.0, abs=1e-3)
    assert estimate([0], 10**6).limit == math.inf


def test_points_from_elsewhere_count_as_known():
    without, others = estimate(frequencies(0, 8, 4, 5), 30), estimate(frequencies(3, 8, 4, 5), 30)
    assert others.unseen == pytest.approx(without.unseen - 3.0)
    assert others.known == without.known + 3


@pytest.mark.parametrize("skew", [0.0, 0.5])
def test_interval_covers_what_is_unseen(skew):
    """100 points found at random, 40 searches of 5 points each; with equal chances the interval covers the truth as stated."""
    rng = np.random.default_rng(3)
    weights = np.exp(skew * rng.standard_normal(100))
    weights /= weights.sum()
    inside, coverage = 0, []
    for _ in range(200):
        hits = np.zeros(100, dtype=int)
        for _ in range(40):
            hits[rng.choice(100, 5, replace=False, p=weights)] += 1
        found = estimate(hits[hits > 0], 40)
        inside += found.lower <= np.count_nonzero(hits == 0) <= found.upper
        coverage.append(found.coverage - weights[hits > 0].sum())
    assert inside >= (180 if skew == 0.0 else 140)
    assert abs(np.mean(coverage)) < 0.02


@pytest.mark.parametrize(("skew", "searches"), [(0.0, 100), (1.0, 100), (1.0, 300), (1.5, 300)])
def test_fit_to_points_of_different_rates(skew, searches):
    """The fitted number is right on average where Chao's is too low, and the limit is above the truth."""
    rng = np.random.default_rng(1)
    truth, fitted, chao, inside = [], [], [], 0
    for _ in range(30):
        weights = np.exp(skew * rng.standard_normal(100))
        hits = rng.poisson(5 * searches * weights / weights.sum())
        truth.append(np.count_nonzero(hits == 0))
        found = estimate(hits[hits > 0], searches)
        fitted.append(found.expected)
        chao.append(found.unseen)
        inside += truth[-1] <= found.limit
    assert inside >= 28
    assert abs(np.mean(fitted) - np.mean(truth)) < 0.35 * np.mean(truth) + 1.0
    if np.mean(truth) > 5.0:
        assert np.mean(chao) < np.mean(truth)


def test_rare_points_keep_a_survey_going():
    """Transition states of LJ8 as 367 searches found 40 of the 42: none once, but several twice."""
    hits = [2, 2, 2, 2, 2, 2, 4, 4, 7, 7, 7, 8, 9, 9, 10, 10, 10, 11, 12, 14, 15, 15, 16, 22, 24, 26, 26, 27, 30, 33, 39]
    found = estimate([*hits, 42, 43, 49, 53, 55, 66, 75, 75, 86], 367)
    assert found.upper < 0.1
    assert 0.6 < found.expected < 3.0
    assert 2.0 < found.limit < 10.0


def test_hits_are_counted_once_per_search(tmp_path):
    a, b, c = (Minimum(float(k), np.array([float(k)]), 0.0) for k in range(3))
    ts = [TransitionState(5.0, np.array([0.5]), 0.0), TransitionState(6.0, np.array([1.5]), 0.0)]
    with Database(tmp_path / "landscape.db", symmetry=NoSymmetry(), n_variables=1) as database:
        database.add_minima([a, b])
        jobs = database.add_jobs([("connect", {}), ("single", {}), ("sample", {}), ("single", {})])
        database.finish_job(jobs[0], [Triple(a, ts[0], b), Triple(b, ts[0], a), Triple(b, ts[1], c)], attempt=(1, 2))
        database.hold_job(jobs[1], [Triple(a, ts[0], b)], attempt=(1,))
        database.file_held()
        database.finish_job(jobs[2], minima=[c, c], attempt=None)
        database.finish_job(jobs[3], status="failed", attempt=(3,))
        assert database.hits("minima").tolist() == [0, 1, 2]
        assert database.hits("transition_states").tolist() == [2, 1]
        assert database.searches_filed() == 4
        database.remove_transition_states([1])
        assert database.hits("transition_states").tolist() == [1]
        database.remove_minima([1])
        assert database.hits("minima").tolist() == [1, 2]
        assert database.hits("transition_states").tolist() == [1]
        with pytest.raises(ValueError, match="expected one of"):
            database.hits("jobs")
        with pytest.raises(ValueError, match="transition states 4 to 4"):
            database.remove_transition_states([4])


def states_of_a_line(n):
    """n minima on a line with a transition state after each."""
    minima = [Minimum(float(k), np.array([float(k)]), 0.0) for k in range(n + 1)]
    states = [TransitionState(100.0 + k, np.array([k + 0.5]), 0.0) for k in range(n)]
    return [Triple(minima[k], states[k], minima[k + 1]) for k in range(n)]


def file_samples(database, triples, found, minima=()):
    """File one job with these triples and samples."""
    (job,) = database.add_jobs([("sample", {})])
    database.finish_job(job, triples, minima, attempt=None, samples={"searches": 10, "found": found})


def sampled(database):
    return database.hits("transition_states", sampled=True).tolist()


def test_a_sample_counts_where_the_point_was_not_needed_to_start_it(tmp_path):
    one, two, three = states_of_a_line(3)
    with Database(tmp_path / "landscape.db", symmetry=NoSymmetry(), n_variables=1) as database:
        # at random; twice in the same job; with a minimum of its own
        file_samples(database, [one], [[(), -1], [(), -1]], [one.plus])
        assert sampled(database) == [2]
        assert database.hits("minima", sampled=True).tolist() == [3, 2]
        assert database.hits("transition_states").tolist() == [1]
        # back to where it started: no discovery. From there to a new one: a discovery of that one
        file_samples(database, [two], [[(1,), 1], [(1,), -1]])
        assert sampled(database) == [2, 1]
        # the second is known thanks to the first: from there the first is not found anew, nor the second from its own minimum
        file_samples(database, [three], [[(2,), 1], [(-3,), 2], [(2,), -1]])
        assert sampled(database) == [2, 1, 1]
        assert database.hits("minima", sampled=True).tolist() == [4, 5, 2, 1]
        # found at random the third one owes nothing to the others: from there they are found anew
        file_samples(database, [], [[(), 3], [(3,), 1], [(3, 2), 1], [(3,), 2]])
        assert sampled(database) == [3, 2, 2]
        assert database.samples() == 40
        database.remove_transition_states([1])
        assert sampled(database) == [2, 2]
        file_samples(database, [], [[(1,), 1], [(2,), 1]])
        assert sampled(database) == [3, 2]
        found = survey_estimates(database)
        assert (found["samples"], found["searches"], found["transition_states"].known) == (50, 5, 2)
        assert "50 samples" in line(found)


def test_held_samples_are_filed_in_their_turn(tmp_path):
    one, two = states_of_a_line(2)
    with Database(tmp_path / "landscape.db", symmetry=NoSymmetry(), n_variables=1) as database:
        jobs = database.add_jobs([("sample", {}), ("sample", {})])
        database.hold_job(jobs[1], [two], attempt=None, samples={"searches": 3, "found": [((), -1)]})
        database.finish_job(jobs[0], [one], attempt=None, samples={"searches": 4, "found": [((), -1)]})
        database.file_held()
        assert sampled(database) == [1, 1]
        assert database.samples() == 7


def test_what_a_connection_found_owes_itself_to_its_ends(tmp_path):
    one, two = states_of_a_line(2)
    with Database(tmp_path / "landscape.db", symmetry=NoSymmetry(), n_variables=1) as database:
        database.add_minima([one.plus, two.minus])
        (job,) = database.add_jobs([("connect", {})])
        database.finish_job(job, [one, two], attempt=(1, 2))
        file_samples(database, [], [[(1,), 2], [(2,), 1], [(-1,), 1], [(), 2]])
        # minimum 1 is an end, found from transition state 2 neither; samples have not found it at all
        assert database.hits("minima", sampled=True).tolist() == [0, 1, 4]
        assert sampled(database) == [2, 2]
        assert not below(survey_estimates(database), 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["log-normal", "power law", "two kinds"])
def test_surveys_end_when_everything_was_found(shape):
    """Landscapes of 40 points whose rates differ a hundredfold and more, searched until the bound of 0.5 is met."""
    rng = np.random.default_rng(2)
    missing = []
    for _ in range(25):
        rates = {
            "log-normal": np.exp(rng.standard_normal(40)),
            "power law": rng.random(40),
            "two kinds": np.where(rng.random(40) < 0.2, 0.05, 1.0) * np.exp(0.5 * rng.standard_normal(40)),
        }[shape]
        rates /= rates.sum()
        hits, searches = np.zeros(40, dtype=int), 0
        while True:
            more = max(200, searches // 3)
            hits += rng.poisson(more * rates)
            searches += more
            found = estimate(hits[hits > 0], searches)
            if below({"minima": found, "transition_states": found}, 0.5):
                break
            assert searches < 10**6
        missing.append(np.count_nonzero(hits == 0))
    assert np.mean(np.array(missing) > 0) <= 0.12
    assert np.mean(missing) <= 0.2


def test_points_found_once_or_never_keep_a_survey_going():
    many = [500] * 400
    once, never = estimate([1, *many], 10**6), estimate([0, *many], 10**6)
    twice = estimate([500, *many], 10**6)
    assert max(once.limit, never.limit) < 3.0
    assert [below({"minima": twice, "transition_states": e}, 1.0) for e in (once, never, twice)] == [False, False, True]


def test_rare_points_are_judged_by_the_rarest():
    """Transition states of LJ9 as 46,233 samples found 164 of the 165: the spread of all says that none is missing."""
    hits = [2, 7, 15, 18, 18, 20, 21, 29, 31, 35, 36, 38, 39, 41, 41, 43, 44, 44, 45, 47, *range(48, 336, 2)]
    assert tail.unseen_points(hits)[1] > 0.5
    assert tail.unseen_points([])[1] == math.inf
    assert tail.unseen_points([300] * 40)[1] < 0.05


def test_database_without_the_tables_is_read_and_completed(tmp_path):
    import sqlite3

    path = tmp_path / "landscape.db"
    Database(path, n_variables=1).close()
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE hits; DROP TABLE cycles")
    connection.close()
    with Database(path, read_only=True) as database:
        assert database.hits("minima").size == 0
        assert database.cycles() == []
    with Database(path) as database:
        database.record_cycle(1, 5, 0)
        assert database.cycles()[0]["searches"] == 5


def test_survey_ends_at_its_bound(tmp_path, plane, plane_setup, quiet):
    """The grid has 25 minima and 40 transition states; the survey ends with all of them, long before its budget."""
    contents = []
    for workers in (1, 4):
        with Database(tmp_path / f"{workers}.db", symmetry=NoSymmetry(), n_variables=2) as database:
            last = plane.side - 1
            database.add_minima([plane.minimum(a, b) for a in (0, last) for b in (0, last)])
            setup = plane_setup("SURVEY 5000 ,, 8 400 0.5\nJOBSPERCYCLE 10\n", workers=workers)
            growth = Growing(setup, database, ShuffledEngine(workers, workers), quiet).run()
            assert (database.n_minima, database.n_transition_states) == (25, 40)
            assert growth.searches < 2000
            rows = database.cycles()
            assert [row["cycle"] for row in rows] == list(range(1, len(rows) + 1))
            assert rows[-1]["estimates"]["transition_states"]["limit"] < 0.5
            assert rows[0]["connected"] <= 25 == rows[-1]["connected"]
            assert below(survey_estimates(database), 0.5)
            contents.append((database.coordinates().tobytes(), database.hits("transition_states").tolist()))
            contents[-1] += ([{**row, "time": ""} for row in rows],)
            text = line(survey_estimates(database))
    assert contents[0] == contents[1]
    assert "survey> complete: fewer than 0.5" in quiet.stream.getvalue()
    assert text in quiet.stream.getvalue()
