"""Persistence of minima against its definition, and the keywords that use it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.database import Database
from common.errors import InputError
from common.formats import endpoints
from pathsample.run import run
from pathsample.thermodynamics.persistence import lifetimes
from pathsample.untrap import bottlenecks
from tests.pathsample.networks import after


@given(st.integers(0, 10**6), st.integers(2, 25), st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_a_basin_ends_at_the_lowest_barrier_to_a_lower_minimum(seed, n, extra):
    rng = np.random.default_rng(seed)
    energies = rng.random(n)
    plus, minus = rng.integers(n, size=(2, n + extra))
    top = np.maximum(energies[plus], energies[minus]) + rng.random(n + extra)
    end, root = lifetimes(energies, top, plus, minus, threshold=0.3)
    for k in range(n):
        lower = np.flatnonzero(energies < energies[k])
        exact = bottlenecks(n, top, plus, minus, lower.tolist())[k] if len(lower) else np.inf
        assert end[k] == exact
    # one group for every minimum that persists
    assert len(set(root)) == np.count_nonzero(end - energies >= 0.3)
    _, apart = lifetimes(energies, top, plus, minus, threshold=0.3, kinds=np.where(np.arange(n) < n // 2, 1, 2))
    assert all((a < n // 2) == (b < n // 2) for a, b in enumerate(apart))


def test_two_valleys():
    # 0 and 1 in one valley, 2 and 3 in the other
    energies = np.array([0.0, 0.6, 0.2, 0.7])
    end, root = lifetimes(energies, np.array([0.8, 1.0, 3.0]), np.array([0, 3, 1]), np.array([1, 2, 3]), threshold=0.5)
    assert end.tolist() == [np.inf, 0.8, 3.0, 1.0]
    assert root[0] == root[1] != root[2] == root[3]
    equal = lifetimes(np.zeros(2), np.ones(1), np.array([1]), np.array([0]))[0]
    assert equal.tolist() == [np.inf, 1.0]


def test_persist(landscape, capsys):
    directory = landscape("TEMPERATURE 0.3\nPERSIST 0.1 0.25 1e-6\nPERSISTEXACT")
    found = np.loadtxt(directory / "persistence.out")
    assert found[0, 0] == np.loadtxt(directory / "min.data")[:, 0].argmin() + 1
    assert np.isinf(found[0, 2])
    assert (found[:, 3] >= 0.25).all()
    assert (np.diff(found[1:, 3]) <= 0).all()
    np.testing.assert_allclose(found[1:, 3], found[1:, 2] - found[1:, 1], rtol=1e-7)
    assert after(capsys.readouterr().out, "persist> ")[0] == len(found)
    with Database(directory / "landscape.db", read_only=True) as database:
        assert database.property("persistence")[int(found[1, 0]) - 1] == pytest.approx(found[1, 3], rel=1e-9)
    landscape("PERSIST 0.1 0.0")
    rough = np.loadtxt(directory / "persistence.out")
    assert len(rough) == 30
    steps = (rough[1:, 2] - rough[:, 1].min()) / 0.1
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-6)


def test_groups_by_persistence(landscape, capsys):
    directory = landscape("TEMPERATURE 0.2\nPLANCK 1.0\nREGROUPPERSIST 0.4\nNGT")
    text = capsys.readouterr().out
    assert 2 < after(text, "30 minima are in")[0] < 30
    assert after(text, "kSS (A<-B)=")[0] > 0
    assert len(np.loadtxt(directory / "min.data.regrouped")) == after(text, "30 minima are in")[0]


def test_waiting_times_and_reactants_of_the_reduced_network(landscape, capsys):
    (landscape.directory / "NGTkeeplist").write_text("5\n29\n")
    landscape("TEMPERATURE 0.2\nNGTKEEPLIST\nPRINTTAUGT")
    text = capsys.readouterr().out
    for line in (line for line in text.splitlines() if "tau^I, tau=" in line):
        before, now = line.split("=")[1].split()
        assert float(now) >= float(before) * (1 - 1e-9)
    assert text.count("tau^I, tau=") == 6
    landscape("TEMPERATURE 0.2\nNGTKEEPLIST\nRENORMREACTANT")
    assert after(capsys.readouterr().out, "NGT> ")[0] == 2
    assert len(np.loadtxt(landscape.directory / "min.data.new")) == 4
    (landscape.directory / "NGTkeeplist").write_text("5\n")
    landscape("TEMPERATURE 0.2\nNGTKEEPLIST\nRENORMREACTANT")
    assert endpoints.read(landscape.directory / "min.B.new") == [3]


def test_switch_of_graph_transformation_changes_no_result(landscape, capsys):
    found = []
    for text in ("SDGT", "SDGT\nGT2RSWITCH 0", "SDGT\nGT2RSWITCH 2.0"):
        landscape(f"TEMPERATURE 0.2\n{text}")
        out = capsys.readouterr().out
        assert ("in panels" in out) == text.endswith(" 0")
        found.append(after(out, "kSS (A<-B)=")[0])
    assert found == pytest.approx([found[0]] * 3, rel=1e-9)


def test_z_score_in_the_table(landscape):
    directory = landscape("SHANNONZ 0.1 0.5 0.1")
    table = np.loadtxt(directory / "shannon.out")
    assert table.shape == (5, 4)
    assert (table[:, 3] < 0).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PRINTTAUGT", "add NGTKEEPLIST"),
        ("RENORMREACTANT", "add NGTKEEPLIST"),
        ("PERSISTEXACT", "add PERSIST"),
        ("PERSIST 0.1", "threshold"),
        ("PERSIST -0.1 0.2", "PERSIST"),
        ("REGROUPPERSIST 0.4", "TEMPERATURE"),
        ("SHANNONZ 0.5 0.1 0.1", "below the lowest"),
        ("REGROUPKMC", "no public definition"),
        ("GT2PTOL 1e-5", "remove the line"),
    ],
)
def test_what_is_refused(landscape, text, words):
    (landscape.directory / "pathdata").write_text(f"NOPOINTS\nNATOMS 1\n{text}\n")
    with pytest.raises(InputError, match=words):
        run(landscape.directory)
