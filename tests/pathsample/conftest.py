"""A landscape whose searches cost nothing: points in the plane, a transition state between near ones."""

import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from landscapes import cluster

import pathsample
from common.database import Database
from common.errors import EXIT_DONE
from common.formats import endpoints, min_data, ts_data
from common.keywords import load_table, parse_text
from common.stationary_points import Minimum, TransitionState, Triple
from pathsample.jobs import SearchOutcome, random_generator
from pathsample.run import run
from pathsample.summary import Report
from potentials.symmetry import NoSymmetry


class Plane:
    """Minima on a jittered grid in the plane; two of them share a transition state when they are grid neighbours.

    ``connect`` finds the transition states along a monotone walk on the grid, ``single`` the one to a random neighbour.
    """

    def __init__(self, side=5, seed=0):
        self.side = side
        rng = np.random.default_rng(seed)
        places = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=-1).astype(float)
        self.places = places + 0.2 * rng.random(places.shape)
        self.heights = rng.random((side, side))

    def minimum(self, a, b):
        return Minimum(self.heights[a, b], self.places[a, b], 0.0)

    def at(self, minimum):
        a, b = np.argwhere(np.isclose(self.heights, minimum.energy, atol=1e-12))[0]
        return int(a), int(b)

    def triple(self, one, other):
        one, other = sorted([one, other])
        ends = self.minimum(*one), self.minimum(*other)
        x = 0.5 * (ends[0].coordinates + ends[1].coordinates)
        energy = 1.5 + 0.1 * abs(ends[0].energy - ends[1].energy) + 0.01 * x.sum()
        return Triple(ends[0], TransitionState(energy, x, 0.0), ends[1])

    def connect(self, first, second, rng):
        (a, b), end = self.at(first), self.at(second)
        triples = []
        while (a, b) != end:
            steps = []
            if a != end[0]:
                steps.append((a + int(np.sign(end[0] - a)), b))
            if b != end[1]:
                steps.append((a, b + int(np.sign(end[1] - b))))
            step = steps[int(rng.integers(len(steps)))]
            triples.append(self.triple((a, b), step))
            a, b = step
        return triples

    def single(self, first, rng):
        a, b = self.at(first)
        steps = [(a + i, b + j) for i, j in ((1, 0), (-1, 0), (0, 1), (0, -1))]
        steps = [(i, j) for i, j in steps if 0 <= i < self.side and 0 <= j < self.side]
        return [self.triple((a, b), steps[int(rng.integers(len(steps)))])]


@pytest.fixture
def plane():
    return Plane()


@pytest.fixture
def plane_database(tmp_path, plane):
    """A database with four corners of the grid and no transition state."""
    with Database(tmp_path / "landscape.db", symmetry=NoSymmetry(), n_variables=2) as database:
        last = plane.side - 1
        database.add_minima([plane.minimum(a, b) for a in (0, last) for b in (0, last)])
        yield database


@dataclass
class PlaneSetup:
    """The part of `pathsample.setup.Setup` that growth looks at."""

    settings: object
    workers: int = 2
    seed: int = 7
    symmetry = NoSymmetry()
    external = False
    directory = Path(".")
    filters = {"all_ts": False, "max_ts_energy": None, "eigenvalue_cut": None}

    @staticmethod
    def path(name):
        return Path(name)


@pytest.fixture
def plane_setup(plane, monkeypatch):
    """Makes a setup from lines of pathdata, with the searches of the plane in place of real ones."""

    def search(kind, k, seed, first, second, attempt):
        rng = random_generator(seed, k)
        triples = plane.connect(first, second, rng) if kind == "connect" else plane.single(first, rng)
        return SearchOutcome(triples, bool(triples), "", len(triples), 0.001, 1)

    monkeypatch.setattr("pathsample.jobs.search", search)
    table = load_table(Path(pathsample.__file__).with_name("keywords.yaml"))

    def make(text, **options):
        settings = parse_text(text, table, "pathdata")
        settings.finish()
        return PlaneSetup(settings, **options)

    return make


@pytest.fixture
def quiet():
    return Report(io.StringIO())


@pytest.fixture
def landscape(tmp_path):
    """A directory with min.data, ts.data, min.A and min.B of a random network; returns a function that runs pathdata in it."""
    rng = np.random.default_rng(4)
    n = 30
    ends = [(i + 1, int(rng.integers(i)) + 1) for i in range(1, n)]
    ends += [tuple(int(x) + 1 for x in rng.choice(n, 2, replace=False)) for _ in range(30)]
    ends.append((3, 3))
    m = len(ends)
    energy = rng.random(n)
    top = np.array([max(energy[a - 1], energy[b - 1]) for a, b in ends]) + 0.2 + rng.random(m)
    minima = {"energy": energy, "log_product": 5 + rng.random(n), "order": rng.integers(1, 4, n), "inertia": np.ones((n, 3))}
    states = {"energy": top, "log_product": 4 + rng.random(m), "order": rng.integers(1, 3, m), "inertia": np.ones((m, 3))}
    states["plus"], states["minus"] = np.array(ends).T
    min_data.write(tmp_path / "min.data", minima)
    ts_data.write(tmp_path / "ts.data", states)
    endpoints.write(tmp_path / "min.A", [1, 2])
    endpoints.write(tmp_path / "min.B", [28, 29, 30])

    def start(text, status=EXIT_DONE):
        (tmp_path / "pathdata").write_text("NOPOINTS\nNATOMS 1\n" + text + "\n")
        assert run(tmp_path) == status
        return tmp_path

    start.directory = tmp_path
    return start


@pytest.fixture(scope="session")
def grown_once(tmp_path_factory):
    directory = tmp_path_factory.mktemp("grown")
    cluster(directory, 8, "CYCLES 2\nJOBSPERCYCLE 4\nCONNECTUNC LOWEST\nCPUS 1\nSEED 2\n", n_minima=5)
    assert run(directory) == EXIT_DONE
    return directory


@pytest.fixture
def grown(tmp_path, grown_once):
    """The directory of an LJ8 database with minima and transition states."""
    directory = tmp_path / "grown"
    shutil.copytree(grown_once, directory)
    return directory
