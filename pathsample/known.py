"""What the samples of a survey are told of the landscape: the points that were known when they were planned."""

import numpy as np

#: Most minima, and most transition states, that one job is told of; of more a random choice.
MOST = 2000
#: Key of the random numbers of that choice for job k: (k, CHOICE).
CHOICE = 1


class Known:
    """The coordinates of the database in memory, read once and followed as it grows.

    Parameters
    ----------
    database : Database
    network : Network
        Supplies the energies.
    """

    def __init__(self, database, network):
        self.database, self.network = database, network
        self._read = {}

    def _first(self, n, states):
        """Coordinates of the first n minima or transition states: ndarray of shape (n, n_variables)."""
        have = self._read.get(states)
        if have is None:
            have = self.database.coordinates(transition_states=states)
        elif len(have) < n:
            new = self.database.coordinates(range(len(have) + 1, n + 1), transition_states=states)
            have = np.concatenate([have, new]) if len(have) else new
        self._read[states] = have
        return have[:n]

    def points(self, job):
        """What a job is told.

        Parameters
        ----------
        job : common.jobs.Job
            Its payload says how many minima and transition states were known when it was planned.

        Returns
        -------
        optim.samples.KnownPoints
        """
        from optim.samples import KnownPoints

        rng = np.random.default_rng(np.random.SeedSequence(entropy=job.seed, spawn_key=(job.child, CHOICE)))
        minima, minimum_ids = self._choose(rng, job.payload["minima"], False)
        states, state_ids = self._choose(rng, job.payload["states"], True)
        energies = self.network.ts_energies[state_ids - 1]
        return KnownPoints(minima, states, energies, minimum_ids, state_ids)

    def _choose(self, rng, n, states):
        points = self._first(n, states)
        chosen = np.arange(n) if n <= MOST else np.sort(rng.choice(n, MOST, replace=False))
        return points[chosen], chosen + 1
