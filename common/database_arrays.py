"""Whole columns of the database as arrays: energies, coordinates, properties, sets A and B; and what changes them all."""

import numpy as np

from common.errors import DatabaseError

_POINT_COLUMNS = {
    "energy": ("energy", "f8"),
    "log_product": ("ifnull(log_product, 'nan')", "f8"),
    "order": ("point_group_order", "i8"),
    "inertia_1": ("inertia_1", "f8"),
    "inertia_2": ("inertia_2", "f8"),
    "inertia_3": ("inertia_3", "f8"),
}
_TS_COLUMNS = {
    **_POINT_COLUMNS,
    "plus": ("plus", "i8"),
    "minus": ("minus", "i8"),
    "negative_eigenvalue": ("ifnull(negative_eigenvalue, 'nan')", "f8"),
    "path_length": ("ifnull(path_length, 'nan')", "f8"),
}


class ArrayMethods:
    """The part of `Database` that speaks in arrays."""

    def energies(self):
        """Energies of all minima, in order of id: ndarray of shape (n_minima,)."""
        return self._columns("minima", {"energy": _POINT_COLUMNS["energy"]})["energy"]

    def new_energies(self, after):
        """Energies of the minima with ids above ``after``, in order."""
        return self._columns("minima", {"energy": _POINT_COLUMNS["energy"]}, after)["energy"]

    def new_edges(self, after):
        """energy, plus and minus of the transition states with ids above ``after``: dict of arrays, in order."""
        return self._columns("transition_states", {name: _TS_COLUMNS[name] for name in ("energy", "plus", "minus")}, after)

    def minima_arrays(self):
        """All minima as a dict of arrays of shape (n_minima,): energy, log_product, order; and inertia (n_minima, 3)."""
        return _join_inertia(self._columns("minima", _POINT_COLUMNS))

    def ts_arrays(self):
        """All transition states as a dict of arrays of shape (n_transition_states,).

        energy, log_product, order, plus, minus (1-based), negative_eigenvalue, path_length; and inertia
        (n_transition_states, 3).
        """
        return _join_inertia(self._columns("transition_states", _TS_COLUMNS))

    def _columns(self, table, columns, after=0):
        names = ", ".join(expression for expression, _ in columns.values())
        sql = f"SELECT {names} FROM {table} WHERE id > {int(after)} ORDER BY id"
        with self._translated():
            rows = np.fromiter(self._connection.execute(sql), dtype=[(name, kind) for name, (_, kind) in columns.items()])
        return {name: np.ascontiguousarray(rows[name]) for name in columns}

    def coordinates(self, ids=None, *, transition_states=False):
        """Coordinates of minima, or of transition states: ndarray of shape (number of ids, n_variables).

        Raises DatabaseError when one of them has none (a text database without points files).
        """
        table = "transition_states" if transition_states else "minima"
        with self._translated():
            if ids is None:
                blobs = [row[0] for row in self._connection.execute(f"SELECT coordinates FROM {table} ORDER BY id")]
            elif isinstance(ids, range) and ids.step == 1 and len(ids) and ids.start >= 1 and ids.stop - 1 <= self._size(table):
                sql = f"SELECT coordinates FROM {table} WHERE id BETWEEN ? AND ? ORDER BY id"
                blobs = [row[0] for row in self._connection.execute(sql, (ids.start, ids.stop - 1))]
            else:
                one = f"SELECT coordinates FROM {table} WHERE id=?"
                blobs = [self._one_value(one, table, i) for i in ids]
        if None in blobs:
            raise DatabaseError(
                f"{self.path}: no coordinates for number {blobs.index(None) + 1} of {table}; import the points files as well"
            )
        if not blobs:
            return np.empty((0, self.n_variables or 0))
        return np.frombuffer(b"".join(blobs), "<f8").reshape(len(blobs), -1).copy()

    def _size(self, table):
        return self.n_minima if table == "minima" else self.n_transition_states

    def coordinate_blobs(self, table="minima"):
        """Iterator over the coordinates of "minima" or "transition_states" as bytes; empty when none has any.

        Raises DatabaseError when only some of them have coordinates.
        """
        with self._translated():
            execute = self._connection.execute
            count, known = execute(f"SELECT count(*), count(coordinates) FROM {table}").fetchone()
            if known not in (0, count):
                raise DatabaseError(f"{self.path}: only {known} of {count} {table} have coordinates, points files need all")
            if known:
                for (blob,) in execute(f"SELECT coordinates FROM {table} ORDER BY id"):
                    yield blob

    def _one_value(self, sql, table, number):
        row = self._connection.execute(sql, (int(number),)).fetchone()
        if row is None:
            raise KeyError(f"{self.path}: there is no number {number} in {table}")
        return row[0]

    # Sets A and B

    def endpoints(self, name):
        """Ids of the minima in a set ("A" or "B"), in the order they were given."""
        with self._translated():
            rows = self._connection.execute("SELECT minimum FROM endpoints WHERE set_name=? ORDER BY rowid", (name,))
            return [row[0] for row in rows]

    def set_endpoints(self, name, ids):
        """Replace the members of a set. Raises DatabaseError when one of them is no minimum of this database."""
        ids = list(dict.fromkeys(int(i) for i in ids))
        with self.transaction():
            wrong = [i for i in ids if not 1 <= i <= self._n_minima]
            if wrong:
                raise DatabaseError(
                    f"{self.path}: minimum {wrong[0]} cannot be in set {name}, there are {self._n_minima} minima; "
                    f"correct min.{name}"
                )
            self._connection.execute("DELETE FROM endpoints WHERE set_name=?", (name,))
            self._connection.executemany("INSERT INTO endpoints VALUES (?, ?)", [(name, i) for i in ids])

    # Properties

    def set_property(self, name, ids, values):
        """Store one number per minimum under a name ("auc", "misclassification", …); NaN takes it away.

        Parameters
        ----------
        name : str
        ids : array_like of int, shape (k,)
        values : array_like of float, shape (k,)
        """
        ids = np.asarray(ids, dtype=np.int64).reshape(-1)
        values = np.asarray(values, dtype=np.float64).reshape(-1)
        if ids.size != values.size:
            raise ValueError(f"property {name}: {ids.size} minima and {values.size} values")
        with self.transaction():
            if ids.size and not (ids.min() >= 1 and ids.max() <= self._n_minima):
                raise ValueError(f"{self.path}: property {name} for minimum {ids.min()} or {ids.max()} of {self._n_minima}")
            known = ~np.isnan(values)
            self._connection.executemany(
                "INSERT OR REPLACE INTO properties VALUES (?, ?, ?)",
                [(name, i, value) for i, value in zip(ids[known].tolist(), values[known].tolist())],
            )
            self._connection.executemany(
                "DELETE FROM properties WHERE name=? AND minimum=?", [(name, i) for i in ids[~known].tolist()]
            )

    def property(self, name):
        """A property over all minima: ndarray of shape (n_minima,), NaN where it is missing."""
        values = np.full(self.n_minima, np.nan)
        with self._translated():
            rows = np.fromiter(
                self._connection.execute("SELECT minimum, value FROM properties WHERE name=?", (name,)),
                dtype=[("minimum", "i8"), ("value", "f8")],
            )
        rows = rows[rows["minimum"] <= values.size]  # a writer may have added some since
        values[rows["minimum"] - 1] = rows["value"]
        return values

    def property_names(self):
        """Names of all properties, in alphabetical order."""
        with self._translated():
            return [row[0] for row in self._connection.execute("SELECT DISTINCT name FROM properties ORDER BY name")]

    def set_log_products(self, table, figures):
        """Replace log products.

        Parameters
        ----------
        table : {"minima", "transition_states"}
        figures : iterable of (id, log_product, negative_eigenvalue or None)
            The negative eigenvalue of a transition state; None for a minimum.
        """
        if table not in ("minima", "transition_states"):
            raise ValueError(f"log products of {table}")
        with self.transaction():
            for number, log_product, negative in figures:
                self._connection.execute(f"UPDATE {table} SET log_product=? WHERE id=?", (float(log_product), int(number)))
                if negative is not None:
                    self._connection.execute(
                        f"UPDATE {table} SET negative_eigenvalue=? WHERE id=?", (float(negative), int(number))
                    )

    # The whole file

    def copy_to(self, path):
        """Write a copy of the database, as it is now, to a file that does not exist."""
        import sqlite3

        with self._translated():
            copy = sqlite3.connect(path)
            try:
                self._connection.backup(copy)
            finally:
                copy.close()

    def check(self):
        """Look for damage and contradictions; the list is empty when all is well.

        Returns
        -------
        list of str
        """
        with self._translated():
            execute = self._connection.execute
            problems = [row[0] for row in execute("PRAGMA integrity_check") if row[0] != "ok"]
            for table, row, parent, _ in execute("PRAGMA foreign_key_check"):
                problems.append(f"row {row} of {table} refers to a row of {parent} that does not exist")
            for table in ("minima", "transition_states"):
                count, lowest, highest = execute(f"SELECT count(*), min(id), max(id) FROM {table}").fetchone()
                if count and (lowest, highest) != (1, count):
                    problems.append(f"{count} {table} are numbered {lowest} to {highest}")
                sizes = execute(f"SELECT DISTINCT length(coordinates) FROM {table} WHERE coordinates IS NOT NULL").fetchall()
                wrong = [size for (size,) in sizes if size != 8 * (self.n_variables or 0)]
                if wrong:
                    problems.append(f"coordinates of {wrong[0]} bytes in {table}, {8 * (self.n_variables or 0)} expected")
            below = execute(
                "SELECT t.id, m.id FROM transition_states t JOIN minima m ON m.id IN (t.plus, t.minus) "
                "WHERE m.energy > t.energy"
            )
            problems += [f"transition state {ts} lies below its minimum {minimum}" for ts, minimum in below]
        return problems


def _join_inertia(columns):
    columns["inertia"] = np.column_stack([columns.pop(f"inertia_{k}") for k in (1, 2, 3)])
    return columns
