"""What a run is to do: pathdata, odata.connect and the files they name, read and checked before anything is written."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import InputError
from pathsample.engines import allocated_tasks, check_engine, cluster_from_keywords
from pathsample.packages import check_cuda

DATABASE = "landscape.db"
#: Text files of the classic program.
MIN_DATA, TS_DATA, POINTS_MIN, POINTS_TS, MIN_A, MIN_B = "min.data", "ts.data", "points.min", "points.ts", "min.A", "min.B"
#: Files whose presence makes STARTFROMPATH refuse.
DATABASE_FILES = (DATABASE, MIN_DATA, TS_DATA, MIN_A, MIN_B)
#: Keywords that say which searches to make.
STRATEGIES = (
    "SURVEY", "CONNECTPAIRS", "CONNECTUNC", "CONNECTREGION", "DIJINITCONT", "DIJINITSTART", "DIJPAIR", "SHORTCUT", "UNTRAP",
    "FREEPAIRS", "USEPAIRS", "NEWCONNECTIONS", "CONNECTIONS",
)  # fmt: skip
#: Strategies that look along the fastest path, and so need rates.
RATE_STRATEGIES = ("DIJPAIR", "SHORTCUT", "FREEPAIRS")
#: Maintenance that needs coordinates.
NEED_POINTS = (
    "DIJINITSTART", "MERGEDB", "FROMLOWEST", "EXTRACTMIN", "EXTRACTMINFILE", "EXTRACTTS", "EXTRACTTSFILE", "GETMINFRQS",
    "GETTSFRQS", "ADDMINXYZ", "DISTANCE", "CALCORDER",
)  # fmt: skip
#: Keywords that need a network and data for it.
NEED_NETWORK = ("AUC", "ROC", "MISCLASSIFICATION")
#: Names of the data of the network itself, where there is no such file.
OWN_DATA = ("train", "test", "correct", "wrong")


@dataclass
class Setup:
    """Everything the input says.

    Attributes
    ----------
    directory : Path
    settings : common.keywords.Settings
        From pathdata.
    connect : common.keywords.Settings or None
        From odata.connect, where there is one.
    potential : Potential or None
        None with NOPOINTS.
    optim : OptimSettings or None
    cluster : common.cluster.Cluster or None
        Workers of ENGINE DASK.
    executor : mpi4py.futures.MPIPoolExecutor or None
        Of ENGINE MPI, while the run lasts.
    seed : int
    workers : int
    """

    directory: Path
    settings: object
    connect: object = None
    potential: object = None
    optim: object = None
    cluster: object = None
    executor: object = None
    problems: list = field(default_factory=list)

    @property
    def seed(self):
        """Seed of the random numbers."""
        return abs(self.settings["SEED"].n)

    @property
    def workers(self):
        """Number of worker processes that are expected."""
        if self.executor is not None:
            return self.executor.num_workers
        if self.cluster is not None:
            return self.cluster.total or 1
        if self.settings.given("SLURM") and not self.settings.given("CPUS"):
            return allocated_tasks() or 1
        return self.settings["CPUS"].n or os.cpu_count() or 1

    @property
    def database_path(self):
        """Path of landscape.db."""
        return self.directory / DATABASE

    @property
    def symmetry(self):
        """Symmetry of the potential; None without one."""
        return None if self.potential is None else self.potential.symmetry

    @property
    def n_variables(self):
        """Number of variables; None with NOPOINTS."""
        return None if self.potential is None else int(self.potential.n_variables)

    @property
    def external(self):
        """Whether only EXEC can evaluate the system (`external_system`)."""
        return self.potential is not None and not hasattr(self.potential, "energy")

    @property
    def grows(self):
        """Whether searches are to be made."""
        return self.settings["CYCLES"].n > 0 or self.settings.given("SURVEY")

    @property
    def tolerances(self):
        """Keyword arguments of `Database`: the tolerances that pathdata states."""
        settings = self.settings
        stated = {}
        if settings.given("EDIFFTOL"):
            stated["energy_tolerance"] = settings["EDIFFTOL"].tolerance
        if settings.given("GEOMDIFFTOL"):
            stated["distance_tolerance"] = settings["GEOMDIFFTOL"].tolerance
        return stated

    @property
    def filters(self):
        """Keyword arguments of ``Database.add_triples``: what is left out."""
        settings = self.settings
        return {
            "all_ts": settings.given("ALLTS"),
            "max_ts_energy": settings["MAXTSENERGY"].energy,
            "eigenvalue_cut": self.eigenvalue_cut,
            "max_barrier": settings["MAXBARRIER"].barrier,
            "min_barrier": settings["MINBARRIER"].barrier,
        }

    @property
    def eigenvalue_cut(self):
        """EVCUT, or what suits the unit of the eigenvalues."""
        from pathsample.external_system import SI_CUT, SI_FREQUENCIES

        given = self.settings.given("EVCUT")
        si = not given and any(self.settings.given(name) for name in SI_FREQUENCIES)
        return SI_CUT if si else self.settings["EVCUT"].eigenvalue

    def path(self, name):
        """A file named in the input, relative to the directory of the run."""
        return self.directory / Path(name).expanduser()


def pathdata_tables():
    """Keyword tables of pathdata: the program's own and that of the potentials."""
    from potentials.selection import potential_table_path

    return [Path(__file__).with_name("keywords.yaml"), potential_table_path()]


def read_setup(directory, engine=True):
    """Read pathdata and odata.connect in a directory.

    Parameters
    ----------
    directory : str or Path
    engine : bool
        Whether to look for the workers that pathdata asks for; a worker does not.

    Raises
    ------
    InputError
        All problems of both files at once; nothing has been written.
    """
    from common.keywords import load_table, parse_file

    directory = Path(directory)
    settings = parse_file(directory / "pathdata", load_table(*pathdata_tables()))
    setup = Setup(directory, settings)
    check_pathdata(setup)
    problems = list(settings.problems)
    try:
        if engine and not problems:
            setup.cluster = cluster_from_keywords(settings, directory)
        if not settings.given("NOPOINTS"):
            read_potential(setup)
        if settings.given("CUDA") and not problems:
            check_cuda(setup)
            settings.finish()
    except InputError as error:
        problems += [problem for problem in error.problems if problem not in problems]
    if problems:
        raise InputError(problems)
    return setup


def check_pathdata(setup):
    """Collect what is wrong with pathdata beyond the form of its lines."""
    settings = setup.settings
    chosen = [name for name in STRATEGIES if settings.given(name)]
    if settings.given("CONNECTIONS") and settings["CONNECTIONS"].n is not None and settings["CONNECTIONS"].n < 2:
        chosen.remove("CONNECTIONS")
    elif len(chosen) > 1 and "CONNECTIONS" in chosen:
        # with another strategy CONNECTIONS takes care of the minima that one finds
        chosen.remove("CONNECTIONS")
    if len(chosen) > 1:
        others = " and ".join(chosen[:1] + chosen[2:])
        settings.error(chosen[1], f"only one keyword may choose the searches; remove it or {others}")
    cycles = settings["CYCLES"].n or 0
    if cycles > 0 and not chosen:
        settings.error("CYCLES", f"no keyword says which searches to make; add one of {', '.join(STRATEGIES)}")
    if cycles > 0 and settings.given("SURVEY"):
        settings.error("CYCLES", "SURVEY states its own number of searches; remove CYCLES")
    if settings.given("DUMMYRUN") and not chosen:
        settings.error("DUMMYRUN", f"no keyword says which searches to make; add one of {', '.join(STRATEGIES)}")
    for name in RATE_STRATEGIES:
        if settings.given(name) and not (settings.given("TEMPERATURE") or settings.given("ENERGY")):
            settings.error(name, "the fastest path needs rates; add TEMPERATURE kT")
    if settings.given("FREEPAIRS") and not settings.given("PLANCK"):
        settings.error("FREEPAIRS", "free-energy barriers need Planck's constant; add PLANCK h")
    if settings.given("NOPOINTS"):
        growing = ("SURVEY", "STARTFROMPATH", "ADDPATH", "ADDMIN", "CHECKMIN", "CHECKTS", "DUMMYRUN")
        for name in (*growing, *NEED_NETWORK, "AUCSTEPS", *NEED_POINTS):
            if settings.given(name):
                settings.error(name, "not possible with NOPOINTS; remove one of the two")
        if cycles > 0:
            settings.error("CYCLES", "a database without coordinates (NOPOINTS) cannot grow; set CYCLES 0 or remove NOPOINTS")
    for name in ("STARTFROMPATH", "ADDPATH", "ADDMIN", "ADDMINXYZ", "CONNECTPAIRS", "USEPAIRS", "IGNOREPAIRS", *NEED_NETWORK):
        for index, values in enumerate(settings.all(name)):
            if name in NEED_NETWORK and values.file in OWN_DATA:
                # the network's own data, where there is no such file
                continue
            if values.file is not None and not setup.path(values.file).is_file():
                settings.error(name, f"no file {values.file} in {setup.directory.resolve()}; correct the name", index)
    check_superposition(setup)
    check_maintenance(setup)
    check_engine(setup)
    for name in settings["COPYFILES"].files or []:
        if setup.grows and settings.given("EXEC") and not setup.path(name).is_file():
            settings.error("COPYFILES", f"no file {name} in {setup.directory.resolve()}; correct the name")
    if settings.given("EXEC") and (cycles > 0 or settings.given("SURVEY")):
        from pathsample.external import find_executable

        if settings["EXEC"].path and find_executable(settings["EXEC"].path, setup.directory) is None:
            settings.error("EXEC", "no such executable; correct the path, or remove the line to use the optim of this suite")
    from pathsample.kinetics.analysis import check_keywords

    check_keywords(settings, setup.directory)
    for keyword, what in (("AUC", "the property"), ("ROC", "the curve")):
        names = [values.name for values in settings.all(keyword)]
        for index, name in enumerate(names):
            if name in names[:index]:
                settings.error(keyword, f"{what} {name} is computed twice; give a second name: {keyword} file name", index)


def check_superposition(setup):
    """Collect what is wrong with MLSUP."""
    settings = setup.settings
    for name in ("MLSUPDATA", "MLSUPNET", "MLSUPPOOL"):
        if settings.given(name) and not settings.given("MLSUP"):
            settings.error(name, "goes with MLSUP, which is not given; add MLSUP n method")
    if not settings.given("MLSUP"):
        return
    values = settings["MLSUP"]
    if settings.given("NOPOINTS"):
        settings.error("MLSUP", "not possible with NOPOINTS; remove one of the two")
    if values.method == "list" and not values.numbers:
        settings.error("MLSUP", "the numbers of the minima are missing: MLSUP n list m1 m2 ...")
    if values.numbers and values.method not in ("list", "peaks"):
        settings.error("MLSUP", f"{values.method} takes no numbers; remove them, or write list")
    data = settings["MLSUPDATA"]
    for file in (data.train, data.test):
        if file is not None and file not in OWN_DATA and not setup.path(file).is_file():
            name = "MLSUPDATA" if settings.given("MLSUPDATA") else "MLSUP"
            settings.error(name, f"no file {file} in {setup.directory.resolve()}; correct the name")


def check_maintenance(setup):
    """Collect what is missing for the keywords that begin or maintain a database."""
    settings = setup.settings
    needed = {
        "DIJINITSTART": ("odata.start", "odata.finish"),
        "FROMLOWEST": ("lowest",),
        "EXTRACTMINFILE": ("extractmin",),
        "EXTRACTTSFILE": ("extractts",),
        "RETAINSP": ("min.retain",),
    }
    for name, files in needed.items():
        for file in files if settings.given(name) else ():
            if not setup.path(file).is_file():
                settings.error(name, f"no file {file} in {setup.directory.resolve()}; write it")
    if settings.given("REMOVESP") and not any(setup.path(file).is_file() for file in ("min.remove", "ts.remove")):
        settings.error("REMOVESP", f"no file min.remove or ts.remove in {setup.directory.resolve()}; write one")
    for index, values in enumerate(settings.all("MERGEDB")):
        folder = setup.path(values.directory) if values.directory else None
        if folder is not None and not ((folder / DATABASE).is_file() or (folder / MIN_DATA).is_file()):
            settings.error("MERGEDB", f"no {DATABASE} and no {MIN_DATA} in it; correct the name", index)
        elif folder is not None and folder.resolve() == setup.directory.resolve():
            settings.error("MERGEDB", "this is the directory of the database itself; name another one", index)
    if settings.given("EXTRACTMIN") and settings["EXTRACTMIN"].n == -123:
        settings.error("EXTRACTMIN", "points.min is written anew by every run; remove the line")
    if settings.given("DIJINITSTART") and settings.given("STARTFROMPATH"):
        settings.error("DIJINITSTART", "both it and STARTFROMPATH create the database; remove one of the two")


def read_potential(setup):
    """Build the potential and the settings of the searches from odata.connect, or from pathdata where there is none."""
    from common.keywords import load_table, parse_file
    from optim.keyword_settings import settings_from_keywords
    from pathsample.external_system import read_system
    from potentials.selection import potential_from_keywords, potential_table_path

    settings = setup.settings
    setup.potential = read_system(setup)
    if setup.potential is not None:
        return
    source = settings
    path = setup.directory / "odata.connect"
    if path.exists():
        import optim

        table = load_table(Path(optim.__file__).with_name("keywords.yaml"), potential_table_path())
        setup.connect = source = parse_file(path, table)
        source.finish()
        setup.optim = settings_from_keywords(source)
        source.finish()
    elif setup.grows or any(settings.given(name) for name in ("CHECKTS", "FROMLOWEST", "DIJINITSTART", "ADDMINXYZ")):
        raise InputError(
            f"{path}: no such file; it states the settings of the searches (NEWCONNECT, BFGSTS, ...) and the potential"
        )
    # problems with NATOMS or SYSTEM would only cause more of them here
    settings.finish()
    n_variables = 3 * settings["NATOMS"].n if settings["NATOMS"].n else None
    symbol = settings["SYSTEM"].symbol
    setup.potential = potential_from_keywords(source, setup.directory, n_variables=n_variables, symbol=symbol)
    source.finish()
