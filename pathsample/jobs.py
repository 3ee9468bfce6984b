"""What runs in a worker: one search, or the check of one stationary point.

A worker builds the potential once, from the same files as the driver, and refuses to work when that gives another function
than the driver's: somebody changed a file while the run was going on. Only the driver opens the database.
"""

import os
import time
from dataclasses import dataclass

import numpy as np

from common.errors import EngineError
from pathsample.survey import DISPLACEMENTS

#: Random starting points in one job of the kind "sample": of minimisations, and of transition state searches, and the number of
#: evaluations after which none is started: a job is to be long beside its overhead and short beside the survey.
FRESH_STARTS = 4
FRESH_SADDLES = 100
FRESH_CALLS = 100_000
#: What this worker process has built: set once by `initialise`, read by every job.
_worker = {}


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What a search found.

    Attributes
    ----------
    triples : list of Triple
        Verified, in the order in which they were found.
    connected : bool
        Whether a connection search reached its goal, or a single-ended one found a transition state.
    message : str
    calls : int
        Energy and gradient evaluations.
    seconds : float
    process : int
    minima : list of Minimum
        Found apart from triples.
    samples : dict or None
        Of a job that made samples: see `common.jobs.JobMethods.finish_job`.
    """

    triples: list
    connected: bool
    message: str
    calls: int
    seconds: float
    process: int
    minima: tuple = ()
    samples: dict | None = None


def initialise(directory, fingerprint, energy_tolerance, distance_tolerance):
    """Build the potential and the settings of the searches in this process.

    Parameters
    ----------
    directory : str
    fingerprint : dict
        Of the potential of the driver.
    energy_tolerance, distance_tolerance : float
        Of the database; the searches tell stationary points apart in the same way unless odata.connect says otherwise.

    Raises
    ------
    EngineError
        If the files no longer give the function of that fingerprint.
    """
    from pathsample.setup import read_setup

    setup = read_setup(directory, engine=False)
    if setup.potential.fingerprint() != fingerprint:
        raise EngineError("odata.connect or the data were changed during the run; restore them or start a new database")
    if setup.optim is not None and not setup.connect.given("EDIFFTOL"):
        setup.optim = setup.optim.with_changes(energy_tolerance=energy_tolerance)
    if setup.optim is not None and not setup.connect.given("GEOMDIFFTOL"):
        setup.optim = setup.optim.with_changes(distance_tolerance=distance_tolerance)
    if setup.optim is not None and not setup.settings.given("EVCUT"):
        # the database keeps the product of the eigenvalues only
        setup.optim = setup.optim.with_changes(eigenvalues=False)
    _worker["setup"] = setup
    # the device is opened by the first search on it
    _worker.pop("server", None)


def server_of_worker():
    """The device of this worker process, opened now unless it is: an `optim.on_device.DeviceServer`."""
    if "server" not in _worker:
        import atexit
        from contextlib import ExitStack

        from pathsample.packages import open_for_worker

        stack = ExitStack()
        _worker["server"] = open_for_worker(_worker["setup"], stack)
        atexit.register(stack.close)
    return _worker["server"]


def random_generator(seed, k):
    """Random numbers of job k: child k of the seed of the run."""
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=(k,)))


def search(kind, k, seed, first, second, attempt=0, known=None):
    """Run search k: connect two minima, look for transition states around one, or make samples.

    Parameters
    ----------
    kind : {"connect", "single", "sample"}
    k : int
        Number of the job, which selects its random numbers.
    seed : int
    first, second : Minimum
    attempt : int
        How many single-ended searches from this minimum came before.
    known : optim.samples.KnownPoints, optional
        What samples start from and recognise.

    Returns
    -------
    SearchOutcome
    """
    from optim.requests import on_processor

    return on_processor(search_steps(kind, k, seed, first, second, attempt, known))


def search_steps(kind, k, seed, first, second, attempt=0, known=None):
    """`search` as a coroutine (`optim.requests`)."""
    setup = _worker["setup"]
    potential, optim = setup.potential, setup.optim
    rng = random_generator(seed, k)
    started, calls = time.perf_counter(), potential.calls
    triples, minima, samples = [], [], None
    if kind == "connect":
        if setup.settings.given("EXEC"):
            from pathsample.external import connect_externally

            triples, connected, message = connect_externally(setup, k, first, second)
        else:
            from optim.connect import Connector

            result = yield from Connector(potential, optim, rng).steps(first, second)
            triples, connected, message = result.triples, result.connected, result.message
    elif kind == "sample":
        from optim.samples import sample_steps

        minima = yield from fresh_minima_steps(potential, optim, rng)
        made = yield from sample_steps(potential, optim, rng, known, FRESH_SADDLES, FRESH_CALLS)
        triples, samples = made.triples, {"searches": made.searches, "found": made.found}
        connected, message = bool(minima or made.found), "" if minima or made.found else "nothing from random starts"
    else:
        from optim.single_ended import search_steps as single_ended_steps

        options = displacement(setup.settings, rng, attempt)
        triples = yield from single_ended_steps(potential, first, optim, rng, **options)
        connected = bool(triples)
        message = "" if triples else "no transition state found"
    return SearchOutcome(
        list(triples),
        bool(connected),
        str(message),
        int(potential.calls - calls),
        time.perf_counter() - started,
        os.getpid(),
        tuple(minima),
        samples,
    )


def displacement(settings, rng, attempt=0):
    """PERTURB as an argument of the single-ended search: its size, or one drawn between its two bounds; SURVEY: several."""
    if not settings.given("PERTURB"):
        return {"displacement": DISPLACEMENTS[attempt % len(DISPLACEMENTS)]} if settings.given("SURVEY") else {}
    values = settings["PERTURB"]
    if values.lowest is None:
        return {"displacement": values.size}
    return {"displacement": float(rng.uniform(values.lowest, values.highest or values.size))}


def fresh_minima(potential, optim, rng):
    """Minima from random starting points."""
    from optim.requests import on_processor

    return on_processor(fresh_minima_steps(potential, optim, rng))


def fresh_minima_steps(potential, optim, rng):
    """`fresh_minima` as a coroutine (`optim.requests`)."""
    from optim.requests import Together
    from optim.single_ended import random_start

    starts = [random_start(potential, rng) for _ in range(FRESH_STARTS)]
    found = yield Together([_minimum_steps(potential, start, optim) for start in starts])
    return [minimum for minimum in found if minimum is not None]


def _minimum_steps(potential, start, optim):
    """A verified minimum from a starting point, or None."""
    from common.errors import ConvergenceError
    from optim.minimise import quench_steps
    from optim.stationary import characterise_minimum

    try:
        result = yield from quench_steps(potential, start, optim)
        if not result.converged:
            return None
        return characterise_minimum(potential, result.coordinates, result.energy, optim)
    except ConvergenceError:
        return None


def check_minimum(minimum):
    """`pathsample.verify.check_point` for a minimum, in a worker."""
    from pathsample.verify import check_point

    return check_point(_worker["setup"].potential, minimum.energy, minimum.coordinates, 0)


def check_transition_state(ts, plus, minus, energy_tolerance, distance_tolerance):
    """`pathsample.verify.check_point` and ``check_descent`` for a transition state, in a worker."""
    from pathsample.verify import check_descent, check_point

    setup = _worker["setup"]
    problems, figures = check_point(setup.potential, ts.energy, ts.coordinates, 1)
    if not problems:
        # a path from what is no transition state means nothing
        problems = check_descent(setup.potential, setup.optim, ts, plus, minus, energy_tolerance, distance_tolerance)
    return problems, figures
