"""``EofS`` and ``EofS.k``: energy along a path against the integrated path length.

``EofS`` ``(2F20.10)`` follows the whole connected path from one end. ``EofS.k`` ``(2G20.10,I6)`` follows path k with s = 0 at
the transition state, negative on the + side; its third column counts the points.
"""

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from common.formats.fortran import f_lines, g_lines
from common.formats.text import read_lines, reals


def read(path):
    """Read ``EofS`` or ``EofS.k``.

    Returns
    -------
    s, energy : ndarray of shape (n_points,)

    Raises
    ------
    InputError
    """
    rows = []
    for k, line in enumerate(read_lines(path), 1):
        items = line.split()
        if not items:
            continue
        if len(items) not in (2, 3):
            raise InputError(f"{path}:{k}: expected path length and energy, found '{line.strip()}'")
        rows.append(reals(items[:2], f"{path}:{k}", "each column"))
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 2)
    return table[:, 0].copy(), table[:, 1].copy()


def text(s, energy, numbered=False):
    """The text of ``EofS``, or of ``EofS.k`` when `numbered`."""
    pairs = np.column_stack([np.asarray(s, dtype=np.float64), np.asarray(energy, dtype=np.float64)])
    if not numbered:
        return f_lines(pairs, 20, 10, 2)
    return "".join(f"{line}{k:6d}\n" for k, line in enumerate(g_lines(pairs, 20, 10, 2).splitlines(), 1))


def write(path, s, energy, numbered=False):
    """Write ``EofS``, or ``EofS.k`` when `numbered`."""
    content = text(s, energy, numbered)
    with atomic_write(path) as file:
        file.write(content)
