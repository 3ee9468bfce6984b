"""Removing stationary points from the database: what hangs on them goes too, and the numbers stay consecutive."""

import numpy as np

from common.discovery import SAMPLED
from common.errors import DatabaseError


class RemovalMethods:
    """The part of `Database` that removes."""

    def remove_minima(self, ids):
        """Remove minima with all that hangs on them, and number the rest consecutively again.

        Their transition states, properties, attempts and memberships in A and B go; jobs that wait or run are dropped, because
        they speak of the old numbers.

        Parameters
        ----------
        ids : iterable of int

        Returns
        -------
        ndarray of int, shape (old n_minima + 1,)
            New id for each old id, 0 for a removed one; entry 0 is unused.
        """
        if self._depth:
            raise RuntimeError("remove_minima is a transaction of its own and cannot be part of another")
        gone = sorted({int(i) for i in ids})
        if gone and not (gone[0] >= 1 and gone[-1] <= self.n_minima):
            raise ValueError(f"{self.path}: minima {gone[0]} to {gone[-1]} of {self.n_minima} cannot be removed")
        keep = np.ones(self.n_minima + 1, dtype=bool)
        keep[0] = False
        keep[gone] = False
        new = np.where(keep, np.cumsum(keep), 0)
        if not gone:
            return new
        connection = self._connection
        # Numbers change in several tables, which agree again only at the end: the check of references waits until then.
        connection.execute("PRAGMA foreign_keys=OFF")
        try:
            with self.transaction():
                connection.execute("CREATE TEMP TABLE renumbered (old INTEGER PRIMARY KEY, new INTEGER)")
                connection.executemany("INSERT INTO renumbered VALUES (?, ?)", [(i, int(new[i])) for i in range(1, keep.size)])
                self._renumber()
                connection.execute("DROP TABLE renumbered")
                if connection.execute("PRAGMA foreign_key_check").fetchone():
                    raise DatabaseError(f"{self.path}: minima could not be removed, references would dangle; run a check")
        finally:
            connection.execute("PRAGMA foreign_keys=ON")
        self._count()
        return new

    def remove_transition_states(self, ids):
        """Remove transition states and number the rest consecutively again; minima and attempts stay.

        Parameters
        ----------
        ids : iterable of int
        """
        gone = sorted({int(i) for i in ids})
        if gone and not (gone[0] >= 1 and gone[-1] <= self.n_transition_states):
            raise ValueError(f"{self.path}: transition states {gone[0]} to {gone[-1]} of {self.n_transition_states}")
        if not gone:
            return
        with self.transaction():
            self._connection.executemany("DELETE FROM transition_states WHERE id=?", [(i,) for i in gone])
            self._close_gaps()
        self._count()

    def _close_gaps(self):
        """Number the transition states that are left consecutively, and their hits with them."""
        execute = self._connection.execute
        numbers = [row[0] for row in execute("SELECT id FROM transition_states ORDER BY id")]
        moved = [(k, old) for k, old in enumerate(numbers, 1) if old != k]
        self._connection.executemany("UPDATE transition_states SET id=? WHERE id=?", moved)
        self._renumber_hits("transition_states", {old: k for k, old in enumerate(numbers, 1)})

    def _renumber_hits(self, kind, new):
        """Give the hits and origins of a kind of points their new numbers; those of removed points go."""
        for word in (kind, SAMPLED[kind]):
            query = "SELECT number, searches FROM hits WHERE kind=? ORDER BY number"
            rows = self._connection.execute(query, (word,)).fetchall()
            self._connection.execute("DELETE FROM hits WHERE kind=?", (word,))
            kept = [(word, int(new[old]), searches) for old, searches in rows if new.get(old)]
            self._connection.executemany("INSERT INTO hits VALUES (?, ?, ?)", kept)
        sign = -1 if kind == "minima" else 1

        def moved(label):
            return label if label * sign < 0 else sign * (new.get(abs(label)) or 0)

        rows = self._connection.execute("SELECT point, parent FROM origins ORDER BY point, parent").fetchall()
        self._connection.execute("DELETE FROM origins")
        rows = [(moved(point), moved(parent)) for point, parent in rows]
        self._connection.executemany("INSERT OR IGNORE INTO origins VALUES (?, ?)", [row for row in rows if all(row)])

    def _renumber(self):
        execute = self._connection.execute
        gone = "(SELECT old FROM renumbered WHERE new=0)"
        changed = self._connection.execute("SELECT new, old FROM renumbered WHERE new NOT IN (0, old) ORDER BY old").fetchall()
        execute(f"DELETE FROM transition_states WHERE plus IN {gone} OR minus IN {gone}")
        execute(f"DELETE FROM endpoints WHERE minimum IN {gone}")
        execute(f"DELETE FROM properties WHERE minimum IN {gone}")
        execute(f"DELETE FROM attempts WHERE first IN {gone} OR second IN {gone}")
        execute(f"DELETE FROM minima WHERE id IN {gone}")
        execute("DELETE FROM jobs WHERE state IN ('waiting', 'running', 'held')")
        # New numbers are smaller than old ones, so that in ascending order none is taken when it is given.
        self._connection.executemany("UPDATE minima SET id=? WHERE id=?", changed)
        for table, column in (
            ("transition_states", "plus"),
            ("transition_states", "minus"),
            ("attempts", "first"),
            ("attempts", "second"),
        ):
            look_up = f"(SELECT new FROM renumbered WHERE old={column})"
            execute(f"UPDATE {table} SET {column}={look_up} WHERE {column} IS NOT NULL")
        # In these two the minimum is part of the key, and half-way a key could be there twice: write them anew.
        for table, columns in (("endpoints", "set_name, {}"), ("properties", "name, {}, value")):
            names = columns.format("minimum").split(", ")
            rows = execute(
                f"SELECT {columns.format('new')} FROM {table} JOIN renumbered ON old=minimum ORDER BY {table}.rowid"
            ).fetchall()
            execute(f"DELETE FROM {table}")
            self._connection.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(names))})", rows)
        self._renumber_hits("minima", dict(execute("SELECT old, new FROM renumbered").fetchall()))
        self._close_gaps()
