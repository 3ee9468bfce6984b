"""ENGINE DASK: jobs on the workers of a Dask scheduler, which this program starts unless there is one.

The scheduler keeps the list of what was sent; a worker, a node or a batch job that disappears costs the jobs it was doing,
which run again elsewhere. The future of a finished job is released at once: Dask would compute results that it still remembers
again when their worker dies.
"""

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from common.cluster import BATCH_SYSTEMS
from common.errors import EngineError, InputError
from common.executors import THREAD_LIMITS, thread_limits
from common.remote_jobs import FutureEngine, WorkerLost

#: Seconds to wait for a scheduler that went away, or that does not answer.
RECONNECT = 60.0
#: Seconds without any worker after which a line says so.
PATIENCE = 60.0
#: How often (s) the scheduler is asked for the number of its workers.
ASK_EVERY = 1.0
#: How often (s) the batch system is asked for jobs whose workers have not appeared, and how.
LOOK_EVERY = 10.0
QUERIES = {
    "SLURM": ("squeue", "-h", "-o", "%T", "-j"),
    "PBS": ("qstat",),
    "SGE": ("qstat", "-j"),
    "LSF": ("bjobs", "-noheader"),
}
#: Seconds before the time limit of its batch job at which a worker ends by itself, and how far the moments are spread.
MARGIN, SPREAD = 180, 60


class DaskEngine(FutureEngine):
    """Workers of a Dask scheduler.

    Parameters
    ----------
    cluster : common.cluster.Cluster
    initializer, initargs, grace
        See `common.remote_jobs.FutureEngine`.

    Raises
    ------
    InputError
        A package is missing, or there is no scheduler at that address.
    """

    def __init__(self, cluster, initializer=None, initargs=(), **options):
        super().__init__(initializer, initargs, **options)
        try:
            import dask
            import distributed
        except ImportError as error:
            raise InputError("ENGINE DASK needs Dask: pip install 'energy-landscapes[cluster]'") from error
        dask.config.set(
            {
                # one job to a worker at a time: when it dies, no other one can be blamed
                "distributed.scheduler.worker-saturation": 1.0,
                "distributed.scheduler.allowed-failures": 0,
                "distributed.logging.distributed": "critical",
                "distributed.worker.daemon": False,
                "distributed.admin.log-length": 0,
            }
        )
        self.cluster = cluster
        self._distributed = distributed
        self._owned = self._processes = None
        self._said = None
        self._known, self._asked, self._looked = 0, 0.0, 0.0
        self._began = time.monotonic()
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    # Where the workers come from

    def _connect(self):
        kind = self.cluster.workers
        client = self._distributed.Client
        try:
            if kind in BATCH_SYSTEMS:
                self._owned = self._batch_cluster(kind)
            elif kind == "LOCAL":
                self._owned = self._local_cluster(self.cluster.cpus)
            elif kind == "ALLOCATION":
                self._owned = self._local_cluster(0, interface=self.cluster.interface, host=_host(self.cluster.interface))
                self._start_in_allocation(self._owned.scheduler_address)
            if self._owned is not None:
                self._client = client(self._owned, set_as_default=False)
            elif kind.endswith(".json"):
                self._client = client(scheduler_file=kind, timeout=RECONNECT, set_as_default=False)
            else:
                self._client = client(kind, timeout=RECONNECT, set_as_default=False)
        except OSError as error:
            raise InputError(f"ENGINE DASK: no Dask scheduler answers at {kind}; start one with dask scheduler") from error
        except RuntimeError as error:
            raise EngineError(f"ENGINE DASK {kind}: {str(error).strip().splitlines()[-1]}") from error

    def _local_cluster(self, workers, **options):
        with thread_limits():
            return self._distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50, **options
            )

    def _batch_cluster(self, kind):
        try:
            import dask_jobqueue
        except ImportError as error:
            raise InputError(f"ENGINE DASK {kind} needs dask-jobqueue: pip install 'energy-landscapes[cluster]'") from error
        cluster, (name, account) = self.cluster, BATCH_SYSTEMS[kind]
        arguments = {
            "cores": cluster.cpus,
            "processes": cluster.cpus,
            "memory": cluster.memory,
            "walltime": _walltime(cluster.seconds(), kind),
            "queue": cluster.queue,
            account: cluster.account,
            "job_extra_directives": list(cluster.directives),
            "job_script_prologue": [*_environment_lines(), *cluster.prologue],
            "python": cluster.python,
            "interface": cluster.interface,
            "worker_extra_args": _lifetime(cluster.seconds()),
            "scheduler_options": {"dashboard_address": ":0"},
            "log_directory": "dask-logs",
            "job_name": "landscape",
            **(cluster.options or {}),
        }
        if shutil.which({"SLURM": "sbatch", "PBS": "qsub", "SGE": "qsub", "LSF": "bsub"}[kind]) is None:
            raise InputError(f"ENGINE DASK {kind}: its command to submit jobs is not on PATH; load its module")
        owned = getattr(dask_jobqueue, name)(**arguments)
        # also for a fixed number: only this replaces jobs that were cancelled or whose node died
        owned.adapt(minimum_jobs=cluster.minimum, maximum_jobs=cluster.maximum)
        return owned

    def _start_in_allocation(self, address):
        """One worker for each task of the allocation this program runs in."""
        worker = [self.cluster.python, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
        if os.environ.get("SLURM_JOB_ID"):
            launcher = ["srun", "--overlap", f"--ntasks={self.cluster.cpus}", "--cpus-per-task=1", "--kill-on-bad-exit=0"]
        else:
            launcher = ["pbsdsh", "--"]
        if shutil.which(launcher[0]) is None:
            raise InputError(f"ENGINE DASK ALLOCATION: {launcher[0]} is not on PATH")
        log = Path("dask-logs")
        log.mkdir(exist_ok=True)
        prologue = "; ".join([*_environment_lines(), *self.cluster.prologue, f"exec {shlex.join(worker)}"])
        with open(log / "workers.out", "ab") as file:
            self._processes = subprocess.Popen(
                [*launcher, "/bin/sh", "-c", prologue],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def close(self):
        """Leave the scheduler, and end what this engine started."""
        client, self._client = getattr(self, "_client", None), None
        if client is not None:
            with suppress(Exception):
                client.close(timeout=5)
        owned, self._owned = self._owned, None
        if owned is not None:
            with suppress(Exception):
                owned.close(timeout=10)
        processes, self._processes = self._processes, None
        if processes is not None:
            processes.terminate()
            with suppress(subprocess.TimeoutExpired):
                processes.wait(10)
                return
            processes.kill()

    # Jobs

    def slots(self):
        """Two messages for every worker: one it works on, one that waits at the scheduler."""
        now = time.monotonic()
        if now > self._asked + ASK_EVERY:
            self._known = sum(self._client.nthreads().values()) if self._client.status == "running" else 0
            self._asked = now
        return 2 * max(self._known, self.cluster.total or 1)

    def submit(self, *call):
        """A future of Dask."""
        return self._client.submit(*call, pure=False, retries=0)

    def result(self, future):
        """What the worker sent back."""
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            raise WorkerLost("its worker disappeared") from error
        except (FutureCancelledError, asyncio.CancelledError) as error:
            self._reconnect()
            raise WorkerLost("the scheduler was started again") from error
        except Exception as error:
            raise EngineError(f"the workers of {self.cluster.workers} cannot do the jobs: {error}") from error
        finally:
            with suppress(Exception):
                future.release()

    def abandon(self, futures):
        """Take back what was not begun; what runs is forgotten."""
        with suppress(Exception):
            self._client.cancel(futures, force=True)

    def tick(self):
        """Look after the workers; say so once where none appears."""
        if self._client.status != "running":
            self._reconnect()
        if self.cluster.workers in BATCH_SYSTEMS and time.monotonic() > self._looked + LOOK_EVERY:
            self._looked = time.monotonic()
            self._drop_lost_jobs()
        if not self._client.nthreads():
            if time.monotonic() - self._began > PATIENCE and self._said is None:
                self._said = True
                print(f"ENGINE DASK {self.cluster.workers}: still waiting for a worker", file=sys.stderr, flush=True)
        else:
            self._said, self._began = None, time.monotonic()

    def _drop_lost_jobs(self):
        """Forget jobs that ended before their workers appeared, which Dask would wait for without end and never replace."""
        connected = {str(worker.name) for worker in self._owned.scheduler.workers.values()}
        lost = []
        for name, job in list(self._owned.workers.items()):
            known = any(worker == str(name) or worker.startswith(f"{name}-") for worker in connected)
            if not known and job.job_id is not None and not _queued(self.cluster.workers, job.job_id):
                lost.append(name)
        for name in lost:
            self._owned.worker_spec.pop(name, None)
        if lost:
            self._owned.sync(self._owned._correct_state)

    def _reconnect(self):
        """Wait for the scheduler of somebody else to come back."""
        if self._client.status == "running":
            return
        where = self.cluster.workers
        if self._owned is not None:
            raise EngineError(f"ENGINE DASK {where}: its scheduler has ended; start again, nothing that was found is lost")
        end = time.monotonic() + RECONNECT
        while time.monotonic() < end:
            with suppress(Exception):
                self._client.close(timeout=1)
            try:
                self._connect()
                return
            except InputError:
                time.sleep(1.0)
        raise EngineError(f"the Dask scheduler at {where} has gone; start it and then this program again, nothing is lost")


def _queued(system, number):
    """Whether a job of the batch system waits or runs."""
    try:
        done = subprocess.run([*QUERIES[system], str(number)], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        # an overloaded batch system is no reason to give up jobs
        return True
    words = done.stdout.split()
    return done.returncode == 0 and bool(words) and not {"DONE", "EXIT"} & set(words)


def _walltime(seconds, system):
    """A time limit as the batch system writes it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}" + ("" if system == "LSF" else f":{rest:02d}")


def _lifetime(seconds):
    """Arguments by which a worker ends before its batch job does."""
    if seconds < 2 * MARGIN:
        return []
    return ["--lifetime", f"{seconds - MARGIN:.0f}s", "--lifetime-stagger", f"{SPREAD}s"]


def _host(interface):
    """The name under which other nodes of an allocation reach this one."""
    import socket

    return None if interface else socket.gethostname()


def _environment_lines():
    """Shell lines that give a worker the environment of this program."""
    lines = [f"export {name}=1" for name in THREAD_LIMITS]
    folders = [os.path.abspath(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    if folders:
        lines.append(f"export PYTHONPATH={shlex.quote(os.pathsep.join(folders))}")
    return lines

