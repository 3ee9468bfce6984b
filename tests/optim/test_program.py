"""The program as a user runs it: files in a directory, result lines, exit status, errors in the input."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from common.formats import coordinates, energy_profile, min_data_info, path_info, xyz
from optim.cli import main
from optim.connect import as_minimum
from optim.settings import OptimSettings
from potentials.lj import LennardJones

REFERENCE = Path(__file__).resolve().parents[2] / "../shared/wales/examples"

CONNECT = """NEWCONNECT 50 2 10.0 20.0 20 0.5 0.025
NEBK 10.0
DIJKSTRA 1
PERMDIST
EDIFFTOL 1.0D-6
GEOMDIFFTOL 0.1
BFGSMIN 1.0D-6
UPDATES 10 10
PUSHOFF 0.02
REOPTIMISEENDPOINTS
BFGSSTEPS 5000
MAXBFGS 0.2 0.2
STEPS 200
BFGSTS 50 3 25 0.0001
MAXSTEP 0.1
MAXMAX 0.2
TRAD 0.2
NOHESS
DUMPALLPATHS
PATH 10 0.0
RADIUS 6.0
POINTS
"""


def points(x, symbol="LJ"):
    return "".join(f"{symbol} {a:.10f} {b:.10f} {c:.10f}\n" for a, b, c in np.reshape(x, (-1, 3)))


def minima(n_atoms=7, count=2):
    """Different minima of a small cluster."""
    potential = LennardJones(n_atoms)
    rng = np.random.default_rng(3)
    found = []
    while len(found) < count:
        minimum = as_minimum(potential, potential.random_coordinates(rng), OptimSettings())
        if all(abs(minimum.energy - m.energy) > 1e-4 for m in found):
            found.append(minimum)
    return found


def run(directory, *arguments):
    """(exit status, standard output, standard error) of the program."""
    outcome = subprocess.run(
        [sys.executable, "-m", "optim.cli", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return outcome.returncode, outcome.stdout, outcome.stderr


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    """A connection run of LJ7 with the job number 12."""
    directory = tmp_path_factory.mktemp("connect")
    first, second = minima()
    (directory / "odata.12").write_text(CONNECT + points(first.coordinates + 0.001))
    coordinates.write(directory / "finish.12", second.coordinates)
    status, out, err = run(directory, "12")
    return directory, first, second, status, out, err


def test_a_connection_prints_the_classic_lines(connected):
    _directory, first, second, status, out, err = connected
    assert status == 0, err
    for line in (
        " getparams> Number of atoms (or variables)  determined as      7",
        " OPTIM> Initial energy=",
        " CONNECT CYCLE 1 ",
        " decide> Shortest path in Dijkstra has ",
        " tryconnect> ",
        " Double-ended search iterations=",
        " images are candidates for TS:",
        " Converged to TS (number of iterations):",
        " >>>>>  Path run for ts 1 ...",
        " Plus  side of path:",
        " Connected path found",
        "  ts        E+         Ets - E+          Ets       Ets - E-          E-          S       D      gamma   ~N",
        " Number of TS in the path       =",
        " Number of cycles               =",
        " Elapsed time=",
        " OPTIM> # of energy+gradient calls=",
    ):
        assert line in out
    table = out.split(" Connected path found\n")[1].splitlines()[1:]
    rows = [line.split() for line in table[: table.index("")]]
    assert float(rows[0][1]) == pytest.approx(first.energy, abs=1e-6)
    assert float(rows[-1][5]) == pytest.approx(second.energy, abs=1e-6)
    for before, after in itertools.pairwise(rows):
        assert before[5] == after[1]
    for row in rows:
        e_plus, up, e_ts, down, e_minus = map(float, row[1:6])
        assert e_ts - e_plus == pytest.approx(up, rel=1e-3, abs=1e-6)
        assert e_ts - e_minus == pytest.approx(down, rel=1e-3, abs=1e-6)


def test_all_files_carry_the_suffix_and_parse(connected):
    directory, first, second, *_ = connected
    names = {path.name for path in directory.iterdir()}
    assert all(name.endswith(".12") for name in names)
    triples = path_info.read(directory / "path.info.12", 21)
    potential = LennardJones(7)
    for triple in triples:
        ts = triple.transition_state
        assert potential.energy(ts.coordinates) == pytest.approx(ts.energy, abs=1e-9)
        values = np.sort(np.linalg.eigvalsh(potential.hessian(ts.coordinates)))[::-1]
        assert ts.eigenvalues[:14] == pytest.approx(values[:14], rel=1e-8)
        assert ts.eigenvalues[-1] == pytest.approx(values[-1], rel=1e-8)
        for end in (triple.plus, triple.minus):
            assert potential.energy(end.coordinates) == pytest.approx(end.energy, abs=1e-9)
            assert end.eigenvalues[14] > 1e-3
    for k in range(1, len(triples) + 1):
        s, e = energy_profile.read(directory / f"EofS.{k}.12")
        assert s[0] < 0.0 < s[-1]
        assert (np.diff(s) >= 0.0).all()
        assert e[s == 0.0] == pytest.approx([triples[k - 1].transition_state.energy])
        assert e[0] == pytest.approx(triples[k - 1].plus.energy, abs=1e-8)
        assert e[-1] == pytest.approx(triples[k - 1].minus.energy, abs=1e-8)
        frames = xyz.read(directory / f"path.{k}.xyz.12")
        assert len(frames) == len(s) <= 2 * (10 + 2) + 1
    s, e = energy_profile.read(directory / "EofS.12")
    assert s[0] == 0.0
    assert (np.diff(s) >= 0.0).all()
    assert e[0] == pytest.approx(first.energy, abs=1e-6)
    assert e[-1] == pytest.approx(second.energy, abs=1e-6)
    frames = xyz.read(directory / "path.xyz.12")
    joined = np.array([frame.coordinates for frame in frames])
    # no jumps: every piece is turned onto the one before
    assert np.abs(np.linalg.norm(np.diff(joined, axis=0), axis=1)).max() <= np.diff(s).max() + 1e-3
    assert potential.energy_gradient_batch(joined)[0] == pytest.approx(e, abs=1e-5)


def test_odata_new_can_be_run(connected, tmp_path):
    directory, _, second, *_ = connected
    text = (directory / "odata.new.12").read_text()
    assert text.startswith("COMMENT   mylbfgs> Energy for last cycle=")
    start = text.index("\nPOINTS\n") + 1
    keep = [line for line in text[:start].splitlines() if not line.startswith(("NEW", "DUMP", "PATH", "DIJ", "REO", "BFGSTS"))]
    (tmp_path / "odata").write_text("\n".join(keep) + "\n" + text[start:])
    status, out, err = run(tmp_path)
    assert status == 0, err
    assert f"{second.energy:.7f}"[:-1] in out


def test_minimisation_appends_to_min_data_info(tmp_path):
    potential = LennardJones(7)
    x = potential.random_coordinates(np.random.default_rng(1))
    (tmp_path / "odata").write_text("BFGSMIN 1.0D-8\nBFGSSTEPS 5000\nDUMPDATA\nENDHESS 9\nPOINTS\n" + points(x, "AX"))
    for _ in range(2):
        status, out, err = run(tmp_path)
        assert status == 0, err
    assert " mylbfgs> Energy and RMS force=" in out
    assert "**** CONVERGED ****" in out
    records = min_data_info.read(tmp_path / "min.data.info", 21)
    assert len(records) == 2
    assert potential.energy(records[0].coordinates) == pytest.approx(records[0].energy, abs=1e-9)
    values = np.linalg.eigvalsh(potential.hessian(records[0].coordinates))
    assert records[0].log_product == pytest.approx(np.log(values[6:]).sum(), abs=1e-8)
    printed = out.split("Hessian eigenvalues:\n")[1].split()[:9]
    assert float(printed[6]) == pytest.approx(values[6], rel=1e-8)
    energies = [float(line) for line in (tmp_path / "energies").read_text().split()]
    assert (np.diff(energies) <= 1e-9).all()
    assert energies[-1] == pytest.approx(records[0].energy, abs=1e-9)
    assert coordinates.read(tmp_path / "points.final", 21).coordinates == pytest.approx(records[0].coordinates, abs=1e-9)


@pytest.mark.parametrize("how", ["NOHESS", "NOIT", "SEARCH 2"])
def test_transition_state_with_its_path(tmp_path, how):
    first, _ = minima()
    x = first.coordinates + np.random.default_rng(9).normal(scale=0.15, size=21)
    text = f"{how}\nBFGSMIN 1.0D-6\nPATH 5\nDUMPVECTOR\nSTEPS 500\nMAXSTEP 0.1\nMAXMAX 0.2\nPOINTS\n"
    text = text if how == "SEARCH 2" else "BFGSTS 50 3 25 0.0001\n" + text
    (tmp_path / "odata").write_text(text + points(x))
    status, out, err = run(tmp_path)
    assert status == 0, err + out
    triple = path_info.read(tmp_path / "path.info", 21)[0]
    potential = LennardJones(7)
    values = np.linalg.eigvalsh(potential.hessian(triple.transition_state.coordinates))
    assert (values < -1e-3).sum() == 1
    assert (tmp_path / "EofS.1").is_file()
    assert (tmp_path / "EofS").is_file()
    # going on from the saddle with the eigenvector that was written finds it again at once
    (tmp_path / "odata").write_text(text.replace("PATH 5\n", "READVEC\n") + points(triple.transition_state.coordinates))
    status, out, err = run(tmp_path)
    assert status == 0, err
    energy = float(out.split(" OPTIM> Final energy  =")[1].split()[0])
    assert energy == pytest.approx(triple.transition_state.energy, abs=1e-9)
    assert int(out.split("Converged to TS (number of iterations):")[1].split()[0]) <= 1


def test_saddle_of_higher_index(tmp_path):
    potential = LennardJones(7)
    x = potential.random_coordinates(np.random.default_rng(2))
    (tmp_path / "odata").write_text("HINDEX 2\nSTEPS 500\nENDHESS\nPOINTS\n" + points(x))
    status, out, _ = run(tmp_path)
    assert status in (0, 1)
    if status == 0:
        assert "negative eigenvalues=     2" in out
        x = coordinates.read(tmp_path / "points.final", 21).coordinates
        assert (np.linalg.eigvalsh(potential.hessian(x)) < -1e-3).sum() == 2


def test_one_band_only(tmp_path):
    first, second = minima()
    text = CONNECT.replace("NEWCONNECT 50 2 10.0 20.0 20 0.5 0.025", "NEWNEB 15 300 0.02")
    (tmp_path / "odata").write_text(text + points(first.coordinates))
    coordinates.write(tmp_path / "finish", second.coordinates)
    status, out, err = run(tmp_path)
    assert status == 0, err
    assert "300-iteration DNEB run" in out
    assert "using 15 images" in out
    assert len(path_info.read(tmp_path / "path.info", 21)) >= 1


def test_dumppath_writes_the_connected_path(tmp_path):
    first, second = minima()
    (tmp_path / "odata").write_text(CONNECT.replace("DUMPALLPATHS", "DUMPPATH\nNOFRQS") + points(first.coordinates))
    coordinates.write(tmp_path / "finish", second.coordinates)
    status, _, err = run(tmp_path)
    assert status == 0, err
    triples = path_info.read(tmp_path / "path.info", 21, frequencies=False, layout="path")
    assert triples[0].plus.energy == pytest.approx(first.energy, abs=1e-6)
    assert triples[-1].minus.energy == pytest.approx(second.energy, abs=1e-6)


def test_multijob(tmp_path):
    potential = LennardJones(7)
    rng = np.random.default_rng(5)
    starts = [potential.random_coordinates(rng) for _ in range(3)]
    (tmp_path / "starts").write_text("".join(coordinates.text(x, 15) for x in starts))
    (tmp_path / "odata").write_text("BFGSMIN 1.0D-6\nDUMPDATA\nMULTIJOB starts\nPOINTS\n" + points(starts[0]))
    status, out, err = run(tmp_path)
    assert status == 0, err
    assert "job 3 of 3" in out
    assert len(min_data_info.read(tmp_path / "min.data.info", 21)) == 3


def test_network(tmp_path):
    data = "0 0.0 0.0\n1 0.0 1.0\n1 1.0 0.0\n0 1.0 1.0\n"
    (tmp_path / "MLPdata").write_text(data)
    variables = "".join(f"{v:.6f}\n" for v in np.random.default_rng(4).normal(size=17))
    text = "SEARCH 0\nBFGSMIN 1D-10\nDUMPDATA\nENDHESS\nMLPVB3 2 1 3 2 4 1.0D-3\nVARIABLES\n"
    (tmp_path / "odata").write_text(text + variables)
    status, _out, err = run(tmp_path)
    assert status == 0, err
    assert len(min_data_info.read(tmp_path / "min.data.info", 17)) == 1


def test_no_connection_ends_with_status_one(tmp_path):
    first, second = minima()
    text = CONNECT.replace("DUMPALLPATHS", "DUMPALLPATHS\nMAXTSENERGY -100.0")
    (tmp_path / "odata").write_text(text + points(first.coordinates))
    coordinates.write(tmp_path / "finish", second.coordinates)
    status, out, _ = run(tmp_path)
    assert status == 1
    assert "Connected path found" not in out
    assert " No connected path: " in out


BAD = {
    "misspelt": ("NEWCONECT 10\nBFGSMIN 1D-6\n", "odata:1: NEWCONECT 10: unknown keyword; did you mean NEWCONNECT?"),
    "missing argument": ("BFGSMIN 1D-6\nMAXTSENERGY\n", "odata:2: MAXTSENERGY: missing argument energy"),
    "letter in a number": ("BFGSMIN 1x-6\n", "odata:1: BFGSMIN 1x-6: "),
    "unsupported": ("BFGSMIN 1D-6\nSHIFT 1D6\n", "odata:2: SHIFT 1D6: SHIFT is known but not supported: zero modes"),
    "contradiction": ("BFGSTS\nNOHESS\nNOIT\n", "odata:3: NOIT: contradicts NOHESS"),
    "nothing to do": ("PUSHOFF 0.1\n", "odata: nothing to do"),
    "kind of search": ("SEARCH 9\n", "odata:1: SEARCH 9: the kinds of search are"),
    "index": ("HINDEX 99\n", "odata:1: HINDEX 99: there are 15 eigenvalues beyond the zero modes"),
    "method": ("BFGSMIN\nUSEDIAG 5\n", "odata:2: USEDIAG 5: the method is 2"),
    "no height": ("BFGSMIN\nNEBRESEED 10\n", "odata:2: NEBRESEED 10: needs the energy above which"),
    "no redopoints": ("REDOPATH\n", "redopoints: no such file"),
    "no finish": ("NEWCONNECT\n", "finish: no such file"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(tmp_path, case, capsys):
    text, expected = BAD[case]
    (tmp_path / "odata").write_text(text + "POINTS\n" + points(minima()[0].coordinates))
    before = Path.cwd()
    try:
        assert main(["-C", str(tmp_path)]) == 2
    finally:
        os.chdir(before)
    error = capsys.readouterr().err
    assert expected in error
    assert len(error.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"odata"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "no coordinates below it"),
        ("LJ 0.0 0.0\n", "odata:3"),
        ("LJ 0.0 0.0 0.0\nLJ 0.0 0.0 0.0\n", "odata: the energy at the starting point is not finite"),
        ("LJ 0.0 0.0 x\n", "odata:3"),
        ("KR 0.0 0.0 0.0\nKR 1.0 0.0 0.0\n", "no potential for atoms with the symbol KR"),
    ],
)
def test_bad_coordinates(tmp_path, body, expected, capsys):
    (tmp_path / "odata").write_text("BFGSMIN 1D-6\nPOINTS\n" + body)
    before = Path.cwd()
    try:
        assert main(["-C", str(tmp_path)]) == 2
    finally:
        os.chdir(before)
    assert expected in capsys.readouterr().err


def test_check_and_version(tmp_path):
    (tmp_path / "odata").write_text("BFGSMIN 1D-6\nPOINTS\n" + points(minima()[0].coordinates))
    status, out, _ = run(tmp_path, "--check")
    assert status == 0
    assert "no problems" in out
    assert {path.name for path in tmp_path.iterdir()} == {"odata"}
    status, out, _ = run(tmp_path, "--version")
    assert status == 0
    assert out.startswith("optim ")


@pytest.mark.skipif(not REFERENCE.exists(), reason="the examples are not at hand")
@pytest.mark.parametrize("name", ["LJ38_03_optim/odata", "LJ38_04_pathsample/odata.connect"])
def test_published_inputs_are_read_unchanged(name):
    from common.keywords import load_table, parse_file
    from optim.job import table_paths
    from optim.keyword_settings import settings_from_keywords

    keywords = parse_file(REFERENCE / name, load_table(*table_paths()))
    settings = settings_from_keywords(keywords)
    assert keywords.problems == []
    assert settings.image_density == 20.0
    assert settings.hessian is False
    assert settings.distance_tolerance == 0.2
    assert settings.pushoff == 0.02
