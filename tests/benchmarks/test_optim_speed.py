"""Speed of transition state searches and connections, beside the Fortran OPTIM and pele on the same kind of machine."""

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from common.formats import coordinates
from optim.connect import Connector, as_minimum
from optim.jobs import connect
from optim.settings import OptimSettings, default_settings
from optim.single_ended import search
from potentials.lj import LennardJones

EXAMPLE = Path(__file__).resolve().parents[2] / "../shared/wales/examples/LJ38_03_optim"

pytestmark = pytest.mark.benchmark(group="optim")


def network(layers, inputs, classes, lam):
    from potentials.mlp import MultilayerPerceptron

    return MultilayerPerceptron(layers, inputs, classes, lam)


def prediction_network():
    """[2, 10, 4, 1000, 1e-4] on the data set D1 of Chitturi et al. (2020)."""
    from potentials.datasets.ljat3 import generate

    data = generate(2.0 * np.sqrt(3.0), 1000, 6)
    return network((2, 10, 4), data.inputs, data.classes, 1e-4)


def exclusive_or():
    from potentials.datasets.xor import xor_data

    return network((2, 6, 2), *xor_data(), 1e-5)


#: Potential, transition states to find from each start, starts, goal per second.
FRESH = {
    "LJ13": (lambda: LennardJones(13), 200, 2, 300),
    "LJ38": (lambda: LennardJones(38), 100, 2, 100),
    "XOR": (exclusive_or, 10, 10, 300),
    "D1": (prediction_network, 20, 1, 10),
}


def discover(potential, settings, count, seed):
    """CPU seconds in which ``count`` distinct, verified transition states are found from one random minimum."""
    rng = np.random.default_rng(seed)
    known, states, made = Connector(potential, settings, rng), [], Counter()
    known.add_minimum(as_minimum(potential, potential.random_coordinates(rng), settings))
    began = time.process_time()
    while len(states) < count and made.total() < 10 * count:
        least = min(range(len(known.minima)), key=lambda k: made[k])
        made[least] += 1
        for triple in search(potential, known.minima[least], settings, rng, 4, states):
            states.append(triple.transition_state)
            known.add_minimum(triple.plus)
            known.add_minimum(triple.minus)
    return len(states), time.process_time() - began


@pytest.mark.parametrize("name", FRESH)
def test_fresh_transition_states_per_second(benchmark, compare, name):
    """Distinct transition states with both minima, by single-ended searches while the landscape is fresh."""
    build, count, starts, goal = FRESH[name]
    potential = build()
    settings = default_settings(potential).with_changes(eigenvalues=False)

    def run():
        found = [discover(potential, settings, count, seed) for seed in range(starts)]
        return sum(n for n, _ in found) / sum(seconds for _, seconds in found)

    rate = benchmark.pedantic(run, rounds=2, warmup_rounds=1)
    label = f"{name}, CPU per distinct verified transition state, fresh landscape"
    compare(label, 1e3 / rate, "ms", beside=f"goal ({goal} per second)", that=1e3 / goal)
    assert rate > 0.1 * goal


@pytest.mark.skipif(not EXAMPLE.exists(), reason="the LJ38 example is not at hand")
def test_lj38_connection(benchmark, compare):
    """The published connection; Fortran OPTIM median 0.99 s and 58,000-230,000 evaluations, pele median 1.1 s."""
    lines = (EXAMPLE / "odata").read_text().splitlines()
    start = np.array([line.split()[1:] for line in lines if line.startswith("AX ")], dtype=float).ravel()
    finish = coordinates.read(EXAMPLE / "finish", 114).coordinates
    settings = OptimSettings(distance_tolerance=0.2, tries=1, image_density=20.0, iteration_density=20.0, image_max=30)
    settings.image_increment, settings.first_images, settings.first_iterations = 0.0, 50, 500

    def run():
        return connect(start, finish, LennardJones(38, 5.0), settings)

    result = benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    compare("LJ38 connection", result.seconds, "s", beside="Fortran OPTIM, known figure", that=0.99)
    compare("LJ38 connection", result.seconds, "s", beside="pele, known figure", that=1.1)
    assert result.connected
    assert result.seconds < 3.0
