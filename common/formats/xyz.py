"""Frames of geometries for viewers: ``path.xyz``, ``path.k.xyz``, ``best.xyz``, ``monitor.xyz`` and any other xyz file."""

import re
from dataclasses import dataclass

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from common.formats.fortran import f_lines, g, g_lines
from common.formats.text import integer, read_lines, reals

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeDd]?[+-]\d+)?")

#: Symbols of model atoms, which are no elements.
MODEL_ATOMS = ("", "AX", "LJ", "UN")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One geometry of an xyz file.

    Attributes
    ----------
    coordinates : ndarray of shape (3 n_atoms,)
    symbols : tuple of str
    comment : str
        Second line as it stands.
    energy : float
        First number of the comment; NaN when there is none.
    """

    coordinates: np.ndarray
    symbols: tuple
    comment: str = ""
    energy: float = float("nan")


def read(path):
    """Read all frames of an xyz file.

    Returns
    -------
    list of Frame

    Raises
    ------
    InputError
    """
    lines = read_lines(path)
    while lines and not lines[-1].strip():
        lines.pop()
    frames = []
    k = 0
    while k < len(lines):
        n_atoms = integer(lines[k].strip(), f"{path}:{k + 1}", "the number of atoms")
        if n_atoms < 1:
            raise InputError(f"{path}:{k + 1}: the number of atoms must be positive, found {n_atoms}")
        if k + 2 + n_atoms > len(lines):
            raise InputError(f"{path}:{len(lines)}: the file ends within a frame of {n_atoms} atoms")
        comment = lines[k + 1]
        symbols, numbers = [], []
        for row, line in enumerate(lines[k + 2 : k + 2 + n_atoms], k + 3):
            items = line.split()
            if len(items) < 4:
                raise InputError(f"{path}:{row}: expected a symbol and three coordinates, found '{line.strip()}'")
            symbols.append(items[0])
            # Further columns (vectors, charges) belong to the program that wrote them.
            numbers += reals(items[1:4], f"{path}:{row}", "a coordinate")
        match = _NUMBER.search(comment)
        energy = reals([match[0]], f"{path}:{k + 2}", "the energy")[0] if match else float("nan")
        frames.append(Frame(np.array(numbers), tuple(symbols), comment, energy))
        k += 2 + n_atoms
    return frames


def path_frame(coordinates, energy, symbols):
    """One frame of ``path.k.xyz``: ``(I6)``, ``Energy=`` ``G25.15``, ``(A2,4X,3G20.10)`` per atom."""
    rows = g_lines(coordinates, 20, 10).splitlines()
    atoms = "".join(f"{symbol:2.2}    {row}\n" for symbol, row in zip(symbols, rows, strict=True))
    return f"{len(rows):6d}\nEnergy={g(energy, 25, 15)}\n{atoms}"


def joined_frame(coordinates, energy, symbols):
    """One frame of ``path.xyz``: ``(I6)``, ``Energy=`` and the number, ``(A2,4X,3F20.10)`` per atom."""
    rows = f_lines(coordinates, 20, 10).splitlines()
    atoms = "".join(f"{symbol:2.2}    {row}\n" for symbol, row in zip(symbols, rows, strict=True))
    return f"{len(rows):6d}\n Energy={energy:20.10f}\n{atoms}"


def gmin_frame(coordinates, energy, symbols):
    """One frame of ``best.xyz`` or ``monitor.xyz``: ``(I12)``, ``(G20.10)``, ``(A2,1X,3G20.10)`` per atom."""
    rows = g_lines(coordinates, 20, 10).splitlines()
    atoms = "".join(f"{symbol:2.2} {row}\n" for symbol, row in zip(symbols, rows, strict=True))
    return f"{len(rows):12d}\n{g(energy, 20, 10)}\n{atoms}"


def extended_frame(coordinates, symbols, **properties):
    """One frame of extended xyz, which ASE and OVITO read: ``energy=...`` and further properties in the second line.

    Model atoms (AX, LJ) become X, the atom without an element.
    """
    rows = np.reshape(coordinates, (-1, 3))
    items = [f"{name}={value:.15g}" if isinstance(value, float) else f"{name}={value}" for name, value in properties.items()]
    head = " ".join(["Properties=species:S:1:pos:R:3", *items, 'pbc="F F F"'])
    names = ["X" if symbol.upper() in MODEL_ATOMS else symbol for symbol in symbols]
    atoms = "".join(f"{name:2}{x:24.15f}{y:24.15f}{z:24.15f}\n" for name, (x, y, z) in zip(names, rows, strict=True))
    return f"{len(rows)}\n{head}\n{atoms}"


_FRAMES = {"path": path_frame, "joined": joined_frame, "gmin": gmin_frame}


def text(frames, layout="joined"):
    """The text of an xyz file.

    Parameters
    ----------
    frames : iterable of Frame
    layout : {"joined", "path", "gmin"}
        ``path.xyz``, ``path.k.xyz``, or ``best.xyz`` and ``monitor.xyz``.
    """
    one = _FRAMES[layout]
    return "".join(one(frame.coordinates, frame.energy, frame.symbols) for frame in frames)


def write(path, frames, layout="joined"):
    """Write an xyz file; parameters as for `text`."""
    content = text(frames, layout)
    with atomic_write(path) as file:
        file.write(content)
