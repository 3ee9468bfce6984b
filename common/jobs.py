"""Jobs, attempts and runs in the database: what is to be done, what was tried, and by whom.

A job is *waiting*, *running*, *held* (its result is here, its turn to be filed has not come), *done* or *failed*. Its result
and its change of state are one transaction: a run that is killed has lost no finished job and files none twice.
"""

import json
import math
import os
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from common.database_adding import AddReport
from common.database_fingerprint import plain

#: The condition of the index of jobs that are not finished; word for word, or SQLite does not use the index.
_OPEN = "state IN ('waiting', 'running', 'held')"
_JOB = "id, kind, payload, state, attempts, seed, child, status, summary, seconds"


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the table.

    Attributes
    ----------
    id : int
    kind : str
        What is to be done, in the words of the program.
    payload : dict
        What it needs to know.
    state : str
    attempts : int
        How often it was started.
    seed : int or None
        The seed of the run.
    child : int
        Which child of ``SeedSequence(seed)`` this job draws from.
    status : str or None
        How it ended.
    summary : dict
        What it reported beside stationary points.
    seconds : float
    """

    id: int
    kind: str
    payload: dict
    state: str
    attempts: int
    seed: int | None
    child: int
    status: str | None = None
    summary: dict | None = None
    seconds: float = math.nan

    def seed_sequence(self):
        """The random stream of this job: the same in whatever order and by whomever the jobs are done."""
        return np.random.SeedSequence(self.seed, spawn_key=(self.child,))

    def rng(self):
        """A generator on that stream."""
        return np.random.default_rng(self.seed_sequence())


class JobMethods:
    """The part of `Database` that keeps the books."""

    def _recover_jobs(self):
        """Jobs that a killed run left running wait again."""
        with self._translated():
            if self._connection.execute(f"SELECT 1 FROM jobs WHERE {_OPEN} AND state='running' LIMIT 1").fetchone():
                with self.transaction():
                    self._connection.execute(f"UPDATE jobs SET state='waiting' WHERE {_OPEN} AND state='running'")

    def add_jobs(self, jobs, *, seed=None):
        """Put jobs into the table.

        Parameters
        ----------
        jobs : iterable of (kind, payload)
            ``payload`` is a dict of plain values.
        seed : int, optional
            Seed of the run; the children of its SeedSequence are numbered on through all jobs with this seed.

        Returns
        -------
        list of int
            Their ids, in order.
        """
        word = None if seed is None else str(int(seed))
        with self.transaction():
            execute = self._connection.execute
            first = execute("SELECT coalesce(max(id), 0) + 1 FROM jobs").fetchone()[0]
            child = execute("SELECT coalesce(max(child), -1) + 1 FROM jobs WHERE seed IS ?", (word,)).fetchone()[0]
            rows = [
                (first + k, kind, json.dumps(plain(payload)), word, child + k) for k, (kind, payload) in enumerate(jobs)
            ]
            self._connection.executemany(
                f"INSERT INTO jobs ({_JOB}) VALUES (?, ?, ?, 'waiting', 0, ?, ?, NULL, NULL, NULL)", rows
            )
        return [row[0] for row in rows]

    def next_jobs(self, n=1, kind=None):
        """Take up to n waiting jobs in order of their ids and mark them as running.

        Returns
        -------
        list of Job
        """
        with self.transaction():
            rows = self._connection.execute(
                f"SELECT {_JOB} FROM jobs WHERE {_OPEN} AND state='waiting' AND (? IS NULL OR kind=?) ORDER BY id LIMIT ?",
                (kind, kind, n),
            ).fetchall()
            self._connection.executemany(
                "UPDATE jobs SET state='running', attempts=attempts+1 WHERE id=?", [(row[0],) for row in rows]
            )
        return [_job((*row[:3], "running", row[4] + 1, *row[5:])) for row in rows]

    def jobs(self, state=None, kind=None):
        """Jobs in order of their ids, all or those in one state or of one kind, as a list of `Job`."""
        with self._translated():
            rows = self._connection.execute(
                f"SELECT {_JOB} FROM jobs WHERE (? IS NULL OR state=?) AND (? IS NULL OR kind=?) ORDER BY id",
                (state, state, kind, kind),
            )
            return [_job(row) for row in rows]

    def job(self, number):
        """The job with this id. Raises KeyError when there is none."""
        with self._translated():
            row = self._connection.execute(f"SELECT {_JOB} FROM jobs WHERE id=?", (int(number),)).fetchone()
        if row is None:
            raise KeyError(f"{self.path}: there is no job {number}")
        return _job(row)

    def job_before(self, number, first=1):
        """The job with the highest id from ``first`` to below ``number``; None when there is none."""
        with self._translated():
            row = self._connection.execute(
                f"SELECT {_JOB} FROM jobs WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1", (int(first), int(number))
            ).fetchone()
        return None if row is None else _job(row)

    @property
    def last_job(self):
        """The highest id of a job; 0 when there is none."""
        with self._translated():
            return self._connection.execute("SELECT coalesce(max(id), 0) FROM jobs").fetchone()[0]

    def job_counts(self):
        """How many jobs are in each state, as a dict."""
        with self._translated():
            return dict(self._connection.execute("SELECT state, count(*) FROM jobs GROUP BY state"))

    def return_jobs(self, ids):
        """Put running jobs back to waiting, when a run ends before they do."""
        with self.transaction():
            self._connection.executemany(
                "UPDATE jobs SET state='waiting' WHERE id=? AND state='running'", [(int(i),) for i in ids]
            )

    def drop_jobs(self, kind=None):
        """Remove the jobs that wait, all or of one kind; returns how many."""
        with self.transaction():
            return self._connection.execute(
                f"DELETE FROM jobs WHERE {_OPEN} AND state='waiting' AND (? IS NULL OR kind=?)", (kind, kind)
            ).rowcount

    def finish_job(
        self,
        job_id,
        triples=(),
        minima=(),
        *,
        status="done",
        summary=None,
        seconds=math.nan,
        attempt=None,
        samples=None,
        **rules,
    ):
        """File the result of a job: its stationary points, its attempt and its change of state are one transaction.

        A job that was finished before is left as it is, so a result that arrives twice is filed once.

        Parameters
        ----------
        job_id : int
        triples : iterable of Triple
        minima : iterable of Minimum
        status : str
            "failed" makes the job failed; any other word tells how it was done.
        summary : dict, optional
            Plain values.
        seconds : float
        attempt : tuple, optional
            ``(i, j)``, or ``(i,)`` for a single-ended search: what to write into the table of attempts. The outcome is
            ``status``, and ``summary["connected"]`` whether the pair is connected now.
        samples : dict, optional
            Of a job that made samples (`common.discovery`): their number, ``searches``, and ``found``, for each that ended in
            a transition state the labels of the points that it started from, and the number of the transition state or
            -1 - k for triple k.
        **rules
            As for `add_triples`.

        Returns
        -------
        AddReport
        """
        with self.transaction():
            row = self._connection.execute("SELECT state FROM jobs WHERE id=?", (job_id,)).fetchone()
            if row is None:
                raise KeyError(f"{self.path}: there is no job {job_id}")
            state = row[0]
            if state in ("done", "failed"):
                return AddReport(messages=[f"job {job_id} was {state} before; its second result is left out"])
            report = self.add_triples(triples, **rules)
            report.minimum_ids = [self._add_minimum(minimum) for minimum in minima]
            report.new_minima += [number for number, new in report.minimum_ids if new]
            self._record_hits(report, attempt or (), samples)
            summary = plain(summary or {})
            if attempt is not None:
                self.record_attempt(
                    *attempt,
                    outcome=status,
                    connected=summary.get("connected"),
                    new_minima=len(report.new_minima),
                    new_transition_states=len(report.new_transition_states),
                    seconds=seconds,
                    job=job_id,
                )
            self._connection.execute(
                "UPDATE jobs SET state=?, status=?, summary=?, seconds=?, held=NULL WHERE id=?",
                (
                    "failed" if status == "failed" else "done",
                    status,
                    json.dumps(summary),
                    None if math.isnan(seconds) else seconds,
                    job_id,
                ),
            )
        return report

    def finish_jobs(self, results):
        """File several results in the order given, in one transaction.

        Parameters
        ----------
        results : iterable of (job_id, dict)
            The dict holds the arguments of `finish_job`.

        Returns
        -------
        list of AddReport
        """
        with self.transaction():
            return [self.finish_job(job_id, **result) for job_id, result in results]

    def hold_job(self, job_id, triples=(), minima=(), **result):
        """Keep the result of a job safe until `file_held` files it in its turn.

        With several workers jobs end in any order. Filed in order of their ids they give the same database, with the same
        numbers, as one worker would.

        Parameters
        ----------
        job_id, triples, minima, **result
            As for `finish_job`.
        """
        from common.job_results import encode

        data = encode(triples, minima, plain(result))
        with self.transaction():
            self._connection.execute(
                "UPDATE jobs SET state='held', held=? WHERE id=? AND state IN ('waiting', 'running')", (data, job_id)
            )

    def file_held(self, up_to=None):
        """File the held results, in order of job id, that no unfinished job precedes.

        Parameters
        ----------
        up_to : int, optional
            File no job with a higher id.

        Returns
        -------
        list of (job id, AddReport)
        """
        from common.job_results import decode

        with self._translated():
            rows = self._connection.execute(
                "SELECT id, held FROM jobs WHERE state='held' AND id < "
                "(SELECT coalesce(min(id), 9223372036854775807) FROM jobs WHERE state IN ('waiting', 'running')) "
                "AND (? IS NULL OR id <= ?) ORDER BY id",
                (up_to, up_to),
            ).fetchall()
        reports = []
        for job_id, data in rows:
            triples, minima, result = decode(data)
            if "attempt" in result and result["attempt"] is not None:
                result["attempt"] = tuple(result["attempt"])
            reports.append((job_id, self.finish_job(job_id, triples, minima, **result)))
        return reports

    # Attempts

    def record_attempt(
        self,
        first,
        second=None,
        *,
        outcome="",
        connected=None,
        new_minima=0,
        new_transition_states=0,
        seconds=math.nan,
        job=None,
    ):
        """Write down that a pair was tried, or with one minimum that a single-ended search was made from it."""
        with self.transaction():
            self._connection.execute(
                "INSERT INTO attempts (first, second, outcome, connected, new_minima, new_transition_states, seconds, job) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    int(first),
                    None if second is None else int(second),
                    outcome,
                    None if connected is None else int(connected),
                    int(new_minima),
                    int(new_transition_states),
                    None if math.isnan(seconds) else float(seconds),
                    job,
                ),
            )

    def attempts(self, after=0):
        """Attempts in order, all but the first ``after``.

        Returns
        -------
        list of tuple
            (first, second or None, outcome, connected or None, new minima and transition states, evaluations or None).
        """
        with self._translated():
            rows = self._connection.execute(
                "SELECT a.first, a.second, a.outcome, a.connected, "
                "coalesce(a.new_minima, 0) + coalesce(a.new_transition_states, 0), json_extract(j.summary, '$.calls') "
                "FROM attempts a LEFT JOIN jobs j ON j.id = a.job ORDER BY a.id LIMIT -1 OFFSET ?",
                (after,),
            )
            return [
                (i, j, outcome, None if connected is None else bool(connected), new, calls)
                for i, j, outcome, connected, new, calls in rows
            ]

    def attempted_after(self, last=0):
        """Attempts after the one with the id ``last``, as arrays.

        Returns
        -------
        last : int
            Id of the last attempt, for the next call.
        first, second : ndarray of int64
            Ids of the minima; ``second`` is 0 for a single-ended search.
        """
        with self._translated():
            sql = f"SELECT id, first, ifnull(second, 0) FROM attempts WHERE id > {int(last)} ORDER BY id"
            rows = np.fromiter(self._connection.execute(sql), dtype=[("id", "i8"), ("first", "i8"), ("second", "i8")])
        number = int(rows["id"][-1]) if len(rows) else int(last)
        return number, np.ascontiguousarray(rows["first"]), np.ascontiguousarray(rows["second"])

    def yields_after(self, last=0):
        """What the attempts after the one with the id ``last`` brought, in order.

        Returns
        -------
        list of tuple
            ("connect" or "single", new minima and transition states, evaluations or None).
        """
        with self._translated():
            return self._connection.execute(
                "SELECT CASE WHEN a.second IS NULL THEN 'single' ELSE 'connect' END, "
                "coalesce(a.new_minima, 0) + coalesce(a.new_transition_states, 0), json_extract(j.summary, '$.calls') "
                "FROM attempts a LEFT JOIN jobs j ON j.id = a.job WHERE a.id > ? ORDER BY a.id",
                (int(last),),
            ).fetchall()

    def failure_reasons(self):
        """Outcomes of the attempts that did not connect, the most frequent first: list of (outcome, count)."""
        with self._translated():
            return self._connection.execute(
                "SELECT outcome, count(*) AS n FROM attempts WHERE ifnull(connected, 0) = 0 "
                "GROUP BY outcome ORDER BY n DESC, min(id)"
            ).fetchall()

    def attempted_pairs(self):
        """How often each pair was tried: dict from (smaller id, larger id) to a count."""
        with self._translated():
            return {
                (low, high): count
                for low, high, count in self._connection.execute(
                    "SELECT min(first, second) AS low, max(first, second) AS high, count(*) FROM attempts "
                    "WHERE second IS NOT NULL GROUP BY low, high"
                )
            }

    def single_ended_attempts(self):
        """Number of single-ended searches from each minimum (ts.attempts): ndarray of int, shape (n_minima,)."""
        counts = np.zeros(self.n_minima, dtype=np.int64)
        with self._translated():
            for minimum, count in self._connection.execute(
                "SELECT first, count(*) FROM attempts WHERE second IS NULL GROUP BY first"
            ):
                counts[minimum - 1] = count
        return counts

    # Runs

    def record_run(self, program, *, version="", command=None, seed=None, settings=()):
        """Write down who starts to work here.

        Parameters
        ----------
        program, version : str
        command : str, optional
            The command line; taken from this process when it is not given.
        seed : int, optional
        settings : iterable of str
            The echo of the input.

        Returns
        -------
        int
            Number of the run, for `finish_run`.
        """
        command = " ".join(sys.argv) if command is None else command
        with self.transaction():
            return self._connection.execute(
                "INSERT INTO runs (program, version, command, host, process, seed, settings, started, status) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'running')",
                (
                    program,
                    version,
                    command,
                    socket.gethostname(),
                    os.getpid(),
                    None if seed is None else str(seed),
                    "\n".join(settings),
                    now(),
                ),
            ).lastrowid

    def finish_run(self, run_id, status="done"):
        """Write down how a run ended."""
        with self.transaction():
            self._connection.execute("UPDATE runs SET finished=?, status=? WHERE id=?", (now(), status, run_id))

    def runs(self):
        """All runs in order, as a list of dicts."""
        with self._translated():
            cursor = self._connection.execute("SELECT * FROM runs ORDER BY id")
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor]


def now():
    """The time in words (UTC, ISO 8601, to the second)."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _job(row):
    number, kind, payload, state, attempts, seed, child, status, summary, seconds = row
    return Job(
        id=number,
        kind=kind,
        payload=json.loads(payload),
        state=state,
        attempts=attempts,
        seed=None if seed is None else int(seed),
        child=child,
        status=status,
        summary=None if summary is None else json.loads(summary),
        seconds=math.nan if seconds is None else seconds,
    )
