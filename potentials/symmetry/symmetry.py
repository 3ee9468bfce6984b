"""The interface of every symmetry, and the trivial one."""

import numpy as np


class Symmetry:
    """The exact symmetries of a potential: what its zero modes are and which points are copies of each other.

    This base class is the trivial group: no zero mode, no copy but the point itself.

    Attributes
    ----------
    n_zero : int
        Number of zero modes at a generic point.
    """

    n_zero = 0

    def zero_modes(self, x):
        """Orthonormal zero modes of the Hessian at x, shape (k, n_variables); k may be below n_zero (linear molecules)."""
        return np.empty((0, np.size(x)))

    def align(self, x, reference):
        """Closest copy of x to the reference under all exact symmetries.

        Returns
        -------
        aligned : ndarray of shape (n_variables,)
            A copy of x: same energy, same Hessian eigenvalues.
        distance : float
            Euclidean distance from ``aligned`` to ``reference``.
        """
        x = np.asarray(x, dtype=float).ravel()
        return x.copy(), float(np.linalg.norm(x - np.asarray(reference, dtype=float).ravel()))

    def same(self, x, reference, tolerance):
        """Whether x is a copy of the reference within a distance; may stop as soon as that is decided."""
        return self.align(x, reference)[1] < tolerance

    def distances(self, X, reference):
        """Distance of each of the points X, shape (B, n_variables), from the reference: shape (B,)."""
        return np.array([self.align(x, reference)[1] for x in np.atleast_2d(X)])

    def descriptor(self, x):
        """Vector that copies of x share, whose Euclidean distances never exceed ``distances``; empty where none is known."""
        return np.asarray(x, dtype=float).ravel().copy() if type(self) is Symmetry else np.empty(0)

    def descriptors_of_many(self, X):
        """``descriptor`` of each of the points X, shape (B, n_variables), as the rows of an array."""
        return np.array([np.asarray(self.descriptor(x), dtype=float).ravel() for x in X])

    def descriptors(self, x):
        """Tuple of vectors like ``descriptor``: the largest of their distances from those of another point is a lower bound."""
        return (self.descriptor(x),)

    def lower_bounds(self, X, reference):
        """Cheap lower bounds to ``distances``, shape (B,), to choose which are worth computing; zeros where none is known."""
        return np.zeros(len(np.atleast_2d(X)))

    def order(self, x):
        """Order of the subgroup that leaves x unchanged (the point-group order of a cluster)."""
        return 1

    def point_group(self, x):
        """Schoenflies symbol, where it has a meaning."""
        return "C1"

    def inertia(self, x):
        """Invariants of the shape in the columns of min.data: eigenvalues of the inertia tensor, or ones."""
        return (1.0, 1.0, 1.0)

    def standard_frame(self, x):
        """x moved to the standard place (a cluster: centroid at the origin); changes nothing that matters."""
        return np.asarray(x, dtype=float).ravel().copy()

    def random_copy(self, x, rng):
        """A random copy of x under the group, for tests."""
        return np.asarray(x, dtype=float).ravel().copy()

    def describe(self):
        """One line for the head of an output file."""
        return "no symmetry"


#: The trivial symmetry.
NoSymmetry = Symmetry
