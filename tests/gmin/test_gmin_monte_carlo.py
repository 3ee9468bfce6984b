"""Monte Carlo with exchange against exact canonical averages."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.integrate import quad

from gmin._exchange import INDEPENDENT, SETS, SINGLE, Exchange, metropolis_exchange
from gmin._monte_carlo import Replicas
from gmin.monte_carlo import inside
from gmin.reweighting import bin_centres, moments_curve, wham_curve
from gmin.tempering import MonteCarloSettings, geometric_ladder
from potentials.callable import CallablePotential
from potentials.lj import LennardJones
from potentials.symmetry.sphere import Sphere


def settings(steps, energy_range, n_bins=200, **others):
    return MonteCarloSettings(
        n_equilibration=steps // 10, n_plain=steps, n_quench=0, energy_range=energy_range, n_bins=n_bins,
        quench_range=(0.0, 1.0), n_quench_bins=1, **others,
    )  # fmt: skip


def sample(make_potential, start, temperatures, mc, threads=1, scheme=SETS, rate=0.1, at_random=False, seed=1):
    """Replicas at the end of a run."""
    generators = [np.random.PCG64([seed, k]) for k in range(len(temperatures))]
    exchange = Exchange(np.random.PCG64(seed), 1.0 / np.array(temperatures), scheme, rate, at_random)
    potentials = [make_potential() for _ in range(threads)]
    replicas = Replicas(potentials, generators, temperatures, exchange, [start] * len(temperatures), mc)
    with ThreadPoolExecutor(threads) as pool:
        replicas.advance(mc.n_steps // 3, pool)
        replicas.advance(mc.n_steps, pool)
    assert replicas.done == mc.n_steps
    return replicas


def averages(replicas, mc, temperatures):
    return moments_curve(replicas.energy_moments, mc.energy_range[0], temperatures)


def agrees(value, error, exact):
    """Within four standard errors, which are themselves no larger than 5 per cent of the largest value."""
    assert (np.abs(value - exact) < 4.0 * error).all(), (value, error, exact)
    assert error.max() < 0.05 * np.abs(exact).max(), (error, exact)


def test_harmonic_oscillator():
    temperatures, mc = (0.5, 1.0, 2.0), settings(20000, (0.0, 40.0), step=1.0)
    replicas = sample(lambda: CallablePotential(lambda x: (float(x @ x), 2.0 * x), 3), np.zeros(3), temperatures, mc)
    curve = averages(replicas, mc, temperatures)
    # equipartition: T/2 for each of three variables
    agrees(curve.energy, curve.energy_error, 1.5 * np.array(temperatures))
    assert np.abs(curve.heat_capacity - 1.5).max() < 0.2
    ratio = replicas.counts["accepted"] / replicas.counts["tried"]
    assert (np.abs(ratio - 0.5) < 0.1).all()


def double_well(x):
    return float(4.0 * (x[0] ** 2 - 1.0) ** 2 + 0.5 * x[0]), np.array([16.0 * x[0] * (x[0] ** 2 - 1.0) + 0.5])


def test_double_well_that_the_coldest_replica_alone_cannot_cross():
    temperatures, mc = geometric_ladder(0.1, 4.0, 5), settings(20000, (-1.0, 79.0), n_bins=1600, step=0.5)
    replicas = sample(lambda: CallablePotential(double_well, 1), np.ones(1), temperatures, mc, at_random=True, rate=0.5)
    curve = averages(replicas, mc, temperatures)

    def exact(t, power):
        z = quad(lambda x: np.exp(-double_well([x])[0] / t), -4, 4, points=[-1, 1])[0]
        return quad(lambda x: double_well([x])[0] ** power * np.exp(-double_well([x])[0] / t), -4, 4, points=[-1, 1])[0] / z

    agrees(curve.energy, curve.energy_error, np.array([exact(t, 1) for t in temperatures]))
    assert replicas.exchange.round_trips > 20
    between = np.array([0.15, 0.7, 3.0])
    _, curve = wham_curve(replicas.histogram, 1.0 / np.array(temperatures), bin_centres(-1.0, 79.0, 1600), between)
    agrees(curve.energy, curve.energy_error + 1e-3, np.array([exact(t, 1) for t in between]))
    capacity = np.array([(exact(t, 2) - exact(t, 1) ** 2) / t**2 for t in between])
    assert (np.abs(curve.heat_capacity - capacity) < 4.0 * curve.heat_capacity_error).all()


@pytest.mark.parametrize("pairs", [True, False])
def test_two_atoms_in_a_container(pairs):
    radius, temperatures = 1.5, (0.3, 0.6, 1.2)
    mc = settings(150000 if pairs else 300000, (-1.0, 20.0), n_atoms=2, pairs=pairs, radius=radius, step=0.3)
    replicas = sample(lambda: LennardJones(2, radius=radius), np.array([0.0, 0, -0.6, 0, 0, 0.6]), temperatures, mc)

    def energy(r):
        return 4.0 * (r**-12 - r**-6)

    def density(r):
        # of the distance of two random points in a sphere (Deltheil 1926)
        return r * r * (1.0 - 0.75 * r / radius + r**3 / (16.0 * radius**3))

    def exact(t):
        top = quad(lambda r: energy(r) * density(r) * np.exp(-energy(r) / t), 0.6, 2 * radius, limit=200)[0]
        return top / quad(lambda r: density(r) * np.exp(-energy(r) / t), 0.6, 2 * radius, limit=200)[0]

    curve = averages(replicas, mc, temperatures)
    agrees(curve.energy, curve.energy_error, np.array([exact(t) for t in temperatures]))
    assert all(np.linalg.norm(replicas.configuration(k).reshape(-1, 3), axis=1).max() <= radius for k in range(3))
    assert (replicas.counts["outside"] > 0).all()


def test_sweeps_and_moves_of_all_variables_agree():
    temperatures, start = (0.25, 0.4), np.array([0.0, 0, 0, 1.1, 0, 0, 0.5, 1, 0])
    curves = []
    for pairs, steps in ((True, 60000), (False, 200000)):
        mc = settings(steps, (-3.1, 20.0), n_atoms=3, pairs=pairs, radius=1.6, step=0.2)
        curves.append(averages(sample(lambda: LennardJones(3, radius=1.6), start, temperatures, mc), mc, temperatures))
    error = np.hypot(curves[0].energy_error, curves[1].energy_error)
    assert (np.abs(curves[0].energy - curves[1].energy) < 4.0 * error).all()
    assert (error < 0.05).all()


def test_energy_of_sweeps_is_that_of_the_potential():
    mc = settings(1037, (-50.0, 20.0), n_atoms=13, pairs=True, radius=2.5, step=0.1)
    start = inside(LennardJones(13).random_coordinates(np.random.default_rng(3)), 2.5)
    replicas = sample(lambda: LennardJones(13), start, (0.2, 0.3), mc)
    for k, e in enumerate(replicas.energies):
        assert e == pytest.approx(LennardJones(13).energy(replicas.configuration(k)), abs=1e-9)
        lowest, x = replicas.lowest(k)
        assert LennardJones(13).energy(x) == pytest.approx(lowest, abs=1e-7)
        assert lowest <= e


def test_sphere():
    # a dipole in a field: the Langevin function
    def dipole(x):
        return float(-x[2] * 3.0 / np.linalg.norm(x)), np.zeros(3)

    temperatures, mc = (0.8, 2.0), settings(20000, (-3.0, 3.0), step=1.0)
    replicas = sample(lambda: CallablePotential(dipole, 3, symmetry=Sphere(2.0)), np.array([0, 0, 2.0]), temperatures, mc)
    assert np.linalg.norm(replicas.configuration(0)) == pytest.approx(2.0)
    curve = averages(replicas, mc, temperatures)
    a = 3.0 / np.array(temperatures)
    agrees(curve.energy, curve.energy_error, -3.0 * (1.0 / np.tanh(a) - 1.0 / a))


def test_frozen_variables_stay():
    mc = settings(200, (0.0, 40.0), step=1.0, frozen=(1,))
    potential = CallablePotential(lambda x: (float(x @ x), 2.0 * x), 3)
    replicas = sample(lambda: potential, np.array([0.1, 0.7, 0.1]), (0.5, 1.0), mc)
    for k in range(2):
        x = replicas.configuration(k)
        assert x[1] == 0.7
        assert x[0] != 0.1
    mc = settings(200, (-10.0, 40.0), n_atoms=3, pairs=True, radius=3.0, step=0.1, frozen=(0, 1, 2))
    start = np.array([0.0, 0, 0, 1.1, 0, 0, 0.5, 1, 0])
    assert (sample(lambda: LennardJones(3), start, (0.2, 0.3), mc).configuration(1)[:3] == 0.0).all()


def test_result_does_not_depend_on_the_number_of_threads():
    temperatures = geometric_ladder(0.15, 0.4, 5)
    mc = settings(3000, (-50.0, 20.0), n_atoms=13, pairs=True, radius=2.5, step=0.1)
    start = inside(LennardJones(13).random_coordinates(np.random.default_rng(3)), 2.5)
    results = [sample(lambda: LennardJones(13), start, temperatures, mc, threads) for threads in (1, 2)]
    first = results[0].arrays()
    for other in results[1:]:
        for name, a in other.arrays().items():
            assert np.array_equal(a, first[name]), name
        assert other.exchange.round_trips == results[0].exchange.round_trips


def test_start_is_put_into_the_container():
    x = np.array([[5.0, 0, 0], [6.0, 0, 0], [9.0, 0, 0]])
    y = inside(x.ravel(), 2.0).reshape(-1, 3)
    assert (np.linalg.norm(y, axis=1) < 2.0).all()
    assert np.allclose(y[0], x[0] - x.mean(axis=0))
    assert np.allclose(inside(x.ravel(), 10.0), x.ravel())


# ---------------------------------------------------------------------------------------------------------- exchange


@pytest.mark.parametrize("scheme", [SINGLE, SETS, INDEPENDENT])
def test_exchanges_leave_the_joint_distribution_as_it_is(scheme):
    beta, energies = np.array([2.0, 1.2, 0.7, 0.5]), np.array([0.3, 1.0, -0.2, 0.9])
    exchange = Exchange(np.random.PCG64(2), beta, scheme, 1.0, False)
    count = dict.fromkeys(itertools.permutations(range(4)), 0)
    n = 40000
    for k in range(n):
        exchange.exchange(k, energies)
        count[tuple(exchange.state_of.tolist())] += 1
    weight = {order: np.exp(-beta @ energies[list(order)]) for order in count}
    total = sum(weight.values())
    for order, visits in count.items():
        # successive states are correlated, up to some ten exchanges
        assert visits / n == pytest.approx(weight[order] / total, abs=0.015)


def test_probability_of_a_swap():
    # exp((1/1 - 1/2)(-3 - -2))
    assert metropolis_exchange(1.0, 0.5, -3.0, -2.0) == pytest.approx(np.exp(-0.5))
    assert metropolis_exchange(1.0, 0.5, -2.0, -3.0) == 1.0
    # detailed balance: the ratio of the two ways is that of the weights of the two states
    there, back = metropolis_exchange(1.3, 0.4, 0.2, 0.9), metropolis_exchange(1.3, 0.4, 0.9, 0.2)
    assert there / back == pytest.approx(np.exp(-(1.3 * 0.9 + 0.4 * 0.2)) / np.exp(-(1.3 * 0.2 + 0.4 * 0.9)))


def test_when_exchanges_come():
    regular = Exchange(np.random.PCG64(1), [1.0, 0.5], SINGLE, 0.3, False)
    assert regular.next_step == 3
    random = Exchange(np.random.PCG64(1), [1.0, 0.5], SINGLE, 0.3, True)
    gaps, step = [], 0
    for _ in range(4000):
        gaps.append(random.next_step - step)
        step = random.next_step
        random.exchange(step, np.zeros(2))
    assert min(gaps) == 1
    assert np.mean(gaps) == pytest.approx(1.0 / 0.3, rel=0.06)


def test_round_trips_are_counted():
    exchange = Exchange(np.random.PCG64(1), [1.0, 0.5, 0.2], SETS, 1.0, False)
    for k in range(400):
        exchange.exchange(k, np.zeros(3))
    # without an energy every swap is accepted: a round trip takes six exchanges of each configuration
    assert exchange.round_trips == pytest.approx(3 * 400 / 6, abs=6)
    assert (exchange.accepted == exchange.tried).all()


def test_ladder():
    ladder = geometric_ladder(0.1, 0.8, 4)
    assert ladder == pytest.approx((0.1, 0.2, 0.4, 0.8))
    assert geometric_ladder(0.3, 0.9, 1) == (0.3,)
