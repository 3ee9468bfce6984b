"""The story of a run: read the input, open the database, add what files hold, grow, check, measure, export, sum up."""

import time
from contextlib import closing, nullcontext

from common import stop
from common.errors import EXIT_BAD_INPUT, EXIT_DONE, EXIT_GOAL_NOT_REACHED, InputError, StoppedError
from pathsample.engines import make_workers, processes, rank_under_mpi, seconds_left
from pathsample.maintenance import maintain, stops
from pathsample.setup import read_setup
from pathsample.summary import Report, database_lines, header, summary

#: Keywords that measure networks with data.
MEASURES = ("AUC", "ROC", "MISCLASSIFICATION")
#: Keywords that can make a database where there is none.
CREATE = {"STARTFROMPATH", "ADDMIN", "ADDMINXYZ", "ADDPATH", "MERGEDB", "FROMLOWEST", "DIJINITSTART"}


def run(directory=".", check=False, verify=False):
    """Do what pathdata in a directory says.

    Parameters
    ----------
    directory : str or Path
    check : bool
        Validate the input and stop; nothing is written.
    verify : bool
        Check every stationary point of the database and stop.

    Returns
    -------
    int
        Exit status: 0 done, 1 a check failed.

    Raises
    ------
    InputError
        Before anything is written.
    StoppedError
        After a signal, with everything found so far in the database.
    """
    rank = rank_under_mpi(directory)
    try:
        setup = read_setup(directory)
    except InputError:
        if rank:
            # the process of rank 0 says what is wrong
            return EXIT_BAD_INPUT
        raise
    if check:
        return EXIT_DONE if rank else check_input(setup)
    limit = seconds_left(setup.settings)
    if limit is not None:
        stop.set_time_limit(limit)
    with processes(setup) as driver:
        return work(setup, verify) if driver else EXIT_DONE


def check_input(setup):
    """Read everything, and write nothing but that it is right."""
    read_files(setup)
    Report().line(f"{setup.settings.name}: no problems found")
    return EXIT_DONE


def work(setup, verify=False):
    """Do what a pathdata that was read says; arguments and result as for `run`."""
    started = time.process_time()
    report = Report()
    if verify and setup.external:
        raise InputError(f"--verify: needs energies of {setup.potential.name}, which this suite does not have")
    if verify:
        return EXIT_DONE if run_checks(setup, report, everything=True) else EXIT_GOAL_NOT_REACHED
    files = read_files(setup)
    if setup.settings.given("CUDA") and setup.grows and not setup.settings.given("DUMMYRUN"):
        from pathsample.packages import check_device

        check_device(setup)
    header(setup, report)
    if setup.settings.given("DUMMYRUN"):
        return show_choice(setup, report)
    growth, passed, results = None, True, []
    with open_database(setup, files, report) as database:
        adopt_endpoints(setup, database, report)
        database_lines(database, report)
        continued = interrupted(database)
        run_id = database.record_run("pathsample", version=_version(), seed=setup.seed, settings=setup.settings.echo())
        status = "stopped"
        try:
            results += maintain(setup, database, report)
            if setup.grows and not (setup.settings.given("ADDMIN") or stops(setup.settings)):
                growth = grow(setup, database, report, continued)
            results += measure_networks(setup, database, files, report)
            analysed, kinetics = analyse(setup, database, report)
            results += kinetics
            status = "done"
        except StoppedError as error:
            report.line(f"main> {error}")
            raise
        finally:
            database.finish_run(run_id, status)
            written = write_files(setup, database)
        written += results
        summary(setup, database, growth, written, time.process_time() - started, report)
        if setup.settings.given("CHECKMIN") or setup.settings.given("CHECKTS"):
            passed = run_checks(setup, report, database=database)
    return EXIT_DONE if passed and analysed else EXIT_GOAL_NOT_REACHED


def look(directory=".", status=False, plot=None, job_script=False):
    """Print or draw something about a database that stays as it is, or write a batch script.

    Parameters
    ----------
    directory : str or Path
    status, job_script : bool
    plot : {"survey", "rates", "fpt", "cv", "committor"}, optional

    Returns
    -------
    int
        Exit status.
    """
    from common.database import Database

    report, setup = Report(), read_setup(directory)
    if job_script:
        from pathsample.job_script import write_job_script

        write_job_script(setup, report)
    if status or plot:
        with Database(setup.database_path, symmetry=setup.symmetry, read_only=True) as database:
            if status:
                from pathsample.status import status_lines

                report.lines(status_lines(setup, database))
            if plot == "survey":
                from pathsample.plots import plot_survey

                plot_survey(database, setup.directory, report)
            elif plot:
                from pathsample.analysis_plots import draw

                draw(plot, setup, database, report)
    return EXIT_DONE


def _version():
    from common import __version__

    return __version__


def read_files(setup):
    """Read every file that pathdata names, before anything is written.

    Returns
    -------
    dict
        Contents by keyword: STARTFROMPATH, ADDPATH, ADDMIN, AUC.
    """
    from pathsample import start_from_path

    settings = setup.settings
    files, problems = {}, []

    def collect(name, read):
        try:
            files[name] = read()
        except InputError as error:
            problems.extend(error.problems)

    if settings.given("STARTFROMPATH") and not interrupted_start(setup):
        start_from_path.refuse_existing(setup.directory)
    if settings.given("STARTFROMPATH"):
        collect("STARTFROMPATH", lambda: start_from_path.read_triples(setup, settings["STARTFROMPATH"].file))
    if settings.given("ADDPATH"):
        collect(
            "ADDPATH", lambda: [(v.file, start_from_path.read_triples(setup, v.file)) for v in settings.all("ADDPATH")]
        )
    if settings.given("ADDMIN"):
        collect("ADDMIN", lambda: start_from_path.read_added_minima(setup))
    if settings.given("MERGEDB"):
        from pathsample.maintenance import OtherDatabase

        collect("MERGEDB", lambda: [OtherDatabase(setup, v.directory) for v in settings.all("MERGEDB")])
    if settings.given("FROMLOWEST"):
        from pathsample.maintenance import read_lowest

        collect("FROMLOWEST", lambda: [("lowest", read_lowest(setup))])
    if settings.given("ADDMINXYZ"):
        from pathsample.maintenance import read_frames

        collect("ADDMINXYZ", lambda: read_frames(setup))
    if settings.given("DIJINITSTART"):
        from pathsample.maintenance import read_end_geometries

        if not interrupted_start(setup, "DIJINITSTART"):
            start_from_path.refuse_existing(setup.directory)
        collect("DIJINITSTART", lambda: read_end_geometries(setup))
    for name in MEASURES:
        if settings.given(name):
            from pathsample.learning.data import read_data

            collect(name, lambda name=name: [(v, *read_data(setup, v, name)) for v in settings.all(name)])
    if any(settings.given(name) for name in ("PICTURES", "SENSITIVITY", "COPIES", "WEIGHTPATH")):
        from pathsample.learning.network_pictures import check

        collect("PICTURES", lambda: check(setup))
    if settings.given("MLSUP"):
        from pathsample.learning.mlsup import read_superposition

        collect("MLSUP", lambda: read_superposition(setup))
    if settings.given("AUCSTEPS"):
        from pathsample.learning.auc_steps import read_quenches

        collect("AUCSTEPS", lambda: read_quenches(setup))
    if settings.given("BASINVOLUME") or settings.given("BASINS"):
        from pathsample.basins.analysis import check as check_basins

        collect("BASINS", lambda: check_basins(setup))
    if settings.given("CONNECTPAIRS"):
        from pathsample.pairs import ConnectPairs

        collect("CONNECTPAIRS", lambda: ConnectPairs.from_file(setup.path(settings["CONNECTPAIRS"].file)))
    if problems:
        raise InputError(problems)
    return files


def interrupted_start(setup, keyword="STARTFROMPATH"):
    """Whether landscape.db comes from a run with the same STARTFROMPATH that did not end, and so may be continued."""
    from common.database import Database

    if not setup.database_path.exists():
        return False
    line = next(line for line in setup.settings.echo() if line.split()[0] == keyword)
    with closing(Database(setup.database_path, read_only=True)) as database:
        return interrupted(database) and line in database.runs()[-1]["settings"].splitlines()


def open_database(setup, files, report):
    """Open landscape.db, or create it from the text files; add the stationary points of the files that were read.

    Returns
    -------
    Database

    Raises
    ------
    InputError
        If there is nothing to work on, or the database belongs to another potential; then nothing has been written.
    """
    from common.database import Database
    from pathsample import start_from_path

    path = setup.database_path
    new = not path.exists()
    text = new and start_from_path.has_text_database(setup.directory)
    empty = new and not text and not files.keys() & CREATE
    if empty and not setup.settings.given("SURVEY"):
        raise InputError(
            f"setup> ERROR - no {path.name} and no min.data file in {setup.directory.resolve()}; "
            "run gmin there first, or begin with STARTFROMPATH, ADDMIN or SURVEY"
        )
    fingerprint = None if setup.potential is None else setup.potential.fingerprint()
    arguments = {
        "symmetry": setup.symmetry,
        "fingerprint": fingerprint,
        "n_variables": setup.n_variables,
        **setup.tolerances,
    }
    if new:
        # a new database that is not told otherwise has the tolerances of the keyword table
        for key, keyword in (("energy_tolerance", "EDIFFTOL"), ("distance_tolerance", "GEOMDIFFTOL")):
            arguments.setdefault(key, setup.settings[keyword].tolerance)
    database = Database(path, **arguments)
    try:
        if text:
            start_from_path.import_text_database(setup, database, report)
        add_files(setup, database, files, report)
        if not database.n_minima and setup.settings.given("SURVEY") and setup.optim is not None:
            from pathsample.survey import first_minima

            added = sum(new for _, new in database.add_minima(first_minima(setup)))
            report.line(f"setup> the survey starts from {added} minima of random starting points")
    except BaseException as error:
        database.close()
        if new and (empty or isinstance(error, InputError)):
            # nothing is written after a bad input
            path.unlink()
        raise
    return database


def add_files(setup, database, files, report):
    """Add the stationary points of the files that were read."""
    from pathsample import start_from_path

    if "STARTFROMPATH" in files and not database.endpoints("A"):
        start_from_path.start_from_path(setup, database, files["STARTFROMPATH"], report)
    if "ADDPATH" in files:
        start_from_path.add_paths(setup, database, files["ADDPATH"], report)
    if "ADDMIN" in files:
        start_from_path.add_minima(database, files["ADDMIN"], report)
    for name in ("FROMLOWEST", "ADDMINXYZ"):
        if name in files:
            start_from_path.add_minima(database, files[name], report)
    if "MERGEDB" in files or "DIJINITSTART" in files:
        from pathsample.maintenance import merge, start_from_geometries

        for source in files.get("MERGEDB", ()):
            with closing(source):
                merge(setup, database, source, report)
        if "DIJINITSTART" in files and not database.endpoints("A"):
            start_from_geometries(database, files["DIJINITSTART"], report)


def adopt_endpoints(setup, database, report):
    """Take over min.A and min.B where they were edited since the last run: they are input files of the classic program."""
    from common.formats import endpoints

    for name, file in (("A", "min.A"), ("B", "min.B")):
        path = setup.directory / file
        if path.exists() and database.n_minima:
            members = endpoints.read(path, database.n_minima)
            if members != database.endpoints(name):
                database.set_endpoints(name, members)
                report.line(f"setup> set {name} of {database.path.name} is now that of {file}")


def interrupted(database):
    """Whether the last run of pathsample on this database did not come to its end."""
    runs = [run for run in database.runs() if run["program"] == "pathsample"]
    return bool(runs) and runs[-1]["status"] != "done"


def grow(setup, database, report, continued=False):
    """Run the cycles of searches, or those that are left of an interrupted run."""
    from pathsample.growth import Growing

    stop.raise_if_requested()
    with make_workers(setup, database) as engine:
        return Growing(setup, database, engine, report, continued).run()


def show_choice(setup, report):
    """DUMMYRUN: print the first choice of searches, on a database opened for reading."""
    from common.database import Database
    from pathsample.growth import dummy_run

    with Database(setup.database_path, symmetry=setup.symmetry, read_only=True) as database:
        dummy_run(setup, database, report)
    return EXIT_DONE


def measure_networks(setup, database, files, report):
    """AUC, ROC, MISCLASSIFICATION, MLSUP, AUCSTEPS: what the networks make of data; returns the files written."""
    written = []
    if files.keys() & {*MEASURES, "MLSUP"}:
        from pathsample.learning.measure import measure_networks as measure

        written += measure(setup, database, files, report)
    if "AUCSTEPS" in files:
        from pathsample.learning.auc_steps import measure_steps

        written += measure_steps(setup, database, files["AUCSTEPS"], report)
    return written


def analyse(setup, database, report):
    """Kinetics and thermodynamics; whether they reached their goals, and the files they wrote."""
    from pathsample.thermodynamics.analysis import analyse as thermodynamics
    from pathsample.thermodynamics.analysis import wanted as quantities

    passed, written = True, []
    if quantities(setup.settings):
        passed, written = thermodynamics(setup, database, report)
    if setup.settings.given("NETWORK"):
        from pathsample.networks.analysis import analyse_network

        written += analyse_network(setup, database, report)
    if any(setup.settings.given(name) for name in ("PICTURES", "SENSITIVITY", "COPIES")):
        from pathsample.learning.network_pictures import draw_pictures

        written += draw_pictures(setup, database, report)
    if setup.settings.given("WEIGHTPATH"):
        from pathsample.learning.weight_path import write_weight_path

        written += write_weight_path(setup, database, report)
    if setup.settings.given("BASINVOLUME") or setup.settings.given("BASINS"):
        from pathsample.basins.analysis import measure_basins

        written += measure_basins(setup, database, report)
    from pathsample.kinetics.analysis import analyse as kinetics
    from pathsample.kinetics.analysis import wanted

    if wanted(setup.settings):
        done, more = kinetics(setup, database, report)
        passed, written = passed and done, written + more
    return passed, written


def run_checks(setup, report, database=None, everything=False):
    """CHECKMIN, CHECKTS and --verify: print the table; True when everything passed."""
    from common.database import Database
    from common.progress import progress
    from pathsample.verify import table, verify

    arguments = {"symmetry": setup.symmetry, "fingerprint": setup.potential.fingerprint(), "n_variables": setup.n_variables}
    opened = nullcontext(database) if database else Database(setup.database_path, read_only=True, **arguments)
    with opened as database, make_workers(setup, database) as engine:
        minima = _range(setup, "CHECKMIN", database.n_minima, everything)
        states = _range(setup, "CHECKTS", database.n_transition_states, everything)
        with progress(len(minima) + len(states), "checks") as bar:
            result = verify(setup, database, engine, minima, states, bar)
    report.lines(table(result))
    return result.passed


def _range(setup, name, count, everything):
    """Which stationary points a check is to look at."""
    if everything:
        return list(range(1, count + 1))
    if not setup.settings.given(name):
        return []
    values = setup.settings[name]
    if values.first is None:
        return list(range(1, count + 1))
    last = values.last or values.first
    if last > count:
        raise InputError(f"{setup.settings.where(name)}: {name} {values.first} {last}, but there are only {count}")
    return list(range(values.first, last + 1))


def write_files(setup, database):
    """Bring the text files up to date; returns the names of all files written."""
    if setup.potential is None and not database.n_minima:
        return []
    from pathsample.export import export

    return export(setup, database)
