"""Small runs of gmin in temporary directories."""

import numpy as np
import pytest
from gmin_inputs import LJ13

from common import stop
from common.formats import coordinates
from gmin.run import run


@pytest.fixture(autouse=True)
def _no_request_to_stop():
    stop.reset()
    yield
    stop.reset()


@pytest.fixture
def lj13(tmp_path):
    """Make a directory with an input for LJ13: ``make(extra lines, data=…)`` returns it."""
    count = 0

    def make(extra="", data=LJ13, n_atoms=13):
        nonlocal count
        count += 1
        directory = tmp_path / f"run{count}"
        directory.mkdir()
        (directory / "data").write_text(data + extra)
        rng = np.random.default_rng(5)
        coordinates.write(directory / "coords", rng.uniform(-1.5, 1.5, 3 * n_atoms))
        return directory

    return make


@pytest.fixture
def lines_of():
    """Run a directory and return the lines of its output."""

    def go(directory, **options):
        assert run(directory, **options) == 0
        return (directory / "output").read_text().splitlines()

    return go
