"""Density of states and heat capacity from the energies of replicas at several temperatures: WHAM and MBAR."""

from collections import namedtuple

import numpy as np

#: Largest change of a dimensionless free energy in the last Newton step.
CONVERGED = 1e-10
MOST_STEPS = 200
#: Blocks of the errors of MBAR, and the samples it takes at most: its cost is their product with the number of replicas.
N_MBAR_BLOCKS = 10
MOST_SAMPLES = 10_000

DensityOfStates = namedtuple("DensityOfStates", "energies log_density free_energies")
Curve = namedtuple("Curve", "temperatures energy energy_error heat_capacity heat_capacity_error")


def bin_centres(low, high, n):
    """Energies in the middle of n bins of equal width: shape (n,)."""
    width = (high - low) / n
    return low + width * (np.arange(n) + 0.5)


def wham(histogram, beta, energies, guess=None):
    """Density of states from energy histograms at several temperatures (weighted histogram analysis).

    g(E) = sum_k n_k(E) / sum_k N_k exp(f_k - beta_k E), with exp(-f_k) = sum_E g(E) exp(-beta_k E): Ferrenberg and Swendsen,
    Phys. Rev. Lett. 63, 1195 (1989). The f_k are the minimum of a convex function (Zhu and Hummer, J. Comput. Chem. 33, 453,
    2012), which Newton steps find; everything is kept as logarithms.

    Parameters
    ----------
    histogram : ndarray of shape (R, M)
        Visits of replica k to bin m.
    beta : ndarray of shape (R,)
        Inverse temperatures, 1/energy.
    energies : ndarray of shape (M,)
    guess : ndarray of shape (R,), optional
        Free energies to begin with.

    Returns
    -------
    DensityOfStates
        Energies of the bins that were visited, ln g there (a constant is free: f of the first replica is 0), and the
        dimensionless free energies f_k of shape (R,).

    Raises
    ------
    ConvergenceError
        Where the histograms do not hang together: no common bin of neighbouring replicas.
    """
    from scipy.special import logsumexp

    histogram, beta = np.asarray(histogram, dtype=float), np.asarray(beta, dtype=float)
    visited = histogram.sum(axis=0) > 0
    h, e = histogram[:, visited].sum(axis=0), np.asarray(energies, dtype=float)[visited]
    n = histogram.sum(axis=1)
    _check_overlap(histogram, n)
    used = n > 0
    b, log_n = beta[used], np.log(n[used])
    f = _first_guess(histogram[used], b, energies) if guess is None else np.asarray(guess, dtype=float)[used]
    boltzmann = b[:, None] * e[None, :]

    def objective(f):
        terms = (log_n + f)[:, None] - boltzmann
        log_denominator = logsumexp(terms, axis=0)
        return h @ log_denominator - n[used] @ f, terms, log_denominator

    value, terms, log_denominator = objective(f)
    for _ in range(MOST_STEPS):
        share = np.exp(terms - log_denominator)
        weighted = share * h
        gradient = weighted.sum(axis=1) - n[used]
        hessian = np.diag(weighted.sum(axis=1)) - weighted @ share.T
        # f of the first replica is fixed
        step = np.zeros_like(f)
        if len(f) > 1:
            step[1:] = -np.linalg.lstsq(hessian[1:, 1:], gradient[1:], rcond=None)[0]
        scale = 1.0
        while True:
            new, terms, log_denominator = objective(f + scale * step)
            if new <= value + 1e-12 * abs(value) or scale < 1e-8:
                break
            scale *= 0.5
        f, value = f + scale * step, new
        if np.abs(scale * step).max() < CONVERGED:
            break
    else:
        _not_converged()
    f = f - f[0]
    log_density = np.log(h) - log_denominator
    full = np.array([-logsumexp(log_density - k * e) for k in beta])
    return DensityOfStates(e, log_density + full[0], full - full[0])


def _check_overlap(histogram, n):
    from common.errors import ConvergenceError

    if not n.sum() > 0:
        raise ConvergenceError("no energy fell into the histogram: its range (ptemin, ptemax) is not that of the run")
    present = np.flatnonzero(n > 0)
    lowest = [np.flatnonzero(histogram[k])[[0, -1]] for k in present]
    for (k, a), (m, b) in zip(zip(present, lowest), list(zip(present, lowest))[1:]):
        if a[1] < b[0] or b[1] < a[0]:
            raise ConvergenceError(
                f"the energies of replicas {k + 1} and {m + 1} have no bin in common: more replicas, or a shorter ladder"
            )


def _not_converged():
    from common.errors import ConvergenceError

    raise ConvergenceError(f"the histogram equations did not converge in {MOST_STEPS} Newton steps")


def _first_guess(histogram, beta, energies):
    """Free energies by integrating the mean energy over beta with the trapezium rule."""
    mean = histogram @ np.asarray(energies) / histogram.sum(axis=1)
    steps = 0.5 * np.diff(beta) * (mean[1:] + mean[:-1])
    return np.concatenate([[0.0], np.cumsum(steps)])


def canonical(energies, log_density, temperatures):
    """Mean energy and its fluctuation at each temperature from a density of states.

    Parameters
    ----------
    energies, log_density : ndarray of shape (M,)
    temperatures : ndarray of shape (K,)
        kT.

    Returns
    -------
    (mean, heat_capacity) : ndarrays of shape (K,)
        <E> and (<E^2> - <E>^2)/T^2, in units of energy and of the Boltzmann constant.
    """
    mean, capacity = np.empty(len(temperatures)), np.empty(len(temperatures))
    for k, t in enumerate(temperatures):
        w = log_density - energies / t
        w = np.exp(w - w.max())
        w /= w.sum()
        mean[k] = w @ energies
        capacity[k] = w @ (energies - mean[k]) ** 2 / t**2
    return mean, capacity


def jackknife(full, left_out):
    """Standard errors from estimates that leave one of n blocks out each.

    sqrt((n - 1)/n sum_b (theta_b - mean)^2): Efron and Stein, Ann. Statist. 9, 586 (1981).

    Parameters
    ----------
    full : ndarray
        Only its shape counts.
    left_out : sequence of ndarray
        One estimate per block.
    """
    values = np.array(left_out)
    n = len(values)
    return np.sqrt((n - 1) / n * ((values - values.mean(axis=0)) ** 2).sum(axis=0)).reshape(np.shape(full))


def wham_curve(blocks, beta, energies, temperatures, kinetic=0.0):
    """Energy and heat capacity over temperature from histograms, with errors from the blocks.

    Parameters
    ----------
    blocks : ndarray of shape (B, R, M)
        Visits in each block of the run.
    beta : ndarray of shape (R,)
    energies : ndarray of shape (M,)
    temperatures : ndarray of shape (K,)
    kinetic : float
        Kinetic part of the heat capacity, half the number of variables that move, in units of the Boltzmann constant.

    Returns
    -------
    (DensityOfStates, Curve)
    """
    total = blocks.sum(axis=0)
    dos = wham(total, beta, energies)
    mean, capacity = canonical(dos.energies, dos.log_density, temperatures)
    means, capacities = [], []
    for block in blocks:
        if not block.any():
            continue
        part = wham(total - block, beta, energies, dos.free_energies)
        m, c = canonical(part.energies, part.log_density, temperatures)
        means.append(m)
        capacities.append(c)
    if len(means) > 1:
        errors = jackknife(mean, means), jackknife(capacity, capacities)
    else:
        errors = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    return dos, Curve(np.asarray(temperatures), mean, errors[0], capacity + kinetic, errors[1])


def moments_curve(moments, low, temperatures, kinetic=0.0):
    """Energy and heat capacity at the temperatures of the replicas themselves, from sums over each block.

    Parameters
    ----------
    moments : ndarray of shape (B, R, 3)
        Number, sum and sum of squares of E - low.
    low : float
    temperatures : ndarray of shape (R,)
    kinetic : float

    Returns
    -------
    Curve
    """
    t = np.asarray(temperatures, dtype=float)
    total = moments.sum(axis=0)

    def values(m):
        mean = m[:, 1] / m[:, 0]
        return low + mean, (m[:, 2] / m[:, 0] - mean**2) / t**2

    mean, capacity = values(total)
    parts = [values(total - block) for block in moments if (block[:, 0] > 0).all()]
    if len(parts) > 1:
        errors = jackknife(mean, [p[0] for p in parts]), jackknife(capacity, [p[1] for p in parts])
    else:
        errors = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    return Curve(t, mean, errors[0], capacity + kinetic, errors[1])


def mbar_curve(samples, replica_temperatures, temperatures, kinetic=0.0):
    """Energy and heat capacity over temperature by MBAR, without bins (Shirts and Chodera, J. Chem. Phys. 129, 124105, 2008).

    Errors are those of the jackknife over ten blocks, since the asymptotic ones of MBAR hold for independent samples only.

    Parameters
    ----------
    samples : ndarray of shape (R, n)
        Energies of each replica in the order of time.
    replica_temperatures : ndarray of shape (R,)
    temperatures : ndarray of shape (K,)
    kinetic : float

    Returns
    -------
    Curve
    """
    samples = np.asarray(samples, dtype=float)
    samples = samples[:, :: -(-samples.size // MOST_SAMPLES)]
    beta = 1.0 / np.asarray(replica_temperatures, dtype=float)
    mean, capacity, f = _mbar(samples, beta, temperatures)
    means, capacities = [], []
    for block in np.array_split(np.arange(samples.shape[1]), N_MBAR_BLOCKS):
        m, c, _ = _mbar(np.delete(samples, block, axis=1), beta, temperatures, f)
        means.append(m)
        capacities.append(c)
    errors = jackknife(mean, means), jackknife(capacity, capacities)
    return Curve(np.asarray(temperatures), mean, errors[0], capacity + kinetic, errors[1])


def _mbar(samples, beta, temperatures, guess=None):
    """Mean energy and fluctuation at the temperatures, and the free energies of the replicas."""
    import logging

    # the package writes advertisements for other packages
    logging.getLogger("pymbar").setLevel(logging.ERROR)
    from pymbar import MBAR
    from scipy.special import logsumexp

    r, n = samples.shape
    # the solver of the package is slow where reduced energies are far from zero
    shift = samples.mean()
    energies = samples.ravel() - shift
    f = MBAR(np.outer(beta, energies), np.full(r, n), initial_f_k=guess).f_k
    log_weights = -logsumexp(f[:, None] - np.outer(beta, energies), axis=0) - np.log(n)
    mean, capacity = canonical(energies, log_weights, temperatures)
    return mean + shift, capacity, f
