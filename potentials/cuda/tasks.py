"""Bands, searches for saddles, descents and minimisations on a device, of every kind in one launch (tasks.h)."""

import re
from dataclasses import dataclass

import numpy as np

from common.errors import InputError
from potentials.cuda.batch import BLOCKS_PER_MULTIPROCESSOR, ROWS_WITHOUT_MEMORY, NetworkBatch, device_potential
from potentials.cuda.parameters import SOURCES

#: Kinds, in the order in which a launch begins them: the longest first. The numbers are those of tasks.h.
BAND, SADDLE, DESCENT, MINIMISATION = range(4)
#: Rows of saddle.h and descent.h, and the zero modes of a rigid body.
SADDLE_ROWS = 8
DESCENT_ROWS = 7
RIGID_MODES = 6
#: Most memory for the work space of all blocks: several processes may share a device.
SPACE_BYTES = 1 << 29
#: Settings of searches that a kernel is told under the same name.
SETTINGS = (
    "history", "max_step", "max_rise", "diagonal", "difference_step", "central_differences", "ritz_history",
    "ritz_iterations", "ritz_rms", "ritz_max_step", "ritz_max_rise", "ritz_diagonal", "ef_max_step", "ef_step_ceiling",
    "ef_step_floor", "ef_trust", "overlap_tolerance", "ts_max_distance", "tangent_few", "tangent_many", "band_history",
    "band_max_step", "band_diagonal", "doubly_nudged", "adjust_every", "adjust_tolerance", "adjust_factor", "spring_min",
    "spring_max", "band_settled",
)  # fmt: skip
_PLACE = re.compile(r"^#define NUMBER_(\w+) (\d+)$", re.MULTILINE)
#: Where the numbers of a task are.
PLACES = {name.lower(): int(place) for name, place in _PLACE.findall((SOURCES / "evaluate.h").read_text(encoding="ascii"))}
NUMBERS = len(PLACES)


@dataclass(slots=True)
class Task:
    """What a block is to do, and what became of it.

    Attributes
    ----------
    kind : int
        BAND, SADDLE, DESCENT or MINIMISATION.
    rows : ndarray of shape (k, n_variables)
        Band: all images with both ends. Saddle: the point and a first guess of the eigenvector. Descent: the point.
        Minimisation: the point. Afterwards the images; the saddle and its eigenvector; the end; the minimum and its gradient.
    numbers : dict
        By the names of evaluate.h: goal (RMS gradient), iterations (most; evaluations of a descent) and, for some kinds,
        relative, spring, energy (largest) or max_step. Afterwards also status, calls, rms and what else the kind has.
    energies : ndarray of shape (k,) or None
        Afterwards, of the images of a band.
    """

    kind: int
    rows: np.ndarray
    numbers: dict
    energies: np.ndarray | None = None

    @property
    def images(self):
        """Moving images of a band."""
        return len(self.rows) - 2 if self.kind == BAND else 0


class TaskBatch:
    """A potential on a device that does tasks.

    Parameters
    ----------
    potential : Potential
    device : Device or EmulatedDevice

    Raises
    ------
    InputError
        For a potential without kernels, or a network too large for a block.
    """

    def __init__(self, potential, device):
        self.batch = batch = device_potential(potential, device)
        self.device = device
        if isinstance(batch, NetworkBatch):
            modes = np.asarray(potential.symmetry.zero_modes(np.zeros(potential.n_variables)), dtype=float)
            self.modes = device.upload(modes if len(modes) else [0.0])
            self.values = {"rigid": 0, "n_zero_modes": len(modes), "zero_modes": self.modes.address}
            self.n_modes = len(modes)
        elif batch.kernels == "cluster":
            self.values, self.n_modes = {"rigid": 1}, RIGID_MODES
        else:
            raise InputError(
                f"CUDA: a network {list(potential.layers)} with {potential.n_variables} variables is too large for a block of "
                "the device; gmin can use the device for it, optim and pathsample cannot"
            )
        self.space = None

    def _space(self, tasks, settings):
        """Doubles of work space that the largest of the tasks needs: BAND_SPACE, SADDLE_SPACE and DESCENT_SPACE."""
        n = self.batch.n_variables
        history = max(settings.history, settings.ritz_history)
        space = max(
            (SADDLE_ROWS + self.n_modes + 2 * history + ROWS_WITHOUT_MEMORY) * n + 2 * history,
            DESCENT_ROWS * n,
        )
        for task in tasks:
            if task.kind == BAND:
                m, h = task.images, settings.band_history
                space = max(space, (4 + 2 * h) * m * n + 2 * (m + 2) + 2 * h)
        return space

    def do(self, tasks, settings):
        """Do tasks; they are changed in place.

        Parameters
        ----------
        tasks : list of Task
        settings : object
            With the names of `SETTINGS`, path_accuracy, path_max_step and path_longest, as ``optim.settings.OptimSettings``.
        """
        if not tasks:
            return
        device, n = self.device, self.batch.n_variables
        order = sorted(tasks, key=lambda task: (task.kind, -len(task.rows)))
        lengths = [len(task.rows) + (task.kind == MINIMISATION) for task in order]
        first = np.concatenate([[0], np.cumsum(lengths)])
        x = np.zeros((first[-1], n))
        numbers = np.zeros((len(order), NUMBERS))
        for k, task in enumerate(order):
            x[first[k] : first[k] + len(task.rows)] = task.rows
            for name, value in task.numbers.items():
                numbers[k, PLACES[name]] = value
        space = self._space(order, settings)
        grid = max(1, min(len(order), BLOCKS_PER_MULTIPROCESSOR * device.multiprocessors, SPACE_BYTES // (8 * space)))
        if self.space is None or self.space.shape[0] < grid * space:
            self.space = None
            self.space = device.empty(grid * space)
        memory = {
            "task_kinds": device.upload([task.kind for task in order], np.int64),
            "task_rows": device.upload(first[:-1], np.int64),
            "task_images": device.upload([task.images for task in order], np.int64),
            "task_x": device.upload(x), "task_energies": device.upload(np.zeros(first[-1])),
            "task_numbers": device.upload(numbers), "queue": device.upload([0], np.uint64), "task_space": self.space,
        }  # fmt: skip
        self.batch.launch("tasks", grid, 2 * n, {
            **self.values, **{name: getattr(settings, name) for name in SETTINGS},
            **{name: m.address for name, m in memory.items()}, "n_tasks": len(order), "task_space_size": space,
            "path_tolerance": settings.path_accuracy * settings.path_max_step,
            "path_longest": settings.path_longest * settings.path_max_step, "path_first_step": 0.1 * settings.path_max_step,
        })  # fmt: skip
        x, energies, numbers = (device.download(memory[name]) for name in ("task_x", "task_energies", "task_numbers"))
        for k, task in enumerate(order):
            part = slice(first[k], first[k + 1])
            task.rows = x[part]
            task.energies = energies[part] if task.kind == BAND else None
            task.numbers = {name: float(numbers[k, place]) for name, place in PLACES.items()}
        self.batch.calls += int(numbers[:, PLACES["calls"]].sum())
