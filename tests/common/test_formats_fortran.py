"""Fortran's numbers: printed as an independent decimal implementation prints them, and read back."""

import math
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.formats.fortran import f, f_lines, g, g_lines, i, read_integer, read_real

finite = st.floats(allow_nan=False, allow_infinity=False)
ordinary = st.one_of(
    st.floats(min_value=-1e6, max_value=1e6),
    st.builds(lambda m, e: m * 10.0**e, st.floats(min_value=-10, max_value=10), st.integers(-14, 12)),
    # Next to a power of ten, where rounding changes the number of digits before the point.
    st.builds(lambda e, u, s: s * 10.0**e * (1 - u), st.integers(-3, 11), st.floats(0, 2e-10), st.sampled_from([1, -1])),
)


def decimal_f(value, w, d):
    """Fw.d by the definition: the exact decimal value rounded at d decimals."""
    with localcontext() as context:
        context.prec = 1200
        rounded = Decimal(value).quantize(Decimal(1).scaleb(-d), rounding=ROUND_HALF_EVEN)
    text = f"{abs(rounded):f}"
    if d == 0:
        text += "."
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if len(sign + text) > w and text.startswith("0."):
        text = text[1:]
    text = sign + text
    return text.rjust(w) if len(text) <= w else "*" * w


def decimal_g(value, w, d, e=None):
    """Gw.d by the definition in the Fortran standard: which interval does the rounded magnitude fall in."""
    n = 4 if e is None else e + 2
    magnitude = abs(Decimal(value))
    if magnitude == 0:
        return decimal_f(value, w - n, d - 1) + " " * n
    with localcontext() as context:
        context.prec = 1200
        for k in range(0, d + 1):
            low, high = Decimal(10) ** (k - 1), Decimal(10) ** k
            # d digits of a magnitude just below 0.1 reach one decimal farther
            digits = d + 1 if magnitude < low and k == 0 else d
            rounded = magnitude.quantize(Decimal(1).scaleb(k - digits), rounding=ROUND_HALF_EVEN)
            if low <= rounded < high:
                return decimal_f(value, w - n, d - k) + " " * n
        exponent = magnitude.adjusted() + 1
        mantissa = magnitude.scaleb(-exponent).quantize(Decimal(1).scaleb(-d), rounding=ROUND_HALF_EVEN)
        if mantissa == 1:
            mantissa, exponent = Decimal("0.1").quantize(Decimal(1).scaleb(-d)), exponent + 1
    digits = f"{mantissa:f}"
    if e is None:
        tail = f"E{exponent:+03d}" if abs(exponent) < 100 else f"{exponent:+04d}"
    else:
        tail = f"E{exponent:+0{e + 1}d}"
    text = ("-" if value < 0 else "") + digits + tail
    return text.rjust(w) if len(text) <= w else "*" * w


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f(-169.403102763540545, 25, 15), "     -169.403102763540545"),
        (f(0.6548530999, 20, 10), "        0.6548530999"),
        (f(1048384460.0, 12, 0), " 1048384460."),
        (f(-0.25, 4, 2), "-.25"),
        (f(0.25, 3, 2), ".25"),
        (f(123.0, 5, 2), "*****"),
        (f(-1e-20, 6, 2), " -0.00"),
        (f(math.nan, 8, 2), "     NaN"),
        (f(math.inf, 8, 2), "Infinity"),
        (f(-math.inf, 8, 2), "    -Inf"),
        (f(math.nan, 2, 0), "**"),
        (g(-173.92842659, 20, 10), "    -173.9284266    "),
        (g(-0.01340766698, 20, 10), "   -0.1340766698E-01"),
        (g(1.388800740, 20, 10), "     1.388800740    "),
        (g(-0.7214237101, 20, 10), "   -0.7214237101    "),
        (g(0.99999999996, 20, 10), "     1.000000000    "),
        (g(0.099999999996, 20, 10), "    0.1000000000    "),
        (g(0.09999999999, 20, 10), "    0.9999999999E-01"),
        (g(9999999999.4, 20, 10), "     9999999999.    "),
        (g(9999999999.9, 20, 10), "    0.1000000000E+11"),
        (g(1048384460.0, 20, 10), "     1048384460.    "),
        (g(0.0, 20, 10), "     0.000000000    "),
        (g(0.6936108947e-309, 20, 10), "   0.6936108947-309"[-19:].rjust(20)),
        (g(1e200, 20, 10), "    0.1000000000+201"),
        (g(0.4212345678e-11, 20, 10, 4), "  0.4212345678E-0011"),
        (g(1.0, 20, 10, 4), "   1.000000000      "),
        (g(1.0e-11, 20, 10, 1), "*" * 20),
        (g(math.nan, 20, 10), " " * 17 + "NaN"),
        (g(-170.92065350585386, 30, 20), "    -170.92065350585386341    "),
        (i(38, 12), "          38"),
        (i(-5, 3), " -5"),
        (i(12345, 4), "****"),
    ],
)
def test_known_fields(text, expected):
    assert text == expected


@given(st.one_of(finite, ordinary), st.sampled_from([(20, 10), (25, 15), (12, 0), (8, 2), (9, 8)]))
@example(0.5, (12, 0))
@example(1.5, (12, 0))
@example(-0.0, (8, 2))
@example(0.125, (8, 2))
def test_f_is_the_decimal_rounding(value, size):
    assert f(value, *size) == decimal_f(value, *size)


@given(st.one_of(finite, ordinary), st.sampled_from([(20, 10, None), (25, 15, None), (20, 10, 4), (15, 5, 4), (30, 20, None)]))
@example(0.99999999996, (20, 10, None))
@example(0.99999999995, (20, 10, None))
@example(9999999999.5, (20, 10, None))
@example(0.1, (20, 10, None))
@example(0.09999999999401893, (20, 10, None))  # gfortran: 0.9999999999E-01
@example(0.09999999999501, (20, 10, None))  # gfortran: 0.1000000000
@example(5e-324, (20, 10, None))
@example(-1.7976931348623157e308, (20, 10, 4))
def test_g_is_the_definition(value, form):
    assert g(value, *form) == decimal_g(value, *form)


@given(st.lists(st.one_of(finite, ordinary, st.sampled_from([math.nan, math.inf, -math.inf])), max_size=20), st.integers(1, 4))
@example([0.99999999995, 9.9999999995, 99.999999995, 999999999.95, 9999999999.5, 0.099999999995], 3)
def test_arrays_print_as_their_numbers(values, per_line):
    for lines, one in ((f_lines, f), (g_lines, g)):
        for w, d in ((20, 10), (25, 15)):
            expected = [one(v, w, d) for v in values]
            text = "".join("".join(expected[k : k + per_line]) + "\n" for k in range(0, len(values), per_line))
            assert lines(np.array(values), w, d, per_line) == text
    assert f_lines(values, 20, 10, per_line) == f_lines(np.array(values), 20, 10, per_line)
    assert g_lines(np.array(values), 20, 10, per_line, 4) == "".join(
        "".join(g(v, 20, 10, 4) for v in values[k : k + per_line]) + "\n" for k in range(0, len(values), per_line)
    )


def test_arrays_longer_than_a_chunk():
    values = np.random.default_rng(5).normal(size=(31001, 3)) * 10.0 ** np.arange(-2, 1)
    text = g_lines(values, 20, 10)
    assert text.count("\n") == 31001
    # Ten digits: relative error at most half a unit of the last one.
    np.testing.assert_allclose(np.array(text.split(), dtype=float).reshape(-1, 3), values, rtol=5.1e-10)
    assert f_lines(values, 25, 15).splitlines()[31000] == "".join(f(v, 25, 15) for v in values[31000])
    assert f_lines(values[:, :2].tolist(), 20, 10, 2) == f_lines(values[:, :2], 20, 10, 2)


def test_narrow_fields_use_the_careful_way():
    assert g_lines(np.array([1.0, -0.5]), 10, 5, 2) == g(1.0, 10, 5) + g(-0.5, 10, 5) + "\n"
    assert g_lines(np.array([-0.5]), 11, 5, 1, 4) == g(-0.5, 11, 5, 4) + "\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.0D-6", 1e-6),
        ("1.D0", 1.0),
        (".025", 0.025),
        ("1E4", 1e4),
        ("1d3", 1e3),
        ("-2.5e+01", -25.0),
        ("1.0-6", 1e-6),
        ("0.6936108947-309", 0.6936108947e-309),
        ("1+2", 100.0),
        ("+3", 3.0),
        ("1048384460.", 1048384460.0),
    ],
)
def test_reals(text, value):
    assert read_real(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "0.x1", "1_000", "1.0.0", "1e", "e5", ".", "-", "1D+", "--1", "nan", "inf", "1e999", " 1", "1\n", "٣"]
)
def test_not_reals(text):
    with pytest.raises(ValueError):
        read_real(text)


def test_special_values_in_data_files():
    assert math.isnan(read_real("NaN", special=True))
    assert read_real("-Infinity", special=True) == -math.inf
    assert read_real("+Inf", special=True) == math.inf
    with pytest.raises(ValueError):
        read_real("Infinite", special=True)


def test_integers():
    assert read_integer("38.0") == 38
    assert read_integer("1D3") == 1000
    assert read_integer("-2.9") == -2
    assert read_integer("123456789012345678901") == 123456789012345678901
    assert read_integer("-7", strict=True) == -7
    for text in ("38.0", "1D3", "x", ""):
        with pytest.raises(ValueError):
            read_integer(text, strict=True)


@given(finite)
def test_fields_are_read_back(value):
    assert read_real(g(value, 30, 17).strip()) == pytest.approx(value, rel=1e-16, abs=1e-323)
    assert read_real(repr(value).upper().replace("E", "D")) == value
