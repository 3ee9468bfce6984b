"""Pictures of a basin-hopping run: progress, quench energies, how often each minimum was met and how many are unseen."""

import re
from collections import namedtuple
from pathlib import Path

import numpy as np

from common.errors import InputError

PICTURE = "gmin.png"
QUENCH = re.compile(r"(?:\[(\d+)\])?Qu +(\d+) E= *(\S+) +steps= *\S+ RMS= *(\S+) Markov E= *(\S+)")
#: Points drawn in the panel of progress at most; beyond this every k-th quench is shown.
MOST_POINTS = 20000

Quenches = namedtuple("Quenches", "walker number energy rms markov")


def read_quenches(path):
    """Qu lines of an output file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Quenches
        Arrays of shape (k,): number of the walker (from 1), of the quench, its energy and RMS gradient, and the energy of the
        walker before the decision.

    Raises
    ------
    InputError
        If the file is missing or holds no quench.
    """
    path = Path(path)
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            found = [m.groups() for m in map(QUENCH.match, file) if m]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; --plot draws the output of a finished or running gmin") from None
    if not found:
        raise InputError(f"{path}: no line 'Qu ...'; --plot draws the output of gmin")
    walker, number, energy, rms, markov = zip(*found)
    return Quenches(
        np.array([int(w or 1) for w in walker]),
        np.array(number, dtype=int),
        np.array(energy, dtype=float),
        np.array(rms, dtype=float),
        np.array(markov, dtype=float),
    )


def hit_counts(energies, tolerance):
    """How often each minimum was met, minima told apart by energy.

    Parameters
    ----------
    energies : ndarray of shape (k,)
    tolerance : float
        Energies whose gap is below it are one minimum.

    Returns
    -------
    energies : ndarray of shape (m,)
        Lowest energy of each minimum, ascending.
    counts : ndarray of int of shape (m,)
    """
    e = np.sort(np.asarray(energies, dtype=float))
    starts = np.flatnonzero(np.concatenate([[True], np.diff(e) >= tolerance]))
    return e[starts], np.diff(np.append(starts, len(e)))


def unseen(counts):
    """Estimates of what a sample has missed.

    Parameters
    ----------
    counts : sequence of int
        How often each minimum was met.

    Returns
    -------
    chance : float
        Probability that the next quench leads to a minimum not met before: Good and Turing's f1/n (Good, Biometrika 40, 237,
        1953), with f1 the number of minima met once and n that of quenches.
    total : float
        Lower bound to the number of minima within reach: Chao's S + f1 (f1 - 1)/(2 (f2 + 1)) (Chao, Scand. J. Stat. 11, 265,
        1984).
    """
    counts = np.asarray(counts)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return once / counts.sum(), len(counts) + once * (once - 1) / (2.0 * (twice + 1))


def energy_tolerance(rms):
    """Gap in energy that tells minima apart, from the RMS gradients at which the quenches ended."""
    return max(1e-6, 4.0 * float(np.median(rms)) ** 2)


def sensible_energies(energies, tolerance):
    """Which quenches to show: all but those that flew apart or did not converge, which would squeeze the rest into a line.

    Parameters
    ----------
    energies : ndarray of shape (k,)
    tolerance : float
        Energies closer than this are those of one minimum.

    Returns
    -------
    ndarray of bool of shape (k,)
        False where the energy is not finite, or above the lowest one by more than 21 times what half of them are. Where half
        of the quenches are to one minimum, three quarters count instead, and so on.
    """
    finite = np.isfinite(energies)
    lowest = energies[finite].min() if finite.any() else 0.0
    for share in (0.5, 0.75, 0.9):
        spread = np.quantile(energies[finite], share) - lowest if finite.any() else 0.0
        if spread > 20.0 * tolerance:
            return finite & (energies < lowest + 21.0 * spread + 1e-3)
    return finite


def plot(output="output", picture=PICTURE):
    """Draw the run whose lines are in ``output``; returns lines about it.

    Raises
    ------
    InputError
        If there is nothing to draw.
    """
    if _is_tempering(output):
        from gmin.heat_capacity import plot as plot_heat_capacity

        return plot_heat_capacity(Path(output).parent)
    q = read_quenches(output)
    tolerance = energy_tolerance(q.rms)
    sensible = sensible_energies(q.energy, tolerance)
    energies, counts = hit_counts(q.energy[sensible], tolerance)
    chance, total = unseen(counts)
    lines = [
        f"{len(q.energy)} quenches of {q.walker.max()} walker(s), lowest energy {q.energy.min():.10f}",
        f"{len(counts)} minima told apart by energy; a new one in {100 * chance:.1f} % of further quenches (Good-Turing); "
        f"at least {total:.0f} within reach (Chao)",
    ]
    draw(Path(picture), q, sensible, energies, counts, chance, total)
    return [*lines, f"drawn in {picture}"]


def _is_tempering(output):
    """Whether an output is that of a run of PTMC or BSPT."""
    try:
        with open(output, encoding="ascii", errors="replace") as file:
            return " replicas of " in file.readline()
    except OSError:
        return False


def draw(path, q, sensible, energies, counts, chance, total):
    """The picture of `plot`."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (progress, histogram, hits) = plt.subplots(
        1, 3, figsize=(12, 3.8), layout="constrained", gridspec_kw={"width_ratios": [2.2, 1, 1.3]}
    )
    _draw_progress(progress, q, sensible)
    histogram.sharey(progress)
    histogram.hist(q.energy[sensible], bins=60, orientation="horizontal", color="0.6")
    histogram.set_xlabel("quenches")
    histogram.tick_params(labelleft=False)
    _draw_hits(hits, energies, counts, chance, total)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _draw_progress(axes, q, sensible):
    walkers = np.unique(q.walker)
    for k, walker in enumerate(walkers):
        mine = sensible & (q.walker == walker)
        number, energy, markov = q.number[mine], q.energy[mine], q.markov[mine]
        thin = slice(None, None, 1 + len(walkers) * len(number) // MOST_POINTS)
        several = len(walkers) > 1
        axes.plot(number[thin], energy[thin], ".", ms=1.5, color=f"C{k}" if several else "0.65", rasterized=True,
                  label=None if several else "quench")  # fmt: skip
        if not several:
            axes.plot(number[thin], markov[thin], lw=0.6, color="C0", label="walker")
        best = np.minimum.accumulate(energy)
        axes.step(number, best, where="post", lw=1.6, color=f"C{k}" if several else "C3",
                  label=f"lowest, walker {walker}" if several else "lowest")  # fmt: skip
    axes.set_xlabel("step")
    axes.set_ylabel("energy")
    if len(walkers) <= 8:
        axes.legend(loc="upper right", markerscale=5, framealpha=0.9, fontsize="small")


def _draw_hits(axes, energies, counts, chance, total):
    axes.plot(energies, counts, ".", ms=3, color="0.5", rasterized=True)
    axes.plot(energies[:1], counts[:1], "o", ms=5, color="C3")
    axes.annotate(f"lowest: {counts[0]}", (energies[0], counts[0]), xytext=(6, 6), textcoords="offset points", color="C3")
    axes.set_yscale("log")
    axes.set_ylim(0.7, 2.0 * counts.max())
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("energy of the minimum")
    axes.set_ylabel("times met")
    axes.set_title(
        f"{len(counts)} minima met, at least {total:.0f} within reach\nnext quench new: {100 * chance:.1f} %", fontsize="small"
    )
