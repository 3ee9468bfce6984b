"""The stationary points a graph is drawn from, as arrays, and where they come from: min.data and ts.data, or landscape.db."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from common.errors import InputError

DATABASE = "landscape.db"


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


def read_text(minima_path, ts_path, temperature=None):
    """Read min.data (first column) and ts.data (columns 1, 4 and 5) as a `Network`.

    With a temperature (kT) the first three columns of min.data and the first five of ts.data give free energies.

    Raises
    ------
    InputError
        A file is missing or has a line that cannot be read, with file and line.
    """
    minima = _columns(minima_path, (0,) if temperature is None else (0, 1, 2), "a minimum")
    *states, plus, minus = _columns(ts_path, (0, 3, 4) if temperature is None else (0, 1, 2, 3, 4), "a transition state")
    for values in (plus, minus):
        wrong = np.flatnonzero(values != np.rint(values))
        if wrong.size:
            raise InputError(
                f"{ts_path}:{wrong[0] + 1}: '{values[wrong[0]]:g}' is not the number of a minimum; expected integers"
            )
    names = {"minima_name": str(minima_path), "ts_name": str(ts_path)}
    return _network_at(temperature, minima, (*states, plus, minus), names)


def _network_at(temperature, minima, states, names):
    """A network of energies, or of free energies."""
    if temperature is None:
        return network(minima[0], *states, **names)
    for columns, name in ((minima, names["minima_name"]), (states, names["ts_name"])):
        wrong = np.flatnonzero(~np.isfinite(columns[1]) | ~(columns[2] > 0))
        if wrong.size:
            raise InputError(
                f"{name}:{wrong[0] + 1}: TEMPERATURE needs the log product of the Hessian eigenvalues and the point-group order"
            )
    # The checks of numbers and indices come first.
    network(minima[0], states[0], states[3], states[4], **names)
    return network(*free_energies(minima, states, temperature), **names)


def read_database(path, temperature=None):
    """Read a ``landscape.db`` as a `Network`; with a temperature (kT) one of free energies.

    Raises
    ------
    InputError
        The file is missing or is no database of this suite.
    """
    if not Path(path).exists():
        raise InputError(
            f"{path}: there is no such database; pathsample and gmin make it, or name text files with MINIMA and TS"
        )
    from common.database import Database

    with Database(path, read_only=True) as database:
        minima = database.minima_arrays()
        states = database.ts_arrays()
    names = {"minima_name": str(path), "ts_name": str(path), "database": Path(path)}
    kept = ("energy",) if temperature is None else ("energy", "log_product", "order")
    columns = tuple(states[key] for key in (*kept, "plus", "minus"))
    return _network_at(temperature, tuple(minima[key] for key in kept), columns, names)


def _columns(path, columns, what):
    """Columns of a text file as float arrays; errors name file and line."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; correct MINIMA or TS in dinfo") from None
    lines = data.split(b"\n")
    filled = [line for line in lines if line.strip()]
    if not filled:
        return tuple(np.empty(0) for _ in columns)
    try:
        rows = np.loadtxt(filled, usecols=columns, ndmin=2, comments=None, dtype=np.float64)
        if rows.shape[0] == len(filled):
            return tuple(np.ascontiguousarray(rows[:, k]) for k in range(len(columns)))
    except (ValueError, IndexError):
        pass
    return _columns_by_line(path, lines, columns, what)


def _columns_by_line(path, lines, columns, what):
    """The slow way, for numbers with D exponents and to find the line that is wrong."""
    from common.fortran_numbers import read_real

    rows = []
    for number, line in enumerate(lines, 1):
        words = line.decode("ascii", "replace").replace(",", " ").split()
        if not words:
            continue
        if len(words) <= columns[-1]:
            raise InputError(f"{path}:{number}: {len(words)} columns, {what} needs {columns[-1] + 1}; is the file complete?")
        rows.append([])
        for column in columns:
            try:
                rows[-1].append(read_real(words[column]))
            except ValueError:
                raise InputError(f"{path}:{number}: '{words[column]}' in column {column + 1} is not a number") from None
    return tuple(np.array(column) for column in zip(*rows))


def read_values(path, n_minima):
    """One value per minimum from a text file: line k for minimum k, or a table with the numbers of the minima.

    A table has two columns, the number of a minimum and its value, separated by blanks or a comma; a first line that is no
    number is a heading. Minima that are not listed get NaN.

    Returns
    -------
    values : ndarray, shape (n_minima,)
    heading : str or None

    Raises
    ------
    InputError
        The file cannot be read or does not fit the number of minima.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    from common.fortran_numbers import read_real

    heading = None
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        try:
            rows.append((number, [float("nan") if word.lower() in ("nan", "-") else read_real(word) for word in words[:2]]))
        except ValueError:
            if rows or heading is not None:
                raise InputError(f"{path}:{number}: '{' '.join(words)}' is not a value per minimum") from None
            heading = words[-1].strip("#").strip() or None
    values = np.full(n_minima, np.nan)
    if rows and len(rows[0][1]) == 2:
        for number, row in rows:
            if len(row) != 2 or row[0] != int(row[0]) or not 1 <= row[0] <= n_minima:
                raise InputError(f"{path}:{number}: expected the number of a minimum (1 to {n_minima}) and its value")
            values[int(row[0]) - 1] = row[1]
    else:
        if len(rows) > n_minima:
            raise InputError(f"{path}: {len(rows)} values, but there are {n_minima} minima; one line per minimum is expected")
        values[: len(rows)] = [row[0] for _, row in rows]
    return values, heading


def first_values(path, most):
    """The first number of each of the first `most` lines that are not blank, as a list-directed read of Fortran takes them.

    Raises
    ------
    InputError
        The file cannot be read or a line does not begin with a number.
    """
    from common.fortran_numbers import read_real

    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    values = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace(",", " ").split()
        if not words or len(values) == most:
            continue
        try:
            values.append(read_real(words[0]))
        except ValueError:
            raise InputError(f"{path}:{number}: '{words[0]}' is not a value per minimum") from None
    return np.array(values)
