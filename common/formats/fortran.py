"""Numbers exactly as Fortran's edit descriptors print them, and as its free-format reads take them.

``F20.10`` is ``f(x, 20, 10)``, ``G20.10`` is ``g(x, 20, 10)``, ``G20.10E4`` is ``g(x, 20, 10, 4)``, ``I8`` is ``i(n, 8)``. A
number that does not fit its width becomes asterisks, as in Fortran. `f_lines` and `g_lines` format whole arrays quickly.
"""

import math
from itertools import chain

from common.fortran_numbers import read_integer, read_real

__all__ = ["f", "f_lines", "g", "g_lines", "i", "read_integer", "read_real"]

# Numbers formatted by one call of the % operator; larger chunks gain nothing and cost memory.
_CHUNK = 30000


def f(value, w, d):
    """``Fw.d``: `value` with `d` decimals, right-justified in `w` characters.

    A leading zero before the point is dropped when only that makes the number fit.
    """
    if not math.isfinite(value):
        return _special(value, w)
    # The # keeps the point when d is 0.
    text = f"{value:#{w}.{d}f}"
    if len(text) <= w:
        return text
    if text.startswith("0."):
        text = text[1:]
    elif text.startswith("-0."):
        text = "-" + text[2:]
    return text if len(text) <= w else "*" * w


def g(value, w, d, e=None):
    """``Gw.d`` or ``Gw.dEe``: `d` significant digits, with an exponent only where the F form does not do.

    A magnitude that, rounded to `d` digits, lies in 0.1 <= |x| < 10^d is printed as ``F(w-n).k`` and n blanks, where n is 4, or
    e + 2; anything else as ``0.dddE+ee``. Zero prints in the F form. An exponent of three digits takes the place of the letter
    (``0.6936108947-309``).
    """
    if not math.isfinite(value):
        return _special(value, w)
    blanks = 4 if e is None else e + 2
    if value == 0:
        return f(value, w - blanks, d - 1) + " " * blanks
    scientific = f"{value:.{d - 1}e}"
    mantissa, exponent = scientific.split("e")
    # The exponent of the form 0.ddd.
    exponent = int(exponent) + 1
    if 0 <= exponent <= d:
        return f(value, w - blanks, d - exponent) + " " * blanks
    return _e_form(mantissa, exponent, w, e)


def _e_form(mantissa, exponent, w, e):
    sign = "-" if mantissa[0] == "-" else ""
    digits = mantissa.lstrip("-").replace(".", "")
    magnitude = abs(exponent)
    exponent_sign = "-" if exponent < 0 else "+"
    if e is not None:
        tail = f"E{exponent_sign}{magnitude:0{e}d}"
        if len(str(magnitude)) > e:
            return "*" * w
    elif magnitude < 100:
        tail = f"E{exponent_sign}{magnitude:02d}"
    else:
        tail = f"{exponent_sign}{magnitude:03d}"
    text = f"{sign}0.{digits}{tail}"
    if len(text) > w:
        text = f"{sign}.{digits}{tail}"
    return text.rjust(w) if len(text) <= w else "*" * w


def i(value, w):
    """``Iw``: an integer right-justified in `w` characters."""
    text = f"{int(value):{w}d}"
    return text if len(text) <= w else "*" * w


def _special(value, w):
    if math.isnan(value):
        text = "NaN"
    else:
        sign = "-" if value < 0 else ""
        text = sign + ("Infinity" if w >= 8 + len(sign) else "Inf")
    return text.rjust(w) if len(text) <= w else "*" * w


def f_lines(values, w, d, per_line=3):
    """Lines of numbers in ``Fw.d``.

    Parameters
    ----------
    values : ndarray or sequence of float
        Flattened; the last line may be shorter.
    w, d : int
    per_line : int

    Returns
    -------
    str
        Every line ends with a newline; empty for no values.
    """
    numbers = _flat(values)
    # One sign, one leading digit and the point besides the decimals.
    limit = 10.0 ** (w - d - 2)
    if all(-limit < x < limit for x in numbers):
        return _join_lines(numbers, per_line, [f"%{w}.{d}f"] * per_line)
    return _slow_lines([f(x, w, d) for x in numbers], per_line)


def g_lines(values, w, d, per_line=3, e=None):
    """Lines of numbers in ``Gw.d`` or ``Gw.dEe``; parameters as for `f_lines`."""
    import numpy as np

    array = np.ascontiguousarray(values, dtype=np.float64).ravel()
    numbers = array.tolist()
    blanks = 4 if e is None else e + 2
    if w - blanks < d + 3:
        return _slow_lines([g(x, w, d, e) for x in numbers], per_line)
    # Number k has the exponent of the interval it falls in after rounding to d digits. Next to the limits of the intervals,
    # which are no doubles themselves, and outside the F form the careful function decides.
    limits = np.array([10.0**k - 0.5 * 10.0 ** (k - d) for k in range(-1, d + 1)])
    magnitude = np.abs(array)
    interval = np.searchsorted(limits, magnitude)
    near = np.abs(limits[np.minimum(interval, d + 1)] - magnitude) <= 1e-14 * magnitude
    near |= np.abs(limits[np.maximum(interval - 1, 0)] - magnitude) <= 1e-14 * magnitude
    careful = near | (interval == 0) | (interval == d + 2) | ~np.isfinite(array)
    formats = ["%s"] + [f"%#{w - blanks}.{d - k}f" + " " * blanks for k in range(d + 1)]
    choice = np.where(careful, 0, interval).tolist()
    for k in np.flatnonzero(careful).tolist():
        numbers[k] = g(numbers[k], w, d, e)
    return _join_lines(numbers, per_line, None, [formats[k] for k in choice])


def _flat(values):
    """Values as a flat list of Python floats."""
    if hasattr(values, "ravel"):
        return values.ravel().tolist()
    values = list(values)
    if values and hasattr(values[0], "__len__"):
        values = list(chain.from_iterable(values))
    return [float(x) for x in values]


def _join_lines(numbers, per_line, line, formats=None):
    """Numbers through one format per line, or one format per number."""
    parts = []
    step = max(_CHUNK // per_line, 1) * per_line
    for start in range(0, len(numbers), step):
        chunk = numbers[start : start + step]
        if formats is None:
            whole, rest = divmod(len(chunk), per_line)
            pattern = ("".join(line) + "\n") * whole
            if rest:
                pattern += "".join(line[:rest]) + "\n"
        else:
            mine = formats[start : start + step]
            pattern = "".join("".join(mine[k : k + per_line]) + "\n" for k in range(0, len(mine), per_line))
        parts.append(pattern % tuple(chunk))
    return "".join(parts)


def _slow_lines(items, per_line):
    return "".join("".join(items[k : k + per_line]) + "\n" for k in range(0, len(items), per_line))
