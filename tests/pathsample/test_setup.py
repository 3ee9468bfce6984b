"""What pathsample says about its input, before anything is written."""

import math
from pathlib import Path

import pytest
from landscapes import cluster

import pathsample
from common.keywords import load_table
from pathsample.cli import main
from pathsample.run import run
from pathsample.setup import pathdata_tables, read_setup

TABLE = load_table(Path(pathsample.__file__).with_name("keywords.yaml"))


@pytest.fixture
def directory(tmp_path):
    cluster(tmp_path, 7, "CYCLES 0\n", n_minima=2)
    return tmp_path


def says(directory, text, capsys):
    """The message for a pathdata; nothing may be written."""
    (directory / "pathdata").write_text(text)
    before = {path.name: path.stat().st_mtime_ns for path in directory.iterdir()}
    assert main(["-C", str(directory)]) == 2
    assert {path.name: path.stat().st_mtime_ns for path in directory.iterdir()} == before
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CYCELS 3\n", "pathdata:1: CYCELS 3: unknown keyword; did you mean CYCLES?"),
        ("NATOMS 7\nSEED 1\nNATOMS\n", "pathdata:3: NATOMS: missing argument n"),
        ("NATOMS 7x\n", "pathdata:1: NATOMS 7x: n must be an integer, found '7x'"),
        ("NATOMS 0\n", "pathdata:1: NATOMS 0"),
        ("NATOMS 7\nDIRECTION BB\n", "pathdata:2: DIRECTION BB"),
        ("NATOMS 7\nTEMPERATURE -1\n", "pathdata:2: TEMPERATURE -1"),
        ("NATOMS 7\nBISECT 0.1 3.0\n", "pathdata:2: BISECT 0.1 3.0: BISECT is known but not supported: this way to choose"),
        ("NATOMS 7\nCYCLES 3\n", "pathdata:2: CYCLES 3: no keyword says which searches to make; add one of SURVEY"),
        ("NATOMS 7\nSURVEY 5\nCYCLES 3\n", "pathdata:3: CYCLES 3: SURVEY states its own number of searches; remove CYCLES"),
        ("NATOMS 7\nSURVEY 5\nCONNECTUNC LOWEST\n", "pathdata:3: CONNECTUNC LOWEST: only one keyword may choose the searches"),
        ("NATOMS 7\nDUMMYRUN\n", "pathdata:2: DUMMYRUN: no keyword says which searches to make"),
        ("NATOMS 7\nNOPOINTS\nSURVEY 5\n", "pathdata:3: SURVEY 5: not possible with NOPOINTS"),
        ("NATOMS 7\nCONNECTPAIRS pairs\nCYCLES 1\n", "pathdata:2: CONNECTPAIRS pairs: no file pairs in"),
        ("NATOMS 7\nSTARTFROMPATH path.info.initial 1 2\n", "pathdata:2: STARTFROMPATH path.info.initial 1 2: no file"),
        ("NATOMS 7\nAUC odata.connect\n", "pathdata:2: AUC needs a neural network"),
        ("SYSTEM AG\nNATOMS 7\n", "no potential for atoms with the symbol AG"),
        ("CYCLES 0\n", "the number of atoms is not known"),
        ("NATOMS 8\nCYCLES 0\n", "made for potential LennardJones"),
        ("NATOMS 7\nETOL 1D-3\n", "set ETOL 1e-06 or use another directory"),
        ("NATOMS 7\nGEOMDIFFTOL 1D-3\n", "set GEOMDIFFTOL 0.1 or use another directory"),
    ],
)
def test_one_line_that_names_file_line_and_remedy(directory, capsys, text, message):
    assert message in says(directory, text, capsys)


def test_all_problems_at_once(directory, capsys):
    error = says(directory, "NATOMS 7\nSEED x\nCYCLE 3\nCPUS -1\n", capsys)
    assert [line.split(": ")[0] for line in error.splitlines()] == ["pathdata:2", "pathdata:3", "pathdata:4"]


def test_growth_needs_the_settings_of_the_searches(directory, capsys):
    (directory / "odata.connect").unlink()
    assert "odata.connect: no such file; it states the settings" in says(directory, "NATOMS 7\nSURVEY 5\n", capsys)


def test_problem_in_odata_connect(directory, capsys):
    (directory / "odata.connect").write_text("NEWCONECT 5\nPOINTS\n")
    assert "odata.connect:1: NEWCONECT 5: unknown keyword; did you mean NEWCONNECT?" in says(directory, "NATOMS 7\n", capsys)


def test_empty_directory(tmp_path, capsys):
    assert main(["-C", str(tmp_path)]) == 2
    assert "pathdata: no such file" in capsys.readouterr().err
    (tmp_path / "pathdata").write_text("NATOMS 7\n")
    assert main(["-C", str(tmp_path)]) == 2
    assert "ERROR - no landscape.db and no min.data file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["pathdata"]


@pytest.mark.parametrize("damage", ["truncated", "longer", "missing"])
def test_damaged_points(directory, capsys, damage):
    assert run(directory) == 0
    (directory / "landscape.db").unlink()
    points = directory / "points.min"
    data = points.read_bytes()
    if damage == "missing":
        points.unlink()
        (directory / "points.ts").write_bytes(data)
    else:
        points.write_bytes(data[:-8] if damage == "truncated" else data + data[:168])
    capsys.readouterr()
    assert "points.min" in says(directory, "NATOMS 7\nETOL 1D-6\n", capsys)
    assert not (directory / "landscape.db").exists()


def test_points_of_another_database(directory, capsys):
    """Energies that are those of the potential but inertia columns that are not those of the points."""
    assert run(directory) == 0
    (directory / "landscape.db").unlink()
    lines = (directory / "min.data").read_text().splitlines()
    head, inertia = lines[0][:56], lines[1][56:]
    (directory / "min.data").write_text(f"{head}{inertia}\n{lines[1]}\n")
    capsys.readouterr()
    assert "min.data:1: inertia differs by" in says(directory, "NATOMS 7\nITOL 1D-3\n", capsys)
    (directory / "pathdata").write_text("NATOMS 7\nITOL 1D3\n")
    assert run(directory) == 0


def test_check_writes_nothing(directory, capsys):
    (directory / "landscape.db").unlink()
    assert main(["-C", str(directory), "--check"]) == 0
    assert "no problems found" in capsys.readouterr().out
    assert sorted(path.name for path in directory.iterdir()) == ["odata.connect", "pathdata"]


def test_nopoints_database_is_analysed(tmp_path, capsys):
    (tmp_path / "min.data").write_text("-1.0 10.0 1 1.0 1.0 1.0\n-2.0 11.0 2 1.0 1.0 1.0\n-1.5 10.5 1 1.0 1.0 1.0\n")
    (tmp_path / "ts.data").write_text("0.5 9.0 1 1 2 1.0 1.0 1.0\n0.25 9.0 1 3 2 1.0 1.0 1.0\n")
    (tmp_path / "min.A").write_text("1\n1\n")
    (tmp_path / "min.B").write_text("1\n3\n")
    (tmp_path / "pathdata").write_text("NATOMS 1 ! dummy\nNOPOINTS\nDIRECTION AB\nTEMPERATURE 0.5\nCYCLES 0\n")
    assert run(tmp_path) == 0
    text = capsys.readouterr().out
    assert "setup> parameters read for          3 min" in text
    assert "highest transition state on the lowest route from B to A         0.5000000000, barrier       2.0000000000" in text
    # ln Z = -E/kT - L/2 - ln h
    weights = [math.exp(2.0 - 5.0), math.exp(4.0 - 5.5) / 2, math.exp(3.0 - 5.25)]
    assert f"occupation of minimum 2 at kT = 0.5   {weights[1] / sum(weights):16.8f}" in text
    (tmp_path / "pathdata").write_text("NATOMS 1\nNOPOINTS\nDIRECTION BA\n")
    assert run(tmp_path) == 0
    assert "route from A to B         0.5000000000, barrier       1.5000000000" in capsys.readouterr().out


def test_every_classic_keyword_is_known():
    """Those of published inputs; a supported one has an effect that another test shows, the others say why not."""
    for keyword in TABLE:
        assert keyword.meaning.endswith(".")
        if not keyword.supported:
            assert keyword.reason
    for name in ("SYSTEM", "EXEC", "CPUS", "ETOL", "TSTHRESH", "READMIN", "PBS", "NGT", "AMBER12", "REGROUPFREE"):
        assert TABLE.find(name) is not None


def test_keywords_without_effect_say_so():
    for name in ("RANROT", "SLEEPTIME", "PERMDIST"):
        meaning = TABLE.find(name).meaning
        assert "no effect" in meaning or "changes nothing" in meaning


def test_nothing_below_stop_is_read(directory):
    (directory / "pathdata").write_text("NATOMS 7\nPERMDIST 0.01D0\nRANROT 5\nSLEEPTIME 1.0\nSTOP\nNATOMS seven\n")
    assert read_setup(directory).n_variables == 21


def test_tables_go_together():
    assert load_table(*pathdata_tables()).find("MLPVB3") is not None


def test_settings_of_the_searches_come_from_odata_connect(directory):
    (directory / "odata.connect").write_text("NEWCONNECT 7 2 10.0 20.0 20 0.5 0.01\nPOINTS\n")
    setup = read_setup(directory)
    assert setup.optim.cycles == 7
    assert setup.potential.n_variables == 21
    (directory / "odata.connect").write_text("PARAMS 2.0\nPOINTS\n")
    assert type(read_setup(directory).potential).__name__ == "LennardJonesAxilrodTeller"
