"""Where the stationary points come from: min.data and ts.data, or landscape.db; and files with values of the minima."""

from pathlib import Path

import numpy as np

from common.errors import InputError
from disconnect.network import free_energies, network

DATABASE = "landscape.db"


def read_text(minima_path, ts_path, temperature=None):
    """Read min.data (first column) and ts.data (columns 1, 4 and 5) as a `Network`.

    With a temperature (kT) the first three columns of min.data and the first five of ts.data give free energies.

    Raises
    ------
    InputError
        A file is missing or has a line that cannot be read, with file and line.
    """
    minima = _columns(minima_path, (0,) if temperature is None else (0, 1, 2), "a minimum")
    *states, plus, minus = _columns(ts_path, (0, 3, 4) if temperature is None else (0, 1, 2, 3, 4), "a transition state")
    for values in (plus, minus):
        wrong = np.flatnonzero(values != np.rint(values))
        if wrong.size:
            raise InputError(
                f"{ts_path}:{wrong[0] + 1}: '{values[wrong[0]]:g}' is not the number of a minimum; expected integers"
            )
    names = {"minima_name": str(minima_path), "ts_name": str(ts_path)}
    return _network_at(temperature, minima, (*states, plus, minus), names)


def _network_at(temperature, minima, states, names):
    """A network of energies, or of free energies."""
    if temperature is None:
        return network(minima[0], *states, **names)
    for columns, name in ((minima, names["minima_name"]), (states, names["ts_name"])):
        wrong = np.flatnonzero(~np.isfinite(columns[1]) | ~(columns[2] > 0))
        if wrong.size:
            raise InputError(
                f"{name}:{wrong[0] + 1}: TEMPERATURE needs the log product of the Hessian eigenvalues and the point-group order"
            )
    # The checks of numbers and indices come first.
    network(minima[0], states[0], states[3], states[4], **names)
    return network(*free_energies(minima, states, temperature), **names)


def read_database(path, temperature=None):
    """Read a ``landscape.db`` as a `Network`; with a temperature (kT) one of free energies.

    Raises
    ------
    InputError
        The file is missing or is no database of this suite.
    """
    if not Path(path).exists():
        raise InputError(
            f"{path}: there is no such database; pathsample and gmin make it, or name text files with MINIMA and TS"
        )
    from common.database import Database

    with Database(path, read_only=True) as database:
        minima = database.minima_arrays()
        states = database.ts_arrays()
    names = {"minima_name": str(path), "ts_name": str(path), "database": Path(path)}
    kept = ("energy",) if temperature is None else ("energy", "log_product", "order")
    columns = tuple(states[key] for key in (*kept, "plus", "minus"))
    return _network_at(temperature, tuple(minima[key] for key in kept), columns, names)


def _columns(path, columns, what):
    """Columns of a text file as float arrays; errors name file and line."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; correct MINIMA or TS in dinfo") from None
    lines = data.split(b"\n")
    filled = [line for line in lines if line.strip()]
    if not filled:
        return tuple(np.empty(0) for _ in columns)
    try:
        rows = np.loadtxt(filled, usecols=columns, ndmin=2, comments=None, dtype=np.float64)
        if rows.shape[0] == len(filled):
            return tuple(np.ascontiguousarray(rows[:, k]) for k in range(len(columns)))
    except (ValueError, IndexError):
        pass
    return _columns_by_line(path, lines, columns, what)


def _columns_by_line(path, lines, columns, what):
    """The slow way, for numbers with D exponents and to find the line that is wrong."""
    from common.fortran_numbers import read_real

    rows = []
    for number, line in enumerate(lines, 1):
        words = line.decode("ascii", "replace").replace(",", " ").split()
        if not words:
            continue
        if len(words) <= columns[-1]:
            raise InputError(f"{path}:{number}: {len(words)} columns, {what} needs {columns[-1] + 1}; is the file complete?")
        rows.append([])
        for column in columns:
            try:
                rows[-1].append(read_real(words[column]))
            except ValueError:
                raise InputError(f"{path}:{number}: '{words[column]}' in column {column + 1} is not a number") from None
    return tuple(np.array(column) for column in zip(*rows))


def read_values(path, n_minima):
    """One value per minimum from a text file: line k for minimum k, or a table with the numbers of the minima.

    A table has two columns, the number of a minimum and its value, separated by blanks or a comma; a first line that is no
    number is a heading. Minima that are not listed get NaN.

    Returns
    -------
    values : ndarray, shape (n_minima,)
    heading : str or None

    Raises
    ------
    InputError
        The file cannot be read or does not fit the number of minima.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    from common.fortran_numbers import read_real

    heading = None
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        try:
            rows.append((number, [float("nan") if word.lower() in ("nan", "-") else read_real(word) for word in words[:2]]))
        except ValueError:
            if rows or heading is not None:
                raise InputError(f"{path}:{number}: '{' '.join(words)}' is not a value per minimum") from None
            heading = words[-1].strip("#").strip() or None
    values = np.full(n_minima, np.nan)
    if rows and len(rows[0][1]) == 2:
        for number, row in rows:
            if len(row) != 2 or row[0] != int(row[0]) or not 1 <= row[0] <= n_minima:
                raise InputError(f"{path}:{number}: expected the number of a minimum (1 to {n_minima}) and its value")
            values[int(row[0]) - 1] = row[1]
    else:
        if len(rows) > n_minima:
            raise InputError(f"{path}: {len(rows)} values, but there are {n_minima} minima; one line per minimum is expected")
        values[: len(rows)] = [row[0] for _, row in rows]
    return values, heading


def first_values(path, most):
    """The first number of each of the first `most` lines that are not blank, as a list-directed read of Fortran takes them.

    Raises
    ------
    InputError
        The file cannot be read or a line does not begin with a number.
    """
    from common.fortran_numbers import read_real

    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    values = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace(",", " ").split()
        if not words or len(values) == most:
            continue
        try:
            values.append(read_real(words[0]))
        except ValueError:
            raise InputError(f"{path}:{number}: '{words[0]}' is not a value per minimum") from None
    return np.array(values)
