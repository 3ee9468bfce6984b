"""Every directory of inputs/ runs: gmin in all of them, the other programs where they are quick, with fewer steps."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from common.database import Database

ROOT = Path(__file__).resolve().parents[2]
INPUTS = ROOT / "inputs"


@dataclass(frozen=True)
class Case:
    """How a directory is run here.

    Attributes
    ----------
    steps : int
        Of gmin.
    survey : int
        Searches of pathsample; 0 leaves SURVEY out.
    lowest : float or None
        Energy of the lowest minimum, where even the short run finds it.
    at_least : int
        Minima.
    edit : dict
        Replacements in files, by name, as pairs (pattern, text).
    needs : tuple of str
        Packages.
    pathsample : bool
    finds : float or None
        Energy of the global minimum, where the complete run ends with it.
    tempering : bool
        Monte Carlo, which writes no database but a heat capacity.
    gmin : bool
        Whether it begins with gmin.
    """

    steps: int
    survey: int = 0
    lowest: float | None = None
    at_least: int = 1
    edit: dict = field(default_factory=dict)
    needs: tuple = ()
    pathsample: bool = True
    finds: float | None = None
    tempering: bool = False
    gmin: bool = True


#: Fewer items where the size of the data is what takes time.
FEWER = {"network.yaml": (r"items: (\d)00+", r"items: \g<1>0")}
SMALLER = ("copper 7", "copper 4")
CASES = {
    "ase": Case(3, survey=1, needs=("ase",), edit={"data": SMALLER, "odata.connect": SMALLER}),
    "checkerboard": Case(5, at_least=2, edit=FEWER),
    "digits": Case(3, survey=1, at_least=2, edit=FEWER, needs=("sklearn",)),
    "iris": Case(20, survey=3, at_least=5, needs=("sklearn",)),
    "lj102": Case(8, pathsample=False, finds=-569.363652),
    "lj103": Case(8, pathsample=False, finds=-575.766131),
    "lj104": Case(8, pathsample=False, finds=-582.086642),
    "lj13": Case(80, lowest=-44.326801, pathsample=False),
    "lj31": Case(0, edit={"data": (r"2D[56]", "2D3")}, pathsample=False, tempering=True),
    "lj38": Case(60, at_least=5, pathsample=False),
    "lj55": Case(15, pathsample=False, finds=-279.24847),
    "lj75": Case(10, pathsample=False, finds=-397.492331),
    "lj98": Case(8, pathsample=False, finds=-543.665361),
    "lj8": Case(40, survey=2, lowest=-19.8214891922),
    "ljat3": Case(20, survey=2, at_least=3),
    "pspin": Case(30, survey=2, at_least=2),
    "regression": Case(60, survey=3, lowest=0.0384629767, at_least=5),
    "spirals": Case(5, at_least=2, edit=FEWER),
    "teacher_student": Case(5, at_least=2, edit=FEWER),
    "user_function": Case(40, survey=8, lowest=-14.1442615869, at_least=4),
    "xor": Case(30, survey=4, lowest=0.0725130849, at_least=2),
    "xor_survey": Case(0, survey=4, gmin=False),
}


def test_every_directory_is_run():
    # the tables of papers have a test of their own, test_papers.py
    assert sorted(path.name for path in INPUTS.iterdir() if path.is_dir()) == sorted([*CASES, "papers"])


@pytest.mark.parametrize("name", CASES)
def test_directory_says_what_it_is(name):
    assert (INPUTS / name / ("data" if CASES[name].gmin else "pathdata")).read_text().startswith("! ")


def shortened(directory, case):
    """Fewer steps and searches in the copy."""
    if case.gmin:
        path = directory / "data"
        path.write_text(re.sub(r"(?m)^STEPS\s+\d+.*$", f"STEPS {case.steps}", path.read_text()))
    path = directory / "pathdata"
    if path.exists():
        text = re.sub(r"(?m)^SURVEY.*$", f"SURVEY {case.survey}" if case.survey else "", path.read_text())
        path.write_text(re.sub(r"(?m)^CPUS.*$", "CPUS 2", text))
    for file, (pattern, text) in case.edit.items():
        path = directory / file
        path.write_text(re.sub(pattern, text, path.read_text()))


def prepare(name, tmp_path):
    """A copy of a directory, its data made."""
    case = CASES[name]
    for package in case.needs:
        pytest.importorskip(package)
    directory = tmp_path / name
    shutil.copytree(INPUTS / name, directory)
    if name == "ljat3":
        for output, seed in (("MLPdata", 6), ("MLPdata.test", 2)):
            options = ["--side", "3.4641016", "--items", "1000", "--seed", str(seed), "--output", str(directory / output)]
            subprocess.run([sys.executable, "-m", "potentials.datasets", "ljat3", *options], cwd=ROOT, check=True)
    return directory


@pytest.mark.parametrize("name", CASES)
def test_directory_runs(name, tmp_path, command):
    case = CASES[name]
    directory = prepare(name, tmp_path)
    shortened(directory, case)
    # the start is in the directory or random; nothing else is missing
    if case.gmin:
        command("gmin", directory=directory)
        if case.tempering:
            assert (directory / "heat_capacity").exists()
            return
        with Database(directory / "landscape.db", read_only=True) as database:
            energies = database.energies()
        assert len(energies) >= case.at_least
        if case.lowest is not None:
            assert energies.min() == pytest.approx(case.lowest, abs=1e-6)
    has_pathdata = (directory / "pathdata").exists()
    assert has_pathdata == case.pathsample
    if not has_pathdata:
        return
    command("pathsample", directory=directory)
    with Database(directory / "landscape.db", read_only=True) as database:
        assert database.check() == []
        if "AUC" in (directory / "pathdata").read_text():
            assert ((database.property("auc_train") >= 0) & (database.property("auc_train") <= 1)).all()
        connected = database.n_transition_states > 0
    if connected and (directory / "dinfo").exists():
        command("disconnect", directory=directory)
        assert any(directory.glob("tree.*"))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(CASES) - {"lj31", "lj38", "ljat3"}))
def test_directory_runs_as_it_is(name, tmp_path, command):
    directory = prepare(name, tmp_path)
    if CASES[name].gmin:
        command("gmin", directory=directory)
    if CASES[name].finds is not None:
        with Database(directory / "landscape.db", read_only=True) as database:
            assert database.energies().min() == pytest.approx(CASES[name].finds, abs=1e-5)
    if CASES[name].pathsample:
        command("pathsample", directory=directory)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "quenches", "evaluations"),
    [("plain", 2300, 300_000), ("symmetrise", 600, 50_000), ("symmetrisecsm", 30, 3_400)],
)
def test_first_encounters_of_lj38(variant, quenches, evaluations, tmp_path, command):
    """The mean over 100 starts, of a known sequence of random numbers, stays what it is said to be."""
    (tmp_path / "data").write_text((INPUTS / "lj38" / f"data.mfet_{variant}").read_text())
    command("gmin", directory=tmp_path)
    text = (tmp_path / "output").read_text()
    means = re.search(r"mu/sig of t, Q, V  are +\S+ +\S+ +(\S+) +\S+ +(\S+)", text)
    assert "100 of 100 starts hit" in text
    assert float(means[1]) <= quenches
    assert float(means[2]) <= evaluations


@pytest.mark.slow
def test_heat_capacity_of_lj31(tmp_path, command):
    directory = prepare("lj31", tmp_path)
    command("gmin", directory=directory)
    found = re.findall(r"maximum of C_V at T= *(\S+): *(\S+)", (directory / "output").read_text())
    (solid, low), (melting, high) = ((float(t), float(c)) for t, c in found)
    # the change between the two solid forms, and melting
    assert solid == pytest.approx(0.029, abs=0.004)
    assert melting == pytest.approx(0.32, abs=0.01)
    assert low == pytest.approx(117, abs=12)
    assert high == pytest.approx(166, abs=5)
