"""Stationary points from files: STARTFROMPATH, ADDPATH, ADDMIN, and a text database that is taken over.

A point from a file keeps the coordinates, energy and point-group order of the file bit for bit; what the file does not
state (inertia, log product) is computed from what it does.
"""

import math
from dataclasses import replace

from common.errors import InputError
from pathsample.setup import DATABASE_FILES, MIN_A, MIN_B, MIN_DATA

#: Relative difference between the energy in a file and that of the potential which rounding in print cannot explain.
ENERGY_MISMATCH = 1e-6
#: Minima of a text database that are compared with the potential.
CHECKED_MINIMA = 200


def refuse_existing(directory):
    """Guard rail of STARTFROMPATH: it never adds to, and never overwrites, an existing database.

    Raises
    ------
    InputError
    """
    problems = [
        f"ERROR - file {name} already exists. Will not overwrite. Use ADDPATH to add to it, or start in another directory"
        for name in DATABASE_FILES
        if (directory / name).exists()
    ]
    if problems:
        raise InputError(problems)


def read_triples(setup, name):
    """Triples of a path.info file, with the inertia that the file does not state.

    Returns
    -------
    common.formats.path_info.Triples

    Raises
    ------
    InputError
        Naming file and line; also when the energies are not those of the potential.
    """
    from common.formats.path_info import read
    from common.stationary_points import with_inertia

    symmetry = setup.symmetry
    frequencies = not setup.settings.given("NOFRQS")
    triples = read(setup.path(name), setup.n_variables, frequencies=frequencies, n_zero=symmetry.n_zero)
    if not triples:
        raise InputError(f"{name}: no complete minimum, transition state, minimum triple in it")
    for k, triple in enumerate([] if setup.external else triples):
        for point in (triple.plus, triple.transition_state, triple.minus):
            check_energy(setup.potential, point, f"{name}: triple {k + 1}")

    triples[:] = [with_inertia(triple, symmetry) for triple in triples]
    return triples


def check_energy(potential, point, where):
    """Refuse a stationary point whose energy is not that of the potential: it belongs to another one."""
    energy = potential.energy(point.coordinates)
    if not abs(energy - point.energy) <= ENERGY_MISMATCH * max(1.0, abs(point.energy)):
        raise InputError(
            f"{where}: energy {point.energy:.10f} in the file, {energy:.10f} with the potential of this input; "
            "correct SYSTEM, odata.connect or the data, or use the right file"
        )


def start_from_path(setup, database, triples, report):
    """STARTFROMPATH: fill an empty database and set A and B."""
    values = setup.settings["STARTFROMPATH"]
    with database.transaction():
        added = database.add_triples(triples, **setup.filters)
        report.lines(triples.warnings)
        for member in (values.a, values.b):
            if member > database.n_minima:
                raise InputError(
                    f"{setup.settings.where('STARTFROMPATH')}: minimum {member} is to be in min.A or min.B, "
                    f"but {values.file} gives {database.n_minima} minima"
                )
        database.set_endpoints("A", [values.a])
        database.set_endpoints("B", [values.b])
    report.lines(added.messages)
    report.line(f"setup> The unique A and B minima are{values.a:6d} and{values.b:6d} respectively")


def add_paths(setup, database, files, report):
    """ADDPATH: add the triples of one or more path.info files, one transaction each."""
    for name, triples in files:
        report.lines(f"addpath> {warning}" for warning in triples.warnings)
        added = database.add_triples(triples, **setup.filters)
        report.lines(added.messages)
        report.line(
            f"addpath> {name}: {len(triples)} triples, {len(added.new_minima)} new minima, "
            f"{len(added.new_transition_states)} new transition states, {added.known} known, {added.skipped} left out"
        )


def read_added_minima(setup):
    """The minima of all ADDMIN files, as (file name, list of Minimum); a log product that a file does not state is computed."""
    from common.formats.min_data_info import read
    from potentials.characterise import hessian_spectrum

    files = []
    for values in setup.settings.all("ADDMIN"):
        minima = read(setup.path(values.file), setup.n_variables)
        for k, minimum in enumerate(minima):
            if setup.external:
                continue
            check_energy(setup.potential, minimum, f"{values.file}: minimum {k + 1}")
            if math.isnan(minimum.log_product):
                spectrum = hessian_spectrum(setup.potential, minimum.coordinates)
                minima[k] = replace(minimum, log_product=spectrum.log_product)
        files.append((values.file, minima))
    return files


def add_minima(database, files, report):
    """ADDMIN: add minima, one transaction per file."""
    for name, minima in files:
        added = database.add_minima(minima)
        new = sum(1 for _, is_new in added if is_new)
        report.line(f"addmin> {name}: {len(minima)} minima, {new} new, total min={database.n_minima:8d}")


def has_text_database(directory):
    """Whether there is a classic text database (min.data)."""
    return (directory / MIN_DATA).exists()


def import_text_database(setup, database, report):
    """Take over min.data, ts.data, points and min.A, min.B of a directory without landscape.db.

    Raises
    ------
    InputError
        A file is truncated or does not fit the others; the inertia or energies are not those of the points and the potential.
    """
    from common.text_database import import_text

    without_points = setup.settings.given("NOPOINTS")
    import_text(setup.directory, database, points=not without_points)
    if not without_points:
        check_text_database(setup, database)
    for name, label in ((MIN_A, "A"), (MIN_B, "B")):
        if not (setup.directory / name).exists():
            report.line(f"setup> no {name} file, so that set {label} is empty")
    report.line(f"setup> {MIN_DATA} and the files beside it were taken over into {database.path.name}")


def check_text_database(setup, database):
    """Compare the first, last and some other minima of a text database with the potential, and their inertia with ITOL."""
    tolerance = setup.settings["ITOL"].tolerance
    step = max(1, database.n_minima // CHECKED_MINIMA)
    for number in sorted({*range(1, database.n_minima + 1, step), database.n_minima}):
        minimum = database.minimum(number)
        if not setup.external:
            check_energy(setup.potential, minimum, f"{MIN_DATA}:{number}")
        inertia = setup.symmetry.inertia(minimum.coordinates)
        worst = max(abs(a - b) for a, b in zip(inertia, minimum.inertia))
        if not worst <= tolerance:
            raise InputError(
                f"{MIN_DATA}:{number}: inertia differs by {worst:.3g} from that of the points, ITOL allows {tolerance:.3g}; "
                "points.min belongs to another min.data, or raise ITOL"
            )
