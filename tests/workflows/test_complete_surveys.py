"""SURVEY from an empty directory to a complete landscape, by one command."""

import re
from pathlib import Path

import numpy as np
import pytest

from common.database import Database
from pathsample.survey import DISPLACEMENTS

INPUTS = Path(__file__).resolve().parents[2] / "inputs"


def survey(command, directory, source, **edits):
    """(minima, transition states, output) of pathsample in a copy of a directory without its gmin input."""
    directory.mkdir(parents=True)
    for name in ("pathdata", "odata.connect"):
        text = (INPUTS / source / name).read_text()
        for keyword, line in edits.items():
            text = re.sub(rf"(?m)^{keyword} .*$", line, text)
        (directory / name).write_text(text)
    text = command("pathsample", directory=directory).stdout
    with Database(directory / "landscape.db", read_only=True) as database:
        assert database.check() == []
        return database.n_minima, database.n_transition_states, text


def test_a_survey_needs_no_database(tmp_path, command):
    edits = {"NATOMS": "NATOMS 7", "SURVEY": "SURVEY 20 ,, 10 500 0.5 3", "JOBSPERCYCLE": "JOBSPERCYCLE 5"}
    minima, states, text = survey(command, tmp_path / "lj7", "lj8", **edits)
    assert "setup> the survey starts from" in text
    # Doye and Wales, J. Chem. Phys. 116, 3777 (2002)
    assert (minima, states) == (4, 12)


def test_without_survey_nothing_is_made_up(tmp_path, write, command):
    write(pathdata="SYSTEM LJ\nNATOMS 7\nCYCLES 1\nCONNECTUNC LOWEST\n", odata__connect="NEWCONNECT 5 2 10.0\nPOINTS\n")
    assert "begin with STARTFROMPATH, ADDMIN or SURVEY" in command("pathsample", status=2).stderr
    assert not (tmp_path / "landscape.db").exists()


def test_displacements_span_the_scales():
    assert min(DISPLACEMENTS) <= 0.01 < 3.0 <= max(DISPLACEMENTS)


@pytest.mark.slow
@pytest.mark.parametrize(("n_atoms", "minima", "states"), [(8, 8, 42), (9, 21, 165)])
def test_clusters(tmp_path, command, n_atoms, minima, states):
    """Doye and Wales (2002); the survey ends by itself."""
    found = survey(command, tmp_path / "lj", "lj8", NATOMS=f"NATOMS {n_atoms}")
    assert found[:2] == (minima, states)
    assert "survey> complete" in found[2]


@pytest.mark.slow
def test_the_ten_atom_cluster(tmp_path, command):
    """Published: 64 and 635 (Doye and Wales 2002)."""
    found = survey(command, tmp_path / "lj", "lj8", NATOMS="NATOMS 10")
    assert found[0] == 64
    assert abs(found[1] - 635) <= 6


def test_three_atoms_with_triple_interactions(tmp_path, command):
    """LJAT3: a triangle and a line (three, where the atoms are told apart) and what is between them."""
    found = survey(
        command, tmp_path / "ljat3", "lj8", RADIUS="RADIUS 3.0\nLJAT 2.0", NATOMS="NATOMS 3",
        SURVEY="SURVEY 100 ,, 10 5000 0.5 4", JOBSPERCYCLE="JOBSPERCYCLE 4",
    )  # fmt: skip
    assert found[:2] == (2, 1)
    assert "survey> complete" in found[2]
    with Database(tmp_path / "ljat3" / "landscape.db", read_only=True) as database:
        assert sorted(database.energies()) == pytest.approx([-2.2190981696, -2.1850988403], abs=1e-9)
        assert database.ts_arrays()["energy"][0] == pytest.approx(-1.9850696580, abs=1e-9)


#: Minima and transition states of exclusive or by an independent search, docs/xor.md.
COUNTS = {
    1: {"1D-1": (1, 0), "1D-2": (5, 4), "1D-3": (5, 4), "1D-4": (5, 4), "1D-5": (5, 4), "1D-6": (5, 4)},
    2: {"1D-1": (1, 0), "1D-2": (5, 16), "1D-3": (7, 19), "1D-4": (7, 19), "1D-5": (7, 19), "1D-6": (7, 19)},
    3: {"1D-1": (1, 0), "1D-2": (4, 18), "1D-3": (7, 24), "1D-4": (8, 28), "1D-5": (8, 30), "1D-6": (9, 31)},
}


def exclusive_or(command, directory, nodes, lam, seed=1, **edits):
    """(minima, transition states, output) of a network of the table."""
    return survey(command, directory, "xor_survey", XOR=f"XOR {nodes} {lam}", SEED=f"SEED {seed}", **edits)


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [1, 2, 3])
def test_networks_at_every_regularisation(tmp_path, command, nodes):
    """One command each, which ends by itself; N = 3 takes a minute of one core where the regularisation is weak."""
    for lam, counts in COUNTS[nodes].items():
        minima, states, text = exclusive_or(command, tmp_path / lam, nodes, lam)
        assert (lam, minima, states) == (lam, *counts)
        assert "survey> complete" in text


@pytest.mark.slow
def test_another_seed_and_twice_the_searches_find_the_same(tmp_path, command):
    _, _, text = exclusive_or(command, tmp_path / "first", 2, "1D-6")
    jobs = int(re.search(r"searches in this run +(\d+)", text)[1])
    assert exclusive_or(command, tmp_path / "second", 2, "1D-6", seed=2)[:2] == (7, 19)
    twice = exclusive_or(command, tmp_path / "twice", 2, "1D-6", seed=3, SURVEY=f"SURVEY {2 * jobs} ,, 10 5000 1D-9 9")
    assert twice[:2] == (7, 19)


@pytest.mark.slow
def test_strong_regularisation_leaves_the_zero_network_alone(tmp_path, command):
    minima, states, _ = exclusive_or(command, tmp_path / "one", 3, "1D-1")
    assert (minima, states) == (1, 0)
    with Database(tmp_path / "one" / "landscape.db", read_only=True) as database:
        assert database.energies()[0] == pytest.approx(np.log(2.0), abs=1e-14)
