"""LJ7 from a random start to the disconnectivity graph, and every kind of bad input on the way."""

import numpy as np
import pytest

from common.database import Database
from common.formats import coordinates
from potentials.lj import LennardJones

DATA = "STEPS 60\nSTEP 0.6\nTEMPERATURE 5.0\nFIXBOTH\nSLOPPYCONV 1D-4\nTIGHTCONV 1D-9\nRADIUS 3.0\nEDIFF 1D-4\n"
CONNECT = "NEWCONNECT 5 2 10.0 20.0 20 0.5 0.01\nRADIUS 3.0\nPOINTS\n"
PATHDATA = "SYSTEM LJ\nNATOMS 7\nCPUS 1\nSURVEY 60 ,, 4 30\n"
DINFO = "DELTA 0.1\nFIRST -14.9\nLEVELS 17\nCENTREGMIN\n"


@pytest.fixture
def directory(tmp_path, write):
    write(data=DATA, odata__connect=CONNECT, pathdata=PATHDATA, dinfo=DINFO)
    x = LennardJones(7).random_coordinates(np.random.default_rng(1))
    coordinates.write(tmp_path / "coords", x)
    return tmp_path


def test_from_start_to_graph(directory, command):
    command("gmin")
    assert "Lowest Minimum      1 Energy=     -16.5053841" in (directory / "output").read_text()
    out = command("pathsample").stdout
    assert "summary> minima                                           4" in out
    assert "everything passed" in command("pathsample", "--verify").stdout
    out = command("disconnect").stdout
    assert "4 minima read in" in out
    assert (directory / "tree.ps").read_text().startswith("%!")


def test_the_text_files_are_as_good_as_the_database(directory, command, tmp_path_factory):
    command("gmin")
    command("pathsample")
    other = tmp_path_factory.mktemp("text")
    for name in ("min.data", "ts.data", "points.min", "points.ts", "odata.connect"):
        (other / name).write_bytes((directory / name).read_bytes())
    (other / "pathdata").write_text("SYSTEM LJ\nNATOMS 7\nETOL 1D-6\nCHECKMIN\nCHECKTS\n")
    assert "everything passed" in command("pathsample", directory=other).stdout
    for name in ("min.data", "ts.data", "points.min", "points.ts"):
        assert (other / name).read_bytes() == (directory / name).read_bytes()


def names(directory):
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize(
    ("program", "file", "text", "message"),
    [
        ("gmin", "data", DATA.replace("STEPS", "STEPZ"), "data:1: STEPZ 60: unknown keyword; did you mean STEP"),
        ("gmin", "data", DATA.replace("STEP 0.6", "STEP 0.6x"), "data:2: STEP 0.6x: "),
        ("gmin", "data", DATA.replace("RADIUS 3.0", "RADIUS"), "data:7: RADIUS: missing argument"),
        ("pathsample", "pathdata", PATHDATA.replace("SURVEY", "SURVY"), "pathdata:4: SURVY"),
        ("pathsample", "pathdata", PATHDATA.replace("7", "seven"), "pathdata:2: NATOMS seven: "),
        ("pathsample", "pathdata", PATHDATA.replace("NATOMS 7", "NATOMS"), "pathdata:2: NATOMS: missing argument"),
        ("pathsample", "odata.connect", CONNECT.replace("RADIUS 3.0", "RADIUS"), "odata.connect:2: RADIUS: missing argument"),
        ("disconnect", "dinfo", DINFO.replace("DELTA", "DELTTA"), "dinfo:1: "),
        ("disconnect", "dinfo", DINFO.replace("0.1", "0.1q"), "dinfo:1: "),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(directory, command, program, file, text, message):
    (directory / file).write_text(text)
    before = names(directory)
    error = command(program, status=2).stderr
    assert message in error.splitlines()[0]
    assert all(line.startswith(file) for line in error.splitlines())
    assert names(directory) == before


def test_missing_coords(directory, command):
    (directory / "coords").unlink()
    before = names(directory)
    assert "coords: " in command("gmin", status=2).stderr
    assert names(directory) == before


def test_truncated_points(directory, command):
    command("gmin")
    command("pathsample")
    (directory / "landscape.db").unlink()
    points = directory / "points.min"
    points.write_bytes(points.read_bytes()[:-100])
    before = names(directory)
    error = command("pathsample", status=2).stderr
    assert "points.min" in error
    assert names(directory) == before


def test_database_of_another_potential(directory, command):
    command("gmin")
    before = (directory / "landscape.db").read_bytes()
    (directory / "odata.connect").write_text(CONNECT.replace("POINTS", "PARAMS 2.0\nPOINTS"))
    error = command("pathsample", status=2).stderr
    assert error.startswith("landscape.db: made for potential LennardJones, this run has LennardJonesAxilrodTeller")
    assert len(error.splitlines()) == 1
    assert (directory / "landscape.db").read_bytes() == before
    with Database(directory / "landscape.db", read_only=True) as database:
        assert database.check() == []
