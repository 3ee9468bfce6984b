"""Energies, gradients, Hessian-vector products and quenches of many points on a device, in one launch each."""

from dataclasses import dataclass

import numpy as np

from common.errors import InputError
from potentials.cuda.parameters import parameters

#: SCRATCH of block.h and ROW_MEMORY of lbfgs.h.
SCRATCH = 96
ROWS_WITHOUT_MEMORY = 5
WARP = 32
#: The rows of L-BFGS are kept in shared memory up to this many bytes per block: beyond, too few blocks would be under way.
ROWS_IN_SHARED = 32 * 1024
#: Atoms per thread of a block, roughly, and most threads of it.
ATOMS_PER_THREAD = 2
MOST_THREADS = 256
#: Items of data per tile.
TILE = 128
#: Blocks under way per multiprocessor, at most.
BLOCKS_PER_MULTIPROCESSOR = 32


@dataclass(slots=True)
class Quenches:
    """What became of a batch of quenches.

    Attributes
    ----------
    coordinates, gradient : ndarray of shape (B, n_variables)
    energy, rms : ndarray of shape (B,)
    iterations, calls, status : ndarray of int of shape (B,)
        Status as in ``common.lbfgs``: 0 converged, 1 out of iterations, 2 not finite, 3 no step lowers the energy, 4 below the
        floor.
    """

    coordinates: np.ndarray
    gradient: np.ndarray
    energy: np.ndarray
    rms: np.ndarray
    iterations: np.ndarray
    calls: np.ndarray
    status: np.ndarray


def shares(n_jobs, length, threads):
    """How many neighbouring threads (a power of two) to put on each of ``n_jobs`` sums over ``length`` terms."""

    def steps(parts):
        # a round of exchanges costs about as much as a term
        rounds = -(-n_jobs * parts // threads)
        return rounds * (-(-length // parts) + 2 * (parts.bit_length() - 1))

    return min((1, 2, 4, 8, 16, 32), key=steps)


def device_potential(potential, device):
    """The `DeviceBatch` of a potential.

    Parameters
    ----------
    potential : Potential
        One of those that `check_kernels` knows.
    device : Device or EmulatedDevice

    Raises
    ------
    InputError
        For any other potential.
    """
    from potentials.mlp import MultilayerPerceptron

    check_kernels(potential)
    if type(potential) is not MultilayerPerceptron:
        return ClusterBatch(potential, device)
    tile = NetworkBatch.tile_that_fits(potential, device)
    if tile:
        return NetworkBatch(potential, device, tile)
    from potentials.cuda.large_network import LargeNetworkBatch

    return LargeNetworkBatch(potential, device)


def check_kernels(potential):
    """InputError for a potential without kernels; no device is needed to know.

    There are kernels for `LennardJones` without cutoff and box, `LennardJonesAxilrodTeller` and `MultilayerPerceptron`.
    """
    from potentials.lj import LennardJones
    from potentials.ljat import LennardJonesAxilrodTeller
    from potentials.mlp import MultilayerPerceptron

    if type(potential) in (LennardJonesAxilrodTeller, MultilayerPerceptron):
        return
    if type(potential) is LennardJones and potential.cutoff is None and potential.box is None:
        return
    raise InputError(
        f"CUDA has no kernels for {type(potential).__name__}; it has them for LJ and LJAT clusters (no cutoff, no box) and for "
        "networks (MLP3, MLPVB3, MLPVB3NN)"
    )


class DeviceBatch:
    """A potential on a device, evaluated at many points per launch.

    Parameters
    ----------
    potential : Potential
    device : Device or EmulatedDevice
    threads : int
        Threads per block.
    work_size : int
        Numbers of shared memory that an evaluation needs.
    values : dict
        Members of ``Parameters`` that describe the potential; arrays are memory of the device.

    Attributes
    ----------
    calls : int
        Evaluations of energy and gradient so far.
    """

    #: First word of the names of the kernels.
    kernels = ""

    def __init__(self, potential, device, threads, work_size, values):
        self.potential = potential
        self.device = device
        self.n_variables = potential.n_variables
        self.threads = threads
        self.work_size = work_size
        self.calls = 0
        # keeps the memory alive
        self.memory = [v for v in values.values() if hasattr(v, "address")]
        self.values = {name: getattr(v, "address", v) for name, v in values.items()}
        self.values |= {"n_variables": self.n_variables, "work_size": work_size}

    def _points(self, x):
        x = np.ascontiguousarray(x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.n_variables:
            raise ValueError(f"expected points of shape (B, {self.n_variables}), got {x.shape}")
        return x

    def launch(self, kernel, grid, own, values, work_factor=1):
        """Run one of the kernels of this potential with ``own`` numbers of shared memory besides those of the evaluation."""
        work = work_factor * self.work_size
        p = parameters({**self.values, **values, "work_size": work})
        self.device.launch(f"{self.kernels}_{kernel}", grid, self.threads, SCRATCH + work + own, p)

    def grid(self, n_points):
        """Blocks for that many points."""
        return max(1, min(n_points, BLOCKS_PER_MULTIPROCESSOR * self.device.multiprocessors))

    def energy_gradient(self, x):
        """Energies of shape (B,) and gradients of shape (B, n_variables) at x of shape (B, n_variables)."""
        x = self._points(x)
        if len(x) == 0:
            return np.empty(0), np.empty_like(x)
        on_device = self.device.upload(x)
        energy, gradient = self.device.empty(len(x)), self.device.empty(x.shape)
        self.launch("energy_gradients", self.grid(len(x)), 2 * self.n_variables, {
            "n_points": len(x), "x": on_device.address, "energy": energy.address, "gradient": gradient.address,
        })  # fmt: skip
        self.calls += len(x)
        return self.device.download(energy), self.device.download(gradient)

    def hessian_vector(self, x, v):
        """Products of the Hessians at x with v: three arrays of shape (B, n_variables)."""
        x, v = self._points(x), self._points(v)
        if x.shape != v.shape:
            raise ValueError(f"{len(x)} points but {len(v)} directions")
        if len(x) == 0:
            return np.empty_like(x)
        on_device, direction, product = self.device.upload(x), self.device.upload(v), self.device.empty(x.shape)
        self.launch("hessian_vectors", self.grid(len(x)), 4 * self.n_variables, {
            "n_points": len(x), "x": on_device.address, "direction": direction.address, "gradient": product.address,
        }, work_factor=2)  # fmt: skip
        return self.device.download(product)

    def rows(self, history, grid):
        """(numbers of shared memory, memory of the device or None) for the rows of L-BFGS of every block."""
        size = (2 * history + ROWS_WITHOUT_MEMORY) * self.n_variables + 2 * history
        if 8 * size <= ROWS_IN_SHARED and 8 * (SCRATCH + self.work_size + size) <= self.device.shared_limit:
            return size, None
        return 0, self.device.empty((grid, size))

    def quench(self, x, settings):
        """Quench points without returning to the host; blocks that finish one take the next.

        Parameters
        ----------
        x : ndarray of shape (B, n_variables)
        settings : object
            With rms, max_iterations, history, max_step, max_rise, diagonal and floor, as ``common.lbfgs.minimise``.

        Returns
        -------
        Quenches
        """
        x = self._points(x)
        shape, device = x.shape, self.device
        grid = self.grid(len(x))
        shared, rows = self.rows(settings.history, grid)
        out = {name: device.empty(shape) for name in ("final_x", "gradient")}
        out |= {name: device.empty(len(x)) for name in ("energy", "final_rms")}
        out |= {name: device.empty(len(x), np.int64) for name in ("iterations", "calls", "status")}
        points, queue = device.upload(x), device.upload([0], np.uint64)
        if len(x):
            self.launch("quenches", grid, shared, {
                **quench_values(settings), **{name: m.address for name, m in out.items()}, "n_points": len(x),
                "x": points.address, "queue": queue.address, "rows": rows.address if rows else 0,
            })  # fmt: skip
        found = [device.download(out[name]) for name in (
            "final_x", "gradient", "energy", "final_rms", "iterations", "calls", "status"
        )]  # fmt: skip
        self.calls += int(found[5].sum())
        return Quenches(*found)


def quench_values(settings):
    """The members of ``Parameters`` that hold the settings of a quench."""
    names = ("history", "max_iterations", "rms", "max_step", "max_rise", "diagonal", "floor")
    return {name: getattr(settings, name) for name in names}


class ClusterBatch(DeviceBatch):
    """Clusters of Lennard-Jones atoms, with or without the Axilrod-Teller term; one per block."""

    kernels = "cluster"

    def __init__(self, potential, device):
        n = potential.n_atoms
        threads = min(MOST_THREADS, WARP * -(-n // (ATOMS_PER_THREAD * WARP)))
        values = {
            "n_atoms": n, "parts": shares(n, n, threads), "z": getattr(potential, "z", 0.0), "radius": potential.radius or 0.0,
        }  # fmt: skip
        super().__init__(potential, device, threads, 0, values)


def network_values(potential, device):
    """Members of ``Parameters`` that describe a network and its data."""
    sizes = np.array(potential.layers)
    n_layers = len(sizes) - 1
    weights, biases = np.zeros(n_layers + 1, int), np.zeros(n_layers + 1, int)
    weights[1:] = np.concatenate([[0], np.cumsum(sizes[1:] * sizes[:-1])[:-1]])
    biases[1:] = potential.n_weights + np.concatenate([[0], np.cumsum(sizes[1:])[:-1]])
    targets = potential.targets
    if targets is None:
        targets = np.eye(sizes[-1])[potential.classes]
        least = 0.0
    else:
        least = -float(np.sum(targets * np.log(np.where(targets > 0.0, targets, 1.0)))) / len(targets)
    integers = {"sizes": sizes, "weights": weights, "biases": biases}
    if potential.frozen is not None:
        integers["frozen"] = potential.frozen
    return {
        **{name: device.upload(v, np.int64) for name, v in integers.items()},
        "n_layers": n_layers, "has_biases": int(potential.has_biases), "n_items": len(potential.inputs),
        "inputs": device.upload(potential.inputs.T), "targets": device.upload(targets.T), "lambda": potential.lam,
        "n_regularised": potential.n_weights + (potential.n_biases if potential.regularise_biases else 0), "least": least,
    }  # fmt: skip


class NetworkBatch(DeviceBatch):
    """Networks small enough for one block: weights and a tile of data with all activations in shared memory."""

    kernels = "network"

    def __init__(self, potential, device, tile):
        sizes = potential.layers
        # rows of derivatives begin with the first hidden layer, rows of activations with the inputs
        layers = range(1, len(sizes))
        delta = [np.repeat(sum(sizes[1:k]) + np.arange(sizes[k]), sizes[k - 1]) for k in layers]
        activation = [np.tile(sum(sizes[: k - 1]) + np.arange(sizes[k - 1]), sizes[k]) for k in layers]
        if potential.has_biases:
            delta.append(np.arange(sum(sizes[1:])))
            activation.append(np.full(sum(sizes[1:]), -1))
        values = network_values(potential, device) | {
            "parts": shares(potential.n_variables, tile, tile),
            "delta_row": device.upload(np.concatenate(delta), np.int64),
            "activation_row": device.upload(np.concatenate(activation), np.int64),
        }
        super().__init__(potential, device, tile, self.size_of_work(potential, tile), values)

    @staticmethod
    def size_of_work(potential, tile):
        """Numbers of shared memory: the weights, and the rows of a tile."""
        sizes = potential.layers
        return potential.n_variables + (sum(sizes[:-1]) + sum(sizes[1:])) * (tile + 1)

    @classmethod
    def tile_that_fits(cls, potential, device):
        """Items per tile, or 0 where the network is too large: Hessian-vector products need everything twice."""
        wanted = min(TILE, WARP * -(-len(potential.inputs) // WARP))
        while wanted >= WARP:
            numbers = SCRATCH + 2 * cls.size_of_work(potential, wanted) + 4 * potential.n_variables
            if 8 * numbers <= device.shared_limit:
                return wanted
            wanted = WARP * (wanted // (2 * WARP))
        return 0
