"""Maintenance of a database: merging, extracting, writing parts of it, log products, and beginning from two geometries."""

import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np

from common.atomic import atomic_write
from common.errors import ConvergenceError, InputError
from pathsample.setup import DATABASE

#: Keywords after which the run stops.
EXTRACTIONS = ("EXTRACTMIN", "EXTRACTMINFILE", "EXTRACTTS", "EXTRACTTSFILE")
#: Points that are merged or written at a time.
PART = 2000
SUBSETS = ("REMOVESP", "RETAINSP", "REMOVEUNCONNECTED")


def stops(settings):
    """Whether a keyword of maintenance ends the run."""
    return any(settings.given(name) for name in (*EXTRACTIONS, *SUBSETS, "FROMLOWEST", "ADDMINXYZ", "DISTANCE", "CALCORDER"))


def maintain(setup, database, report):
    """Do all the maintenance that pathdata asks for.

    Returns
    -------
    list of str
        Names of the files written, beside those of every run.
    """
    settings, files = setup.settings, []
    if settings.given("CHECKCONNECTIONS"):
        from pathsample.measures import connection_counts

        connection_counts(setup, database, report)
    for kind, name in (("minima", "GETMINFRQS"), ("transition_states", "GETTSFRQS")):
        if settings.given(name):
            fill_log_products(setup, database, kind, report)
    for name in EXTRACTIONS:
        if settings.given(name):
            files.append(extract(setup, database, name, report))
    if settings.given("DISTANCE"):
        from pathsample.measures import print_distances

        print_distances(setup, database, report)
    if settings.given("CALCORDER"):
        from pathsample.measures import bond_order

        bond_order(setup, database, report)
    for name in SUBSETS:
        if settings.given(name):
            files += write_subset(setup, database, name, report)
    return files


# Adding


class OtherDatabase:
    """The database in another directory, for MERGEDB: opened and checked at once, read when it is merged.

    Parameters
    ----------
    setup : Setup
    name : str
        The directory, as pathdata names it.

    Raises
    ------
    DatabaseError, InputError
        It belongs to another potential, or its text files cannot be read.
    """

    def __init__(self, setup, name):
        from common.database import Database
        from common.text_database import import_text
        from pathsample.start_from_path import check_text_database

        self.name, folder = name, setup.path(name)
        made_for = {
            "symmetry": setup.symmetry,
            "fingerprint": setup.potential.fingerprint(),
            "n_variables": setup.n_variables,
        }
        self._place = None
        if (folder / DATABASE).is_file():
            self.database = Database(folder / DATABASE, read_only=True, **made_for)
            return
        self._place = tempfile.TemporaryDirectory()
        self.database = Database(Path(self._place.name) / DATABASE, **made_for)
        import_text(folder, self.database, points=True)
        check_text_database(setup, self.database)

    def close(self):
        """Close it."""
        self.database.close()
        if self._place is not None:
            self._place.cleanup()


def parts(count):
    """Ranges of ids that cover 1 to ``count``, a few thousand at a time."""
    return [range(k, min(k + PART, count + 1)) for k in range(1, count + 1, PART)]


def merge(setup, database, source, report):
    """MERGEDB: add minima in their order, then the transition states, in one transaction."""
    from common.stationary_points import Minimum, Triple

    before = database.n_minima, database.n_transition_states
    rules, other, left_out = setup.filters | {"eigenvalue_cut": None}, source.database, 0
    counts = other.n_minima, other.n_transition_states
    with database.transaction():
        ids = [i for numbers in parts(counts[0]) for i, _ in database.add_minima(other.minima(numbers))]
        energies = database.energies()
        for numbers in parts(counts[1]):
            states = other.transition_states(numbers)
            # by their numbers in this database, so that both sides are known whatever the tolerances of the other one
            ends = [(ids[ts.plus - 1], ids[ts.minus - 1]) for ts in states]
            triples = [
                Triple(Minimum(energies[i - 1], None), ts, Minimum(energies[j - 1], None))
                for ts, (i, j) in zip(states, ends)
            ]
            added = database.add_triples(triples, ends=ends, **rules)
            left_out += added.skipped
            report.lines(message for message in added.messages if "writing data" not in message)
    report.line(
        f"mergedb> {source.name}: {counts[0]} minima, {database.n_minima - before[0]} new, {counts[1]} transition states, "
        f"{database.n_transition_states - before[1]} new, {left_out} left out"
    )


def read_lowest(setup):
    """FROMLOWEST: the minima of the file lowest, minimised tightly; those that are none are named in a problem.

    Returns
    -------
    list of Minimum

    Raises
    ------
    InputError
    """
    from common.formats.lowest import read

    return [
        minimised(setup, entry.coordinates, entry.energy, f"lowest: minimum {number}")
        for number, entry in enumerate(read(setup.path("lowest")), 1)
    ]


def read_frames(setup):
    """ADDMINXYZ: the minima that the frames of an xyz file lead to.

    Returns
    -------
    list of (str, list of Minimum)
    """
    from common.formats.xyz import read

    found = []
    for values in setup.settings.all("ADDMINXYZ"):
        frames = enumerate(read(setup.path(values.file)), 1)
        minima = [minimised(setup, frame.coordinates, where=f"{values.file}: frame {number}") for number, frame in frames]
        found.append((values.file, minima))
    return found


def minimised(setup, coordinates, energy=None, where=""):
    """The minimum that a geometry belongs to.

    Raises
    ------
    InputError
        When the minimisation does not converge, or ends at another energy than ``energy``.
    """
    from optim.minimise import quench
    from optim.stationary import characterise_minimum
    from pathsample.start_from_path import ENERGY_MISMATCH

    if np.size(coordinates) != setup.n_variables:
        raise InputError(f"{where}: {np.size(coordinates)} coordinates, this potential has {setup.n_variables}")
    try:
        result = quench(setup.potential, np.asarray(coordinates, dtype=float), setup.optim)
        if not result.converged:
            raise ConvergenceError(result.message)
        minimum = characterise_minimum(setup.potential, result.coordinates, result.energy, setup.optim)
    except ConvergenceError as error:
        raise InputError(f"{where}: no minimum is reached from these coordinates ({error})") from None
    if energy is not None and not abs(minimum.energy - energy) <= ENERGY_MISMATCH * max(1.0, abs(energy)):
        raise InputError(
            f"{where}: energy {energy:.10f} in the file, {minimum.energy:.10f} after minimisation with the potential of this "
            "input; correct SYSTEM, odata.connect or the data, or use the right file"
        )
    return minimum


def read_end_geometries(setup):
    """DIJINITSTART: the minima of odata.start and odata.finish.

    Returns
    -------
    list of two Minimum
    """
    import optim
    from common.formats.coordinates import parse
    from common.keywords import load_table, parse_file
    from potentials.selection import potential_table_path

    found = []
    table = load_table(Path(optim.__file__).with_name("keywords.yaml"), potential_table_path())
    for name in ("odata.start", "odata.finish"):
        settings = parse_file(setup.path(name), table)
        settings.finish()
        body = settings.body("POINTS") or settings.body("VARIABLES")
        if not body:
            raise InputError(f"{name}: no coordinates below POINTS or VARIABLES")
        found.append(minimised(setup, parse(body, name).coordinates, where=name))
    return found


def start_from_geometries(database, minima, report):
    """DIJINITSTART: fill an empty database with two minima and make them the sets A and B."""
    with database.transaction():
        (first, _), (second, new) = (database.add_minimum(minimum) for minimum in minima)
        if not new:
            raise InputError("DIJINITSTART: odata.start and odata.finish lead to the same minimum; give two different ones")
        database.set_endpoints("A", [first])
        database.set_endpoints("B", [second])
    report.line(f"setup> The unique A and B minima are{first:6d} and{second:6d} respectively")


# Log products


def fill_log_products(setup, database, kind, report):
    """GETMINFRQS and GETTSFRQS: compute the log products that are missing."""
    from common.formats.path_info import LOG_PRODUCT_MINIMUM_NOFRQS, LOG_PRODUCT_TS_NOFRQS
    from potentials.characterise import hessian_spectrum

    states, name = kind == "transition_states", kind.replace("_", " ")
    arrays = database.ts_arrays() if states else database.minima_arrays()
    constant = LOG_PRODUCT_TS_NOFRQS if states else LOG_PRODUCT_MINIMUM_NOFRQS
    values = arrays["log_product"]
    missing = np.isnan(values) | (values == 0.0) | (np.abs(values - constant) < 1e-9)
    ids = (np.flatnonzero(missing) + 1).tolist()
    figures = []
    for i in ids:
        spectrum = hessian_spectrum(setup.potential, database.coordinates([i], transition_states=states)[0])
        if spectrum.index != int(states):
            report.line(f"getfrqs> number {i} of the {name} has {spectrum.index} negative eigenvalues; left as it is")
            continue
        figures.append((i, spectrum.log_product, float(np.min(spectrum.values)) if states else None))
    database.set_log_products(kind, figures)
    report.line(f"getfrqs> {len(figures)} log products of {name} computed, {len(values) - len(ids)} were there")


# Extracting


def extract(setup, database, keyword, report):
    """Write the coordinates of some points as extractedmin or extractedts (3F25.15); returns the name of the file."""
    from common.formats.coordinates import text

    states = "TS" in keyword
    count = database.n_transition_states if states else database.n_minima
    if keyword.endswith("FILE"):
        file = "extractts" if states else "extractmin"
        ids = numbers(setup.path(file), count, counted=False)
    else:
        n = setup.settings[keyword].n
        if n > count:
            raise InputError(f"{setup.settings.where(keyword)}: {keyword} {n}, but there are only {count}")
        ids = [n] if n > 0 else range(1, count + 1)
    name = "extractedts" if states else "extractedmin"
    with atomic_write(setup.directory / name) as output:
        for k in range(0, len(ids), PART):
            output.write(text(database.coordinates(ids[k : k + PART], transition_states=states), decimals=15))
    report.line(f"extract> coordinates of {len(ids)} {'transition states' if states else 'minima'} written to {name}")
    return name


def numbers(path, count, counted=True):
    """Numbers of stationary points in a file, one per line; with ``counted`` the first line says how many.

    Raises
    ------
    InputError
        Naming file and line.
    """
    values = []
    for line_number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for word in line.split():
            if not word.isdigit():
                raise InputError(f"{path.name}:{line_number}: expected a number, found '{word}'")
            values.append((int(word), line_number))
    if counted:
        if not values or len(values) - 1 != values[0][0]:
            said = values[0][0] if values else "nothing"
            follow = max(len(values) - 1, 0)
            raise InputError(f"{path.name}:1: says {said}, but {follow} numbers follow; correct the first line")
        values = values[1:]
    for value, line_number in values:
        if not 1 <= value <= count:
            raise InputError(f"{path.name}:{line_number}: number {value}, but there are {count}")
    return [value for value, _ in values]


# Parts of a database


def write_subset(setup, database, keyword, report):
    """REMOVESP, RETAINSP and REMOVEUNCONNECTED: write part of the database beside it; returns the names of the files."""
    minima, states, ending = chosen_part(setup, database, keyword)
    return write_part(setup, database, minima, states, ending, report)


def chosen_part(setup, database, keyword):
    """Which points stay.

    Returns
    -------
    minima, states : set of int
        Numbers of those that go.
    ending : str
        Of the files.
    """
    n_minima, n_ts = database.n_minima, database.n_transition_states

    def listed(name, count):
        path = setup.path(name)
        return set(numbers(path, count)) if path.is_file() else None

    if keyword == "REMOVESP":
        return listed("min.remove", n_minima) or set(), listed("ts.remove", n_ts) or set(), "removed"
    if keyword == "RETAINSP":
        keep_minima, keep_states = listed("min.retain", n_minima), listed("ts.retain", n_ts)
        gone = set(range(1, n_ts + 1)) - keep_states if keep_states is not None else set()
        return set(range(1, n_minima + 1)) - keep_minima, gone, "retained"
    from pathsample.network import Network

    network = Network(database, setup.symmetry)
    labels = network.labels()
    wanted = setup.settings[keyword].set.upper()
    reference = [i for name in wanted for i in network.endpoints[name]] or [network.global_minimum]
    keep = np.isin(labels, labels[np.array(reference) - 1])
    return set((np.flatnonzero(~keep) + 1).tolist()), set(), "removed"


def write_part(setup, database, minima, states, ending, report):
    """A copy of the database without some points, and its text files, each with an ending."""
    from common.database import Database
    from common.text_database import export_text

    if len(minima) == database.n_minima:
        raise InputError(f"{setup.settings.name}: no minimum would be left; correct the list")
    place = Path(tempfile.mkdtemp(prefix=".part-", dir=setup.directory))
    try:
        copy = place / DATABASE
        database.copy_to(copy)
        with closing(Database(copy, symmetry=setup.symmetry)) as part:
            part.remove_transition_states(states)
            part.remove_minima(minima)
            part.drop_jobs()
            part.set_meta("growth", None)
            files = export_text(part, place)
            counts = part.n_minima, part.n_transition_states
        written = [f"landscape.{ending}.db"]
        os.replace(copy, setup.directory / written[0])
        for path in files:
            written.append(f"{path.name}.{ending}")
            os.replace(path, setup.directory / written[-1])
    finally:
        shutil.rmtree(place, ignore_errors=True)
    report.line(
        f"maintenance> {database.n_minima - counts[0]} minima and {database.n_transition_states - counts[1]} transition states "
        f"left out; {counts[0]} minima and {counts[1]} transition states written to {', '.join(written)}"
    )
    return written
