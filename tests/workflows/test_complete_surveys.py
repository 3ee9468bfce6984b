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
    minima, states, text = survey(command, tmp_path / "lj7", "lj8", NATOMS="NATOMS 7", SURVEY="SURVEY 120 ,, 10 500 0.5")
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
    found = survey(command, tmp_path / "lj", "lj8", NATOMS=f"NATOMS {n_atoms}")
    assert found[0] == minima
    # a rare transition state may be missing where the limit of 0.5 is met by chance
    assert states - 1 <= found[1] <= states


@pytest.mark.slow
def test_the_ten_atom_cluster(tmp_path, command):
    """Published: 64 and 635 (Doye and Wales 2002)."""
    found = survey(command, tmp_path / "lj", "lj8", NATOMS="NATOMS 10")
    assert found[0] == 64
    assert abs(found[1] - 635) <= 6


@pytest.mark.slow
@pytest.mark.parametrize("lam", ["1D-2", "1D-3", "1D-4", "1D-5", "1D-6"])
def test_one_hidden_node_at_every_regularisation(tmp_path, command, lam):
    """The table of docs/xor.md: the same from two seeds and with twice the searches."""
    counts = [
        survey(
            command,
            tmp_path / str(seed),
            "xor_survey",
            XOR=f"XOR 1 {lam}",
            SEED=f"SEED {seed}",
            SURVEY=f"SURVEY {searches} ,, 10 5000 0.5 2",
        )
        for seed, searches in ((1, 300), (2, 600))
    ]
    assert [found[:2] for found in counts] == [(5, 4), (5, 4)]


@pytest.mark.slow
def test_strong_regularisation_leaves_the_zero_network_alone(tmp_path, command):
    minima, states, _ = survey(command, tmp_path / "one", "xor_survey", XOR="XOR 3 1D-1", SURVEY="SURVEY 100 ,, 10 5000 0.5 2")
    assert (minima, states) == (1, 0)
    with Database(tmp_path / "one" / "landscape.db", read_only=True) as database:
        assert database.energies()[0] == pytest.approx(np.log(2.0), abs=1e-14)
