"""Keywords that look at the network in other ways: lists of minima, over-relaxation, eigenvalues, groups, statistics."""

import numpy as np
import pytest

from common.database import Database
from common.errors import EXIT_DONE, EXIT_GOAL_NOT_REACHED, InputError
from common.formats import endpoints, min_data, ts_data
from pathsample.kinetics.first_passage import passage
from pathsample.kinetics.graph_transformation import transform
from pathsample.kinetics.rates import canonical, make_network, read_arrays
from pathsample.kinetics.regrouping import agglomerate, grouped, superbasins
from pathsample.run import run
from tests.pathsample.networks import after, reference


def network_of(directory, kt):
    minima, states, sets = read_arrays(directory)
    return make_network(minima, states, sets, *canonical(minima, states, kt))


def test_path_through_a_list(landscape, capsys):
    directory = landscape.directory
    (directory / "DijkstraList").write_text("29\n12\n2\n")
    landscape("TEMPERATURE 0.2\nDIJKSTRALIST")
    text = capsys.readouterr().out
    path = np.loadtxt(directory / "Epath")[::2, 2].astype(int).tolist()
    assert path[0] == 2
    assert path[-1] == 29
    assert 12 in path
    assert (directory / "onpath").read_text().split()[0] == "2"
    # two ends only: the fastest path between the sets that hold just these
    endpoints.write(directory / "min.A", [2])
    endpoints.write(directory / "min.B", [29])
    (directory / "DijkstraList").write_text("29\n2\n")
    landscape("TEMPERATURE 0.2\nDIJKSTRALIST")
    one = capsys.readouterr().out
    landscape("TEMPERATURE 0.2\nDIJKSTRA 0")
    other = capsys.readouterr().out
    assert after(one, "to minimum        2 k^SS ")[0] == after(other, "k^SS A<-B")[0]
    assert "slowest leg from minimum" in text
    for name in ("high.1", "low.1", "high.2"):
        assert np.loadtxt(directory / name, ndmin=2).shape[1] == 2
    (directory / "DijkstraList").write_text("29\n")
    with pytest.raises(InputError, match="at least two"):
        landscape("TEMPERATURE 0.2\nDIJKSTRALIST")


def test_over_relaxation(landscape, capsys):
    directory = landscape("TEMPERATURE 0.3\nTFOLD 0 1D6 1D-13 1.0")
    text = capsys.readouterr().out
    expected = reference(directory, 0.3)
    assert after(text, "MFPT(A<-B)=")[0] == pytest.approx(np.exp(expected.ab.ln_mfpt), rel=1e-8)
    assert "tfold> converged" in text
    landscape("TEMPERATURE 0.3\nTFOLD 0 5", EXIT_GOAL_NOT_REACHED)
    assert "NOT converged" in capsys.readouterr().out
    landscape("TEMPERATURE 0.3\nPFOLD 100000 0 1.2 1D-14")
    stored = np.loadtxt(directory / "commit.data")
    np.testing.assert_allclose(stored, np.exp(expected.ln_committor_a), atol=1e-9)
    with Database(directory / "landscape.db", read_only=True) as database:
        np.testing.assert_allclose(database.property("pfold"), stored, atol=1e-9)
    # begins from commit.data
    landscape("TEMPERATURE 0.3\nPFOLD 100000 0 1.0 1D-7")
    assert int(capsys.readouterr().out.split("Pfold>")[-1].split()[0]) <= 3


def test_eigenvalues(landscape, capsys):
    directory = landscape("TEMPERATURE 0.2\nDIAG 0 4 1.0")
    text = capsys.readouterr().out
    landscape("TEMPERATURE 0.2\nARNOLDI 4")
    other = capsys.readouterr().out
    net = network_of(directory, 0.2)
    low, high, ln_c = net.merged()
    matrix = np.zeros((30, 30))
    matrix[low, high] = matrix[high, low] = np.exp(ln_c - (net.ln_weight[low] + net.ln_weight[high]) / 2)
    np.fill_diagonal(matrix, -np.exp(-net.ln_waiting_times()))
    values = np.sort(-np.linalg.eigvalsh(matrix))
    for name, lines in (("diag", text), ("arnoldi", other)):
        found = [float(line.split()[3]) for line in lines.splitlines() if line.startswith(f"{name}> eigenvalue")]
        assert found[0] == 0.0
        np.testing.assert_allclose(found[1:], values[1:4], rtol=1e-9)


def test_eigenmodes_are_printed(landscape):
    directory = landscape("TEMPERATURE 0.2\nWAITPDFPRINT")
    net = network_of(directory, 0.2)
    exact = transform(net).ab
    rows = np.loadtxt(directory / "tauAB.0.20000")
    for source, ln_time in zip(exact.sources.tolist(), exact.ln_passage.tolist()):
        own = rows[rows[:, 0] == source + 1]
        assert own[:, 3].sum() == pytest.approx(1.0, abs=1e-8)
        assert own[:, 2] @ own[:, 3] == pytest.approx(np.exp(ln_time), rel=1e-8)
    text = (directory / "BA.right.eigenvectors").read_text()
    assert text.startswith("eigenmode        1 components with relative % magnitude > 1% eigenvalue:")
    assert np.loadtxt(directory / "MFPT.to.A").shape == (28, 3)


def test_committor_walks_and_leapfrog(landscape, capsys):
    directory = landscape("TEMPERATURE 0.3\nKMCCOMMIT 4000 1D6 1D-12 1.0 0.2")
    text = capsys.readouterr().out
    expected = reference(directory, 0.3).ab
    walks, relaxed, exact = after(text, "from walks")[0], after(text, "with committors")[0], after(text, "exact ")[0]
    assert after(text, "committors after")[0] < 1e5
    assert walks == pytest.approx(np.exp(expected.ln_knss), rel=0.15)
    assert relaxed == pytest.approx(np.exp(expected.ln_knss), rel=0.1)
    assert exact > 0
    landscape("TEMPERATURE 0.3\nKMC 4000 0.1 0")
    line = capsys.readouterr().out.split("KMC> mean first passage time A<-B")[1].split()
    assert abs(float(line[0]) - np.exp(expected.ln_mfpt)) < 4 * float(line[2])


def test_target_rates(landscape, capsys):
    k = reference(landscape.directory)
    ab, ba = np.exp(k.ab.ln_k), np.exp(k.ba.ln_k)
    landscape(f"TEMPERATURE 0.2\nTARGETRATES {ab:.10e} {ba:.10e}")
    assert "the targets have been reached" in capsys.readouterr().out
    landscape(f"TEMPERATURE 0.2\nTARGETRATES {ab:.10e} {1.2 * ba:.10e} 0.9", EXIT_GOAL_NOT_REACHED)
    assert "not been reached" in capsys.readouterr().out


def test_sets_from_superbasins(landscape, capsys):
    net = network_of(landscape.directory, 0.2)

    def members_at(energy):
        labels = superbasins(net, energy, keep_apart=False)
        return [np.flatnonzero(np.isin(labels, labels[net.sets[name]])) for name in "AB"]

    energy = next(e for e in np.linspace(0.5, 2.0, 301) if len(members_at(e)[0]) > 2)
    members, others = members_at(energy)
    assert not set(members) & set(others)
    directory = landscape(f"TEMPERATURE 0.2\nREGROUP {energy:.6f}\nNGT")
    text = capsys.readouterr().out
    assert len(members) > 2
    assert endpoints.read(directory / "min.A.regrouped") == (members + 1).tolist()
    assert endpoints.read(directory / "min.A.regrouped.resorted") == list(range(1, len(members) + 1))
    # the files are a database with the same rates
    small = directory / "small"
    small.mkdir()
    for name in ("min.data", "ts.data", "min.A", "min.B"):
        (small / name).write_bytes((directory / f"{name}.regrouped.resorted").read_bytes())
    again = reference(small)
    assert after(text, "kSS (A<-B)=")[0] == pytest.approx(np.exp(again.ab.ln_kss), rel=1e-7)
    landscape("TEMPERATURE 0.2\nREGROUP 100.0\nNGT", EXIT_GOAL_NOT_REACHED)
    assert "A and B are in one group" in capsys.readouterr().out


@pytest.mark.parametrize("keyword", ["REGROUPFREE 1.3", "REGROUPPE 0.8", "REGROUPRATE 0.002", "REGROUPFREE 0.9\nONEREGROUP"])
def test_groups(landscape, capsys, keyword):
    directory = landscape(f"TEMPERATURE 0.2\nPLANCK 2.0\nDUMPGROUPS\n{keyword}\nNGT\nDIJKSTRA 0\nWAITPDF\nKMC 200")
    text = capsys.readouterr().out
    labels = np.loadtxt(directory / "minima_groups", dtype=int)[:, 1]
    assert 3 <= labels.max() < 30
    assert not set(labels[:2]) & set(labels[-3:])
    states = np.loadtxt(directory / "ts_groups", dtype=int)
    assert states.shape == (59, 3)
    small = directory / "small"
    small.mkdir()
    for name in ("min.data", "ts.data", "min.A", "min.B"):
        (small / name).write_bytes((directory / f"{name}.regrouped").read_bytes())
    again = reference(small)
    assert after(text, "MFPT(A<-B)=")[0] == pytest.approx(np.exp(again.ab.ln_mfpt), rel=1e-6)
    # detailed balance, and equilibrium of groups: the sums over their minima
    net = network_of(directory, 0.2)
    groups = grouped(net, labels - 1, 0.2, 2.0, float(net.energy.min()))
    share = np.exp(net.ln_occupation())
    np.testing.assert_allclose(np.exp(groups.ln_occupation()), np.bincount(labels - 1, share), rtol=1e-12)
    with Database(directory / "landscape.db", read_only=True) as database:
        committor = database.property("committor_A")
    for group in np.unique(labels):
        assert np.ptp(committor[labels == group]) == 0.0
    column = np.loadtxt(directory / "min.data.regrouped")[:, 6]
    np.testing.assert_allclose(column, np.bincount(labels - 1, share), atol=1e-9)


def test_free_energy_groups_end_where_every_barrier_is_high(landscape):
    net = network_of(landscape.directory, 0.2)
    for limit in (1.0, 3.0, 6.0):
        labels = agglomerate(net, limit)
        groups = grouped(net, labels, 0.2, 1.0, 0.0)
        slower = np.maximum(groups.ln_weight[groups.plus], groups.ln_weight[groups.minus]) - groups.ln_conductance
        kind = np.zeros(groups.n_minima, dtype=int)
        kind[groups.sets["A"]] |= 1
        kind[groups.sets["B"]] |= 2
        apart = (kind[groups.plus] | kind[groups.minus]) == 3
        assert (slower[~apart] >= limit).all()
        assert kind.max() < 3
    assert agglomerate(net, 1e9, keep_apart=False).max() == 0


def test_sets_from_free_energy_groups(landscape, capsys):
    landscape("TEMPERATURE 0.2\nPLANCK 2.0\nREGROUPFREEAB 1.3")
    text = capsys.readouterr().out
    assert after(text, "set A had")[1] >= 2
    assert "files written" in text
    landscape("TEMPERATURE 0.2\nPLANCK 2.0\nREGROUPFREE 9.0\nALLOWAB", EXIT_GOAL_NOT_REACHED)


def test_groups_at_several_temperatures(landscape, capsys):
    directory = landscape("PLANCK 2.0\nRFMULTI 100.0 0.1 0.1 3 5.0")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("rfmulti>")]
    counts = [int(line.split("groups")[0].split()[-1]) for line in lines]
    assert len(counts) == 3
    assert counts[0] > counts[2]
    assert len(min_data.read(directory / "min.data.regrouped.0.20000")["energy"]) == counts[1]
    assert ts_data.read(directory / "ts.data.regrouped.0.30000.resorted", counts[2])["plus"].max() <= counts[2]


def test_density_of_states_and_microcanonical_properties(landscape, capsys):
    directory = landscape.directory
    text = "NOPOINTS\nNATOMS 6\nPLANCK 0.7\nDOS 0.1 50.0 0.02\nMICROTHERM 1.0 30.0 0.06 0.8\nCV 0.7 0.9 0.1\n"
    (directory / "pathdata").write_text(text)
    assert run(directory) == EXIT_DONE
    kt, ln_z, energy, _, capacity = np.loadtxt(directory / "Cv.out").T
    e, ln_w = np.loadtxt(directory / "dos.out").T
    # Z is the Laplace transform of the density of states
    z = np.trapezoid(np.exp(ln_w - e / kt[1]), e)
    assert np.log(z) == pytest.approx(ln_z[1], rel=1e-5)
    e, ln_w, temperature, heat, ln_p = np.loadtxt(directory / "microtherm.out").T
    slope = (ln_w[2:] - ln_w[:-2]) / 0.12
    np.testing.assert_allclose(1 / temperature[1:-1], slope, rtol=1e-2)
    np.testing.assert_allclose(0.12 / (temperature[2:] - temperature[:-2]), heat[1:-1], rtol=1e-2)
    p = np.exp(ln_p)
    assert np.trapezoid(p * e, e) / np.trapezoid(p, e) == pytest.approx(energy[1], rel=1e-2)
    assert "microtherm> canonical at T=" in capsys.readouterr().out
    assert capacity[1] > 11
    (directory / "pathdata").write_text("NOPOINTS\nNATOMS 1\nDOS 0.1 0.2 0.1\n")
    assert run(directory) == EXIT_GOAL_NOT_REACHED


def test_landscape_entropy_and_frustration(landscape):
    directory = landscape("SHANNON 0.0001 1000.0 999.9999 0.0 5")
    _, entropy, number = np.loadtxt(directory / "shannon.out").T
    assert entropy[0] == pytest.approx(0.0, abs=1e-9)
    assert number[0] == pytest.approx(1.0)
    minima = min_data.read(directory / "min.data")
    weight = np.exp(-minima["log_product"] / 2) / minima["order"]
    p = weight / weight.sum()
    assert entropy[1] == pytest.approx(-(p * np.log(p)).sum(), rel=1e-3)
    assert len(np.loadtxt(directory / "minima.occupied")) == 5
    landscape("SHANNONR 0.1 0.5 0.1")
    exact = np.loadtxt(directory / "shannon.out")
    landscape("SHANNONR 0.1 0.5 0.1 0.05 3")
    rough = np.loadtxt(directory / "shannon.out")
    assert (exact[:, 3] >= 1).all()
    assert (rough[:, 3] > exact[:, 3]).all()
    assert (rough[:, 3] < exact[:, 3] + 0.2 / 0.01).all()


def test_slopes_at_a_peak_are_properties(landscape, capsys):
    directory = landscape("CV 0.02 0.5 0.02")
    gain = after(capsys.readouterr().out, "gain occupation:")
    with Database(directory / "landscape.db", read_only=True) as database:
        slope = database.property("cv_slope_1")
    assert slope.argmax() + 1 == int(gain[0])
    assert slope.max() == pytest.approx(gain[2], rel=1e-9)
    assert slope.sum() == pytest.approx(0.0, abs=1e-9)


def test_the_reduced_network_stands_in_for_a_large_one(landscape):
    net = network_of(landscape.directory, 0.02)
    whole, part = passage(net), passage(net, most=20)
    assert part.eliminated > 0
    assert part.ln_mean == pytest.approx(whole.ln_mean, rel=1e-12)
    t = np.exp(whole.ln_mean + whole.ln_unit) * np.array([0.1, 1.0, 3.0])
    scale = np.exp(part.ln_unit - whole.ln_unit)
    np.testing.assert_allclose(part.density(t * scale) * scale, whole.density(t), rtol=1e-3)
