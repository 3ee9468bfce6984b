"""The kernels of potentials/cuda on a processor without a device, for tests."""

import shutil

import pytest

from potentials.cuda.emulated import EmulatedDevice


def emulated_device(request, seed=0):
    """An `EmulatedDevice`, its kernels kept in the cache of pytest; skips the test without a C++ compiler."""
    if not (shutil.which("g++") or shutil.which("c++")):
        pytest.skip("no C++ compiler")
    return EmulatedDevice(seed, request.config.cache.mkdir("cuda_kernels"))
