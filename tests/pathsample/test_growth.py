"""Growth in cycles: the same database for any number of workers, and after any interruption."""

import numpy as np
import pytest
from engines import ClockEngine, KilledError, ShuffledEngine

from common.database import Database
from pathsample.growth import Growing, dummy_run
from pathsample.pairs import InitialPath, Strategy
from potentials.symmetry import NoSymmetry

SURVEY = "SURVEY 60 , 4 3\nJOBSPERCYCLE 6\nSEED 7\n"


def contents(path):
    """Everything in a database that must not depend on the course of the run."""
    with Database(path, symmetry=NoSymmetry(), read_only=True) as database:
        ts = database.ts_arrays()
        return (
            database.coordinates().tobytes(),
            ts["energy"].tobytes(),
            ts["plus"].tobytes(),
            ts["minus"].tobytes(),
            [entry[:2] for entry in database.attempts()],
            [(job.id, job.kind, job.payload, job.child, job.state) for job in database.jobs()],
            database.check(),
        )


def start(path, plane):
    last = plane.side - 1
    with Database(path, symmetry=NoSymmetry(), n_variables=2) as database:
        database.add_minima([plane.minimum(a, b) for a in (0, last) for b in (0, last)])


def grow(path, setup, report, workers, seed, stop_after=None):
    with Database(path, symmetry=NoSymmetry()) as database:
        return Growing(setup, database, ShuffledEngine(workers, seed, stop_after), report).run()


@pytest.fixture
def expected(tmp_path, plane, plane_setup, quiet):
    path = tmp_path / "expected.db"
    start(path, plane)
    growth = grow(path, plane_setup(SURVEY, workers=1), quiet, 1, 0)
    assert growth.searches == 60
    assert growth.new_minima == plane.side**2 - 4
    return contents(path)


@pytest.mark.parametrize("workers", [2, 3, 8, 20])
def test_same_database_for_any_number_of_workers(tmp_path, plane, plane_setup, quiet, expected, workers):
    path = tmp_path / "other.db"
    start(path, plane)
    grow(path, plane_setup(SURVEY, workers=workers), quiet, workers, workers)
    assert contents(path) == expected


@pytest.mark.parametrize("seed", range(4))
def test_interrupted_at_random_and_continued_gives_the_same_database(tmp_path, plane, plane_setup, quiet, expected, seed):
    path = tmp_path / "killed.db"
    start(path, plane)
    rng = np.random.default_rng(seed)
    for life in range(100):
        try:
            grow(path, plane_setup(SURVEY, workers=3), quiet, 3, life, stop_after=int(rng.integers(0, 12)))
            break
        except KilledError:
            continue
    assert contents(path) == expected


@pytest.mark.parametrize(
    ("draw", "limit"),
    [
        pytest.param(lambda rng: min(rng.gamma(2.0, 0.5), 4.0), 0.10, id="longest four times the mean"),
        pytest.param(lambda rng: rng.exponential(), 0.15, id="exponential", marks=pytest.mark.slow),
    ],
)
def test_eight_workers_are_busy_and_give_the_database_of_one(tmp_path, plane, plane_setup, quiet, draw, limit):
    plane.__init__(side=9)
    found = {}
    for workers in (1, 8):
        path = tmp_path / f"{workers}.db"
        start(path, plane)
        engine = ClockEngine(workers, draw)
        with Database(path, symmetry=NoSymmetry()) as database:
            Growing(plane_setup("SURVEY 240 ,, 6 30\nSEED 7\n", workers=workers), database, engine, quiet).run()
        found[workers] = contents(path)
    assert found[1] == found[8]
    assert engine.idle < limit


def test_cycles_are_few_at_first_and_with_few_jobs():
    strategy = Strategy()
    assert [strategy.depth(8, cycles) for cycles in (0, 1, 2, 4, 6, 100)] == [2, 2, 3, 4, 5, 5]
    assert [strategy.depth(n, 100) for n in (1, 2, 3, 8, 1000)] == [2, 2, 3, 5, 5]
    assert InitialPath("1", 5).depth(8, 100) == 2


def test_finished_growth_is_not_resumed_but_repeated(tmp_path, plane, plane_setup, quiet):
    path = tmp_path / "twice.db"
    start(path, plane)
    setup = plane_setup("CYCLES 2\nJOBSPERCYCLE 3\nNEWCONNECTIONS 2 5\n", workers=1)
    first = grow(path, setup, quiet, 1, 0)
    again = grow(path, setup, quiet, 1, 0)
    assert first.searches == again.searches == 6
    with Database(path, symmetry=NoSymmetry(), read_only=True) as database:
        # no two jobs share random numbers
        assert [job.child for job in database.jobs()] == list(range(12))


def test_other_settings_drop_the_searches_of_an_interrupted_growth(tmp_path, plane, plane_setup, quiet):
    path = tmp_path / "changed.db"
    start(path, plane)
    with pytest.raises(KilledError):
        grow(path, plane_setup(SURVEY), quiet, 2, 0, stop_after=5)
    growth = grow(path, plane_setup("CYCLES 1\nJOBSPERCYCLE 2\nNEWCONNECTIONS 4 9\n"), quiet, 2, 0)
    assert growth.searches == 2
    assert "dropped" in quiet.stream.getvalue()


def test_connections_follow_the_minima_that_another_strategy_finds(tmp_path, plane, plane_setup, quiet):
    path = tmp_path / "follow.db"
    start(path, plane)
    growth = grow(path, plane_setup("CYCLES 12\nJOBSPERCYCLE 4\nCONNECTUNC LOWEST\nCONNECTIONS 3 6\n"), quiet, 2, 0)
    assert growth.searches > 6
    with Database(path, symmetry=NoSymmetry(), read_only=True) as database:
        single = [job for job in database.jobs() if job.kind == "single"]
        assert single
        assert min(job.payload["first"] for job in single) >= 5


def test_classic_lines(tmp_path, plane, plane_setup, quiet):
    path = tmp_path / "lines.db"
    start(path, plane)
    grow(path, plane_setup("CYCLES 1\nJOBSPERCYCLE 1\nCONNECTUNC LOWEST\n"), quiet, 1, 0)
    lines = quiet.stream.getvalue().splitlines()
    assert lines[0] == "cycle2> analysing result of search        1 on CPU        1 for process id        1"
    assert lines[1] == "getallpaths> writing data for new ts to ts.data"
    assert lines[-1].startswith("cycle2> end of cycle        1 new min=")
    assert lines[-1].split("total min=")[1].split()[0] == str(4 + int(lines[-1].split("new min=")[1].split()[0]))


def test_dummy_run_prints_and_writes_nothing(tmp_path, plane, plane_setup, quiet):
    path = tmp_path / "dummy.db"
    start(path, plane)
    before = path.read_bytes()
    with Database(path, symmetry=NoSymmetry(), read_only=True) as database:
        tasks = dummy_run(plane_setup("DUMMYRUN\nCONNECTUNC LOWEST\n"), database, quiet)
    assert len(tasks) == 3
    assert quiet.stream.getvalue().count("getupair> connecting minima") == 3
    assert path.read_bytes() == before
