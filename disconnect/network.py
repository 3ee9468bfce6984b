"""The stationary points a graph is drawn from, as arrays."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from common.errors import InputError


@dataclass(frozen=True, eq=False)
class Network:
    """Minima and the transition states that connect them.

    Attributes
    ----------
    energies : ndarray of float, shape (n_minima,)
    ts_energies : ndarray of float, shape (n_ts,)
        Non-degenerate transition states only: those between two different minima, in the order of the source.
    plus, minus : ndarray of intp, shape (n_ts,)
        Their minima, counted from 0.
    highest_ts, lowest_ts : float
        Energies over all transition states, degenerate ones too; NaN when there are none.
    minima_name, ts_name : str
        How messages and pictures call the sources.
    database : Path or None
        Where properties and coordinates can be looked up.
    """

    energies: np.ndarray
    ts_energies: np.ndarray
    plus: np.ndarray
    minus: np.ndarray
    highest_ts: float
    lowest_ts: float
    minima_name: str = "minima"
    ts_name: str = "transition states"
    database: Path | None = None
    extra: dict = field(default_factory=dict)

    @property
    def n_minima(self):
        """Number of minima."""
        return self.energies.size

    @property
    def global_minimum(self):
        """Index of the lowest minimum, counted from 0; the first of equals."""
        return int(np.argmin(self.energies))

    def property(self, name):
        """A property of the minima: ndarray of shape (n_minima,), NaN where it is not known.

        Raises
        ------
        InputError
            The name is unknown, with the names that exist.
        """
        if name in self.extra:
            return self.extra[name]
        if name == "energy":
            return self.energies
        if self.database is None:
            raise InputError(
                f"{self.minima_name}: a text file has no property '{name}'; give a file with one value per minimum"
            )
        from common.database import Database

        with Database(self.database, read_only=True) as database:
            names = database.property_names()
            if name not in names:
                known = ", ".join(["energy", *names])
                raise InputError(f"{self.database}: no property '{name}' is stored for its minima; known are: {known}")
            return database.property(name)

    def properties(self):
        """All properties of the database by name: dict of ndarrays of shape (n_minima,)."""
        if self.database is None:
            return {}
        from common.database import Database

        with Database(self.database, read_only=True) as database:
            return {name: database.property(name) for name in database.property_names()}

    def coordinates(self, most):
        """Coordinates of all minima, shape (n_minima, n_variables); None without them or beyond `most` numbers."""
        if self.database is None:
            return None
        from common.database import Database
        from common.errors import DatabaseError

        with Database(self.database, read_only=True) as database:
            if not database.n_variables or database.n_variables * self.n_minima > most:
                return None
            try:
                return database.coordinates()
            except DatabaseError:
                # A database without points is complete in every other way.
                return None

    def coordinates_of(self, minimum):
        """Coordinates of one minimum, counted from 0: ndarray of shape (n_variables,), or None when there are none."""
        if self.database is None:
            return None
        from common.database import Database
        from common.errors import DatabaseError

        with Database(self.database, read_only=True) as database:
            try:
                return database.coordinates([minimum + 1])[0]
            except DatabaseError:
                return None

    def fingerprint(self):
        """What identifies the potential of the database: dict, empty when nothing is known."""
        if self.database is None:
            return {}
        from common.database import Database

        with Database(self.database, read_only=True) as database:
            return database.fingerprint or {}


def network(energies, ts_energies, plus, minus, **names):
    """Check arrays and make a `Network` of them.

    Parameters
    ----------
    energies : array_like, shape (n_minima,)
    ts_energies : array_like, shape (n_ts,)
    plus, minus : array_like of int, shape (n_ts,)
        Minima counted from 1, as in ts.data.
    **names
        ``minima_name``, ``ts_name``, ``database``.

    Raises
    ------
    InputError
        No minima; an energy is not finite; a transition state refers to a minimum that does not exist.
    """
    energies = np.ascontiguousarray(energies, dtype=np.float64)
    ts_energies = np.ascontiguousarray(ts_energies, dtype=np.float64)
    plus = np.ascontiguousarray(plus, dtype=np.intp)
    minus = np.ascontiguousarray(minus, dtype=np.intp)
    minima_name = names.get("minima_name", "minima")
    ts_name = names.get("ts_name", "transition states")
    if energies.size == 0:
        raise InputError(f"{minima_name}: there are no minima; nothing can be drawn")
    for values, name in ((energies, minima_name), (ts_energies, ts_name)):
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            raise InputError(f"{name}:{wrong[0] + 1}: the energy is not a finite number; remove this stationary point")
    # A degenerate rearrangement plays no part, whatever minimum it names: a removed one may name 0 twice.
    different = plus != minus
    wrong = np.flatnonzero(different & ((np.minimum(plus, minus) < 1) | (np.maximum(plus, minus) > energies.size)))
    if wrong.size:
        k = wrong[0]
        raise InputError(
            f"{ts_name}:{k + 1}: connects minima {plus[k]} and {minus[k]}, but {minima_name} has {energies.size} minima; "
            "use files of the same database"
        )
    return Network(
        energies=energies,
        ts_energies=np.ascontiguousarray(ts_energies[different]),
        plus=np.ascontiguousarray(plus[different] - 1),
        minus=np.ascontiguousarray(minus[different] - 1),
        highest_ts=float(ts_energies.max()) if ts_energies.size else float("nan"),
        lowest_ts=float(ts_energies.min()) if ts_energies.size else float("nan"),
        **names,
    )


def free_energies(minima, states, temperature):
    """Free energies of minima and of the passages between them, in the harmonic approximation.

    F_i = -T (ln Z_i - ln Z_max) with ln Z_i = -E_i/T - L_i/2 - ln h_i for minima, L the log product of the positive Hessian
    eigenvalues and h the point-group order. The transition states between two minima become one with F = F_i - T ln k_ij, where
    k_ij is the sum of their rates ``ln k = ln(h_i / (2 pi h)) + (L_i - L)/2 - (E - E_i)/T`` (D. J. Wales, Energy Landscapes,
    Cambridge (2003), chapter 7), so that k_ij = exp(-(F - F_i)/T) in the time unit of the eigenvalues.

    Parameters
    ----------
    minima : tuple of ndarray
        energy, log_product, order.
    states : tuple of ndarray
        energy, log_product, order, plus, minus; degenerate ones are left out.
    temperature : float
        kT.

    Returns
    -------
    energies : ndarray, shape (n_minima,)
        The lowest is 0.
    ts_energies, plus, minus : ndarray, shape (n_pairs,)
        One for each pair of connected minima, in the order of the first transition state between them.
    """
    energy, log_product, order = (np.asarray(column, dtype=np.float64) for column in minima)
    free = energy + temperature * (0.5 * log_product + np.log(order))
    ts_energy, ts_log_product, ts_order, plus, minus = states
    plus, minus = np.asarray(plus, dtype=np.intp), np.asarray(minus, dtype=np.intp)
    log_factor = 0.5 * np.asarray(ts_log_product) + np.log(2.0 * np.pi * np.asarray(ts_order))
    ts_free = np.asarray(ts_energy) + temperature * log_factor
    different = plus != minus
    plus, minus, ts_free = plus[different], minus[different], ts_free[different]
    pairs = np.column_stack([np.minimum(plus, minus), np.maximum(plus, minus)])
    _, first, group = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    # -T ln of the sum of exp(-F/T), without overflow.
    least = np.full(first.size, np.inf)
    np.minimum.at(least, group, ts_free)
    total = np.zeros(first.size)
    np.add.at(total, group, np.exp(-(ts_free - least[group]) / temperature))
    joint = least - temperature * np.log(total)
    sequence = np.argsort(first)
    zero = free.min() if free.size else 0.0
    return free - zero, joint[sequence] - zero, plus[first[sequence]], minus[first[sequence]]
