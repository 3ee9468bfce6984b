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


def axes_and_angles(rotations):
    """Unit axes, shape (k, 3), and angles in [0, pi], shape (k,), of proper rotation matrices of shape (k, 3, 3)."""
    rotations = np.asarray(rotations, dtype=float).reshape(-1, 3, 3)
    cosines = np.clip((np.trace(rotations, axis1=1, axis2=2) - 1.0) / 2.0, -1.0, 1.0)
    # the symmetric part is cos a + (1 - cos a) u u^T: its longest column points along the axis and is long for every angle
    # but zero
    projections = 0.5 * (rotations + rotations.transpose(0, 2, 1)) - cosines[:, None, None] * np.eye(3)
    k = np.arange(len(rotations))
    axes = projections[k, :, np.argmax((projections**2).sum(axis=1), axis=1)]
    lengths = np.sqrt((axes**2).sum(axis=1))
    return axes / np.where(lengths > 0.0, lengths, 1.0)[:, None], np.arccos(cosines)


def _axes(axes, angles):
    """List of [axis, number of rotations about it besides the identity]."""
    axes = axes[angles >= SAME_ANGLE]
    if len(axes) == 0:
        return []
    alike = 1.0 - np.abs(axes @ axes.T) < SAME_AXIS
    # each belongs to the first that it is like
    first = np.argmax(alike, axis=1)
    return [[axes[k], int(count)] for k, count in zip(*np.unique(first, return_counts=True), strict=True)]


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
    operations = np.asarray(operations, dtype=float).reshape(-1, 3, 3)
    if len(operations) == 1:
        return "C1"
    is_proper = np.linalg.det(operations) > 0.0
    proper, improper = operations[is_proper], -operations[~is_proper]
    n_proper, n_improper = len(proper), len(improper)
    if n_improper not in (0, n_proper):
        return None
    axes = _axes(*axes_and_angles(proper))
    # One identity, and every other rotation is about one of the axes.
    if 1 + sum(count for _, count in axes) != n_proper:
        return None
    turned = list(zip(*axes_and_angles(improper), strict=True))
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
        if not n_improper:
            return "C1"
        return "Ci" if inversion else ("Cs" if mirrors else None)
    horizontal = any(abs(axis @ principal) > 0.7 for axis in mirrors)
    if n_proper == n and len(axes) == 1:
        if not n_improper:
            return f"C{n}"
        if len(mirrors) == n and not (horizontal and n > 1):
            return f"C{n}v"
        return f"C{n}h" if horizontal else f"S{2 * n}"
    if n_proper == 2 * n and len(axes) == n + 1:
        if not n_improper:
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
