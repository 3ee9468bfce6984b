"""Every kinetic method against exact solutions of small Markov chains in 50-digit arithmetic (more where cancellation asks)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathsample.kinetics.first_passage import moments, passage
from pathsample.kinetics.graph_transformation import transform
from pathsample.kinetics.kinetic_monte_carlo import simulate
from pathsample.kinetics.reduction import reduce
from pathsample.kinetics.spectrum import slowest_rates, spectrum
from tests.pathsample.networks import network, random_network

mpmath = pytest.importorskip("mpmath")


def communities(seed=0, size=5, count=4, inside=2.0, between=45.0):
    """Metastable communities: fast rates inside, one slow link between neighbours; A in the first, B in the last."""
    rng = np.random.default_rng(seed)
    edges, ln_c = [], []
    for k in range(count):
        first = k * size
        for i in range(1, size):
            edges.append((first + i, first + int(rng.integers(i))))
            ln_c.append(-inside * (1 + rng.random()))
        edges.append((first, first + size - 1))
        ln_c.append(-inside)
        if k:
            edges.append((first - int(rng.integers(1, size)), first + int(rng.integers(size))))
            ln_c.append(-between * (0.8 + 0.2 * rng.random()))
    n = size * count
    weights = np.where(np.arange(n) % size == 0, -rng.random(n), -6 - 4 * rng.random(n))
    return network(weights, edges, ln_c, [0, 1], [n - 2, n - 1])


class Exact:
    """A network as matrices of mpmath."""

    def __init__(self, net, digits):
        self.net, self.digits = net, digits
        with mpmath.workdps(digits):
            n = net.n_minima
            self.w = [mpmath.exp(mpmath.mpf(float(x))) for x in net.ln_weight]
            self.c = mpmath.matrix(n, n)
            for i, j, ln_c in zip(net.plus.tolist(), net.minus.tolist(), net.ln_conductance.tolist()):
                value = mpmath.exp(mpmath.mpf(ln_c))
                for a, b, sign in ((i, j, -1), (j, i, -1), (i, i, 1), (j, j, 1)):
                    self.c[a, b] += sign * value

    def free(self, target):
        gone = set(np.asarray(target).tolist())
        return [i for i in range(self.net.n_minima) if i not in gone]

    def block(self, rows, columns):
        part = mpmath.matrix(len(rows), len(columns))
        for a, i in enumerate(rows):
            for b, j in enumerate(columns):
                part[a, b] = self.c[i, j]
        return part

    def ln_times(self, target):
        """ln of the mean first-passage times of the minima outside the target."""
        with mpmath.workdps(self.digits):
            free = self.free(target)
            x = mpmath.lu_solve(self.block(free, free), mpmath.matrix([self.w[i] for i in free]))
            return free, np.array([float(mpmath.log(value)) for value in x])

    def ln_committors(self, target, other):
        """ln of the probabilities to reach the target before the other set, of the minima outside both."""
        with mpmath.workdps(self.digits):
            ends = np.asarray(target).tolist()
            free = self.free([*ends, *np.asarray(other).tolist()])
            into = mpmath.matrix([-sum(self.c[i, j] for j in ends) for i in free])
            x = mpmath.lu_solve(self.block(free, free), into)
            return free, np.array([float(mpmath.log(value)) for value in x])

    def modes(self, target):
        """Eigenvalues and eigenvectors of the symmetrised matrix."""
        free = self.free(target)
        half = [mpmath.sqrt(self.w[i]) for i in free]
        s = self.block(free, free)
        for a in range(len(free)):
            for b in range(len(free)):
                s[a, b] /= half[a] * half[b]
        return free, half, *mpmath.eigsy(s)

    def log_densities(self, target, sources, ys):
        """t p(t) at t = exp(y)."""
        with mpmath.workdps(self.digits):
            free, half, values, vectors = self.modes(target)
            at = [free.index(i) for i in np.asarray(sources).tolist()]
            norm = sum(half[a] ** 2 for a in at)
            size = range(len(free))
            amplitudes = [
                sum(half[a] * vectors[a, k] for a in at) / norm * sum(half[a] * vectors[a, k] for a in size) for k in size
            ]
            out = []
            for y in ys:
                t = mpmath.exp(mpmath.mpf(float(y)))
                out.append(float(t * sum(a * e * mpmath.exp(-e * t) for a, e in zip(amplitudes, values))))
            return np.array(out)


@given(st.integers(0, 10**6), st.floats(0.5, 20.0))
@settings(max_examples=8, deadline=None)
def test_methods_agree_with_fifty_digits(seed, spread):
    net = random_network(seed, n=12, extra=10, spread=spread, ends=(2, 2))
    exact, result = Exact(net, 50), transform(net)
    for way, target, other, ln_committor in (
        (result.ab, "A", "B", result.ln_committor_a),
        (result.ba, "B", "A", result.ln_committor_b),
    ):
        free, times = exact.ln_times(net.sets[target])
        np.testing.assert_allclose(way.ln_passage_all[free], times, atol=1e-12)
        inner, values = exact.ln_committors(net.sets[target], net.sets[other])
        np.testing.assert_allclose(ln_committor[inner], values, atol=1e-12)
        ln_mean, *_ = moments(net, target, other)
        assert ln_mean == pytest.approx(way.ln_mfpt, abs=1e-12)
        found = passage(net, target, other)
        y = np.linspace(-found.ln_unit - 1, ln_mean + 2, 15)
        t = np.exp(y + found.ln_unit)
        densities = exact.log_densities(net.sets[target], net.sets[other], y)
        np.testing.assert_allclose(t * found.density(t), densities, atol=1e-9)
    # partial graph transformation keeps times and committors
    kept = np.union1d([3, 5], np.concatenate([net.sets["A"], net.sets["B"]]))
    nodes, low, high, ln_c, ln_mass, _ = reduce(net, kept)
    place = {int(m): k for k, m in enumerate(nodes.tolist())}
    sets = [[place[int(m)] for m in net.sets[name]] for name in "AB"]
    small = transform(network(ln_mass, list(zip(low, high)), ln_c, *sets))
    np.testing.assert_allclose(small.ab.ln_passage_all, result.ab.ln_passage_all[nodes], atol=1e-12)
    np.testing.assert_allclose(small.ln_committor_b, result.ln_committor_b[nodes], atol=1e-12)


def test_metastable_communities_with_a_condition_number_beyond_double_precision():
    net = communities()
    exact, result = Exact(net, 90), transform(net)
    free, times = exact.ln_times(net.sets["A"])
    np.testing.assert_allclose(result.ab.ln_passage_all[free], times, atol=1e-12)
    inner, values = exact.ln_committors(net.sets["A"], net.sets["B"])
    np.testing.assert_allclose(result.ln_committor_a[inner], values, atol=1e-12)
    with mpmath.workdps(90):
        _, _, eigenvalues, _ = exact.modes(net.sets["A"])
        ln_exact = np.array([float(mpmath.log(value)) for value in eigenvalues])
    assert ln_exact[-1] - ln_exact[0] > np.log(1e16)
    found = passage(net)
    np.testing.assert_allclose(np.log(found.rates) + found.ln_unit, ln_exact, atol=1e-12)
    y = np.linspace(-found.ln_unit - 2, found.ln_mean + 2, 60)
    t = np.exp(y + found.ln_unit)
    densities = exact.log_densities(net.sets["A"], net.sets["B"], y)
    np.testing.assert_allclose(t * found.density(t), densities, atol=1e-12)
    large = densities > 1e-3 * densities.max()
    np.testing.assert_allclose((t * found.density(t))[large], densities[large], rtol=1e-8)


def test_eigenvalues_without_a_target():
    for net in (communities(1), random_network(4, n=18, extra=12, spread=40.0)):
        exact = Exact(net, 70)
        with mpmath.workdps(70):
            _, _, values, _ = exact.modes([])
            ln_exact = np.array([float(mpmath.log(abs(value))) for value in values])[1:]
        low, high, ln_c = net.merged()
        found = spectrum(net.n_minima, low, high, ln_c, net.ln_weight)
        np.testing.assert_allclose(np.log(found.rates[1:]) + found.ln_unit, ln_exact, atol=1e-12)
        slow = slowest_rates(net, np.arange(net.n_minima), 4)
        assert len(slow) >= 3
        np.testing.assert_allclose(slow, ln_exact[: len(slow)], atol=1e-9)
        identity = found.vectors.T @ found.vectors
        np.testing.assert_allclose(identity, np.eye(net.n_minima), atol=1e-12)


def test_leapfrog_moves_cross_traps_that_single_steps_do_not_leave():
    # 1 and 2 exchange 1e12 times before they are left
    net = network([0.0, 0.0, -1.0, 0.0], [(0, 1), (1, 2), (2, 3)], [-28.0, 0.0, -28.5], [3], [0])
    exact, steps = transform(net), transform(net, net.ln_escape())
    found = simulate(net, 4000, 3, threshold=0.5)
    ln_mean, error = found.ln_mean()
    assert abs(np.exp(ln_mean - exact.ab.ln_mfpt) - 1) < 4 * error
    assert np.exp(steps.ab.ln_mfpt) > 1e12
    assert abs(found.steps.mean() / np.exp(steps.ab.ln_mfpt) - 1) < 4 * found.steps.std() / found.steps.mean() / np.sqrt(4000)
    _, times = Exact(net, 50).ln_times([3])
    assert exact.ab.ln_mfpt == pytest.approx(times[0], abs=1e-13)
