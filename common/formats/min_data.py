"""``min.data``: energy, log product, point-group order and inertia, one line per minimum.

Written ``(2F25.15,I6,3F20.10)``; the subset files of the fastest path use ``(2F20.10,I6,3F20.10)`` and the reduced networks
``(2G20.10,I8,3G20.10)``. Databases made with LOWESTFRQ have two more columns,
regrouped ones one, the occupation, which is not read.
"""

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from common.formats.fortran import f_lines, g_lines
from common.formats.text import integer, read_lines, reals

LAYOUTS = ("standard", "fastest", "reduced")


def read(path):
    """Read a ``min.data`` of any layout.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict of ndarray
        ``energy`` (n,), ``log_product`` (n,), ``order`` (n,) of int64, ``inertia`` (n, 3); with LOWESTFRQ also
        ``extra`` (n, 2). Row k is minimum k + 1.

    Raises
    ------
    InputError
    """
    numbers, orders, width = [], [], None
    for k, line in enumerate(read_lines(path), 1):
        items = line.split()
        if not items:
            continue
        where = f"{path}:{k}"
        if len(items) not in (6, 7, 8):
            raise InputError(
                f"{where}: expected energy, log product, order and three inertia eigenvalues, found {len(items)} items"
            )
        if width is not None and len(items) != width:
            raise InputError(f"{where}: expected {width} items as in the lines above, found {len(items)}")
        width = len(items)
        order = integer(items[2], where, "the point-group order")
        if order < 1:
            raise InputError(f"{where}: the point-group order must be positive, found {order}")
        orders.append(order)
        numbers.append(reals(items[:2] + items[3:], where, "each column"))
    table = np.array(numbers, dtype=np.float64).reshape(len(numbers), (width or 6) - 1)
    columns = {
        "energy": table[:, 0].copy(),
        "log_product": table[:, 1].copy(),
        "order": np.array(orders, dtype=np.int64),
        "inertia": table[:, 2:5].copy(),
    }
    if width == 8:
        columns["extra"] = table[:, 5:].copy()
    return columns


def columns_of(minima):
    """Columns of a sequence of `Minimum`, as `read` returns them."""
    minima = list(minima)
    return {
        "energy": np.array([m.energy for m in minima], dtype=np.float64),
        "log_product": np.array([m.log_product for m in minima], dtype=np.float64),
        "order": np.array([m.order for m in minima], dtype=np.int64),
        "inertia": np.array([m.inertia for m in minima], dtype=np.float64).reshape(len(minima), 3),
    }


def text(minima, layout="standard"):
    """The text of ``min.data``.

    Parameters
    ----------
    minima : dict of ndarray as from `read`, or sequence of Minimum
    layout : {"standard", "fastest", "reduced"}
    """
    columns = minima if isinstance(minima, dict) else columns_of(minima)
    energies = np.column_stack([columns["energy"], columns["log_product"]])
    inertia = np.asarray(columns["inertia"])
    if "extra" in columns:
        inertia = np.column_stack([inertia, columns["extra"]])
    heads, tails = two_parts(energies, inertia, layout)
    width = 8 if layout == "reduced" else 6
    return "".join(
        f"{head}{order:{width}d}{tail}\n" for head, order, tail in zip(heads, np.asarray(columns["order"]).tolist(), tails)
    )


def two_parts(energies, inertia, layout):
    """Formatted lines of the columns before and behind the integers."""
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, not {layout!r}")
    if layout == "reduced":
        head, tail = g_lines(energies, 20, 10, 2), g_lines(inertia, 20, 10, inertia.shape[1])
    else:
        head = f_lines(energies, 25, 15, 2) if layout == "standard" else f_lines(energies, 20, 10, 2)
        tail = f_lines(inertia, 20, 10, inertia.shape[1])
    return head.splitlines(), tail.splitlines()


def write(path, minima, layout="standard"):
    """Write ``min.data``; parameters as for `text`."""
    content = text(minima, layout)
    with atomic_write(path) as file:
        file.write(content)
