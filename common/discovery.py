"""How often the stationary points were found, and how the database grew: the part of the books that estimates rest on.

Tables
------
hits     per minimum and transition state the number of jobs that found it; and, under a kind of its own, the number of samples
origins  the points that a point was found from, where no search from a random point found it
cycles   after every cycle of a growth: time, searches so far, size, connected minima, estimates (JSON)

Samples
-------
A sample is one search from a starting point that was drawn at random, anywhere or from known points. It counts as a discovery
only of points that would have been found without it: neither of those that it started from nor of those without which its start
would not be known, up the tree of first discoveries. So the points that are known are found, as far as this count goes, in the
same way as those that are not, and the one number tells of the other.

Databases written before these tables existed get them when they are next opened for writing; readers find nothing there.
"""

import json
from collections import Counter

import numpy as np

from common.database_fingerprint import plain

TABLES_SQL = """
CREATE TABLE IF NOT EXISTS hits (kind TEXT NOT NULL, number INTEGER NOT NULL, searches INTEGER NOT NULL,
    PRIMARY KEY (kind, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS origins (point INTEGER NOT NULL, parent INTEGER NOT NULL,
    PRIMARY KEY (point, parent)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cycles (id INTEGER PRIMARY KEY, time TEXT, cycle INTEGER, searches INTEGER, minima INTEGER,
    transition_states INTEGER, connected INTEGER, estimates TEXT);
"""
KINDS = ("minima", "transition_states")
#: Kinds of the table of hits that count samples: of points, and the number of all samples.
SAMPLED = {kind: f"sampled {kind}" for kind in KINDS}
SAMPLES = "samples"
_ADD_HITS = "INSERT INTO hits VALUES (?, ?, ?) ON CONFLICT (kind, number) DO UPDATE SET searches = searches + excluded.searches"


class DiscoveryMethods:
    """The part of `Database` that counts discoveries.

    A point is labelled by its number where it is a transition state and by minus its number where it is a minimum.
    """

    def _has_table(self, name):
        with self._translated():
            found = self._connection.execute("SELECT 1 FROM sqlite_master WHERE type='table' AND name=?", (name,)).fetchone()
        return found is not None

    def _record_hits(self, report, start=(), samples=None):
        """Count what one job found, each point once; the minima that it started from were no discovery of its own."""
        triples = [ids for ids in report.ids if ids is not None]
        points = {-i for plus, _, minus in triples for i in (plus, minus)} | {-i for i, _ in report.minimum_ids}
        points |= {ts for _, ts, _ in triples}
        points -= {-i for i in start}
        if samples is None:
            parents = [-i for i in start]
            new = {*report.new_transition_states, *(-i for i in report.new_minima)}
            self._connection.executemany(
                "INSERT OR IGNORE INTO origins VALUES (?, ?)", [(p, q) for p in sorted(new) for q in parents]
            )
        else:
            counts = self._count_samples(report, samples["found"])
            points |= set(counts)
            rows = [(SAMPLED[_kind(point)], abs(point), n) for point, n in sorted(counts.items())]
            self._connection.executemany(_ADD_HITS, [*rows, (SAMPLES, 0, int(samples["searches"]))])
        self._connection.executemany(_ADD_HITS, [(_kind(point), abs(point), 1) for point in sorted(points)])

    def _count_samples(self, report, found):
        """How many samples found each point, and where points were first found from; see the head of the module."""
        execute = self._connection.execute
        origins = {}
        for point, parent in execute("SELECT point, parent FROM origins ORDER BY point, parent"):
            origins.setdefault(point, []).append(parent)
        stored = {point: tuple(parents) for point, parents in origins.items()}
        new = {*report.new_transition_states, *(-i for i in report.new_minima)}
        counts, above = Counter(), {}

        def discovered(state, minima, sources):
            known = set().union(*(_ancestors(source, origins, above) for source in sources))
            for point in (state, *minima):
                if point is None or point in known:
                    continue
                counts[point] += 1
                # a minimum is known thanks to the transition state that it was found with
                parents = list(sources) if point == state else [state] if state is not None else []
                if point in new:
                    new.discard(point)
                    if parents:
                        origins[point] = parents
                elif not sources and point in origins and parents != origins[point]:
                    del origins[point]
                    above.clear()

        for number, _ in report.minimum_ids:
            discovered(None, [-number], ())
        for sources, number in found:
            if number < 0:
                ids = report.ids[-1 - number]
                if ids is None:
                    continue
            else:
                row = execute("SELECT plus, minus FROM transition_states WHERE id=?", (number,)).fetchone()
                ids = row[0], number, row[1]
            if ids[1] not in sources:
                discovered(ids[1], sorted({-ids[0], -ids[2]}), sources)
        changed = [point for point in stored if tuple(origins.get(point, ())) != stored[point]]
        self._connection.executemany("DELETE FROM origins WHERE point=?", [(point,) for point in changed])
        self._connection.executemany(
            "INSERT OR IGNORE INTO origins VALUES (?, ?)",
            [(p, q) for p, parents in sorted(origins.items()) if stored.get(p) != tuple(parents) for q in parents],
        )
        return counts

    def hits(self, kind, sampled=False):
        """How often each point was found: ndarray of int, shape (n_minima,) or (n_transition_states,).

        Parameters
        ----------
        kind : {"minima", "transition_states"}
        sampled : bool
            Count samples instead of jobs.
        """
        if kind not in KINDS:
            raise ValueError(f"hits of {kind}: expected one of {', '.join(KINDS)}")
        counts = np.zeros(self.n_minima if kind == "minima" else self.n_transition_states, dtype=np.int64)
        if not self._has_table("hits"):
            return counts
        word = SAMPLED[kind] if sampled else kind
        with self._translated():
            rows = self._connection.execute("SELECT number, searches FROM hits WHERE kind=?", (word,))
            rows = np.fromiter(rows, dtype=[("number", "i8"), ("searches", "i8")])
        rows = rows[rows["number"] <= counts.size]
        counts[rows["number"] - 1] = rows["searches"]
        return counts

    def samples(self):
        """Number of samples made."""
        if not self._has_table("hits"):
            return 0
        with self._translated():
            row = self._connection.execute("SELECT searches FROM hits WHERE kind=? AND number=0", (SAMPLES,)).fetchone()
        return row[0] if row else 0

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


def _kind(point):
    """Kind of the point with this label."""
    return KINDS[1] if point > 0 else KINDS[0]


def _ancestors(point, origins, above):
    """A point and all points up the tree of discoveries, as a set; ``above`` keeps those computed."""
    if point not in above:
        seen, rest = {point}, [point]
        while rest:
            for parent in origins.get(rest.pop(), ()):
                if parent not in seen:
                    seen.add(parent)
                    rest.append(parent)
        above[point] = frozenset(seen)
    return above[point]
