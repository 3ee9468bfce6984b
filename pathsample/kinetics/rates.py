"""Rates of a kinetic transition network from its stationary points, held as logarithms.

Every rate between two minima is written as k_ij = c_ij / w_i with a conductance c_ij = c_ji, the flux at equilibrium, and a
weight w_i, the occupation (neither normalised). Detailed balance then holds by construction, and ln c and ln w stay ordinary
numbers at temperatures and barriers where the rates themselves have left the range of double precision.
"""

from dataclasses import dataclass, field

import numpy as np

#: A pair of end states in the words of the classic program: products first.
DIRECTIONS = {"AB": ("A", "B"), "BA": ("B", "A")}
#: Twice the value of pi in the classic program. Its rates differ from those with the exact pi by 1.3e-10 of themselves; with it
#: waiting times and passage times agree with published outputs in all ten printed digits.
LN_TWO_PI = np.log(2 * 3.141592654)


@dataclass
class RateNetwork:
    """Minima, the transition states that connect different ones, and their logarithmic weights.

    Attributes
    ----------
    energy : ndarray of shape (n,)
        Energies (free energies with FREEENERGY) of all minima of the database.
    ln_weight : ndarray of shape (n,)
        ln of the partition function of each minimum, up to a common constant.
    plus, minus : ndarray of shape (m,), int64
        Minima on either side of each edge, counted from 0; plus differs from minus.
    ln_conductance : ndarray of shape (m,)
        ln of the equilibrium flux through each transition state, with the same constant.
    ts : ndarray of shape (m,), int64
        Number of the transition state in the database, from 1.
    ts_energy : ndarray of shape (m,)
    used : ndarray of shape (n,), bool
        Minima that take part; edges exist between used minima only.
    sets : dict of ndarray
        Used members of "A" and "B", counted from 0.
    group : ndarray or None
        Where the nodes are groups: the group of each minimum of the database.
    """

    energy: np.ndarray
    ln_weight: np.ndarray
    plus: np.ndarray
    minus: np.ndarray
    ln_conductance: np.ndarray
    ts: np.ndarray
    ts_energy: np.ndarray
    used: np.ndarray
    sets: dict = field(default_factory=dict)
    group: np.ndarray = None

    @property
    def n_minima(self):
        """Number of minima in the database."""
        return len(self.energy)

    def ln_escape(self):
        """ln of the summed conductance of each minimum, shape (n,); -inf for one without edges."""
        return sum_by_group(
            self.n_minima,
            np.concatenate([self.plus, self.minus]),
            np.concatenate([self.ln_conductance, self.ln_conductance]),
        )

    def ln_waiting_times(self):
        """ln tau_i = ln(w_i / sum_j c_ij), shape (n,); inf for a minimum without edges."""
        return self.ln_weight - self.ln_escape()

    def merged(self):
        """Edges between different pairs, parallel transition states summed.

        Returns
        -------
        low, high : ndarray of int64
            low < high, sorted.
        ln_conductance : ndarray
        """
        low, high = np.minimum(self.plus, self.minus), np.maximum(self.plus, self.minus)
        keys, inverse = np.unique(low * self.n_minima + high, return_inverse=True)
        return keys // self.n_minima, keys % self.n_minima, sum_by_group(len(keys), inverse, self.ln_conductance)

    def ln_branching(self):
        """Branching probabilities P_ij = c_ij / sum_j c_ij as a sparse matrix of their logarithms.

        Returns
        -------
        indptr, indices : ndarray
            Compressed rows, columns ascending.
        ln_probability : ndarray
        """
        low, high, ln_c = self.merged()
        rows, columns = np.concatenate([low, high]), np.concatenate([high, low])
        order = np.lexsort((columns, rows))
        rows, columns, values = rows[order], columns[order], np.concatenate([ln_c, ln_c])[order]
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=self.n_minima))])
        return indptr, columns, values - self.ln_escape()[rows]

    def ln_occupation(self, members=None):
        """ln of the equilibrium occupation within a set of minima (default: all used), shape of ``members``."""
        members = np.flatnonzero(self.used) if members is None else np.asarray(members)
        return self.ln_weight[members] - ln_sum(self.ln_weight[members])

    def labels(self):
        """Component number of each minimum, shape (n,)."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        shape = (self.n_minima, self.n_minima)
        edges = coo_matrix((np.ones(len(self.plus)), (self.plus, self.minus)), shape=shape)
        return connected_components(edges, directed=False)[1]

    def degrees(self):
        """Number of non-degenerate transition states of each minimum, shape (n,)."""
        return np.bincount(np.concatenate([self.plus, self.minus]), minlength=self.n_minima)

    def select(self, edges):
        """The same network with some of the edges (boolean mask or indices)."""
        arrays = (self.plus, self.minus, self.ln_conductance, self.ts, self.ts_energy)
        chosen = [array[edges] for array in arrays]
        return RateNetwork(self.energy, self.ln_weight, *chosen, self.used, dict(self.sets), self.group)


def ln_sum(values):
    """ln of the sum of exp(values); -inf for none."""
    values = np.asarray(values, dtype=float)
    top = values.max() if values.size else -np.inf
    return top if not np.isfinite(top) else top + np.log(np.exp(values - top).sum())


def sum_by_group(n, groups, values):
    """ln of the sums of exp(values) by group, shape (n,); -inf for an empty group."""
    top = np.full(n, -np.inf)
    np.maximum.at(top, groups, values)
    shift = np.where(np.isfinite(top), top, 0.0)
    total = np.bincount(groups, np.exp(values - shift[groups]), minlength=n)
    with np.errstate(divide="ignore"):
        return np.log(total) + shift


def canonical(minima, states, kt):
    """Harmonic transition-state theory at a temperature.

    k = (h_i / (2 pi h_ts)) exp((L_i - L_ts)/2 - (E_ts - E_i)/kT) with the log products L and the point-group orders h; the
    weight of a minimum is exp(-E_i/kT - L_i/2)/h_i (Wales, Mol. Phys. 100, 3285 (2002)).

    Parameters
    ----------
    minima, states : dict of ndarray
        As `common.formats.min_data.read` and ``ts_data.read`` return them.
    kt : float

    Returns
    -------
    ln_weight, ln_conductance : ndarray
    """
    zero = np.min(minima["energy"], initial=np.inf)
    ln_weight = -(minima["energy"] - zero) / kt - minima["log_product"] / 2 - np.log(minima["order"])
    ln_flux = -(states["energy"] - zero) / kt - states["log_product"] / 2 - np.log(states["order"]) - LN_TWO_PI
    return ln_weight, ln_flux


def microcanonical(minima, states, energy, kappa):
    """Harmonic rates at a total energy E: the Boltzmann factors of `canonical` become (E - E_i)^(kappa - 1).

    Minima above E and transition states at or above E get -inf.
    """

    def ln_excess(energies):
        excess = energy - energies
        return (kappa - 1) * np.log(np.where(excess > 0, excess, 1.0)) + np.where(excess > 0, 0.0, -np.inf)

    ln_weight = ln_excess(minima["energy"]) - minima["log_product"] / 2 - np.log(minima["order"])
    ln_flux = ln_excess(states["energy"]) - states["log_product"] / 2 - np.log(states["order"]) - LN_TWO_PI
    return ln_weight, ln_flux


def free_energies(minima, states, kt):
    """Rates of a network of free energies, k = exp(-(F_ts - F_i)/kT) (classic keyword FREEENERGY)."""
    zero = np.min(minima["energy"], initial=np.inf)
    return -(minima["energy"] - zero) / kt, -(states["energy"] - zero) / kt


def subtract_lowest(minima, states):
    """Take the energy of the lowest minimum off all energies, in place; returns it (classic keyword RELATIVEE)."""
    lowest = float(np.min(minima["energy"])) if len(minima["energy"]) else 0.0
    minima["energy"], states["energy"] = minima["energy"] - lowest, states["energy"] - lowest
    return lowest


def make_network(
    minima,
    states,
    sets,
    ln_weight,
    ln_conductance,
    *,
    max_ts_energy=None,
    max_barrier=None,
    min_barrier=None,
    min_connections=0,
):
    """Leave out what takes no part in the kinetics.

    Parameters
    ----------
    minima, states : dict of ndarray
        Columns of min.data and ts.data; ``plus`` and ``minus`` from 1.
    sets : dict
        Members of "A" and "B", from 1.
    ln_weight, ln_conductance : ndarray
    max_ts_energy : float, optional
        Transition states above it are left out.
    max_barrier : float, optional
        Transition states are left out whose barriers are above it on both sides.
    min_barrier : float, optional
        Transition states are left out whose barrier is below it on a side.
    min_connections : int
        Minima with this many non-degenerate transition states or fewer are removed, again and again until none is left
        (classic keyword NCONNMIN). Members of A and B stay as long as they have a connection.

    Returns
    -------
    RateNetwork
    """
    n = len(minima["energy"])
    plus, minus = np.asarray(states["plus"]) - 1, np.asarray(states["minus"]) - 1
    ts_energy = np.asarray(states["energy"], dtype=float)
    keep = (plus != minus) & np.isfinite(ln_conductance)
    if max_ts_energy is not None:
        keep &= ts_energy <= max_ts_energy
    if max_barrier is not None or min_barrier is not None:
        lower = ts_energy - np.maximum(minima["energy"][plus], minima["energy"][minus])
        keep &= (lower <= (np.inf if max_barrier is None else max_barrier)) & (
            lower >= (-np.inf if min_barrier is None else min_barrier)
        )
    ends = {name: np.asarray(sorted(set(members)), dtype=np.int64) - 1 for name, members in sets.items()}
    protected = np.zeros(n, dtype=bool)
    for members in ends.values():
        protected[members] = True
    used = np.isfinite(ln_weight)
    while True:
        keep &= used[plus] & used[minus]
        degrees = np.bincount(np.concatenate([plus[keep], minus[keep]]), minlength=n)
        fewest = np.where(protected, 0, min_connections)
        left = used & (degrees > fewest)
        if np.array_equal(left, used):
            break
        used = left
    ends = {name: members[used[members]] for name, members in ends.items()}
    edges = np.flatnonzero(keep)
    return RateNetwork(
        np.asarray(minima["energy"], dtype=float),
        ln_weight,
        plus[edges],
        minus[edges],
        np.asarray(ln_conductance, dtype=float)[edges],
        edges + 1,
        ts_energy[edges],
        used,
        ends,
    )


def read_arrays(source):
    """Stationary points of a database or of a directory with min.data, ts.data, min.A and min.B.

    Parameters
    ----------
    source : Database, str or path-like
        A directory is read from its text files; points files are not needed.

    Returns
    -------
    minima, states : dict of ndarray
    sets : dict of list of int

    Raises
    ------
    InputError
    """
    if hasattr(source, "minima_arrays"):
        return source.minima_arrays(), source.ts_arrays(), {name: list(source.endpoints(name)) for name in ("A", "B")}
    from pathlib import Path

    from common.formats import endpoints, min_data, ts_data

    directory = Path(source)
    minima = min_data.read(directory / "min.data")
    count = len(minima["energy"])
    states = ts_data.read(directory / "ts.data", count)
    return minima, states, {name: endpoints.read(directory / f"min.{name}", count) for name in ("A", "B")}
