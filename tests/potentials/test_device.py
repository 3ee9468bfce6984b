"""device.py itself, over a driver and a cuBLAS that run the kernels by the emulator."""

import numpy as np
import pytest
from cuda_emulator import emulated_device
from fake_pycuda import FakeCublas, FakeDriver
from instances import network

import potentials.cuda.device as module
from common.errors import InputError
from optim.on_device import DeviceServer
from optim.requests import Minimise
from optim.settings import default_settings
from potentials.cuda.batch import device_potential
from potentials.cuda.device import Device, cublas_files
from potentials.cuda.large_network import LargeNetworkBatch
from potentials.cuda.parameters import kernel_names
from potentials.lj import LennardJones


@pytest.fixture
def driver(request, monkeypatch, tmp_path):
    """Device() finds this driver, and a cubin."""
    fake = FakeDriver(emulated_device(request, 1).library)
    code = tmp_path / "kernels.cubin"
    code.write_bytes(b"code")
    asked = []
    monkeypatch.setattr(module, "load_pycuda", lambda: fake)
    monkeypatch.setattr(module, "compiled_for_device", lambda architecture: asked.append(architecture) or code)
    fake.asked = asked
    return fake


def test_what_a_device_is_asked_for(driver):
    device = Device(1)
    assert (device.name, device.number, device.multiprocessors) == ("a device", 1, 2)
    assert driver.asked == ["sm_90"]
    assert driver.stack == [1]
    assert set(device.kernels) == set(kernel_names())
    assert all(kernel.limit == device.shared_limit for kernel in device.kernels.values())
    device.close()
    device.close()
    assert driver.stack == []


def test_memory(driver):
    device = Device()
    for array in (np.arange(6.0).reshape(2, 3), np.empty((0, 3))):
        assert np.array_equal(device.download(device.upload(array)), array)
    numbers = device.upload([1, 2, 3], np.int64)
    device.write(numbers, 7)
    assert device.download(numbers).tolist() == [7, 7, 7]
    # what is not contiguous, or of another type
    assert np.array_equal(device.download(device.upload(np.arange(6.0).reshape(2, 3).T)), np.arange(6.0).reshape(2, 3).T)
    device.close()


def test_kernels_and_tasks(driver):
    device = Device()
    potential = LennardJones(6)
    x = np.random.default_rng(0).normal(size=(3, 18)) * 2.0
    energies, gradients = device_potential(potential, device).energy_gradient(x)
    for k, point in enumerate(x):
        energy, gradient = potential.energy_gradient(point)
        assert energies[k] == pytest.approx(energy, rel=1e-12)
        assert np.abs(gradients[k] - gradient).max() <= 1e-12 * np.abs(gradient).max()
    server = DeviceServer(potential, device)
    settings = default_settings(potential)
    ((found, _),) = server.serve([Minimise(potential, 0.6 * x[0], settings, 1e-5, 500)])
    assert found.converged
    assert "cluster_tasks" in driver.launched
    device.close()


def test_products_of_large_networks(driver, monkeypatch):
    library = FakeCublas()
    monkeypatch.setattr(module.ctypes, "CDLL", lambda name: library)
    device = Device()
    potential = network((3, 5, 4, 2), 40)
    batch = LargeNetworkBatch(potential, device)
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(2, 3, potential.n_variables))
    for _ in range(2):
        energies, gradients = batch.energy_gradient(x)
        products = batch.hessian_vector(x, v)
        for k, point in enumerate(x):
            energy, gradient = potential.energy_gradient(point)
            assert energies[k] == pytest.approx(energy, rel=1e-12)
            assert np.abs(gradients[k] - gradient).max() <= 1e-12 * np.abs(gradient).max()
            assert np.abs(products[k] - potential.hessian(point) @ v[k]).max() <= 1e-11 * np.abs(products[k]).max()
    assert library.handles == 1
    device.close()
    assert library.handles == 0


def test_devices_that_cannot_be_used(driver):
    driver.occupied = True
    with pytest.raises(InputError, match=r"device 0 cannot be used \(cuDevicePrimaryCtxRetain failed"):
        Device()
    driver.occupied, driver.capability = False, (6, 1)
    with pytest.raises(InputError, match=r"compute capability 6\.1; 7\.0 or newer"):
        Device()
    assert driver.stack == []
    driver.capability = (9, 0)
    driver.module_from_buffer = lambda code: (_ for _ in ()).throw(FakeDriver.Error("no kernel image"))
    with pytest.raises(InputError, match="no kernel image"):
        Device()
    # the context was given back
    assert driver.stack == []


def test_a_machine_without_cublas(driver, monkeypatch, tmp_path):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(module.ctypes, "CDLL", missing)
    device = Device()
    with pytest.raises(InputError, match="no libcublas"):
        device.products((False, False), (1, 1, 1), *(device.empty(1) for _ in range(3)), (0, 0, 0), 1)
    device.close()
    (tmp_path / "lib64").mkdir()
    (tmp_path / "lib64" / "libcublas.so.12").touch()
    monkeypatch.setenv("CUDA_HOME", str(tmp_path))
    assert cublas_files()[0] == str(tmp_path / "lib64" / "libcublas.so.12")
