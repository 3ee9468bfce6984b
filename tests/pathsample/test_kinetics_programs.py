"""The kinetic and thermodynamic keywords in runs of the program on databases without coordinates."""

from pathlib import Path

import numpy as np
import pytest

from common.database import Database
from common.errors import EXIT_DONE, EXIT_GOAL_NOT_REACHED, InputError
from common.formats import endpoints, ts_data
from pathsample.kinetics.rates import free_energies, microcanonical
from pathsample.run import run
from tests.pathsample.networks import after, reference

EXAMPLES = Path(__file__).resolve().parents[2] / "../shared/wales/examples"
LJ38 = EXAMPLES / "LJ38_04_pathsample/expected"


@pytest.mark.parametrize("keyword", ["NGT 0 T 1.1D0 1 100.1D0", "NGT 0 T 0.01D0 100", "GT 0 1", "SGT", "DGT", "SDGT T"])
def test_graph_transformation(landscape, capsys, keyword):
    expected = reference(landscape.directory)
    directory = landscape(f"TEMPERATURE 0.2\n{keyword}")
    text = capsys.readouterr().out
    assert after(text, "kSS (A<-B)=")[0] == pytest.approx(np.exp(expected.ab.ln_kss), rel=1e-9)
    assert after(text, "kSS (B<-A)=")[0] == pytest.approx(np.exp(expected.ba.ln_kss), rel=1e-9)
    assert after(text, "kNSS(A<-B)=")[0] == pytest.approx(np.exp(expected.ab.ln_knss), rel=1e-9)
    assert after(text, "MFPT(B<-A)=")[0] == pytest.approx(np.exp(expected.ba.ln_mfpt), rel=1e-9)
    kt, k_ab, k_ba, t_ab, t_ba = np.loadtxt(directory / "NGT.rates.new")
    logs = [expected.ab.ln_k, expected.ba.ln_k, expected.ab.ln_mfpt, expected.ba.ln_mfpt]
    assert [kt, k_ab, k_ba, t_ab, t_ba] == pytest.approx([0.2, *np.exp(logs)], rel=1e-9)
    times = np.loadtxt(directory / "MFPT.to.A")
    assert times[:, 0].tolist() == list(range(3, 31))
    np.testing.assert_allclose(times[:, 2], expected.ab.ln_passage_all[2:], rtol=1e-9)
    np.testing.assert_allclose(np.loadtxt(directory / "commit.ngt.BA"), np.exp(expected.ln_committor_b), rtol=1e-9)
    with Database(directory / "landscape.db", read_only=True) as database:
        np.testing.assert_allclose(database.property("committor_A"), np.exp(expected.ln_committor_a))
        assert np.isnan(database.property("ln_mfpt_to_A")[:2]).all()
        assert database.property("ln_mfpt_to_B")[0] == pytest.approx(expected.ba.ln_passage_all[0])


def test_rates_cycle_and_temperature_beside_each_other(landscape):
    directory = landscape("TEMPERATURE 0.2\nNGT 0 T\nRATESCYCLE 0.1 0.3 0.001")
    lines = [line.split() for line in (directory / "NGT.rates.new").read_text().splitlines()]
    assert [float(line[0]) for line in lines] == [0.1, 0.3, 0.001]
    assert float(lines[1][1]) == pytest.approx(np.exp(reference(directory, 0.3).ab.ln_k), rel=1e-9)
    assert int(lines[2][1].split("E")[1]) < -300
    ln_time = np.loadtxt(directory / "MFPT.to.A")[0, 2]
    assert ln_time == pytest.approx(reference(directory).ab.ln_passage_all[2], rel=1e-9)


def test_free_energies_total_energy_and_pruning(landscape, capsys):
    directory = landscape("TEMPERATURE 0.2\nFREEENERGY\nNGT")
    expected = reference(directory, 0.2, free_energies).ab.ln_kss
    assert after(capsys.readouterr().out, "kSS (A<-B)=")[0] == pytest.approx(np.exp(expected), rel=1e-9)
    (directory / "pathdata").write_text("NOPOINTS\nNATOMS 6\nENERGY 5.0\nNGT\n")
    assert run(directory) == EXIT_DONE
    expected = reference(directory, 5.0, microcanonical, 12).ab.ln_kss
    assert after(capsys.readouterr().out, "kSS (A<-B)=")[0] == pytest.approx(np.exp(expected), rel=1e-9)
    for text in ("NCONNMIN 1\nNGT", "NGT 1"):
        landscape(f"TEMPERATURE 0.2\n{text}")
        expected = reference(directory, min_connections=1).ab.ln_mfpt
        assert after(capsys.readouterr().out, "MFPT(A<-B)=")[0] == pytest.approx(np.exp(expected), rel=1e-9)
    assert expected != reference(directory).ab.ln_mfpt


def test_edited_sets_are_taken_over(landscape, capsys):
    directory = landscape("TEMPERATURE 0.2\nNGT")
    endpoints.write(directory / "min.A", [7])
    landscape("TEMPERATURE 0.2\nDIRECTION BA\nDIJKSTRA 0")
    text = capsys.readouterr().out
    assert "setup> set A of landscape.db is now that of min.A" in text
    assert endpoints.read(directory / "min.A") == [7]
    assert "and any B minimum, k^SS B<-A" in text
    assert endpoints.read(directory / "min.B.fastest") == [1]


def test_kinetic_monte_carlo(landscape, capsys):
    directory = landscape("TEMPERATURE 0.3\nKMC 3000 1.0 0\nDEBUG")
    text = capsys.readouterr().out
    lines = [line.split() for line in text.splitlines() if line.startswith("KMC> minimum")]
    assert len(lines) == 3000
    times = np.array([float(line[10]) for line in lines])
    steps = np.array([int(line[5]) for line in lines])
    expected = np.array([float(line[13]) for line in lines])
    exact = np.exp(reference(directory, 0.3).ab.ln_mfpt)
    assert abs(times.mean() - exact) < 4 * times.std() / np.sqrt(3000)
    assert abs(steps.mean() - expected.mean()) < 4 * steps.std() / np.sqrt(3000)
    assert after(text, "exact")[0] == pytest.approx(exact, rel=1e-9)
    assert len((directory / "waiting.times").read_text().splitlines()) == 30


def test_waiting_path_and_k_shortest_paths(landscape, capsys):
    directory = landscape("TEMPERATURE 0.2\nDIJKSTRAWAIT 0\nKSHORTESTPATHS 4 0 T")
    text = capsys.readouterr().out
    assert "Lowest sum of conditional waiting times A<-B" in text
    lines = [line for line in text.splitlines() if line.startswith("kshortestpaths> path")]
    assert len(lines) == 4
    rates = [float(line.split("A<-B")[1].split()[0]) for line in lines]
    assert rates == sorted(rates, reverse=True)
    assert sum(rates) < np.exp(reference(directory).ab.ln_kss)
    landscape("TEMPERATURE 0.2\nDIJKSTRA 0")
    best = capsys.readouterr().out
    assert max(float(line.split("A<-B")[1]) for line in best.splitlines() if "Best path for min" in line) == rates[0]
    assert (directory / "Epath").read_text() == (directory / "Epath.1").read_text()


def test_reduced_network_has_the_same_passage_times(landscape, capsys):
    directory = landscape.directory
    (directory / "NGTkeeplist").write_text("5\n9\n12\n20\n")
    landscape("TEMPERATURE 0.2\nNGTKEEPLIST")
    expected = reference(directory)
    small = directory / "small"
    small.mkdir()
    for name in ("min.data", "ts.data", "min.A", "min.B"):
        (directory / f"{name}.new").rename(small / name)
    lines = (directory / "mapping").read_text().splitlines()
    assert lines[0] == "regroup> new min        1 is original min.data entry        1"
    kept = [int(line.split()[-1]) for line in lines]
    assert kept == [1, 2, 28, 29, 30, 5, 9, 12, 20]
    reduced = reference(small, 0.2, free_energies)
    index = [k - 1 for k in kept]
    np.testing.assert_allclose(reduced.ab.ln_passage_all[2:], expected.ab.ln_passage_all[index][2:], atol=1e-8)
    np.testing.assert_allclose(reduced.ln_committor_b, expected.ln_committor_b[index], atol=1e-8)
    assert "reduced network of 9 minima" in capsys.readouterr().out


def test_passage_time_distributions(landscape, capsys):
    directory = landscape("TEMPERATURE 0.2\nWAITPDF")
    expected = reference(directory)
    row = np.loadtxt(directory / "wait.rates")
    assert row[3] == pytest.approx(np.exp(expected.ab.ln_mfpt), rel=1e-4)
    assert row[5] == pytest.approx(np.exp(expected.ba.ln_mfpt), rel=1e-4)
    assert row[1] == pytest.approx(1 / row[3], rel=1e-4)
    y, p, same = np.loadtxt(directory / "waitlnpdfAB.0.20000").T
    assert len(y) == 10001
    assert np.array_equal(p, same)
    assert np.trapezoid(p, y) == pytest.approx(1.0, abs=1e-6)
    assert np.trapezoid(p * np.exp(y), y) == pytest.approx(row[3], rel=1e-4)
    assert np.trapezoid(p * np.exp(2 * y), y) - row[3] ** 2 == pytest.approx(row[4] ** 2, rel=1e-3)
    t, p = np.loadtxt(directory / "waitpdfBA.0.20000").T
    assert len(t) == 10000
    assert np.diff(t) == pytest.approx(t[1] - t[0], rel=1e-4)
    y, early = np.loadtxt(directory / "tobsAB.0.20000").T
    assert early[-1] == pytest.approx(row[3], rel=1e-4)
    assert "waitpdf> Setting min/max time and increment to" in capsys.readouterr().out


def test_heat_capacity(landscape, capsys):
    directory = landscape("CV 0.02 0.5 0.02\nCVMINIMA 10 30 10\nPLANCK 2.0")
    text = capsys.readouterr().out
    assert "30 minima with 0 vibrational modes" in text
    kt, ln_z, energy, entropy, _ = np.loadtxt(directory / "Cv.out").T
    assert len(kt) == 25
    assert "CV> peak at T=" in text
    assert "CV> minima that gain occupation" in text
    np.testing.assert_allclose(entropy, ln_z + energy / kt, rtol=1e-7, atol=1e-7)
    assert np.loadtxt(directory / "Cv.out.30") == pytest.approx(np.loadtxt(directory / "Cv.out"))
    assert all((directory / f"Cv.out.{count}").exists() for count in (10, 20))


def test_unconnected_sets_do_not_reach_the_goal(landscape, capsys):
    directory = landscape.directory
    states = ts_data.read(directory / "ts.data")
    inside = (states["plus"] <= 15) == (states["minus"] <= 15)
    ts_data.write(directory / "ts.data", {name: column[inside] for name, column in states.items()})
    for keyword in ("NGT", "DIJKSTRA 0", "DIJKSTRAWAIT", "KSHORTESTPATHS 2", "KMC 10", "WAITPDF", "RATESCYCLE 0.2"):
        landscape(f"TEMPERATURE 0.2\n{keyword}", EXIT_GOAL_NOT_REACHED)
        text = capsys.readouterr().out
        assert "not connected" in text or "no path between" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NGT", "TEMPERATURE"),
        ("TEMPERATURE 1.0\nDIJKSTRA 0\nKSHORTESTPATHS 3", "not together with DIJKSTRA"),
        ("TEMPERATURE 1.0\nENERGY 3.0\nFREEENERGY\nNGT", "free energies"),
        ("ENERGY 3.0\nRATESCYCLE 1.0", "not together with ENERGY"),
        ("TEMPERATURE 1.0\nKMC 10 -0.9 0", "KMC"),
        ("TEMPERATURE 1.0\nDIJKSTRALIST", "DijkstraList"),
        ("REGROUPFREE 1.0\nTEMPERATURE 1.0", "PLANCK"),
        ("ENERGY 3.0\nREGROUPPE 1.0", "TEMPERATURE"),
        ("TEMPERATURE 1.0\nREGROUPPE 1.0\nREGROUP 1.0", "not together"),
        ("TEMPERATURE 1.0\nALLOWAB\nNGT", "how groups are formed"),
        ("ENERGY 3.0\nPLANCK 1.0\nRFMULTI 1.0 1.0 1.0 1", "not together with ENERGY"),
        ("DOS 2.0 1.0 0.1", "below the lowest"),
        ("SHANNON 2.0 1.0 0.1", "below the lowest"),
        ("TARGETRATES 1.0 1.0", "TEMPERATURE"),
        ("CV 2.0 1.0 0.1", "CV"),
        ("CVMINIMA 1 2 1", "CV"),
        ("TEMPERATURE 1.0\nNGTKEEPLIST", "NGTkeeplist"),
    ],
)
def test_what_does_not_fit_is_refused(landscape, text, words):
    with pytest.raises(InputError, match=words):
        landscape(text)
    assert not (landscape.directory / "landscape.db").exists()


@pytest.mark.skipif(not EXAMPLES.exists(), reason="reference examples are not here")
def test_lj38_as_published(tmp_path, capsys):
    for name in ("min.A", "min.B", "min.data", "ts.data", "points.min", "points.ts"):
        (tmp_path / name).write_bytes((LJ38 / name).read_bytes())
    lines = ["SYSTEM AX", "NATOMS 38", "TEMPERATURE 0.1", "ETOL 1.0D-6", "GEOMDIFFTOL 0.2", "ITOL 0.1D0", "DIJKSTRA 0"]
    (tmp_path / "pathdata").write_text("\n".join(lines) + "\n")
    assert run(tmp_path) == EXIT_DONE
    ours = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    theirs = [line.rstrip() for line in (LJ38 / "pathsample_dijkstra.out").read_text().splitlines()]
    first = next(k for k, line in enumerate(theirs) if line.startswith("getnconn>"))
    last = next(k for k, line in enumerate(theirs) if line.startswith("Dijkstra> rates with    "))
    start = ours.index(theirs[first])
    assert ours[start : start + last - first + 1] == theirs[first : last + 1]
    for name in ("Epath", "min.data", "ts.data", "min.A", "min.B", "points.min", "points.ts"):
        file = name if name == "Epath" else f"{name}.fastest"
        assert (tmp_path / file).read_bytes() == (LJ38 / file).read_bytes()
    points = np.loadtxt(tmp_path / "redopoints").reshape(17, 38, 3)
    theirs = np.loadtxt(LJ38 / "redopoints").reshape(17, 38, 3)
    for a, b in zip(points, theirs):
        np.testing.assert_allclose(_distances(a), _distances(b), atol=1e-9)


def _distances(x):
    return np.sort(np.linalg.norm(x[:, None] - x[None], axis=2).ravel())
