import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common.database import Database
from common.errors import DatabaseError, InputError
from common.stationary_points import Minimum, TransitionState, Triple
from common.text_database import export_text, import_text

EXAMPLE = Path(__file__).resolve().parents[2] / "../shared/wales/examples/LJ38_04_pathsample/expected"
FILES = ("min.data", "ts.data", "points.min", "points.ts", "min.A", "min.B")


@pytest.fixture
def written(tmp_path):
    """A directory with the text files of a small database, and that database."""
    rng = np.random.default_rng(5)
    folder = tmp_path / "text"
    folder.mkdir()
    points = rng.normal(size=(12, 9)) * np.exp(5.0 * rng.normal(size=(12, 9)))
    with Database(tmp_path / "first.db") as database:
        minima = [
            Minimum(-10.0 + rng.random(), x, rng.normal() * 100, 1 + k, tuple(np.sort(rng.random(3) * 60)))
            for k, x in enumerate(points[:6])
        ]
        for k in range(5):
            ts = TransitionState(-8.0 + k + rng.random(), points[6 + k], 3.5, 2, (1.0, 2.0, 3.0), -1.25 - k)
            database.add_triples([Triple(minima[k], ts, minima[k + (k != 3)])])
        database.set_endpoints("A", [3, 1])
        database.set_endpoints("B", [5])
        names = [path.name for path in export_text(database, folder)]
        assert sorted(names) == sorted(FILES)
        yield folder, database


def test_export_import_export_is_the_same(written, tmp_path):
    folder, first = written
    again = tmp_path / "again"
    again.mkdir()
    with Database(tmp_path / "second.db") as second:
        import_text(folder, second)
        export_text(second, again)
        for name in FILES:
            assert (folder / name).read_bytes() == (again / name).read_bytes(), name
        np.testing.assert_array_equal(second.coordinates(), first.coordinates())
        np.testing.assert_array_equal(second.coordinates(transition_states=True), first.coordinates(transition_states=True))
        for mine, theirs in ((second.minima_arrays(), first.minima_arrays()), (second.ts_arrays(), first.ts_arrays())):
            np.testing.assert_allclose(mine["energy"], theirs["energy"], atol=1e-15)
            np.testing.assert_allclose(mine["log_product"], theirs["log_product"], atol=1e-13)
            np.testing.assert_allclose(mine["inertia"], theirs["inertia"], atol=6e-11)
            for name in {"order", "plus", "minus"} & mine.keys():
                np.testing.assert_array_equal(mine[name], theirs[name])
        assert second.endpoints("A") == [3, 1]
        assert second.endpoints("B") == [5]
        assert second.n_variables == 9
        assert second.check() == []


def test_points_are_consecutive_doubles(written):
    folder, database = written
    raw = np.fromfile(folder / "points.min", "<f8").reshape(-1, 9)
    np.testing.assert_array_equal(raw, database.coordinates())
    assert (folder / "min.data").read_text().count("\n") == len(raw) == database.n_minima


def test_without_points(written, tmp_path):
    folder, first = written
    (folder / "points.ts").unlink()
    (folder / "points.min").write_bytes(b"")
    with Database(tmp_path / "second.db") as database:
        import_text(folder, database)
        assert database.n_minima == first.n_minima
        assert database.minimum(1).coordinates is None
        assert database.find_minimum(database.minimum(2).energy, None) == 2
        with pytest.raises(DatabaseError, match="no coordinates"):
            database.coordinates()
        export_text(database, tmp_path)
        assert (tmp_path / "points.min").stat().st_size == 0


def test_points_can_be_left_out_or_demanded(written, tmp_path):
    folder, _ = written
    with Database(tmp_path / "second.db") as database:
        import_text(folder, database, points=False)
        assert database.minimum(1).coordinates is None
    (folder / "points.min").unlink()
    with Database(tmp_path / "third.db", n_variables=9) as database, pytest.raises(InputError, match=r"points\.min"):
        import_text(folder, database, points=True)


def test_minima_alone(written, tmp_path):
    folder, _ = written
    for name in ("ts.data", "points.ts", "min.A", "min.B"):
        (folder / name).unlink()
    with Database(tmp_path / "second.db") as database:
        import_text(folder, database)
        assert database.n_minima > 0
        assert database.n_transition_states == 0
        assert database.endpoints("A") == []


def cut(name, size):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def append(name, line):
    return lambda folder: (folder / name).write_text((folder / name).read_text() + line)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (cut("points.min", -5), r"points\.min"),
        (cut("points.min", -72), r"points\.min"),
        (cut("points.ts", -8), r"points\.ts"),
        (append("min.data", "1.0 2.0 1 1.0 1.0\n"), r"min\.data:7: expected"),
        (append("min.data", "1.0 2.0 x 1.0 1.0 1.0\n"), r"min\.data:7"),
        (append("ts.data", "1.0 2.0 1 1 99 1.0 1.0 1.0\n"), r"ts\.data:6.*99"),
        (append("min.A", "77\n"), r"min\.A:4.*77"),
        (lambda folder: (folder / "min.data").unlink(), r"min\.data"),
    ],
)
def test_bad_files_are_named_and_nothing_is_kept(written, tmp_path, spoil, message):
    folder, _ = written
    spoil(folder)
    with Database(tmp_path / "second.db", n_variables=9) as database:
        with pytest.raises(InputError, match=message):
            import_text(folder, database)
        assert database.n_minima == 0
        assert database.n_transition_states == 0


def test_points_of_the_wrong_size_without_n_variables(written, tmp_path):
    folder, _ = written
    cut("points.min", -8)(folder)
    with Database(tmp_path / "second.db") as database, pytest.raises(InputError, match=r"points\.min.*truncated"):
        import_text(folder, database)


def test_only_into_an_empty_database(written):
    folder, database = written
    with pytest.raises(DatabaseError, match="already"):
        import_text(folder, database)


def test_extra_columns_come_back(written, tmp_path):
    folder, _ = written
    extras = ("min.data", 6, "        0.1250000000        7.5000000000"), ("ts.data", 8, "       -3.5000000000")
    for name, width, extra in extras:
        lines = (folder / name).read_text().splitlines()
        assert all(len(line.split()) == width for line in lines)
        (folder / name).write_text("".join(f"{line}{extra}\n" for line in lines))
    again = tmp_path / "again"
    again.mkdir()
    with Database(tmp_path / "second.db") as database:
        import_text(folder, database)
        assert database.transition_state(2).negative_eigenvalue == -3.5
        assert set(database.property("lowest_squared_frequency")) == {7.5}
        export_text(database, again)
    for name in FILES:
        assert (folder / name).read_bytes() == (again / name).read_bytes(), name


@pytest.mark.validation
@pytest.mark.skipif(not EXAMPLE.exists(), reason="the reference material is not beside the project")
def test_lj38_from_path_info(tmp_path):
    """The triples of path.info give the numbers, the points (bit for bit) and the messages of the original."""
    from common.formats import path_info
    from potentials.symmetry import RigidCluster

    triples = path_info.read(EXAMPLE / "path.info.initial", 114)
    symmetry = RigidCluster(38)
    with Database(tmp_path / "landscape.db", symmetry=symmetry, distance_tolerance=0.2, n_variables=114) as database:
        report = database.add_triples(triples, eigenvalue_cut=2e-6)
        assert (len(triples), database.n_minima, database.n_transition_states, report.known) == (13, 12, 11, 2)
        expected = [
            line
            for line in (EXAMPLE / "pathsample_startfrompath.out").read_text().splitlines()
            if line.startswith("getallpaths>")
        ]
        assert report.messages == expected
        assert database.coordinates().tobytes() == (EXAMPLE / "points.min").read_bytes()
        assert database.coordinates(transition_states=True).tobytes() == (EXAMPLE / "points.ts").read_bytes()
        reference = np.loadtxt(EXAMPLE / "ts.data")
        arrays = database.ts_arrays()
        np.testing.assert_array_equal(arrays["plus"], reference[:, 3])
        np.testing.assert_array_equal(arrays["minus"], reference[:, 4])
        np.testing.assert_allclose(arrays["log_product"], reference[:, 1], rtol=1e-12)
        np.testing.assert_allclose(database.minima_arrays()["log_product"], np.loadtxt(EXAMPLE / "min.data")[:, 1], rtol=1e-12)
        assert database.check() == []
        # Once more, every point turned, mirrored and with its atoms in another order: nothing is new.
        rng = np.random.default_rng(1)
        copies = [
            Triple(*(replace(point, coordinates=symmetry.random_copy(point.coordinates, rng)) for point in points))
            for points in ((t.minus, t.transition_state, t.plus) for t in triples)
        ]
        report = database.add_triples(copies)
        assert (report.known, report.messages) == (13, [])


@pytest.mark.skipif(not EXAMPLE.exists(), reason="the reference material is not beside the project")
def test_lj38_example(tmp_path):
    for name in FILES:
        shutil.copy(EXAMPLE / name, tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    with Database(tmp_path / "landscape.db", n_variables=114) as database:
        import_text(tmp_path, database)
        assert (database.n_minima, database.n_transition_states) == (12, 11)
        assert (database.endpoints("A"), database.endpoints("B")) == ([2], [8])
        assert database.minimum(2).order == 48
        assert database.check() == []
        export_text(database, out)
    for name in ("min.data", "ts.data", "points.min", "points.ts"):
        assert (out / name).read_bytes() == (EXAMPLE / name).read_bytes(), name
    for name in ("min.A", "min.B"):
        assert (out / name).read_text().split() == (EXAMPLE / name).read_text().split()
