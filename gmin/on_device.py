"""Basin-hopping with thousands of walkers on a CUDA device (keyword CUDA)."""

import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from common import __version__, stop
from common.errors import EXIT_DONE, ConvergenceError, StoppedError
from common.formats.fortran import f, g, i
from gmin._memory import SavedList
from gmin.final import final_quenches, write_lowest
from gmin.output import Report, end_of_run_line, head, quench_line, target_lines
from gmin.search import memory_of_quenches

#: Keywords of gmin that a run on a device obeys; those of the potential come on top.
OBEYED = frozenset(
    {
        "CUDA", "STEPS", "TEMPERATURE", "STEP", "ACCEPTRATIO", "CHANGEACCEPT", "FIXBOTH", "FIXSTEP", "FIXTEMP",
        "NATOMS", "RANSEED", "RESIZE", "SURFACE", "SLOPPYCONV", "TIGHTCONV", "MAXIT", "UPDATES", "DGUESS",
        "MAXBFGS", "MAXERISE", "COLDFUSION", "EDIFF", "CENTRE", "SETCENTRE", "SAVE", "SORT", "NODATABASE",
        "DEBUG", "TARGET"
    }
)
#: Walkers per multiprocessor where the input gives no number: what the registers have room for.
WALKERS_PER_MULTIPROCESSOR = 16
#: Wall seconds that a launch should take, and the most memory for its quenches.
LAUNCH_SECONDS = 0.2
LAUNCH_BYTES = 1 << 28


def refuse_with_device(settings, own_keywords):
    """Errors for the keywords that walkers on a device do not obey."""
    for name in own_keywords:
        if name not in OBEYED and settings.given(name):
            settings.error(name, "walkers on a device (CUDA) take plain basin-hopping steps; remove one of the two")


def run_on_device(job, output, command, check=False):
    """Run a checked input on a device; the exit status.

    Raises
    ------
    InputError
        Before anything is written: without pycuda, driver, device or nvcc, or for a potential without kernels.
    StoppedError
        After everything found so far was saved.
    """
    from potentials.cuda.batch import device_potential
    from potentials.cuda.device import Device

    if check:
        n = job.cuda[0]
        print(f"input is valid: {job.n_steps} steps, {job.potential.n_variables} variables, {n or 'many'} walkers on a device")
        return EXIT_DONE
    device = Device(job.cuda[1])
    with ExitStack() as stack:
        stack.callback(device.close)
        batch = device_potential(job.potential, device)
        search = DeviceSearch(job, batch)
        store = None
        if job.use_database:
            from gmin.store import DATABASE, Store

            store = stack.enter_context(Store(job.database_potential(), job.directory / DATABASE))
        stream = stack.enter_context(open(Path(job.directory) / output, "w", encoding="ascii", errors="replace"))
        search.report = Report(stream)
        search.store = store
        search.report.lines(head(job, __version__, command))
        search.report.line(f"cuda> {search.walkers.n_walkers} walkers on {device.name}")
        search.start()
        search.take_steps()
        search.finish()
    return EXIT_DONE


class DeviceSearch:
    """A run: walkers on the device, the list of the lowest minima and the way to the database on the host.

    Parameters
    ----------
    job : gmin.job.Job
    batch : ClusterBatch or NetworkBatch
    """

    def __init__(self, job, batch):
        from potentials.cuda.walkers import walkers_on

        self.job = job
        self.settings = settings = job.walkers[0]
        n_walkers = job.cuda[0] or WALKERS_PER_MULTIPROCESSOR * batch.device.multiprocessors
        self.walkers = walkers_on(batch, n_walkers, abs(job.seed), settings, job.pair_energies)
        self.saved = SavedList(job.save, batch.n_variables, settings.ediff)
        self.seen = memory_of_quenches(settings.quench, batch.n_variables) if job.use_database else None
        self.report = None
        self.store = None
        self.best = np.inf
        self.steps = 0
        self.quenches = 0
        self.hit = False
        self.begin = time.perf_counter()

    @property
    def seconds(self):
        """Wall seconds so far: the processor mostly waits."""
        return time.perf_counter() - self.begin

    def start(self):
        """Quench 0 of all walkers: of the starting point of the input, or of a random one each."""
        self.report.line("Calculating initial energy")
        n = self.walkers.n_walkers
        if self.job.starts:
            x = np.repeat(self.job.starts[0][None], n, axis=0)
        else:
            from potentials.cuda.starts import random_starts

            x = random_starts(self.walkers.batch, n, abs(self.job.seed))
        try:
            found = self.walkers.start(x)
        except ValueError as error:
            raise ConvergenceError(f"quench of a starting point: {error}; begin from other coordinates") from None
        good = found.status <= 1
        self._take(found.energy, found.rms, found.iterations, found.status, found.energy, good, lambda: found.coordinates)

    def take_steps(self):
        """All stretches of STEPS, a launch at a time.

        Raises
        ------
        StoppedError
            After a signal.
        """
        from common.progress import progress

        most = self.walkers.most_steps(LAUNCH_BYTES)
        block = 1
        with progress(self.job.n_steps, "basin-hopping", unit="step") as bar:
            for n, factor in self.job.stretches:
                self.report.line(f"Starting MC run of {i(n, 10)} steps")
                self.report.line(f"Temperature will be multiplied by {f(factor, 15, 8)} at every step")
                last = self.steps + n
                while self.steps < last and not self.hit and not stop.requested():
                    begin = time.perf_counter()
                    self._launch(min(block, last - self.steps), factor)
                    elapsed = time.perf_counter() - begin
                    bar.update(self.steps - bar.done, lowest=f"{self.best:.6f}")
                    if elapsed < 0.5 * LAUNCH_SECONDS:
                        block = min(2 * block, most)
                    elif elapsed > 2.0 * LAUNCH_SECONDS:
                        block = max(block // 2, 1)
        if stop.requested() and not self.hit and self.steps < self.job.n_steps:
            if self.store is not None:
                self.store.flush()
            self.report.line(f"stopped> {stop.reason()} after {self.steps} steps; walkers on a device are not saved")
            self.report.flush()
            raise StoppedError(f"stopped after {self.steps} steps ({stop.reason()}); the minima found are in the database")

    def _launch(self, n_steps, factor):
        done = self.walkers.run(n_steps, factor)
        taken = done.taken
        self.steps += n_steps
        self._take(
            done.energy.ravel(), done.rms.ravel(), done.iterations.ravel(), done.status.ravel(), done.markov.ravel(),
            (done.good & taken).ravel(), lambda: done.coordinates().reshape(-1, self.walkers.batch.n_variables), n_steps,
        )  # fmt: skip
        failed = int((taken & ~done.good).sum())
        accepted = done.accepted[taken].mean() if taken.any() else 0.0
        self.report.line(
            f"cuda> step {i(self.steps, 8)} lowest E={g(self.best, 20, 10)} "
            f"mean Markov E={g(self.states['energy'].mean(), 20, 10)} "
            f"accepted={f(accepted, 7, 4)} quenches={self.quenches} failed={failed} t={self.seconds:11.1f}"
        )
        if done.hit:
            self.hit = True
            hit = np.where(done.good & taken, done.energy, np.inf)
            energy = float(hit.min())
            target = min(self.job.targets, key=lambda value: abs(value - energy))
            self.report.lines(target_lines(self.quenches, self.walkers.batch.calls, energy, target))
        self.report.flush()

    @property
    def states(self):
        """The states of the walkers."""
        return self.walkers.states

    def _take(self, energy, rms, iterations, status, markov, good, coordinates, n_steps=1):
        """Quenches of a launch, a row per walker and step: the list, the database, and the line of a new lowest one."""
        self.quenches += int((status >= 0).sum())
        rows = np.flatnonzero(good)
        if not rows.size:
            return
        rows = rows[np.argsort(energy[rows], kind="stable")]
        x = coordinates()
        first = self.steps - n_steps + 1 if self.steps else 0
        lowest = rows[0]
        if energy[lowest] < self.best:
            self.best = float(energy[lowest])
            walker, step = divmod(int(lowest), n_steps)
            line = quench_line(first + step, self.best, int(iterations[lowest]), rms[lowest], markov[lowest], self.seconds)
            self.report.line(f"[{walker + 1}]Qu {line[3:]}")
        # ascending: what lies within EDIFF of the one before is the same minimum, and more than SAVE of them cannot stay
        previous, offered = -np.inf, 0
        for row in rows.tolist():
            if energy[row] - previous < self.settings.ediff:
                continue
            self.saved.add(energy[row], x[row], first + row % n_steps, self.walkers.batch.calls)
            previous, offered = energy[row], offered + 1
            if offered >= self.job.save:
                break
        if self.store is not None:
            new = [row for row in np.flatnonzero(status == 0).tolist() if self.seen.meet(energy[row], x[row], self.job.n_atoms)]
            if new:
                self.store.add(x[new])

    def finish(self):
        """Final quenches, ``lowest``, and the closing lines."""
        states, job = self.states, self.job
        steps = max(1, int(states["quench"].sum()))
        self.report.line(
            end_of_run_line(
                states["accepted_total"].sum() / steps, states["step"].mean(), states["angular_step"].mean(),
                states["temperature"].mean(),
            )
        )
        before = job.potential.calls
        minima = final_quenches(job, job.potential, self.saved.entries(), lambda: self.seconds, self.report)
        write_lowest(job, minima, job.directory / "lowest")
        self.report.line(f"time elapsed {f(self.seconds, 18, 1)} seconds")
        self.report.line(f"Number of potential calls {i(self.walkers.batch.calls + job.potential.calls - before, 18)}")
        if self.store is not None:
            self.store.flush()
            self.report.lines(self.store.summary())
        self.report.flush()
