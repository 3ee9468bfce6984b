"""Filters by barriers, order parameters, distances, counts of connections, minima from xyz files, relative energies."""

import shutil

import numpy as np
import pytest

from common.database import Database
from common.formats import xyz
from common.stationary_points import Minimum, TransitionState, Triple
from pathsample.cli import main
from pathsample.measures import order_parameters
from pathsample.run import run


def again(directory, lines):
    (directory / "pathdata").write_text(f"SYSTEM LJ\nNATOMS 8\n{lines}")
    return run(directory)


def triple(plus, top, minus):
    e, x = (plus, top, minus), np.arange(3.0)
    return Triple(Minimum(e[0], x + e[0]), TransitionState(e[1], x + e[1]), Minimum(e[2], x + e[2]))


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({}, [1, 2, 3]),
        ({"max_barrier": 4.0}, [1, 2]),
        ({"min_barrier": 0.5}, [2, 3]),
        ({"max_barrier": 4.0, "min_barrier": 0.5}, [2]),
    ],
)
def test_barriers_keep_triples_out(tmp_path, limits, kept):
    """The lower barriers of the three are 0.1, 3 and 5."""
    triples = [triple(-3.0, -2.9, -8.0), triple(-4.0, -1.0, -9.0), triple(-5.0, 0.0, -10.0)]
    with Database(tmp_path / "landscape.db") as database:
        report = database.add_triples(triples, **limits)
        assert [k for k, ids in enumerate(report.ids, 1) if ids] == kept
        assert report.skipped == 3 - len(kept)


def test_keywords_of_barriers(grown, capsys):
    """MAXBARRIER and MINBARRIER also act on the kinetics."""
    with Database(grown / "landscape.db") as database:
        states, energies = database.ts_arrays(), database.energies()
        ends = energies[states["plus"] - 1], energies[states["minus"] - 1]
        a = int(np.argmin(energies)) + 1
        b = int(next(p if m == a else m for p, m in zip(states["plus"], states["minus"]) if (p == a) != (m == a)))
        database.set_endpoints("A", [a])
        database.set_endpoints("B", [b])
    for name in ("min.A", "min.B"):
        (grown / name).unlink(missing_ok=True)
    lower = states["energy"] - np.maximum(*ends)
    assert again(grown, f"TEMPERATURE 0.2\nDIJKSTRA 0\nMAXBARRIER {lower.max() + 0.1:.6f}\nMINBARRIER 0.0\n") == 0
    capsys.readouterr()
    assert again(grown, f"TEMPERATURE 0.2\nDIJKSTRA 0\nMAXBARRIER {lower.min() / 2:.6f}\n") == 1
    assert again(grown, f"TEMPERATURE 0.2\nDIJKSTRA 0\nMINBARRIER {lower.max() + 0.1:.6f}\n") == 1


def test_relative_energies_change_no_rate(grown, capsys):
    with Database(grown / "landscape.db") as database:
        states = database.ts_arrays()
        k = int(np.flatnonzero(states["plus"] != states["minus"])[0])
        database.set_endpoints("A", [int(states["plus"][k])])
        database.set_endpoints("B", [int(states["minus"][k])])
        lowest = database.energies().min()
    outputs = []
    for line in ("", "RELATIVEE\n"):
        for name in ("min.A", "min.B"):
            (grown / name).unlink(missing_ok=True)
        assert again(grown, f"TEMPERATURE 0.2\nDIJKSTRA 0\nMAXTSENERGY 0.0\n{line}") == 0
        text = capsys.readouterr().out
        rate = next(row for row in text.splitlines() if "Largest contribution" in row)
        epath = np.loadtxt(grown / "Epath")
        outputs.append((rate, epath))
    assert outputs[0][0] == outputs[1][0]
    np.testing.assert_allclose(outputs[0][1][:, 1] - lowest, outputs[1][1][:, 1], atol=1e-8)


def test_distances(grown, capsys):
    assert again(grown, "DISTANCE 2 1 3\n") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("distance>")]
    assert [(line[2], line[4]) for line in lines] == [("2", "1"), ("2", "3")]
    with Database(grown / "landscape.db", read_only=True) as database:
        from potentials.lj import LennardJones

        x = database.coordinates([1, 2])
    assert float(lines[0][-1]) == pytest.approx(LennardJones(8).symmetry.align(x[0], x[1])[1], abs=1e-9)
    (grown / "pathdata").write_text("SYSTEM LJ\nNATOMS 8\nDISTANCE 99\n")
    assert main(["-C", str(grown)]) == 2
    assert "minimum 99, but the database has" in capsys.readouterr().err


def test_connections_are_counted(grown, capsys):
    assert again(grown, "CHECKCONNECTIONS\nCONNECTIONS 50\nCLOSEFILES\n") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("connections>")]
    with Database(grown / "landscape.db", read_only=True) as database:
        n = database.n_minima
    counted = [line for line in lines if "minima have" in line]
    assert sum(int(line.split()[1]) for line in counted) == n
    assert sum("fewer than 50" in line for line in lines) == n


def test_order_parameters_of_known_structures():
    """Bonds along the axes: Q4 = 0.764, Q6 = 0.354; of an icosahedron from its centre: 0 and 0.663 (Steinhardt et al 1983)."""
    cube = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=float)
    assert order_parameters(cube, 1.1) == pytest.approx((0.7637626, 0.3535534), abs=1e-6)
    t = (1 + 5**0.5) / 2
    corners = [[0, a, b * t] for a in (-1, 1) for b in (-1, 1)]
    shell = np.array([np.roll(c, k) for c in corners for k in range(3)], dtype=float)
    shell /= np.linalg.norm(shell[0])
    centre = np.vstack([np.zeros(3), shell])
    # the radius 1 is shorter than the edge 1.0515
    assert order_parameters(centre, 1.02) == pytest.approx((0.0, 0.6633250), abs=1e-6)
    assert np.isnan(order_parameters(cube, 0.5)).all()


def test_order_of_minima(grown, capsys):
    assert again(grown, "CALCORDER 1 2\n") == 0
    table = np.loadtxt(grown / "min.order")
    with Database(grown / "landscape.db", read_only=True) as database:
        np.testing.assert_allclose(table[:, 1:], np.column_stack([database.property("Q4")[:2], database.property("Q6")[:2]]))
        assert np.isnan(database.property("Q4")[2:]).all()
        assert order_parameters(database.coordinates([2])[0], 1.391) == pytest.approx(table[1, 1:])
    assert "order> Q4 and Q6 of 2 minima" in capsys.readouterr().out


def test_minima_of_an_xyz_file(tmp_path, grown, capsys):
    with Database(grown / "landscape.db", read_only=True) as database:
        x, n = database.coordinates(), database.n_minima
        energies = sorted(database.energies())
    rng = np.random.default_rng(3)
    new = tmp_path / "new"
    new.mkdir()
    shutil.copy(grown / "odata.connect", new)
    frames = [xyz.Frame(y + 0.02 * rng.normal(size=y.size), ("LJ",) * 8) for y in [*x, x[0]]]
    xyz.write(new / "all.xyz", frames)
    assert again(new, "ADDMINXYZ all.xyz\n") == 0
    assert f"addmin> all.xyz: {n + 1} minima, {n} new" in capsys.readouterr().out
    with Database(new / "landscape.db", read_only=True) as database:
        np.testing.assert_allclose(sorted(database.energies()), energies, atol=1e-8)
    (new / "pathdata").write_text("SYSTEM LJ\nNATOMS 7\nADDMINXYZ all.xyz\n")
    (new / "landscape.db").unlink()
    assert main(["-C", str(new)]) == 2
    assert "all.xyz: frame 1: 24 coordinates, this potential has 21" in capsys.readouterr().err
