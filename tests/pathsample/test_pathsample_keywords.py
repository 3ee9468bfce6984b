"""Each keyword that changes a run does change it."""

from dataclasses import replace

import numpy as np
import pytest
from engines import ShuffledEngine
from landscapes import cluster

from common.database import Database
from common.formats import path_info
from optim.path import descend
from pathsample.growth import Growing, make_strategy
from pathsample.run import run
from potentials.symmetry import NoSymmetry


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SURVEY 10 ,, 3 4", {"neighbours": 3, "attempts": 4}),
        ("CONNECTUNC DISTREF 3", {"order": "DISTREF", "reference": 3, "partners": 2}),
        ("CONNECTUNC LOWEST 4", {"order": "LOWEST", "partners": 4}),
        ("CONNECTREGION 2 3 1.5D0 9", {"first": 2, "second": 3, "distance": 1.5, "last": 9}),
        ("DIJINITCONT EXP 7", {"exponential": True, "neighbours": 7}),
        ("DIJINITCONT 2", {"exponential": False, "power": 2.0, "neighbours": 100}),
        ("NEWCONNECTIONS 3 5 2", {"wanted": 3, "attempts": 5, "start": 2}),
        ("CONNECTIONS 4 6", {"wanted": 4, "attempts": 6, "start": 1}),
    ],
)
def test_strategy(plane_setup, text, expected):
    strategy = make_strategy(plane_setup(f"CYCLES 1\n{text}\n"))
    assert {name: getattr(strategy, name) for name in expected} == expected


def test_connect_pairs(tmp_path, plane_setup):
    (tmp_path / "pairs").write_text("1 2\n3 4\n")
    assert make_strategy(plane_setup(f"CONNECTPAIRS {tmp_path}/pairs\n")).pairs == [(1, 2), (3, 4)]


@pytest.mark.parametrize(
    "keyword", ["CYCLES 3\nJOBSPERCYCLE 2\nDIJINITCONT 1 9", "CYCLES 9\nJOBSPERCYCLE 4\nCONNECTREGION 1 1 99.0"]
)
def test_strategies_reach_their_goal(tmp_path, plane, plane_setup, quiet, keyword):
    with Database(tmp_path / "landscape.db", symmetry=NoSymmetry(), n_variables=2) as database:
        last = plane.side - 1
        database.add_minima([plane.minimum(a, b) for a in (0, last) for b in (0, last)])
        database.set_endpoints("A", [1])
        database.set_endpoints("B", [4])
        growing = Growing(plane_setup(keyword + "\n"), database, ShuffledEngine(2), quiet)
        growing.run()
        labels = growing.network.labels()
        assert labels[0] == labels[3]


def test_survey_ends_when_its_minutes_are_spent(tmp_path, plane, plane_setup, quiet, plane_database):
    growth = Growing(plane_setup("SURVEY 60 1D-9\nJOBSPERCYCLE 3\n"), plane_database, ShuffledEngine(2), quiet)
    growth.started -= 1.0
    assert growth.run().searches == 0


@pytest.fixture
def path_of_lj7(tmp_path):
    """A directory with a path.info of two triples of LJ7, and those triples with all eigenvalues."""
    from optim.jobs import connect
    from optim.settings import default_settings
    from potentials.characterise import hessian_spectrum

    potential = cluster(tmp_path, 7, "", n_minima=3)
    settings = default_settings(potential)
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        first, second, third = database.minima()
    triples = connect(first, second, potential, settings, np.random.default_rng(0)).triples
    triples += connect(second, third, potential, settings, np.random.default_rng(0)).triples

    def with_eigenvalues(point):
        spectrum = hessian_spectrum(potential, point.coordinates)
        positive, negative = spectrum.values[spectrum.values > 0], spectrum.values[spectrum.values < 0]
        descending = np.concatenate([positive[::-1], np.zeros(6), negative])
        return replace(point, eigenvalues=descending)

    triples = [
        replace(
            triple,
            plus=with_eigenvalues(triple.plus),
            transition_state=with_eigenvalues(triple.transition_state),
            minus=with_eigenvalues(triple.minus),
        )
        for triple in triples
    ]
    path_info.write(tmp_path / "path.info", triples)
    (tmp_path / "landscape.db").unlink()
    return tmp_path, triples


def counts(directory, text):
    (directory / "pathdata").write_text(f"SYSTEM LJ\nNATOMS 7\nETOL 1D-6\nSTARTFROMPATH path.info 1 2\n{text}")
    assert run(directory) == 0
    with Database(directory / "landscape.db", read_only=True) as database:
        result = (database.n_minima, database.n_transition_states, database.minima_arrays()["log_product"])
    for name in ("landscape.db", "min.data", "ts.data", "min.A", "min.B"):
        (directory / name).unlink()
    return result


def test_filters_of_a_path(path_of_lj7, capsys):
    directory, triples = path_of_lj7
    whole = counts(directory, "")
    assert whole[1] >= 2
    lowest = [min(t.plus.eigenvalues[:15].min(), t.minus.eigenvalues[:15].min()) for t in triples]
    softest = sorted(lowest)
    assert counts(directory, f"EVCUT {softest[0] * 1.0001:.12g}\n")[1] < whole[1] or softest[0] == softest[-1]
    highest = max(t.transition_state.energy for t in triples)
    capsys.readouterr()
    assert counts(directory, f"MAXTSENERGY {highest - 1e-7:.12f}\n")[1] == whole[1] - 1
    assert "skipping ts" in capsys.readouterr().out


def test_path_without_eigenvalues(path_of_lj7):
    directory, triples = path_of_lj7
    path_info.write(directory / "path.info", triples, frequencies=False)
    assert set(counts(directory, "NOFRQS\n")[2]) == {4.675754133}


def test_all_ts_keeps_a_transition_state_with_other_minima(path_of_lj7):
    directory, triples = path_of_lj7
    ends = triples[0].plus, triples[0].minus
    minima = [m for t in triples[1:] for m in (t.plus, t.minus)]
    wrong = replace(triples[0], minus=next(m for m in minima if all(abs(m.energy - end.energy) > 1e-3 for end in ends)))
    path_info.write(directory / "path.info", [*triples, wrong])
    plain, everything = counts(directory, ""), counts(directory, "ALLTS\n")
    assert everything[1] == plain[1] + 1


def test_perturb_sets_the_displacement(tmp_path, monkeypatch):
    used = []

    def search(potential, minimum, settings, rng, **options):
        used.append(options)
        yield from ()
        return []

    monkeypatch.setattr("optim.single_ended.search_steps", search)
    cluster(tmp_path, 7, "CYCLES 1\nJOBSPERCYCLE 2\nNEWCONNECTIONS 2\nCPUS 1\nPERTURB 0.4\n", n_minima=2)
    assert run(tmp_path) == 0
    assert used == [{"displacement": 0.4}] * 2


def test_debug_says_what_was_left_out(tmp_path, capsys):
    cluster(tmp_path, 7, "SURVEY 4\nCPUS 1\nTSTHRESH -16.4\nDEBUG\n", n_minima=3)
    assert run(tmp_path) == 0
    assert "skipping ts with energy" in capsys.readouterr().out


def test_copyfiles_must_exist_for_jobs_of_exec(tmp_path, capsys):
    from pathsample.cli import main

    cluster(tmp_path, 7, "CYCLES 1\nCONNECTUNC LOWEST\nEXEC /bin/true\nCOPYFILES perm.allow\n", n_minima=2)
    assert main(["-C", str(tmp_path)]) == 2
    assert "COPYFILES perm.allow: no file perm.allow" in capsys.readouterr().err


def test_descent_needs_no_keyword(path_of_lj7):
    """A stored transition state leads back to its minima with the default settings of the searches."""
    from optim.settings import default_settings
    from potentials.lj import LennardJones

    _, triples = path_of_lj7
    potential = LennardJones(7)
    triple = descend(potential, triples[0].transition_state, default_settings(potential))
    ends = sorted([triple.plus.energy, triple.minus.energy])
    assert ends == pytest.approx(sorted([triples[0].plus.energy, triples[0].minus.energy]), abs=1e-9)
