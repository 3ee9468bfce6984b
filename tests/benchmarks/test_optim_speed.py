"""Speed of transition state searches and connections, beside the Fortran OPTIM and pele on the same kind of machine."""

import time
from pathlib import Path

import numpy as np
import pytest

from common.formats import coordinates
from optim.connect import as_minimum
from optim.jobs import connect
from optim.settings import OptimSettings
from optim.single_ended import search
from potentials.lj import LennardJones

EXAMPLE = Path(__file__).resolve().parents[2] / "../shared/wales/examples/LJ38_03_optim"

pytestmark = pytest.mark.benchmark(group="optim")


def test_lj13_transition_states_per_second(benchmark, compare):
    """Verified, distinct transition states with both paths around one minimum; pele 16-23 per second."""
    potential, settings = LennardJones(13), OptimSettings()
    rng = np.random.default_rng(1)
    minimum = as_minimum(potential, potential.random_coordinates(rng), settings)

    def run():
        began = time.process_time()
        triples = search(potential, minimum, settings, np.random.default_rng(2), 100)
        return len(triples) / (time.process_time() - began)

    rate = benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    name = "LJ13, CPU per distinct verified transition state"
    compare(name, 1e3 / rate, "ms", beside="pele, known figure (16-23 per second)", that=50.0)
    assert rate > 30


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
