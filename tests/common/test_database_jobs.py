import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from common.database import Database
from common.job_results import decode, encode
from common.stationary_points import Minimum, TransitionState, Triple

ROOT = Path(__file__).resolve().parents[2]
N_JOBS = 200
N_KILLS = 20


def job_result(k):
    """What job k finds: its ends are shared with the jobs before and behind it."""
    ends = [Minimum(-10.0 - j, np.full(5, float(j)), 1.5 * j) for j in (k, k + 1)]
    return [Triple(ends[0], TransitionState(float(k), np.full(5, 1000.0 + k)), ends[1], 2.0)]


@pytest.fixture
def database(tmp_path):
    with Database(tmp_path / "landscape.db") as database:
        yield database
        assert database.check() == []


def test_life_of_a_job(database):
    assert database.add_jobs([("connect", {"pair": (1, 2)}), ("single", {"from": np.int64(3)})], seed=7) == [1, 2]
    assert database.job_counts() == {"waiting": 2}
    (job,) = database.next_jobs(1)
    assert (job.id, job.kind, job.payload, job.state, job.attempts) == (1, "connect", {"pair": [1, 2]}, "running", 1)
    report = database.finish_job(
        1, job_result(0), [Minimum(-50.0, np.zeros(5))], status="connected",
        summary={"connected": True, "calls": 250}, seconds=2.5, attempt=(2, 1),
    )  # fmt: skip
    assert (report.new_minima, report.new_transition_states, report.minimum_ids) == ([1, 2, 3], [1], [(3, True)])
    job = database.job(1)
    assert (job.state, job.status, job.summary, job.seconds) == ("done", "connected", {"connected": True, "calls": 250}, 2.5)
    assert database.attempts() == [(2, 1, "connected", True, 4, 250)]
    assert database.attempted_pairs() == {(1, 2): 1}
    database.finish_job(2, status="failed", summary={"reason": "no"})
    assert [job.id for job in database.jobs("failed")] == [2]
    assert database.jobs(kind="single")[0].payload == {"from": 3}
    assert database.next_jobs(5) == []


def test_streams_are_the_children_of_the_seed(database):
    database.add_jobs([("a", {})] * 3, seed=42)
    database.add_jobs([("a", {})] * 2, seed=1)
    database.add_jobs([("b", {})] * 2, seed=42)
    children = np.random.SeedSequence(42).spawn(5)
    jobs = [job for job in database.next_jobs(10) if job.seed == 42]
    assert [job.child for job in jobs] == [0, 1, 2, 3, 4]
    for job, child in zip(jobs, children):
        assert job.rng().random() == np.random.default_rng(child).random()


def test_a_result_that_arrives_twice_is_filed_once(database):
    database.add_jobs([("a", {})])
    database.finish_job(1, job_result(0), attempt=(1, 2))
    report = database.finish_job(1, job_result(5), attempt=(1, 2))
    assert "before" in report.messages[0]
    assert (database.n_minima, database.n_transition_states, len(database.attempts())) == (2, 1, 1)


def test_an_error_while_filing_keeps_the_job_open(database):
    database.add_jobs([("a", {})])
    database.next_jobs(1)
    with pytest.raises(ValueError):
        database.finish_job(1, job_result(0), [Minimum(np.nan, np.zeros(5))])
    assert database.job(1).state == "running"
    assert (database.n_minima, database.n_transition_states) == (0, 0)


def test_running_jobs_wait_again_at_the_next_opening(tmp_path):
    path = tmp_path / "landscape.db"
    with Database(path) as database:
        database.add_jobs([("a", {})] * 4)
        database.next_jobs(3)
        database.finish_job(2)
        database.hold_job(3, job_result(0))
        with Database(path, read_only=True) as reader:
            assert reader.job(1).state == "running"
    with Database(path) as database:
        assert [job.state for job in database.jobs()] == ["waiting", "done", "held", "waiting"]
        assert [(job.id, job.attempts) for job in database.next_jobs(9)] == [(1, 2), (4, 1)]


def test_returned_and_dropped_jobs(database):
    database.add_jobs([("a", {}), ("b", {}), ("a", {})])
    database.next_jobs(1)
    database.return_jobs([1])
    assert database.job(1).state == "waiting"
    assert [job.id for job in database.next_jobs(5, kind="b")] == [2]
    assert database.drop_jobs("a") == 2
    assert [job.id for job in database.jobs()] == [2]
    assert database.add_jobs([("c", {})]) == [3]


def test_numbers_of_dropped_jobs_are_free_again(database):
    database.add_jobs([("a", {})] * 3, seed=1)
    database.finish_job(1)
    database.drop_jobs()
    database.add_jobs([("a", {})], seed=1)
    assert database.job(2).child == 1


def test_results_in_the_order_given(database):
    database.add_jobs([("a", {})] * 3)
    reports = database.finish_jobs([(3, {"triples": job_result(4)}), (1, {"triples": job_result(0)})])
    assert [report.ids for report in reports] == [[(1, 1, 2)], [(3, 2, 4)]]
    assert database.job_counts() == {"done": 2, "waiting": 1}


@pytest.mark.parametrize("order", [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [2, 4, 1, 5, 3]])
def test_held_results_are_filed_in_order_of_the_jobs(tmp_path, order):
    with Database(tmp_path / "landscape.db") as database:
        database.add_jobs([("a", {})] * 5)
        database.next_jobs(5)
        filed = []
        for k in order:
            database.hold_job(k, job_result(k), status="connected", attempt=(1, 2), seconds=float(k), max_ts_energy=4.5)
            filed += [number for number, _ in database.file_held()]
        assert filed == [1, 2, 3, 4, 5]
        assert database.energies().tolist() == [-11, -12, -13, -14, -15]
        assert database.ts_arrays()["energy"].tolist() == [1, 2, 3, 4], "the fifth is above the threshold"
        assert [job.seconds for job in database.jobs("done")] == [1, 2, 3, 4, 5]
        assert len(database.attempts()) == 5


def test_held_results_up_to_a_job(database):
    database.add_jobs([("a", {})] * 4)
    for k in (1, 2, 3):
        database.hold_job(k, job_result(k))
    assert [number for number, _ in database.file_held(up_to=2)] == [1, 2]
    assert [number for number, _ in database.file_held()] == [3]


def test_results_as_bytes_lose_nothing():
    rng = np.random.default_rng(0)
    minimum = Minimum(-1.0 / 3.0, rng.normal(size=7), np.nan, 12, (0.1, 0.2, 0.3), rng.normal(size=7), "D6h")
    ts = TransitionState(np.float64(np.pi), rng.normal(size=7), 1e-300, 2, (1, 2, 3), -np.e, None, "C1", 3, 4)
    triples, minima, rest = decode(encode([Triple(minimum, ts, minimum, 1.5)], [minimum], {"a": [1, None]}))
    assert rest == {"a": [1, None]}
    for mine, theirs in ((triples[0].plus, minimum), (triples[0].transition_state, ts), (minima[0], minimum)):
        for name in ("energy", "log_product", "order", "inertia", "point_group"):
            np.testing.assert_equal(getattr(mine, name), getattr(theirs, name))
        for name in ("coordinates", "eigenvalues"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
    assert (triples[0].transition_state.plus, triples[0].transition_state.negative_eigenvalue) == (3, -np.e)
    assert triples[0].path_length == 1.5
    assert decode(encode([], [], {})) == ([], [], {})


def test_attempts_and_runs(database):
    database.add_minima([Minimum(float(k), np.full(3, float(k))) for k in range(3)])
    database.record_attempt(1, 3, outcome="no path", connected=False)
    database.record_attempt(3, 1)
    database.record_attempt(2)
    database.record_attempt(2)
    assert database.attempts()[0][:4] == (1, 3, "no path", False)
    assert database.attempted_pairs() == {(1, 3): 2}
    assert database.single_ended_attempts().tolist() == [0, 2, 0]
    number = database.record_run("pathsample", version="0.1", command="pathsample", seed=5, settings=["CYCLES 3", "SEED 5"])
    assert database.runs()[0]["status"] == "running"
    database.finish_run(number, "stopped")
    (run,) = database.runs()
    assert (run["program"], run["seed"], run["settings"], run["status"]) == ("pathsample", "5", "CYCLES 3\nSEED 5", "stopped")
    assert run["finished"] >= run["started"]


# Kills at any moment


def work(path, held):
    """The child process: take jobs, file results, say so once each is filed."""
    with Database(path) as database:
        while jobs := database.next_jobs(3):
            for job in reversed(jobs) if held else jobs:
                result = {"status": "connected", "attempt": (1, 2), "summary": {"k": job.payload["k"]}}
                if held:
                    database.hold_job(job.id, job_result(job.payload["k"]), **result)
                    filed = [number for number, _ in database.file_held()]
                else:
                    database.finish_job(job.id, job_result(job.payload["k"]), **result)
                    filed = [job.id]
                os.write(1, b"".join(b"%d\n" % number for number in filed))
                time.sleep(0.002)


def check_state(path, filed):
    """After a kill: the file is sound and holds exactly the jobs that are done."""
    with Database(path, read_only=True) as database:
        assert database.check() == []
        done = database.jobs("done")
        assert filed <= {job.id for job in done}, "a job reported as filed was lost"
        ks = {job.payload["k"] for job in done}
        assert sorted(database.ts_arrays()["energy"].tolist()) == sorted(ks)
        assert sorted(-10.0 - database.energies()) == sorted({end for k in ks for end in (k, k + 1)})
        assert sorted(job for (job,) in database._connection.execute("SELECT job FROM attempts")) == [j.id for j in done]
        return len(done)


@pytest.mark.parametrize("held", [False, True])
def test_kill_at_any_moment_loses_and_doubles_nothing(tmp_path, held):
    path = tmp_path / "landscape.db"
    with Database(path) as database:
        database.add_jobs(("connect", {"k": k}) for k in range(N_JOBS))
    random.seed(held)
    filed = set()  # as far as the child could say so before it was killed
    program = f"from tests.common.test_database_jobs import work; work({str(path)!r}, {held})"
    kills, hits = 0, set()
    while True:
        with open(tmp_path / "filed", "wb") as output:
            child = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=output)
            if kills < N_KILLS:
                # Half of the kills come while it works, the others at any time, also while it opens the file.
                while kills % 2 and child.poll() is None and not os.path.getsize(tmp_path / "filed"):
                    time.sleep(0.001)
                time.sleep(random.random() * (0.05 if kills % 2 else 0.3))
                child.kill()
                kills += 1
            status = child.wait()
        lines = (tmp_path / "filed").read_text().split("\n")[:-1]
        assert status in (0, -signal.SIGKILL)
        assert not filed & {int(line) for line in lines}, "a job was done twice"
        filed |= {int(line) for line in lines}
        done = check_state(path, filed)
        if status == 0:
            break
        hits.add(done)
    assert len(hits) > N_KILLS // 3, "most kills came before the first or after the last job: the test shows nothing"
    assert done == N_JOBS
    with Database(path) as database:
        assert database.job_counts() == {"done": N_JOBS}
        assert (database.n_minima, database.n_transition_states) == (N_JOBS + 1, N_JOBS)
        if held:
            assert database.ts_arrays()["energy"].tolist() == list(range(N_JOBS)), "in order, whatever the kills"
