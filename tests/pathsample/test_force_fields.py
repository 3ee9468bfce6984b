"""Systems that only another OPTIM can evaluate: grown through the classic files, analysed without any potential."""

import sys

import numpy as np
import pytest

from common.database import Database
from common.formats import path_info
from common.stationary_points import Minimum, TransitionState, Triple
from pathsample.cli import main
from pathsample.external_system import FORCE_FIELDS, FixedFrame, card_text
from pathsample.run import run

N_ATOMS = 6
ENERGIES = (-12.5, -11.25, -10.75, -9.5)
TOPS = (-8.0, -7.5, -7.25)
#: Atoms 4 to 6 are alike.
PERM_ALLOW = "1\n3 0\n4 5 6\n"
#: A stand-in for the Fortran OPTIM: it knows a chain of four minima and returns the part of it between two of them, each point
#: turned, moved, and with its three like atoms exchanged.
OPTIM = """#!{python}
import sys
import numpy as np
number = sys.argv[1]
known = np.load({library!r})
rng = np.random.default_rng(int(number))

def shape(x):
    return np.sort(np.linalg.norm(x[:, None] - x[None], axis=2).ravel())

def which(name, columns):
    rows = [line.split()[-3:] for line in open(name)][columns:]
    x = np.array(rows, dtype=float)
    return int(np.argmin([np.abs(shape(x) - shape(y)).max() for y in known["minima"]]))

def block(energy, x, eigenvalues):
    q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    q *= np.sign(np.linalg.det(q))
    order = np.r_[0:3, 3 + rng.permutation(3)]
    x = x[order] @ q.T + rng.normal(size=3)
    lines = ["%25.15f" % energy, "     1 C1  "]
    lines += ["".join("%20.10E" % v for v in row) for row in eigenvalues.reshape(-1, 3)]
    lines += ["".join("%25.15f" % v for v in row) for row in x]
    return "\\n".join(lines) + "\\n"

a, b = which({first!r} + number, {skip}), which("finish." + number, 0)
low, high = min(a, b), max(a, b)
with open("path.info." + number, "w") as out:
    for k in range(low, high):
        for kind, at in (("minima", k), ("ts", k), ("minima", k + 1)):
            out.write(block(known[kind + "_e"][at], known[kind][at], known[kind + "_v"][at]))
print(" Connected path found")
"""


def chain(scale=1e26):
    """Four minima and the three transition states between them, with Hessian eigenvalues in (rad/s)^2."""
    rng = np.random.default_rng(0)
    minima = 1.5 * rng.normal(size=(4, N_ATOMS, 3))
    states = 1.5 * rng.normal(size=(3, N_ATOMS, 3))
    values = scale * np.sort(rng.uniform(1, 9, size=(4, 3 * N_ATOMS)))[:, ::-1]
    values[:, -6:] = 1e-9 * scale
    ts_values = scale * np.sort(rng.uniform(1, 9, size=(3, 3 * N_ATOMS)))[:, ::-1]
    ts_values[:, -7:-1], ts_values[:, -1] = 1e-9 * scale, -scale
    return minima, states, values, ts_values


def system(directory, pathdata, keyword="AMBER12", template="NEWCONNECT\nAMBER12 start\n", first="start.", skip=0):
    """A directory with a database of the two ends of the chain to begin with, and the stand-in as EXEC."""
    minima, states, values, ts_values = chain()
    np.savez(
        directory / "library.npz",
        minima=minima, minima_e=ENERGIES, minima_v=values, ts=states, ts_e=TOPS, ts_v=ts_values,
    )  # fmt: skip
    script = directory / "OPTIM"
    arguments = {"python": sys.executable, "library": str(directory / "library.npz"), "first": first, "skip": skip}
    script.write_text(OPTIM.format(**arguments))
    script.chmod(0o755)
    points = [Minimum(e, x.ravel(), eigenvalues=v) for e, x, v in zip(ENERGIES, minima, values)]
    top = TransitionState(-5.0, np.arange(18.0), eigenvalues=ts_values[0])
    # the ends of the chain over a transition state of their own
    path_info.write(directory / "path.info.initial", [Triple(points[0], top, points[3])])
    (directory / "odata.connect").write_text(template)
    (directory / "perm.allow").write_text(PERM_ALLOW)
    (directory / "pathdata").write_text(
        f"{keyword}\nNATOMS {N_ATOMS}\nETOL 1D-6\nGEOMDIFFTOL 0.1\nPERMDIST\nEXEC ./OPTIM\nTEMPERATURE 1.0\n{pathdata}"
    )
    return points


def grow(directory, lines="CYCLES 1\nJOBSPERCYCLE 3\nCONNECTPAIRS pairs\n"):
    text = (directory / "pathdata").read_text()
    (directory / "pairs").write_text("1 2\n")
    assert run(directory) == 0
    (directory / "pathdata").write_text(text.replace("STARTFROMPATH path.info.initial 1 2\n", lines))
    return run(directory)


@pytest.mark.parametrize(
    ("keyword", "template", "first", "skip"),
    [
        ("AMBER12", "NEWCONNECT\nAMBER12 start\n", "start.", 0),
        ("OPEP", "NEWCONNECT\nOPEP start\n", "start.", 0),
        ("SYSTEM AU", "NEWCONNECT\nPOINTS\n", "odata.", 2),
    ],
)
def test_growth(tmp_path, capsys, keyword, template, first, skip):
    points = system(tmp_path, "STARTFROMPATH path.info.initial 1 2\n", keyword, template, first, skip)
    assert grow(tmp_path) == 0
    assert "Connected path found" not in capsys.readouterr().err
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        assert database.check() == []
        # the four minima, each found in several orientations with other labels
        assert sorted(database.energies()) == sorted(ENERGIES)
        assert sorted(database.ts_arrays()["energy"]) == sorted((*TOPS, -5.0))
        minima = database.minima()
        assert database.attempts()[0][:2] == (1, 2)
        fingerprint = database.fingerprint
    assert fingerprint["system"] == keyword.split()[-1]
    for minimum in minima:
        values = points[ENERGIES.index(minimum.energy)].eigenvalues[:12]
        assert minimum.log_product == pytest.approx(np.log(values).sum(), rel=1e-9)
        x = minimum.coordinates.reshape(-1, 3)
        x = x - x.mean(axis=0)
        assert minimum.inertia == pytest.approx(np.linalg.eigvalsh(np.eye(3) * (x * x).sum() - x.T @ x))


def test_coordinates_of_charmm_go_into_cards(tmp_path):
    card = "* title\n*\n    2\n" + "".join(
        f"{k:5d}{1:5d} ALA  {name:4s}{0.0:10.5f}{0.0:10.5f}{0.0:10.5f} A    1     0.00000\n"
        for k, name in ((1, "N"), (2, "CA"))
    )
    lines = card_text(card, np.arange(6.0)).splitlines()
    assert lines[3] == "    1    1 ALA  N      0.00000   1.00000   2.00000 A    1     0.00000"
    assert lines[4].split()[4:7] == ["3.00000", "4.00000", "5.00000"]


def test_analysis_needs_neither_potential_nor_executable(tmp_path, capsys):
    system(tmp_path, "STARTFROMPATH path.info.initial 1 2\n")
    assert run(tmp_path) == 0
    for name in ("landscape.db", "odata.connect", "OPTIM", "path.info.initial"):
        (tmp_path / name).unlink()
    (tmp_path / "pathdata").write_text(f"AMBER12\nNATOMS {N_ATOMS}\nCYCLES 0\nTEMPERATURE 1.0\nDIJKSTRA 0\nEXTRACTMIN 1\n")
    capsys.readouterr()
    assert run(tmp_path) == 0
    assert "Dijkstra> Best path" in capsys.readouterr().out
    assert (tmp_path / "extractedmin").exists()
    (tmp_path / "landscape.db").unlink()
    (tmp_path / "pathdata").write_text("CHARMM 10\nNATOMS 6\nNOPOINTS\nCYCLES 0\nTEMPERATURE 1.0\nNGT 0 T\n")
    assert run(tmp_path) == 0
    assert "NGT> kSS" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("SURVEY 10\n", "SURVEY 10: needs energies of AMBER12, which this suite does not have"),
        ("CHECKTS\n", "CHECKTS: needs energies of AMBER12"),
        ("CONNECTIONS 3\n", "single-ended searches need energies of AMBER12"),
        ("FREEZE 7\n", "the atoms are 1 to 6"),
    ],
)
def test_what_needs_energies_is_refused(tmp_path, capsys, lines, problem):
    system(tmp_path, lines)
    assert main(["-C", str(tmp_path)]) == 2
    assert problem in capsys.readouterr().err
    assert not (tmp_path / "landscape.db").exists()


def test_growth_without_executable_is_refused(tmp_path, capsys):
    system(tmp_path, "CYCLES 1\nCONNECTUNC LOWEST\n")
    text = (tmp_path / "pathdata").read_text()
    (tmp_path / "pathdata").write_text(text.replace("EXEC ./OPTIM\n", ""))
    assert main(["-C", str(tmp_path)]) == 2
    assert "the searches need an OPTIM with AMBER12; add EXEC path" in capsys.readouterr().err


def test_verify_is_refused(tmp_path, capsys):
    system(tmp_path, "STARTFROMPATH path.info.initial 1 2\n")
    assert main(["-C", str(tmp_path), "--verify"]) == 2
    assert "--verify: needs energies" in capsys.readouterr().err


@pytest.mark.parametrize("keyword", ["FREEZE 1", "FREEZERANGE 1 2", "NOINVERSION", "PERMISOMER", "ZEROS 6"])
def test_symmetry_keywords_are_for_external_systems(tmp_path, capsys, keyword):
    (tmp_path / "pathdata").write_text(f"SYSTEM LJ\nNATOMS 6\n{keyword}\n")
    assert main(["-C", str(tmp_path)]) == 2
    assert "goes with a system that EXEC evaluates" in capsys.readouterr().err


def read_symmetry(directory, lines, keyword="AMBER12"):
    from pathsample.setup import read_setup

    (directory / "perm.allow").write_text(PERM_ALLOW)
    (directory / "pathdata").write_text(f"{keyword}\nNATOMS {N_ATOMS}\n{lines}")
    return read_setup(directory).symmetry


def test_identity(tmp_path):
    """Which copies are one point: turned ones always, with exchanged atoms or mirrored as the keywords say."""
    x = chain()[0][0]
    turned = (x @ np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]).T + 3.0).ravel()
    exchanged = x[[0, 1, 2, 5, 3, 4]].ravel()
    mirrored = (x * [1, 1, -1]).ravel()
    cases = [
        ("PERMDIST\n", "AMBER12", (True, True, False)),
        ("", "AMBER12", (True, False, False)),
        ("PERMDIST\nPERMISOMER\n", "CHARMM", (True, False, False)),
        ("PERMDIST\nEXEC OPTIM\n", "SYSTEM AU", (True, True, True)),
        ("PERMDIST\nEXEC OPTIM\nNOINVERSION\n", "SYSTEM AU", (True, True, False)),
        ("FREEZE 1 2\nFREEZERANGE 2 4\n", "AMBER12", (False, False, False)),
    ]
    for lines, keyword, expected in cases:
        symmetry = read_symmetry(tmp_path, lines, keyword)
        assert tuple(symmetry.same(y, x.ravel(), 0.1) for y in (turned, exchanged, mirrored)) == expected, lines
        assert symmetry.same(x.ravel() + 0.01, x.ravel(), 0.1)
    assert isinstance(symmetry, FixedFrame)
    assert symmetry.n_zero == 12
    assert read_symmetry(tmp_path, "ZEROS 5\n").n_zero == 5
    np.testing.assert_allclose(symmetry.lower_bounds(np.stack([turned]), x.ravel()), symmetry.distances(turned, x.ravel()))


@pytest.mark.parametrize("keyword", FORCE_FIELDS)
def test_every_force_field_is_accepted(tmp_path, keyword):
    """AMBER9 AMBER12 NAB CHARMM OPEP UNRES AMH USERPOT."""
    (tmp_path / "pathdata").write_text(f"{keyword}\nNATOMS 6\nCYCLES 0\n")
    assert main(["-C", str(tmp_path), "--check"]) == 0


def test_job_that_kills_its_worker_is_set_aside_and_reported(tmp_path, capsys):
    system(tmp_path, "CPUS 2\nSTARTFROMPATH path.info.initial 1 2\n")
    script = tmp_path / "OPTIM"
    text = script.read_text()
    script.write_text(text.replace("number = sys.argv[1]\n", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n"))
    assert grow(tmp_path, "CYCLES 1\nJOBSPERCYCLE 1\nCONNECTPAIRS pairs\n") == 0
    assert "1 searches: ended its worker process 3 times (SIGKILL" in capsys.readouterr().out
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        assert database.check() == []
        assert database.n_minima == 2
        assert [job.state for job in database.jobs()] == ["failed"]
