"""The interface of `potentials.cuda.device.Device` on the processor: the same kernels, run by emulator.h. For tests."""

import ctypes
from functools import partial
from types import SimpleNamespace

import numpy as np

from potentials.cuda.compiler import compiled_for_emulator
from potentials.cuda.parameters import parameters_type


class EmulatedDevice:
    """A device that is none.

    Parameters
    ----------
    seed : int
        0: the threads of a block take their turns in order; otherwise in a random order.
    directory : Path, optional
        Where the compiled kernels are kept.
    multiprocessors : int
        How many it claims to have; blocks run one after the other all the same.
    """

    name = "emulator"
    #: Bytes of shared memory per block: those of a device of compute capability 9.0.
    shared_limit = 227 * 1024

    def __init__(self, seed=0, directory=None, multiprocessors=2):
        self.seed = seed
        self.multiprocessors = multiprocessors
        self.library = ctypes.CDLL(str(compiled_for_emulator(directory)))
        self.library.emulated_parameters_size.restype = ctypes.c_longlong
        if self.library.emulated_parameters_size() != parameters_type().itemsize:
            raise RuntimeError("parameters.h and parameters.py do not agree")

    def upload(self, array, dtype=np.float64):
        """A copy of an array in the memory of the device."""
        copy = np.array(array, dtype=dtype, order="C")
        return SimpleNamespace(address=copy.ctypes.data, array=copy, shape=copy.shape)

    def empty(self, shape, dtype=np.float64):
        """Memory for an array; numbers are NaN until written."""
        return self.upload(np.full(shape, np.nan if dtype == np.float64 else -1, dtype=dtype), dtype)

    def write(self, memory, array):
        """Overwrite an array in the memory of the device."""
        memory.array[...] = array

    def download(self, memory):
        """A copy of an array from the memory of the device."""
        return memory.array.copy()

    def launch(self, name, grid, block, shared_doubles, p):
        """Run a kernel.

        Parameters
        ----------
        name : str
        grid, block : int
        shared_doubles : int
            Shared memory in doubles.
        p : ndarray
            From `potentials.cuda.parameters.parameters`.
        """
        self.prepared(name, grid, block, shared_doubles, p)()

    def prepared(self, name, grid, block, shared_doubles, p):
        """A callable that makes this launch."""
        return partial(self._launch, name, grid, block, shared_doubles, p)

    def _launch(self, name, grid, block, shared_doubles, p):
        if 8 * shared_doubles > self.shared_limit:
            raise ValueError(f"{name} wants {8 * shared_doubles} bytes of shared memory, there are {self.shared_limit}")
        if self.library.emulated_launch(
            name.encode(), ctypes.c_uint(grid), ctypes.c_uint(block), ctypes.c_ulonglong(shared_doubles),
            ctypes.c_uint(self.seed), ctypes.c_void_p(p.ctypes.data),
        ):  # fmt: skip
            raise KeyError(name)

    def products(self, transposed, shape, a, b, c, strides, count, offsets=(0, 0, 0), add=False):
        """Many matrix products C = op(A) op(B), or C += ..., as `potentials.cuda.device.Device.products`."""
        self.prepared_products(transposed, shape, a, b, c, strides, count, offsets, add)()

    def prepared_products(self, transposed, shape, a, b, c, strides, count, offsets=(0, 0, 0), add=False):
        """A callable that makes these products."""
        return partial(self._products, transposed, shape, a, b, c, strides, count, offsets, add)

    def _products(self, transposed, shape, a, b, c, strides, count, offsets, add):
        m, n, k = shape
        for number in range(count):
            first = [offset + number * stride for offset, stride in zip(offsets, strides)]
            left = self._column_major(a, first[0], *((k, m) if transposed[0] else (m, k)))
            right = self._column_major(b, first[1], *((n, k) if transposed[1] else (k, n)))
            out = self._column_major(c, first[2], m, n)
            product = (left.T if transposed[0] else left) @ (right.T if transposed[1] else right)
            out[...] = out + product if add else product

    @staticmethod
    def _column_major(memory, offset, rows, columns):
        flat = memory.array.reshape(-1)[offset : offset + rows * columns]
        return flat.reshape(columns, rows).T
