"""Keyword CUDA of pathsample: searches in packages on a device, which the emulator stands for."""

import os
import shutil
import subprocess
import sys

import pytest
from landscapes import cluster, contents

import potentials.cuda.device
from common.database import Database
from common.errors import InputError
from common.executors import JobError, Outcome
from pathsample.packages import DEVICE_JOBS, PackageEngine, jobs_per_cycle, search_package
from pathsample.run import run
from pathsample.setup import read_setup
from potentials.cuda.emulated import EmulatedDevice

LJ7_MINIMA = {-16.505384, -15.935043, -15.593211, -15.53306}
XOR_CONNECT = "XOR 2 1D-2\nNEWCONNECT 5 2 3.0 20.0 20 0.5 0.01\nVARIABLES\n"


@pytest.fixture
def emulated(request, monkeypatch):
    """pathsample takes the emulator for the device; the numbers asked for are collected."""
    if not (shutil.which("g++") or shutil.which("c++")):
        pytest.skip("no C++ compiler")
    device = EmulatedDevice(3, request.config.cache.mkdir("cuda_kernels"))
    device.close = lambda: None
    numbers = []
    monkeypatch.setattr(potentials.cuda.device, "Device", lambda number=None: numbers.append(number) or device)
    return numbers


def energies(directory):
    """Energies of minima, and of transition states with those of their two minima, without repetition."""
    setup = read_setup(directory)
    with Database(directory / "landscape.db", symmetry=setup.symmetry, read_only=True) as database:
        assert not database.check()
        e, ts = database.energies(), database.ts_arrays()
    edges = {
        (round(float(t), 6), *sorted(round(float(e[k - 1]), 6) for k in ends))
        for t, *ends in zip(ts["energy"], ts["plus"], ts["minus"], strict=True)
    }
    return {round(float(value), 6) for value in e}, edges


def xor(directory, pathdata):
    directory.mkdir()
    (directory / "odata.connect").write_text(XOR_CONNECT)
    (directory / "pathdata").write_text("XOR 2 1D-2\n" + pathdata)


def test_a_survey_with_the_keyword(tmp_path, emulated, capsys):
    """The four minima of LJ7, and transition states above their minima; nothing is there that is not verified."""
    cluster(tmp_path, 7, "SURVEY 6\nCUDA 3 2\n", n_minima=2)
    assert run(tmp_path) == 0
    # opened once for the check before anything is written, and by the worker
    assert emulated == [2, 2]
    minima, edges = energies(tmp_path)
    assert minima <= LJ7_MINIMA
    assert len(edges) >= 5
    assert all(ends[0] > max(ends[1:]) for ends in edges)
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        jobs = database.jobs("done")
    assert len(jobs) == 6
    assert all(job.summary["calls"] > 0 for job in jobs)
    assert "end of cycle        2" in capsys.readouterr().out


def test_the_size_of_packages_decides_nothing(tmp_path, emulated):
    found = []
    for k, jobs in enumerate((1, 3)):
        directory = tmp_path / str(k)
        xor(directory, f"SEED 2\nSURVEY 3\nJOBSPERCYCLE 3\nCUDA {jobs}\n")
        assert run(directory) == 0
        setup = read_setup(directory)
        found.append(contents(directory, setup.symmetry))
    assert found[0] == found[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LJ8", "XOR"])
def test_the_landscapes_are_those_of_the_processor(name, tmp_path, emulated):
    """Long enough surveys end in the same minima and transition states."""
    for directory, line in (("here", ""), ("there", "CUDA 10\n")):
        pathdata = f"SURVEY {300 if name == 'LJ8' else 120}\nJOBSPERCYCLE 10\n{line}"
        if name == "LJ8":
            cluster(tmp_path / directory, 8, pathdata, n_minima=2)
        else:
            xor(tmp_path / directory, pathdata)
        assert run(tmp_path / directory) == 0
    assert energies(tmp_path / "here") == energies(tmp_path / "there")


# --- packages -----------------------------------------------------------------------------------------------------------


class Engine:
    """Does its jobs at once, in this process, and collects how many were in each."""

    def __init__(self, fail=False):
        self.sizes, self.fail, self.closed = [], fail, False

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.closed = True

    def run(self, function, jobs):
        for job in jobs:
            if job is None:
                continue
            key, arguments = job
            if function is not search_package:
                yield key, Outcome(function(*arguments))
                continue
            self.sizes.append(len(key))
            yield key, Outcome(error=JobError("died")) if self.fail else Outcome([Outcome(a[0] ** 2) for a in arguments])


def test_packages_are_as_large_as_there_are_jobs():
    from pathsample.jobs import search

    jobs = [(k, (k,)) for k in range(7)]
    with PackageEngine(Engine(), 3) as engine:
        ended = dict(engine.run(search, iter([*jobs[:5], None, None, *jobs[5:]])))
        assert {key: outcome.value for key, outcome in ended.items()} == {k: k * k for k in range(7)}
        assert engine.engine.sizes == [3, 2, 2]
        # anything else goes through
        assert [outcome.value for _, outcome in engine.run(abs, [(1, (-4,))])] == [4]
    assert engine.engine.closed


def test_a_package_that_fails_fails_for_each():
    from pathsample.jobs import search

    ended = list(PackageEngine(Engine(fail=True), 2).run(search, [(1, (1,)), (2, (2,))]))
    assert [(key, outcome.error.reason) for key, outcome in ended] == [(1, "died"), (2, "died")]


def test_searches_of_a_cycle(tmp_path):
    cluster(tmp_path, 7, "SURVEY 4\n", n_minima=1)
    text = (tmp_path / "pathdata").read_text()
    for lines, wanted in (("", 8), ("CUDA\n", DEVICE_JOBS), ("CUDA 40\n", 40), ("CUDA 40\nJOBSPERCYCLE 5\n", 5)):
        (tmp_path / "pathdata").write_text(text + lines)
        assert jobs_per_cycle(read_setup(tmp_path).settings) == wanted


# --- errors -------------------------------------------------------------------------------------------------------------


def test_what_has_no_kernels_is_refused(tmp_path, emulated):
    cluster(tmp_path, 7, "SURVEY 4\nCUDA\n", n_minima=1)
    (tmp_path / "odata.connect").write_text("CUTOFF 2.5\n" + (tmp_path / "odata.connect").read_text())
    with pytest.raises(InputError, match="CUDA has no kernels for LennardJones"):
        read_setup(tmp_path)
    (tmp_path / "pathdata").write_text("NATOMS 7\nNOPOINTS\nCUDA\n")
    with pytest.raises(InputError, match="not possible with NOPOINTS"):
        read_setup(tmp_path)


def test_without_a_device_one_line_and_status_2(tmp_path):
    """Whatever of package, driver and device is missing is named, and nothing is written."""
    xor(tmp_path / "run", "SURVEY 4\nCUDA\n")
    code = "import sys; sys.modules['pycuda'] = None; from pathsample.cli import main; sys.exit(main([]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "run", capture_output=True, text=True, env=os.environ)
    assert done.returncode == 2
    assert "pip install 'energy-landscapes[gpu]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["odata.connect", "pathdata"]
