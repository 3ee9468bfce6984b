"""Time and memory of disconnect beside those of disconnectionDPS and pele, on networks of the size of published ones.

Figures of the others were measured on two Xeon cores: disconnectionDPS 4.6 s (20 levels) and 57.6 s (200 levels), 22 and 91 MB;
pele 23 s from its database and 15 s more for 200 levels.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "disconnect"))

from made_landscapes import random_network, write_text

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"50,000/150,000": (50_000, 150_000), "193,036/540,962": (193_036, 540_962)}


@pytest.fixture(scope="module", params=list(SIZES))
def large(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    write_text(folder, *random_network(*SIZES[request.param], seed=1))
    for n in (20, 200):
        (folder / f"dinfo{n}").write_text(f"MINIMA min.data\nTS ts.data\nCENTREGMIN\nFIRST 5\nDELTA {45 / n}\nLEVELS {n}\n")
    return folder


@pytest.mark.parametrize("levels", [20, 200])
@pytest.mark.parametrize("kind", ["ps", "pdf", "png", "html"])
def test_speed(benchmark, large, levels, kind):
    command = [sys.executable, "-m", "disconnect.cli", f"dinfo{levels}", "-o", f"tree.{kind}"]

    def draw():
        subprocess.run(command, cwd=large, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)})

    benchmark.pedantic(draw, rounds=1, iterations=1)
    benchmark.extra_info["megabytes written"] = round((large / f"tree.{kind}").stat().st_size / 1e6, 1)
