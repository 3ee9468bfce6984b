"""A run that is killed again and again goes on as if it had not been."""

import json
import signal
import subprocess
import sys
import time

import pytest

from common.formats import lowest

DATA = """\
STEPS 6000 1.0
TEMPERATURE 1.0
STEP 0.40 0.51
SLOPPYCONV 5.0D-3
TIGHTCONV 1.0D-6
MAXIT 600 500
EDIFF 0.003
SAVE 5
CENTRE
DUMPINT 200
NEWRESTART 40
AVOID 4.0 20 F
RANSEED 3
NATOMS 38
"""
GMIN = [sys.executable, "-m", "gmin.cli"]


def steps(path):
    """Steps done at the time of a dump."""
    return int(path.read_text().splitlines()[1])


def state(directory):
    """What the last dump says of the walker and the saved set, but for the time."""
    exact = json.loads((directory / "GMIN.dump").read_text().splitlines()[-1])
    for walker in exact["walkers"]:
        del walker["seconds"]
    return exact


@pytest.mark.slow
def test_five_kills_change_nothing(tmp_path):
    plain, killed = tmp_path / "plain", tmp_path / "killed"
    for directory in (plain, killed):
        directory.mkdir()
        (directory / "data").write_text(DATA)
    subprocess.run(GMIN, cwd=plain, check=True)
    reached = []
    for k in range(5):
        run = subprocess.Popen(GMIN, cwd=killed)
        # until a dump of a later step than the last time is there
        while run.poll() is None:
            time.sleep(0.002)
            path = killed / "GMIN.dump"
            if path.exists() and steps(path) >= 1000 * (k + 1):
                break
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
        reached.append(steps(path))
        (killed / "data").write_text(DATA + "RESTORE GMIN.dump\n")
    assert reached == sorted(set(reached))
    subprocess.run(GMIN, cwd=killed, check=True)
    assert state(killed) == state(plain)
    energies = [[m.energy for m in lowest.read(d / "lowest")] for d in (plain, killed)]
    assert energies[0] == energies[1]
