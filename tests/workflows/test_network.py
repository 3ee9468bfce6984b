"""gmin, pathsample and disconnect one after the other on the loss of a small network."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from common.database import Database

ROOT = Path(__file__).resolve().parents[2]
NETWORK = "MLPVB3 2 1 3 4 60 1D-3\n"
#: No network can tell the outcomes of 60 random triangles apart; its landscape still has several minima.
DATA = NETWORK + "STEPS 60\nSTEP 2.0\nTEMPERATURE 10.0\nFIXBOTH\nSLOPPYCONV 1D-5\nTIGHTCONV 1D-9\nMAXIT 2000 2000\nUPDATES 50\n"
CONNECT = NETWORK + "NEWCONNECT 5 2 3.0 20.0 20 0.5 0.01\nUPDATES 50\nNOIT\nVARIABLES\n"
PATHDATA = "SURVEY 24\nCPUS 2\nAUC MLPdata auc_train\nAUC MLPdata.test auc_test 1\n"
DINFO = "COLOURBY auc_test\nCENTREGMIN\nOUTPUT tree.pdf tree.svg\n"


@pytest.fixture
def directory(tmp_path, write):
    for name, seed in (("MLPdata", 1), ("MLPdata.test", 2)):
        options = ["--side", "3.4641016", "--items", "60", "--seed", str(seed), "--output", str(tmp_path / name)]
        subprocess.run(
            [sys.executable, "-m", "potentials.datasets", "ljat3", *options],
            cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip
    write(data=DATA, odata__connect=CONNECT, pathdata=PATHDATA, dinfo=DINFO)
    return tmp_path


def test_from_data_to_picture(directory, command):
    command("gmin")
    with Database(directory / "landscape.db", read_only=True) as database:
        found = database.n_minima
    assert found >= 2
    out = command("pathsample").stdout
    assert "summary> AUC of class 0, MLPdata " in out
    assert "summary> AUC of class 1, MLPdata.test" in out
    assert "everything passed" in command("pathsample", "--verify").stdout
    with Database(directory / "landscape.db", read_only=True) as database:
        assert database.n_minima >= found
        assert database.n_transition_states >= found - 1
        for name in ("auc_train", "auc_test", "misclassification_train", "misclassification_test"):
            values = database.property(name)
            assert len(values) == database.n_minima
            assert ((values >= 0) & (values <= 1)).all()
        lowest = int(np.argmin(database.energies()))
        assert database.property("auc_train")[lowest] > 0.55
        runs = [run["program"] for run in database.runs()]
    assert runs.count("pathsample") == 1
    assert len((directory / "min.data").read_text().splitlines()) == len(values)
    command("disconnect")
    assert (directory / "tree.pdf").read_bytes().startswith(b"%PDF")
    assert "<svg" in (directory / "tree.svg").read_text()


def test_auc_is_that_of_scikit_learn(directory, command):
    metrics = pytest.importorskip("sklearn.metrics")
    from pathsample.learning.data import read_data
    from pathsample.setup import read_setup

    command("gmin")
    (directory / "pathdata").write_text("AUC MLPdata.test auc_test 1\n")
    command("pathsample")
    setup = read_setup(directory)
    inputs, classes = read_data(setup, setup.settings["AUC"])
    with Database(directory / "landscape.db", read_only=True) as database:
        for x, stored in zip(database.coordinates(), database.property("auc_test")):
            score = setup.potential.probabilities(x, inputs)[:, 1]
            assert stored == pytest.approx(metrics.roc_auc_score(classes == 1, score), abs=1e-12)


def test_database_of_another_data_set_is_refused(directory, command):
    command("gmin")
    shutil.copy(directory / "MLPdata.test", directory / "MLPdata")
    before = (directory / "landscape.db").read_bytes()
    message = command("pathsample", status=2).stderr
    assert "made for potential MultilayerPerceptron with data" in message
    assert len(message.splitlines()) == 1
    assert "made for potential MultilayerPerceptron with data" in command("gmin", status=2).stderr
    assert (directory / "landscape.db").read_bytes() == before


def test_data_that_change_during_a_run_end_it(directory, command, monkeypatch):
    from common.errors import EngineError
    from pathsample.jobs import initialise
    from pathsample.setup import read_setup

    fingerprint = read_setup(directory).potential.fingerprint()
    initialise(str(directory), fingerprint, 1e-6, 0.1)
    shutil.copy(directory / "MLPdata.test", directory / "MLPdata")
    with pytest.raises(EngineError, match="changed during the run"):
        initialise(str(directory), fingerprint, 1e-6, 0.1)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text.replace("\n", "\n1 0.5\n", 1), "MLPdata:2: "),
        (lambda text: text.replace(".", "x", 1), "MLPdata:1: "),
        (lambda text: "\n".join(text.splitlines()[:30]) + "\n", "MLPdata"),
        (lambda text: "7" + text[1:], "MLPdata:1: "),
    ],
)
def test_damaged_data(directory, command, spoil, message):
    path = directory / "MLPdata"
    path.write_text(spoil(path.read_text()))
    before = sorted(p.name for p in directory.iterdir())
    for program in ("gmin", "pathsample"):
        assert message in command(program, status=2).stderr
    assert sorted(p.name for p in directory.iterdir()) == before
