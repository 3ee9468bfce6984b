"""Distinct minima on their way from the walker to ``landscape.db``."""

from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor

from common.errors import ConvergenceError
from common.stationary_points import Minimum
from gmin._verify import C1, SYMMETRIC, ClusterVerifier

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

    def __init__(self, potential, path, *, energy_tolerance=None, distance_tolerance=None, batch=256):
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
        self.waiting = []
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
        minima, refused = portion.result()
        self.waiting += minima
        self.refused.update(refused)
        if len(self.waiting) >= self.batch:
            self._write()

    def _write(self):
        if self.waiting:
            outcome = self.database.add_minima(self.waiting)
            new = sum(1 for _, is_new in outcome if is_new)
            self.added += new
            self.known += len(outcome) - new
            self.waiting = []

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


def verify(potential, candidates, verifier=None):
    """Minima out of quenches.

    Parameters
    ----------
    potential : Potential
    candidates : ndarray of shape (k, n_variables)
    verifier : gmin._verify.ClusterVerifier, optional
        Does the ordinary ones of a cluster in one go.

    Returns
    -------
    minima : list of Minimum
        In the order of the candidates.
    refused : Counter
        Reasons for those that are none.
    """
    from potentials.characterise import characterise_minimum

    if verifier is None:
        outcomes = [None] * len(candidates)
    else:
        outcomes, points, figures = verifier.verify(candidates)
        outcomes, figures = outcomes.tolist(), figures.tolist()
    minima, refused = [], Counter()
    for k, outcome in enumerate(outcomes):
        if outcome == C1:
            energy, log_product, *inertia = figures[k]
            minima.append(Minimum(energy, points[k], log_product, 1, tuple(inertia)))
        elif outcome == SYMMETRIC:
            energy, log_product, *inertia = figures[k]
            order, group = int(potential.symmetry.order(points[k])), potential.symmetry.point_group(points[k])
            minima.append(Minimum(energy, points[k], log_product, order, tuple(inertia), point_group=group))
        else:
            try:
                minima.append(characterise_minimum(potential, candidates[k]))
            except ConvergenceError as error:
                # the figures behind the reason differ from point to point
                refused[" ".join(word for word in str(error).split() if not any(c.isdigit() for c in word))] += 1
    return minima, refused


def cluster_verifier(potential):
    """A `ClusterVerifier` for a free cluster with an analytic Hessian, None for everything else."""
    from potentials.callable import CallablePotential
    from potentials.symmetry import RigidCluster

    if type(potential.symmetry) is not RigidCluster or not potential.has_hessian or potential.symmetry.n_zero != 6:
        return None
    # what Python evaluates needs the interpreter anyway
    return None if isinstance(potential, CallablePotential) else ClusterVerifier(potential)
