"""Paths drawn by undoing an elimination against walks of single steps and exact distributions."""

import numpy as np
import pytest

from pathsample.kinetics import path_sampling, trajectories
from pathsample.kinetics.first_passage import passage
from pathsample.kinetics.graph_transformation import transform
from pathsample.kinetics.kinetic_monte_carlo import simulate
from pathsample.kinetics.path_sampling import poisson, sample_paths, split
from tests.pathsample.networks import after, network, random_network
from tests.pathsample.test_exact_chains import communities

RUNS = 4000


def distance(net, found):
    """Kolmogorov-Smirnov distance of the first-passage times and their exact distribution, times the root of their number."""
    pdf = passage(net)
    fraction = pdf.fraction(np.exp(np.sort(found.ln_time) + pdf.ln_unit))
    n = len(found.ln_time)
    return np.abs(fraction - (np.arange(n) + 0.5) / n).max() * np.sqrt(n)


@pytest.mark.parametrize("net", [random_network(5, spread=3.0, ends=(2, 3)), random_network(2, spread=60.0), communities(3)])
def test_times_and_steps_have_the_exact_distribution(net):
    exact, counted = transform(net), transform(net, net.ln_escape())
    found = sample_paths(net, RUNS, 7)
    ln_mean, error = found.ln_mean()
    assert abs(np.exp(ln_mean - exact.ab.ln_mfpt) - 1) < 4 * error
    ratio = found.steps / np.exp(counted.ab.ln_mfpt)
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(RUNS)
    assert distance(net, found) < 1.63
    assert set(found.end.tolist()) <= set(net.sets["A"].tolist())
    assert set(found.start.tolist()) <= set(net.sets["B"].tolist())


def test_they_are_the_paths_of_single_steps():
    net = random_network(1, spread=1.0, ends=(3, 2))
    one, two = sample_paths(net, RUNS, 1), simulate(net, RUNS, 2)
    for end in net.sets["A"].tolist():
        p = np.mean(one.end == end), np.mean(two.end == end)
        assert abs(p[0] - p[1]) < 4 * np.sqrt(0.5 / RUNS)
    for start in net.sets["B"].tolist():
        ours, theirs = one.steps[one.start == start], two.steps[two.start == start]
        error = np.hypot(ours.std() / np.sqrt(len(ours)), theirs.std() / np.sqrt(len(theirs)))
        assert abs(ours.mean() - theirs.mean()) < 4 * error
    # numbers of steps are whole, and a chain without a detour has the least of them
    assert np.array_equal(one.steps, np.rint(one.steps))
    direct = sample_paths(network([0.0, 0.0], [(0, 1)], [-3.0], [0], [1]), 100, 3)
    assert (direct.steps == 1).all()


def test_counts_of_any_size_are_split_without_losing_the_small_part():
    rng = np.random.default_rng(0)
    count = np.full(2000, 1e20)
    part, other = split(rng, count, np.array(1.0), np.array(3e-19))
    assert np.mean(other) == pytest.approx(30.0, abs=1.0)
    assert (part <= count).all()
    part, _ = split(rng, np.full(2000, 40.0), np.array(0.25), np.array(0.75))
    assert np.mean(part) == pytest.approx(10.0, abs=0.3)
    assert np.std(poisson(rng, np.full(2000, 1e14))) == pytest.approx(1e7, rel=0.1)


def test_too_large_a_network_is_refused(monkeypatch):
    monkeypatch.setattr(path_sampling, "MOST_PRODUCTS", 10)
    with pytest.raises(ValueError, match="too many connections"):
        sample_paths(random_network(0), 1, 0)


def test_program_draws_paths_where_steps_would_not_end(landscape, capsys):
    landscape("TEMPERATURE 0.02\nKMC 400 1.0 0\nDEBUG")
    text = capsys.readouterr().out
    assert "numbers of visits are drawn" in text
    mean, _, error = text.split("mean first passage time A<-B")[1].split()[:3]
    exact = after(text, "steps; exact ")[0]
    assert abs(float(mean) - exact) < 4 * float(error)
    assert text.count("hit in") == 400
    assert trajectories.TOO_MANY_STEPS > 1e8
    landscape("TEMPERATURE 0.5\nKMC 10 1.0 0")
    assert "are drawn" not in capsys.readouterr().out
