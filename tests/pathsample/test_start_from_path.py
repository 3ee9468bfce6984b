"""STARTFROMPATH, ADDPATH and ADDMIN on the published LJ38 path."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from common.database import Database
from common.errors import InputError
from pathsample.cli import main
from pathsample.run import run

EXAMPLE = Path(__file__).resolve().parents[2] / "../shared/wales/examples/LJ38_04_pathsample"
needs_example = pytest.mark.skipif(not EXAMPLE.exists(), reason="the reference examples are not beside the project")
TEXT_FILES = ("min.data", "ts.data", "points.min", "points.ts", "min.A", "min.B")


def numbers(path):
    return [[float(word) for word in line.split()] for line in path.read_text().splitlines()]


@pytest.fixture
def lj38(tmp_path):
    for name in ("pathdata", "odata.connect", "path.info.initial"):
        shutil.copy(EXAMPLE / name, tmp_path / name)
    return tmp_path


@needs_example
@pytest.mark.validation
def test_lj38_database_from_a_path_is_the_published_one(lj38, capsys):
    assert run(lj38) == 0
    expected = EXAMPLE / "expected"
    for name, integer_columns in (("min.data", [2]), ("ts.data", [2, 3, 4])):
        ours, theirs = numbers(lj38 / name), numbers(expected / name)
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs):
            assert [mine[k] for k in integer_columns] == [other[k] for k in integer_columns]
            assert mine[0] == other[0]
            assert mine[1] == pytest.approx(other[1], abs=2e-12)
            assert mine[-3:] == pytest.approx(other[-3:], abs=1e-9)
    for name in ("points.min", "points.ts"):
        assert (lj38 / name).read_bytes() == (expected / name).read_bytes()
    assert (lj38 / "min.A").read_text().split() == ["1", "1"]
    assert (lj38 / "min.B").read_text().split() == ["1", "2"]

    lines = capsys.readouterr().out.splitlines()
    theirs = (expected / "pathsample_startfrompath.out").read_text().splitlines()

    def events(lines):
        return [line for line in lines if line.startswith(("getallpaths>", "setup> The unique"))]

    assert events(lines) == events(theirs)
    assert lines[-1].startswith("main> total CPU time spent in PATHSAMPLE            =")
    assert "A and B" in "\n".join(lines) or "route from B to A" in "\n".join(lines)


@needs_example
def test_start_from_path_never_overwrites(lj38, capsys):
    (lj38 / "min.A").write_text("1\n1\n")
    assert main(["-C", str(lj38)]) == 2
    assert "ERROR - file min.A already exists. Will not overwrite." in capsys.readouterr().err
    assert not (lj38 / "landscape.db").exists()
    (lj38 / "min.A").unlink()
    assert main(["-C", str(lj38)]) == 0
    before = {name: (lj38 / name).read_bytes() for name in TEXT_FILES}
    assert main(["-C", str(lj38)]) == 2
    message = capsys.readouterr().err
    assert "landscape.db already exists" in message
    assert "min.data already exists" in message
    assert before == {name: (lj38 / name).read_bytes() for name in TEXT_FILES}


@needs_example
def test_set_that_does_not_exist_leaves_nothing_behind(lj38):
    text = (lj38 / "pathdata").read_text().replace("path.info.initial 1 2", "path.info.initial 1 99")
    (lj38 / "pathdata").write_text(text)
    before = sorted(path.name for path in lj38.iterdir())
    with pytest.raises(InputError, match="minimum 99 is to be in"):
        run(lj38)
    assert sorted(path.name for path in lj38.iterdir()) == before


@needs_example
def test_text_database_is_taken_over_and_written_back(lj38, tmp_path_factory):
    assert run(lj38) == 0
    other = tmp_path_factory.mktemp("import")
    for name in TEXT_FILES:
        shutil.copy(lj38 / name, other / name)
    shutil.copy(lj38 / "odata.connect", other)
    (other / "pathdata").write_text("SYSTEM AX\nNATOMS 38\nETOL 1.0D-6\nGEOMDIFFTOL 0.2\nCYCLES 0\n")
    assert run(other) == 0
    for name in TEXT_FILES:
        assert (other / name).read_bytes() == (lj38 / name).read_bytes(), name
    with Database(other / "landscape.db", read_only=True) as database:
        assert (database.n_minima, database.n_transition_states) == (12, 11)
        assert database.endpoints("B") == [2]


@needs_example
def test_adding_the_same_path_again_adds_nothing(lj38, capsys):
    assert run(lj38) == 0
    text = (lj38 / "pathdata").read_text().replace("STARTFROMPATH  path.info.initial 1 2", "ADDPATH path.info.initial")
    (lj38 / "pathdata").write_text(text)
    capsys.readouterr()
    assert run(lj38) == 0
    assert "13 triples, 0 new minima, 0 new transition states" in capsys.readouterr().out
    with Database(lj38 / "landscape.db", read_only=True) as database:
        assert (database.n_minima, database.n_transition_states) == (12, 11)


@needs_example
def test_path_of_another_potential_is_refused(lj38):
    (lj38 / "odata.connect").write_text((lj38 / "odata.connect").read_text().replace("\nPOINTS", "\nPARAMS 2.0\nPOINTS"))
    with pytest.raises(InputError, match="triple 1: energy"):
        run(lj38)
    assert not (lj38 / "landscape.db").exists()


@needs_example
def test_path_of_another_size_is_refused(lj38):
    (lj38 / "pathdata").write_text((lj38 / "pathdata").read_text().replace("NATOMS         38", "NATOMS         37"))
    with pytest.raises(InputError, match=r"path\.info\.initial:\d+: "):
        run(lj38)
    assert not (lj38 / "landscape.db").exists()


@needs_example
def test_add_minima_creates_a_database(lj38):
    from common.formats import min_data_info, path_info

    triples = path_info.read(lj38 / "path.info.initial", 114)
    min_data_info.write(lj38 / "min.data.info", [triples[0].plus, triples[0].minus, triples[1].plus, triples[0].minus])
    (lj38 / "pathdata").write_text("SYSTEM AX\nNATOMS 38\nETOL 1.0D-6\nGEOMDIFFTOL 0.2\nREADMIN min.data.info\n")
    assert run(lj38) == 0
    with Database(lj38 / "landscape.db", read_only=True) as database:
        assert database.n_minima == 3
        assert np.isfinite(database.minima_arrays()["log_product"]).all()
    assert len((lj38 / "min.data").read_text().splitlines()) == 3
