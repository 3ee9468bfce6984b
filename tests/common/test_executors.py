import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from unittest import mock

import pytest

from common import stop
from common.cluster import Cluster
from common.errors import EngineError, InputError, StoppedError
from common.executors import JobError, LocalEngine, available_cores, make_engine
from common.mpi_engine import executor as mpi_executor

ROOT = Path(__file__).resolve().parents[2]
STATE = {}


def square(x):
    return x * x


def sleep_and_return(seconds, value):
    time.sleep(seconds)
    return value


def fail(x):
    if x % 3 == 0:
        raise ValueError(f"bad {x}\nsecond line")
    return x


def kill_self(x, lethal):
    if x in lethal:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def kill_once(x, folder):
    """Dies at its first attempt at each multiple of 7."""
    mark = Path(folder) / str(x)
    if x % 7 == 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def prepare(value):
    STATE["value"] = value


def prepared(x):
    return STATE["value"] + x


def unprepared():
    raise RuntimeError("no data")


def thread_limit():
    return os.environ["OPENBLAS_NUM_THREADS"], os.environ["OMP_NUM_THREADS"]


def unpicklable():
    return threading.Lock()


def big(n):
    return bytes(n)


def stop_here():
    raise StoppedError("stopped")


def numbered(values, *more):
    return ((k, (value, *more)) for k, value in enumerate(values))


@pytest.fixture(params=[1, 2, 3])
def engine(request):
    with LocalEngine(request.param) as engine:
        yield engine


@pytest.fixture
def pair():
    with LocalEngine(2) as engine:
        yield engine


@pytest.fixture
def no_request():
    stop.reset()
    yield
    stop.reset()


def test_every_job_once_with_its_key(engine):
    outcomes = list(engine.run(square, numbered(range(200))))
    assert sorted((key, outcome.value) for key, outcome in outcomes) == [(k, k * k) for k in range(200)]
    assert all(outcome.ok and outcome.seconds >= 0 for _, outcome in outcomes)


def test_no_jobs(engine):
    assert list(engine.run(square, [])) == []


def test_an_engine_is_used_again(engine):
    for _ in range(3):
        assert sorted(outcome.value for _, outcome in engine.run(square, numbered(range(5)))) == [0, 1, 4, 9, 16]


def test_error_of_a_job_is_its_outcome(engine):
    outcomes = dict(engine.run(fail, numbered(range(10))))
    assert len(outcomes) == 10
    for key, outcome in outcomes.items():
        if key % 3:
            assert outcome.value == key
        else:
            assert isinstance(outcome.error, JobError)
            assert outcome.error.reason == f"ValueError: bad {key}"
            assert "in fail" in outcome.error.traceback


def test_jobs_run_at_the_same_time(pair):
    list(pair.run(square, numbered(range(4))))
    began = time.monotonic()
    assert len(list(pair.run(sleep_and_return, (((k), (0.4, k)) for k in range(4))))) == 4
    assert time.monotonic() - began < 1.4


def test_initializer_runs_in_every_worker():
    for workers in (1, 2):
        with LocalEngine(workers, prepare, (100,)) as engine:
            assert sorted(o.value for _, o in engine.run(prepared, numbered(range(20)))) == list(range(100, 120))
    STATE.clear()


@pytest.mark.parametrize("workers", [1, 2])
def test_failing_initializer_is_an_error(workers):
    with LocalEngine(workers, unprepared) as engine, pytest.raises(EngineError, match="no data"):
        list(engine.run(square, numbered(range(3))))


@pytest.mark.parametrize(("workers", "window", "most"), [(2, None, 4), (2, 1, 1), (3, 2, 2)])
def test_jobs_are_taken_as_workers_come_free(workers, window, most):
    taken = returned = worst = 0

    def endless():
        nonlocal taken
        for k in itertools.count():
            taken += 1
            yield k, (k,)

    with LocalEngine(workers) as engine:
        for _ in engine.run(square, endless(), window=window):
            worst = max(worst, taken - returned)
            returned += 1
            if returned == 300:
                break
    assert worst <= most


@pytest.mark.parametrize("workers", [1, 2])
def test_jobs_that_come_of_outcomes(workers):
    """A tree of depth 5: each outcome makes two more jobs, and until then there is none."""
    waiting, open_jobs = [0], {0}

    def feed():
        while open_jobs:
            yield (job := waiting.pop(), (job,)) if waiting else None

    with LocalEngine(workers) as engine:
        for key, outcome in engine.run(square, feed()):
            assert outcome.value == key * key
            open_jobs.remove(key)
            children = [2 * key + 1, 2 * key + 2] if key < 31 else []
            waiting += children
            open_jobs.update(children)
    assert not waiting


def test_a_killed_worker_loses_nothing(tmp_path, pair):
    outcomes = list(pair.run(kill_once, numbered(range(50), str(tmp_path))))
    assert sorted(outcome.value for _, outcome in outcomes) == list(range(50))
    assert len(list(tmp_path.iterdir())) == 8


def test_a_lethal_job_fails_alone(pair):
    outcomes = list(pair.run(kill_self, numbered(range(40), (5, 23))))
    assert sorted(key for key, _ in outcomes) == list(range(40))
    for key, outcome in outcomes:
        if key in (5, 23):
            assert "3 times" in outcome.error.reason
            assert "SIGKILL" in outcome.error.reason
        else:
            assert outcome.value == key


def test_worker_killed_while_idle(pair):
    list(pair.run(square, numbered(range(10))))
    for worker in pair._pool:
        worker.process.kill()
        worker.process.join()
    assert sorted(o.value for _, o in pair.run(square, numbered(range(10)))) == [k * k for k in range(10)]


def test_leaving_early_ends_the_jobs(pair):
    began = time.monotonic()
    for _ in pair.run(sleep_and_return, [(0, (0.0, 0)), (1, (60.0, 1)), (2, (60.0, 2))]):
        break
    assert [o.value for _, o in pair.run(square, [(0, (7,))])] == [49]
    assert time.monotonic() - began < 20


def test_no_threads_of_blas_in_workers(pair, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert {o.value for _, o in pair.run(thread_limit, ((k, ()) for k in range(4)))} == {("1", "1")}
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_a_result_that_cannot_be_sent(pair):
    ((_, outcome),) = pair.run(unpicklable, [(0, ())])
    assert "cannot be sent" in outcome.error.reason


def test_large_results(pair):
    assert [len(o.value) for _, o in pair.run(big, numbered([30_000_000] * 3))] == [30_000_000] * 3


@pytest.mark.parametrize("workers", [1, 2])
def test_stop_ends_the_run(workers, no_request):
    with LocalEngine(workers) as engine:
        seen = []
        for key, _ in engine.run(sleep_and_return, ((k, (0.01, k)) for k in itertools.count())):
            seen.append(key)
            if len(seen) == 5:
                stop.request()
        assert len(seen) <= 5 + 2 * workers


def test_stop_waits_for_running_jobs_only_so_long(no_request):
    with LocalEngine(2, grace=1.0) as engine:
        list(engine.run(square, numbered(range(4))))
        threading.Timer(0.2, stop.request).start()
        began = time.monotonic()
        assert [key for key, _ in engine.run(sleep_and_return, [(0, (0.6, 0)), (1, (60.0, 1)), (2, (0.0, 2))])] == [0]
        assert time.monotonic() - began < 10


def test_job_that_obeys_the_request_is_not_a_failure(no_request):
    with LocalEngine(1) as engine:
        assert list(engine.run(stop_here, [(0, ())])) == []


def test_workers_end_with_a_killed_main_process(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import os, time
            from common.executors import LocalEngine

            def job(seconds):
                print(os.getpid(), flush=True)
                time.sleep(seconds)

            if __name__ == "__main__":
                with LocalEngine(2) as engine:
                    list(engine.run(job, ((k, (60.0,)) for k in range(2))))
            """
        )
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=environment, text=True)
    workers = [int(child.stdout.readline()) for _ in range(2)]
    child.kill()
    child.wait()
    child.stdout.close()
    end = time.monotonic() + 20
    while any(alive(pid) for pid in workers) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in workers)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_keeps_the_running_jobs(tmp_path, number):
    """Ctrl-C, and the end that batch systems announce, reach the workers and the fork server too."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import itertools, time
            from common import stop
            from common.executors import LocalEngine

            def job(k):
                print("begun", flush=True)
                time.sleep(1.0)
                return k

            if __name__ == "__main__":
                stop.install()
                with LocalEngine(2) as engine:
                    done = [outcome.value for _, outcome in engine.run(job, ((k, (k,)) for k in itertools.count()))]
                print(sorted(done), stop.reason())
            """
        )
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, env=environment, text=True, start_new_session=True
    )
    for _ in range(2):
        assert child.stdout.readline() == "begun\n"
    os.killpg(child.pid, number)
    assert child.communicate(timeout=60)[0] == f"[0, 1] signal {number.name}\n"
    assert child.returncode == 0


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_script_without_guard_gets_an_explanation(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from common.executors import LocalEngine\n"
        "with LocalEngine(2) as engine:\n    print(list(engine.run(len, [(0, ('ab',))])))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, str(script)], capture_output=True, env=environment, text=True, timeout=60)
    assert result.returncode != 0
    assert "__main__" in result.stderr


def test_make_engine():
    with make_engine("local", 2) as engine:
        assert engine.workers == 2
    with make_engine() as engine:
        assert engine.workers == available_cores()
    hidden = dict.fromkeys(("distributed", "mpi4py"))
    with mock.patch.dict(sys.modules, hidden), pytest.raises(InputError, match=r"energy-landscapes\[cluster\]"):
        make_engine("DASK", cluster=Cluster("LOCAL"))
    with mock.patch.dict(sys.modules, hidden), pytest.raises(InputError, match=r"energy-landscapes\[mpi\]"), mpi_executor():
        pass
    with pytest.raises(InputError, match="no such engine"):
        make_engine("CLOUD", 2)
    with pytest.raises(InputError, match="CPUS 0"):
        make_engine("LOCAL", 0)


def test_closed_engine_refuses():
    engine = LocalEngine(2)
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.run(square, [])
