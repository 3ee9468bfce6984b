"""Numbers as Fortran programs and their users write them. Shared by the keyword parser and by `common.formats.fortran`."""

import math
import re

# Sign, digits with an optional point, and an exponent: E or D of either case, or a bare sign as in 0.69-309.
_REAL = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eEdD]([+-]?\d+)|([+-]\d+))?\Z", re.ASCII)
_SPECIAL = {"NAN": math.nan, "INF": math.inf, "INFINITY": math.inf}


def read_real(text, special=False):
    """Value of a Fortran real.

    Parameters
    ----------
    text : str
        ``1.0D-6``, ``1.D0``, ``.025``, ``1e4``, ``0.6936108947-309``, with an optional sign.
    special : bool
        Accept NaN and Infinity, as Fortran writes them to data files.

    Raises
    ------
    ValueError
        Not a number, or outside the range of a double.
    """
    match = _REAL.match(text)
    if match is None:
        if special:
            value = _SPECIAL.get(text.lstrip("+-").upper())
            if value is not None:
                return -value if text.startswith("-") else value
        raise ValueError(f"not a number: '{text}'")
    mantissa, exponent, bare = match.groups()
    value = float(mantissa if exponent is None and bare is None else f"{mantissa}e{exponent or bare}")
    if math.isinf(value):
        raise ValueError(f"number out of range: '{text}'")
    return value


def read_integer(text, strict=False):
    """Value of an integer argument.

    The classic tokeniser reads a real and truncates it, so ``38.0`` and ``1D3`` are integers. `strict` is the list-directed
    read of disconnectionDPS, which takes digits with an optional sign only.

    Raises
    ------
    ValueError
    """
    if strict:
        if re.fullmatch(r"[+-]?\d+", text, re.ASCII) is None:
            raise ValueError(f"not an integer: '{text}'")
        return int(text)
    if re.fullmatch(r"[+-]?\d+", text, re.ASCII) is not None:
        return int(text)
    return int(read_real(text))
