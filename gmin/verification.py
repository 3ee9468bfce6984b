"""Quenches verified: which of them are minima, with the log products, orders and moments of inertia that are stored."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from common.errors import ConvergenceError
from common.stationary_points import Minimum
from gmin._verify import AGAIN, C1, SADDLE, SYMMETRIC, ClusterVerifier


@dataclass(slots=True)
class Verified:
    """Minima out of some quenches, in their order, as arrays where they are many and plain.

    Attributes
    ----------
    coordinates : ndarray of shape (k, n_variables)
    figures : ndarray of shape (k, 5)
        Energy (NaN where there is no minimum); log product and moments of inertia of plain ones.
    others : dict
        Row: the `Minimum` of one that is not plain (symmetric, or verified the general way), None for a quench that is none or
        led to a minimum that the verifier has had before.
    refused : Counter
        Number of quenches that did not prove to be minima, by reason.
    again : int
        Number of quenches to minima that the verifier has had before.
    """

    coordinates: np.ndarray
    figures: np.ndarray
    others: dict
    refused: Counter
    again: int = 0

    def minimum(self, k):
        """Row k as a `Minimum`, or None."""
        if k in self.others:
            return self.others[k]
        energy, log_product, *inertia = self.figures[k].tolist()
        return Minimum(energy, self.coordinates[k], log_product, 1, tuple(inertia))

    def minima(self):
        """All minima, as a list."""
        return [m for m in map(self.minimum, range(len(self.coordinates))) if m is not None]


def verify(potential, candidates, verifier=None):
    """Minima out of quenches.

    Parameters
    ----------
    potential : Potential
    candidates : ndarray of shape (k, n_variables)
    verifier : gmin._verify.ClusterVerifier, optional
        Does the ordinary ones of a cluster in one go.

    Returns
    -------
    Verified
    """
    from potentials.characterise import characterise_minimum

    count = len(candidates)
    if verifier is None:
        outcomes, points, figures = np.full(count, -1), candidates, np.zeros((count, 5))
    else:
        outcomes, points, figures = verifier.verify(candidates)
    verified = Verified(points, figures, {}, Counter())
    for k in np.flatnonzero(outcomes != C1).tolist():
        minimum = None
        if outcomes[k] == AGAIN:
            verified.again += 1
        elif outcomes[k] == SADDLE:
            verified.refused["not a minimum: negative eigenvalue(s)"] += 1
        elif outcomes[k] == SYMMETRIC:
            x = points[k]
            energy, log_product, *inertia = figures[k].tolist()
            order, group = potential.symmetry.order_and_group(x)
            minimum = Minimum(energy, x, log_product, int(order), tuple(inertia), point_group=group)
        else:
            try:
                minimum = characterise_minimum(potential, candidates[k])
            except ConvergenceError as error:
                # the figures behind the reason differ from point to point
                reason = " ".join(word for word in str(error).split() if not any(c.isdigit() for c in word))
                verified.refused[reason] += 1
        verified.others[k] = minimum
        verified.figures[k, 0] = np.nan if minimum is None else minimum.energy
    return verified


def cluster_verifier(potential):
    """A `ClusterVerifier` for a free cluster with an analytic Hessian, None for everything else."""
    from potentials.callable import CallablePotential
    from potentials.symmetry import RigidCluster

    if type(potential.symmetry) is not RigidCluster or not potential.has_hessian or potential.symmetry.n_zero != 6:
        return None
    # what Python evaluates needs the interpreter anyway
    return None if isinstance(potential, CallablePotential) else ClusterVerifier(potential)
