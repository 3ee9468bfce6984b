"""pathsample is killed at random times and started again: nothing is lost, nothing is there twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from landscapes import cluster, contents

ROOT = Path(__file__).resolve().parents[2]
INPUT = "SURVEY 60 ,, 4 40\nJOBSPERCYCLE 5\nCPUS 2\nSEED 5\n"


def start(directory):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open(directory / "log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "pathsample.cli"], cwd=directory, env=environment, stdout=log, stderr=log
        )


def filed(directory):
    """Results that the log says were filed."""
    return (directory / "log").read_text().count("analysing result")


def kill_and_restart(directory, kills, rng):
    """Kill after a random number of further results and a random moment; returns how often a run was killed in its work."""
    killed = 0
    while killed < kills:
        process = start(directory)
        goal = filed(directory) + int(rng.integers(0, 4))
        while process.poll() is None and filed(directory) < goal:
            time.sleep(0.005)
        time.sleep(float(rng.uniform(0.0, 0.3)))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
        assert contents(directory)["problems"] == []
    return killed


def compare(tmp_path, text, kills, seed):
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    for directory in (whole, pieces):
        cluster(directory, 7, text)
    assert start(whole).wait() == 0
    assert kill_and_restart(pieces, kills, np.random.default_rng(seed)) == kills
    assert start(pieces).wait() == 0, (pieces / "log").read_text()[-2000:]
    assert contents(pieces) == contents(whole)
    assert "resuming the interrupted growth" in (pieces / "log").read_text()


def test_some_kills(tmp_path):
    compare(tmp_path, INPUT, 4, 0)


@pytest.mark.slow
def test_twenty_kills(tmp_path):
    compare(tmp_path, INPUT.replace("60 ,, 4 40", "160 ,, 4 60"), 20, 1)


def test_termination_is_orderly_and_resumable(tmp_path):
    cluster(tmp_path, 7, INPUT)
    process = start(tmp_path)
    while filed(tmp_path) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 3
    assert "pathsample continues from here" in (tmp_path / "log").read_text()
    assert (tmp_path / "min.data").exists()
    assert start(tmp_path).wait() == 0
    states = {state for *_, state in contents(tmp_path)["jobs"]}
    assert states == {"done"}
    assert len(contents(tmp_path)["jobs"]) == 60


def test_second_run_in_the_same_directory_is_refused(tmp_path):
    cluster(tmp_path, 7, INPUT)
    first = start(tmp_path)
    while filed(tmp_path) < 1:
        time.sleep(0.01)
    second = subprocess.run(
        [sys.executable, "-m", "pathsample.cli"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert second.returncode == 2
    assert "another run is writing to it" in second.stderr
    assert first.wait() == 0


def test_killed_after_its_growth_it_does_not_grow_again(tmp_path):
    cluster(tmp_path, 7, INPUT.replace("SURVEY 60", "SURVEY 10"))
    process = start(tmp_path)
    while "end of cycle        2" not in (tmp_path / "log").read_text():
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = "summary> files written" in (tmp_path / "log").read_text()
    assert start(tmp_path).wait() == 0
    assert done or len(contents(tmp_path)["jobs"]) == 10


@pytest.mark.parametrize("room", [30_000, pytest.param(90_000, marks=pytest.mark.slow)])
def test_full_disk_loses_nothing(tmp_path, room):
    """No file may grow beyond a size: the run ends with a line that says so, and the next one continues."""
    import resource

    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    for directory in (whole, pieces):
        cluster(directory, 7, INPUT.replace("SURVEY 60", "SURVEY 12").replace("CPUS 2", "CPUS 1"))
    limit = (pieces / "landscape.db").stat().st_size // 2 + room
    limited = subprocess.run(
        [sys.executable, "-m", "pathsample.cli"],
        cwd=pieces, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert limited.returncode not in (0, -25), limited.stdout[-500:]
    assert "Traceback" not in limited.stderr, limited.stderr[-2000:]
    assert contents(pieces)["problems"] == []
    for directory in (whole, pieces):
        assert start(directory).wait() == 0, (directory / "log").read_text()[-2000:]
    assert contents(pieces) == contents(whole)
