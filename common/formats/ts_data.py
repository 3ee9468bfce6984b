"""``ts.data``: energy, log product, order, the two minima and inertia, one line per transition state.

Written ``(2F25.15,3I10,3F20.10)``; ``(2F20.10,3I10,3F20.10)`` for the fastest path, ``(2G20.10,3I8,3G20.10)`` for reduced
networks. With IMFRQ a ninth column holds the negative eigenvalue. A transition state may join a minimum to itself.
"""

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from common.formats.fortran import f_lines
from common.formats.min_data import two_parts
from common.formats.text import integer, read_lines, reals


def read(path, n_minima=None):
    """Read a ``ts.data`` of any layout.

    Parameters
    ----------
    path : str or Path
    n_minima : int, optional
        Number of minima that ``plus`` and ``minus`` may refer to.

    Returns
    -------
    dict of ndarray
        ``energy``, ``log_product`` (n,), ``order``, ``plus``, ``minus`` (n,) of int64 (1-based minima), ``inertia`` (n, 3), and
        ``negative_eigenvalue`` (n,) when the file has it.

    Raises
    ------
    InputError
    """
    numbers, integers, width = [], [], None
    for k, line in enumerate(read_lines(path), 1):
        items = line.split()
        if not items:
            continue
        where = f"{path}:{k}"
        if len(items) not in (8, 9):
            raise InputError(
                f"{where}: expected energy, log product, order, two minima and three inertia columns, found {len(items)} items"
            )
        if width is not None and len(items) != width:
            raise InputError(f"{where}: expected {width} items as in the lines above, found {len(items)}")
        width = len(items)
        three = [integer(item, where, what) for item, what in zip(items[2:5], ("the order", "a minimum", "a minimum"))]
        if three[0] < 1:
            raise InputError(f"{where}: the point-group order must be positive, found {three[0]}")
        for minimum in three[1:]:
            if minimum < 1 or (n_minima is not None and minimum > n_minima):
                limit = "1 or more" if n_minima is None else f"between 1 and {n_minima}"
                raise InputError(f"{where}: the number of a minimum must be {limit}, found {minimum}")
        integers.append(three)
        numbers.append(reals(items[:2] + items[5:], where, "each column"))
    table = np.array(numbers, dtype=np.float64).reshape(len(numbers), (width or 8) - 3)
    whole = np.array(integers, dtype=np.int64).reshape(len(integers), 3)
    columns = {
        "energy": table[:, 0].copy(),
        "log_product": table[:, 1].copy(),
        "order": whole[:, 0].copy(),
        "plus": whole[:, 1].copy(),
        "minus": whole[:, 2].copy(),
        "inertia": table[:, 2:5].copy(),
    }
    if width == 9:
        columns["negative_eigenvalue"] = table[:, 5].copy()
    return columns


def columns_of(transition_states):
    """Columns of a sequence of `TransitionState` that know their minima, as `read` returns them."""
    states = list(transition_states)
    return {
        "energy": np.array([s.energy for s in states], dtype=np.float64),
        "log_product": np.array([s.log_product for s in states], dtype=np.float64),
        "order": np.array([s.order for s in states], dtype=np.int64),
        "plus": np.array([s.plus for s in states], dtype=np.int64),
        "minus": np.array([s.minus for s in states], dtype=np.int64),
        "inertia": np.array([s.inertia for s in states], dtype=np.float64).reshape(len(states), 3),
    }


def text(transition_states, layout="standard"):
    """The text of ``ts.data``.

    Parameters
    ----------
    transition_states : dict of ndarray as from `read`, or sequence of TransitionState
        With key ``negative_eigenvalue`` a ninth column is written.
    layout : {"standard", "fastest", "reduced"}
    """
    columns = transition_states if isinstance(transition_states, dict) else columns_of(transition_states)
    energies = np.column_stack([columns["energy"], columns["log_product"]])
    heads, tails = two_parts(energies, np.asarray(columns["inertia"]), layout)
    if "negative_eigenvalue" in columns:
        last = f_lines(columns["negative_eigenvalue"], 20, 10, 1).splitlines()
        tails = [tail + more for tail, more in zip(tails, last)]
    w = 8 if layout == "reduced" else 10
    three = zip(*(np.asarray(columns[name]).tolist() for name in ("order", "plus", "minus")))
    return "".join(f"{head}{a:{w}d}{b:{w}d}{c:{w}d}{tail}\n" for head, (a, b, c), tail in zip(heads, three, tails))


def write(path, transition_states, layout="standard"):
    """Write ``ts.data``; parameters as for `text`."""
    content = text(transition_states, layout)
    with atomic_write(path) as file:
        file.write(content)
