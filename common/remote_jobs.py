"""Jobs in the workers of other libraries (Dask, MPI), which know nothing of `common.executors`.

A message carries a batch of jobs and how to prepare a worker for them; a worker prepares itself at the first message of a run
and keeps what it has prepared. `FutureEngine` is the driver's side: anything that returns futures becomes an engine with it.
"""

import itertools
import os
import queue
import sys
import time
import traceback
from collections import deque

from common import stop
from common.errors import EngineError
from common.executors import GRACE, MAX_DEATHS, POLL, RECENT, THREAD_LIMITS, JobError, Outcome, one_line

#: A message carries jobs for about this time (s), at most that many; jobs longer than the first figure go one by one.
MESSAGE_SECONDS = 0.5
MESSAGE_JOBS = 64
#: Number of this process's engines, part of the name of what their workers prepare.
_engines = itertools.count()
#: What this worker process has prepared: the name of the engine it did it for.
_prepared = {}


def do_jobs(name, initializer, initargs, function, batch):
    """Do a batch of jobs in a worker.

    Parameters
    ----------
    name : tuple
        Of the engine; the worker is prepared once for each.
    initializer : callable or None
    initargs : tuple
    function : callable
    batch : list of tuple
        Arguments of each job.

    Returns
    -------
    list of (str, object, float)
        For each job "value" or "error", the value or (reason, traceback), and seconds. One entry "unprepared" for all when the
        initializer failed.
    """
    if _prepared.get("name") != name:
        os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
        try:
            if initializer is not None:
                initializer(*initargs)
        except Exception as error:
            return [("unprepared", (one_line(error), traceback.format_exc()), 0.0)]
        _prepared["name"] = name
    replies = []
    for args in batch:
        began = time.perf_counter()
        try:
            kind, value = "value", function(*args)
        except Exception as error:
            kind, value = "error", (one_line(error), traceback.format_exc())
        replies.append((kind, value, time.perf_counter() - began))
    return replies


class WorkerLost(Exception):
    """The worker that had a batch ended with it."""


class FutureEngine:
    """An engine over a library that takes calls and returns futures.

    Parameters
    ----------
    initializer : callable, optional
        Called in every worker before its first job, with ``initargs``.
    initargs : tuple
    grace : float
        Seconds that running jobs are given after a request to stop.

    Notes
    -----
    A subclass says how many messages may be under way (`slots`), how one is sent (`submit`), what came back (`result`), and how
    those that nobody waits for are given up (`abandon`).
    """

    def __init__(self, initializer=None, initargs=(), *, grace=GRACE):
        self.grace = grace
        self._name = (os.uname().nodename, os.getpid(), next(_engines))
        self._initializer = initializer
        self._initargs = tuple(initargs)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Give back what the engine holds."""

    def slots(self):
        """Number of messages that keep all workers busy."""
        raise NotImplementedError

    def submit(self, *call):
        """Send ``call[0](*call[1:])`` to a worker; returns a future with ``add_done_callback``."""
        raise NotImplementedError

    def result(self, future):
        """What a finished future returned.

        Raises
        ------
        WorkerLost
            The batch is to be sent again.
        EngineError
            No job can be done any more.
        """
        return future.result()

    def abandon(self, futures):
        """Nobody waits for these futures any more."""

    def tick(self):
        """Called about five times a second while the engine waits."""

    def run(self, function, jobs, window=None):
        """Do the jobs and return their outcomes as they end, as `common.executors.LocalEngine.run` does."""
        return _Run(self, function, iter(jobs), window).outcomes()

    def send(self, function, batch):
        """Send a batch of (key, args, deaths)."""
        arguments = [tuple(args) for _, args, _ in batch]
        return self.submit(do_jobs, self._name, self._initializer, self._initargs, function, arguments)


class _Run:
    """One call of `FutureEngine.run`: which jobs are under way."""

    def __init__(self, engine, function, jobs, window):
        self.engine = engine
        self.function = function
        self.jobs = jobs
        self.window = window if window is not None else sys.maxsize
        self.again = deque()  # jobs of workers that died: (key, args, deaths)
        self.flight = {}  # future -> list of (key, args, deaths)
        self.ended = queue.SimpleQueue()
        self.exhausted = False
        self.mean_seconds = None

    def outcomes(self):
        """The loop: send, wait, return what ended."""
        deadline = None
        try:
            while True:
                if deadline is None and stop.requested():
                    deadline = time.monotonic() + self.engine.grace
                if deadline is None:
                    self._fill()
                if not self.flight and (deadline is not None or (self.exhausted and not self.again)):
                    return
                if deadline is not None and time.monotonic() >= deadline:
                    return
                try:
                    future = self.ended.get(timeout=POLL)
                except queue.Empty:
                    self.engine.tick()
                    continue
                yield from self._receive(future)
        finally:
            # Whatever still runs belongs to nobody any more.
            if self.flight:
                self.engine.abandon(list(self.flight))

    def _size(self):
        """Jobs in a message."""
        if self.mean_seconds is None or self.mean_seconds > MESSAGE_SECONDS:
            return 1
        return max(1, min(MESSAGE_JOBS, int(MESSAGE_SECONDS / max(self.mean_seconds, 1e-6))))

    def _fill(self):
        """Send what keeps the workers busy; jobs that a dead worker had go alone, so that the next death tells which it was."""
        while self.again and len(self.flight) < self.engine.slots():
            self._send([self.again.popleft()])
        free = self.engine.slots() - len(self.flight)
        if free <= 0 or self.exhausted:
            return
        room = min(free * self._size(), self.window - sum(map(len, self.flight.values())))
        taken = []
        while len(taken) < room:
            try:
                job = next(self.jobs)
            except StopIteration:
                self.exhausted = True
                break
            if job is None:
                break
            taken.append((*job, 0))
        # dealt out evenly: a long message beside an idle worker would gain nothing
        for start in range(min(free, len(taken))):
            self._send(taken[start::free])

    def _send(self, batch):
        future = self.engine.send(self.function, batch)
        self.flight[future] = batch
        future.add_done_callback(self.ended.put)

    def _receive(self, future):
        batch = self.flight.pop(future)
        try:
            replies = self.engine.result(future)
        except WorkerLost as error:
            yield from self._lost(batch, str(error))
            return
        if replies[0][0] == "unprepared":
            reason, where = replies[0][1]
            raise EngineError(f"the workers cannot be prepared: {reason}\n{where}")
        for (key, _, _), (kind, value, seconds) in zip(batch, replies):
            mean = seconds if self.mean_seconds is None else self.mean_seconds
            self.mean_seconds = mean + RECENT * (seconds - mean)
            if kind == "value":
                yield key, Outcome(value=value, seconds=seconds)
            else:
                yield key, Outcome(error=JobError(*value), seconds=seconds)

    def _lost(self, batch, how):
        for key, args, deaths in batch:
            if len(batch) == 1 and deaths + 1 >= MAX_DEATHS:
                yield key, Outcome(error=JobError(f"ended its worker process {MAX_DEATHS} times ({how})"))
            else:
                # of a batch it is not known which job was the cause
                self.again.append((key, args, deaths + 1 if len(batch) == 1 else deaths))
