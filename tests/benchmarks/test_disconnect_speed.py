"""Time and memory of disconnect beside those of disconnectionDPS and pele, on networks of the size of published ones.

Seconds are of the processor, so that other programs on the machine do not count. Figures of the others were measured on two
Xeon cores: disconnectionDPS 4.6 s (20 levels) and 57.6 s (200 levels), 22 and 91 MB; pele 23 s from its database and 15 s
more for 200 levels. On the larger network the limit is 10 s and 1 GB, from SQLite to the picture, on one core.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "disconnect"))

from made_landscapes import rough_funnels

from common.database import Database

ROOT = Path(__file__).resolve().parents[2]
SMALL, LARGE = (50_000, 150_000), (193_036, 540_962)
#: disconnectionDPS on the smaller one, by number of levels.
OTHERS = {20: 4.6, 200: 57.6}


@pytest.fixture(scope="module", params=[SMALL, LARGE], ids=lambda size: f"{size[0]}/{size[1]}")
def large(request, tmp_path_factory):
    """A folder with landscape.db and the keyword files for 20 and 200 levels."""
    folder = tmp_path_factory.mktemp("large")
    energies, ts, plus, minus = rough_funnels(*request.param, seed=1)
    with Database(folder / "landscape.db") as database:
        n = energies.size
        same = {"log_product": np.zeros(n), "order": np.ones(n, dtype=int), "inertia": np.ones((n, 3))}
        database.append_minima({"energy": energies, **same}, np.zeros((n, 3)))
        n = ts.size
        same = {"log_product": np.zeros(n), "order": np.ones(n, dtype=int), "inertia": np.ones((n, 3))}
        database.append_transition_states({"energy": ts, "plus": plus, "minus": minus, **same}, np.zeros((n, 3)))
    low, high = energies.min(), np.quantile(ts, 0.99)
    for n in (20, 200):
        (folder / f"dinfo{n}").write_text(f"CENTREGMIN\nFIRST {high:.3f}\nDELTA {(high - low) / (n - 1):.6f}\nLEVELS {n}\n")
    return folder, request.param


def measured(command, folder):
    """Seconds of the processor and greatest memory in MB of a program."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=environment) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024.0


@pytest.mark.parametrize("levels", [20, 200])
@pytest.mark.parametrize("kind", ["ps", "pdf", "png", "html"])
def test_from_database_to_picture(compare, large, levels, kind):
    folder, size = large
    command = [sys.executable, "-m", "disconnect.cli", f"dinfo{levels}", "-o", f"tree.{kind}"]
    seconds, memory = measured(command, folder)
    name, limit = ("disconnectionDPS", OTHERS[levels]) if size == SMALL else ("limit", 10.0)
    what = f"{size[0]}/{size[1]}, {levels} levels, {kind} of {(folder / f'tree.{kind}').stat().st_size / 1e6:.1f} MB"
    compare(what, seconds, "s", beside=name, that=limit, aim="2 s" if size == SMALL else "10 s")
    if kind in ("pdf", "html"):
        compare(f"{what}, memory", memory, "MB", beside="limit", that=1000.0, aim="1 GB")
