"""EXEC: another OPTIM through the classic files. Ours plays its part."""

import sys
from pathlib import Path

import numpy as np
import pytest
from landscapes import cluster

from common.database import Database
from pathsample.cli import main
from pathsample.external import find_executable, write_input
from pathsample.run import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def executable(tmp_path):
    path = tmp_path / "OPTIM"
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m optim.cli "$@"\n')
    path.chmod(0o755)
    return path


def external(directory, executable, extra=""):
    text = f"EXEC {executable}\nCYCLES 1\nJOBSPERCYCLE 2\nCONNECTUNC LOWEST\nCPUS 1\nCHECKTS\nCHECKMIN\n{extra}"
    cluster(directory, 7, text, n_minima=3)
    (directory / "odata.connect").write_text("NEWCONNECT 5 2 10.0 20.0 20 0.5 0.01\nDUMPALLPATHS\nPOINTS\n")


def test_growth_through_the_classic_files(tmp_path, executable, capsys):
    external(tmp_path, executable, "COPYOPTIM\n")
    assert run(tmp_path) == 0
    assert "everything passed" in capsys.readouterr().out
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        assert database.n_transition_states >= 2
        assert all(connected for *_, connected in database.attempts())
    folder = tmp_path / "jobs" / "0"
    assert {"odata.0", "finish.0", "OPTIM.connect.0", "path.info.0"} <= {path.name for path in folder.iterdir()}
    line = (folder / "odata.0").read_text().splitlines()[-1]
    assert line[:4] == "LJ  "
    assert len(line) == 4 + 60
    assert len((folder / "finish.0").read_text().splitlines()) == 7


def test_job_files_are_removed(tmp_path, executable):
    external(tmp_path, executable)
    assert run(tmp_path) == 0
    assert list((tmp_path / "jobs").iterdir()) == []


def test_executable_that_fails_is_counted(tmp_path, capsys):
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\nexit 7\n")
    failing.chmod(0o755)
    external(tmp_path, failing, "")
    assert run(tmp_path) == 0
    assert "2 searches: failing found no connection (status 7)" in capsys.readouterr().out


def test_missing_executable_matters_only_for_growth(tmp_path, capsys):
    external(tmp_path, "/nowhere/OPTIM")
    assert main(["-C", str(tmp_path)]) == 2
    assert "pathdata:3: EXEC /nowhere/OPTIM: no such executable" in capsys.readouterr().err
    text = (tmp_path / "pathdata").read_text().replace("CYCLES 1", "CYCLES 0")
    (tmp_path / "pathdata").write_text(text.replace("CHECKTS\n", ""))
    assert main(["-C", str(tmp_path)]) == 0


def test_input_of_a_network_has_one_variable_to_a_line(tmp_path):
    write_input(tmp_path, 12, "NEWCONNECT\nVARIABLES\n", None, np.array([1.0, -2.5]), np.array([0.0, 1e-3]))
    assert (tmp_path / "odata.12").read_text().splitlines()[-2:] == ["        1.0000000000", "       -2.5000000000"]
    assert (tmp_path / "finish.12").read_text().splitlines() == ["        0.0000000000", "        0.0010000000"]


def test_find_executable(tmp_path, executable):
    assert find_executable("./OPTIM", tmp_path) == str(executable.resolve())
    assert find_executable(str(executable), "/") == str(executable.resolve())
    assert find_executable("no-such-program-anywhere", tmp_path) is None
