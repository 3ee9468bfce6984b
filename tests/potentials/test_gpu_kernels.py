"""The kernels on a device, beside the Cython potentials; `make test-gpu` on a machine that has one."""

import numpy as np
import pytest
from instances import network, taught

from common.errors import InputError
from common.lbfgs import minimise
from potentials.cuda.batch import device_potential
from potentials.cuda.device import Device
from potentials.cuda.large_network import LargeNetworkBatch
from potentials.lj import LennardJones
from potentials.ljat import LennardJonesAxilrodTeller

pytestmark = pytest.mark.gpu

BUILDS = {
    "LJ2": lambda: LennardJones(2),
    "LJ38": lambda: LennardJones(38),
    "LJ75 in a container": lambda: LennardJones(75, radius=3.0),
    "LJ300": lambda: LennardJones(300),
    "LJAT3": lambda: LennardJonesAxilrodTeller(3, 2.0),
    "LJAT38": lambda: LennardJonesAxilrodTeller(38, 0.3),
    "one hidden layer": lambda: network((2, 10, 4), 1000),
    "three": lambda: network((3, 8, 7, 6, 4), 333),
    "no biases": lambda: network((2, 5, 3), 77, has_biases=False),
    "local": lambda: network((6, 9, 3), 500, neighbours=2),
    "taught": taught,
    "large": lambda: network((784, 10, 10), 1000),
    "large, two hidden": lambda: network((100, 60, 50, 10), 300),
}


@pytest.fixture(scope="module")
def device():
    try:
        made = Device()
    except InputError as error:
        pytest.skip(str(error))
    yield made
    made.close()


class Settings:
    rms, max_iterations, history, max_step, max_rise, diagonal, floor = 1e-7, 3000, 4, 0.4, 1e-10, 0.1, -1e6


def points(potential, count):
    rng = np.random.default_rng(4)
    x = np.array([potential.random_coordinates(rng) for _ in range(count)])
    return 1.2 * x if hasattr(potential, "n_atoms") else x


@pytest.mark.parametrize("count", [1, 7, 5000])
@pytest.mark.parametrize("name", BUILDS)
def test_same_numbers_as_the_processor(name, count, device):
    potential = BUILDS[name]()
    if count * potential.n_variables > 1 << 21:
        pytest.skip("too many for the processor")
    x = points(potential, min(count, 50))
    x = np.tile(x, (-(-count // len(x)), 1))[:count]
    batch = device_potential(potential, device)
    energies, gradients = batch.energy_gradient(x)
    v = np.random.default_rng(1).normal(size=x.shape)
    products = batch.hessian_vector(x, v)
    for k in sorted({0, count // 2, count - 1}):
        energy, gradient = potential.energy_gradient(x[k])
        assert energies[k] == pytest.approx(energy, rel=1e-12)
        assert np.abs(gradients[k] - gradient).max() <= 1e-12 * np.abs(gradient).max()
        wanted = potential.hessian_vector(x[k], v[k])
        # the processor has it by differences for clusters
        assert np.abs(products[k] - wanted).max() <= 1e-6 * np.abs(wanted).max()


@pytest.mark.parametrize("build", [lambda: LennardJones(7), lambda: network((2, 4, 3), 32)], ids=["LJ7", "network"])
def test_same_set_of_minima(build, device):
    potential = build()
    x = points(potential, 300)
    found = device_potential(potential, device).quench(x, Settings)
    names = ("rms", "max_iterations", "history", "max_step", "max_rise", "diagonal", "floor")
    settings = {name: getattr(Settings, name) for name in names}
    wanted = np.array([minimise(potential, point, **settings).energy for point in x])
    assert (found.status == 0).all()
    assert set(np.round(found.energy, 5)) == set(np.round(wanted, 5))
    assert np.isclose(found.energy, wanted, rtol=1e-7).mean() > 0.9


def test_quenches_in_step(device):
    potential = network((20, 6, 3), 100)
    x = points(potential, 40)
    batch = LargeNetworkBatch(potential, device)
    batch.most = 16
    found = batch.quench(x, Settings)
    assert (found.status == 0).all()
    for k in (0, 39):
        assert potential.energy(found.coordinates[k]) == pytest.approx(found.energy[k], rel=1e-12)


def test_the_same_run_twice(device):
    potential = LennardJones(38)
    x = points(potential, 2000)
    first, again = (device_potential(potential, device).quench(x, Settings) for _ in range(2))
    assert (first.energy == again.energy).all()
    assert (first.coordinates == again.coordinates).all()
