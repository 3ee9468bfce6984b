"""``min.data.info``: minima with their coordinates, any number of them one behind the other.

A record is a line of ``min.data`` ``(2F20.10,I6,3F20.10)``, with two more columns when made with LOWESTFRQ, and the coordinates
``(3F25.15)``. A log product of 0 means that no Hessian was computed.
"""

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from common.formats.fortran import f, f_lines, i
from common.formats.text import integer, read_block, read_lines, reals
from common.stationary_points import Minimum


def read(path, n_variables):
    """Read a ``min.data.info``, also several concatenated ones.

    Parameters
    ----------
    path : str or Path
    n_variables : int

    Returns
    -------
    list of Minimum
        ``log_product`` is NaN where the file has 0.0, which the classic OPTIM writes without ENDHESS.

    Raises
    ------
    InputError
    """
    lines = read_lines(path)
    while lines and not lines[-1].strip():
        lines.pop()
    block = -(-n_variables // 3)
    minima = []
    for start in range(0, len(lines), 1 + block):
        where = f"{path}:{start + 1}"
        items = lines[start].split()
        if len(items) not in (6, 8):
            raise InputError(
                f"{where}: expected energy, log product, order and three inertia columns, found {len(items)} items; "
                f"is it a min.data.info of {n_variables} variables?"
            )
        energy, log_product, *inertia = reals(items[:2] + items[3:6], where, "each column")
        order = integer(items[2], where, "the point-group order")
        if order < 1:
            raise InputError(f"{where}: the point-group order must be positive, found {order}")
        coordinates = np.array(read_block(lines, start + 1, n_variables, path, "coordinates"))
        minima.append(Minimum(energy, coordinates, log_product if log_product != 0.0 else float("nan"), order, tuple(inertia)))
    return minima


def point_text(minimum):
    """The record of one `Minimum`; an unknown log product is written as 0."""
    log_product = 0.0 if minimum.log_product != minimum.log_product else minimum.log_product
    head = f(minimum.energy, 20, 10) + f(log_product, 20, 10) + i(minimum.order, 6)
    return head + "".join(f(value, 20, 10) for value in minimum.inertia) + "\n" + f_lines(minimum.coordinates, 25, 15)


def text(minima):
    """The text of a ``min.data.info``."""
    return "".join(point_text(minimum) for minimum in minima)


def write(path, minima):
    """Write a ``min.data.info``, replacing the file."""
    content = text(minima)
    with atomic_write(path) as file:
        file.write(content)


def append(path, minima):
    """Add minima to the end of a ``min.data.info``, as the classic OPTIM does for every converged minimum."""
    content = text(minima)
    with open(path, "a", encoding="ascii", newline="\n") as file:
        file.write(content)
