"""Pictures of a run, and the numbers on them."""

import subprocess
import sys

import numpy as np
import pytest
from gmin_inputs import EXAMPLES, LJ13, ROOT

from common.errors import InputError
from gmin.mean_first_encounter import draw, mean_interval, statistics
from gmin.plot import energy_tolerance, hit_counts, plot, read_quenches, sensible_energies, unseen


def test_counts_of_minima():
    energies, counts = hit_counts(np.array([-1.0, -3.0, -1.0 + 1e-5, -2.0, -3.0 - 1e-5, -3.0]), 1e-4)
    assert energies == pytest.approx([-3.0, -2.0, -1.0], abs=2e-5)
    assert counts.tolist() == [3, 1, 2]


@pytest.mark.parametrize("share", [0.1, 0.6, 0.8, 1.0])
def test_minima_above_one_that_has_most_quenches_are_counted(share):
    # 100 quenches, some to the lowest minimum (a little apart), the others to minima of their own; two flew apart
    k = int(100 * share)
    energies = np.concatenate([-44.3 + 1e-8 * np.arange(k), -41.0 + 0.02 * np.arange(100 - k), [1e6, np.inf]])
    shown = sensible_energies(energies, 1e-6)
    assert shown[:100].all()
    assert not shown[101]
    assert not shown[100] or share == 1.0
    assert len(hit_counts(energies[:100], 1e-6)[0]) == 101 - k
    assert not sensible_energies(np.array([np.nan, np.inf]), 1e-6).any()


def test_estimates_of_what_is_unseen():
    # Good-Turing and Chao by hand: f1 = 3, f2 = 1, n = 9
    chance, total = unseen([4, 2, 1, 1, 1])
    assert chance == pytest.approx(3 / 9)
    assert total == pytest.approx(5 + 3 * 2 / (2 * 2))
    # everything met many times: nothing is missing
    assert unseen([10, 20, 30]) == (0.0, 3.0)
    # a population of known size
    rng = np.random.default_rng(1)
    counts = np.bincount(rng.integers(0, 500, 600), minlength=500)
    chance, total = unseen(counts[counts > 0])
    assert chance == pytest.approx((counts == 0).mean(), abs=0.06)
    assert total == pytest.approx(500, rel=0.15)


def test_picture_of_a_run(lj13, lines_of, monkeypatch):
    directory = lj13("NODATABASE\n")
    lines_of(directory)
    q = read_quenches(directory / "output")
    assert q.number.tolist() == list(range(201))
    assert (q.walker == 1).all()
    monkeypatch.chdir(directory)
    lines = plot()
    assert lines[0].startswith("201 quenches of 1 walker(s), lowest energy -44.32680")
    assert (directory / "gmin.png").read_bytes().startswith(b"\x89PNG")


def test_picture_of_several_walkers(lj13, lines_of, tmp_path):
    directory = lj13("NODATABASE\nPARALLEL 3\n", data=LJ13.replace("STEPS 200", "STEPS 40"))
    lines_of(directory)
    q = read_quenches(directory / "output")
    assert np.bincount(q.walker).tolist() == [0, 41, 41, 41]
    assert plot(directory / "output", tmp_path / "p.png")[0].startswith("123 quenches of 3 walker(s)")
    assert (tmp_path / "p.png").exists()


def test_plot_on_the_command_line(lj13, lines_of):
    directory = lj13("NODATABASE\n", data=LJ13.replace("STEPS 200", "STEPS 30"))
    command = [sys.executable, "-m", "gmin.cli", "-C", str(directory), "--plot"]
    missing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert missing.returncode == 2
    assert "output: No such file" in missing.stderr
    lines_of(directory)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert "Good-Turing" in done.stdout
    assert (directory / "gmin.png").exists()


def test_a_file_without_quenches_is_refused(tmp_path):
    (tmp_path / "output").write_text("nothing\n")
    with pytest.raises(InputError, match="no line 'Qu"):
        read_quenches(tmp_path / "output")


@pytest.mark.skipif(not EXAMPLES.exists(), reason="needs the reference examples beside the project")
def test_the_example_output_is_read():
    q = read_quenches(EXAMPLES / "LJ38_01_gmin/expected/output")
    assert len(q.energy) == 5001
    assert q.energy.min() == pytest.approx(-173.9284204)
    _, counts = hit_counts(q.energy, energy_tolerance(q.rms))
    assert counts.sum() == 5001
    assert counts[0] >= 2


def test_statistics_of_first_encounters():
    results = [(True, 100, 13000, 0.2), (True, 300, 41000, 0.6), (True, 200, 27000, 0.4)]
    lines = statistics(results, [values for _, *values in results])
    assert lines[0] == "MFET> 3 of 3 starts hit the target"
    assert lines[1] == "mu/sig of t, Q, V  are          0.40         0.20       200.00       100.00     27000.00     14000.00"
    assert any(line.startswith("MFET> quenches: mean 200.00, 95 % interval of the mean 1") for line in lines)
    # starts that missed count with what they spent
    results.append((False, 600, 80000, 1.0))
    lines = statistics(results, [values for hit, *values in results if hit])
    assert "400.00 quenches were spent per hit" in lines[-1]


def test_interval_of_the_mean_holds_the_mean():
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(60):
        low, high = mean_interval(rng.exponential(size=60))
        inside += low < 1.0 < high
    assert inside >= 50


def test_picture_of_first_encounters(tmp_path):
    draw(tmp_path / "hits.png", np.random.default_rng(0).exponential(2500.0, 100))
    assert (tmp_path / "hits.png").read_bytes().startswith(b"\x89PNG")
