"""Estimates of unseen points: formulas against published examples, and against what is really unseen."""

import math

import numpy as np
import pytest
from engines import ShuffledEngine

from common.database import Database
from common.stationary_points import Minimum, TransitionState, Triple
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
    assert plain({"minima": estimate([], 5), "transition_states": estimate([1], 2)})["minima"]["upper"] is None


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
    assert found.expected == pytest.approx(0.84, abs=0.2)
    assert 2.0 < found.limit < 10.0


def test_hits_are_counted_once_per_search(tmp_path):
    a, b, c = (Minimum(float(k), np.array([float(k)]), 0.0) for k in range(3))
    ts = [TransitionState(5.0, np.array([0.5]), 0.0), TransitionState(6.0, np.array([1.5]), 0.0)]
    with Database(tmp_path / "landscape.db", symmetry=NoSymmetry(), n_variables=1) as database:
        database.add_minima([a, b])
        jobs = database.add_jobs([("connect", {}), ("single", {}), ("quench", {}), ("single", {})])
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
