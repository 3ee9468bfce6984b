"""Engines for tests."""

import heapq

import numpy as np

from common.executors import Outcome


class ShuffledEngine:
    """An engine that keeps several jobs in flight and ends them in random order, as workers of different speed would."""

    def __init__(self, workers, seed=0, stop_after=None):
        self.workers = workers
        self.rng = np.random.default_rng(seed)
        self.stop_after = stop_after
        self.done = 0

    def run(self, function, jobs, window=None):
        flight = []
        jobs = iter(jobs)
        ended = False
        while True:
            while not ended and len(flight) < self.workers:
                job = next(jobs, "end")
                if job == "end":
                    ended = True
                elif job is None:
                    break
                else:
                    flight.append(job)
            if not flight:
                return
            if self.stop_after is not None and self.done >= self.stop_after:
                raise KilledError
            key, args = flight.pop(int(self.rng.integers(len(flight))))
            self.done += 1
            yield key, Outcome(value=function(*args))


class KilledError(Exception):
    """Stands for the end of the process."""


class ClockEngine:
    """Workers on a clock of their own: jobs take times drawn from a distribution, and what is counted is who waits.

    Attributes
    ----------
    now, busy : float
        Time when the last job ended, and the sum of the times of all jobs.
    """

    def __init__(self, workers, draw):
        self.workers, self.draw = workers, draw
        self.now = self.busy = 0.0

    @property
    def idle(self):
        """Share of the time of the workers in which they had nothing to do."""
        return 1.0 - self.busy / (self.workers * self.now)

    def run(self, function, jobs, window=None):
        flight, jobs, ended = [], iter(jobs), False
        while True:
            while not ended and len(flight) < self.workers:
                job = next(jobs, "end")
                if job == "end":
                    ended = True
                elif job is None:
                    break
                else:
                    # what a job takes belongs to the job, not to the order of the run
                    seconds = self.draw(np.random.default_rng(job[0]))
                    self.busy += seconds
                    heapq.heappush(flight, (self.now + seconds, *job))
            if not flight:
                return
            self.now, key, args = heapq.heappop(flight)
            yield key, Outcome(value=function(*args))
