"""gmin without a coords file: every potential has starting points and steps of its own."""

import numpy as np
import pytest

from common.database import Database
from common.formats import coordinates

RUN = "STEPS 8\nTEMPERATURE 1.0\nSLOPPYCONV 1D-4\nTIGHTCONV 1D-8\nMAXIT 2000 2000\nEDIFF 1D-6\nRANSEED 3\n"


@pytest.mark.parametrize(
    "lines",
    [
        "NATOMS 7",
        "NATOMS 3\nLJAT 2.0",
        "NATOMS 6\nCUTOFF 2.5",
        "NATOMS 8\nPERIODIC 5.0",
        "XOR 3 1D-2",
        "REGRESSION 1",
        "PSPIN 12 3 1",
    ],
)
def test_start_is_random_and_repeats(lines, tmp_path, command, write):
    write(data=RUN + lines + "\n")
    command("gmin")
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        energies = database.energies()
    assert len(energies) >= 1
    first = (tmp_path / "lowest").read_text()
    (tmp_path / "landscape.db").unlink()
    command("gmin")
    assert (tmp_path / "lowest").read_text() == first


@pytest.mark.parametrize("lines", ["NATOMS 7", "XOR 3 1D-2", "PSPIN 12 3 1"])
def test_the_quench_of_the_start_alone_is_stored(lines, tmp_path, command, write):
    write(data=RUN.replace("STEPS 8", "STEPS 0") + lines + "\n")
    assert "1 minima added" in (command("gmin") and (tmp_path / "output").read_text())
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        stored = database.energies()
    from common.formats import lowest

    assert stored == pytest.approx([lowest.read(tmp_path / "lowest")[0].energy], abs=1e-8)


def test_spins_stay_on_the_sphere(tmp_path, command, write):
    write(data=RUN.replace("STEPS 8", "STEPS 60") + "PSPIN 12 3 1\nSAVE 3\n")
    command("gmin")
    from common.formats import lowest

    for saved in lowest.read(tmp_path / "lowest"):
        assert np.linalg.norm(saved.coordinates) == pytest.approx(np.sqrt(12), abs=1e-8)


def test_coords_win(tmp_path, command, write):
    write(data=RUN.replace("STEPS 8", "STEPS 0") + "REGRESSION 1\n")
    coordinates.write(tmp_path / "coords", [0.1, 2.13, 0.0, 1.34, 0.0], per_line=1)
    command("gmin")
    from common.formats import lowest

    assert lowest.read(tmp_path / "lowest")[0].energy < 0.1


def test_number_of_atoms_must_agree_with_coords(tmp_path, command, write):
    write(data=RUN + "NATOMS 5\n")
    coordinates.write(tmp_path / "coords", np.arange(12.0))
    assert "NATOMS 5: the starting point or the potential has 4 atoms" in command("gmin", status=2).stderr


def test_step_of_the_potential(command, write, tmp_path):
    write(data=RUN + "XOR 3 1D-2\nFIXBOTH\n")
    command("gmin")
    with_default = (tmp_path / "lowest").read_text()
    (tmp_path / "landscape.db").unlink()
    write(data=RUN + "XOR 3 1D-2\nFIXBOTH\nSTEP 1.0\n")
    command("gmin")
    assert (tmp_path / "lowest").read_text() == with_default


@pytest.mark.parametrize("keyword", ["AMBER12", "AMBER9", "NAB", "CHARMM"])
def test_biomolecules_are_known(keyword, command, write):
    write(data=RUN + f"{keyword} coords.inpcrd inpcrd\n")
    assert "known but not supported" in command("gmin", status=2).stderr


def test_error_in_a_function_of_the_user_ends_the_run_in_one_line(command, write):
    source = "def f():\n    return (lambda x: (x @ x / (x[0] > 0), 2 * x) if x[0] > 0 else 1 / 0), 2\n"
    write(data=RUN + "POTENTIAL python mine:f\n", mine__py=source)
    error = command("gmin", status=2).stderr
    assert error.startswith("data:8: POTENTIAL python mine:f: mine.py:2: in <lambda>: ZeroDivisionError: division by zero")
    assert len(error.splitlines()) == 1
