"""Engines for tests."""

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
