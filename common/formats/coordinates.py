"""Coordinates alone: ``coords``, ``finish``, ``extractedmin``, ``redopoints``, and the lines below POINTS and VARIABLES.

Three coordinates per line, with or without a symbol in front, or one variable per line; the last line may be shorter when the
number of variables is not a multiple of three.
"""

from dataclasses import dataclass

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from common.formats.fortran import f_lines
from common.formats.lowest import split_label
from common.formats.text import read_lines, reals


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Coordinates and symbols read from text.

    Attributes
    ----------
    coordinates : ndarray of shape (n_variables,)
    symbols : tuple of str
        One per line when the lines start with symbols, otherwise empty.
    per_line : int
        3 for atoms, 1 for variables one to a line.
    """

    coordinates: np.ndarray
    symbols: tuple
    per_line: int


def parse(lines, name):
    """Coordinates from raw lines.

    Parameters
    ----------
    lines : iterable of (int, str)
        Line number and text; blank lines are skipped. An attribute ``where`` of an entry takes the place of ``name:number``.
    name : str
        How messages call the file.

    Returns
    -------
    Geometry

    Raises
    ------
    InputError
        No coordinates, a word among them, or lines of different length.
    """
    numbers, symbols, places = [], [], []
    per_line = None
    short = None
    for entry in lines:
        number, line = entry
        items = line.split()
        if not items:
            continue
        where = getattr(entry, "where", f"{name}:{number}")
        symbol, items = split_label(items)
        if short is not None:
            raise InputError(f"{short}: expected {per_line} coordinates; only the last line may have fewer")
        if per_line is None:
            per_line = len(items) if len(items) in (1, 3) else 3
            labelled = bool(symbol)
        if bool(symbol) != labelled:
            what = "a symbol and three coordinates" if labelled else f"{per_line} numbers, as in the lines above"
            raise InputError(f"{where}: expected {what}, found '{line.strip()}'")
        if len(items) > per_line or not items or (labelled and len(items) != 3):
            plural = "coordinates" if per_line == 3 else "variable"
            raise InputError(f"{where}: expected {per_line} {plural} per line, found '{line.strip()}'")
        if len(items) < per_line:
            short = where
        if symbol:
            symbols.append(symbol)
        numbers += reals(items, where, "a coordinate")
        places.append(where)
    if not numbers:
        raise InputError(f"{name}: no coordinates; expected one line x y z per atom, or one variable per line")
    coordinates = np.array(numbers)
    finite = np.isfinite(coordinates)
    if not finite.all():
        first = int(np.argmin(finite))
        raise InputError(f"{places[first // per_line]}: coordinate {first % per_line + 1} is not finite: {coordinates[first]}")
    return Geometry(coordinates, tuple(symbols), per_line)


def read(path, n_variables=None):
    """Read ``coords`` or ``finish``.

    Parameters
    ----------
    path : str or Path
    n_variables : int, optional
        Number of coordinates there must be.

    Returns
    -------
    Geometry

    Raises
    ------
    InputError
    """
    geometry = parse(enumerate(read_lines(path), 1), str(path))
    if n_variables is not None and geometry.coordinates.size != n_variables:
        raise InputError(f"{path}: holds {geometry.coordinates.size} coordinates, expected {n_variables}")
    return geometry


def read_many(path, n_variables):
    """Read several geometries one behind the other, as in ``extractedmin`` or ``redopoints``.

    Returns
    -------
    ndarray of shape (n_points, n_variables)

    Raises
    ------
    InputError
    """
    lines = read_lines(path)
    numbers = [reals(line.split(), f"{path}:{k}", "a coordinate") for k, line in enumerate(lines, 1)]
    values = np.array([value for row in numbers for value in row])
    if not values.size or values.size % n_variables:
        raise InputError(f"{path}: {values.size} coordinates are not a whole number of points with {n_variables} each")
    return values.reshape(-1, n_variables)


def text(coordinates, decimals=10, per_line=3, symbols=()):
    """Lines of coordinates.

    Parameters
    ----------
    coordinates : array_like
    decimals : {10, 15}
        10 writes ``3F20.10`` (``coords``, ``finish``), 15 writes ``3F25.15`` (``extractedmin``, ``redopoints``).
    per_line : {3, 1}
    symbols : sequence of str
        One per line, written ``(A2,2X)`` in front, as the lines below POINTS.
    """
    lines = f_lines(np.asarray(coordinates, dtype=np.float64), decimals + 10, decimals, per_line)
    if not len(symbols):
        return lines
    rows = lines.splitlines()
    if len(rows) != len(symbols):
        raise ValueError(f"{len(symbols)} symbols for {len(rows)} lines of coordinates")
    return "".join(f"{symbol:2.2}  {row}\n" for symbol, row in zip(symbols, rows))


def write(path, coordinates, decimals=10, per_line=3, symbols=()):
    """Write a file of coordinates; parameters as for `text`."""
    content = text(coordinates, decimals, per_line, symbols)
    with atomic_write(path) as file:
        file.write(content)
