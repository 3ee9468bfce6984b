"""The classic files: example files byte for byte, round trips of our own records, and errors that name file and line."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from common.formats import (
    coordinates,
    endpoints,
    energy_profile,
    lowest,
    min_data,
    min_data_info,
    path_info,
    points,
    ts_data,
    xyz,
)
from common.stationary_points import Minimum, TransitionState, Triple

EXAMPLES = Path(__file__).resolve().parents[2] / "../shared/wales/examples"
needs_examples = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the classic examples are not here")
LJ38_PATH = EXAMPLES / "LJ38_04_pathsample/expected"
LJ38_OPTIM = EXAMPLES / "LJ38_03_optim"
LJ38_GMIN = EXAMPLES / "LJ38_01_gmin"
KMC = EXAMPLES / "KMC_waiting"


def raises(message):
    return pytest.raises(InputError, match=message)


# -- example files, byte for byte -----------------------------------------------------------------------------------------


@needs_examples
@pytest.mark.parametrize(
    ("path", "again"),
    [
        (LJ38_PATH / "min.data", lambda p, out: min_data.write(out, min_data.read(p))),
        (LJ38_PATH / "min.data.fastest", lambda p, out: min_data.write(out, min_data.read(p), "fastest")),
        (KMC / "min.data", lambda p, out: min_data.write(out, min_data.read(p), "fastest")),
        (LJ38_PATH / "ts.data", lambda p, out: ts_data.write(out, ts_data.read(p, 12))),
        (LJ38_PATH / "ts.data.fastest", lambda p, out: ts_data.write(out, ts_data.read(p, 9), "fastest")),
        (KMC / "ts.data", lambda p, out: ts_data.write(out, ts_data.read(p, 994), "fastest")),
        (LJ38_PATH / "points.min", lambda p, out: points.write(out, points.read(p, 114, 12))),
        (LJ38_PATH / "points.ts", lambda p, out: points.write(out, points.read(p, 114, 11))),
        (LJ38_PATH / "min.A", lambda p, out: endpoints.write(out, endpoints.read(p, 12))),
        (LJ38_PATH / "min.B.fastest", lambda p, out: endpoints.write(out, endpoints.read(p, 9), width=6)),
        (LJ38_PATH / "path.info.initial", lambda p, out: path_info.write(out, path_info.read(p, 114))),
        (LJ38_OPTIM / "expected/path.info", lambda p, out: path_info.write(out, path_info.read(p, 114))),
        (LJ38_OPTIM / "expected/EofS", lambda p, out: energy_profile.write(out, *energy_profile.read(p))),
        (LJ38_GMIN / "expected/lowest", lambda p, out: lowest.write(out, lowest.read(p))),
        (LJ38_GMIN / "expected/best.xyz", lambda p, out: xyz.write(out, xyz.read(p), "gmin")),
        (LJ38_GMIN / "expected/monitor.xyz", lambda p, out: xyz.write(out, xyz.read(p), "gmin")),
        (LJ38_GMIN / "coords", lambda p, out: coordinates.write(out, coordinates.read(p, 114).coordinates)),
        (LJ38_PATH / "redopoints", lambda p, out: coordinates.write(out, coordinates.read_many(p, 114), decimals=15)),
    ],
    ids=lambda value: str(value.relative_to(EXAMPLES)) if isinstance(value, Path) else "",
)
def test_examples_byte_for_byte(path, again, tmp_path):
    out = tmp_path / path.name
    again(path, out)
    assert out.read_bytes() == path.read_bytes()


@needs_examples
def test_database_follows_from_path_info():
    """The first triple gives the first lines of min.data and ts.data, the global minimum being number 2."""
    triples = path_info.read(LJ38_PATH / "path.info.initial", 114)
    minima, states = min_data.read(LJ38_PATH / "min.data"), ts_data.read(LJ38_PATH / "ts.data")
    stored, stored_ts = points.read(LJ38_PATH / "points.min", 114), points.read(LJ38_PATH / "points.ts", 114)
    assert not triples.warnings
    for record, row in ((triples[0].plus, 0), (triples[0].minus, 1)):
        assert record.energy == minima["energy"][row]
        assert record.log_product == pytest.approx(minima["log_product"][row], abs=2e-13)
        assert record.order == minima["order"][row]
        assert (record.coordinates == stored[row]).all()
        assert record.eigenvalues.size == 114
    state = triples[0].transition_state
    assert state.energy == states["energy"][0]
    assert state.log_product == pytest.approx(states["log_product"][0], abs=2e-13)
    assert (state.coordinates == stored_ts[0]).all()
    assert state.negative_eigenvalue < -0.1
    assert {record.point_group for t in triples for record in (t.plus, t.minus)} >= {"C1", "Cs", "Oh"}


@needs_examples
def test_lines_below_points_in_an_odata_file():
    lines = enumerate((LJ38_OPTIM / "odata").read_text().splitlines()[-38:], 1)
    geometry = coordinates.parse(lines, "odata")
    assert geometry.symbols == ("AX",) * 38
    # This start is the global minimum as basin-hopping wrote it.
    assert (geometry.coordinates == lowest.read(LJ38_GMIN / "expected/lowest")[0].coordinates).all()
    finish = coordinates.read(LJ38_OPTIM / "finish", 114)
    assert finish.symbols == ()


# -- min.data and ts.data -------------------------------------------------------------------------------------------------


def test_min_data_of_records(tmp_path):
    minimum = Minimum(-169.403102763540545, np.zeros(3), 520.527853268869080, 1, (58.8399774551, 60.8497059222, 67.7880496912))
    line = "     -169.403102763540545      520.527853268869080     1       58.8399774551       60.8497059222       67.7880496912\n"  # noqa: E501
    assert min_data.text([minimum]) == line
    assert min_data.text(iter([minimum])) == line
    path = tmp_path / "min.data"
    min_data.write(path, [])
    assert path.read_bytes() == b""
    assert min_data.read(path)["inertia"].shape == (0, 3)


def test_ts_data_of_records(tmp_path):
    state = TransitionState(-169.361945964207905, np.zeros(3), 519.0, 1, (59.0, 61.0, 66.9277053042), plus=1, minus=2)
    line = (
        "     -169.361945964207905      519.000000000000000         1         1         2       59.0000000000       "
        "61.0000000000       66.9277053042\n"
    )
    assert ts_data.text([state]) == line
    path = tmp_path / "ts.data"
    ts_data.write(path, [])
    assert ts_data.read(path)["plus"].shape == (0,)


def test_other_layouts_are_read(tmp_path):
    path = tmp_path / "min.data"
    path.write_text("  -1.5 0.0D+00 2 1. 1. 1.\n\n-2.25   NaN 120 1 2 0.3-309\n")
    columns = min_data.read(path)
    assert columns["energy"].tolist() == [-1.5, -2.25]
    assert math.isnan(columns["log_product"][1])
    assert columns["order"].tolist() == [2, 120]
    assert columns["inertia"][1].tolist() == [1, 2, 0.3e-309]
    path.write_text("-1 2 1 1 1 1 0.5 0.25\n")
    columns = min_data.read(path)
    assert columns["extra"].tolist() == [[0.5, 0.25]]
    assert len(min_data.text(columns).split()) == 8
    path = tmp_path / "ts.data"
    path.write_text("-1 2 1 3 3 1 1 1 -0.75\n")
    columns = ts_data.read(path)
    assert (columns["plus"][0], columns["minus"][0], columns["negative_eigenvalue"][0]) == (3, 3, -0.75)
    assert len(ts_data.text(columns).split()) == 9


def test_reduced_layout():
    columns = {"energy": np.array([-0.5]), "log_product": np.zeros(1), "order": np.ones(1, int), "inertia": np.ones((1, 3))}
    one = "     1.000000000    "
    assert min_data.text(columns, "reduced") == "   -0.5000000000    " + "     0.000000000    " + "       1" + one * 3 + "\n"
    columns |= {"plus": np.array([4]), "minus": np.array([12])}
    assert ts_data.text(columns, "reduced").split() == ["-0.5000000000", "0.000000000", "1", "4", "12"] + ["1.000000000"] * 3
    with pytest.raises(ValueError, match="layout"):
        min_data.text(columns, "old")


@pytest.mark.parametrize(
    ("module", "text", "message"),
    [
        (min_data, "-1 2 1 1 1 1\n-1 2 1 1 1\n", "data:2: expected energy, .* found 5 items"),
        (min_data, "-1 2 1 1 1 1\n-1 2 1 1 1 1 1 1\n", "data:2: expected 6 items as in the lines above, found 8"),
        (min_data, "-1 2x 1 1 1 1\n", "data:1: each column must be a real number, found '2x'"),
        (min_data, "-1 2 1.5 1 1 1\n", "data:1: the point-group order must be an integer, found '1.5'"),
        (min_data, "-1 2 1D30 1 1 1\n", "data:1: the point-group order is out of range, found '1D30'"),
        (min_data, "-1 2 0 1 1 1\n", "data:1: the point-group order must be positive, found 0"),
        (ts_data, "-1 2 1 1 1 1\n", "data:1: expected energy, .* found 6 items"),
        (ts_data, "-1 2 1 1 2 1 1 1\n-1 2 1 1 4 1 1 1\n", "data:2: the number of a minimum must be between 1 and 3, found 4"),
        (ts_data, "-1 2 1 0 2 1 1 1\n", "data:1: the number of a minimum must be"),
        (ts_data, "-1 2 1 a 2 1 1 1\n", "data:1: a minimum must be an integer, found 'a'"),
        (ts_data, "-1 2 0 1 2 1 1 1\n", "data:1: the point-group order must be positive"),
    ],
)
def test_bad_tables(module, text, message, tmp_path):
    path = tmp_path / "data"
    path.write_text(text)
    with raises(message):
        module.read(path, 3) if module is ts_data else module.read(path)


def test_missing_files(tmp_path):
    for read in (min_data.read, ts_data.read, endpoints.read, lowest.read, xyz.read, energy_profile.read, coordinates.read):
        with raises("nothing: no such file"):
            read(tmp_path / "nothing")
        with raises("cannot be read"):
            read(tmp_path)
    for read in (path_info.read, min_data_info.read, points.read, coordinates.read_many):
        with raises("nothing: no such file"):
            read(tmp_path / "nothing", 3)


# -- points, end points ---------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.floats(), min_size=4, max_size=4), max_size=5))
def test_points_are_bit_identical(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "points.min"
    array = np.array(rows, dtype=np.float64).reshape(-1, 4)
    points.write(path, array)
    assert path.read_bytes() == array.astype("<f8").tobytes()
    assert points.read(path, 4, len(rows)).tobytes() == array.tobytes()


def test_points_errors(tmp_path):
    path = tmp_path / "points.min"
    points.write(path, np.zeros((3, 6)))
    with raises("points.min: holds 3 points of 6 variables, expected 4"):
        points.read(path, 6, 4)
    path.write_bytes(path.read_bytes()[:-5])
    with raises("points.min: 139 bytes is not a multiple of 48 .* truncated behind point 2"):
        points.read(path, 6)


def test_endpoints(tmp_path):
    path = tmp_path / "min.A"
    endpoints.write(path, [1, 144])
    assert path.read_text() == "         2\n         1\n       144\n"
    assert endpoints.read(path) == [1, 144]
    path.write_text("1\n10 \n")
    assert endpoints.read(path, 10) == [10]
    path.write_text("0\n")
    assert endpoints.read(path) == []
    for text, message in [
        ("2\n1\n", "min.A:1: 2 minima are announced but 1 follow"),
        ("\n1\n11\n", "min.A:3: the number of a minimum must be between 1 and 10, found 11"),
        ("1\nx\n", "min.A:2: an index must be an integer, found 'x'"),
        ("", "min.A:1: the file is empty"),
        ("-1\n", "min.A:1: .* cannot be negative"),
    ]:
        path.write_text(text)
        with raises(message):
            endpoints.read(path, 10)


# -- path.info ------------------------------------------------------------------------------------------------------------


def random_triples(n_variables, n_zero, count, seed, frequencies=True, connected=False):
    """Triples with numbers that the format can hold exactly enough, and energies that rise to the transition state."""
    rng = np.random.default_rng(seed)

    def eigenvalues(negative):
        positive = np.sort(rng.uniform(0.1, 700, n_variables - n_zero - negative))[::-1]
        zeros = rng.normal(size=n_zero) * 1e-9
        return np.concatenate([positive, np.sort(zeros)[::-1], -rng.uniform(1, 9, negative)])

    def minimum():
        values = eigenvalues(0) if frequencies else None
        return Minimum(rng.uniform(-10, -5), rng.normal(size=n_variables), order=4, eigenvalues=values, point_group="C2v")

    triples = []
    end = minimum()
    for _ in range(count):
        start, end = (end if connected else minimum()), minimum()
        values = eigenvalues(1) if frequencies else None
        state = TransitionState(rng.uniform(-4, -1), rng.normal(size=n_variables), eigenvalues=values, point_group="Cs")
        triples.append(Triple(start, state, end))
    return triples


def assert_same(got, expected, frequencies=True):
    assert len(got) == len(expected)
    for one, other in zip(got, expected):
        for name in ("plus", "transition_state", "minus"):
            a, b = getattr(one, name), getattr(other, name)
            assert a.energy == pytest.approx(b.energy, abs=1e-15)
            assert (a.order, a.point_group) == (b.order, b.point_group)
            np.testing.assert_allclose(a.coordinates, b.coordinates, atol=5.1e-16, rtol=1e-15)
            if frequencies:
                np.testing.assert_allclose(a.eigenvalues, b.eigenvalues, rtol=6e-10)
            else:
                assert a.eigenvalues is None


@pytest.mark.parametrize(("n_variables", "n_zero"), [(9, 6), (57, 6), (64, 0), (65, 0), (10, 1)])
@pytest.mark.parametrize("layout", ["triples", "path"])
@pytest.mark.parametrize("frequencies", [True, False])
def test_path_info_round_trip(tmp_path, n_variables, n_zero, layout, frequencies):
    path = tmp_path / "path.info"
    triples = random_triples(n_variables, n_zero, 5, n_variables, frequencies, connected=layout == "path")
    path_info.write(path, triples, frequencies, layout)
    block = -(-n_variables // 3)
    assert len(path.read_text().splitlines()) == (15 if layout == "triples" else 11) * (2 + block * (1 + frequencies))
    got = path_info.read(path, n_variables, frequencies, n_zero)
    assert not got.warnings
    assert_same(got, triples, frequencies)
    for triple, other in zip(got, triples):
        if frequencies:
            used = n_variables - n_zero
            assert triple.plus.log_product == pytest.approx(np.log(other.plus.eigenvalues[:used]).sum(), abs=1e-7)
            expected = np.log(other.transition_state.eigenvalues[: used - 1]).sum()
            assert triple.transition_state.log_product == pytest.approx(expected, abs=1e-7)
            assert triple.transition_state.negative_eigenvalue == triple.transition_state.eigenvalues[-1] < 0
        else:
            assert (triple.plus.log_product, triple.transition_state.log_product) == (4.675754133, 1.0)
            assert math.isnan(triple.transition_state.negative_eigenvalue)
        assert triple.plus.inertia == (1.0, 1.0, 1.0)
    # Said explicitly, and the shared minima of a path are shared records.
    assert_same(path_info.read(path, n_variables, frequencies, n_zero, layout=layout), triples, frequencies)
    assert (got[0].minus is got[1].plus) == (layout == "path")


def test_path_info_record():
    minimum = Minimum(-169.403102763540346, np.array([0.5, -1.25, 2.0, 3.0]), order=48, point_group="Oh",
                      eigenvalues=np.array([712.2926265, 1.0, 0.1751023197e-6, -0.4850309447e-13]))  # fmt: skip
    assert path_info.point_text(minimum) == (
        "     -169.403102763540346\n"
        "    48 O h \n"
        "     712.2926265         1.000000000        0.1751023197E-06\n"
        "   -0.4850309447E-13\n"
        "        0.500000000000000       -1.250000000000000        2.000000000000000\n"
        "        3.000000000000000\n"
    )
    with pytest.raises(ValueError, match="no eigenvalues"):
        path_info.text([Triple(Minimum(0.0, np.zeros(3)), TransitionState(1.0, np.zeros(3)), Minimum(0.0, np.zeros(3)))])


@pytest.mark.parametrize(
    ("symbol", "field"), [("C1", "C1  "), ("Cs", "C s "), ("C5v", "C5v "), ("Oh", "O h "), ("Th", "T h "), ("", "C1  ")]
)
def test_schoenflies_symbols(symbol, field):
    assert path_info.symbol_field(symbol) == field


def test_log_product_needs_positive_eigenvalues():
    assert math.isnan(path_info.log_product(np.array([2.0, 1.0, -1e-9]), 3))
    assert math.isnan(path_info.log_product(np.array([2.0, 0.0]), 2))
    assert path_info.log_product(np.array([2.0, 0.5, -1.0]), 2) == pytest.approx(0.0)
    assert path_info.log_product(np.array([2.0]), 0) == 0.0


def test_incomplete_path_info(tmp_path):
    path = tmp_path / "path.info"
    triples = random_triples(9, 6, 3, 1)
    path_info.write(path, triples)
    lines = path.read_text().splitlines(keepends=True)
    # Cut between two records, and in the middle of one.
    path.write_text("".join(lines[: 8 * 8]))
    got = path_info.read(path, 9)
    assert_same(got, triples[:2])
    assert got.warnings == [f"{path}: the last 2 stationary points are no complete triple and were left out"]
    path.write_text("".join(lines[: 8 * 8 - 3]))
    got = path_info.read(path, 9)
    assert_same(got, triples[:2])
    assert got.warnings[0] == f"{path}:57: the file ends within a stationary point, which was left out"
    path.write_text("")
    assert path_info.read(path, 9) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [*lines[:8], "x\n", *lines[9:]], "path.info:9: the energy must be a real number, found 'x'; is it"),
        (lambda lines: [lines[0], "one C1\n", *lines[2:]], "path.info:2: the point-group order must be an integer, found"),
        (lambda lines: [lines[0], "0 C1\n", *lines[2:]], "path.info:2: the point-group order must be positive"),
        (lambda lines: [*lines[:3], "1.0 2.0\n", *lines[4:]], "path.info:4: expected 3 eigenvalues, found 2 items"),
        (lambda lines: [*lines[:6], "1.0 2.0 ****\n", *lines[7:]], r"path.info:7: coordinates must be a real .*, found '\*"),
        (lambda lines: lines[1:], "path.info:1: expected an energy alone on its line, found '4 C2v'"),
        (lambda lines: lines[:5], "path.info:6: expected 9 coordinates, found 0 before the file ends"),
    ],
)
def test_bad_path_info(tmp_path, change, message):
    path = tmp_path / "path.info"
    path_info.write(path, random_triples(9, 6, 1, 1))
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))
    with raises(message):
        path_info.read(path, 9)


def test_wrong_number_of_variables(tmp_path):
    path = tmp_path / "path.info"
    path_info.write(path, random_triples(9, 6, 1, 1))
    for wrong in (6, 8, 12):
        with raises(f"is it a path.info of {wrong} variables with eigenvalues"):
            path_info.read(path, wrong)
    with raises("without eigenvalues"):
        path_info.read(path, 9, frequencies=False)


# -- min.data.info, lowest, coordinates, profiles, frames -----------------------------------------------------------------


@pytest.mark.parametrize("n_variables", [6, 64])
def test_min_data_info(tmp_path, n_variables):
    path = tmp_path / "min.data.info"
    rng = np.random.default_rng(2)
    minima = [
        Minimum(-34.6022075798, rng.normal(size=n_variables), 12.5, 2, (282.0982559812, 1007.9569413487, 1161.5432943921)),
        Minimum(-34.5, rng.normal(size=n_variables)),
    ]
    min_data_info.write(path, minima[:1])
    min_data_info.append(path, minima[1:])
    text = path.read_text()
    assert text.splitlines()[0] == (
        "      -34.6022075798       12.5000000000     2      282.0982559812     1007.9569413487     1161.5432943921"
    )
    assert len(text.splitlines()) == 2 * (1 + -(-n_variables // 3))
    got = min_data_info.read(path, n_variables)
    for one, other in zip(got, minima, strict=True):
        np.testing.assert_allclose(one.coordinates, other.coordinates, atol=5.1e-16, rtol=1e-15)
        assert (one.energy, one.order, one.inertia) == (other.energy, other.order, other.inertia)
    assert got[0].log_product == 12.5
    assert math.isnan(got[1].log_product)
    with raises("min.data.info:3: expected 2 coordinates|expected energy, log product"):
        min_data_info.read(path, n_variables - 1)
    path.write_text("\n".join(text.splitlines()[:-1]))
    with raises("before the file ends"):
        min_data_info.read(path, n_variables)


def test_min_data_info_with_lowest_frequency(tmp_path):
    path = tmp_path / "min.data.info"
    path.write_text("-1.0 2.0 1 1.0 1.0 1.0 0.25 0.5\n 1 2 3\n")
    assert min_data_info.read(path, 3)[0].log_product == 2.0
    path.write_text("-1.0 2.0 0 1.0 1.0 1.0\n 1 2 3\n")
    with raises("min.data.info:1: the point-group order must be positive"):
        min_data_info.read(path, 3)


HEADER = "Energy of minimum 1= -1.0 first found at step 1 after 2 function calls\n"


def test_lowest(tmp_path):
    path = tmp_path / "lowest"
    minimum = lowest.SavedMinimum(-173.92842622, np.arange(6) / 7, 108, 14890)
    lowest.write(path, [minimum])
    assert path.read_text() == (
        "           2\n"
        "Energy of minimum      1=    -173.9284262     first found at step      108 after                14890 function calls\n"
        "SI         0.0000000000        0.1428571429        0.2857142857\n"
        "SI         0.4285714286        0.5714285714        0.7142857143\n"
    )
    got = lowest.read(path)[0]
    assert (got.energy, got.step, got.calls, got.labels) == (-173.9284262, 108, 14890, ("SI", "SI"))
    # A network: one unlabelled variable per line, any number of them.
    minimum = lowest.SavedMinimum(0.5, np.array([-1.5, 2.0, 1.0, 0.25]), 1, 2)
    lowest.write(path, [minimum, minimum], label="", per_line=1)
    got = lowest.read(path)
    assert [m.coordinates.tolist() for m in got] == [[-1.5, 2.0, 1.0, 0.25]] * 2
    with pytest.raises(ValueError, match="labels"):
        lowest.text([lowest.SavedMinimum(0.0, np.zeros(6), labels=("A",))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("two\n", "lowest:1: the number of atoms must be an integer"),
        ("-2\n", "lowest:1: the number of atoms must be positive"),
        ("1\nnothing\n", "lowest:2: expected 'Energy of minimum"),
        ("1\n", "lowest:2: expected 'Energy of minimum"),
        (f"2\n{HEADER}X 1 2 3\n", "ends after 1 of 2 atoms"),
        (f"1\n{HEADER}X 1 2\n", "lowest:3: expected a label"),
        (f"1\n{HEADER}X 1 2 z\n", "lowest:3: a coordinate must be"),
        (f"1\n{HEADER.replace('1 after', 'x after')}X 1 2 3\n", "lowest:2: the step must be an integer"),
    ],
)
def test_bad_lowest(tmp_path, text, message):
    path = tmp_path / "lowest"
    path.write_text(text)
    with raises(message):
        lowest.read(path)


def test_coordinates(tmp_path):
    path = tmp_path / "coords"
    x = np.array([0.5, -1.0, 2.25, 3.0, 4.0, 5.0])
    coordinates.write(path, x)
    assert path.read_text().splitlines()[0] == "        0.5000000000       -1.0000000000        2.2500000000"
    assert coordinates.read(path, 6).per_line == 3
    coordinates.write(path, x, symbols=["AX", "AX"])
    assert path.read_text().splitlines()[0] == "AX          0.5000000000       -1.0000000000        2.2500000000"
    assert coordinates.read(path).symbols == ("AX", "AX")
    coordinates.write(path, x[:5], decimals=15, per_line=1)
    got = coordinates.read(path, 5)
    assert (got.coordinates == x[:5]).all()
    assert got.per_line == 1
    coordinates.write(path, x[:5])
    assert (coordinates.read(path, 5).coordinates == x[:5]).all()
    assert (coordinates.read_many(path, 5) == x[:5]).all()
    with pytest.raises(ValueError, match="symbols"):
        coordinates.text(x, symbols=["AX"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "coords: no coordinates"),
        ("\n \n", "coords: no coordinates"),
        ("1 2 3\n\n1 2 x\n", "coords:3: a coordinate must be a real number, found 'x'"),
        ("1 2\n1 2 3\n", "coords:1: expected 3 coordinates; only the last line may have fewer"),
        ("1\n1 2\n", "coords:2: expected 1 variable per line"),
        ("1 2 3 4\n", "coords:1: expected 3 coordinates per line"),
        ("AX 1 2 3\n1 2 3\n", "coords:2: expected a symbol and three coordinates"),
        ("1 2 3\nAX 1 2 3\n", "coords:2: expected 3 numbers, as in the lines above"),
        ("AX 1 2\n", "coords:1: expected 3 coordinates per line"),
        ("1 2 1D0\n1 2 3\n", "coords: holds 6 coordinates, expected 9"),
        ("1 2 3\n1 2 +Inf\n", "coords:2: coordinate 3 is not finite"),
    ],
)
def test_bad_coordinates(tmp_path, text, message):
    path = tmp_path / "coords"
    path.write_text(text)
    with raises(message):
        coordinates.read(path, 9)


def test_a_body_line_names_its_own_file():
    from common.tokeniser import BodyLine

    with raises("atoms:7: a coordinate must be a real number"):
        coordinates.parse([BodyLine("odata", 3, "1 2 3"), BodyLine("atoms", 7, "1 2 z")], "odata")


def test_many_geometries(tmp_path):
    path = tmp_path / "extractedmin"
    path.write_text("1 2 3\n4 5 6\n")
    with raises("extractedmin: 6 coordinates are not a whole number of points with 4 each"):
        coordinates.read_many(path, 4)
    assert coordinates.read_many(path, 3).tolist() == [[1, 2, 3], [4, 5, 6]]


def test_energy_profile(tmp_path):
    path = tmp_path / "EofS"
    s, energy = np.array([-0.25, 0.0, 12.5]), np.array([-173.92842659, -170.0, -0.05])
    energy_profile.write(path, s, energy)
    assert path.read_text().splitlines()[0] == "       -0.2500000000     -173.9284265900"
    energy_profile.write(path, s, energy, numbered=True)
    assert path.read_text().splitlines() == [
        "   -0.2500000000        -173.9284266         1",
        "     0.000000000        -170.0000000         2",
        "     12.50000000       -0.5000000000E-01     3",
    ]
    got = energy_profile.read(path)
    np.testing.assert_allclose(got[0], s)
    np.testing.assert_allclose(got[1], energy, rtol=1e-9)
    path.write_text("1 2\n1 2 3 4\n")
    with raises("EofS:2: expected path length and energy"):
        energy_profile.read(path)
    path.write_text("")
    assert energy_profile.read(path)[0].size == 0


def test_xyz(tmp_path):
    path = tmp_path / "path.xyz"
    frame = xyz.Frame(np.array([0.7265505064, 0.2736707631, -1.680103121]), ("AX",), energy=-169.403102763540346)
    assert xyz.text([frame], "path") == (
        "     1\n"
        "Energy=    -169.403102763540    \n"
        "AX        0.7265505064        0.2736707631        -1.680103121    \n"
    )
    for layout in ("path", "joined", "gmin"):
        xyz.write(path, [frame, frame], layout)
        got = xyz.read(path)
        assert [one.symbols for one in got] == [("AX",)] * 2
        np.testing.assert_allclose(got[1].coordinates, frame.coordinates, rtol=1e-9)
        assert got[1].energy == pytest.approx(frame.energy, rel=1e-9)
    path.write_text("1\nwater, first try\nO 0 0 1D0 extra\n")
    got = xyz.read(path)[0]
    assert math.isnan(got.energy)
    assert got.coordinates.tolist() == [0, 0, 1]
    for text, message in [
        ("2\n\nX 1 2 3\n", "path.xyz:3: the file ends within a frame of 2 atoms"),
        ("1\n\nX 1 2\n", "path.xyz:3: expected a symbol"),
        ("x\n", "path.xyz:1: the number of atoms must be an integer"),
        ("0\n\n", "path.xyz:1: the number of atoms must be positive"),
    ]:
        path.write_text(text)
        with raises(message):
            xyz.read(path)


MINIMUM = Minimum(-1.5, np.arange(6.0), 2.0, eigenvalues=np.array([2.0, 1, 0, 0, 0, 0]))
STATE = TransitionState(-1.0, np.arange(6.0), 2.0, eigenvalues=np.array([2.0, 0, 0, 0, 0, -1]), plus=1, minus=1)
TEXTS = {
    "min_data": (min_data.text([MINIMUM] * 2), min_data.read),
    "ts_data": (ts_data.text([STATE] * 2), ts_data.read),
    "endpoints": ("2\n1\n3\n", endpoints.read),
    "path_info": (path_info.text([Triple(MINIMUM, STATE, MINIMUM)] * 2), lambda path: path_info.read(path, 6)),
    "min_data_info": (min_data_info.text([MINIMUM] * 2), lambda path: min_data_info.read(path, 6)),
    "lowest": (lowest.text([lowest.SavedMinimum(-1.5, np.arange(6.0))] * 2), lowest.read),
    "coordinates": (coordinates.text(np.arange(6.0)), coordinates.read),
    "energy_profile": (energy_profile.text([0.0, 1.0], [2.0, 3.0]), energy_profile.read),
    "xyz": (xyz.text([xyz.Frame(np.arange(6.0), ("X", "Y"))] * 2), xyz.read),
}


@pytest.mark.parametrize("kind", TEXTS)
@given(data=st.data())
def test_damaged_files_are_read_or_refused_with_their_name(tmp_path_factory, kind, data):
    text, read = TEXTS[kind]
    path = tmp_path_factory.getbasetemp() / kind
    start, end = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
    patch = data.draw(st.text("0123456789.+-EDx* \n\tnaif", max_size=12))
    path.write_text(text[:start] + patch + text[end:])
    try:
        read(path)
    except InputError as error:
        problems = error.problems
    else:
        return
    assert all(problem.startswith(str(path)) for problem in problems)


def test_writers_leave_the_old_file_when_they_fail(tmp_path):
    path = tmp_path / "path.info"
    path.write_text("old")
    with pytest.raises(ValueError):
        path_info.write(path, [Triple(Minimum(0.0, np.zeros(3)), TransitionState(1.0, np.zeros(3)), Minimum(0.0, np.zeros(3)))])
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["path.info"]
