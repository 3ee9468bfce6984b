"""Rates, fastest paths, graph transformation, kinetic Monte Carlo and passage times against exact solutions."""

from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathsample.kinetics import rates
from pathsample.kinetics.dijkstra import fastest_paths, path_first_passage, with_transition_states
from pathsample.kinetics.first_passage import moments, passage
from pathsample.kinetics.graph_transformation import connected_sets, transform
from pathsample.kinetics.k_shortest_paths import k_fastest_paths
from pathsample.kinetics.kinetic_monte_carlo import simulate
from pathsample.kinetics.numbers import g_of_ln
from pathsample.kinetics.rates import canonical, ln_sum, make_network, read_arrays
from tests.pathsample.networks import network, random_network

EXAMPLES = Path(__file__).resolve().parents[2] / "../shared/wales/examples"
LIMITS = [{}, {"panels": False}, {"panels": True}]


def exact_passage_times(net, target, digits):
    """ln of the mean first-passage times by Gaussian elimination in decimal arithmetic, shape (n,)."""
    n = net.n_minima
    with localcontext() as context:
        context.prec = digits
        w = [Decimal(float(x)).exp() for x in net.ln_weight]
        c = [[Decimal(0)] * n for _ in range(n)]
        for i, j, ln_c in zip(net.plus.tolist(), net.minus.tolist(), net.ln_conductance.tolist()):
            value = Decimal(ln_c).exp()
            c[i][j] += value
            c[j][i] += value
        free = [i for i in range(n) if i not in set(np.asarray(target).tolist())]
        rows = [[sum(c[i]) if i == j else -c[i][j] for j in free] + [w[i]] for i in free]
        for k in range(len(free)):
            for r in range(k + 1, len(free)):
                factor = rows[r][k] / rows[k][k]
                if factor:
                    rows[r] = [x - factor * y for x, y in zip(rows[r], rows[k])]
        x = [Decimal(0)] * len(free)
        for k in reversed(range(len(free))):
            tail = sum(rows[k][q] * x[q] for q in range(k + 1, len(free)))
            x[k] = (rows[k][-1] - tail) / rows[k][k]
        out = np.full(n, -np.inf)
        out[free] = [float(value.ln()) for value in x]
    return out


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("spread", [1.0, 40.0, 200.0])
def test_passage_times_are_right_however_ill_conditioned(spread, limits):
    net = random_network(int(spread), spread=spread, ends=(2, 3))
    result = transform(net, **limits)
    for way, name in ((result.ab, "A"), (result.ba, "B")):
        exact = exact_passage_times(net, net.sets[name], 300)
        np.testing.assert_allclose(way.ln_passage_all, exact, atol=1e-11 + 1e-15 * spread)


def test_a_dense_solution_in_double_precision_fails_where_this_does_not():
    net = random_network(40, spread=40.0)
    exact = exact_passage_times(net, net.sets["A"], 300)
    low, high, ln_c = net.merged()
    n = net.n_minima
    matrix = np.zeros((n, n))
    matrix[low, high] = matrix[high, low] = -np.exp(ln_c)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    matrix /= np.exp(net.ln_weight)[:, None]
    assert np.linalg.cond(matrix[1:, 1:]) > 1e16
    dense = np.linalg.solve(matrix[1:, 1:], np.ones(n - 1))
    with np.errstate(invalid="ignore"):
        wrong = np.nanmax(np.abs(np.log(dense) - exact[1:]))
    ours = np.abs(transform(net).ab.ln_passage_all[1:] - exact[1:]).max()
    assert ours < 1e-12
    assert wrong > 1e3 * ours


def test_barriers_of_ten_thousand_kt():
    net = network([0.0, -5000.0, -1e4], [(0, 1), (1, 2)], [-1e4, -3e4], [2], [0])
    result = transform(net)
    # T = w0 (1/c01 + 1/c12) + w1/c12
    assert result.ab.ln_mfpt == pytest.approx(3e4, rel=1e-14)
    # T = w2 (1/c12 + 1/c01) + w1/c01
    assert result.ba.ln_mfpt == pytest.approx(2e4, rel=1e-14)
    assert result.ln_committor_a[1] == pytest.approx(-2e4, rel=1e-14)


@given(st.integers(0, 10**6), st.floats(0.1, 300.0))
@settings(max_examples=25, deadline=None)
def test_detailed_balance_committors_and_permutation(seed, spread):
    net = random_network(seed, n=25, extra=30, spread=spread, ends=(2, 2))
    result = transform(net)
    ln_a, ln_b = (ln_sum(net.ln_weight[net.sets[name]]) for name in "AB")
    assert result.ab.ln_kss + ln_b == pytest.approx(result.ba.ln_kss + ln_a, abs=1e-12 + 1e-14 * spread)
    total = np.exp(result.ln_committor_a) + np.exp(result.ln_committor_b)
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)
    order = np.random.default_rng(seed).permutation(25)
    back = np.argsort(order)
    moved = network(
        net.ln_weight[order],
        np.stack([back[net.plus], back[net.minus]], axis=1),
        net.ln_conductance,
        back[net.sets["A"]],
        back[net.sets["B"]],
    )
    again = transform(moved)
    for name in ("ln_kss", "ln_knss", "ln_k", "ln_mfpt", "ln_slow_sum"):
        assert getattr(again.ab, name) == pytest.approx(getattr(result.ab, name), abs=1e-11 + 1e-14 * spread)
    np.testing.assert_allclose(again.ln_committor_a[back], result.ln_committor_a, atol=1e-10)


def test_birth_death_chain_has_its_closed_form():
    rng = np.random.default_rng(2)
    ln_w, ln_c = -30 * rng.random(12), -20 - 30 * rng.random(11)
    net = network(ln_w, [(k, k + 1) for k in range(11)], ln_c, [11], [0])
    result = transform(net)
    forward = ln_sum([ln_sum(ln_w[: k + 1]) - ln_c[k] for k in range(11)])
    assert result.ab.ln_mfpt == pytest.approx(forward, rel=1e-14)
    out, back = path_first_passage(ln_w, ln_c)
    assert out == pytest.approx(forward, rel=1e-14)
    assert back == pytest.approx(result.ba.ln_mfpt, rel=1e-14)


def test_two_states():
    net = network([0.0, -1.0], [(0, 1)], [-3.0], [1], [0])
    result = transform(net)
    for value in (result.ab.ln_kss, result.ab.ln_knss, result.ab.ln_k, -result.ab.ln_mfpt):
        assert value == pytest.approx(-3.0)
    assert result.ba.ln_k == pytest.approx(-2.0)
    found = passage(net)
    t = np.array([0.1, 1.0, 3.0])
    k = np.exp(-3.0 - found.ln_unit)
    np.testing.assert_allclose(found.density(t), k * np.exp(-k * t), rtol=1e-12)
    np.testing.assert_allclose(found.fraction(t), 1 - np.exp(-k * t), rtol=1e-12)
    assert found.ln_deviation == pytest.approx(found.ln_mean)


def test_monte_carlo_agrees_with_graph_transformation_within_its_error():
    net = random_network(5, spread=3.0, ends=(2, 3))
    exact, steps = transform(net), transform(net, net.ln_escape())
    found = simulate(net, 20000, 7)
    ln_mean, error = found.ln_mean()
    assert abs(np.exp(ln_mean - exact.ab.ln_mfpt) - 1) < 4 * error
    expected = np.exp(steps.ab.ln_mfpt)
    assert abs(found.steps.mean() - expected) < 4 * found.steps.std() / np.sqrt(20000)
    assert set(found.end.tolist()) <= set(net.sets["A"].tolist())
    again = simulate(net, 20000, 7)
    assert np.array_equal(again.ln_time, found.ln_time)
    # the distribution, not only its mean
    found.ln_time.sort()
    pdf = passage(net)
    fraction = pdf.fraction(np.exp(found.ln_time + pdf.ln_unit))
    assert np.abs(fraction - (np.arange(20000) + 0.5) / 20000).max() < 1.63 / np.sqrt(20000)


def test_moments_agree_with_the_eigenvalues_and_the_slowest_mode_is_exact():
    net = random_network(3, spread=2.0, ends=(2, 2))
    found = passage(net)
    lam = found.rates
    assert found.ln_mean == pytest.approx(transform(net).ab.ln_mfpt, rel=1e-12)
    assert found.amplitudes.sum() == pytest.approx(1.0, rel=1e-11)
    assert np.log((found.amplitudes / lam).sum()) - found.ln_unit == pytest.approx(found.ln_mean, abs=1e-10)
    assert np.log(2 * (found.amplitudes / lam**2).sum()) - 2 * found.ln_unit == pytest.approx(found.ln_second, abs=1e-10)
    assert found.slowest_error < 1e-10
    # metastable: the mean is carried by a mode that double precision cannot resolve
    stiff = random_network(8, spread=60.0)
    ln_mean, ln_second, ln_slowest, _ = moments(stiff)
    exact = exact_passage_times(stiff, stiff.sets["A"], 300)[-1]
    assert ln_mean == pytest.approx(exact, abs=1e-12)
    assert ln_second >= 2 * ln_mean
    assert -ln_slowest >= ln_mean - 1e-9


def test_fastest_path_is_the_largest_of_all_paths():
    net = random_network(11, n=8, extra=8, spread=8.0, ends=(2, 2))
    _, _, ln_p = net.ln_branching()
    indptr, indices, _ = net.ln_branching()
    p = {(i, int(indices[k])): ln_p[k] for i in range(8) for k in range(indptr[i], indptr[i + 1])}
    b, a = set(net.sets["B"].tolist()), set(net.sets["A"].tolist())
    share = net.ln_occupation(net.sets["B"]) - net.ln_waiting_times()[net.sets["B"]]
    every = []

    def walk(chain, value):
        if chain[-1] in a:
            every.append((value, chain[::-1]))
            return
        for j in range(8):
            if (chain[-1], j) in p and j not in chain and j not in b:
                walk([*chain, j], value + p[chain[-1], j])

    for k, source in enumerate(net.sets["B"].tolist()):
        walk([source], share[k])
    every.sort(key=lambda item: -item[0])
    best = fastest_paths(net)[0]
    assert best.minima == every[0][1]
    assert best.ln_rate == pytest.approx(every[0][0], rel=1e-12)
    found = k_fastest_paths(net, len(every) + 5)
    assert len(found) == len(every)
    np.testing.assert_allclose([path.ln_rate for path in found], [value for value, _ in every], rtol=1e-12)
    assert [path.minima for path in found[:5]] == [chain for _, chain in every[:5]]


def test_pruning_is_iterated_and_spares_the_sets():
    minima = {"energy": np.zeros(6), "log_product": np.zeros(6), "order": np.ones(6, dtype=int)}
    plus, minus = np.array([1, 2, 3, 4, 5, 2]), np.array([2, 3, 4, 5, 5, 4])
    states = {"energy": np.ones(6), "log_product": np.zeros(6), "order": np.ones(6, int), "plus": plus, "minus": minus}
    weights = canonical(minima, states, 1.0)
    net = make_network(minima, states, {"A": [1], "B": [3]}, *weights)
    assert net.used.tolist() == [True] * 5 + [False]
    assert net.ts.tolist() == [1, 2, 3, 4, 6]
    net = make_network(minima, states, {"A": [1], "B": [3]}, *weights, min_connections=1)
    assert net.used.tolist() == [True, True, True, True, False, False]
    net = make_network(minima, states, {"A": [], "B": [3]}, *weights, min_connections=1)
    assert net.used.tolist() == [False, True, True, True, False, False]


def test_members_without_a_path_are_left_out():
    net = network(np.zeros(6), [(0, 1), (1, 2), (3, 4)], np.zeros(3), [0, 3], [2, 5])
    trimmed, left_out = connected_sets(net)
    assert left_out == 2
    assert trimmed.sets["A"].tolist() == [0]
    assert trimmed.sets["B"].tolist() == [2]
    with pytest.raises(ValueError, match="not connected"):
        transform(net)


def test_microcanonical_rates_approach_canonical_ones():
    minima = {"energy": np.array([0.0, 0.3]), "log_product": np.array([1.0, 2.0]), "order": np.array([1, 2])}
    states = {"energy": np.array([1.0]), "log_product": np.array([0.5]), "order": np.array([1])}
    kappa, kt = 10**7, 0.5
    w, c = rates.microcanonical(minima, states, kappa * kt, kappa)
    w1, c1 = canonical(minima, states, kt)
    np.testing.assert_allclose(c - w, c1 - w1, atol=1e-5)
    w, c = rates.microcanonical(minima, states, 0.9, 4)
    assert c[0] == -np.inf
    w, c = rates.microcanonical(minima, states, 2.0, 4)
    # k = h_i/(2 pi h_ts) exp((L_i - L_ts)/2) ((E - E_ts)/(E - E_i))^(kappa - 1)
    assert np.exp(c - w[1])[0] == pytest.approx(2 / (2 * np.pi) * np.exp(0.75) * (1.0 / 1.7) ** 3, rel=1e-9)


@pytest.mark.parametrize(
    ("ln_value", "arguments", "text"),
    [
        (0.0, (20, 10), "     1.000000000    "),
        (np.log(10.0) * 400, (20, 10, 4), "  0.1000000000E+0401"),
        (-np.log(10.0) * 400, (20, 10), "    0.1000000000-399"),
        (-np.inf, (20, 10, 4), "   0.000000000      "),
        (np.log(10.0) * 1500, (20, 10), "  0.1000000000E+1501"),
    ],
)
def test_numbers_beyond_double_precision(ln_value, arguments, text):
    assert g_of_ln(ln_value, *arguments) == text


@pytest.mark.skipif(not EXAMPLES.exists(), reason="reference examples are not here")
class TestExamples:
    def test_waiting_times_agree_in_every_digit(self):
        minima, states, sets = read_arrays(EXAMPLES / "KMC_waiting")
        net = make_network(minima, states, sets, *canonical(minima, states, 5.0))
        lines = (EXAMPLES / "KMC_waiting/expected/waiting.times").read_text().splitlines()
        ours = [f"{k:8d}{g_of_ln(value)}".rstrip() for k, value in enumerate(net.ln_waiting_times(), 1)]
        assert ours == [line.rstrip() for line in lines]

    def test_fastest_path_of_lj38(self):
        minima, states, sets = read_arrays(EXAMPLES / "LJ38_04_pathsample/expected")
        net = make_network(minima, states, sets, *canonical(minima, states, 0.1))
        best = with_transition_states(net, fastest_paths(net)[0])
        assert [m + 1 for m in best.minima] == [2, 1, 4, 3, 12, 6, 10, 9, 8]
        assert g_of_ln(best.ln_rate).strip() == "0.1078101912E-17"
        back, forth = path_first_passage(net.ln_weight[best.minima], best.ln_conductance)
        assert g_of_ln(forth).strip() == "0.6445304551E+15"
        assert g_of_ln(back).strip() == "0.8287945950E+16"
