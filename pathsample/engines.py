"""Which engine runs the jobs, from the keywords of pathdata and the allocation that pathsample was started in."""

import os
import re
import time
from contextlib import contextmanager
from pathlib import Path

from common.cluster import ALLOCATIONS, Cluster, checked, read_cluster, read_time
from common.errors import InputError
from common.mpi_engine import environment_rank

#: Seconds before the end of the batch job at which pathsample stops by itself.
MARGIN = 120.0
#: Keywords that only mean something where ENGINE DASK submits jobs.
BATCH_KEYWORDS = ("WORKERJOBS", "WORKERCPUS", "WORKERMEMORY", "WORKERTIME", "QUEUE", "ACCOUNT", "DIRECTIVE", "PROLOGUE")


def cluster_from_keywords(settings, directory):
    """The workers of ENGINE DASK, SLURM or PBS; None where the jobs run on this machine or under MPI.

    Raises
    ------
    InputError
    """
    for name in ("SLURM", "PBS"):
        if settings.given(name):
            if not os.environ.get(ALLOCATIONS[name]):
                raise InputError(
                    f"{settings.where(name)}: {name}: not in a {name} job; submit this with a batch script "
                    "(pathsample --job-script writes one), or use CPUS"
                )
            wanted = settings["PBS"].n if name == "PBS" else None
            return Cluster("ALLOCATION", cpus=wanted or allocated_tasks() or 1) if nodes() > 1 or wanted else None
    if settings["ENGINE"].kind != "DASK":
        return None
    where = settings.where("ENGINE")
    workers = settings["ENGINE"].workers
    if workers is None:
        raise InputError(f"{where}: ENGINE DASK: expected SLURM, PBS, SGE, LSF, ALLOCATION, LOCAL, an address or a file")
    if workers.lower().endswith((".yaml", ".yml")):
        return read_cluster(directory / workers)
    if workers.endswith(".json"):
        workers = str(directory / workers)
    jobs = settings["WORKERJOBS"]
    local = workers.upper() in ("LOCAL", "ALLOCATION")
    cpus = settings["WORKERCPUS"].n
    if local and not settings.given("WORKERCPUS"):
        cpus = settings["CPUS"].n if settings.given("CPUS") else allocated_tasks() or os.cpu_count() or 1
    cluster = Cluster(
        workers,
        cpus=cpus or os.cpu_count() or 1,
        memory=settings["WORKERMEMORY"].size,
        walltime=settings["WORKERTIME"].time,
        minimum=jobs.maximum if jobs.minimum is None else jobs.minimum,
        maximum=jobs.maximum,
        queue=settings["QUEUE"].name if settings.given("QUEUE") else None,
        account=settings["ACCOUNT"].name if settings.given("ACCOUNT") else None,
        directives=tuple(values.line for values in settings.all("DIRECTIVE")),
        prologue=tuple(values.line for values in settings.all("PROLOGUE")),
    )
    return checked(cluster, f"{where}: ENGINE DASK")


def check_engine(setup):
    """Collect what is wrong with the keywords of the engine."""
    settings = setup.settings
    if settings.given("WALLTIME"):
        try:
            read_time(settings["WALLTIME"].time)
        except ValueError as error:
            settings.error("WALLTIME", str(error))
    if settings["ENGINE"].kind != "DASK":
        for name in BATCH_KEYWORDS:
            if settings.given(name):
                settings.error(name, "only for ENGINE DASK; add that line, for instance ENGINE DASK SLURM, or remove this one")
        if settings["ENGINE"].kind is not None and settings["ENGINE"].workers is not None:
            settings.error("ENGINE", f"{settings['ENGINE'].kind} takes no workers; remove {settings['ENGINE'].workers}")
    chosen = [name for name in ("ENGINE", "SLURM", "PBS") if settings.given(name)]
    if len(chosen) > 1:
        settings.error(chosen[1], f"only one keyword may choose the engine; remove it or {chosen[0]}")


def allocated_tasks():
    """Processors of the Slurm or PBS job this process runs in; 0 outside."""
    tasks = os.environ.get("SLURM_NTASKS", "")
    if os.environ.get("SLURM_JOB_ID"):
        cpus = os.environ.get("SLURM_CPUS_PER_TASK", "")
        count = (int(tasks) if tasks.isdigit() else 1) * (int(cpus) if cpus.isdigit() else 1)
        return count if count > 1 else max(count, _processors(os.environ.get("SLURM_JOB_CPUS_PER_NODE", "")))
    try:
        with open(os.environ["PBS_NODEFILE"], encoding="utf-8") as file:
            return sum(1 for line in file if line.strip())
    except (KeyError, OSError):
        return 0


def nodes():
    """Nodes of the Slurm or PBS job this process runs in; 1 outside."""
    number = os.environ.get("SLURM_JOB_NUM_NODES", "")
    if number.isdigit():
        return int(number)
    try:
        with open(os.environ["PBS_NODEFILE"], encoding="utf-8") as file:
            return len({line.strip() for line in file if line.strip()})
    except (KeyError, OSError):
        return 1


def _processors(text):
    """Processors of an entry such as 72(x2),36 of SLURM_JOB_CPUS_PER_NODE."""
    total = 0
    for part in text.split(","):
        count, _, repeat = part.partition("(x")
        if count.isdigit():
            total += int(count) * int(repeat.rstrip(")") or 1) if repeat else int(count)
    return total


def seconds_left(settings):
    """Seconds until this run has to stop: WALLTIME, or the end of the Slurm job; None without a limit."""
    limits = []
    if settings.given("WALLTIME"):
        limits.append(read_time(settings["WALLTIME"].time))
    end = os.environ.get("SLURM_JOB_END_TIME", "")
    if end.isdigit():
        left = float(end) - time.time()
        # of a short job a tenth is left to end in
        limits.append(max(left - min(MARGIN, 0.1 * left), 0.0))
    return min(limits) if limits else None


def rank_under_mpi(directory):
    """Rank of this process where pathdata asks for ENGINE MPI; 0 otherwise.

    Needed before pathdata is parsed: what is wrong with it is to be said once.
    """
    try:
        text = (Path(directory) / "pathdata").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return environment_rank()
    return environment_rank() if re.search(r"^\s*ENGINE\s+MPI\b", text, re.IGNORECASE | re.MULTILINE) else 0


@contextmanager
def processes(setup):
    """Whether this process runs the program; under MPI all but one serve its jobs first, and do not.

    Raises
    ------
    InputError
        ENGINE MPI without MPI.
    """
    if setup.settings["ENGINE"].kind != "MPI":
        yield True
        return
    from common.mpi_engine import executor

    with executor() as setup.executor:
        yield setup.executor is not None


def make_workers(setup, database):
    """The engine, its workers ready for searches and checks; with CUDA they get their searches in packages."""
    engine = _make_engine(setup, database)
    if not setup.settings.given("CUDA"):
        return engine
    from pathsample.packages import DEVICE_JOBS, PackageEngine

    jobs = setup.settings["CUDA"].jobs or DEVICE_JOBS
    return PackageEngine(engine, -(-jobs // setup.workers))


def _make_engine(setup, database):
    from common.executors import make_engine
    from pathsample.jobs import initialise

    tolerances = (database.energy_tolerance, database.distance_tolerance)
    arguments = (str(setup.directory.resolve()), setup.potential.fingerprint(), *tolerances)
    options = {"initializer": initialise, "initargs": arguments}
    if setup.cluster is not None:
        return make_engine("DASK", cluster=setup.cluster, **options)
    if setup.executor is not None:
        return make_engine("MPI", executor=setup.executor, **options)
    return make_engine("LOCAL", setup.workers, **options)
