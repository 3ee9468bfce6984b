"""Distinct minima on their way from the walker to ``landscape.db``."""

from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from gmin.verification import cluster_verifier, verify

DATABASE = "landscape.db"
#: Quenches verified in one go by the thread beside the walker.
PORTION = 64
#: Portions that may wait before the walker has to.
MAX_WAITING = 64
#: Memory for pages of the database: what is added is seldom looked at again.
CACHE_KILOBYTES = 8192


class Store:
    """Verifies quenches on a thread beside the walker and adds the minima to the database in batches, one transaction each.

    The walker's loop holds no interpreter lock, so on two cores it does not notice; the order of the minima is that of the
    quenches in any case. Used as a context manager, which stores what waits at the end.

    Parameters
    ----------
    potential : Potential
        One of its own, since the thread evaluates it while the walker evaluates another.
    path : Path
    energy_tolerance, distance_tolerance : float, optional
        Identity of minima; None takes those of the database.
    batch : int
        Minima per transaction.

    Attributes
    ----------
    added, known : int
        Minima that were new to the database, and those it held already.
    refused : Counter
        Number of quenches that did not prove to be minima, by reason.
    """

    def __init__(self, potential, path, *, energy_tolerance=None, distance_tolerance=None, batch=1024):
        from common.database import Database

        self.potential = potential
        self.verifier = cluster_verifier(potential)
        self.batch = batch
        self.database = Database(
            path,
            symmetry=potential.symmetry,
            fingerprint=potential.fingerprint(),
            n_variables=potential.n_variables,
            energy_tolerance=energy_tolerance,
            distance_tolerance=distance_tolerance,
            cache_kilobytes=CACHE_KILOBYTES,
        )
        # ascending, so that what lies alone among them is new without a look at the database
        self.energies = np.sort(self.database.energies())
        self.waiting = []
        self.n_waiting = 0
        self.portions = deque()
        self.thread = ThreadPoolExecutor(max_workers=1)
        self.added = 0
        self.known = 0
        self.refused = Counter()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def add(self, candidates):
        """Have quenches verified, in their order, and stored when they prove to be minima.

        Parameters
        ----------
        candidates : ndarray of shape (k, n_variables)
        """
        for k in range(0, len(candidates), PORTION):
            self.portions.append(self.thread.submit(verify, self.potential, candidates[k : k + PORTION], self.verifier))
        while self.portions and (self.portions[0].done() or len(self.portions) > MAX_WAITING):
            self._take(self.portions.popleft())

    def _take(self, portion):
        verified = portion.result()
        self.waiting.append(verified)
        self.n_waiting += len(verified.coordinates)
        self.refused.update(verified.refused)
        self.known += verified.again
        if self.n_waiting >= self.batch:
            self._write()

    def _write(self):
        if not self.waiting:
            return
        before = self.database.n_minima
        with self.database.transaction():
            for verified, near in zip(self.waiting, self._near(self.waiting)):
                self._add(verified, near)
        self.added += self.database.n_minima - before
        new = np.sort(self.database.new_energies(before))
        self.energies = np.insert(self.energies, np.searchsorted(self.energies, new), new)
        self.waiting = []
        self.n_waiting = 0

    def _near(self, portions):
        """For each row of each portion whether an energy stored or waiting is closer than the tolerance."""
        energies = np.concatenate([p.figures[:, 0] for p in portions])
        tolerance = self.database.energy_tolerance
        low, high = (np.searchsorted(self.energies, energies + side) for side in (-tolerance, tolerance))
        near = low < high
        order = np.argsort(energies, kind="stable")
        close = np.diff(energies[order]) < tolerance
        near[order[1:][close]] = near[order[:-1][close]] = True
        return np.split(near, np.cumsum([len(p.figures) for p in portions])[:-1])

    def _add(self, verified, near):
        """Add a portion in its order: those alone in energy in one go, the others one by one."""
        near[list(verified.others)] = True
        first = 0
        for k in [*np.flatnonzero(near).tolist(), len(near)]:
            if k > first:
                figures = verified.figures[first:k]
                columns = {
                    "energy": figures[:, 0], "log_product": figures[:, 1], "order": np.ones(k - first, int),
                    "inertia": figures[:, 2:],
                }  # fmt: skip
                self.database.append_minima(columns, verified.coordinates[first:k])
            first = k + 1
            minimum = verified.minimum(k) if k < len(near) else None
            if minimum is not None:
                _, new = self.database.add_minimum(minimum)
                self.known += not new

    def flush(self):
        """Store everything handed over so far."""
        while self.portions:
            self._take(self.portions.popleft())
        self._write()

    def close(self):
        """Store what waits and close the database."""
        try:
            self.flush()
        finally:
            self.thread.shutdown()
            self.database.close()

    def summary(self):
        """Lines for the end of output."""
        lines = [f"database> {self.added} minima added to {DATABASE}, {self.known} met again, {self.database.n_minima} in all"]
        for reason, count in sorted(self.refused.items()):
            lines.append(f"database> {count} quenches not stored: {reason}")
        return lines
