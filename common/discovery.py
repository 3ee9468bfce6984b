"""How often the stationary points were found, and how the database grew: the part of the books that estimates rest on.

Tables
------
hits     per minimum and transition state the number of searches that found it
cycles   after every cycle of a growth: time, searches so far, size, connected minima, estimates (JSON)

Databases written before these tables existed get them when they are next opened for writing; readers find nothing there.
"""

import json

import numpy as np

from common.database_fingerprint import plain

TABLES_SQL = """
CREATE TABLE IF NOT EXISTS hits (kind TEXT NOT NULL, number INTEGER NOT NULL, searches INTEGER NOT NULL,
    PRIMARY KEY (kind, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cycles (id INTEGER PRIMARY KEY, time TEXT, cycle INTEGER, searches INTEGER, minima INTEGER,
    transition_states INTEGER, connected INTEGER, estimates TEXT);
"""
KINDS = ("minima", "transition_states")


class DiscoveryMethods:
    """The part of `Database` that counts discoveries."""

    def _has_table(self, name):
        with self._translated():
            found = self._connection.execute("SELECT 1 FROM sqlite_master WHERE type='table' AND name=?", (name,)).fetchone()
        return found is not None

    def _record_hits(self, report, start=()):
        """Count what one search found, each point once; the minima that it started from were no discovery of its own."""
        triples = [ids for ids in report.ids if ids is not None]
        minima = {i for plus, _, minus in triples for i in (plus, minus)} | {i for i, _ in report.minimum_ids}
        rows = [("minima", i) for i in sorted(minima - set(start))]
        rows += [("transition_states", i) for i in sorted({ts for _, ts, _ in triples})]
        self._connection.executemany(
            "INSERT INTO hits VALUES (?, ?, 1) ON CONFLICT (kind, number) DO UPDATE SET searches = searches + 1", rows
        )

    def hits(self, kind):
        """Number of searches that found each point: ndarray of int, shape (n_minima,) or (n_transition_states,).

        Parameters
        ----------
        kind : {"minima", "transition_states"}
        """
        if kind not in KINDS:
            raise ValueError(f"hits of {kind}: expected one of {', '.join(KINDS)}")
        counts = np.zeros(self.n_minima if kind == "minima" else self.n_transition_states, dtype=np.int64)
        if not self._has_table("hits"):
            return counts
        with self._translated():
            rows = self._connection.execute("SELECT number, searches FROM hits WHERE kind=?", (kind,))
            rows = np.fromiter(rows, dtype=[("number", "i8"), ("searches", "i8")])
        rows = rows[rows["number"] <= counts.size]
        counts[rows["number"] - 1] = rows["searches"]
        return counts

    def record_cycle(self, cycle, searches, connected, estimates=None):
        """Write down the state after a cycle of a growth.

        Parameters
        ----------
        cycle : int
        searches : int
            Searches filed in this database so far.
        connected : int
            Minima in the component of the reference minimum.
        estimates : dict, optional
            Plain values.
        """
        from common.jobs import now

        with self.transaction():
            self._connection.execute(
                "INSERT INTO cycles (time, cycle, searches, minima, transition_states, connected, estimates) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (now(), cycle, searches, self.n_minima, self.n_transition_states, int(connected), json.dumps(plain(estimates))),
            )

    def cycles(self):
        """All recorded cycles in order, as a list of dicts."""
        if not self._has_table("cycles"):
            return []
        with self._translated():
            cursor = self._connection.execute("SELECT * FROM cycles ORDER BY id")
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row)) for row in cursor]
        for row in rows:
            row["estimates"] = json.loads(row["estimates"]) if row["estimates"] else None
        return rows

    def searches_filed(self):
        """Number of searches whose results were filed (jobs done or failed)."""
        with self._translated():
            return self._connection.execute("SELECT count(*) FROM jobs WHERE state IN ('done', 'failed')").fetchone()[0]
