"""What an engine adds to a job, beside the pool of the standard library."""

import math
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

from common.executors import LocalEngine

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
