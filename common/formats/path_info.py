"""``path.info``: stationary points with energy, point group, Hessian eigenvalues and coordinates.

A record is ``(F25.15)`` energy, ``(I6,1X,A4)`` point-group order and Schoenflies symbol, all Hessian eigenvalues in descending
order ``(3G20.10)`` (absent with NOFRQS), and the coordinates ``(3F25.15)``. Records come as triples minimum, transition state,
minimum (DUMPALLPATHS), or as one path minimum, transition state, minimum, transition state, … (DUMPPATH).
"""

import math

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from common.formats.fortran import f, f_lines, g_lines, i
from common.formats.text import integer, read_block, read_lines, real
from common.stationary_points import Minimum, TransitionState, Triple

# Log products of a file without eigenvalues: 2 ln(2 pi) + 1 and 1, so that the rate constants keep their formula.
LOG_PRODUCT_MINIMUM_NOFRQS = 4.675754133
LOG_PRODUCT_TS_NOFRQS = 1.0
LAYOUTS = ("auto", "triples", "path")


class Triples(list):
    """List of `Triple`, with what was not taken from the file in `warnings` (list of str)."""

    def __init__(self, triples=(), warnings=()):
        super().__init__(triples)
        self.warnings = list(warnings)


def log_product(eigenvalues, n_used):
    """Sum of ln of the first `n_used` of the descending eigenvalues; NaN when one of them is not positive.

    Added up one after the other, as the classic PATHSAMPLE does, so that its ``min.data`` comes out to the last bit.
    """
    used = np.asarray(eigenvalues, dtype=np.float64)[:n_used]
    if not used.size:
        return 0.0
    return float(np.cumsum(np.log(used))[-1]) if used.min() > 0.0 else math.nan


def read(path, n_variables, frequencies=True, n_zero=6, layout="auto"):
    """Read a ``path.info``.

    Parameters
    ----------
    path : str or Path
    n_variables : int
        Coordinates per stationary point: three per atom, or the number of variables of a network.
    frequencies : bool
        Whether the file has eigenvalues (false for NOFRQS).
    n_zero : int
        Zero modes of the Hessian: log products are sums over the first ``n_variables - n_zero`` eigenvalues of a minimum, and
        one less of a transition state. Where one of these is not positive the log product is NaN.
    layout : {"auto", "triples", "path"}
        ``path`` is the output of DUMPPATH. ``auto`` looks which records lie above their neighbours.

    Returns
    -------
    Triples
        A list of `Triple`, with attribute ``warnings``; an incomplete last triple is left out with a warning. Inertia is not
        in the file: it is (1, 1, 1) in the records.

    Raises
    ------
    InputError
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, not {layout!r}")
    points, warnings = _read_points(path, n_variables, frequencies)
    if layout == "auto":
        layout = "path" if _is_path([point[0] for point in points]) else "triples"
    if layout == "triples":
        places = [(k, k + 1, k + 2) for k in range(0, len(points) - 2, 3)]
        used = 3 * len(places)
    else:
        places = [(k, k + 1, k + 2) for k in range(0, len(points) - 2, 2)]
        used = 2 * len(places) + 1 if places else 0
    if used < len(points):
        warnings.append(f"{path}: the last {len(points) - used} stationary points are no complete triple and were left out")
    n_used = n_variables - n_zero
    minima = {}

    def minimum(k):
        if k not in minima:
            minima[k] = _minimum(points[k], n_used)
        return minima[k]

    triples = [Triple(minimum(a), _transition_state(points[b], n_used - 1), minimum(c)) for a, b, c in places]
    return Triples(triples, warnings)


def _read_points(path, n_variables, frequencies):
    """Records of a file as (energy, order, symbol, eigenvalues or None, coordinates), and warnings."""
    lines = read_lines(path)
    while lines and not lines[-1].strip():
        lines.pop()
    block = -(-n_variables // 3)
    size = 2 + block * (2 if frequencies else 1)
    points, warnings = [], []
    start = 0
    while start < len(lines):
        if start + size > len(lines) and points:
            warnings.append(f"{path}:{start + 1}: the file ends within a stationary point, which was left out")
            break
        try:
            points.append(_read_point(path, lines, start, n_variables, frequencies, block))
        except InputError as error:
            remedy = f"is it a path.info of {n_variables} variables {'with' if frequencies else 'without'} eigenvalues?"
            raise InputError([f"{problem}; {remedy}" for problem in error.problems]) from None
        start += size
    return points, warnings


def _read_point(path, lines, start, n_variables, frequencies, block):
    where = f"{path}:{start + 1}"
    items = lines[start].split()
    if len(items) != 1:
        raise InputError(f"{where}: expected an energy alone on its line, found '{lines[start].strip()}'")
    energy = real(items[0], where, "the energy")
    where = f"{path}:{start + 2}"
    items = lines[start + 1].split() if start + 1 < len(lines) else []
    if not items or len(items) > 3 or any(item[0].isdigit() for item in items[1:2]):
        raise InputError(f"{where}: expected a point-group order and symbol")
    order = integer(items[0], where, "the point-group order")
    if order < 1:
        raise InputError(f"{where}: the point-group order must be positive, found {order}")
    symbol = "".join(items[1:]) or "C1"
    start += 2
    eigenvalues = None
    if frequencies:
        eigenvalues = np.array(read_block(lines, start, n_variables, path, "eigenvalues"))
        start += block
    coordinates = np.array(read_block(lines, start, n_variables, path, "coordinates"))
    return energy, order, symbol, eigenvalues, coordinates


def _is_path(energies):
    """Whether energies of successive records are those of one path rather than of triples."""
    if len(energies) < 4:
        return False

    def consistent(step):
        return all(energies[k + 1] >= max(energies[k], energies[k + 2]) for k in range(0, len(energies) - 2, step))

    return not consistent(3) and consistent(2)


def _minimum(point, n_used):
    energy, order, symbol, eigenvalues, coordinates = point
    product = LOG_PRODUCT_MINIMUM_NOFRQS if eigenvalues is None else log_product(eigenvalues, n_used)
    return Minimum(energy, coordinates, product, order, eigenvalues=eigenvalues, point_group=symbol)


def _transition_state(point, n_used):
    energy, order, symbol, eigenvalues, coordinates = point
    if eigenvalues is None:
        return TransitionState(energy, coordinates, LOG_PRODUCT_TS_NOFRQS, order, point_group=symbol)
    return TransitionState(
        energy,
        coordinates,
        log_product(eigenvalues, n_used),
        order,
        negative_eigenvalue=float(eigenvalues[-1]),
        eigenvalues=eigenvalues,
        point_group=symbol,
    )


def symbol_field(symbol):
    """A Schoenflies symbol in its four characters: ``C1  ``, ``C s ``, ``C5v ``, ``O h ``."""
    symbol = symbol.strip().replace(" ", "") or "C1"
    together = symbol[0] == "C" and symbol[1:2].isdigit()
    return (symbol if together else f"{symbol[0]} {symbol[1:]}").ljust(4)[:4]


def point_text(point, frequencies=True):
    """The record of one `Minimum` or `TransitionState`.

    Raises
    ------
    ValueError
        `frequencies` is true and the point has no eigenvalues.
    """
    parts = [f(point.energy, 25, 15), "\n", i(point.order, 6), " ", symbol_field(point.point_group), "\n"]
    if frequencies:
        if point.eigenvalues is None:
            raise ValueError("a stationary point has no eigenvalues; write with frequencies=False")
        parts.append(g_lines(point.eigenvalues, 20, 10))
    parts.append(f_lines(point.coordinates, 25, 15))
    return "".join(parts)


def text(triples, frequencies=True, layout="triples"):
    """The text of a ``path.info``.

    Parameters
    ----------
    triples : sequence of Triple
    frequencies : bool
        Whether to write eigenvalues; every point must have them.
    layout : {"triples", "path"}
        ``path`` writes a connected path without repeating minima: the minus side of each triple is the plus side of the next.
    """
    if layout not in ("triples", "path"):
        raise ValueError(f"layout must be triples or path, not {layout!r}")
    parts = []
    for k, triple in enumerate(triples):
        points = [triple.plus, triple.transition_state, triple.minus]
        parts += [point_text(point, frequencies) for point in (points[1:] if layout == "path" and k else points)]
    return "".join(parts)


def write(path, triples, frequencies=True, layout="triples"):
    """Write a ``path.info``; parameters as for `text`."""
    content = text(triples, frequencies, layout)
    with atomic_write(path) as file:
        file.write(content)
