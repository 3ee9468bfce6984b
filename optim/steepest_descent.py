"""Steepest-descent paths by a general solver of differential equations (BSMIN, RKMIN): an independent check of the others.

Signature and result are those of `optim._descent.downhill`.
"""

import numpy as np

from potentials.characterise import gradient_rms


class _Recorder:
    """Frames of a path with their energies and lengths; every second one is dropped when there are too many."""

    def __init__(self, x, length, capacity):
        self.last, self.length, self.capacity = np.array(x), length, capacity
        self.frames, self.energies, self.lengths = [], [], []
        self.stride = self.count = 1

    def add(self, x, energy):
        self.length += float(np.linalg.norm(x - self.last))
        self.last = np.array(x)
        self.count += 1
        if not self.capacity or self.count % self.stride:
            return
        if len(self.frames) == self.capacity:
            for values in (self.frames, self.energies, self.lengths):
                del values[::2]
            self.stride *= 2
        self.frames.append(self.last)
        self.energies.append(energy)
        self.lengths.append(self.length)

    def result(self, x, energy, rms, converged, iterations):
        n = len(x)
        return {
            "coordinates": np.array(x),
            "energy": float(energy),
            "rms": float(rms),
            "converged": bool(converged),
            "finite": bool(np.isfinite(energy)),
            "iterations": iterations,
            "length": self.length,
            "frames": np.array(self.frames).reshape(-1, n),
            "frame_energies": np.array(self.energies),
            "frame_lengths": np.array(self.lengths),
        }


def integrate(potential, origin, energy, first, settings, rms, max_iterations):
    """The steepest-descent equation dx/dt = -g integrated by an implicit solver of variable order.

    The equation is stiff (curvatures of a cluster span four decades), where explicit methods such as Runge-Kutta or
    Bulirsch-Stoer take thousands of steps; LSODA changes to implicit formulae.
    """
    from scipy.integrate import LSODA

    x = np.array(first, dtype=float)
    recorder = _Recorder(origin, 0.0, settings.frames)
    e, g = potential.energy_gradient(x)
    recorder.add(x, e)
    accuracy = min(settings.ode_accuracy, 1e-3)
    solver = LSODA(lambda t, y: -potential.gradient(y), 0.0, x, np.inf, rtol=accuracy, atol=0.1 * accuracy)
    iterations = 0
    value = gradient_rms(g)
    goal = rms if settings.ode_rms is None else max(rms, settings.ode_rms)
    while value >= goal and iterations < max_iterations:
        solver.step()
        if solver.status == "failed":
            break
        iterations += 1
        x = solver.y
        e, g = potential.energy_gradient(x)
        value = gradient_rms(g)
        recorder.add(x, e)
        if not np.isfinite(e):
            break
    result = recorder.result(x, e, value, value < rms, iterations)
    if not result["converged"] and np.isfinite(e):
        # below the accuracy of the integration the minimiser finishes
        from optim._descent import downhill

        rest = downhill(potential, result["coordinates"], e, result["coordinates"], settings, rms, max_iterations)
        rest["iterations"] += iterations
        rest["frame_lengths"] = np.concatenate([result["frame_lengths"], rest["frame_lengths"] + result["length"]])
        rest["frame_energies"] = np.concatenate([result["frame_energies"], rest["frame_energies"]])
        rest["frames"] = np.concatenate([result["frames"], rest["frames"]])
        rest["length"] += result["length"]
        return rest
    return result
