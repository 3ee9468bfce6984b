"""Copies of a point of a product of two sines of unknown frequency and phase."""

import itertools
import math

import numpy as np

from potentials.symmetry.symmetry import Symmetry


class SineProduct(Symmetry):
    """Symmetries of f(q1) sin(q2 x + q3) sin(q4 x + q5) as a function of x.

    The factors may be exchanged; (q, phase) -> (-q, pi - phase) leaves a factor unchanged; the phases may be shifted
    by (a pi, b pi) with a + b even.
    """

    def _copies(self, x):
        for exchange, first, second in itertools.product((False, True), repeat=3):
            y = x.copy()
            if exchange:
                y[1:3], y[3:5] = x[3:5], x[1:3]
            for reflect, k in ((first, 1), (second, 3)):
                if reflect:
                    y[k], y[k + 1] = -y[k], math.pi - y[k + 1]
            yield y

    def align(self, x, reference):
        """Exact: all eight images, each with the closest vector of the lattice of phase shifts."""
        x = np.asarray(x, dtype=float).ravel()
        reference = np.asarray(reference, dtype=float).ravel()
        best, shortest = x, math.inf
        for y in self._copies(x):
            shift = (reference[[2, 4]] - y[[2, 4]]) / math.pi
            nearest = np.round(shift)
            if nearest.sum() % 2:
                # the second closest integer of the component that lies farthest from its closest one
                worst = int(np.argmax(np.abs(shift - nearest)))
                nearest[worst] += 1.0 if shift[worst] > nearest[worst] else -1.0
            y[[2, 4]] += nearest * math.pi
            distance = float(np.linalg.norm(y - reference))
            if distance < shortest:
                best, shortest = y, distance
        return best, shortest

    def random_copy(self, x, rng):
        """A random image with a random shift of the phases."""
        copies = list(self._copies(np.asarray(x, dtype=float).ravel()))
        y = copies[rng.integers(len(copies))]
        a = int(rng.integers(-3, 4))
        y[2] += a * math.pi
        y[4] += (a + 2 * int(rng.integers(-2, 3))) * math.pi
        return y

    def describe(self):
        """One line for the head of an output file."""
        return "exchange, reflection and phase shifts of two sine factors"
