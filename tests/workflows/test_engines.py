"""The same survey on every engine, under mpiexec and on a real Slurm; workers and jobs that are killed on the way."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.pathsample import landscapes
from tests.workflows import slurm as own_slurm

ROOT = Path(__file__).resolve().parents[2]
PATHSAMPLE = [sys.executable, "-m", "pathsample.cli"]
TEXTS = ("min.data", "ts.data", "points.min", "points.ts")
MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def survey(directory, lines, searches=48):
    landscapes.cluster(directory, 7, f"SEED 3\nSURVEY {searches} ,, 4 30\n{lines}\n")
    return directory


def start(directory, command, environment=None):
    environment = {**(environment or os.environ), "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=directory, env=environment, **pipes)


def finish(process, status=0):
    output, _ = process.communicate(timeout=240)
    assert process.returncode == status, output[-3000:]
    return output


def texts(directory):
    return [(directory / name).read_bytes() for name in TEXTS]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The text files of the survey by one process."""
    directory = survey(tmp_path_factory.mktemp("engines") / "one", "CPUS 1")
    finish(start(directory, PATHSAMPLE))
    return texts(directory)


def test_dask_on_this_machine(tmp_path, expected):
    pytest.importorskip("distributed")
    directory = survey(tmp_path / "dask", "ENGINE DASK LOCAL\nCPUS 2")
    finish(start(directory, PATHSAMPLE))
    assert texts(directory) == expected


def test_dask_scheduler_of_somebody_else(tmp_path, expected):
    pytest.importorskip("distributed")
    directory = survey(tmp_path / "other", "ENGINE DASK scheduler.json")
    early = start(directory, PATHSAMPLE)
    assert "pathdata:5: ENGINE DASK: no file" in finish(early, status=2)
    options = ["--scheduler-file", "scheduler.json", "--no-dashboard"]
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", *options, "--port", "0", "--no-show"]
    scheduler = start(directory, command)
    workers = []
    try:
        end = time.monotonic() + 60.0
        while not (directory / "scheduler.json").is_file() and time.monotonic() < end:
            time.sleep(0.1)
        command = [sys.executable, "-m", "distributed.cli.dask_worker", *options, "--nthreads", "1", "--no-nanny"]
        workers = [start(directory, command) for _ in range(2)]
        finish(start(directory, PATHSAMPLE))
    finally:
        for process in [*workers, scheduler]:
            process.terminate()
            process.communicate(timeout=60)
    assert texts(directory) == expected


def test_no_scheduler_at_the_address(tmp_path):
    pytest.importorskip("distributed")
    directory = survey(tmp_path / "none", "ENGINE DASK nowhere")
    assert "nowhere: expected SLURM, PBS" in finish(start(directory, PATHSAMPLE), status=2)
    assert not (directory / "min.data").exists()


@pytest.mark.skipif(MPIEXEC is None, reason="needs mpiexec")
def test_mpi(tmp_path, expected):
    pytest.importorskip("mpi4py")
    directory = survey(tmp_path / "mpi", "ENGINE MPI")
    output = finish(start(directory, [MPIEXEC, "-n", "3", *PATHSAMPLE]))
    assert output.count("total CPU time spent") == 1
    assert texts(directory) == expected


@pytest.mark.skipif(MPIEXEC is None, reason="needs mpiexec")
def test_mpi_says_what_is_wrong_once(tmp_path):
    pytest.importorskip("mpi4py")
    directory = survey(tmp_path / "mpi", "ENGINE MPI\nSURVY 3")
    output = finish(start(directory, [MPIEXEC, "-n", "3", *PATHSAMPLE]), status=2)
    assert output.count("pathdata:6: SURVY") == 1
    text = (directory / "pathdata").read_text().replace("SURVY 3", "ADDMIN nothing")
    (directory / "pathdata").write_text(text)
    output = finish(start(directory, [MPIEXEC, "-n", "3", *PATHSAMPLE]), status=2)
    assert output.count("no file nothing") == 1
    (directory / "pathdata").write_text(text.replace("ADDMIN nothing\n", ""))
    assert "this is the only process" in finish(start(directory, PATHSAMPLE), status=2)


@pytest.mark.skipif(MPIEXEC is None, reason="needs mpiexec")
def test_a_killed_mpi_program_is_continued(tmp_path, expected):
    pytest.importorskip("mpi4py")
    directory = survey(tmp_path / "mpi", "ENGINE MPI")
    process = start(directory, [MPIEXEC, "-n", "3", *PATHSAMPLE])
    time.sleep(3.0)
    process.kill()
    process.communicate(timeout=60)
    wait_for_the_lock(directory)
    finish(start(directory, [MPIEXEC, "-n", "2", *PATHSAMPLE]))
    assert texts(directory) == expected


def wait_for_the_lock(directory):
    """The processes of a killed mpiexec end a moment later."""
    end = time.monotonic() + 20.0
    while time.monotonic() < end:
        holders = [p for p in Path("/proc").glob("[0-9]*/cwd") if _links_to(p, directory)]
        if not holders:
            return
        time.sleep(0.1)


def _links_to(path, directory):
    try:
        return os.readlink(path) == str(directory)
    except OSError:
        return False


@pytest.fixture(scope="module")
def slurm():
    if not own_slurm.available():
        pytest.skip("needs munge, slurmctld, slurmd and the commands of Slurm")
    pytest.importorskip("dask_jobqueue")
    directory = Path(tempfile.mkdtemp(prefix="slurm-"))
    system = own_slurm.Slurm(directory)
    try:
        yield system.start()
    finally:
        system.stop()
        shutil.rmtree(directory, ignore_errors=True)


WORKERS = (
    "ENGINE DASK SLURM\nWORKERJOBS 2 1\nWORKERCPUS 1\nWORKERMEMORY 500MB\nWORKERTIME 00:20:00\nQUEUE debug\n"
    "DIRECTIVE --comment=landscape\nPROLOGUE export LANDSCAPE=1"
)


def test_workers_as_slurm_jobs_that_are_killed(slurm, tmp_path, expected):
    directory = survey(tmp_path / "slurm", WORKERS)
    process = start(directory, PATHSAMPLE, slurm.environment)
    cancelled = []
    end = time.monotonic() + 60.0
    while not cancelled and time.monotonic() < end:
        cancelled = slurm.run("squeue", "-h", "-t", "R", "-n", "landscape", "-o", "%i").split()
        time.sleep(0.2)
    time.sleep(1.5)
    slurm.run("scancel", cancelled[0])
    finish(process)
    assert texts(directory) == expected
    script = (directory / "dask-logs").glob("*.out")
    assert list(script)


def test_slurm_allocation_and_time_limit(slurm, tmp_path, expected):
    """SLURM uses the two nodes of the allocation; SIGUSR1 before the limit stops it; the next job continues."""
    directory = survey(tmp_path / "allocation", "SLURM")
    (directory / "job.sh").write_text(
        f"#!/bin/bash\n#SBATCH -N 2 --ntasks-per-node=1 -t 00:10:00 -o job.out --open-mode=append\n"
        f"export PYTHONPATH={ROOT}\nexec {' '.join(PATHSAMPLE)}\n"
    )
    number = slurm.run("sbatch", "--parsable", "job.sh", directory=directory).strip()
    end = time.monotonic() + 60.0
    while "cycle2> end of cycle" not in _text(directory / "job.out") and time.monotonic() < end:
        time.sleep(0.1)
    slurm.run("scancel", "-s", "USR1", "-b", number)
    _wait_for_end(slurm, number)
    stopped = _text(directory / "job.out")
    assert "stopped (signal SIGUSR1)" in stopped or "total CPU time spent" in stopped
    _wait_for_end(slurm, slurm.run("sbatch", "--parsable", "job.sh", directory=directory).strip())
    assert "total CPU time spent" in _text(directory / "job.out")
    assert texts(directory) == expected


def _text(path):
    return path.read_text() if path.exists() else ""


def _wait_for_end(slurm, number):
    end = time.monotonic() + 120.0
    while slurm.run("squeue", "-h", "-j", number, "-o", "%T").strip() and time.monotonic() < end:
        time.sleep(0.3)


def test_job_script_runs_on_slurm(slurm, tmp_path, expected):
    directory = survey(tmp_path / "script", "CPUS 2")
    finish(start(directory, [*PATHSAMPLE, "--job-script"]))
    script = directory / "pathsample.slurm"
    script.write_text(script.read_text().replace("\nexport OMP", f"\nexport PYTHONPATH={ROOT}\nexport OMP", 1))
    _wait_for_end(slurm, slurm.run("sbatch", "--parsable", str(script), directory=directory).strip())
    assert texts(directory) == expected


def test_sigterm_ends_a_dask_run_that_can_be_continued(tmp_path, expected):
    pytest.importorskip("distributed")
    directory = survey(tmp_path / "term", "ENGINE DASK LOCAL\nCPUS 2")
    process = start(directory, PATHSAMPLE)
    end = time.monotonic() + 60.0
    seen = ""
    for line in process.stdout:
        seen += line
        if "cycle2> end of cycle" in line or time.monotonic() > end:
            break
    process.send_signal(signal.SIGTERM)
    output = finish(process, status=3)
    assert "searches open" in output
    finish(start(directory, PATHSAMPLE))
    assert texts(directory) == expected
