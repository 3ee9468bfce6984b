"""Many independent jobs: what every engine has in common, and the engine for the cores of this machine.

Every engine has the same method, ``run(function, jobs)``, which takes jobs one at a time from an iterator and returns outcomes
in the order in which they end, each with its key; callers that need an order sort by the key. An outcome is a value or an
error: a job that raises, or even kills its process, does not take the others down.

Why these worker processes are our own
--------------------------------------
`concurrent.futures.ProcessPoolExecutor` declares every job in flight lost when one worker dies and cannot tell which of them
was the cause; with jobs of minutes on a hundred cores that is hours of work. Here each worker has its own pipe, so the job that
ended with it is known, nothing else is repeated, and the worker alone is replaced.

Workers are forked from a server process that has one thread and has imported what the jobs need (start method "forkserver").
Plain fork copies the locks of the threads that BLAS and a progress bar have in the main process, and may hang; spawn imports
NumPy and SciPy again in every worker.
"""

import atexit
import os
import selectors
import signal
import sys
import threading
import time
import traceback
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from common import stop
from common.errors import EngineError, InputError, StoppedError

#: A job is given up after it has ended this many workers.
MAX_DEATHS = 3
#: Seconds that running jobs are given to end after a request to stop.
GRACE = 10.0
#: Where jobs are shorter than this on average (s), the next one is sent ahead, so that the worker need not wait for it.
SHORT_JOB = 0.005
#: Weight of the last job in that average.
RECENT = 0.2
#: How often (s) a waiting engine looks whether it was asked to stop.
POLL = 0.2
#: One core per worker: libraries that would start threads of their own are told not to.
THREAD_LIMITS = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class JobError(EngineError):
    """Why a job has no value.

    Attributes
    ----------
    reason : str
        One line.
    traceback : str
        Where it happened, in the words of the worker; empty when the worker died.
    """

    def __init__(self, reason, traceback=""):
        super().__init__(reason)
        self.reason = reason
        self.traceback = traceback


@dataclass(slots=True)
class Outcome:
    """How a job ended.

    Attributes
    ----------
    value : object
        What the function returned; None after an error.
    error : JobError or None
    seconds : float
        Time it took in the worker.
    """

    value: object = None
    error: JobError | None = None
    seconds: float = 0.0

    @property
    def ok(self):
        """Whether there is a value."""
        return self.error is None


def make_engine(name="LOCAL", workers=None, **options):
    """The engine with this name (keyword ENGINE; classic: CPUS alone).

    Parameters
    ----------
    name : {"LOCAL", "DASK", "MPI"}
    workers : int, optional
        Default: the cores this process may use. The other engines know their workers themselves.
    **options
        Passed on to the engine: ``initializer`` and ``initargs``, for DASK also ``cluster``, for MPI ``executor``.

    Raises
    ------
    InputError
        There is no such engine, or its package is not installed.
    """
    kind = name.upper()
    if kind == "LOCAL":
        return LocalEngine(available_cores() if workers is None else workers, **options)
    if kind == "DASK":
        from common.dask_engine import DaskEngine

        return DaskEngine(**options)
    if kind == "MPI":
        from common.mpi_engine import MPIEngine

        return MPIEngine(**options)
    raise InputError(f"ENGINE {name}: there is no such engine; use LOCAL, DASK or MPI")


def available_cores():
    """Number of cores this process may use, which a batch system may have made fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


class LocalEngine:
    """Worker processes on this machine.

    Parameters
    ----------
    workers : int
        With 1 the jobs run in this process.
    initializer : callable, optional
        Called once in every worker before its first job, with ``initargs``; a function at the top level of a module.
    initargs : tuple
    grace : float
        Seconds that running jobs are given after a request to stop.

    Notes
    -----
    Use it as a context manager: leaving it ends the workers. Workers pay no heed to Ctrl-C and SIGTERM, which reach the whole
    process group; the main process decides. When the main process dies, however it dies, its workers end.
    """

    def __init__(self, workers, initializer=None, initargs=(), *, grace=GRACE):
        if workers < 1:
            raise InputError(f"CPUS {workers}: at least one worker is needed")
        self.workers = int(workers)
        self.grace = grace
        self._initializer = initializer
        self._initargs = tuple(initargs)
        self._pool = []
        self._context = None
        self._initialized = False
        self._closed = False
        if self.workers > 1:
            self._context = _start_server(getattr(initializer, "__module__", None))
            # Registered after multiprocessing's own exit function, so it runs before that one waits for the workers.
            atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """End the workers at once. The engine cannot be used afterwards."""
        self._closed = True
        pool, self._pool = self._pool, []
        for worker in pool:
            worker.kill()
        for worker in pool:
            worker.reap()
        atexit.unregister(self.close)

    def run(self, function, jobs, window=None):
        """Do the jobs and return their outcomes as they end.

        Parameters
        ----------
        function : callable
            A function at the top level of a module, called as ``function(*args)``.
        jobs : iterable of (key, args)
            Taken from it only as workers come free, so it may be endless, and may depend on outcomes already returned. None in
            place of a job means that there is none now: the iterator is asked again after the next outcome.
        window : int, optional
            Most jobs in flight at a time; by default what keeps all workers busy.

        Yields
        ------
        key, outcome : object, Outcome
            After a request to stop (`common.stop`) no job is started any more; those that do not end within the grace time
            are given up and not returned.

        Raises
        ------
        EngineError
            The workers cannot be started or their initializer fails.
        """
        if self._closed:
            raise EngineError("this engine is closed")
        if self.workers == 1:
            return self._run_here(function, jobs)
        return _Run(self, function, iter(jobs), window).outcomes()

    def _run_here(self, function, jobs):
        if not self._initialized and self._initializer is not None:
            try:
                self._initializer(*self._initargs)
            except StoppedError:
                return
            except Exception as error:
                raise EngineError(f"the jobs cannot be prepared: {one_line(error)}") from error
        self._initialized = True
        for job in jobs:
            if stop.requested():
                return
            if job is None:
                continue
            key, args = job
            began = time.perf_counter()
            try:
                outcome = Outcome(value=function(*args))
            except StoppedError:
                return
            except Exception as error:
                outcome = Outcome(error=JobError(one_line(error), traceback.format_exc()))
            outcome.seconds = time.perf_counter() - began
            yield key, outcome

    def _start_worker(self):
        worker = _Worker(self._context, self._initializer, self._initargs)
        self._pool.append(worker)
        return worker

    def _remove(self, worker):
        worker.kill()
        worker.reap()
        self._pool.remove(worker)


class _Run:
    """One call of `LocalEngine.run`: which worker has which jobs."""

    def __init__(self, engine, function, jobs, window):
        self.engine = engine
        self.function = function
        self.jobs = jobs
        self.window = window if window is not None else sys.maxsize
        self.again = deque()  # jobs of workers that died: (key, args, deaths)
        self.flight = {}  # worker -> deque of (key, args, deaths), in the order they were sent
        self.exhausted = False
        self.bad_starts = 0
        self.selector = None

    def outcomes(self):
        """The loop: fill the workers, wait, return what ended."""
        deadline = None
        self.selector = selectors.DefaultSelector()
        try:
            for worker in self.engine._pool:
                self._watch(worker)
            while True:
                if deadline is None and stop.requested():
                    deadline = time.monotonic() + self.engine.grace
                if deadline is None:
                    self._fill()
                idle = not any(self.flight.values())
                if idle and (deadline is not None or (self.exhausted and not self.again)):
                    return
                if deadline is not None and time.monotonic() >= deadline:
                    return
                for ready, _ in self.selector.select(POLL):
                    outcome = self._receive(ready.data)
                    if outcome is not None:
                        yield outcome
        finally:
            # Whatever still runs belongs to nobody any more.
            self.selector.close()
            for worker, queue in self.flight.items():
                if queue and worker in self.engine._pool:
                    self.engine._remove(worker)

    def _watch(self, worker):
        worker.mean_seconds = None
        self.flight[worker] = deque()
        self.selector.register(worker.connection, selectors.EVENT_READ, worker)

    def _next(self):
        if self.again:
            return self.again.popleft()
        if self.exhausted:
            return None
        try:
            job = next(self.jobs)
        except StopIteration:
            self.exhausted = True
            return None
        return None if job is None else (*job, 0)

    def _fill(self):
        """Give every worker a job, and those with short jobs a second one, while there are jobs."""
        for depth in (1, 2):
            for worker, queue in self.flight.items():
                if depth == 2 and (worker.mean_seconds is None or worker.mean_seconds > SHORT_JOB):
                    continue
                while len(queue) < depth and not worker.broken:
                    if not self._send(worker):
                        return
            while depth == 1 and len(self.flight) < self.engine.workers:
                job = self._take()
                if job is None:
                    return
                worker = self.engine._start_worker()
                self._watch(worker)
                self._deliver(worker, job)

    def _take(self):
        if sum(map(len, self.flight.values())) >= self.window:
            return None
        return self._next()

    def _send(self, worker):
        job = self._take()
        if job is None:
            return False
        self._deliver(worker, job)
        return True

    def _deliver(self, worker, job):
        try:
            worker.connection.send((self.function, tuple(job[1])))
        except (BrokenPipeError, ConnectionResetError):
            # Dead, and this job is not the cause. What the worker sent before, and its end, are still to be read.
            worker.broken = True
            self.again.appendleft(job)
        else:
            self.flight[worker].append(job)

    def _receive(self, worker):
        try:
            kind, value, seconds = worker.connection.recv()
        except (EOFError, ConnectionResetError, OSError):
            return self._died(worker)
        if kind == "ready":
            worker.ready = True
            self.bad_starts = 0
            return None
        if kind == "unprepared":
            raise EngineError(f"the workers cannot be prepared: {value[0]}\n{value[1]}")
        key, _, _ = self.flight[worker].popleft()
        worker.mean_seconds = seconds + (1.0 - RECENT) * ((worker.mean_seconds or seconds) - seconds)
        if kind == "value":
            return key, Outcome(value=value, seconds=seconds)
        return key, Outcome(error=JobError(*value), seconds=seconds)

    def _died(self, worker):
        """Replace a dead worker: its first job may be the cause, the ones behind it are not."""
        queue = self.flight.pop(worker)
        self.selector.unregister(worker.connection)
        self.engine._remove(worker)
        how = worker.epitaph()
        if not worker.ready:
            self.bad_starts += 1
            self.again.extendleft(reversed(queue))
            if self.bad_starts >= MAX_DEATHS * self.engine.workers:
                raise EngineError(
                    f"the worker processes end before their first job ({how}); a script that uses several workers must "
                    "have its own work under if __name__ == '__main__'"
                )
            return None
        if not queue:
            return None
        key, args, deaths = queue.popleft()
        self.again.extendleft(reversed(queue))
        if deaths + 1 >= MAX_DEATHS:
            return key, Outcome(error=JobError(f"ended its worker process {MAX_DEATHS} times ({how})"))
        self.again.append((key, args, deaths + 1))
        return None


class _Worker:
    """One worker process and the pipe to it."""

    def __init__(self, context, initializer, initargs):
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, initializer, initargs), daemon=True)
        self.ready = False
        self.broken = False
        self.mean_seconds = None
        with thread_limits():
            self.process.start()
        theirs.close()

    def kill(self):
        with suppress(ProcessLookupError, ValueError):
            self.process.kill()

    def reap(self):
        self.process.join()
        self.connection.close()

    def epitaph(self):
        """How the process ended, in words."""
        code = self.process.exitcode
        if code is not None and code < 0:
            with suppress(ValueError):
                name = signal.Signals(-code).name
                return f"{name}, perhaps out of memory" if name == "SIGKILL" else name
        return f"exit status {code}"


def _start_server(module):
    """The context of the fork server, which starts to import what the workers need while the caller goes on."""
    from multiprocessing import forkserver, get_context

    context = get_context("forkserver")
    # Only before the server runs does the list of modules have an effect; a later engine finds the server as it is.
    names = ["numpy", "scipy.linalg", "common.executors"]
    if module not in (None, "__main__"):
        names.append(module)
    context.set_forkserver_preload(names)
    with thread_limits():
        forkserver.ensure_running()
    return context


class thread_limits:
    """Environment in which the numerical libraries of a new process start without threads of their own."""

    def __enter__(self):
        self.before = {name: os.environ.get(name) for name in THREAD_LIMITS}
        os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))

    def __exit__(self, *exception):
        for name, value in self.before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _serve(connection, initializer, initargs):
    """The life of a worker."""
    # Handlers that do nothing, rather than SIG_IGN, which programs started by a job would inherit.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, _disregard)
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        if initializer is not None:
            initializer(*initargs)
    except BaseException as error:
        connection.send(("unprepared", (one_line(error), traceback.format_exc()), 0.0))
        return
    connection.send(("ready", None, 0.0))
    while True:
        try:
            function, args = connection.recv()
        except EOFError:
            return
        except Exception as error:  # the function cannot be imported here
            connection.send(("error", (one_line(error), traceback.format_exc()), 0.0))
            continue
        began = time.perf_counter()
        try:
            kind, value = "value", function(*args)
        except Exception as error:
            kind, value = "error", (one_line(error), traceback.format_exc())
        seconds = time.perf_counter() - began
        try:
            connection.send((kind, value, seconds))
        except BrokenPipeError:
            return
        except Exception as error:  # the value cannot be pickled
            connection.send(("error", (f"its result cannot be sent: {one_line(error)}", traceback.format_exc()), seconds))


def _disregard(number, frame):
    """The main process decides what a signal means."""


def _end_with_parent():
    """A worker without its main process would compute for nobody."""
    from multiprocessing import connection, parent_process

    connection.wait([parent_process().sentinel])
    os._exit(1)


def one_line(error):
    """Kind and first line of an error."""
    text = str(error).strip()
    name = type(error).__name__
    return f"{name}: {text.splitlines()[0]}" if text else name
