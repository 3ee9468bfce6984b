"""A CUDA device by way of pycuda: which one, its memory, and the launch of kernels."""

import ctypes
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from common.errors import InputError
from potentials.cuda.compiler import TOOLKITS, compiled_for_device
from potentials.cuda.parameters import kernel_names, parameters_type

EXTRA = "pip install 'energy-landscapes[gpu]'"
#: Volta: parameters of kernels that are read where they lie.
LEAST_CAPABILITY = (7, 0)
#: Names under which the loader finds cuBLAS.
CUBLAS = ("libcublas.so", "libcublas.so.13", "libcublas.so.12", "libcublas.so.11")


def device_number(count, wanted=None, environment=os.environ):
    """Which of the visible devices this process takes.

    The one asked for; else, for a task of a Slurm job that sees several, the one of its place on the node (SLURM_LOCALID), so
    that tasks share them out; else the first. CUDA_VISIBLE_DEVICES is obeyed by the driver and decides what is visible.

    Parameters
    ----------
    count : int
        Visible devices.
    wanted : int, optional

    Raises
    ------
    InputError
        If there is no such device.
    """
    if count < 1:
        raise InputError("CUDA: the driver sees no device (is CUDA_VISIBLE_DEVICES empty?)")
    if wanted is not None:
        if not 0 <= wanted < count:
            raise InputError(f"CUDA: there is no device {wanted}; the driver sees {count}, counted from 0")
        return wanted
    place = environment.get("SLURM_LOCALID", "")
    return int(place) % count if place.isdigit() else 0


def cublas_files():
    """Where cuBLAS may lie besides: in the toolkit of CUDA_HOME and its like, and in the wheels of NVIDIA of this Python."""
    places = [Path(os.environ[name]) / folder for name in TOOLKITS if os.environ.get(name) for folder in ("lib64", "lib")]
    places.append(Path("/usr/local/cuda/lib64"))
    for entry in sys.path:
        places += [*Path(entry).glob("nvidia/cu[0-9]*/lib"), *Path(entry).glob("nvidia/cublas/lib")]
    return [str(file) for place in places for file in sorted(place.glob("libcublas.so*"), reverse=True)]


def load_pycuda():
    """The module ``pycuda.driver``, initialised; InputError that names the remedy without pycuda, driver or device."""
    try:
        import pycuda
    except ImportError:
        raise InputError(f"CUDA needs the package pycuda: {EXTRA}") from None
    try:
        import pycuda.driver as driver
    except ImportError as error:
        raise InputError(f"CUDA: pycuda {pycuda.VERSION_TEXT} finds no CUDA driver on this machine ({error})") from None
    try:
        driver.init()
    except driver.Error as error:
        raise InputError(f"CUDA: no device can be used ({error})") from None
    return driver


class Device:
    """A device with the kernels loaded.

    Parameters
    ----------
    number : int, optional
        Which of the visible devices; by default see `device_number`.

    Attributes
    ----------
    name : str
    multiprocessors : int
    shared_limit : int
        Bytes of shared memory that a block may have.

    Raises
    ------
    InputError
        Without pycuda, driver, device, or nvcc.
    """

    def __init__(self, number=None):
        self.driver = driver = load_pycuda()
        self.context = self._cublas = None
        self.number = device_number(driver.Device.count(), number)
        try:
            device = driver.Device(self.number)
            capability = device.compute_capability()
            self.name = device.name()
            attributes = driver.device_attribute
            self.multiprocessors = device.get_attribute(attributes.MULTIPROCESSOR_COUNT)
            self.shared_limit = device.get_attribute(attributes.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)
            if capability < LEAST_CAPABILITY:
                raise InputError(
                    f"CUDA: {self.name} has compute capability {capability[0]}.{capability[1]}; "
                    f"{LEAST_CAPABILITY[0]}.{LEAST_CAPABILITY[1]} or newer is needed"
                )
            cubin = compiled_for_device(f"sm_{capability[0]}{capability[1]}").read_bytes()
            self.context = device.retain_primary_context()
            self.context.push()
            self.module = driver.module_from_buffer(cubin)
            self.kernels = {name: self._kernel(name) for name in kernel_names()}
        except driver.Error as error:
            # occupied by somebody else, out of memory, or a driver older than the toolkit
            self.close()
            raise InputError(f"CUDA: device {self.number} cannot be used ({error})") from None

    def _kernel(self, name):
        kernel = self.module.get_function(name)
        # the structure goes by value, as that many bytes
        kernel.prepare([f"{parameters_type().itemsize}s"])
        # beyond 48 KiB of shared memory a kernel has to ask
        kernel.set_attribute(self.driver.function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, self.shared_limit)
        return kernel

    def close(self):
        """Give the context back; the memory goes with the arrays."""
        if self.context is not None:
            if self._cublas is not None:
                self._cublas.close()
            self._cublas = None
            self.context.pop()
            self.context = None

    def upload(self, array, dtype=np.float64):
        """A copy of an array in the memory of the device."""
        host = np.ascontiguousarray(array, dtype=dtype)
        memory = self.empty(host.shape, dtype)
        self.write(memory, host)
        return memory

    def empty(self, shape, dtype=np.float64):
        """Memory for an array."""
        shape = (shape,) if np.isscalar(shape) else tuple(shape)
        size = max(1, int(np.prod(shape)))
        allocation = self.driver.mem_alloc(size * np.dtype(dtype).itemsize)
        return SimpleNamespace(address=int(allocation), allocation=allocation, shape=shape, dtype=np.dtype(dtype))

    def write(self, memory, array):
        """Overwrite an array in the memory of the device."""
        host = np.ascontiguousarray(np.broadcast_to(array, memory.shape), dtype=memory.dtype)
        if host.size:
            self.driver.memcpy_htod(memory.allocation, host)

    def download(self, memory):
        """A copy of an array from the memory of the device; waits for the kernels before."""
        host = np.empty(memory.shape, dtype=memory.dtype)
        if host.size:
            self.driver.memcpy_dtoh(host, memory.allocation)
        return host

    def launch(self, name, grid, block, shared_doubles, p):
        """Run a kernel; see `potentials.cuda.emulated.EmulatedDevice.launch`. Returns before it ends."""
        self.prepared(name, grid, block, shared_doubles, p)()

    def prepared(self, name, grid, block, shared_doubles, p):
        """A callable that makes this launch, as often as it is called."""
        call, data, n_bytes = self.kernels[name].prepared_call, p.tobytes(), 8 * shared_doubles
        return lambda: call((grid, 1), (block, 1, 1), data, shared_size=n_bytes)

    def products(self, transposed, shape, a, b, c, strides, count, offsets=(0, 0, 0), add=False):
        """Many matrix products C = op(A) op(B) by cuBLAS, column-major and without gaps between columns.

        Parameters
        ----------
        transposed : (bool, bool)
            Whether A and B are transposed.
        shape : (int, int, int)
            Rows of C, columns of C, and what is summed over.
        a, b, c : memory
        strides : (int, int, int)
            Numbers from one matrix to the next; 0 where all products share one.
        count : int
            Number of products.
        offsets : (int, int, int)
            Where the first matrices begin.
        add : bool
            Whether the products are added to what is there.
        """
        self.prepared_products(transposed, shape, a, b, c, strides, count, offsets, add)()

    def prepared_products(self, transposed, shape, a, b, c, strides, count, offsets=(0, 0, 0), add=False):
        """A callable that makes these products, as often as it is called; arguments as for `products`."""
        if self._cublas is None:
            self._cublas = Cublas()
        m, n, k = shape
        leading = (k if transposed[0] else m, n if transposed[1] else k, m)
        addresses = [memory.address + 8 * offset for memory, offset in zip((a, b, c), offsets)]
        return self._cublas.dgemm(transposed, shape, addresses, leading, strides, count, 1.0 if add else 0.0)


class Cublas:
    """The one routine of cuBLAS that networks need, called through ctypes, since pycuda has no binding of it."""

    def __init__(self):
        for name in [*CUBLAS, *cublas_files()]:
            try:
                self.library = ctypes.CDLL(name)
                break
            except OSError:
                continue
        else:
            raise InputError("CUDA: no libcublas; install the CUDA toolkit or put its lib64 on LD_LIBRARY_PATH")
        self.handle = ctypes.c_void_p()
        self._check(self.library.cublasCreate_v2(ctypes.byref(self.handle)), "cublasCreate")

    def close(self):
        """Give the handle back, while the context is there."""
        self._check(self.library.cublasDestroy_v2(self.handle), "cublasDestroy")

    def dgemm(self, transposed, shape, addresses, leading, strides, count, beta):
        """A callable that makes C = op(A) op(B) + beta C for ``count`` matrices; see `Device.products`."""
        long = ctypes.c_longlong
        one, add = ctypes.c_double(1.0), ctypes.c_double(beta)
        a, b, c = (ctypes.c_void_p(address) for address in addresses)
        call = self.library.cublasDgemmStridedBatched
        arguments = (
            self.handle, ctypes.c_int(transposed[0]), ctypes.c_int(transposed[1]), *(ctypes.c_int(int(v)) for v in shape),
            ctypes.byref(one), a, ctypes.c_int(int(leading[0])), long(strides[0]), b, ctypes.c_int(int(leading[1])),
            long(strides[1]), ctypes.byref(add), c, ctypes.c_int(int(leading[2])), long(strides[2]), ctypes.c_int(int(count)),
        )  # fmt: skip
        return lambda: self._check(call(*arguments), "cublasDgemmStridedBatched")

    @staticmethod
    def _check(status, call):
        if status:
            raise RuntimeError(f"{call} failed with status {status}")
