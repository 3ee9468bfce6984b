"""``lowest``: the lowest minima of a basin-hopping run.

Per minimum: ``(I12)`` number of atoms; a line with its energy, the step that found it and the function calls until then; and
one line per atom, a label of two characters and ``3F20.10``.
"""

import re
from dataclasses import dataclass

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from common.formats.fortran import f_lines, g, i
from common.formats.text import integer, read_lines, real, reals

_HEADER = re.compile(
    r"\s*Energy of minimum\s*(?P<number>\d+|\*+)\s*=\s*(?P<energy>\S+)"
    r"(?:\s+first found at step\s*(?P<step>\S+)\s+after\s*(?P<calls>\S+)\s+function calls)?\s*\Z"
)


@dataclass(frozen=True, slots=True, eq=False)
class SavedMinimum:
    """One entry of ``lowest``.

    Attributes
    ----------
    energy : float
    coordinates : ndarray of shape (n_variables,)
    step : int
        Quench that found it first.
    calls : int
        Energy and gradient evaluations until then.
    labels : list of str
        One per line of coordinates; empty strings for potentials without labels.
    """

    energy: float
    coordinates: np.ndarray
    step: int = 0
    calls: int = 0
    labels: tuple = ()


def read(path):
    """Read a ``lowest`` file.

    Returns
    -------
    list of SavedMinimum

    Raises
    ------
    InputError
    """
    lines = read_lines(path)
    while lines and not lines[-1].strip():
        lines.pop()
    saved = []
    k = 0
    while k < len(lines):
        where = f"{path}:{k + 1}"
        n_lines = integer(lines[k].strip(), where, "the number of atoms")
        if n_lines < 1:
            raise InputError(f"{where}: the number of atoms must be positive, found {n_lines}")
        match = _HEADER.match(lines[k + 1]) if k + 1 < len(lines) else None
        if match is None:
            raise InputError(f"{path}:{k + 2}: expected 'Energy of minimum n= E first found at step s after c function calls'")
        where = f"{path}:{k + 2}"
        energy = real(match["energy"], where, "the energy")
        step = integer(match["step"] or "0", where, "the step")
        calls = integer(match["calls"] or "0", where, "the number of function calls")
        block = lines[k + 2 : k + 2 + n_lines]
        if len(block) < n_lines:
            raise InputError(f"{path}:{len(lines)}: the file ends after {len(block)} of {n_lines} atoms")
        labels, numbers = [], []
        for line_number, line in enumerate(block, k + 3):
            label, items = split_label(line.split())
            if len(items) not in (1, 3):
                raise InputError(f"{path}:{line_number}: expected a label and three coordinates, found '{line.strip()}'")
            labels.append(label)
            numbers += reals(items, f"{path}:{line_number}", "a coordinate")
        saved.append(SavedMinimum(energy, np.array(numbers), step, calls, tuple(labels)))
        k += 2 + n_lines
    return saved


def split_label(items):
    """Label (or an empty string) and the remaining items of a line of coordinates."""
    if items and items[0][0] not in "+-.0123456789":
        return items[0], items[1:]
    return "", items


def text(saved, label="SI", per_line=3):
    """The text of ``lowest``.

    Parameters
    ----------
    saved : sequence of SavedMinimum
        Those without labels of their own get `label`.
    label : str
        Empty for unlabelled lines.
    per_line : {3, 1}
        Coordinates per line: 3 for atoms, 1 for the variables of a network.
    """
    parts = []
    for number, minimum in enumerate(saved, 1):
        lines = f_lines(minimum.coordinates, 20, 10, per_line).splitlines()
        labels = minimum.labels or [label] * len(lines)
        if len(labels) != len(lines):
            raise ValueError(f"{len(labels)} labels for {len(lines)} lines of coordinates")
        parts.append(f"{len(lines):12d}\n")
        parts.append(
            f"Energy of minimum {i(number, 6)}={g(minimum.energy, 20, 10)} first found at step {i(minimum.step, 8)} after "
            f"{i(minimum.calls, 20)} function calls\n"
        )
        parts += [f"{head:2} {line}\n" if head else f"{line}\n" for head, line in zip(labels, lines)]
    return "".join(parts)


def write(path, saved, label="SI", per_line=3):
    """Write ``lowest``; parameters as for `text`."""
    content = text(saved, label, per_line)
    with atomic_write(path) as file:
        file.write(content)
