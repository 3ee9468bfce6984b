"""Schoenflies symbols from the list of symmetry operations of a cluster."""

import numpy as np

#: Two axes closer than this (1 - |cosine|) are one; axes of one group are much farther apart.
SAME_AXIS = 1e-3
#: An improper operation times the inversion is a rotation; angles below this (radians) are no rotation.
SAME_ANGLE = 1e-2

CLASSIC = {"D∞h": "DXh", "C∞v": "CXv", "Kh": "K h"}


def classic_symbol(symbol):
    """The four characters that OPTIM prints for a point group: ``C1``, ``C s``, ``C5v``, ``O h``, ``DXh`` (linear), padded.

    A letter that is not followed by a digit has a blank after it, as in ``path.info``.
    """
    if symbol in CLASSIC:
        text = CLASSIC[symbol]
    elif len(symbol) > 1 and not symbol[1].isdigit():
        text = f"{symbol[0]} {symbol[1:]}"
    else:
        text = symbol
    return f"{text:<4}"


def symbol_of_classic(text):
    """Inverse of ``classic_symbol``."""
    known = {value: key for key, value in CLASSIC.items()}
    text = text.strip()
    return known.get(text, text.replace(" ", ""))


def axis_and_angle(rotation):
    """Unit axis and angle in [0, pi] of a proper rotation matrix."""
    angle = np.arccos(np.clip((np.trace(rotation) - 1.0) / 2.0, -1.0, 1.0))
    # The eigenvector of eigenvalue 1 of the symmetric part is well determined for every angle but zero.
    _, vectors = np.linalg.eigh(rotation + rotation.T)
    return vectors[:, 2], angle


def _axes(rotations):
    """List of [axis, number of rotations about it besides the identity]."""
    axes = []
    for rotation in rotations:
        axis, angle = axis_and_angle(rotation)
        if angle < SAME_ANGLE:
            continue
        for known in axes:
            if 1.0 - abs(known[0] @ axis) < SAME_AXIS:
                known[1] += 1
                break
        else:
            axes.append([axis, 1])
    return axes


def schoenflies(operations):
    """Symbol of the group formed by a complete list of orthogonal matrices, or None where they form no point group.

    Parameters
    ----------
    operations : sequence of ndarray of shape (3, 3)
        All operations, identity included.

    Returns
    -------
    str or None
        C1, Cs, Ci, Cn, Cnv, Cnh, Dn, Dnh, Dnd, Sn, T, Td, Th, O, Oh, I or Ih.
    """
    proper = [m for m in operations if np.linalg.det(m) > 0.0]
    improper = [-m for m in operations if np.linalg.det(m) < 0.0]
    n_proper, n_improper = len(proper), len(improper)
    if n_improper not in (0, n_proper):
        return None
    axes = _axes(proper)
    # One identity, and every other rotation is about one of the axes.
    if 1 + sum(count for _, count in axes) != n_proper:
        return None
    turned = [axis_and_angle(m) for m in improper]
    inversion = sum(angle < SAME_ANGLE for _, angle in turned)
    mirrors = [axis for axis, angle in turned if angle > np.pi - SAME_ANGLE]
    if inversion > 1:
        return None
    orders = sorted((count + 1 for _, count in axes), reverse=True)
    if len(orders) > 1 and orders[1] >= 3:
        return _cubic(orders, n_proper, n_improper, inversion)
    n = orders[0] if orders else 1
    principal = max(axes, key=lambda entry: entry[1])[0] if axes else None
    if n == 1:
        if not improper:
            return "C1"
        return "Ci" if inversion else ("Cs" if mirrors else None)
    horizontal = any(abs(axis @ principal) > 0.7 for axis in mirrors)
    if n_proper == n and len(axes) == 1:
        if not improper:
            return f"C{n}"
        if len(mirrors) == n and not (horizontal and n > 1):
            return f"C{n}v"
        return f"C{n}h" if horizontal else f"S{2 * n}"
    if n_proper == 2 * n and len(axes) == n + 1:
        if not improper:
            return f"D{n}"
        if n == 2:
            return "D2h" if inversion else "D2d"
        return f"D{n}h" if horizontal else f"D{n}d"
    return None


def _cubic(orders, n_proper, n_improper, inversion):
    kinds = {12: ("T", [3] * 4 + [2] * 3), 24: ("O", [4] * 3 + [3] * 4 + [2] * 6), 60: ("I", [5] * 6 + [3] * 10 + [2] * 15)}
    letter, expected = kinds.get(n_proper, (None, None))
    if letter is None or orders != expected:
        return None
    if not n_improper:
        return letter
    if letter == "T":
        return "Th" if inversion else "Td"
    return f"{letter}h" if inversion else None
