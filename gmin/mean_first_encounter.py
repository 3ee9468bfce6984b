"""Mean first encounter time: how long it takes, on average over many starts, to meet the target (MFET)."""

import math
from pathlib import Path

import numpy as np

from common import __version__, stop
from common.atomic import atomic_write
from common.errors import EXIT_DONE, EXIT_GOAL_NOT_REACHED, StoppedError
from common.formats.fortran import f
from gmin.job import read_job
from gmin.output import Report, head
from gmin.search import WalkerRun

HITS = "hits"
PICTURE = "hits.png"
#: Samples drawn with replacement for the interval of a mean.
N_BOOTSTRAP = 4000


def one_start(directory, number):
    """Run start ``number`` (from 1) until the target is met.

    Returns
    -------
    (hit, quenches, evaluations, seconds)
        Whether it was met, and what was spent; CPU seconds.
    """
    job = read_job(directory)
    job.use_database = job.track = False
    job.monitor = None
    seed = np.random.SeedSequence(abs(job.seed)).spawn(number)[-1]
    r = WalkerRun(job, 1, job.potential, seed)
    r.walker.seconds = 0.0
    r.start(job.potential.random_coordinates(r.rng))
    first = 0
    for n, factor in job.stretches:
        r.walker.temperature_factor = factor
        first += n
        r.run_until(first, lambda run: run.lines.clear())
    return r.hit, int(r.walker.quench), int(r.walker.calls), float(r.walker.seconds)


def run_mean_first_encounter(job, output, command):
    """All starts of MFET over the cores; their statistics in ``output``, one line each in ``hits``, and a picture.

    Starts are counted in the order of their number, so the same input gives the same quenches and evaluations on any number of
    cores.

    Returns
    -------
    int
        0 when the percentage asked for has hit, 1 otherwise.

    Raises
    ------
    StoppedError
        After a signal; the starts finished so far are in ``output`` and ``hits``.
    """
    import os

    from common.executors import LocalEngine
    from common.progress import progress

    n, percent = job.mfet
    wanted = math.ceil(n * percent / 100.0)
    directory = Path(job.directory)
    results, waiting = [], {}
    with (directory / output).open("w", encoding="ascii", errors="replace") as stream:
        report = Report(stream)
        report.lines(head(job, __version__, command))
        report.line(f"MFET> {n} starts, target {f(max(job.targets), 20, 10)}, ends when {wanted} have hit")
        with LocalEngine(min(n, os.cpu_count() or 1)) as engine, progress(n, "starts", unit="start") as bar:
            jobs = ((k, (str(directory.resolve()), k)) for k in range(1, n + 1))
            for key, outcome in engine.run(one_start, jobs):
                waiting[key] = outcome
                while len(results) + 1 in waiting:
                    finished = waiting.pop(len(results) + 1)
                    if finished.error is not None:
                        raise finished.error
                    results.append(finished.value)
                    report.line(start_line(len(results), *finished.value))
                    report.flush()
                    bar.update(1)
                if sum(hit for hit, *_ in results) >= wanted or stop.requested():
                    break
        hits = [values for hit, *values in results if hit]
        write_hits(directory, hits)
        report.lines(statistics(results, hits))
    for line in statistics(results, hits):
        print(line)
    if len(hits) > 1:
        draw(directory / PICTURE, np.array([h[0] for h in hits]))
    if stop.requested() and len(hits) < wanted:
        raise StoppedError(f"stopped after {len(results)} of {n} starts; their results are in {HITS}")
    return EXIT_DONE if len(hits) >= wanted else EXIT_GOAL_NOT_REACHED


def start_line(number, hit, quenches, calls, seconds):
    """One line of ``output`` per start."""
    what = "Target hit after" if hit else "Target not met in"
    return f"MFET> start {number:6d}: {what} {quenches:15d} quenches {calls:15d} function calls, time={seconds:12.2f}"


def write_hits(directory, hits):
    """``hits``: quenches, evaluations and CPU seconds of each start that met the target, as the MFET scripts collect them."""
    with atomic_write(directory / HITS) as file:
        file.writelines(f"{quenches} {calls} {seconds:.2f}\n" for quenches, calls, seconds in hits)


def mean_interval(values):
    """95 per cent interval of the mean by the bootstrap (Efron 1979), which does not need the normal distribution.

    Parameters
    ----------
    values : ndarray of shape (n,)

    Returns
    -------
    (low, high)
    """
    rng = np.random.default_rng(0)
    means = [rng.choice(values, len(values)).mean() for _ in range(N_BOOTSTRAP)]
    return tuple(np.quantile(means, [0.025, 0.975]))


def statistics(results, hits):
    """Lines with mean, standard deviation (n - 1) and 95 per cent interval of the mean of time, quenches and evaluations."""
    lines = [f"MFET> {len(hits)} of {len(results)} starts hit the target"]
    if not hits:
        return lines
    quenches, calls, seconds = np.array(hits, dtype=float).T
    columns = (seconds, quenches, calls)
    spread = [c.std(ddof=1) if len(c) > 1 else 0.0 for c in columns]
    numbers = "".join(f(float(v), 13, 2) for c, s in zip(columns, spread) for v in (c.mean(), s))
    lines.append(f"mu/sig of t, Q, V  are {numbers}")
    for name, digits, c in zip(("CPU seconds", "quenches", "evaluations"), (4, 2, 2), columns):
        mean, low, high, median = (f"{v:.{digits}f}" for v in (c.mean(), *mean_interval(c), np.median(c)))
        lines.append(f"MFET> {name}: mean {mean}, 95 % interval of the mean {low} to {high}, median {median}")
    if len(hits) < len(results):
        spent = sum(values[1] for values in results)
        lines.append(
            f"MFET> all starts counted, {spent / len(hits):.2f} quenches were spent per hit: the estimate of the mean when the "
            "starts that missed are only unfinished"
        )
    return lines


def draw(path, quenches):
    """Distribution of the quenches until the first encounter, beside the exponential law of the same mean.

    The band holds the true distribution with 95 per cent probability (Dvoretzky, Kiefer, Wolfowitz 1956; Massart 1990).
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    x = np.sort(np.asarray(quenches, dtype=float))
    n, mean = len(x), x.mean()
    low, high = mean_interval(x)
    figure, (histogram, cumulative) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    t = np.linspace(0.0, 1.02 * x[-1], 300)
    edges = np.linspace(0.0, 1.02 * x[-1], 1 + int(np.clip(2.0 * n**0.5, 5, 60)))
    histogram.hist(x, bins=edges, color="0.7", label=f"{n} starts")
    histogram.plot(t, n * (edges[1] / mean) * np.exp(-t / mean), "--", color="C0", label="exponential")
    histogram.axvspan(low, high, color="C3", alpha=0.25, lw=0)
    histogram.axvline(mean, color="C3", lw=1.2, label=f"mean {mean:.0f} (95 %: {low:.0f} to {high:.0f})")
    histogram.axvline(np.median(x), color="C2", lw=1.2, ls=":", label=f"median {np.median(x):.0f}")
    histogram.set_ylabel("starts")
    histogram.legend(fontsize="small")
    steps, fraction = np.concatenate([[0.0], x]), np.arange(n + 1) / n
    band = (np.log(2.0 / 0.05) / (2.0 * n)) ** 0.5
    low, high = np.clip(fraction - band, 0, 1), np.clip(fraction + band, 0, 1)
    cumulative.fill_between(steps, low, high, step="post", color="0.85", lw=0, label="95 % band")
    cumulative.step(steps, fraction, where="post", color="k", lw=1.2, label="starts that have hit")
    cumulative.plot(t, 1.0 - np.exp(-t / mean), "--", color="C0", label="exponential")
    cumulative.set_ylim(0.0, 1.02)
    cumulative.set_ylabel("fraction")
    cumulative.legend(fontsize="small", loc="lower right")
    for axes in (histogram, cumulative):
        axes.set_xlim(0.0, t[-1])
        axes.locator_params(axis="x", nbins=6)
        axes.set_xlabel("quenches until the first encounter")
    figure.savefig(path, dpi=150)
    plt.close(figure)
