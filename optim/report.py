"""The result lines of the program on standard output (FORMATS of the classic OPTIM, which existing scripts search for)."""

import sys
import time

import numpy as np

from common.formats.fortran import f, g
from optim.connect import Silent

#: Rotational constant of a moment of inertia of 1 amu bohr^2 in cm^-1, h / (8 pi^2 c I), with which the classic program
#: converts moments of any unit.
ROTATIONAL_CONSTANT = 60.199687
#: Seconds spent to time one evaluation for the last lines.
TIMING = 1e-3
PATH_HEAD = "         E+        Ets - E+           Ets       Ets - E-           E-          S       D      gamma   ~N"
TABLE_HEAD = "  ts        E+         Ets - E+          Ets       Ets - E-          E-          S       D      gamma   ~N"


def path_row(path, forward=True, width=17):
    """E+, Ets - E+, Ets, Ets - E-, E-, S, D, gamma, N~ of a path; with the sides exchanged unless ``forward``."""
    sides = [path.triple.plus.energy, path.triple.minus.energy]
    ts = path.triple.transition_state.energy
    first, last = sides if forward else sides[::-1]
    return (
        f"{f(first, 17, 7)}{g(ts - first, 12, 5)}{f(ts, width, 7)}{g(ts - last, 12, 5)}{f(last, width, 7)}"
        f"{f(path.length, 8, 3)}{f(path.distance, 8, 3)}{f(path.moment, 8, 3)}{f(path.cooperativity, 8, 3)}"
    )


class Report(Silent):
    """Prints every event of a connection run.

    Parameters
    ----------
    settings : OptimSettings
    stream : file, optional
    """

    def __init__(self, settings, stream=None):
        self.settings = settings
        self.stream = sys.stdout if stream is None else stream

    def line(self, text=""):
        """One line of output."""
        print(text, file=self.stream)

    # --- minimisations ------------------------------------------------------------------------------------------------
    def minimisation(self, energies, rms, steps, step_lengths):
        """The steps of a minimiser and its end."""
        self.line(" mylbfgs> Resetting LBFGS minimiser")
        for k, (energy, value) in enumerate(zip(energies, rms, strict=True)):
            text = f" mylbfgs> Energy and RMS force={g(energy, 20, 10)}{g(value, 20, 10)} after {k:6d} steps"
            if k:
                text += f", step:{g(step_lengths[k - 1], 13, 5)}"
            self.line(text)
        self.line(f" mylbfgs> Final energy is {f(energies[-1], 24, 14)}")

    def point_group(self, point):
        """Rotational constants, moments of inertia and point group of a stationary point of a cluster."""
        from common.formats.path_info import symbol_field

        constants = [ROTATIONAL_CONSTANT / moment if moment > 0.0 else 0.0 for moment in point.inertia]
        self.line(" rotcon> Rotational constants (in cm-1) and principal moments of inertia: ")
        self.line(" ".join(f(value, 15, 5) for value in [*sorted(constants), *point.inertia]))
        self.line(f" symmetry> The full molecular point group is {symbol_field(point.point_group).strip()}.")
        self.line(f" symmetry> Order of full point group={point.order:6d}")

    def end_points(self, first, first_rms, last, last_rms):
        """Energies of start and finish."""
        self.line(f" OPTIM> Initial energy={g(first, 20, 10)} RMS force={g(first_rms, 20, 10)}")
        self.line(f" OPTIM> Final energy  ={g(last, 20, 10)} RMS force={g(last_rms, 20, 10)}")

    def converged(self):
        """End of an optimisation."""
        self.line()
        self.line(" geopt>                          **** CONVERGED ****")
        self.line()

    # --- connection -----------------------------------------------------------------------------------------------------
    def cycle(self, number, minima, triples):
        """A cycle begins."""
        self.line()
        self.line(f" {'>' * 21} CONNECT CYCLE {number} {'>' * 21} {minima} minima and {triples} ts are known {'>' * 20}")

    def decided(self, pairs, steps, weight):
        """The pairs to join were chosen."""
        self.line(
            f" decide> Shortest path in Dijkstra has {steps:6d} steps with {len(pairs):6d} missing connections, "
            f"weight={g(weight, 15, 5)}"
        )
        self.line(" decide> The unconnected minima in the chain and their distances are:")
        self.line("".join(f"{i + 1:6d}{f(d, 12, 2)}{j + 1:6d}" for i, j, d in pairs))
        self.line()

    def band(self, first, second, images, iterations, attempt):
        """A band starts."""
        names = f"{first + 1}{self._set(first)} and {second + 1}{self._set(second)}"
        self.line(
            f" tryconnect> {iterations}-iteration DNEB run for minima {names} using {images} images"
            f"  (DNEB attempt #{attempt + 1})  ..."
        )

    def _set(self, index):
        return "_S" if index == 0 else "_F" if index == 1 else "_U"

    def band_done(self, band, seconds):
        """A band ended."""
        self.line(f" lbfgs> Final DNEB force constant{g(band.spring, 20, 10)}")
        self.line(
            f" Double-ended search iterations= {band.iterations} RMS= {band.rms:.4f} Dev= {band.deviation:.2f}% "
            f"S= {band.length:.2f} time= {seconds:.2f}"
        )
        if band.maxima:
            images = "".join(f"{k:5d}" for k in band.maxima)
            self.line(f" Following {len(band.maxima):4d} images are candidates for TS:{images}  ")
        else:
            self.line(" No maximum along the band, no candidates for TS")

    def search(self, result):
        """A transition state search ended."""
        if result["status"] == 0:
            self.line(f" Converged to TS (number of iterations): {result['iterations']:10d}")
        else:
            self.line(f" Failed to converge to TS (number of iterations): {result['iterations']:10d}: {result['message']}")

    def known_ts(self, number):
        """A search found a transition state again."""
        self.line(f" isnewts> transition state is the same as number {number + 1:8d}")

    def path_found(self, number, path, plus, minus):
        """A new triple and its path."""
        self.line()
        self.line(f" >>>>>  Path run for ts {number} ...")
        self.sides(path)
        self.line()
        self.line(PATH_HEAD)
        self.line(path_row(path))
        names = [f"*NEW* (Placed in {k + 1})" if new else f"Known (#{k + 1})" for k, new in (plus, minus)]
        self.line(f"        {names[0]:<56}{names[1]}")

    def sides(self, path):
        """Both sides of a path."""
        for name, side in (("Plus ", path.plus), ("Minus", path.minus)):
            energy = g(side.minimum.energy, 20, 10)
            self.line(f" {name} side of path: {side.steps:23d} steps. Energy={energy}   time={f(side.seconds, 11, 2)}")

    def failed(self, reason):
        """A search or path failed."""
        self.line(f" tryconnect> {reason}")

    def summary(self, result):
        """The connected path, or why there is none."""
        self.line()
        if not result.connected:
            self.line(f" No connected path: {result.message}")
        elif not result.path:
            self.line(" Start and finish are the same minimum")
        else:
            self.line(" Connected path found")
            self.line(TABLE_HEAD)
            for k, forward in path_sequence(result):
                path = result.paths[k]
                self.line(f"{k + 1:4d}{path_row(path, forward, width=16)}")
            self.line()
            self.line(f" Number of TS in the path       = {len(result.path):6d}")
        self.line(f" Number of cycles               = {result.cycles:6d}")
        self.line()

    def end(self, started, potential, x):
        """Time and evaluations; the time of an evaluation is measured at the point x."""
        elapsed = time.perf_counter() - started
        self.line(f" Elapsed time={f(elapsed, 45, 2)}")
        gradients, hessians = int(potential.calls), int(potential.hessian_calls)
        costs = [0.0, gradients * _seconds(lambda: potential.energy_gradient(x), gradients, elapsed)]
        costs.append(hessians * _seconds(lambda: potential.hessian(x), hessians, elapsed))
        names = (("", 25), ("+gradient", 16), ("+gradient+Hessian", 8))
        for (name, width), count, cost in zip(names, (0, gradients, hessians), costs, strict=True):
            share = 100.0 * cost / max(elapsed, 1e-9)
            self.line(
                f" OPTIM> # of energy{name} calls={count:{width + 2}d} time={f(cost, 15, 2)} %={f(min(share, 100.0), 5, 1)}"
            )


def _seconds(evaluate, count, elapsed):
    """Time of one evaluation, measured where it costs next to nothing beside the run."""
    if not count:
        return 0.0
    began = time.perf_counter()
    repeats = 0
    while repeats < count:
        evaluate()
        repeats += 1
        spent = time.perf_counter() - began
        if spent > min(TIMING, 0.05 * elapsed):
            return spent / repeats
    return (time.perf_counter() - began) / repeats


def path_sequence(result):
    """[(index of the triple, whether its plus side comes first)] along the connected path."""
    sequence, at = [], 0
    for k in result.path:
        plus, minus = result.edges[k]
        forward = plus == at
        sequence.append((k, forward))
        at = minus if forward else plus
    return sequence


def rms_of(gradient):
    """RMS of a gradient."""
    return float(np.linalg.norm(gradient)) / np.sqrt(len(gradient))
