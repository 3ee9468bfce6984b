"""The published example LJ38_04: log, disconnected and tree.ps as disconnectionDPS wrote them."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from disconnect.cli import main

EXAMPLE = Path(__file__).resolve().parents[2] / "../shared/wales/examples/LJ38_04_pathsample/expected"

pytestmark = [
    pytest.mark.validation,
    pytest.mark.skipif(not EXAMPLE.is_dir(), reason="the reference material is not here"),
]


def segments(path):
    """Every line segment of a tree.ps, axis and labels included."""
    lines = [line for line in path.read_text().splitlines() if re.search(r" mt .* ls *$", line)]
    return np.array([[float(word) for word in re.findall(r"-?\d+\.\d+", line)] for line in lines])


@pytest.fixture
def example(tmp_path, monkeypatch, capsys):
    for name in ("dinfo", "min.data", "ts.data"):
        shutil.copy(EXAMPLE / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    return tmp_path, capsys.readouterr().out


def test_segments_in_order(example):
    folder, _ = example
    ours, theirs = segments(folder / "tree.ps"), segments(EXAMPLE / "tree.ps")
    assert ours.shape == theirs.shape == (105, 4)
    assert np.abs(ours - theirs).max() <= 0.005


def test_file_is_the_same_byte_for_byte(example):
    folder, _ = example
    assert (folder / "tree.ps").read_bytes() == (EXAMPLE / "tree.ps").read_bytes()


def test_disconnected(example):
    folder, _ = example
    assert (folder / "disconnected").read_text() == (EXAMPLE / "disconnected").read_text()


def test_log_lines(example):
    _, log = example
    expected = (EXAMPLE / "disconnectionDPS.out").read_text()
    for pattern in (
        r".*minima read in.*", r" Global minimum at.*", r".*non-degenerate paths.*", r"Highest and lowest.*", 
        r".* basins? +at energy.*",
        r"Nodes remaining at level.*", r"Steps to minimum.*", r"Number of remaining.*", r".*will not be considered",
    ):  # fmt: skip
        theirs = re.findall(f"^{pattern}$", expected, re.MULTILINE)
        ours = re.findall(f"^{pattern}$", log, re.MULTILINE)
        assert theirs
        assert ours == theirs
