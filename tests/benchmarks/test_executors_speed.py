"""What an engine adds to a job, beside the pool of the standard library."""

import io
import math
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import pathsample
from common.cluster import Cluster
from common.database import Database
from common.executors import LocalEngine, Outcome, make_engine
from common.keywords import load_table, parse_text
from common.stationary_points import Minimum
from pathsample.growth import Growing
from pathsample.jobs import SearchOutcome
from pathsample.summary import Report
from potentials.symmetry import NoSymmetry

N_JOBS = 5000


def test_overhead_per_job(benchmark, compare):
    with LocalEngine(2) as engine:
        list(engine.run(math.sqrt, [(k, (1.0,)) for k in range(10)]))
        benchmark.pedantic(lambda: list(engine.run(math.sqrt, ((k, (float(k),)) for k in range(N_JOBS)))), rounds=3)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver")) as pool:
        list(pool.map(math.sqrt, range(10)))
        began = time.perf_counter()
        list(pool.map(math.sqrt, range(N_JOBS)))
        peer = (time.perf_counter() - began) / N_JOBS
    ours = benchmark.stats.stats.min / N_JOBS
    compare("LOCAL engine, 2 workers, per job", ours * 1e6, "us", beside="ProcessPoolExecutor", that=peer * 1e6)
    assert ours < 2.0 * peer


def test_start_of_the_workers(benchmark, compare):
    def start():
        with LocalEngine(2) as engine:
            return list(engine.run(math.sqrt, [(k, (1.0,)) for k in range(2)]))

    benchmark.pedantic(start, rounds=3)
    compare("LOCAL engine, 2 workers started, used and ended", benchmark.stats.stats.min * 1e3, "ms")


def test_overhead_per_job_with_dask(benchmark, compare):
    pytest.importorskip("distributed")
    with make_engine("DASK", cluster=Cluster("LOCAL", cpus=2)) as engine:
        list(engine.run(math.sqrt, [(k, (1.0,)) for k in range(10)]))
        benchmark.pedantic(lambda: list(engine.run(math.sqrt, ((k, (float(k),)) for k in range(1000)))), rounds=3)
    compare("DASK engine, 2 workers, per job", benchmark.stats.stats.min / 1000 * 1e3, "ms", aim="at most 20 ms")


class Sleeping:
    """An engine whose workers sleep instead of searching, for times of which the longest are several times the mean."""

    def __init__(self, engine, mean):
        self.engine, self.mean, self.seconds = engine, mean, 0.0

    def run(self, function, jobs):
        def asleep():
            for job in jobs:
                if job is not None:
                    rng = np.random.default_rng(job[0])
                    job = job[0], (self.mean * min(rng.gamma(2.0, 0.5), 4.0),)
                    self.seconds += job[1][0]
                yield job

        for key, _ in self.engine.run(time.sleep, asleep()):
            yield key, Outcome(value=SearchOutcome([], False, "asleep", 1, 0.1, os.getpid()))


def test_eight_workers_with_the_default_cycles(benchmark, compare, tmp_path):
    """Idle share of eight processes that sleep 0.2 s on average, in a survey of 400 searches; filing and choosing included."""
    settings = parse_text("SURVEY 400 ,, 20 20\n", load_table(Path(pathsample.__file__).with_name("keywords.yaml")), "pathdata")
    settings.finish()
    common = {"settings": settings, "workers": 8, "seed": 1, "symmetry": NoSymmetry(), "external": False}
    setup = SimpleNamespace(**common, directory=tmp_path, filters={}, path=lambda name: tmp_path / name)
    rng, idle = np.random.default_rng(0), []

    def survey():
        path = tmp_path / f"{len(idle)}.db"
        with Database(path, symmetry=NoSymmetry()) as database, LocalEngine(8) as engine:
            database.add_minima([Minimum(float(e), x) for e, x in zip(rng.random(100), rng.random((100, 3)))])
            list(engine.run(time.sleep, [(k, (0.05,)) for k in range(16)]))
            sleeping, began = Sleeping(engine, 0.2), time.perf_counter()
            Growing(setup, database, sleeping, Report(io.StringIO())).run()
            idle.append(1.0 - sleeping.seconds / (8 * (time.perf_counter() - began)))

    benchmark.pedantic(survey, rounds=2)
    compare("eight workers idle in a survey, default JOBSPERCYCLE", 100.0 * min(idle), "%", aim="at most 10 %")
