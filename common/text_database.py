"""The database as the files of PATHSAMPLE: min.data, ts.data, points.min, points.ts, min.A and min.B.

Both ways lose nothing that the files can hold: the numbers of the minima and transition states, their order, the coordinates
bit for bit, the printed digits of the rest. What only ``landscape.db`` knows (point-group symbols, properties, attempts, jobs)
is not in the files.
"""

from pathlib import Path

import numpy as np

from common.atomic import atomic_write
from common.errors import DatabaseError, InputError

MIN_DATA, TS_DATA = "min.data", "ts.data"
POINTS_MIN, POINTS_TS = "points.min", "points.ts"
SETS = {"A": "min.A", "B": "min.B"}

#: Names of the two columns that min.data has with LOWESTFRQ, as properties.
EXTRA = ("lowest_curvature", "lowest_squared_frequency")
#: The property that says ts.data had its ninth column (IMFRQ), and so will have it again.
_NINTH = "negative_eigenvalue_in_ts_data"


def import_text(directory, database, *, points=None):
    """Take the text files of a directory over into an empty database, in one transaction.

    Parameters
    ----------
    directory : str or path-like
        Holds min.data, and as far as they exist ts.data, points.min, points.ts, min.A and min.B.
    database : Database
        Open for writing, without minima.
    points : bool, optional
        False does not read the points files (classic keyword NOPOINTS), True demands them; None takes them when they are there.

    Raises
    ------
    InputError
        A file is missing, cannot be read, is truncated, or does not fit the others; named with its line.
    DatabaseError
        The database holds minima already.
    """
    from common.formats import endpoints, min_data, ts_data

    directory = Path(directory)
    if database.n_minima:
        raise DatabaseError(
            f"{database.path}: holds {database.n_minima} minima already; text files are imported into a new database only"
        )
    minima = min_data.read(directory / MIN_DATA)
    count = len(minima["energy"])
    none = {name: np.empty(0) for name in ("energy", "log_product", "order", "plus", "minus")} | {"inertia": np.empty((0, 3))}
    states = ts_data.read(directory / TS_DATA, count) if (directory / TS_DATA).exists() else none
    x_minima, x_states = _read_points(directory, database.n_variables, count, len(states["energy"]), points)
    for columns, name in ((minima, MIN_DATA), (states, TS_DATA)):
        wrong = np.flatnonzero(~np.isfinite(columns["energy"]))
        if wrong.size:
            raise InputError(f"{directory / name}: the energy of number {wrong[0] + 1} is not finite; remove this point")
    sets = {name: endpoints.read(directory / file, count) for name, file in SETS.items() if (directory / file).exists()}
    with database.transaction():
        database.append_minima(minima, x_minima)
        database.append_transition_states(states, x_states)
        for name, members in sets.items():
            database.set_endpoints(name, members)
        for name, values in zip(EXTRA, minima.get("extra", np.empty((0, 0))).T):
            database.set_property(name, np.arange(1, count + 1), values)
        if "negative_eigenvalue" in states:
            database.set_meta(_NINTH, True)


def _read_points(directory, n_variables, n_minima, n_states, wanted):
    """Coordinates of the minima and the transition states, or None and None."""
    from common.formats import points

    paths = directory / POINTS_MIN, directory / POINTS_TS
    sizes = [path.stat().st_size if path.exists() else 0 for path in paths]
    if wanted is False or (wanted is None and not any(sizes)):
        return None, None
    if n_variables is None:
        if not n_minima or not sizes[0] or sizes[0] % (8 * n_minima):
            raise InputError(
                f"{paths[0]}: {sizes[0]} bytes are not whole numbers for the {n_minima} minima of {MIN_DATA}; "
                "the file is truncated or belongs to another database"
            )
        n_variables = sizes[0] // (8 * n_minima)
    x_minima = points.read(paths[0], n_variables, n_minima)
    x_states = points.read(paths[1], n_variables, n_states) if n_states or sizes[1] else np.empty((0, n_variables))
    for x, path in zip((x_minima, x_states), paths):
        wrong = np.flatnonzero(~np.isfinite(x).all(axis=1))
        if wrong.size:
            raise InputError(f"{path}: point {wrong[0] + 1} has coordinates that are not finite; the file is damaged")
    return x_minima, x_states


def export_text(database, directory):
    """Write the database as text files.

    Each file is replaced as a whole, in an order in which an interruption leaves files that can be read together: a points file
    may be longer than its data file, and min.data longer than ts.data knows.

    Parameters
    ----------
    database : Database
    directory : str or path-like

    Returns
    -------
    list of Path
        The files written. The sets A and B are written when they have members.
    """
    from common.formats import endpoints, min_data, ts_data

    directory = Path(directory)
    minima, states = database.minima_arrays(), database.ts_arrays()
    extra = [database.property(name) for name in EXTRA if name in database.property_names()]
    if len(extra) == len(EXTRA) and not np.isnan(extra).any():
        minima["extra"] = np.column_stack(extra)
    if not database.meta(_NINTH) or np.isnan(states["negative_eigenvalue"]).any():
        del states["negative_eigenvalue"]
    written = []

    def write(name, writer, *content):
        writer(directory / name, *content)
        written.append(directory / name)

    write(POINTS_MIN, _write_points, database, "minima")
    write(MIN_DATA, min_data.write, minima)
    write(POINTS_TS, _write_points, database, "transition_states")
    write(TS_DATA, ts_data.write, states)
    for name, file in SETS.items():
        members = database.endpoints(name)
        if members:
            write(file, endpoints.write, members)
    return written


def _write_points(path, database, table):
    """The coordinates one after the other, as they are stored; an empty file where there are none (NOPOINTS)."""
    with atomic_write(path, "wb") as file:
        for blob in database.coordinate_blobs(table):
            file.write(blob)
