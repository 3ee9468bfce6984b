"""Point groups by their Schoenflies symbols, as lists of orthogonal matrices."""

import re

import numpy as np

GOLDEN = (1.0 + 5.0**0.5) / 2.0
#: Largest order of an axis in a symbol: a ring of more atoms than this is no cluster.
MAX_AXIS = 60
#: Two matrices of one group closer than this are the same operation; different ones of the largest groups differ by more.
SAME = 1e-6

EXPECTED = "CI, CS, Cn, CnV, CnH, Sn (n even), Dn, DnD, DnH, T, TD, TH, O, OH, I or IH"


def rotation(axis, angle):
    """Matrix of the rotation about an axis (Rodrigues)."""
    x, y, z = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross


def reflection(normal):
    """Matrix of the reflection in the plane with this normal."""
    u = np.asarray(normal, dtype=float) / np.linalg.norm(normal)
    return np.eye(3) - 2.0 * np.outer(u, u)


def generators(symbol):
    """Generators of a point group: principal axis along z, a two-fold axis along x or a mirror plane through x and z.

    Parameters
    ----------
    symbol : str
        Schoenflies symbol in any case, such as ``CI``, ``C5v``, ``D3d``, ``TH``.

    Returns
    -------
    list of ndarray of shape (3, 3)

    Raises
    ------
    ValueError
        If the symbol names no point group of finite order, or C1, which has nothing to symmetrise.
    """
    text = symbol.strip().upper().replace("_", "")
    turn = {"T": 2, "O": 4}
    inversion = -np.eye(3)
    if text == "CI" or text == "S2":
        return [inversion]
    if text in ("CS", "C1H", "C1V", "S1"):
        return [reflection((0, 0, 1))]
    if match := re.fullmatch(r"([TO])([DH]?)", text):
        letter, kind = match.groups()
        if letter + kind == "OD":
            raise ValueError(f"{symbol} is no point group; expected {EXPECTED}")
        made = [rotation((0, 0, 1), 2.0 * np.pi / turn[letter]), rotation((1, 1, 1), 2.0 * np.pi / 3.0)]
        if kind == "D":
            made.append(reflection((1, 1, 0)))
        elif kind == "H":
            made.append(inversion)
        return made
    if text in ("I", "IH"):
        made = [rotation((0, 1, GOLDEN), 2.0 * np.pi / 5.0), rotation((1, 1, 1), 2.0 * np.pi / 3.0)]
        return made + ([inversion] if text == "IH" else [])
    if match := re.fullmatch(r"([CDS])(\d+)([VHD]?)", text):
        return _axial(symbol, match[1], int(match[2]), match[3])
    raise ValueError(f"{symbol} is no point group; expected {EXPECTED}")


def _axial(symbol, letter, n, kind):
    known = {"C": "VH", "D": "DH", "S": ""}[letter]
    least = {"C": 2, "D": 2, "S": 4}[letter]
    if n < least or n > MAX_AXIS or (kind and kind not in known) or (letter == "S" and n % 2):
        raise ValueError(f"{symbol} is no point group of an axis of order 2 to {MAX_AXIS}; expected {EXPECTED}")
    turn = rotation((0, 0, 1), 2.0 * np.pi / n)
    flat = reflection((0, 0, 1))
    if letter == "S":
        return [turn @ flat]
    made = [turn] if letter == "C" else [turn, rotation((1, 0, 0), np.pi)]
    if kind == "H":
        made.append(flat)
    elif kind == "V":
        made.append(reflection((0, 1, 0)))
    elif kind == "D":
        made[0] = rotation((0, 0, 1), np.pi / n) @ flat
    return made


def operations(symbol):
    """All operations of a point group, the identity first.

    Parameters
    ----------
    symbol : str

    Returns
    -------
    ndarray of shape (order, 3, 3)

    Raises
    ------
    ValueError
        As `generators`.
    """
    made = generators(symbol)
    found = [np.eye(3)]
    # every element is a product of generators: multiply until nothing new comes
    for known in found:
        for g in made:
            product = g @ known
            if not any(np.abs(product - other).max() < SAME for other in found):
                found.append(product)
    return np.array(found)
