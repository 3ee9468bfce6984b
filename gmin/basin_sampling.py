"""Basin-sampling: the density of states shared out among basins of quench energy, and what follows below the coldest replica.

Every so many steps of a BSPT run the configuration of each replica is quenched. The probability that a configuration of energy
E quenches to a minimum of energy V does not depend on the temperature, so p(V|E) from all replicas splits the density of states
of WHAM into g(E) = sum_V g_V(E) (Bogdan, Wales and Calvo, J. Chem. Phys. 124, 044102, 2006; Wales, Chem. Phys. Lett. 584, 1,
2013). At low energy each g_V is that of harmonic vibrations with an anharmonic correction; fitted, it goes on to energies that
no replica has visited.
"""

import numpy as np

from gmin.reweighting import Curve, bin_centres, canonical, jackknife, wham

#: Visits that make a bin of (E, V) good enough to stand for itself.
ENOUGH = 10


class QuenchHistogram:
    """Visits to pairs of bins of the energy and of the quench energy, by block and replica; stored sparsely.

    Parameters
    ----------
    settings : gmin.tempering.MonteCarloSettings
    n_replicas : int

    Attributes
    ----------
    failed, outside : int
        Quenches that did not converge; whose energy, before or after, is out of the range of the histogram.
    """

    def __init__(self, settings, n_replicas):
        self.shape = (settings.n_blocks, n_replicas, settings.n_bins, settings.n_quench_bins)
        self.energy_range, self.quench_range = settings.energy_range, settings.quench_range
        self.keys = np.zeros(0, dtype=np.int64)
        self.counts = np.zeros(0, dtype=np.int64)
        self.sums = np.zeros((2, settings.n_quench_bins))
        self.lowest = np.full(settings.n_quench_bins, np.inf)
        self.failed = 0
        self.outside = 0

    def add(self, block, rungs, records):
        """Count quenches.

        Parameters
        ----------
        block : int
        rungs : ndarray of int of shape (k,)
        records : ndarray of shape (k, 2)
            Energies before and after; NaN after a failure.
        """
        _, _, n, m = self.shape
        good = np.isfinite(records[:, 1])
        self.failed += int((~good).sum())
        rungs, (before, after) = rungs[good], records[good].T
        e = np.floor((before - self.energy_range[0]) / (self.energy_range[1] - self.energy_range[0]) * n)
        q = np.floor((after - self.quench_range[0]) / (self.quench_range[1] - self.quench_range[0]) * m)
        inside = (e >= 0) & (e < n) & (q >= 0) & (q < m)
        self.outside += int((~inside).sum())
        e, q, after = e[inside].astype(np.int64), q[inside].astype(np.int64), after[inside]
        np.add.at(self.sums, (0, q), 1.0)
        np.add.at(self.sums, (1, q), after)
        np.minimum.at(self.lowest, q, after)
        keys = ((block * self.shape[1] + rungs[inside]) * n + e) * m + q
        new, counts = np.unique(keys, return_counts=True)
        self.keys, where = np.unique(np.concatenate([self.keys, new]), return_inverse=True)
        self.counts = np.bincount(where, weights=np.concatenate([self.counts, counts])).astype(np.int64)

    def entries(self):
        """(block, rung, energy bin, quench bin) of the pairs visited, arrays of shape (k,), and the visits."""
        return (*np.unravel_index(self.keys, self.shape), self.counts)

    def quench_visits(self, rung):
        """Visits of a replica to the quench bins."""
        _, r, _, q, counts = self.entries()
        return np.bincount(q[r == rung], weights=counts[r == rung], minlength=self.shape[3])

    def joint(self, without=None):
        """Visits to (energy bin, quench bin), all replicas together, as (ndarray (n_bins, Q), the Q bins visited)."""
        block, _, e, q, counts = self.entries()
        columns, where = np.unique(q, return_inverse=True)
        keep = slice(None) if without is None else block != without
        out = np.zeros((self.shape[2], len(columns)))
        np.add.at(out, (e[keep], where[keep]), counts[keep])
        return out, columns

    def mean_energies(self):
        """Mean quench energy of each quench bin; NaN where there is none."""
        with np.errstate(invalid="ignore"):
            return self.sums[1] / self.sums[0]

    def arrays(self):
        """Everything, by name."""
        return {
            "keys": self.keys, "counts": self.counts, "sums": self.sums, "lowest": self.lowest,
            "lost": np.array([self.failed, self.outside]),
        }  # fmt: skip

    def set_arrays(self, arrays):
        """Take up what `arrays` gave."""
        self.keys, self.counts = np.array(arrays["keys"]), np.array(arrays["counts"])
        self.sums, self.lowest = np.array(arrays["sums"]), np.array(arrays["lowest"])
        self.failed, self.outside = (int(v) for v in arrays["lost"])


def fit_basin(energies, log_density, visits, minimum, kappa):
    """ln A and a of g(E) = A (E - V)^(kappa/2 - 1) exp(a (E - V)) for one basin, weighted by the visits.

    Parameters
    ----------
    energies, log_density, visits : ndarray of shape (k,)
        ln g_V(E) of the bins visited; those above the mean energy of the visits are left out.
    minimum : float
        V.
    kappa : int
        Number of vibrations; the first factor is their harmonic density of states.

    Returns
    -------
    (log_amplitude, slope) : float
        The slope is 0 where there are fewer than three bins; NaN both where there is none.
    """
    if not visits.any():
        return np.nan, np.nan
    use = (energies > minimum) & (energies <= energies @ visits / visits.sum()) & (visits > 0)
    if not use.any():
        use = (energies > minimum) & (visits > 0)
    if not use.any():
        return np.nan, np.nan
    excess = energies[use] - minimum
    rest = log_density[use] - (0.5 * kappa - 1.0) * np.log(excess)
    w = np.sqrt(visits[use])
    if use.sum() < 3:
        return float(rest @ w**2 / (w @ w)), 0.0
    matrix = np.stack([np.ones_like(excess), excess], axis=1)
    amplitude, slope = np.linalg.lstsq(matrix * w[:, None], rest * w, rcond=None)[0]
    return float(amplitude), float(slope)


def basin_density(dos, all_energies, joint, minima, kappa):
    """Density of states as the sum over basins, each continued down to its minimum.

    Parameters
    ----------
    dos : gmin.reweighting.DensityOfStates
        On the bins visited.
    all_energies : ndarray of shape (M,)
        Centres of all bins.
    joint : ndarray of shape (M, Q)
        Visits to (energy, basin).
    minima : ndarray of shape (Q,)
        Energy of the minima of each basin.
    kappa : int

    Returns
    -------
    (log_density, fits) : ndarrays of shape (M,) and (Q, 2)
        ln g, -inf where there is none; ln A and a of each basin.
    """
    log_total = np.full(len(all_energies), -np.inf)
    log_total[np.searchsorted(all_energies, dos.energies)] = dos.log_density
    quenched = joint.sum(axis=1)
    known = quenched > 0
    with np.errstate(divide="ignore"):
        log_density = log_total[known, None] + np.log(joint[known]) - np.log(quenched[known, None])
    fits = np.full((len(minima), 2), np.nan)
    out = np.where(known, -np.inf, log_total)
    for q, minimum in enumerate(minima):
        visits = joint[known, q]
        present = visits > 0
        e = all_energies[known][present]
        fits[q] = fit_basin(e, log_density[present, q], visits[present], minimum, kappa)
        part = np.full(len(all_energies), -np.inf)
        part[np.flatnonzero(known)[present]] = log_density[present, q]
        enough = e[visits[present] >= ENOUGH]
        if np.isfinite(fits[q, 0]) and len(enough):
            # below the first bin with enough visits the fit speaks for the basin
            low = (all_energies > minimum) & (all_energies < enough[0])
            excess = all_energies[low] - minimum
            part[low] = fits[q, 0] + (0.5 * kappa - 1.0) * np.log(excess) + fits[q, 1] * excess
            # bins that no quench came from have the whole density already
            part[low & ~known & np.isfinite(log_total)] = -np.inf
        out = np.logaddexp(out, part)
    return out, fits


def basin_curve(blocks, beta, settings, quenches, temperatures, kappa, kinetic):
    """Heat capacity by basin-sampling, down to temperatures below the ladder, with errors from the blocks.

    Parameters
    ----------
    blocks : ndarray of shape (B, R, M)
        Histogram of energies.
    beta : ndarray of shape (R,)
    settings : gmin.tempering.MonteCarloSettings
    quenches : QuenchHistogram
    temperatures : ndarray of shape (K,)
    kappa : int
        Number of vibrations.
    kinetic : float

    Returns
    -------
    (Curve, minima, fits, visits)
        Energies, (ln A, a) and visits of the Q basins.
    """
    energies = bin_centres(*settings.energy_range, settings.n_bins)
    total = blocks.sum(axis=0)
    joint, columns = quenches.joint()
    minima = quenches.mean_energies()[columns]

    def estimate(histogram, joint, guess=None):
        dos = wham(histogram, beta, energies, guess)
        log_density, fits = basin_density(dos, energies, joint, minima, kappa)
        there = np.isfinite(log_density)
        return canonical(energies[there], log_density[there], temperatures), fits, dos

    (mean, capacity), fits, dos = estimate(total, joint)
    parts = []
    quenched_blocks = set(quenches.entries()[0].tolist())
    for b in sorted(quenched_blocks) if len(quenched_blocks) > 1 else ():
        parts.append(estimate(total - blocks[b], quenches.joint(without=b)[0], dos.free_energies)[0])
    if parts:
        errors = [jackknife(mean, [p[k] for p in parts]) for k in range(2)]
    else:
        errors = [np.full_like(mean, np.nan)] * 2
    return Curve(np.asarray(temperatures), mean, errors[0], capacity + kinetic, errors[1]), minima, fits, joint.sum(axis=0)
