"""``points.min``, ``points.ts``: coordinates of all stationary points as consecutive little-endian doubles, nothing else."""

import os

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError


def read(path, n_variables, n_points=None):
    """Read a points file.

    Parameters
    ----------
    path : str or Path
    n_variables : int
        Doubles per stationary point: three per atom.
    n_points : int, optional
        How many points there must be, from the other file of the pair (``min.data`` or ``ts.data``).

    Returns
    -------
    ndarray of shape (n_points, n_variables)

    Raises
    ------
    InputError
        The file is missing, truncated, or holds another number of points.
    """
    try:
        size = os.stat(path).st_size
        if size % (8 * n_variables):
            raise InputError(
                f"{path}: {size} bytes is not a multiple of {8 * n_variables} ({n_variables} variables): the file is truncated "
                f"behind point {size // (8 * n_variables)}, or belongs to another system"
            )
        values = np.fromfile(path, dtype="<f8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    values = values.astype(np.float64, copy=False).reshape(-1, n_variables)
    if n_points is not None and len(values) != n_points:
        raise InputError(f"{path}: holds {len(values)} points of {n_variables} variables, expected {n_points}")
    return values


def write(path, coordinates):
    """Write a points file.

    Parameters
    ----------
    path : str or Path
    coordinates : array_like of shape (n_points, n_variables)
    """
    array = np.ascontiguousarray(coordinates, dtype="<f8")
    with atomic_write(path, "wb") as file:
        file.write(memoryview(array).cast("B") if array.size else b"")
