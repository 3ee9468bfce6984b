"""A driver as pycuda has it, and a cuBLAS, which run the kernels by the emulator: so that device.py runs without a device."""

import ctypes
from types import SimpleNamespace

import numpy as np

from potentials.cuda.parameters import parameters_type


class DriverError(Exception):
    """`pycuda.driver.Error`."""


class Allocation:
    """Memory of the device."""

    def __init__(self, n_bytes):
        self.buffer = ctypes.create_string_buffer(n_bytes)

    def __int__(self):
        return ctypes.addressof(self.buffer)


class Kernel:
    """A function of a module, with the methods of `pycuda.driver.Function` that are used."""

    def __init__(self, driver, name):
        self.driver, self.name, self.arguments, self.limit = driver, name, None, 48 * 1024

    def prepare(self, arguments):
        assert arguments == [f"{parameters_type().itemsize}s"]
        self.arguments = arguments

    def set_attribute(self, attribute, value):
        assert attribute == "dynamic shared"
        self.limit = value

    def prepared_call(self, grid, block, data, shared_size=0):
        assert self.arguments is not None
        assert self.driver.stack
        assert len(data) == parameters_type().itemsize
        assert (len(grid), len(block)) == (2, 3)
        if shared_size > self.limit:
            raise DriverError("cuLaunchKernel failed: invalid argument")
        self.driver.launched.append(self.name)
        structure = ctypes.create_string_buffer(data, len(data))
        status = self.driver.library.emulated_launch(
            self.name.encode(), ctypes.c_uint(grid[0]), ctypes.c_uint(block[0]), ctypes.c_ulonglong(shared_size // 8),
            ctypes.c_uint(1), structure,
        )  # fmt: skip
        assert status == 0


class FakeDriver:
    """The module ``pycuda.driver``.

    Parameters
    ----------
    library : ctypes.CDLL
        Of an `EmulatedDevice`.
    capability : (int, int)
    occupied : bool
        Whether the device is somebody else's.
    """

    Error = DriverError
    device_attribute = SimpleNamespace(MULTIPROCESSOR_COUNT="count", MAX_SHARED_MEMORY_PER_BLOCK_OPTIN="shared")
    function_attribute = SimpleNamespace(MAX_DYNAMIC_SHARED_SIZE_BYTES="dynamic shared")

    def __init__(self, library, capability=(9, 0), occupied=False):
        self.library, self.capability, self.occupied = library, capability, occupied
        self.stack, self.launched = [], []
        driver = self

        class Device:
            """`pycuda.driver.Device`."""

            def __init__(self, number):
                self.number = number

            @staticmethod
            def count():
                return 2

            @staticmethod
            def name():
                return "a device"

            @staticmethod
            def compute_capability():
                return driver.capability

            @staticmethod
            def get_attribute(attribute):
                return {"count": 2, "shared": 227 * 1024}[attribute]

            def retain_primary_context(self):
                if driver.occupied:
                    raise DriverError("cuDevicePrimaryCtxRetain failed: device unavailable")
                return SimpleNamespace(push=lambda: driver.stack.append(self.number), pop=driver.stack.pop)

        self.Device = Device

    def module_from_buffer(self, code):
        """Kernels of a cubin."""
        assert isinstance(code, bytes)
        return SimpleNamespace(get_function=lambda name: Kernel(self, name))

    mem_alloc = staticmethod(Allocation)

    @staticmethod
    def memcpy_htod(allocation, host):
        """To the device."""
        assert host.flags.c_contiguous
        ctypes.memmove(int(allocation), host.ctypes.data, host.nbytes)

    @staticmethod
    def memcpy_dtoh(host, allocation):
        """From the device."""
        ctypes.memmove(host.ctypes.data, int(allocation), host.nbytes)


class FakeCublas:
    """libcublas: column-major products of matrices at addresses."""

    def __init__(self):
        self.handles = 0

    def cublasCreate_v2(self, handle):
        """Status 0."""
        self.handles += 1
        return 0

    def cublasDestroy_v2(self, handle):
        """Status 0."""
        self.handles -= 1
        return 0

    @staticmethod
    def cublasDgemmStridedBatched(
        handle, turned_a, turned_b, m, n, k, one, a, lda, stride_a, b, ldb, stride_b, beta, c, ldc, stride_c, count
    ):
        """Status 0."""

        def matrix(address, stride, number, rows, columns, leading):
            start = address.value + 8 * stride.value * number
            flat = np.ctypeslib.as_array((ctypes.c_double * (leading.value * columns)).from_address(start))
            return flat.reshape(columns, leading.value).T[:rows]

        m, n, k = m.value, n.value, k.value
        for number in range(count.value):
            left = matrix(a, stride_a, number, *((k, m) if turned_a.value else (m, k)), lda)
            right = matrix(b, stride_b, number, *((n, k) if turned_b.value else (k, n)), ldb)
            out = matrix(c, stride_c, number, m, n, ldc)
            product = (left.T if turned_a.value else left) @ (right.T if turned_b.value else right)
            out[...] = product + (beta._obj.value * out if beta._obj.value else 0.0)
        return 0
