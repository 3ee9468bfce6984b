"""The kernels of the device, run on the processor by the emulator, beside the Cython potentials."""

import ctypes
import os
import re
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from cuda_emulator import emulated_device
from instances import network, regression, taught

from common.errors import InputError
from common.lbfgs import minimise
from potentials.cuda.batch import SCRATCH, NetworkBatch, device_potential, shares
from potentials.cuda.compiler import compiled_for_device, find_nvcc
from potentials.cuda.device import device_number
from potentials.cuda.large_network import LargeNetworkBatch
from potentials.cuda.parameters import SOURCES, kernel_names, parameters, parameters_type
from potentials.cuda.starts import random_starts
from potentials.lj import LennardJones
from potentials.ljat import LennardJonesAxilrodTeller

POTENTIALS = {
    "LJ2": lambda: LennardJones(2),
    "LJ13": lambda: LennardJones(13),
    "LJ38 in a container": lambda: LennardJones(38, radius=2.5),
    "LJ70": lambda: LennardJones(70),
    "LJAT3": lambda: LennardJonesAxilrodTeller(3, 2.0),
    "LJAT13 in a container": lambda: LennardJonesAxilrodTeller(13, 0.3, radius=1.8),
    "one hidden layer": lambda: network((2, 10, 4), 33),
    "two": lambda: network((3, 5, 4, 2), 200),
    "three, no biases": lambda: network((3, 4, 3, 4, 2), 7, has_biases=False),
    "biases free": lambda: network((2, 6, 3), 40, regularise_biases=False),
    "local": lambda: network((6, 9, 3), 50, neighbours=2),
    "taught": taught,
    "13 inputs": lambda: network((13, 7, 3), 129, lam=0.0),
}


@pytest.fixture(params=[0, 1, 7], ids=["in order", "shuffled", "shuffled otherwise"])
def device(request):
    return emulated_device(request, request.param)


@pytest.fixture
def shuffled(request):
    return emulated_device(request, 3)


def points(potential, count, seed=4):
    rng = np.random.default_rng(seed)
    x = np.array([potential.random_coordinates(rng) for _ in range(count)])
    return 1.2 * x if hasattr(potential, "n_atoms") else x


def close(got, wanted):
    """To 1e-12 of the largest number."""
    assert np.abs(got - wanted).max() <= 1e-12 * np.abs(wanted).max()


@pytest.mark.parametrize("name", POTENTIALS)
def test_energies_and_gradients_are_those_of_the_processor(name, device):
    potential = POTENTIALS[name]()
    x = points(potential, 3)
    energies, gradients = device_potential(potential, device).energy_gradient(x)
    for k, point in enumerate(x):
        energy, gradient = potential.energy_gradient(point)
        assert energies[k] == pytest.approx(energy, rel=1e-12)
        close(gradients[k], gradient)


@pytest.mark.parametrize("name", POTENTIALS)
def test_products_are_those_with_the_hessian(name, shuffled):
    potential = POTENTIALS[name]()
    x = points(potential, 2)
    v = np.random.default_rng(1).normal(size=x.shape)
    products = device_potential(potential, shuffled).hessian_vector(x, v)
    for k, point in enumerate(x):
        close(products[k], potential.hessian(point) @ v[k])


@pytest.mark.parametrize("count", [0, 1, 2, 65, 150])
def test_batches_of_any_size(count, shuffled):
    potential = LennardJones(5)
    batch = device_potential(potential, shuffled)
    x = points(potential, count) if count else np.empty((0, 15))
    energies, gradients = batch.energy_gradient(x)
    assert energies.shape == (count,)
    assert gradients.shape == x.shape
    assert batch.calls == count
    for k in range(count):
        assert energies[k] == pytest.approx(potential.energy(x[k]), rel=1e-12)


def test_wrong_shapes_are_refused(shuffled):
    batch = device_potential(LennardJones(5), shuffled)
    with pytest.raises(ValueError, match=r"shape \(B, 15\)"):
        batch.energy_gradient(np.zeros((2, 14)))
    with pytest.raises(ValueError, match="directions"):
        batch.hessian_vector(np.zeros((2, 15)), np.zeros((1, 15)))


def test_the_order_of_threads_changes_no_bit(request):
    potential = network((3, 6, 4), 150)
    x = points(potential, 2)
    results = [device_potential(potential, emulated_device(request, seed)).energy_gradient(x) for seed in (0, 1, 2)]
    for energies, gradients in results[1:]:
        assert (energies == results[0][0]).all()
        assert (gradients == results[0][1]).all()


# --- quenches ---------------------------------------------------------------------------------------------------------


class Settings:
    """Of a quench, as gmin.settings.QuenchSettings has them."""

    def __init__(self, **given):
        self.rms, self.max_iterations, self.history, self.max_step = 1e-7, 2000, 4, 0.4
        self.max_rise, self.diagonal, self.floor = 1e-10, 0.1, -1e6
        vars(self).update(given)


def on_the_processor(potential, x, settings):
    return [minimise(potential, point, **vars(settings)) for point in x]


@pytest.mark.parametrize(
    ("build", "count"),
    [(lambda: LennardJones(7), 14), (lambda: LennardJonesAxilrodTeller(3, 2.0), 25), (lambda: network((2, 4, 3), 32), 4)],
    ids=["LJ7", "LJAT3", "network"],
)
def test_quenches_end_in_the_minima_of_the_processor(build, count, shuffled):
    potential = build()
    x = points(potential, count)
    settings = Settings()
    found = device_potential(potential, shuffled).quench(x, settings)
    wanted = np.array([r.energy for r in on_the_processor(potential, x, settings)])
    assert (found.status == 0).all()
    assert (found.rms < settings.rms).all()
    # the same minima; from a start near the edge of two basins the last bit decides between them
    assert set(np.round(found.energy, 6)) == set(np.round(wanted, 6))
    assert np.isclose(found.energy, wanted, rtol=1e-8).mean() > 0.9
    for k in range(count):
        energy, gradient = potential.energy_gradient(found.coordinates[k])
        assert found.energy[k] == pytest.approx(energy, rel=1e-12)
        assert np.abs(gradient - found.gradient[k]).max() < 1e-11


def test_the_first_steps_are_the_same_numbers(shuffled):
    potential = LennardJones(13)
    x = points(potential, 5)
    for steps in (0, 1, 5, 12):
        settings = Settings(max_iterations=steps, history=3)
        found = device_potential(potential, shuffled).quench(x, settings)
        for k, r in enumerate(on_the_processor(potential, x, settings)):
            assert (found.status[k], found.iterations[k], found.calls[k]) == (r.status, r.iterations, r.calls)
            assert found.rms[k] == pytest.approx(r.rms, rel=1e-7)
            assert np.abs(found.coordinates[k] - r.coordinates).max() < 1e-8


def test_endings_that_are_not_convergence(shuffled):
    batch = device_potential(LennardJones(4), shuffled)
    x = points(batch.potential, 1)
    assert batch.quench(x, Settings(floor=100.0)).status == [4]
    # no step lowers the energy by as much as this
    assert batch.quench(x, Settings(max_rise=-1e30)).status == [3]
    together = np.zeros((1, 12))
    assert batch.quench(together, Settings()).status == [2]
    assert [len(a) for a in (batch.quench(np.empty((0, 12)), Settings()).energy,)] == [0]


def test_rows_that_shared_memory_has_no_room_for(shuffled):
    """A long memory: the rows of L-BFGS go to the memory of the device."""
    potential = LennardJones(7)
    batch = device_potential(potential, shuffled)
    settings = Settings(history=120, max_iterations=8)
    assert batch.rows(4, 1)[1] is None
    assert batch.rows(120, 1)[1] is not None
    x = points(potential, 2)
    found = batch.quench(x, settings)
    assert found.energy == pytest.approx(np.array([r.energy for r in on_the_processor(potential, x, settings)]), rel=1e-8)


# --- networks whose layers are left to a library ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["one hidden layer", "two", "three, no biases", "biases free", "local", "taught"])
def test_large_networks_are_those_of_the_processor(name, shuffled):
    potential = POTENTIALS[name]()
    batch = LargeNetworkBatch(potential, shuffled)
    batch.threads = 64
    # three points in two goes
    batch.most = 2
    x = points(potential, 3)
    v = np.random.default_rng(1).normal(size=x.shape)
    energies, gradients = batch.energy_gradient(x)
    products = batch.hessian_vector(x, v)
    again, _ = batch.energy_gradient(x)
    assert (again == energies).all()
    for k, point in enumerate(x):
        energy, gradient = potential.energy_gradient(point)
        assert energies[k] == pytest.approx(energy, rel=1e-12)
        close(gradients[k], gradient)
        close(products[k], potential.hessian(point) @ v[k])


def test_quenches_in_step_with_the_products(shuffled):
    """Five points through three slots: the first steps are those of the processor."""
    potential = network((2, 3, 2), 12)
    batch = LargeNetworkBatch(potential, shuffled)
    batch.threads, batch.most = 32, 3
    x = points(potential, 5)
    settings = Settings(max_iterations=7, rms=1e-3)
    found = batch.quench(x, settings)
    for k, r in enumerate(on_the_processor(potential, x, settings)):
        assert (found.status[k], found.iterations[k], found.calls[k]) == (r.status, r.iterations, r.calls)
        assert np.abs(found.coordinates[k] - r.coordinates).max() < 1e-9
    assert batch.calls == found.calls.sum()


def test_a_network_too_large_for_a_block(request):
    potential = network((784, 10, 10), 20)
    device = emulated_device(request)
    device.shared_limit = 64 * 1024
    assert isinstance(device_potential(potential, device), LargeNetworkBatch)
    assert isinstance(device_potential(network((2, 10, 4), 1000), device), NetworkBatch)


# --- what the host takes care of --------------------------------------------------------------------------------------


def test_the_structure_is_the_same_on_both_sides():
    text = re.sub(r"/\*.*?\*/", "", (SOURCES / "parameters.h").read_text(), flags=re.DOTALL)
    assert len(parameters_type().names) == text.count(";") - 1
    assert parameters_type().itemsize == 8 * len(parameters_type().names)
    with pytest.raises(KeyError):
        parameters({"unheard_of": 1})
    assert "#define SCRATCH (SUMS_AT_ONCE * WARP)" in (SOURCES / "block.h").read_text()
    assert SCRATCH == 3 * 32


def test_random_numbers_are_those_published(request):
    """Known answers of Random123 for Philox-4x32-10: counter and key zero, all ones, and digits of pi."""
    library = emulated_device(request).library
    known = (
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    )  # fmt: skip
    for counter, key, wanted in known:
        words = (ctypes.c_uint * 4)(*counter)
        library.emulated_philox(words, ctypes.c_uint(key[0]), ctypes.c_uint(key[1]))
        assert tuple(words) == wanted


def test_random_starts_are_those_of_the_potential(shuffled):
    rng = np.random.default_rng(0)
    for potential in (LennardJones(20), LennardJonesAxilrodTeller(13, 1.0, radius=2.5)):
        batch = device_potential(potential, shuffled)
        x = random_starts(batch, 60, 3).reshape(60, -1, 3)
        single = points(potential, 60).reshape(60, -1, 3) / 1.2
        first, second = np.triu_indices(x.shape[1], 1)
        assert np.linalg.norm(x[:, first] - x[:, second], axis=2).min() > 0.5
        sizes = [np.linalg.norm(a, axis=2) for a in (x, single)]
        assert sizes[0].max() == pytest.approx(sizes[1].max(), rel=0.02)
        assert sizes[0].mean() == pytest.approx(sizes[1].mean(), rel=0.03)
        assert np.abs(x.mean(axis=(0, 1))).max() < 0.2
        assert (random_starts(batch, 60, 3).ravel() == x.ravel()).all()
        assert (random_starts(batch, 60, 4).ravel() != x.ravel()).all()
    network_batch = device_potential(network((2, 3, 2), 5), shuffled)
    assert (random_starts(network_batch, 4, 0) == [network_batch.potential.random_coordinates(rng) for _ in range(4)]).all()


def test_threads_share_long_sums():
    assert shares(1, 1000, 32) == 32
    assert shares(1000, 10, 32) == 1
    assert shares(38, 38, 32) in (2, 4)


def test_other_potentials_are_refused(shuffled):
    for potential in (regression(), LennardJones(5, cutoff=2.0), LennardJones(5, box=4.0)):
        with pytest.raises(InputError, match="CUDA has no kernels for"):
            device_potential(potential, shuffled)


def test_choice_of_the_device():
    assert device_number(4, 2, {}) == 2
    assert device_number(4, None, {}) == 0
    assert device_number(4, None, {"SLURM_LOCALID": "6"}) == 2
    assert device_number(1, None, {"SLURM_LOCALID": "3"}) == 0
    with pytest.raises(InputError, match="no device 4"):
        device_number(4, 4, {})
    with pytest.raises(InputError, match="sees no device"):
        device_number(0, None, {})


def test_without_a_device_the_remedy_is_named(monkeypatch):
    """Whatever is missing here (package, driver or device), it is one line of input error."""
    from potentials.cuda.device import load_pycuda

    monkeypatch.setitem(sys.modules, "pycuda", None)
    with pytest.raises(InputError, match=r"pip install 'energy-landscapes\[gpu\]'"):
        load_pycuda()


def test_nothing_of_it_is_loaded_unasked():
    code = "import sys, potentials.lj, potentials.mlp, gmin.run; assert not [m for m in sys.modules if 'cuda' in m]"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


@pytest.mark.slow
@pytest.mark.skipif(find_nvcc() is None, reason="no nvcc")
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_nvcc_compiles_every_kernel(architecture, tmp_path):
    path = compiled_for_device(architecture, tmp_path)
    code = path.read_bytes()
    assert all(name.encode() in code for name in kernel_names())
    # compiled once
    before = path.stat().st_mtime_ns
    assert compiled_for_device(architecture, tmp_path) == path
    assert path.stat().st_mtime_ns == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_barrier_that_not_all_threads_reach_ends_the_program(request):
    """The emulator notices what a device would hang in."""
    path = emulated_device(request).library._name
    code = f"import ctypes; ctypes.CDLL({path!r}).emulated_missed_barrier()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode != 0
    assert "barrier that not all threads reach" in done.stderr


def test_layers_are_where_the_processor_has_them(shuffled):
    """Weights of the last layer are found: a change of one moves the energy by its gradient."""
    potential = network((3, 4, 5, 2), 40)
    assert potential.n_weights == sum(a * b for a, b in pairwise(potential.layers))
    batch = device_potential(potential, shuffled)
    x = points(potential, 1)
    _, gradient = batch.energy_gradient(x)
    h = 1e-6
    for k in (0, potential.n_weights - 1, potential.n_variables - 1):
        ends = np.repeat(x, 2, axis=0)
        ends[:, k] += (h, -h)
        energies, _ = batch.energy_gradient(ends)
        assert (energies[0] - energies[1]) / (2 * h) == pytest.approx(gradient[0, k], abs=1e-8)
