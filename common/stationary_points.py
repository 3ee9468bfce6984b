"""Records of stationary points: the words in which the programs speak to each other and to the database."""

from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """A local minimum.

    Attributes
    ----------
    energy : float
    coordinates : ndarray of shape (n_variables,)
    log_product : float
        Sum of ln of the positive Hessian eigenvalues, zero modes left out. NaN when not known.
    order : int
        Point-group order of a cluster, or size of the stabiliser in the symmetry group of the potential.
    inertia : tuple of 3 floats
        Eigenvalues of the inertia tensor with unit masses, ascending; (1, 1, 1) where it has no meaning.
    eigenvalues : ndarray or None
        All Hessian eigenvalues in descending order, zero modes included, when they were computed.
    point_group : str
        Schoenflies symbol ("C1" where it has no meaning).
    id : int or None
        1-based index in the database the record came from.
    """

    energy: float
    coordinates: np.ndarray
    log_product: float = float("nan")
    order: int = 1
    inertia: tuple = (1.0, 1.0, 1.0)
    eigenvalues: np.ndarray | None = None
    point_group: str = "C1"
    id: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TransitionState:
    """A stationary point with exactly one negative Hessian eigenvalue.

    Attributes
    ----------
    energy, coordinates, order, inertia, eigenvalues, point_group, id
        As for `Minimum`.
    log_product : float
        Sum of ln of the positive Hessian eigenvalues; the negative one and the zero modes are left out.
    negative_eigenvalue : float
        NaN when not known.
    plus, minus : int or None
        1-based indices of its two minima, when it came from a database.
    """

    energy: float
    coordinates: np.ndarray
    log_product: float = float("nan")
    order: int = 1
    inertia: tuple = (1.0, 1.0, 1.0)
    negative_eigenvalue: float = float("nan")
    eigenvalues: np.ndarray | None = None
    point_group: str = "C1"
    plus: int | None = None
    minus: int | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Triple:
    """A transition state and the minima at the two ends of its steepest-descent paths.

    Attributes
    ----------
    plus, minus : Minimum
        Reached along + and - the downhill eigenvector.
    transition_state : TransitionState
    path_length : float
        Integrated length of both paths; NaN when not known.
    """

    plus: Minimum
    transition_state: TransitionState
    minus: Minimum
    path_length: float = field(default=float("nan"))


def with_inertia(triple, symmetry):
    """The same triple with the inertia of its points, which path.info does not state.

    Parameters
    ----------
    triple : Triple
    symmetry : Symmetry
        Supplies ``inertia(x)``.

    Returns
    -------
    Triple
    """

    def complete(point):
        return replace(point, inertia=tuple(float(v) for v in symmetry.inertia(point.coordinates)))

    return replace(
        triple,
        plus=complete(triple.plus),
        transition_state=complete(triple.transition_state),
        minus=complete(triple.minus),
    )
