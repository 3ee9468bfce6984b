"""Choosing pairs in a large database: seconds from a network that was just read to the first eight jobs.

``LANDSCAPE_MINIMA=200000`` in the environment makes it as large as the largest in use; writing it takes some minutes.
"""

import os

import numpy as np
import pytest
from large_databases import potential_of, write

from common.database import Database
from pathsample.network import Network
from pathsample.pairs import ConnectRegion, ConnectUnconnected, InitialPath, NewConnections
from pathsample.path_pairs import UsePairs
from pathsample.survey import Survey

N_MINIMA = int(os.environ.get("LANDSCAPE_MINIMA", "20000"))
STRATEGIES = {
    "CONNECTUNC LOWEST 5": lambda: ConnectUnconnected("LOWEST", 5),
    "CONNECTUNC DISTREF 1": lambda: ConnectUnconnected("DISTREF", 1),
    "CONNECTREGION 1 1 1.0": lambda: ConnectRegion(1, 1, 1.0),
    "NEWCONNECTIONS 3 10": lambda: NewConnections(3, 10),
    "USEPAIRS with 400 minima": lambda: UsePairs(np.linspace(1, N_MINIMA, 400).astype(int).tolist()),
    "DIJINITCONT 2": lambda: InitialPath("2", 100),
    "SURVEY": lambda: Survey(5, 5),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = write("lj38", tmp_path_factory.mktemp("scale"), N_MINIMA, 11 * N_MINIMA // 4)
    with Database(path, symmetry=potential_of("lj38")[0].symmetry) as database:
        # a member of B that is not connected with A, or DIJINITCONT has nothing to do
        apart = np.flatnonzero(~Network(database, database.symmetry).connected_set())
        database.set_endpoints("B", [int(apart[0]) + 1])
    return path


@pytest.mark.parametrize("name", STRATEGIES)
def test_first_jobs(benchmark, compare, path, name):
    symmetry = potential_of("lj38")[0].symmetry
    with Database(path, symmetry=symmetry, read_only=True) as database:
        tasks = benchmark.pedantic(lambda: STRATEGIES[name]().choose(Network(database, symmetry), [], 8), rounds=1)
    assert tasks
    compare(f"{name} in {N_MINIMA} minima of LJ38", benchmark.stats.stats.min, "s", aim="at most 10 s")
