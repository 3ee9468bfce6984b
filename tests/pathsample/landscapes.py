"""Small landscapes in directories, as a user would set them up."""

import numpy as np

from common.database import Database
from optim.minimise import quench
from optim.settings import default_settings
from potentials.characterise import characterise_minimum
from potentials.lj import LennardJones

CLUSTER_CONNECT = "NEWCONNECT 5 2 10.0 20.0 20 0.5 0.01\nPOINTS\n"


def cluster(directory, n_atoms, pathdata, n_minima=3, seed=1):
    """An LJ cluster with a few minima in landscape.db, odata.connect and pathdata."""
    directory.mkdir(parents=True, exist_ok=True)
    potential = LennardJones(n_atoms)
    settings = default_settings(potential)
    rng = np.random.default_rng(seed)
    with Database(
        directory / "landscape.db",
        symmetry=potential.symmetry,
        fingerprint=potential.fingerprint(),
        n_variables=potential.n_variables,
    ) as database:
        while database.n_minima < n_minima:
            result = quench(potential, potential.random_coordinates(rng), settings)
            if result.converged:
                database.add_minimum(characterise_minimum(potential, result.coordinates))
    (directory / "odata.connect").write_text(CLUSTER_CONNECT)
    (directory / "pathdata").write_text(f"SYSTEM LJ\nNATOMS {n_atoms}\n{pathdata}")
    return potential


def contents(directory, symmetry=None):
    """Everything in a database that must not depend on the course of the run."""
    with Database(directory / "landscape.db", symmetry=symmetry, read_only=True) as database:
        ts = database.ts_arrays()
        return {
            "minima": database.coordinates().tobytes(),
            "transition states": database.coordinates(transition_states=True).tobytes(),
            "edges": (ts["plus"].tolist(), ts["minus"].tolist()),
            "attempts": [entry[:2] for entry in database.attempts()],
            "jobs": [(job.id, job.kind, job.payload, job.child, job.state) for job in database.jobs()],
            "problems": database.check(),
        }
