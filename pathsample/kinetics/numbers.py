"""Fortran's G format for numbers that are known by their logarithms and may be too large or small for a double."""

import math

from common.formats.fortran import g

_LN_10 = math.log(10.0)


def g_of_ln(ln_value, w=20, d=10, e=None):
    """``Gw.d`` or ``Gw.dEe`` of exp(ln_value); an exponent of more than three digits is printed with four.

    Parameters
    ----------
    ln_value : float
        -inf prints zero, inf ``Infinity`` and nan ``NaN``.
    w, d : int
    e : int, optional
    """
    ln_value = float(ln_value)
    if not math.isfinite(ln_value):
        return g(0.0 if ln_value == -math.inf else ln_value, w, d, e)
    if abs(ln_value) < 700.0:
        return g(math.exp(ln_value), w, d, e)
    exponent = math.floor(ln_value / _LN_10) + 1
    mantissa = round(math.exp(ln_value - exponent * _LN_10) * 10**d)
    if mantissa >= 10**d:
        mantissa, exponent = mantissa // 10, exponent + 1
    sign = "-" if exponent < 0 else "+"
    if e is None and abs(exponent) < 1000:
        tail = f"{sign}{abs(exponent):03d}"
    else:
        tail = f"E{sign}{abs(exponent):0{e or 4}d}"
    text = f"0.{mantissa:0{d}d}{tail}"
    return text.rjust(w) if len(text) <= w else "*" * w
