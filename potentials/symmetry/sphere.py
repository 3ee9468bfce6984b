"""Points on a sphere of fixed radius, represented by any vector along the same ray."""

import numpy as np

from potentials.symmetry.symmetry import Symmetry


class Sphere(Symmetry):
    """The radial direction is a zero mode; with ``inversion`` x and -x are copies.

    Parameters
    ----------
    radius : float
    inversion : bool
    """

    n_zero = 1

    def __init__(self, radius, inversion=False):
        self.radius = radius
        self.inversion = inversion

    def zero_modes(self, x):
        """The unit vector along x, shape (1, n)."""
        x = np.asarray(x, dtype=float).ravel()
        return (x / np.linalg.norm(x))[None, :]

    def standard_frame(self, x):
        """x scaled to the radius."""
        x = np.asarray(x, dtype=float).ravel()
        return x * (self.radius / np.linalg.norm(x))

    def descriptor(self, x):
        """x scaled to the radius: the distance itself; without it where x and -x are copies."""
        return np.empty(0) if self.inversion else self.standard_frame(x)

    def align(self, x, reference):
        """x scaled to the radius and, with inversion, reversed when that brings it closer; the chord is the distance."""
        x, reference = self.standard_frame(x), self.standard_frame(reference)
        if self.inversion and x @ reference < 0.0:
            x = -x
        return x, float(np.linalg.norm(x - reference))

    def random_copy(self, x, rng):
        """x on another radius and, with inversion, of random sign."""
        sign = rng.choice([-1.0, 1.0]) if self.inversion else 1.0
        return sign * rng.uniform(0.5, 2.0) * np.asarray(x, dtype=float).ravel()

    def describe(self):
        """One line for the head of an output file."""
        return f"sphere of radius {self.radius:g}" + (" with inversion" if self.inversion else "")
