"""The story of a basin-hopping run.

Read the input; quench the starting point; take steps, each a perturbation, a quench and a Metropolis decision; hand every
distinct minimum to the database; at the end quench the lowest ones tightly and write ``lowest``.
"""

import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from common import __version__, stop
from common.errors import EXIT_DONE, StoppedError
from common.formats.fortran import f, i
from gmin.dump import DUMP, read_dump, write_dump
from gmin.final import final_quenches, write_lowest
from gmin.job import read_job
from gmin.network_moves import network_lines
from gmin.output import Report, end_of_run_line, head, open_output
from gmin.search import WalkerRun

#: Steps that walkers running side by side take between two meetings. It decides nothing but the order of lines and of minima.
ROUND = 100


def run(directory=".", output="output", check=False, command="gmin"):
    """Run the input of a directory.

    Parameters
    ----------
    directory : str or Path
    output : str
        Name of the file for the lines of the run.
    check : bool
        Only read and check the input.
    command : str
        What the head of output calls the program.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    InputError
        Before anything is written.
    StoppedError
        After everything found so far was saved.
    """
    job = read_job(directory)
    if job.mfet is not None:
        from gmin.mean_first_encounter import run_mean_first_encounter

        return EXIT_DONE if check else run_mean_first_encounter(job, output, command)
    if job.cuda is not None:
        from gmin.on_device import run_on_device

        return run_on_device(job, output, command, check)
    if job.tempering is not None and job.tempering.kind != "BHPT":
        from gmin.monte_carlo import run_monte_carlo

        return run_monte_carlo(job, output, command, check)
    runs = make_walkers(job)
    exchange = make_walker_exchange(job)
    restored = restore(job, runs, exchange)
    if check:
        print(f"input is valid: {job.n_steps} steps, {job.potential.n_variables} variables, {len(runs)} walker(s)")
        return EXIT_DONE
    with ExitStack() as stack:
        store = open_store(job, stack)
        stream = stack.enter_context(open_output(Path(directory) / output, runs[0].walker.quench if restored else None))
        report = Report(stream)
        report.lines(head(job, __version__, command))
        for r in runs:
            r.open_files(append=restored)
            stack.callback(r.close_files)
        begin(job, runs, report, restored)
        take_steps(job, runs, report, store, exchange)
        if exchange is not None:
            report.lines(exchange.lines())
        finish(job, runs, report, store)
    return EXIT_DONE


def make_walkers(job):
    """One `WalkerRun` per walker, each with its own stream of random numbers."""
    children = np.random.SeedSequence(abs(job.seed)).spawn(len(job.walkers))
    potentials = [job.potential] + [job.new_potential() for _ in job.walkers[1:]]
    return [WalkerRun(job, k + 1, potential, child) for k, (potential, child) in enumerate(zip(potentials, children))]


def make_walker_exchange(job):
    """The exchanges of BHPT, or None."""
    if job.tempering is None:
        return None
    from gmin.tempering import WalkerExchange

    return WalkerExchange(job.tempering, job.seed)


def restore(job, runs, exchange=None):
    """Take up the state of a dump, if the input asks for it; whether it did."""
    if job.restore is None:
        return False
    exact = read_dump(job.restore, runs, runs[0].saved, job.n_atoms, exchange)
    if not exact:
        for r in runs:
            # a dump of another program has no energy of the walker
            y, energy, *_ = r.walker.quench_point(r.walker.coordinates)
            r.walker.set_state(y, energy)
    return True


def open_store(job, stack):
    """The way to the database, or None."""
    if not job.use_database:
        return None
    from gmin.store import DATABASE, Store

    return stack.enter_context(Store(job.database_potential(), job.directory / DATABASE))


def begin(job, runs, report, restored):
    """Quench 0 of each walker."""
    if restored:
        report.line(f"Continuing from {job.restore.name} after {runs[0].walker.quench} steps")
        return
    report.line("Calculating initial energy")
    for k, r in enumerate(runs):
        r.start(job.starts[k] if k < len(job.starts) else r.walker.potential.random_coordinates(r.rng))
        write_lines(r, report)


def take_steps(job, runs, report, store, exchange=None):
    """All stretches of STEPS, with the dumps and files that fall due in between.

    Raises
    ------
    StoppedError
        After a signal, when everything is saved.
    """
    from common.progress import progress

    first = 0
    with progress(job.n_steps, "basin-hopping", unit="quench") as bar:
        bar.update(min(r.walker.quench for r in runs))
        for n, factor in job.stretches:
            last = first + n
            if runs[0].walker.quench < last:
                report.line(f"Starting MC run of {i(n, 10)} steps")
                report.line(f"Temperature will be multiplied by {f(factor, 15, 8)} at every step")
                for r in runs:
                    r.walker.temperature_factor = factor
                run_stretch(job, runs, last, report, store, bar, exchange)
            first = last
    save_state(job, runs, store, exchange)
    if stop.requested() and not any(r.hit for r in runs) and runs[0].walker.quench < job.n_steps:
        report.line(f"stopped> {stop.reason()} after {runs[0].walker.quench} steps; continue with RESTORE {DUMP}")
        report.flush()
        raise StoppedError(f"stopped after {runs[0].walker.quench} steps ({stop.reason()}); RESTORE {DUMP} continues")


def run_stretch(job, runs, last, report, store, bar, exchange=None):
    """Steps up to number ``last``."""
    walkers = [r.walker for r in runs]

    def after_block(r):
        done = r.walker.quench - bar.done
        write_lines(r, report)
        hand_over(r, store)
        if done > 0:
            bar.update(done, lowest=f"{min(w.best_energy for w in walkers):.6f}")

    while walkers[0].quench < last and not any(r.hit for r in runs) and not stop.requested():
        goal = next_stop(job, walkers[0].quench, last, len(runs), exchange)
        if len(runs) == 1:
            runs[0].run_until(goal, after_block)
        else:
            side_by_side(runs, goal)
            for r in runs:
                after_block(r)
        if stop.requested():
            break
        if exchange is not None and walkers[0].quench == exchange.next_step and not any(r.hit for r in runs):
            exchange.perform(runs)
        if walkers[0].quench % job.dump_interval == 0:
            save_state(job, runs, store, exchange)
        if job.monitor is not None:
            for r in runs:
                r.write_best()
                if (r.walker.quench + 1) % job.monitor == 0:
                    r.write_monitor()


def next_stop(job, quench, last, n_walkers, exchange=None):
    """Number of the next step at which something falls due."""
    due = [last, (quench // job.dump_interval + 1) * job.dump_interval]
    if job.monitor is not None:
        # monitor.xyz is written at the beginning of each n-th step
        due.append(((quench + 1) // job.monitor + 1) * job.monitor - 1)
    if n_walkers > 1:
        due.append((quench // ROUND + 1) * ROUND)
    if exchange is not None:
        due.append(exchange.next_step)
    return min(due)


def side_by_side(runs, goal):
    """Let all walkers take steps up to the goal, on as many threads as there are cores."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=min(len(runs), os.cpu_count() or 1)) as pool:
        list(pool.map(lambda r: r.run_until(goal), runs))


def write_lines(r, report):
    """Move the lines of a walker to output."""
    report.lines(r.lines)
    report.flush()
    r.lines.clear()


def hand_over(r, store):
    """Give the candidates of a walker to the database."""
    if store is not None:
        for candidates in r.candidates:
            store.add(candidates)
    r.candidates.clear()


def save_state(job, runs, store, exchange=None):
    """Write GMIN.dump and everything that waits."""
    for r in runs:
        hand_over(r, store)
        if r.tracking is not None:
            r.tracking.flush()
    if store is not None:
        store.flush()
    write_dump(job.directory / DUMP, runs, merged(job, runs), job.n_atoms, exchange)


def merged(job, runs):
    """The saved lists of all walkers in one."""
    if len(runs) == 1:
        return runs[0].saved
    from gmin._memory import SavedList

    saved = SavedList(job.save, job.potential.n_variables, job.walkers[0].ediff)
    for r in runs:
        for energy, x, quench, calls in r.saved.entries():
            saved.add(energy, x, quench, calls)
    return saved


def finish(job, runs, report, store):
    """Final quenches, ``lowest``, and the closing lines."""
    for r in runs:
        w = r.walker
        ratio = w.accepted_total / w.steps_total if w.steps_total else 0.0
        report.line(end_of_run_line(ratio, w.step, w.astep, w.temperature))
        report.lines(network_lines(w))
        if job.monitor is not None:
            r.write_best()
    before = job.potential.calls
    minima = final_quenches(job, job.potential, merged(job, runs).entries(), lambda: runs[0].walker.seconds, report)
    write_lowest(job, minima, job.directory / "lowest")
    calls = sum(r.walker.calls for r in runs) + job.potential.calls - before
    report.line(f"time elapsed {f(runs[0].walker.seconds, 18, 1)} seconds")
    report.line(f"Number of potential calls {i(calls, 18)}")
    if store is not None:
        store.flush()
        report.lines(store.summary())
    report.flush()
