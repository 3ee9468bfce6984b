"""Speed of basin-hopping, beside the figures of other programs on this kind of machine."""

import time
from pathlib import Path

import numpy as np
import pytest

from gmin._basin_hopping import CANDIDATES_FULL, RECORD, Walker
from gmin._memory import SavedList, Seen
from gmin.run import run
from gmin.settings import QuenchSettings, WalkerSettings
from gmin.verification import cluster_verifier, verify
from potentials.lj import LennardJones

EXAMPLE = Path(__file__).resolve().parents[2] / "../shared/wales/examples/LJ38_01_gmin"
#: Quenches per second of LJ38 with SLOPPYCONV 5D-3: Fortran GMIN with output, pele without and with its database.
PEERS = {"GMIN": 1662.0, "pele": 1990.0, "pele with database": 680.0}


def make_walker(seed=1):
    settings = WalkerSettings(
        quench=QuenchSettings(rms=5e-3, max_iterations=600),
        step=0.4,
        astep=0.51,
        temperature=1.0,
        ediff=0.003,
        centre=(0.0, 0.0, 0.0),
    )
    potential = LennardJones(38)
    walker = Walker(potential, np.random.PCG64(seed), settings, SavedList(2, 114, 0.003), Seen(3e-5, 2e-4), 38, True)
    y, e, *_ = walker.quench_point(potential.random_coordinates(np.random.default_rng(seed)))
    walker.set_state(y, e)
    return walker


def take(walker, n):
    while n:
        done, event = walker.run(np.zeros(n, dtype=RECORD))
        n -= done
        if event == CANDIDATES_FULL:
            walker.take_candidates()


def test_quenches_of_lj38(benchmark, compare):
    walker = make_walker()
    take(walker, 200)
    n, rounds = 1000, 3
    before = walker.calls
    benchmark.pedantic(take, args=(walker, n), rounds=rounds)
    seconds = benchmark.stats.stats.min
    per_call = seconds * rounds / (walker.calls - before) * 1e6
    rate = n / seconds
    compare("LJ38 basin-hopping, per evaluation, all in", per_call, "us")
    for name, peer in PEERS.items():
        compare("LJ38 basin-hopping, per quench", 1e6 / rate, "us", beside=f"{name}, known figure", that=1e6 / peer)
    assert rate > PEERS["GMIN"]


def test_verification_of_lj38_minima(benchmark, compare):
    walker = make_walker()
    take(walker, 300)
    candidates = walker.take_candidates()[:100]
    potential = LennardJones(38)
    verifier = cluster_verifier(potential)
    benchmark.pedantic(verify, args=(potential, candidates, verifier), rounds=3)
    seconds = benchmark.stats.stats.min / len(candidates)
    compare("LJ38 minimum verified", seconds * 1e6, "us", aim="1000 us")
    assert seconds < 1e-3


@pytest.mark.skipif(not EXAMPLE.exists(), reason="needs the reference examples beside the project")
@pytest.mark.parametrize("database", [True, False])
def test_the_tutorial_run(benchmark, compare, tmp_path, database):
    """5000 steps of LJ38 with all files, with and without the database: CPU of all threads and wall clock."""
    for name in ("data", "coords"):
        (tmp_path / name).write_text((EXAMPLE / name).read_text())
    if not database:
        with (tmp_path / "data").open("a") as file:
            file.write("\nNODATABASE\n")
    before = time.process_time()
    benchmark.pedantic(run, args=(tmp_path,), rounds=1)
    cpu, wall = time.process_time() - before, benchmark.stats.stats.min
    peer = "pele with database" if database else "GMIN"
    name = f"LJ38, 5000 steps of gmin {'with' if database else 'without'} the database"
    compare(name, wall, "s", beside=f"{peer}, known figure", that=5000 / PEERS[peer])
    compare(f"{name}, CPU of all threads", cpu, "s")
    assert 5000 / wall > PEERS[peer]


@pytest.mark.slow
def test_first_encounter_of_lj38(benchmark):
    """Quenches until the truncated octahedron, plain moves without NEWRESTART, over a few starts."""
    spent = []

    def search():
        for seed in range(5):
            walker = make_walker(seed)
            while walker.best_energy > -173.92 and walker.quench < 40000:
                take(walker, 100)
            spent.append(walker.quench)

    benchmark.pedantic(search, rounds=1)
    print(f"\nLJ38 first encounters without NEWRESTART: {sorted(spent)} quenches")
