"""The database of stationary points, ``landscape.db``: what every program adds to and reads from.

A stationary point is the same as a stored one when their energies differ by less than the energy tolerance and the closest copy
under the symmetry of the potential lies within the distance tolerance. Candidates come from an index on the energy, so the cost
of a look-up does not grow with the number of minima. Whatever is added in one call is one transaction: after a kill at any
moment the file holds exactly the completed calls.
"""

import json
import math
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from common.database_adding import AddMethods, AddReport
from common.database_arrays import ArrayMethods
from common.database_fingerprint import check_made_for, plain
from common.database_removal import RemovalMethods
from common.discovery import DiscoveryMethods
from common.errors import DatabaseError
from common.jobs import JobMethods
from common.stationary_points import Minimum, TransitionState

__all__ = ["AddReport", "Database"]

#: Identity of stationary points where neither the caller nor the file says otherwise.
ENERGY_TOLERANCE = 1e-6
DISTANCE_TOLERANCE = 0.1

_MINIMUM = "id, energy, log_product, point_group_order, inertia_1, inertia_2, inertia_3, point_group"
_TS = f"{_MINIMUM}, plus, minus, negative_eigenvalue"


class Database(AddMethods, ArrayMethods, DiscoveryMethods, JobMethods, RemovalMethods):
    """Stationary points, sets A and B, properties, attempts and jobs of one landscape.

    One process writes at a time; any number may read. Use it as a context manager.

    Parameters
    ----------
    path : str or path-like
    symmetry : potentials.symmetry.Symmetry, optional
        Decides which points are copies of each other (``same(x, stored, tolerance)``). None: no copies, Euclidean distance.
    fingerprint : dict, optional
        What identifies the potential and its data (`Potential.fingerprint`). A database without one adopts it.
    n_variables : int, optional
        Length of the coordinates; adopted from the first point when it is not given.
    energy_tolerance, distance_tolerance : float, optional
        Identity of stationary points (classic keywords ETOL and GEOMDIFFTOL). None takes those of the file, or 1e-6 and 0.1
        for a new one.
    create : bool
        Whether a missing database is made.
    read_only : bool
        Look only; several readers may do so while a writer is at work. A reader sees the state at the time of opening, so that
        all it reads fits together, until it calls `refresh`.
    cache_kilobytes : int, optional
        Memory for pages of the file; default 64 MB. A program that only adds needs less.

    Raises
    ------
    DatabaseError
        The file is not a database of this suite, is damaged, truncated, of another version, potential, data set or tolerance,
        cannot be opened, or is being written by another run. One line, with the remedy.
    """

    def __init__(
        self,
        path,
        *,
        symmetry=None,
        fingerprint=None,
        n_variables=None,
        energy_tolerance=None,
        distance_tolerance=None,
        create=True,
        read_only=False,
        cache_kilobytes=None,
    ):
        from common.database_schema import WriterLock, connect_reader, connect_writer

        self.path = Path(path)
        self.symmetry = symmetry
        self.read_only = read_only
        self._depth = 0
        self._connection = None
        self._lock = None
        try:
            if read_only:
                self._connection, new = connect_reader(path), False
                self._connection.execute("BEGIN")
            else:
                self._lock = WriterLock(path) if create or self.path.exists() else None
                self._connection, new = connect_writer(path, create)
            if cache_kilobytes is not None:
                self._connection.execute(f"PRAGMA cache_size={-int(cache_kilobytes)}")
            self._settle(new, fingerprint, n_variables, energy_tolerance, distance_tolerance)
            if not read_only:
                self._recover_jobs()
        except BaseException:
            self.close()
            raise

    def _settle(self, new, fingerprint, n_variables, energy_tolerance, distance_tolerance):
        """Compare what the caller asks for with what the file was made for; write down what the file does not say yet."""
        fingerprint = None if fingerprint is None else plain(fingerprint)
        wanted = {
            "fingerprint": fingerprint,
            "n_variables": None if n_variables is None else int(n_variables),
            "energy_tolerance": None if energy_tolerance is None else float(energy_tolerance),
            "distance_tolerance": None if distance_tolerance is None else float(distance_tolerance),
        }
        if new:
            wanted["energy_tolerance"] = wanted["energy_tolerance"] or ENERGY_TOLERANCE
            wanted["distance_tolerance"] = wanted["distance_tolerance"] or DISTANCE_TOLERANCE
        with self._translated():
            stored = {key: json.loads(value) for key, value in self._connection.execute("SELECT key, value FROM meta")}
            check_made_for(self.path, stored, wanted)
            adopted = {key: value for key, value in wanted.items() if value is not None and stored.get(key) is None}
            if adopted and not self.read_only:
                with self.transaction():
                    for key, value in adopted.items():
                        self.set_meta(key, value)
        stored.update({} if self.read_only else adopted)
        self.fingerprint = stored.get("fingerprint")
        self.energy_tolerance = stored.get("energy_tolerance") or ENERGY_TOLERANCE
        self.distance_tolerance = stored.get("distance_tolerance") or DISTANCE_TOLERANCE
        self._count()

    def close(self):
        """Close the file. When nobody else has it open either it is then one ordinary file, without side files."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __repr__(self):
        return f"Database({str(self.path)!r}: {self.n_minima} minima, {self.n_transition_states} transition states)"

    # Transactions

    @contextmanager
    def _translated(self):
        """Turn the errors of SQLite into ours."""
        import sqlite3

        from common.database_schema import damaged

        try:
            yield
        except sqlite3.Error as error:
            raise damaged(self.path, error) from error

    @contextmanager
    def transaction(self):
        """Group several calls into one transaction: all of them are kept, or after an error or a kill none."""
        if self.read_only:
            raise DatabaseError(f"{self.path}: opened for reading only")
        if self._depth:
            self._depth += 1
            try:
                yield self
            finally:
                self._depth -= 1
            return
        with self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield self
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                self._count()
                raise
            finally:
                self._depth = 0

    def refresh(self):
        """Let a reader, who sees the database as it was when it was opened, see what was added since."""
        if self.read_only:
            with self._translated():
                if self._connection.in_transaction:
                    self._connection.execute("COMMIT")
                self._connection.execute("BEGIN")
        self._count()

    def _count(self):
        """Read what is cached between transactions."""
        with self._translated():
            self.n_variables = self.meta("n_variables")
            self._n_minima, self._n_ts = self._connection.execute(
                "SELECT (SELECT coalesce(max(id), 0) FROM minima), (SELECT coalesce(max(id), 0) FROM transition_states)"
            ).fetchone()

    @property
    def n_minima(self):
        """Number of minima; their ids are 1 to this."""
        return self._n_minima

    @property
    def n_transition_states(self):
        """Number of transition states; their ids are 1 to this."""
        return self._n_ts

    # Reading records

    def minimum(self, number):
        """The minimum with this id, as a `Minimum`. Raises KeyError when there is none."""
        return self._one("minima", _MINIMUM, number, _as_minimum)

    def transition_state(self, number):
        """The transition state with this id, as a `TransitionState`. Raises KeyError when there is none."""
        return self._one("transition_states", _TS, number, _as_ts)

    def _one(self, table, columns, number, record):
        with self._translated():
            row = self._connection.execute(f"SELECT coordinates, {columns} FROM {table} WHERE id=?", (int(number),)).fetchone()
        if row is None:
            raise KeyError(f"{self.path}: there is no number {number} among the {table.replace('_', ' ')}")
        return record(row)

    def minima(self, ids=None, coordinates=True):
        """Minima in the order of ``ids``, or all of them.

        Parameters
        ----------
        ids : iterable of int, optional
        coordinates : bool
            False leaves them None, which saves most of the time.

        Returns
        -------
        list of Minimum
        """
        return self._many("minima", _MINIMUM, ids, coordinates, _as_minimum)

    def transition_states(self, ids=None, coordinates=True):
        """Transition states in the order of ``ids``, or all of them, as a list of `TransitionState`."""
        return self._many("transition_states", _TS, ids, coordinates, _as_ts)

    def _many(self, table, columns, ids, coordinates, record):
        if ids is not None:
            one = f"SELECT {'coordinates' if coordinates else 'NULL'}, {columns} FROM {table} WHERE id=?"
            with self._translated():
                rows = [self._connection.execute(one, (int(i),)).fetchone() for i in ids]
            if None in rows:
                raise KeyError(f"{self.path}: there is no number {list(ids)[rows.index(None)]} in {table}")
            return [record(row) for row in rows]
        with self._translated():
            every = f"SELECT {'coordinates' if coordinates else 'NULL'}, {columns} FROM {table} ORDER BY id"
            return [record(row) for row in self._connection.execute(every)]

    # Facts about the whole

    def set_meta(self, key, value):
        """Keep a plain value (anything JSON can hold) under a name."""
        with self.transaction():
            self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(plain(value))))

    def meta(self, key, default=None):
        """The value kept under a name."""
        with self._translated():
            row = self._connection.execute("SELECT value FROM meta WHERE key=?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])


def _nan(value):
    return math.nan if value is None else value


def _as_minimum(row):
    x, number, energy, log_product, order, first, second, third, group = row
    return Minimum(
        energy=energy,
        coordinates=None if x is None else np.frombuffer(x, "<f8").copy(),
        log_product=_nan(log_product),
        order=order,
        inertia=(first, second, third),
        point_group=group,
        id=number,
    )


def _as_ts(row):
    x, number, energy, log_product, order, first, second, third, group, plus, minus, negative = row
    return TransitionState(
        energy=energy,
        coordinates=None if x is None else np.frombuffer(x, "<f8").copy(),
        log_product=_nan(log_product),
        order=order,
        inertia=(first, second, third),
        negative_eigenvalue=_nan(negative),
        point_group=group,
        plus=plus,
        minus=minus,
        id=number,
    )
