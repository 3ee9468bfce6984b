"""Speed of Monte Carlo moves, beside the bare potential."""

import time

import numpy as np

from gmin._exchange import SETS, Exchange
from gmin._monte_carlo import Replicas
from gmin.monte_carlo import inside
from gmin.tempering import MonteCarloSettings, geometric_ladder
from potentials.lj import LennardJones


def make_replicas(pairs, n_atoms=31, n_replicas=8):
    temperatures = geometric_ladder(0.05, 0.4, n_replicas)
    mc = MonteCarloSettings(
        n_equilibration=0, n_plain=10**7, n_quench=0, energy_range=(-134.0, -50.0), n_bins=2500, quench_range=(0.0, 1.0),
        n_quench_bins=1, n_atoms=n_atoms, pairs=pairs, radius=2.5, step=0.06 if pairs else 0.006, adjust=False,
        sample_every=10**6,
    )  # fmt: skip
    exchange = Exchange(np.random.PCG64(1), 1.0 / np.array(temperatures), SETS, 0.1, False)
    generators = [np.random.PCG64(k) for k in range(n_replicas)]
    x = inside(LennardJones(n_atoms).random_coordinates(np.random.default_rng(1)), 2.5)
    from common.lbfgs import minimise

    x = inside(minimise(LennardJones(n_atoms, radius=2.5), x).coordinates, 2.5)
    return Replicas([LennardJones(n_atoms)], generators, temperatures, exchange, [x] * n_replicas, mc), x


def measure(replicas, steps):
    """CPU seconds per step of one replica."""
    begin = time.process_time()
    replicas.advance(steps)
    return (time.process_time() - begin) / steps / replicas.n_replicas


def test_moves_of_lj31_beside_the_bare_potential(benchmark):
    (sweeps, x), (whole, _) = make_replicas(True), make_replicas(False)
    potential = LennardJones(31)
    rows = []
    for _ in range(5):
        begin = time.process_time()
        potential.time_calls(x, 5000)
        bare = (time.process_time() - begin) / 5000
        rows.append((bare, measure(sweeps, 400), measure(whole, 1000)))
    bare, sweep, step = np.min(rows, axis=0)
    move = sweep / 31
    print(
        f"\nLJ31: energy and gradient {bare * 1e6:.3f} us; a single-atom move {move * 1e9:.1f} ns, {1e-6 / move:.1f} million/s,"
        f" ratio {move / bare:.3f}; a sweep {sweep * 1e6:.2f} us; a move of all variables {step * 1e6:.3f} us,"
        f" ratio {step / bare:.2f}"
    )
    benchmark.pedantic(sweeps.advance, args=(200,), rounds=3)
    # a move of one atom meets 2 x 30 distances of 465; random numbers and the decision come on top
    assert move < 0.35 * bare
    assert step < 2.5 * bare
