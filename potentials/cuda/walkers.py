"""Thousands of basin-hopping walkers that take their steps on a device without the host."""

from dataclasses import dataclass

import numpy as np

from common.lbfgs import MESSAGES
from potentials.cuda.batch import quench_values

#: The state of a walker: the structure of walker.h.
WALKER = np.dtype(
    [(name, np.float64) for name in ("energy", "step", "angular_step", "temperature")]
    + [(name, np.int64) for name in ("quench", "accepted_block", "steps_block", "accepted_total", "calls")]
)
#: Statuses of quenches that count: converged, or out of iterations.
GOOD = (0, 1)
NOT_TAKEN = -1


@dataclass(slots=True)
class Steps:
    """The steps of one launch; arrays of shape (walkers, steps).

    Attributes
    ----------
    energy, rms, markov : ndarray
        Of the quench; Markov energy after the decision.
    iterations, calls, status, accepted : ndarray of int
        Status -1 where a step was not taken because a target had been hit.
    coordinates : callable
        ``coordinates()`` fetches the quenches, shape (walkers, steps, n_variables).
    hit : bool
        Whether a target was hit.
    """

    energy: np.ndarray
    rms: np.ndarray
    markov: np.ndarray
    iterations: np.ndarray
    calls: np.ndarray
    status: np.ndarray
    accepted: np.ndarray
    coordinates: object
    hit: bool

    @property
    def taken(self):
        """Which steps were taken."""
        return self.status != NOT_TAKEN

    @property
    def good(self):
        """Which quenches count."""
        return np.isin(self.status, GOOD)


class DeviceWalkers:
    """Independent walkers, one per block.

    Parameters
    ----------
    batch : ClusterBatch or NetworkBatch
    n_walkers : int
    seed : int
    settings : object
        step, astep, temperature, accept_ratio, change_accept, adjust_step, adjust_temperature, ediff, centre, radius, surface,
        targets and quench, as ``gmin.settings.WalkerSettings``.
    angular : bool
        Whether the most weakly bound atom may be moved to the surface.

    Notes
    -----
    Random numbers belong to a walker, its step and a variable: the result depends neither on the device nor on which block runs
    when, except that a hit ends the others wherever they are.
    """

    def __init__(self, batch, n_walkers, seed, settings, angular):
        self.batch = batch
        self.settings = settings
        self.n_walkers = n_walkers
        self.states = np.zeros(n_walkers, dtype=WALKER)
        self._prepare(seed, angular)

    def _prepare(self, seed, angular):
        """What the launches need."""
        batch, settings, n_walkers = self.batch, self.settings, self.n_walkers
        self.device = device = batch.device
        n_atoms = getattr(batch.potential, "n_atoms", 0)
        targets = list(settings.targets)
        centre = settings.centre or (0.0, 0.0, 0.0)
        self.targets = device.upload(targets if targets else [0.0])
        self.hit = device.upload([0], np.uint64)
        self.values = {
            **quench_values(settings.quench), "seed": seed & 0xFFFFFFFFFFFFFFFF, "accept_ratio": settings.accept_ratio,
            "change_accept": settings.change_accept, "adjust_step": settings.adjust_step,
            "adjust_temperature": settings.adjust_temperature, "angular": bool(angular and n_atoms),
            "surface": settings.surface, "move_radius": (settings.radius or 0.0) if n_atoms else 0.0,
            "centre": settings.centre is not None and n_atoms > 0,
            "centre_x": centre[0], "centre_y": centre[1], "centre_z": centre[2], "ediff": settings.ediff,
            "n_targets": len(targets), "target_energies": self.targets.address, "hit": self.hit.address,
        }  # fmt: skip
        self.shared, self.rows = batch.rows(settings.quench.history, n_walkers)
        self.values["rows"] = self.rows.address if self.rows else 0

    def start(self, x):
        """Quench 0 of every walker.

        Parameters
        ----------
        x : ndarray of shape (n_walkers, n_variables)

        Returns
        -------
        Quenches

        Raises
        ------
        ValueError
            With the message of the first quench that failed altogether.
        """
        found = self.batch.quench(x, self.settings.quench)
        failed = np.flatnonzero(~np.isfinite(found.energy))
        if failed.size:
            raise ValueError(MESSAGES[int(found.status[failed[0]])])
        self.states["energy"] = found.energy
        self.states["step"], self.states["angular_step"] = self.settings.step, self.settings.astep
        self.states["temperature"] = self.settings.temperature
        self._settle(found.coordinates)
        return found

    def _settle(self, x):
        """Where the walkers begin."""
        self.on_device = self.device.upload(self.states.view(np.int64), np.int64)
        self.x = self.device.upload(x)

    def most_steps(self, n_bytes):
        """Steps per launch whose quenches take that much memory; at least one."""
        return max(1, n_bytes // (8 * self.n_walkers * self.batch.n_variables))

    def run(self, n_steps, temperature_factor=1.0):
        """Take steps with all walkers; returns `Steps`."""
        device, shape = self.device, (self.n_walkers, n_steps)
        out = {name: device.empty(shape) for name in ("energy", "final_rms", "markov")}
        not_taken = np.full(shape, NOT_TAKEN)
        out |= {name: device.upload(not_taken, np.int64) for name in ("iterations", "calls", "status", "accepted")}
        quenched = device.empty((*shape, self.batch.n_variables))
        self.batch.launch("walkers", self.n_walkers, self.shared, {
            **self.values, **{name: m.address for name, m in out.items()}, "final_x": quenched.address, "n_steps": n_steps,
            "walker_x": self.x.address, "walker_states": self.on_device.address, "temperature_factor": temperature_factor,
        })  # fmt: skip
        host = {name: device.download(m) for name, m in out.items()}
        self.states = device.download(self.on_device).view(WALKER).reshape(-1)
        calls = np.maximum(host["calls"], 0)
        self.batch.calls += int(calls.sum())
        return Steps(
            host["energy"], host["final_rms"], host["markov"], host["iterations"], calls, host["status"], host["accepted"],
            lambda: device.download(quenched), bool(device.download(self.hit)[0]),
        )  # fmt: skip


class SteppedWalkers(DeviceWalkers):
    """Walkers of networks that are quenched in step (`LargeNetworkBatch`): one step of all at a time.

    The moves are made on the host, where they take no time beside such quenches.
    """

    def _prepare(self, seed, angular):
        self.seed = seed

    def _settle(self, x):
        self.x = np.array(x)

    def run(self, n_steps, temperature_factor=1.0):
        """Take steps with all walkers; returns `Steps`."""
        shape = (self.n_walkers, n_steps)
        reals = {name: np.full(shape, np.nan) for name in ("energy", "rms", "markov")}
        integers = {name: np.full(shape, NOT_TAKEN) for name in ("iterations", "calls", "status", "accepted")}
        x = np.zeros((*shape, self.batch.n_variables))
        hit = False
        for k in range(n_steps):
            found, accepted = self._step(temperature_factor)
            x[:, k] = found.coordinates
            for name, value in (
                ("energy", found.energy), ("rms", found.rms), ("markov", self.states["energy"]),
            ):  # fmt: skip
                reals[name][:, k] = value
            for name, value in (
                ("iterations", found.iterations), ("calls", found.calls), ("status", found.status), ("accepted", accepted),
            ):  # fmt: skip
                integers[name][:, k] = value
            good = np.isin(found.status, GOOD)
            hit = any((found.energy[good] - target < self.settings.ediff).any() for target in self.settings.targets)
            if hit:
                break
        integers["calls"] = np.maximum(integers["calls"], 0)
        return Steps(**reals, **integers, coordinates=lambda: x, hit=hit)

    def _step(self, temperature_factor):
        """One step of every walker: its quenches, and which were accepted."""
        settings, states = self.settings, self.states
        states["quench"] += 1
        rng = np.random.default_rng([self.seed, int(states["quench"][0])])
        moves = states["step"][:, None] * rng.uniform(-1.0, 1.0, self.x.shape)
        if self.batch.potential.frozen is not None:
            moves[:, self.batch.potential.frozen] = 0.0
        found = self.batch.quench(self.x + moves, settings.quench)
        with np.errstate(over="ignore", invalid="ignore"):
            chance = np.exp(-np.maximum(found.energy - states["energy"], 0.0) / states["temperature"])
            accepted = np.isin(found.status, GOOD) & (rng.random(self.n_walkers) < chance)
        self.x[accepted] = found.coordinates[accepted]
        states["energy"][accepted] = found.energy[accepted]
        states["accepted_block"] += accepted
        states["accepted_total"] += accepted
        states["steps_block"] += 1
        states["calls"] += found.calls
        if states["steps_block"][0] == settings.change_accept:
            factor = np.where(states["accepted_block"] / settings.change_accept > settings.accept_ratio, 1.05, 1.0 / 1.05)
            if settings.adjust_step:
                states["step"] *= factor
                states["angular_step"] *= factor
            if settings.adjust_temperature:
                states["temperature"] /= factor
            states["accepted_block"] = states["steps_block"] = 0
        states["temperature"] *= temperature_factor
        return found, accepted


def walkers_on(batch, n_walkers, seed, settings, angular):
    """The walkers that fit a batch: `DeviceWalkers`, or `SteppedWalkers` where the quenches advance in step."""
    from potentials.cuda.large_network import LargeNetworkBatch

    kind = SteppedWalkers if isinstance(batch, LargeNetworkBatch) else DeviceWalkers
    return kind(batch, n_walkers, seed, settings, angular)
