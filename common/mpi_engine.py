"""ENGINE MPI: jobs on the other processes of an MPI program, for sites where a program may start processes in no other way.

``mpiexec -n 9 pathsample`` or ``srun -n 9 pathsample`` starts the same program nine times. The process of rank 0 runs it; the
others serve jobs (mpi4py.futures) until it ends, and print and write nothing. When one process dies MPI ends all of them; the
database keeps every finished job, and the next start continues.
"""

import os
import signal
import sys
from contextlib import contextmanager

from common.errors import EXIT_STOPPED, InputError
from common.remote_jobs import FutureEngine

#: Where the usual ways to start an MPI program tell a process its rank and the number of processes.
RANKS = (
    ("PMIX_RANK", "PMIX_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
    ("SLURM_PROCID", "SLURM_NTASKS"),
)


def environment_rank():
    """Rank of this process as its environment tells it, before MPI is loaded; 0 where none is told."""
    for rank, _ in RANKS:
        value = os.environ.get(rank, "")
        if value.isdigit():
            return int(value)
    return 0


@contextmanager
def executor():
    """The executor of rank 0; the other processes serve its jobs inside, and get None when it has ended.

    Raises
    ------
    InputError
        mpi4py or an MPI library is missing, or there is one process only.
    """
    try:
        from mpi4py import MPI
        from mpi4py.futures import MPICommExecutor
    except (ImportError, RuntimeError) as error:
        raise InputError(
            "ENGINE MPI needs mpi4py and an MPI library: pip install 'energy-landscapes[mpi]' (or the MPI of your cluster)"
        ) from error
    world = MPI.COMM_WORLD
    if world.Get_size() < 2:
        raise InputError("ENGINE MPI: this is the only process; start n workers with mpiexec -n n+1 pathsample, or srun -n n+1")
    if world.Get_rank() > 0:
        # the process of rank 0 decides what a signal means
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, _disregard)
    abandoned = []
    with MPICommExecutor(world, root=0) as pool:
        if pool is None:
            yield None
            return
        pool.abandoned = abandoned
        try:
            yield pool
        finally:
            running = [future for future in abandoned if not future.done()]
            if running:
                # what runs cannot be taken back, and the end of MPI would wait for it
                _leave(world)


def _disregard(number, frame):
    """What rank 0 gets is enough."""


def _leave(world):
    sys.stdout.flush()
    sys.stderr.flush()
    world.Abort(EXIT_STOPPED)


class MPIEngine(FutureEngine):
    """Processes of this MPI program.

    Parameters
    ----------
    executor : mpi4py.futures.MPIPoolExecutor
        From `executor`.
    initializer, initargs, grace
        See `common.remote_jobs.FutureEngine`.
    """

    def __init__(self, executor, initializer=None, initargs=(), **options):
        super().__init__(initializer, initargs, **options)
        self.executor = executor
        self.workers = executor.num_workers

    def slots(self):
        """One message for each worker and one that waits for it."""
        return 2 * self.workers

    def submit(self, *call):
        """A future of mpi4py."""
        return self.executor.submit(*call)

    def abandon(self, futures):
        """Take back what was not begun and remember what runs."""
        for future in futures:
            if not future.cancel():
                self.executor.abandoned.append(future)
