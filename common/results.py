"""What every search returns."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(slots=True)
class Result:
    """Outcome of a search.

    Attributes
    ----------
    coordinates : ndarray of shape (n_variables,)
    energy : float
    gradient : ndarray of shape (n_variables,) or None
    rms : float
        Norm of the gradient over sqrt(n_variables).
    converged : bool
    status : int
        0 when converged; otherwise the reason, worded in ``message``.
    message : str
    iterations : int
    calls : int
        Energy and gradient evaluations.
    seconds : float
    extra : dict
        What only this kind of search yields.
    """

    coordinates: np.ndarray
    energy: float
    rms: float
    converged: bool
    status: int
    message: str
    iterations: int
    calls: int
    seconds: float
    gradient: np.ndarray | None = None
    extra: dict = field(default_factory=dict)
