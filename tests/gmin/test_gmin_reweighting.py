"""Densities of states and heat capacities from samples whose distribution is known."""

import numpy as np
import pytest

from common.errors import ConvergenceError
from gmin.basin_sampling import QuenchHistogram, basin_curve, basin_density, fit_basin
from gmin.reweighting import bin_centres, canonical, jackknife, mbar_curve, moments_curve, wham, wham_curve
from gmin.tempering import MonteCarloSettings

KAPPA = 12
TEMPERATURES = np.array([0.5, 0.8, 1.3])
LOW, HIGH, BINS = 0.0, 60.0, 1200
BETWEEN = np.array([0.55, 0.7, 1.0, 1.2])


def oscillators(n=20000, blocks=10, seed=0):
    """Energies of KAPPA harmonic oscillators without momenta: the gamma distribution of shape KAPPA/2."""
    rng = np.random.default_rng(seed)
    return rng.gamma(0.5 * KAPPA, TEMPERATURES[:, None], (len(TEMPERATURES), n)).reshape(len(TEMPERATURES), blocks, -1)


def histograms(samples):
    edges = np.linspace(LOW, HIGH, BINS + 1)
    return np.array([[np.histogram(e, edges)[0] for e in samples[:, b]] for b in range(samples.shape[1])])


def test_wham_finds_the_density_of_states():
    centres = bin_centres(LOW, HIGH, BINS)
    dos = wham(histograms(oscillators()).sum(axis=0), 1.0 / TEMPERATURES, centres)
    # Z goes with T^(kappa/2)
    assert dos.free_energies == pytest.approx(-0.5 * KAPPA * np.log(TEMPERATURES / TEMPERATURES[0]), abs=0.02)
    use = (dos.energies > 2.0) & (dos.energies < 10.0)
    exact = (0.5 * KAPPA - 1.0) * np.log(dos.energies[use])
    difference = dos.log_density[use] - exact
    assert difference.std() < 0.12
    # Z = 1 at the lowest temperature
    total = np.log(np.sum(np.exp(dos.log_density - dos.energies / TEMPERATURES[0])))
    assert total == pytest.approx(0.0, abs=1e-9)


def test_wham_solves_its_equations():
    counts = histograms(oscillators(2000)).sum(axis=0)
    beta, centres = 1.0 / TEMPERATURES, bin_centres(LOW, HIGH, BINS)
    dos = wham(counts, beta, centres)
    visited = counts.sum(axis=0) > 0
    weights = counts.sum(axis=1)[:, None] * np.exp(dos.free_energies[:, None] - np.outer(beta, dos.energies))
    assert dos.log_density == pytest.approx(np.log(counts.sum(axis=0)[visited] / weights.sum(axis=0)), abs=1e-8)
    z = np.exp(dos.log_density - np.outer(beta, dos.energies)).sum(axis=1)
    assert dos.free_energies == pytest.approx(-np.log(z), abs=1e-8)


def test_curve_between_the_replicas():
    blocks = histograms(oscillators())
    _, curve = wham_curve(blocks, 1.0 / TEMPERATURES, bin_centres(LOW, HIGH, BINS), BETWEEN, kinetic=0.5 * KAPPA)
    assert (np.abs(curve.energy - 0.5 * KAPPA * BETWEEN) < 4.0 * curve.energy_error).all()
    assert (np.abs(curve.heat_capacity - KAPPA) < 4.0 * curve.heat_capacity_error).all()
    assert curve.energy_error.max() < 0.03
    assert curve.heat_capacity_error.max() < 0.2


def test_jackknife_gives_the_error_of_a_mean():
    x = np.random.default_rng(1).normal(size=40)
    left_out = [np.array([(x.sum() - v) / 39]) for v in x]
    assert jackknife(np.array([x.mean()]), left_out)[0] == pytest.approx(x.std(ddof=1) / 40**0.5)


def test_averages_of_the_replicas_themselves():
    e = oscillators()
    moments = np.stack([np.full(e.shape[:2], e.shape[2]), (e - LOW).sum(axis=2), ((e - LOW) ** 2).sum(axis=2)], axis=2)
    curve = moments_curve(moments.transpose(1, 0, 2), LOW, TEMPERATURES)
    assert curve.energy == pytest.approx(e.mean(axis=(1, 2)))
    assert curve.heat_capacity == pytest.approx(e.var(axis=(1, 2)) / TEMPERATURES**2)
    assert curve.energy_error == pytest.approx(e.std(axis=(1, 2)) / 20000**0.5, rel=0.6)


def test_replicas_that_do_not_overlap_are_an_error():
    counts = np.zeros((2, 10))
    counts[0, :3] = counts[1, 6:] = 5
    with pytest.raises(ConvergenceError, match="replicas 1 and 2 have no bin in common"):
        wham(counts, np.array([2.0, 1.0]), np.arange(10.0))
    with pytest.raises(ConvergenceError, match="no energy fell into the histogram"):
        wham(np.zeros((2, 10)), np.array([2.0, 1.0]), np.arange(10.0))


def test_canonical_averages_of_two_levels():
    mean, capacity = canonical(np.array([0.0, 1.0]), np.log([1.0, 3.0]), np.array([0.5, 2.0]))
    p = 3.0 * np.exp(-1.0 / np.array([0.5, 2.0]))
    p = p / (1.0 + p)
    assert mean == pytest.approx(p)
    assert capacity == pytest.approx(p * (1 - p) / np.array([0.25, 4.0]))


def test_mbar_agrees():
    pytest.importorskip("pymbar")
    samples = oscillators(2000).reshape(len(TEMPERATURES), -1)
    curve = mbar_curve(samples, TEMPERATURES, BETWEEN, kinetic=0.5 * KAPPA)
    assert (np.abs(curve.energy - 0.5 * KAPPA * BETWEEN) < 4.0 * curve.energy_error).all()
    assert (np.abs(curve.heat_capacity - KAPPA) < 4.0 * curve.heat_capacity_error).all()
    assert curve.heat_capacity_error.max() < 0.5


# ----------------------------------------------------------------------------------------------------- basin-sampling

#: Two basins of harmonic vibrations: energies of the minima, ln of their weights.
MINIMA, LOG_WEIGHTS = np.array([0.0, 2.0]), np.array([0.0, 5.0])


def two_basins_exact(temperatures):
    """Mean energy and heat capacity of the two basins."""
    log_z = LOG_WEIGHTS[:, None] - MINIMA[:, None] / temperatures
    p = np.exp(log_z - np.logaddexp(*log_z))
    mean = p.T @ MINIMA + 0.5 * KAPPA * temperatures
    spread = p.T @ MINIMA**2 - (p.T @ MINIMA) ** 2
    return mean, 0.5 * KAPPA + spread / temperatures**2


def two_basins(n=40000, blocks=10):
    rng = np.random.default_rng(3)
    p = np.exp(LOG_WEIGHTS - MINIMA / TEMPERATURES[:, None])
    p /= p.sum(axis=1, keepdims=True)
    which = (rng.random((len(TEMPERATURES), n)) > p[:, :1]).astype(int)
    energies = MINIMA[which] + rng.gamma(0.5 * KAPPA, TEMPERATURES[:, None], which.shape)
    return which.reshape(3, blocks, -1), energies.reshape(3, blocks, -1)


def test_basins_go_on_below_the_coldest_replica():
    which, energies = two_basins()
    mc = MonteCarloSettings(
        n_equilibration=0, n_plain=0, n_quench=1, energy_range=(LOW, HIGH), n_bins=BINS, quench_range=(-1.0, 3.0),
        n_quench_bins=4, n_blocks=10,
    )  # fmt: skip
    quenches = QuenchHistogram(mc, 3)
    for b in range(10):
        for k in range(3):
            # every second configuration is quenched
            e, v = energies[k, b, ::2], MINIMA[which[k, b, ::2]]
            quenches.add(b, np.full(len(e), k), np.stack([e, v], axis=1))
    assert quenches.quench_visits(0).sum() + quenches.quench_visits(1).sum() + quenches.quench_visits(2).sum() == 60000
    cold = np.array([0.15, 0.25, 0.35, 0.45])
    curve, minima, fits, visits = basin_curve(histograms(energies), 1.0 / TEMPERATURES, mc, quenches, cold, KAPPA, 0.0)
    assert minima == pytest.approx(MINIMA)
    assert visits.sum() == 60000
    assert np.abs(fits[:, 1]).max() < 0.1
    mean, capacity = two_basins_exact(cold)
    # the coldest replica knows nothing of the peak of C_V near T = 0.33
    assert (np.abs(curve.energy - mean) < 0.1 + 4.0 * curve.energy_error).all()
    assert (np.abs(curve.heat_capacity - capacity) < 4.0 * curve.heat_capacity_error).all()
    assert curve.heat_capacity_error.max() < 0.15 * capacity.max()


def test_quenches_out_of_range_and_failed_ones_are_counted():
    mc = MonteCarloSettings(
        n_equilibration=0, n_plain=0, n_quench=1, energy_range=(0.0, 1.0), n_bins=10, quench_range=(0.0, 1.0), n_quench_bins=2
    )
    quenches = QuenchHistogram(mc, 2)
    quenches.add(0, np.array([0, 0, 1, 1]), np.array([[0.5, 0.2], [0.5, np.nan], [0.5, 1.7], [-3.0, 0.2]]))
    assert (quenches.failed, quenches.outside) == (1, 2)
    assert quenches.quench_visits(0).tolist() == [1, 0]
    assert quenches.mean_energies()[0] == pytest.approx(0.2)
    again = QuenchHistogram(mc, 2)
    again.set_arrays(quenches.arrays())
    again.add(0, np.array([0]), np.array([[0.5, 0.3]]))
    assert again.quench_visits(0).tolist() == [2, 0]
    assert again.lowest[0] == 0.2


def test_fit_of_a_basin():
    e = np.linspace(0.5, 3.0, 40)
    visits = np.full(40, 100.0)
    amplitude, slope = fit_basin(e, 1.7 + (0.5 * KAPPA - 1.0) * np.log(e - 0.4) + 0.3 * (e - 0.4), visits, 0.4, KAPPA)
    assert (amplitude, slope) == pytest.approx((1.7, 0.3))
    assert np.isnan(fit_basin(e, e, 0.0 * visits, 0.4, KAPPA)).all()
    assert fit_basin(e[:1], np.array([2.0]), visits[:1], 0.4, 2) == pytest.approx((2.0, 0.0))


def test_basin_density_adds_up():
    counts = histograms(oscillators()).sum(axis=0)
    centres = bin_centres(LOW, HIGH, BINS)
    dos = wham(counts, 1.0 / TEMPERATURES, centres)
    joint = counts.sum(axis=0)[:, None] * np.array([1.0, 3.0])
    log_density, _ = basin_density(dos, centres, joint, np.array([0.0, 0.0]), KAPPA)
    enough = np.searchsorted(centres, 3.0)
    known = np.isin(centres, dos.energies) & (np.arange(BINS) > enough)
    assert log_density[known] == pytest.approx(dos.log_density[dos.energies > centres[enough]], abs=1e-9)
