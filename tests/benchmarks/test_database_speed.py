"""Speed of the database, beside what one writer was known to file on this kind of machine."""

import itertools
import time

import numpy as np
import pytest

from common.database import Database
from common.stationary_points import Minimum, TransitionState, Triple

#: Results per second that one SQLite writer files into 200,000 to 1,000,000 minima, two of the cores free.
KNOWN = 6000.0
N_VARIABLES = 76


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """200,000 minima."""
    with Database(tmp_path_factory.mktemp("speed") / "landscape.db") as database:
        rng = np.random.default_rng(0)
        for _ in range(10):
            count = 20_000
            columns = {
                "energy": 100.0 * rng.normal(size=count),
                "log_product": rng.normal(size=count),
                "order": np.ones(count, dtype=int),
                "inertia": np.ones((count, 3)),
            }
            database.append_minima(columns, rng.normal(size=(count, N_VARIABLES)))
        yield database


@pytest.fixture
def report(compare):
    """Add a row with the time of one of ``count`` items."""

    def add(name, count, seconds, known=None):
        beside, that = ("", None) if known is None else ("one SQLite writer, known figure", 1e6 / known)
        compare(f"{name}, each", seconds / count * 1e6, "us", beside=beside, that=that)

    return add


def test_minima_one_transaction_each(benchmark, database, report):
    rng = np.random.default_rng(1)
    minima = iter([Minimum(100.0 * e, x) for e, x in zip(rng.normal(size=20_000), rng.normal(size=(20_000, N_VARIABLES)))])

    def add():
        for minimum in itertools.islice(minima, 5000):
            database.add_minimum(minimum)

    benchmark.pedantic(add, rounds=4)
    report("minima filed one at a time", 5000, benchmark.stats.stats.min, KNOWN)


def test_jobs_with_one_triple(benchmark, database, report):
    rng = np.random.default_rng(2)
    ids = iter(database.add_jobs([("connect", {})] * 4000))

    def triple():
        e, x = rng.normal(size=3), rng.normal(size=(3, N_VARIABLES))
        return Triple(Minimum(e[0] - 900, x[0]), TransitionState(e[1] + 900, x[1]), Minimum(e[2] - 900, x[2]))

    def finish(triples):
        for job, one in zip(ids, triples):
            database.finish_job(job, [one], status="connected", attempt=(1, 2))

    benchmark.pedantic(finish, setup=lambda: (([triple() for _ in range(1000)],), {}), rounds=4)
    report("jobs of one new transition state and two new minima", 1000, benchmark.stats.stats.min, KNOWN)


def test_look_up_does_not_grow(database, tmp_path, benchmark, compare):
    """A look-up among 200,000 minima costs about what it costs among 1,000."""

    def cost(which, energies, points):
        def look():
            for energy, x in zip(energies, points):
                assert which.find_minimum(energy, x) is not None

        look()
        return min(timed(look) for _ in range(5)) / len(energies)

    with Database(tmp_path / "small.db") as small:
        ids = range(1, 1001)
        minima = database.minima(ids)
        small.add_minima(minima)
        energies, points = [m.energy for m in minima], [m.coordinates for m in minima]
        in_small, in_large = cost(small, energies, points), cost(database, energies, points)
    benchmark.pedantic(lambda: database.find_minimum(energies[0], points[0]), rounds=100)
    compare("look-up among 200,000 minima", in_large * 1e6, "us", beside="among 1,000", that=in_small * 1e6)
    assert in_large < 3.0 * in_small


def test_arrays(benchmark, database, report):
    benchmark.pedantic(database.minima_arrays, rounds=3)
    report("minima read as arrays", database.n_minima, benchmark.stats.stats.min)


def test_properties(benchmark, database, report):
    ids = np.arange(1, 100_001)
    benchmark.pedantic(database.set_property, args=("auc", ids, np.linspace(0, 1, ids.size)), rounds=2)
    report("properties stored", ids.size, benchmark.stats.stats.min)
    report("properties read", ids.size, timed(lambda: database.property("auc")))


def timed(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began
