"""The run of one walker between two points where something else has to happen."""

import time

import numpy as np

from common import stop
from common.formats.fortran import g, i
from common.lbfgs import MESSAGES
from gmin._basin_hopping import (
    CANDIDATES_FULL,
    CHECK_AVOID,
    CHECK_TABOO,
    DONE,
    NOT_IMPROVED,
    NOTHING_ACCEPTED,
    RECORD,
    RENEW,
    TARGET_HIT,
    Walker,
)
from gmin._memory import SavedList, Seen
from gmin.newrestart import AvoidList, TabooList, check_avoid_list, check_taboo_list, for_avoiding, leave_stretch
from gmin.output import acceptance_lines, quench_line, target_lines
from gmin.tracking import Tracking, write_labelled_xyz

#: Wall seconds that a block of steps should take: long enough to cost nothing, short enough to obey a signal soon.
BLOCK_SECONDS = 0.1
MAX_BLOCK = 4096


def memory_of_quenches(quench, n_variables):
    """A `Seen` for quenches that end at the RMS gradient of ``quench``.

    Nine of ten quenches of an LJ38 cluster to one minimum agree within these bounds; the closest pair of distinct minima among
    4000 quenches lay four times as far apart in energy, and five times in the invariants. What falls between is examined
    again.
    """
    energy = min(max(n_variables * quench.rms**2 / 90.0, 1e-6), 1e-3)
    relative = min(max(0.04 * quench.rms, 1e-5), 2e-4)
    return Seen(energy, relative)


class WalkerRun:
    """One walker with its lists, its lines for output and its files.

    Parameters
    ----------
    job : gmin.job.Job
    number : int
        Number of the walker, from 1.
    potential : Potential
    seed_sequence : numpy.random.SeedSequence

    Attributes
    ----------
    walker : Walker
    lines : list of str
        Lines for output not yet written.
    hit : bool
        Whether the energies asked for were found.
    """

    def __init__(self, job, number, potential, seed_sequence):
        settings = job.walkers[number - 1]
        n = potential.n_variables
        self.job = job
        self.number = number
        self.settings = settings
        self.saved = SavedList(job.save, n, settings.ediff)
        seen = memory_of_quenches(settings.quench, n) if job.use_database else None
        generator = np.random.PCG64(seed_sequence)
        self.walker = Walker(potential, generator, settings, self.saved, seen, job.n_atoms, job.pair_energies)
        if settings.symmetric is not None:
            self.walker.symmetric = settings.symmetric.moves(settings, job.n_atoms, generator)
        if settings.network is not None:
            self.walker.network = settings.network.moves(settings, potential, generator)
        self.rng = np.random.Generator(generator)
        self.avoid = None
        if job.avoid is not None:
            distance, length, _ = job.avoid
            symmetry = for_avoiding(potential.symmetry) if job.permutations or not job.n_atoms else None
            self.avoid = AvoidList(distance, length, n, symmetry, job.n_atoms)
        self.taboo = TabooList(job.taboo, settings.ediff, potential.symmetry) if job.taboo is not None else None
        self.lines = []
        self.candidates = []
        self.tracking = None
        self.hit = False
        self.best_written = np.inf
        self.block = 1
        self.prefix = "Qu " if len(job.walkers) == 1 else f"[{number}]Qu "
        self.suffix = "" if len(job.walkers) == 1 else f".{number}"

    def open_files(self, append):
        """Open the files that follow the run."""
        if self.job.track:
            self.tracking = Tracking(self.job.directory, self.suffix, self.walker.quench if append else None)

    def close_files(self):
        """Close them."""
        if self.tracking is not None:
            self.tracking.close()

    def line(self, text):
        """A line for output."""
        self.lines.append(text)

    # ------------------------------------------------------------------ the start

    def start(self, x):
        """Quench 0 of the starting point, which becomes the state of the walker."""
        y, energy, rms, iterations, status = self.walker.quench_point(x)
        self.walker.potential.raise_pending()
        if not np.isfinite(energy):
            from common.errors import ConvergenceError

            raise ConvergenceError(f"quench of the starting point: {MESSAGES[status]}; begin from other coordinates")
        self.walker.set_state(y, energy)
        self.walker.set_relaxation(y, energy, 0)
        self._take_candidates()
        self.line(self._quench_line(0, energy, iterations, rms, energy, self.walker.seconds))
        if self.walker.is_hit(energy):
            self._say_hit(0, energy)
        self._take_candidates()

    def _quench_line(self, quench, energy, iterations, rms, markov, seconds):
        text = quench_line(quench, energy, iterations, rms, markov, seconds)
        return text if self.prefix == "Qu " else self.prefix + text[3:]

    def _leave(self, energy, x):
        """Remember a minimum where the walker was stuck."""
        if self.taboo is not None:
            self.taboo.add(energy, x)
            self.walker.set_taboo(self.taboo.energies)

    def _reseed(self, x=None):
        """Continue from the quench of a random point, or of the one given."""
        self._take_candidates()
        if x is None:
            x = self.walker.potential.random_coordinates(self.rng)
        y, energy, _, _, status = self.walker.quench_point(x)
        if np.isfinite(energy):
            self.walker.set_state(y, energy)
            self.walker.set_relaxation(y, energy, self.walker.quench)
        else:
            self.line(f"newres> quench of the random point failed ({MESSAGES[status]}); the walker stays where it is")

    def _new_configuration(self):
        """A random point because it is time for one (NEWCONF)."""
        within = self.job.new_within
        x = None if within is None else random_in_sphere(self.rng, self.job.n_atoms, within)
        self._reseed(x)
        energy = self.walker.markov_energy
        self.line(f"newconf> New configuration after {i(self.walker.quench, 8)} steps, E={g(energy, 20, 10)}")

    # ------------------------------------------------------------------ the steps

    def run_until(self, quench, after_block=None):
        """Take steps up to the number given, until the target is hit or a stop is asked for.

        Parameters
        ----------
        quench : int
        after_block : callable, optional
            Called between blocks of steps, for output and progress.
        """
        walker = self.walker
        while walker.quench < quench and not self.hit and not stop.requested():
            begin = time.perf_counter()
            records = np.empty(min(self.block, quench - walker.quench), dtype=RECORD)
            self._run_block(records)
            elapsed = time.perf_counter() - begin
            if elapsed < 0.5 * BLOCK_SECONDS:
                self.block = min(2 * self.block, MAX_BLOCK)
            elif elapsed > 2.0 * BLOCK_SECONDS:
                self.block = max(self.block // 2, 1)
            if after_block is not None:
                after_block(self)

    def _run_block(self, records):
        """Fill the records, dealing with whatever needs more than arithmetic."""
        walker = self.walker
        filled = 0
        while filled < len(records):
            reseed = False
            done, event = walker.run(records[filled:])
            walker.potential.raise_pending()
            finished = records[filled : filled + done]
            filled += done
            self._write(finished)
            if event == DONE:
                break
            if event == CANDIDATES_FULL:
                self._take_candidates()
                continue
            if event == TARGET_HIT:
                self._say_hit(walker.quench, float(finished[-1]["energy"]))
                break
            if event == NOTHING_ACCEPTED:
                self.line(f"restart> No step was accepted in {self.job.restart} steps: reseeding")
                self._leave(walker.markov_energy, walker.coordinates)
                self._reseed()
                continue
            if event == RENEW:
                self._new_configuration()
                continue
            # the line of the quench that waits for a decision comes before what is said about it
            self._write_pending()
            if event == CHECK_AVOID:
                reseed = check_avoid_list(walker, self.avoid, self.job.avoid[2], self)
            elif event == CHECK_TABOO:
                reseed = check_taboo_list(walker, self.taboo, self)
            elif event == NOT_IMPROVED:
                self._leave(walker.best_energy_of_relaxation, walker.relaxation_coordinates)
                reseed = leave_stretch(walker, self.avoid, self.job.avoid is None or self.job.avoid[2], self)
            if reseed:
                # finish the step that waits (it is rejected) before the walker moves elsewhere
                done, event = walker.run(records[filled : filled + 1])
                self._write(records[filled : filled + done], printed=True)
                filled += done
                if event == TARGET_HIT:
                    self._say_hit(walker.quench, float(records[filled - 1]["energy"]))
                    break
                self._reseed()
        self._take_candidates()

    #: Quench whose line is already in output.
    printed = -1

    def _write_pending(self):
        r = self.walker.pending_record_values
        if r["quench"] != self.printed and r["quench"] % self.job.print_every == 0:
            self.line(
                self._quench_line(r["quench"], r["energy"], r["iterations"], r["rms"], r["markov"], self.walker.seconds)
            )
        self.printed = r["quench"]

    def _write(self, records, printed=False):
        if len(records) == 0:
            return
        if self.tracking is not None:
            self.tracking.add(records)
        every = self.job.print_every
        interval = self.settings.change_accept
        for quench, energy, rms, markov, _, seconds, iterations, status, _, ratio, step, astep, temperature in records.tolist():
            if quench != self.printed and not printed and quench % every == 0:
                self.lines.append(self._quench_line(quench, energy, iterations, rms, markov, seconds))
            if status:
                self.lines.append(f"WARNING - quench {quench} did not converge: {MESSAGES[status]}")
            if ratio >= 0.0:
                self.lines.extend(acceptance_lines(interval, ratio, step, astep, temperature))

    def _say_hit(self, quench, energy):
        self.hit = True
        goals = self.job.targets or self.job.all_targets
        target = min(goals, key=lambda value: abs(value - energy))
        self.lines.extend(target_lines(quench, self.walker.calls, energy, target))

    def _take_candidates(self):
        if self.walker.n_candidates:
            self.candidates.append(self.walker.take_candidates())

    # ------------------------------------------------------------------ files of the moment

    def write_monitor(self):
        """The latest quench, before the next step moves on (MONITOR)."""
        walker = self.walker
        energy = walker.last_energy
        path = self.job.directory / f"monitor.xyz{self.suffix}"
        write_labelled_xyz(path, energy, walker.last_quench, self.job.pair_energies)

    def write_best(self):
        """The lowest quench, where it has changed (MONITOR)."""
        if self.saved.count and self.walker.best_energy < self.best_written:
            energy, x, _, _ = self.saved.entries()[0]
            self.best_written = self.walker.best_energy
            write_labelled_xyz(self.job.directory / f"best.xyz{self.suffix}", energy, x, self.job.pair_energies)


def random_in_sphere(rng, n_atoms, radius):
    """Atoms anywhere in a sphere with the same probability: shape (3 n_atoms,)."""
    directions = rng.normal(size=(n_atoms, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return (radius * rng.random((n_atoms, 1)) ** (1.0 / 3.0) * directions).ravel()
