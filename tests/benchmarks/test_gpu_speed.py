"""Figures of a device, printed as the rows of the table in docs/gpu.md; `make test-gpu`."""

import time

import numpy as np
import pytest

from common.errors import InputError
from gmin.settings import QuenchSettings, WalkerSettings
from potentials.cuda.batch import device_potential, quench_values
from potentials.cuda.device import Device
from potentials.cuda.large_network import LargeNetworkBatch
from potentials.cuda.starts import random_starts
from potentials.cuda.walkers import DeviceWalkers
from potentials.lj import LennardJones
from potentials.mlp import MultilayerPerceptron

pytestmark = pytest.mark.gpu

LJ38_MINIMUM = -173.928427


@pytest.fixture(scope="module")
def device():
    try:
        made = Device()
    except InputError as error:
        pytest.skip(str(error))
    yield made
    made.close()


@pytest.fixture
def row(capsys):
    def write(what, figure, unit, aim):
        with capsys.disabled():
            print(f"\n| {what} | {figure:.4g} {unit} | {aim} |")

    return write


def network(layers, n_items):
    rng = np.random.default_rng(5)
    return MultilayerPerceptron(layers, rng.normal(size=(n_items, layers[0])), rng.integers(0, layers[-1], n_items), 1e-4)


def seconds(device, work, wait, rounds=5):
    """Shortest wall time of one of some rounds, the first left out; ``wait`` is memory that the work writes."""
    best = np.inf
    for k in range(rounds + 1):
        begin = time.perf_counter()
        work()
        device.download(wait)
        if k:
            best = min(best, time.perf_counter() - begin)
    return best


def evaluations_per_second(device, potential, count, repeats):
    """Rate of evaluations of points that lie in the memory of the device."""
    batch = device_potential(potential, device)
    rng = np.random.default_rng(3)
    x = device.upload(np.tile([potential.random_coordinates(rng) for _ in range(64)], (count // 64, 1)))
    energy, gradient, look = device.empty(count), device.empty(x.shape), device.empty(1)
    values = {"n_points": count, "x": x.address, "energy": energy.address, "gradient": gradient.address}

    def work():
        for _ in range(repeats):
            batch.launch("energy_gradients", batch.grid(count), 2 * batch.n_variables, values)

    return count * repeats / seconds(device, work, look)


def test_lennard_jones_evaluations(device, row):
    row("LJ38 energy and gradient", evaluations_per_second(device, LennardJones(38), 1 << 17, 10), "/s", "100 million/s")


def test_network_evaluations(device, row):
    rate = evaluations_per_second(device, network((2, 10, 4), 1000), 1 << 15, 5)
    row("[2,10,4] of 1000 items, loss and gradient", rate, "/s", "5 million/s")


def test_quenches(device, row):
    potential, count = LennardJones(38), 1 << 16
    batch, settings = device_potential(potential, device), QuenchSettings(rms=1e-2)
    rng = np.random.default_rng(3)
    x = device.upload(np.tile([potential.random_coordinates(rng) for _ in range(1024)], (count // 1024, 1)))
    out = {name: device.empty(x.shape) for name in ("final_x", "gradient")}
    out |= {name: device.empty(count) for name in ("energy", "final_rms")}
    out |= {name: device.empty(count, np.int64) for name in ("iterations", "calls", "status")}
    queue = device.upload([0], np.uint64)
    shared, rows = batch.rows(settings.history, batch.grid(count))
    values = {
        **quench_values(settings), **{name: m.address for name, m in out.items()}, "n_points": count, "x": x.address,
        "queue": queue.address, "rows": rows.address if rows else 0,
    }  # fmt: skip

    def work():
        device.write(queue, np.zeros(1, dtype=np.uint64))
        batch.launch("quenches", batch.grid(count), shared, values)

    taken = seconds(device, work, queue)
    row("LJ38 quenches from random points", count / taken, "/s", "400,000/s")
    row("evaluations in them", device.download(out["calls"]).sum() / taken, "/s", "")


def test_products_of_a_large_network(device, row):
    potential, count = network((784, 10, 10), 1000), 256
    batch = LargeNetworkBatch(potential, device)
    rng = np.random.default_rng(3)
    x = device.upload(np.array([potential.random_coordinates(rng) for _ in range(count)]))
    energy, gradient = device.empty(count), device.empty(x.shape)
    taken = seconds(device, lambda: batch._evaluate(count, x, energy, gradient), energy)
    # forward and backward products; nothing goes back to the inputs
    flops = 2.0 * 1000 * count * (2 * 784 * 10 + 3 * 10 * 10)
    size = 8192
    a, b, c = (device.empty((size, size)) for _ in range(3))
    for m in (a, b):
        device.write(m, np.zeros(1))
    look = device.empty(1)
    square = seconds(device, lambda: device.products((False, False), (size,) * 3, a, b, c, (0, 0, 0), 1), look)
    peak = 2.0 * size**3 / square
    row("[784,10,10] of 1000 items, batch of 256", count / taken, "/s", "")
    row("its products beside a large square product", 100.0 * flops / taken / peak, "%", "50 %")
    row("the large square product", peak * 1e-12, "TFLOP/s", "")


def test_first_encounter_of_lj38(device, row):
    potential = LennardJones(38)
    settings = WalkerSettings(
        quench=QuenchSettings(rms=1e-2), step=0.4, astep=0.4, temperature=0.8, targets=(LJ38_MINIMUM,), ediff=1e-3, radius=4.0,
        centre=(0.0, 0.0, 0.0),
    )  # fmt: skip
    batch, n = device_potential(potential, device), 16 * device.multiprocessors
    times = []
    for seed in range(20):
        begin = time.perf_counter()
        walkers = DeviceWalkers(batch, n, seed, settings, angular=True)
        walkers.start(random_starts(batch, n, seed))
        while not walkers.run(4).hit:
            pass
        times.append(time.perf_counter() - begin)
    row("LJ38 global minimum, mean wall time of a search", 1e3 * np.mean(times), "ms", "50 ms")
