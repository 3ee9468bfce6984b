"""The story of a run of parallel tempering Monte Carlo (PTMC), with quenches where basin-sampling is asked for (BSPT).

Read the ladder; let every replica take Monte Carlo steps and try exchanges; after the equilibration count energies in
histograms; write state and histograms now and then; at the end combine the histograms to a density of states and heat capacity.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np

from common import __version__, stop
from common.errors import EXIT_DONE, StoppedError
from common.formats.fortran import f, g, i
from gmin.final import final_quenches, write_lowest
from gmin.heat_capacity import analyse
from gmin.output import Report
from gmin.restart import STATE, read_state, write_state
from gmin.tempering import exchange_lines, is_sphere, make_exchange
from gmin.visits import StructureFiles, replica_directory, write_visits

#: Wall seconds between two looks at signals and at the progress.
ROUND_SECONDS = 0.3


class MonteCarloRun:
    """All that a run of PTMC or BSPT consists of.

    Parameters
    ----------
    job : gmin.job.Job
    threads : int, optional
        Default: the cores at hand, but no more than replicas. The result does not depend on it.

    Attributes
    ----------
    replicas : Replicas
    exchange : Exchange
    quenches : QuenchHistogram or None
    """

    def __init__(self, job, threads=None):
        from common.executors import available_cores
        from gmin._memory import SavedList
        from gmin._monte_carlo import Replicas
        from gmin.basin_sampling import QuenchHistogram
        from gmin.search import memory_of_quenches

        self.job, self.tempering = job, job.tempering
        self.settings = job.tempering.monte_carlo
        n_replicas = len(self.tempering.temperatures)
        n_threads = min(available_cores() if threads is None else threads, n_replicas)
        potentials = [job.potential] + [job.new_potential() for _ in range(n_threads - 1)]
        children = np.random.SeedSequence(abs(job.seed)).spawn(n_replicas)
        generators = [np.random.PCG64(child) for child in children]
        self.exchange = make_exchange(self.tempering, job.seed)
        starts = [self.start(k, generators[k]) for k in range(n_replicas)]
        self.replicas = Replicas(
            potentials, generators, self.tempering.temperatures, self.exchange, starts, self.settings
        )
        self.quenches = QuenchHistogram(self.settings, n_replicas) if self.settings.n_quench else None
        self.saved = SavedList(job.save, job.potential.n_variables, job.walkers[0].ediff)
        self.seen = memory_of_quenches(self.settings.quench, job.potential.n_variables) if job.use_database else None
        self.structures = None
        if self.tempering.structures_every:
            label = "LA" if job.pair_energies else "X"
            self.structures = StructureFiles(job.directory, n_replicas, job.n_atoms, label)
        self.cpu_before = 0.0
        self.cpu_start = time.process_time()
        self.pool = None

    @property
    def seconds(self):
        """CPU seconds of all threads, those before a restart included."""
        return self.cpu_before + time.process_time() - self.cpu_start

    def start(self, rung, generator):
        """Where a replica begins: its point of coords, the only one there is, or a quenched random point; in the container."""
        job = self.job
        if len(job.starts) == 1 or rung < len(job.starts):
            x = job.starts[min(rung, len(job.starts) - 1)]
        else:
            from common.lbfgs import minimise

            x = job.potential.random_coordinates(np.random.Generator(generator))
            x = minimise(job.potential, x, rms=1e-2).coordinates
        if is_sphere(job.potential):
            return job.potential.symmetry.standard_frame(x)
        return inside(x, self.settings.radius, self.settings.frozen) if job.n_atoms else x

    # ------------------------------------------------------------------ the steps

    def next_stop(self):
        """Number of the step after which something falls due."""
        done, t = self.replicas.done, self.tempering
        due = [self.settings.n_steps, (done // t.dump_every + 1) * t.dump_every]
        if t.structures_every:
            due.append((done // t.structures_every + 1) * t.structures_every)
        return min(due)

    def most_steps(self):
        """Steps that may be taken at once: quenches must find room, and belong to one block."""
        mc, done = self.settings, self.replicas.done
        if not mc.n_quench:
            return mc.n_steps
        first = mc.n_equilibration + mc.n_plain
        if done < first:
            return first - done
        production = mc.n_plain + mc.n_quench
        block = (done - mc.n_equilibration) * mc.n_blocks // production
        end = mc.n_equilibration - (-(block + 1) * production // mc.n_blocks)
        return max(1, min(mc.quenches_at_once * mc.quench_every, end - done))

    def take_steps(self, report, store, bar):
        """All steps, with what falls due on the way, until the end or a request to stop."""
        replicas, size = self.replicas, 100
        while replicas.done < self.settings.n_steps and not stop.requested():
            goal = self.next_stop()
            while replicas.done < goal and not stop.requested():
                begin, before = time.perf_counter(), replicas.done
                replicas.advance(min(size, goal - before, self.most_steps()), self.pool)
                self.collect(before, store)
                elapsed = max(time.perf_counter() - begin, 1e-6)
                size = int(np.clip((replicas.done - before) * ROUND_SECONDS / elapsed, 1, 1_000_000))
                bar.update(replicas.done - before, lowest=f"{self.lowest_energy():.6f}")
            if self.structures is not None and replicas.done % self.tempering.structures_every == 0:
                for k, e in enumerate(replicas.energies.tolist()):
                    self.structures.add(k, replicas.done, e, replicas.configuration(k))
            if replicas.done % self.tempering.dump_every == 0 or replicas.done == self.settings.n_steps:
                self.save(store)
                report.line(self.line())
                report.flush()

    def lowest_energy(self):
        """Lowest energy met so far."""
        return min(self.replicas.lowest(k)[0] for k in range(self.replicas.n_replicas))

    def line(self):
        """State of the run in one line."""
        counts = self.replicas.counts
        ratio = counts["accepted"].sum() / max(1, counts["tried"].sum())
        return (
            f"{self.tempering.kind.lower()}> step {i(self.replicas.done, 12)} lowest E={g(self.lowest_energy(), 20, 10)} "
            f"acceptance={f(float(ratio), 7, 4)} round trips={i(self.exchange.round_trips, 8)} t={f(self.seconds, 11, 1)}"
        )

    def collect(self, before, store):
        """Count the quenches of the steps since ``before``, save the lowest and hand new minima to the database."""
        if self.quenches is None:
            return
        numbers, rungs, records, points = self.replicas.take_quenches()
        if not len(rungs):
            return
        mc = self.settings
        number = self.replicas.done - mc.n_equilibration - 1
        self.quenches.add(number * mc.n_blocks // (mc.n_plain + mc.n_quench), rungs, records)
        first = max(before, mc.n_equilibration + mc.n_plain) // mc.quench_every + 1
        steps = (first + numbers) * mc.quench_every
        new = []
        for step, energy, x in zip(steps.tolist(), records[:, 1].tolist(), points):
            if np.isfinite(energy):
                self.saved.add(energy, x, step, 0)
                if self.seen is not None and self.seen.meet(energy, x, self.job.n_atoms):
                    new.append(x)
        if store is not None and new:
            store.add(np.array(new))

    # ------------------------------------------------------------------ what is written

    def save(self, store=None):
        """State, histograms and energies."""
        if store is not None:
            store.flush()
        write_state(self.job.directory / STATE, self)
        if self.settings.n_equilibration < self.replicas.done < self.settings.n_steps:
            self.write_histograms(f".{self.replicas.done}.0")

    def write_histograms(self, suffix=""):
        """``n/Visits.his``, with quenches ``n/Visits2.his``, and ``n/energies``."""
        mc, r = self.settings, self.replicas
        low, high = mc.energy_range
        visits = r.histogram.sum(axis=0)
        samples = r.energy_samples if self.tempering.dump_energies else None
        for k, temperature in enumerate(self.tempering.temperatures):
            folder = replica_directory(self.job.directory, k)
            quench = None
            if self.quenches is not None:
                q_low, q_high = mc.quench_range
                quench = (q_low, (q_high - q_low) / mc.n_quench_bins, self.quenches.quench_visits(k))
            write_visits(folder / f"Visits.his{suffix}", temperature, low, (high - low) / mc.n_bins, visits[k], quench)
            if suffix:
                continue
            if self.quenches is not None:
                self.write_pairs(k, folder / "Visits2.his")
            if samples is not None:
                steps = mc.n_equilibration + mc.sample_every * np.arange(1, samples.shape[1] + 1)
                np.savetxt(folder / "energies", np.stack([steps, samples[k]], axis=1), fmt=["%d", "%.12g"])

    def write_pairs(self, rung, path):
        """Visits of a replica to pairs of bins, those visited: lower edges of energy and quench energy, and visits."""
        mc = self.settings
        (e_low, e_high), (q_low, q_high) = mc.energy_range, mc.quench_range
        _, r, e, q, counts = (a.tolist() for a in self.quenches.entries())
        pairs = {}
        for rung_of, a, b, n in zip(r, e, q, counts):
            if rung_of == rung:
                pairs[a, b] = pairs.get((a, b), 0) + n
        e_width, q_width = (e_high - e_low) / mc.n_bins, (q_high - q_low) / mc.n_quench_bins
        with open(path, "w", encoding="ascii") as file:
            for (a, b), n in sorted(pairs.items()):
                file.write(g(e_low + a * e_width, 20, 10) + g(q_low + b * q_width, 20, 10) + f"{n:12d}\n")


def inside(x, radius, frozen=()):
    """Coordinates with every atom in the container: the cluster is centred where it does not fit, and then atoms that are still
    outside are put on the wall.

    Parameters
    ----------
    x : ndarray of shape (3 N,)
    radius : float or None
    frozen : sequence of int
        Variables that stay.
    """
    x = np.array(x, dtype=float).reshape(-1, 3)
    if radius is None or (np.linalg.norm(x, axis=1) < radius).all():
        return x.ravel()
    moves = ~np.isin(np.arange(x.size), frozen).reshape(-1, 3).all(axis=1)
    if moves.all():
        x -= x.mean(axis=0)
    length = np.linalg.norm(x, axis=1)
    out = moves & (length >= radius)
    # a little inside, since a move that leaves an atom on the wall would be rejected by rounding
    x[out] *= (0.999 * radius / length[out])[:, None]
    return x.ravel()


def run_monte_carlo(job, output, command, check=False, threads=None):
    """Run PTMC or BSPT.

    Parameters
    ----------
    job : gmin.job.Job
    output : str
    command : str
    check : bool
        Only check the input.
    threads : int, optional

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    StoppedError
        After a signal, when the state was saved.
    """
    from common.progress import progress
    from gmin.run import open_store

    run = MonteCarloRun(job, threads)
    if job.tempering.restart:
        read_state(job.directory / STATE, run)
    n, r = run.settings.n_steps, run.replicas
    if check:
        print(f"input is valid: {n} steps of {r.n_replicas} replicas, {job.potential.n_variables} variables")
        return EXIT_DONE
    with ExitStack() as stack:
        store = open_store(job, stack) if run.quenches is not None else None
        stream = stack.enter_context(open(job.directory / output, "w", encoding="ascii", errors="replace"))
        run.pool = stack.enter_context(ThreadPoolExecutor(max_workers=r.n_threads))
        report = Report(stream)
        report.lines(head(run, command))
        if job.tempering.restart:
            report.line(f"Continuing from {STATE} after {r.done} steps")
        elif run.structures is not None:
            run.structures.cut([0] * r.n_replicas)
        report.flush()
        with progress(n, "Monte Carlo", unit="step") as bar:
            bar.update(r.done)
            run.take_steps(report, store, bar)
        if r.done < n:
            run.save(store)
            report.line(f"stopped> {stop.reason()} after {r.done} steps; continue with BSPTRESTART")
            report.flush()
            raise StoppedError(f"stopped after {r.done} steps ({stop.reason()}); BSPTRESTART continues")
        finish(run, report, store)
    return EXIT_DONE


def head(run, command):
    """What stands before the first step."""
    job, t, mc = run.job, run.tempering, run.settings
    low, high = mc.energy_range
    name = f"{t.kind.lower()}>"
    what = "basin-sampling parallel tempering" if t.kind == "BSPT" else "parallel tempering Monte Carlo"
    how = "random times" if t.at_random else "fixed intervals"
    pairs = ("one random pair of neighbours", "all pairs of neighbours in turn", "many random pairs")[t.scheme]
    lines = [
        f"Starting {len(t.temperatures)} replicas of {what} on {run.replicas.n_threads} thread(s)",
        f"gmin> energy-landscapes {__version__}, command: {command}",
        f"gmin> random number seed {job.seed}",
        "gmin> settings:",
        *(f"gmin>   {line}" for line in job.echo),
        *(f"gmin> NOTE: {line}" for line in job.notes),
        f"{i(job.n_atoms, 4)} atoms" if job.n_atoms else f"{job.potential.n_variables} variables",
    ]
    if job.n_atoms and mc.radius is not None:
        lines.append(f"Container radius={f(mc.radius, 20, 10)}, moves out of it are rejected")
    lines += [
        f"{name} a step is " + ("a sweep of single-atom moves" if mc.pairs else "a move of all variables"),
        f"{name} {mc.n_equilibration} steps of equilibration, {mc.n_plain} steps"
        + (f", {mc.n_quench} steps with a quench every {mc.quench_every}" if mc.n_quench else ""),
        f"{name} exchange rate {t.rate:g} per step at {how}, {pairs}",
        f"{name} {mc.n_bins} bins of energy of width {(high - low) / mc.n_bins:g} from {low:g} to {high:g}",
        *(f"{name} replica {k:4d} T={temperature:16.9g}" for k, temperature in enumerate(t.temperatures, start=1)),
    ]
    width = (high - low) / mc.n_bins
    if width > t.temperatures[0] * max(1.0, 0.2 * job.potential.n_variables**0.5):
        lines.append(f"WARNING - energy bins are wider than the fluctuations at the lowest temperature, {t.temperatures[0]:g}")
    return lines


def finish(run, report, store):
    """Histograms, thermodynamics, final quenches and the closing lines."""
    job, r, counts = run.job, run.replicas, run.replicas.counts
    run.write_histograms()
    for k, temperature in enumerate(run.tempering.temperatures):
        tried = max(1, int(counts["tried"][k]))
        accepted, outside = int(counts["accepted"][k]) / tried, int(counts["outside"][k]) / tried
        report.line(
            f"replica {k + 1:4d} T={temperature:14.7g} step={f(float(r.steps[k]), 10, 6)} "
            f"acceptance={f(accepted, 7, 4)} out of container={f(outside, 7, 4)}"
        )
    report.lines(exchange_lines(run.tempering, run.exchange))
    production = (run.settings.n_plain + run.settings.n_quench) * r.n_replicas
    for name in ("below", "above"):
        lost = int(counts[name].sum())
        if lost:
            report.line(f"WARNING - {lost} of {production} energies are {name} the range of the histogram")
    if run.quenches is not None and run.quenches.failed + run.quenches.outside:
        report.line(
            f"WARNING - {run.quenches.failed} quenches did not converge, {run.quenches.outside} are out of the histograms"
        )
    report.lines(analyse(run))
    report.flush()
    for k in range(r.n_replicas):
        energy, x = r.lowest(k)
        if run.quenches is None and np.isfinite(energy):
            from common.lbfgs import minimise

            q = run.settings.quench
            result = minimise(job.potential, x, rms=q.rms, max_iterations=q.max_iterations, history=q.history)
            run.saved.add(result.energy, result.coordinates, r.done, 0)
    minima = final_quenches(job, job.potential, run.saved.entries(), lambda: run.seconds, report)
    write_lowest(job, minima, job.directory / "lowest")
    report.line(f"time elapsed {f(run.seconds, 18, 1)} seconds")
    report.line(f"Number of potential calls {i(int(counts['calls'].sum()), 18)}")
    if store is not None:
        store.flush()
        report.lines(store.summary())
    report.flush()
