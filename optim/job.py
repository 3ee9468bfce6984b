"""What an odata file asks for: the job, its potential, its end points and settings."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import InputError
from common.formats import coordinates
from common.keywords import Settings, load_table, parse_file
from optim.keyword_settings import settings_from_keywords
from optim.requests import on_processor
from optim.settings import OptimSettings

#: Kinds of SEARCH.
SEARCHES = (-1, 0, 1, 2)
#: Kinds of job that have work for a device (CUDA).
ON_DEVICE = ("connect", "band", "redo")
#: Threshold above which an RMS criterion means that no step is to be taken (BFGSMIN 1D100).
NO_MINIMISATION = 1e10


@dataclass(slots=True)
class Job:
    """A checked input.

    Attributes
    ----------
    directory : Path
    suffix : str
        "" or ".word", behind the name of every file.
    kind : str
        "connect", "band", "interpolate", "redo", "transition state", "saddle" or "minimise".
    keywords : common.keywords.Settings
    settings : OptimSettings
    potential : Potential
    symbols : tuple of str
        One per atom; empty without atoms.
    starts : ndarray of shape (n_jobs, n_variables)
    finishes : ndarray of shape (n_jobs, n_variables) or None
    points : ndarray of shape (2 k + 1, n_variables) or None
        Minimum, transition state, minimum, ... of a path to be made again.
    plot : bool
        Draw the paths.
    serve : callable
        Runs a coroutine of `optim.requests` to its end: on the processor, or with a device.
    """

    directory: Path
    suffix: str
    kind: str
    keywords: Settings
    settings: OptimSettings
    potential: object
    symbols: tuple
    starts: np.ndarray
    finishes: np.ndarray | None = None
    points: np.ndarray | None = None
    plot: bool = False
    serve: object = on_processor

    def path(self, name):
        """Path of a file of this job, with its suffix."""
        return self.directory / f"{name}{self.suffix}"


def table_paths():
    """Tables of the keywords of odata."""
    from potentials.selection import potential_table_path

    return [Path(__file__).with_name("keywords.yaml"), potential_table_path()]


def read_job(directory, suffix=""):
    """Read and check ``odata`` and everything it refers to.

    Parameters
    ----------
    directory : str or Path
    suffix : str
        ``optim 12`` reads ``odata.12`` and ``finish.12``.

    Returns
    -------
    Job

    Raises
    ------
    InputError
        Everything found wrong, before anything is computed or written.
    """
    from potentials.selection import potential_from_keywords

    directory = Path(directory)
    suffix = f".{suffix}" if suffix else ""
    path = directory / f"odata{suffix}"
    keywords = parse_file(path, load_table(*table_paths()))
    # what is wrong with the keywords comes first and all at once; the geometry is read after that
    kind = _kind(keywords)
    settings_from_keywords(keywords)
    start, symbols = _start(keywords, path)
    keywords.finish()
    potential = potential_from_keywords(
        keywords, directory, n_variables=None if start is None else len(start), symbol=symbols[0] if symbols else None
    )
    n = potential.n_variables
    if start is not None and len(start) != n:
        raise InputError(f"{path}: the starting point has {len(start)} numbers; this potential has {n} variables")
    n_zero = keywords["VARIABLES"].n_zero
    if n_zero is not None and n_zero != potential.symmetry.n_zero:
        keywords.error("VARIABLES", f"{n_zero} zero eigenvalues given; this potential has {potential.symmetry.n_zero}")
    index, most = keywords["HINDEX"].index, n - potential.symmetry.n_zero
    if index > most:
        keywords.error("HINDEX", f"there are {most} eigenvalues beyond the zero modes")
    _alignment(keywords, directory, potential, symbols)
    settings = settings_from_keywords(keywords, potential)
    if keywords.given("CUDA"):
        _device(keywords, kind, potential)
    keywords.finish()
    job = Job(directory, suffix, kind, keywords, settings, potential, symbols, np.atleast_2d(start))
    if keywords.given("MULTIJOB"):
        job.starts = coordinates.read_many(_existing(keywords, directory, keywords["MULTIJOB"].starts), n)
    _check_values(job, job.starts, "the starting point")
    if kind in ("connect", "band", "interpolate"):
        if keywords.given("MULTIJOB"):
            if keywords["MULTIJOB"].finishes is None:
                keywords.error("MULTIJOB", "a connection needs a file of end points too")
                keywords.finish()
            job.finishes = coordinates.read_many(_existing(keywords, directory, keywords["MULTIJOB"].finishes), n)
            if len(job.finishes) != len(job.starts):
                raise InputError(
                    f"{keywords.where('MULTIJOB')}: {len(job.starts)} starting points but {len(job.finishes)} end points"
                )
        else:
            job.finishes = np.atleast_2d(coordinates.read(job.path("finish"), n).coordinates)
        _check_values(job, job.finishes, "the end point")
    if kind == "redo":
        job.points = _stationary_points(job)
    if keywords.given("READVEC") and not job.path("vector.dump").is_file():
        keywords.error("READVEC", f"no file vector.dump{suffix} in {directory.resolve()}")
        keywords.finish()
    return job


def _kind(keywords):
    """Which job; contradictions are collected in the keywords."""
    if keywords.given("BHINTERP"):
        return "interpolate"
    if keywords.given("REDOPATH"):
        return "redo"
    if keywords.given("NEWCONNECT"):
        return "connect"
    if keywords.given("NEWNEB"):
        return "band"
    if keywords.given("HINDEX"):
        return {0: "minimise", 1: "transition state"}.get(keywords["HINDEX"].index, "saddle")
    if keywords.given("BFGSTS"):
        return "transition state"
    if keywords.given("SEARCH"):
        kind = keywords["SEARCH"].kind
        if kind not in SEARCHES:
            keywords.error("SEARCH", "the kinds of search are 0 (minimum), 1 (any index), 2 (transition state) and -1 (none)")
            return "minimise"
        if kind == 2:
            return "transition state"
        if kind == 1:
            return "saddle"
        if kind == 0:
            return "minimise"
    if keywords.given("BFGSMIN") or keywords.given("BFGSCONV"):
        return "minimise"
    keywords.problems.append(
        f"{keywords.name}: nothing to do; give NEWCONNECT (connect start and finish), BFGSTS or SEARCH 2 (transition state), "
        "BFGSMIN or SEARCH 0 (minimum)"
    )
    return "minimise"


def _device(keywords, kind, potential):
    """What is wrong with CUDA, as far as it is known without a device."""
    from potentials.cuda.batch import check_kernels

    if kind not in ON_DEVICE:
        keywords.error("CUDA", "only connections use the device: give NEWCONNECT, NEWNEB or REDOPATH, or remove CUDA")
    try:
        check_kernels(potential)
    except InputError as error:
        keywords.error("CUDA", str(error))


def _start(keywords, path):
    """(starting point or None, symbols of the atoms)."""
    if keywords.given("POINTS") and keywords.given("VARIABLES"):
        keywords.error("VARIABLES", "only one of POINTS and VARIABLES can hold the starting point")
        return None, ()
    name = "VARIABLES" if keywords.given("VARIABLES") else "POINTS"
    if not keywords.given(name):
        if keywords.given("MULTIJOB"):
            return None, ()
        keywords.problems.append(f"{keywords.name}: no starting point; end the file with POINTS (atoms) or VARIABLES")
        return None, ()
    body = keywords.body(name)
    if not body:
        if keywords.given("MULTIJOB"):
            return None, ()
        keywords.error(name, "no coordinates below it")
        return None, ()
    try:
        geometry = coordinates.parse(body, str(path))
    except InputError as error:
        keywords.problems.extend(error.problems)
        return None, ()
    return geometry.coordinates, geometry.symbols


def _check_values(job, points, name):
    """Energy and gradient must exist where a calculation starts."""
    for x in points:
        e, g = job.potential.energy_gradient(x)
        if not (np.isfinite(e) and np.isfinite(g).all()):
            raise InputError(
                f"odata{job.suffix}: the energy at {name} is not finite; are two atoms in the same place?"
                if job.symbols
                else f"odata{job.suffix}: the energy at {name} is not finite"
            )


def _stationary_points(job):
    """The points of ``redopoints``."""
    path = job.path("redopoints")
    points = coordinates.read_many(path, job.potential.n_variables)
    if len(points) < 3 or len(points) % 2 == 0:
        raise InputError(f"{path}: expected minimum, transition state, minimum, ..., found {len(points)} points")
    return points


def _existing(keywords, directory, name):
    path = directory / name
    if not path.is_file():
        keywords.error("MULTIJOB", f"no file {name} in {directory.resolve()}; correct the name")
        keywords.finish()
    return path


def _alignment(keywords, directory, potential, symbols):
    """NOINVERSION and perm.allow for clusters."""
    from potentials.symmetry import RigidCluster

    allow = directory / "perm.allow"
    if not isinstance(potential.symmetry, RigidCluster):
        if keywords.given("NOINVERSION"):
            keywords.error("NOINVERSION", "goes with a cluster of atoms")
        return
    if not (keywords.given("NOINVERSION") or (keywords.given("PERMDIST") and allow.is_file())):
        return
    from potentials.symmetry.rigid import read_permutation_groups

    n_atoms = potential.symmetry.n_atoms
    groups = read_permutation_groups(allow, n_atoms) if allow.is_file() else potential.symmetry.groups
    potential.symmetry = RigidCluster(n_atoms, groups=groups, inversion=not keywords.given("NOINVERSION"))
