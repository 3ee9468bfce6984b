"""Where the workers of ENGINE DASK come from: an existing scheduler, this machine, or jobs of a batch system."""

import os
import sys
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path

from common.errors import InputError

#: Batch systems whose jobs dask-jobqueue can submit, with its class and the name it has for the account.
BATCH_SYSTEMS = {
    "SLURM": ("SLURMCluster", "account"),
    "PBS": ("PBSCluster", "account"),
    "SGE": ("SGECluster", "project"),
    "LSF": ("LSFCluster", "project"),
}
#: What else the workers can be.
EXPECTED = "SLURM, PBS, SGE, LSF, ALLOCATION, LOCAL, an address tcp://host:port or a scheduler file"
#: Environment variable that tells a process that it runs in an allocation.
ALLOCATIONS = {"SLURM": "SLURM_JOB_ID", "PBS": "PBS_JOBID"}


@dataclass(frozen=True)
class Cluster:
    """Workers of ENGINE DASK. The keys of a YAML file have the same names.

    Attributes
    ----------
    workers : str
        SLURM, PBS, SGE or LSF: jobs of that batch system; ALLOCATION: the nodes of the Slurm or PBS job this program runs in;
        LOCAL: this machine; or the address, or the file, of a scheduler that is running.
    cpus : int
        Worker processes in one job (LOCAL and ALLOCATION: in all).
    memory : str
        Memory of one job, such as "4GB".
    walltime : str
        Time limit of one job, HH:MM:SS.
    minimum, maximum : int
        Jobs that are kept waiting or running.
    queue, account : str or None
        Partition and project.
    directives : tuple of str
        Further lines for the head of the batch script, without ``#SBATCH``.
    prologue : tuple of str
        Shell lines before the worker starts, such as ``module load``.
    interface : str or None
        Network interface of this machine that the nodes reach.
    python : str
        Python of the workers.
    options : dict
        Further arguments of the dask-jobqueue cluster.
    """

    workers: str
    cpus: int = 1
    memory: str = "2GB"
    walltime: str = "24:00:00"
    minimum: int = 0
    maximum: int = 1
    queue: str | None = None
    account: str | None = None
    directives: tuple = ()
    prologue: tuple = ()
    interface: str | None = None
    python: str = sys.executable
    options: dict | None = None

    @property
    def total(self):
        """Number of workers there may be; None where a running scheduler knows it."""
        kind = self.workers.upper()
        if kind in BATCH_SYSTEMS:
            return self.cpus * self.maximum
        return self.cpus if kind in ("LOCAL", "ALLOCATION") else None

    def seconds(self):
        """The time limit of one job in seconds."""
        return read_time(self.walltime)


def read_time(text):
    """Seconds of a time limit: minutes, MM:SS, HH:MM:SS or D-HH:MM:SS, as batch systems write it.

    Raises
    ------
    ValueError
    """
    days, _, rest = str(text).strip().rpartition("-")
    try:
        parts = [float(part) for part in rest.split(":")]
    except ValueError:
        parts = [-1.0]
    if len(parts) > 3 or min(parts) < 0.0 or (days and not days.isdigit()):
        raise ValueError(f"{text}: expected a time such as 90 (minutes), 30:00, 12:00:00 or 2-00:00:00")
    if len(parts) == 1:
        parts = [0.0, parts[0], 0.0] if not days else [parts[0], 0.0, 0.0]
    elif len(parts) == 2:
        parts = [0.0, *parts] if not days else [*parts, 0.0]
    return 86400.0 * int(days or 0) + 3600.0 * parts[0] + 60.0 * parts[1] + parts[2]


def read_cluster(path):
    """A cluster from a YAML file.

    Raises
    ------
    InputError
        Names the file, the key and what was expected.
    """
    import yaml

    path = Path(path)
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror.lower()}") from error
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise InputError(f"{path}:{line}: not a YAML file: {getattr(error, 'problem', error)}") from error
    if not isinstance(entries, dict):
        raise InputError(f"{path}: expected lines of the form key: value, the first workers: SLURM")
    kinds = {field.name: field.type for field in fields(Cluster)}
    problems = []
    for key, value in entries.items():
        if key not in kinds:
            near = get_close_matches(str(key), kinds, 1)
            hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(kinds)}"
            problems.append(f"{path}: {key}: unknown key; {hint}")
        elif kinds[key] is int and (not isinstance(value, int) or isinstance(value, bool) or value < (key != "minimum")):
            problems.append(f"{path}: {key}: expected a positive integer, found {value}")
        elif kinds[key] is tuple and not (isinstance(value, list) and all(isinstance(line, str) for line in value)):
            problems.append(f"{path}: {key}: expected a list of lines")
        elif key == "options" and not isinstance(value, dict):
            problems.append(f"{path}: options: expected lines of the form name: value")
    if "workers" not in entries:
        problems.append(f"{path}: workers: missing; expected {EXPECTED}")
    if problems:
        raise InputError(problems)
    values = {key: tuple(value) if kinds[key] is tuple else value for key, value in entries.items()}
    # YAML reads 1:00:00 as a number in base 60
    if isinstance(values.get("walltime"), int):
        hours, rest = divmod(values["walltime"], 3600)
        values["walltime"] = f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
    cluster = Cluster(**{key: str(value) if kinds[key] is str else value for key, value in values.items()})
    return checked(cluster, str(path))


def checked(cluster, where):
    """The cluster, with what its kind needs looked for.

    Raises
    ------
    InputError
    """
    kind = cluster.workers.upper()
    problems = []
    if kind in BATCH_SYSTEMS or kind in ("LOCAL", "ALLOCATION"):
        cluster = replace(cluster, workers=kind)
    elif cluster.workers.endswith(".json"):
        if not Path(cluster.workers).is_file():
            start = f"dask scheduler --scheduler-file {cluster.workers}"
            problems.append(f"{where}: no file {cluster.workers}; start {start} first")
    elif "://" not in cluster.workers:
        near = get_close_matches(kind, [*BATCH_SYSTEMS, "LOCAL", "ALLOCATION"], 1)
        hint = f"did you mean {near[0]}?" if near else f"expected {EXPECTED}"
        problems.append(f"{where}: {cluster.workers}: {hint}")
    if kind == "ALLOCATION" and not any(os.environ.get(name) for name in ALLOCATIONS.values()):
        problems.append(f"{where}: not in a job of Slurm or PBS; submit it with sbatch or qsub, or use CPUS")
    try:
        read_time(cluster.walltime)
    except ValueError as error:
        problems.append(f"{where}: walltime {error}")
    if cluster.maximum < cluster.minimum:
        problems.append(f"{where}: at least {cluster.minimum} jobs, but at most {cluster.maximum}")
    if problems:
        raise InputError(problems)
    return cluster
