"""Growth with real searches: published counts, checks that find planted faults, any number of workers."""

import sqlite3

import pytest
from landscapes import cluster, contents

from common.database import Database
from pathsample.cli import main
from pathsample.run import run


@pytest.mark.validation
def test_survey_of_lj7_is_complete(tmp_path, capsys):
    """Four minima and twelve transition states (Doye and Wales 2002)."""
    cluster(tmp_path, 7, "SURVEY 120 ,, 4 40\nCPUS 1\nSEED 1\n", n_minima=1)
    assert run(tmp_path) == 0
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        assert (database.n_minima, database.n_transition_states) == (4, 12)
    assert "summary> connected with the global minimum                4" in capsys.readouterr().out
    assert main(["-C", str(tmp_path), "--verify"]) == 0
    assert "everything passed" in capsys.readouterr().out
    assert len((tmp_path / "ts.data").read_text().splitlines()) == 12
    pairs = [line.split() for line in (tmp_path / "pairs.data").read_text().splitlines()]
    assert all(len(line) == 2 for line in pairs)


@pytest.mark.slow
@pytest.mark.validation
def test_survey_of_lj8_is_complete(tmp_path):
    """Eight minima and 42 transition states (Doye and Wales 2002)."""
    cluster(tmp_path, 8, "SURVEY 500 ,, 8 80\nCPUS 2\nSEED 1\n")
    assert run(tmp_path) == 0
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        assert (database.n_minima, database.n_transition_states) == (8, 42)


def test_same_database_with_one_and_with_three_workers(tmp_path):
    found = []
    for workers in (1, 3):
        directory = tmp_path / str(workers)
        cluster(directory, 7, f"SURVEY 20 ,, 10 20 ,, 1\nJOBSPERCYCLE 5\nCPUS {workers}\nSEED 3\n")
        assert run(directory) == 0
        found.append(contents(directory))
    assert found[0] == found[1]


@pytest.fixture
def grown(tmp_path):
    cluster(tmp_path, 7, "CYCLES 1\nJOBSPERCYCLE 4\nCONNECTUNC LOWEST\nCPUS 1\nCHECKMIN\nCHECKTS\n", n_minima=4)
    assert run(tmp_path) == 0
    return tmp_path


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("UPDATE transition_states SET energy = energy + 1e-6 WHERE id = 1", "transition state 1: energy"),
        (
            "UPDATE transition_states SET coordinates = (SELECT coordinates FROM minima WHERE id = 1) WHERE id = 1",
            "transition state 1: 0 negative eigenvalues, expected 1",
        ),
        ("UPDATE transition_states SET plus = minus WHERE id = 1", "transition state 1: descent ends at"),
        (
            "UPDATE minima SET coordinates = (SELECT coordinates FROM transition_states WHERE id = 1) WHERE id = 2",
            "minimum 2: 1 negative eigenvalues, expected 0",
        ),
        (
            "UPDATE minima SET coordinates = (SELECT coordinates FROM minima WHERE id = 1), "
            "energy = (SELECT energy FROM minima WHERE id = 1) WHERE id = 4",
            "minimum 4: a copy of minimum 1",
        ),
    ],
)
def test_verification_finds_planted_faults(grown, capsys, fault, complaint):
    with sqlite3.connect(grown / "landscape.db") as connection:
        connection.execute(fault)
    connection.close()
    assert main(["-C", str(grown), "--verify"]) == 1
    assert complaint in capsys.readouterr().out


def test_checks_of_a_range(grown, capsys):
    text = (grown / "pathdata").read_text()
    (grown / "pathdata").write_text(
        text.replace("CYCLES 1", "CYCLES 0").replace("CHECKMIN", "CHECKMIN 2 3").replace("CHECKTS", "CHECKTS 1")
    )
    capsys.readouterr()
    assert run(grown) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("verify>")]
    assert lines[1][:4] == ["verify>", "minima", "2", "0"]
    assert lines[2][:5] == ["verify>", "transition", "states", "1", "0"]
    (grown / "pathdata").write_text(text.replace("CHECKTS", "CHECKTS 1 999").replace("CYCLES 1", "CYCLES 0"))
    assert main(["-C", str(grown)]) == 2
    assert "CHECKTS 1 999, but there are only" in capsys.readouterr().err


def test_transition_states_above_the_threshold_are_left_out(tmp_path):
    cluster(tmp_path, 7, "SURVEY 12\nCPUS 1\nTSTHRESH -15.0\n", n_minima=4)
    assert run(tmp_path) == 0
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        energies = database.ts_arrays()["energy"]
        assert 0 < len(energies) < 12
        assert energies.max() <= -15.0
